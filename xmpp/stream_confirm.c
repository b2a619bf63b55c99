/* Whether what was sent has arrived: stream management (XEP-0198), else a ping sent behind it (XEP-0199). */
#include "certs/digest.h"
#include "xmpp/stanza.h"
#include "xmpp/stream_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static void take_confirmed(struct cw_stream *s)
{
	struct cw_xmpp_unconfirmed *u;

	while ((u = cw_xmpp_acknowledgement_take_confirmed(&s->ack))) {
		s->owner->confirmed(s, u);
		cw_xmpp_unconfirmed_free(u);
	}
	if (!cw_stream_is_full(s)) {
		cw_stream_release_feeders(s);
		if (s->state == CW_STREAM_ESTABLISHED)
			s->owner->drained(s);
	}
	cw_stream_confirm_sent(s); /* what left behind the question waits for the next one */
	cw_stream_time_arm(s);
}

void cw_stream_ping_answered(
	struct cw_xmpp *x, struct cw_str id, struct cw_str from, struct cw_str to)
{
	struct cw_table_link *link = cw_table_find(&x->pings, id);
	struct cw_stream *s = link ? cw_container_of(link, struct cw_stream, ping) : NULL;

	/* from somewhere else it says nothing; one that comes late is nobody's */
	if (!s || !cw_str_eq(cw_str_of(s->ping_to), from) ||
		!cw_str_eq(cw_str_of(s->ping_from), to))
		return;
	cw_table_remove(&x->pings, &s->ping);
	s->last_heard_ms = cw_loop_now_ms(x->loop);
	cw_xmpp_acknowledgement_ping_answered(&s->ack);
	take_confirmed(s);
}

static void on_acknowledged(struct cw_stream *s, const struct cw_xmpp_element *e)
{
	struct cw_str h = cw_xmpp_element_attribute(e, "h");
	uint64_t n;

	if (cw_str_to_u64(h, UINT32_MAX, &n) != 0 ||
		cw_xmpp_acknowledgement_on_a(&s->ack, (uint32_t)n) != 0) {
		cw_stream_fail(s, "undefined-condition",
			"an acknowledgement of stanzas that were not sent");
		return;
	}
	take_confirmed(s);
}

static void on_enable(struct cw_stream *s)
{
	static const struct cw_str enabled = CW_STR("<enabled xmlns='" CW_XMPP_NS_SM "'/>");
	static const struct cw_str failed =
		CW_STR("<failed xmlns='" CW_XMPP_NS_SM
		       "'><unexpected-request xmlns='" CW_XMPP_NS_STANZA_ERRORS "'/></failed>");

	if (!s->is_incoming || s->state != CW_STREAM_ESTABLISHED || s->ack.is_sm) {
		cw_stream_send(s, failed);
		return;
	}
	cw_stream_send(s, enabled);
	cw_xmpp_acknowledgement_enable_sm(&s->ack);
}

static void on_request(struct cw_stream *s)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "<a xmlns='" CW_XMPP_NS_SM "' h='%u'/>",
		(unsigned)s->ack.received);

	if (s->ack.is_sm)
		cw_stream_send(s, cw_str_make(text, (size_t)n));
}

void cw_stream_on_management(struct cw_stream *s, const struct cw_xmpp_element *e)
{
	static const struct cw_str a = CW_STR("a"), r = CW_STR("r"), enable = CW_STR("enable"),
				   failed = CW_STR("failed");

	if (cw_str_eq(e->name, a)) {
		on_acknowledged(s, e);
	} else if (cw_str_eq(e->name, r)) {
		on_request(s);
	} else if (cw_str_eq(e->name, enable)) {
		on_enable(s);
	} else if (cw_str_eq(e->name, failed)) {
		cw_xmpp_acknowledgement_disable_sm(&s->ack); /* pings take its place */
		cw_stream_time_arm(s);
	}
}

/* ---- asking ---- */

void cw_stream_confirm_begin(struct cw_stream *s)
{
	static const struct cw_str enable = CW_STR("<enable xmlns='" CW_XMPP_NS_SM "'/>");

	if (s->is_incoming || s->is_component || !s->negotiation.offers_sm)
		return;
	/* what follows <enable/> is counted, whenever <enabled/> comes */
	cw_stream_send(s, enable);
	cw_xmpp_acknowledgement_enable_sm(&s->ack);
}

/* The names between which a ping goes: a pair on which stanzas flow. */
static void ping(struct cw_stream *s, uint64_t now_ms)
{
	uint64_t number[2] = {0};
	char id[40];
	struct cw_buf *out = &s->xmpp->out;

	if (!s->ping_from || !s->ping_to || cw_random_bytes((uint8_t *)number, sizeof(number)) != 0)
		return;
	snprintf(id, sizeof(id), CW_STREAM_PING_PREFIX "%016" PRIx64 "%016" PRIx64, number[0],
		number[1]);
	cw_buf_clear(out);
	if (cw_xmpp_stanza_ping(
		    out, cw_str_of(s->ping_from), cw_str_of(s->ping_to), cw_str_of(id)) != 0)
		return;
	(*s->xmpp->counters.pings)++;
	cw_xmpp_acknowledgement_ping_sent(&s->ack, id, now_ms);
	cw_table_remove(&s->xmpp->pings, &s->ping);
	if (cw_table_insert(&s->xmpp->pings, &s->ping, cw_str_of(s->ack.ping_id)) != 0)
		cw_stream_abort(s, "out of memory");
	cw_stream_send(s, cw_buf_str(out));
}

void cw_stream_set_ping(struct cw_stream *s, struct cw_str from, struct cw_str to)
{
	if (s->ping_from)
		return;
	s->ping_from = cw_str_dup(from);
	s->ping_to = cw_str_dup(to);
}

void cw_stream_confirm_ask(struct cw_stream *s)
{
	static const struct cw_str request = CW_STR("<r xmlns='" CW_XMPP_NS_SM "'/>");
	uint64_t now_ms = cw_loop_now_ms(s->xmpp->loop);

	s->confirm_ms = 0;
	if (s->ack.is_sm) {
		cw_xmpp_acknowledgement_request_sent(&s->ack, now_ms);
		cw_stream_send(s, request);
	} else {
		ping(s, now_ms);
	}
}

void cw_stream_confirm_sent(struct cw_stream *s)
{
	uint64_t now_ms = cw_loop_now_ms(s->xmpp->loop);

	if (!cw_xmpp_acknowledgement_wants_request(&s->ack))
		return;
	if (s->ack.n >= CW_STREAM_CONFIRM_COUNT) {
		cw_stream_confirm_ask(s);
		cw_stream_time_arm(s);
	} else if (s->confirm_ms == 0) {
		s->confirm_ms = now_ms + CW_STREAM_CONFIRM_MS;
		cw_stream_time_arm(s);
	}
}
