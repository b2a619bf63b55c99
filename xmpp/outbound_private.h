/*
 * Between the files of an outbound: its queue (outbound.c) and how its server is found and dialled (outbound_connect.c). Nobody else includes it.
 */
#ifndef CW_XMPP_OUTBOUND_PRIVATE_H
#define CW_XMPP_OUTBOUND_PRIVATE_H

#include "relay/egress.h"
#include "xmpp/outbound.h"
#include "xmpp/stack.h"
#include "xmpp/stream.h"

/* Find the server and dial it; only when idle, or failed and the pause is over. */
void cw_outbound_connect(struct cw_outbound *o);

/* Forget questions to DNS that are under way. */
void cw_outbound_connect_cancel(struct cw_outbound *o);

/* The terms that the configuration of now has for it. Returns: whether there is still such a way. */
bool cw_outbound_refresh_terms(struct cw_outbound *o);

/* Whether it leads to the own server, in the configuration of now. */
bool cw_outbound_is_to_inside(const struct cw_outbound *o);

/* The zone it leads to, in the configuration of now; NULL: the federation, or it is gone (see zone_name). */
const struct cw_zone *cw_outbound_zone(const struct cw_outbound *o);

/* A stream is up: claim what waits for a proof, send what is proved. */
void cw_outbound_flush(struct cw_outbound *o);

/* Fail all stanzas that wait. */
void cw_outbound_fail(struct cw_outbound *o, enum cw_reason reason,
	enum cw_xmpp_condition condition, const char *why);

/* Whether something waits: stanzas or questions. */
bool cw_outbound_is_wanted(const struct cw_outbound *o);

#endif
