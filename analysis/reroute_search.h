/*
 * Whether aliases that reach one rule change their way from one set to the other, without any recorded traffic.
 *
 * A guess is made with the rule's language and planned by both sets, which have the last word. Where it changes its way it is an example.
 * Where it does not, what makes it go the same way is written down: these rules match, those do not. All aliases of which the same holds
 * go the same way; the rest is searched likewise, until nothing is left (proved), or a limit is met or a pattern is not regular (not decided).
 *
 * What is proved holds for aliases on which no pattern exceeds its match limit.
 */
#ifndef CW_ANALYSIS_REROUTE_SEARCH_H
#define CW_ANALYSIS_REROUTE_SEARCH_H

#include "analysis/rule_alignment.h"

#define CW_REROUTE_GUESSES_MAX 64 /* for one rule and one kind of request */

/* What all searches between two configurations share. */
struct cw_reroute_searches {
	const struct cw_dialplan *sides;
	struct cw_rule_languages *languages[CW_SIDES];
	const struct cw_transform *const
		*transforms; /* that both sets have, enabled, of the old set */
	size_t n_transforms;
	size_t work_left; /* in languages asked about; when it is done, nothing more is decided */
	bool is_quick;    /* look only where it is likely; the doubt is then left as it is */
	struct cw_reroutes *found;
	struct cw_reroutes *unsure; /* see `other` below */
};

/* What is asked. */
struct cw_reroute_question {
	const struct cw_alignment *alignment; /* for this kind of request */
	struct cw_crossing crossing;          /* the kind, with empty alias and no plans */
	enum cw_side side;
	const struct cw_search_rule *rule; /* without partner */
};

struct cw_reroute_answer {
	bool found; /* examples stand in `found` */
	/*
	 * Not NULL: there are only aliases, in `unsure`, that both this rule and the `other`, without partner too, match, and it is the other
	 * that changes their way.
	 */
	const struct cw_search_rule *other;
	enum cw_side other_side;
	struct cw_str
		doubt; /* empty: it is proved that no other alias that reaches the rule changes its way */
};

/*
 * Answer a question. The doubt is a clause, such as "the pattern of rule 'x' has a look-around", in `arena`.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_reroute_search(struct cw_reroute_searches *searches,
	const struct cw_reroute_question *question, struct cw_arena *arena,
	struct cw_reroute_answer *answer);

#endif
