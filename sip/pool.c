#include "sip/pool.h"

#include "core/buf.h"
#include "core/log.h"
#include "core/table.h"

#include <errno.h>
#include <stdlib.h>

#define KEY_MAX 65536

/* One connection that we dial, from the first wish for it until it is closed. */
struct hop {
	struct cw_list
		place; /* among all of the pool; of those to outside, the last used are last */
	struct cw_table_link entry; /* while it may be handed out or waited for */
	struct cw_pool *pool;
	struct cw_buf key;
	struct cw_sip_setup *setup;
	const struct cw_zone *zone;
	struct cw_str *names; /* in one allocation with their bytes */
	size_t n_names;
	struct cw_link *link;       /* NULL: it could not even be dialled */
	struct cw_list waiters;     /* while it is not open */
	struct cw_deferred failure; /* tells the waiters, when there is no link to do it */
	enum cw_reason reason;
	bool open;
	bool is_outside; /* names that peers make up lead there, so their number is bounded */
	bool is_evicted; /* it is being closed for another one */
};

struct cw_pool {
	struct cw_pool_settings settings;
	struct cw_list all;
	struct cw_table hops;
	struct cw_buf key;           /* scratch */
	size_t n_outside, n_evicted; /* the evicted ones are among those to outside */
};

static const struct cw_link_handler hop_handler;

struct cw_pool *cw_pool_create(const struct cw_pool_settings *settings)
{
	struct cw_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->settings = *settings;
	cw_list_init(&pool->all);
	cw_table_init(&pool->hops);
	cw_buf_init(&pool->key, KEY_MAX);
	return pool;
}

/* Tell everybody who waits; each may start another wait or free itself. */
static void fail_waiters(struct hop *hop, enum cw_reason reason)
{
	while (!cw_list_empty(&hop->waiters)) {
		struct cw_pool_waiter *w =
			cw_container_of(hop->waiters.next, struct cw_pool_waiter, entry);

		cw_list_remove(&w->entry);
		w->failed(w->arg, reason);
	}
}

static void destroy_hop(struct hop *hop)
{
	cw_deferred_cancel(&hop->failure);
	cw_table_remove(&hop->pool->hops, &hop->entry);
	cw_list_remove(&hop->place);
	hop->pool->n_outside -= hop->is_outside;
	hop->pool->n_evicted -= hop->is_evicted;
	cw_buf_finish(&hop->key);
	free(hop->names);
	cw_sip_setup_release(hop->setup);
	free(hop);
}

void cw_pool_destroy(struct cw_pool *pool)
{
	if (!pool)
		return;
	while (!cw_list_empty(&pool->all)) {
		struct hop *hop = cw_container_of(pool->all.next, struct hop, place);

		cw_table_remove(&pool->hops, &hop->entry);
		cw_link_abandon(hop->link);
		fail_waiters(hop, CW_REASON_UNREACHABLE);
		destroy_hop(hop);
	}
	cw_table_finish(&pool->hops);
	cw_buf_finish(&pool->key);
	free(pool);
}

/*
 * Everything that makes a connection usable for a target, so that a change of configuration cannot
 * reuse the wrong one.
 */
static struct cw_str make_key(struct cw_pool *pool, const struct cw_pool_target *t)
{
	struct cw_buf *key = &pool->key;

	cw_buf_clear(key);
	cw_buf_add(key, t->zone->name);
	cw_buf_add_char(key, '\0');
	cw_buf_add(key, t->zone->local_name);
	cw_buf_add_char(key, t->zone->transport == CW_ZONE_TLS ? 's' : 't');
	cw_buf_add_char(key, t->zone->wildcards ? '*' : '-');
	cw_buf_add(key, cw_str_make((const char *)&t->address.sa, t->address.len));
	cw_buf_add(key, t->server_name);
	for (size_t i = 0; i < t->n_names; i++) {
		cw_buf_add_char(key, '\0');
		cw_buf_add(key, t->names[i]);
	}
	return cw_buf_str(key);
}

static struct hop *find(struct cw_pool *pool, const struct cw_pool_target *target)
{
	struct cw_str key = make_key(pool, target);
	struct cw_table_link *entry = pool->key.error ? NULL : cw_table_find(&pool->hops, key);
	struct hop *hop = entry ? cw_container_of(entry, struct hop, entry) : NULL;

	if (!hop || !hop->open || cw_connection_is_open(hop->link->connection))
		return hop;
	/* It is being closed, which may take its time: another one takes its place. */
	cw_table_remove(&pool->hops, &hop->entry);
	return NULL;
}

struct cw_link *cw_pool_find(struct cw_pool *pool, const struct cw_pool_target *target)
{
	struct hop *hop = find(pool, target);

	if (!hop || !hop->open)
		return NULL;
	if (hop->is_outside) {
		cw_list_remove(&hop->place);
		cw_list_append(&pool->all, &hop->place);
	}
	return hop->link;
}

static bool is_idle(const struct hop *hop)
{
	return hop->open && cw_connection_is_open(hop->link->connection) &&
	       cw_list_empty(&hop->link->clients) && cw_list_empty(&hop->link->servers);
}

/*
 * See to it that one more connection to outside may be made. Whoever makes up names of hosts could
 * else have us hold a connection to each, until there are no descriptors left.
 *
 * Returns: whether it may. Closing takes its time, so for a while there may be twice as many.
 */
static bool make_room(struct cw_pool *pool)
{
	struct cw_list *pos;

	if (pool->n_outside - pool->n_evicted < CW_POOL_OUTSIDE_MAX)
		return true;
	if (pool->n_outside >= 2 * CW_POOL_OUTSIDE_MAX)
		return false;
	cw_list_for_each (pos, &pool->all) {
		struct hop *hop = cw_container_of(pos, struct hop, place);

		if (!hop->is_outside || hop->is_evicted || !is_idle(hop))
			continue;
		hop->is_evicted = true;
		pool->n_evicted++;
		cw_link_close(hop->link);
		return true;
	}
	return false;
}

static int copy_names(struct hop *hop, const struct cw_pool_target *target)
{
	size_t bytes = target->n_names * sizeof(*hop->names);
	char *p;

	for (size_t i = 0; i < target->n_names; i++)
		bytes += target->names[i].len;
	hop->names = malloc(bytes ? bytes : 1);
	if (!hop->names)
		return -ENOMEM;
	p = (char *)(hop->names + target->n_names);
	for (size_t i = 0; i < target->n_names; i++) {
		memcpy(p, target->names[i].p, target->names[i].len);
		hop->names[i] = cw_str_make(p, target->names[i].len);
		p += target->names[i].len;
	}
	hop->n_names = target->n_names;
	return 0;
}

/* The hop is out of the table first, so that a waiter that tries again dials anew. */
static void fail_hop(struct hop *hop)
{
	cw_table_remove(&hop->pool->hops, &hop->entry);
	fail_waiters(hop, hop->reason);
	destroy_hop(hop);
}

static void on_failure(void *arg)
{
	fail_hop(arg);
}

static void dial(struct hop *hop, const struct cw_pool_target *target)
{
	struct cw_pool *pool = hop->pool;
	struct cw_connection_dial how = {
		.address = target->address,
		.tls = target->zone->transport == CW_ZONE_TLS ? *pool->settings.tls : NULL,
		.local_name = target->zone->local_name,
		.server_name = target->server_name,
		.connect_timeout_ms = target->connect_timeout_ms,
	};
	int r = target->zone->transport == CW_ZONE_TLS && !how.tls ? -EPROTO : 0;

	if (!r)
		r = cw_link_dial(&hop->link, pool->settings.loop, &how, &hop_handler, hop);
	if (!r)
		return;
	cw_error("sip.pool", cw_kz("event", "cannot-dial"), cw_ks("zone", hop->zone->name),
		cw_kz("error", r == -EPROTO ? "no tls block" : strerror(-r)));
	cw_loop_defer(pool->settings.loop, &hop->failure);
}

int cw_pool_connect(
	struct cw_pool *pool, const struct cw_pool_target *target, struct cw_pool_waiter *waiter)
{
	struct hop *hop = find(pool, target);

	if (hop) {
		cw_list_append(&hop->waiters, &waiter->entry);
		return 0;
	}
	if (target->zone->type == CW_ZONE_DNS && !make_room(pool)) {
		cw_warn("sip.pool", cw_kz("event", "too-many-connections"),
			cw_ks("zone", target->zone->name), cw_ks("host", target->server_name));
		return -ENOBUFS;
	}
	hop = calloc(1, sizeof(*hop));
	if (!hop)
		return -ENOMEM;
	hop->pool = pool;
	hop->setup = target->setup;
	hop->zone = target->zone;
	hop->is_outside = target->zone->type == CW_ZONE_DNS;
	pool->n_outside += hop->is_outside;
	hop->reason = CW_REASON_UNREACHABLE;
	cw_sip_setup_use(hop->setup);
	cw_list_append(&pool->all, &hop->place);
	cw_list_init(&hop->waiters);
	cw_deferred_init(&hop->failure, on_failure, hop);
	cw_buf_init(&hop->key, KEY_MAX);
	cw_buf_add(&hop->key, make_key(pool, target));
	if (pool->key.error || hop->key.error || copy_names(hop, target) ||
		cw_table_insert(&pool->hops, &hop->entry, cw_buf_str(&hop->key))) {
		destroy_hop(hop);
		return -ENOMEM;
	}
	cw_list_append(&hop->waiters, &waiter->entry);
	dial(hop, target);
	return 0;
}

void cw_pool_cancel(struct cw_pool_waiter *waiter)
{
	if (waiter->entry.next)
		cw_list_remove(&waiter->entry);
}

static bool names_fit(const struct hop *hop, const struct cw_identity *identity)
{
	if (hop->n_names == 0 || hop->zone->transport == CW_ZONE_TCP)
		return true;
	for (size_t i = 0; i < hop->n_names; i++)
		if (identity && cw_identity_has_name(identity, hop->names[i], hop->zone->wildcards))
			return true;
	return false;
}

static void on_opened(struct cw_link *link, void *arg)
{
	struct hop *hop = arg;
	const struct cw_identity *identity = cw_connection_identity(link->connection);

	if (!names_fit(hop, identity)) {
		cw_warn("sip.pool", cw_kz("event", "certificate-refused"),
			cw_kz("problem", "wrong-name"), cw_ks("zone", hop->zone->name),
			cw_kz("remote", link->remote), cw_ks("expected", hop->names[0]),
			cw_ks("name", identity && identity->n_names ? identity->names[0].name
								    : cw_str_of("-")),
			cw_kz("subject", identity ? identity->subject : NULL));
		hop->reason = CW_REASON_UNTRUSTED;
		cw_table_remove(&hop->pool->hops, &hop->entry);
		cw_link_close(link);
		fail_waiters(hop, hop->reason);
		return;
	}
	hop->open = true;
	link->setup = hop->setup;
	link->zone = link->dialled_for = hop->zone;
	cw_sip_setup_use(link->setup);
	hop->pool->settings.handler->opened(link, hop->pool->settings.arg);
	while (!cw_list_empty(&hop->waiters)) {
		struct cw_pool_waiter *w =
			cw_container_of(hop->waiters.next, struct cw_pool_waiter, entry);

		cw_list_remove(&w->entry);
		w->ready(w->arg, link);
	}
}

static void on_message(struct cw_link *link, void *arg, struct cw_sip_message *message)
{
	struct hop *hop = arg;

	hop->pool->settings.handler->message(link, hop->pool->settings.arg, message);
}

static void on_malformed(
	struct cw_link *link, void *arg, const struct cw_sip_reject *reject, bool is_response)
{
	struct hop *hop = arg;

	hop->pool->settings.handler->malformed(link, hop->pool->settings.arg, reject, is_response);
}

static void on_closed(
	struct cw_link *link, void *arg, enum cw_connection_end end, const char *detail)
{
	struct hop *hop = arg;

	if (hop->open) {
		cw_table_remove(&hop->pool->hops, &hop->entry);
		hop->pool->settings.handler->closed(link, hop->pool->settings.arg, end, detail);
	} else {
		if (end == CW_END_HANDSHAKE)
			hop->reason = CW_REASON_UNTRUSTED;
		cw_warn("sip.pool", cw_kz("event", "connect-failed"),
			cw_ks("zone", hop->zone->name), cw_kz("remote", link->remote),
			cw_kz("detail", detail));
	}
	hop->link = NULL;
	fail_hop(hop);
}

void cw_pool_reload(struct cw_pool *pool, struct cw_sip_setup *setup)
{
	struct cw_list *pos;

	cw_list_for_each (pos, &pool->all) {
		struct hop *hop = cw_container_of(pos, struct hop, place);
		const struct cw_zone *zone = cw_sip_setup_zone(setup, hop->zone->name);

		if (!zone)
			continue; /* no request asks for it any more; its owner closes an open one */
		cw_sip_setup_release(hop->setup);
		hop->setup = setup;
		hop->zone = zone;
		cw_sip_setup_use(setup);
	}
}

static const struct cw_link_handler hop_handler = {
	.opened = on_opened,
	.message = on_message,
	.malformed = on_malformed,
	.closed = on_closed,
};
