/*
 * A small XML element as it came from a peer: what negotiation, dialback and stream management read. Stanzas are not read into one: they stay bytes.
 *
 * Everything lives in the arena of whoever read it (xmpp/parser). Names of attributes carry their namespace; most have none.
 */
#ifndef CW_XMPP_ELEMENT_H
#define CW_XMPP_ELEMENT_H

#include "core/str.h"

#define CW_XMPP_NS_STREAMS          "http://etherx.jabber.org/streams"
#define CW_XMPP_NS_SERVER           "jabber:server"
#define CW_XMPP_NS_COMPONENT        "jabber:component:accept"
#define CW_XMPP_NS_DIALBACK         "jabber:server:dialback"
#define CW_XMPP_NS_TLS              "urn:ietf:params:xml:ns:xmpp-tls"
#define CW_XMPP_NS_SASL             "urn:ietf:params:xml:ns:xmpp-sasl"
#define CW_XMPP_NS_STREAM_ERRORS    "urn:ietf:params:xml:ns:xmpp-streams"
#define CW_XMPP_NS_STANZA_ERRORS    "urn:ietf:params:xml:ns:xmpp-stanzas"
#define CW_XMPP_NS_DIALBACK_FEATURE "urn:xmpp:features:dialback"
#define CW_XMPP_NS_BIDI             "urn:xmpp:bidi"
#define CW_XMPP_NS_BIDI_FEATURE     "urn:xmpp:features:bidi"
#define CW_XMPP_NS_SM               "urn:xmpp:sm:3"
#define CW_XMPP_NS_PING             "urn:xmpp:ping"
#define CW_XMPP_NS_XML              "http://www.w3.org/XML/1998/namespace"

enum cw_xmpp_stanza_kind {
	CW_XMPP_MESSAGE,
	CW_XMPP_PRESENCE,
	CW_XMPP_IQ
};

struct cw_xmpp_attribute {
	struct cw_str ns, name, value; /* ns empty: none */
};

struct cw_xmpp_element {
	struct cw_str ns, name;
	const struct cw_xmpp_attribute *attributes;
	size_t n_attributes;
	struct cw_str text;                      /* all character data directly in it, joined */
	struct cw_xmpp_element *children, *next; /* first child; next sibling */
};

/* Whether it has that namespace and name. */
bool cw_xmpp_element_is(const struct cw_xmpp_element *e, const char *ns, const char *name);

/* The value of an attribute without namespace; empty (p NULL) when there is none. */
struct cw_str cw_xmpp_element_attribute(const struct cw_xmpp_element *e, const char *name);

/* The first child of that namespace and name (name NULL: any), or NULL. */
const struct cw_xmpp_element *cw_xmpp_element_child(
	const struct cw_xmpp_element *e, const char *ns, const char *name);

#endif
