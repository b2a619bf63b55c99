#include "net/address.h"

#include "tests/unit/unit.h"

#include <errno.h>

static const struct parse_case {
	const char *name, *in, *out;
	int r;
} parse_cases[] = {
	{"IPv4", "192.0.2.1:5061", "192.0.2.1:5061", 0},
	{"IPv6", "[2001:db8::1]:5061", "[2001:db8::1]:5061", 0},
	{"IPv6 loopback", "[::1]:1", "[::1]:1", 0},
	{"mapped", "[::ffff:192.0.2.1]:65535", "[::ffff:192.0.2.1]:65535", 0},
	{"link-local with a scope", "[fe80::1%1]:5061", "[fe80::1%1]:5061", 0},
	{"scope by name", "[fe80::1%lo]:5061", "[fe80::1%1]:5061", 0},
	{"port 0", "0.0.0.0:0", "0.0.0.0:0", 0},
	{"in brackets", "[192.0.2.1]:5061", "", -EINVAL},
	{"empty", "", "", -EINVAL},
	{"no port", "192.0.2.1", "", -EINVAL},
	{"empty port", "192.0.2.1:", "", -EINVAL},
	{"port too large", "192.0.2.1:65536", "", -EINVAL},
	{"port with sign", "192.0.2.1:+1", "", -EINVAL},
	{"no host", ":5061", "", -EINVAL},
	{"IPv6 without brackets", "2001:db8::1:5061", "", -EINVAL},
	{"open bracket", "[2001:db8::1:5061", "", -EINVAL},
	{"a name", "sip.example.com:5061", "", -EINVAL},
	{"short IPv4", "127.1:5061", "", -EINVAL},
	{"octal", "0177.0.0.1:5061", "", -EINVAL},
	{"leading zero", "192.0.02.1:5061", "", -EINVAL},
	{"number above 255", "192.0.2.256:5061", "", -EINVAL},
	{"largest numbers", "255.255.255.255:5061", "255.255.255.255:5061", 0},
	{"four digits", "192.0.2.0001:5061", "", -EINVAL},
	{"empty number", "192..2.1:5061", "", -EINVAL},
	{"no last number", "192.0.2.:5061", "", -EINVAL},
	{"fifth number", "192.0.2.1.1:5061", "", -EINVAL},
	{"name of numbers", "192.0.2.example:5061", "", -EINVAL},
	{"empty scope", "[fe80::1%]:5061", "", -EINVAL},
	{"unknown scope", "[fe80::1%nothere0]:5061", "", -EINVAL},
	{"scope too long", "[fe80::1%0123456789abcdef0123]:1", "", -EINVAL},
	{"host too long", "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1", "", -EINVAL},
	{"blank", " 192.0.2.1:1", "", -EINVAL},
};

START_TEST(parses)
{
	const struct parse_case *c = &parse_cases[_i];
	struct cw_str in = heap_copy(cw_str_of(c->in));
	struct cw_address a = {.len = 77};
	char text[CW_ADDRESS_TEXT_MAX];

	ck_assert_msg(cw_address_parse(&a, in) == c->r, "%s: return", c->name);
	if (c->r == 0) {
		cw_address_format(&a, text);
		ck_assert_msg(strcmp(text, c->out) == 0, "%s: %s", c->name, text);
	} else {
		ck_assert_msg(a.len == 77, "%s: output touched on failure", c->name);
	}
	heap_free(in);
}
END_TEST

START_TEST(makes)
{
	struct cw_address a, b;
	char text[CW_ADDRESS_TEXT_MAX];

	ck_assert_int_eq(cw_address_make(&a, cw_str_of("[::1]"), 5061), 0);
	ck_assert_int_eq(cw_address_make(&b, cw_str_of("::1"), 5062), 0);
	ck_assert(cw_address_same_host(&a, &b));
	ck_assert_uint_eq(cw_address_port(&a), 5061);
	ck_assert_uint_eq(cw_address_port(&b), 5062);
	cw_address_format_host(&a, text);
	ck_assert_str_eq(text, "::1");
	ck_assert_int_eq(cw_address_make(&a, cw_str_of("example.com"), 1), -EINVAL);
	ck_assert_int_eq(cw_address_make(&a, cw_str_of(""), 1), -EINVAL);
	ck_assert_int_eq(cw_address_make(&a, cw_str_make("1.2.3.4\0x", 9), 1), -EINVAL);
	ck_assert_uint_eq(cw_address_port(&(struct cw_address){0}), 0);
	cw_address_format(&(struct cw_address){0}, text);
	ck_assert_str_eq(text, "-:0");
}
END_TEST

START_TEST(has_room_for_the_longest)
{
	char text[CW_ADDRESS_TEXT_MAX];
	struct cw_address a, b;

	ck_assert_int_eq(
		cw_address_parse(&a,
			cw_str_of("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535")),
		0);
	cw_address_format(&a, text);
	ck_assert_int_eq(cw_address_parse(&b, cw_str_of(text)), 0);
	ck_assert_mem_eq(&a.sa, &b.sa, a.len);
}
END_TEST

static const struct same_case {
	const char *a, *b;
	bool same;
} same_cases[] = {
	{"192.0.2.1:1", "192.0.2.1:2", true},
	{"192.0.2.1:1", "192.0.2.2:1", false},
	{"192.0.2.1:1", "[::ffff:192.0.2.1]:1", true},
	{"192.0.2.1:1", "[2001:db8::1]:1", false},
	{"[fe80::1%1]:1", "[fe80::1%2]:1", false},
	{"[fe80::1%1]:1", "[fe80::1%1]:9", true},
};

START_TEST(compares_hosts)
{
	const struct same_case *c = &same_cases[_i];
	struct cw_address a, b;

	ck_assert_int_eq(cw_address_parse(&a, cw_str_of(c->a)), 0);
	ck_assert_int_eq(cw_address_parse(&b, cw_str_of(c->b)), 0);
	ck_assert_msg(cw_address_same_host(&a, &b) == c->same, "%s, %s", c->a, c->b);
	ck_assert_msg(cw_address_same_host(&b, &a) == c->same, "%s, %s", c->b, c->a);
}
END_TEST

static const struct private_case {
	const char *host;
	bool is_private;
} private_cases[] = {
	{"0.0.0.0", true},
	{"0.1.2.3", true},
	{"10.255.0.1", true},
	{"11.0.0.1", false},
	{"100.63.255.255", false},
	{"100.64.0.0", true},
	{"100.127.255.255", true},
	{"100.128.0.0", false},
	{"127.0.0.2", true},
	{"128.0.0.1", false},
	{"169.254.169.254", true},
	{"172.15.255.255", false},
	{"172.16.0.1", true},
	{"172.31.255.255", true},
	{"172.32.0.0", false},
	{"192.168.1.1", true},
	{"192.169.0.1", false},
	{"192.0.2.1", false},
	{"223.255.255.255", false},
	{"224.0.0.1", true},
	{"239.255.255.255", true},
	{"240.0.0.1", true},
	{"255.255.255.255", true},
	{"::", true},
	{"::1", true},
	{"::7f00:1", true},
	{"fc00::1", true},
	{"fdff::1", true},
	{"fe80::1", true},
	{"febf::1", true},
	{"fec0::1", true},
	{"ff02::1", true},
	{"2001:db8::1", false},
	{"2606:4700::1111", false},
	{"::ffff:10.0.0.1", true},
	{"::ffff:192.0.2.1", false},
	{"64:ff9b::127.0.0.1", true},
	{"64:ff9b::192.0.2.1", false},
	{"64:ff9b:1::192.0.2.1", true},
	{"64:ff9b:2::192.0.2.1", false},
	{"2002:7f00:1::1", true},
	{"2002:a00:1::1", true},
	{"2002:c000:201::1", false},
	{"192.0.0.8", true},
	{"192.0.1.8", false},
	{"198.17.255.255", false},
	{"198.18.0.1", true},
	{"198.19.255.255", true},
	{"198.20.0.0", false},
};

START_TEST(knows_private_addresses)
{
	const struct private_case *c = &private_cases[_i];
	struct cw_address a;

	ck_assert_int_eq(cw_address_make(&a, cw_str_of(c->host), 5061), 0);
	ck_assert_msg(cw_address_is_private(&a) == c->is_private, "%s", c->host);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("address");
	TCase *tc = tcase_create("address");

	ADD_ROWS(tc, parses, parse_cases);
	tcase_add_test(tc, makes);
	tcase_add_test(tc, has_room_for_the_longest);
	ADD_ROWS(tc, compares_hosts, same_cases);
	ADD_ROWS(tc, knows_private_addresses, private_cases);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
