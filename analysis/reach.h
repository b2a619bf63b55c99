/*
 * Which requests reach a search rule: the question behind unreachable and shadowed rules, and behind what a change changes.
 *
 * A guess is made with the rule's automaton and asked of the planner (plan.h), which has the last word. Where another rule takes the
 * guess away, that rule's language is taken out and the next guess made, until the planner agrees (reached, with the witness),
 * nothing is left (proved: the rules that were taken out take every alias away), or a limit is met or a rule's pattern is not regular
 * (not decided, with the reason).
 */
#ifndef CW_ANALYSIS_REACH_H
#define CW_ANALYSIS_REACH_H

#include "analysis/rule_language.h"
#include "dialplan/plan.h"

#define CW_REACH_ROUNDS_MAX 64 /* guesses for one rule and one kind of request */

enum cw_reach_answer {
	CW_REACH_NONE,      /* proved: no such request reaches the rule */
	CW_REACH_FOUND,     /* the planner confirms that the witness does */
	CW_REACH_UNDECIDED, /* see `reason` */
};

struct cw_reach_result {
	enum cw_reach_answer answer;
	/* FOUND: the alias. NONE: one that the rule's own pattern matches, empty where it matches none. */
	struct cw_str witness;
	const struct cw_search_rule **blockers; /* NONE: what takes every alias away, in order */
	size_t n_blockers;
	const struct cw_transform *transform; /* NONE: the first that takes part in it, or NULL */
	struct cw_str reason; /* UNDECIDED: a clause, "the pattern of rule 'x' has a look-around" */
};

/*
 * Whether a request like `request` (its alias is not looked at) can reach and match `rule`, an enabled rule of the set that `languages` was made for. The languages
 * of `also` (NULL: none; a few) restrict the alias further. Where it can choose, the witness is an address as people have them.
 * Everything in *result lives in `arena` or in the set.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_reach_find(struct cw_rule_languages *languages, const struct cw_search_rule *rule,
	const struct cw_request *request, const struct cw_language_query *also,
	struct cw_arena *arena, struct cw_reach_result *result);

#endif
