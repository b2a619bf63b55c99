/*
 * What `causeway rules analyse` prints: findings about the rules, with places and witnesses.
 */
#ifndef CW_ADMIN_RULE_ANALYSIS_H
#define CW_ADMIN_RULE_ANALYSIS_H

#include "analysis/finding.h"

#include <stdio.h>

/*
 * Print the findings as text, each with the places of the rules that make it so and its witness, and a line that counts them.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_rule_analysis_print(
	FILE *out, const struct cw_findings *findings, size_t n_rules, struct cw_arena *arena);

/*
 * Print them as one JSON object; its keys are those of causeway(8). `file` is the configuration's.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_rule_analysis_print_json(
	FILE *out, const struct cw_findings *findings, size_t n_rules, const char *file);

/*
 * A finding in one line, "shadowed: rule 'b' is never reached: ... ; witness ...", for lists in which others stand as well.
 *
 * Returns: 0 and *out set, in `arena`; -ENOMEM.
 */
int cw_rule_analysis_line(
	struct cw_str *out, const struct cw_finding *finding, struct cw_arena *arena);

#endif
