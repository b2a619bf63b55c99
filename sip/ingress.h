/*
 * What happens to a request when it comes in: checks (RFC 3261, 16.3), route information (16.4),
 * and the decision where to.
 */
#ifndef CW_SIP_INGRESS_H
#define CW_SIP_INGRESS_H

#include "sip/stack.h"

/* A request came on a link; takes it. */
void cw_ingress_request(struct cw_sip *sip, struct cw_link *link, struct cw_sip_message *message);

#endif
