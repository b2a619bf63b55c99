#include "xmpp/delivery.h"

#include "xmpp/outbound.h"
#include "xmpp/stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const federation = "federation";

static size_t index_of_target(const struct cw_delivery *d)
{
	return (size_t)(d->relay.target - d->plan.targets);
}

const struct cw_delivery_way *cw_delivery_way(const struct cw_delivery *d)
{
	return &d->ways[index_of_target(d)];
}

const char *cw_delivery_zone(const struct cw_delivery *d)
{
	const struct cw_zone *zone = d->relay.target ? d->relay.target->zone : NULL;

	return zone ? zone->name.p : federation;
}

static void destroy(struct cw_delivery *d)
{
	struct cw_xmpp *x = d->xmpp;

	cw_deferred_cancel(&d->late);
	cw_list_remove(&d->queued);
	cw_list_remove(&d->link);
	x->n_deliveries--;
	x->n_with_fate -= d->finished != NULL;
	x->held_bytes -= d->bytes;
	cw_xmpp_setup_release(d->setup);
	cw_arena_finish(&d->arena);
	free(d->why);
	free(d);
}

void cw_delivery_sent(struct cw_delivery *d)
{
	struct cw_xmpp *x = d->xmpp;

	destroy(d);
	cw_xmpp_settled(x);
}

/* relay/: no target is left. */
static void on_finished(void *arg)
{
	struct cw_delivery *d = arg;

	if (d->finished)
		d->finished(d);
	destroy(d);
}

void cw_delivery_failed(struct cw_delivery *d, enum cw_reason reason,
	enum cw_xmpp_condition condition, const char *why)
{
	uint64_t now_ms = cw_loop_now_ms(d->xmpp->loop);

	cw_list_remove(&d->queued);
	d->condition = condition;
	free(d->why);
	d->why = cw_str_dup(cw_str_of(why));
	cw_relay_attempt_done(&d->relay, reason, false, now_ms);
}

static void on_late(void *arg)
{
	struct cw_delivery *d = arg;

	cw_delivery_failed(d, d->late_reason, d->condition, d->late_why);
}

void cw_delivery_fail_later(struct cw_delivery *d, enum cw_reason reason,
	enum cw_xmpp_condition condition, const char *why)
{
	d->late_reason = reason;
	d->condition = condition;
	d->late_why = why;
	cw_loop_defer(d->xmpp->loop, &d->late);
}

static void attempt(void *arg, const struct cw_target *target, uint64_t deadline_ms)
{
	struct cw_delivery *d = arg;

	(void)deadline_ms; /* the outbound reads it in the relay */
	if (d->xmpp->stopping)
		cw_delivery_fail_later(
			d, CW_REASON_UNREACHABLE, CW_XMPP_REMOTE_SERVER_TIMEOUT, "Causeway stops");
	else if (target->zone && target->zone->type != CW_ZONE_XMPP)
		cw_delivery_fail_later(d, CW_REASON_NO_GATEWAY, CW_XMPP_SERVICE_UNAVAILABLE,
			"the rule leads to a zone that speaks SIP");
	else
		cw_outbound_submit(d, target->zone);
}

/* Nobody takes a stanza back. */
static void cancel(void *arg)
{
	(void)arg;
}

static const struct cw_egress egress = {attempt, cancel};

/* ---- beginning ---- */

static int copy_answerable(struct cw_delivery *d, const struct cw_xmpp_answerable *a)
{
	const struct cw_str *from[] = {&a->from, &a->to, &a->id, &a->type};
	struct cw_str *to[] = {
		&d->answerable.from, &d->answerable.to, &d->answerable.id, &d->answerable.type};
	int r = 0;

	d->answerable.kind = a->kind;
	for (size_t i = 0; !r && i < sizeof(to) / sizeof(to[0]); i++)
		if (from[i]->p)
			r = cw_arena_str(&d->arena, *from[i], to[i]);
	return r;
}

static int copy_ways(struct cw_delivery *d, const struct cw_delivery_settings *settings)
{
	size_t n = settings->plan->n_targets;
	int r = 0;

	d->plan = *settings->plan;
	d->plan.considered = NULL;
	d->plan.n_considered = 0;
	d->plan.targets = cw_arena_alloc(&d->arena, n * sizeof(*d->plan.targets));
	d->ways = cw_arena_alloc(&d->arena, n * sizeof(*d->ways));
	if (!d->plan.targets || !d->ways)
		return -ENOMEM;
	for (size_t i = 0; !r && i < n; i++) {
		d->plan.targets[i] = (struct cw_target){.rule = settings->plan->targets[i].rule,
			.zone = settings->plan->targets[i].zone};
		r = cw_arena_str(&d->arena, settings->ways[i].remote, &d->ways[i].remote);
		if (!r)
			r = cw_arena_str(&d->arena, settings->ways[i].bytes, &d->ways[i].bytes);
	}
	return r;
}

static int fill(struct cw_delivery *d, const struct cw_delivery_settings *settings)
{
	int r = copy_ways(d, settings);

	if (!r)
		r = copy_answerable(d, settings->answerable);
	if (!r)
		r = cw_arena_str(&d->arena, settings->local, &d->local);
	snprintf(d->trace, sizeof(d->trace), "%s", settings->trace);
	d->finished = settings->finished;
	return r;
}

int cw_delivery_begin(struct cw_xmpp *x, const struct cw_delivery_settings *settings)
{
	struct cw_delivery *d;
	size_t bytes = sizeof(*d);

	for (size_t i = 0; i < settings->plan->n_targets; i++)
		bytes += settings->ways[i].bytes.len;
	if (x->n_deliveries >= CW_XMPP_DELIVERIES_MAX ||
		x->held_bytes + bytes > CW_XMPP_HELD_MAX_BYTES)
		return -ENOBUFS;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	cw_arena_init(&d->arena, 0);
	if (fill(d, settings)) {
		cw_arena_finish(&d->arena);
		free(d);
		return -ENOMEM;
	}
	d->xmpp = x;
	d->bytes = bytes;
	d->setup = x->setup;
	cw_xmpp_setup_use(d->setup);
	cw_list_init(&d->queued);
	cw_deferred_init(&d->late, on_late, d);
	cw_list_append(&x->deliveries, &d->link);
	x->n_deliveries++;
	x->n_with_fate += d->finished != NULL;
	x->held_bytes += bytes;
	cw_relay_start(&d->relay, &(struct cw_relay_settings){
					  .plan = &d->plan,
					  .egress = &egress,
					  .egress_arg = d,
					  .once = true,
					  .now_ms = cw_loop_now_ms(x->loop),
					  .finished = on_finished,
					  .arg = d,
				  });
	return 0;
}

void cw_delivery_end_all(struct cw_xmpp *x, const char *why)
{
	while (!cw_list_empty(&x->deliveries)) {
		struct cw_delivery *d =
			cw_container_of(x->deliveries.next, struct cw_delivery, link);

		cw_relay_cancel(&d->relay); /* no further target */
		cw_delivery_failed(d, CW_REASON_UNREACHABLE, CW_XMPP_REMOTE_SERVER_TIMEOUT, why);
	}
}
