#include "xmpp/sasl.h"

#include "tests/unit/unit.h"

#include <errno.h>

/* RFC 4648, 10, and the two letters that base64url has otherwise */
static const struct sasl_case {
	const char *bytes, *text;
} sasl_cases[] = {
	{"", "="},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"a.test", "YS50ZXN0"},
	{"\xfb\xef\xbe\xff\xff\xff", "++++////"},
};

START_TEST(reads_what_it_writes)
{
	const struct sasl_case *c = &sasl_cases[_i];
	char room[CW_XMPP_SASL_MAX];
	struct cw_buf out = {0};
	size_t len = 99;

	cw_xmpp_sasl_write(&out, cw_str_of(c->bytes));
	ck_assert(cw_str_eq(cw_buf_str(&out), cw_str_of(c->text)));
	ck_assert_int_eq(cw_xmpp_sasl_read(room, &len, cw_buf_str(&out)), 0);
	ck_assert(cw_str_eq(cw_str_make(room, len), cw_str_of(c->bytes)));
	cw_buf_finish(&out);
}
END_TEST

static const char *const wrong[] = {"Z", "Zg", "Zg=", "Zm9=v", "Zh==", "====", "Zm9v====", "Zm 9v",
	"-_-_", "Zm9%", "==", "Zm9v="};

START_TEST(refuses_what_is_no_base64)
{
	struct cw_str text = heap_copy(cw_str_of(wrong[_i]));
	char room[CW_XMPP_SASL_MAX];
	size_t len = 99;

	ck_assert_msg(cw_xmpp_sasl_read(room, &len, text) == -EINVAL, "%s", wrong[_i]);
	ck_assert_uint_eq(len, 99);
	heap_free(text);
}
END_TEST

START_TEST(blanks_around_do_not_count)
{
	char room[CW_XMPP_SASL_MAX];
	size_t len = 99;

	ck_assert_int_eq(cw_xmpp_sasl_read(room, &len, cw_str_of("\n  Zg==\n")), 0);
	ck_assert_uint_eq(len, 1);
	ck_assert_int_eq(cw_xmpp_sasl_read(room, &len, cw_str_of(" = ")), 0);
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(cw_xmpp_sasl_read(room, &len, cw_str_of("")), 0);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(has_a_limit)
{
	char bytes[CW_XMPP_SASL_MAX + 1], room[CW_XMPP_SASL_MAX];
	struct cw_buf out = {0};
	size_t len = 99;

	memset(bytes, 'x', sizeof(bytes));
	cw_xmpp_sasl_write(&out, cw_str_make(bytes, sizeof(bytes)));
	ck_assert_int_eq(out.error, -EMSGSIZE);
	ck_assert_uint_eq(out.len, 0);
	cw_buf_clear(&out);
	cw_xmpp_sasl_write(&out, cw_str_make(bytes, CW_XMPP_SASL_MAX));
	ck_assert_int_eq(cw_xmpp_sasl_read(room, &len, cw_buf_str(&out)), 0);
	ck_assert_uint_eq(len, CW_XMPP_SASL_MAX);
	cw_buf_add(&out, cw_str_of("eHh4"));
	ck_assert_int_eq(cw_xmpp_sasl_read(room, &len, cw_buf_str(&out)), -EINVAL);
	cw_buf_finish(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_sasl");
	TCase *tcase = tcase_create("xmpp_sasl");

	ADD_ROWS(tcase, reads_what_it_writes, sasl_cases);
	ADD_ROWS(tcase, refuses_what_is_no_base64, wrong);
	tcase_add_test(tcase, blanks_around_do_not_count);
	tcase_add_test(tcase, has_a_limit);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
