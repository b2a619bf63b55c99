/*
 * What a configuration says to the SIP side: one immutable snapshot, swapped whole at a reload.
 *
 * Requests under way keep pointers to the zones and rules of the snapshot that decided them. So a
 * snapshot counts its users, and whoever made it frees it when it was replaced and the last one is
 * gone.
 */
#ifndef CW_SIP_SETUP_H
#define CW_SIP_SETUP_H

#include "dialplan/ruleset.h"
#include "dialplan/zone.h"
#include "sip/policy.h"

struct cw_sip_setup {
	struct cw_str hostname;
	uint16_t tls_port,
		tcp_port; /* of the first listener of each kind, for Via and Record-Route; 0: none */
	const struct cw_zone *const *zones; /* in file order; zones[0] is `default` */
	size_t n_zones;
	const struct cw_ruleset *rules; /* sealed */
	const struct cw_sip_policy *policy;

	size_t users;  /* requests and connections that point into it */
	bool replaced; /* by a newer one */
	void (*unused)(
		void *arg); /* it was replaced and has no user any more; it may be freed in it */
	void *arg;
};

/* Count one user more. */
static inline void cw_sip_setup_use(struct cw_sip_setup *setup)
{
	setup->users++;
}

/* Count one user less; the last one of a replaced snapshot calls `unused`. */
static inline void cw_sip_setup_release(struct cw_sip_setup *setup)
{
	if (--setup->users == 0 && setup->replaced)
		setup->unused(setup->arg);
}

/* The zone of that name, or NULL. */
const struct cw_zone *cw_sip_setup_zone(const struct cw_sip_setup *setup, struct cw_str name);

/*
 * The port that we name in Via and Record-Route: of the first listener of that transport, else the
 * standard one.
 */
unsigned cw_sip_setup_port(const struct cw_sip_setup *setup, enum cw_zone_transport transport);

#endif
