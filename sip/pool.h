/*
 * The connections that we dial: one for each (zone, address, identity wanted there), shared by all
 * requests that go there.
 *
 * A connection is handed out only after the name in its certificate was checked: RFC 5922, 7. A
 * certificate that is good for one zone is never reused for another.
 */
#ifndef CW_SIP_POOL_H
#define CW_SIP_POOL_H

#include "relay/egress.h"
#include "sip/link.h"

#define CW_POOL_OUTSIDE_MAX                                                                        \
	800 /* connections to whomever DNS names; beyond it, those go that are idle longest */

struct cw_pool;

/* Where to, and who must be there. Slices are copied where they are kept. */
struct cw_pool_target {
	struct cw_sip_setup *setup; /* that `zone` belongs to */
	const struct cw_zone *zone;
	struct cw_address address;
	struct cw_str
		server_name; /* SNI: the name that led to the address; a literal address is not sent */
	const struct cw_str *
		names; /* the certificate must carry one of them; none: it may be anyone's that we trust */
	size_t n_names;
	unsigned connect_timeout_ms;
};

/* A wait for a connection; embed it. Neither callback runs inside cw_pool_connect. */
struct cw_pool_waiter {
	struct cw_list entry;
	void (*ready)(void *arg, struct cw_link *link);
	/* CW_REASON_UNREACHABLE or CW_REASON_UNTRUSTED. */
	void (*failed)(void *arg, enum cw_reason reason);
	void *arg;
};

struct cw_pool_settings {
	struct cw_loop *loop;
	struct cw_tls *const *tls; /* the snapshot of the moment */
	/*
	 * What the links do beyond being connected: `opened` is called for checked ones alone.
	 * Their argument is `arg`.
	 */
	const struct cw_link_handler *handler;
	void *arg;
};

/*
 * An empty pool.
 *
 * Returns: the pool, owned by the caller; NULL when memory is short.
 */
struct cw_pool *cw_pool_create(const struct cw_pool_settings *settings);

/*
 * Abandon what is being dialled, and free it. Open links are their owner's to end before. NULL is
 * fine.
 */
void cw_pool_destroy(struct cw_pool *pool);

/* The open connection to that target, or NULL. */
struct cw_link *cw_pool_find(struct cw_pool *pool, const struct cw_pool_target *target);

/*
 * Wait for the connection to that target; it is dialled unless somebody waits for it already.
 *
 * Returns: 0; -ENOMEM; -ENOBUFS when too many connections to outside are busy.
 */
int cw_pool_connect(
	struct cw_pool *pool, const struct cw_pool_target *target, struct cw_pool_waiter *waiter);

/* Wait no longer; harmless on a zeroed waiter or one that was called. */
void cw_pool_cancel(struct cw_pool_waiter *waiter);

/*
 * The zones are those of another snapshot now: connections follow their zone by name; those of a
 * zone that is gone are not handed out any more.
 */
void cw_pool_reload(struct cw_pool *pool, struct cw_sip_setup *setup);

#endif
