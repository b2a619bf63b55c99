#include "sip/record_route.h"

#include "core/decimal.h"
#include "core/log.h"
#include "dialplan/alias.h"

#include <errno.h>

static bool name_is_ours(const struct cw_sip_setup *setup, struct cw_str host)
{
	if (cw_str_case_eq(host, setup->hostname))
		return true;
	for (size_t i = 0; i < setup->n_zones; i++)
		if (cw_str_case_eq(host, setup->zones[i]->local_name))
			return true;
	return false;
}

bool cw_route_is_ours(const struct cw_sip_setup *setup, const struct cw_sip_uri *uri)
{
	bool port_is_ours = uri->port == 0 || (setup->tls_port && uri->port == setup->tls_port) ||
			    (setup->tcp_port && uri->port == setup->tcp_port);

	return port_is_ours && name_is_ours(setup, uri->host);
}

struct cw_str cw_route_take_own(struct cw_context *ctx)
{
	const struct cw_sip_message *m = ctx->message;
	struct cw_str token = {NULL, 0}, found;

	/*
	 * A strict router before us: our Route stands in the Request-URI, the real one is the last
	 * Route, if it is one that may stand there.
	 */
	if (m->n_routes > 0 && m->routes[m->n_routes - 1].uri.headers.len == 0 &&
		cw_route_is_ours(ctx->setup, &m->request_uri) &&
		cw_sip_param(m->request_uri.params, CW_TOKEN_PARAM, &token)) {
		ctx->request_uri = m->routes[m->n_routes - 1].uri.text;
		ctx->drop_last_route = true;
	}
	for (size_t i = 0; i + ctx->drop_last_route < m->n_routes; i++) {
		if (!cw_route_is_ours(ctx->setup, &m->routes[i].uri))
			break;
		ctx->drop_routes = i + 1;
		if (!token.len && cw_sip_param(m->routes[i].uri.params, CW_TOKEN_PARAM, &found))
			token = found;
	}
	return token;
}

static bool comes_from(const struct cw_token_side *side, const struct cw_zone *zone)
{
	if (zone->type == CW_ZONE_DEFAULT)
		return side->outside;
	return !side->outside && side->zone == cw_token_zone_id(zone->name);
}

/*
 * The zone that a side of a token leads to: outside through the dns zone that it names, else the
 * first one.
 */
static const struct cw_zone *zone_of(
	const struct cw_sip_setup *setup, const struct cw_token_side *side)
{
	const struct cw_zone *first_dns = NULL;

	for (size_t i = 1; i < setup->n_zones; i++) {
		const struct cw_zone *zone = setup->zones[i];

		if (side->outside != cw_zone_is_outside(zone))
			continue;
		if (cw_token_zone_id(zone->name) == side->zone)
			return zone;
		if (side->outside && !first_dns)
			first_dns = zone;
	}
	return first_dns;
}

static void refuse(const struct cw_context *ctx, const char *why)
{
	(*ctx->sip->counters.token_refused)++;
	cw_info("sip.route", cw_kz("event", "token-refused"), cw_kz("trace", ctx->trace),
		cw_ks("from", ctx->from->name), cw_kz("why", why));
}

static const char *const verify_problems[] = {
	[CW_TOKEN_E_FORM] = "malformed",
	[CW_TOKEN_E_KEY] = "unknown key",
	[CW_TOKEN_E_FORGED] = "forged, or of another dialog",
};

/* Returns: the side that the request goes to, or NULL when it came from neither. */
static const struct cw_token_side *other_side(
	const struct cw_token *token, const struct cw_zone *from)
{
	if (comes_from(&token->sides[0], from))
		return &token->sides[1];
	if (comes_from(&token->sides[1], from))
		return &token->sides[0];
	return NULL;
}

enum cw_route_verdict cw_route_follow(struct cw_context *ctx, struct cw_str text)
{
	const struct cw_token_side *to;
	const struct cw_zone *zone;
	struct cw_token token;
	char *room = cw_arena_alloc(&ctx->arena, CW_TOKEN_DOMAIN_MAX + 1);
	int r = room ? cw_token_verify(&token, room, text, ctx->message->call_id, ctx->sip->keyring)
		     : -ENOMEM;

	if (r) {
		refuse(ctx, r > 0 ? verify_problems[r] : "internal error");
		return CW_ROUTE_BY_RULES;
	}
	if (ctx->message->to_tag.len == 0) {
		refuse(ctx, "not in a dialog");
		return CW_ROUTE_BY_RULES;
	}
	to = other_side(&token, ctx->from);
	zone = to ? zone_of(ctx->setup, to) : NULL;
	if (!zone) {
		refuse(ctx, to ? "its zone is gone" : "from a third zone");
		return CW_ROUTE_BY_RULES;
	}
	ctx->token = token;
	ctx->token_target = (struct cw_target){.zone = zone};
	if (ctx->from->type == CW_ZONE_DEFAULT)
		return CW_ROUTE_CHECK_SENDER;
	return CW_ROUTE_TO_ZONE;
}

bool cw_record_route_creates_dialog(const struct cw_sip_message *request)
{
	static const struct cw_str refer = CW_STR("REFER");

	return request->to_tag.len == 0 &&
	       (request->method == CW_SIP_INVITE || request->method == CW_SIP_SUBSCRIBE ||
		       cw_str_eq(request->method_name, refer));
}

/*
 * Dialogs are made, and their routes refreshed, by these. NOTIFY is among them since it may come
 * before the answer to its SUBSCRIBE, and then makes the dialog (RFC 6665, 4.3).
 */
static bool wants_record_route(const struct cw_sip_message *request)
{
	return cw_record_route_creates_dialog(request) || request->method == CW_SIP_INVITE ||
	       request->method == CW_SIP_SUBSCRIBE || request->method == CW_SIP_NOTIFY;
}

static struct cw_token_side side_of(const struct cw_zone *zone)
{
	bool outside = cw_zone_is_outside(zone);

	return (struct cw_token_side){
		.outside = outside,
		.zone = zone->type == CW_ZONE_DEFAULT ? 0 : cw_token_zone_id(zone->name),
	};
}

/*
 * The token for this dialog. Where both sides are outside, no one domain could be checked later:
 * then there is none, and the rules decide about later requests too.
 */
static bool make_token(
	struct cw_token *token, const struct cw_context *ctx, const struct cw_target *target)
{
	if (ctx->by_token) {
		*token = ctx->token;
		return true;
	}
	*token = (struct cw_token){
		.sides = {side_of(ctx->from), side_of(target->zone)},
		.variant = ctx->request.variant,
	};
	if (token->sides[0].outside && token->sides[1].outside)
		return false;
	if (token->sides[0].outside)
		token->domain = ctx->message->from.host;
	else if (token->sides[1].outside)
		token->domain = cw_alias_host(target->alias);
	return true;
}

static int push_one(struct cw_sip_rewrite *rw, const struct cw_sip_setup *setup,
	const struct cw_zone *zone, const char *token, struct cw_arena *arena)
{
	char room[CW_DECIMAL_MAX];
	const struct cw_str parts[] = {
		CW_STR("<sip:"),
		zone->local_name,
		CW_STR(":"),
		cw_decimal(room, cw_sip_setup_port(setup, zone->transport)),
		cw_str_of(
			zone->transport == CW_ZONE_TLS ? ";transport=tls;lr" : ";transport=tcp;lr"),
		cw_str_of(token[0] ? ";" CW_TOKEN_PARAM "=" : ""),
		cw_str_of(token),
		CW_STR(">"),
	};
	struct cw_str value;
	int r;

	r = cw_arena_join(arena, &value, parts, sizeof(parts) / sizeof(parts[0]));
	if (!r)
		cw_sip_rewrite_push_record_route(rw, value);
	return r;
}

int cw_record_route_push(
	struct cw_sip_rewrite *rw, struct cw_context *ctx, const struct cw_target *target)
{
	const struct cw_zone *from = ctx->from, *to = target->zone;
	char text[CW_TOKEN_TEXT_MAX] = "";
	struct cw_token token;
	int r = 0;

	if (!wants_record_route(ctx->message))
		return 0;
	if (make_token(&token, ctx, target))
		r = cw_token_mint(text, &token, ctx->message->call_id, ctx->sip->keyring);
	if (r == -EINVAL)
		text[0] =
			'\0'; /* a domain that is too long to be one: the rules decide later too */
	else if (r)
		return r;
	/* RFC 5658: the upper one faces the next hop, the lower one where the request came from. */
	if (from->transport != to->transport || !cw_str_case_eq(from->local_name, to->local_name)) {
		r = push_one(rw, ctx->setup, from, text, &ctx->arena);
		if (r)
			return r;
	}
	return push_one(rw, ctx->setup, to, text, &ctx->arena);
}
