#include "certs/identity.h"

#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <errno.h>

#define NAMES_MAX 6

/* A name to be put into a certificate. Strings may hold a NUL: lengths are those of the literals. */
struct entry {
	char kind; /* d dNSName, u URI, e rfc822Name, s SRVName, S the same as UTF8String, x XmppAddr, o another common name; 0 ends the list */
	struct cw_str text;
};

#define ENTRY(kind, literal)                                                                       \
	{                                                                                          \
		kind, CW_STR(literal)                                                              \
	}

static EVP_PKEY *key; /* one for all: only the names matter here */

static void make_key(void)
{
	key = EVP_EC_gen("P-256");
	ck_assert_ptr_nonnull(key);
}

static void free_key(void)
{
	EVP_PKEY_free(key);
}

static void add_alt_name(GENERAL_NAMES *names, char kind, struct cw_str text)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *bytes = ASN1_IA5STRING_new();
	int type = kind == 'd' ? GEN_DNS : kind == 'u' ? GEN_URI : GEN_EMAIL;

	ck_assert(name && bytes);
	ck_assert_int_eq(ASN1_STRING_set(bytes, text.p, (int)text.len), 1);
	GENERAL_NAME_set0_value(name, type, bytes);
	ck_assert_int_gt(sk_GENERAL_NAME_push(names, name), 0);
}

static void add_other_name(GENERAL_NAMES *names, char kind, struct cw_str text)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_TYPE *value = ASN1_TYPE_new();
	ASN1_STRING *bytes =
		ASN1_STRING_type_new(kind == 's' ? V_ASN1_IA5STRING : V_ASN1_UTF8STRING);
	int nid = kind == 'x' ? NID_XmppAddr : NID_SRVName;

	ck_assert(name && value && bytes);
	ck_assert_int_eq(ASN1_STRING_set(bytes, text.p, (int)text.len), 1);
	ASN1_TYPE_set(value, ASN1_STRING_type(bytes), bytes);
	ck_assert_int_eq(GENERAL_NAME_set0_othername(name, OBJ_nid2obj(nid), value), 1);
	ck_assert_int_gt(sk_GENERAL_NAME_push(names, name), 0);
}

static void add_common_name(X509 *x, struct cw_str text)
{
	ck_assert_int_eq(
		X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8,
			(const unsigned char *)text.p, (int)text.len, -1, 0),
		1);
}

/* A self-signed certificate of O=Example, the common name (unless empty) and the entries. */
static X509 *make_certificate(struct cw_str common_name, const struct entry *entries, size_t n)
{
	X509 *x = X509_new();
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	ck_assert(x && names);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "O", MBSTRING_ASC,
				 (const unsigned char *)"Example", -1, -1, 0),
		1);
	for (size_t i = 0; i < n && entries[i].kind; i++) {
		if (entries[i].kind == 'o')
			add_common_name(x, entries[i].text);
		else if (strchr("sSx", entries[i].kind))
			add_other_name(names, entries[i].kind, entries[i].text);
		else
			add_alt_name(names, entries[i].kind, entries[i].text);
	}
	if (common_name.len > 0)
		add_common_name(x, common_name);
	if (sk_GENERAL_NAME_num(names) > 0)
		ck_assert_int_eq(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0), 1);
	GENERAL_NAMES_free(names);
	ck_assert_int_eq(ASN1_TIME_set_string(X509_getm_notBefore(x), "20200101000000Z"), 1);
	ck_assert_int_eq(ASN1_TIME_set_string(X509_getm_notAfter(x), "20300102030405Z"), 1);
	ck_assert_int_eq(X509_set_pubkey(x, key), 1);
	ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
	return x;
}

static const struct names_case {
	const char *name;
	struct cw_str common_name;
	struct entry entries[NAMES_MAX];
	const char
		*expected; /* "d:name u:name c:name s:name x:name": in order, the XMPP names last */
	bool has_bad_name;
} names_cases[] = {
	{"dns names keep their order", CW_STR(""),
		{ENTRY('d', "b.example"), ENTRY('d', "a.example")}, "d:b.example d:a.example"},
	{"lower case, no trailing dot", CW_STR(""), {ENTRY('d', "Edge.Example.COM.")},
		"d:edge.example.com"},
	{"a wildcard is kept", CW_STR(""), {ENTRY('d', "*.example.com")}, "d:*.example.com"},
	{"sip uri", CW_STR(""), {ENTRY('u', "SIP:Example.com")}, "u:example.com"},
	{"sip uri with a user part", CW_STR(""), {ENTRY('u', "sip:alice@example.com")}, ""},
	{"sip uri with a port", CW_STR(""), {ENTRY('u', "sip:example.com:5061")}, ""},
	{"sip uri with a parameter", CW_STR(""), {ENTRY('u', "sip:example.com;lr")}, ""},
	{"sips uri is no identity", CW_STR("cn.example"), {ENTRY('u', "sips:example.com")},
		"c:cn.example"},
	{"web uri is no identity", CW_STR("cn.example"), {ENTRY('u', "https://example.com/")},
		"c:cn.example"},
	{"common name without alternative names", CW_STR("Edge.example.com"), {{0}},
		"c:edge.example.com"},
	{"the last common name", CW_STR("edge.example.com"), {ENTRY('o', "Example Edge")},
		"c:edge.example.com"},
	{"common name beside a mail address", CW_STR("cn.example"), {ENTRY('e', "a@b.example")},
		"c:cn.example"},
	{"no common name beside a dns name", CW_STR("cn.example"), {ENTRY('d', "dns.example")},
		"d:dns.example"},
	{"no common name beside a sip uri", CW_STR("cn.example"), {ENTRY('u', "sip:uri.example")},
		"u:uri.example"},
	{"no common name beside a useless dns name", CW_STR("cn.example"), {ENTRY('d', ".x")}, ""},
	{"no common name beside a user's sip uri", CW_STR("cn.example"), {ENTRY('u', "sip:a@x")},
		""},
	{"nul inside a dns name", CW_STR(""), {ENTRY('d', "good.example\0.evil.example")}, "",
		true},
	{"nul inside a sip uri", CW_STR(""), {ENTRY('u', "sip:good.example\0.evil.example")}, "",
		true},
	{"nul inside the common name", CW_STR("good.example\0.evil.example"), {{0}}, "", true},
	{"nul inside a common name of no meaning", CW_STR("good.example\0.evil.example"),
		{ENTRY('d', "a.example")}, "d:a.example", true},
	{"nul inside an srv name", CW_STR(""), {ENTRY('s', "_xmpp-server.a.example\0.b.example")},
		"", true},
	{"nul inside an xmpp address", CW_STR(""),
		{ENTRY('x', "a.example\0.b.example"), ENTRY('d', "c.example")}, "d:c.example",
		true},
	{"xmpp names stand apart", CW_STR("cn.example"),
		{ENTRY('s', "_XMPP-server.A.example"), ENTRY('x', "B.example."),
			ENTRY('s', "_sip.c.example")},
		"c:cn.example s:_xmpp-server.a.example x:b.example s:_sip.c.example"},
	{"and behind the others", CW_STR(""),
		{ENTRY('x', "b.example"), ENTRY('d', "a.example"), ENTRY('u', "sip:c.example")},
		"d:a.example u:c.example x:b.example"},
	{"an srv name of another type", CW_STR(""), {ENTRY('S', "_xmpp-server.a.example")}, ""},
	{"an xmpp address that is no A-label", CW_STR(""), {ENTRY('x', "\xc3\xa4.example")}, ""},
	{"leading dot", CW_STR(""), {ENTRY('d', ".example.com"), ENTRY('d', "a.example")},
		"d:a.example"},
	{"a dot alone", CW_STR(""), {ENTRY('d', ".")}, ""},
	{"an empty name", CW_STR(""), {ENTRY('d', "")}, ""},
	{"control byte", CW_STR(""), {ENTRY('d', "a\n.example")}, "", true},
	{"byte above ASCII", CW_STR(""), {ENTRY('d', "\xc3\xa4.example")}, ""},
	{"no names at all", CW_STR(""), {{0}}, ""},
};

static void describe(char *out, size_t room, const struct cw_identity *identity)
{
	static const char letters[] = {[CW_IDENTITY_DNS] = 'd',
		[CW_IDENTITY_SIP_URI] = 'u',
		[CW_IDENTITY_CN] = 'c',
		[CW_IDENTITY_SRV_NAME] = 's',
		[CW_IDENTITY_XMPP_ADDR] = 'x'};
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < identity->n_names + identity->n_xmpp_names; i++) {
		const struct cw_identity_name *n =
			i < identity->n_names ? &identity->names[i]
					      : &identity->xmpp_names[i - identity->n_names];

		ck_assert_int_eq(n->name.p[n->name.len], '\0');
		len += (size_t)snprintf(out + len, room - len, "%s%c:%s", i ? " " : "",
			letters[n->kind], n->name.p);
		ck_assert_uint_lt(len, room);
	}
}

START_TEST(reads_names)
{
	const struct names_case *c = &names_cases[_i];
	X509 *x = make_certificate(c->common_name, c->entries, NAMES_MAX);
	struct cw_identity *identity = NULL;
	char names[512];

	ck_assert_msg(cw_identity_create(&identity, x) == 0, "%s: return", c->name);
	describe(names, sizeof(names), identity);
	ck_assert_msg(strcmp(names, c->expected) == 0, "%s: [%s]", c->name, names);
	ck_assert_msg(identity->has_bad_name == c->has_bad_name, "%s: bad name", c->name);
	cw_identity_destroy(identity);
	X509_free(x);
}
END_TEST

static const struct match_case {
	const char *name;
	struct cw_str common_name;
	struct entry entries[NAMES_MAX];
	const char *wanted;
	bool exact, wild,
		xmpp; /* by cw_identity_has_name, without and with wildcards; by cw_identity_has_xmpp_domain */
} match_cases[] = {
	{"equal", CW_STR(""), {ENTRY('d', "a.example")}, "a.example", true, true, true},
	{"the second name", CW_STR(""), {ENTRY('d', "b.example"), ENTRY('d', "a.example")},
		"a.example", true, true, true},
	{"caseless, trailing dot", CW_STR(""), {ENTRY('d', "a.example")}, "A.Example.", true, true,
		true},
	{"sip uri", CW_STR(""), {ENTRY('u', "sip:a.example")}, "a.example", true, true, false},
	{"common name", CW_STR("a.example"), {{0}}, "a.example", true, true, false},
	{"a subdomain is another name", CW_STR(""), {ENTRY('d', "example.com")}, "a.example.com",
		false, false, false},
	{"a suffix is another name", CW_STR(""), {ENTRY('d', "a.example.com")}, "example.com",
		false, false, false},
	{"wildcard", CW_STR(""), {ENTRY('d', "*.example.com")}, "A.example.com", false, true, true},
	{"wildcard in the common name", CW_STR("*.example.com"), {{0}}, "a.example.com", false,
		true, false},
	{"wildcard and two labels", CW_STR(""), {ENTRY('d', "*.example.com")}, "a.b.example.com",
		false, false, false},
	{"wildcard and no label", CW_STR(""), {ENTRY('d', "*.example.com")}, "example.com", false,
		false, false},
	{"wildcard and an empty label", CW_STR(""), {ENTRY('d', "*.example.com")}, ".example.com",
		false, false, false},
	{"wildcard of a top-level domain", CW_STR(""), {ENTRY('d', "*.com")}, "example.com", false,
		false, false},
	{"wildcard for part of a label", CW_STR(""), {ENTRY('d', "f*.example.com")},
		"foo.example.com", false, false, false},
	{"wildcard not at the left", CW_STR(""), {ENTRY('d', "a.*.example.com")}, "a.b.example.com",
		false, false, false},
	{"a star alone", CW_STR(""), {ENTRY('d', "*")}, "example", false, false, false},
	{"claiming the wildcard itself", CW_STR(""), {ENTRY('d', "*.example.com")}, "*.example.com",
		false, false, false},
	{"empty", CW_STR(""), {ENTRY('d', "a.example")}, "", false, false, false},
	{"a dot", CW_STR(""), {ENTRY('d', "a.example")}, ".", false, false, false},
	{"srv name", CW_STR(""), {ENTRY('s', "_xmpp-server.a.example")}, "A.example.", false, false,
		true},
	{"srv name of another service", CW_STR(""), {ENTRY('s', "_xmpp-client.a.example")},
		"a.example", false, false, false},
	{"srv name with a wildcard", CW_STR(""), {ENTRY('s', "_xmpp-server.*.a.example")},
		"b.a.example", false, false, true},
	{"srv name with a wildcard of a top-level domain", CW_STR(""),
		{ENTRY('s', "_xmpp-server.*.example")}, "a.example", false, false, false},
	{"srv name's own text", CW_STR(""), {ENTRY('s', "_xmpp-server.a.example")},
		"_xmpp-server.a.example", false, false, false},
	{"srv name without a domain", CW_STR(""), {ENTRY('s', "_xmpp-server.")}, "a.example", false,
		false, false},
	{"dns name like an srv name", CW_STR(""), {ENTRY('d', "_xmpp-server.a.example")},
		"a.example", false, false, false},
	{"xmpp address", CW_STR(""), {ENTRY('x', "A.example")}, "a.example", false, false, true},
	{"xmpp address has no wildcards", CW_STR(""), {ENTRY('x', "*.a.example")}, "b.a.example",
		false, false, false},
	{"xmpp address of a user", CW_STR(""), {ENTRY('x', "u@a.example")}, "a.example", false,
		false, false},
	{"an A-label", CW_STR(""), {ENTRY('d', "XN--4ca.example")}, "xn--4ca.example", true, true,
		true},
	{"common name beside an xmpp address", CW_STR("a.example"), {ENTRY('x', "b.example")},
		"a.example", true, true, false},
	{"a nul in another name", CW_STR(""), {ENTRY('d', "a.example"), ENTRY('d', "b.example\0c")},
		"a.example", true, true, false},
};

START_TEST(matches_names)
{
	const struct match_case *c = &match_cases[_i];
	X509 *x = make_certificate(c->common_name, c->entries, NAMES_MAX);
	struct cw_str wanted = heap_copy(cw_str_of(c->wanted));
	struct cw_identity *identity = NULL;

	ck_assert_msg(cw_identity_create(&identity, x) == 0, "%s: return", c->name);
	ck_assert_msg(
		cw_identity_has_name(identity, wanted, false) == c->exact, "%s: exact", c->name);
	ck_assert_msg(
		cw_identity_has_name(identity, wanted, true) == c->wild, "%s: wildcards", c->name);
	ck_assert_msg(
		cw_identity_has_xmpp_domain(identity, wanted) == c->xmpp, "%s: xmpp", c->name);
	cw_identity_destroy(identity);
	heap_free(wanted);
	X509_free(x);
}
END_TEST

START_TEST(describes_the_certificate)
{
	const struct entry entries[] = {ENTRY('d', "edge.example.com")};
	X509 *x = make_certificate(cw_str_of("edge.example.com"), entries, 1);
	X509 *other = make_certificate(cw_str_of("edge.example.com"), entries, 1);
	struct cw_identity *a, *again, *b;

	ck_assert_int_eq(cw_identity_create(&a, x), 0);
	ck_assert_int_eq(cw_identity_create(&again, x), 0);
	ck_assert_int_eq(cw_identity_create(&b, other), 0);
	ck_assert_str_eq(a->subject, "CN=edge.example.com,O=Example");
	ck_assert_int_eq(a->not_after, 1893553445);
	ck_assert_uint_eq(strspn(a->fingerprint, "0123456789abcdef"), 64);
	ck_assert_uint_eq(strlen(a->fingerprint), 64);
	ck_assert(cw_identity_eq(a, again));
	ck_assert(!cw_identity_eq(a, b)); /* same names, another signature */
	cw_identity_destroy(a);
	cw_identity_destroy(again);
	cw_identity_destroy(b);
	X509_free(x);
	X509_free(other);
}
END_TEST

START_TEST(bounds_the_number_of_names)
{
	static struct entry entries[CW_IDENTITY_NAMES_MAX + 1];
	struct cw_identity *identity = NULL;
	X509 *x;

	for (size_t i = 0; i < N_ELEMENTS(entries); i++)
		entries[i] = (struct entry)ENTRY(i % 2 ? 'x' : 'd', "a.example");
	x = make_certificate(cw_str_of(""), entries, CW_IDENTITY_NAMES_MAX);
	ck_assert_int_eq(cw_identity_create(&identity, x), 0);
	ck_assert_uint_eq(identity->n_names + identity->n_xmpp_names, CW_IDENTITY_NAMES_MAX);
	cw_identity_destroy(identity);
	X509_free(x);

	identity = NULL;
	x = make_certificate(cw_str_of(""), entries, CW_IDENTITY_NAMES_MAX + 1);
	ck_assert_int_eq(cw_identity_create(&identity, x), -E2BIG);
	ck_assert_ptr_null(identity);
	X509_free(x);
}
END_TEST

START_TEST(refuses_broken_alternative_names)
{
	static const unsigned char junk[] = {0x30, 0x03, 0x82, 0x09, 'a'};
	X509 *x = make_certificate(cw_str_of("cn.example"), NULL, 0);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;
	struct cw_identity *identity = NULL;

	ck_assert_int_eq(ASN1_OCTET_STRING_set(value, junk, sizeof(junk)), 1);
	extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
	ck_assert_int_eq(X509_add_ext(x, extension, -1), 1);
	ck_assert_int_eq(cw_identity_create(&identity, x), -EINVAL);
	ck_assert_ptr_null(identity);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	X509_free(x);
}
END_TEST

START_TEST(copes_without_memory)
{
	const struct entry entries[] = {ENTRY('d', "edge.example.com")};
	X509 *x = make_certificate(cw_str_of("edge.example.com"), entries, 1);
	struct cw_identity *identity = NULL;
	unsigned n;
	int r;

	for (n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_identity_create(&identity, x);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(identity);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(n, 3); /* the object, its names, its subject */
	cw_identity_destroy(identity);
	cw_identity_destroy(NULL);
	X509_free(x);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("identity");
	TCase *tcase = tcase_create("identity");

	tcase_add_unchecked_fixture(tcase, make_key, free_key);
	ADD_ROWS(tcase, reads_names, names_cases);
	ADD_ROWS(tcase, matches_names, match_cases);
	tcase_add_test(tcase, describes_the_certificate);
	tcase_add_test(tcase, bounds_the_number_of_names);
	tcase_add_test(tcase, refuses_broken_alternative_names);
	tcase_add_test(tcase, copes_without_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
