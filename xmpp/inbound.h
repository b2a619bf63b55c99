/*
 * Streams that others open to us: who they are, which pairs of domains are proved on them, and their stanzas.
 *
 * The own server (*inside*) is known by its certificate or its address and may speak for local names; it is believed without dialback, which for
 * it would lead back to us. Everybody else proves its names by SASL EXTERNAL or by dialback, and never a local one.
 */
#ifndef CW_XMPP_INBOUND_H
#define CW_XMPP_INBOUND_H

#include "xmpp/stream.h"

struct cw_xmpp_stanza;

/* The owner of accepted streams. */
extern const struct cw_stream_owner cw_inbound_owner;

/*
 * Take a stanza: its addresses must be a pair that is proved on the stream. `remote` and `local`: the only pair, on a stream that we opened
 * and that goes both ways; NULL p: those that were proved by the peer.
 */
void cw_inbound_take(struct cw_stream *s, const struct cw_xmpp_stanza *stanza, struct cw_str remote,
	struct cw_str local);

/* Another configuration: close the streams on which it does not allow a pair. */
void cw_inbound_reload(struct cw_stream *s);

#endif
