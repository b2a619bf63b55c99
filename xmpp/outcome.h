/*
 * How a stanza ended: its one fate in the books and in the log, and the error that its sender gets where it was not delivered.
 */
#ifndef CW_XMPP_OUTCOME_H
#define CW_XMPP_OUTCOME_H

#include "relay/egress.h"
#include "xmpp/acknowledgement.h"
#include "xmpp/stanza.h"

struct cw_stream;
struct cw_xmpp;

struct cw_outcome {
	const struct cw_xmpp_answerable *answerable;
	const char *trace;
	const char *zone;      /* that it went to, or was to go to; NULL: none was found */
	enum cw_reason reason; /* DELIVERED, or why not */
	enum cw_xmpp_condition condition; /* what its sender is told, unless it was delivered */
	const char *why;                  /* the same in words */
};

/* Book it, log it, and tell its sender where an error is due. */
void cw_outcome_book(struct cw_xmpp *xmpp, const struct cw_outcome *outcome);

/* A stanza that was sent on the stream has arrived: the `confirmed` of all owners of streams. One without source is our own and has no fate. */
void cw_outcome_confirmed(struct cw_stream *s, const struct cw_xmpp_unconfirmed *stanza);

/* The stream has ended: what is not confirmed may have arrived, and is not sent again. For `closed` of those owners. */
void cw_outcome_end_stream(struct cw_stream *s);

#endif
