/*
 * What SASL elements carry (RFC 6120, 6.4): base64, and "=" for nothing.
 */
#ifndef CW_XMPP_SASL_H
#define CW_XMPP_SASL_H

#include "core/buf.h"

#define CW_XMPP_SASL_MAX 1023 /* bytes that are read: a domain's */

/*
 * Append `bytes`, at most CW_XMPP_SASL_MAX, as an element's text. Errors are `out`'s; -EMSGSIZE
 * where they are more.
 */
void cw_xmpp_sasl_write(struct cw_buf *out, struct cw_str bytes);

/*
 * Read an element's text, which may have blanks around it, into room[CW_XMPP_SASL_MAX].
 *
 * Returns: 0 and *len set; -EINVAL: it is no base64 (RFC 4648, 4, with its padding), or longer.
 */
int cw_xmpp_sasl_read(char room[static CW_XMPP_SASL_MAX], size_t *len, struct cw_str text);

#endif
