/*
 * URIs as SIP messages hold them, split no further than routing needs (RFC 3261, 19.1).
 */
#ifndef CW_SIP_URI_H
#define CW_SIP_URI_H

#include "core/str.h"

/* All slices point into the text that was read. */
struct cw_sip_uri {
	struct cw_str text;   /* the whole URI, as written */
	struct cw_str scheme; /* "sip", "sips", "tel", ... */
	struct cw_str user;   /* as written (percent-encoded), without password; empty: none */
	struct cw_str
		host; /* IPv6 with brackets; empty: a scheme whose URIs have none that we know of */
	uint16_t port;        /* 0: none given */
	struct cw_str params; /* behind the first ';' after host and port, without it; no headers */
	struct cw_str headers; /* behind the '?'; empty: none */
};

/*
 * Read a URI as it stands in a request line or between angle brackets. sip, sips, im, pres and xmpp URIs are checked whole, of others only
 * that they have a scheme and hold nothing that no URI may hold.
 *
 * Returns: 0 and *out set; -EINVAL.
 */
int cw_sip_uri_parse(struct cw_sip_uri *out, struct cw_str text);

/*
 * Read "host" or "host:port" from the begin of `text`: a name, an IPv4 address, or an IPv6 address in brackets. With `blanks` there may
 * be blanks around the colon, as in a Via.
 *
 * Returns: 0, *host and *port (0: none) set, and *end the place behind them; -EINVAL.
 */
int cw_sip_hostport_parse(
	struct cw_str text, bool blanks, struct cw_str *host, uint16_t *port, size_t *end);

/*
 * The value of a parameter (caseless) in a list like "lr;ttl=1": of a URI's params or behind a header value.
 *
 * Returns: whether it is there; *value is then its value as written, empty for a parameter without one.
 */
bool cw_sip_param(struct cw_str params, const char *name, struct cw_str *value);

#endif
