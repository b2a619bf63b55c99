#include "xmpp/inbound.h"

#include "core/log.h"
#include "xmpp/certificate.h"
#include "xmpp/claim.h"
#include "xmpp/jid.h"
#include "xmpp/outbound.h"
#include "xmpp/outcome.h"
#include "xmpp/parser.h"
#include "xmpp/relay.h"
#include "xmpp/stack.h"

#include <stdio.h>

#define ROOM_BYTES                                                                                 \
	8192 /* for the prepared addresses of a stanza, in most cases without an allocation */

/* ---- who it is ---- */

static bool is_peers_address(const struct cw_zone *zone, const struct cw_address *remote)
{
	struct cw_address peer;

	for (size_t i = 0; i < zone->n_peers; i++)
		if (cw_address_make(&peer, zone->peers[i].host, 0) == 0 &&
			cw_address_same_host(&peer, remote))
			return true;
	return false;
}

/* Whether the peer is the own server: by a certificate that is trusted and names it, or by the address that the zone gives it. */
static void find_out_inside(struct cw_stream *s)
{
	const struct cw_xmpp_policy *policy = s->xmpp->setup->policy;
	const struct cw_zone *zone = cw_xmpp_policy_inside(policy);
	struct cw_xmpp_terms terms = {0};
	const struct cw_str nobody = {NULL, 0};

	s->is_inside = false;
	if (!zone)
		return;
	terms.certificate_names = zone->verify;
	terms.n_certificate_names = zone->n_verify;
	if (zone->n_verify > 0 && cw_xmpp_certificate_proves(&terms, &s->negotiation.facts, nobody))
		s->inside_proof = CW_STREAM_BY_CERTIFICATE;
	else if (is_peers_address(zone, cw_connection_remote(s->connection)))
		s->inside_proof = CW_STREAM_BY_ADDRESS;
	else
		return;
	s->is_inside = true;
}

/* In clear nobody has shown a certificate yet: who claims a local name gets TLS, and nothing else, to do so. */
static bool may_become_inside(const struct cw_stream *s, struct cw_str remote)
{
	const struct cw_xmpp_policy *policy = s->xmpp->setup->policy;
	const struct cw_zone *zone = cw_xmpp_policy_inside(policy);

	return zone && zone->n_verify > 0 && !s->negotiation.facts.is_secure &&
	       cw_xmpp_policy_is_local(policy, remote);
}

static void set_zone(struct cw_stream *s, const char *name)
{
	snprintf(s->zone, sizeof(s->zone), "%s", name);
}

static const struct cw_xmpp_terms *on_header(
	struct cw_stream *s, struct cw_str local, struct cw_str remote)
{
	const struct cw_xmpp_policy *policy = s->xmpp->setup->policy;

	if (!policy || local.len == 0 || s->xmpp->stopping)
		return NULL;
	find_out_inside(s);
	if (!s->is_inside && may_become_inside(s, remote)) {
		s->own_terms = *cw_xmpp_policy_inside_terms(policy);
		s->own_terms.security = CW_XMPP_REQUIRED;
	} else if (s->is_inside) {
		set_zone(s, cw_xmpp_policy_inside(policy)->name.p);
		s->own_terms = *cw_xmpp_policy_inside_terms(policy);
		if (cw_xmpp_policy_is_local(policy, remote))
			s->own_terms = *cw_xmpp_policy_terms(policy, remote);
		if (s->inside_proof == CW_STREAM_BY_ADDRESS)
			s->own_terms.certificates = CW_XMPP_ANY;
	} else if (cw_xmpp_policy_is_local(policy, local)) {
		set_zone(s, "federation");
		/* somebody who claims a name of ours is not the inside: its terms are not for him */
		s->own_terms = cw_xmpp_policy_is_local(policy, remote)
				       ? *cw_xmpp_policy_general_terms(policy)
				       : *cw_xmpp_policy_terms(policy, remote);
		s->negotiation.is_remote_refused = cw_xmpp_policy_refusal(policy, remote) != NULL;
	} else {
		return NULL;
	}
	s->idle_ms = s->own_terms.idle_timeout_ms;
	return &s->own_terms;
}

static void on_open(struct cw_stream *s)
{
	cw_stream_await_none(s); /* until somebody is authenticated, another deadline runs */
}

static void on_proved(struct cw_stream *s)
{
	struct cw_str local = cw_str_of(s->negotiation.local);
	struct cw_str remote = cw_str_of(s->negotiation.remote);
	char room[CW_XMPP_REFUSAL_MAX];
	const char *why = cw_claim_refusal(s, local, remote, room);

	if (why) {
		cw_stream_fail(s, "policy-violation", why);
		return;
	}
	if (cw_dialback_pairs_add(&s->pairs, remote, local) != 0) {
		cw_stream_abort(s, "out of memory");
		return;
	}
	cw_stream_await_none(s);
	cw_stream_establish(s, CW_STREAM_BY_EXTERNAL);
	if (s->negotiation.is_bidi && !s->is_inside)
		cw_outbound_borrow(s, local, remote);
}

/* ---- stanzas ---- */

static void refuse_stanza(struct cw_stream *s, const char *condition, const char *why)
{
	(*s->xmpp->counters.refused_stanzas)++;
	cw_warn("xmpp.stanza", cw_kz("event", "refused"), CW_XMPP_MODULE,
		cw_ks("partner", cw_stream_partner(s)), cw_kz("remote", s->remote_text),
		cw_kz("condition", condition), cw_kz("why", why));
	cw_stream_fail(s, condition, why);
}

/* Whether the stanza's domains are a pair that is proved on the stream. */
static bool is_proved(struct cw_stream *s, struct cw_str from, struct cw_str to,
	struct cw_str remote, struct cw_str local)
{
	if (remote.p)
		return cw_str_eq(from, remote) && cw_str_eq(to, local);
	return cw_dialback_pairs_state(&s->pairs, from, to) == CW_PAIR_VALID;
}

/* Its domains, prepared. Returns: whether both could be. */
static bool prepare_domains(const struct cw_xmpp_stanza *stanza, struct cw_arena *arena,
	struct cw_str *from, struct cw_str *to)
{
	return cw_jid_prepare_domain(from, cw_jid_raw_domain(stanza->from), arena) == 0 &&
	       cw_jid_prepare_domain(to, cw_jid_raw_domain(stanza->to), arena) == 0;
}

/* What was sent before the peer saw our end is still good (RFC 6120, 4.4). */
static bool takes_stanzas(const struct cw_stream *s)
{
	return s->state == CW_STREAM_ESTABLISHED ||
	       (s->state == CW_STREAM_CLOSING && s->proof != CW_STREAM_UNPROVED);
}

void cw_inbound_take(struct cw_stream *s, const struct cw_xmpp_stanza *stanza, struct cw_str remote,
	struct cw_str local)
{
	char room[ROOM_BYTES];
	struct cw_arena arena;
	struct cw_str from_domain, to_domain;
	struct cw_jid from, to;

	cw_arena_init_in(&arena, room, sizeof(room), 0);
	if (!takes_stanzas(s))
		refuse_stanza(s, "not-authorized", "a stanza before anybody was proved");
	else if (!prepare_domains(stanza, &arena, &from_domain, &to_domain))
		refuse_stanza(s, "improper-addressing",
			"a stanza without from or to, or one whose domain is none");
	else if (!is_proved(s, from_domain, to_domain, remote, local))
		refuse_stanza(s, "invalid-from", "its domains are not proved on this stream");
	else if (cw_jid_prepare(&from, stanza->from, &arena) != 0 ||
		 cw_jid_prepare(&to, stanza->to, &arena) != 0)
		cw_xmpp_relay_malformed(s, stanza); /* one user's name is no fault of all others */
	else
		cw_xmpp_relay_stanza(s, stanza, &from, &to);
	cw_arena_finish(&arena);
}

static void on_stanza(struct cw_stream *s, const struct cw_xmpp_stanza *stanza)
{
	const struct cw_str any = {NULL, 0};

	cw_inbound_take(s, stanza, any, any);
}

/* ---- the rest ---- */

static void on_drained(struct cw_stream *s)
{
	cw_outbound_drained(s);
}

static void on_closed(struct cw_stream *s)
{
	cw_claim_forget(s);
	cw_outbound_forget(s);
	cw_outcome_end_stream(s);
}

/* ---- reload ---- */

struct check {
	struct cw_stream *stream;
	const char *why;
	char room[CW_XMPP_REFUSAL_MAX];
};

/* One that pends, too: nobody looks at it again when it is proved. */
static void check_pair(void *arg, struct cw_str from, struct cw_str to, enum cw_pair_state state)
{
	struct check *c = arg;

	(void)state;
	if (!c->why)
		c->why = cw_claim_refusal(c->stream, to, from, c->room);
}

void cw_inbound_reload(struct cw_stream *s)
{
	struct check c = {.stream = s};

	if (s->state == CW_STREAM_CLOSING)
		cw_stream_abort(s, "another configuration"); /* what still comes is not judged */
	if (s->state == CW_STREAM_ENDED || !s->negotiation.local)
		return; /* or it has said nothing yet that could be judged */
	if (!on_header(s, cw_str_of(s->negotiation.local), cw_str_of(s->negotiation.remote))) {
		cw_stream_fail(s, "host-gone", "the configuration has no such name any more");
		return;
	}
	cw_dialback_pairs_each(&s->pairs, check_pair, &c);
	if (c.why)
		cw_stream_fail(s, "policy-violation", c.why);
}

const struct cw_stream_owner cw_inbound_owner = {
	.header = on_header,
	.open = on_open,
	.proved = on_proved,
	.dialback = cw_claim_element,
	.stanza = on_stanza,
	.confirmed = cw_outcome_confirmed,
	.drained = on_drained,
	.closed = on_closed,
};
