/*
 * Dialback on a stream that others opened (XEP-0220, 2): claims that pend while the server of the claimed domain is asked, and answers to questions
 * about our own keys. Strangers may let only so many pend, in a stream and from an address.
 */
#ifndef CW_XMPP_CLAIM_H
#define CW_XMPP_CLAIM_H

#include "xmpp/stream.h"

#define CW_CLAIMS_PER_ADDRESS_MAX 32 /* claims from one address that pend */

/* An element of dialback came on an accepted stream. */
void cw_claim_element(struct cw_stream *s, const struct cw_xmpp_element *element);

/* The stream ended: forget its claims. */
void cw_claim_forget(struct cw_stream *s);

/* Whether policy and the stream as it is (TLS, certificate) let `remote` speak to `local`: NULL, or why not, in words; `room` is for them. */
const char *cw_claim_refusal(struct cw_stream *s, struct cw_str local, struct cw_str remote,
	char room[static CW_XMPP_REFUSAL_MAX]);

#endif
