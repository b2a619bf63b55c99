/*
 * How the files that read a message say why they refuse it.
 */
#ifndef CW_SIP_REJECT_H
#define CW_SIP_REJECT_H

#include "sip/message.h"

/*
 * Write the status and the reason phrase; a phrase that is too long is cut.
 *
 * Returns: CW_SIP_E_REJECT.
 */
int cw_sip_reject_say(struct cw_sip_reject *out, unsigned status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
