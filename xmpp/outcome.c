#include "xmpp/outcome.h"

#include "core/log.h"
#include "relay/relay.h"
#include "xmpp/relay.h"
#include "xmpp/stack.h"

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
	cw_xmpp_relay_answer(x, a, condition, why);
}

void cw_outcome_book(struct cw_xmpp *x, const struct cw_outcome *o)
{
	record(x, o->answerable, o->trace, o->zone, cw_relay_fate(o->reason), o->why);
	if (o->reason != CW_REASON_DELIVERED)
		answer(x, o->answerable, o->condition, o->why);
	cw_xmpp_settled(x);
}

void cw_outcome_confirmed(struct cw_xmpp *x, const char *zone, const struct cw_xmpp_unconfirmed *u)
{
	if (!u->source)
		return;
	x->n_unconfirmed--;
	record(x, &u->answerable, u->trace, zone, CW_FATE_DELIVERED, NULL);
	cw_xmpp_settled(x);
}

void cw_outcome_unknown(struct cw_xmpp *x, const char *zone, const struct cw_xmpp_unconfirmed *u,
	enum cw_xmpp_condition condition, const char *why)
{
	if (!u->source)
		return;
	x->n_unconfirmed--;
	record(x, &u->answerable, u->trace, zone, CW_FATE_UNKNOWN, why);
	answer(x, &u->answerable, condition, why);
	cw_xmpp_settled(x);
}
