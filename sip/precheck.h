/*
 * What a proxy refuses a request for by the request alone, before any rule. The daemon answers
 * with it, the dry run foretells it.
 */
#ifndef CW_SIP_PRECHECK_H
#define CW_SIP_PRECHECK_H

#include "core/arena.h"
#include "sip/message.h"

/* A refusal with its reason phrase. */
struct cw_sip_refusal {
	unsigned status; /* 0: not refused */
	struct cw_str phrase;
	struct cw_str headers; /* whole lines */
};

/*
 * Judge a request that was read well: NEGOTIATE 405, no hops left 483, an unknown Proxy-Require 420
 * (RFC 3261, 16.3). One that `ends_here` needs no more hops. The refusal's text is static or in the
 * arena.
 */
struct cw_sip_refusal cw_sip_precheck(
	const struct cw_sip_message *request, bool ends_here, struct cw_arena *arena);

#endif
