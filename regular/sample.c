/*
 * Sample words of syntax trees.
 */
#include "regular/sample.h"

#include "dialplan/alias.h"

const struct cw_syntax *cw_syntax_next(struct cw_syntax_place *place, bool backward)
{
	const struct cw_syntax *parent;

	while (place->parent) {
		parent = place->parent;
		if (parent->kind == CW_SYNTAX_SEQUENCE && backward && place->child > 0)
			return parent->children[--place->child];
		if (parent->kind == CW_SYNTAX_SEQUENCE && !backward &&
			place->child + 1 < parent->n_children)
			return parent->children[++place->child];
		*place = place->up ? *place->up : (struct cw_syntax_place){0};
	}
	return NULL;
}

unsigned char cw_sample_byte(const struct cw_byte_set *set)
{
	static const char legible[] = "abcdefghijklmnopqrstuvwxyz0123456789-._@;";
	size_t i;

	for (i = 0; i < sizeof(legible) - 1; i++)
		if (cw_byte_set_has(set, (unsigned char)legible[i]))
			return (unsigned char)legible[i];
	for (i = ' '; i <= UINT8_MAX; i++)
		if (cw_byte_set_has(set, (unsigned char)i))
			return (unsigned char)i;
	return cw_byte_set_has(set, '\t') ? '\t' : '\0';
}

/* Append the node `times` times, as long as that makes the word longer. */
static void add_times(
	struct cw_buf *word, const struct cw_syntax *node, uint32_t times, enum cw_sample repeats)
{
	size_t before = word->len;
	uint32_t i;

	for (i = 0; i < times && !word->error; i++) {
		if (node->kind == CW_SYNTAX_BYTES)
			cw_buf_add_char(word, (char)cw_sample_byte(&node->set));
		else
			cw_sample_add(word, node, repeats);
		if (word->len == before)
			break;
	}
}

void cw_sample_add(struct cw_buf *word, const struct cw_syntax *node, enum cw_sample repeats)
{
	uint32_t times;
	size_t i;

	switch (node->kind) {
	case CW_SYNTAX_BYTES:
		if (cw_byte_set_has(&node->set, '.') && cw_byte_set_has(&node->set, '@'))
			cw_buf_add_char(word, '.');
		else
			cw_buf_add_char(word, (char)cw_sample_byte(&node->set));
		return;
	case CW_SYNTAX_SEQUENCE:
		for (i = 0; i < node->n_children && !word->error; i++)
			cw_sample_add(word, node->children[i], repeats);
		return;
	case CW_SYNTAX_CHOICE:
	case CW_SYNTAX_ATOMIC:
		if (node->n_children)
			cw_sample_add(word, node->children[0], repeats);
		return;
	case CW_SYNTAX_REPEAT:
		times = node->min;
		if (times == 0 && node->max > 0 && repeats == CW_SAMPLE_ONCE)
			times = 1;
		add_times(word, node->children[0], times, repeats);
		return;
	case CW_SYNTAX_EMPTY:
	case CW_SYNTAX_BEGIN:
	case CW_SYNTAX_END:
	case CW_SYNTAX_LOOK:
	case CW_SYNTAX_REFERENCE:
		return;
	}
}

void cw_sample_add_before(
	struct cw_buf *word, const struct cw_syntax_place *place, enum cw_sample repeats)
{
	size_t i;

	if (!place)
		return;
	cw_sample_add_before(word, place->up, repeats);
	for (i = 0; place->parent->kind == CW_SYNTAX_SEQUENCE && i < place->child; i++)
		cw_sample_add(word, place->parent->children[i], repeats);
}

void cw_sample_add_after(
	struct cw_buf *word, const struct cw_syntax_place *place, enum cw_sample repeats)
{
	const struct cw_syntax *parent;
	size_t i;

	for (; place; place = place->up) {
		parent = place->parent;
		for (i = place->child + 1;
			parent->kind == CW_SYNTAX_SEQUENCE && i < parent->n_children; i++)
			cw_sample_add(word, parent->children[i], repeats);
		if (parent->kind == CW_SYNTAX_REPEAT && parent->min > 1)
			add_times(word, parent->children[0], parent->min - 1, repeats);
	}
}

bool cw_sample_is_alias(struct cw_str word)
{
	struct cw_arena arena = {.max_bytes = 4 * (size_t)CW_ALIAS_MAX};
	struct cw_str prepared = {0};
	bool is_same;
	size_t i;

	for (i = 0; i < word.len; i++)
		if (word.p[i] <= ' ' || word.p[i] > '~')
			return false;
	is_same = cw_alias_prepare(&prepared, word, &arena) == 0 && cw_str_eq(prepared, word);
	cw_arena_finish(&arena);
	return is_same;
}
