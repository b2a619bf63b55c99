/* Messages about a file: what is printed, in which order, and which name is offered. */
#include "core/diag.h"

#include "tests/unit/unit.h"

static char *printed(const struct cw_diag *diag)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	cw_diag_print(diag, f);
	fclose(f);
	return text;
}

static const struct print_case {
	const char *name, *source;
	unsigned column, width;
	const char *message, *expected;
} print_cases[] = {
	{"caret and underline", "target IMPP", 8, 4, "unknown zone",
		"f:3:8: error: unknown zone\ntarget IMPP\n       ^~~~\n1 error, 0 warnings\n"},
	{"tabs stay in the caret line", "\ta\tb", 4, 1, "m",
		"f:3:4: error: m\n\ta\tb\n\t \t^\n1 error, 0 warnings\n"},
	{"one column for a UTF-8 character", "z\xc3\xbc\xe2\x82\xac x", 8, 1, "m",
		"f:3:8: error: m\nz\xc3\xbc\xe2\x82\xac x\n    ^\n1 error, 0 warnings\n"},
	{"the underline counts characters", "'\xc3\xbc\xc3\xbc'", 1, 6, "m",
		"f:3:1: error: m\n'\xc3\xbc\xc3\xbc'\n^~~~\n1 error, 0 warnings\n"},
	{"control characters do not reach a terminal", "a\x1b[1m\x7f", 2, 1, "b\x1b[0m",
		"f:3:2: error: b?[0m\na?[1m?\n ^\n1 error, 0 warnings\n"},
	{"bytes that are no UTF-8", "a\xff", 2, 1, "\xc3(",
		"f:3:2: error: ?(\na?\n ^\n1 error, 0 warnings\n"},
	{"behind the end of the line", "abc", 4, 1, "m",
		"f:3:4: error: m\nabc\n   ^\n1 error, 0 warnings\n"},
	{"a width beyond the line", "abc", 2, 99, "m",
		"f:3:2: error: m\nabc\n ^~\n1 error, 0 warnings\n"},
	{"an empty line", "", 1, 1, "m", "f:3:1: error: m\n\n^\n1 error, 0 warnings\n"},
};

START_TEST(prints_place)
{
	const struct print_case *c = &print_cases[_i];
	struct cw_place place = {"f", 3, c->column, c->width, cw_str_of(c->source)};
	struct cw_diag diag = {0};
	char *text;

	cw_diag_add(&diag, CW_SEVERITY_ERROR, &place, "%s", c->message);
	text = printed(&diag);
	ck_assert_msg(strcmp(text, c->expected) == 0, "%s:\n%s", c->name, text);
	free(text);
	cw_diag_finish(&diag);
}
END_TEST

START_TEST(sorts_by_file_and_line)
{
	struct cw_place places[] = {
		{"b", 9, 1, 1, CW_STR("b9")},
		{"a", 5, 4, 1, CW_STR("a5  x")},
		{"b", 2, 1, 1, CW_STR("b2")},
		{"a", 5, 1, 1, CW_STR("a5  x")},
		{"b", 0, 0, 0, {NULL, 0}},
	};
	struct cw_diag diag = {0};
	char *text;
	size_t i;

	cw_diag_add(&diag, CW_SEVERITY_WARNING, NULL, "no place");
	for (i = 0; i < N_ELEMENTS(places); i++)
		cw_diag_add(&diag, CW_SEVERITY_ERROR, &places[i], "no. %zu", i);
	text = printed(&diag);
	ck_assert_str_eq(text, "warning: no place\n"
			       "b: error: no. 4\n"
			       "b:2:1: error: no. 2\nb2\n^\n"
			       "b:9:1: error: no. 0\nb9\n^\n"
			       "a:5:1: error: no. 3\na5  x\n^\n"
			       "a:5:4: error: no. 1\na5  x\n   ^\n"
			       "5 errors, 1 warning\n");
	ck_assert_str_eq(diag.entries[1].message, "no. 0"); /* printing leaves the order alone */
	cw_diag_sort(&diag);
	ck_assert_str_eq(diag.entries[1].message, "no. 4");
	free(text);
	cw_diag_finish(&diag);
}
END_TEST

START_TEST(clips_a_long_line_around_the_place)
{
	char line[3000], *text;
	struct cw_place place = {"f", 1, 2001, 3, {line, sizeof(line)}};
	struct cw_diag diag = {0};

	memset(line, 'x', sizeof(line));
	memcpy(line + 2000, "BAD", 3);
	cw_diag_add(&diag, CW_SEVERITY_ERROR, &place, "m");
	memset(line, 0, sizeof(line)); /* it made a copy */
	text = printed(&diag);
	ck_assert_uint_lt(strlen(text), 2 * CW_DIAG_SOURCE_MAX + 100);
	ck_assert_ptr_nonnull(strstr(text, "f:1:2001: error"));
	ck_assert_ptr_nonnull(strstr(text, "xBADx"));

	const char *bad = strstr(text, "BAD");

	ck_assert_int_eq(bad - strchr(text, '\n'), strchr(bad, '^') - strchr(bad, '\n'));
	free(text);
	cw_diag_finish(&diag);
}
END_TEST

START_TEST(counts_what_it_does_not_keep)
{
	struct cw_diag diag = {0};
	char *text;
	unsigned i;

	for (i = 0; i < CW_DIAG_MAX + 5; i++)
		cw_diag_add(&diag, CW_SEVERITY_WARNING, NULL, "w");
	cw_diag_add(&diag, CW_SEVERITY_ERROR, NULL,
		"the error"); /* many warnings never hide an error */
	ck_assert_uint_eq(diag.warnings, CW_DIAG_MAX + 5);
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_uint_eq(diag.dropped, 5);
	text = printed(&diag);
	ck_assert_ptr_nonnull(strstr(text, "error: the error\n"));
	ck_assert_ptr_nonnull(strstr(text, "1 error, 205 warnings (5 of them not shown)\n"));
	free(text);
	cw_diag_finish(&diag);
}
END_TEST

START_TEST(counts_what_memory_does_not_hold)
{
	struct cw_place place = {"f", 1, 1, 1, CW_STR("source")};

	for (unsigned n = 1;; n++) {
		struct cw_diag diag = {0};

		alloc_fail_at(n);
		cw_diag_add(&diag, CW_SEVERITY_ERROR, &place, "m");

		bool is_short = alloc_fail_reached();

		ck_assert_uint_eq(diag.errors, 1);
		ck_assert_uint_eq(diag.dropped, is_short ? 1 : 0);
		ck_assert_uint_eq(diag.count, is_short ? 0 : 1);
		cw_diag_finish(&diag);
		if (!is_short)
			break;
	}
}
END_TEST

START_TEST(prints_nothing_when_all_is_well)
{
	struct cw_diag diag = {0};
	char *text = printed(&diag);

	ck_assert_str_eq(text, "");
	free(text);
	cw_diag_finish(&diag);
}
END_TEST

static const char *const names[] = {
	"target", "transport", "type", "trust", "peer", "IMP", "on-match", NULL};

static const struct nearest_case {
	const char *given, *nearest;
} nearest_cases[] = {
	{"tagret", "target"}, /* swapped */
	{"taget", "target"},
	{"IMPP", "IMP"},
	{"imp", "IMP"},
	{"pear", "peer"},
	{"onmatch", "on-match"},
	{"trsut", "trust"},
	{"tranzport", "transport"},
	{"priority", NULL},
	{"xyz", NULL},
	{"t", NULL},
	{"", NULL},
	{"taaaaarget-and-much-more-of-it-than-any-name-could-be-long-so-it-is-not", NULL},
};

START_TEST(offers_the_nearest_name)
{
	const struct nearest_case *c = &nearest_cases[_i];
	const char *nearest = cw_diag_nearest(cw_str_of(c->given), names);

	if (!c->nearest)
		ck_assert_msg(!nearest, "%s: %s", c->given, nearest);
	else
		ck_assert_msg(nearest && strcmp(nearest, c->nearest) == 0, "%s: %s", c->given,
			nearest ? nearest : "none");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("diag");
	TCase *tcase = tcase_create("diag");

	ADD_ROWS(tcase, prints_place, print_cases);
	tcase_add_test(tcase, sorts_by_file_and_line);
	tcase_add_test(tcase, clips_a_long_line_around_the_place);
	tcase_add_test(tcase, counts_what_it_does_not_keep);
	tcase_add_test(tcase, counts_what_memory_does_not_hold);
	tcase_add_test(tcase, prints_nothing_when_all_is_well);
	ADD_ROWS(tcase, offers_the_nearest_name, nearest_cases);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
