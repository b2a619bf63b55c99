#include "dialplan/alias.h"

#include "dialplan/request.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define BYTES(literal) CW_STR(literal)

static const struct prepare_case {
	const char *name;
	struct cw_str in, alias;
	int rc;
} prepare_cases[] = {
	{"bare", BYTES("bob@x.example"), BYTES("bob@x.example"), 0},
	{"sip", BYTES("sip:bob@x.example"), BYTES("bob@x.example"), 0},
	{"scheme in capitals", BYTES("SIPS:Bob@X.Example"), BYTES("Bob@X.Example"), 0},
	{"im", BYTES("im:bob@x.example"), BYTES("bob@x.example"), 0},
	{"pres", BYTES("pres:bob@x.example"), BYTES("bob@x.example"), 0},
	{"xmpp without resource and query", BYTES("xmpp:bob@x.example/desk?message"),
		BYTES("bob@x.example"), 0},
	{"slash in a sip user stays", BYTES("sip:bob/1@x.example"), BYTES("bob/1@x.example"), 0},
	{"port and parameters as they stand", BYTES("sip:imp1.uc.local:5062;transport=tls?a=%41"),
		BYTES("imp1.uc.local:5062;transport=tls?a=%41"), 0},
	{"host and port without scheme", BYTES("imp1.uc.local:5062;transport=tls"),
		BYTES("imp1.uc.local:5062;transport=tls"), 0},
	{"label and port without scheme", BYTES("edge:5061"), BYTES("edge:5061"), 0},
	{"IPv6", BYTES("[2001:db8::1]:5061"), BYTES("[2001:db8::1]:5061"), 0},
	{"unreserved decoded in the user", BYTES("sip:%62o%42%2e%2D%5f%21%7E%2a%27%28%29@x"),
		BYTES("boB.-_!~*'()@x"), 0},
	{"reserved stays encoded", BYTES("sip:a%40b%3b%25%2f@x"), BYTES("a%40b%3b%25%2f@x"), 0},
	{"decoded once only", BYTES("sip:%2541@x"), BYTES("%2541@x"), 0},
	{"decoded in a password", BYTES("sip:bob:%41@x"), BYTES("bob:A@x"), 0},
	{"nothing decoded without a user", BYTES("sip:%41.example"), BYTES("%41.example"), 0},
	{"nothing decoded behind the user", BYTES("sip:%41@%41.example;p=%41"),
		BYTES("A@%41.example;p=%41"), 0},
	{"malformed encoding stays", BYTES("sip:a%4@x"), BYTES("a%4@x"), 0},
	{"no decoding beside malformed encoding", BYTES("sip:%62%4%42@x"), BYTES("%62%4%42@x"), 0},
	{"encoding cut off by the user's end", BYTES("sip:a%@41"), BYTES("a%@41"), 0},
	{"encoded NUL stays encoded", BYTES("sip:a%00b@x"), BYTES("a%00b@x"), 0},
	{"bytes above 0x7f stay", BYTES("sip:%c3%a4\xc3\xa4@x"), BYTES("%c3%a4\xc3\xa4@x"), 0},
	{"semicolon in the user", BYTES("sip:bob;x=%41@h;y=%41"), BYTES("bob;x=A@h;y=%41"), 0},
	{"empty", BYTES(""), BYTES(""), CW_ALIAS_E_SYNTAX},
	{"scheme alone", BYTES("sip:"), BYTES(""), CW_ALIAS_E_SYNTAX},
	{"resource alone", BYTES("xmpp:/desk"), BYTES(""), CW_ALIAS_E_SYNTAX},
	{"NUL", BYTES("sip:bob\0@x.example"), BYTES(""), CW_ALIAS_E_SYNTAX},
	{"NUL in the scheme", BYTES("s\0p:bob@x.example"), BYTES(""), CW_ALIAS_E_SYNTAX},
	{"CR", BYTES("sip:bob@x.example\r"), BYTES(""), CW_ALIAS_E_SYNTAX},
	{"LF", BYTES("sip:bob@x.example\n"), BYTES(""), CW_ALIAS_E_SYNTAX},
	{"tel", BYTES("tel:+15551234"), BYTES(""), CW_ALIAS_E_SCHEME},
	{"tel that looks like host and port", BYTES("TEL:911"), BYTES(""), CW_ALIAS_E_SCHEME},
	{"http", BYTES("http://x.example/"), BYTES(""), CW_ALIAS_E_SCHEME},
	{"a scheme is no host, whatever follows", BYTES("sip:5061;transport=tls"),
		BYTES("5061;transport=tls"), 0},
	{"unknown scheme", BYTES("nobodyKnowsThisScheme:totallyopaquecontent"), BYTES(""),
		CW_ALIAS_E_SCHEME},
	{"scheme with a dot", BYTES("soap.beep://192.0.2.103:3002"), BYTES(""), CW_ALIAS_E_SCHEME},
	{"port out of range is no port", BYTES("host:65536"), BYTES(""), CW_ALIAS_E_SCHEME},
};

START_TEST(prepares_aliases)
{
	const struct prepare_case *c = &prepare_cases[_i];
	struct cw_str in = heap_copy(c->in), out = cw_str_of("untouched");
	struct cw_arena arena = {0};

	ck_assert_msg(cw_alias_prepare(&out, in, &arena) == c->rc, "%s: return", c->name);
	ck_assert_msg(cw_str_eq(out, c->rc ? cw_str_of("untouched") : c->alias),
		"%s: got %" CW_STR_FMT, c->name, CW_STR_ARG(out));
	cw_arena_finish(&arena);
	heap_free(in);
}
END_TEST

START_TEST(limits_the_length)
{
	char uri[CW_ALIAS_MAX * 3 + 64];
	struct cw_arena arena = {0};
	struct cw_str out;

	memset(uri, 'a', sizeof(uri));
	ck_assert_int_eq(cw_alias_prepare(&out, cw_str_make(uri, CW_ALIAS_MAX), &arena), 0);
	ck_assert_uint_eq(out.len, CW_ALIAS_MAX);
	ck_assert_int_eq(cw_alias_prepare(&out, cw_str_make(uri, CW_ALIAS_MAX + 1), &arena),
		CW_ALIAS_E_LENGTH);
	memcpy(uri, "sip:", 4);
	ck_assert_int_eq(cw_alias_prepare(&out, cw_str_make(uri, CW_ALIAS_MAX + 4), &arena), 0);
	ck_assert_int_eq(
		cw_alias_prepare_jid(&out, cw_str_make(uri, CW_ALIAS_MAX + 1)), CW_ALIAS_E_LENGTH);
	/* the alias counts, not how it was written */
	for (size_t i = 0; i < CW_ALIAS_MAX - 2; i++)
		memcpy(uri + i * 3, "%61", 3);
	memcpy(uri + (CW_ALIAS_MAX - 2) * 3, "@x", 2);
	ck_assert_int_eq(
		cw_alias_prepare(&out, cw_str_make(uri, (CW_ALIAS_MAX - 2) * 3 + 2), &arena), 0);
	ck_assert_uint_eq(out.len, CW_ALIAS_MAX);
	memcpy(uri + (CW_ALIAS_MAX - 2) * 3, "@xx", 3);
	ck_assert_int_eq(
		cw_alias_prepare(&out, cw_str_make(uri, (CW_ALIAS_MAX - 2) * 3 + 3), &arena),
		CW_ALIAS_E_LENGTH);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_str out = cw_str_of("untouched");
	struct cw_arena arena = {0};

	alloc_fail_at(1);
	int r = cw_alias_prepare(&out, cw_str_of("sip:%41@x"), &arena);
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert(cw_str_eq(out, cw_str_of("untouched")));
	cw_arena_finish(&arena);
}
END_TEST

static const struct jid_case {
	const char *name;
	struct cw_str in, alias;
	int rc;
} jid_cases[] = {
	{"bare", BYTES("bob@x.example"), BYTES("bob@x.example"), 0},
	{"resource", BYTES("bob@x.example/a@b/c"), BYTES("bob@x.example"), 0},
	{"domain", BYTES("x.example"), BYTES("x.example"), 0},
	{"no percent-encoding", BYTES("%41@x.example"), BYTES("%41@x.example"), 0},
	{"empty", BYTES(""), BYTES(""), CW_ALIAS_E_SYNTAX},
	{"resource alone", BYTES("/a"), BYTES(""), CW_ALIAS_E_SYNTAX},
	{"NUL", BYTES("b\0b@x.example"), BYTES(""), CW_ALIAS_E_SYNTAX},
};

START_TEST(prepares_jids)
{
	const struct jid_case *c = &jid_cases[_i];
	struct cw_str in = heap_copy(c->in), out = cw_str_of("untouched");

	ck_assert_msg(cw_alias_prepare_jid(&out, in) == c->rc, "%s: return", c->name);
	ck_assert_msg(
		cw_str_eq(out, c->rc ? cw_str_of("untouched") : c->alias), "%s: alias", c->name);
	heap_free(in);
}
END_TEST

static const struct host_case {
	const char *alias, *host;
	bool is_ip;
} host_cases[] = {
	{"bob@x.example", "x.example", false},
	{"bob@x.example:5061;transport=tls", "x.example", false},
	{"bob;x=1?y@x.example;p=a@b", "x.example", false},
	{"a@b@c:1", "c", false},
	{"x.example?Subject=hi", "x.example", false},
	{"@x.example", "x.example", false},
	{"bob@", "", false},
	{"192.0.2.1", "192.0.2.1", true},
	{"192.0.2.1:5061", "192.0.2.1", true},
	{"192.0.2.1;transport=tls", "192.0.2.1", true},
	{"192.0.2.1:5061;transport=tls", "192.0.2.1", true},
	{"192.0.2.1?Subject=hi", "192.0.2.1", true},
	{"bob@192.0.2.1", "192.0.2.1", false},
	{"@192.0.2.1", "192.0.2.1", false},
	{"192.0.2", "192.0.2", false},
	{"192.0.2.256", "192.0.2.256", false},
	{"192.0.2.1.", "192.0.2.1.", false},
	{"192.0.2.1:", "192.0.2.1", false},
	{"192.0.2.1:x", "192.0.2.1", false},
	{"192.0.2.1:65536", "192.0.2.1", false},
	{"192.0.2.1x", "192.0.2.1x", false},
	{"[2001:db8::1]", "[2001:db8::1]", true},
	{"[2001:DB8::1]:5061", "[2001:DB8::1]", true},
	{"[2001:db8::1];transport=tls", "[2001:db8::1]", true},
	{"[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", true},
	{"bob@[::1]:5061", "[::1]", false},
	{"[192.0.2.1]", "[192.0.2.1]", false},
	{"[::1", "[", false},
	{"[]", "[]", false},
	{"[::1]5061", "[::1]", false},
	{"::1", "", false},
};

START_TEST(finds_the_host_and_knows_addresses)
{
	const struct host_case *c = &host_cases[_i];
	struct cw_str alias = heap_copy(cw_str_of(c->alias));

	ck_assert_msg(cw_str_eq(cw_alias_host(alias), cw_str_of(c->host)), "%s: host %" CW_STR_FMT,
		c->alias, CW_STR_ARG(cw_alias_host(alias)));
	ck_assert_msg(cw_alias_is_ip(alias) == c->is_ip, "%s: is_ip", c->alias);
	heap_free(alias);
}
END_TEST

START_TEST(names_what_a_request_is)
{
	enum cw_variant variant = CW_VARIANT_ANY;
	enum cw_protocol protocol = CW_PROTOCOL_SIP;

	for (int v = CW_VARIANT_STANDARD; v < CW_VARIANT_ANY; v++) {
		const char *name = cw_variant_name((enum cw_variant)v);

		ck_assert_int_eq(cw_variant_parse(cw_str_of(name), &variant), 0);
		ck_assert_int_eq((int)variant, v);
	}
	ck_assert_int_eq(cw_variant_parse(cw_str_of("any"), &variant), -EINVAL);
	ck_assert_int_eq(cw_variant_parse(cw_str_of("microsoft"), &variant), -EINVAL);
	ck_assert_int_eq(cw_protocol_parse(cw_str_of("xmpp"), &protocol), 0);
	ck_assert_str_eq(cw_protocol_name(protocol), "xmpp");
	ck_assert_int_eq(cw_protocol_parse(cw_str_of("any"), &protocol), -EINVAL);
	ck_assert_int_eq((int)cw_variant_of_method(cw_str_of("BENOTIFY")), CW_VARIANT_MS_IMP);
	ck_assert_int_eq((int)cw_variant_of_method(cw_str_of("SUBSCRIBE")), CW_VARIANT_MS_IMP);
	ck_assert_int_eq((int)cw_variant_of_method(cw_str_of("INVITE")), CW_VARIANT_STANDARD);
	ck_assert_int_eq((int)cw_variant_of_method(cw_str_of("message")), CW_VARIANT_STANDARD);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("alias");
	TCase *tcase = tcase_create("alias");

	ADD_ROWS(tcase, prepares_aliases, prepare_cases);
	tcase_add_test(tcase, limits_the_length);
	tcase_add_test(tcase, copes_with_short_memory);
	ADD_ROWS(tcase, prepares_jids, jid_cases);
	ADD_ROWS(tcase, finds_the_host_and_knows_addresses, host_cases);
	tcase_add_test(tcase, names_what_a_request_is);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
