/*
 * How we become a component of a server (XEP-0114): our header goes out, the server's comes and brings the stream's id, and a hash
 * of that with the shared secret is answered by an empty <handshake/>. Sans I/O.
 */
#ifndef CW_XMPP_HANDSHAKE_H
#define CW_XMPP_HANDSHAKE_H

#include "core/buf.h"
#include "xmpp/element.h"

enum {
	CW_XMPP_HANDSHAKE_E_NO_ID =
		1,                   /* the server's header names no id: any hash would do again */
	CW_XMPP_HANDSHAKE_E_REFUSED, /* the answer is a stream error */
	CW_XMPP_HANDSHAKE_E_UNEXPECTED, /* it is anything else */
};

/* Write the header of a stream on which we are the component `name`, a prepared domain. It declares the prefixes that all our streams do, for relayed stanzas. Errors are `out`'s. */
void cw_xmpp_handshake_write_header(struct cw_buf *out, struct cw_str name);

/*
 * Write the handshake for the id in the server's header, unescaped. Errors of writing are `out`'s.
 * Behind a header without an id there may be a stream error that says more (Prosody's host-unknown): read on.
 *
 * Returns: 0; CW_XMPP_HANDSHAKE_E_NO_ID; -EIO when the library fails. Then nothing is written.
 */
int cw_xmpp_handshake_write(struct cw_buf *out, struct cw_str stream_id, struct cw_str secret);

/*
 * Read the server's answer, the first element behind its header.
 *
 * Returns: 0: we are the component; CW_XMPP_HANDSHAKE_E_REFUSED and *condition set to that of the stream error, a slice of `e`,
 * empty where it names none; CW_XMPP_HANDSHAKE_E_UNEXPECTED.
 */
int cw_xmpp_handshake_read(struct cw_str *condition, const struct cw_xmpp_element *e);

/* What a refusal's condition says of the component, in words for the log. */
const char *cw_xmpp_handshake_problem(struct cw_str condition);

#endif
