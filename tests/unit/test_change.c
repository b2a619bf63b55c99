#include "analysis/change.h"

#include "tests/support_c/config_text.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define ZONES                                                                                      \
	"zone A { type neighbor; peer 192.0.2.1:5061 }\n"                                          \
	"zone B { type neighbor; peer 192.0.2.2:5061 }\n"
#define RULE(name, rest) "rule " name " { " rest " }\n"
#define X                "pattern suffix '@x'; target A"

/* Which words a rule set of one rule turns into which, and what is said of the rule. */
static const struct word_case {
	const char *old_rule, *new_rule;
	enum cw_change change;
} word_cases[] = {
	{X, X, CW_CHANGE_SAME},
	{X, "target A; pattern suffix '@x'; behavior leave; priority 100", CW_CHANGE_SAME},
	{X, "pattern suffix '@y'; target A", CW_CHANGE_CHANGED},
	{X, "pattern prefix '@x'; target A", CW_CHANGE_CHANGED},
	{X, "pattern suffix '@X'; target A", CW_CHANGE_CHANGED},
	{X, "pattern suffix '@x'; target B", CW_CHANGE_CHANGED},
	{X, X "; on-match stop", CW_CHANGE_CHANGED},
	{X, X "; state disabled", CW_CHANGE_CHANGED},
	{X, X "; variant ms-imp", CW_CHANGE_CHANGED},
	{X, X "; protocol any", CW_CHANGE_CHANGED},
	{X, X "; authenticated yes", CW_CHANGE_CHANGED},
	{X, X "; behavior strip", CW_CHANGE_CHANGED},
	{X "; behavior replace '@y'", X "; behavior replace '@z'", CW_CHANGE_CHANGED},
	{X, "mode any-alias; target A", CW_CHANGE_CHANGED},
	{"mode any-ip; target A", "mode any-alias; target A", CW_CHANGE_CHANGED},
	{"mode any-ip; target A", "mode any-ip; target A", CW_CHANGE_SAME},
	{X, X "; source all-zones", CW_CHANGE_CHANGED},
	{X "; source A", X "; source B", CW_CHANGE_CHANGED},
	{X "; source A", X "; source A B", CW_CHANGE_CHANGED},
	{X "; source A B", X "; source B A", CW_CHANGE_SAME},
	{X, X "; priority 99", CW_CHANGE_MOVED},
	{X, "pattern suffix '@y'; target A; priority 99", CW_CHANGE_CHANGED},
};

START_TEST(compares_words)
{
	const struct word_case *c = &word_cases[_i];
	struct cw_arena arena = {0};
	struct cw_config *configs[CW_SIDES];
	struct cw_changes changes;
	struct cw_str text;

	for (int side = 0; side < CW_SIDES; side++) {
		ck_assert_int_eq(cw_arena_printf(&arena, &text, ZONES RULE("r", "%s"),
					 side == CW_SIDE_OLD ? c->old_rule : c->new_rule),
			0);
		configs[side] = config_of_text("t", text.p);
	}
	ck_assert_int_eq(
		cw_changes_find(&changes, configs[0]->rules, configs[1]->rules, &arena), 0);
	ck_assert_msg(changes.old_rules[0] == c->change && changes.new_rules[0] == c->change,
		"%s -> %s: %s, %s", c->old_rule, c->new_rule, cw_change_name(changes.old_rules[0]),
		cw_change_name(changes.new_rules[0]));
	cw_config_destroy(configs[0]);
	cw_config_destroy(configs[1]);
	cw_arena_finish(&arena);
}
END_TEST

/* Names in their order; a digit before a name is the rule's priority, - for the zones' order of both. */
static const struct order_case {
	const char *old_order, *new_order;
	const char *old_changes, *new_changes; /* the first letter of each; "=" for same */
} order_cases[] = {
	{"", "", "", ""},
	{"", "a", "", "a"},
	{"a", "", "r", ""},
	{"a", "b", "r", "a"},
	{"abc", "abc", "===", "==="},
	{"abc", "axbc", "===", "=a=="},
	{"abcd", "acd", "=r==", "==="},
	{"abcd", "bcda", "m===", "===m"},
	{"abcd", "dabc", "===m", "m==="},
	{"abcdef", "aecbdf", "=m==m=", "=m=m=="},
	{"cab", "xcb", "=r=", "a=="},
};

static struct cw_config *config_of_order(const char *order)
{
	struct cw_arena arena = {0};
	struct cw_str text;
	struct cw_config *config;

	ck_assert_int_eq(cw_arena_printf(&arena, &text, "%s", ZONES), 0);
	for (; *order; order++)
		ck_assert_int_eq(
			cw_arena_printf(&arena, &text, "%s" RULE("%c", X), text.p, *order), 0);
	config = config_of_text("t", text.p);
	cw_arena_finish(&arena);
	return config;
}

static void check_letters(
	const enum cw_change *changes, size_t n, const char *expected, const char *order)
{
	ck_assert_uint_eq(n, strlen(expected));
	for (size_t i = 0; i < n; i++) {
		char letter = changes[i] == CW_CHANGE_SAME ? '=' : cw_change_name(changes[i])[0];

		ck_assert_msg(letter == expected[i], "%s: rule %zu: %s", order, i,
			cw_change_name(changes[i]));
	}
}

START_TEST(finds_what_moved)
{
	const struct order_case *c = &order_cases[_i];
	struct cw_config *olds = config_of_order(c->old_order);
	struct cw_config *news = config_of_order(c->new_order);
	struct cw_arena arena = {0};
	struct cw_changes changes;

	ck_assert_int_eq(cw_changes_find(&changes, olds->rules, news->rules, &arena), 0);
	check_letters(changes.old_rules, strlen(c->old_order), c->old_changes, c->old_order);
	check_letters(changes.new_rules, strlen(c->new_order), c->new_changes, c->new_order);
	cw_config_destroy(olds);
	cw_config_destroy(news);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_config *olds = config_of_order("abcdef"), *news = config_of_order("aecbdx");

	for (unsigned n = 1;; n++) {
		struct cw_arena arena = {0};
		struct cw_changes changes;

		alloc_fail_at(n);
		int r = cw_changes_find(&changes, olds->rules, news->rules, &arena);
		bool reached = alloc_fail_reached();
		cw_arena_finish(&arena);
		ck_assert_int_eq(r, reached ? -ENOMEM : 0);
		if (!reached)
			break;
	}
	cw_config_destroy(olds);
	cw_config_destroy(news);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change");
	TCase *tcase = tcase_create("change");

	ADD_ROWS(tcase, compares_words, word_cases);
	ADD_ROWS(tcase, finds_what_moved, order_cases);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
