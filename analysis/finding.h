/*
 * What is found wrong or doubtful about a rule: a finding, and a list of them.
 *
 * A finding is proved or it is CW_FINDING_UNDECIDED with the reason; nothing is guessed. Most carry a witness, a request that shows
 * them.
 */
#ifndef CW_ANALYSIS_FINDING_H
#define CW_ANALYSIS_FINDING_H

#include "core/arena.h"
#include "dialplan/search_rule.h"

enum cw_finding_kind {
	CW_FINDING_UNREACHABLE, /* no request can match it, whatever other rules say */
	CW_FINDING_SHADOWED,    /* rules before it take every alias away */
	CW_FINDING_DUPLICATE,   /* it adds nothing to what an earlier rule says */
	CW_FINDING_OVERLAP, /* an earlier rule of another target matches some of its aliases, and neither matches all of the other's */
	CW_FINDING_UNDECIDED,     /* whether it is reached was not decided */
	CW_FINDING_UNESCAPED_DOT, /* a dot between labels that matches any byte */
	CW_FINDING_STRAY_BLANK,   /* a blank that no alias holds */
	CW_FINDING_OPEN,          /* `source any`: whoever comes is carried */
	CW_FINDING_NO_NOTIFY,     /* a Microsoft route without the rule that NOTIFY needs */
	CW_FINDING_CATASTROPHIC,  /* an alias of common length exceeds the match limit */
};

enum cw_finding_level {
	CW_FINDING_NOTE,    /* worth knowing; `causeway rules analyse` alone tells it */
	CW_FINDING_WARNING, /* most likely not what was meant; `causeway check` tells it too */
};

struct cw_finding {
	enum cw_finding_kind kind;
	enum cw_finding_level level;
	const struct cw_search_rule *rule;
	const struct cw_search_rule *const *others; /* the rules that make it so, in order */
	size_t n_others;
	struct cw_request witness; /* its alias is empty where there is none */
	struct cw_str message;     /* what follows the name of the rule: "is never reached: ..." */
};

/* Findings in the order in which they were added. Embed it, zeroed but for the arena, in which all of it lives. */
struct cw_findings {
	struct cw_arena *arena;
	struct cw_finding *all;
	size_t count, capacity;
	size_t warnings; /* among them */
};

/*
 * Add a finding; what it points to must live as long as the arena.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_findings_add(struct cw_findings *findings, const struct cw_finding *finding);

/* Put them into the order of the rules, those of one rule into the order of the kinds. */
void cw_findings_sort(struct cw_findings *findings);

/*
 * "unreachable", "shadowed", "duplicate", "overlap", "not-decided", "unescaped-dot", "stray-blank", "open", "no-notify-rule" or
 * "catastrophic".
 */
const char *cw_finding_kind_name(enum cw_finding_kind kind);

#endif
