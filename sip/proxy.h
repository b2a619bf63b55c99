/*
 * The SIP side: what the daemon makes, reloads and stops. Requests come in through its links, are
 * checked (RFC 3261, 16.3), decided (dial plan or token) and carried to the next zone; answers go
 * back.
 */
#ifndef CW_SIP_PROXY_H
#define CW_SIP_PROXY_H

#include "certs/keyring.h"
#include "core/stats.h"
#include "core/view.h"
#include "net/dns.h"
#include "net/listener.h"
#include "sip/setup.h"

struct cw_sip;

/* What it works with; all of it outlives it. */
struct cw_sip_settings {
	struct cw_loop *loop;
	struct cw_dns *dns;
	struct cw_tls *const *tls; /* the snapshot of the moment */
	const struct cw_keyring *keyring;
	struct cw_stats *stats;
	struct cw_sip_setup *setup;
	struct cw_views *views; /* where it registers its own */
};

/*
 * Make the SIP side; it takes requests as soon as a listener hands it connections.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_sip_create(struct cw_sip **out, const struct cw_sip_settings *settings);

/* End all connections and requests at once (each with a fate), and free it. NULL is fine. */
void cw_sip_destroy(struct cw_sip *sip);

/*
 * For the settings of a SIP listener: the handler, and the function that accepts (its argument is
 * the struct cw_sip).
 */
extern const struct cw_connection_handler *const cw_sip_connection_handler;
void *cw_sip_accept(struct cw_connection *connection, void *sip);

/*
 * Go on with another snapshot. Requests under way keep the one that decided them; connections
 * belong from now on to the zone that the new one finds for them, and are closed where it would not
 * admit them.
 */
void cw_sip_reload(struct cw_sip *sip, struct cw_sip_setup *setup);

/* Take no new requests (503), and call `stopped` from the loop when none is under way any more. */
void cw_sip_stop(struct cw_sip *sip, void (*stopped)(void *arg), void *arg);

/* End all requests under way: each is answered 503 and has its fate. */
void cw_sip_abort(struct cw_sip *sip);

/* Bring the counters that are worked out (open, unaccounted) up to date before they are printed. */
void cw_sip_settle(struct cw_sip *sip);

#endif
