#include "analysis/backtracking.h"

#include "tests/unit/pattern_tree.h"

static const struct backtracking_row {
	const char *pattern;
	bool is_found;
} backtracking_rows[] = {
	{"(a+)+[bc]", true},
	{"(?:(?:a|aa)*)*c?b@uc\\.example", true},
	{"(a+)+@x\\.example", true},
	{"(a+)+@x\\.example.*", true},
	{"([^@]+)+@x\\.example.*", true},
	{"(a|aa)+@x\\.example", true},
	{"(\\w+\\s?)+@x\\.example", true},
	{"([a-z]+[0-9]*)*@x\\.example", true},
	{"([a-z]*[0-9]+)*@x\\.example", true},
	{"(x+x+)+y", true},
	{"([a-z0-9]+[._-]?)+@x\\.example", true},
	{"^(([a-z])+.)+[a-z]([a-z])+$", true},
	{"(.*a){20}", true},
	{".*.*.*.*@x\\.example.", true},
	{"\\w*\\d*[a-f0-9]*[0-9]*@x\\.example", true},
	{"[a-m]*[k-z]*[a-z]*[a-k]*@x\\.example", true},
	{"bob|(a+l*)+@x\\.example", true},
	{"a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaaa", true},
	{"(a*)*b", true},
	{"(.*)@(.*)\\.(.*)", false},
	{".*", false},
	/* the literals at the end, and the few texts, are known: no other alias comes so far */
	{".*.*.*.*@x\\.example", false},
	{"(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b?", false},
	{".*@.*", false},
	{"(.*)(\\d+)@(.*)", false},
	{"(.+)@(x|y)\\.com(.*)", false},
	{"(?!.*@x\\.example)(.*)", false},
	{"([^@]+)@x\\.example.*", false},
	{".*@.*\\.example", false},
	{".*@(.*\\.)?x\\.example(;.*)?", false},
	{".*imp1-public\\.uc\\.local.*", false},
	{"(.*[@.])?msexample\\.com[:;].*", false},
	{"([a-z]+\\.)*x\\.example", false},
	{"([a-z0-9-]+\\.)+[a-z]+", false},
	{"[a-z]+(\\.[a-z]+)*@x\\.example", false},
	{"(alice|bob|carol)@x\\.example", false},
	{"(?>a+)+@x\\.example", false},
	{"(a++)+@x\\.example", false},
	{"(a+)+", true},
	{".*@(a|b|c|d|e)\\.(f|g|h)\\.(com|net|org)(:[0-9]+)?(;.*)?", false},
	{"[0-9]{2,4}@x\\.example", false},
	{"(\\+?[0-9]{1,15})@x\\.example", false},
};

START_TEST(finds_catastrophic_patterns)
{
	const struct backtracking_row *row = &backtracking_rows[_i];
	struct cw_pattern *pattern = make_pattern(CW_PATTERN_REGEX, cw_str_of(row->pattern), NULL);
	struct cw_arena arena = {0};
	struct cw_str alias;

	ck_assert_int_eq(
		cw_backtracking_find(pattern, read_tree(pattern, &arena), &arena, &alias), 0);
	ck_assert_msg(
		(alias.len > 0) == row->is_found, "%s: %.*s", row->pattern, CW_STR_ARG(alias));
	ck_assert_uint_le(alias.len, CW_BACKTRACKING_ALIAS_MAX);
	if (row->is_found)
		ck_assert_int_eq(cw_pattern_match(pattern, alias), CW_MATCH_LIMIT);
	cw_pattern_destroy(pattern);
	cw_arena_finish(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backtracking");
	TCase *tcase = tcase_create("backtracking");

	ADD_ROWS(tcase, finds_catastrophic_patterns, backtracking_rows);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
