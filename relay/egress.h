/*
 * What a protocol does for the relay: carry a request to one target, and say how that ended.
 */
#ifndef CW_RELAY_EGRESS_H
#define CW_RELAY_EGRESS_H

#include "dialplan/plan.h"

/* How one attempt ended, whatever the protocol. Each edge maps its own answers to these once. */
enum cw_reason {
	CW_REASON_DELIVERED,   /* the far side accepted it */
	CW_REASON_SENT,        /* it left; no answer is due */
	CW_REASON_REJECTED,    /* a final no: the search ends */
	CW_REASON_NOT_FOUND,   /* the far side does not know the alias (404) */
	CW_REASON_UNAVAILABLE, /* the far side cannot now (500, 502, 503, 504) */
	CW_REASON_UNREACHABLE, /* no connection: nothing was written */
	CW_REASON_UNTRUSTED,   /* a certificate was refused, theirs or ours: nothing arrived */
	CW_REASON_TIMEOUT,     /* no answer in time */
	CW_REASON_LOST,        /* the connection died after it was written */
	CW_REASON_CANCELLED,   /* its sender took it back */
	CW_REASON_NO_GATEWAY,  /* the target speaks another protocol */
};

struct cw_relay;

/*
 * One protocol's way out. `attempt` starts, and ends later (never inside the call) in exactly one
 * cw_relay_attempt_done; `cancel` asks to end it soon: its end still comes.
 */
struct cw_egress {
	void (*attempt)(void *arg, const struct cw_target *target, uint64_t deadline_ms);
	void (*cancel)(void *arg);
};

/* "delivered", "rejected", ...: for logs. */
const char *cw_reason_name(enum cw_reason reason);

#endif
