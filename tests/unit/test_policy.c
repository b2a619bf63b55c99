#include "sip/policy.h"

#include "tests/unit/unit.h"

#define NAMES_MAX 4
#define RULES_MAX 4

/* A certificate of which only the names matter here. */
static struct cw_identity_name identity_names[NAMES_MAX];
static struct cw_identity identity_of_names;

/* NULL when the first name is NULL: no certificate. "" is a certificate without names. */
static const struct cw_identity *make_identity(const char *const names[NAMES_MAX])
{
	if (!names[0])
		return NULL;
	identity_of_names = (struct cw_identity){.names = identity_names};
	for (size_t i = 0; i < NAMES_MAX && names[i] && names[i][0]; i++) {
		identity_names[i] = (struct cw_identity_name){
			.kind = CW_IDENTITY_DNS, .name = cw_str_of(names[i])};
		identity_of_names.n_names++;
	}
	return &identity_of_names;
}

static const struct access_case {
	const char *name;
	bool has_access;
	struct {
		bool allow;
		enum cw_pattern_type type;
		const char *text; /* NULL ends the list */
	} rules[RULES_MAX];
	const char *names[NAMES_MAX];
	bool admits;
	int decided_by; /* -1: none */
} access_cases[] = {
	{"no block admits every certificate", false, {{0}}, {"a.example"}, true, -1},
	{"an empty block admits nobody", true, {{0}}, {"a.example"}, false, -1},
	{"exact, caseless", true, {{true, CW_PATTERN_EXACT, "A.Example"}}, {"a.example"}, true, 0},
	{"exact is the whole name", true, {{true, CW_PATTERN_EXACT, "a.example"}},
		{"xa.example", "a.example.com"}, false, -1},
	{"prefix", true, {{true, CW_PATTERN_PREFIX, "edge."}}, {"edge.example"}, true, 0},
	{"suffix", true, {{true, CW_PATTERN_SUFFIX, ".example"}}, {"a.example"}, true, 0},
	{"regex is anchored", true, {{true, CW_PATTERN_REGEX, "a\\.example"}}, {"a.example.com"},
		false, -1},
	{"regex", true, {{true, CW_PATTERN_REGEX, ".*\\.partner\\.example"}},
		{"edge.partner.example"}, true, 0},
	{"any of the names", true, {{true, CW_PATTERN_EXACT, "b.example"}},
		{"a.example", "b.example"}, true, 0},
	{"the first line that fits decides", true,
		{{false, CW_PATTERN_EXACT, "b.example"}, {true, CW_PATTERN_ANY, ""}},
		{"a.example", "b.example"}, false, 0},
	{"lines before names", true,
		{{true, CW_PATTERN_EXACT, "b.example"}, {false, CW_PATTERN_EXACT, "a.example"}},
		{"a.example", "b.example"}, true, 0},
	{"deny the rest", true,
		{{true, CW_PATTERN_EXACT, "b.example"}, {false, CW_PATTERN_ANY, ""}}, {"a.example"},
		false, 1},
	{"a certificate without names fits nothing", true, {{true, CW_PATTERN_ANY, ""}}, {""},
		false, -1},
	{"nor does no certificate", true, {{true, CW_PATTERN_ANY, ""}}, {NULL}, false, -1},
	{"an allow that gives up denies", true,
		{{true, CW_PATTERN_REGEX, "(a+)+[xy]"}, {true, CW_PATTERN_ANY, ""}},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"}, false,
		0},
	{"a deny that gives up denies", true,
		{{false, CW_PATTERN_REGEX, "(a+)+[xy]"}, {true, CW_PATTERN_ANY, ""}},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"}, false,
		0},
};

START_TEST(applies_access_rules)
{
	const struct access_case *c = &access_cases[_i];
	struct cw_access_rule rules[RULES_MAX];
	struct cw_sip_policy policy = {.has_access = c->has_access, .access = rules};
	struct cw_pattern *patterns[RULES_MAX];
	struct cw_pattern_error error;
	const struct cw_access_rule *decided_by = rules + RULES_MAX;

	while (policy.n_access < RULES_MAX && c->rules[policy.n_access].text) {
		size_t i = policy.n_access++;

		ck_assert_int_eq(cw_pattern_create(&patterns[i], c->rules[i].type,
					 cw_str_of(c->rules[i].text), CW_BEHAVIOR_LEAVE,
					 cw_str_of(""), &error),
			0);
		rules[i] =
			(struct cw_access_rule){.allow = c->rules[i].allow, .pattern = patterns[i]};
	}
	ck_assert_msg(cw_policy_admits(&policy, make_identity(c->names), &decided_by) == c->admits,
		"%s: answer", c->name);
	ck_assert_msg(decided_by == (c->decided_by < 0 ? NULL : &rules[c->decided_by]), "%s: rule",
		c->name);
	cw_policy_admits(&policy, make_identity(c->names), NULL);
	for (size_t i = 0; i < policy.n_access; i++)
		cw_pattern_destroy(patterns[i]);
}
END_TEST

static const struct cw_str providers[] = {
	CW_STR("sipfed.online.lync.com"), CW_STR("host.example.")};
static const struct cw_partner partners[] = {
	{CW_STR("msexample.com"), CW_STR("edge.msexample.net")},
	{CW_STR("other.example"), CW_STR("edge.other.net")},
};
static const struct cw_sip_policy federation = {
	.hosting_providers = providers,
	.n_hosting_providers = N_ELEMENTS(providers),
	.partners = partners,
	.n_partners = N_ELEMENTS(partners),
	.sender_check = true,
};

static const struct target_case {
	const char *name, *domain, *target;
	bool fits;
} target_cases[] = {
	{"below the domain", "exp.example.com", "sip.exp.example.com", true},
	{"further below", "example.com", "a.b.example.com", true},
	{"the domain itself", "example.com", "example.com", true},
	{"caseless, trailing dots", "Example.com.", "SIP.example.COM.", true},
	{"beside the domain", "exp.example.com", "sip.example.com", false},
	{"above the domain", "exp.example.com", "example.com", false},
	{"a longer label", "example.com", "sipexample.com", false},
	{"another domain", "example.com", "sip.example.net", false},
	{"hosting provider", "example.com", "sipfed.online.lync.com", true},
	{"hosting provider, written with a dot", "example.com", "Host.example", true},
	{"below a hosting provider", "example.com", "a.sipfed.online.lync.com", false},
	{"no domain", "", "sip.example.com", false},
	{"a dot as domain", ".", "sip.example.com", false},
	{"no target", "example.com", "", false},
};

START_TEST(compares_targets)
{
	const struct target_case *c = &target_cases[_i];
	struct cw_str domain = heap_copy(cw_str_of(c->domain));
	struct cw_str target = heap_copy(cw_str_of(c->target));

	ck_assert_msg(cw_policy_target_fits(&federation, domain, target) == c->fits, "%s", c->name);
	heap_free(domain);
	heap_free(target);
}
END_TEST

static const struct sender_case {
	const char *name, *names[NAMES_MAX], *domain;
	enum cw_sender_verdict verdict;
} sender_cases[] = {
	{"the certificate names the domain", {"edge.example.com", "example.com"}, "Example.com.",
		CW_SENDER_OK},
	{"it names another one", {"edge.example.com"}, "example.com", CW_SENDER_LOOKUP},
	{"a wildcard does not name it", {"*.example.com"}, "a.example.com", CW_SENDER_LOOKUP},
	{"nor is it claimed", {"*.example.com"}, "*.example.com", CW_SENDER_LOOKUP},
	{"a partner's certificate", {"edge.msexample.net"}, "msexample.com", CW_SENDER_OK},
	{"another partner's certificate", {"edge.other.net"}, "msexample.com", CW_SENDER_LOOKUP},
	{"a partner's certificate for a subdomain", {"edge.msexample.net"}, "a.msexample.com",
		CW_SENDER_LOOKUP},
	{"no certificate", {NULL}, "example.com", CW_SENDER_REFUSED},
	{"no domain", {"example.com"}, "", CW_SENDER_REFUSED},
	{"a dot as domain", {"example.com"}, ".", CW_SENDER_REFUSED},
};

START_TEST(checks_senders)
{
	const struct sender_case *c = &sender_cases[_i];
	struct cw_str domain = heap_copy(cw_str_of(c->domain));

	ck_assert_msg(cw_policy_sender(&federation, make_identity(c->names), domain) == c->verdict,
		"%s", c->name);
	heap_free(domain);
}
END_TEST

static const struct srv_case {
	const char *name, *names[NAMES_MAX];
	enum cw_dns_status status;
	const char *targets[NAMES_MAX];
	const char *why; /* part of the reason; NULL: the sender is fine */
} srv_cases[] = {
	{"the edge's certificate", {"sip.example.com"}, CW_DNS_OK, {"sip.example.com"}, NULL},
	{"the second target's certificate", {"b.example.com"}, CW_DNS_OK,
		{"a.example.com", "b.example.com"}, NULL},
	{"a hosting provider's certificate", {"sipfed.online.lync.com"}, CW_DNS_OK,
		{"sipfed.online.lync.com"}, NULL},
	{"another certificate", {"evil.example"}, CW_DNS_OK, {"sip.example.com"},
		"does not name the target"},
	{"a record that points to the stranger", {"evil.example"}, CW_DNS_OK, {"evil.example"},
		"outside its namespace"},
	{"the certificate names the target outside, not the one inside", {"evil.example"},
		CW_DNS_OK, {"evil.example", "sip.example.com"}, "does not name the target"},
	{"a wildcard for the edge", {"*.example.com"}, CW_DNS_OK, {"sip.example.com"},
		"does not name the target"},
	{"no record", {"sip.example.com"}, CW_DNS_NO_NAME, {NULL},
		"publishes no federation record"},
	{"no record of the type", {"sip.example.com"}, CW_DNS_NO_DATA, {NULL},
		"publishes no federation record"},
	{"no federation", {"sip.example.com"}, CW_DNS_NO_SERVICE, {NULL},
		"publishes no federation record"},
	{"servers fail", {"sip.example.com"}, CW_DNS_SERVFAIL, {NULL}, "cannot be looked up"},
	{"servers are silent", {"sip.example.com"}, CW_DNS_TIMEOUT, {NULL}, "cannot be looked up"},
	{"no domain name", {"sip.example.com"}, CW_DNS_BAD_NAME, {NULL}, "cannot be looked up"},
};

START_TEST(checks_senders_by_their_record)
{
	const struct srv_case *c = &srv_cases[_i];
	struct cw_srv srv[NAMES_MAX] = {{0}};
	struct cw_dns_answer answer = {.status = c->status, .srv = srv};
	const char *why = NULL;
	bool fine;

	while (answer.n_srv < NAMES_MAX && c->targets[answer.n_srv]) {
		srv[answer.n_srv].target = cw_str_of(c->targets[answer.n_srv]);
		answer.n_srv++;
	}
	fine = cw_policy_sender_by_srv(
		&federation, make_identity(c->names), cw_str_of("example.com"), &answer, &why);
	ck_assert_msg(fine == !c->why, "%s: answer", c->name);
	if (c->why)
		ck_assert_msg(why && strstr(why, c->why), "%s: %s", c->name, why);
	else
		ck_assert_msg(!why, "%s: reason for nothing", c->name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("policy");

	ADD_ROWS(tcase, applies_access_rules, access_cases);
	ADD_ROWS(tcase, compares_targets, target_cases);
	ADD_ROWS(tcase, checks_senders, sender_cases);
	ADD_ROWS(tcase, checks_senders_by_their_record, srv_cases);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
