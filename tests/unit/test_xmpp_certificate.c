#include "xmpp/certificate.h"

#include "tests/unit/unit.h"

static struct cw_identity_name dns_b[] = {
	{CW_IDENTITY_DNS, CW_STR("other.test")}, {CW_IDENTITY_DNS, CW_STR("b.test")}};
static struct cw_identity_name cn[] = {{CW_IDENTITY_CN, CW_STR("b.test")}};
static struct cw_identity_name srv[] = {{CW_IDENTITY_SRV_NAME, CW_STR("_xmpp-server.b.test")}};
static struct cw_identity_name inside[] = {{CW_IDENTITY_DNS, CW_STR("jabber.inside.test")}};

static const struct cw_identity by_dns = {.names = dns_b, .n_names = 2};
static const struct cw_identity by_cn = {.names = cn, .n_names = 1};
static const struct cw_identity by_srv = {.xmpp_names = srv, .n_xmpp_names = 1};
static const struct cw_identity deceiving = {.names = dns_b, .n_names = 2, .has_bad_name = true};
static const struct cw_identity of_inside = {.names = inside, .n_names = 1};

static const struct cw_str verify_names[] = {
	CW_STR("xmpp.inside.test"), CW_STR("jabber.inside.test")};

static const struct cw_xmpp_terms named = {.certificates = CW_XMPP_NAMED};
static const struct cw_xmpp_terms trusted = {.certificates = CW_XMPP_TRUSTED};
static const struct cw_xmpp_terms any = {.certificates = CW_XMPP_ANY};
static const struct cw_xmpp_terms zone = {
	.certificates = CW_XMPP_NAMED, .certificate_names = verify_names, .n_certificate_names = 2};

#define NOT_NAMED "its certificate does not name b.test"

static const struct certificate_case {
	const char *name;
	const struct cw_xmpp_terms *terms;
	struct cw_xmpp_security_facts facts;
	const char *refusal;
	bool proves;
} certificate_cases[] = {
	{"no TLS", &trusted, {false, NULL, NULL}, NULL, false},
	{"no TLS, of all facts", &trusted, {false, NULL, &by_dns}, NULL, false},
	{"good", &trusted, {true, NULL, &by_dns}, NULL, true},
	{"SRVName", &trusted, {true, NULL, &by_srv}, NULL, true},
	{"common name", &trusted, {true, NULL, &by_cn}, NOT_NAMED, false},
	{"a NUL in a name", &trusted, {true, NULL, &deceiving}, NOT_NAMED, false},
	{"another name", &trusted, {true, NULL, &of_inside}, NOT_NAMED, false},
	{"none", &trusted, {true, "no-certificate", NULL}, "it shows no certificate", false},

	{"named: self-signed", &named, {true, "untrusted", &by_dns}, NULL, false},
	{"named: good", &named, {true, NULL, &by_dns}, NULL, true},
	{"named: another name", &named, {true, NULL, &of_inside}, NOT_NAMED, false},
	{"named: none", &named, {true, "no-certificate", NULL}, "it shows no certificate", false},

	{"any: self-signed", &any, {true, "untrusted", &by_dns}, NULL, false},
	{"any: another name", &any, {true, NULL, &of_inside}, NULL, false},
	{"any: none", &any, {true, "no-certificate", NULL}, NULL, false},
	{"any: good", &any, {true, NULL, &by_dns}, NULL, true},

	{"zone: one of its names", &zone, {true, NULL, &of_inside}, NULL, true},
	{"zone: the domain is none of them", &zone, {true, NULL, &by_dns},
		"its certificate does not name xmpp.inside.test", false},

	{"untrusted", &trusted, {true, "untrusted", &by_dns}, "its certificate is not trusted",
		false},
	{"revoked", &trusted, {true, "revoked", &by_dns}, "its certificate is revoked", false},
	{"expired", &trusted, {true, "expired", &by_dns}, "its certificate has expired", false},
	{"not yet valid", &trusted, {true, "not-yet-valid", &by_dns},
		"its certificate is not valid yet", false},
	{"no CRL", &trusted, {true, "crl-missing", &by_dns},
		"its certificate cannot be checked: there is no CRL of its CA", false},
	{"old CRL", &trusted, {true, "crl-expired", &by_dns},
		"its certificate cannot be checked: the CRL of its CA is out of date", false},
	{"weak", &trusted, {true, "weak", &by_dns}, "its certificate is too weak", false},
	{"purpose", &trusted, {true, "purpose", &by_dns}, "its certificate is not made for TLS",
		false},
	{"anything else", &trusted, {true, "invalid", &by_dns}, "its certificate is not in order",
		false},
};

START_TEST(judges)
{
	const struct certificate_case *c = &certificate_cases[_i];
	struct cw_str domain = heap_copy(cw_str_of("b.test"));
	char room[CW_XMPP_REFUSAL_MAX];
	const char *refusal = cw_xmpp_certificate_refusal(c->terms, &c->facts, domain, room);

	ck_assert_msg((refusal == NULL) == (c->refusal == NULL), "%s: %s", c->name,
		refusal ? refusal : "accepted");
	if (refusal)
		ck_assert_msg(strcmp(refusal, c->refusal) == 0, "%s: %s", c->name, refusal);
	ck_assert_msg(cw_xmpp_certificate_proves(c->terms, &c->facts, domain) == c->proves,
		"%s: proof", c->name);
	heap_free(domain);
}
END_TEST

START_TEST(longest_name_fits)
{
	struct cw_xmpp_security_facts facts = {true, NULL, &by_dns};
	char name[253], room[CW_XMPP_REFUSAL_MAX];
	const char *refusal;

	memset(name, 'n', sizeof(name));
	refusal =
		cw_xmpp_certificate_refusal(&named, &facts, cw_str_make(name, sizeof(name)), room);
	ck_assert_ptr_nonnull(refusal);
	ck_assert_uint_eq(strlen(refusal), strlen("its certificate does not name ") + sizeof(name));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_certificate");
	TCase *tcase = tcase_create("xmpp_certificate");

	ADD_ROWS(tcase, judges, certificate_cases);
	tcase_add_test(tcase, longest_name_fits);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
