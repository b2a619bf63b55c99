/*
 * What the bytes of an XML stream say: its header (RFC 6120, 4.7).
 */
#ifndef CW_XMPP_PARSER_H
#define CW_XMPP_PARSER_H

#include "core/str.h"

/* A stream's first tag. Empty where an attribute is missing. */
struct cw_xmpp_header {
	struct cw_str from, to, id, version, lang;
	struct cw_str default_ns; /* "jabber:server" or "jabber:component:accept" */
	bool has_dialback_ns;     /* the prefix db was declared */
};

#endif
