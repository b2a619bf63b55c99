#include "analysis/unescaped_dot.h"

#include "core/buf.h"
#include "tests/unit/pattern_tree.h"

static const struct dot_row {
	const char *name, *pattern;
	const char *fixed; /* NULL: nothing is found */
	const char *alias; /* the witness */
} dot_rows[] = {
	{"behind a user", ".*@x.example", ".*@x\\.example", "bob@xaexample"},
	{"escaped", ".*@x\\.example", NULL, NULL},
	{"one of two", ".*@uc.x\\.example", ".*@uc\\.x\\.example", "bob@ucax.example"},
	{"both", ".*@uc.x.example", ".*@uc\\.x\\.example", "bob@ucax.example"},
	{"a host with anything around", ".*imp1-public.uc\\.local.*",
		".*imp1-public\\.uc\\.local.*", "imp1-publicauc.local"},
	{"a host and nothing else", "imp1.x\\.example", "imp1\\.x\\.example", "imp1ax.example"},
	{"in front of a port", ".*@x.example:5061", ".*@x\\.example:5061", "bob@xaexample:5061"},
	{"anchored", "^.*@x.example$", "^.*@x\\.example$", "bob@xaexample"},
	{"in one alternative", ".*@(x\\.example|y.example)", ".*@(x\\.example|y\\.example)",
		"bob@yaexample"},
	{"in front of a choice", ".*@x.(com|net)", ".*@x\\.(com|net)", "bob@xacom"},
	{"behind a choice", ".*@(x|y).example", ".*@(x|y)\\.example", "bob@xaexample"},
	{"at the begin of a group", ".*@x(.example)", ".*@x(\\.example)", "bob@xaexample"},
	{"in an optional group", ".*@(uc.)?x\\.example", ".*@(uc\\.)?x\\.example",
		"bob@ucax.example"},
	{"behind a repeated byte", ".*@node\\d+.example", ".*@node\\d+\\.example",
		"bob@node0aexample"},
	{"behind a class", ".*@[a-c].example", ".*@[a-c]\\.example", "bob@aaexample"},
	{"in front of optional parameters", ".*@x.example(;.*)?", ".*@x\\.example(;.*)?",
		"bob@xaexample"},
	{"of contacts", "(.*[@.])?x.example[:;].*", "(.*[@.])?x\\.example[:;].*", "xaexample;"},
	{"in a group that keeps what it took", ".*@(?>x.example)", ".*@(?>x\\.example)",
		"bob@xaexample"},
	{"of a user only", "bob.smith@x\\.example", NULL, NULL},
	{"of a user further on", "bob.smith.*@x\\.example", NULL, NULL},
	{"of a user and of a domain", "bob.smith@x.example", "bob.smith@x\\.example",
		"bob.smith@xaexample"},
	{"repeated", ".*@x.*example", NULL, NULL},
	{"repeated at least once", ".*@x.+example", NULL, NULL},
	{"optional", ".*@x.?example", NULL, NULL},
	{"repeated in a group", ".*@x(.)*example", NULL, NULL},
	{"in a class", ".*@x[.]example", NULL, NULL},
	{"quoted", ".*@\\Qx.example\\E", NULL, NULL},
	{"a wildcard in a label", "imp.-public\\.x\\.example", NULL, NULL},
	{"a wildcard at the end of a label", "imp.\\.x\\.example", NULL, NULL},
	{"behind anything", ".*.x\\.example", NULL, NULL},
	{"in front of one letter", "a.b", NULL, NULL},
	{"between digits", "\\d+.\\d+", NULL, NULL},
	{"in a parameter", ".*@x\\.example;transport.tls", NULL, NULL},
	{"where another alternative takes all", ".*@x.example|.*", NULL, NULL},
	{"where nothing else fits", ".*@x(?<=x)(?=\\.).example", NULL, NULL},
};

static void assert_dot(const struct dot_row *row, const struct cw_pattern *pattern,
	const struct cw_unescaped_dot *dot)
{
	struct cw_pattern *fixed = make_pattern(CW_PATTERN_REGEX, dot->fixed, NULL);

	ck_assert_msg(cw_str_eq(dot->fixed, cw_str_of(row->fixed)), "%s: %.*s", row->name,
		CW_STR_ARG(dot->fixed));
	ck_assert_uint_eq(dot->count, dot->fixed.len - strlen(row->pattern));
	ck_assert_int_eq(row->pattern[dot->offset], '.');
	ck_assert_msg(cw_str_eq(dot->alias, cw_str_of(row->alias)), "%s: %.*s", row->name,
		CW_STR_ARG(dot->alias));
	ck_assert_int_eq(cw_pattern_match(pattern, dot->alias), CW_MATCH_YES);
	ck_assert_int_eq(cw_pattern_match(fixed, dot->alias), CW_MATCH_NO);
	cw_pattern_destroy(fixed);
}

START_TEST(finds_unescaped_dots)
{
	const struct dot_row *row = &dot_rows[_i];
	struct cw_pattern *pattern = make_pattern(CW_PATTERN_REGEX, cw_str_of(row->pattern), NULL);
	struct cw_arena arena = {0};
	struct cw_unescaped_dot dot;

	ck_assert_int_eq(
		cw_unescaped_dot_find(&dot, pattern, read_tree(pattern, &arena), &arena), 0);
	ck_assert_msg((dot.count > 0) == (row->fixed != NULL), "%s", row->name);
	if (dot.count)
		assert_dot(row, pattern, &dot);
	cw_pattern_destroy(pattern);
	cw_arena_finish(&arena);
}
END_TEST

/* A pattern of `x.` so often, and its end. */
static struct cw_pattern *many_dots(size_t n, const char *end)
{
	struct cw_buf text = {0};
	struct cw_pattern *pattern;

	for (size_t i = 0; i < n; i++)
		cw_buf_add(&text, cw_str_of("x."));
	cw_buf_add(&text, cw_str_of(end));
	pattern = make_pattern(CW_PATTERN_REGEX, cw_buf_str(&text), NULL);
	cw_buf_finish(&text);
	return pattern;
}

static const struct many_row {
	const char *name;
	size_t n;
	const char *end;
	size_t found;
} many_rows[] = {
	{"as many as are counted", CW_UNESCAPED_DOTS_MAX, "example", CW_UNESCAPED_DOTS_MAX},
	{"more than are counted, which then escape all the same", CW_UNESCAPED_DOTS_MAX + 9,
		"example", CW_UNESCAPED_DOTS_MAX},
	{"too long with its backslashes", 2044, "example", 0},
	{"too long for an alias", 50, "x{3000}example", 0},
};

START_TEST(ends_at_its_limits)
{
	const struct many_row *row = &many_rows[_i];
	struct cw_pattern *pattern = many_dots(row->n, row->end);
	struct cw_arena arena = {0};
	struct cw_unescaped_dot dot;

	ck_assert_int_eq(
		cw_unescaped_dot_find(&dot, pattern, read_tree(pattern, &arena), &arena), 0);
	ck_assert_msg(dot.count == row->found, "%s: %zu", row->name, dot.count);
	cw_pattern_destroy(pattern);
	cw_arena_finish(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unescaped_dot");
	TCase *tcase = tcase_create("unescaped_dot");

	ADD_ROWS(tcase, finds_unescaped_dots, dot_rows);
	ADD_ROWS(tcase, ends_at_its_limits, many_rows);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
