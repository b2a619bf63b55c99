/*
 * Languages put together, one after the other, to a query: a word must lie in this one, and in that one, and not in that one.
 */
#ifndef CW_REGULAR_CONJUNCTION_H
#define CW_REGULAR_CONJUNCTION_H

#include "regular/language.h"

#define CW_CONJUNCTION_MAX 128 /* languages on either side; it is for the caller to keep below */

/* Embed it, zeroed. Everything in it is borrowed. */
struct cw_conjunction {
	const struct cw_automaton *in[CW_CONJUNCTION_MAX];
	const struct cw_automaton *out[CW_CONJUNCTION_MAX];
	size_t n_in, n_out;
};

/* A word must fulfil this query as well. */
void cw_conjunction_add(struct cw_conjunction *c, const struct cw_language_query *query);

/* A word must not fulfil this query, which is of one language. */
void cw_conjunction_add_not(struct cw_conjunction *c, const struct cw_language_query *query);

/* A word must lie in this language, or outside of it. */
void cw_conjunction_add_in(struct cw_conjunction *c, const struct cw_automaton *automaton);
void cw_conjunction_add_out(struct cw_conjunction *c, const struct cw_automaton *automaton);

/*
 * Look for a word, as cw_language_find does, visiting at most `states_max` states (0: CW_LANGUAGE_STATES_MAX).
 *
 * Returns: 0 with *answer and *word; -ENOMEM.
 */
int cw_conjunction_find(const struct cw_conjunction *c, size_t states_max, struct cw_arena *arena,
	enum cw_language_answer *answer, struct cw_str *word);

#endif
