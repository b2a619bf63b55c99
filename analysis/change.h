/*
 * What differs between two rule sets as they are written, rule by rule.
 *
 * Rules are the same rule where their names are the same; zones likewise, as the sets belong to two configurations. Whether a difference
 * changes the way of any request is another question (reroute.h).
 */
#ifndef CW_ANALYSIS_CHANGE_H
#define CW_ANALYSIS_CHANGE_H

#include "core/arena.h"
#include "dialplan/ruleset.h"

enum cw_change {
	CW_CHANGE_SAME,
	CW_CHANGE_ADDED,   /* the name is new */
	CW_CHANGE_REMOVED, /* the name is gone */
	CW_CHANGE_CHANGED, /* it says something else */
	CW_CHANGE_MOVED, /* it says the same in another place of the order, or with another priority */
};

/* One element a rule, by cw_search_rule.index. */
struct cw_changes {
	const enum cw_change *old_rules;
	const enum cw_change *new_rules;
};

/*
 * Compare two sealed sets. Of rules of one priority that were put in another order, as few as possible are said to have moved.
 *
 * Returns: 0 and *out set, in `arena`; -ENOMEM.
 */
int cw_changes_find(struct cw_changes *out, const struct cw_ruleset *old_set,
	const struct cw_ruleset *new_set, struct cw_arena *arena);

/*
 * Of places in an order, no two the same, keep a longest part that ascends: kept[i] says whether places[i] is of it.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_change_keep_order(const size_t *places, size_t n, bool *kept, struct cw_arena *arena);

/* Whether two patterns match the same and make the same of it; either may be NULL. */
bool cw_change_same_pattern(const struct cw_pattern *a, const struct cw_pattern *b);

/* "same", "added", "removed", "changed" or "moved". */
const char *cw_change_name(enum cw_change change);

#endif
