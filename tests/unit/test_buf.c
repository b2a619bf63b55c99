#include "core/buf.h"

#include "tests/unit/unit.h"

#include <errno.h>

START_TEST(builds_text)
{
	struct cw_buf b = {0};

	ck_assert_uint_eq(cw_buf_str(&b).len, 0);
	cw_buf_add(&b, cw_str_of("Via: "));
	cw_buf_add(&b, cw_str_of(NULL));
	cw_buf_printf(&b, "%s:%d", "host", 5061);
	cw_buf_add_char(&b, '\r');
	cw_buf_add_char(&b, '\n');
	ck_assert(cw_str_eq(cw_buf_str(&b), cw_str_of("Via: host:5061\r\n")));
	ck_assert_int_eq(b.error, 0);

	cw_buf_clear(&b);
	ck_assert_uint_eq(b.len, 0);
	cw_buf_add(&b, cw_str_of("x"));
	ck_assert(cw_str_eq(cw_buf_str(&b), cw_str_of("x")));
	cw_buf_finish(&b);
	ck_assert_ptr_null(b.data);
	cw_buf_finish(&b);
}
END_TEST

static const struct number_case {
	uint64_t number;
	const char *text;
} number_cases[] = {
	{0, "0"},
	{9, "9"},
	{10, "10"},
	{5061, "5061"},
	{UINT64_MAX, "18446744073709551615"},
};

START_TEST(adds_numbers)
{
	struct cw_buf b = {0};

	cw_buf_add_number(&b, number_cases[_i].number);
	ck_assert(cw_str_eq(cw_buf_str(&b), cw_str_of(number_cases[_i].text)));
	cw_buf_finish(&b);
}
END_TEST

START_TEST(grows)
{
	struct cw_buf b = {0};
	char long_word[1000];

	memset(long_word, 'w', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	for (int i = 0; i < 1000; i++) {
		cw_buf_printf(&b, "%s", long_word);
		cw_buf_add_char(&b, (char)('a' + i % 26));
	}
	ck_assert_int_eq(b.error, 0);
	ck_assert_uint_eq(b.len, 1000 * 1000);
	for (size_t i = 0; i < 1000; i++) {
		ck_assert_mem_eq(b.data + i * 1000, long_word, 999);
		ck_assert_int_eq(b.data[i * 1000 + 999], (char)('a' + i % 26));
	}
	cw_buf_finish(&b);
}
END_TEST

static const struct limit_case {
	const char *name;
	size_t max_bytes, first, second;
	int error;
	size_t len;
} limit_cases[] = {
	{"fits exactly", 10, 4, 6, 0, 10},
	{"one too many", 10, 4, 7, -EMSGSIZE, 4},
	{"first alone too long", 10, 11, 1, -EMSGSIZE, 0},
	{"limit above the first room", 300, 200, 100, 0, 300},
	{"limit above the first room passed", 300, 200, 101, -EMSGSIZE, 200},
	{"no limit", 0, 400, 400, 0, 800},
};

START_TEST(keeps_its_limit)
{
	const struct limit_case *c = &limit_cases[_i];
	char bytes[512];
	struct cw_buf added, printed;

	memset(bytes, 'x', sizeof(bytes));
	cw_buf_init(&added, c->max_bytes);
	cw_buf_add(&added, cw_str_make(bytes, c->first));
	cw_buf_add(&added, cw_str_make(bytes, c->second));
	ck_assert_msg(added.error == c->error, "%s: error", c->name);
	ck_assert_msg(added.len == c->len, "%s: length", c->name);

	cw_buf_init(&printed, c->max_bytes);
	cw_buf_printf(&printed, "%.*s", (int)c->first, bytes);
	cw_buf_printf(&printed, "%.*s", (int)c->second, bytes);
	ck_assert_msg(printed.error == c->error, "%s: error of printf", c->name);
	ck_assert_msg(printed.len == c->len, "%s: length of printf", c->name);
	cw_buf_finish(&added);
	cw_buf_finish(&printed);
}
END_TEST

START_TEST(error_sticks_until_cleared)
{
	struct cw_buf b;

	cw_buf_init(&b, 4);
	cw_buf_add(&b, cw_str_of("12345"));
	cw_buf_add_char(&b, 'x');
	cw_buf_printf(&b, "x");
	cw_buf_add_escaped(&b, cw_str_of("\n"));
	ck_assert_int_eq(b.error, -EMSGSIZE);
	ck_assert_uint_eq(b.len, 0);
	cw_buf_clear(&b);
	cw_buf_add(&b, cw_str_of("1234"));
	ck_assert_int_eq(b.error, 0);
	ck_assert_uint_eq(b.len, 4);
	cw_buf_finish(&b);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_buf b = {0};

	alloc_fail_at(1);
	cw_buf_add(&b, cw_str_of("x"));
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(b.error, -ENOMEM);
	cw_buf_clear(&b);
	cw_buf_add(&b, cw_str_of("kept"));
	alloc_fail_at(1);
	cw_buf_printf(&b, "%1000d", 1);
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(b.error, -ENOMEM);
	ck_assert(cw_str_eq(cw_buf_str(&b), cw_str_of("kept")));
	cw_buf_finish(&b);
}
END_TEST

static const struct escape_case {
	const char *name;
	struct cw_str in;
	const char *out;
} escape_cases[] = {
	{"plain", CW_STR("plain text = 1"), "plain text = 1"},
	{"line ends", CW_STR("a\r\nb\t"), "a\\r\\nb\\t"},
	{"quotes", CW_STR("say \"hi\" \\"), "say \\\"hi\\\" \\\\"},
	{"control bytes", CW_STR("\0\x1b[2J\x7f"), "\\x00\\x1b[2J\\x7f"},
	{"UTF-8", CW_STR("\xc3\xa4"), "\\xc3\\xa4"},
	{"last printable", CW_STR("~"), "~"},
	{"empty", CW_STR(""), ""},
};

START_TEST(escapes)
{
	const struct escape_case *c = &escape_cases[_i];
	struct cw_buf b = {0};
	struct cw_str in = heap_copy(c->in);

	cw_buf_add_escaped(&b, in);
	ck_assert_msg(cw_str_eq(cw_buf_str(&b), cw_str_of(c->out)), "%s", c->name);
	heap_free(in);
	cw_buf_finish(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buf");
	TCase *tcase = tcase_create("buf");

	tcase_add_test(tcase, builds_text);
	ADD_ROWS(tcase, adds_numbers, number_cases);
	tcase_add_test(tcase, grows);
	ADD_ROWS(tcase, keeps_its_limit, limit_cases);
	tcase_add_test(tcase, error_sticks_until_cleared);
	tcase_add_test(tcase, copes_with_short_memory);
	ADD_ROWS(tcase, escapes, escape_cases);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
