/*
 * The first tag of a stanza, edited in its bytes: what is relayed keeps its bytes but for what must
 * change.
 */
#ifndef CW_XMPP_START_TAG_H
#define CW_XMPP_START_TAG_H

#include "core/buf.h"
#include "xmpp/parser.h"

/* What to change; empty slices: nothing. */
struct cw_xmpp_edits {
	struct cw_str
		to; /* instead of the value of `to`, which is added where there is none; not escaped */
	struct cw_str
		default_ns; /* instead of the value of an xmlns='...' that the tag has; not escaped */
};

/*
 * Append the stanza as it leaves: its bytes, with the declarations and the xml:lang that it
 * inherits put into its first tag, and the edits made. Where nothing is to change the bytes are
 * copied whole. Errors are `out`'s.
 */
void cw_xmpp_start_tag_write(
	struct cw_buf *out, const struct cw_xmpp_stanza *stanza, const struct cw_xmpp_edits *edits);

#endif
