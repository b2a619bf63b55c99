/*
 * Whether some alias lies in all of these languages and in none of those, and which.
 *
 * A search through the product of the determinized automata, made as it is visited: it ends with a shortest word, with the proof that
 * there is none, or at its limit. Nothing depends on time or machine: the same question has the same answer everywhere.
 */
#ifndef CW_REGULAR_LANGUAGE_H
#define CW_REGULAR_LANGUAGE_H

#include "regular/automaton.h"

#define CW_LANGUAGE_STATES_MAX 20000       /* states of the product found by one search */
#define CW_LANGUAGE_BYTES_MAX  (64u << 20) /* memory of one search */
#define CW_LANGUAGE_STEPS_MAX  (16u << 20) /* of one search, in automata that were not made before */

enum cw_language_answer {
	CW_LANGUAGE_NONE,  /* proved: there is no such alias */
	CW_LANGUAGE_FOUND, /* *word is one */
	CW_LANGUAGE_LIMIT, /* not decided: the search is larger than the limits */
};

struct cw_language_query {
	const struct cw_automaton *const *in;  /* a word must be accepted by all of these */
	size_t n_in;                           /* may be 0: every alias */
	const struct cw_automaton *const *out; /* and by none of these, which are exact */
	size_t n_out;
	size_t states_max; /* found at most; 0: CW_LANGUAGE_STATES_MAX */
};

/*
 * Answer a query. Words are aliases as cw_alias_is_usable says: 1 to CW_ALIAS_MAX bytes without NUL, CR and LF. Of the shortest words it gives
 * one that a person can read, as far as the languages allow: letters before digits before punctuation before the rest.
 *
 * Returns: 0 with *answer, and for CW_LANGUAGE_FOUND *word, in `arena`; -ENOMEM.
 */
int cw_language_find(const struct cw_language_query *query, struct cw_arena *arena,
	enum cw_language_answer *answer, struct cw_str *word);

#endif
