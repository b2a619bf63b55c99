#include "xmpp/servers.h"

#include "tests/support_c/dns_server.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define STARTTLS "_xmpp-server._tcp."
#define DIRECT   "_xmpps-server._tcp."

enum {
	TYPE_A = 1,
	TYPE_SRV = 33,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
};

static struct cw_loop *loop;
static struct cw_stats *stats;
static struct dns_server *server;
static struct cw_dns *dns;

/* What came of it, as text; how often. */
static char result[2048];
static unsigned n_results;

/* A record, or what stands for one. */
struct record {
	const char *owner; /* NULL ends the list */
	unsigned priority, weight, port;
	const char *target;
	unsigned rcode; /* instead */
};

static const struct servers_case {
	const char *name, *domain;
	struct record records[4];
	enum cw_xmpp_security security;
	const char *expected;
	unsigned n_queries; /* that the server got */
} servers_cases[] = {
	{"one record", "one.example", {{STARTTLS, 0, 0, 5269, "edge.example"}}, CW_XMPP_REQUIRED,
		"found edge.example:5269 (SRV records)", 2},
	{"one for TLS", "tls.example", {{DIRECT, 0, 0, 5270, "edge.example"}}, CW_XMPP_REQUIRED,
		"found edge.example:5270+tls (SRV records)", 2},
	{"put together by priority", "prio.example",
		{{STARTTLS, 10, 0, 1, "a.example"}, {DIRECT, 5, 0, 2, "b.example"},
			{STARTTLS, 1, 0, 3, "c.example"}, {DIRECT, 20, 0, 4, "d.example"}},
		CW_XMPP_OPTIONAL,
		"found c.example:3 b.example:2+tls a.example:1 d.example:4+tls (SRV records)", 2},
	{"and by weight", "weight.example",
		{{STARTTLS, 0, 1, 1, "light.example"}, {DIRECT, 0, 200, 2, "heavy.example"}},
		CW_XMPP_REQUIRED, "found heavy.example:2+tls light.example:1 (SRV records)", 2},
	{"without TLS no direct TLS", "plain.example",
		{{STARTTLS, 10, 0, 1, "a.example"}, {DIRECT, 5, 0, 2, "b.example"}}, CW_XMPP_NONE,
		"found a.example:1 (SRV records)", 1},
	{"no service", "dot.example", {{STARTTLS, 0, 0, 0, "."}}, CW_XMPP_REQUIRED,
		"not found (its DNS says that it offers no XMPP service)", 2},
	{"only for TLS", "dot-tls.example",
		{{STARTTLS, 0, 0, 0, "."}, {DIRECT, 0, 0, 5270, "b.example"}}, CW_XMPP_REQUIRED,
		"found b.example:5270+tls (SRV records)", 2},
	{"not for TLS", "no-tls.example", {{DIRECT, 0, 0, 0, "."}, {"", 0, 0, 0, "192.0.2.1"}},
		CW_XMPP_REQUIRED,
		"found no-tls.example:5269 (no SRV record: the domain's own address)", 4},
	{"no SRV record", "host.example", {{"", 0, 0, 0, "192.0.2.1"}}, CW_XMPP_REQUIRED,
		"found host.example:5269 (no SRV record: the domain's own address)", 4},
	{"no record", "empty.example", {{NULL}}, CW_XMPP_REQUIRED,
		"not found (its name has neither SRV records nor addresses)", 4},
	{"no name", "gone.example",
		{{STARTTLS, .rcode = RCODE_NXDOMAIN}, {DIRECT, .rcode = RCODE_NXDOMAIN},
			{"", .rcode = RCODE_NXDOMAIN}},
		CW_XMPP_REQUIRED, "not found (there is no such name in DNS)", 4},
	{"no name that can be asked for",
		"a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789."
		"a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789."
		"a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a2345678.b."
		"c",
		{{NULL}}, CW_XMPP_REQUIRED,
		"not found (its name has neither SRV records nor addresses)", 2},
	{"no answer", "broken.example",
		{{STARTTLS, .rcode = RCODE_SERVFAIL}, {DIRECT, .rcode = RCODE_SERVFAIL}},
		CW_XMPP_REQUIRED, "failed (DNS does not answer)", 2},
	{"no answer about TLS, no record", "half.example",
		{{DIRECT, .rcode = RCODE_SERVFAIL}, {"", 0, 0, 0, "192.0.2.1"}}, CW_XMPP_REQUIRED,
		"found half.example:5269 (no SRV record: the domain's own address)", 4},
	{"no answer but about TLS, no record", "other-half.example",
		{{STARTTLS, .rcode = RCODE_SERVFAIL}, {"", 0, 0, 0, "192.0.2.1"}}, CW_XMPP_REQUIRED,
		"failed (DNS does not answer)", 2},
	{"one answer does", "either.example",
		{{STARTTLS, .rcode = RCODE_SERVFAIL}, {DIRECT, 0, 0, 5270, "b.example"}},
		CW_XMPP_REQUIRED, "found b.example:5270+tls (SRV records)", 2},
	{"no answer about addresses", "addresses.example", {{"", .rcode = RCODE_SERVFAIL}},
		CW_XMPP_REQUIRED, "failed (DNS does not answer)", 4},
};

static enum dns_server_action answer(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	const struct servers_case *c = arg;
	char owner[512];

	(void)n;
	(void)part;
	for (const struct record *r = c->records; r < c->records + 4 && r->owner; r++) {
		snprintf(owner, sizeof(owner), "%s%s", r->owner, c->domain);
		if (strcmp(owner, query->name) != 0)
			continue;
		if (r->rcode)
			dns_packet_set_rcode(p, r->rcode);
		else if (query->type == TYPE_SRV)
			dns_packet_add_srv(
				p, query->name, 60, r->priority, r->weight, r->port, r->target);
		else if (query->type == TYPE_A)
			dns_packet_add_a(p, query->name, 60, r->target);
	}
	return DNS_SERVER_ANSWER;
}

static uint32_t last(uint32_t below)
{
	return below - 1;
}

static void begin(const struct servers_case *c)
{
	union {
		const struct servers_case *c;
		void *arg;
	} script = {c};

	n_results = 0;
	ck_assert_int_eq(cw_loop_create(&loop), 0);
	stats = cw_stats_create();
	ck_assert_ptr_nonnull(stats);
	server = dns_server_create(loop, true, answer, script.arg);
	ck_assert_int_eq(cw_dns_create(&dns, loop, stats, dns_server_address(server), 1, last), 0);
}

static void end(void)
{
	cw_dns_destroy(dns);
	dns_server_destroy(server);
	cw_stats_destroy(stats);
	cw_loop_destroy(loop);
}

static void found(void *arg, enum cw_xmpp_servers_status status,
	const struct cw_xmpp_servers *servers, const char *detail)
{
	static const char *const words[] = {"found", "not found", "failed"};
	size_t len = (size_t)snprintf(result, sizeof(result), "%s", words[status]);

	(void)arg;
	for (size_t i = 0; i < servers->count; i++)
		len += (size_t)snprintf(result + len, sizeof(result) - len, " %s:%u%s",
			servers->items[i].host, servers->items[i].port,
			servers->items[i].is_direct_tls ? "+tls" : "");
	snprintf(result + len, sizeof(result) - len, " (%s)", detail);
	n_results++;
	cw_loop_stop(loop);
}

static struct cw_xmpp_servers_query *find(const char *domain, const struct cw_xmpp_terms *terms)
{
	struct cw_str copy = heap_copy(cw_str_of(domain));
	struct cw_xmpp_servers_query *query = NULL;

	ck_assert_int_eq(cw_xmpp_servers_find(&query, loop, dns, copy, terms, found, NULL), 0);
	heap_free(copy);
	ck_assert_ptr_nonnull(query);
	ck_assert_uint_eq(n_results, 0);
	return query;
}

START_TEST(finds_servers)
{
	const struct servers_case *c = &servers_cases[_i];
	struct cw_xmpp_terms terms = {.security = c->security};

	begin(c);
	find(c->domain, &terms);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_msg(strcmp(result, c->expected) == 0, "%s: %s", c->name, result);
	ck_assert_msg(dns_server_queries(server) == c->n_queries, "%s: %u queries", c->name,
		dns_server_queries(server));
	end();
}
END_TEST

START_TEST(follows_routes_and_never_dns)
{
	static const struct cw_xmpp_route routes[] = {
		{.peer = {CW_STR("b.lan"), 5269}, .priority = 2},
		{.peer = {CW_STR("192.0.2.1"), 5271}, .priority = 1, .weight = 1},
		{.peer = {CW_STR("2001:db8::1"), 5270}, .priority = 1, .weight = 9},
	};
	struct cw_xmpp_terms terms = {.routes = {routes, N_ELEMENTS(routes)}};

	begin(&servers_cases[0]);
	find("one.example", &terms);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_str_eq(
		result, "found 2001:db8::1:5270 192.0.2.1:5271 b.lan:5269 (a static route)");
	ck_assert_uint_eq(dns_server_queries(server), 0);
	end();
}
END_TEST

START_TEST(uses_no_more_than_there_is_room_for)
{
	struct cw_xmpp_route routes[CW_XMPP_SERVERS_MAX + 4];
	struct cw_xmpp_terms terms = {.routes = {routes, N_ELEMENTS(routes)}};
	unsigned n = 0;

	for (size_t i = 0; i < N_ELEMENTS(routes); i++)
		routes[i] = (struct cw_xmpp_route){.peer = {CW_STR("x"), 1}};
	begin(&servers_cases[0]);
	find("one.example", &terms);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	for (const char *p = strstr(result, " x:1"); p; p = strstr(p + 1, " x:1"))
		n++;
	ck_assert_uint_eq(n, CW_XMPP_SERVERS_MAX);
	end();
}
END_TEST

/* The end of the test: long after what was cancelled would have come. */
static void stop(void *arg)
{
	(void)arg;
	cw_loop_stop(loop);
}

START_TEST(is_cancelled)
{
	static const struct cw_xmpp_route route = {.peer = {CW_STR("b.lan"), 5269}};
	struct cw_xmpp_terms routed = {.routes = {&route, 1}}, terms = {0};
	struct cw_timer *timer;

	begin(&servers_cases[0]);
	cw_xmpp_servers_cancel(find("one.example", &terms));
	cw_xmpp_servers_cancel(find("one.example", &routed));
	cw_xmpp_servers_cancel(NULL);
	ck_assert_int_eq(cw_timer_create(&timer, loop, stop, NULL), 0);
	cw_timer_start(timer, 50);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_uint_eq(n_results, 0);
	cw_timer_destroy(timer);
	end();
}
END_TEST

/* Let allocation `n` of a search fail. Returns: whether there was one. */
static bool fails(unsigned n, const struct cw_xmpp_terms *terms)
{
	struct cw_xmpp_servers_query *query = NULL;
	int r;

	alloc_fail_at(n);
	r = cw_xmpp_servers_find(&query, loop, dns, cw_str_of("one.example"), terms, found, NULL);
	if (!alloc_fail_reached()) {
		ck_assert_int_eq(r, 0);
		return false;
	}
	ck_assert_msg(r == (query ? 0 : -ENOMEM), "%d", r);
	cw_xmpp_servers_cancel(
		query); /* there is one where net/dns tells by failing the question */
	return true;
}

START_TEST(copes_with_short_memory)
{
	static const struct cw_xmpp_route route = {.peer = {CW_STR("b.lan"), 5269}};
	struct cw_xmpp_terms terms = {.routes = {&route, _i ? 1 : 0}};
	unsigned n = 1;

	begin(&servers_cases[0]);
	while (fails(n, &terms))
		n++;
	ck_assert_uint_gt(n, 2);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_uint_eq(n_results, 1);
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("xmpp_servers");
	TCase *tc = tcase_create("xmpp_servers");

	ADD_ROWS(tc, finds_servers, servers_cases);
	tcase_add_test(tc, follows_routes_and_never_dns);
	tcase_add_test(tc, uses_no_more_than_there_is_room_for);
	tcase_add_test(tc, is_cancelled);
	tcase_add_loop_test(tc, copes_with_short_memory, 0, 2);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
