/*
 * Requests that change their way from one rule set to another, each under the rules that decided about it before and after.
 *
 * A request changes its way when its decision differs or the sequence of (zone, alias) of its targets; the names of rules do not count. The sets
 * belong to two configurations, whose zones are the same where their names are the same.
 */
#ifndef CW_ANALYSIS_REROUTE_H
#define CW_ANALYSIS_REROUTE_H

#include "core/arena.h"
#include "dialplan/plan.h"

#define CW_REROUTE_EXAMPLES_MAX 3 /* examples kept of one rule */

enum cw_side {
	CW_SIDE_OLD,
	CW_SIDE_NEW,
	CW_SIDES,
};

/* One of the two configurations. */
struct cw_dialplan {
	const struct cw_ruleset *rules;
	const struct cw_zone *const *zones; /* [0] is the zone `default` */
	size_t n_zones;
};

/* What a plan came to; nothing in it belongs to the arena of the plan. */
struct cw_outcome {
	enum cw_decision decision;
	const struct cw_target *targets;
	size_t n_targets;
};

/* A request, and where it goes by either set. */
struct cw_reroute_example {
	struct cw_str alias, from;
	enum cw_protocol protocol;
	enum cw_variant variant;
	bool authenticated; /* by both sets; a zone's trust may differ */
	struct cw_outcome outcomes[CW_SIDES];
};

/* What changes its way at one rule. */
struct cw_reroute {
	const struct cw_search_rule *rule;
	struct cw_reroute_example examples[CW_REROUTE_EXAMPLES_MAX];
	size_t n_examples;
	uint64_t count; /* requests that were counted, all of them */
};

/* Embed it; all zero with `arena` set is a valid beginning. */
struct cw_reroutes {
	struct cw_arena *arena;                /* whatever is kept lives here */
	struct cw_reroute **by_rule[CW_SIDES]; /* by cw_search_rule.index; NULL: nothing there */
	size_t n_rules[CW_SIDES];
};

/* A request as both sets see it, planned by both. */
struct cw_crossing {
	struct cw_str
		from; /* the zone as it is named; a set whose configuration has no such zone sees the zone `default` */
	struct cw_request requests[CW_SIDES];
	struct cw_plan plans[CW_SIDES];
};

/*
 * Make room for the rules of both sets.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_reroutes_init(
	struct cw_reroutes *all, const struct cw_dialplan sides[CW_SIDES], struct cw_arena *arena);

/*
 * Plan both requests of *crossing.
 *
 * Returns: 0 and the plans set, in `arena`; otherwise as cw_plan_decide.
 */
int cw_crossing_plan(struct cw_crossing *crossing, const struct cw_dialplan sides[CW_SIDES],
	struct cw_arena *arena);

/* Whether the request changes its way. */
bool cw_crossing_differs(const struct cw_crossing *crossing);

/*
 * The rule that decides where the request changes its way: that of the first target in which the plans differ, or the one at which it fails.
 * NULL: none does on that side.
 */
const struct cw_search_rule *cw_crossing_rule(
	const struct cw_crossing *crossing, enum cw_side side);

/*
 * Keep a request that changes its way as an example under a rule of that side, if there are not enough of them, and count it if `counted`.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_reroutes_add(struct cw_reroutes *all, enum cw_side side, const struct cw_search_rule *rule,
	const struct cw_crossing *crossing, bool counted);

#endif
