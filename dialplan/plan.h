/*
 * The decision: (rule set, request) in, ordered targets and a written trace out. A pure function: no sockets, DNS, clock or log.
 *
 * It works in two ways that a test holds equal: *decide* finds the rules that match, as fast as it can; *explain* walks every
 * rule and says why or why not. The live path, `causeway locate`, rule tests and what comes later all call these.
 * Semantics: causeway.conf(5), "How a request finds its way".
 *
 * A rule or transform that matches but whose behavior makes no usable alias (empty, longer than CW_ALIAS_MAX) fails the request closed, as
 * one does that exceeds its match limit. Were it passed over, a rule below it would carry the request to a place that its author
 * meant to exclude; were its target left out, the sender would be told that no rule matches.
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
	CW_DECISION_LIMIT, /* a rule or transform gave no answer: the request fails closed (500), see `limit_name` */
};

enum cw_verdict {
	CW_VERDICT_MATCH,
	CW_VERDICT_NO_MATCH,
	CW_VERDICT_SKIPPED,     /* disabled */
	CW_VERDICT_NOT_REACHED, /* after a stop, or after a limit */
	CW_VERDICT_LIMIT, /* the request fails here: no answer within the match limit, or no usable alias */
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
	size_t n_targets;          /* 0 unless the decision is CW_DECISION_ROUTED */
	const char *
		limit_name; /* CW_DECISION_LIMIT: the rule or transform at which the request fails */
	const char *
		limit_reason; /* and why, a clause that follows the name: "exceeded its match limit" */
	struct cw_considered *
		considered; /* explain: every rule, in order, once; decide: those with the verdict match or limit, without reason */
	size_t n_considered;
};

/*
 * Find where a request goes. Everything in *plan lives in `arena`, in `set` or in `request`. A rule that does not match costs no
 * memory.
 *
 * Returns: 0 and *plan set; -ENOMEM; -EINVAL when the request's alias is none that cw_alias_prepare makes (no rule was asked).
 */
int cw_plan_decide(struct cw_plan *plan, const struct cw_ruleset *set,
	const struct cw_request *request, struct cw_arena *arena);

/*
 * The same, with the verdict on every rule.
 *
 * Returns: as cw_plan_decide.
 */
int cw_plan_explain(struct cw_plan *plan, const struct cw_ruleset *set,
	const struct cw_request *request, struct cw_arena *arena);

/* Whether all criteria of a rule but its mode and pattern say yes to a request. */
bool cw_plan_admits(const struct cw_search_rule *rule, const struct cw_request *request);

/* "match", "no-match", "skipped", "not-reached" or "limit". */
const char *cw_verdict_name(enum cw_verdict verdict);

/* "routed", "no-rule" or "limit". */
const char *cw_decision_name(enum cw_decision decision);

#endif
