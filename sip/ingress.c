#include "sip/ingress.h"

#include "core/log.h"
#include "dialplan/alias.h"
#include "dialplan/plan.h"
#include "sip/context.h"
#include "sip/precheck.h"
#include "sip/record_route.h"
#include "sip/rewrite.h"
#include "sip/variant.h"

#include <errno.h>

static const struct cw_str none = {NULL, 0};

/* The request of that server transaction, whose key is left in the scratch buffer. */
static struct cw_context *find_server(
	struct cw_sip *sip, struct cw_link *link, const struct cw_sip_message *message)
{
	struct cw_table_link *entry =
		cw_server_key(&sip->scratch, message, link) == 0
			? cw_table_find(&sip->transactions.servers, cw_buf_str(&sip->scratch))
			: NULL;

	return entry ? cw_container_of(entry, struct cw_context, server) : NULL;
}

/*
 * RFC 3261, 16.3, item 4: it went through us before, and nothing that decides its way has changed
 * since.
 */
static bool has_looped(const struct cw_context *ctx)
{
	const struct cw_sip_message *m = ctx->message;
	struct cw_branch branch;
	uint64_t hash = 0;

	for (size_t i = 0; i < m->n_vias; i++) {
		const struct cw_sip_via *via = &m->vias[i];
		struct cw_sip_uri sent_by = {.host = via->host, .port = via->port};

		if (!cw_branch_parse(&branch, via->branch) ||
			!cw_route_is_ours(ctx->setup, &sent_by))
			continue;
		if (!hash)
			hash = cw_loop_hash(m);
		if (branch.loop == hash)
			return true;
	}
	return false;
}

/*
 * Whether a Request-URI has the very address that the request came to: how monitors and keep-alives
 * call us.
 */
static bool names_our_address(const struct cw_context *ctx, const struct cw_sip_uri *uri)
{
	const struct cw_address *local = cw_connection_local(ctx->link->connection);
	struct cw_str host = uri->host;
	struct cw_address literal;

	if (host.len > 2 && host.p[0] == '[')
		host = cw_str_make(host.p + 1, host.len - 2);
	return cw_address_make(&literal, host, uri->port) == 0 &&
	       cw_address_same_host(&literal, local) &&
	       (uri->port == 0 || uri->port == cw_address_port(local));
}

/* Whether the Request-URI names us and nobody at us. */
static bool is_for_us(const struct cw_context *ctx)
{
	const struct cw_sip_uri *uri = &ctx->message->request_uri;

	return uri->user.len == 0 && ctx->drop_routes == ctx->message->n_routes &&
	       (cw_route_is_ours(ctx->setup, uri) || names_our_address(ctx, uri));
}

/* Whether one request more is too much. What strangers send must leave room for the own servers'. */
static bool is_crowded(const struct cw_context *ctx)
{
	const struct cw_sip *sip = ctx->sip;

	return sip->n_contexts > CW_SIP_CONTEXTS_MAX || sip->held_bytes > CW_SIP_HELD_MAX_BYTES ||
	       (ctx->from->type == CW_ZONE_DEFAULT && sip->n_outside > CW_SIP_OUTSIDE_MAX);
}

static struct cw_sip_refusal check(struct cw_context *ctx)
{
	const struct cw_sip_message *m = ctx->message;
	struct cw_sip_refusal why;

	if (ctx->sip->stopping)
		return (struct cw_sip_refusal){503, CW_STR("Shutting down"), none};
	if (ctx->link->denied)
		return (struct cw_sip_refusal){
			403, CW_STR("Not admitted by the access rules"), none};
	if (is_crowded(ctx))
		return (struct cw_sip_refusal){503, CW_STR("Too many requests under way"), none};
	why = cw_sip_precheck(m, m->method == CW_SIP_OPTIONS && is_for_us(ctx), &ctx->arena);
	if (!why.status && has_looped(ctx))
		why = (struct cw_sip_refusal){482, CW_STR("Loop detected"), none};
	return why;
}

static struct cw_sip_refusal prepare_alias(struct cw_context *ctx)
{
	struct cw_str uri =
		ctx->request_uri.len ? ctx->request_uri : ctx->message->request_uri.text;

	switch (cw_alias_prepare(&ctx->request.alias, uri, &ctx->arena)) {
	case 0:
		return (struct cw_sip_refusal){0};
	case CW_ALIAS_E_LENGTH:
		return (struct cw_sip_refusal){414, CW_STR("Request-URI too long"), none};
	case CW_ALIAS_E_SCHEME:
		return (struct cw_sip_refusal){416, CW_STR("Unsupported URI scheme"), none};
	case CW_ALIAS_E_SYNTAX:
		return (struct cw_sip_refusal){400, CW_STR("Malformed Request-URI"), none};
	default:
		return (struct cw_sip_refusal){500, CW_STR("Out of memory"), none};
	}
}

static void reject(struct cw_context *ctx, const struct cw_sip_refusal *why)
{
	cw_context_reject(ctx, why->status, why->phrase, why->headers);
}

/* The dialog's token has decided: one target, without a rule. */
static void go_by_token(struct cw_context *ctx)
{
	(*ctx->sip->counters.token_routed)++;
	ctx->by_token = true;
	ctx->request.variant = ctx->token.variant;
	ctx->token_target.alias = ctx->request.alias;
	ctx->plan = (struct cw_plan){
		.decision = CW_DECISION_ROUTED,
		.alias = ctx->request.alias,
		.targets = &ctx->token_target,
		.n_targets = 1,
	};
	cw_context_search(ctx);
}

/*
 * A dialog-creating request with a Route that is not ours. RFC 3261, 16.4 has no opinion on what a
 * stranger preloads; a border has: the dialog would go past the rules.
 */
static bool has_foreign_route(const struct cw_context *ctx)
{
	const struct cw_sip_message *m = ctx->message;

	return cw_record_route_creates_dialog(m) && !ctx->from->trusted &&
	       ctx->drop_routes + ctx->drop_last_route < m->n_routes;
}

static void reject_limit(struct cw_context *ctx)
{
	struct cw_sip_refusal why = {500, CW_STR("Search rule exceeded its match limit"), none};
	char name[256];

	(*ctx->sip->counters.limit_exceeded)++;
	snprintf(name, sizeof(name), "rule.%s.limit", ctx->plan.limit_name);
	(*cw_stats_counter(ctx->sip->stats, name))++;
	cw_warn("sip.route", cw_kz("event", "match-limit"), cw_kz("trace", ctx->trace),
		cw_kz("rule", ctx->plan.limit_name), cw_kz("why", ctx->plan.limit_reason),
		cw_ks("alias", ctx->request.alias));
	if (cw_arena_printf(&ctx->arena, &why.phrase, "Search rule %s %s", ctx->plan.limit_name,
		    ctx->plan.limit_reason) == 0)
		reject(ctx, &why);
	else
		cw_context_reject(ctx, 500, (struct cw_str)CW_STR("Out of memory"), none);
}

static void go_by_rules(struct cw_context *ctx)
{
	int r;

	if (has_foreign_route(ctx)) {
		cw_context_reject(ctx, 403,
			(struct cw_str)CW_STR("Route from a zone that is not trusted"), none);
		return;
	}
	r = cw_plan_decide(&ctx->plan, ctx->setup->rules, &ctx->request, &ctx->arena);
	if (r) {
		cw_context_reject(ctx, 500, (struct cw_str)CW_STR("Out of memory"), none);
		return;
	}
	switch (ctx->plan.decision) {
	case CW_DECISION_ROUTED:
		cw_context_search(ctx);
		return;
	case CW_DECISION_NO_RULE:
		if (ctx->message->method == CW_SIP_ACK)
			(*ctx->sip->counters.stray_acks)++;
		cw_context_reject(ctx, 404, (struct cw_str)CW_STR("No search rule matches"), none);
		return;
	case CW_DECISION_LIMIT:
		reject_limit(ctx);
		return;
	}
}

static void check_sender(struct cw_context *ctx);

/*
 * The sender may not speak for ctx->sender_domain. Where that was the domain of a token, the token
 * opens nothing, and the request is one like any other.
 */
static void refuse_sender(struct cw_context *ctx, const char *why)
{
	struct cw_str phrase;

	cw_info("sip.sender", cw_kz("event", "refused"), cw_kz("trace", ctx->trace),
		cw_ks("domain", ctx->sender_domain), cw_kz("why", why));
	if (ctx->token_target.zone && ctx->link) {
		(*ctx->sip->counters.token_refused)++;
		ctx->token_target.zone = NULL;
		ctx->sender_domain = ctx->message->from.host;
		check_sender(ctx);
		return;
	}
	(*ctx->sip->counters.sender_refused)++;
	if (cw_arena_printf(&ctx->arena, &phrase, "Sender's domain: %s", why))
		phrase = (struct cw_str)CW_STR("Sender's domain");
	cw_context_reject(ctx, 403, phrase, none);
}

/*
 * ctx->sender_domain is one that the sender may speak for: on with the decision that was waiting.
 * In a dialog the token's domain was checked; whoever writes another one in From must be allowed to
 * speak for that too.
 */
static void go_on(struct cw_context *ctx)
{
	struct cw_str from = ctx->message->from.host;

	if (!ctx->token_target.zone) {
		go_by_rules(ctx);
		return;
	}
	if (ctx->sender_domain.len == 0 || cw_str_case_eq(ctx->sender_domain, from)) {
		go_by_token(ctx);
		return;
	}
	ctx->sender_domain = from;
	check_sender(ctx);
}

static const char *const no_link = "the connection is gone";

static void on_sender_record(void *arg, const struct cw_dns_answer *answer)
{
	struct cw_context *ctx = arg;
	const char *why = no_link;

	ctx->sender_query = NULL;
	if (ctx->link && cw_policy_sender_by_srv(ctx->setup->policy,
				 cw_connection_identity(ctx->link->connection), ctx->sender_domain,
				 answer, &why))
		go_on(ctx);
	else
		refuse_sender(ctx, why);
}

/* Whether the sender may speak for ctx->sender_domain: goes on, refuses, or asks DNS first. */
static void check_sender(struct cw_context *ctx)
{
	static const struct cw_str service = CW_STR("_sipfederationtls._tcp.");
	struct cw_str name;

	switch (cw_policy_sender(ctx->setup->policy, cw_connection_identity(ctx->link->connection),
		ctx->sender_domain)) {
	case CW_SENDER_OK:
		go_on(ctx);
		return;
	case CW_SENDER_REFUSED:
		refuse_sender(ctx, "no certificate speaks for it");
		return;
	case CW_SENDER_LOOKUP:
		break;
	}
	if (cw_arena_join(
		    &ctx->arena, &name, (const struct cw_str[]){service, ctx->sender_domain}, 2) ||
		cw_dns_srv_for_stranger(
			&ctx->sender_query, ctx->sip->dns, name, on_sender_record, ctx)) {
		ctx->sender_query = NULL;
		refuse_sender(ctx, "out of memory");
	}
}

/* The request as the dial plan sees it. */
static void describe(struct cw_context *ctx)
{
	ctx->request.protocol = CW_PROTOCOL_SIP;
	ctx->request.variant = cw_sip_variant(ctx->message);
	ctx->request.method = ctx->message->method_name;
	ctx->request.from = ctx->from;
	ctx->request.authenticated = ctx->from->trusted;
}

static void decide(struct cw_context *ctx, struct cw_str token)
{
	enum cw_route_verdict verdict = token.len ? cw_route_follow(ctx, token) : CW_ROUTE_BY_RULES;

	if (ctx->from->type != CW_ZONE_DEFAULT || !ctx->setup->policy->sender_check) {
		go_on(ctx);
		return;
	}
	ctx->sender_domain =
		verdict == CW_ROUTE_CHECK_SENDER ? ctx->token.domain : ctx->message->from.host;
	check_sender(ctx);
}

static void process(struct cw_context *ctx)
{
	struct cw_sip_refusal why;
	struct cw_str token;

	describe(ctx);
	token = cw_route_take_own(ctx);
	why = check(ctx);
	if (!why.status && ctx->message->method == CW_SIP_OPTIONS && is_for_us(ctx)) {
		cw_context_accept(ctx, none);
		return;
	}
	if (!why.status)
		why = prepare_alias(ctx);
	if (why.status)
		reject(ctx, &why);
	else
		decide(ctx, token);
}

/* RFC 3261, 16.10: a CANCEL is answered by us; one that cancels nothing gets 481. */
static void on_cancel(struct cw_sip *sip, struct cw_link *link, struct cw_sip_message *message)
{
	struct cw_context *invite = find_server(sip, link, message);
	struct cw_sip_reply reply = {
		.status = invite ? 200 : 481,
		.to_tag = invite && invite->to_tag[0] ? cw_str_of(invite->to_tag)
						      : (struct cw_str)CW_STR("cw-cancel"),
	};

	cw_fates_open(&sip->fates);
	cw_fates_book(&sip->fates, invite ? CW_FATE_DELIVERED : CW_FATE_REJECTED);
	cw_info("sip.request", cw_kz("trace", invite ? invite->trace : NULL),
		cw_kz("method", "CANCEL"), cw_ks("from", link->zone->name),
		cw_ki("status", reply.status),
		cw_kz("fate", cw_fate_name(invite ? CW_FATE_DELIVERED : CW_FATE_REJECTED)),
		cw_ks("call", message->call_id));
	cw_buf_clear(&sip->out);
	if (cw_sip_reply_build(&sip->out, message, &reply) == 0)
		cw_link_send(link, cw_buf_str(&sip->out), link);
	cw_sip_message_destroy(message);
	if (invite)
		cw_context_cancel(invite);
}

void cw_ingress_request(struct cw_sip *sip, struct cw_link *link, struct cw_sip_message *message)
{
	struct cw_context *ctx = NULL;
	int r;

	if (message->method == CW_SIP_CANCEL) {
		on_cancel(sip, link, message);
		return;
	}
	cw_buf_clear(&sip->scratch);
	if (message->method != CW_SIP_BENOTIFY)
		ctx = find_server(sip, link, message);
	if (ctx && message->method == CW_SIP_ACK && ctx->state != CW_CONTEXT_ACCEPTED) {
		cw_sip_message_destroy(message);
		cw_context_acknowledged(ctx);
		return;
	}
	if (ctx && message->method != CW_SIP_ACK) {
		(*sip->counters.retransmissions)++;
		cw_sip_message_destroy(message);
		return;
	}
	r = sip->scratch.error;
	if (!r)
		r = cw_context_create(&ctx, sip, link, message, cw_buf_str(&sip->scratch));
	if (r) {
		/*
		 * Nothing can be said about it any more; the sender learns it from its connection.
		 */
		cw_error("sip.request", cw_kz("event", "out-of-memory"),
			cw_kz("remote", link->remote));
		cw_sip_message_destroy(message);
		cw_link_close(link);
		return;
	}
	process(ctx);
}
