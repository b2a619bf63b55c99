#include "sip/rewrite.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define LINE "INVITE sip:bob@uc.example;x=1 SIP/2.0\r\n"
#define VIA  "Via: SIP/2.0/TLS edge.ms.example:5061;branch=z9hG4bK77a\r\n"
#define FROM "From: \"Alice\"<sip:alice@ms.example>;tag=f1\r\n"
#define TO   "To: <sip:bob@uc.example>\r\n"
#define ID   "Call-ID: 5a3f\r\n"
#define CSEQ "CSeq: 3 INVITE\r\n"
#define MF   "Max-Forwards:  69 \r\n"
#define END  "Content-Length: 2\r\n\r\nhi"
#define REST FROM TO ID CSEQ END

static struct cw_sip_message *parse(const char *text)
{
	struct cw_str copy = heap_copy(cw_str_of(text));
	struct cw_sip_message *message = NULL;
	struct cw_sip_reject reject = {0};
	int r = cw_sip_message_parse(&message, copy, &reject);

	heap_free(copy);
	ck_assert_msg(r == 0, "%s", reject.reason);
	return message;
}

/*
 * Edits as letters: v push a Via, p pop one, r received, m Max-Forwards, a and b push a Record-Route, 0 to 9 drop that Route, u another
 * Request-URI, t drop P-Asserted-Identity, s another status.
 */
static void edit(struct cw_sip_rewrite *rw, char letter)
{
	switch (letter) {
	case 'v':
		cw_sip_rewrite_push_via(rw, cw_str_of("SIP/2.0/TLS me;branch=z9hG4bKme"));
		break;
	case 'p':
		cw_sip_rewrite_pop_via(rw);
		break;
	case 'r':
		cw_sip_rewrite_via_received(rw, cw_str_of("192.0.2.9"), 4711);
		break;
	case 'm':
		cw_sip_rewrite_max_forwards(rw, 68);
		break;
	case 'a':
		cw_sip_rewrite_push_record_route(rw, cw_str_of("<sip:a;lr>"));
		break;
	case 'b':
		cw_sip_rewrite_push_record_route(rw, cw_str_of("<sip:b;lr>"));
		break;
	case 'u':
		cw_sip_rewrite_request_uri(rw, cw_str_of("sip:new@x"));
		break;
	case 't':
		cw_sip_rewrite_drop_header(rw, CW_HDR_P_ASSERTED_IDENTITY);
		break;
	case 's':
		cw_sip_rewrite_status(rw, 500, cw_str_of("Server Internal Error"));
		break;
	default:
		cw_sip_rewrite_drop_route(rw, (size_t)(letter - '0'));
		break;
	}
}

static const struct edit_case {
	const char *name, *edits, *in, *out;
} edit_cases[] = {
	{"nothing", "", LINE VIA MF REST, LINE VIA MF REST},
	{"request-uri", "u", LINE VIA REST, "INVITE sip:new@x SIP/2.0\r\n" VIA REST},
	{"push via", "v", LINE "Subject: x\r\n" VIA REST,
		LINE "Subject: x\r\nVia: SIP/2.0/TLS me;branch=z9hG4bKme\r\n" VIA REST},
	{"pop via", "p", LINE VIA "Via: SIP/2.0/TLS b\r\n" REST,
		LINE "Via: SIP/2.0/TLS b\r\n" REST},
	{"pop folded via", "p", LINE "v: SIP/2.0/TLS\r\n a\r\nVia: SIP/2.0/TLS b\r\n" REST,
		LINE "Via: SIP/2.0/TLS b\r\n" REST},
	{"pop via of a list", "p", LINE "Via : SIP/2.0/TLS a , SIP/2.0/TLS b\r\n" REST,
		LINE "Via : SIP/2.0/TLS b\r\n" REST},
	{"pop two of three", "pp", LINE "Via: SIP/2.0/TLS a,SIP/2.0/TLS b,SIP/2.0/TLS c\r\n" REST,
		LINE "Via: SIP/2.0/TLS c\r\n" REST},
	{"pop all of a line", "pp",
		LINE
		"Via: SIP/2.0/TLS a, SIP/2.0/TLS b\r\nSubject: x\r\nVia: SIP/2.0/TLS c\r\n" REST,
		LINE "Subject: x\r\nVia: SIP/2.0/TLS c\r\n" REST},
	{"pop more than there are", "ppp", LINE VIA REST, LINE REST},
	{"received", "r", LINE VIA REST,
		LINE "Via: SIP/2.0/TLS "
		     "edge.ms.example:5061;branch=z9hG4bK77a;received=192.0.2.9\r\n" REST},
	{"received of a value in a list", "r", LINE "Via: SIP/2.0/TLS a , SIP/2.0/TLS b\r\n" REST,
		LINE "Via: SIP/2.0/TLS a;received=192.0.2.9 , SIP/2.0/TLS b\r\n" REST},
	{"received that stands there", "r", LINE "Via: SIP/2.0/TLS a;Received = x;b=1\r\n" REST,
		LINE "Via: SIP/2.0/TLS a;received=192.0.2.9;b=1\r\n" REST},
	{"received without value", "r", LINE "Via: SIP/2.0/TLS a;received;b=1\r\n" REST,
		LINE "Via: SIP/2.0/TLS a;received=192.0.2.9;b=1\r\n" REST},
	{"received with nothing behind it", "r", LINE "Via: SIP/2.0/TLS a;received= ;b=1\r\n" REST,
		LINE "Via: SIP/2.0/TLS a;received=192.0.2.9 ;b=1\r\n" REST},
	{"rport", "r", LINE "Via: SIP/2.0/TLS a;rport;b=\"rport\"\r\n" REST,
		LINE "Via: SIP/2.0/TLS a;rport=4711;b=\"rport\";received=192.0.2.9\r\n" REST},
	{"rport and received", "r", LINE "Via: SIP/2.0/TLS a;rport=1;received=x\r\n" REST,
		LINE "Via: SIP/2.0/TLS a;rport=4711;received=192.0.2.9\r\n" REST},
	{"push via and received", "vr", LINE "v:SIP/2.0/TLS a\r\n" REST,
		LINE "Via: SIP/2.0/TLS me;branch=z9hG4bKme\r\nv:SIP/2.0/TLS "
		     "a;received=192.0.2.9\r\n" REST},
	{"max-forwards", "m", LINE VIA MF REST, LINE VIA "Max-Forwards:  68 \r\n" REST},
	{"no max-forwards", "m", LINE VIA "Subject: x\r\n" VIA REST,
		LINE VIA "Max-Forwards: 68\r\nSubject: x\r\n" VIA REST},
	{"record-route", "a", LINE VIA "Subject: x\r\n" REST,
		LINE VIA "Record-Route: <sip:a;lr>\r\nSubject: x\r\n" REST},
	{"two record-routes", "ab", LINE VIA REST,
		LINE VIA "Record-Route: <sip:b;lr>\r\nRecord-Route: <sip:a;lr>\r\n" REST},
	{"above the one that is there", "ab", LINE "record-route: <sip:x;lr>\r\n" VIA REST,
		LINE "Record-Route: <sip:b;lr>\r\nRecord-Route: <sip:a;lr>\r\nrecord-route: "
		     "<sip:x;lr>\r\n" VIA REST},
	{"only route", "0", LINE VIA "Route: <sip:me;lr>\r\n" REST, LINE VIA REST},
	{"first of a list", "0", LINE VIA "Route: <sip:me;lr> , \"x,y\" <sip:p;lr>\r\n" REST,
		LINE VIA "Route: \"x,y\" <sip:p;lr>\r\n" REST},
	{"middle of a list", "1", LINE VIA "Route: <sip:a>,\r\n <sip:b> , <sip:c>\r\n" REST,
		LINE VIA "Route: <sip:a>,\r\n <sip:c>\r\n" REST},
	{"last of a list", "2", LINE VIA "Route: <sip:a>, <sip:b>;p=1 , <sip:c>\r\n" REST,
		LINE VIA "Route: <sip:a>, <sip:b>;p=1\r\n" REST},
	{"last two of a list", "12", LINE VIA "Route: <sip:a> ,<sip:b>,<sip:c>\r\n" REST,
		LINE VIA "Route: <sip:a>\r\n" REST},
	{"last two, the other way round", "21", LINE VIA "Route: <sip:a> ,<sip:b>,<sip:c>\r\n" REST,
		LINE VIA "Route: <sip:a>\r\n" REST},
	{"first and last of a list", "02", LINE VIA "Route: <sip:a>, <sip:b>, <sip:c>\r\n" REST,
		LINE VIA "Route: <sip:b>\r\n" REST},
	{"all of a list", "021", LINE VIA "Route: <sip:a>, <sip:b>, <sip:c>\r\n" REST,
		LINE VIA REST},
	{"over lines", "01",
		LINE VIA "Route: <sip:a>\r\nSubject: x\r\nRoute: <sip:b>,<sip:c>\r\n" REST,
		LINE VIA "Subject: x\r\nRoute: <sip:c>\r\n" REST},
	{"trust headers", "t",
		LINE VIA "P-Asserted-Identity: <sip:a@x>\r\nSubject: x\r\np-asserted-identity:\r\n "
			 "<tel:1>\r\n" REST,
		LINE VIA "Subject: x\r\n" REST},
	{"a header that is not there", "t", LINE VIA REST, LINE VIA REST},
	{"all of a proxy's edits", "vrmab01u",
		LINE "Via: SIP/2.0/TLS a,SIP/2.0/TLS b\r\nRoute: <sip:me;lr>\r\n" MF
		     "Route:<sip:me2;lr>,<sip:p;lr>\r\nRecord-Route: <sip:x;lr>\r\n" REST,
		"INVITE sip:new@x SIP/2.0\r\nVia: SIP/2.0/TLS me;branch=z9hG4bKme\r\n"
		"Via: SIP/2.0/TLS a;received=192.0.2.9,SIP/2.0/TLS b\r\nMax-Forwards:  68 "
		"\r\nRoute:<sip:p;lr>\r\n"
		"Record-Route: <sip:b;lr>\r\nRecord-Route: <sip:a;lr>\r\nRecord-Route: "
		"<sip:x;lr>\r\n" REST},
	{"status", "sp", "SIP/2.0 503 No\r\n" VIA "Via: SIP/2.0/TLS b\r\n" REST,
		"SIP/2.0 500 Server Internal Error\r\nVia: SIP/2.0/TLS b\r\n" REST},
	{"status without phrase", "s", "SIP/2.0 503 \r\n" VIA REST,
		"SIP/2.0 500 Server Internal Error\r\n" VIA REST},
};

START_TEST(edits_messages)
{
	const struct edit_case *c = &edit_cases[_i];
	struct cw_sip_message *message = parse(c->in);
	struct cw_sip_rewrite rw;
	struct cw_buf out;

	cw_sip_rewrite_init(&rw, message);
	for (const char *e = c->edits; *e; e++)
		edit(&rw, *e);
	cw_buf_init(&out, 0);
	for (int again = 0; again < 2; again++) { /* rendering changes nothing */
		cw_buf_clear(&out);
		ck_assert_int_eq(cw_sip_rewrite_render(&rw, &out), 0);
		ck_assert_msg(cw_str_eq(cw_buf_str(&out), cw_str_of(c->out)), "%s:\n%" CW_STR_FMT,
			c->name, CW_STR_ARG(cw_buf_str(&out)));
	}
	cw_buf_finish(&out);
	cw_sip_rewrite_finish(&rw);
	cw_sip_message_destroy(message);
}
END_TEST

START_TEST(limits_the_edits)
{
	struct cw_sip_message *message = parse(LINE VIA REST);
	struct cw_sip_rewrite rw;
	struct cw_buf out;

	cw_sip_rewrite_init(&rw, message);
	cw_buf_init(&out, 0);
	for (int i = 0; i < CW_SIP_REWRITE_EDITS_MAX; i++)
		edit(&rw, 'a');
	ck_assert_int_eq(cw_sip_rewrite_render(&rw, &out), 0);
	edit(&rw, 'a');
	ck_assert_int_eq(cw_sip_rewrite_render(&rw, &out), -E2BIG);
	cw_buf_finish(&out);

	cw_sip_rewrite_finish(&rw);
	cw_sip_rewrite_init(&rw, message);
	cw_buf_init(&out, message->bytes.len - 1);
	ck_assert_int_eq(cw_sip_rewrite_render(&rw, &out), -EMSGSIZE);
	cw_buf_finish(&out);
	cw_sip_rewrite_finish(&rw);
	cw_sip_message_destroy(message);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_sip_message *message = parse(LINE VIA REST);

	for (unsigned n = 1;; n++) {
		struct cw_sip_rewrite rw;
		struct cw_buf out;
		int r;

		cw_sip_rewrite_init(&rw, message);
		cw_buf_init(&out, 0);
		alloc_fail_at(n);
		edit(&rw, 'v');
		edit(&rw, 'm');
		for (int i = 0; i < 20; i++)
			edit(&rw, 'a');
		r = cw_sip_rewrite_render(&rw, &out);
		bool reached = alloc_fail_reached();

		cw_sip_rewrite_finish(&rw);
		cw_buf_finish(&out);
		if (!reached) {
			ck_assert_int_eq(r, 0);
			break;
		}
		ck_assert_int_eq(r, -ENOMEM);
	}
	cw_sip_message_destroy(message);
}
END_TEST

static const struct reply_case {
	const char *name, *request;
	struct cw_sip_reply reply;
	const char *out;
} reply_cases[] = {
	{"our tag", LINE VIA MF REST,
		{.status = 404, .phrase = CW_STR("No search rule matches"), .to_tag = CW_STR("t9")},
		"SIP/2.0 404 No search rule matches\r\n" VIA FROM
		"To: <sip:bob@uc.example>;tag=t9\r\n" ID CSEQ "Content-Length: 0\r\n\r\n"},
	{"tag of the dialog", LINE VIA FROM "t:<sip:bob@uc.example>;tag=old \r\n" ID CSEQ END,
		{.status = 481, .to_tag = CW_STR("t9")},
		"SIP/2.0 481 Call/Transaction Does Not Exist\r\n" VIA FROM
		"t:<sip:bob@uc.example>;tag=old \r\n" ID CSEQ "Content-Length: 0\r\n\r\n"},
	{"100 has no tag", LINE VIA REST, {.status = 100, .to_tag = CW_STR("t9")},
		"SIP/2.0 100 Trying\r\n" VIA FROM TO ID CSEQ "Content-Length: 0\r\n\r\n"},
	{"further headers", LINE VIA REST,
		{.status = 420, .to_tag = CW_STR("t9"), .headers = CW_STR("Unsupported: x\r\n")},
		"SIP/2.0 420 Bad Extension\r\n" VIA FROM
		"To: <sip:bob@uc.example>;tag=t9\r\n" ID CSEQ
		"Unsupported: x\r\nContent-Length: 0\r\n\r\n"},
	{"all vias, in order",
		LINE "Via: SIP/2.0/TLS a,\r\n SIP/2.0/TLS b\r\n" FROM TO
		     "v: SIP/2.0/TLS c\r\n" ID CSEQ END,
		{.status = 200},
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS a,\r\n SIP/2.0/TLS b\r\nv: SIP/2.0/TLS "
		"c\r\n" FROM TO ID CSEQ "Content-Length: 0\r\n\r\n"},
	{"received", LINE "Via: SIP/2.0/TLS a;rport, SIP/2.0/TLS b\r\n" REST,
		{.status = 200, .received = CW_STR("192.0.2.9"), .rport = 7},
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS a;rport=7;received=192.0.2.9, SIP/2.0/TLS "
		"b\r\n" FROM TO ID CSEQ "Content-Length: 0\r\n\r\n"},
	{"folded to", LINE VIA FROM "To:\r\n <sip:bob@uc.example>\r\n ;epid=\r\n" ID CSEQ END,
		{.status = 200, .to_tag = CW_STR("t9")},
		"SIP/2.0 200 OK\r\n" VIA FROM
		"To:\r\n <sip:bob@uc.example>\r\n ;epid=;tag=t9\r\n" ID CSEQ
		"Content-Length: 0\r\n\r\n"},
	{"status nobody knows", LINE VIA REST, {.status = 499},
		"SIP/2.0 499 Unknown\r\n" VIA FROM TO ID CSEQ "Content-Length: 0\r\n\r\n"},
};

START_TEST(answers_requests)
{
	const struct reply_case *c = &reply_cases[_i];
	struct cw_sip_message *request = parse(c->request);
	struct cw_str head = heap_copy(request->head);
	struct cw_buf out;

	cw_buf_init(&out, 0);
	ck_assert_int_eq(cw_sip_reply_build(&out, request, &c->reply), 0);
	ck_assert_msg(cw_str_eq(cw_buf_str(&out), cw_str_of(c->out)), "%s:\n%" CW_STR_FMT, c->name,
		CW_STR_ARG(cw_buf_str(&out)));
	/* What can be parsed gets the same answer without being parsed. */
	cw_buf_clear(&out);
	ck_assert_int_eq(cw_sip_reply_build_raw(&out, head, &c->reply), 0);
	ck_assert_msg(cw_str_eq(cw_buf_str(&out), cw_str_of(c->out)), "%s, raw:\n%" CW_STR_FMT,
		c->name, CW_STR_ARG(cw_buf_str(&out)));
	cw_buf_finish(&out);
	heap_free(head);
	cw_sip_message_destroy(request);
}
END_TEST

static const struct raw_case {
	const char *name;
	struct cw_str head;
	const char *out; /* NULL: nothing can be answered */
} raw_cases[] = {
	{"bare lf elsewhere", CW_STR(LINE VIA "Subject: a\nFrom: x\r\nCSeq: 1 X\r\n\r\n"),
		"SIP/2.0 400 Bad\r\n" VIA "From: x\r\nCSeq: 1 X\r\nContent-Length: 0\r\n\r\n"},
	{"broken lines are not sent back",
		CW_STR(LINE VIA "Via: a\rb\r\nVia: c\n" TO "From: \0\r\nCall-ID: \x1b\r\n\r\n"),
		"SIP/2.0 400 Bad\r\n" VIA
		"To: <sip:bob@uc.example>;tag=t9\r\nContent-Length: 0\r\n\r\n"},
	{"to that cannot be read",
		CW_STR(LINE "Via: x\r\n"
			    "To: \"<sip:b@x>\r\n\r\n"),
		"SIP/2.0 400 Bad\r\nVia: x\r\nTo: \"<sip:b@x>\r\nContent-Length: 0\r\n\r\n"},
	{"head that is cut off", CW_STR(LINE VIA FROM "To: <sip:b"),
		"SIP/2.0 400 Bad\r\n" VIA FROM "Content-Length: 0\r\n\r\n"},
	{"no via", CW_STR(LINE FROM TO "\r\n"), NULL},
	{"ack", CW_STR("ACK sip:b@x SIP/2.0\r\n" VIA FROM "\r\n"), NULL},
	{"benotify", CW_STR("BENOTIFY sip:b@x SIP/2.0\r\n" VIA FROM "\r\n"), NULL},
	{"response", CW_STR("SIP/2.0 200 OK\r\n" VIA FROM "\r\n"), NULL},
	{"nothing", CW_STR(""), NULL},
	{"no line", CW_STR("INVITE"), NULL},
};

START_TEST(answers_what_cannot_be_parsed)
{
	static const struct cw_sip_reply reply = {
		.status = 400, .phrase = CW_STR("Bad"), .to_tag = CW_STR("t9")};
	const struct raw_case *c = &raw_cases[_i];
	struct cw_str head = heap_copy(c->head);
	struct cw_buf out;
	int r;

	cw_buf_init(&out, 0);
	r = cw_sip_reply_build_raw(&out, head, &reply);
	ck_assert_msg(r == (c->out ? 0 : -EINVAL), "%s: %d", c->name, r);
	ck_assert_msg(cw_str_eq(cw_buf_str(&out), cw_str_of(c->out)), "%s:\n%" CW_STR_FMT, c->name,
		CW_STR_ARG(cw_buf_str(&out)));
	cw_buf_finish(&out);
	heap_free(head);
}
END_TEST

#define SENT                                                                                       \
	"INVITE sip:bob@x SIP/2.0\r\nVia: SIP/2.0/TLS me;branch=z9hG4bKme\r\n" VIA                 \
	"Route: <sip:r1;lr>, <sip:r2>\r\nMax-Forwards: 5\r\nRoute: <sip:r3>\r\n" FROM TO ID CSEQ   \
	"Record-Route: <sip:me;lr>\r\n" END

START_TEST(follows_an_invite)
{
	static const char expected[] =
		"%s sip:bob@x SIP/2.0\r\nVia: SIP/2.0/TLS me;branch=z9hG4bKme\r\n"
		"Route: <sip:r1;lr>, <sip:r2>\r\nRoute: <sip:r3>\r\nMax-Forwards: 70\r\n" FROM
		"%s" ID "CSeq: 3 %s\r\nContent-Length: 0\r\n\r\n";
	struct cw_str sent = heap_copy(cw_str_of(SENT));
	struct cw_sip_message *response = parse(
		"SIP/2.0 486 Busy\r\n" VIA FROM "to: <sip:bob@uc.example>;tag=t7\r\n" ID CSEQ END);
	char text[1024];
	struct cw_buf out;

	cw_buf_init(&out, 0);
	ck_assert_int_eq(cw_sip_follow_up_build(&out, sent, NULL), 0);
	snprintf(text, sizeof(text), expected, "CANCEL", TO, "CANCEL");
	ck_assert_msg(cw_str_eq(cw_buf_str(&out), cw_str_of(text)), "%" CW_STR_FMT,
		CW_STR_ARG(cw_buf_str(&out)));
	cw_sip_message_destroy(parse(text));

	cw_buf_clear(&out);
	ck_assert_int_eq(cw_sip_follow_up_build(&out, sent, response), 0);
	snprintf(text, sizeof(text), expected, "ACK", "to: <sip:bob@uc.example>;tag=t7\r\n", "ACK");
	ck_assert_msg(cw_str_eq(cw_buf_str(&out), cw_str_of(text)), "%" CW_STR_FMT,
		CW_STR_ARG(cw_buf_str(&out)));
	cw_buf_finish(&out);
	cw_sip_message_destroy(response);
	heap_free(sent);
}
END_TEST

static const char *const no_invites[] = {
	"", "INVITE", "INVITE sip:b@x SIP/2.0\r\n\r\n", "MESSAGE sip:b@x SIP/2.0\r\n" VIA "\r\n"};

START_TEST(follows_nothing_else)
{
	struct cw_buf out;

	cw_buf_init(&out, 0);
	ck_assert_int_eq(cw_sip_follow_up_build(&out, cw_str_of(no_invites[_i]), NULL), -EINVAL);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sip_rewrite");
	TCase *tcase = tcase_create("rewrite");

	ADD_ROWS(tcase, edits_messages, edit_cases);
	tcase_add_test(tcase, limits_the_edits);
	tcase_add_test(tcase, copes_with_short_memory);
	ADD_ROWS(tcase, answers_requests, reply_cases);
	ADD_ROWS(tcase, answers_what_cannot_be_parsed, raw_cases);
	tcase_add_test(tcase, follows_an_invite);
	ADD_ROWS(tcase, follows_nothing_else, no_invites);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
