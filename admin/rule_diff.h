/*
 * What `causeway rules diff` prints: the rules at which requests change their way from one configuration to another.
 */
#ifndef CW_ADMIN_RULE_DIFF_H
#define CW_ADMIN_RULE_DIFF_H

#include "admin/recorded.h"
#include "analysis/change.h"
#include "analysis/reroute_find.h"

#include <stdio.h>

struct cw_rule_diff {
	const char *files[CW_SIDES]; /* the configurations, as they were named */
	struct cw_changes changes;
	struct cw_reroutes reroutes;
	struct cw_reroute_doubts doubts;
	const struct cw_recorded *recorded; /* NULL: none were asked */
};

/* Whether no request changes its way, and that is beyond doubt. */
bool cw_rule_diff_is_same(const struct cw_rule_diff *diff);

/*
 * Print it as a table, with colours (ANSI) if `colours`, and a last line that says how much changes.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_rule_diff_print_table(
	FILE *out, const struct cw_rule_diff *diff, struct cw_arena *arena, bool colours);

/*
 * Print the same as one JSON object in one line; its keys are those of causeway(8), in their order.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_rule_diff_print_json(FILE *out, const struct cw_rule_diff *diff);

#endif
