/*
 * Sets of states, each found once by a hash of its bits.
 */
#include "regular/dfa.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS_FIRST 64
#define EMPTY       0 /* a slot: CW_DFA_DEAD is in none */

static uint64_t hash_set(const struct cw_nfa *nfa, const uint64_t *set)
{
	uint64_t hash = 0;
	size_t i;

	for (i = 0; i < nfa->n_words; i++) {
		hash = (hash ^ set[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

static const uint64_t *set_of(const struct cw_dfa *dfa, uint32_t state)
{
	return dfa->sets + state * dfa->nfa->n_words;
}

/* The slot of a set: that of its state, or the empty one where it belongs. */
static uint32_t *find_slot(const struct cw_dfa *dfa, const uint64_t *set)
{
	size_t at = hash_set(dfa->nfa, set) & (dfa->n_slots - 1);

	while (dfa->hash[at] != EMPTY &&
		memcmp(set_of(dfa, dfa->hash[at]), set, dfa->nfa->n_words * sizeof(*set)) != 0)
		at = (at + 1) & (dfa->n_slots - 1);
	return &dfa->hash[at];
}

/* Make a larger hash of the states there are. */
static int grow_hash(struct cw_dfa *dfa)
{
	size_t n = dfa->n_slots ? 2 * dfa->n_slots : SLOTS_FIRST, size = n * sizeof(*dfa->hash);
	uint32_t *grown, state;

	if (size > dfa->budget->left)
		return CW_DFA_E_SPENT;
	grown = calloc(n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	dfa->budget->left -= size;
	dfa->budget->left += dfa->n_slots * sizeof(*dfa->hash);
	free(dfa->hash);
	dfa->hash = grown;
	dfa->n_slots = n;
	for (state = CW_DFA_START; state < dfa->n_states; state++)
		*find_slot(dfa, set_of(dfa, state)) = state;
	return 0;
}

static int grow_arrays(struct cw_dfa *dfa)
{
	size_t n = dfa->n_states + 1;
	void *grown;

	grown = cw_budget_grow(dfa->budget, dfa->table, &dfa->table_capacity, n,
		dfa->n_classes * sizeof(*dfa->table));
	if (!grown)
		return dfa->budget->error;
	dfa->table = grown;
	grown = cw_budget_grow(
		dfa->budget, dfa->distance, &dfa->distance_capacity, n, sizeof(*dfa->distance));
	if (!grown)
		return dfa->budget->error;
	dfa->distance = grown;
	grown = cw_budget_grow(dfa->budget, dfa->sets, &dfa->sets_capacity, n,
		dfa->nfa->n_words * sizeof(*dfa->sets));
	if (!grown)
		return dfa->budget->error;
	dfa->sets = grown;
	return 0;
}

/* Add a state whose moves are all `moves`. */
static int add_state(struct cw_dfa *dfa, uint16_t distance, uint32_t moves)
{
	unsigned c;
	int r = grow_arrays(dfa);

	if (r)
		return r;
	for (c = 0; c < dfa->n_classes; c++)
		dfa->table[dfa->n_states * dfa->n_classes + c] = moves;
	dfa->distance[dfa->n_states++] = distance;
	return 0;
}

/* Add the state of a set that has none. */
static int add_set(struct cw_dfa *dfa, const uint64_t *set, uint32_t *state)
{
	uint32_t added = (uint32_t)dfa->n_states;
	int r = 0;

	if (2 * dfa->n_states >= dfa->n_slots)
		r = grow_hash(dfa);
	if (!r)
		r = add_state(dfa, cw_nfa_distance(dfa->nfa, set), CW_DFA_UNKNOWN);
	if (r)
		return r;
	memcpy(dfa->sets + added * dfa->nfa->n_words, set, dfa->nfa->n_words * sizeof(*set));
	*find_slot(dfa, set) = added;
	*state = added;
	return 0;
}

int cw_dfa_init(struct cw_dfa *dfa, const struct cw_nfa *nfa, struct cw_budget *budget)
{
	uint32_t start;
	int r;

	*dfa = (struct cw_dfa){.nfa = nfa, .n_classes = nfa->classes.n, .budget = budget};
	r = add_state(dfa, CW_NFA_FAR, CW_DFA_DEAD);
	if (!r)
		r = add_state(dfa, 0, CW_DFA_UNIVERSAL);
	return r ? r : add_set(dfa, nfa->start, &start);
}

int cw_dfa_expand(struct cw_dfa *dfa, uint32_t from, unsigned byte_class, uint32_t *to)
{
	uint64_t set[CW_NFA_WORDS_MAX];
	size_t steps = cw_nfa_step(dfa->nfa, set_of(dfa, from), byte_class, set);
	uint32_t state;
	int r = 0;

	if (steps > dfa->budget->steps)
		return CW_DFA_E_SPENT;
	dfa->budget->steps -= steps;
	if (cw_nfa_is_universal(dfa->nfa, set)) {
		state = CW_DFA_UNIVERSAL;
	} else if (cw_nfa_distance(dfa->nfa, set) == CW_NFA_FAR) {
		state = CW_DFA_DEAD;
	} else {
		state = *find_slot(dfa, set);
		if (state == EMPTY)
			r = add_set(dfa, set, &state);
	}
	if (r)
		return r;
	dfa->table[from * dfa->n_classes + byte_class] = state;
	*to = state;
	return 0;
}

/* Give what is behind `n` items back. */
static void *shrink(void *array, size_t n, size_t item_size)
{
	size_t size = n * item_size;
	void *shrunk = size > 0 ? realloc(array, size) : NULL;

	return shrunk ? shrunk : array;
}

int cw_dfa_complete(struct cw_dfa *dfa)
{
	uint32_t state, to;
	unsigned c;
	int r;

	for (state = CW_DFA_START; state < dfa->n_states; state++) {
		for (c = 0; c < dfa->n_classes; c++) {
			r = cw_dfa_expand(dfa, state, c, &to);
			if (r)
				return r;
		}
	}
	free(dfa->sets);
	free(dfa->hash);
	dfa->sets = NULL;
	dfa->hash = NULL;
	dfa->budget = NULL;
	dfa->table = shrink(dfa->table, dfa->n_states, dfa->n_classes * sizeof(*dfa->table));
	dfa->distance = shrink(dfa->distance, dfa->n_states, sizeof(*dfa->distance));
	return 0;
}

void cw_dfa_finish(struct cw_dfa *dfa)
{
	free(dfa->table);
	free(dfa->distance);
	free(dfa->sets);
	free(dfa->hash);
}
