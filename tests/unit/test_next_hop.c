#include "sip/next_hop.h"

#include "tests/unit/unit.h"

/*
 * DNS is replaced at link time: a question is kept, and the test answers it from "the loop".
 */
static struct {
	bool asked, for_srv;
	char name[256];
	uint16_t port;
	cw_dns_callback *done;
	void *arg;
} question;

static struct cw_dns_query *const handle = (struct cw_dns_query *)(void *)&question;

static int ask(bool for_srv, struct cw_str name, uint16_t port, cw_dns_callback *done, void *arg)
{
	question.asked = true;
	question.for_srv = for_srv;
	snprintf(question.name, sizeof(question.name), "%" CW_STR_FMT, CW_STR_ARG(name));
	question.port = port;
	question.done = done;
	question.arg = arg;
	return 0;
}

int cw_dns_srv(struct cw_dns_query **out, struct cw_dns *dns, struct cw_str name,
	cw_dns_callback *done, void *arg)
{
	(void)dns;
	*out = handle;
	return ask(true, name, 0, done, arg);
}

int cw_dns_addresses(struct cw_dns_query **out, struct cw_dns *dns, struct cw_str host,
	uint16_t port, cw_dns_callback *done, void *arg)
{
	(void)dns;
	*out = handle;
	return ask(false, host, port, done, arg);
}

void cw_dns_cancel(struct cw_dns_query *query)
{
	(void)query;
	question.asked = false;
}

static void answer_status(enum cw_dns_status status)
{
	ck_assert(question.asked);
	question.asked = false;
	question.done(question.arg, &(struct cw_dns_answer){.status = status});
}

static void answer_srv(const char *target, uint16_t port)
{
	struct cw_srv srv = {.port = port, .target = cw_str_of(target)};

	ck_assert(question.asked && question.for_srv);
	question.asked = false;
	question.done(question.arg,
		&(struct cw_dns_answer){.status = CW_DNS_OK, .srv = &srv, .n_srv = 1});
}

static void answer_addresses(const char *first, const char *second)
{
	struct cw_address addresses[2];
	size_t n = 0;

	ck_assert(question.asked && !question.for_srv);
	question.asked = false;
	ck_assert_int_eq(cw_address_make(&addresses[n++], cw_str_of(first), question.port), 0);
	if (second)
		ck_assert_int_eq(
			cw_address_make(&addresses[n++], cw_str_of(second), question.port), 0);
	question.done(question.arg,
		&(struct cw_dns_answer){
			.status = CW_DNS_OK, .addresses = addresses, .n_addresses = n});
}

static struct cw_arena arena;
static struct cw_next_hop hop;
static unsigned found;
static const struct cw_str provider = CW_STR("sipfed.provider.example");
static struct cw_sip_policy policy = {.hosting_providers = &provider, .n_hosting_providers = 1};
static struct cw_sip_setup setup = {.policy = &policy};
static struct cw_zone zone;

static void on_found(void *arg)
{
	(void)arg;
	found++;
}

static void begin(const char *uri_text, enum cw_variant variant, bool by_route,
	bool (*is_down)(void *arg, size_t peer))
{
	static struct cw_sip_uri uri;
	struct cw_next_hop_question q = {
		.setup = &setup,
		.zone = &zone,
		.variant = variant,
		.uri = &uri,
		.by_route = by_route,
		.is_down = is_down,
	};

	cw_arena_init(&arena, 0);
	found = 0;
	question.asked = false;
	ck_assert_int_eq(cw_sip_uri_parse(&uri, cw_str_of(uri_text)), 0);
	cw_next_hop_start(&hop, NULL, &arena, &q, on_found, NULL);
}

static void finish(void)
{
	cw_next_hop_finish(&hop);
	cw_arena_finish(&arena);
}

static void expect_wait(bool for_srv, const char *name)
{
	const struct cw_address *address;
	const struct cw_next_hop_host *host;

	ck_assert_int_eq(cw_next_hop_next(&hop, &address, &host), CW_NEXT_HOP_WAIT);
	ck_assert(question.asked);
	ck_assert(question.for_srv == for_srv);
	ck_assert_str_eq(question.name, name);
}

static void expect_address(const char *text, const char *certificate_name)
{
	const struct cw_address *address;
	const struct cw_next_hop_host *host;
	char got[CW_ADDRESS_TEXT_MAX];

	ck_assert_int_eq(cw_next_hop_next(&hop, &address, &host), CW_NEXT_HOP_ADDRESS);
	cw_address_format(address, got);
	ck_assert_str_eq(got, text);
	if (!certificate_name) {
		ck_assert_uint_eq(host->n_names, 0);
		return;
	}
	ck_assert_uint_eq(host->n_names, 1);
	ck_assert(cw_str_eq(host->names[0], cw_str_of(certificate_name)));
}

static void expect_end(const char *problem)
{
	const struct cw_address *address;
	const struct cw_next_hop_host *host;

	ck_assert_int_eq(cw_next_hop_next(&hop, &address, &host), CW_NEXT_HOP_END);
	if (problem)
		ck_assert_str_eq(hop.problem, problem);
	else
		ck_assert_ptr_null(hop.problem);
}

static void dns_zone(enum cw_zone_dns_verify verify, bool fallback, bool private)
{
	zone = (struct cw_zone){
		.name = CW_STR("internet"),
		.type = CW_ZONE_DNS,
		.dns_verify = verify,
		.address_fallback = fallback,
		.allow_private = private,
	};
}

static const struct srv_case {
	const char *name;
	enum cw_zone_dns_verify verify;
	enum cw_variant variant;
	const char *question, *target, *certificate_name, *problem;
} srv_cases[] = {
	{"microsoft, target in the domain", CW_ZONE_VERIFY_TARGET, CW_VARIANT_MS_IMP,
		"_sipfederationtls._tcp.ms.example", "sip.ms.example", "sip.ms.example", NULL},
	{"standard", CW_ZONE_VERIFY_TARGET, CW_VARIANT_STANDARD, "_sips._tcp.ms.example",
		"sip.ms.example", "sip.ms.example", NULL},
	{"undecided goes as standard", CW_ZONE_VERIFY_TARGET, CW_VARIANT_ANY,
		"_sips._tcp.ms.example", "sip.ms.example", "sip.ms.example", NULL},
	{"target outside the namespace", CW_ZONE_VERIFY_TARGET, CW_VARIANT_MS_IMP,
		"_sipfederationtls._tcp.ms.example", "sip.evil.example", NULL,
		"SRV target outside the domain's namespace"},
	{"target that only ends alike", CW_ZONE_VERIFY_TARGET, CW_VARIANT_MS_IMP,
		"_sipfederationtls._tcp.ms.example", "sip.notms.example", NULL,
		"SRV target outside the domain's namespace"},
	{"hosting provider", CW_ZONE_VERIFY_TARGET, CW_VARIANT_MS_IMP,
		"_sipfederationtls._tcp.ms.example", "sipfed.provider.example",
		"sipfed.provider.example", NULL},
	{"domain: anywhere, but it names the domain", CW_ZONE_VERIFY_DOMAIN, CW_VARIANT_MS_IMP,
		"_sipfederationtls._tcp.ms.example", "sip.evil.example", "ms.example", NULL},
};

START_TEST(finds_by_srv)
{
	const struct srv_case *c = &srv_cases[_i];

	dns_zone(c->verify, false, false);
	begin("sip:alice@ms.example;opaque=user:epid:X;gruu", c->variant, false, NULL);
	expect_wait(true, c->question);
	answer_srv(c->target, 5061);
	ck_assert_uint_eq(found, 1);
	if (c->certificate_name) {
		expect_wait(false, c->target);
		answer_addresses("198.51.100.5", "198.51.100.6");
		expect_address("198.51.100.5:5061", c->certificate_name);
		expect_address("198.51.100.6:5061", c->certificate_name);
	}
	expect_end(c->problem);
	finish();
}
END_TEST

START_TEST(checks_no_name_when_verify_is_off)
{
	dns_zone(CW_ZONE_VERIFY_OFF, false, false);
	begin("sip:ms.example", CW_VARIANT_MS_IMP, false, NULL);
	expect_wait(true, "_sipfederationtls._tcp.ms.example");
	answer_srv("sip.evil.example", 5099);
	expect_wait(false, "sip.evil.example");
	answer_addresses("198.51.100.5", NULL);
	expect_address("198.51.100.5:5099", NULL);
	expect_end(NULL);
	finish();
}
END_TEST

START_TEST(an_explicit_port_skips_srv)
{
	dns_zone(CW_ZONE_VERIFY_TARGET, false, false);
	begin("sip:sip.ms.example:5061;transport=tls;lr", CW_VARIANT_MS_IMP, true, NULL);
	expect_wait(false, "sip.ms.example");
	answer_addresses("198.51.100.5", NULL);
	expect_address("198.51.100.5:5061", "sip.ms.example");
	expect_end(NULL);
	finish();
}
END_TEST

START_TEST(a_literal_address_needs_no_question)
{
	dns_zone(CW_ZONE_VERIFY_OFF, false, false);
	begin("sip:[2001:db8::1]", CW_VARIANT_MS_IMP, false, NULL);
	expect_address("[2001:db8::1]:5061", NULL);
	expect_end(NULL);
	ck_assert(!question.asked);
	finish();
}
END_TEST

START_TEST(private_addresses_are_no_targets)
{
	dns_zone(CW_ZONE_VERIFY_TARGET, false, false);
	begin("sip:sip.ms.example:5061", CW_VARIANT_MS_IMP, false, NULL);
	expect_wait(false, "sip.ms.example");
	answer_addresses("127.0.0.1", "10.0.0.1");
	expect_end("loopback or private address");
	finish();

	dns_zone(CW_ZONE_VERIFY_TARGET, false, true);
	begin("sip:sip.ms.example:5061", CW_VARIANT_MS_IMP, false, NULL);
	expect_wait(false, "sip.ms.example");
	answer_addresses("127.0.0.1", NULL);
	expect_address("127.0.0.1:5061", "sip.ms.example");
	finish();
}
END_TEST

static const struct fallback_case {
	const char *name;
	bool fallback, by_route;
	enum cw_dns_status status;
	const char *problem; /* NULL: A and AAAA are asked for */
} fallback_cases[] = {
	{"no SRV", false, false, CW_DNS_NO_NAME, "no SRV record"},
	{"no SRV, fallback", true, false, CW_DNS_NO_NAME, NULL},
	{"no data, fallback", true, false, CW_DNS_NO_DATA, NULL},
	{"a failed lookup is no missing record", true, false, CW_DNS_SERVFAIL, "SRV lookup failed"},
	{"nor is a timeout", true, false, CW_DNS_TIMEOUT, "SRV lookup failed"},
	{"the service is refused", true, false, CW_DNS_NO_SERVICE, "the domain does not federate"},
	{"a Route names a host", false, true, CW_DNS_NO_DATA, NULL},
};

START_TEST(falls_back_to_addresses)
{
	const struct fallback_case *c = &fallback_cases[_i];

	dns_zone(CW_ZONE_VERIFY_TARGET, c->fallback, false);
	begin("sip:ms.example", CW_VARIANT_MS_IMP, c->by_route, NULL);
	expect_wait(true, "_sipfederationtls._tcp.ms.example");
	answer_status(c->status);
	if (c->problem) {
		expect_end(c->problem);
	} else {
		expect_wait(false, "ms.example");
		answer_addresses("198.51.100.5", NULL);
		expect_address("198.51.100.5:5061", "ms.example");
	}
	finish();
}
END_TEST

static void neighbor_zone(void)
{
	static const struct cw_str names[] = {CW_STR("imp1.uc.example")};

	zone = (struct cw_zone){
		.name = CW_STR("IMP"),
		.type = CW_ZONE_NEIGHBOR,
		.peers = {{CW_STR("127.0.0.2"), 5062}, {CW_STR("imp2.uc.example"), 5063}},
		.n_peers = 2,
		.verify = names,
		.n_verify = 1,
	};
}

START_TEST(a_neighbor_has_its_peers_in_order)
{
	neighbor_zone();
	begin("sip:bob@uc.example", CW_VARIANT_MS_IMP, false, NULL);
	expect_address("127.0.0.2:5062", "imp1.uc.example");
	expect_wait(false, "imp2.uc.example");
	answer_addresses("127.0.0.3", NULL);
	expect_address("127.0.0.3:5063", "imp1.uc.example");
	expect_end(NULL);
	finish();
}
END_TEST

static bool first_is_down(void *arg, size_t peer)
{
	(void)arg;
	return peer == 0;
}

static bool all_are_down(void *arg, size_t peer)
{
	(void)arg;
	(void)peer;
	return true;
}

START_TEST(peers_that_are_down_are_skipped_unless_all_are)
{
	neighbor_zone();
	begin("sip:bob@uc.example", CW_VARIANT_MS_IMP, false, first_is_down);
	expect_wait(false, "imp2.uc.example");
	finish();
	begin("sip:bob@uc.example", CW_VARIANT_MS_IMP, false, all_are_down);
	expect_address("127.0.0.2:5062", "imp1.uc.example");
	expect_wait(false, "imp2.uc.example");
	answer_addresses("127.0.0.3", NULL);
	expect_address("127.0.0.3:5063", "imp1.uc.example");
	expect_end(NULL);
	finish();
}
END_TEST

START_TEST(a_peer_without_address_is_passed_over)
{
	neighbor_zone();
	begin("sip:bob@uc.example", CW_VARIANT_MS_IMP, false, first_is_down);
	expect_wait(false, "imp2.uc.example");
	answer_status(CW_DNS_NO_NAME);
	expect_end("host lookup failed");
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("next_hop");
	TCase *tcase = tcase_create("next_hop");

	ADD_ROWS(tcase, finds_by_srv, srv_cases);
	tcase_add_test(tcase, checks_no_name_when_verify_is_off);
	tcase_add_test(tcase, an_explicit_port_skips_srv);
	tcase_add_test(tcase, a_literal_address_needs_no_question);
	tcase_add_test(tcase, private_addresses_are_no_targets);
	ADD_ROWS(tcase, falls_back_to_addresses, fallback_cases);
	tcase_add_test(tcase, a_neighbor_has_its_peers_in_order);
	tcase_add_test(tcase, peers_that_are_down_are_skipped_unless_all_are);
	tcase_add_test(tcase, a_peer_without_address_is_passed_over);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
