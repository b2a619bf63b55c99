#include "xmpp/stream.h"

#include "core/log.h"
#include "xmpp/federation.h"
#include "xmpp/parser.h"
#include "xmpp/stack.h"
#include "xmpp/stream_private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const state_names[] = {
	[CW_STREAM_CONNECTING] = "connecting",
	[CW_STREAM_NEGOTIATING] = "negotiating",
	[CW_STREAM_OPEN] = "dialback",
	[CW_STREAM_ESTABLISHED] = "established",
	[CW_STREAM_CLOSING] = "closing",
	[CW_STREAM_ENDED] = "closed",
};

static const char *const proof_names[] = {
	[CW_STREAM_UNPROVED] = "",
	[CW_STREAM_BY_DIALBACK] = "dialback",
	[CW_STREAM_BY_EXTERNAL] = "external",
	[CW_STREAM_BY_CERTIFICATE] = "certificate",
	[CW_STREAM_BY_ADDRESS] = "address",
	[CW_STREAM_BY_SECRET] = "component",
};

static const struct cw_str stream_end = CW_STR("</stream:stream>");

const char *cw_stream_state_name(enum cw_stream_state state)
{
	return state_names[state];
}

const char *cw_stream_proof_name(enum cw_stream_proof proof)
{
	return proof_names[proof];
}

struct cw_str cw_stream_partner(const struct cw_stream *s)
{
	return cw_str_of(s->negotiation.remote ? s->negotiation.remote : s->remote_text);
}

/* ---- states ---- */

void cw_stream_enter(struct cw_stream *s, enum cw_stream_state state)
{
	cw_debug("xmpp.stream", cw_kz("event", "state"), CW_XMPP_MODULE,
		cw_ks("partner", cw_stream_partner(s)), cw_kz("remote", s->remote_text),
		cw_kz("from", state_names[s->state]), cw_kz("to", state_names[state]));
	s->state = state;
	s->was_open |= state == CW_STREAM_OPEN && !s->is_incoming;
}

/* The first reason is the one that counts: what follows is its consequence. */
void cw_stream_set_reason(struct cw_stream *s, const char *why)
{
	if (!s->reason && why && *why)
		s->reason = cw_str_dup(cw_str_of(why));
}

static void log_stream(const struct cw_stream *s, const char *event)
{
	const struct cw_connection *c = s->connection;

	cw_info("xmpp.stream", cw_kz("event", event), CW_XMPP_MODULE,
		cw_ks("partner", cw_stream_partner(s)), cw_kz("local", s->negotiation.local),
		cw_kz("direction", s->is_incoming ? "in" : "out"), cw_kz("remote", s->remote_text),
		cw_kz("tls", cw_connection_tls_version(c)),
		cw_kz("cipher", cw_connection_tls_cipher(c)),
		cw_kz("verified", cw_stream_proof_name(s->proof)), cw_kz("why", s->reason));
}

/* Where TLS is optional, a partner that had it and has it no more may be somebody in between. */
static void watch_tls(struct cw_stream *s)
{
	struct cw_str partner = cw_stream_partner(s);

	if (s->negotiation.facts.is_secure) {
		cw_tls_seen_add(&s->xmpp->tls_seen, partner);
	} else if (cw_tls_seen_has(&s->xmpp->tls_seen, partner)) {
		cw_warn("xmpp.stream", cw_kz("event", "downgrade"), CW_XMPP_MODULE,
			cw_ks("partner", partner), cw_kz("remote", s->remote_text),
			cw_kz("why", "it had TLS before, and has none now"));
		cw_tap_say(s->xmpp->tap, partner, "it had TLS before, and has none now");
	}
}

void cw_stream_await_proof(struct cw_stream *s)
{
	s->authenticate_ms = cw_loop_now_ms(s->xmpp->loop) + CW_STREAM_AUTHENTICATE_MS;
	cw_stream_time_arm(s);
}

void cw_stream_establish(struct cw_stream *s, enum cw_stream_proof proof)
{
	if (s->state != CW_STREAM_NEGOTIATING && s->state != CW_STREAM_OPEN)
		return;
	s->proof = proof;
	cw_stream_enter(s, CW_STREAM_ESTABLISHED);
	s->step_ms = s->authenticate_ms = 0;
	s->last_stanza_ms = s->last_heard_ms = cw_loop_now_ms(s->xmpp->loop);
	cw_connection_admit(s->connection);
	cw_xmpp_parser_set_authenticated(s->parser);
	(*s->xmpp->counters.established)++;
	log_stream(s, "established");
	watch_tls(s);
	cw_tap_say(s->xmpp->tap, cw_stream_partner(s), "stanzas may flow %s: proved by %s",
		s->is_component  ? "between it and the own server"
		: s->is_incoming ? "to us"
				 : "to the partner",
		cw_stream_proof_name(proof));
	cw_stream_confirm_begin(s);
	cw_stream_time_arm(s);
}

/* ---- the end ---- */

/* Nothing is read or sent any more but what is queued. */
void cw_stream_leave(struct cw_stream *s)
{
	if (s->state == CW_STREAM_ENDED)
		return;
	cw_stream_enter(s, CW_STREAM_ENDED);
	cw_deferred_cancel(&s->again);
	cw_connection_close(s->connection);
}

void cw_stream_close(struct cw_stream *s, const char *why)
{
	if (s->state >= CW_STREAM_CLOSING)
		return;
	cw_stream_set_reason(s, why);
	cw_tap_say(s->xmpp->tap, cw_stream_partner(s), "we close the stream: %s", why);
	if (s->state == CW_STREAM_CONNECTING || !cw_connection_is_open(s->connection)) {
		cw_stream_leave(s);
		return;
	}
	cw_stream_send(s, stream_end);
	cw_stream_enter(s, CW_STREAM_CLOSING);
	s->step_ms = cw_loop_now_ms(s->xmpp->loop) + CW_STREAM_CLOSE_MS;
	s->authenticate_ms = 0;
	cw_stream_time_arm(s);
	if (s->is_ended_by_peer)
		cw_stream_leave(s);
}

void cw_stream_fail(struct cw_stream *s, const char *condition, const char *text)
{
	if (s->state >= CW_STREAM_CLOSING)
		return;
	cw_stream_set_reason(s, text ? text : condition);
	cw_tap_say(s->xmpp->tap, cw_stream_partner(s), "we end the stream, %s: %s", condition,
		text ? text : "");
	cw_negotiation_write_error(&s->negotiation, condition, text);
	cw_stream_send(s, cw_buf_str(&s->negotiation.out));
	cw_buf_clear(&s->negotiation.out);
	cw_stream_leave(s);
}

void cw_stream_abort(struct cw_stream *s, const char *why)
{
	cw_stream_set_reason(s, why);
	cw_stream_leave(s);
}

void cw_stream_release_feeders(struct cw_stream *s)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &s->feeders)
	{
		struct cw_stream *feeder = cw_container_of(pos, struct cw_stream, feeding);

		cw_list_remove(&feeder->feeding);
		if (--feeder->paused > 0)
			continue;
		/* what the stream holds comes before the end that may wait in the connection */
		cw_loop_defer(feeder->xmpp->loop, &feeder->again);
		if (feeder->connection)
			cw_connection_resume(feeder->connection);
	}
}

static void destroy(struct cw_stream *s)
{
	cw_stream_release_feeders(s);
	cw_list_remove(&s->feeding);
	cw_list_remove(&s->link);
	cw_table_remove(&s->xmpp->pings, &s->ping);
	cw_deferred_cancel(&s->again);
	cw_timer_destroy(s->timer);
	cw_xmpp_parser_destroy(s->parser);
	cw_negotiation_finish(&s->negotiation);
	cw_dialback_pairs_finish(&s->pairs);
	cw_xmpp_acknowledgement_finish(&s->ack);
	free(s->ping_from);
	free(s->ping_to);
	free(s->reason);
	free(s);
}

void cw_stream_close_all(struct cw_xmpp *x, const char *why)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &x->streams)
		cw_stream_close(cw_container_of(pos, struct cw_stream, link), why);
}

void cw_stream_abandon(struct cw_stream *s)
{
	if (s->connection)
		cw_connection_abandon(s->connection);
	destroy(s);
}

/* Words for an end that nobody on our side asked for. */
static void describe_end(struct cw_stream *s, enum cw_connection_end end, const char *detail)
{
	static const char *const words[] = {
		[CW_END_CLOSED] = "closed",
		[CW_END_PEER] = "the partner closed the connection",
		[CW_END_LOST] = "the connection was lost",
		[CW_END_REFUSED] = "cannot connect",
		[CW_END_HANDSHAKE] = "the TLS handshake failed",
		[CW_END_CONNECT_TIMEOUT] = "cannot connect: no answer",
		[CW_END_HANDSHAKE_TIMEOUT] = "the TLS handshake took too long",
		[CW_END_DEADLINE] = "a deadline passed",
		[CW_END_IDLE] = "idle",
		[CW_END_OVERFLOW] = "too much input",
		[CW_END_FULL] = "the partner does not read what it is sent",
	};
	char text[CW_XMPP_REFUSAL_MAX];

	snprintf(text, sizeof(text), "%s%s%s", words[end], *detail ? ": " : "", detail);
	cw_stream_set_reason(s, text);
}

void cw_stream_on_closed(
	struct cw_connection *c, void *arg, enum cw_connection_end end, const char *detail)
{
	struct cw_stream *s = arg;
	bool was_established = s->proof != CW_STREAM_UNPROVED;

	(void)c;
	s->end = end;
	describe_end(s, end, detail);
	if (s->state != CW_STREAM_ENDED)
		cw_stream_enter(s, CW_STREAM_ENDED);
	if (!was_established && !s->was_open)
		(*s->xmpp->counters.failed)++;
	log_stream(s, was_established || s->was_open ? "closed" : "failed");
	cw_tap_say(s->xmpp->tap, cw_stream_partner(s), "the stream %s %s ended: %s",
		s->is_incoming ? "from" : "to", s->remote_text, s->reason);
	s->owner->closed(s);
	s->connection = NULL;
	destroy(s);
}

/* ---- out ---- */

void cw_stream_send(struct cw_stream *s, struct cw_str bytes)
{
	if (bytes.len == 0 || s->state >= CW_STREAM_CLOSING)
		return; /* nothing follows our end (RFC 6120, 4.4) */
	s->bytes_out += bytes.len;
	if (cw_connection_send(s->connection, bytes))
		cw_stream_abort(s, "what it is to be sent does not fit its queue");
}

bool cw_stream_is_full(const struct cw_stream *s)
{
	return cw_connection_is_full(s->connection) || cw_xmpp_acknowledgement_is_full(&s->ack);
}

int cw_stream_send_stanza(struct cw_stream *s, const struct cw_stream_parcel *parcel)
{
	uint64_t now_ms = cw_loop_now_ms(s->xmpp->loop);
	int r;

	if (s->state != CW_STREAM_ESTABLISHED)
		return -EPIPE;
	if (cw_stream_is_full(s))
		return -ENOBUFS;
	r = cw_xmpp_acknowledgement_add(&s->ack, &parcel->answerable, parcel->trace,
		parcel->has_fate ? s->xmpp : NULL, parcel->bytes.len, now_ms);
	if (r)
		return r;
	if (parcel->has_fate)
		s->xmpp->n_unconfirmed++;
	s->stanzas_out++;
	s->last_stanza_ms = now_ms;
	cw_stream_send(s, parcel->bytes);
	cw_stream_confirm_sent(s);
	return 0;
}

void cw_stream_hold_up(struct cw_stream *s, struct cw_stream *source)
{
	if (!cw_list_empty(&source->feeding) || source->state == CW_STREAM_ENDED)
		return;
	cw_list_append(&s->feeders, &source->feeding);
	if (source->paused++ == 0)
		cw_connection_pause(source->connection);
}

void cw_stream_on_drained(struct cw_connection *c, void *arg)
{
	struct cw_stream *s = arg;

	(void)c;
	if (cw_stream_is_full(s))
		return;
	cw_stream_release_feeders(s);
	if (s->state == CW_STREAM_ESTABLISHED)
		s->owner->drained(s);
}

/* ---- beginning ---- */

const struct cw_connection_handler cw_stream_connection_handler = {
	.opened = cw_stream_on_opened,
	.received = cw_stream_on_received,
	.drained = cw_stream_on_drained,
	.closed = cw_stream_on_closed,
};

static struct cw_stream *create(struct cw_xmpp *x, const struct cw_stream_owner *owner)
{
	struct cw_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	cw_list_init(&s->claims);
	cw_list_init(&s->feeders);
	cw_list_init(&s->feeding);
	cw_dialback_pairs_init(&s->pairs);
	cw_xmpp_acknowledgement_init(&s->ack);
	cw_deferred_init(&s->again, cw_stream_go_on, s);
	s->xmpp = x;
	s->owner = owner;
	s->serial = ++x->last_serial;
	s->since_ms = cw_loop_now_ms(x->loop);
	cw_list_append(&x->streams, &s->link);
	if (cw_timer_create(&s->timer, x->loop, cw_stream_on_timer, s) == 0)
		return s;
	destroy(s);
	return NULL;
}

struct cw_stream *cw_stream_accept(struct cw_xmpp *x, struct cw_connection *connection,
	bool is_direct_tls, const struct cw_stream_owner *owner)
{
	struct cw_stream *s = create(x, owner);
	struct cw_negotiation_settings settings = {
		.role = CW_NEGOTIATION_RECEIVING,
		.is_secure = is_direct_tls,
		.can_tls = *x->tls != NULL,
	};

	if (!s)
		return NULL;
	s->is_incoming = true;
	s->connection = connection;
	cw_address_format(cw_connection_remote(connection), s->remote_text);
	if (cw_negotiation_init(&s->negotiation, &settings) != 0) {
		destroy(s);
		return NULL;
	}
	(*x->counters.streams_in)++;
	return s;
}

int cw_stream_dial(struct cw_stream **out, struct cw_xmpp *x, const struct cw_stream_dial *how)
{
	struct cw_negotiation_settings settings = {
		.role = CW_NEGOTIATION_INITIATING,
		.is_secure = how->is_direct_tls,
		.can_tls = *x->tls != NULL,
		.we_have_certificate = *x->tls && cw_tls_has_certificate_for(*x->tls, how->local),
		.local = how->local,
		.remote = how->remote,
		.terms = how->terms,
	};
	struct cw_connection_dial dial = {
		.address = how->address,
		.tls = how->is_direct_tls ? *x->tls : NULL,
		.demand = CW_TLS_ANY_PEER,
		.local_name = how->local,
		.server_name = how->remote,
		.connect_timeout_ms = how->connect_timeout_ms,
		.idle_ms = UINT_MAX, /* what is idle is for the stream to say */
		.full_ms = CW_XMPP_FULL_MS,
	};
	struct cw_stream *s = create(x, how->owner);
	int r = s ? cw_negotiation_init(&s->negotiation, &settings) : -ENOMEM;

	if (r)
		goto fail;
	s->owner_arg = how->owner_arg;
	s->is_component = how->is_component;
	s->negotiation.is_header_sent =
		how->is_component; /* its own, before anything can go wrong */
	cw_address_format(&how->address, s->remote_text);
	r = cw_connection_dial(&s->connection, x->loop, &dial, &cw_stream_connection_handler, s);
	if (r)
		goto fail;
	(*x->counters.streams_out)++;
	cw_tap_say(x->tap, how->remote, "we connect to %" CW_STR_FMT " at %s%s",
		CW_STR_ARG(how->host), s->remote_text,
		how->is_direct_tls ? ", TLS from the first byte" : "");
	*out = s;
	return 0;

fail:
	if (s)
		destroy(s);
	return r;
}
