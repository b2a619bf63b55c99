#include "sip/variant.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define TAG   ";tag=t2"
#define SDP   "Content-Type: application/sdp\r\n"
#define IM    "m=message 5060 sip null\r\n"
#define AUDIO "m=audio 49170 RTP/AVP 0\r\n"
#define MIXED "Content-Type: multipart/mixed;boundary=\"b1\"\r\n"

static const struct variant_case {
	const char *name, *method, *uri, *to_params, *headers, *body;
	enum cw_variant variant;
} variant_cases[] = {
	{"message", "MESSAGE", "sip:bob@uc.example", "", "", "hi", CW_VARIANT_MS_IMP},
	{"benotify without event", "BENOTIFY", "sip:bob@uc.example", TAG, "", "",
		CW_VARIANT_MS_IMP},
	{"subscribe presence", "SUBSCRIBE", "sip:bob@uc.example", "", "Event: Presence;id=3\r\n",
		"", CW_VARIANT_MS_IMP},
	{"compact event", "SUBSCRIBE", "sip:bob@uc.example", "", "o: presence\r\n", "",
		CW_VARIANT_MS_IMP},
	{"pending watchers", "NOTIFY", "sip:bob@uc.example", TAG, "Event: presence.wpending\r\n",
		"", CW_VARIANT_MS_IMP},
	{"roaming contacts", "SUBSCRIBE", "sip:bob@uc.example", "",
		"Event: vnd-microsoft-roaming-contacts\r\n", "", CW_VARIANT_MS_IMP},
	{"publish presence", "PUBLISH", "sip:bob@uc.example", "", "Event: presence\r\n", "",
		CW_VARIANT_MS_IMP},
	{"other event in a dialog", "NOTIFY", "sip:bob@uc.example", TAG, "Event: refer\r\n", "",
		CW_VARIANT_ANY},
	{"other event", "SUBSCRIBE", "sip:bob@uc.example", "", "Event: dialog\r\n", "",
		CW_VARIANT_STANDARD},
	{"presence in the name only", "SUBSCRIBE", "sip:bob@uc.example", "",
		"Event: presence.winfo\r\n", "", CW_VARIANT_STANDARD},
	{"typing", "INFO", "sip:bob@uc.example", TAG, "Content-Type: application/xml\r\n",
		"<?xml version=\"1.0\"?><KeyboardActivity><status status=\"type\"/>"
		"</KeyboardActivity>",
		CW_VARIANT_MS_IMP},
	{"other xml", "INFO", "sip:bob@uc.example", TAG, "Content-Type: application/xml\r\n",
		"<media_control/>", CW_VARIANT_ANY},
	{"typing of another type", "INFO", "sip:bob@uc.example", TAG,
		"Content-Type: text/plain\r\n", "<KeyboardActivity>", CW_VARIANT_ANY},
	{"im session", "INVITE", "sip:bob@uc.example", "", SDP, "v=0\r\n" IM, CW_VARIANT_MS_IMP},
	{"im session with lf", "INVITE", "sip:bob@uc.example", "", SDP,
		"v=0\nm=message 5060 sip null", CW_VARIANT_MS_IMP},
	{"ocs 2005", "INVITE", "sip:bob@uc.example", "", SDP, "m=x-ms-message 5060 sip null\r\n",
		CW_VARIANT_MS_IMP},
	{"msrp", "INVITE", "sip:bob@uc.example", "", SDP, "m=message 2855 TCP/MSRP *\r\n",
		CW_VARIANT_STANDARD},
	{"msrp with a mark", "INVITE", "sip:bob@uc.example", "", "ms-subnet: 192.0.2.0\r\n" SDP,
		"m=message 2855 TCP/MSRP *\r\n", CW_VARIANT_MS_AV},
	{"audio", "INVITE", "sip:bob@uc.example", "", SDP, AUDIO, CW_VARIANT_STANDARD},
	{"audio with epid", "INVITE", "sip:bob@uc.example", ";epid=6a", SDP, AUDIO,
		CW_VARIANT_MS_AV},
	{"audio to a gruu", "INVITE", "sip:bob@uc.example;opaque=user:epid:X;gruu", "", SDP, AUDIO,
		CW_VARIANT_MS_AV},
	{"audio with a codec of theirs", "INVITE", "sip:bob@uc.example", "", SDP,
		AUDIO "a=rtpmap:114 x-msrta/16000\r\n", CW_VARIANT_MS_AV},
	{"im and audio", "INVITE", "sip:bob@uc.example", "", "User-Agent: UCCAPI/16.0\r\n" SDP,
		IM AUDIO, CW_VARIANT_MS_AV},
	{"im and audio in two parts", "INVITE", "sip:bob@uc.example", "",
		"User-Agent: x OC/16.0\r\n" MIXED,
		"--b1\r\n" SDP "\r\n" IM "--b1\r\nc: application/sdp\r\n\r\n" AUDIO "--b1--\r\n",
		CW_VARIANT_MS_AV},
	{"im in a part", "INVITE", "sip:bob@uc.example", "", MIXED,
		"preamble\r\n--b1\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b1\r\n" SDP "\r\n" IM
		"--b1--\r\n",
		CW_VARIANT_MS_IMP},
	{"im in a nested part", "INVITE", "sip:bob@uc.example", "", MIXED,
		"--b1\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\n" SDP
		"\r\n" IM "--b2--\r\n--b1--\r\n",
		CW_VARIANT_MS_IMP},
	{"nested too deep to look", "INVITE", "sip:bob@uc.example", "", MIXED,
		"--b1\r\nc: multipart/a;boundary=b2\r\n\r\n--b2\r\nc: multipart/a;boundary=b3\r\n"
		"\r\n--b3\r\nc: multipart/a;boundary=b4\r\n\r\n--b4\r\n" SDP "\r\n" IM,
		CW_VARIANT_STANDARD},
	{"multipart without boundary", "INVITE", "sip:bob@uc.example", "",
		"Content-Type: multipart/mixed\r\n", IM, CW_VARIANT_STANDARD},
	{"unclosed multipart", "INVITE", "sip:bob@uc.example", "", MIXED, "--b1",
		CW_VARIANT_STANDARD},
	{"conference", "INVITE", "sip:bob@uc.example", "",
		"User-Agent: UCCP/4.0\r\nContent-Type: application/ms-conf-invite+xml\r\n", "<x/>",
		CW_VARIANT_MS_AV},
	{"invitation without offer", "INVITE", "sip:bob@uc.example", "", "", "",
		CW_VARIANT_STANDARD},
	{"theirs without offer", "INVITE", "sip:bob@uc.example", "", "Ms-Conversation-ID: x\r\n",
		"", CW_VARIANT_MS_SIP},
	{"again without offer", "INVITE", "sip:bob@uc.example", TAG, "Ms-Conversation-ID: x\r\n",
		"", CW_VARIANT_ANY},
	{"again with im", "INVITE", "sip:bob@uc.example", TAG, SDP, IM, CW_VARIANT_MS_IMP},
	{"ack", "ACK", "sip:bob@uc.example", TAG, SDP, IM, CW_VARIANT_ANY},
	{"cancel", "CANCEL", "sip:bob@uc.example", "", "", "", CW_VARIANT_ANY},
	{"bye", "BYE", "sip:bob@uc.example", TAG, "User-Agent: UCCAPI/16.0\r\n", "",
		CW_VARIANT_ANY},
	{"service", "SERVICE", "sip:bob@uc.example", "", "User-Agent: LCC/1.3\r\n", "",
		CW_VARIANT_MS_SIP},
	{"options", "OPTIONS", "sip:uc.example", "", "User-Agent: Cisco-CUP/12\r\n", "",
		CW_VARIANT_STANDARD},
	{"an agent that only sounds alike", "OPTIONS", "sip:uc.example", "",
		"User-Agent: DOC/1.0\r\n", "", CW_VARIANT_STANDARD},
	{"agent in a comment", "OPTIONS", "sip:uc.example", "", "User-Agent: x (RTCC/6.0)\r\n", "",
		CW_VARIANT_MS_SIP},
};

static struct cw_sip_message *parse(const char *text)
{
	struct cw_str copy = heap_copy(cw_str_of(text));
	struct cw_sip_message *message = NULL;
	struct cw_sip_reject reject;

	ck_assert_int_eq(cw_sip_message_parse(&message, copy, &reject), 0);
	heap_free(copy);
	return message;
}

START_TEST(classes_requests)
{
	const struct variant_case *c = &variant_cases[_i];
	struct cw_sip_message *message;
	char text[4096];

	snprintf(text, sizeof(text),
		"%s %s SIP/2.0\r\nVia: SIP/2.0/TLS a.example;branch=z9hG4bK1\r\n"
		"From: <sip:alice@ms.example>;tag=t1\r\nTo: <sip:bob@uc.example>%s\r\n"
		"Call-ID: c1\r\nCSeq: 1 %s\r\n%sContent-Length: %zu\r\n\r\n%s",
		c->method, c->uri, c->to_params, c->method, c->headers, strlen(c->body), c->body);
	message = parse(text);
	ck_assert_msg(cw_sip_variant(message) == c->variant, "%s: %s", c->name,
		cw_variant_name(cw_sip_variant(message)));
	cw_sip_message_destroy(message);
}
END_TEST

/* Bounds: an IM offer with more behind it than is looked at is not taken for IM. */
static const struct bound_case {
	const char *name, *begin, *repeated;
	size_t times;
	enum cw_variant variant;
} bound_cases[] = {
	{"64 media lines", SDP, IM, 64, CW_VARIANT_MS_IMP},
	{"65 media lines", SDP, IM, 65, CW_VARIANT_STANDARD},
	{"16 parts", MIXED, "--b1\r\n" SDP "\r\n" IM, 16, CW_VARIANT_MS_IMP},
	{"17 parts", MIXED, "--b1\r\n" SDP "\r\n" IM, 17, CW_VARIANT_STANDARD},
	{"large body", SDP,
		IM "a=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", 1000,
		CW_VARIANT_STANDARD},
};

START_TEST(reads_bodies_with_bounds)
{
	const struct bound_case *c = &bound_cases[_i];
	size_t body_len = c->times * strlen(c->repeated), len;
	char *text = malloc(body_len + 1024);
	struct cw_sip_message *message;

	ck_assert_ptr_nonnull(text);
	len = (size_t)sprintf(text,
		"INVITE sip:bob@uc.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example\r\n"
		"From: <sip:alice@ms.example>;tag=t1\r\nTo: <sip:bob@uc.example>\r\n"
		"Call-ID: c1\r\nCSeq: 1 INVITE\r\n%sContent-Length: %zu\r\n\r\n",
		c->begin, body_len);
	for (size_t i = 0; i < c->times; i++)
		len += (size_t)sprintf(text + len, "%s", c->repeated);
	message = parse(text);
	ck_assert_msg(cw_sip_variant(message) == c->variant, "%s: %s", c->name,
		cw_variant_name(cw_sip_variant(message)));
	cw_sip_message_destroy(message);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sip_variant");
	TCase *tcase = tcase_create("variant");

	ADD_ROWS(tcase, classes_requests, variant_cases);
	ADD_ROWS(tcase, reads_bodies_with_bounds, bound_cases);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
