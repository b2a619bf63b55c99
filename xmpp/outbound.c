#include "xmpp/outbound.h"

#include "core/log.h"
#include "xmpp/component.h"
#include "xmpp/delivery.h"
#include "xmpp/jid.h"
#include "xmpp/outbound_private.h"
#include "xmpp/policy.h"
#include "xmpp/verification.h"

#include <errno.h>
#include <stdlib.h>

#define TICK_MS 1000 /* how often what waits is looked at */

static const char *const state_names[] = {
	[CW_OUTBOUND_IDLE] = "idle",
	[CW_OUTBOUND_LOCATING] = "connecting",
	[CW_OUTBOUND_CONNECTING] = "connecting",
	[CW_OUTBOUND_UP] = "established",
	[CW_OUTBOUND_FAILED] = "failed",
};

const char *cw_outbound_state_name(const struct cw_outbound *o)
{
	return state_names[o->state];
}

const struct cw_zone *cw_outbound_zone(const struct cw_outbound *o)
{
	const struct cw_xmpp_setup *setup = o->xmpp->setup;

	for (size_t i = 1; o->zone_name && i < setup->n_zones; i++)
		if (cw_str_eq(setup->zones[i]->name, cw_str_of(o->zone_name)))
			return setup->zones[i];
	return NULL;
}

bool cw_outbound_is_to_inside(const struct cw_outbound *o)
{
	const struct cw_xmpp_policy *policy = o->xmpp->setup->policy;
	const struct cw_zone *zone = cw_outbound_zone(o);

	return policy && zone && zone == cw_xmpp_policy_inside(policy);
}

/* ---- which ---- */

#define KEY_MAX (2 * CW_JID_DOMAIN_MAX + 160)

/*
 * One for each pair of domains: servers answer an iq on the stream of the pair that its header names, whatever else was proved on it.
 * Made for every stanza, so without printf.
 */
static struct cw_str make_key(char room[static KEY_MAX], const struct cw_zone *zone,
	struct cw_str local, struct cw_str remote)
{
	static const struct cw_str none = CW_STR("");
	bool has_peers = zone && zone->n_peers > 0;
	const struct cw_str parts[] = {has_peers ? zone->name : none, local, remote};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t room_left = KEY_MAX - 3 - (n - i); /* three separators */
		size_t len = parts[i].len < room_left ? parts[i].len : room_left;

		if (len > 0)
			memcpy(room + n, parts[i].p, len);
		n += len;
		room[n++] = '|';
	}
	return cw_str_make(room, n);
}

static struct cw_outbound *find(
	struct cw_xmpp *x, const struct cw_zone *zone, struct cw_str local, struct cw_str remote)
{
	char room[KEY_MAX];
	struct cw_table_link *link =
		cw_table_find(&x->outbounds, make_key(room, zone, local, remote));

	return link ? cw_container_of(link, struct cw_outbound, table) : NULL;
}

static void destroy(struct cw_outbound *o)
{
	cw_outbound_connect_cancel(o);
	cw_deferred_cancel(&o->work);
	cw_timer_destroy(o->timer);
	cw_table_remove(&o->xmpp->outbounds, &o->table);
	cw_table_remove(&o->xmpp->by_remote, &o->by_remote);
	cw_list_remove(&o->failure);
	cw_list_remove(&o->link);
	free(o->key);
	free(o->zone_name);
	free(o->local);
	free(o->remote);
	free(o->last_error);
	free(o);
}

static void work(void *arg);
static void on_tick(void *arg);

static struct cw_outbound *create(
	struct cw_xmpp *x, const struct cw_zone *zone, struct cw_str local, struct cw_str remote)
{
	bool has_peers = zone && zone->n_peers > 0;
	struct cw_outbound *o;
	char room[KEY_MAX];

	if (x->outbounds.count >= CW_XMPP_OUTBOUNDS_MAX)
		return NULL;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->xmpp = x;
	o->serial = ++x->last_serial;
	cw_list_init(&o->link);
	cw_list_init(&o->failure);
	cw_list_init(&o->queue);
	cw_list_init(&o->verifications);
	cw_deferred_init(&o->work, work, o);
	o->key = cw_str_dup(make_key(room, zone, local, remote));
	o->zone_name = has_peers ? cw_str_dup(zone->name) : NULL;
	o->local = cw_str_dup(local);
	o->remote = cw_str_dup(remote);
	if (!o->key || (has_peers && !o->zone_name) || !o->local || !o->remote ||
		cw_timer_create(&o->timer, x->loop, on_tick, o) != 0 ||
		cw_table_insert(&x->outbounds, &o->table, cw_str_of(o->key)) != 0 ||
		(!has_peers &&
			cw_table_insert(&x->by_remote, &o->by_remote, cw_str_of(o->remote)) != 0)) {
		destroy(o);
		return NULL;
	}
	cw_list_append(&x->outbound_list, &o->link);
	cw_timer_start(o->timer, TICK_MS);
	return o;
}

struct cw_outbound *cw_outbound_get(
	struct cw_xmpp *x, const struct cw_zone *zone, struct cw_str local, struct cw_str remote)
{
	struct cw_outbound *o = find(x, zone, local, remote);

	return o ? o : create(x, zone, local, remote);
}

/* Strangers can make us look for any name: that must not take the room of those who send. */
static bool is_crowded(const struct cw_xmpp *x)
{
	return x->outbounds.count >= CW_XMPP_OUTBOUNDS_MAX / 2;
}

/* The oldest failure that nobody waits for makes room for a question. */
static void forget_a_failure(struct cw_xmpp *x)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &x->failures) {
		struct cw_outbound *o = cw_container_of(pos, struct cw_outbound, failure);

		if (cw_outbound_is_wanted(o) || o->stream || o->borrowed)
			continue; /* it is answered at the end of this turn */
		destroy(o);
		return;
	}
}

struct cw_outbound *cw_outbound_asking(struct cw_xmpp *x, struct cw_str local, struct cw_str remote)
{
	struct cw_table_link *link = cw_table_find(&x->by_remote, remote);
	struct cw_outbound *o = link ? cw_container_of(link, struct cw_outbound, by_remote) : NULL;

	if (o && (o->stream || o->locating || o->resolving || cw_outbound_is_wanted(o)))
		return o;
	o = find(x, NULL, local, remote);
	if (o)
		return o;
	if (is_crowded(x))
		forget_a_failure(x);
	return is_crowded(x) ? NULL : create(x, NULL, local, remote);
}

/* ---- what waits ---- */

static struct cw_delivery *delivery_of(struct cw_list *link)
{
	return cw_container_of(link, struct cw_delivery, queued);
}

bool cw_outbound_is_wanted(const struct cw_outbound *o)
{
	return !cw_list_empty(&o->queue) || !cw_list_empty(&o->verifications) || o->is_renewing;
}

static void take_out(struct cw_outbound *o, struct cw_delivery *d)
{
	cw_list_remove(&d->queued);
	o->n_queued--;
	o->queued_bytes -= d->bytes;
}

void cw_outbound_fail(struct cw_outbound *o, enum cw_reason reason,
	enum cw_xmpp_condition condition, const char *why)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &o->queue)
	{
		struct cw_delivery *d = delivery_of(pos);

		take_out(o, d);
		cw_delivery_failed(d, reason, condition, why);
	}
}

void cw_outbound_submit(struct cw_delivery *d, const struct cw_zone *zone)
{
	const struct cw_delivery_way *way = cw_delivery_way(d);
	struct cw_outbound *o;

	if (zone && zone->n_components > 0) {
		cw_component_submit(d, zone);
		return;
	}
	o = cw_outbound_get(d->xmpp, zone, d->local, way->remote);
	if (!o) {
		cw_delivery_fail_later(d, CW_REASON_UNREACHABLE, CW_XMPP_RESOURCE_CONSTRAINT,
			"too many domains are being talked to");
		return;
	}
	cw_list_append(&o->queue, &d->queued);
	o->n_queued++;
	o->queued_bytes += d->bytes;
	cw_loop_defer(o->xmpp->loop, &o->work);
}

/* ---- up ---- */

/* The stream on which stanzas may leave: ours, or one that the peer opened and that goes both ways. */
static struct cw_stream *stream_for(struct cw_outbound *o)
{
	struct cw_stream *s = o->stream;

	if (s && s->state == CW_STREAM_ESTABLISHED)
		return s;
	s = o->borrowed;
	return s && s->state == CW_STREAM_ESTABLISHED ? s : NULL;
}

struct cw_stream *cw_outbound_stream(
	struct cw_xmpp *x, const struct cw_zone *zone, struct cw_str local, struct cw_str remote)
{
	struct cw_outbound *o;
	struct cw_stream *s;

	if (zone && zone->n_components > 0)
		return cw_component_stream(x, zone, local, remote);
	o = find(x, zone, local, remote);
	s = o ? stream_for(o) : NULL;
	/* what waits was there first */
	return s && cw_list_empty(&o->queue) && !cw_stream_is_full(s) ? s : NULL;
}

/* Send one that waits. Returns: whether the stream may take another. */
static bool send_one(struct cw_outbound *o, struct cw_stream *s, struct cw_delivery *d)
{
	struct cw_stream_parcel parcel = {
		.answerable = d->answerable,
		.bytes = cw_delivery_way(d)->bytes,
		.trace = d->trace,
		.has_fate = d->finished != NULL,
	};
	int r = cw_stream_send_stanza(s, &parcel);

	if (r == -ENOBUFS)
		return false;
	take_out(o, d);
	if (r == 0)
		cw_delivery_sent(d);
	else
		cw_delivery_failed(d, CW_REASON_UNREACHABLE, CW_XMPP_INTERNAL_SERVER_ERROR,
			r == -ENOMEM ? "out of memory" : "the stream has ended");
	return true;
}

/* Claim a pair on our stream (db:result), unless it is claimed already or cannot be. */
static void claim(struct cw_outbound *o)
{
	struct cw_stream *s = o->stream;
	struct cw_str local = cw_str_of(o->local), remote = cw_str_of(o->remote);
	struct cw_str id = cw_str_of(s->negotiation.stream_id);
	char key[CW_DIALBACK_KEY_HEX + 1];
	struct cw_buf *out = &o->xmpp->out;
	int r;

	if (cw_dialback_pairs_state(&s->pairs, local, remote) != CW_PAIR_NONE)
		return;
	r = cw_dialback_pairs_claim(&s->pairs, local, remote);
	if (!r)
		r = cw_dialback_key(key, cw_secret_str(o->xmpp->secret), remote, local, id);
	if (r) {
		cw_stream_abort(s, "a dialback key cannot be made");
		return;
	}
	cw_tap_say(o->xmpp->tap, remote, "we claim to be %" CW_STR_FMT " (dialback)",
		CW_STR_ARG(local));
	cw_buf_clear(out);
	cw_dialback_write_claim(out, local, remote, cw_str_of(key));
	cw_stream_send(s, cw_buf_str(out));
	if (s->state == CW_STREAM_OPEN)
		cw_stream_await_proof(s);
}

/* A pair is claimed when something waits for it; a stream that only asks questions claims nothing. */
static bool is_to_be_claimed(const struct cw_outbound *o)
{
	return (!cw_list_empty(&o->queue) || o->is_renewing) && o->stream &&
	       o->stream->state == CW_STREAM_OPEN;
}

void cw_outbound_flush(struct cw_outbound *o)
{
	struct cw_stream *s = stream_for(o);
	struct cw_list *pos, *tmp;

	if (s)
		cw_list_for_each_safe(pos, tmp, &o->queue)
		{
			if (!send_one(o, s, delivery_of(pos)))
				break;
		}
	else if (is_to_be_claimed(o))
		claim(o);
	cw_verification_send_all(o);
}

/* ---- going ---- */

/* A way that failed a moment ago: what comes meanwhile has the same answer. */
static bool rests(struct cw_outbound *o)
{
	return o->state == CW_OUTBOUND_FAILED && cw_loop_now_ms(o->xmpp->loop) < o->retry_ms;
}

static void fail_all_again(struct cw_outbound *o)
{

	cw_outbound_fail(o, o->was_untrusted ? CW_REASON_UNTRUSTED : CW_REASON_UNREACHABLE,
		o->was_not_found ? CW_XMPP_REMOTE_SERVER_NOT_FOUND : CW_XMPP_REMOTE_SERVER_TIMEOUT,
		o->last_error);
	cw_verification_fail_all(o, o->last_error);
}

static void fail_overflow(struct cw_outbound *o)
{
	while (o->n_queued > CW_OUTBOUND_QUEUE_MAX ||
		o->queued_bytes > CW_OUTBOUND_QUEUE_MAX_BYTES) {
		struct cw_delivery *last = delivery_of(o->queue.prev);

		take_out(o, last);
		cw_delivery_failed(last, CW_REASON_UNREACHABLE, CW_XMPP_RESOURCE_CONSTRAINT,
			"too many stanzas wait for this server");
	}
}

void cw_outbound_go(struct cw_outbound *o)
{
	cw_loop_defer(o->xmpp->loop, &o->work);
}

static void work(void *arg)
{
	struct cw_outbound *o = arg;

	if (rests(o)) {
		fail_all_again(o);
		return;
	}
	cw_outbound_flush(o);
	if (cw_outbound_is_wanted(o) &&
		(o->state == CW_OUTBOUND_IDLE || o->state == CW_OUTBOUND_FAILED))
		cw_outbound_connect(o);
	fail_overflow(o);
}

/* ---- time ---- */

static void fail_late(struct cw_outbound *o, uint64_t now_ms)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &o->queue)
	{
		struct cw_delivery *d = delivery_of(pos);
		struct cw_stream *s = stream_for(o);

		if (d->relay.deadline_ms > now_ms)
			continue;
		take_out(o, d);
		cw_delivery_failed(d, CW_REASON_TIMEOUT,
			s ? CW_XMPP_RESOURCE_CONSTRAINT : CW_XMPP_REMOTE_SERVER_TIMEOUT,
			s               ? "the partner does not read what it is sent"
			: o->last_error ? o->last_error
					: "no stream to the partner in time");
	}
}

/* Nothing speaks for keeping it: no stream, nobody waits, and no failure is to be remembered. */
static bool is_forgotten(const struct cw_outbound *o, uint64_t now_ms)
{
	uint64_t until_ms =
		is_crowded(o->xmpp) ? o->retry_ms : o->failed_ms + CW_OUTBOUND_REMEMBER_MS;

	return !o->stream && !o->borrowed && !cw_outbound_is_wanted(o) &&
	       (o->state == CW_OUTBOUND_IDLE ||
		       (o->state == CW_OUTBOUND_FAILED && now_ms > until_ms));
}

static void on_tick(void *arg)
{
	struct cw_outbound *o = arg;
	uint64_t now_ms = cw_loop_now_ms(o->xmpp->loop);

	fail_late(o, now_ms);
	cw_verification_fail_late(o, now_ms);
	if (is_forgotten(o, now_ms)) {
		destroy(o);
		return;
	}
	cw_timer_start(o->timer, TICK_MS);
}

/* ---- accepted streams that go both ways ---- */

void cw_outbound_borrow(struct cw_stream *incoming, struct cw_str local, struct cw_str remote)
{
	struct cw_outbound *o = cw_outbound_get(incoming->xmpp, NULL, local, remote);

	if (!o || o->borrowed)
		return;
	o->borrowed = incoming;
	cw_stream_set_ping(incoming, local, remote);
	cw_outbound_go(o);
}

/* Call `each` for all that use the accepted stream; most accepted streams go one way and have none. */
static void each_borrower(struct cw_stream *incoming, void (*each)(struct cw_outbound *o))
{
	struct cw_list *pos;

	if (!incoming->negotiation.is_bidi)
		return;
	cw_list_for_each (pos, &incoming->xmpp->outbound_list) {
		struct cw_outbound *o = cw_container_of(pos, struct cw_outbound, link);

		if (o->borrowed == incoming)
			each(o);
	}
}

static void give_back(struct cw_outbound *o)
{
	o->borrowed = NULL;
	cw_outbound_go(o);
}

void cw_outbound_drained(struct cw_stream *incoming)
{
	each_borrower(incoming, cw_outbound_go);
}

void cw_outbound_forget(struct cw_stream *incoming)
{
	each_borrower(incoming, give_back);
}

/* ---- all ---- */

/* Whether the configuration of now lets the pair federate. */
static bool is_allowed(struct cw_outbound *o)
{
	const struct cw_xmpp_policy *policy = o->xmpp->setup->policy;

	if (!policy || !cw_outbound_refresh_terms(o))
		return false;
	return o->zone_name || !cw_xmpp_policy_refusal(policy, cw_str_of(o->remote));
}

/* Whether its stream is one that the terms of now would have let come so far; else it is made anew. */
static bool is_stream_good(const struct cw_outbound *o)
{
	const struct cw_stream *s = o->stream;
	const struct cw_xmpp_security_facts *facts = &s->negotiation.facts;
	bool is_in_clear = s->state >= CW_STREAM_OPEN && !facts->is_secure;
	char room[CW_XMPP_REFUSAL_MAX];

	return !(is_in_clear && o->terms.security == CW_XMPP_REQUIRED) &&
	       !cw_xmpp_certificate_refusal(&o->terms, facts, cw_str_of(o->remote), room);
}

static void reload_stream(struct cw_outbound *o, bool is_allowed_now)
{
	o->stream->negotiation.terms = &o->terms;
	o->stream->is_inside = cw_outbound_is_to_inside(o);
	if (!is_allowed_now)
		cw_stream_close(o->stream, "the configuration does not allow it any more");
	else if (!is_stream_good(o))
		cw_stream_close(o->stream, "the configuration asks for more than it has");
}

void cw_outbound_reload_all(struct cw_xmpp *x)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &x->outbound_list) {
		struct cw_outbound *o = cw_container_of(pos, struct cw_outbound, link);

		bool is_allowed_now = is_allowed(o);

		o->retry_ms = 0; /* what was wrong may be mended */
		if (o->stream)
			reload_stream(o, is_allowed_now);
		if (!is_allowed_now)
			cw_outbound_fail(o, CW_REASON_REJECTED, CW_XMPP_NOT_ALLOWED,
				"the configuration does not allow it any more");
	}
}

void cw_outbound_fail_all(struct cw_xmpp *x, const char *why)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &x->outbound_list) {
		struct cw_outbound *o = cw_container_of(pos, struct cw_outbound, link);

		cw_outbound_fail(o, CW_REASON_TIMEOUT, CW_XMPP_REMOTE_SERVER_TIMEOUT, why);
	}
}

void cw_outbound_destroy_all(struct cw_xmpp *x)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &x->outbound_list)
	{
		struct cw_outbound *o = cw_container_of(pos, struct cw_outbound, link);

		cw_verification_fail_all(o, "Causeway stops");
		destroy(o);
	}
}
