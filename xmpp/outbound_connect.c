/* From a domain to a stream: candidates (routes, DNS), their addresses, one after the other; and what goes on in that stream. */
#include "core/log.h"
#include "xmpp/delivery.h"
#include "xmpp/inbound.h"
#include "xmpp/outbound_private.h"
#include "xmpp/outcome.h"
#include "xmpp/verification.h"

#include <stdio.h>
#include <stdlib.h>

static const struct cw_stream_owner owner;
static void try_next(struct cw_outbound *o);

/* ---- terms ---- */

/* Whether every peer of the zone is given by address: then the address is what it is known by. */
static bool is_known_by_address(const struct cw_zone *zone)
{
	struct cw_address address;

	for (size_t i = 0; i < zone->n_verify; i++)
		if (cw_address_make(&address, zone->verify[i], 0) != 0)
			return false;
	return true;
}

bool cw_outbound_refresh_terms(struct cw_outbound *o)
{
	const struct cw_xmpp_policy *policy = o->xmpp->setup->policy;
	const struct cw_zone *zone = cw_outbound_zone(o);
	struct cw_str remote = cw_str_of(o->remote);
	const struct cw_xmpp_terms *terms = NULL;

	/* where there are none: the strictest, and nothing of a configuration that goes */
	o->terms = (struct cw_xmpp_terms){0};
	if (!policy)
		return false;
	if (!o->zone_name || (zone && zone == cw_xmpp_policy_inside(policy) &&
				     cw_xmpp_policy_is_local(policy, remote)))
		terms = cw_xmpp_policy_terms(policy, remote);
	else if (zone)
		terms = cw_xmpp_policy_zone_terms(policy, zone);
	if (!terms)
		return false;
	o->terms = *terms;
	if (zone && is_known_by_address(zone))
		o->terms.certificates = CW_XMPP_ANY;
	return true;
}

/* ---- the end of all tries ---- */

static void set_error(struct cw_outbound *o, const char *why)
{
	free(o->last_error);
	o->last_error = cw_str_dup(cw_str_of(why));
}

static void give_up(struct cw_outbound *o)
{
	uint64_t now_ms = cw_loop_now_ms(o->xmpp->loop);

	o->state = CW_OUTBOUND_FAILED;
	cw_list_remove(&o->failure);
	cw_list_append(&o->xmpp->failures, &o->failure);
	o->is_renewing = o->is_second_try = false;
	o->failed_ms = now_ms;
	o->pause_ms = o->pause_ms ? o->pause_ms * 2 : CW_OUTBOUND_RETRY_MIN_MS;
	if (o->pause_ms > CW_OUTBOUND_RETRY_MAX_MS)
		o->pause_ms = CW_OUTBOUND_RETRY_MAX_MS;
	o->retry_ms = now_ms + o->pause_ms;
	cw_warn("xmpp.server", cw_kz("event", "unreachable"), CW_XMPP_MODULE,
		cw_kz("partner", o->remote), cw_kz("local", o->local), cw_kz("zone", o->zone_name),
		cw_kz("why", o->last_error), cw_ki("retry_ms", o->pause_ms));
	cw_tap_say(o->xmpp->tap, cw_str_of(o->remote), "no server could be reached: %s",
		o->last_error);
	cw_outbound_go(o); /* which answers what waits */
}

/* ---- finding ---- */

static void on_addresses(void *arg, const struct cw_dns_answer *answer)
{
	struct cw_outbound *o = arg;
	size_t n = answer->n_addresses;

	o->resolving = NULL;
	o->next_address = 0;
	o->n_addresses = n < CW_OUTBOUND_ADDRESSES_MAX ? n : CW_OUTBOUND_ADDRESSES_MAX;
	for (size_t i = 0; i < o->n_addresses; i++)
		o->addresses[i] = answer->addresses[i];
	if (answer->status != CW_DNS_OK || n == 0) {
		o->n_addresses = 0;
		set_error(o, "its server's name has no address in DNS");
	}
	try_next(o);
}

static void on_servers(void *arg, enum cw_xmpp_servers_status status,
	const struct cw_xmpp_servers *servers, const char *detail)
{
	struct cw_outbound *o = arg;

	o->locating = NULL;
	o->was_not_found = status == CW_XMPP_SERVERS_NOT_FOUND;
	if (status != CW_XMPP_SERVERS_FOUND) {
		set_error(o, detail);
		give_up(o);
		return;
	}
	o->servers = *servers;
	o->state = CW_OUTBOUND_CONNECTING;
	try_next(o);
}

void cw_outbound_connect(struct cw_outbound *o)
{
	const struct cw_zone *zone = cw_outbound_zone(o);

	cw_list_remove(&o->failure);
	o->next_server = 0;
	o->n_addresses = o->next_address = 0;
	o->was_not_found = o->was_untrusted = false;
	if (!cw_outbound_refresh_terms(o)) {
		set_error(o, "the zone is not there any more");
		give_up(o);
	} else if (!zone && cw_xmpp_policy_is_local(o->xmpp->setup->policy, cw_str_of(o->remote))) {
		set_error(o, "it is a name of our own, which the federation does not lead to");
		give_up(o);
	} else {
		o->state = CW_OUTBOUND_LOCATING;
		if (cw_xmpp_servers_find(&o->locating, o->xmpp->loop, o->xmpp->dns,
			    cw_str_of(o->remote), &o->terms, on_servers, o) == 0)
			return;
		set_error(o, "out of memory");
		give_up(o);
	}
}

void cw_outbound_connect_cancel(struct cw_outbound *o)
{
	cw_xmpp_servers_cancel(o->locating);
	cw_dns_cancel(o->resolving);
	o->locating = NULL;
	o->resolving = NULL;
}

/* ---- dialling ---- */

static bool dial(struct cw_outbound *o, const struct cw_address *address)
{
	const struct cw_xmpp_server *server = &o->servers.items[o->next_server - 1];
	const struct cw_zone *zone = cw_outbound_zone(o);
	struct cw_stream_dial how = {
		.address = *address,
		.host = cw_str_of(server->host),
		.is_direct_tls = server->is_direct_tls,
		.local = cw_str_of(o->local),
		.remote = cw_str_of(o->remote),
		.terms = &o->terms,
		.connect_timeout_ms = zone ? zone->connect_timeout_ms : CW_OUTBOUND_CONNECT_MS,
		.owner = &owner,
		.owner_arg = o,
	};

	if (server->is_direct_tls && !*o->xmpp->tls) {
		set_error(o, "we have no certificate for TLS");
		return false;
	}
	if (cw_stream_dial(&o->stream, o->xmpp, &how) != 0) {
		o->stream = NULL;
		set_error(o, "no socket could be had");
		return false;
	}
	snprintf(o->stream->zone, sizeof(o->stream->zone), "%s",
		o->zone_name ? o->zone_name : "federation");
	o->stream->idle_ms = o->terms.idle_timeout_ms;
	o->stream->is_inside = cw_outbound_is_to_inside(o);
	return true;
}

/* The next address of this candidate, else the next candidate, else none is left. */
static void try_next(struct cw_outbound *o)
{
	const struct cw_xmpp_server *server;

	if (!cw_outbound_is_wanted(o)) {
		o->state = CW_OUTBOUND_IDLE; /* all that waited ran out of time */
		return;
	}
	while (o->next_address < o->n_addresses)
		if (dial(o, &o->addresses[o->next_address++]))
			return;
	if (o->next_server >= o->servers.count) {
		give_up(o);
		return;
	}
	server = &o->servers.items[o->next_server++];
	if (cw_dns_addresses(&o->resolving, o->xmpp->dns, cw_str_of(server->host), server->port,
		    on_addresses, o) != 0) {
		set_error(o, "out of memory");
		give_up(o);
	}
}

/* ---- the stream ---- */

static void on_open(struct cw_stream *s)
{
	struct cw_outbound *o = s->owner_arg;

	o->state = CW_OUTBOUND_UP;
	cw_stream_await_none(s);
	cw_outbound_flush(o);
}

/* A proof of ours was accepted: stanzas may leave. */
static void begin(struct cw_outbound *o, struct cw_str local, enum cw_stream_proof proof)
{
	struct cw_stream *s = o->stream;

	o->state = CW_OUTBOUND_UP;
	o->pause_ms = 0;
	o->is_renewing = o->is_second_try = false;
	free(o->last_error);
	o->last_error = NULL;
	cw_stream_set_ping(s, local, cw_str_of(o->remote));
	cw_stream_establish(s, proof);
	cw_outbound_flush(o);
}

static void on_proved(struct cw_stream *s)
{
	struct cw_outbound *o = s->owner_arg;
	struct cw_str local = cw_str_of(s->negotiation.local);

	if (cw_dialback_pairs_add(&s->pairs, local, cw_str_of(o->remote)) != 0) {
		cw_stream_abort(s, "out of memory");
		return;
	}
	begin(o, local, CW_STREAM_BY_EXTERNAL);
}

/* The answer to one of our claims. Names stand in it as we wrote them, prepared. */
static void on_claim_answer(struct cw_outbound *o, const struct cw_dialback_element *e)
{
	struct cw_stream *s = o->stream;
	bool is_valid = e->type == CW_DIALBACK_VALID;
	char why[CW_XMPP_REFUSAL_MAX];

	if (!cw_str_eq(e->from, cw_str_of(o->remote)) ||
		cw_dialback_pairs_settle(&s->pairs, e->to, e->from, is_valid) != 0) {
		cw_warn("xmpp.dialback", cw_kz("event", "unasked-answer"), CW_XMPP_MODULE,
			cw_kz("partner", o->remote), cw_kz("remote", s->remote_text));
		return;
	}
	if (is_valid) {
		begin(o, e->to, CW_STREAM_BY_DIALBACK);
		return;
	}
	snprintf(why, sizeof(why), "the partner does not accept our dialback: %s%.*s",
		e->type == CW_DIALBACK_INVALID ? "invalid" : "error ",
		e->condition.len < 60 ? (int)e->condition.len : 60,
		e->condition.p ? e->condition.p : "");
	set_error(o, why);
	cw_tap_say(o->xmpp->tap, cw_str_of(o->remote), "%s", why);
	o->was_untrusted = true;
	cw_outbound_fail(o, CW_REASON_UNTRUSTED, CW_XMPP_REMOTE_SERVER_TIMEOUT, why);
	if (s->pairs.n_valid == 0 && s->pairs.n_pending == 0)
		cw_stream_close(s, why);
}

static void on_dialback(struct cw_stream *s, const struct cw_xmpp_element *element)
{
	struct cw_outbound *o = s->owner_arg;
	struct cw_dialback_element e;

	if (cw_dialback_read(&e, element) != 0) {
		cw_stream_fail(s, "bad-format", "a dialback element that cannot be read");
		return;
	}
	switch (e.kind) {
	case CW_DIALBACK_CLAIM_ANSWER:
		on_claim_answer(o, &e);
		break;
	case CW_DIALBACK_VERIFY_ANSWER:
		cw_verification_answered(o, &e);
		break;
	case CW_DIALBACK_CLAIM:
	case CW_DIALBACK_VERIFY:
		cw_stream_fail(s, "unsupported-stanza-type",
			"a dialback request on a stream that we opened");
		break;
	}
}

/* A stanza on a stream that we opened: only where both agreed on that, and its certificate proved who the peer is. */
static void on_stanza(struct cw_stream *s, const struct cw_xmpp_stanza *stanza)
{
	struct cw_outbound *o = s->owner_arg;

	if (!s->negotiation.is_bidi || s->state != CW_STREAM_ESTABLISHED ||
		!cw_xmpp_certificate_proves(
			&o->terms, &s->negotiation.facts, cw_str_of(o->remote))) {
		cw_stream_fail(s, "not-authorized", "a stanza on a stream that goes one way");
		return;
	}
	cw_inbound_take(s, stanza, cw_str_of(o->remote), cw_str_of(s->negotiation.local));
}

static void on_drained(struct cw_stream *s)
{
	cw_outbound_go(s->owner_arg);
}

/* Made anew at once: something waits, or the peer has closed it in the middle of its use. */
static bool is_to_be_renewed(const struct cw_outbound *o, const struct cw_stream *s)
{
	uint64_t now_ms = cw_loop_now_ms(o->xmpp->loop);

	if (o->xmpp->stopping)
		return false;
	return cw_outbound_is_wanted(o) ||
	       (s->is_ended_by_peer && s->stanzas_out > 0 &&
		       now_ms < s->last_stanza_ms + CW_OUTBOUND_RECENT_MS);
}

static void on_closed(struct cw_stream *s)
{
	struct cw_outbound *o = s->owner_arg;
	bool was_up = s->proof != CW_STREAM_UNPROVED;

	o->stream = NULL;
	if (o->xmpp->stopping) {
		cw_outcome_end_stream(s);
		return;
	}
	if (s->end == CW_END_HANDSHAKE || s->negotiation.state == CW_NEGOTIATION_FAILED)
		o->was_untrusted = true;
	if (!was_up || !s->is_ended_by_peer)
		set_error(o, s->reason);
	cw_outcome_end_stream(s);
	cw_verification_unsent(o);
	if (!was_up && o->state == CW_OUTBOUND_CONNECTING) {
		try_next(o);
		return;
	}
	o->state = CW_OUTBOUND_IDLE;
	if (!was_up && o->was_untrusted && !cw_outbound_is_wanted(o)) {
		give_up(o);
	} else if (!was_up && s->is_ended_by_peer && cw_outbound_is_wanted(o) &&
		   !o->is_second_try) {
		/* a stream that only asked questions was given up as the first stanza came for it */
		o->is_second_try = true;
		cw_outbound_connect(o);
	} else if (!was_up && cw_outbound_is_wanted(o)) {
		/* dialback was not done: another server of the domain may be better */
		o->state = CW_OUTBOUND_CONNECTING;
		try_next(o);
	} else if (is_to_be_renewed(o, s)) {
		o->is_renewing = true;
		cw_outbound_connect(o);
	}
}

static const struct cw_stream_owner owner = {
	.open = on_open,
	.proved = on_proved,
	.dialback = on_dialback,
	.stanza = on_stanza,
	.confirmed = cw_outcome_confirmed,
	.drained = on_drained,
	.closed = on_closed,
};
