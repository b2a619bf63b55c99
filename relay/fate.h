/*
 * The fate of every request: exactly one, recorded once. Nothing is lost silently.
 */
#ifndef CW_RELAY_FATE_H
#define CW_RELAY_FATE_H

#include "core/stats.h"

enum cw_fate {
	CW_FATE_DELIVERED, /* the far side answered with success (or we did, for what is meant for ourselves) */
	CW_FATE_SENT,     /* it left, and no answer is due: ACK, BENOTIFY */
	CW_FATE_REJECTED, /* the far side, or a rule or check of ours, said no */
	CW_FATE_FAILED,   /* it reached nobody */
	CW_FATE_EXPIRED,  /* no answer in time, or it was cancelled */
	CW_FATE_UNKNOWN,  /* it left, and the connection died before an answer came */
	CW_FATE_COUNT,
};

/*
 * The books. `unaccounted` is received, less what is still being worked on, less the sum of the
 * fates: it stays 0. Whoever holds the open requests counts them anew when the counters are shown,
 * so that a request that was dropped without a fate is found out.
 */
struct cw_fates {
	uint64_t *received;
	uint64_t *open;
	uint64_t *unaccounted;
	uint64_t *booked[CW_FATE_COUNT];
};

/*
 * Register the counters "fate.delivered" ..., "requests.received", "requests.open" and
 * "unaccounted", each with `prefix` before it ("xmpp."; SIP's have none).
 */
void cw_fates_init(struct cw_fates *fates, struct cw_stats *stats, const char *prefix);

/* A request was received. */
void cw_fates_open(struct cw_fates *fates);

/* It ended so. To be called once for each cw_fates_open. */
void cw_fates_book(struct cw_fates *fates, enum cw_fate fate);

/* Work out `open` and `unaccounted` for the counters: `alive` requests are still worked on. */
void cw_fates_settle(struct cw_fates *fates, size_t alive);

/* "delivered", "sent", "rejected", "failed", "expired" or "unknown". */
const char *cw_fate_name(enum cw_fate fate);

#endif
