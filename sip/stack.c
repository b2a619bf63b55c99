#include "sip/stack.h"

bool cw_sip_is_idle(const struct cw_sip *sip)
{
	return sip->n_contexts == 0;
}

void cw_sip_context_booked(struct cw_sip *sip)
{
	if (sip->stopped && cw_sip_is_idle(sip))
		sip->stopped(sip->stopped_arg);
}
