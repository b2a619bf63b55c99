#include "sip/framing.h"

#include "tests/unit/unit.h"

#include <stdio.h>

#define HEAD "MESSAGE sip:bob@uc.example SIP/2.0\r\nVia: SIP/2.0/TLS a.example\r\n"

/* What a whole stream gives: '.' a ping, 'm' a message, 'b' broken (the last), '?' more is awaited (the last). */
static const struct stream_case {
	const char *name;
	struct cw_str stream;
	const char *events;
	const char *body; /* of the last message */
	unsigned status;  /* of 'b' */
	const char *reason;
} stream_cases[] = {
	{"message", CW_STR(HEAD "Content-Length: 2\r\n\r\nhi"), "m", "hi", 0, NULL},
	{"no body", CW_STR(HEAD "Content-Length: 0\r\n\r\n"), "m", "", 0, NULL},
	{"compact", CW_STR(HEAD "l: 2\r\n\r\nhi"), "m", "hi", 0, NULL},
	{"lower case, blanks", CW_STR(HEAD "content-length \t:   2  \r\n\r\nhi"), "m", "hi", 0,
		NULL},
	{"no blank", CW_STR(HEAD "L:2\r\n\r\nhi"), "m", "hi", 0, NULL},
	{"folded", CW_STR(HEAD "Content-Length:\r\n 2\r\n\r\nhi"), "m", "hi", 0, NULL},
	{"before other headers", CW_STR("Content-Length: 2 SIP/\r\n" HEAD "l: 0\r\n\r\n"), "m", "",
		0, NULL},
	{"length between vias", CW_STR(HEAD "Content-Length: 2\r\nVia: x\r\n\r\nhi"), "m", "hi", 0,
		NULL},
	{"two in a row", CW_STR(HEAD "l: 2\r\n\r\nhi" HEAD "l: 3\r\n\r\nyou"), "mm", "you", 0,
		NULL},
	{"blank line between", CW_STR(HEAD "l: 0\r\n\r\n\r\n" HEAD "l: 1\r\n\r\nx"), "mm", "x", 0,
		NULL},
	{"ping", CW_STR("\r\n\r\n"), ".?", "", 0, NULL},
	{"two pings and half a one", CW_STR("\r\n\r\n\r\n\r\n\r\n"), "..?", "", 0, NULL},
	{"ping and message", CW_STR("\r\n\r\n" HEAD "l: 1\r\n\r\nx"), ".m", "x", 0, NULL},
	{"blank lines apart are no ping",
		CW_STR("\r\n" HEAD "l: 0\r\n\r\n\r\n" HEAD "l: 0\r\n\r\n"), "mm", "", 0, NULL},
	{"body with lf and nul", CW_STR(HEAD "l: 4\r\n\r\na\n\0b"), "m", "a\n", 0, NULL},
	{"response", CW_STR("SIP/2.0 200 OK\r\nl: 0\r\n\r\n"), "m", "", 0, NULL},
	{"quoted-pair of a control byte",
		CW_STR(HEAD "To: \"\\\a\\\0\\\x7f\" <sip:b@x>\r\nl: 0\r\n\r\n"), "m", "", 0, NULL},
	{"htab", CW_STR(HEAD "Subject:\ta\tb\r\nl: 0\r\n\r\n"), "m", "", 0, NULL},
	{"utf-8", CW_STR(HEAD "Subject: \xd0\xad\xd0\xbb\xd0\xb8\xd1\x81\r\nl: 0\r\n\r\n"), "m", "",
		0, NULL},
	{"length behind a folded colon", CW_STR(HEAD "Content-Length\r\n : 2\r\n\r\nhi"), "m", "hi",
		0, NULL},
	{"length folded without a colon", CW_STR(HEAD "Content-Length\r\n 2\r\n\r\nhi"), "b", "",
		400, "Malformed Content-Length"},
	{"body to come", CW_STR(HEAD "Content-Length: 3\r\n\r\nhi"), "?", "", 0, NULL},
	{"head to come", CW_STR(HEAD "Content-Length: 3\r\n"), "?", "", 0, NULL},
	{"a length in a fold does not count",
		CW_STR(HEAD "Subject: a\r\n Content-Length: 1\r\n\r\n"), "b", "", 400,
		"Missing Content-Length"},
	{"a name that begins alike", CW_STR(HEAD "Content-Lengths: 1\r\nContent: 1\r\n\r\n"), "b",
		"", 400, "Missing Content-Length"},
	{"two lengths", CW_STR(HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi"), "b", "",
		400, "More than one Content-Length"},
	{"twice the same length", CW_STR(HEAD "Content-Length: 2\r\nl: 2\r\n\r\nhi"), "b", "", 400,
		"More than one Content-Length"},
	{"negative", CW_STR(HEAD "Content-Length: -2\r\n\r\nhi"), "b", "", 400,
		"Malformed Content-Length"},
	{"sign", CW_STR(HEAD "Content-Length: +2\r\n\r\nhi"), "b", "", 400,
		"Malformed Content-Length"},
	{"hex", CW_STR(HEAD "Content-Length: 0x2\r\n\r\nhi"), "b", "", 400,
		"Malformed Content-Length"},
	{"list", CW_STR(HEAD "Content-Length: 2, 2\r\n\r\nhi"), "b", "", 400,
		"Malformed Content-Length"},
	{"empty length", CW_STR(HEAD "Content-Length:\r\n\r\nhi"), "b", "", 400,
		"Malformed Content-Length"},
	{"body at the limit", CW_STR(HEAD "Content-Length: 1048576\r\n\r\n"), "?", "", 0, NULL},
	{"body above the limit", CW_STR(HEAD "Content-Length: 1048577\r\n\r\n"), "b", "", 413,
		"Body too large"},
	{"a number that no machine holds",
		CW_STR(HEAD "Content-Length: 99999999999999999999999\r\n\r\n"), "b", "", 413,
		"Body too large"},
	{"bare lf", CW_STR(HEAD "Subject: a\nl: 0\r\n\r\n"), "b", "", 400, "Line ends without CR"},
	{"bare lf as empty line", CW_STR(HEAD "l: 0\r\n\n"), "b", "", 400, "Line ends without CR"},
	{"lf alone ends the head", CW_STR(HEAD "l: 0\n\n"), "b", "", 400, "Line ends without CR"},
	{"bare cr", CW_STR(HEAD "Subject: a\rb\r\nl: 0\r\n\r\n"), "b", "", 400,
		"Control character in header"},
	{"two crs", CW_STR(HEAD "Subject: a\r\r\nl: 0\r\n\r\n"), "b", "", 400,
		"Control character in header"},
	{"nul", CW_STR(HEAD "Subject: a\0b\r\nl: 0\r\n\r\n"), "b", "", 400,
		"Control character in header"},
	{"escape", CW_STR(HEAD "Subject: \x1b[2J\r\nl: 0\r\n\r\n"), "b", "", 400,
		"Control character in header"},
	{"del", CW_STR(HEAD "Subject: a\x7f\r\nl: 0\r\n\r\n"), "b", "", 400,
		"Control character in header"},
	{"second message is broken", CW_STR(HEAD "l: 1\r\n\r\nx" HEAD "\r\n"), "mb", "x", 400,
		"Missing Content-Length"},
	{"http", CW_STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "b", "", 0, "Not SIP"},
	{"text", CW_STR("hello\r\n"), "b", "", 0, "Not SIP"},
	{"tls", CW_STR("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), "b", "", 0, "Not SIP"},
	{"quoted-pairs in the start line", CW_STR("MESSAGE sip:b\\\0\\\0@x SIP/2.0\r\n"), "b", "",
		0, "Not SIP"},
	{"nul in the start line", CW_STR("MESSAGE sip:b\0@x SIP/2.0\r\n"), "b", "", 0, "Not SIP"},
	{"lf where a message could begin", CW_STR("\n" HEAD), "b", "", 0,
		"Blank line without CRLF"},
	{"cr where a message could begin", CW_STR("\rx" HEAD), "b", "", 0,
		"Blank line without CRLF"},
};

/* Feed the stream in pieces of `step` bytes and write down what comes out. */
static void run(const struct stream_case *c, size_t step, size_t first)
{
	struct cw_sip_framer framer = {0};
	struct cw_sip_frame frame = {.kind = CW_FRAME_MORE};
	char events[16] = "";
	size_t at = 0, end = first, n = 0;

	for (;;) {
		struct cw_str input = heap_copy(cw_str_make(c->stream.p + at, end - at));

		cw_sip_frame_next(&framer, input, &frame);
		ck_assert_uint_le(frame.consumed, input.len);
		at += frame.consumed;
		ck_assert_uint_lt(n, sizeof(events) - 1);
		if (frame.kind == CW_FRAME_PING) {
			events[n++] = '.';
		} else if (frame.kind == CW_FRAME_MESSAGE) {
			struct cw_str body = cw_str_from(frame.message, frame.head_len);

			events[n++] = 'm';
			ck_assert(frame.message.p + frame.message.len == input.p + frame.consumed);
			if (at == c->stream.len)
				ck_assert_msg(cw_str_starts(body, cw_str_of(c->body)), "%s: body",
					c->name);
		} else if (frame.kind == CW_FRAME_BROKEN) {
			events[n++] = 'b';
			ck_assert_msg(frame.status == c->status, "%s: %u", c->name, frame.status);
			ck_assert_str_eq(frame.reason, c->reason);
		}
		heap_free(input);
		if (frame.kind == CW_FRAME_BROKEN || at == c->stream.len)
			break;
		if (frame.kind == CW_FRAME_MORE) {
			if (end == c->stream.len)
				break;
			end = end + step < c->stream.len ? end + step : c->stream.len;
		}
	}
	/* The stream may end in a message or in a ping; then nothing is awaited. */
	if (frame.kind == CW_FRAME_MORE || frame.kind == CW_FRAME_PING)
		events[n++] = '?';
	ck_assert_msg(
		strcmp(events, c->events) == 0, "%s, split at %zu: %s", c->name, first, events);
}

START_TEST(frames_whole_streams)
{
	run(&stream_cases[_i], 1, stream_cases[_i].stream.len);
}
END_TEST

START_TEST(frames_streams_split_anywhere)
{
	const struct stream_case *c = &stream_cases[_i];

	for (size_t first = 0; first < c->stream.len; first++)
		run(c, c->stream.len, first);
	run(c, 1, 0);
	run(c, 7, 0);
}
END_TEST

/* A byte at every place of a value, so that it is met in every place of a group of bytes that are looked at together. */
START_TEST(refuses_control_bytes_at_every_place)
{
	static const char bytes[] = {
		'\0', '\x01', '\a', '\n', '\r', '\x1f', '\x7f', '\t', ' ', '~', '\x80'};
	static const size_t n_bad = 7, longest = 17;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		for (size_t place = 0; place <= longest; place++) {
			char text[128];
			int len = snprintf(text, sizeof(text), "%sX:%*s%c%*s\r\nl: 0\r\n\r\n", HEAD,
				(int)place, "", bytes[i], (int)(longest - place), "");
			struct cw_str input = heap_copy(cw_str_make(text, (size_t)len));
			struct cw_sip_framer framer = {0};
			struct cw_sip_frame frame;

			cw_sip_frame_next(&framer, input, &frame);
			ck_assert_msg((frame.kind == CW_FRAME_MESSAGE) == (i >= n_bad),
				"byte %#x at %zu", (unsigned)(unsigned char)bytes[i], place);
			if (i < n_bad)
				ck_assert_str_eq(frame.reason,
					bytes[i] == '\n' ? "Line ends without CR"
							 : "Control character in header");
			heap_free(input);
		}
	}
}
END_TEST

START_TEST(tells_that_the_head_is_there)
{
	static const struct cw_str head = CW_STR(HEAD "l: 2\r\n\r\n"),
				   less = CW_STR(HEAD "l: 2\r\n");
	static const struct cw_str blank = CW_STR("\r\n\r");
	struct cw_sip_framer framer = {0};
	struct cw_sip_frame frame;

	cw_sip_frame_next(&framer, blank, &frame);
	ck_assert_int_eq((int)frame.kind, CW_FRAME_MORE);
	ck_assert(!frame.has_begun);
	cw_sip_frame_next(&framer, less, &frame);
	ck_assert_int_eq((int)frame.kind, CW_FRAME_MORE);
	ck_assert(frame.has_begun && !frame.complete_head);
	cw_sip_frame_next(&framer, head, &frame);
	ck_assert_int_eq((int)frame.kind, CW_FRAME_MORE);
	ck_assert(frame.complete_head);
}
END_TEST

/* A head of exactly `len` bytes. */
static struct cw_str head_of(size_t len)
{
	static const char begin[] = HEAD "Subject: ", end[] = "\r\nl: 0\r\n\r\n";
	char *p = malloc(len);

	ck_assert_ptr_nonnull(p);
	memset(p, 'x', len);
	memcpy(p, begin, sizeof(begin) - 1);
	memcpy(p + len - (sizeof(end) - 1), end, sizeof(end) - 1);
	return cw_str_make(p, len);
}

START_TEST(limits_the_head)
{
	struct cw_str fits = head_of(CW_SIP_HEADERS_MAX_BYTES),
		      longer = head_of(CW_SIP_HEADERS_MAX_BYTES + 1);
	struct cw_sip_framer framer = {0};
	struct cw_sip_frame frame;

	cw_sip_frame_next(&framer, fits, &frame);
	ck_assert_int_eq((int)frame.kind, CW_FRAME_MESSAGE);
	cw_sip_frame_next(&framer, longer, &frame);
	ck_assert_int_eq((int)frame.kind, CW_FRAME_BROKEN);
	ck_assert_uint_eq(frame.status, 513);
	ck_assert(cw_str_starts(frame.message, cw_str_of(HEAD)));
	heap_free(fits);
	heap_free(longer);
}
END_TEST

START_TEST(limits_a_line_that_never_ends)
{
	struct cw_str input = head_of(CW_SIP_HEADERS_MAX_BYTES + 100);
	struct cw_sip_framer framer = {0};
	struct cw_sip_frame frame;

	input.len = CW_SIP_HEADERS_MAX_BYTES;
	cw_sip_frame_next(&framer, input, &frame);
	ck_assert_int_eq((int)frame.kind, CW_FRAME_BROKEN);
	ck_assert_uint_eq(frame.status, 513);
	heap_free(input);
}
END_TEST

/* An answer needs the headers behind the broken line as well. */
START_TEST(gives_the_head_of_what_is_broken)
{
	static const struct cw_str input =
		CW_STR(HEAD "Subject: a\nCSeq: 1 MESSAGE\r\nl: 1\r\n\r\nxVia: no\r\n");
	struct cw_sip_framer framer = {0};
	struct cw_sip_frame frame;

	cw_sip_frame_next(&framer, input, &frame);
	ck_assert_int_eq((int)frame.kind, CW_FRAME_BROKEN);
	ck_assert(cw_str_case_ends(frame.message, cw_str_of("l: 1\r\n\r\n")));
	ck_assert_uint_eq(frame.consumed, input.len);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sip_framing");
	TCase *tcase = tcase_create("framing");

	ADD_ROWS(tcase, frames_whole_streams, stream_cases);
	ADD_ROWS(tcase, frames_streams_split_anywhere, stream_cases);
	tcase_add_test(tcase, refuses_control_bytes_at_every_place);
	tcase_add_test(tcase, tells_that_the_head_is_there);
	tcase_add_test(tcase, limits_the_head);
	tcase_add_test(tcase, limits_a_line_that_never_ends);
	tcase_add_test(tcase, gives_the_head_of_what_is_broken);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
