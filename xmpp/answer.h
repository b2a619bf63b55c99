/*
 * The error that tells a sender that its stanza was not delivered: one for each, on the way to where the stanza came from, without a fate of its own.
 */
#ifndef CW_XMPP_ANSWER_H
#define CW_XMPP_ANSWER_H

#include "xmpp/stanza.h"

struct cw_xmpp;

/* Send it. `why`: in words, for people. */
void cw_answer_send(struct cw_xmpp *xmpp, const struct cw_xmpp_answerable *a,
	enum cw_xmpp_condition condition, const char *why);

#endif
