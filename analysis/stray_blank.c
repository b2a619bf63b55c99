/*
 * Stray blanks, and the pattern without them.
 */
#include "analysis/stray_blank.h"

#include <errno.h>

struct search {
	struct cw_str text;
	bool *is_blank; /* by offset: a blank that stands there itself */
	bool is_found;
	bool is_other; /* one was found that is written some other way: \t, \s, [ ] */
	size_t offset; /* of the first */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Whether a set holds a blank or a tab and, but for other white space, nothing else. */
static bool is_blank_set(const struct cw_byte_set *set)
{
	struct cw_byte_set space = {0};

	cw_byte_set_add(&space, ' ');
	cw_byte_set_add_range(&space, '\t', '\r');
	cw_byte_set_keep(&space, set);
	return cw_byte_set_eq(&space, set) &&
	       (cw_byte_set_has(set, ' ') || cw_byte_set_has(set, '\t'));
}

/* Whether every word of the node holds a blank. */
static bool needs_blank(const struct cw_syntax *node)
{
	size_t i, n = 0;

	for (i = 0; i < node->n_children; i++)
		n += needs_blank(node->children[i]);
	switch (node->kind) {
	case CW_SYNTAX_BYTES:
		return is_blank_set(&node->set);
	case CW_SYNTAX_SEQUENCE:
	case CW_SYNTAX_ATOMIC:
		return n > 0;
	case CW_SYNTAX_CHOICE:
		return n > 0 && n == node->n_children;
	case CW_SYNTAX_REPEAT:
		return n > 0 && node->min > 0;
	case CW_SYNTAX_EMPTY:
	case CW_SYNTAX_BEGIN:
	case CW_SYNTAX_END:
	case CW_SYNTAX_LOOK:
	case CW_SYNTAX_REFERENCE:
		return false;
	}
	return false;
}

static void note(struct search *s, size_t offset)
{
	/*
	 * an escaped blank goes without the backslash, which then escapes what follows: `\ .` was
	 * meant as `\.`
	 */
	size_t at = offset + (s->text.p[offset] == '\\');

	if (!s->is_found || offset < s->offset)
		s->offset = offset;
	s->is_found = true;
	if (at < s->text.len && is_blank(s->text.p[at]))
		s->is_blank[at] = true;
	else
		s->is_other = true;
}

static void visit(struct search *s, const struct cw_syntax *node, const struct cw_syntax *parent)
{
	bool is_optional = parent && parent->kind == CW_SYNTAX_REPEAT && parent->min == 0;
	size_t i;

	if (node->kind == CW_SYNTAX_BYTES && is_blank_set(&node->set) &&
		(!is_optional || is_blank(s->text.p[node->offset])))
		note(s, node->offset);
	for (i = 0; i < node->n_children; i++)
		visit(s, node->children[i], node);
}

/* The text without the blanks that stand in it themselves, if that makes a pattern. */
static int leave_out(const struct search *s, enum cw_pattern_type type, struct cw_arena *arena,
	struct cw_str *out)
{
	struct cw_pattern_error error;
	struct cw_pattern *pattern = NULL;
	char *copy = cw_arena_alloc(arena, s->text.len);
	size_t i, n = 0;
	int r;

	if (!copy)
		return -ENOMEM;
	for (i = 0; i < s->text.len; i++)
		if (!s->is_blank[i])
			copy[n++] = s->text.p[i];
	r = cw_pattern_create(&pattern, type, cw_str_make(copy, n), CW_BEHAVIOR_LEAVE,
		(struct cw_str){0}, &error);
	cw_pattern_destroy(pattern);
	if (r < 0)
		return r;
	*out = cw_str_make(copy, r ? 0 : n);
	return 0;
}

int cw_stray_blank_find(struct cw_stray_blank *out, const struct cw_pattern *pattern,
	const struct cw_syntax *tree, struct cw_arena *arena)
{
	struct search s = {.text = cw_pattern_text(pattern)};
	struct cw_str fixed = {0};
	size_t i;
	int r = 0;

	s.is_blank = cw_arena_alloc(arena, s.text.len * sizeof(bool) + 1);
	if (!s.is_blank)
		return -ENOMEM;
	for (i = 0; !tree && i < s.text.len; i++)
		if (is_blank(s.text.p[i]))
			note(&s, i);
	if (tree)
		visit(&s, tree, NULL);
	if (s.is_found && !s.is_other)
		r = leave_out(&s, cw_pattern_type(pattern), arena, &fixed);
	if (r)
		return r;
	*out = (struct cw_stray_blank){0};
	if (s.is_found)
		*out = (struct cw_stray_blank){true, !tree || needs_blank(tree), s.offset, fixed};
	return 0;
}
