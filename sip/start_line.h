/*
 * The first line of a message: a request line or a status line (RFC 3261, 7.1, 7.2).
 */
#ifndef CW_SIP_START_LINE_H
#define CW_SIP_START_LINE_H

#include "sip/message.h"

/*
 * Read message->start_line into is_request, method, method_name and request_uri, or into status and phrase.
 *
 * Returns: 0; CW_SIP_E_REJECT with *reject set.
 */
int cw_sip_start_line_parse(struct cw_sip_message *message, struct cw_sip_reject *reject);

#endif
