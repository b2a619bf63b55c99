#include "admin/rule_test.h"

#include "tests/support_c/ruleset_sample.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define LONG_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad"

static const struct line_case {
	const char *line;
	size_t passed, failed; /* neither: the line cannot be read */
	const char *says;      /* within what is printed, or the error's message */
	unsigned column;       /* of the error */
} line_cases[] = {
	{"from IMP bob@x.example -> IMP", 1, 0, NULL, 0},
	{"from IMP bob@x.example -> IMP:bob@x.example", 1, 0, NULL, 0},
	{"\tfrom  IMP\tbob@x.example  ->  IMP  # why\r", 1, 0, NULL, 0},
	{"from 'IMP' \"bob@x.example\" -> 'IMP':'bob@x.example'", 1, 0, NULL, 0},
	{"from default sip:%62ob@old.example -> IMP:bob@x.example", 1, 0, NULL, 0},
	{"from edge bob@x.example -> 'far away'", 1, 0, NULL, 0},
	{"from edge 9@x.example -> edge:+49@x.example, far away", 0, 0, "unknown zone \"far\"", 46},
	{"from edge 9@x.example -> edge:+49@x.example, 'far away':9@x.example", 1, 0, NULL, 0},
	{"from edge 9@x.example -> edge , 'far away'", 1, 0, NULL, 0},
	{"from edge 9@x.example -> edge,'far away'", 1, 0, NULL, 0},
	{"from edge 9@x.example -> edge:'+49@x.example', 'far away'", 1, 0, NULL, 0},
	{"from edge 9@x.example -> edge:'+49@x.example,', 'far away'", 0, 1, "FAILED t:1", 0},
	{"\xef\xbb\xbf" /* a byte order mark */ "from IMP bob@x.example -> IMP", 1, 0, NULL, 0},
	{"from edge 9@x.example -> edge", 0, 1,
		"FAILED t:1, got edge:+49@x.example, far away:9@x.example\n"
		"from edge 9@x.example -> edge\n",
		0},
	{"from edge 9@x.example -> 'far away', edge", 0, 1, "FAILED t:1", 0},
	{"from edge 9@x.example -> edge:9@x.example, 'far away'", 0, 1, "FAILED t:1", 0},
	{"from edge 9@x.example -> none", 0, 1, "FAILED t:1", 0},
	{"from default 192.0.2.1 -> none # at all", 1, 0, NULL, 0},
	{"from default 192.0.2.1 -> edge", 0, 1, "FAILED t:1, got none\n", 0},
	{"from default 192.0.2.1 -> edge", 0, 1, "rule wants a", 0},
	{"from default " LONG_A " -> none", 0, 1, "FAILED t:1, got limit\n", 0},
	{"from default " LONG_A " -> 'far away'", 0, 1, "FAILED t:1, got limit\n", 0},
	{"from IMP variant ms-av bob@x.example -> 'far away'", 1, 0, NULL, 0},
	{"from default protocol xmpp bob@x.example/desk -> 'far away':bob@x.example", 1, 0, NULL,
		0},
	{"from edge protocol xmpp variant ms-imp bob@x.example -> 'far away'", 1, 0, NULL, 0},
	/* a trusted zone's requests are authenticated, others when the line says so */
	{"from IMP al@y.example -> 'far away', edge", 1, 0, NULL, 0},
	{"from default al@y.example -> 'far away'", 1, 0, NULL, 0},
	{"from default authenticated al@y.example -> 'far away', edge", 1, 0, NULL, 0},
	{"", 0, 0, NULL, 0},
	{"  # nothing", 0, 0, NULL, 0},
	{"form IMP bob@x -> IMP", 0, 0, "expected from ZONE", 1},
	{"from", 0, 0, "expected a zone", 5},
	{"from EMP bob@x -> IMP", 0, 0, "unknown zone \"EMP\"; did you mean \"IMP\"?", 6},
	{"from IMP", 0, 0, "expected an alias", 9},
	{"from IMP variant ms-im bob@x -> IMP", 0, 0, "expected standard, ms-imp, ms-av or ms-sip",
		18},
	{"from IMP protocol any bob@x -> IMP", 0, 0, "expected sip or xmpp", 19},
	{"from IMP tel:911 -> IMP", 0, 0, "this scheme is not routed", 10},
	{"from IMP protocol xmpp / -> IMP", 0, 0, "this is no alias", 24},
	{"from IMP 'bob@x -> IMP", 0, 0, "the quote is not closed", 10},
	{"from IMP bob@x", 0, 0, "expected ->", 15},
	{"from IMP bob@x => IMP", 0, 0, "expected ->", 16},
	{"from IMP bob@x ->", 0, 0, "expected a zone or none", 18},
	{"from IMP bob@x -> # IMP", 0, 0, "expected a zone or none", 24},
	{"from IMP bob@x -> IMP:", 0, 0, "expected an alias", 23},
	{"from IMP bob@x -> IMP: bob@x", 0, 0, "expected an alias", 23},
	{"from IMP bob@x -> IMP edge", 0, 0, "expected a comma and a zone", 23},
	{"from IMP bob@x -> IMP,", 0, 0, "expected a zone", 23},
	{"from IMP bob@x -> , IMP", 0, 0, "expected a zone", 19},
	{"from IMP bob@x -> none, IMP", 0, 0, "unknown zone \"none\"", 19},
};

static struct cw_rule_test begin(struct cw_ruleset **set, char **text)
{
	static size_t len;

	*set = sample_ruleset("rules/a.rules");
	ck_assert_ptr_nonnull(*set);
	return (struct cw_rule_test){.set = *set,
		.zones = sample_zones,
		.n_zones = SAMPLE_ZONES,
		.out = open_memstream(text, &len)};
}

START_TEST(runs_lines)
{
	const struct line_case *c = &line_cases[_i];
	struct cw_str line = heap_copy(cw_str_of(c->line));
	struct cw_diag diag = {0};
	struct cw_ruleset *set;
	char *text;
	struct cw_rule_test test = begin(&set, &text);

	ck_assert_int_eq(cw_rule_test_run(&test, "t", line, &diag), 0);
	(void)fclose(test.out);
	ck_assert_msg(test.passed == c->passed && test.failed == c->failed,
		"%s: %zu passed, %zu failed\n%s%s", c->line, test.passed, test.failed, text,
		diag.count ? diag.entries[0].message : "");
	if (c->failed)
		ck_assert_msg(strstr(text, c->says), "%s:\n%s", c->line, text);
	ck_assert_uint_eq(diag.errors, c->column ? 1 : 0);
	if (c->column) {
		ck_assert_msg(cw_str_starts(cw_str_of(diag.entries[0].message), cw_str_of(c->says)),
			"%s: %s", c->line, diag.entries[0].message);
		ck_assert_msg(diag.entries[0].place.column == c->column, "%s: column %u", c->line,
			diag.entries[0].place.column);
	}
	free(text);
	cw_diag_finish(&diag);
	cw_rule_test_finish(&test);
	cw_ruleset_destroy(set);
	heap_free(line);
}
END_TEST

START_TEST(counts_over_files_and_covers)
{
	struct cw_diag diag = {0};
	struct cw_ruleset *set;
	char *text;
	struct cw_rule_test test = begin(&set, &text);

	ck_assert_int_eq(cw_rule_test_run(&test, "a",
				 cw_str_of("from IMP bob@old.example -> IMP\n"
					   "\n"
					   "from IMP bob@ -> IMPS\n"
					   "from IMP 9@x -> none\n"),
				 &diag),
		0);
	ck_assert_int_eq(
		cw_rule_test_run(&test, "b", cw_str_of("from IMP 9@x.example -> edge, IMP"), &diag),
		0);
	ck_assert_uint_eq(test.passed, 2);
	ck_assert_uint_eq(test.failed, 1);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_uint_eq(diag.entries[0].place.line, 3);
	ck_assert_int_eq(cw_rule_test_print_coverage(&test), 0);
	(void)fclose(test.out);
	/* the disabled rule and transform are not missed */
	ck_assert_msg(strstr(text, "\nnever matched: rule 'addresses' rules/a.rules:33\n"
				   "never matched: rule 'own people elsewhere' rules/a.rules:53\n"
				   "never matched: rule 'hopeless' rules/a.rules:63\n"
				   "3 of 6 enabled rules matched\n"),
		"%s", text);
	free(text);
	cw_diag_finish(&diag);
	cw_rule_test_finish(&test);
	cw_ruleset_destroy(set);
}
END_TEST

START_TEST(covers_nothing_without_tests)
{
	struct cw_ruleset *set;
	char *text;
	struct cw_rule_test test = begin(&set, &text);

	ck_assert_int_eq(cw_rule_test_print_coverage(&test), 0);
	(void)fclose(test.out);
	ck_assert(strstr(text, "never matched: transform 'old domain' rules/a.rules:73\n"));
	ck_assert(strstr(text, "0 of 6 enabled rules matched\n"));
	free(text);
	cw_rule_test_finish(&test);
	cw_ruleset_destroy(set);
}
END_TEST

START_TEST(bounds_a_line)
{
	char line[CW_RULE_TEST_LINE_MAX + 2];
	struct cw_diag diag = {0};
	struct cw_ruleset *set;
	char *text;
	struct cw_rule_test test = begin(&set, &text);

	memset(line, ' ', sizeof(line));
	ck_assert_int_eq(
		cw_rule_test_run(&test, "t", cw_str_make(line, CW_RULE_TEST_LINE_MAX), &diag), 0);
	ck_assert_uint_eq(diag.errors, 0);
	ck_assert_int_eq(
		cw_rule_test_run(&test, "t", cw_str_make(line, CW_RULE_TEST_LINE_MAX + 1), &diag),
		0);
	ck_assert_uint_eq(diag.errors, 1);
	/* more targets than any request can have */
	size_t n = (size_t)snprintf(line, sizeof(line), "from IMP bob@x -> ");
	for (size_t i = 0; i < CW_RULE_TEST_TARGETS_MAX + 1; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%sIMP", i ? "," : "");
	ck_assert_int_eq(cw_rule_test_run(&test, "t", cw_str_make(line, n), &diag), 0);
	ck_assert_uint_eq(diag.errors, 2);
	(void)fclose(test.out);
	free(text);
	cw_diag_finish(&diag);
	cw_rule_test_finish(&test);
	cw_ruleset_destroy(set);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_ruleset *set = sample_ruleset("rules/a.rules");
	FILE *out = fopen("/dev/null", "w");

	ck_assert_ptr_nonnull(set);
	ck_assert_ptr_nonnull(out);
	for (unsigned n = 1;; n++) {
		struct cw_rule_test test = {
			.set = set, .zones = sample_zones, .n_zones = SAMPLE_ZONES, .out = out};
		struct cw_diag diag = {0};

		alloc_fail_at(n);
		int r = cw_rule_test_run(
			&test, "t", cw_str_of("from IMP %62ob@old.example -> none"), &diag);
		if (!r)
			r = cw_rule_test_print_coverage(&test);
		bool reached = alloc_fail_reached();
		cw_rule_test_finish(&test);
		cw_diag_finish(&diag);
		if (!reached) {
			ck_assert_int_eq(r, 0);
			break;
		}
		ck_assert_int_eq(r, -ENOMEM);
	}
	(void)fclose(out);
	cw_ruleset_destroy(set);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rule_test");
	TCase *tcase = tcase_create("rule_test");

	ADD_ROWS(tcase, runs_lines, line_cases);
	tcase_add_test(tcase, counts_over_files_and_covers);
	tcase_add_test(tcase, covers_nothing_without_tests);
	tcase_add_test(tcase, bounds_a_line);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
