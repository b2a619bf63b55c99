/*
 * One value of a Via list (RFC 3261, 20.42).
 */
#ifndef CW_SIP_VIA_H
#define CW_SIP_VIA_H

#include "core/buf.h"
#include "core/str.h"

struct cw_sip_via {
	struct cw_str text;      /* the value as written, without the blanks and commas around it */
	struct cw_str transport; /* "TLS", as written */
	struct cw_str host;      /* sent-by; IPv6 with brackets */
	uint16_t port;           /* 0: none given */
	struct cw_str params;    /* with the first ';'; may be empty */
	struct cw_str branch;    /* empty: none */
	struct cw_str received;  /* empty: none */
	bool has_rport;
	size_t line; /* which header line it stands in */
};

/*
 * Read one value; `line` is left 0.
 *
 * Returns: 0 and *out set; -EINVAL.
 */
int cw_sip_via_parse(struct cw_sip_via *out, struct cw_str value);

/*
 * Append the value with received=HOST, in place of such a parameter or at the end, and, if it has rport, rport=PORT (RFC 3261, 18.2.1; RFC
 * 3581). Errors stick in `out`.
 */
void cw_sip_via_add_received(
	struct cw_buf *out, const struct cw_sip_via *via, struct cw_str host, uint16_t port);

#endif
