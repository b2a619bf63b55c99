#include "sip/reject.h"

#include <stdarg.h>
#include <stdio.h>

int cw_sip_reject_say(struct cw_sip_reject *out, unsigned status, const char *format, ...)
{
	va_list args;

	out->status = status;
	va_start(args, format);
	vsnprintf(out->reason, sizeof(out->reason), format, args);
	va_end(args);
	return CW_SIP_E_REJECT;
}
