/*
 * The decision: (rule set, request) in, ordered targets and a written trace out. A pure function: no sockets, DNS, clock or log.
 *
 * It works in two ways that a test holds equal: *decide* finds the rules that match, as fast as it can; *explain* walks every
 * rule and says why or why not. The live path, `causeway locate`, rule tests and what comes later all call these.
 * Semantics: search-rules, "Order and matching".
 */
#ifndef CW_DIALPLAN_PLAN_H
#define CW_DIALPLAN_PLAN_H

#include "core/arena.h"
#include "dialplan/request.h"
#include "dialplan/ruleset.h"

#define CW_PLAN_TARGETS_MAX                                                                        \
	64 /* targets of one request; further matches are not added (the trace says so) */

enum cw_decision {
	CW_DECISION_ROUTED,
	CW_DECISION_NO_RULE,
	CW_DECISION_LIMIT, /* a pattern exceeded its match limit: the request fails closed; `limit_rule` says which */
};

enum cw_verdict {
	CW_VERDICT_MATCH,
	CW_VERDICT_NO_MATCH,
	CW_VERDICT_SKIPPED,     /* disabled */
	CW_VERDICT_NOT_REACHED, /* after a stop, or after a limit */
	CW_VERDICT_LIMIT,
};

struct cw_target {
	const struct cw_search_rule *rule;
	struct cw_str alias; /* rewritten; in the arena, or the request's own */
	const struct cw_zone *zone;
};

struct cw_considered {
	const struct cw_search_rule *rule;
	enum cw_verdict verdict;
	struct cw_str reason; /* which criterion decided, in words, in the arena */
};

struct cw_plan {
	enum cw_decision decision;
	struct cw_str alias;                  /* after the transforms */
	const struct cw_transform *transform; /* the one that rewrote it, or NULL */
	struct cw_target *targets; /* in order, without doubles (same zone and same alias) */
	size_t n_targets;
	const char
		*limit_name; /* CW_DECISION_LIMIT: the rule or transform that exceeded its limit */
	struct cw_considered *considered; /* explain: every rule, in order, once; decide: NULL */
	size_t n_considered;
};

/*
 * Find where a request goes. Everything in *plan lives in `arena`, in `set` or in `request`.
 *
 * Returns: 0 and *plan set; -ENOMEM.
 */
int cw_plan_decide(struct cw_plan *plan, const struct cw_ruleset *set,
	const struct cw_request *request, struct cw_arena *arena);

/*
 * The same, with the verdict on every rule.
 *
 * Returns: 0 and *plan set; -ENOMEM.
 */
int cw_plan_explain(struct cw_plan *plan, const struct cw_ruleset *set,
	const struct cw_request *request, struct cw_arena *arena);

/* "match", "no-match", "skipped", "not-reached" or "limit". */
const char *cw_verdict_name(enum cw_verdict verdict);

/* "routed", "no-rule" or "limit". */
const char *cw_decision_name(enum cw_decision decision);

#endif
