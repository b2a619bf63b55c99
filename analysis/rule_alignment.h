/*
 * The rules of two sets that a kind of request meets, side by side: which of them are the same in both, in the same order.
 *
 * A request that meets rules of the aligned part only goes the same way by both sets: what changes a way is a rule without partner.
 */
#ifndef CW_ANALYSIS_RULE_ALIGNMENT_H
#define CW_ANALYSIS_RULE_ALIGNMENT_H

#include "analysis/reroute.h"
#include "analysis/rule_language.h"

#define CW_ALIGNMENT_NONE SIZE_MAX /* no partner; not among the rules */

/*
 * By cw_search_rule.index a number for what a rule does: rules of the same number match the same aliases, make the same of them, lead to zones of the
 * same name and stop or not alike.
 */
struct cw_rule_effects {
	const uint32_t *numbers[CW_SIDES];
	size_t count; /* all numbers are below */
};

/* The enabled rules of one set whose criteria admit the request, in order. */
struct cw_alignment_list {
	const struct cw_search_rule **rules;
	size_t n;
	size_t *partners; /* of each: its partner's place in the other list, or CW_ALIGNMENT_NONE */
	size_t *ends;     /* of each: the place behind the last rule of its priority */
	size_t *places;   /* by cw_search_rule.index: the place in the list, or CW_ALIGNMENT_NONE */
};

struct cw_alignment {
	struct cw_alignment_list lists[CW_SIDES];
	size_t n_alone; /* rules without partner, in both */
};

/*
 * Number what the rules of both sets do. Rules of the same name whose patterns are written differently are alike where their languages
 * are proved to be the same.
 *
 * Returns: 0 and *out set, in `arena`; -ENOMEM.
 */
int cw_rule_effects_find(struct cw_rule_effects *out, const struct cw_dialplan sides[CW_SIDES],
	struct cw_rule_languages *const languages[CW_SIDES], struct cw_arena *arena);

/*
 * Align the rules that a request (its alias is not looked at) meets. Partners stand in the same order in both lists, and behind a rule with on-match stop those
 * of its priority are the partners of those of its partner's.
 *
 * Returns: 0 and *out set, in `arena`; -ENOMEM.
 */
int cw_alignment_make(struct cw_alignment *out, const struct cw_dialplan sides[CW_SIDES],
	const struct cw_rule_effects *effects, const struct cw_request requests[CW_SIDES],
	struct cw_arena *arena);

/* Whether two rules make the same of every alias that both match. */
bool cw_alignment_same_rewriting(const struct cw_search_rule *a, const struct cw_search_rule *b);

#endif
