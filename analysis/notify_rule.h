/*
 * Whether each Microsoft route has the rule that NOTIFY needs.
 */
#ifndef CW_ANALYSIS_NOTIFY_RULE_H
#define CW_ANALYSIS_NOTIFY_RULE_H

#include "analysis/finding.h"
#include "analysis/probe.h"
#include "dialplan/ruleset.h"

/*
 * Add a CW_FINDING_NO_NOTIFY for each target of SIP that rules of variant ms-imp or microsoft lead
 * users' aliases to and no rule leads a host to, asked for from the same zone: at the first such
 * rule. Of a rule from any or all zones it is enough that one of them has such a rule. What is not
 * decided is not reported.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_notify_rule_check(struct cw_findings *findings, const struct cw_ruleset *set,
	const struct cw_zone *const *zones, size_t n_zones, struct cw_probe *probe);

#endif
