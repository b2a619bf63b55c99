#include "analysis/stray_blank.h"

#include "regular/language.h"
#include "tests/unit/pattern_tree.h"

#define RX CW_PATTERN_REGEX

static const struct blank_row {
	const char *name;
	enum cw_pattern_type type;
	const char *pattern;
	int offset;        /* -1: nothing is found */
	const char *fixed; /* NULL: no advice */
	bool is_needed;
} blank_rows[] = {
	{"no blank", RX, ".*@x\\.example", -1, NULL, false},
	{"at the begin", RX, " .*@x\\.example", 0, ".*@x\\.example", true},
	{"at the end", RX, ".*@x\\.example ", 13, ".*@x\\.example", true},
	{"a tab", RX, ".*@x\\.example\t", 13, ".*@x\\.example", true},
	{"around the @", RX, ".* @ x\\.example", 2, ".*@x\\.example", true},
	{"in a label", RX, ".*@x \\.example", 4, ".*@x\\.example", true},
	{"as a guide prints it", RX, ". *@msexample\\ .com", 1, ".*@msexample\\.com", true},
	{"around the bar", RX, ".*@x\\.example | .*@y\\.example", 13,
		".*@x\\.example|.*@y\\.example", true},
	{"in one alternative", RX, ".*@x\\.example|.*@y\\.example ", 27,
		".*@x\\.example|.*@y\\.example", false},
	{"in an optional part", RX, ".*@x\\.example(; .*)?", 15, ".*@x\\.example(;.*)?", false},
	{"optional", RX, ".*@x\\.example *", 13, ".*@x\\.example*", false},
	{"written as an escape", RX, ".*\\t@x\\.example", 2, NULL, true},
	{"any white space", RX, ".*\\s+@x\\.example", 2, NULL, true},
	{"a class of blanks", RX, ".*[ \t]@x\\.example", 2, NULL, true},
	{"allowed for", RX, "\\s*.*@x\\.example[ \t]?", -1, NULL, false},
	{"among others in a class", RX, "[a-z ]+@x\\.example", -1, NULL, false},
	{"what is no blank", RX, "[^ ]+@x\\.example", -1, NULL, false},
	{"in what looks around", RX, "(?! ).*@x\\.example", -1, NULL, false},
	{"exact", CW_PATTERN_EXACT, "bob @x.example", 3, "bob@x.example", true},
	{"prefix", CW_PATTERN_PREFIX, " bob", 0, "bob", true},
	{"suffix", CW_PATTERN_SUFFIX, "@x.example ", 10, "@x.example", true},
	{"suffix without", CW_PATTERN_SUFFIX, "@x.example", -1, NULL, false},
	{"nothing else", CW_PATTERN_PREFIX, " ", 0, NULL, true},
};

/* Proved in another way: of what the pattern matches nothing is without white space. */
static void assert_needs_blank(const char *name, const struct cw_pattern *pattern, bool is_needed)
{
	struct cw_automaton *all, *without;
	const char *why;
	const struct cw_automaton *in[2];
	const struct cw_language_query query = {.in = in, .n_in = 2};
	enum cw_language_answer answer;
	struct cw_arena arena = {0};
	struct cw_str word;

	ck_assert_int_eq(cw_automaton_of_pattern(&all, pattern, &why), 0);
	ck_assert_int_eq(cw_automaton_of_regex(&without, cw_str_of("\\S*"), &why), 0);
	in[0] = all;
	in[1] = without;
	ck_assert_int_eq(cw_language_find(&query, &arena, &answer, &word), 0);
	ck_assert_msg((answer == CW_LANGUAGE_NONE) == is_needed, "%s", name);
	cw_automaton_destroy(all);
	cw_automaton_destroy(without);
	cw_arena_finish(&arena);
}

START_TEST(finds_stray_blanks)
{
	const struct blank_row *row = &blank_rows[_i];
	struct cw_pattern *pattern = make_pattern(row->type, cw_str_of(row->pattern), NULL);
	struct cw_arena arena = {0};
	struct cw_stray_blank blank;

	ck_assert_int_eq(
		cw_stray_blank_find(&blank, pattern, read_tree(pattern, &arena), &arena), 0);
	ck_assert_msg(blank.is_found == (row->offset >= 0), "%s", row->name);
	ck_assert_msg(blank.is_needed == row->is_needed, "%s", row->name);
	assert_needs_blank(row->name, pattern, row->is_needed);
	ck_assert_msg(cw_str_eq(blank.fixed, cw_str_of(row->fixed)), "%s: %.*s", row->name,
		CW_STR_ARG(blank.fixed));
	if (blank.is_found)
		ck_assert_msg((int)blank.offset == row->offset, "%s: %zu", row->name, blank.offset);
	cw_pattern_destroy(pattern);
	cw_arena_finish(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stray_blank");
	TCase *tcase = tcase_create("stray_blank");

	ADD_ROWS(tcase, finds_stray_blanks, blank_rows);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
