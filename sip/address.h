/*
 * An address of a header: "Name" <URI>;parameters, or URI;parameters (RFC 3261, 20.10).
 */
#ifndef CW_SIP_ADDRESS_H
#define CW_SIP_ADDRESS_H

#include "sip/uri.h"

/* All slices point into the text that was read. */
struct cw_sip_address {
	struct cw_sip_uri uri;
	struct cw_str params; /* of the header, with the first ';'; may be empty */
	bool bracketed;       /* the URI stands in angle brackets */
	struct cw_str tag; /* value of the last parameter of that name; empty: none, or no value */
	size_t n_tags;     /* parameters of that name */
};

/*
 * Read one value of From, To, Contact, Route or the like.
 *
 * The RFC asks for angle brackets around a URI with a comma, a question mark or parameters of its own; a URI without them ends at the first
 * semicolon, and one with a comma or question mark is malformed.
 *
 * Returns: 0 and *out set; -EINVAL.
 */
int cw_sip_address_parse(struct cw_sip_address *out, struct cw_str value);

#endif
