/*
 * The index of a rule set: which rules can match an alias, without asking all of them.
 *
 * Most rules hold a literal that the alias must hold, too (dialplan/literal.h): the literals, and the texts of exact, prefix and suffix
 * patterns, stand in a hash table, and every part of the alias that can be one of them is looked up. The other rules, the *residue*,
 * are passed over by source zone, protocol, first byte, required byte and shortest length. What is found are candidates: the
 * planner asks each as the walk through all rules does, so that the index decides nothing. It leaves out only rules that would say no.
 *
 * Work and memory for one alias are bounded, whatever a stranger sends: at most CW_LITERAL_MAX look-ups begin at each of its bytes,
 * each of constant time, and each list of rules is gone through once. The hash has a random key for each index.
 */
#ifndef CW_DIALPLAN_INDEX_H
#define CW_DIALPLAN_INDEX_H

#include "core/arena.h"
#include "dialplan/search_rule.h"

#define CW_CANDIDATES_ROOM 16 /* lists that need no memory of the arena */

struct cw_index;

/* A list of rules, by their place in the order, of which some are gone through. Private. */
struct cw_index_cursor {
	const uint32_t *next; /* the last one of a list is marked */
	uint32_t rule;        /* the one that stands before *next */
};

/* The candidates for one request, to be taken one by one. Private; valid as long as index and arena. */
struct cw_candidates {
	const struct cw_index *index;
	const struct cw_request *request;
	struct cw_index_cursor *cursors; /* a heap, the first rule on top */
	size_t n_cursors, capacity;
	size_t residue_at; /* of the residue, the first that was not passed over */
	uint64_t bytes[4]; /* the set of the bytes of the alias, in lower case */
	unsigned char first;
	size_t alias_len;
	uint32_t last; /* the rule that was taken last */
	struct cw_index_cursor room[CW_CANDIDATES_ROOM];
};

/*
 * Make the index of rules that are in order. Disabled rules are not in it. The rules are borrowed.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_index_create(
	struct cw_index **out, const struct cw_search_rule *const *rules, size_t n_rules);

/* Free it; NULL is fine. */
void cw_index_destroy(struct cw_index *index);

/*
 * Find the candidates among the rules for a request whose alias is now `alias`, 1 to CW_ALIAS_MAX bytes.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_index_find(struct cw_candidates *out, const struct cw_index *index,
	const struct cw_request *request, struct cw_str alias, struct cw_arena *arena);

/* Take the next candidate, in the order of the rules; NULL behind the last. */
const struct cw_search_rule *cw_candidates_next(struct cw_candidates *candidates);

#endif
