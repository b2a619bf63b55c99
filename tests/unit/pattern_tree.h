/* A regex as a pattern and as a tree, for the tests of what reasons about both. */
#ifndef TESTS_UNIT_PATTERN_TREE_H
#define TESTS_UNIT_PATTERN_TREE_H

#include "dialplan/pattern.h"
#include "dialplan/syntax.h"
#include "tests/unit/unit.h"

/* A pattern that must be right. Owned by the caller. */
static inline struct cw_pattern *make_pattern(
	enum cw_pattern_type type, struct cw_str text, const char *replacement)
{
	struct cw_pattern_error error = {0};
	struct cw_pattern *p = NULL;

	ck_assert_msg(cw_pattern_create(&p, type, text,
			      replacement ? CW_BEHAVIOR_REPLACE : CW_BEHAVIOR_LEAVE,
			      cw_str_of(replacement), &error) == 0,
		"%.*s: %s", CW_STR_ARG(text), error.text);
	return p;
}

/* The tree of a pattern, in the arena; NULL where it is no regex. */
static inline const struct cw_syntax *read_tree(
	const struct cw_pattern *pattern, struct cw_arena *arena)
{
	const struct cw_syntax *tree = NULL;
	struct cw_syntax_error error;

	if (cw_pattern_type(pattern) == CW_PATTERN_REGEX)
		ck_assert_int_eq(cw_syntax_read(&tree, cw_pattern_text(pattern), arena, &error), 0);
	return tree;
}

#endif
