#include "core/str.h"

#include "tests/unit/unit.h"

#include <errno.h>

static const struct compare_case {
	const char *name, *a, *b;
	bool eq, case_eq, starts, case_starts, case_ends; /* of a with b */
} compare_cases[] = {
	{"same", "sip", "sip", true, true, true, true, true},
	{"other case", "SIP", "sip", false, true, false, true, true},
	{"both empty", "", "", true, true, true, true, true},
	{"empty second", "sip", "", false, false, true, true, true},
	{"empty first", "", "sip", false, false, false, false, false},
	{"begins", "sip:alice", "sip:", false, false, true, true, false},
	{"begins in other case", "SIP:alice", "sip:", false, false, false, true, false},
	{"ends", "im.Example.org", ".example.ORG", false, false, false, false, true},
	{"differs in the last byte", "sipx", "sipy", false, false, false, false, false},
	{"letters and signs 32 apart", "a@[", "A`{", false, false, false, false, false},
	{"bytes above ASCII have no case", "\xc3\x84", "\xc3\xa4", false, false, false, false,
		false},
};

START_TEST(compares)
{
	const struct compare_case *c = &compare_cases[_i];
	struct cw_str a = heap_copy(cw_str_of(c->a)), b = heap_copy(cw_str_of(c->b));

	ck_assert_msg(cw_str_eq(a, b) == c->eq, "%s: eq", c->name);
	ck_assert_msg(cw_str_case_eq(a, b) == c->case_eq, "%s: case_eq", c->name);
	ck_assert_msg(cw_str_starts(a, b) == c->starts, "%s: starts", c->name);
	ck_assert_msg(cw_str_case_starts(a, b) == c->case_starts, "%s: case_starts", c->name);
	ck_assert_msg(cw_str_case_ends(a, b) == c->case_ends, "%s: case_ends", c->name);
	heap_free(a);
	heap_free(b);
}
END_TEST

START_TEST(takes_null_as_empty)
{
	struct cw_str none = {NULL, 0};

	ck_assert(cw_str_eq(none, cw_str_of("")));
	ck_assert(cw_str_case_eq(none, cw_str_of(NULL)));
	ck_assert(cw_str_starts(none, none));
	ck_assert_uint_eq(cw_str_find(none, 'x'), 0);
	ck_assert_uint_eq(cw_str_from(none, 3).len, 0);
	ck_assert_uint_eq(cw_str_trim(none).len, 0);
}
END_TEST

static const struct trim_case {
	const char *name, *in, *out;
} trim_cases[] = {
	{"nothing to do", "a b", "a b"},
	{"both ends", " \t\r\n a b\r\n", "a b"},
	{"all blank", " \t\r\n", ""},
	{"empty", "", ""},
	{"one byte", "x", "x"},
};

START_TEST(trims)
{
	const struct trim_case *c = &trim_cases[_i];
	struct cw_str in = heap_copy(cw_str_of(c->in));

	ck_assert_msg(cw_str_eq(cw_str_trim(in), cw_str_of(c->out)), "%s", c->name);
	heap_free(in);
}
END_TEST

START_TEST(finds_and_cuts)
{
	struct cw_str s = cw_str_of("alice@example.org");

	ck_assert_uint_eq(cw_str_find(s, '@'), 5);
	ck_assert_uint_eq(cw_str_find(s, 'a'), 0);
	ck_assert_uint_eq(cw_str_find(s, '!'), s.len);
	ck_assert(cw_str_eq(cw_str_from(s, 6), cw_str_of("example.org")));
	ck_assert(cw_str_eq(cw_str_from(s, 0), s));
	ck_assert_uint_eq(cw_str_from(s, s.len).len, 0);
	ck_assert_uint_eq(cw_str_from(s, s.len + 1).len, 0);
}
END_TEST

static const struct number_case {
	const char *name, *in;
	uint64_t max;
	int rc;
	uint64_t out;
} number_cases[] = {
	{"zero", "0", 10, 0, 0},
	{"at the limit", "65535", 65535, 0, 65535},
	{"above the limit", "65536", 65535, -ERANGE, 0},
	{"leading zeros", "000070", 70, 0, 70},
	{"largest", "18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
	{"largest and one", "18446744073709551616", UINT64_MAX, -ERANGE, 0},
	{"far too long", "99999999999999999999999999999", UINT64_MAX, -ERANGE, 0},
	{"far too long and no number", "99999999999999999999999999999x", UINT64_MAX, -EINVAL, 0},
	{"empty", "", 10, -EINVAL, 0},
	{"sign", "+1", 10, -EINVAL, 0},
	{"negative", "-1", 10, -EINVAL, 0},
	{"blank before", " 1", 10, -EINVAL, 0},
	{"letters behind", "1s", 10, -EINVAL, 0},
	{"hexadecimal", "0x1", 10, -EINVAL, 0},
};

START_TEST(reads_numbers)
{
	const struct number_case *c = &number_cases[_i];
	struct cw_str in = heap_copy(cw_str_of(c->in));
	uint64_t out = 4711;

	ck_assert_msg(cw_str_to_u64(in, c->max, &out) == c->rc, "%s: return", c->name);
	ck_assert_msg(out == (c->rc ? 4711 : c->out), "%s: output", c->name);
	heap_free(in);
}
END_TEST

START_TEST(copies)
{
	struct cw_str in = heap_copy(cw_str_make("a\0b", 3));
	char *copy = cw_str_dup(in);
	char *none = cw_str_dup(cw_str_of(NULL));

	ck_assert_ptr_nonnull(copy);
	ck_assert_mem_eq(copy, "a\0b", 4);
	ck_assert_str_eq(none, "");
	free(copy);
	free(none);

	alloc_fail_at(1);
	copy = cw_str_dup(in);
	ck_assert(alloc_fail_reached());
	ck_assert_ptr_null(copy);
	ck_assert_ptr_null(cw_str_dup(cw_str_make("", SIZE_MAX)));
	heap_free(in);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("str");
	TCase *tcase = tcase_create("str");

	ADD_ROWS(tcase, compares, compare_cases);
	tcase_add_test(tcase, takes_null_as_empty);
	ADD_ROWS(tcase, trims, trim_cases);
	tcase_add_test(tcase, finds_and_cuts);
	ADD_ROWS(tcase, reads_numbers, number_cases);
	tcase_add_test(tcase, copies);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
