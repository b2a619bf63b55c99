#include "xmpp/component.h"

#include "certs/digest.h"
#include "core/log.h"
#include "xmpp/delivery.h"
#include "xmpp/handshake.h"
#include "xmpp/jid.h"
#include "xmpp/outcome.h"
#include "xmpp/parser.h"
#include "xmpp/relay.h"
#include "xmpp/stack.h"
#include "xmpp/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS       1000 /* how often what waits is looked at */
#define ADDRESSES_MAX 8    /* of one peer that are tried */
#define ROOM_BYTES                                                                                 \
	4096 /* for the prepared addresses of a stanza, in most cases without an allocation */

struct cw_component {
	struct cw_table_link table; /* by name, while the configuration has it */
	struct cw_list link;
	struct cw_xmpp *xmpp;
	const struct cw_zone *
		zone; /* of the configuration of now; NULL: it is there until its stream has ended */
	uint64_t serial;
	char *name;
	struct cw_stream *stream;
	struct cw_zone_peer server; /* that of the stream; its host is in `host` */
	char host[256];

	struct cw_list queue;
	size_t n_queued, queued_bytes;

	struct cw_dns_query *resolving;
	struct cw_address addresses[ADDRESSES_MAX];
	size_t n_addresses, next_address, next_peer;

	struct cw_deferred
		work; /* what must not happen inside a call of the relay or of the stream */
	struct cw_timer *timer;
	uint64_t retry_ms; /* not before this */
	unsigned pause_ms; /* the last one, before chance */
	uint64_t failed_ms;
	char *last_error; /* in words; NULL: none */
};

static const struct cw_stream_owner owner;
static void try_next(struct cw_component *c);

static struct cw_component *component_of(struct cw_list *link)
{
	return cw_container_of(link, struct cw_component, link);
}

static struct cw_component *find(const struct cw_xmpp *x, struct cw_str name)
{
	struct cw_table_link *link = cw_table_find(&x->components, name);

	return link ? cw_container_of(link, struct cw_component, table) : NULL;
}

const struct cw_zone *cw_component_zone(const struct cw_stream *s)
{
	const struct cw_component *c = s->owner_arg;

	return c->zone;
}

/* ---- what waits ---- */

static struct cw_delivery *delivery_of(struct cw_list *link)
{
	return cw_container_of(link, struct cw_delivery, queued);
}

static void take_out(struct cw_component *c, struct cw_delivery *d)
{
	cw_list_remove(&d->queued);
	c->n_queued--;
	c->queued_bytes -= d->bytes;
}

static void fail_one(struct cw_component *c, struct cw_delivery *d, enum cw_reason reason,
	enum cw_xmpp_condition condition, const char *why)
{
	take_out(c, d);
	cw_delivery_failed(d, reason, condition, why);
}

static void fail_queue(struct cw_component *c, enum cw_reason reason,
	enum cw_xmpp_condition condition, const char *why)
{
	while (!cw_list_empty(&c->queue))
		fail_one(c, delivery_of(c->queue.next), reason, condition, why);
}

static void fail_late(struct cw_component *c, uint64_t now_ms)
{
	bool is_up = c->stream && c->stream->state == CW_STREAM_ESTABLISHED;
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &c->queue)
	{
		struct cw_delivery *d = delivery_of(pos);

		if (d->relay.deadline_ms > now_ms)
			continue;
		fail_one(c, d, CW_REASON_TIMEOUT,
			is_up ? CW_XMPP_RESOURCE_CONSTRAINT : CW_XMPP_REMOTE_SERVER_TIMEOUT,
			is_up           ? "the server does not read what it is sent"
			: c->last_error ? c->last_error
					: "no connection as the server's component in time");
	}
}

static void fail_overflow(struct cw_component *c)
{
	while (c->n_queued > CW_COMPONENT_QUEUE_MAX ||
		c->queued_bytes > CW_COMPONENT_QUEUE_MAX_BYTES)
		fail_one(c, delivery_of(c->queue.prev), CW_REASON_UNREACHABLE,
			CW_XMPP_RESOURCE_CONSTRAINT, "too many stanzas wait for this server");
}

/* A stanza may leave; it also says to which domain of the server pings may go. */
static bool is_ready(struct cw_component *c, struct cw_str remote)
{
	struct cw_stream *s = c->stream;

	if (!s || s->state != CW_STREAM_ESTABLISHED || cw_stream_is_full(s))
		return false;
	cw_stream_set_ping(s, cw_str_of(c->name), remote);
	return true;
}

struct cw_stream *cw_component_stream(
	struct cw_xmpp *x, const struct cw_zone *zone, struct cw_str local, struct cw_str remote)
{
	struct cw_component *c = find(x, local);

	/* what waits was there first */
	return c && c->zone == zone && cw_list_empty(&c->queue) && is_ready(c, remote) ? c->stream
										       : NULL;
}

void cw_component_submit(struct cw_delivery *d, const struct cw_zone *zone)
{
	struct cw_component *c = find(d->xmpp, d->local);

	/* of the zone in a configuration before this one the name counts */
	if (!c || !c->zone || !cw_str_eq(c->zone->name, zone->name)) {
		cw_delivery_fail_later(d, CW_REASON_UNREACHABLE, CW_XMPP_REMOTE_SERVER_TIMEOUT,
			"the sender's domain is no component of the zone");
		return;
	}
	cw_list_append(&c->queue, &d->queued);
	c->n_queued++;
	c->queued_bytes += d->bytes;
	cw_loop_defer(c->xmpp->loop, &c->work);
}

static void send_queue(struct cw_component *c)
{
	while (!cw_list_empty(&c->queue)) {
		struct cw_delivery *d = delivery_of(c->queue.next);
		const struct cw_delivery_way *way = cw_delivery_way(d);
		struct cw_stream_parcel parcel = {
			.answerable = d->answerable,
			.bytes = way->bytes,
			.trace = d->trace,
			.has_fate = d->finished != NULL,
		};

		if (!is_ready(c, way->remote))
			return;
		if (cw_stream_send_stanza(c->stream, &parcel) != 0) {
			fail_one(c, d, CW_REASON_UNREACHABLE, CW_XMPP_INTERNAL_SERVER_ERROR,
				"out of memory");
			continue;
		}
		take_out(c, d);
		cw_delivery_sent(d);
	}
}

/* ---- trying, and trying again ---- */

static void set_error(struct cw_component *c, const char *why)
{
	free(c->last_error);
	c->last_error = cw_str_dup(cw_str_of(why));
}

/* So that many that lost their server together do not come back together. */
static unsigned by_chance(unsigned pause_ms)
{
	uint8_t chance = 0;

	(void)cw_random_bytes(&chance, sizeof(chance));
	return pause_ms - pause_ms / 2 * chance / UINT8_MAX;
}

/* No peer took us, or the one that did has ended it. */
static void give_up(struct cw_component *c)
{
	uint64_t now_ms = cw_loop_now_ms(c->xmpp->loop);
	unsigned pause_ms;

	c->pause_ms = c->pause_ms ? c->pause_ms * 2 : CW_COMPONENT_RETRY_MIN_MS;
	if (c->pause_ms > CW_COMPONENT_RETRY_MAX_MS)
		c->pause_ms = CW_COMPONENT_RETRY_MAX_MS;
	pause_ms = by_chance(c->pause_ms);
	c->failed_ms = now_ms;
	c->retry_ms = now_ms + pause_ms;
	cw_warn("xmpp.server", cw_kz("event", "component-down"), CW_XMPP_MODULE,
		cw_kz("partner", c->name), cw_ks("zone", c->zone->name),
		cw_kz("why", c->last_error), cw_ki("retry_ms", pause_ms));
	cw_tap_say(c->xmpp->tap, cw_str_of(c->name),
		"we are not its component on the own server: %s; the next try is in %u ms",
		c->last_error, pause_ms);
}

static void on_addresses(void *arg, const struct cw_dns_answer *answer)
{
	struct cw_component *c = arg;
	size_t n = answer->status == CW_DNS_OK ? answer->n_addresses : 0;

	c->resolving = NULL;
	c->next_address = 0;
	c->n_addresses = n < ADDRESSES_MAX ? n : ADDRESSES_MAX;
	for (size_t i = 0; i < c->n_addresses; i++)
		c->addresses[i] = answer->addresses[i];
	if (n == 0)
		set_error(c, "the peer's name has no address in DNS");
	try_next(c);
}

static void dial(struct cw_component *c, const struct cw_address *address)
{
	const struct cw_str any = CW_STR("");
	const struct cw_stream_dial how = {
		.address = *address,
		.host = c->server.host,
		.is_component = true,
		.local = any,
		.remote = cw_str_of(c->name),
		.connect_timeout_ms = c->zone->connect_timeout_ms,
		.owner = &owner,
		.owner_arg = c,
	};

	if (cw_stream_dial(&c->stream, c->xmpp, &how) != 0) {
		c->stream = NULL;
		set_error(c, "no socket could be had");
		return;
	}
	snprintf(c->stream->zone, sizeof(c->stream->zone), "%s", c->zone->name.p);
}

/* The next address of this peer, else the next peer, else there is a pause. */
static void try_next(struct cw_component *c)
{
	const struct cw_zone_peer *peer;

	while (c->next_address < c->n_addresses) {
		dial(c, &c->addresses[c->next_address++]);
		if (c->stream)
			return;
	}
	if (c->next_peer >= c->zone->n_peers) {
		give_up(c);
		return;
	}
	peer = &c->zone->peers[c->next_peer++];
	snprintf(c->host, sizeof(c->host), "%s", peer->host.p);
	c->server = (struct cw_zone_peer){.host = cw_str_of(c->host), .port = peer->port};
	if (cw_dns_addresses(&c->resolving, c->xmpp->dns, c->server.host, c->server.port,
		    on_addresses, c) != 0) {
		set_error(c, "out of memory");
		give_up(c);
	}
}

static void connect_if_due(struct cw_component *c)
{
	bool is_busy = c->stream || c->resolving;

	if (!c->zone || is_busy || c->xmpp->stopping || cw_loop_now_ms(c->xmpp->loop) < c->retry_ms)
		return;
	c->n_addresses = c->next_address = c->next_peer = 0;
	try_next(c);
}

static void work(void *arg)
{
	struct cw_component *c = arg;

	send_queue(c);
	fail_overflow(c);
	connect_if_due(c);
}

static void on_tick(void *arg)
{
	struct cw_component *c = arg;

	fail_late(c, cw_loop_now_ms(c->xmpp->loop));
	connect_if_due(c);
	cw_timer_start(c->timer, TICK_MS);
}

/* ---- the handshake ---- */

/* TCP is there. */
static void on_begin(struct cw_stream *s)
{
	struct cw_buf *out = &s->xmpp->out;

	cw_buf_clear(out);
	cw_xmpp_handshake_write_header(out, cw_stream_partner(s));
	if (out->error)
		cw_stream_abort(s, "out of memory");
	else
		cw_stream_send(s, cw_buf_str(out));
}

static void send_handshake(struct cw_stream *s, struct cw_str id, struct cw_str secret)
{
	struct cw_buf *out = &s->xmpp->out;
	int r;

	cw_buf_clear(out);
	r = cw_xmpp_handshake_write(out, id, secret);
	if (r == CW_XMPP_HANDSHAKE_E_NO_ID)
		return; /* an error that says more may follow */
	if (r || out->error) {
		cw_stream_abort(s, "the handshake cannot be made");
		return;
	}
	cw_tap_say(s->xmpp->tap, cw_stream_partner(s),
		"the own server speaks: we show it that we know the secret");
	cw_stream_send(s, cw_buf_str(out));
}

/* Returns: whether the secret could be read; else the stream is being closed. */
static bool read_secret(struct cw_stream *s, const char *path, struct cw_secret *secret)
{
	struct cw_diag diag = {.count = 0};
	char why[CW_XMPP_REFUSAL_MAX];
	int r = cw_secret_file_read(secret, path, &diag);

	if (r) {
		snprintf(why, sizeof(why), "the secret cannot be read: %s: %s", path,
			diag.count > 0 ? diag.entries[0].message : strerror(-r));
		cw_stream_close(s, why);
	}
	cw_diag_finish(&diag);
	return r == 0;
}

static void on_server_header(struct cw_stream *s, const struct cw_xmpp_header *header)
{
	const struct cw_zone *zone = cw_component_zone(s);
	struct cw_secret secret = {.len = 0};

	if (!cw_str_eq(header->default_ns, cw_str_of(CW_XMPP_NS_COMPONENT)))
		cw_stream_fail(s, "invalid-namespace", "the port is not one for components");
	else if (zone && read_secret(s, zone->component_secret_file, &secret))
		send_handshake(s, header->id, cw_secret_str(&secret));
	cw_secret_finish(&secret);
}

/* The server takes us. */
static void begin(struct cw_stream *s)
{
	struct cw_component *c = s->owner_arg;

	free(c->last_error);
	c->last_error = NULL;
	s->is_inside = true;
	cw_stream_establish(s, CW_STREAM_BY_SECRET);
	cw_loop_defer(c->xmpp->loop, &c->work);
}

static void on_element(struct cw_stream *s, const struct cw_xmpp_element *e)
{
	struct cw_str condition;
	char why[CW_XMPP_REFUSAL_MAX];
	int r = cw_xmpp_handshake_read(&condition, e);

	if (r == 0 && s->state == CW_STREAM_NEGOTIATING) {
		begin(s);
	} else if (r == CW_XMPP_HANDSHAKE_E_REFUSED) {
		snprintf(why, sizeof(why), "%s (%.*s)", cw_xmpp_handshake_problem(condition),
			condition.len < 60 ? (int)condition.len : 60,
			condition.p ? condition.p : "");
		cw_stream_close(s, why);
	} else {
		cw_stream_fail(s, "unsupported-stanza-type", "an element that is no stanza");
	}
}

/* ---- stanzas ---- */

/*
 * Back it goes, on the stream that brought it: elsewhere an answer from a partner's name has no business. The stream stays: the server may
 * host other domains, whose users do not know that they may not.
 */
static void refuse(struct cw_stream *s, const struct cw_xmpp_stanza *stanza, const char *why)
{
	const struct cw_xmpp_answerable a = {
		.kind = stanza->kind,
		.from = stanza->from,
		.to = stanza->to,
		.id = stanza->id,
		.type = stanza->type,
	};
	struct cw_buf *out = &s->xmpp->out;

	(*s->xmpp->counters.refused_stanzas)++;
	cw_warn("xmpp.stanza", cw_kz("event", "refused"), CW_XMPP_MODULE,
		cw_ks("partner", cw_stream_partner(s)), cw_kz("remote", s->remote_text),
		cw_ks("from", stanza->from), cw_ks("to", stanza->to),
		cw_kz("condition", cw_xmpp_condition_name(CW_XMPP_NOT_ALLOWED)), cw_kz("why", why));
	cw_buf_clear(out);
	if (s->state == CW_STREAM_ESTABLISHED && cw_xmpp_is_answerable(&a) &&
		cw_xmpp_stanza_error(out, &a, CW_XMPP_NOT_ALLOWED, why) == 0)
		cw_stream_send(s, cw_buf_str(out));
}

/* Why the server may not send it to us, in words; NULL: it may. */
static const char *refusal(
	const struct cw_stream *s, struct cw_str from_domain, struct cw_str to_domain)
{
	const struct cw_xmpp_policy *policy = s->xmpp->setup->policy;

	if (s->state != CW_STREAM_ESTABLISHED || !cw_component_zone(s))
		return "the component's stream is being closed";
	if (!cw_xmpp_policy_is_local(policy, from_domain))
		return "the sender's domain is none of Causeway's local ones";
	return cw_str_eq(to_domain, cw_stream_partner(s))
		       ? NULL
		       : "this is the component of another domain";
}

static bool prepare_domains(const struct cw_xmpp_stanza *stanza, struct cw_arena *arena,
	struct cw_str *from, struct cw_str *to)
{
	return cw_jid_prepare_domain(from, cw_jid_raw_domain(stanza->from), arena) == 0 &&
	       cw_jid_prepare_domain(to, cw_jid_raw_domain(stanza->to), arena) == 0;
}

static void take_stanza(
	struct cw_stream *s, const struct cw_xmpp_stanza *stanza, struct cw_arena *arena)
{
	struct cw_str from_domain, to_domain;
	struct cw_jid from, to;
	const char *why;

	if (!prepare_domains(stanza, arena, &from_domain, &to_domain)) {
		refuse(s, stanza, "a stanza without from or to, or one whose domain is none");
		return;
	}
	why = refusal(s, from_domain, to_domain);
	if (why) {
		refuse(s, stanza, why);
		return;
	}
	cw_stream_set_ping(s, to_domain, from_domain);
	if (cw_jid_prepare(&from, stanza->from, arena) != 0 ||
		cw_jid_prepare(&to, stanza->to, arena) != 0)
		cw_xmpp_relay_malformed(s, stanza);
	else
		cw_xmpp_relay_stanza(s, stanza, &from, &to);
}

static void on_stanza(struct cw_stream *s, const struct cw_xmpp_stanza *stanza)
{
	char room[ROOM_BYTES];
	struct cw_arena arena;

	if (s->state < CW_STREAM_ESTABLISHED) {
		cw_stream_fail(s, "not-authorized", "a stanza before the handshake");
		return;
	}
	cw_arena_init_in(&arena, room, sizeof(room), 0);
	take_stanza(s, stanza, &arena);
	cw_arena_finish(&arena);
}

/* ---- the end of a stream ---- */

static void destroy(struct cw_component *c);

static void on_drained(struct cw_stream *s)
{
	struct cw_component *c = s->owner_arg;

	cw_loop_defer(c->xmpp->loop, &c->work);
}

static void on_closed(struct cw_stream *s)
{
	struct cw_component *c = s->owner_arg;
	bool was_up = s->proof != CW_STREAM_UNPROVED;

	c->stream = NULL;
	if (!c->xmpp->stopping)
		set_error(c, s->reason);
	cw_outcome_end_stream(s);
	if (c->xmpp->stopping)
		return; /* all are destroyed soon */
	if (!c->zone) {
		destroy(c);
		return;
	}
	/* one that did not last is no reason to hurry */
	if (cw_loop_now_ms(c->xmpp->loop) - s->since_ms > CW_COMPONENT_RETRY_MAX_MS)
		c->pause_ms = 0;
	if (was_up)
		give_up(c);
	else
		try_next(c);
}

static const struct cw_stream_owner owner = {
	.begin = on_begin,
	.server_header = on_server_header,
	.element = on_element,
	.stanza = on_stanza,
	.confirmed = cw_outcome_confirmed,
	.drained = on_drained,
	.closed = on_closed,
};

/* ---- life ---- */

static void destroy(struct cw_component *c)
{
	cw_dns_cancel(c->resolving);
	cw_deferred_cancel(&c->work);
	cw_timer_destroy(c->timer);
	cw_table_remove(&c->xmpp->components, &c->table);
	cw_list_remove(&c->link);
	free(c->name);
	free(c->last_error);
	free(c);
}

static struct cw_component *create(struct cw_xmpp *x, struct cw_str name)
{
	struct cw_component *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->xmpp = x;
	c->serial = ++x->last_serial;
	cw_list_init(&c->link);
	cw_list_init(&c->queue);
	cw_deferred_init(&c->work, work, c);
	c->name = cw_str_dup(name);
	if (!c->name || cw_timer_create(&c->timer, x->loop, on_tick, c) != 0 ||
		cw_table_insert(&x->components, &c->table, cw_str_of(c->name)) != 0) {
		destroy(c);
		return NULL;
	}
	cw_list_append(&x->component_list, &c->link);
	cw_timer_start(c->timer, TICK_MS);
	return c;
}

/* The configuration has it no more. */
static void retire(struct cw_component *c)
{
	static const char *const why = "the configuration has the component no more";

	cw_table_remove(&c->xmpp->components, &c->table);
	fail_queue(c, CW_REASON_REJECTED, CW_XMPP_NOT_ALLOWED, why);
	if (c->stream)
		cw_stream_close(c->stream, why);
	else
		destroy(c);
}

static bool has_peer(const struct cw_zone *zone, const struct cw_zone_peer *server)
{
	for (size_t i = 0; i < zone->n_peers; i++)
		if (cw_str_eq(zone->peers[i].host, server->host) &&
			zone->peers[i].port == server->port)
			return true;
	return false;
}

/* What was wrong may be mended. */
static void renew(struct cw_component *c)
{
	c->pause_ms = 0;
	c->retry_ms = 0;
	if (c->stream && !has_peer(c->zone, &c->server))
		cw_stream_close(c->stream, "its server is no peer of the zone any more");
	cw_loop_defer(c->xmpp->loop, &c->work);
}

static void name_components(struct cw_xmpp *x, const struct cw_zone *zone)
{
	for (size_t i = 0; i < zone->n_components; i++) {
		struct cw_component *c = find(x, zone->components[i]);

		if (!c)
			c = create(x, zone->components[i]);
		if (c)
			c->zone = zone;
		else
			cw_error("xmpp.server", cw_kz("event", "no-component"), CW_XMPP_MODULE,
				cw_ks("partner", zone->components[i]),
				cw_kz("why", "out of memory"));
	}
}

void cw_component_reload_all(struct cw_xmpp *x)
{
	const struct cw_xmpp_setup *setup = x->setup;
	struct cw_list *pos, *tmp;

	cw_list_for_each (pos, &x->component_list)
		component_of(pos)->zone = NULL;
	for (size_t i = 1; setup->policy && i < setup->n_zones; i++)
		name_components(x, setup->zones[i]);
	cw_list_for_each_safe(pos, tmp, &x->component_list)
	{
		if (component_of(pos)->zone)
			renew(component_of(pos));
		else
			retire(component_of(pos));
	}
}

void cw_component_fail_all(struct cw_xmpp *x, const char *why)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &x->component_list)
		fail_queue(
			component_of(pos), CW_REASON_TIMEOUT, CW_XMPP_REMOTE_SERVER_TIMEOUT, why);
}

void cw_component_destroy_all(struct cw_xmpp *x)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &x->component_list) destroy(component_of(pos));
}

/* ---- for the view ---- */

const char *cw_component_problem(const struct cw_xmpp *x, const struct cw_zone *zone)
{
	const char *why = "no component is connected yet";
	struct cw_list *pos;

	cw_list_for_each (pos, &x->component_list) {
		const struct cw_component *c = component_of(pos);

		if (c->zone != zone)
			continue;
		if (c->stream && c->stream->state == CW_STREAM_ESTABLISHED)
			return NULL;
		if (c->last_error)
			why = c->last_error;
	}
	return why;
}

void cw_component_each_down(const struct cw_xmpp *x,
	bool (*each)(void *arg, const struct cw_component_state *state), void *arg)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &x->component_list) {
		const struct cw_component *c = component_of(pos);
		const struct cw_component_state state = {
			.serial = c->serial,
			.name = cw_str_of(c->name),
			.last_error = c->last_error,
			.failed_ms = c->failed_ms,
			.queued_bytes = c->queued_bytes,
		};

		if (!c->stream && !each(arg, &state))
			return;
	}
}
