#include "sip/stack.h"

bool cw_sip_is_idle(const struct cw_sip *sip)
{
	return sip->n_contexts == 0;
}

void cw_sip_context_booked(struct cw_sip *sip)
{
	void (*stopped)(void *arg) = sip->stopped;

	if (!stopped || !cw_sip_is_idle(sip))
		return;
	sip->stopped = NULL; /* requests that are refused from now on put nothing off */
	stopped(sip->stopped_arg);
}
