/*
 * Our Record-Route and what comes back of it as Route (RFC 3261, 16.4, 16.6 step 4, 16.12; RFC
 * 5658).
 */
#ifndef CW_SIP_RECORD_ROUTE_H
#define CW_SIP_RECORD_ROUTE_H

#include "sip/context.h"
#include "sip/rewrite.h"

#define CW_TOKEN_PARAM "cw-token"

/*
 * Whether a URI names us: our host name or our name towards a zone, and a port that we listen on,
 * or none.
 */
bool cw_route_is_ours(const struct cw_sip_setup *setup, const struct cw_sip_uri *uri);

/*
 * Take our own Routes off the top (RFC 3261, 16.4): sets ctx->drop_routes, and ctx->request_uri
 * where a strict router put our Route into the Request-URI.
 *
 * Returns: the first token that was found in them, unverified; empty when there is none.
 */
struct cw_str cw_route_take_own(struct cw_context *ctx);

/* What a token is good for. */
enum cw_route_verdict {
	CW_ROUTE_BY_RULES, /* it opens nothing: the rules decide */
	CW_ROUTE_TO_ZONE, /* ctx->token_target is set, and ctx->by_token, and the request's variant */
	CW_ROUTE_CHECK_SENDER, /* the same, if the sender may speak for ctx->token_domain */
};

/*
 * Check a token and find the zone on its other side: the HMAC holds, the request is in a dialog,
 * and it came from one of the two sides.
 */
enum cw_route_verdict cw_route_follow(struct cw_context *ctx, struct cw_str token);

/* Whether a request creates a dialog: INVITE, SUBSCRIBE and REFER without a To tag. */
bool cw_record_route_creates_dialog(const struct cw_sip_message *request);

/*
 * Push our Record-Route on a request to `target` if it wants one: two where name or transport
 * differ between the sides.
 *
 * Returns: 0; -ENOMEM; -EIO.
 */
int cw_record_route_push(
	struct cw_sip_rewrite *rw, struct cw_context *ctx, const struct cw_target *target);

#endif
