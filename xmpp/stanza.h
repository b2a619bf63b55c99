/*
 * Stanzas that Causeway makes itself: errors and pings. Built and printed by libstrophe, whose only home this is.
 *
 * They stand in the namespace of the stream that they are written to. Texts are escaped; one that XML cannot carry (a control
 * character, bad UTF-8) comes from no parser and is refused.
 */
#ifndef CW_XMPP_STANZA_H
#define CW_XMPP_STANZA_H

#include "core/buf.h"
#include "xmpp/element.h"

/* The conditions of RFC 6120, 8.3.3 that Causeway uses. */
enum cw_xmpp_condition {
	CW_XMPP_REMOTE_SERVER_NOT_FOUND,
	CW_XMPP_REMOTE_SERVER_TIMEOUT,
	CW_XMPP_RESOURCE_CONSTRAINT,
	CW_XMPP_NOT_ALLOWED, /* a list, or a rule, does not let it through */
	CW_XMPP_ITEM_NOT_FOUND,
	CW_XMPP_SERVICE_UNAVAILABLE,
	CW_XMPP_JID_MALFORMED,
	CW_XMPP_POLICY_VIOLATION,
	CW_XMPP_INTERNAL_SERVER_ERROR,
};

/* "remote-server-timeout", ... */
const char *cw_xmpp_condition_name(enum cw_xmpp_condition condition);

/* What a stanza leaves behind for an answer to it: enough to say that it could not be delivered. */
struct cw_xmpp_answerable {
	enum cw_xmpp_stanza_kind kind;
	struct cw_str from, to, id,
		type; /* values of its attributes; empty (p NULL) where missing */
};

/* Whether an error may be sent back: for a message that is no error, and for an iq that asks (RFC 6120, 8.3.1). Never for presence. */
bool cw_xmpp_is_answerable(const struct cw_xmpp_answerable *a);

/*
 * Append the error for it: from and to exchanged, its id, the condition with its type, and `text` for people (NULL: none). On
 * failure nothing is appended.
 *
 * Returns: 0; -ENOMEM; -EINVAL for a text that XML cannot carry; `out`'s error.
 */
int cw_xmpp_stanza_error(struct cw_buf *out, const struct cw_xmpp_answerable *a,
	enum cw_xmpp_condition condition, const char *text);

/*
 * Append a ping (XEP-0199) from one domain to another.
 *
 * Returns: as cw_xmpp_stanza_error.
 */
int cw_xmpp_stanza_ping(struct cw_buf *out, struct cw_str from, struct cw_str to, struct cw_str id);

#endif
