/*
 * A deterministic automaton, made of a nondeterministic one as it is walked: a state is a set of its states. Once it is whole it is only
 * read, and may be shared by any number of questions.
 */
#ifndef CW_REGULAR_DFA_H
#define CW_REGULAR_DFA_H

#include "regular/nfa.h"

/* States with a number of their own. */
enum {
	CW_DFA_DEAD,      /* nothing that goes on from here is accepted */
	CW_DFA_UNIVERSAL, /* everything is, and what there is already */
	CW_DFA_START,
};

#define CW_DFA_UNKNOWN UINT32_MAX /* in the table: not yet made */

struct cw_dfa {
	const struct cw_nfa *nfa;
	unsigned n_classes;
	size_t n_states;
	uint32_t *table;    /* n_classes entries a state: where a byte of the class leads */
	uint16_t *distance; /* for each state, bytes to acceptance; 0: it accepts */
	/* while it grows */
	uint64_t *sets; /* for each state, of nfa->n_words words */
	uint32_t *hash; /* states, in a power of two of slots */
	size_t n_slots, table_capacity, distance_capacity, sets_capacity;
	struct cw_budget *budget;
};

/* Answer of the functions below, besides -ENOMEM. */
enum {
	CW_DFA_E_SPENT = 1 /* the budget is */
};

/*
 * Begin the automaton of `nfa`, which must outlive it; so must `budget`, unless it is completed.
 *
 * Returns: 0; CW_DFA_E_SPENT; -ENOMEM. In any case it is to be finished.
 */
int cw_dfa_init(struct cw_dfa *dfa, const struct cw_nfa *nfa, struct cw_budget *budget);

/*
 * Make the move from a state by a byte of a class, which is not in the table.
 *
 * Returns: 0 with *to set; CW_DFA_E_SPENT; -ENOMEM.
 */
int cw_dfa_expand(struct cw_dfa *dfa, uint32_t from, unsigned byte_class, uint32_t *to);

/*
 * Make all moves, and give back what was needed for it.
 *
 * Returns: 0; CW_DFA_E_SPENT; -ENOMEM.
 */
int cw_dfa_complete(struct cw_dfa *dfa);

/* Free what it holds. A zeroed one is fine. */
void cw_dfa_finish(struct cw_dfa *dfa);

#endif
