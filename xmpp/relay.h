/*
 * The way of a stanza that may come in: what is ours to take, whether policy lets it through, what the dial plan says, and on to the stream
 * that leads there, at once where it is up, else as a delivery that waits for it.
 */
#ifndef CW_XMPP_RELAY_H
#define CW_XMPP_RELAY_H

#include "xmpp/jid.h"
#include "xmpp/stanza.h"

struct cw_stream;
struct cw_xmpp;
struct cw_xmpp_stanza;

/* A stanza of `source`, whose pair of domains is proved on it. `from` and `to` are its prepared addresses. */
void cw_xmpp_relay_stanza(struct cw_stream *source, const struct cw_xmpp_stanza *stanza,
	const struct cw_jid *from, const struct cw_jid *to);

/* The same of one whose addresses cannot be prepared though their domains can: it goes back. */
void cw_xmpp_relay_malformed(struct cw_stream *source, const struct cw_xmpp_stanza *stanza);

#endif
