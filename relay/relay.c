#include "relay/relay.h"

static const char *const reason_names[] = {
	[CW_REASON_DELIVERED] = "delivered",
	[CW_REASON_SENT] = "sent",
	[CW_REASON_REJECTED] = "rejected",
	[CW_REASON_NOT_FOUND] = "not-found",
	[CW_REASON_UNAVAILABLE] = "unavailable",
	[CW_REASON_UNREACHABLE] = "unreachable",
	[CW_REASON_UNTRUSTED] = "untrusted",
	[CW_REASON_TIMEOUT] = "timeout",
	[CW_REASON_LOST] = "lost",
	[CW_REASON_CANCELLED] = "cancelled",
	[CW_REASON_NO_GATEWAY] = "no-gateway",
};

static const enum cw_fate fates[] = {
	[CW_REASON_DELIVERED] = CW_FATE_DELIVERED,
	[CW_REASON_SENT] = CW_FATE_SENT,
	[CW_REASON_REJECTED] = CW_FATE_REJECTED,
	[CW_REASON_NOT_FOUND] = CW_FATE_REJECTED,
	[CW_REASON_UNAVAILABLE] = CW_FATE_REJECTED,
	[CW_REASON_UNREACHABLE] = CW_FATE_FAILED,
	[CW_REASON_UNTRUSTED] = CW_FATE_FAILED,
	[CW_REASON_TIMEOUT] = CW_FATE_EXPIRED,
	[CW_REASON_LOST] = CW_FATE_UNKNOWN,
	[CW_REASON_CANCELLED] = CW_FATE_EXPIRED,
	[CW_REASON_NO_GATEWAY] = CW_FATE_FAILED,
};

const char *cw_reason_name(enum cw_reason reason)
{
	return reason_names[reason];
}

enum cw_fate cw_relay_fate(enum cw_reason outcome)
{
	return fates[outcome];
}

/* Whether an attempt that ended so leaves the question open for the next target. */
static bool search_goes_on(enum cw_reason reason)
{
	switch (reason) {
	case CW_REASON_NOT_FOUND:
	case CW_REASON_UNAVAILABLE:
	case CW_REASON_UNREACHABLE:
	case CW_REASON_UNTRUSTED:
	case CW_REASON_TIMEOUT:
	case CW_REASON_LOST:
	case CW_REASON_NO_GATEWAY:
		return true;
	case CW_REASON_DELIVERED:
	case CW_REASON_SENT:
	case CW_REASON_REJECTED:
	case CW_REASON_CANCELLED:
		break;
	}
	return false;
}

/* Whether an attempt that ended so left no trace of the request anywhere. */
static bool reached_nobody(enum cw_reason reason)
{
	return reason == CW_REASON_UNREACHABLE || reason == CW_REASON_UNTRUSTED ||
	       reason == CW_REASON_NO_GATEWAY;
}

static void attempt_next(struct cw_relay *relay)
{
	relay->target = &relay->plan->targets[relay->next++];
	relay->egress->attempt(relay->egress_arg, relay->target, relay->deadline_ms);
}

void cw_relay_start(struct cw_relay *relay, const struct cw_relay_settings *settings)
{
	*relay = (struct cw_relay){
		.plan = settings->plan,
		.egress = settings->egress,
		.egress_arg = settings->egress_arg,
		.once = settings->once,
		.outcome = CW_REASON_UNREACHABLE,
		.deadline_ms = settings->now_ms + CW_RELAY_TOTAL_MS,
		.finished = settings->finished,
		.arg = settings->arg,
	};
	attempt_next(relay);
}

void cw_relay_attempt_done(
	struct cw_relay *relay, enum cw_reason reason, bool written, uint64_t now_ms)
{
	/* What became of it at one target is not undone by another that could not be reached. */
	if (!reached_nobody(reason) || reached_nobody(relay->outcome)) {
		relay->outcome = reason;
		relay->decisive = relay->target;
	}
	if (written)
		relay->maybe_arrived = true;
	if (search_goes_on(reason) && !relay->cancelled && relay->next < relay->plan->n_targets &&
		!(relay->once && relay->maybe_arrived) && now_ms < relay->deadline_ms) {
		attempt_next(relay);
		return;
	}
	relay->target = relay->decisive;
	relay->finished(relay->arg);
}

void cw_relay_cancel(struct cw_relay *relay)
{
	relay->cancelled = true;
	relay->egress->cancel(relay->egress_arg);
}
