/*
 * Rules that are well formed and most likely not what was meant.
 *
 * Each finding is shown by a witness where an alias can show it: the unescaped dot by an alias of
 * another domain that the rule matches too, the open rule by one of no domain in particular, the
 * missing rule for NOTIFY by a host that no rule takes to the zone, the catastrophic pattern by an
 * alias that exceeds its match limit when it is matched. The alias is one as the rules see it,
 * after the transforms.
 */
#ifndef CW_ANALYSIS_RULE_STYLE_H
#define CW_ANALYSIS_RULE_STYLE_H

#include "analysis/finding.h"
#include "dialplan/ruleset.h"

/*
 * Add the findings of kinds CW_FINDING_UNESCAPED_DOT to CW_FINDING_CATASTROPHIC about enabled rules
 * to *findings, in any order, of each kind at most one about a rule. `zones` are all zones of the
 * configuration, `default` among them. A rule whose criteria admit no request has none.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_rule_style_check(struct cw_findings *findings, const struct cw_ruleset *set,
	const struct cw_zone *const *zones, size_t n_zones);

#endif
