/*
 * Targets in order, one after the other (causeway.conf(5), "How a request finds its way"): the next one when a
 * target cannot be reached, does not answer or does not know the alias; never when the message may
 * have arrived already and must not arrive twice. Neutral: it knows neither SIP nor XMPP.
 */
#ifndef CW_RELAY_RELAY_H
#define CW_RELAY_RELAY_H

#include "relay/egress.h"
#include "relay/fate.h"

#define CW_RELAY_TOTAL_MS                                                                          \
	28000 /* all tries together: below the 32 s after which a SIP sender gives up */

/* Embed it. Fields are private, but `outcome`, `target` and `plan` may be read. */
struct cw_relay {
	const struct cw_plan *plan;
	size_t next; /* the target to try next */
	const struct cw_target
		*target; /* the one being tried; at the end, that which `outcome` is about */
	const struct cw_target *decisive; /* that which `outcome` is about so far */
	const struct cw_egress *egress;
	void *egress_arg;
	bool once; /* must not arrive twice */
	bool maybe_arrived;
	bool cancelled;
	enum cw_reason
		outcome; /* of the last attempt that reached somebody, if any did; at the end, of the whole */
	uint64_t deadline_ms;
	void (*finished)(void *arg);
	void *arg;
};

struct cw_relay_settings {
	const struct cw_plan *plan; /* at least one target; outlives the relay */
	const struct cw_egress *egress;
	void *egress_arg;
	bool once; /* the request must not arrive twice: MESSAGE, BENOTIFY, INVITE with a first message */
	uint64_t now_ms;
	void (*finished)(void *arg); /* the search is over: `outcome` says how */
	void *arg;
};

/* Begin with the first target. */
void cw_relay_start(struct cw_relay *relay, const struct cw_relay_settings *settings);

/*
 * The attempt at relay->target ended. `written`: bytes of it left towards a peer without an
 * explicit failure answer. Starts the next attempt, or calls `finished` (the relay may be freed in
 * it).
 */
void cw_relay_attempt_done(
	struct cw_relay *relay, enum cw_reason reason, bool written, uint64_t now_ms);

/* The sender took the request back: the attempt is asked to end and no further target is tried. */
void cw_relay_cancel(struct cw_relay *relay);

/* The fate that an outcome amounts to. */
enum cw_fate cw_relay_fate(enum cw_reason outcome);

#endif
