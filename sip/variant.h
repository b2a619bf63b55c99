/*
 * What kind of SIP a request speaks: causeway.conf(5), "What kind of SIP a request is". (The first item
 * there, the kind of a dialog that a valid token carries, is the proxy's.)
 */
#ifndef CW_SIP_VARIANT_H
#define CW_SIP_VARIANT_H

#include "dialplan/request.h"
#include "sip/message.h"

/*
 * Classify by shape. A request with a To tag whose shape does not decide is CW_VARIANT_ANY, as are ACK and CANCEL looked at alone. SDP is read with bounds, also
 * within multipart bodies.
 */
enum cw_variant cw_sip_variant(const struct cw_sip_message *request);

#endif
