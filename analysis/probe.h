/*
 * Whether a pattern matches some alias of a certain form, and which.
 */
#ifndef CW_ANALYSIS_PROBE_H
#define CW_ANALYSIS_PROBE_H

#include "regular/language.h"

enum cw_probe_form {
	CW_PROBE_STRANGE, /* of a domain that is nobody's: no domain is named */
	CW_PROBE_USER,    /* user@domain, with port and parameters */
	CW_PROBE_HOST,    /* the same without user */
};

#define CW_PROBE_FORMS 3

/* Embed it, zeroed. */
struct cw_probe {
	struct cw_automaton *forms[CW_PROBE_FORMS]; /* private; made when first needed */
};

/* Free what was made. */
void cw_probe_finish(struct cw_probe *probe);

/*
 * Look for an alias of the form that the pattern matches. CW_LANGUAGE_FOUND is confirmed by
 * cw_pattern_match, and *alias is in `arena`; CW_LANGUAGE_NONE is proved; CW_LANGUAGE_LIMIT is
 * everything else.
 *
 * Returns: 0 and *answer set; -ENOMEM.
 */
int cw_probe_find(struct cw_probe *probe, enum cw_probe_form form, const struct cw_pattern *pattern,
	struct cw_arena *arena, enum cw_language_answer *answer, struct cw_str *alias);

#endif
