/*
 * Dots that were meant as dots: a walk over the tree that looks at what stands on either side of
 * each.
 */
#include "analysis/unescaped_dot.h"

#include "dialplan/alias.h"
#include "regular/sample.h"

#include <errno.h>

#define TOP_LABEL_MIN 2 /* bytes: no top-level domain has fewer */

struct search {
	const struct cw_pattern *pattern;
	struct cw_arena *arena;
	size_t offsets[CW_UNESCAPED_DOTS_MAX];
	size_t count;
	struct cw_str alias; /* of the first */
	struct cw_buf word;
	int error;
};

/* ---- what parts of a tree can hold ---- */

/*
 * Add the bytes that a word of the node can begin with (end with, if `last`). Returns: whether it
 * has an empty word, so that what stands next to it counts, too.
 */
static bool add_edge(struct cw_byte_set *set, const struct cw_syntax *node, bool last)
{
	bool is_empty;
	size_t i;

	switch (node->kind) {
	case CW_SYNTAX_BYTES:
		cw_byte_set_add_all(set, &node->set);
		return false;
	case CW_SYNTAX_SEQUENCE:
		for (i = 0; i < node->n_children; i++)
			if (!add_edge(
				    set, node->children[last ? node->n_children - 1 - i : i], last))
				return false;
		return true;
	case CW_SYNTAX_CHOICE:
		is_empty = false;
		for (i = 0; i < node->n_children; i++)
			is_empty |= add_edge(set, node->children[i], last);
		return is_empty;
	case CW_SYNTAX_REPEAT:
		return add_edge(set, node->children[0], last) || node->min == 0;
	case CW_SYNTAX_ATOMIC:
		return add_edge(set, node->children[0], last);
	case CW_SYNTAX_REFERENCE:
		cw_byte_set_add_range(set, 0, UINT8_MAX);
		return true;
	case CW_SYNTAX_EMPTY:
	case CW_SYNTAX_BEGIN:
	case CW_SYNTAX_END:
	case CW_SYNTAX_LOOK:
		return true;
	}
	return true;
}

/* Add all bytes that words of the node can hold. */
static void add_bytes(struct cw_byte_set *set, const struct cw_syntax *node)
{
	size_t i;

	if (node->kind == CW_SYNTAX_BYTES)
		cw_byte_set_add_all(set, &node->set);
	else if (node->kind == CW_SYNTAX_REFERENCE)
		cw_byte_set_add_range(set, 0, UINT8_MAX);
	for (i = 0; i < node->n_children; i++)
		add_bytes(set, node->children[i]);
}

/*
 * Whether the node says `mark` in so many words: a byte or class that has it and stands not for any
 * letter as well.
 */
static bool names_mark(const struct cw_syntax *node, unsigned char mark)
{
	size_t i;

	if (node->kind == CW_SYNTAX_BYTES)
		return cw_byte_set_has(&node->set, mark) && !cw_byte_set_has(&node->set, 'a');
	for (i = 0; i < node->n_children; i++)
		if (names_mark(node->children[i], mark))
			return true;
	return false;
}

/* How long a word of the node can be, counted up to TOP_LABEL_MIN. */
static uint32_t longest(const struct cw_syntax *node)
{
	uint32_t n = node->kind == CW_SYNTAX_BYTES, child;
	size_t i;

	for (i = 0; i < node->n_children; i++) {
		child = longest(node->children[i]);
		if (node->kind == CW_SYNTAX_CHOICE)
			n = child > n ? child : n;
		else
			n += child;
	}
	if (node->kind == CW_SYNTAX_REPEAT && node->max < TOP_LABEL_MIN)
		n *= node->max;
	else if (node->kind == CW_SYNTAX_REPEAT && n)
		n = TOP_LABEL_MIN;
	return n < TOP_LABEL_MIN ? n : TOP_LABEL_MIN;
}

/* ---- whether a dot stands in a domain ---- */

static bool is_bare_dot(const struct cw_syntax *node, struct cw_str regex)
{
	return node->kind == CW_SYNTAX_BYTES && node->offset < regex.len &&
	       regex.p[node->offset] == '.' && cw_byte_set_has(&node->set, 'a');
}

static bool is_escaped_dot(const struct cw_syntax *node)
{
	struct cw_byte_set dot = {0};

	cw_byte_set_add(&dot, '.');
	return node->kind == CW_SYNTAX_BYTES && cw_byte_set_eq(&node->set, &dot);
}

/* Whether there is something in `set`, and all of it is in `others` as well. */
static bool is_within(const struct cw_byte_set *set, const struct cw_byte_set *others)
{
	struct cw_byte_set both = *set;

	cw_byte_set_keep(&both, others);
	return cw_byte_set_eq(&both, set) && !cw_byte_set_is_empty(set);
}

/*
 * What a label begins and ends with (RFC 1123, 2.1, and the underscore, which some have); more of
 * it stands in between.
 */
static struct cw_byte_set alphanumeric(void)
{
	struct cw_byte_set set = {0};

	cw_byte_set_add_folded(&set, 'a', 'z');
	cw_byte_set_add_range(&set, '0', '9');
	cw_byte_set_add(&set, '_');
	return set;
}

/* Whether the byte next to the place is part of a label for certain. */
static bool is_beside_label(const struct cw_syntax_place *place, bool backward)
{
	const struct cw_byte_set label = alphanumeric();
	struct cw_syntax_place at = *place;
	struct cw_byte_set edge = {0};
	const struct cw_syntax *node;

	do {
		node = cw_syntax_next(&at, backward);
		if (!node)
			return false;
	} while (add_edge(&edge, node, backward));
	return is_within(&edge, &label);
}

/* The label that is being read, from a dot on. */
struct label {
	uint32_t len;
	bool has_letter;
};

/* Read a node as the next piece of a domain. Returns: whether it is one. */
static bool read_domain(struct label *label, const struct cw_syntax *node, struct cw_str regex)
{
	struct cw_byte_set bytes = {0}, letters = {0}, name = alphanumeric();

	if (is_bare_dot(node, regex) || is_escaped_dot(node)) {
		*label = (struct label){0};
		return true;
	}
	add_bytes(&bytes, node);
	cw_byte_set_add(&name, '-');
	cw_byte_set_add(&name, '.');
	if (cw_byte_set_is_empty(&bytes))
		return true;
	if (!is_within(&bytes, &name))
		return false;
	cw_byte_set_add_folded(&letters, 'a', 'z');
	cw_byte_set_keep(&letters, &bytes);
	label->has_letter |= !cw_byte_set_is_empty(&letters);
	label->len += longest(node);
	return true;
}

/*
 * Whether what begins behind the dot is the rest of a domain, and the dot stands neither in a
 * user's name nor in a parameter.
 */
static bool is_in_domain(const struct cw_syntax_place *place, struct cw_str regex)
{
	struct cw_syntax_place at = *place;
	const struct cw_syntax *node;
	struct label label = {0};
	bool goes_on = true;

	while ((node = cw_syntax_next(&at, false)) != NULL) {
		if (names_mark(node, '@'))
			return false;
		goes_on = goes_on && read_domain(&label, node, regex);
	}
	for (at = *place; (node = cw_syntax_next(&at, true)) != NULL;)
		if (names_mark(node, ';'))
			return false;
	return label.has_letter && label.len >= TOP_LABEL_MIN;
}

/* ---- the search ---- */

/*
 * Keep the word as the witness, if it is the first, when the pattern matches it. Returns: whether
 * it does.
 */
static bool keep_if_matched(struct search *s, struct cw_str word)
{
	if (!cw_sample_is_alias(word) || cw_pattern_match(s->pattern, word) != CW_MATCH_YES)
		return false;
	if (s->count == 0 && cw_arena_str(s->arena, word, &s->alias) != 0)
		s->error = -ENOMEM;
	return true;
}

/* Whether the pattern matches an alias that has a letter in place of the dot. */
static bool is_confirmed(struct search *s, const struct cw_syntax_place *place)
{
	static const struct cw_str user = CW_STR("bob");
	struct cw_str word;

	cw_buf_clear(&s->word);
	cw_buf_add(&s->word, user);
	cw_sample_add_before(&s->word, place, CW_SAMPLE_SHORTEST);
	cw_buf_add_char(&s->word, 'a');
	cw_sample_add_after(&s->word, place, CW_SAMPLE_SHORTEST);
	if (s->word.error == -ENOMEM)
		s->error = -ENOMEM;
	if (s->word.error)
		return false;
	word = cw_buf_str(&s->word);
	/* of `.*@x.example` the shortest word has no user, and none is sent such a message */
	if (word.p[user.len] == '@' && keep_if_matched(s, word))
		return true;
	return keep_if_matched(s, cw_str_from(word, user.len));
}

static void visit(struct search *s, const struct cw_syntax *node, const struct cw_syntax_place *up)
{
	const struct cw_str regex = cw_pattern_text(s->pattern);
	struct cw_syntax_place place = {.up = up, .parent = node};

	if (s->error || s->count == CW_UNESCAPED_DOTS_MAX)
		return;
	if (up && is_bare_dot(node, regex) && is_beside_label(up, true) &&
		is_beside_label(up, false) && is_in_domain(up, regex) && is_confirmed(s, up))
		s->offsets[s->count++] = node->offset;
	/* what is repeated itself stands for more than one byte */
	if (node->kind == CW_SYNTAX_REPEAT && node->children[0]->kind == CW_SYNTAX_BYTES)
		return;
	for (; place.child < node->n_children; place.child++)
		visit(s, node->children[place.child], &place);
}

/* The regex with a backslash before each of the dots, which stand in order. */
static int escape_dots(const struct search *s, struct cw_str *out)
{
	struct cw_str regex = cw_pattern_text(s->pattern);
	char *at = cw_arena_alloc(s->arena, regex.len + s->count);
	size_t i, n = 0;

	if (!at)
		return -ENOMEM;
	*out = cw_str_make(at, regex.len + s->count);
	for (i = 0; i < regex.len; i++) {
		if (n < s->count && i == s->offsets[n]) {
			*at++ = '\\';
			n++;
		}
		*at++ = regex.p[i];
	}
	return 0;
}

/*
 * Whether the escaped dots make the difference: where another alternative takes the alias as well,
 * they do not matter.
 */
static int try_fixed(const struct search *s, struct cw_str fixed, bool *differs)
{
	struct cw_pattern_error error;
	struct cw_pattern *pattern;
	int r = cw_pattern_create(
		&pattern, CW_PATTERN_REGEX, fixed, CW_BEHAVIOR_LEAVE, (struct cw_str){0}, &error);

	*differs = false;
	if (r)
		return r == CW_PATTERN_E_INVALID ? 0 : r; /* too long by the backslashes */
	*differs = cw_pattern_match(pattern, s->alias) == CW_MATCH_NO;
	cw_pattern_destroy(pattern);
	return 0;
}

int cw_unescaped_dot_find(struct cw_unescaped_dot *out, const struct cw_pattern *pattern,
	const struct cw_syntax *tree, struct cw_arena *arena)
{
	struct search s = {.pattern = pattern, .arena = arena, .word = {.max_bytes = CW_ALIAS_MAX}};
	struct cw_str fixed = {0};
	bool differs = false;
	int r;

	visit(&s, tree, NULL);
	cw_buf_finish(&s.word);
	r = s.error;
	if (!r && s.count)
		r = escape_dots(&s, &fixed);
	if (!r && s.count)
		r = try_fixed(&s, fixed, &differs);
	if (r)
		return r;
	*out = (struct cw_unescaped_dot){0};
	if (differs)
		*out = (struct cw_unescaped_dot){s.count, s.offsets[0], s.alias, fixed};
	return 0;
}
