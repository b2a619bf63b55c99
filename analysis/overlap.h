/*
 * Rules that share aliases: where an order decides that the author may not have thought of.
 */
#ifndef CW_ANALYSIS_OVERLAP_H
#define CW_ANALYSIS_OVERLAP_H

#include "analysis/finding.h"
#include "analysis/rule_language.h"

#define CW_OVERLAP_PAIRS_MAX                                                                       \
	20000 /* pairs of rules compared; further ones are left out, which a note says */

/*
 * Add a note (CW_FINDING_OVERLAP) for each rule and all earlier rules with other targets that match the same plausible address, of a
 * kind of request that both admit, where neither matches all aliases of the other: that a special rule stands before a
 * general one is what priorities are for. `reached` holds for each rule, in the order of the set, a request that reaches it, or one
 * with an empty alias: those rules are left out. The witness is one of the first pair. All rules were made from `zones`.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_overlap_find(struct cw_findings *findings, struct cw_rule_languages *languages,
	const struct cw_request *reached, const struct cw_zone *const *zones, size_t n_zones);

#endif
