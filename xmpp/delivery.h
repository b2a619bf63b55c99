/*
 * A stanza that waits for a connection: it owns its bytes, knows its targets in order (relay/relay), and keeps the snapshot that decided them.
 * One that can leave at once never becomes a delivery.
 */
#ifndef CW_XMPP_DELIVERY_H
#define CW_XMPP_DELIVERY_H

#include "dialplan/plan.h"
#include "net/loop.h"
#include "relay/relay.h"
#include "xmpp/setup.h"
#include "xmpp/stanza.h"

struct cw_xmpp;

/* One way for a stanza: where to, and its bytes as they leave on it. */
struct cw_delivery_way {
	struct cw_str remote; /* the domain, prepared */
	struct cw_str bytes;
};

struct cw_delivery {
	struct cw_list link;   /* of all that wait */
	struct cw_list queued; /* in the queue of an outbound */
	struct cw_xmpp *xmpp;
	struct cw_xmpp_setup *setup;
	struct cw_relay relay;
	struct cw_plan plan;
	struct cw_delivery_way *ways; /* one for each of the plan's targets */
	struct cw_str local;          /* the domain it is sent for, prepared */
	struct cw_xmpp_answerable answerable;
	char trace[CW_TRACE_ID_MAX];
	/* Nothing is left to be tried: relay.outcome, condition and why say how it ended. NULL: a stanza of our own, which has no fate. */
	void (*finished)(struct cw_delivery *d);
	enum cw_xmpp_condition condition; /* of the last failure */
	char *why;
	struct cw_deferred late; /* of cw_delivery_fail_later */
	enum cw_reason late_reason;
	const char *late_why;
	size_t bytes; /* held */
	struct cw_arena arena;
};

/* What a delivery is made of; all of it is copied. */
struct cw_delivery_settings {
	const struct cw_plan *plan;
	const struct cw_delivery_way *ways;
	struct cw_str local;
	const struct cw_xmpp_answerable *answerable;
	const char *trace;
	void (*finished)(struct cw_delivery *d); /* as in struct cw_delivery */
};

/*
 * Let a stanza wait and begin with its first target. Its fate is booked whatever becomes of it.
 *
 * Returns: 0; -ENOBUFS when too many wait already; -ENOMEM. Then nothing waits, and its fate is the caller's.
 */
int cw_delivery_begin(struct cw_xmpp *xmpp, const struct cw_delivery_settings *settings);

/* The way that is being tried. */
const struct cw_delivery_way *cw_delivery_way(const struct cw_delivery *d);

/* The name of the zone that is being tried, for the log. */
const char *cw_delivery_zone(const struct cw_delivery *d);

/* It left on a stream, which knows of it from now on. Frees it. */
void cw_delivery_sent(struct cw_delivery *d);

/* It did not leave. The next target is tried, or its fate is booked. May free it. */
void cw_delivery_failed(struct cw_delivery *d, enum cw_reason reason,
	enum cw_xmpp_condition condition, const char *why);

/* The same at the end of this turn, for failures within a call of the relay. `why` is static. */
void cw_delivery_fail_later(struct cw_delivery *d, enum cw_reason reason,
	enum cw_xmpp_condition condition, const char *why);

/* Fail all that are left, at the end of the process. */
void cw_delivery_end_all(struct cw_xmpp *xmpp, const char *why);

#endif
