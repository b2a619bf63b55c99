/*
 * The request as it leaves (RFC 3261, 16.6, steps 1 to 8): the bytes received, less our edits and
 * no others.
 *
 * Our Via; received and rport on the one below; Max-Forwards; our Record-Route; our own Routes
 * taken off; the Request-URI by behavior or transform; trust headers taken off at the border.
 */
#ifndef CW_SIP_FORWARD_H
#define CW_SIP_FORWARD_H

#include "sip/context.h"
#include "sip/rewrite.h"

/*
 * Append to `out` what goes to `target` under that branch.
 *
 * Returns: 0; -ENOMEM; -E2BIG or -EMSGSIZE when the edited message passes a limit.
 */
int cw_forward_build(struct cw_buf *out, struct cw_context *ctx, const struct cw_target *target,
	const char *branch);

/* Take off a request or an answer what only a trusted zone may say, unless it comes from one. */
void cw_forward_guard(struct cw_sip_rewrite *rw, const struct cw_zone *from);

/*
 * The URI that leads to the next hop in a dns zone: the topmost Route that is left (*by_route),
 * else the Request-URI. *room keeps a URI that was made.
 */
const struct cw_sip_uri *cw_forward_next_uri(struct cw_context *ctx, const struct cw_target *target,
	struct cw_sip_uri *room, bool *by_route);

#endif
