/*
 * The way from one domain to another: a queue of stanzas that wait, the candidates for the server, the stream to the one that took us, and
 * how it went. One for each pair, as most servers have it: Prosody answers an iq on the stream of the pair that stands in the header, whatever
 * else was proved on it, so more pairs on a stream (XEP-0220, 2.6) would lose answers. Those that others prove on one are taken.
 *
 *   idle -> locating (DNS, routes) -> connecting (one candidate after the other) -> up -> idle ...
 *   after the last candidate: failed; what comes within the pause that follows is answered at once with the same reason
 */
#ifndef CW_XMPP_OUTBOUND_H
#define CW_XMPP_OUTBOUND_H

#include "core/list.h"
#include "core/table.h"
#include "net/loop.h"
#include "xmpp/dialback.h"
#include "xmpp/servers.h"
#include "xmpp/stanza.h"

#define CW_OUTBOUND_QUEUE_MAX       1000 /* stanzas that wait in one */
#define CW_OUTBOUND_QUEUE_MAX_BYTES (1u << 20)
#define CW_OUTBOUND_ADDRESSES_MAX   8    /* of one candidate that are tried */
#define CW_OUTBOUND_CONNECT_MS      5000 /* for TCP to one address */
#define CW_OUTBOUND_RETRY_MIN_MS    1000 /* the pause after a failure; it doubles */
#define CW_OUTBOUND_RETRY_MAX_MS    60000
#define CW_OUTBOUND_RECENT_MS                                                                      \
	60000 /* a stream that carried something within this is made anew when its peer closes it */
#define CW_OUTBOUND_REMEMBER_MS 600000 /* a failure is shown this long */

struct cw_delivery;
struct cw_outbound;
struct cw_stream;
struct cw_xmpp;

enum cw_outbound_state {
	CW_OUTBOUND_IDLE,
	CW_OUTBOUND_LOCATING,
	CW_OUTBOUND_CONNECTING,
	CW_OUTBOUND_UP,
	CW_OUTBOUND_FAILED,
};

/* Let a delivery wait for the way to its target of the moment; it ends in cw_delivery_sent or cw_delivery_failed, from the loop. */
void cw_outbound_submit(struct cw_delivery *d, const struct cw_zone *zone);

/*
 * The stream on which a stanza from `local` to `remote` may leave now; `zone` NULL: the federation.
 *
 * Returns: an established stream on which the pair is proved, with room; NULL: it has to wait.
 */
struct cw_stream *cw_outbound_stream(struct cw_xmpp *xmpp, const struct cw_zone *zone,
	struct cw_str local, struct cw_str remote);

/* An accepted stream on which stanzas may leave, too (XEP-0288), for that pair; it ends with cw_outbound_forget. */
void cw_outbound_borrow(struct cw_stream *incoming, struct cw_str local, struct cw_str remote);

/* An accepted stream has room again: what waits for it may leave. */
void cw_outbound_drained(struct cw_stream *incoming);

/* An accepted stream ends. */
void cw_outbound_forget(struct cw_stream *incoming);

/* ---- for the view and the end ---- */

struct cw_outbound {
	struct cw_table_link table;     /* by key */
	struct cw_table_link by_remote; /* of the federation: by the domain */
	struct cw_list failure;         /* while it is failed */
	struct cw_list link;
	struct cw_xmpp *xmpp;
	uint64_t serial;       /* unique, ascending */
	char *key, *zone_name; /* zone_name NULL: the federation */
	char *local, *remote;
	enum cw_outbound_state state; /* of the stream of our own */
	struct cw_stream *stream;     /* ours */
	struct cw_stream *borrowed;   /* accepted, and used both ways */
	struct cw_list queue, verifications;
	size_t n_queued, queued_bytes;

	struct cw_xmpp_terms terms; /* of the configuration of now */
	struct cw_xmpp_servers_query *locating;
	struct cw_dns_query *resolving;
	struct cw_xmpp_servers servers;
	size_t next_server; /* to try next */
	struct cw_address addresses[CW_OUTBOUND_ADDRESSES_MAX];
	size_t n_addresses, next_address;

	struct cw_deferred work; /* what must not happen inside a call of the relay */
	struct cw_timer *timer;
	uint64_t retry_ms; /* failed: not before this */
	unsigned pause_ms; /* the last one */
	uint64_t failed_ms;
	bool was_not_found; /* failed: there is no such server */
	bool was_untrusted; /* failed: a certificate, TLS or dialback was refused */
	bool is_second_try; /* the peer ended a stream before its proof: it is dialled once more */
	bool is_renewing; /* the peer closed a stream in use: a new one is made, though nothing waits */
	char *last_error; /* in words; NULL: none */
};

/*
 * The outbound for a pair, made when there is none; `zone` NULL: the federation.
 *
 * Returns: it; NULL when there are too many, or memory is short.
 */
struct cw_outbound *cw_outbound_get(struct cw_xmpp *xmpp, const struct cw_zone *zone,
	struct cw_str local, struct cw_str remote);

/*
 * One towards `remote` in the federation on which a question to its server may go, whatever pair it is for: one that has a stream or is
 * about to have it, else that of the pair (XEP-0220 asks for no pair; one connection is enough).
 *
 * Returns: as cw_outbound_get.
 */
struct cw_outbound *cw_outbound_asking(
	struct cw_xmpp *xmpp, struct cw_str local, struct cw_str remote);

/* Look at what waits, and connect where something does. */
void cw_outbound_go(struct cw_outbound *o);

/* "idle", "connecting", "established" or "failed", for the view. */
const char *cw_outbound_state_name(const struct cw_outbound *o);

/* Another configuration: streams that it does not allow are closed, the others have its terms. */
void cw_outbound_reload_all(struct cw_xmpp *xmpp);

/* Fail all stanzas that wait; for the end. */
void cw_outbound_fail_all(struct cw_xmpp *xmpp, const char *why);

/* Free all; their streams are gone already. */
void cw_outbound_destroy_all(struct cw_xmpp *xmpp);

#endif
