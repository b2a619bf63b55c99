/*
 * Text from anybody into XML that we write.
 */
#ifndef CW_XMPP_ESCAPE_H
#define CW_XMPP_ESCAPE_H

#include "core/buf.h"

/*
 * Append `text` so that it reads back the same, as character data and as the value of an
 * attribute in either kind of quotes. It must hold only characters that XML allows. Errors are
 * `out`'s.
 */
void cw_xmpp_escape(struct cw_buf *out, struct cw_str text);

/* Append a blank and name='value', the value escaped. Errors are `out`'s. */
void cw_xmpp_escape_attribute(struct cw_buf *out, const char *name, struct cw_str value);

#endif
