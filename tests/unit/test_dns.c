#include "net/dns.h"

#include "net/dns_exchange.h"
#include "tests/support_c/dns_server.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define ANSWERS_MAX 8
#define DEADLINE_MS 60000 /* of an exchange; never waited for */

static struct cw_loop *loop;
static struct cw_stats *stats;
static struct dns_server *server, *other;
static struct cw_dns *dns;

/* The resolver's clock runs ahead by this; the linker sends its calls here. */
static uint64_t ahead_ms;

uint64_t __real_cw_loop_now_ms(const struct cw_loop *l);
uint64_t __wrap_cw_loop_now_ms(const struct cw_loop *l);

uint64_t __wrap_cw_loop_now_ms(const struct cw_loop *l)
{
	return __real_cw_loop_now_ms(l) + ahead_ms;
}

/* The answers that came, as text, in order. */
static char answers[ANSWERS_MAX][2048];
static size_t n_answers, n_wanted;

static void begin(void)
{
	ck_assert_int_eq(cw_loop_create(&loop), 0);
	stats = cw_stats_create();
	ck_assert_ptr_nonnull(stats);
	server = other = NULL;
	dns = NULL;
	n_answers = 0;
	n_wanted = 1;
}

static void end(void)
{
	cw_dns_destroy(dns);
	if (server)
		dns_server_destroy(server);
	if (other)
		dns_server_destroy(other);
	cw_stats_destroy(stats);
	cw_loop_destroy(loop);
}

static uint32_t zero(uint32_t below)
{
	(void)below;
	return 0;
}

static void create(void)
{
	struct cw_address servers[2] = {*dns_server_address(server)};

	if (other)
		servers[1] = *dns_server_address(other);
	ck_assert_int_eq(cw_dns_create(&dns, loop, stats, servers, other ? 2 : 1, zero), 0);
}

static void start(dns_server_handler *handler)
{
	server = dns_server_create(loop, true, handler, NULL);
	create();
}

static void answered(void *arg, const struct cw_dns_answer *answer)
{
	char *out = answers[n_answers], address[CW_ADDRESS_TEXT_MAX];
	size_t room = sizeof(answers[0]);
	size_t len = (size_t)snprintf(out, room, "%s", cw_dns_status_name(answer->status));

	(void)arg;
	for (size_t i = 0; i < answer->n_srv; i++)
		len += (size_t)snprintf(out + len, room - len, " %u/%u/%s", answer->srv[i].priority,
			answer->srv[i].port, answer->srv[i].target.p);
	for (size_t i = 0; i < answer->n_addresses; i++) {
		cw_address_format(&answer->addresses[i], address);
		len += (size_t)snprintf(out + len, room - len, " %s", address);
	}
	if (++n_answers == n_wanted)
		cw_loop_stop(loop);
}

static struct cw_dns_query *ask_srv(const char *name)
{
	struct cw_str copy = heap_copy(cw_str_of(name));
	struct cw_dns_query *query = NULL;
	size_t before = n_answers;

	ck_assert_int_eq(cw_dns_srv(&query, dns, copy, answered, NULL), 0);
	ck_assert_ptr_nonnull(query);
	ck_assert_uint_eq(n_answers, before);
	heap_free(copy);
	return query;
}

static struct cw_dns_query *ask_addresses(const char *host)
{
	struct cw_str copy = heap_copy(cw_str_of(host));
	struct cw_dns_query *query = NULL;
	size_t before = n_answers;

	ck_assert_int_eq(cw_dns_addresses(&query, dns, copy, 5061, answered, NULL), 0);
	ck_assert_ptr_nonnull(query);
	ck_assert_uint_eq(n_answers, before);
	heap_free(copy);
	return query;
}

/* Run until `n` answers came. */
static void wait_for(size_t n)
{
	n_wanted = n;
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_uint_eq(n_answers, n);
}

/* Scripts of the server, by the first label of what is asked for. */
static bool is_about(const struct dns_server_query *query, const char *label)
{
	size_t len = strlen(label);

	return strncmp(query->name, label, len) == 0 && query->name[len] == '.';
}

static void answer_forty(struct dns_packet *p, const struct dns_server_query *query)
{
	char target[32];

	for (unsigned i = 0; i < 40; i++) {
		snprintf(target, sizeof(target), "edge%u.example", i);
		dns_packet_add_srv(p, query->name, 60, 40 - i, 0, 5061, target);
	}
}

static enum dns_server_action answer_simple(
	struct dns_packet *p, const struct dns_server_query *query)
{
	if (is_about(query, "_sip")) {
		dns_packet_add_srv(p, query->name, 60, 20, 0, 5062, "Second.example");
		dns_packet_add_srv(p, query->name, 60, 10, 0, 5061, "First.example");
	} else if (is_about(query, "none")) {
		dns_packet_add_srv(p, query->name, 60, 0, 0, 0, ".");
	} else if (is_about(query, "gone")) {
		dns_packet_set_rcode(p, 3);
		dns_packet_add_soa(p, "example", 60, 60);
	} else if (is_about(query, "both") && query->type == 28) {
		dns_packet_add_aaaa(p, query->name, 60, "2001:db8::1");
		dns_packet_add_aaaa(p, query->name, 60, "2001:db8::2");
		dns_packet_add_aaaa(p, query->name, 60, "2001:db8::3");
	} else if (is_about(query, "both") || is_about(query, "four")) {
		if (query->type == 1)
			dns_packet_add_a(p, query->name, 60, "192.0.2.1");
	} else if (is_about(query, "brief")) {
		dns_packet_add_srv(p, query->name, 0, 1, 0, 5061, "edge.example");
	}
	return DNS_SERVER_ANSWER;
}

static enum dns_server_action simple(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	(void)arg;
	(void)n;
	(void)part;
	return answer_simple(p, query);
}

static const struct simple_case {
	const char *name;
	bool is_srv;
	const char *asked, *expected;
	unsigned n_queries; /* that the server got */
} simple_cases[] = {
	{"srv in order", true, "_sip.example", "ok 10/5061/first.example 20/5062/second.example",
		1},
	{"no service", true, "none.example", "no-service", 1},
	{"no such name", true, "gone.example", "no-name", 1},
	{"no data", true, "empty.example", "no-data", 1},
	{"both kinds in turn", false, "both.example",
		"ok [2001:db8::1]:5061 192.0.2.1:5061 [2001:db8::2]:5061 [2001:db8::3]:5061", 2},
	{"one kind", false, "four.example.", "ok 192.0.2.1:5061", 2},
	{"host without addresses", false, "empty.example", "no-data", 2},
	{"no such host", false, "gone.example", "no-name", 2},
	{"literal", false, "192.0.2.7", "ok 192.0.2.7:5061", 0},
	{"literal of IPv6", false, "2001:db8::7", "ok [2001:db8::7]:5061", 0},
	{"literal in brackets", false, "[2001:db8::7]", "ok [2001:db8::7]:5061", 0},
	{"bad name", false, "a..example", "bad-name", 0},
	{"bad service name", true, "a b.example", "bad-name", 0},
};

START_TEST(answers_simply)
{
	const struct simple_case *c = &simple_cases[_i];

	start(simple);
	if (c->is_srv)
		ask_srv(c->asked);
	else
		ask_addresses(c->asked);
	wait_for(1);
	ck_assert_msg(strcmp(answers[0], c->expected) == 0, "%s: [%s]", c->name, answers[0]);
	ck_assert_msg(dns_server_queries(server) == c->n_queries, "%s: queries", c->name);
}
END_TEST

START_TEST(remembers)
{
	start(simple);
	ask_srv("_sip.example");
	wait_for(1);
	ask_srv("_SIP.example.");
	wait_for(2);
	ck_assert_str_eq(answers[1], answers[0]);
	ck_assert_uint_eq(dns_server_queries(server), 1);
	ask_srv("gone.example");
	wait_for(3);
	ask_srv("gone.example");
	wait_for(4);
	ck_assert_str_eq(answers[3], "no-name");
	ck_assert_uint_eq(dns_server_queries(server), 2);
	ck_assert_uint_eq(cw_stats_value(stats, "dns.cache.hits"), 2);
	ask_srv("brief.example"); /* a TTL of 0 is for whoever waits, no more */
	wait_for(5);
	ask_srv("brief.example");
	wait_for(6);
	ck_assert_str_eq(answers[5], "ok 1/5061/edge.example");
	ck_assert_uint_eq(dns_server_queries(server), 4);
}
END_TEST

START_TEST(forgets)
{
	start(simple);
	ask_srv("_sip.example");
	wait_for(1);
	ahead_ms += 59000;
	ask_srv("_sip.example");
	wait_for(2);
	ck_assert_uint_eq(dns_server_queries(server), 1);
	ahead_ms += 2000;
	ask_srv("_sip.example");
	wait_for(3);
	ck_assert_uint_eq(dns_server_queries(server), 2);
	ck_assert_str_eq(answers[2], "ok 10/5061/first.example 20/5062/second.example");
}
END_TEST

START_TEST(asks_once_for_many)
{
	start(simple);
	ask_srv("_sip.example");
	ask_srv("_sip.example");
	ask_srv("_SIP.example");
	wait_for(3);
	ck_assert_uint_eq(dns_server_queries(server), 1);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(answers[i], "ok 10/5061/first.example 20/5062/second.example");
}
END_TEST

START_TEST(cancels)
{
	struct cw_dns_query *query;

	start(simple);
	query = ask_srv("_sip.example");
	ask_srv("_sip.example");
	cw_dns_cancel(query);
	wait_for(1);                            /* the other one, on the same lookup */
	cw_dns_cancel(ask_srv("_sip.example")); /* known: the answer is put off */
	cw_dns_cancel(ask_addresses("192.0.2.7"));
	cw_dns_cancel(ask_addresses("both.example"));
	cw_dns_cancel(NULL);
	ask_srv("none.example");
	wait_for(2);
	ck_assert_str_eq(answers[1], "no-service");
}
END_TEST

START_TEST(is_destroyed_with_open_questions)
{
	start(simple);
	ask_srv("_sip.example");
	ask_addresses("both.example");
	ask_addresses("192.0.2.7");
	cw_dns_destroy(dns);
	dns = NULL;
	cw_dns_destroy(NULL);
}
END_TEST

static void destroy_dns(void *arg, const struct cw_dns_answer *answer)
{
	(void)arg;
	cw_dns_destroy(dns);
	dns = NULL;
	ck_assert_uint_eq(answer->n_srv, 2);
	ck_assert_str_eq(answer->srv[0].target.p, "first.example"); /* still there */
	cw_loop_stop(loop);
}

START_TEST(may_be_destroyed_by_a_callback)
{
	struct cw_dns_query *query;

	start(simple);
	ck_assert_int_eq(cw_dns_srv(&query, dns, cw_str_of("_sip.example"), destroy_dns, NULL), 0);
	ask_srv("_sip.example");
	ask_addresses("both.example");
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_uint_eq(n_answers, 0);
}
END_TEST

static enum dns_server_action truncated(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	(void)arg;
	(void)n;
	(void)part;
	if (query->is_tcp)
		answer_forty(p, query);
	else
		dns_packet_set_truncated(p);
	return DNS_SERVER_ANSWER;
}

START_TEST(asks_over_tcp)
{
	start(truncated);
	ask_srv("_sip.example");
	wait_for(1);
	ck_assert_int_eq(
		strncmp(answers[0], "ok 1/5061/edge39.example 2/5061/edge38.example ", 46), 0);
	ck_assert_ptr_nonnull(strstr(answers[0], " 40/5061/edge0.example"));
	ck_assert_uint_eq(cw_stats_value(stats, "dns.wire.udp"), 1);
	ck_assert_uint_eq(cw_stats_value(stats, "dns.wire.tcp"), 1);
}
END_TEST

START_TEST(is_refused_over_tcp)
{
	server = dns_server_create(loop, false, truncated, NULL);
	create();
	ask_srv("_sip.example");
	wait_for(1);
	ck_assert_str_eq(answers[0], "servfail");
	ck_assert_uint_eq(cw_stats_value(stats, "dns.failures"), 1);
	ask_srv("_sip.example"); /* remembered for a moment */
	wait_for(2);
	ck_assert_uint_eq(dns_server_queries(server), 1);
	ahead_ms += 6000;
	ask_srv("_sip.example");
	wait_for(3);
	ck_assert_uint_eq(dns_server_queries(server), 2);
}
END_TEST

/* What goes wrong over TCP, by name. */
static enum dns_server_action broken_tcp(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	static uint8_t filling[20000];

	if (!query->is_tcp)
		return truncated(arg, p, query, n, part);
	if (is_about(query, "closes"))
		return DNS_SERVER_CLOSE;
	if (is_about(query, "truncates"))
		dns_packet_set_truncated(p);
	if (is_about(query, "forges"))
		p->bytes[0] ^= 1;
	if (is_about(query, "floods"))
		dns_packet_add(
			p, query->name, 99, 0, cw_str_make((const char *)filling, sizeof(filling)));
	if (is_about(query, "empties"))
		p->len = 0;
	return DNS_SERVER_ANSWER;
}

static const char *const broken_tcp_names[] = {
	"closes.example",
	"truncates.example",
	"forges.example",
	"floods.example",
	"empties.example",
};

START_TEST(takes_no_broken_answer_over_tcp)
{
	start(broken_tcp);
	ask_srv(broken_tcp_names[_i]);
	wait_for(1);
	ck_assert_msg(
		strcmp(answers[0], "servfail") == 0, "%s: %s", broken_tcp_names[_i], answers[0]);
}
END_TEST

/* Before the right answer come some that are not. */
static enum dns_server_action forged(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	unsigned id = (unsigned)p->bytes[0] << 8 | p->bytes[1];

	(void)arg;
	(void)n;
	dns_packet_add_srv(p, query->name, 60, 1, 0, 6666, "evil.example");
	switch (part) {
	case 0:
		p->bytes[1] ^= 1;
		return DNS_SERVER_MORE;
	case 1:
		dns_packet_begin(p, (uint16_t)id, "other.example", query->type);
		dns_packet_add_srv(p, "other.example", 60, 1, 0, 6666, "evil.example");
		return DNS_SERVER_MORE;
	case 2:
		p->bytes[2] &= 0x7f;
		return DNS_SERVER_MORE;
	default:
		dns_packet_begin(p, (uint16_t)id, query->name, query->type);
		dns_packet_add_srv(p, query->name, 60, 1, 0, 5061, "edge.example");
		return DNS_SERVER_ANSWER;
	}
}

START_TEST(ignores_forged_answers)
{
	start(forged);
	ask_srv("_sip.example");
	wait_for(1);
	ck_assert_str_eq(answers[0], "ok 1/5061/edge.example");
	ck_assert_uint_eq(cw_stats_value(stats, "dns.wire.ignored"), 3);
}
END_TEST

/* Aliases that the server does not follow. */
static enum dns_server_action aliases(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	char next[32];
	unsigned step;

	(void)arg;
	(void)n;
	(void)part;
	if (is_about(query, "loop")) {
		dns_packet_add_cname(p, query->name, 60, "pool.example");
	} else if (is_about(query, "pool")) {
		dns_packet_add_cname(p, query->name, 60, "loop.example");
	} else if (sscanf(query->name, "step%u.example", &step) == 1 && step > 0) {
		snprintf(next, sizeof(next), "step%u.example", step - 1);
		dns_packet_add_cname(p, query->name, 60, next);
	} else {
		dns_packet_add_srv(p, query->name, 60, 1, 0, 5061, "edge.example");
	}
	return DNS_SERVER_ANSWER;
}

static const struct alias_case {
	const char *asked, *expected;
	unsigned n_queries;
} alias_cases[] = {
	{"step1.example", "ok 1/5061/edge.example", 2},
	{"step8.example", "ok 1/5061/edge.example", 9},
	{"step9.example", "servfail", 9},
	{"loop.example", "servfail", 9},
};

START_TEST(follows_aliases)
{
	const struct alias_case *c = &alias_cases[_i];

	start(aliases);
	ask_srv(c->asked);
	wait_for(1);
	ck_assert_msg(strcmp(answers[0], c->expected) == 0, "%s: %s", c->asked, answers[0]);
	ck_assert_msg(dns_server_queries(server) == c->n_queries, "%s: queries", c->asked);
}
END_TEST

/* The first server fails, in the way that the name says; the second one knows. */
static enum dns_server_action failing(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	(void)arg;
	(void)n;
	(void)part;
	if (is_about(query, "fails"))
		dns_packet_set_rcode(p, 2);
	if (is_about(query, "refuses"))
		dns_packet_set_rcode(p, 5);
	if (is_about(query, "lies"))
		dns_packet_add(p, query->name, 33, 60, cw_str_make("", 0));
	return DNS_SERVER_ANSWER;
}

static enum dns_server_action knowing(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	(void)arg;
	(void)n;
	(void)part;
	dns_packet_add_srv(p, query->name, 60, 1, 0, 5061, "edge.example");
	return DNS_SERVER_ANSWER;
}

static const char *const failing_names[] = {"fails.example", "refuses.example", "lies.example"};

START_TEST(asks_the_next_server)
{
	server = dns_server_create(loop, true, failing, NULL);
	other = dns_server_create(loop, true, knowing, NULL);
	create();
	ask_srv(failing_names[_i]);
	wait_for(1);
	ck_assert_msg(strcmp(answers[0], "ok 1/5061/edge.example") == 0, "%s: %s",
		failing_names[_i], answers[0]);
	ck_assert_uint_eq(dns_server_queries(server), 1);
	ck_assert_uint_eq(dns_server_queries(other), 1);
	ask_srv("_sip.example"); /* goes to the one that knew */
	wait_for(2);
	ck_assert_uint_eq(dns_server_queries(server), 1);
	ck_assert_uint_eq(dns_server_queries(other), 2);
}
END_TEST

START_TEST(fails_when_all_servers_fail)
{
	server = dns_server_create(loop, true, failing, NULL);
	other = dns_server_create(loop, true, failing, NULL);
	create();
	ask_srv("fails.example");
	wait_for(1);
	ck_assert_str_eq(answers[0], "servfail");
	ck_assert_uint_eq(dns_server_queries(server) + dns_server_queries(other), 2);
}
END_TEST

START_TEST(notices_that_nobody_listens)
{
	struct cw_address servers[2];
	struct dns_server *gone = dns_server_create(loop, false, simple, NULL);

	servers[0] = *dns_server_address(gone);
	dns_server_destroy(gone);
	server = dns_server_create(loop, true, knowing, NULL);
	servers[1] = *dns_server_address(server);
	ck_assert_int_eq(cw_dns_create(&dns, loop, stats, servers, 2, NULL), 0);
	ask_srv("_sip.example");
	wait_for(1);
	ck_assert_str_eq(answers[0], "ok 1/5061/edge.example");
	ck_assert_uint_eq(cw_stats_value(stats, "dns.wire.udp"), 2);
}
END_TEST

/* A server from before EDNS. */
static enum dns_server_action old(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	if (!query->edns && !is_about(query, "never"))
		return knowing(arg, p, query, n, part);
	p->bytes[5] = 0;
	p->len = 12;
	dns_packet_set_rcode(p, 1);
	return DNS_SERVER_ANSWER;
}

START_TEST(does_without_edns)
{
	start(old);
	ask_srv("_sip.example");
	wait_for(1);
	ck_assert_str_eq(answers[0], "ok 1/5061/edge.example");
	ck_assert_uint_eq(dns_server_queries(server), 2);
	ask_srv("never.example");
	wait_for(2);
	ck_assert_str_eq(answers[1], "servfail");
	ck_assert_uint_eq(dns_server_queries(server), 4);
}
END_TEST

static enum dns_server_action without_aaaa(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	return query->type == 28 ? DNS_SERVER_SILENT : simple(arg, p, query, n, part);
}

START_TEST(does_not_wait_long_for_the_other_kind)
{
	start(without_aaaa);
	ask_addresses("four.example");
	wait_for(1);
	ck_assert_str_eq(answers[0], "ok 192.0.2.1:5061");
}
END_TEST

static enum dns_server_action silent(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	(void)arg;
	(void)p;
	(void)query;
	(void)part;
	if (n == 2)
		ahead_ms += DEADLINE_MS; /* the time is over */
	return DNS_SERVER_SILENT;
}

static void answered_last(void *arg, const struct cw_dns_answer *answer)
{
	*(enum cw_dns_status *)arg = answer->status;
	cw_loop_stop(loop);
}

/* Row 0 is a question of our own, row 1 a stranger's. */
START_TEST(bounds_the_questions_on_the_wire)
{
	unsigned n = _i ? CW_DNS_STRANGERS_MAX : CW_DNS_QUERIES_MAX;
	struct cw_str more = CW_STR("more.example");
	enum cw_dns_status status = CW_DNS_OK;
	struct cw_dns_query *query;
	char name[32];

	start(silent);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "h%u.example", i);
		ask_srv(name);
	}
	ask_srv("h0.example"); /* on its way already */
	ck_assert_int_eq((_i ? cw_dns_srv_for_stranger : cw_dns_srv)(
				 &query, dns, more, answered_last, &status),
		0);
	if (_i)
		ask_srv("ours.example"); /* for which there is room */
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_int_eq(status, CW_DNS_SERVFAIL);
	ck_assert_uint_eq(n_answers, 0);
}
END_TEST

START_TEST(copes_without_memory)
{
	struct cw_dns_query *query = NULL;
	unsigned n;
	int r;

	start(simple);
	for (n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_dns_addresses(&query, dns, cw_str_of("both.example"), 5061, answered, NULL);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(query);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(n, 5);
	wait_for(1);
	ck_assert_str_eq(answers[0], simple_cases[4].expected);
}
END_TEST

/* The exchange alone, with short times: silence of the first server, of all. */
static enum cw_dns_reply_kind end_kind;
static uint64_t n_udp, n_tcp, n_ignored;

static void exchange_done(void *arg, struct cw_dns_reply *reply)
{
	end_kind = reply->kind;
	free(reply->records);
	cw_dns_exchange_destroy(*(struct cw_dns_exchange **)arg);
	cw_loop_stop(loop);
}

static void exchange(void)
{
	struct cw_dns_servers servers = {.n = 1};
	struct cw_dns_counters counters = {&n_udp, &n_tcp, &n_ignored};
	struct cw_dns_question question;
	struct cw_dns_exchange_settings settings = {.servers = &servers,
		.question = &question,
		.counters = &counters,
		.try_ms = 20,
		.deadline_ms = cw_loop_now_ms(loop) + DEADLINE_MS};
	struct cw_dns_exchange *x;

	servers.addresses[0] = *dns_server_address(server);
	if (other)
		servers.addresses[servers.n++] = *dns_server_address(other);
	ck_assert_int_eq(
		cw_dns_question_init(&question, CW_DNS_TYPE_SRV, cw_str_of("_sip.example")), 0);
	ck_assert_int_eq(cw_dns_exchange_create(&x, loop, &settings, exchange_done, &x), 0);
	ck_assert_int_eq(cw_loop_run(loop), 0);
}

START_TEST(leaves_a_silent_server)
{
	server = dns_server_create(loop, true, silent, NULL);
	other = dns_server_create(loop, true, knowing, NULL);
	exchange();
	ck_assert_int_eq(end_kind, CW_DNS_REPLY_FINAL);
}
END_TEST

static enum dns_server_action second_time(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	return n == 0 ? DNS_SERVER_SILENT : knowing(arg, p, query, n, part);
}

START_TEST(asks_a_single_server_again)
{
	server = dns_server_create(loop, true, second_time, NULL);
	exchange();
	ck_assert_int_eq(end_kind, CW_DNS_REPLY_FINAL);
}
END_TEST

START_TEST(gives_up_at_the_deadline)
{
	server = dns_server_create(loop, true, silent, NULL);
	exchange();
	ck_assert_int_eq(end_kind, CW_DNS_REPLY_IGNORED);
	ck_assert_uint_eq(n_udp, 3);
}
END_TEST

static enum dns_server_action silent_tcp(void *arg, struct dns_packet *p,
	const struct dns_server_query *query, unsigned n, unsigned part)
{
	if (!query->is_tcp)
		return truncated(arg, p, query, n, part);
	ahead_ms += DEADLINE_MS;
	return DNS_SERVER_SILENT;
}

START_TEST(gives_up_on_silence_over_tcp)
{
	server = dns_server_create(loop, true, silent_tcp, NULL);
	exchange();
	ck_assert_int_eq(end_kind, CW_DNS_REPLY_IGNORED);
	ck_assert_uint_eq(n_tcp, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dns");
	TCase *tcase = tcase_create("dns");

	tcase_add_checked_fixture(tcase, begin, end);
	ADD_ROWS(tcase, answers_simply, simple_cases);
	tcase_add_test(tcase, remembers);
	tcase_add_test(tcase, forgets);
	tcase_add_test(tcase, asks_once_for_many);
	tcase_add_test(tcase, cancels);
	tcase_add_test(tcase, is_destroyed_with_open_questions);
	tcase_add_test(tcase, may_be_destroyed_by_a_callback);
	tcase_add_test(tcase, asks_over_tcp);
	tcase_add_test(tcase, is_refused_over_tcp);
	ADD_ROWS(tcase, takes_no_broken_answer_over_tcp, broken_tcp_names);
	tcase_add_test(tcase, ignores_forged_answers);
	ADD_ROWS(tcase, follows_aliases, alias_cases);
	ADD_ROWS(tcase, asks_the_next_server, failing_names);
	tcase_add_test(tcase, fails_when_all_servers_fail);
	tcase_add_test(tcase, notices_that_nobody_listens);
	tcase_add_test(tcase, does_without_edns);
	tcase_add_test(tcase, does_not_wait_long_for_the_other_kind);
	tcase_add_loop_test(tcase, bounds_the_questions_on_the_wire, 0, 2);
	tcase_add_test(tcase, copes_without_memory);
	tcase_add_test(tcase, leaves_a_silent_server);
	tcase_add_test(tcase, asks_a_single_server_again);
	tcase_add_test(tcase, gives_up_at_the_deadline);
	tcase_add_test(tcase, gives_up_on_silence_over_tcp);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
