#include "sip/attempt.h"

#include "core/log.h"
#include "sip/context.h"
#include "sip/forward.h"
#include "sip/monitor.h"
#include "sip/rewrite.h"

#include <errno.h>
#include <stdlib.h>

static const char *const state_names[] = {
	[CW_ATTEMPT_IDLE] = "idle",
	[CW_ATTEMPT_FINDING] = "finding",
	[CW_ATTEMPT_CONNECTING] = "connecting",
	[CW_ATTEMPT_WAITING] = "waiting",
	[CW_ATTEMPT_CANCELLING] = "cancelling",
	[CW_ATTEMPT_PASSING] = "passing",
};

static void try_next(struct cw_attempt *a);

static void enter(struct cw_attempt *a, enum cw_attempt_state to)
{
	cw_debug("sip.attempt", cw_kz("trace", a->ctx->trace), cw_kz("from", state_names[a->state]),
		cw_kz("to", state_names[to]));
	a->state = to;
}

static uint64_t now_ms(const struct cw_attempt *a)
{
	return cw_loop_now_ms(a->ctx->sip->loop);
}

/* Everything but the client transaction of an INVITE that passes further 2xx. */
static void stop(struct cw_attempt *a)
{
	free(a->sent);
	a->sent = NULL;
	a->sent_len = 0;
	cw_next_hop_finish(&a->hop);
	cw_pool_cancel(&a->waiter);
	cw_timer_stop(a->timer);
	if (a->state != CW_ATTEMPT_PASSING)
		cw_client_txn_stop(&a->ctx->sip->transactions, &a->txn);
}

/*
 * End it with that reason. To be called from the loop alone, as the last thing that is done with
 * it.
 */
static void end(struct cw_attempt *a, enum cw_reason reason)
{
	stop(a);
	if (a->state != CW_ATTEMPT_PASSING)
		enter(a, CW_ATTEMPT_IDLE);
	cw_relay_attempt_done(&a->ctx->relay, reason, a->written, now_ms(a));
}

static void on_ending(void *arg)
{
	struct cw_attempt *a = arg;

	end(a, a->reason);
}

/* The same from where the relay called us: it is told from the loop. */
static void end_later(struct cw_attempt *a, enum cw_reason reason)
{
	a->reason = reason;
	cw_loop_defer(a->ctx->sip->loop, &a->ending);
}

/*
 * Remember why this host did not do, for when there is none left. A certificate problem is worth
 * more than a dead host, and what came of a request that was written more than either.
 */
static void note_failure(struct cw_attempt *a, enum cw_reason reason)
{
	if (a->reason != CW_REASON_UNTRUSTED && a->reason != CW_REASON_UNAVAILABLE &&
		a->reason != CW_REASON_LOST)
		a->reason = reason;
}

/* What is left of the time for all tries. */
static uint64_t time_left(const struct cw_attempt *a)
{
	uint64_t now = now_ms(a);

	return now < a->deadline_ms ? a->deadline_ms - now : 0;
}

static void start_response_timer(struct cw_attempt *a)
{
	uint64_t ms = a->target->zone->response_timeout_ms;
	uint64_t left = time_left(a);

	cw_timer_start(a->timer, ms < left ? ms : left);
}

static int keep_sent(struct cw_attempt *a, struct cw_str bytes)
{
	free(a->sent);
	a->sent_len = 0;
	a->sent = malloc(bytes.len);
	if (!a->sent)
		return -ENOMEM;
	memcpy(a->sent, bytes.p, bytes.len);
	a->sent_len = bytes.len;
	return 0;
}

/*
 * Write the request to an open connection.
 *
 * Returns: 0; a negative errno when it did not leave, and nothing of it did.
 */
static int write_request(struct cw_attempt *a, struct cw_link *link)
{
	struct cw_context *ctx = a->ctx;
	struct cw_sip *sip = ctx->sip;
	int r;

	cw_branch_make(&sip->transactions, a->txn.branch, cw_str_of(ctx->trace),
		cw_loop_hash(ctx->message));
	cw_buf_clear(&sip->out);
	r = cw_forward_build(&sip->out, ctx, a->target, a->txn.branch);
	if (!r && ctx->message->method == CW_SIP_INVITE)
		r = keep_sent(a, cw_buf_str(&sip->out));
	if (!r && ctx->answerable)
		r = cw_client_txn_start(&sip->transactions, &a->txn, link);
	if (!r)
		r = cw_link_send(link, cw_buf_str(&sip->out), ctx->link);
	if (r) {
		cw_client_txn_stop(&sip->transactions, &a->txn);
		cw_warn("sip.attempt", cw_kz("event", "not-written"), cw_kz("trace", ctx->trace),
			cw_ks("zone", a->target->zone->name), cw_kz("remote", link->remote),
			cw_kz("error", strerror(-r)));
	}
	return r;
}

/*
 * The connection is there: write, and wait for an answer if one is due. Returns: whether it was
 * written.
 */
static bool use_link(struct cw_attempt *a, struct cw_link *link)
{
	if (write_request(a, link)) {
		note_failure(a, CW_REASON_UNREACHABLE);
		return false;
	}
	a->written = true;
	a->provisional = a->ringing = false;
	enter(a, CW_ATTEMPT_WAITING);
	if (a->ctx->answerable)
		start_response_timer(a);
	else
		end_later(a, CW_REASON_SENT);
	return true;
}

static void on_link_ready(void *arg, struct cw_link *link)
{
	struct cw_attempt *a = arg;

	if (!use_link(a, link))
		try_next(a);
}

static void on_link_failed(void *arg, enum cw_reason reason)
{
	struct cw_attempt *a = arg;

	note_failure(a, reason);
	try_next(a);
}

/* Neither DNS nor a connection that others dial knows our deadline. */
static void wait_for_way(struct cw_attempt *a, enum cw_attempt_state state)
{
	enter(a, state);
	cw_timer_start(a->timer, time_left(a));
}

/*
 * Try one address. A host's addresses share the zone's connect-timeout, so that a dead peer costs
 * no more than that.
 *
 * Returns: whether something is under way now.
 */
static bool try_address(
	struct cw_attempt *a, const struct cw_address *address, const struct cw_next_hop_host *host)
{
	const struct cw_zone *zone = a->target->zone;
	struct cw_sip *sip = a->ctx->sip;
	uint64_t share = zone->connect_timeout_ms / a->hop.n_addresses;
	uint64_t left = time_left(a);
	struct cw_pool_target target = {
		.setup = a->ctx->setup,
		.zone = zone,
		.address = *address,
		.server_name = host->server_name,
		.names = host->names,
		.n_names = host->n_names,
		.connect_timeout_ms = (unsigned)(share < left ? share : left),
	};
	struct cw_link *link;

	if (left == 0)
		return false;
	link = cw_pool_find(sip->pool, &target);
	if (link)
		return use_link(a, link);
	if (cw_pool_connect(sip->pool, &target, &a->waiter))
		return false;
	wait_for_way(a, CW_ATTEMPT_CONNECTING);
	return true;
}

/* Go on with the next address or host, or end. Only from the loop. */
static void try_next(struct cw_attempt *a)
{
	const struct cw_address *address;
	const struct cw_next_hop_host *host;

	for (;;) {
		switch (cw_next_hop_next(&a->hop, &address, &host)) {
		case CW_NEXT_HOP_ADDRESS:
			if (try_address(a, address, host))
				return;
			break;
		case CW_NEXT_HOP_WAIT:
			wait_for_way(a, CW_ATTEMPT_FINDING);
			return;
		case CW_NEXT_HOP_END:
			if (a->hop.problem)
				cw_info("sip.attempt", cw_kz("event", "no-next-hop"),
					cw_kz("trace", a->ctx->trace),
					cw_ks("zone", a->target->zone->name),
					cw_ks("domain", a->hop.domain),
					cw_kz("problem", a->hop.problem));
			end_later(a, a->reason);
			return;
		}
	}
}

static void on_found(void *arg)
{
	try_next(arg);
}

static bool is_down(void *arg, size_t peer)
{
	struct cw_attempt *a = arg;

	return cw_monitor_is_down(a->ctx->sip->monitor, a->target->zone, peer);
}

static void start(void *arg, const struct cw_target *target, uint64_t deadline_ms)
{
	struct cw_attempt *a = arg;
	struct cw_sip_uri room;
	struct cw_next_hop_question question = {
		.setup = a->ctx->setup,
		.zone = target->zone,
		.variant = a->ctx->request.variant,
		.is_down = is_down,
		.is_down_arg = a,
	};

	a->target = target;
	a->deadline_ms = deadline_ms;
	a->written = false;
	a->reason = CW_REASON_UNREACHABLE;
	if (cw_zone_protocol(target->zone) != CW_PROTOCOL_SIP) {
		end_later(a, CW_REASON_NO_GATEWAY);
		return;
	}
	if (target->zone->type != CW_ZONE_NEIGHBOR && target->zone->type != CW_ZONE_DNS) {
		end_later(a, CW_REASON_UNREACHABLE);
		return;
	}
	question.uri = cw_forward_next_uri(a->ctx, target, &room, &question.by_route);
	if (!question.uri) {
		end_later(a, CW_REASON_UNREACHABLE);
		return;
	}
	cw_next_hop_start(&a->hop, a->ctx->sip->dns, &a->ctx->arena, &question, on_found, a);
	try_next(a);
}

/* Send the CANCEL or the ACK that belongs to the INVITE that was written. */
static void send_follow_up(struct cw_attempt *a, const struct cw_sip_message *response)
{
	struct cw_sip *sip = a->ctx->sip;

	cw_buf_clear(&sip->out);
	if (a->txn.link &&
		cw_sip_follow_up_build(&sip->out, cw_str_make(a->sent, a->sent_len), response) == 0)
		cw_link_send(a->txn.link, cw_buf_str(&sip->out), NULL);
}

/*
 * RFC 3261, 9.1: a CANCEL is sent only after a provisional answer; then the final one must come
 * within 64*T1.
 */
static void send_cancel(struct cw_attempt *a)
{
	send_follow_up(a, NULL);
	enter(a, CW_ATTEMPT_CANCELLING);
	cw_timer_start(a->timer, CW_TIMER_H_MS);
}

static void cancel(void *arg)
{
	struct cw_attempt *a = arg;

	switch (a->state) {
	case CW_ATTEMPT_FINDING:
	case CW_ATTEMPT_CONNECTING:
		stop(a);
		end_later(a, CW_REASON_CANCELLED);
		break;
	case CW_ATTEMPT_WAITING:
		a->cancel_wanted = true;
		if (a->provisional)
			send_cancel(a);
		break;
	case CW_ATTEMPT_IDLE: /* between two: the end that is under way will find it cancelled */
	case CW_ATTEMPT_CANCELLING:
	case CW_ATTEMPT_PASSING:
		break;
	}
}

static void on_timer(void *arg)
{
	struct cw_attempt *a = arg;

	if (a->state == CW_ATTEMPT_FINDING || a->state == CW_ATTEMPT_CONNECTING) {
		end(a, a->reason);
		return;
	}
	if (a->state == CW_ATTEMPT_CANCELLING) {
		end(a, a->timed_out ? CW_REASON_TIMEOUT : CW_REASON_CANCELLED);
		return;
	}
	if (a->ringing) { /* timer C: RFC 3261, 16.8 */
		a->timed_out = true;
		send_cancel(a);
		return;
	}
	/* Whoever said no more than 100 is not waited for any longer, but told so. */
	if (a->provisional && a->ctx->message->method == CW_SIP_INVITE)
		send_follow_up(a, NULL);
	end(a, a->cancel_wanted ? CW_REASON_CANCELLED : CW_REASON_TIMEOUT);
}

static void on_provisional(struct cw_attempt *a, struct cw_sip_message *response)
{
	a->provisional = true;
	if (response->status == 100) {
		cw_sip_message_destroy(response);
	} else {
		if (a->ctx->message->method == CW_SIP_INVITE && a->state == CW_ATTEMPT_WAITING) {
			a->ringing = true;
			cw_timer_start(a->timer, CW_TIMER_C_MS);
		}
		cw_context_pass(a->ctx, response, a->target->zone);
	}
	if (a->cancel_wanted && a->state == CW_ATTEMPT_WAITING)
		send_cancel(a);
}

static enum cw_reason reason_of(unsigned status)
{
	switch (status) {
	case 404:
		return CW_REASON_NOT_FOUND;
	case 500:
	case 502:
	case 503:
	case 504:
		return CW_REASON_UNAVAILABLE;
	case 487:
		return CW_REASON_CANCELLED;
	default:
		return CW_REASON_REJECTED;
	}
}

static void on_failure_response(struct cw_attempt *a, struct cw_sip_message *response)
{
	enum cw_reason reason = reason_of(response->status);
	bool next_peer =
		response->status == 503 && a->state == CW_ATTEMPT_WAITING && !a->cancel_wanted;

	if (a->ctx->message->method == CW_SIP_INVITE)
		send_follow_up(a, response);
	if (reason == CW_REASON_CANCELLED && !a->cancel_wanted && !a->timed_out)
		reason = CW_REASON_REJECTED;
	if (a->timed_out)
		reason = CW_REASON_TIMEOUT;
	a->written = false; /* it said itself that it did not take it */
	cw_context_offer(a->ctx, response, a->target->zone, reason == CW_REASON_REJECTED);
	if (!next_peer) {
		end(a, reason);
		return;
	}
	cw_timer_stop(a->timer);
	cw_client_txn_stop(&a->ctx->sip->transactions, &a->txn);
	a->reason = CW_REASON_UNAVAILABLE;
	try_next(a);
}

static void on_response(void *arg, struct cw_sip_message *response)
{
	struct cw_attempt *a = arg;

	/* RFC 3261, 16.7, step 3: without the sender's Via it is nobody's answer but ours. */
	if (response->n_vias < 2) {
		(*a->ctx->sip->counters.stray_responses)++;
		cw_sip_message_destroy(response);
		return;
	}
	if (a->state == CW_ATTEMPT_PASSING) {
		if (response->status / 100 == 2)
			cw_context_pass(a->ctx, response, a->target->zone);
		else
			cw_sip_message_destroy(response);
	} else if (response->status < 200) {
		on_provisional(a, response);
	} else if (response->status < 300) {
		if (a->ctx->message->method == CW_SIP_INVITE)
			enter(a, CW_ATTEMPT_PASSING);
		cw_context_offer(a->ctx, response, a->target->zone, true);
		end(a, CW_REASON_DELIVERED);
	} else {
		on_failure_response(a, response);
	}
}

/* On to the next peer, unless the request may have arrived and must not arrive twice. */
static void on_lost(void *arg, bool untouched)
{
	struct cw_attempt *a = arg;

	if (a->state == CW_ATTEMPT_PASSING) {
		cw_client_txn_stop(&a->ctx->sip->transactions, &a->txn);
		return;
	}
	if (a->cancel_wanted) {
		end(a, CW_REASON_CANCELLED);
		return;
	}
	if (untouched) {
		a->written = false;
		note_failure(a, CW_REASON_UNTRUSTED);
	} else {
		a->reason = a->timed_out ? CW_REASON_TIMEOUT : CW_REASON_LOST;
	}
	if (a->ringing || (a->written && a->ctx->relay.once)) {
		end(a, a->reason);
		return;
	}
	stop(a);
	try_next(a);
}

const struct cw_egress cw_attempt_egress = {
	.attempt = start,
	.cancel = cancel,
};

int cw_attempt_init(struct cw_attempt *a, struct cw_context *ctx)
{
	a->ctx = ctx;
	a->waiter.ready = on_link_ready;
	a->waiter.failed = on_link_failed;
	a->waiter.arg = a;
	a->txn.method = ctx->message->method;
	a->txn.response = on_response;
	a->txn.lost = on_lost;
	a->txn.arg = a;
	cw_deferred_init(&a->ending, on_ending, a);
	return cw_timer_create(&a->timer, ctx->sip->loop, on_timer, a);
}

void cw_attempt_finish(struct cw_attempt *a)
{
	if (!a->ctx)
		return;
	a->state = CW_ATTEMPT_IDLE;
	if (a->timer)
		stop(a);
	cw_deferred_cancel(&a->ending);
	cw_timer_destroy(a->timer);
}
