#include "sip/message.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define LINE   "MESSAGE sip:bob@uc.example SIP/2.0\r\n"
#define VIA    "Via: SIP/2.0/TLS edge.ms.example:5061;branch=z9hG4bK77a\r\n"
#define FROM   "From: \"Alice Example\"<sip:alice@ms.example>;tag=f1;epid=72f0d99ead\r\n"
#define TO     "To: <sip:bob@uc.example>;epid=61d55e0379\r\n"
#define ID     "Call-ID: 5a3f@edge.ms.example\r\n"
#define CSEQ   "CSeq: 1 MESSAGE\r\n"
#define MF     "Max-Forwards: 69\r\n"
#define REST   FROM TO ID CSEQ MF
#define END    "Content-Length: 0\r\n\r\n"
#define STATUS "SIP/2.0 200 OK\r\n"

static int parse(struct cw_sip_message **out, struct cw_str text, struct cw_sip_reject *reject)
{
	struct cw_str copy = heap_copy(text);
	int r = cw_sip_message_parse(out, copy, reject);

	heap_free(copy);
	return r;
}

static struct cw_sip_message *parse_valid(struct cw_str text)
{
	struct cw_sip_message *message = NULL;
	struct cw_sip_reject reject = {0};
	int r = parse(&message, text, &reject);

	ck_assert_msg(r == 0, "%d: %u %s", r, reject.status, reject.reason);
	ck_assert(cw_str_eq(message->bytes, text));
	return message;
}

/* What must pass, for a proxy stands between implementations and not above them. */
static const struct valid_case {
	const char *name;
	struct cw_str text;
} valid_cases[] = {
	{"plain", CW_STR(LINE VIA REST END)},
	{"no Max-Forwards (RFC 2543)", CW_STR(LINE VIA FROM TO ID CSEQ END)},
	{"via without branch", CW_STR(LINE "Via: SIP/2.0/TCP a.example\r\n" REST END)},
	{"transport in lower case", CW_STR(LINE "Via: SIP/2.0/tls a.example\r\n" REST END)},
	{"vias apart",
		CW_STR(LINE VIA REST "Via: SIP/2.0/TLS 192.0.2.57:37737;ms-received-port=37737;"
				     "ms-received-cid=3E8A00\r\n" END)},
	{"length between vias", CW_STR(LINE VIA "Content-Length:    0\r\n"
						"Via: SIP/2.0/TLS 192.0.2.57:1\r\n" REST "\r\n")},
	{"blanks in via",
		CW_STR(LINE "Via:SIP / 2.0\r\n /TLS   a.example : 5061 ; branch = z1 ,\r\n"
			    "\tSIP/2.0/TCP b.example;branch=\r\n z2\r\n" REST END)},
	{"names in lower case",
		CW_STR(LINE "via: SIP/2.0/TLS a.example\r\nfrom: <sip:a@x>;tag=1\r\n"
			    "to: <sip:b@x>\r\ncall-id: 1\r\ncseq: 1 MESSAGE\r\n"
			    "subscription-state: active\r\n"
			    "history-info: <sip:b@x>;index=1\r\n" END)},
	{"compact names",
		CW_STR(LINE "v: SIP/2.0/TLS a.example\r\nf: <sip:a@x>;tag=1\r\nt: <sip:b@x>\r\n"
			    "i: 1\r\nCSeq: 1 MESSAGE\r\nl: 0\r\n\r\n")},
	{"several Supported",
		CW_STR(LINE VIA REST "Supported: ms-delayed-accept\r\nSupported: timer\r\n" END)},
	{"utf-8 in names and subject",
		CW_STR(LINE VIA
			"From: \"\xd0\xad\xd0\xbb\xd0\xb8\xd1\x81\"<sip:a@x>;tag=1\r\n" TO ID CSEQ
			"Subject: \xd0\x9f\xd1\x80\xd0\xbe\r\n" END)},
	{"epid before the tag", CW_STR(LINE VIA FROM "To: <sip:b@x>;epid=1;tag=2\r\n" ID CSEQ END)},
	{"empty values of parameters",
		CW_STR(LINE VIA
			"From: <sip:a@x>;tag=1;epid=\r\nTo: <sip:b@x>;epid=;tag=2\r\n" ID CSEQ
			"Contact: <sip:a@x>;proxy=\r\nContent-Type: text/plain;msgr=\r\n" END)},
	{"gruu", CW_STR(LINE VIA REST "Contact: "
				      "<sip:alice@ms.example;opaque=user:epid:7MTo8m-"
				      "qgpMkmwiSHR7kezAA;gruu>\r\n" END)},
	{"signed Record-Route",
		CW_STR(LINE VIA REST
			"Record-Route: "
			"<sip:fe04.ms.example:5061;transport=tls;opaque=state:T:F:Ci.R3;lr;"
			"ms-route-sig=sh8GNUgDHf3a7hi99EpbYeDFef-ShjxC4-1Ns-umFrdAA>;ms-rrsig="
			"mKxC5_"
			"OhpETTdOBtG;tag=58E2791934\r\n" END)},
	{"contacts", CW_STR(LINE VIA REST
			     "Contact: \"A, B\" <sip:a@x;p=1?h=v>;q=0.5 , sip:b@x;expires=1\r\n"
			     "Contact: *\r\nm: <mailto:a@x>\r\n" END)},
	{"their headers",
		CW_STR(LINE VIA REST
			"Authentication-Info: NTLM qop=\"auth\", opaque=\"65C7\", srand=\"043\", "
			"version=4\r\nms-text-format: text/plain; charset=UTF-8; "
			"ms-body=aGVsbG8=\r\n"
			"EndPoints: <sip:a@x>, <sip:b@x>\r\nms-keep-alive: "
			"UAC;hop-hop=yes\r\n" END)},
	{"header nobody knows", CW_STR(LINE VIA REST "X-Odd: ;;,,;;,;\"<\r\nEmpty:\r\n" END)},
	{"method nobody knows",
		CW_STR("SERVICE sip:b@x SIP/2.0\r\n" VIA FROM TO ID "CSeq: 1 SERVICE\r\n" END)},
	{"quoted-pairs",
		CW_STR(LINE VIA
			"From: \"a\\\"b \\\a \\\0 \\\x7f\"<sip:a@x>;tag=1\r\n" TO ID CSEQ END)},
	{"a quote in a Call-ID", CW_STR(LINE VIA FROM TO "Call-ID: a\"b@[x]\r\n" CSEQ END)},
	{"address without brackets",
		CW_STR(LINE VIA "From: sip:a@x;tag=1\r\nTo: sip:b@x\r\n" ID CSEQ END)},
	{"other schemes of parties",
		CW_STR(LINE VIA
			"From: <tel:+1234;phone-context=x>;tag=1\r\nTo: urn:service:sos\r\n" ID CSEQ
				END)},
	{"user with a parameter and an @ in it",
		CW_STR("MESSAGE sip:user;par=u%40x@uc.example;lr SIP/2.0\r\n" VIA REST END)},
	{"ipv6", CW_STR("MESSAGE sip:[2001:db8::10]:5070 SIP/2.0\r\n"
			"Via: SIP/2.0/TLS [2001:db8::9:1]:5061;received=2001:db8::9:255\r\n" REST
				 END)},
	{"cseq at its limit", CW_STR(LINE VIA FROM TO ID "CSeq: 2147483647 MESSAGE\r\n" END)},
	{"version in lower case", CW_STR("MESSAGE sip:b@x sip/2.0\r\n" VIA REST END)},
	{"im scheme", CW_STR("MESSAGE im:b@x SIP/2.0\r\n" VIA REST END)},
	{"response", CW_STR(STATUS VIA REST END)},
	{"response without a phrase", CW_STR("SIP/2.0 100 \r\n" VIA REST END)},
	{"phrase in utf-8", CW_STR("SIP/2.0 404 = 2**3 \xd0\xbd\xd0\xbe\r\n" VIA REST END)},
	{"response with a header that Sofia would refuse",
		CW_STR(STATUS VIA REST "Date: yesterday\r\nContact: <<\r\n" END)},
};

START_TEST(accepts_what_is_valid)
{
	struct cw_sip_message *message = parse_valid(valid_cases[_i].text);

	ck_assert_uint_gt(message->n_vias, 0);
	cw_sip_message_destroy(message);
}
END_TEST

/* What is refused, and what the answer says. Status 0: it is dropped. */
static const struct refused_case {
	const char *name;
	struct cw_str text;
	unsigned status;
	const char *reason;
} refused_cases[] = {
	{"blank in the request uri", CW_STR("MESSAGE sip:b@x; lr SIP/2.0\r\n" VIA REST END), 400,
		"Blanks in the request line"},
	{"two blanks", CW_STR("MESSAGE  sip:b@x SIP/2.0\r\n" VIA REST END), 400,
		"Blanks in the request line"},
	{"blank at the end", CW_STR("MESSAGE sip:b@x SIP/2.0 \r\n" VIA REST END), 400,
		"Malformed request line"},
	{"no request uri", CW_STR("MESSAGE SIP/2.0\r\n" VIA REST END), 400,
		"Malformed request line"},
	{"angle brackets", CW_STR("MESSAGE <sip:b@x> SIP/2.0\r\n" VIA REST END), 400,
		"Request-URI in angle brackets"},
	{"headers in the request uri",
		CW_STR("MESSAGE sip:b@x?Route=%3Csip:y%3E SIP/2.0\r\n" VIA REST END), 400,
		"Headers in the Request-URI"},
	{"encoded nul", CW_STR("MESSAGE sip:b%00@x SIP/2.0\r\n" VIA REST END), 400,
		"Control character in the Request-URI"},
	{"encoded cr", CW_STR("MESSAGE sip:b@x;p=%0D SIP/2.0\r\n" VIA REST END), 400,
		"Control character in the Request-URI"},
	{"broken encoding", CW_STR("MESSAGE sip:b%4@x SIP/2.0\r\n" VIA REST END), 400,
		"Malformed Request-URI"},
	{"two at signs", CW_STR("MESSAGE sip:b@x@y SIP/2.0\r\n" VIA REST END), 400,
		"Malformed Request-URI"},
	{"empty user", CW_STR("MESSAGE sip:@x SIP/2.0\r\n" VIA REST END), 400,
		"Malformed Request-URI"},
	{"no host", CW_STR("MESSAGE sip: SIP/2.0\r\n" VIA REST END), 400, "Malformed Request-URI"},
	{"port 0", CW_STR("MESSAGE sip:x:0 SIP/2.0\r\n" VIA REST END), 400,
		"Malformed Request-URI"},
	{"port of nothing", CW_STR("MESSAGE sip:x: SIP/2.0\r\n" VIA REST END), 400,
		"Malformed Request-URI"},
	{"port 0", CW_STR("MESSAGE sip:x:00 SIP/2.0\r\n" VIA REST END), 400,
		"Malformed Request-URI"},
	{"port that no machine holds",
		CW_STR("MESSAGE sip:x:18446744073709556677 SIP/2.0\r\n" VIA REST END), 400,
		"Malformed Request-URI"},
	{"port too large", CW_STR("MESSAGE sip:x:65536 SIP/2.0\r\n" VIA REST END), 400,
		"Malformed Request-URI"},
	{"ipv6 without brackets", CW_STR("MESSAGE sip:2001:db8::10 SIP/2.0\r\n" VIA REST END), 400,
		"Malformed Request-URI"},
	{"ipv6 with three colons", CW_STR("MESSAGE sip:[2001:db8:::1] SIP/2.0\r\n" VIA REST END),
		400, "Malformed Request-URI"},
	{"utf-8 in a uri", CW_STR("MESSAGE sip:\xd0\xbd@x SIP/2.0\r\n" VIA REST END), 400,
		"Malformed Request-URI"},
	{"no scheme", CW_STR("MESSAGE bob SIP/2.0\r\n" VIA REST END), 400, "Malformed Request-URI"},
	{"unknown scheme", CW_STR("MESSAGE soap.beep://192.0.2.103:3002 SIP/2.0\r\n" VIA REST END),
		416, "Unsupported URI Scheme"},
	{"malformed method", CW_STR("MESS(AGE sip:b@x SIP/2.0\r\n" VIA REST END), 400,
		"Malformed method"},
	{"version 7", CW_STR("MESSAGE sip:b@x SIP/7.0\r\n" VIA REST END), 505,
		"Version Not Supported"},
	{"no version", CW_STR("MESSAGE sip:b@x HTTP/1.1\r\n" VIA REST END), 400,
		"Malformed request line"},
	{"folded start line", CW_STR(LINE " x\r\n" VIA REST END), 400, "Folded start line"},
	{"missing via", CW_STR(LINE REST END), 400, "Missing Via header"},
	{"missing from", CW_STR(LINE VIA TO ID CSEQ END), 400, "Missing From header"},
	{"missing to", CW_STR(LINE VIA FROM ID CSEQ END), 400, "Missing To header"},
	{"missing call-id", CW_STR(LINE VIA FROM TO CSEQ END), 400, "Missing Call-ID header"},
	{"missing cseq", CW_STR(LINE VIA FROM TO ID END), 400, "Missing CSeq header"},
	{"two from", CW_STR(LINE VIA REST FROM END), 400, "More than one From header"},
	{"two to, one compact", CW_STR(LINE VIA REST "t: <sip:b@x>\r\n" END), 400,
		"More than one To header"},
	{"two call-id", CW_STR(LINE VIA REST "i: 1\r\n" END), 400, "More than one Call-ID header"},
	{"two cseq", CW_STR(LINE VIA REST CSEQ END), 400, "More than one CSeq header"},
	{"two max-forwards", CW_STR(LINE VIA REST MF END), 400,
		"More than one Max-Forwards header"},
	{"two expires", CW_STR(LINE VIA REST "Expires: 1\r\nExpires: 2\r\n" END), 400,
		"More than one Expires header"},
	{"cseq of another method", CW_STR(LINE VIA FROM TO ID "CSeq: 1 INVITE\r\n" END), 400,
		"CSeq method does not match the request"},
	{"cseq in another case", CW_STR(LINE VIA FROM TO ID "CSeq: 1 message\r\n" END), 400,
		"CSeq method does not match the request"},
	{"cseq too large", CW_STR(LINE VIA FROM TO ID "CSeq: 2147483648 MESSAGE\r\n" END), 400,
		"CSeq number out of range"},
	{"cseq no number", CW_STR(LINE VIA FROM TO ID "CSeq: -1 MESSAGE\r\n" END), 400,
		"Malformed CSeq header"},
	{"cseq without method", CW_STR(LINE VIA FROM TO ID "CSeq: 1\r\n" END), 400,
		"Malformed CSeq header"},
	{"max-forwards too large", CW_STR(LINE VIA FROM TO ID CSEQ "Max-Forwards: 256\r\n" END),
		400, "Malformed Max-Forwards header"},
	{"max-forwards no number", CW_STR(LINE VIA FROM TO ID CSEQ "Max-Forwards: 7x\r\n" END), 400,
		"Malformed Max-Forwards header"},
	{"body longer than its length", CW_STR(LINE VIA REST END "x"), 400,
		"Content-Length does not match the body"},
	{"body shorter than its length", CW_STR(LINE VIA REST "l: 2\r\n\r\nx"), 400,
		"Content-Length does not match the body"},
	{"length that is no number", CW_STR(LINE VIA REST "l: -1\r\n\r\nx"), 400,
		"Content-Length does not match the body"},
	{"blank in a call-id", CW_STR(LINE VIA FROM TO "Call-ID: a b\r\n" CSEQ END), 400,
		"Malformed Call-ID header"},
	{"two at signs in a call-id", CW_STR(LINE VIA FROM TO "Call-ID: a@b@c\r\n" CSEQ END), 400,
		"Malformed Call-ID header"},
	{"empty call-id", CW_STR(LINE VIA FROM TO "Call-ID:\r\n" CSEQ END), 400,
		"Malformed Call-ID header"},
	{"unclosed quote", CW_STR(LINE VIA FROM "To: \"Bob <sip:bob@x>\r\n" ID CSEQ END), 400,
		"Malformed To header"},
	{"blank in a uri", CW_STR(LINE VIA FROM "To: \"Bob\" < sip:bob@x >\r\n" ID CSEQ END), 400,
		"Malformed To header"},
	{"comma in a name", CW_STR(LINE VIA "From: Bell, Alice <sip:a@x>;tag=1\r\n" TO ID CSEQ END),
		400, "Malformed From header"},
	{"utf-8 in a name without quotes",
		CW_STR(LINE VIA "From: \xd0\xad <sip:a@x>;tag=1\r\n" TO ID CSEQ END), 400,
		"Malformed From header"},
	{"text behind the brackets", CW_STR(LINE VIA "From: <sip:a@x> tag=1\r\n" TO ID CSEQ END),
		400, "Malformed From header"},
	{"empty parameter", CW_STR(LINE VIA "From: <sip:a@x>;;tag=1\r\n" TO ID CSEQ END), 400,
		"Malformed From header"},
	{"two tags", CW_STR(LINE VIA "From: <sip:a@x>;tag=1;TAG=2\r\n" TO ID CSEQ END), 400,
		"Malformed tag in From header"},
	{"empty tag", CW_STR(LINE VIA FROM "To: <sip:a@x>;tag=\r\n" ID CSEQ END), 400,
		"Malformed tag in To header"},
	{"quoted tag", CW_STR(LINE VIA FROM "To: <sip:a@x>;tag=\"1\"\r\n" ID CSEQ END), 400,
		"Malformed tag in To header"},
	{"headers of an address without brackets",
		CW_STR(LINE VIA REST "Contact: sip:a@x?Route=%3Csip:y%3E\r\n" END), 400,
		"Malformed Contact header"},
	{"blank in a contact", CW_STR(LINE VIA REST "Contact: <sip:a b@x>\r\n" END), 400,
		"Malformed Contact header"},
	{"two at signs in a contact", CW_STR(LINE VIA REST "Contact: <sip:a@x@y>\r\n" END), 400,
		"Malformed Contact header"},
	{"word between contacts", CW_STR(LINE VIA REST "Contact: Bell, A <sip:a@x>\r\n" END), 400,
		"Malformed Contact header"},
	{"empty contact", CW_STR(LINE VIA REST "Contact: <sip:a@x>,\r\n" END), 400,
		"Malformed Contact header"},
	{"star among contacts", CW_STR(LINE VIA REST "Contact: <sip:a@x>, *\r\n" END), 400,
		"Malformed Contact header"},
	{"blank in a refer-to", CW_STR(LINE VIA REST "r: <sip:a b@x>\r\n" END), 400,
		"Malformed r header"},
	{"control byte outside of quotes", CW_STR(LINE VIA REST "Subject: \\\a\r\n" END), 400,
		"Control character in Subject header"},
	{"empty via value", CW_STR(LINE "Via: SIP/2.0/TLS a.example,\r\n" REST END), 400,
		"Malformed Via header"},
	{"via without transport", CW_STR(LINE "Via: SIP/2.0 a.example\r\n" REST END), 400,
		"Malformed Via header"},
	{"via with two branches", CW_STR(LINE "Via: SIP/2.0/TLS a;branch=1;branch=2\r\n" REST END),
		400, "Malformed Via header"},
	{"via with nothing in its branch",
		CW_STR(LINE "Via: SIP/2.0/TLS a;branch=z9hG4bK\r\n" REST END), 400,
		"Empty branch in the topmost Via"},
	{"route without brackets", CW_STR(LINE VIA REST "Route: sip:a@x;lr\r\n" END), 400,
		"Malformed Route header"},
	{"empty route", CW_STR(LINE VIA REST "Route: <sip:a;lr>,,<sip:b;lr>\r\n" END), 400,
		"Malformed Route header"},
	{"unclosed record-route", CW_STR(LINE VIA REST "Record-Route: <sip:a;lr\r\n" END), 400,
		"Malformed Record-Route header"},
	{"two user agents", CW_STR(LINE VIA REST "User-Agent: a\r\nUser-Agent: b\r\n" END), 400,
		"More than one User-Agent header"},
	{"wrong date", CW_STR(LINE VIA REST "Date: Fri, 01 Jan 2010 16:00:00 EST\r\n" END), 400,
		"Malformed Date header"},
	{"wrong expires", CW_STR(LINE VIA REST "Expires: soon\r\n" END), 400,
		"Malformed Expires header"},
	{"wrong content-type", CW_STR(LINE VIA REST "Content-Type: text\r\n" END), 400,
		"Malformed Content-Type header"},
	{"line without colon", CW_STR(LINE VIA REST "Subject\r\n" END), 400,
		"Malformed header line 7"},
	{"line without name", CW_STR(LINE VIA REST ": x\r\n" END), 400, "Malformed header line 7"},
	{"blank in a name", CW_STR(LINE VIA REST "Sub ject: x\r\n" END), 400,
		"Malformed header line 7"},
	{"no empty line", CW_STR(LINE VIA REST), 400, "Headers without end"},
	{"start line alone", CW_STR(LINE), 400, "Headers without end"},
	{"half a start line", CW_STR("MESS"), 400, "Malformed start line"},
	{"nothing", CW_STR(""), 400, "Malformed start line"},
	{"ack", CW_STR("ACK sip:b@x SIP/2.0\r\n" VIA TO ID END), 0, "Missing CSeq header"},
	{"benotify", CW_STR("BENOTIFY sip:b@x SIP/7.0\r\n" VIA TO ID END), 0,
		"Version Not Supported"},
	{"status too long", CW_STR("SIP/2.0 4294967301 x\r\n" VIA REST END), 0,
		"Malformed status line"},
	{"status 99", CW_STR("SIP/2.0 099 x\r\n" VIA REST END), 0, "Malformed status line"},
	{"status 700", CW_STR("SIP/2.0 700 x\r\n" VIA REST END), 0, "Malformed status line"},
	{"response without via", CW_STR(STATUS REST END), 0, "Missing Via header"},
	{"response with a broken via", CW_STR(STATUS "Via: x\r\n" REST END), 0,
		"Malformed Via header"},
	{"response of another version", CW_STR("SIP/3.0 200 OK\r\n" VIA REST END), 0,
		"Version Not Supported"},
};

START_TEST(refuses_what_is_not)
{
	const struct refused_case *c = &refused_cases[_i];
	struct cw_sip_message *message = NULL;
	struct cw_sip_reject reject = {0};
	int r = parse(&message, c->text, &reject);

	ck_assert_msg(r == (c->status ? CW_SIP_E_REJECT : CW_SIP_E_DROP), "%s: %d", c->name, r);
	ck_assert_ptr_null(message);
	if (c->status)
		ck_assert_msg(reject.status == c->status, "%s: %u", c->name, reject.status);
	ck_assert_msg(strcmp(reject.reason, c->reason) == 0, "%s: %s", c->name, reject.reason);
}
END_TEST

static void assert_str(struct cw_str s, const char *expected)
{
	ck_assert_msg(cw_str_eq(s, cw_str_of(expected)), "%" CW_STR_FMT " for %s", CW_STR_ARG(s),
		expected);
}

START_TEST(finds_the_fields_of_a_request)
{
	static const struct cw_str text = CW_STR(
		"INVITE sips:bob:pw@uc.example:5061;transport=tls;lr SIP/2.0\r\n" VIA FROM
		"To: sip:bob@uc.example;epid=1;tag=t2\r\n" ID "CSeq: 0009\r\n  INVITE\r\n" MF
		"Content-Type: text/plain; charset=UTF-8\r\no: presence ;id=1\r\nl: 2\r\n\r\nhi");
	struct cw_sip_message *m = parse_valid(text);
	struct cw_str value;

	ck_assert(m->is_request);
	ck_assert_int_eq((int)m->method, CW_SIP_INVITE);
	assert_str(m->method_name, "INVITE");
	assert_str(m->start_line, "INVITE sips:bob:pw@uc.example:5061;transport=tls;lr SIP/2.0");
	assert_str(m->request_uri.text, "sips:bob:pw@uc.example:5061;transport=tls;lr");
	assert_str(m->request_uri.scheme, "sips");
	assert_str(m->request_uri.user, "bob");
	assert_str(m->request_uri.host, "uc.example");
	ck_assert_uint_eq(m->request_uri.port, 5061);
	assert_str(m->request_uri.params, "transport=tls;lr");
	ck_assert(cw_sip_param(m->request_uri.params, "LR", &value) && value.len == 0);
	ck_assert(cw_sip_param(m->request_uri.params, "Transport", &value));
	assert_str(value, "tls");
	ck_assert(!cw_sip_param(m->request_uri.params, "trans", &value));
	assert_str(m->from.text, "sip:alice@ms.example");
	assert_str(m->from_tag, "f1");
	assert_str(m->to.text, "sip:bob@uc.example");
	assert_str(m->to_tag, "t2");
	assert_str(m->call_id, "5a3f@edge.ms.example");
	ck_assert_uint_eq(m->cseq, 9);
	ck_assert_int_eq(m->max_forwards, 69);
	assert_str(m->content_type, "text/plain; charset=UTF-8");
	assert_str(m->event, "presence");
	assert_str(m->body, "hi");
	ck_assert_uint_eq(m->n_lines, 9);
	ck_assert_ptr_null(cw_sip_message_find(m, CW_HDR_ROUTE));
	assert_str(cw_sip_message_find(m, CW_HDR_EVENT)->name, "o");
	assert_str(cw_sip_message_find(m, CW_HDR_MAX_FORWARDS)->whole, MF);
	cw_sip_message_destroy(m);
}
END_TEST

START_TEST(finds_the_fields_of_a_response)
{
	struct cw_sip_message *m = parse_valid((struct cw_str)CW_STR(
		"SIP/2.0 486 Busy \"Here\"\r\n" VIA FROM TO ID "CSeq: 3 SERVICE\r\n" END));

	ck_assert(!m->is_request);
	ck_assert_uint_eq(m->status, 486);
	assert_str(m->phrase, "Busy \"Here\"");
	ck_assert_int_eq((int)m->method, CW_SIP_OTHER);
	assert_str(m->method_name, "SERVICE");
	ck_assert_int_eq(m->max_forwards, -1);
	cw_sip_message_destroy(m);
}
END_TEST

START_TEST(indexes_lists_over_lines)
{
	static const struct cw_str text = CW_STR(
		LINE "v: SIP/2.0/TLS [2001:db8::1]:5061;branch=z1;received=192.0.2.1;rport , "
		     "SIP/2.0/tcp b\r\n"
		     "Route: \"a,b\" <sip:r1;lr;x=%2c>;p=\"c,\\\"d\", <sip:u,v@r2:5062>\r\n" REST
		     "Record-Route: <sip:rr1;lr>\r\nVia: SIP/2.0/TLS c:9;branch=z3;rport=5\r\n"
		     "route:<sip:r3>\r\nRecord-Route:\r\n <sip:rr2;lr> ,<sip:rr3>;tag=7\r\n" END);
	struct cw_sip_message *m = parse_valid(text);

	ck_assert_uint_eq(m->n_vias, 3);
	assert_str(m->vias[0].text,
		"SIP/2.0/TLS [2001:db8::1]:5061;branch=z1;received=192.0.2.1;rport");
	assert_str(m->vias[0].transport, "TLS");
	assert_str(m->vias[0].host, "[2001:db8::1]");
	ck_assert_uint_eq(m->vias[0].port, 5061);
	assert_str(m->vias[0].branch, "z1");
	assert_str(m->vias[0].received, "192.0.2.1");
	ck_assert(m->vias[0].has_rport);
	assert_str(m->vias[1].text, "SIP/2.0/tcp b");
	assert_str(m->vias[1].transport, "tcp");
	ck_assert_uint_eq(m->vias[1].port, 0);
	ck_assert_uint_eq(m->vias[1].branch.len, 0);
	ck_assert(!m->vias[1].has_rport);
	ck_assert_uint_eq(m->vias[1].line, m->vias[0].line);
	assert_str(m->vias[2].host, "c");
	ck_assert(m->vias[2].has_rport && m->vias[2].line > m->vias[1].line);

	ck_assert_uint_eq(m->n_routes, 3);
	assert_str(m->routes[0].text, "\"a,b\" <sip:r1;lr;x=%2c>;p=\"c,\\\"d\"");
	assert_str(m->routes[0].uri.text, "sip:r1;lr;x=%2c");
	assert_str(m->routes[1].text, "<sip:u,v@r2:5062>");
	assert_str(m->routes[1].uri.host, "r2");
	ck_assert_uint_eq(m->routes[1].uri.port, 5062);
	assert_str(m->routes[2].uri.host, "r3");
	ck_assert(m->routes[1].line == m->routes[0].line && m->routes[2].line > m->routes[1].line);

	ck_assert_uint_eq(m->n_record_routes, 3);
	assert_str(m->record_routes[0].uri.host, "rr1");
	assert_str(m->record_routes[1].text, "<sip:rr2;lr>");
	assert_str(m->record_routes[2].text, "<sip:rr3>;tag=7");
	cw_sip_message_destroy(m);
}
END_TEST

/* A message with `n` times `unit` among its headers. */
static struct cw_str repeat(const char *head, const char *unit, size_t n)
{
	size_t len = strlen(head);
	char *p = malloc(len + n * strlen(unit) + sizeof(REST END));

	ck_assert_ptr_nonnull(p);
	memcpy(p, head, len);
	for (size_t i = 0; i < n; i++) {
		memcpy(p + len, unit, strlen(unit));
		len += strlen(unit);
	}
	memcpy(p + len, REST END, sizeof(REST END) - 1);
	return cw_str_make(p, len + sizeof(REST END) - 1);
}

static const struct limit_case {
	const char *name, *head, *unit;
	size_t fits; /* times */
	const char *reason;
} limit_cases[] = {
	{"header lines", LINE VIA, "Y: y\r\n", CW_SIP_HEADER_LINES_MAX - 7,
		"More than 200 header lines"},
	{"via lines", LINE, "Via: SIP/2.0/TLS a\r\n", CW_SIP_LIST_MAX, "More than 128 Via values"},
	{"vias in one line", LINE "Via: SIP/2.0/TLS a", ",SIP/2.0/TLS b", CW_SIP_LIST_MAX - 1,
		"More than 128 Via values"},
	{"routes", LINE VIA, "Route: <sip:a>\r\n", CW_SIP_LIST_MAX, "More than 128 Route values"},
	{"record-routes", LINE VIA, "Record-Route: <sip:a>\r\n", CW_SIP_LIST_MAX,
		"More than 128 Record-Route values"},
	{"commas", LINE VIA "Supported: a", ",b", 256, "Too many values in Supported header"},
	{"semicolons", LINE VIA "Contact: <sip:a@x>", ";b", 512,
		"Too many values in Contact header"},
};

START_TEST(limits_what_a_message_holds)
{
	const struct limit_case *c = &limit_cases[_i];
	size_t last = strlen(c->unit) - 1;

	for (size_t more = 0; more <= 1; more++) {
		/* One unit of an unfinished line ends it. */
		struct cw_str text = repeat(c->head, c->unit, c->fits + more);
		struct cw_sip_message *m = NULL;
		struct cw_sip_reject reject = {0};
		int r;

		if (c->unit[last] != '\n') {
			char *p = malloc(text.len + 2);
			size_t rest = sizeof(REST END) - 1;

			ck_assert_ptr_nonnull(p);
			memcpy(p, text.p, text.len - rest);
			memcpy(p + text.len - rest, "\r\n" REST END, rest + 2);
			heap_free(text);
			text = cw_str_make(p, text.len + 2);
		}
		r = cw_sip_message_parse(&m, text, &reject);
		ck_assert_msg(
			r == (more ? CW_SIP_E_REJECT : 0), "%s: %d %s", c->name, r, reject.reason);
		if (more)
			ck_assert_str_eq(reject.reason, c->reason);
		cw_sip_message_destroy(m);
		heap_free(text);
	}
}
END_TEST

/* A hundred headers of a few bytes each: what is held of them is the index. */
START_TEST(counts_the_memory_of_its_index)
{
	struct cw_sip_message *m;
	struct cw_buf text;

	cw_buf_init(&text, 0);
	cw_buf_add(&text, cw_str_of(LINE VIA));
	for (int i = 0; i < 100; i++)
		cw_buf_add(&text, cw_str_of("v:SIP/2.0/TLS a\r\n"));
	cw_buf_add(&text, cw_str_of(REST END));
	ck_assert_int_eq(text.error, 0);
	m = parse_valid(cw_buf_str(&text));
	ck_assert_uint_ge(m->memory, m->bytes.len + m->n_lines * sizeof(struct cw_sip_line) +
					     m->n_vias * sizeof(struct cw_sip_via));
	ck_assert_uint_gt(m->memory, 8 * m->bytes.len);
	cw_sip_message_destroy(m);
	cw_buf_finish(&text);
}
END_TEST

START_TEST(clips_a_long_name_in_the_reason)
{
	char text[1024];
	struct cw_sip_message *m = NULL;
	struct cw_sip_reject reject;
	int len = snprintf(
		text, sizeof(text), "%s%s%0200d: \"\\\a\" \\\a\r\n%s", LINE VIA, REST, 0, END);

	ck_assert_int_eq(parse(&m, cw_str_make(text, (size_t)len), &reject), CW_SIP_E_REJECT);
	ck_assert_uint_lt(strlen(reject.reason), 100);
}
END_TEST

START_TEST(takes_a_name_longer_than_sofia_can_hold)
{
	static const struct cw_str begin = CW_STR(LINE VIA), end = CW_STR(": x\r\n" REST END);
	size_t name_len = 40000;
	char *p = malloc(begin.len + name_len + end.len);

	ck_assert_ptr_nonnull(p);
	memcpy(p, begin.p, begin.len);
	memset(p + begin.len, 'a', name_len);
	memcpy(p + begin.len + name_len, end.p, end.len);
	cw_sip_message_destroy(parse_valid(cw_str_make(p, begin.len + name_len + end.len)));
	free(p);
}
END_TEST

START_TEST(names_headers_and_methods)
{
	static const struct {
		char name;
		enum cw_sip_header_id id;
	} compact[] = {
		{'c', CW_HDR_CONTENT_TYPE},
		{'F', CW_HDR_FROM},
		{'i', CW_HDR_CALL_ID},
		{'L', CW_HDR_CONTENT_LENGTH},
		{'m', CW_HDR_CONTACT},
		{'o', CW_HDR_EVENT},
		{'t', CW_HDR_TO},
		{'V', CW_HDR_VIA},
	};
	static const char *const methods[CW_SIP_OTHER] = {
		[CW_SIP_INVITE] = "INVITE",
		[CW_SIP_ACK] = "ACK",
		[CW_SIP_CANCEL] = "CANCEL",
		[CW_SIP_BYE] = "BYE",
		[CW_SIP_MESSAGE] = "MESSAGE",
		[CW_SIP_INFO] = "INFO",
		[CW_SIP_SUBSCRIBE] = "SUBSCRIBE",
		[CW_SIP_NOTIFY] = "NOTIFY",
		[CW_SIP_BENOTIFY] = "BENOTIFY",
		[CW_SIP_PUBLISH] = "PUBLISH",
		[CW_SIP_OPTIONS] = "OPTIONS",
		[CW_SIP_REGISTER] = "REGISTER",
		[CW_SIP_NEGOTIATE] = "NEGOTIATE",
	};

	for (int id = CW_HDR_OTHER + 1; id < CW_HDR_COUNT; id++) {
		const char *name = cw_sip_header_name((enum cw_sip_header_id)id);

		ck_assert_int_eq((int)cw_sip_header_id(cw_str_of(name)), id);
	}
	for (int method = 0; method < CW_SIP_OTHER; method++)
		ck_assert_int_eq((int)cw_sip_method_find(cw_str_of(methods[method])), method);
	for (size_t i = 0; i < N_ELEMENTS(compact); i++)
		ck_assert_int_eq((int)cw_sip_header_id(cw_str_make(&compact[i].name, 1)),
			(int)compact[i].id);
	ck_assert_int_eq((int)cw_sip_header_id(cw_str_of("cONTENT-lENGTH")), CW_HDR_CONTENT_LENGTH);
	ck_assert_int_eq((int)cw_sip_header_id(cw_str_of("Content-Lengths")), CW_HDR_OTHER);
	ck_assert_int_eq((int)cw_sip_header_id(cw_str_of("zzz")), CW_HDR_OTHER);
	ck_assert_int_eq((int)cw_sip_header_id(cw_str_of("[")), CW_HDR_OTHER);
	ck_assert_int_eq((int)cw_sip_header_id(cw_str_of("x")), CW_HDR_OTHER);
	ck_assert_int_eq((int)cw_sip_header_id(cw_str_make("", 1)), CW_HDR_OTHER);
	ck_assert_int_eq((int)cw_sip_header_id(cw_str_of("")), CW_HDR_OTHER);
	ck_assert_int_eq((int)cw_sip_method_find(cw_str_of("invite")), CW_SIP_OTHER);
	ck_assert_int_eq((int)cw_sip_method_find(cw_str_of("UPDATE")), CW_SIP_OTHER);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	static const struct cw_str text = CW_STR(LINE VIA REST END);
	struct cw_str with_long_value = repeat(LINE VIA "Supported: ", "timer,          ", 100);
	char *end =
		(char *)(uintptr_t)with_long_value.p + with_long_value.len - sizeof(REST END) - 1;
	struct cw_sip_message *m = NULL;
	struct cw_sip_reject reject;
	int r = 0;

	memcpy(end, "\r\n", 2);
	for (unsigned n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_sip_message_parse(&m, text, &reject);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(m);
	}
	ck_assert_int_eq(r, 0);
	cw_sip_message_destroy(m);
	m = NULL;
	for (unsigned n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_sip_message_parse(&m, with_long_value, &reject);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(m);
		ck_assert_uint_lt(n, 10);
	}
	ck_assert_int_eq(r, 0);
	cw_sip_message_destroy(m);
	cw_sip_message_destroy(NULL);
	heap_free(with_long_value);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sip_message");
	TCase *tcase = tcase_create("message");

	ADD_ROWS(tcase, accepts_what_is_valid, valid_cases);
	ADD_ROWS(tcase, refuses_what_is_not, refused_cases);
	tcase_add_test(tcase, finds_the_fields_of_a_request);
	tcase_add_test(tcase, finds_the_fields_of_a_response);
	tcase_add_test(tcase, indexes_lists_over_lines);
	ADD_ROWS(tcase, limits_what_a_message_holds, limit_cases);
	tcase_add_test(tcase, counts_the_memory_of_its_index);
	tcase_add_test(tcase, clips_a_long_name_in_the_reason);
	tcase_add_test(tcase, takes_a_name_longer_than_sofia_can_hold);
	tcase_add_test(tcase, names_headers_and_methods);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
