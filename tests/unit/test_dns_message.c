#include "net/dns_message.h"

#include "tests/support_c/dns_packet.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#define ID 0x1234

#define L10 "abcdefghij"
#define L63 L10 L10 L10 L10 L10 L10 "abc"

static const struct name_case {
	const char *name, *in;
	const char *out; /* NULL: cannot be asked for */
} name_cases[] = {
	{"host", "edge.example.com", "edge.example.com"},
	{"lower case, no trailing dot", "Edge.EXAMPLE.com.", "edge.example.com"},
	{"service", "_sipfederationtls._tcp.example.com", "_sipfederationtls._tcp.example.com"},
	{"one label", "localhost", "localhost"},
	{"label of 63", L63 ".example", L63 ".example"},
	{"label of 64", L63 "x.example", NULL},
	{"name of 253", L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "a",
		L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "a"},
	{"name of 254", L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "ab", NULL},
	{"empty", "", NULL},
	{"root", ".", NULL},
	{"two trailing dots", "example..", NULL},
	{"leading dot", ".example", NULL},
	{"empty label", "a..example", NULL},
	{"blank", "a b.example", NULL},
	{"backslash", "a\\.b.example", NULL},
	{"UTF-8", "\xc3\xa4.example", NULL},
	{"wildcard", "*.example", NULL},
	{"address in brackets", "[::1]", NULL},
};

START_TEST(checks_names)
{
	const struct name_case *c = &name_cases[_i];
	struct cw_str in = heap_copy(cw_str_of(c->in));
	struct cw_dns_question q = {.name = "untouched"};
	int r = cw_dns_question_init(&q, CW_DNS_TYPE_SRV, in);

	ck_assert_msg(r == (c->out ? 0 : -EINVAL), "%s: return", c->name);
	ck_assert_msg(
		strcmp(q.name, c->out ? c->out : "untouched") == 0, "%s: %s", c->name, q.name);
	heap_free(in);
}
END_TEST

START_TEST(refuses_a_nul)
{
	struct cw_dns_question q;

	ck_assert_int_eq(cw_dns_question_init(&q, CW_DNS_TYPE_A, cw_str_make("a\0b", 3)), -EINVAL);
}
END_TEST

static void ask(struct cw_dns_question *q, enum cw_dns_type type, const char *name)
{
	ck_assert_int_eq(cw_dns_question_init(q, type, cw_str_of(name)), 0);
}

START_TEST(writes_queries)
{
	static const char plain[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				    "\x01"
				    "a\x07"
				    "example\x00\x00\x21\x00\x01";
	static const char edns[] = "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00";
	uint8_t out[CW_DNS_QUERY_BYTES];
	struct cw_dns_question q;
	size_t len;

	ask(&q, CW_DNS_TYPE_SRV, "a.example");
	len = cw_dns_query_write(out, &q, ID, false);
	ck_assert_uint_eq(len, sizeof(plain) - 1);
	ck_assert(memcmp(out, plain, len) == 0);
	len = cw_dns_query_write(out, &q, ID, true);
	ck_assert_uint_eq(len, sizeof(plain) - 1 + sizeof(edns) - 1);
	ck_assert_uint_eq(out[11], 1);
	ck_assert(memcmp(out + sizeof(plain) - 1, edns, sizeof(edns) - 1) == 0);
	ask(&q, CW_DNS_TYPE_SRV, L63 "." L63 "." L63 "." L10 L10 L10 L10 L10 L10 "a");
	ck_assert_uint_eq(cw_dns_query_write(out, &q, ID, true), CW_DNS_QUERY_BYTES);
}
END_TEST

/* Read from a heap copy of exact length. */
static void read_packet(
	struct cw_dns_reply *reply, enum cw_dns_type type, const char *name, struct cw_str packet)
{
	struct cw_str copy = heap_copy(packet);
	struct cw_dns_question q;

	ask(&q, type, name);
	cw_dns_reply_read(reply, &q, ID, copy);
	heap_free(copy);
}

/* What a reply says, as text: "final ok ttl=5 10/1/5061/edge.example". */
static void describe(char *out, size_t room, const struct cw_dns_reply *reply)
{
	static const char *const kinds[] = {
		[CW_DNS_REPLY_IGNORED] = "ignored",
		[CW_DNS_REPLY_FINAL] = "final",
		[CW_DNS_REPLY_ALIAS] = "alias",
		[CW_DNS_REPLY_TRUNCATED] = "truncated",
		[CW_DNS_REPLY_NO_EDNS] = "no-edns",
		[CW_DNS_REPLY_FAILED] = "failed",
	};
	const struct cw_dns_records *records = reply->records;
	char ip[INET6_ADDRSTRLEN];
	size_t len = (size_t)snprintf(out, room, "%s", kinds[reply->kind]);

	if (reply->kind == CW_DNS_REPLY_ALIAS)
		snprintf(out + len, room - len, " ttl=%u %s", reply->ttl_s, reply->alias);
	if (reply->kind == CW_DNS_REPLY_FAILED)
		snprintf(out + len, room - len, " %s", reply->problem);
	if (reply->kind != CW_DNS_REPLY_FINAL)
		return;
	len += (size_t)snprintf(out + len, room - len, " %s ttl=%u",
		cw_dns_status_name(records->status), records->ttl_s);
	for (size_t i = 0; i < records->n && len < room; i++) {
		if (records->srv) {
			ck_assert_int_eq(
				records->srv[i].target.p[records->srv[i].target.len], '\0');
			len += (size_t)snprintf(out + len, room - len, " %u/%u/%u/%s",
				records->srv[i].priority, records->srv[i].weight,
				records->srv[i].port, records->srv[i].target.p);
		} else {
			if (records->ip4)
				inet_ntop(AF_INET, &records->ip4[i], ip, sizeof(ip));
			else
				inet_ntop(AF_INET6, &records->ip6[i], ip, sizeof(ip));
			len += (size_t)snprintf(out + len, room - len, " %s", ip);
		}
	}
}

static void make_srv(struct dns_packet *p)
{
	dns_packet_add_srv(p, "a.example", 300, 10, 1, 5061, "Edge.Example");
	dns_packet_add_srv(p, "A.EXAMPLE", 200, 20, 2, 5062, "edge2.example");
}

static void make_no_service(struct dns_packet *p)
{
	dns_packet_add_srv(p, "a.example", 300, 0, 0, 0, ".");
}

static void make_no_service_beside(struct dns_packet *p)
{
	dns_packet_add_srv(p, "a.example", 300, 0, 0, 5061, ".");
	dns_packet_add_srv(p, "a.example", 300, 0, 0, 5061, "edge.example");
}

static void make_useless_srv(struct dns_packet *p)
{
	dns_packet_add_srv(p, "a.example", 300, 0, 0, 5061, "ed ge.example");
	dns_packet_add_srv(p, "a.example", 300, 0, 0, 0, "edge.example");
}

static void make_short_srv(struct dns_packet *p)
{
	dns_packet_add(p, "a.example", 33, 300, cw_str_make("\0\0\0\0\0", 5));
}

static void make_ip4(struct dns_packet *p)
{
	dns_packet_add_a(p, "a.example", 100000, "192.0.2.1");
	dns_packet_add_a(p, "a.example", 100000, "192.0.2.2");
}

static void make_ip6(struct dns_packet *p)
{
	dns_packet_add_aaaa(p, "a.example", 0x80000000u, "2001:db8::1");
}

static void make_long_ip4(struct dns_packet *p)
{
	dns_packet_add(p, "a.example", 1, 1, cw_str_make("\0\0\0\0\0", 5));
}

static void make_chain(struct dns_packet *p)
{
	dns_packet_add_cname(p, "a.example", 70, "b.example");
	dns_packet_add_cname(p, "b.example", 50, "c.example");
	dns_packet_add_a(p, "c.example", 60, "192.0.2.3");
}

static void make_dangling(struct dns_packet *p)
{
	dns_packet_add_cname(p, "a.example", 70, "b.example");
	dns_packet_add_cname(p, "b.example", 50, "C.example");
}

static void make_unordered(struct dns_packet *p)
{
	dns_packet_add_a(p, "b.example", 60, "192.0.2.3");
	dns_packet_add_cname(p, "a.example", 70, "b.example");
}

static void make_loop(struct dns_packet *p)
{
	dns_packet_add_cname(p, "a.example", 70, "a.example");
}

static void make_bad_alias(struct dns_packet *p)
{
	dns_packet_add_cname(p, "a.example", 70, "b b.example");
}

static void make_root_alias(struct dns_packet *p)
{
	dns_packet_add_cname(p, "a.example", 70, ".");
}

static void make_foreign(struct dns_packet *p)
{
	dns_packet_add_a(p, "other.example", 60, "192.0.2.66");
}

static void make_nothing(struct dns_packet *p)
{
	(void)p;
}

static void make_no_data(struct dns_packet *p)
{
	dns_packet_add_soa(p, "example", 30, 20);
}

static void make_no_data_behind_alias(struct dns_packet *p)
{
	dns_packet_add_soa(p, "example", 10, 20);
}

static void make_no_data_for_long(struct dns_packet *p)
{
	dns_packet_add_soa(p, "example", 86400, 86400);
}

static void make_no_name(struct dns_packet *p)
{
	dns_packet_set_rcode(p, 3);
	dns_packet_add_soa(p, "example", 30, 20);
}

static void make_alias_to_no_name(struct dns_packet *p)
{
	dns_packet_set_rcode(p, 3);
	dns_packet_add_cname(p, "a.example", 70, "b.example");
	dns_packet_add_soa(p, "example", 30, 20);
}

static void make_server_failure(struct dns_packet *p)
{
	dns_packet_set_rcode(p, 2);
}

static void make_refused(struct dns_packet *p)
{
	dns_packet_set_rcode(p, 5);
}

static void make_form_error(struct dns_packet *p)
{
	dns_packet_set_rcode(p, 1);
}

static void make_bare_form_error(struct dns_packet *p)
{
	dns_packet_set_rcode(p, 1);
	p->bytes[5] = 0;
	p->len = 12;
}

static void make_bare_answer(struct dns_packet *p)
{
	p->bytes[5] = 0;
	p->len = 12;
}

static void make_truncated(struct dns_packet *p)
{
	dns_packet_set_truncated(p);
	make_srv(p);
}

static void make_other_id(struct dns_packet *p)
{
	make_ip4(p);
	p->bytes[1] ^= 1;
}

static void make_query(struct dns_packet *p)
{
	p->bytes[2] &= 0x7f;
}

static void make_notify(struct dns_packet *p)
{
	p->bytes[2] |= 0x20;
}

static void make_other_type(struct dns_packet *p)
{
	dns_packet_begin(p, ID, "a.example", 28);
	make_ip6(p);
}

static void make_other_name(struct dns_packet *p)
{
	dns_packet_begin(p, ID, "b.example", 1);
	dns_packet_add_a(p, "b.example", 60, "192.0.2.3");
}

static void make_longer_name(struct dns_packet *p)
{
	dns_packet_begin(p, ID, "a.example.com", 1);
}

static void make_other_class(struct dns_packet *p)
{
	p->bytes[p->len - 1] = 3;
}

static void make_two_questions(struct dns_packet *p)
{
	p->bytes[5] = 2;
}

static void make_count_too_high(struct dns_packet *p)
{
	make_ip4(p);
	p->bytes[7] = 3;
}

/* Owner and target end in pointers to the question, as real servers write them. */
static void make_compressed_records(struct dns_packet *p)
{
	static const char record[] = "\xc0\x0c\x00\x21\x00\x01\x00\x00\x00\x3c\x00\x0c"
				     "\x00\x01\x00\x02\x13\xc5\x03"
				     "sip\xc0\x0c";

	p->bytes[7] = 1;
	memcpy(p->bytes + p->len, record, sizeof(record) - 1);
	p->len += sizeof(record) - 1;
}

/* The name of the question is a pointer to a name behind it, equal to ours once expanded: udns would walk over the end. */
static void make_compressed_question(struct dns_packet *p)
{
	static const char question[] = "\xc0\x12\x00\x01\x00\x01"
				       "\x01"
				       "a\x07"
				       "example";

	memcpy(p->bytes + 12, question, sizeof(question));
	p->len = 12 + sizeof(question);
}

static const struct reply_case {
	const char *name;
	enum cw_dns_type type;
	void (*make)(struct dns_packet *p);
	const char *expected;
} reply_cases[] = {
	{"srv", CW_DNS_TYPE_SRV, make_srv,
		"final ok ttl=200 10/1/5061/edge.example 20/2/5062/edge2.example"},
	{"no service", CW_DNS_TYPE_SRV, make_no_service, "final no-service ttl=300"},
	{"a dot beside a target", CW_DNS_TYPE_SRV, make_no_service_beside,
		"final ok ttl=300 0/0/5061/edge.example"},
	{"no usable target", CW_DNS_TYPE_SRV, make_useless_srv,
		"failed no record that can be used"},
	{"srv too short", CW_DNS_TYPE_SRV, make_short_srv, "failed records that cannot be read"},
	{"addresses, the ttl bounded", CW_DNS_TYPE_A, make_ip4,
		"final ok ttl=86400 192.0.2.1 192.0.2.2"},
	{"ttl with the highest bit", CW_DNS_TYPE_AAAA, make_ip6, "final ok ttl=0 2001:db8::1"},
	{"address of five bytes", CW_DNS_TYPE_A, make_long_ip4,
		"failed records that cannot be read"},
	{"aliases, the smallest ttl", CW_DNS_TYPE_A, make_chain, "final ok ttl=50 192.0.2.3"},
	{"alias without its records", CW_DNS_TYPE_A, make_dangling, "alias ttl=50 c.example"},
	{"alias behind its records", CW_DNS_TYPE_A, make_unordered, "alias ttl=70 b.example"},
	{"alias of itself", CW_DNS_TYPE_A, make_loop, "alias ttl=70 a.example"},
	{"alias that is no name", CW_DNS_TYPE_A, make_bad_alias,
		"failed an alias that is no domain name"},
	{"alias to the root", CW_DNS_TYPE_A, make_root_alias,
		"failed an alias that is no domain name"},
	{"record of another name", CW_DNS_TYPE_A, make_foreign, "final no-data ttl=5"},
	{"nothing, for how long is not said", CW_DNS_TYPE_A, make_nothing, "final no-data ttl=5"},
	{"no data, the zone's minimum", CW_DNS_TYPE_A, make_no_data, "final no-data ttl=20"},
	{"no data, the record's ttl", CW_DNS_TYPE_A, make_no_data_behind_alias,
		"final no-data ttl=10"},
	{"no data, bounded", CW_DNS_TYPE_A, make_no_data_for_long, "final no-data ttl=60"},
	{"no such name", CW_DNS_TYPE_A, make_no_name, "final no-name ttl=20"},
	{"alias to no such name", CW_DNS_TYPE_A, make_alias_to_no_name, "final no-name ttl=20"},
	{"server failure", CW_DNS_TYPE_A, make_server_failure, "failed server failure"},
	{"refused", CW_DNS_TYPE_A, make_refused, "failed refused"},
	{"edns not understood", CW_DNS_TYPE_A, make_form_error, "no-edns"},
	{"edns not understood, the header alone", CW_DNS_TYPE_A, make_bare_form_error, "no-edns"},
	{"an answer without question", CW_DNS_TYPE_A, make_bare_answer, "ignored"},
	{"truncated", CW_DNS_TYPE_SRV, make_truncated, "truncated"},
	{"another id", CW_DNS_TYPE_A, make_other_id, "ignored"},
	{"a query", CW_DNS_TYPE_A, make_query, "ignored"},
	{"another opcode", CW_DNS_TYPE_A, make_notify, "ignored"},
	{"another type", CW_DNS_TYPE_A, make_other_type, "ignored"},
	{"another name", CW_DNS_TYPE_A, make_other_name, "ignored"},
	{"a longer name", CW_DNS_TYPE_A, make_longer_name, "ignored"},
	{"another class", CW_DNS_TYPE_A, make_other_class, "ignored"},
	{"two questions", CW_DNS_TYPE_A, make_two_questions, "ignored"},
	{"fewer records than counted", CW_DNS_TYPE_A, make_count_too_high,
		"failed records that cannot be read"},
	{"compressed records", CW_DNS_TYPE_SRV, make_compressed_records,
		"final ok ttl=60 1/2/5061/sip.a.example"},
	{"compressed question", CW_DNS_TYPE_A, make_compressed_question, "ignored"},
};

START_TEST(reads_replies)
{
	const struct reply_case *c = &reply_cases[_i];
	struct dns_packet *p = malloc(sizeof(*p));
	struct cw_dns_reply reply;
	char text[512];

	ck_assert_ptr_nonnull(p);
	dns_packet_begin(p, ID, "a.example", (unsigned)c->type);
	c->make(p);
	read_packet(&reply, c->type, "A.example", dns_packet_str(p));
	describe(text, sizeof(text), &reply);
	ck_assert_msg(strcmp(text, c->expected) == 0, "%s: [%s]", c->name, text);
	free(reply.records);
	free(p);
}
END_TEST

/* Every message, cut off anywhere, is an answer that cannot be read or none at all; never more. */
START_TEST(survives_cuts)
{
	struct dns_packet *p = malloc(sizeof(*p));
	struct cw_dns_reply reply;

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < N_ELEMENTS(reply_cases); i++) {
		const struct reply_case *c = &reply_cases[i];

		dns_packet_begin(p, ID, "a.example", (unsigned)c->type);
		c->make(p);
		for (size_t len = 0; len < p->len; len++) {
			read_packet(&reply, c->type, "a.example",
				cw_str_make((const char *)p->bytes, len));
			ck_assert_msg(reply.kind != CW_DNS_REPLY_FINAL || reply.records->n == 0,
				"%s: cut at %zu", c->name, len);
			free(reply.records);
		}
	}
	free(p);
}
END_TEST

START_TEST(bounds_the_number_of_records)
{
	struct dns_packet *p = malloc(sizeof(*p));
	struct cw_dns_reply reply;

	ck_assert_ptr_nonnull(p);
	dns_packet_begin(p, ID, "a.example", CW_DNS_TYPE_SRV);
	for (unsigned i = 0; i < CW_DNS_RECORDS_MAX + 20; i++)
		dns_packet_add_srv(p, "a.example", 60, i, 0, 5061, "edge.example");
	read_packet(&reply, CW_DNS_TYPE_SRV, "a.example", dns_packet_str(p));
	ck_assert_int_eq(reply.kind, CW_DNS_REPLY_FINAL);
	ck_assert_uint_eq(reply.records->n, CW_DNS_RECORDS_MAX);
	ck_assert_uint_eq(
		reply.records->srv[CW_DNS_RECORDS_MAX - 1].priority, CW_DNS_RECORDS_MAX - 1);
	free(reply.records);
	free(p);
}
END_TEST

START_TEST(copes_without_memory)
{
	struct dns_packet *p = malloc(sizeof(*p));
	struct cw_dns_question q;
	struct cw_dns_reply reply;

	ck_assert_ptr_nonnull(p);
	ask(&q, CW_DNS_TYPE_SRV, "a.example");
	dns_packet_begin(p, ID, "a.example", CW_DNS_TYPE_SRV);
	make_srv(p);
	alloc_fail_at(1);
	cw_dns_reply_read(&reply, &q, ID, dns_packet_str(p));
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(reply.kind, CW_DNS_REPLY_FAILED);
	ck_assert_ptr_null(reply.records);
	free(p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dns_message");
	TCase *tcase = tcase_create("dns_message");

	ADD_ROWS(tcase, checks_names, name_cases);
	tcase_add_test(tcase, refuses_a_nul);
	tcase_add_test(tcase, writes_queries);
	ADD_ROWS(tcase, reads_replies, reply_cases);
	tcase_add_test(tcase, survives_cuts);
	tcase_add_test(tcase, bounds_the_number_of_records);
	tcase_add_test(tcase, copes_without_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
