/*
 * Why a request goes the same way by two sets, as far as the rules that its alias matches are the reason.
 */
#ifndef CW_ANALYSIS_SAME_WAY_H
#define CW_ANALYSIS_SAME_WAY_H

#include "analysis/rule_alignment.h"

/* A rule matches the alias, or it does not. Of partners the old one stands for both. */
struct cw_way_literal {
	const struct cw_search_rule *rule;
	enum cw_side side;
	bool matches;
};

struct cw_same_way {
	bool is_known;
	const struct cw_way_literal *literals; /* what is likeliest to matter first */
	size_t n_literals;
};

/*
 * Find conditions under which each request of this kind goes the same way by both sets, this one among them: `crossing` is planned and does not
 * differ. Not known are they where it fails, or where the rules that match rewrite its alias in ways that are the same for this alias only.
 *
 * Returns: 0 and *out set, in `arena`; -ENOMEM.
 */
int cw_same_way_find(struct cw_same_way *out, const struct cw_alignment *alignment,
	const struct cw_crossing *crossing, struct cw_arena *arena);

#endif
