/*
 * The XMPP side: what the daemon makes, reloads and stops. Streams of partners and of the own server come in through its listeners; stanzas pass by policy and dial plan to the
 * stream that leads on.
 */
#ifndef CW_XMPP_FEDERATION_H
#define CW_XMPP_FEDERATION_H

#include "certs/secret_file.h"
#include "core/stats.h"
#include "core/tap.h"
#include "core/view.h"
#include "net/dns.h"
#include "net/listener.h"
#include "xmpp/setup.h"

#define CW_XMPP_STRANGERS_PER_ADDRESS_MAX                                                          \
	16                         /* streams of one address on which nobody is authenticated yet */
#define CW_XMPP_STRANGERS_MAX 2000 /* of these in all */
#define CW_XMPP_FULL_MS       30000 /* until a peer that stopped reading has room again */

struct cw_xmpp;

/* What it works with; all of it outlives it. */
struct cw_federation_settings {
	struct cw_loop *loop;
	struct cw_dns *dns;
	struct cw_tls *const *tls;      /* the snapshot of the moment; NULL in it: no certificate */
	const struct cw_secret *secret; /* of dialback keys, of the moment */
	struct cw_stats *stats;
	struct cw_tap *tap;
	struct cw_views *views; /* where it registers its own */
	struct cw_xmpp_setup *setup;
};

/*
 * Make the XMPP side; it takes streams as soon as a listener hands it connections.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_xmpp_create(struct cw_xmpp **out, const struct cw_federation_settings *settings);

/* End all streams at once, each stanza with a fate, and free it. NULL is fine. */
void cw_xmpp_destroy(struct cw_xmpp *xmpp);

/* For the settings of a listener: the handler, and the functions that accept, for STARTTLS and for TLS from the first byte (their argument is the struct cw_xmpp). */
extern const struct cw_connection_handler *const cw_xmpp_connection_handler;
void *cw_xmpp_accept(struct cw_connection *connection, void *xmpp);
void *cw_xmpp_accept_direct(struct cw_connection *connection, void *xmpp);

/* Go on with another snapshot: streams that it does not allow are closed, the others stay and have its terms. */
void cw_xmpp_reload(struct cw_xmpp *xmpp, struct cw_xmpp_setup *setup);

/* Bound the strangers of XMPP's listeners. */
void cw_xmpp_set_limits(struct cw_admission *admission);

/* Take nothing new, and call `stopped` from the loop when no stanza is under way any more. */
void cw_xmpp_stop(struct cw_xmpp *xmpp, void (*stopped)(void *arg), void *arg);

/* End all stanzas under way: each is answered and has its fate; and close the streams. */
void cw_xmpp_abort(struct cw_xmpp *xmpp);

/* Bring the counters that are worked out up to date before they are printed. */
void cw_xmpp_settle(struct cw_xmpp *xmpp);

#endif
