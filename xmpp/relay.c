#include "xmpp/relay.h"

#include "dialplan/alias.h"
#include "xmpp/component.h"
#include "xmpp/delivery.h"
#include "xmpp/outbound.h"
#include "xmpp/outcome.h"
#include "xmpp/stack.h"
#include "xmpp/start_tag.h"
#include "xmpp/stream.h"

#include <errno.h>

#define TRACE_HEX 16
/* Odd, so that numbers remain distinct, and large, so that ones that follow each other look different. */
#define TRACE_SPREAD UINT64_C(0x9e3779b97f4a7c15)
#define ROOM_BYTES   4096 /* for a decision, in most cases without an allocation */

/* A stanza on its way through. */
struct passage {
	struct cw_xmpp *xmpp;
	struct cw_stream *source; /* NULL: our own */
	const struct cw_xmpp_stanza *stanza;
	const struct cw_jid *from, *to;
	struct cw_xmpp_answerable answerable;
	char trace[CW_TRACE_ID_MAX];
	struct cw_arena arena;
	struct cw_str alias; /* that the rules are asked about */
	struct cw_plan plan;
	struct cw_target default_target;
	char room[ROOM_BYTES];
};

/* Every stanza has one: random bytes and printf would cost more than the decision on it. */
static void make_trace(struct passage *p)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t number = p->xmpp->next_trace++ * TRACE_SPREAD;

	for (size_t i = TRACE_HEX; i-- > 0; number >>= 4)
		p->trace[i] = digits[number & 15];
	p->trace[TRACE_HEX] = '\0';
}

static void end(
	struct passage *p, enum cw_reason reason, enum cw_xmpp_condition condition, const char *why)
{
	const struct cw_outcome outcome = {
		.answerable = &p->answerable,
		.trace = p->trace,
		.reason = reason,
		.condition = condition,
		.why = why,
	};

	cw_outcome_book(p->xmpp, &outcome);
}

/* ---- what is ours to take ---- */

/* The answer to a ping of ours, which came back from where the ping went. */
static bool is_ping_answer(struct cw_xmpp *x, const struct cw_xmpp_stanza *stanza,
	const struct cw_jid *from, const struct cw_jid *to)
{
	static const struct cw_str prefix = CW_STR(CW_STREAM_PING_PREFIX),
				   result = CW_STR("result"), error = CW_STR("error");

	if (stanza->kind != CW_XMPP_IQ || from->local.len || to->local.len ||
		!cw_str_starts(stanza->id, prefix) ||
		!(cw_str_eq(stanza->type, result) || cw_str_eq(stanza->type, error)))
		return false;
	cw_stream_ping_answered(x, stanza->id, from->domain, to->domain);
	return true;
}

/* ---- where to ---- */

/* Why a stanza may not pass at all; NULL: it may. */
static const char *refusal(const struct passage *p)
{
	const struct cw_xmpp_policy *policy = p->xmpp->setup->policy;

	if (!p->source->is_inside)
		return NULL; /* it was looked at when the pair was claimed */
	return cw_xmpp_policy_refusal(policy, p->to->domain);
}

/* Whether the sender wrote it as it is prepared. */
static bool is_written_prepared(const struct passage *p)
{
	const char *to = p->stanza->to.p, *domain = p->to->domain.p, *local = p->to->local.p;

	return domain >= to && domain < to + p->stanza->to.len &&
	       (!local || (local >= to && local < to + p->stanza->to.len));
}

/*
 * The bare address, prepared: what the rules are asked about.
 *
 * Returns: 0; -ENOMEM.
 */
static int make_alias(struct passage *p)
{
	static const struct cw_str at = CW_STR("@");
	struct cw_str parts[3] = {p->to->local, at, p->to->domain};

	if (is_written_prepared(p))
		return cw_alias_prepare_jid(&p->alias, p->stanza->to) == 0 ? 0 : -EINVAL;
	if (p->to->local.len == 0)
		return cw_arena_join(&p->arena, &p->alias, &parts[2], 1);
	return cw_arena_join(&p->arena, &p->alias, parts, 3);
}

static const struct cw_zone *source_zone(const struct passage *p)
{
	const struct cw_xmpp_setup *setup = p->xmpp->setup;

	if (p->source->is_component)
		return cw_component_zone(p->source);
	return p->source->is_inside ? cw_xmpp_policy_inside(setup->policy) : setup->zones[0];
}

/*
 * Without a rule: to the own server what is for a local name, else to the partner.
 *
 * Returns: whether there is such a way.
 */
static bool set_default_target(struct passage *p)
{
	const struct cw_xmpp_policy *policy = p->xmpp->setup->policy;
	bool is_local = cw_xmpp_policy_is_local(policy, p->to->domain);

	p->default_target.zone = is_local ? cw_xmpp_policy_inside(policy) : NULL;
	p->default_target.alias = p->plan.alias;
	p->plan.targets = &p->default_target;
	p->plan.n_targets = 1;
	return !is_local || p->default_target.zone;
}

/* Returns: 0; -ENOMEM and the like; the stanza has its fate when it is positive. */
static int decide(struct passage *p)
{
	static const char *const methods[] = {[CW_XMPP_MESSAGE] = "message",
		[CW_XMPP_PRESENCE] = "presence",
		[CW_XMPP_IQ] = "iq"};
	struct cw_request request = {
		.protocol = CW_PROTOCOL_XMPP,
		.variant = CW_VARIANT_STANDARD,
		.method = cw_str_of(methods[p->stanza->kind]),
		.from = source_zone(p),
	};
	int r = make_alias(p);

	if (r)
		return r;
	request.alias = p->alias;
	request.authenticated = request.from && request.from->trusted;
	r = cw_plan_decide(&p->plan, p->xmpp->setup->rules, &request, &p->arena);
	if (r)
		return r;
	switch (p->plan.decision) {
	case CW_DECISION_LIMIT:
		end(p, CW_REASON_REJECTED, CW_XMPP_INTERNAL_SERVER_ERROR, p->plan.limit_reason);
		return 1;
	case CW_DECISION_NO_RULE:
		if (set_default_target(p))
			break;
		end(p, CW_REASON_UNREACHABLE, CW_XMPP_SERVICE_UNAVAILABLE,
			"no zone is named by \"inside\"");
		return 1;
	case CW_DECISION_ROUTED:
		break;
	}
	return 0;
}

/* ---- the bytes ---- */

/* Where a target's alias is another than what the sender wrote: the new address, with the sender's resource. */
static int rewritten_to(struct passage *p, const struct cw_target *target, struct cw_str *out)
{
	size_t bare = cw_str_find(p->stanza->to, '/');
	struct cw_str parts[2] = {target->alias, cw_str_from(p->stanza->to, bare)};

	*out = (struct cw_str){NULL, 0};
	if (cw_str_eq(target->alias, p->alias))
		return 0;
	return cw_arena_join(&p->arena, out, parts, 2);
}

/* What an explicit default namespace becomes on the stream that a zone is reached by. */
static struct cw_str default_ns(const struct cw_zone *zone)
{
	return cw_str_of(zone && zone->n_components > 0 ? CW_XMPP_NS_COMPONENT : CW_XMPP_NS_SERVER);
}

/* The domain and the bytes of one target. The bytes are in `out` alone. */
static int write_way(struct passage *p, const struct cw_target *target, struct cw_buf *out,
	struct cw_str *remote)
{
	struct cw_xmpp_edits edits = {.default_ns = default_ns(target->zone)};
	struct cw_jid to;
	int r = rewritten_to(p, target, &edits.to);

	if (r)
		return r;
	*remote = p->to->domain;
	if (edits.to.p) {
		r = cw_jid_prepare(&to, edits.to, &p->arena);
		if (r)
			return r;
		*remote = to.domain;
	}
	cw_buf_clear(out);
	cw_xmpp_start_tag_write(out, p->stanza, &edits);
	return out->error;
}

/* ---- on ---- */

/* Whether the first target's stream is up and took it. */
static bool passes_at_once(struct passage *p)
{
	const struct cw_target *target = &p->plan.targets[0];
	struct cw_buf *out = &p->xmpp->out;
	struct cw_stream_parcel parcel = {
		.answerable = p->answerable, .trace = p->trace, .has_fate = true};
	struct cw_stream *s;
	struct cw_str remote;

	if (target->zone && target->zone->type != CW_ZONE_XMPP)
		return false;
	if (write_way(p, target, out, &remote) != 0)
		return false;
	s = cw_outbound_stream(p->xmpp, target->zone, p->from->domain, remote);
	if (!s)
		return false;
	parcel.bytes = cw_buf_str(out);
	if (cw_stream_send_stanza(s, &parcel) != 0)
		return false;
	if (cw_stream_is_full(s) && (p->source->pairs.n_valid == 1 || p->source->is_component))
		cw_stream_hold_up(s, p->source);
	return true;
}

/* No way was left for one that waited. */
static void on_delivery_finished(struct cw_delivery *d)
{
	const struct cw_outcome outcome = {
		.answerable = &d->answerable,
		.trace = d->trace,
		.zone = cw_delivery_zone(d),
		.reason = d->relay.outcome,
		.condition = d->condition,
		.why = d->why,
	};

	cw_outcome_book(d->xmpp, &outcome);
}

static int wait(struct passage *p)
{
	struct cw_delivery_settings settings = {
		.plan = &p->plan,
		.local = p->from->domain,
		.answerable = &p->answerable,
		.trace = p->trace,
		.finished = on_delivery_finished,
	};
	struct cw_delivery_way *ways = cw_arena_alloc(&p->arena, p->plan.n_targets * sizeof(*ways));
	int r = ways ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < p->plan.n_targets; i++) {
		r = write_way(p, &p->plan.targets[i], &p->xmpp->out, &ways[i].remote);
		if (!r)
			r = cw_arena_str(&p->arena, cw_buf_str(&p->xmpp->out), &ways[i].bytes);
	}
	settings.ways = ways;
	return r ? r : cw_delivery_begin(p->xmpp, &settings);
}

static void pass_on(struct passage *p)
{
	const char *why = refusal(p);
	int r;

	if (why) {
		end(p, CW_REASON_REJECTED, CW_XMPP_NOT_ALLOWED, why);
		return;
	}
	r = decide(p);
	if (r > 0 || (r == 0 && passes_at_once(p)))
		return;
	if (r == 0)
		r = wait(p);
	if (r == CW_JID_E_MALFORMED)
		end(p, CW_REASON_REJECTED, CW_XMPP_JID_MALFORMED,
			"the rule rewrites it to no address");
	else if (r == -ENOBUFS)
		end(p, CW_REASON_UNREACHABLE, CW_XMPP_RESOURCE_CONSTRAINT, "too many stanzas wait");
	else if (r)
		end(p, CW_REASON_UNREACHABLE, CW_XMPP_INTERNAL_SERVER_ERROR, "out of memory");
}

/* What is known of it before its addresses are. */
static void begin(struct passage *p, struct cw_stream *source, const struct cw_xmpp_stanza *stanza)
{
	p->xmpp = source->xmpp;
	p->source = source;
	p->stanza = stanza;
	p->answerable = (struct cw_xmpp_answerable){
		.kind = stanza->kind,
		.from = stanza->from,
		.to = stanza->to,
		.id = stanza->id,
		.type = stanza->type,
	};
	make_trace(p);
}

void cw_xmpp_relay_stanza(struct cw_stream *source, const struct cw_xmpp_stanza *stanza,
	const struct cw_jid *from, const struct cw_jid *to)
{
	struct passage p;

	if (is_ping_answer(source->xmpp, stanza, from, to))
		return;
	begin(&p, source, stanza);
	p.from = from;
	p.to = to;
	cw_arena_init_in(&p.arena, p.room, sizeof(p.room), 0);
	cw_fates_open(&p.xmpp->fates);
	pass_on(&p);
	cw_arena_finish(&p.arena);
}

void cw_xmpp_relay_malformed(struct cw_stream *source, const struct cw_xmpp_stanza *stanza)
{
	struct passage p;

	begin(&p, source, stanza);
	cw_fates_open(&p.xmpp->fates);
	end(&p, CW_REASON_REJECTED, CW_XMPP_JID_MALFORMED,
		"an address in it has characters that may not be");
}
