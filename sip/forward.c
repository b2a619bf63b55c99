#include "sip/forward.h"

#include "sip/record_route.h"
#include "sip/rewrite.h"

#define MAX_FORWARDS_ABSENT 70 /* RFC 3261, 16.6, step 3 */

/*
 * What only a trusted neighbor may say (RFC 3325, 6; the Microsoft ones by an edge's own inside).
 */
static const enum cw_sip_header_id trust_headers[] = {
	CW_HDR_MS_ASSERTED_VERIFICATION_LEVEL,
	CW_HDR_MS_EDGE_PROXY_MESSAGE_TRUST,
	CW_HDR_P_ASSERTED_IDENTITY,
	CW_HDR_P_PREFERRED_IDENTITY,
	CW_HDR_REMOTE_PARTY_ID,
};

void cw_forward_guard(struct cw_sip_rewrite *rw, const struct cw_zone *from)
{
	if (from->trusted)
		return;
	for (size_t i = 0; i < sizeof(trust_headers) / sizeof(*trust_headers); i++)
		cw_sip_rewrite_drop_header(rw, trust_headers[i]);
}

/*
 * Ours on top, and what we saw of the sender on the one below.
 *
 * Returns: 0; -ENOMEM.
 */
static int edit_vias(struct cw_sip_rewrite *rw, struct cw_context *ctx, struct cw_str via)
{
	const struct cw_sip_via *top = &ctx->message->vias[0];
	char text[CW_ADDRESS_TEXT_MAX];
	struct cw_str host;
	int r;

	cw_sip_rewrite_push_via(rw, via);
	cw_address_format_host(&ctx->remote, text);
	if (!top->has_rport && cw_str_case_eq(top->host, cw_str_of(text)))
		return 0;
	r = cw_arena_str(&ctx->arena, cw_str_of(text), &host);
	if (!r)
		cw_sip_rewrite_via_received(rw, host, cw_address_port(&ctx->remote));
	return r;
}

static void edit_max_forwards(
	struct cw_sip_rewrite *rw, const struct cw_sip_message *m, const struct cw_zone *zone)
{
	int received = m->max_forwards < 0 ? MAX_FORWARDS_ABSENT : m->max_forwards;
	unsigned left = received > 0 ? (unsigned)received - 1 : 0;

	cw_sip_rewrite_max_forwards(rw, left < zone->hop_count ? left : zone->hop_count);
}

static void edit_routes(struct cw_sip_rewrite *rw, const struct cw_context *ctx)
{
	for (size_t i = 0; i < ctx->drop_routes; i++)
		cw_sip_rewrite_drop_route(rw, i);
	if (ctx->drop_last_route)
		cw_sip_rewrite_drop_route(rw, ctx->message->n_routes - 1);
}

/*
 * The Request-URI that goes out: as it came, where the alias was left alone (byte for byte); else
 * made of the rewritten alias.
 *
 * Returns: 0 and *out set, empty when it stays; -ENOMEM.
 */
static int choose_uri(struct cw_str *out, struct cw_context *ctx, const struct cw_target *target)
{
	struct cw_str scheme = ctx->message->request_uri.scheme;

	*out = ctx->request_uri;
	if (ctx->by_token || cw_str_eq(target->alias, ctx->request.alias))
		return 0;
	return cw_arena_join(
		&ctx->arena, out, (const struct cw_str[]){scheme, CW_STR(":"), target->alias}, 3);
}

/* The value of our Via, in the scratch buffer. */
static int make_via(
	struct cw_str *out, struct cw_context *ctx, const struct cw_zone *zone, const char *branch)
{
	struct cw_buf *via = &ctx->sip->scratch;

	cw_buf_clear(via);
	cw_buf_add(
		via, cw_str_of(zone->transport == CW_ZONE_TLS ? "SIP/2.0/TLS " : "SIP/2.0/TCP "));
	cw_buf_add(via, zone->local_name);
	cw_buf_add_char(via, ':');
	cw_buf_add_number(via, cw_sip_setup_port(ctx->setup, zone->transport));
	cw_buf_add(via, cw_str_of(";branch="));
	cw_buf_add(via, cw_str_of(branch));
	*out = cw_buf_str(via);
	return via->error;
}

static int collect(struct cw_sip_rewrite *rw, struct cw_context *ctx,
	const struct cw_target *target, const char *branch)
{
	const struct cw_zone *zone = target->zone;
	struct cw_str via, uri;
	int r = make_via(&via, ctx, zone, branch);

	if (!r)
		r = choose_uri(&uri, ctx, target);
	if (!r)
		r = edit_vias(rw, ctx, via);
	if (r)
		return r;
	if (uri.len)
		cw_sip_rewrite_request_uri(rw, uri);
	edit_max_forwards(rw, ctx->message, zone);
	edit_routes(rw, ctx);
	cw_forward_guard(rw, ctx->from);
	return cw_record_route_push(rw, ctx, target);
}

int cw_forward_build(struct cw_buf *out, struct cw_context *ctx, const struct cw_target *target,
	const char *branch)
{
	struct cw_sip_rewrite rw;
	int r;

	cw_sip_rewrite_init(&rw, ctx->message);
	r = collect(&rw, ctx, target, branch);
	if (!r)
		r = cw_sip_rewrite_render(&rw, out);
	cw_sip_rewrite_finish(&rw);
	return r;
}

const struct cw_sip_uri *cw_forward_next_uri(struct cw_context *ctx, const struct cw_target *target,
	struct cw_sip_uri *room, bool *by_route)
{
	const struct cw_sip_message *m = ctx->message;
	struct cw_str uri;

	*by_route = ctx->drop_routes + ctx->drop_last_route < m->n_routes;
	if (choose_uri(&uri, ctx, target) || (uri.len && cw_sip_uri_parse(room, uri)))
		return NULL; /* what a rule made of the alias is none: also by a Route it must not go out */
	if (*by_route)
		return &m->routes[ctx->drop_routes].uri;
	return uri.len ? room : &m->request_uri;
}
