#include "sip/context.h"

#include "certs/digest.h"
#include "core/log.h"
#include "sip/forward.h"
#include "sip/late_response.h"
#include "sip/rewrite.h"

#include <errno.h>
#include <stdlib.h>

#define CONTEXT_ARENA_MAX (1u << 20)
#define REPLY_MAX         (CW_SIP_HEADERS_MAX_BYTES + 4096)

static const char *const state_names[] = {
	[CW_CONTEXT_CHECKING] = "checking",
	[CW_CONTEXT_SEARCHING] = "searching",
	[CW_CONTEXT_ACCEPTED] = "accepted",
	[CW_CONTEXT_COMPLETED] = "completed",
};

static void enter(struct cw_context *ctx, enum cw_context_state to)
{
	cw_debug("sip.context", cw_kz("trace", ctx->trace), cw_kz("from", state_names[ctx->state]),
		cw_kz("to", state_names[to]));
	ctx->state = to;
}

/*
 * The id under which the request stands in our logs: that of the Causeway before us, if it is one
 * that we know, else a fresh one.
 */
static void choose_trace(struct cw_context *ctx)
{
	struct cw_branch branch;

	if (ctx->from->type != CW_ZONE_DEFAULT &&
		cw_branch_parse(&branch, ctx->message->vias[0].branch)) {
		memcpy(ctx->trace, branch.trace.p, branch.trace.len);
		return;
	}
	cw_trace_make(&ctx->sip->transactions, ctx->trace);
}

static void remember_sender(struct cw_context *ctx, struct cw_link *link)
{
	const struct cw_identity *identity = cw_connection_identity(link->connection);

	ctx->from = link->zone;
	ctx->setup = link->setup;
	cw_sip_setup_use(ctx->setup);
	ctx->remote = *cw_connection_remote(link->connection);
	if (identity)
		memcpy(ctx->sender, identity->fingerprint, sizeof(ctx->sender));
}

/* Free a message that was counted among the bytes held; NULL is fine. */
static void release(struct cw_sip *sip, struct cw_sip_message **message)
{
	if (*message)
		sip->held_bytes -= (*message)->memory;
	cw_sip_message_destroy(*message);
	*message = NULL;
}

/* The request is over: nothing of it is left. */
static void destroy(struct cw_context *ctx)
{
	struct cw_sip *sip = ctx->sip;

	if (ctx->state == CW_CONTEXT_ACCEPTED || ctx->state == CW_CONTEXT_COMPLETED)
		sip->n_lingering--;
	cw_attempt_finish(&ctx->attempt);
	cw_dns_cancel(ctx->sender_query);
	cw_timer_destroy(ctx->linger);
	cw_table_remove(&sip->transactions.servers, &ctx->server);
	cw_list_remove(&ctx->on_link);
	cw_list_remove(&ctx->entry);
	release(sip, &ctx->best);
	release(sip, &ctx->message);
	cw_arena_finish(&ctx->arena);
	cw_sip_setup_release(ctx->setup);
	free(ctx);
}

int cw_context_create(struct cw_context **out, struct cw_sip *sip, struct cw_link *link,
	struct cw_sip_message *message, struct cw_str key)
{
	struct cw_context *ctx = malloc(sizeof(*ctx));
	int r;

	if (!ctx)
		return -ENOMEM;
	memset(ctx, 0, offsetof(struct cw_context, room));
	ctx->sip = sip;
	ctx->started_ms = cw_loop_now_ms(sip->loop);
	ctx->answerable = message->method != CW_SIP_ACK && message->method != CW_SIP_BENOTIFY;
	cw_arena_init_in(&ctx->arena, ctx->room, sizeof(ctx->room), CONTEXT_ARENA_MAX);
	cw_list_init(&ctx->entry);
	cw_list_init(&ctx->on_link);
	remember_sender(ctx, link);
	ctx->message = message;
	choose_trace(ctx);
	r = cw_attempt_init(&ctx->attempt, ctx);
	if (!r && ctx->answerable)
		r = cw_arena_str(&ctx->arena, key, &key);
	if (!r && ctx->answerable)
		r = cw_table_insert(&sip->transactions.servers, &ctx->server, key);
	if (r) {
		ctx->message = NULL; /* still the caller's */
		destroy(ctx);
		return r;
	}
	ctx->link = link;
	cw_list_append(&link->servers, &ctx->on_link);
	cw_list_append(&sip->contexts, &ctx->entry);
	sip->n_contexts++;
	sip->n_outside += ctx->from->type == CW_ZONE_DEFAULT;
	sip->held_bytes += message->memory;
	cw_fates_open(&sip->fates);
	*out = ctx;
	return 0;
}

/* One line a request, and its fate: the answer to "where did it go, and why?" */
static void book(struct cw_context *ctx, enum cw_fate fate, struct cw_str detail)
{
	const struct cw_target *target = ctx->relay.target;
	const struct cw_search_rule *rule = target ? target->rule : NULL;

	ctx->booked = true;
	cw_fates_book(&ctx->sip->fates, fate);
	ctx->sip->n_contexts--;
	ctx->sip->n_outside -= ctx->from->type == CW_ZONE_DEFAULT;
	cw_info("sip.request", cw_kz("trace", ctx->trace),
		cw_ks("method", ctx->message->method_name), cw_ks("from", ctx->from->name),
		cw_ks("alias", ctx->request.alias),
		cw_kz("variant", cw_variant_name(ctx->request.variant)),
		cw_ks("rule", rule ? rule->name : cw_str_of(ctx->by_token ? "(token)" : "-")),
		cw_ks("to", target ? target->zone->name : cw_str_of("-")),
		cw_ki("status", ctx->status), cw_kz("fate", cw_fate_name(fate)),
		cw_ks("detail", detail),
		cw_ki("ms", (int64_t)(cw_loop_now_ms(ctx->sip->loop) - ctx->started_ms)),
		cw_ks("call", ctx->message->call_id));
	cw_sip_context_booked(ctx->sip);
}

/* Send bytes back to where the request came from, over another connection if that one died. */
static void send_back(struct cw_context *ctx, struct cw_str bytes)
{
	/* Who does not read its answers is not asked for more requests. */
	if (ctx->link && cw_link_send(ctx->link, bytes, ctx->link) == 0)
		return;
	cw_late_response_send(ctx, bytes);
}

static void on_linger(void *arg)
{
	destroy(arg);
}

/*
 * An INVITE stays a while after its final answer; anything else is over. Where too many stay, it
 * goes at once: then its ACK is one like any other, which harms less than a peer that never sends
 * one and fills our memory.
 */
static void linger(struct cw_context *ctx, enum cw_context_state state)
{
	struct cw_sip *sip = ctx->sip;

	if (ctx->message->method != CW_SIP_INVITE || sip->n_lingering >= CW_SIP_LINGERING_MAX ||
		cw_timer_create(&ctx->linger, sip->loop, on_linger, ctx)) {
		destroy(ctx);
		return;
	}
	release(sip, &ctx->best);
	if (state == CW_CONTEXT_COMPLETED)
		release(sip, &ctx->message);
	sip->n_lingering++;
	enter(ctx, state);
	cw_timer_start(ctx->linger, CW_TIMER_H_MS);
}

static void answer(
	struct cw_context *ctx, unsigned status, struct cw_str phrase, struct cw_str headers)
{
	struct cw_sip_reply reply = {.status = status, .phrase = phrase, .headers = headers};
	struct cw_buf *out = &ctx->sip->out;
	char host[CW_ADDRESS_TEXT_MAX];
	uint8_t bytes[8] = {0};

	if (ctx->to_tag[0] == '\0') {
		if (cw_random_bytes(bytes, sizeof(bytes)))
			memcpy(bytes, &ctx->sip->transactions.next_id, sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes); i++)
			snprintf(ctx->to_tag + 2 * i, 3, "%02x", bytes[i]);
	}
	cw_address_format_host(&ctx->remote, host);
	reply.to_tag = cw_str_of(ctx->to_tag);
	reply.received = cw_str_of(host);
	reply.rport = cw_address_port(&ctx->remote);
	cw_buf_clear(out);
	if (cw_sip_reply_build(out, ctx->message, &reply) == 0)
		send_back(ctx, cw_buf_str(out));
}

void cw_context_reject(
	struct cw_context *ctx, unsigned status, struct cw_str phrase, struct cw_str headers)
{
	/* A CANCEL does not wait for what DNS says of the sender. */
	cw_dns_cancel(ctx->sender_query);
	ctx->sender_query = NULL;
	ctx->status = status;
	book(ctx, CW_FATE_REJECTED, phrase);
	if (!ctx->answerable) {
		destroy(ctx);
		return;
	}
	answer(ctx, status, phrase, headers);
	linger(ctx, CW_CONTEXT_COMPLETED);
}

void cw_context_accept(struct cw_context *ctx, struct cw_str headers)
{
	ctx->status = 200;
	book(ctx, CW_FATE_DELIVERED, (struct cw_str)CW_STR("by us"));
	answer(ctx, 200, (struct cw_str){NULL, 0}, headers);
	destroy(ctx);
}

/*
 * The status with which an answer from below goes up: a 503 as 500 (RFC 3261, 16.7, step 6), and a
 * 408 to anything but an INVITE as 504, since nobody may send that (RFC 4320, 4.2).
 */
static unsigned status_above(const struct cw_sip_message *response)
{
	if (response->status == 503)
		return 500;
	if (response->status == 408 && response->method != CW_SIP_INVITE)
		return 504;
	return response->status;
}

/*
 * A response from below as it goes up: without our Via and what its zone may not say (RFC 3261,
 * 16.7, step 3), and with another status where that one may not go up.
 */
static void forward_up(
	struct cw_context *ctx, const struct cw_sip_message *response, const struct cw_zone *from)
{
	struct cw_sip_rewrite rw;
	struct cw_buf *out = &ctx->sip->out;
	unsigned status = status_above(response);

	cw_buf_clear(out);
	cw_sip_rewrite_init(&rw, response);
	cw_sip_rewrite_pop_via(&rw);
	cw_forward_guard(&rw, from);
	if (status != response->status)
		cw_sip_rewrite_status(&rw, status, cw_str_of(cw_sip_phrase(status)));
	if (cw_sip_rewrite_render(&rw, out) == 0)
		send_back(ctx, cw_buf_str(out));
	cw_sip_rewrite_finish(&rw);
}

void cw_context_pass(
	struct cw_context *ctx, struct cw_sip_message *response, const struct cw_zone *from)
{
	forward_up(ctx, response, from);
	cw_sip_message_destroy(response);
}

/* RFC 3261, 16.7, step 6: 6xx before all, else the lowest class; the first of equals. */
static bool is_better(unsigned a, unsigned b)
{
	if (b / 100 == 6 || a / 100 == 6)
		return b / 100 != 6;
	return a / 100 < b / 100;
}

void cw_context_offer(struct cw_context *ctx, struct cw_sip_message *response,
	const struct cw_zone *from, bool ends_search)
{
	if (ctx->best && !ends_search && !is_better(response->status, ctx->best->status)) {
		cw_sip_message_destroy(response);
		return;
	}
	release(ctx->sip, &ctx->best);
	ctx->sip->held_bytes += response->memory;
	ctx->best = response;
	ctx->best_from = from;
}

/* What we say when nobody below said anything final. */
static const struct own_answer {
	unsigned status;
	struct cw_str phrase;
} own_answers[] = {
	[CW_REASON_DELIVERED] = {0, {NULL, 0}},
	[CW_REASON_SENT] = {0, {NULL, 0}},
	[CW_REASON_REJECTED] = {500, CW_STR("No answer to pass on")},
	[CW_REASON_NOT_FOUND] = {404, CW_STR("Not Found")},
	[CW_REASON_UNAVAILABLE] = {500, CW_STR("Next hop unavailable")},
	[CW_REASON_UNREACHABLE] = {504, CW_STR("Next hop cannot be reached")},
	[CW_REASON_UNTRUSTED] = {504, CW_STR("Next hop's certificate or ours is not accepted")},
	[CW_REASON_TIMEOUT] = {504, CW_STR("No answer from the next hop")},
	[CW_REASON_LOST] = {504, CW_STR("Connection to the next hop lost")},
	[CW_REASON_CANCELLED] = {487, CW_STR("Request Terminated")},
	[CW_REASON_NO_GATEWAY] = {501, CW_STR("No gateway to the target's protocol")},
};

/* The search is over. */
static void on_finished(void *arg)
{
	struct cw_context *ctx = arg;
	enum cw_reason outcome = ctx->relay.outcome;
	const struct own_answer *own = &own_answers[outcome];
	/* Who took its request back is told that, and not what came of it elsewhere before. */
	bool is_moot = outcome == CW_REASON_CANCELLED && ctx->best && ctx->best->status != 487;
	struct cw_sip_message *best = is_moot ? NULL : ctx->best;
	bool success = outcome == CW_REASON_DELIVERED;

	ctx->status = best ? best->status : own->status;
	book(ctx, cw_relay_fate(outcome), cw_str_of(cw_reason_name(outcome)));
	if (!ctx->answerable) {
		destroy(ctx);
		return;
	}
	if (best)
		forward_up(ctx, best, ctx->best_from);
	else
		answer(ctx, own->status, own->phrase, (struct cw_str){NULL, 0});
	linger(ctx, success ? CW_CONTEXT_ACCEPTED : CW_CONTEXT_COMPLETED);
}

void cw_context_search(struct cw_context *ctx)
{
	enum cw_sip_method method = ctx->message->method;
	bool carries_text = method == CW_SIP_MESSAGE || method == CW_SIP_BENOTIFY ||
			    (method == CW_SIP_INVITE &&
				    cw_sip_message_find(ctx->message, CW_HDR_MS_TEXT_FORMAT));

	if (method == CW_SIP_INVITE)
		answer(ctx, 100, (struct cw_str){NULL, 0}, (struct cw_str){NULL, 0});
	enter(ctx, CW_CONTEXT_SEARCHING);
	cw_relay_start(&ctx->relay, &(struct cw_relay_settings){
					    .plan = &ctx->plan,
					    .egress = &cw_attempt_egress,
					    .egress_arg = &ctx->attempt,
					    .once = carries_text,
					    .now_ms = ctx->started_ms,
					    .finished = on_finished,
					    .arg = ctx,
				    });
}

void cw_context_cancel(struct cw_context *ctx)
{
	if (ctx->state == CW_CONTEXT_SEARCHING)
		cw_relay_cancel(&ctx->relay);
	else if (ctx->state == CW_CONTEXT_CHECKING)
		cw_context_reject(
			ctx, 487, cw_str_of(cw_sip_phrase(487)), (struct cw_str){NULL, 0});
}

void cw_context_acknowledged(struct cw_context *ctx)
{
	if (ctx->state == CW_CONTEXT_COMPLETED)
		destroy(ctx);
}

void cw_context_link_lost(struct cw_context *ctx)
{
	cw_list_remove(&ctx->on_link);
	ctx->link = NULL;
}

void cw_context_abort(struct cw_context *ctx)
{
	if (ctx->state == CW_CONTEXT_CHECKING || ctx->state == CW_CONTEXT_SEARCHING) {
		if (ctx->state == CW_CONTEXT_SEARCHING && ctx->message->method == CW_SIP_INVITE)
			cw_relay_cancel(&ctx->relay); /* whom we made ring shall not go on */
		ctx->status = 503;
		book(ctx, CW_FATE_FAILED, (struct cw_str)CW_STR("shutting down"));
		if (ctx->answerable)
			answer(ctx, 503, (struct cw_str)CW_STR("Shutting down"),
				(struct cw_str){NULL, 0});
	}
	destroy(ctx);
}
