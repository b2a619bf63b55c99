#include "xmpp/policy.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define N_MANY 100000

static const struct cw_str domains[] = {CW_STR("a.example"), CW_STR("b.example")};
static const struct cw_str chat_nodes[] = {CW_STR("rooms.a.example")};
static const struct cw_str listed[] = {CW_STR("p.example"), CW_STR("*.q.example")};
static const struct cw_str verify[] = {CW_STR("im.lan")};
static const struct cw_zone outside = {.type = CW_ZONE_DEFAULT};
static const struct cw_zone inside = {
	.type = CW_ZONE_XMPP,
	.index = 1,
	.peers = {{CW_STR("im1.lan"), 5269}, {CW_STR("im2.lan"), 5270}},
	.n_peers = 2,
	.verify = verify,
	.n_verify = 1,
};
static const struct cw_zone federation = {.type = CW_ZONE_XMPP, .index = 2};
static const struct cw_zone *const zones[] = {&outside, &inside, &federation};

static const struct cw_xmpp_route routes[] = {
	{CW_STR("routed.example"), {CW_STR("192.0.2.1"), 5269}, 0, 0},
	{CW_STR("legacy.example"), {CW_STR("192.0.2.2"), 5269}, 1, 0},
	{CW_STR("routed.example"), {CW_STR("192.0.2.3"), 5269}, 2, 0},
	{CW_STR("routed.example"), {CW_STR("192.0.2.4"), 5269}, 3, 0},
};
static const struct cw_xmpp_route own_route = {CW_STR(""), {CW_STR("192.0.2.7"), 5269}, 0, 0};
static const struct cw_xmpp_partner partners[] = {
	{CW_STR("legacy.example"), {.security = CW_XMPP_OPTIONAL,
					   .static_routes = true,
					   .idle_timeout_ms = 5000,
					   .routes = {&own_route, 1}}},
	{CW_STR("looked-up.example"), {.static_routes = false, .routes = {&own_route, 1}}},
	{CW_STR("b.example"), {.security = CW_XMPP_NONE,
				      .certificates = CW_XMPP_ANY,
				      .static_routes = true,
				      .idle_timeout_ms = 7000,
				      .routes = {&own_route, 1}}},
};

static const struct cw_xmpp_block block = {
	.domains = {domains, 2},
	.chat_nodes = {chat_nodes, 1},
	.inside = &inside,
	.allow = {listed, 2},
	.deny = {listed, 2},
	.terms = {.certificates = CW_XMPP_TRUSTED,
		.sasl_external = true,
		.static_routes = true,
		.idle_timeout_ms = 600000,
		.routes = {routes, N_ELEMENTS(routes)}},
	.partners = partners,
	.n_partners = N_ELEMENTS(partners),
};

static struct cw_xmpp_policy *make(const struct cw_xmpp_block *b)
{
	struct cw_xmpp_policy *policy = NULL;

	ck_assert_int_eq(cw_xmpp_policy_create(&policy, b, zones, N_ELEMENTS(zones)), 0);
	return policy;
}

#define LOCAL      "it is a local domain"
#define NOT_LISTED "it is not on the allow list"
#define DENIED     "it is on the deny list"

static const struct refusal_case {
	const char *what;
	enum cw_xmpp_privacy privacy;
	bool no_routes;
	const char *name;
	const char *refusal; /* NULL: it may federate */
} refusal_cases[] = {
	{"a local domain is no partner", CW_XMPP_PRIVACY_OFF, false, "a.example", LOCAL},
	{"nor a chat node", CW_XMPP_PRIVACY_OFF, false, "rooms.a.example", LOCAL},
	{"what lies below a local domain is none", CW_XMPP_PRIVACY_OFF, false, "x.a.example", NULL},
	{"off lets anybody in", CW_XMPP_PRIVACY_OFF, false, "p.example", NULL},
	{"allowed", CW_XMPP_ALLOW_LIST, false, "p.example", NULL},
	{"not listed", CW_XMPP_ALLOW_LIST, false, "r.example", NOT_LISTED},
	{"below a name that is listed", CW_XMPP_ALLOW_LIST, false, "x.p.example", NOT_LISTED},
	{"above a name that is listed", CW_XMPP_ALLOW_LIST, false, "example", NOT_LISTED},
	{"below a wildcard", CW_XMPP_ALLOW_LIST, false, "x.q.example", NULL},
	{"far below a wildcard", CW_XMPP_ALLOW_LIST, false, "z.y.x.q.example", NULL},
	{"a wildcard's own name", CW_XMPP_ALLOW_LIST, false, "q.example", NOT_LISTED},
	{"ends like a wildcard", CW_XMPP_ALLOW_LIST, false, "xq.example", NOT_LISTED},
	{"no name", CW_XMPP_ALLOW_LIST, false, "", NOT_LISTED},
	{"routed", CW_XMPP_ALLOW_LIST, false, "routed.example", NULL},
	{"routed in its block", CW_XMPP_ALLOW_LIST, true, "legacy.example", NULL},
	{"a block without routes that are used", CW_XMPP_ALLOW_LIST, false, "looked-up.example",
		NOT_LISTED},
	{"routed, and routes are off", CW_XMPP_ALLOW_LIST, true, "routed.example", NOT_LISTED},
	{"denied", CW_XMPP_DENY_LIST, false, "p.example", DENIED},
	{"not denied", CW_XMPP_DENY_LIST, false, "r.example", NULL},
	{"denied by a wildcard", CW_XMPP_DENY_LIST, false, "x.q.example", DENIED},
};

START_TEST(says_who_may_federate)
{
	const struct refusal_case *c = &refusal_cases[_i];
	struct cw_xmpp_block b = block;
	struct cw_xmpp_policy *policy;
	struct cw_str name = heap_copy(cw_str_of(c->name));
	const char *refusal;

	b.privacy = c->privacy;
	b.terms.static_routes = !c->no_routes;
	policy = make(&b);
	refusal = cw_xmpp_policy_refusal(policy, name);
	ck_assert_msg(!refusal == !c->refusal && (!refusal || strcmp(refusal, c->refusal) == 0),
		"%s: %s", c->what, refusal ? refusal : "(allowed)");
	ck_assert_int_eq(cw_xmpp_policy_is_local(policy, name),
		c->refusal && strcmp(c->refusal, LOCAL) == 0);
	heap_free(name);
	cw_xmpp_policy_destroy(policy);
}
END_TEST

/* The hosts of a name's routes, each with a blank behind it. */
static const char *hosts_of(const struct cw_xmpp_terms *terms)
{
	static char text[256];

	text[0] = '\0';
	for (size_t i = 0; i < terms->routes.count; i++) {
		strcat(text, terms->routes.items[i].peer.host.p);
		strcat(text, " ");
	}
	return text;
}

START_TEST(gives_a_partner_its_terms)
{
	struct cw_xmpp_policy *policy = make(&block);
	const struct cw_xmpp_terms *terms;

	terms = cw_xmpp_policy_terms(policy, cw_str_of("unknown.example"));
	ck_assert_ptr_eq(terms, cw_xmpp_policy_general_terms(policy));
	ck_assert_int_eq(terms->certificates, CW_XMPP_TRUSTED);
	ck_assert_uint_eq(terms->routes.count, 0);
	ck_assert_uint_eq(terms->n_certificate_names, 0);

	terms = cw_xmpp_policy_terms(policy, cw_str_of("routed.example"));
	ck_assert_str_eq(hosts_of(terms), "192.0.2.1 192.0.2.3 192.0.2.4 ");
	ck_assert_int_eq(terms->certificates, CW_XMPP_TRUSTED);

	terms = cw_xmpp_policy_terms(policy, cw_str_of("legacy.example"));
	ck_assert_str_eq(hosts_of(terms), "192.0.2.7 192.0.2.2 ");
	ck_assert_int_eq(terms->security, CW_XMPP_OPTIONAL);
	ck_assert_uint_eq(terms->idle_timeout_ms, 5000);

	terms = cw_xmpp_policy_terms(policy, cw_str_of("looked-up.example"));
	ck_assert_uint_eq(terms->routes.count, 0);
	cw_xmpp_policy_destroy(policy);
}
END_TEST

START_TEST(gives_the_inside_leg_its_terms)
{
	struct cw_xmpp_policy *policy = make(&block);
	const struct cw_xmpp_terms *terms = cw_xmpp_policy_inside_terms(policy);

	ck_assert_ptr_eq(cw_xmpp_policy_inside(policy), &inside);
	ck_assert_ptr_eq(terms, cw_xmpp_policy_zone_terms(policy, &inside));
	ck_assert_str_eq(hosts_of(terms), "im1.lan im2.lan ");
	ck_assert(terms->static_routes && terms->sasl_external);
	ck_assert_uint_lt(terms->routes.items[0].priority, terms->routes.items[1].priority);
	ck_assert_uint_eq(terms->routes.items[1].peer.port, 5270);
	ck_assert_str_eq(terms->certificate_names[0].p, "im.lan");
	ck_assert_uint_eq(terms->idle_timeout_ms, 0);
	ck_assert_int_eq(terms->certificates, CW_XMPP_TRUSTED);

	/* a local name's block is about this leg, and leads nowhere else */
	terms = cw_xmpp_policy_terms(policy, cw_str_of("b.example"));
	ck_assert_int_eq(terms->security, CW_XMPP_NONE);
	ck_assert_int_eq(terms->certificates, CW_XMPP_ANY);
	ck_assert_str_eq(hosts_of(terms), "im1.lan im2.lan ");
	ck_assert_uint_eq(terms->idle_timeout_ms, 0);
	terms = cw_xmpp_policy_terms(policy, cw_str_of("rooms.a.example"));
	ck_assert_str_eq(hosts_of(terms), "im1.lan im2.lan ");

	ck_assert_ptr_null(cw_xmpp_policy_zone_terms(policy, &federation));
	ck_assert_ptr_null(cw_xmpp_policy_zone_terms(policy, &outside));
	cw_xmpp_policy_destroy(policy);
}
END_TEST

START_TEST(does_without_an_inside)
{
	struct cw_xmpp_block b = block;
	struct cw_xmpp_policy *policy;

	b.inside = NULL;
	policy = make(&b);
	ck_assert_ptr_null(cw_xmpp_policy_inside(policy));
	ck_assert_ptr_null(cw_xmpp_policy_inside_terms(policy));
	ck_assert_uint_eq(cw_xmpp_policy_terms(policy, cw_str_of("a.example"))->routes.count, 0);
	cw_xmpp_policy_destroy(policy);

	b.inside = &federation;
	policy = make(&b);
	ck_assert_ptr_eq(cw_xmpp_policy_inside(policy), &federation);
	ck_assert_ptr_null(cw_xmpp_policy_inside_terms(policy));
	cw_xmpp_policy_destroy(policy);
}
END_TEST

START_TEST(finds_one_of_many)
{
	static char text[N_MANY][16];
	static struct cw_str names[N_MANY];
	struct cw_xmpp_block b = {.allow = {names, N_MANY}};
	struct cw_xmpp_policy *policy;

	for (size_t i = 0; i < N_MANY; i++) {
		snprintf(text[i], sizeof(text[i]), "n%zu.example", i);
		names[i] = cw_str_of(text[i]);
	}
	policy = make(&b);
	for (size_t i = 0; i < N_MANY; i++)
		ck_assert_ptr_null(cw_xmpp_policy_refusal(policy, names[i]));
	ck_assert_str_eq(cw_xmpp_policy_refusal(policy, cw_str_of("n100000.example")), NOT_LISTED);
	cw_xmpp_policy_destroy(policy);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_xmpp_policy *policy = NULL;
	unsigned n;
	int r;

	for (n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_xmpp_policy_create(&policy, &block, zones, N_ELEMENTS(zones));
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(policy);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(n, 1);
	cw_xmpp_policy_destroy(policy);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("xmpp_policy");
	TCase *tc = tcase_create("xmpp_policy");

	ADD_ROWS(tc, says_who_may_federate, refusal_cases);
	tcase_add_test(tc, gives_a_partner_its_terms);
	tcase_add_test(tc, gives_the_inside_leg_its_terms);
	tcase_add_test(tc, does_without_an_inside);
	tcase_add_test(tc, finds_one_of_many);
	tcase_add_test(tc, copes_with_short_memory);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
