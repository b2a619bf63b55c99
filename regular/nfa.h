/*
 * A nondeterministic finite automaton without empty moves, made of a syntax tree: each state waits for one byte. All about it is
 * numbered densely, so that a set of states is a row of bits.
 *
 * It knows aliases only: NUL, CR and LF lead nowhere. States from which nothing can be accepted are left out.
 */
#ifndef CW_REGULAR_NFA_H
#define CW_REGULAR_NFA_H

#include "regular/graph.h"

#define CW_NFA_WORDS_MAX (CW_GRAPH_NODES_MAX / 64 + 1)
#define CW_NFA_MOVES_MAX (1u << 18) /* steps that are taken to do without the empty moves */
#define CW_NFA_FAR       UINT16_MAX /* a distance: never */

/*
 * The bytes of aliases, in classes: no state tells the bytes of one class apart. Class 0 is the one with the most bytes, which in most
 * patterns is what they do not name.
 */
struct cw_nfa_classes {
	unsigned n;
	unsigned char of[256];    /* the class of each byte */
	unsigned char bytes[256]; /* all of them, class by class */
	unsigned short end[256];  /* where in `bytes` a class ends */
};

struct cw_nfa {
	struct cw_nfa_classes classes;
	uint32_t
		n_states; /* in a set, the bit of this number says that the text so far is accepted */
	size_t n_words;   /* of a set */
	uint64_t *masks;     /* for each class the set of states that wait for it */
	uint64_t *start;     /* the set in the beginning */
	uint64_t *forever;   /* the states that take all there is, and it is accepted */
	uint16_t *follow_of; /* for each state, the list of what is behind its byte */
	uint32_t *
		follow_begin; /* for each list, and behind the last one, where it begins in `follow` */
	uint16_t *follow;
	uint16_t *distance; /* for each state, bytes to acceptance */
};

/* Answer of cw_nfa_create. */
enum {
	CW_NFA_E_LARGE = 1
};

/*
 * Make the automaton of a tree. What is not regular is taken for more than it matches: then *inexact is a static clause, else NULL.
 *
 * Returns: 0 and *out set, owned by the caller; CW_NFA_E_LARGE; -ENOMEM.
 */
int cw_nfa_create(struct cw_nfa **out, const struct cw_syntax *tree, const char **inexact);

/* Free it; NULL is fine. */
void cw_nfa_destroy(struct cw_nfa *nfa);

/* Set `to` to the states behind `from` and a byte of a class. Returns: how many were added, each as often as it was. */
size_t cw_nfa_step(
	const struct cw_nfa *nfa, const uint64_t *from, unsigned byte_class, uint64_t *to);

/* Add `n` to a set. */
static inline void cw_bits_add(uint64_t *set, size_t n)
{
	set[n / 64] |= UINT64_C(1) << n % 64;
}

/* The number of the lowest bit of a word that is not 0. */
static inline unsigned cw_bits_lowest(uint64_t word)
{
	return (unsigned)__builtin_ctzll(word);
}

/* Whether a set says that the text so far is accepted. */
static inline bool cw_nfa_is_accepting(const struct cw_nfa *nfa, const uint64_t *set)
{
	return set[nfa->n_states / 64] >> nfa->n_states % 64 & 1;
}

/* Whether a set says that the text so far is accepted, and whatever follows. */
bool cw_nfa_is_universal(const struct cw_nfa *nfa, const uint64_t *set);

/* Bytes from a set to acceptance; CW_NFA_FAR from the empty one. */
uint16_t cw_nfa_distance(const struct cw_nfa *nfa, const uint64_t *set);

/* Whether a byte can be in an alias. */
static inline bool cw_nfa_is_usable(unsigned byte)
{
	return byte != '\0' && byte != '\r' && byte != '\n';
}

#endif
