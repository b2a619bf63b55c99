/*
 * All rules at which requests change their way from one configuration to another, found without any recorded traffic.
 *
 * Only an alias that reaches a rule without partner (rule_alignment.h) or matches a transform that only one set has can change its way. For
 * each such rule and every kind of request that can come, aliases are searched (reroute_search.h); what is neither found nor proved not to
 * be there is said. Requests of the variant CW_VARIANT_ANY are not asked.
 */
#ifndef CW_ANALYSIS_REROUTE_FIND_H
#define CW_ANALYSIS_REROUTE_FIND_H

#include "analysis/reroute.h"

#define CW_REROUTE_WORK_MAX 500000 /* languages asked about between two configurations */

/* A rule or transform of which is not known whether it changes the way of requests. */
struct cw_reroute_doubt {
	struct cw_str name;
	const struct cw_place *place;
	struct cw_str reason; /* a clause: "the pattern of rule 'x' has a look-around" */
};

struct cw_reroute_doubts {
	struct cw_reroute_doubt
		*items; /* in the order of the rules, old ones first, then transforms */
	size_t n;
};

/*
 * Find what changes between two sides. Examples are added to *out, which may hold some already; all else lives in `arena`.
 *
 * Returns: 0 and *doubts set; -ENOMEM.
 */
int cw_reroutes_find(struct cw_reroutes *out, struct cw_reroute_doubts *doubts,
	const struct cw_dialplan sides[CW_SIDES], struct cw_arena *arena);

#endif
