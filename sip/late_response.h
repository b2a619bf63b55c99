/*
 * A response whose connection died (RFC 3261, 18.2.2): over another connection of the same peer,
 * else to the neighbor's peer that fits received or sent-by, else it is dropped, counted and
 * logged.
 */
#ifndef CW_SIP_LATE_RESPONSE_H
#define CW_SIP_LATE_RESPONSE_H

#include "sip/context.h"

/* Send it some other way. Copies what it keeps; the context may go. */
void cw_late_response_send(struct cw_context *ctx, struct cw_str bytes);

#endif
