/*
 * What the parts of the SIP side share; private to sip/.
 *
 * Data flows one way:
 *   link -> proxy (checks, decision) -> context (one request and its answers) -> relay -> attempt (one target) -> pool -> link
 */
#ifndef CW_SIP_STACK_H
#define CW_SIP_STACK_H

#include "certs/keyring.h"
#include "core/buf.h"
#include "core/stats.h"
#include "net/dns.h"
#include "relay/fate.h"
#include "sip/pool.h"
#include "sip/setup.h"
#include "sip/transaction.h"
#include "sip/view.h"

#define CW_SIP_CONTEXTS_MAX 50000 /* requests under way */
#define CW_SIP_OUTSIDE_MAX  25000 /* of them, from the zone `default` */
#define CW_SIP_HELD_MAX_BYTES                                                                      \
	(512u << 20) /* bytes of their messages and best answers, with the index over them */
#define CW_SIP_LINGERING_MAX 20000 /* INVITEs that wait for their ACK or for further 2xx */

/* Counters of the SIP side. */
struct cw_sip_counters {
	uint64_t *malformed;            /* messages that were refused as such */
	uint64_t *stray_responses;      /* that belong to no request */
	uint64_t *stray_acks;           /* that no rule routes */
	uint64_t *retransmissions;      /* of a request under way: absorbed */
	uint64_t *links_in, *links_out; /* connections made, in all */
	uint64_t *denied;               /* connections that the access rules refused */
	uint64_t *token_routed;         /* requests that went by their dialog's token */
	uint64_t *token_refused;        /* tokens that opened nothing */
	uint64_t *sender_refused;
	uint64_t *limit_exceeded; /* requests that a pattern's match limit failed */
	uint64_t *late_responses; /* that went back another way since their connection had died */
	uint64_t *undeliverable_responses;
};

struct cw_monitor;
struct cw_peer_book;

struct cw_sip {
	struct cw_loop *loop;
	struct cw_dns *dns;
	const struct cw_keyring *keyring;
	struct cw_sip_setup *setup; /* of now */
	struct cw_fates fates;
	struct cw_stats *stats;
	struct cw_sip_counters counters;
	struct cw_transactions transactions;
	struct cw_pool *pool;
	struct cw_list links; /* open or being accepted */
	uint64_t last_serial; /* of a link */
	struct cw_list contexts;
	size_t n_contexts; /* of them, without a fate yet */
	size_t n_outside;  /* of these, from the zone `default` */
	size_t n_lingering;
	size_t held_bytes;
	struct cw_monitor *monitor;
	struct cw_peer_book *peer_book;
	struct cw_sip_views views;
	struct cw_buf out;     /* scratch for what is sent within one call */
	struct cw_buf scratch; /* for what is made and used within one function */
	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* Whether every request has its fate. */
bool cw_sip_is_idle(const struct cw_sip *sip);

/* A request got its fate: when it was the last one and the daemon waits for that, it is told. */
void cw_sip_context_booked(struct cw_sip *sip);

#endif
