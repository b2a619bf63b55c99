#include "xmpp/outcome.h"

#include "core/log.h"
#include "relay/relay.h"
#include "xmpp/answer.h"
#include "xmpp/stack.h"
#include "xmpp/stream.h"

static const char *const kind_names[] = {
	[CW_XMPP_MESSAGE] = "message",
	[CW_XMPP_PRESENCE] = "presence",
	[CW_XMPP_IQ] = "iq",
};

static void record(struct cw_xmpp *x, const struct cw_xmpp_answerable *a, const char *trace,
	const char *zone, enum cw_fate fate, const char *why)
{
	const struct cw_log_field no_why = {0};

	cw_fates_book(&x->fates, fate);
	cw_info("xmpp.stanza", cw_kz("event", "fate"), CW_XMPP_MODULE, cw_kz("trace", trace),
		cw_kz("kind", kind_names[a->kind]), cw_ks("from", a->from), cw_ks("to", a->to),
		cw_kz("zone", zone), cw_kz("fate", cw_fate_name(fate)),
		why ? cw_kz("why", why) : no_why);
}

static void answer(struct cw_xmpp *x, const struct cw_xmpp_answerable *a,
	enum cw_xmpp_condition condition, const char *why)
{
	if (!cw_xmpp_is_answerable(a))
		return;
	(*x->counters.bounced)++;
	cw_answer_send(x, a, condition, why);
}

void cw_outcome_book(struct cw_xmpp *x, const struct cw_outcome *o)
{
	record(x, o->answerable, o->trace, o->zone, cw_relay_fate(o->reason), o->why);
	if (o->reason != CW_REASON_DELIVERED)
		answer(x, o->answerable, o->condition, o->why);
	cw_xmpp_settled(x);
}

void cw_outcome_confirmed(struct cw_stream *s, const struct cw_xmpp_unconfirmed *u)
{
	if (!u->source)
		return;
	s->xmpp->n_unconfirmed--;
	record(s->xmpp, &u->answerable, u->trace, s->zone, CW_FATE_DELIVERED, NULL);
	cw_xmpp_settled(s->xmpp);
}

static void end_unknown(
	struct cw_stream *s, const struct cw_xmpp_unconfirmed *u, enum cw_xmpp_condition condition)
{
	if (!u->source)
		return;
	s->xmpp->n_unconfirmed--;
	record(s->xmpp, &u->answerable, u->trace, s->zone, CW_FATE_UNKNOWN, s->reason);
	answer(s->xmpp, &u->answerable, condition, s->reason);
	cw_xmpp_settled(s->xmpp);
}

/* Whether the peer had stopped reading: TCP may notice that before we lose patience. */
static bool ended_full(const struct cw_stream *s)
{
	return s->end == CW_END_FULL || (s->connection && cw_connection_is_full(s->connection));
}

void cw_outcome_end_stream(struct cw_stream *s)
{
	enum cw_xmpp_condition condition =
		ended_full(s) ? CW_XMPP_RESOURCE_CONSTRAINT : CW_XMPP_REMOTE_SERVER_TIMEOUT;
	struct cw_xmpp_unconfirmed *u;

	while ((u = cw_xmpp_acknowledgement_take_any(&s->ack))) {
		end_unknown(s, u, condition);
		cw_xmpp_unconfirmed_free(u);
	}
}
