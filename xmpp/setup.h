/*
 * What a configuration says to the XMPP side: one immutable snapshot, swapped whole at a reload.
 *
 * Stanzas that wait for a connection keep pointers to the zones of the snapshot that decided them, so a snapshot counts its users; whoever
 * made it frees it when it was replaced and the last one is gone. Streams point to nothing in it but their terms, which a reload renews.
 */
#ifndef CW_XMPP_SETUP_H
#define CW_XMPP_SETUP_H

#include "dialplan/ruleset.h"
#include "dialplan/zone.h"
#include "xmpp/policy.h"

struct cw_xmpp_setup {
	const struct cw_xmpp_policy *policy; /* NULL: the configuration has no xmpp block */
	const struct cw_zone *const *zones;  /* in file order; zones[0] is `default` */
	size_t n_zones;
	const struct cw_ruleset *rules; /* sealed */
	bool is_listening;              /* a listener for partners is there */

	size_t users;  /* stanzas that wait */
	bool replaced; /* by a newer one */
	void (*unused)(
		void *arg); /* it was replaced and has no user any more; it may be freed in it */
	void *arg;
};

/* Count one user more. */
static inline void cw_xmpp_setup_use(struct cw_xmpp_setup *setup)
{
	setup->users++;
}

/* Count one user less; the last one of a replaced snapshot calls `unused`. */
static inline void cw_xmpp_setup_release(struct cw_xmpp_setup *setup)
{
	if (--setup->users == 0 && setup->replaced)
		setup->unused(setup->arg);
}

#endif
