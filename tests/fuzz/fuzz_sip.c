/*
 * SIP as a stranger may send it: framing, the message reader with Sofia's parser behind it, edits and answers.
 *
 * What must hold whatever the bytes are: how they were cut into pieces makes no difference; a message without edits is rendered as it came; one that
 * was accepted is still valid after a proxy's edits, and so is our answer to it.
 */
#include "sip/framing.h"
#include "sip/rewrite.h"
#include "sip/variant.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

static struct cw_str copy_of(struct cw_str s)
{
	char *p = malloc(s.len + (s.len == 0));

	require(p != NULL, "memory");
	if (s.len > 0)
		memcpy(p, s.p, s.len);
	return cw_str_make(p, s.len);
}

static void free_copy(struct cw_str s)
{
	free((void *)(uintptr_t)s.p);
}

/* The message must be accepted, unless the edits took it to a limit. */
static void require_valid(struct cw_str bytes, const char *what)
{
	struct cw_str copy = copy_of(bytes);
	struct cw_sip_message *message = NULL;
	struct cw_sip_reject reject = {0};
	int r = cw_sip_message_parse(&message, copy, &reject);

	if (r != 0 && !strstr(reject.reason, "More than ")) {
		fprintf(stderr, "%s: %s\n%.*s\n", what, reject.reason, (int)copy.len, copy.p);
		abort();
	}
	cw_sip_message_destroy(message);
	free_copy(copy);
}

static void try_edits(const struct cw_sip_message *message, struct cw_buf *out)
{
	struct cw_sip_rewrite rw;

	cw_sip_rewrite_init(&rw, message);
	require(cw_sip_rewrite_render(&rw, out) == 0, "renders");
	require(cw_str_eq(cw_buf_str(out), message->bytes), "identity without edits");
	cw_buf_clear(out);

	if (message->is_request) {
		cw_sip_rewrite_push_via(&rw, cw_str_of("SIP/2.0/TLS me;branch=z9hG4bK1"));
		cw_sip_rewrite_via_received(&rw, cw_str_of("192.0.2.1"), 5061);
		cw_sip_rewrite_max_forwards(&rw, 69);
		cw_sip_rewrite_push_record_route(&rw, cw_str_of("<sip:me;lr>"));
		cw_sip_rewrite_request_uri(&rw, cw_str_of("sip:b@x"));
		cw_sip_rewrite_drop_header(&rw, CW_HDR_P_ASSERTED_IDENTITY);
		for (size_t i = 0; i < message->n_routes; i += 1 + (message->cseq & 1))
			cw_sip_rewrite_drop_route(&rw, i);
	} else if (message->n_vias > 1) {
		cw_sip_rewrite_pop_via(&rw);
		cw_sip_rewrite_status(&rw, 500, cw_str_of("x"));
	}
	require(cw_sip_rewrite_render(&rw, out) == 0, "renders edits");
	require_valid(cw_buf_str(out), "edited message");
	cw_buf_clear(out);
	cw_sip_rewrite_finish(&rw);
}

static void try_answers(
	struct cw_str frame, const struct cw_sip_message *message, struct cw_buf *out)
{
	static const struct cw_sip_reply reply = {.status = 404,
		.to_tag = CW_STR("t1"),
		.received = CW_STR("192.0.2.1"),
		.rport = 5061};

	if (message && message->is_request) {
		require(cw_sip_reply_build(out, message, &reply) == 0, "answers");
		require_valid(cw_buf_str(out), "answer");
		cw_buf_clear(out);
	}
	if (message) {
		cw_sip_follow_up_build(out, frame, NULL);
		cw_sip_follow_up_build(out, frame, message);
		cw_buf_clear(out);
	}
	cw_sip_reply_build_raw(out, frame, &reply);
	cw_buf_clear(out);
}

static void try_message(struct cw_str frame)
{
	struct cw_str copy = copy_of(frame);
	struct cw_sip_message *message = NULL;
	struct cw_sip_reject reject = {0};
	struct cw_buf out = {0};
	int r = cw_sip_message_parse(&message, copy, &reject);

	require((r == 0) == (message != NULL), "a message on success only");
	require(r == 0 || reject.reason[0] != '\0', "a reason");
	if (message) {
		if (message->is_request)
			cw_sip_variant(message);
		try_edits(message, &out);
	}
	try_answers(copy, message, &out);
	cw_sip_message_destroy(message);
	cw_buf_finish(&out);
	free_copy(copy);
}

/* What came out of a stream, to compare ways of cutting it. */
struct outcome {
	size_t n_messages, n_pings, consumed;
	enum cw_sip_frame_kind last;
};

static struct outcome run(struct cw_str stream, size_t step, bool use)
{
	struct cw_sip_framer framer = {0};
	struct outcome o = {0};
	size_t end = step < stream.len ? step : stream.len;

	for (;;) {
		struct cw_str input = copy_of(cw_str_make(stream.p + o.consumed, end - o.consumed));
		struct cw_sip_frame frame;

		cw_sip_frame_next(&framer, input, &frame);
		o.last = frame.kind;
		o.n_messages += frame.kind == CW_FRAME_MESSAGE;
		o.n_pings += frame.kind == CW_FRAME_PING;
		if (use && (frame.kind == CW_FRAME_MESSAGE || frame.kind == CW_FRAME_BROKEN))
			try_message(frame.message);
		free_copy(input);
		if (frame.kind == CW_FRAME_BROKEN)
			return o;
		o.consumed += frame.consumed;
		if (frame.kind != CW_FRAME_MORE)
			continue;
		if (end == stream.len)
			return o;
		end = end + step < stream.len ? end + step : stream.len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cw_str stream = cw_str_make((const char *)data, size);
	struct outcome whole, pieces;

	if (size == 0)
		return 0;
	whole = run(stream, size, true);
	pieces = run(stream, 1 + data[size - 1] % 32, false);
	require(whole.n_messages == pieces.n_messages && whole.n_pings == pieces.n_pings &&
			whole.last == pieces.last,
		"the cut makes no difference");
	try_message(stream);
	return 0;
}
