/*
 * What is wrong or doubtful about a rule set.
 *
 * Whether a rule is reached is asked for every kind of request that can come: from each zone (nothing comes from a dns zone), of each protocol and
 * variant, authenticated where the zone is trusted. Disabled rules, transforms and the rest of a priority after a stop are taken as
 * the planner takes them.
 */
#ifndef CW_ANALYSIS_ANALYSIS_H
#define CW_ANALYSIS_ANALYSIS_H

#include "analysis/finding.h"
#include "dialplan/ruleset.h"

/*
 * Add all findings about a sealed set, in the order of the rules. `zones` are all zones of its configuration, `default` among them.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_analysis_run(struct cw_findings *findings, const struct cw_ruleset *set,
	const struct cw_zone *const *zones, size_t n_zones);

#endif
