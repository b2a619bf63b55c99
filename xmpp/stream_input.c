/* What comes in on a stream: bytes to events, each to whom it concerns. */
#include "certs/digest.h"
#include "core/arena.h"
#include "xmpp/jid.h"
#include "xmpp/parser.h"
#include "xmpp/stream_private.h"

#include <errno.h>
#include <stdio.h>

/* ---- the negotiation's answers ---- */

static bool renew_parser(struct cw_stream *s)
{
	cw_xmpp_parser_destroy(s->parser);
	s->parser = NULL;
	if (cw_xmpp_parser_create(&s->parser) == 0)
		return true;
	cw_stream_abort(s, "out of memory");
	return false;
}

static void flush(struct cw_stream *s)
{
	struct cw_buf *out = &s->negotiation.out;

	if (out->error)
		cw_stream_abort(s, "out of memory");
	else
		cw_stream_send(s, cw_buf_str(out));
	cw_buf_clear(out);
}

/* RFC 6120, 5.4.3.3: behind <starttls/> or <proceed/> there must be nothing in clear, or somebody in between could add to the stream. */
static void start_tls(struct cw_stream *s)
{
	struct cw_connection_tls how = {
		.tls = *s->xmpp->tls,
		.local_name = cw_str_of(s->negotiation.local),
		.server_name = cw_str_of(s->negotiation.remote),
		.demand = CW_TLS_ANY_PEER,
	};

	if (cw_xmpp_parser_has_input(s->parser)) {
		cw_stream_abort(s, "bytes in clear where TLS was to begin");
		return;
	}
	flush(s);
	cw_xmpp_parser_destroy(s->parser);
	s->parser = NULL;
	cw_tap_say(s->xmpp->tap, cw_stream_partner(s), "TLS begins");
	if (s->state != CW_STREAM_ENDED && cw_connection_start_tls(s->connection, &how) != 0)
		cw_stream_abort(s, "TLS cannot begin");
}

/* A new stream on the same connection (RFC 6120, 4.3.3). */
static void restart(struct cw_stream *s)
{
	if (cw_xmpp_parser_has_input(s->parser)) {
		cw_stream_abort(s, "bytes behind the end of the authentication");
		return;
	}
	if (renew_parser(s))
		flush(s);
}

static void give_up(struct cw_stream *s)
{
	cw_stream_set_reason(s, s->negotiation.reason);
	cw_tap_say(s->xmpp->tap, cw_stream_partner(s), "%s", s->negotiation.reason);
	flush(s);
	cw_stream_leave(s);
}

/* Returns: whether it was negotiation's to take. */
static bool take_step(struct cw_stream *s, enum cw_negotiation_step step)
{
	bool is_open = s->state == CW_STREAM_NEGOTIATING;

	switch (step) {
	case CW_NEGOTIATION_WAIT:
		flush(s);
		break;
	case CW_NEGOTIATION_START_TLS:
		start_tls(s);
		break;
	case CW_NEGOTIATION_RESTART:
		restart(s);
		break;
	case CW_NEGOTIATION_OPEN:
		flush(s);
		if (is_open)
			cw_stream_enter(s, CW_STREAM_OPEN);
		s->last_stanza_ms = cw_loop_now_ms(s->xmpp->loop);
		s->owner->open(s);
		break;
	case CW_NEGOTIATION_READY:
		flush(s);
		s->owner->proved(s);
		break;
	case CW_NEGOTIATION_NOT_MINE:
		flush(s);
		return false;
	case CW_NEGOTIATION_FAIL:
		give_up(s);
		break;
	}
	return true;
}

/* ---- events ---- */

/* A name of a header, prepared; empty where it cannot be. */
static struct cw_str prepare(struct cw_str name, struct cw_arena *arena)
{
	struct cw_str out = {NULL, 0};

	if (name.len == 0 || cw_jid_prepare_domain(&out, name, arena) != 0)
		return (struct cw_str){NULL, 0};
	return out;
}

static void on_header(struct cw_stream *s, const struct cw_xmpp_header *header)
{
	char room[2048], hex[2 * CW_XMPP_STREAM_ID_BYTES + 1];
	uint8_t id[CW_XMPP_STREAM_ID_BYTES];
	const struct cw_xmpp_terms *terms = NULL;
	struct cw_str local, remote;
	struct cw_arena arena;

	if (s->is_component) {
		s->owner->server_header(s, header);
		return;
	}
	cw_arena_init_in(&arena, room, sizeof(room), sizeof(room));
	local = prepare(header->to, &arena);
	remote = prepare(header->from, &arena);
	if (cw_random_bytes(id, sizeof(id)) != 0) {
		cw_stream_abort(s, "no random bytes");
		return;
	}
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	if (s->is_incoming)
		terms = s->owner->header(s, local, remote);
	cw_stream_await(s);
	take_step(s, cw_negotiation_header(&s->negotiation, header, local, remote, terms,
			     s->is_incoming ? hex : NULL));
	cw_arena_finish(&arena);
}

static void on_error(struct cw_stream *s, const struct cw_xmpp_element *e)
{
	static const struct cw_str unknown = CW_STR("unknown"), nothing = CW_STR("");
	const struct cw_xmpp_element *condition =
		cw_xmpp_element_child(e, CW_XMPP_NS_STREAM_ERRORS, NULL);
	const struct cw_xmpp_element *text =
		cw_xmpp_element_child(e, CW_XMPP_NS_STREAM_ERRORS, "text");
	struct cw_str name = condition ? condition->name : unknown;
	struct cw_str said = text ? text->text : nothing;
	char why[CW_XMPP_REFUSAL_MAX];

	snprintf(why, sizeof(why), "the partner ended the stream: %.*s%s%.*s",
		name.len < 60 ? (int)name.len : 60, name.p, said.len ? ": " : "",
		said.len < 200 ? (int)said.len : 200, said.p ? said.p : "");
	cw_stream_set_reason(s, why);
}

static void on_element(struct cw_stream *s, const struct cw_xmpp_element *e)
{
	static const struct cw_str dialback = CW_STR(CW_XMPP_NS_DIALBACK),
				   management = CW_STR(CW_XMPP_NS_SM);

	s->last_heard_ms = cw_loop_now_ms(s->xmpp->loop);
	if (s->is_component)
		s->owner->element(s, e);
	else if (cw_xmpp_element_is(e, CW_XMPP_NS_STREAMS, "error"))
		on_error(s, e);
	else if (take_step(s, cw_negotiation_element(&s->negotiation, e)))
		return;
	else if (cw_str_eq(e->ns, dialback))
		s->owner->dialback(s, e);
	else if (cw_str_eq(e->ns, management))
		cw_stream_on_management(s, e);
	else
		cw_stream_fail(s, "unsupported-stanza-type", "an element that is no stanza");
}

/* A ping of ours or of another Causeway, or its answer: a stream that carries nothing else is idle. */
static bool is_ping(const struct cw_xmpp_stanza *stanza)
{
	static const struct cw_str prefix = CW_STR(CW_STREAM_PING_PREFIX);

	return stanza->kind == CW_XMPP_IQ && cw_str_starts(stanza->id, prefix);
}

static void on_stanza(struct cw_stream *s, const struct cw_xmpp_stanza *stanza)
{
	s->last_heard_ms = cw_loop_now_ms(s->xmpp->loop);
	if (!is_ping(stanza))
		s->last_stanza_ms = s->last_heard_ms;
	s->stanzas_in++;
	if (s->ack.is_sm)
		cw_xmpp_acknowledgement_received(&s->ack);
	s->owner->stanza(s, stanza);
}

/* </stream:stream>: the answer to ours, or the peer's wish to end. */
static void on_end(struct cw_stream *s)
{
	s->is_ended_by_peer = true;
	if (s->state == CW_STREAM_CLOSING)
		cw_stream_leave(s);
	else
		cw_stream_close(s, s->reason ? s->reason : "the partner closed the stream");
}

static void on_event(struct cw_stream *s, struct cw_xmpp_event *event)
{
	switch (event->kind) {
	case CW_XMPP_EVENT_HEADER:
		on_header(s, &event->header);
		break;
	case CW_XMPP_EVENT_STANZA:
		on_stanza(s, &event->stanza);
		break;
	case CW_XMPP_EVENT_ELEMENT:
		on_element(s, event->element);
		break;
	case CW_XMPP_EVENT_END:
		on_end(s);
		break;
	case CW_XMPP_EVENT_NONE:
		break;
	}
}

/* ---- bytes ---- */

static void refuse(struct cw_stream *s, int error)
{
	if (error < 0)
		cw_stream_abort(s, "out of memory");
	else if (s->state == CW_STREAM_CLOSING)
		cw_stream_leave(s);
	else
		cw_stream_fail(
			s, cw_xmpp_parser_condition(error), cw_xmpp_parser_problem(s->parser));
}

/* The others have their turn, and meanwhile no more comes in. */
static void rest(struct cw_stream *s)
{
	s->is_resting = true;
	if (s->paused++ == 0)
		cw_connection_pause(s->connection);
	cw_loop_defer(s->xmpp->loop, &s->again);
}

/* Take events until there is none, it is held up, or it has had its share of this turn. */
static void pump(struct cw_stream *s)
{
	struct cw_xmpp_event event;
	int r;

	for (int i = 0; s->parser && s->paused == 0 && s->state != CW_STREAM_ENDED; i++) {
		if (i == CW_STREAM_TURN_MAX) {
			rest(s);
			return;
		}
		r = cw_xmpp_parser_next(s->parser, &event);
		if (r) {
			refuse(s, r);
			return;
		}
		if (event.kind == CW_XMPP_EVENT_NONE)
			return;
		on_event(s, &event);
		/* whoever asks and does not read the answers is not read either */
		if (s->state != CW_STREAM_ENDED && cw_connection_is_full(s->connection))
			cw_stream_hold_up(s, s);
	}
}

void cw_stream_go_on(void *arg)
{
	struct cw_stream *s = arg;

	if (s->is_resting) {
		s->is_resting = false;
		s->paused--;
		if (s->paused == 0)
			cw_connection_resume(s->connection);
	}
	pump(s);
}

size_t cw_stream_on_received(struct cw_connection *c, void *arg, struct cw_str bytes)
{
	struct cw_stream *s = arg;
	int r;

	(void)c;
	if (!s->parser || s->state == CW_STREAM_ENDED)
		return s->parser ? bytes.len : 0; /* in clear, and TLS was to begin: net ends it */
	s->bytes_in += bytes.len;
	cw_stream_time_heard(s);
	r = cw_xmpp_parser_feed(s->parser, bytes);
	if (r)
		refuse(s, r);
	else
		pump(s);
	return bytes.len;
}

/* TCP is there, or TLS on it: for the first time, or after STARTTLS. */
void cw_stream_on_opened(struct cw_connection *c, void *arg)
{
	struct cw_stream *s = arg;
	struct cw_xmpp_security_facts facts = {
		.is_secure = cw_connection_tls_version(c) != NULL,
		.problem = cw_connection_tls_problem(c),
		.identity = cw_connection_identity(c),
	};

	if (!renew_parser(s))
		return;
	if (s->state == CW_STREAM_CONNECTING) {
		cw_stream_enter(s, CW_STREAM_NEGOTIATING);
		if (s->is_incoming)
			s->authenticate_ms =
				cw_loop_now_ms(s->xmpp->loop) + CW_STREAM_AUTHENTICATE_MS;
	}
	cw_stream_await(s);
	if (s->is_component) {
		s->owner->begin(s);
		return;
	}
	if (facts.is_secure) {
		cw_tap_say(s->xmpp->tap, cw_stream_partner(s), "%s with %s; %s",
			cw_connection_tls_version(c), cw_connection_tls_cipher(c),
			facts.problem ? facts.problem : "the certificate is trusted");
		take_step(s, cw_negotiation_secured(&s->negotiation, &facts));
	}
	if (!s->is_incoming && s->negotiation.state == CW_NEGOTIATION_INIT)
		take_step(s, cw_negotiation_start(&s->negotiation));
}
