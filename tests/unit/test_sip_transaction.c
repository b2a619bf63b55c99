#include "sip/transaction.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

/* Connections are replaced at link time: a test says whose they are. */
struct cw_connection {
	const struct cw_identity *identity;
	struct cw_address remote;
};

const struct cw_identity *cw_connection_identity(const struct cw_connection *c)
{
	return c->identity;
}

const struct cw_address *cw_connection_remote(const struct cw_connection *c)
{
	return &c->remote;
}

bool cw_link_same_peer(const struct cw_link *a, const struct cw_link *b)
{
	return a->connection->identity == b->connection->identity;
}

#define FINGERPRINT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static const struct cw_identity alice = {.fingerprint = FINGERPRINT "f"};
static const struct cw_identity mallory = {.fingerprint = "f" FINGERPRINT};

/* A link of that holder (NULL: without TLS) from that address. */
static struct cw_link make_link(
	struct cw_connection *c, const struct cw_identity *identity, const char *remote)
{
	struct cw_link link = {.connection = c};

	*c = (struct cw_connection){.identity = identity};
	ck_assert_int_eq(cw_address_make(&c->remote, cw_str_of(remote), 4711), 0);
	return link;
}

#define VIA  "SIP/2.0/TLS edge.ms.example:5061;branch=z9hG4bK77a"
#define FROM "<sip:alice@ms.example>;tag=f1"
#define TO   "<sip:bob@uc.example>"

/* What a test may change of a message; NULL: what stands above. */
struct shape {
	const char *name, *start, *method, *via, *from, *to, *call_id, *more;
	unsigned cseq;
};

static struct cw_sip_message *make(const struct shape *s)
{
	struct cw_sip_message *message = NULL;
	struct cw_sip_reject reject = {0};
	const char *method = s->method ? s->method : "INVITE";
	char text[2048], start[256];
	struct cw_str copy;
	int len, r;

	snprintf(start, sizeof(start), "%s sip:bob@uc.example SIP/2.0", method);
	len = snprintf(text, sizeof(text),
		"%s\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n%s"
		"Content-Length: 0\r\n\r\n",
		s->start ? s->start : start, s->via ? s->via : VIA, s->from ? s->from : FROM,
		s->to ? s->to : TO, s->call_id ? s->call_id : "5a3f", s->cseq ? s->cseq : 1, method,
		s->more ? s->more : "");
	ck_assert(len > 0 && (size_t)len < sizeof(text));
	copy = heap_copy(cw_str_make(text, (size_t)len));
	r = cw_sip_message_parse(&message, copy, &reject);
	heap_free(copy);
	ck_assert_msg(r == 0, "%s: %s", s->name, reject.reason);
	return message;
}

/* --- branches --- */

START_TEST(makes_branches_that_it_reads)
{
	struct cw_transactions t;
	char first[CW_BRANCH_MAX], second[CW_BRANCH_MAX];
	struct cw_branch a, b;

	cw_transactions_init(&t);
	t.next_id = UINT64_MAX;
	cw_branch_make(&t, first, cw_str_of("0a1b2c3d4e5f"), 0xfedcba9876543210u);
	cw_branch_make(&t, second, cw_str_of("0"), 1);
	ck_assert_str_eq(first, "z9hG4bKcw1.0a1b2c3d4e5f.fedcba9876543210.ffffffffffffffff");
	ck_assert(cw_branch_parse(&a, cw_str_of(first)));
	ck_assert(cw_branch_parse(&b, cw_str_of(second)));
	ck_assert(cw_str_eq(a.trace, cw_str_of("0a1b2c3d4e5f")));
	ck_assert(a.loop == 0xfedcba9876543210u && a.id == UINT64_MAX);
	ck_assert(cw_str_eq(b.trace, cw_str_of("0")) && b.loop == 1 && b.id == 0);
	cw_transactions_finish(&t);
}
END_TEST

START_TEST(cuts_a_trace_that_is_too_long)
{
	struct cw_transactions t;
	char branch[CW_BRANCH_MAX], trace[2 * CW_BRANCH_MAX];
	struct cw_branch b;

	cw_transactions_init(&t);
	memset(trace, 'a', sizeof(trace));
	cw_branch_make(&t, branch, cw_str_make(trace, sizeof(trace)), 0);
	ck_assert(cw_branch_parse(&b, cw_str_of(branch)));
	ck_assert_uint_eq(b.trace.len, CW_TRACE_ID_MAX - 1);
	cw_transactions_finish(&t);
}
END_TEST

#define LOOP "0000000000000001"
#define ID   "000000000000000a"

static const struct branch_case {
	const char *name, *text;
} foreign_branches[] = {
	{"empty", ""},
	{"another's", "z9hG4bK77a"},
	{"no more than the begin", "z9hG4bKcw1."},
	{"no trace", "z9hG4bKcw1.." LOOP "." ID},
	{"trace with another letter", "z9hG4bKcw1.0g." LOOP "." ID},
	{"trace in capitals", "z9hG4bKcw1.0A." LOOP "." ID},
	{"trace that is too long",
		"z9hG4bKcw1.0123456789012345678901234567890123456789012345678901234567890123." LOOP
		"." ID},
	{"no id", "z9hG4bKcw1.0a." LOOP "."},
	{"short id", "z9hG4bKcw1.0a." LOOP ".00000000000000a"},
	{"long id", "z9hG4bKcw1.0a." LOOP "." ID "0"},
	{"id in capitals", "z9hG4bKcw1.0a." LOOP ".000000000000000A"},
	{"dot at another place", "z9hG4bKcw1.0a.000000000000000.1" ID},
	{"loop hash with another letter", "z9hG4bKcw1.0a.000000000000000x." ID},
	{"another version", "z9hG4bKcw2.0a." LOOP "." ID},
};

START_TEST(knows_foreign_branches)
{
	const struct branch_case *c = &foreign_branches[_i];
	struct cw_str text = heap_copy(cw_str_of(c->text));
	struct cw_branch branch = {.id = 7};

	ck_assert_msg(!cw_branch_parse(&branch, text), "%s", c->name);
	ck_assert_msg(branch.id == 7, "%s: output touched", c->name);
	heap_free(text);
}
END_TEST

/* --- loops --- */

static const struct loop_case {
	struct shape shape;
	bool same; /* as the plain request */
} loop_cases[] = {
	{{.name = "itself"}, true},
	{{.name = "other Vias", .via = "SIP/2.0/TLS x;branch=z9hG4bK1, " VIA}, true},
	{{.name = "a display name", .from = "\"A\" " FROM}, true},
	{{.name = "hop by hop headers", .more = "Max-Forwards: 3\r\nSubject: x\r\n"}, true},
	{{.name = "Request-URI", .start = "INVITE sip:carol@uc.example SIP/2.0"}, false},
	{{.name = "method", .method = "MESSAGE"}, false},
	{{.name = "From tag", .from = "<sip:alice@ms.example>;tag=f2"}, false},
	{{.name = "To tag", .to = TO ";tag=t"}, false},
	{{.name = "Call-ID", .call_id = "5a3f0"}, false},
	{{.name = "CSeq", .cseq = 2}, false},
	{{.name = "Proxy-Require", .more = "Proxy-Require: ms-benotify\r\n"}, false},
	{{.name = "Route", .more = "Route: <sip:x;lr>\r\n"}, false},
	{{.name = "fields that flow together",
		 .from = "<sip:alice@ms.example>;tag=f",
		 .to = TO ";tag=1"},
		false},
};

START_TEST(tells_loops_from_spirals)
{
	const struct loop_case *c = &loop_cases[_i];
	struct cw_sip_message *plain = make(&(struct shape){0}), *other = make(&c->shape);

	ck_assert_msg((cw_loop_hash(plain) == cw_loop_hash(other)) == c->same, "%s", c->shape.name);
	cw_sip_message_destroy(plain);
	cw_sip_message_destroy(other);
}
END_TEST

/* --- server transactions --- */

#define OLD_VIA "SIP/2.0/TLS client.ms.example:5061;branch=1"

static const struct key_case {
	struct shape first, second;
	const struct cw_identity *of_first, *of_second;
	const char *from_first, *from_second;
	bool same;
} key_cases[] = {
	{{.name = "a repetition"}, {0}, &alice, &alice, "192.0.2.1", "192.0.2.1", true},
	{{.name = "over another connection"}, {0}, &alice, &alice, "192.0.2.1", "192.0.2.2", true},
	{{.name = "by another"}, {0}, &alice, &mallory, "192.0.2.1", "192.0.2.1", false},
	{{.name = "by one without certificate"}, {0}, &alice, NULL, "192.0.2.1", "192.0.2.1",
		false},
	{{.name = "without TLS"}, {0}, NULL, NULL, "192.0.2.1", "192.0.2.1", true},
	{{.name = "without TLS, by another"}, {0}, NULL, NULL, "192.0.2.1", "192.0.2.11", false},
	{{.name = "its CANCEL"}, {.method = "CANCEL"}, &alice, &alice, "192.0.2.1", "192.0.2.1",
		true},
	{{.name = "another's CANCEL"}, {.method = "CANCEL"}, &alice, &mallory, "192.0.2.1",
		"192.0.2.1", false},
	{{.name = "its ACK", .cseq = 7}, {.method = "ACK", .to = TO ";tag=t"}, &alice, &alice,
		"192.0.2.1", "192.0.2.1", true},
	{{.name = "a CANCEL of a MESSAGE", .method = "MESSAGE"}, {.method = "CANCEL"}, &alice,
		&alice, "192.0.2.1", "192.0.2.1", false},
	{{.name = "another branch"}, {.via = VIA "b"}, &alice, &alice, "192.0.2.1", "192.0.2.1",
		false},
	{{.name = "another sent-by"}, {.via = "SIP/2.0/TLS edge.ms.example;branch=z9hG4bK77a"},
		&alice, &alice, "192.0.2.1", "192.0.2.1", false},
	{{.name = "old", .via = OLD_VIA}, {.via = OLD_VIA}, &alice, &alice, "192.0.2.1",
		"192.0.2.1", true},
	{{.name = "old, its CANCEL", .via = OLD_VIA}, {.via = OLD_VIA, .method = "CANCEL"}, &alice,
		&alice, "192.0.2.1", "192.0.2.1", true},
	{{.name = "old, another CSeq", .via = OLD_VIA}, {.via = OLD_VIA, .cseq = 2}, &alice, &alice,
		"192.0.2.1", "192.0.2.1", false},
	{{.name = "old, another call", .via = OLD_VIA}, {.via = OLD_VIA, .call_id = "x"}, &alice,
		&alice, "192.0.2.1", "192.0.2.1", false},
};

START_TEST(finds_the_request_of_a_sender)
{
	const struct key_case *c = &key_cases[_i];
	struct cw_sip_message *first = make(&c->first), *second = make(&c->second);
	struct cw_connection connections[2];
	struct cw_link a = make_link(&connections[0], c->of_first, c->from_first);
	struct cw_link b = make_link(&connections[1], c->of_second, c->from_second);
	struct cw_buf key, other;

	cw_buf_init(&key, 0);
	cw_buf_init(&other, 0);
	ck_assert_int_eq(cw_server_key(&key, first, &a), 0);
	ck_assert_int_eq(cw_server_key(&other, second, &b), 0);
	ck_assert_msg(
		cw_str_eq(cw_buf_str(&key), cw_buf_str(&other)) == c->same, "%s", c->first.name);
	cw_buf_finish(&key);
	cw_buf_finish(&other);
	cw_sip_message_destroy(first);
	cw_sip_message_destroy(second);
}
END_TEST

/* --- client transactions --- */

static const struct answer_case {
	const char *name;
	const char *method;
	const struct cw_identity *by; /* whose link it comes on */
	bool link_died, other_branch, found;
} answer_cases[] = {
	{"the answer", "INVITE", &alice, false, false, true},
	{"to the CANCEL", "CANCEL", &alice, false, false, false},
	{"by a stranger", "INVITE", &mallory, false, false, false},
	{"by one without certificate", "INVITE", NULL, false, false, false},
	{"of another branch", "INVITE", &alice, false, true, false},
	{"after the connection died", "INVITE", &alice, true, false, false},
};

START_TEST(finds_the_transaction_of_an_answer)
{
	const struct answer_case *c = &answer_cases[_i];
	struct cw_connection connections[2];
	struct cw_link asked = make_link(&connections[0], &alice, "192.0.2.1");
	struct cw_link answered = make_link(&connections[1], c->by, "192.0.2.2");
	struct cw_client_txn txn = {.method = CW_SIP_INVITE}, *found;
	struct cw_sip_message *response;
	struct cw_transactions t;
	char via[256];

	cw_transactions_init(&t);
	cw_list_init(&asked.clients);
	cw_branch_make(&t, txn.branch, cw_str_of("0a"), 1);
	ck_assert_int_eq(cw_client_txn_start(&t, &txn, &asked), 0);
	ck_assert(!cw_list_empty(&asked.clients));
	snprintf(via, sizeof(via), "SIP/2.0/TLS us;branch=%s%s", txn.branch,
		c->other_branch ? "0" : "");
	response = make(&(struct shape){
		.name = c->name, .start = "SIP/2.0 200 OK", .method = c->method, .via = via});
	if (c->link_died)
		cw_client_txn_stop(&t, &txn);

	found = cw_client_txn_find(&t, response, &answered);
	ck_assert_msg(found == (c->found ? &txn : NULL), "%s", c->name);
	cw_client_txn_stop(&t, &txn);
	cw_client_txn_stop(&t, &txn); /* harmless */
	ck_assert(cw_list_empty(&asked.clients) && !txn.link);
	ck_assert_ptr_null(cw_client_txn_find(&t, response, &asked));
	cw_sip_message_destroy(response);
	cw_transactions_finish(&t);
}
END_TEST

START_TEST(leaves_nothing_when_memory_is_short)
{
	struct cw_connection connection;
	struct cw_link link = make_link(&connection, &alice, "192.0.2.1");
	struct cw_client_txn txn = {.method = CW_SIP_INVITE};
	struct cw_transactions t;
	int r;

	cw_transactions_init(&t);
	cw_list_init(&link.clients);
	cw_branch_make(&t, txn.branch, cw_str_of("0a"), 1);
	alloc_fail_at(1);
	r = cw_client_txn_start(&t, &txn, &link);
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert(cw_list_empty(&link.clients) && !txn.link);
	cw_client_txn_stop(&t, &txn);
	cw_transactions_finish(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sip transaction");
	TCase *tc = tcase_create("transaction");

	tcase_add_test(tc, makes_branches_that_it_reads);
	tcase_add_test(tc, cuts_a_trace_that_is_too_long);
	ADD_ROWS(tc, knows_foreign_branches, foreign_branches);
	ADD_ROWS(tc, tells_loops_from_spirals, loop_cases);
	ADD_ROWS(tc, finds_the_request_of_a_sender, key_cases);
	ADD_ROWS(tc, finds_the_transaction_of_an_answer, answer_cases);
	tcase_add_test(tc, leaves_nothing_when_memory_is_short);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
