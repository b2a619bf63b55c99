/*
 * Stanzas that Causeway makes itself, and what it keeps of others' to answer them.
 */
#ifndef CW_XMPP_STANZA_H
#define CW_XMPP_STANZA_H

#include "xmpp/element.h"

/* What a stanza leaves behind for an answer to it: enough to say that it could not be delivered. */
struct cw_xmpp_answerable {
	enum cw_xmpp_stanza_kind kind;
	struct cw_str from, to, id,
		type; /* values of its attributes; empty (p NULL) where missing */
};

#endif
