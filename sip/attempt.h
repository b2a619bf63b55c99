/*
 * One try to carry a request to one target: the way to the zone's peers, one after the other, and
 * the client transaction.
 *
 * The SIP side's implementation of relay/egress.h. A neighbor's hosts are its peers, a dns zone's
 * are what DNS says of the next hop; each host may have several addresses. The next address or host
 * is tried when there is no connection, on 503, and when the connection died, unless the request
 * may have arrived and must not arrive twice.
 */
#ifndef CW_SIP_ATTEMPT_H
#define CW_SIP_ATTEMPT_H

#include "relay/egress.h"
#include "sip/next_hop.h"
#include "sip/pool.h"
#include "sip/transaction.h"

#define CW_TIMER_C_MS                                                                              \
	180000 /* RFC 3261, 16.6, step 11: an INVITE that rings, since its last provisional answer */

struct cw_context;

enum cw_attempt_state {
	CW_ATTEMPT_IDLE,
	CW_ATTEMPT_FINDING, /* DNS is asked */
	CW_ATTEMPT_CONNECTING,
	CW_ATTEMPT_WAITING,    /* it is written; an answer is awaited */
	CW_ATTEMPT_CANCELLING, /* CANCEL is written; the final answer is awaited */
	CW_ATTEMPT_PASSING, /* INVITE: it ended in 2xx; further ones pass until the context goes */
};

/* Embedded in the context. */
struct cw_attempt {
	struct cw_context *ctx;
	enum cw_attempt_state state;
	const struct cw_target *target;
	uint64_t deadline_ms;
	struct cw_next_hop hop;
	struct cw_pool_waiter waiter;
	struct cw_client_txn txn;
	struct cw_timer *timer;
	struct cw_deferred ending; /* an end that is told from the loop */
	enum cw_reason reason;
	char *sent; /* INVITE: as it was written, for its CANCEL and ACK */
	size_t sent_len;
	bool written;     /* to the peer being tried, without an explicit failure answer */
	bool ringing;     /* a provisional answer above 100 came */
	bool provisional; /* any provisional answer came: CANCEL may be sent */
	bool cancel_wanted;
	bool timed_out; /* timer C passed and CANCEL was sent */
};

/* The egress of SIP zones; its argument is the struct cw_attempt. */
extern const struct cw_egress cw_attempt_egress;

/*
 * Make it idle; the context has its message.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_attempt_init(struct cw_attempt *attempt, struct cw_context *ctx);

/* Forget everything: no callback comes any more. */
void cw_attempt_finish(struct cw_attempt *attempt);

#endif
