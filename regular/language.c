/*
 * A* (P. Hart, N. Nilsson, B. Raphael, 1968) over tuples of states: those that are nearest to acceptance by all that must accept come first,
 * so that where there is a word little else is looked at. The distance of one automaton never says too much, nor does the largest of some.
 */
#include "regular/language.h"

#include "dialplan/alias.h"
#include "regular/dfa.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define NONE        UINT32_MAX
#define SLOTS_FIRST 128
#define E_LIMIT     1
#define E_FOUND     2

/* Bytes in the order in which a person likes to read them; the rest comes behind. */
static const char legible[] =
	"abcdefghijklmnopqrstuvwxyz0123456789@.-_+:;=,!~*'()&$/?#%[]{}<>|^`\"\\ ";

/* One language of the query. */
struct side {
	const struct cw_dfa *dfa;
	struct cw_dfa own;            /* when it has none that is complete */
	const unsigned char *classes; /* for each class of the search, that of the automaton */
};

/* A tuple of states that was found, and the last byte of a shortest text so far that leads to it. */
struct node {
	uint32_t parent;
	uint16_t depth; /* bytes of that text */
	unsigned char byte;
	bool is_goal, is_done;
};

/* A node to be looked at; one that was found again by a shorter text is there twice. */
struct entry {
	uint32_t node, next;
};

struct search {
	const struct cw_language_query *query;
	struct cw_budget budget;
	struct side *sides; /* those of `in`, then those of `out` */
	size_t n_sides;
	/* bytes that no automaton tells apart, each class with its most legible one, the most legible class first */
	unsigned n_classes;
	unsigned char bytes[256];
	unsigned char *side_classes;
	/* what was found */
	struct node *nodes;
	uint32_t *tuples; /* n_sides states for each node */
	size_t n_nodes, nodes_capacity, tuples_capacity, nodes_max;
	uint32_t *hash;
	size_t n_slots;
	/* what is to be looked at: lists of entries by the length that a word through them has at least */
	struct entry *entries;
	size_t n_entries, entries_capacity;
	uint32_t heads[CW_ALIAS_MAX + 1];
	size_t length;
	uint32_t *next; /* a tuple being made */
};

/* Split the classes `of` the bytes, of which there are *n, where an automaton tells bytes apart. */
static void refine(unsigned char of[256], unsigned *n, const struct cw_nfa_classes *classes)
{
	unsigned short size[256] = {0}, taken[256] = {0};
	unsigned char fresh[256] = {0}, old[256], byte;
	unsigned c, begin, end, i;

	for (i = 0; i < classes->end[classes->n - 1]; i++)
		size[of[classes->bytes[i]]]++;
	for (c = 1; c < classes->n; c++) {
		begin = classes->end[c - 1];
		end = classes->end[c];
		for (i = begin; i < end; i++) {
			old[i] = of[classes->bytes[i]];
			taken[old[i]]++;
		}
		for (i = begin; i < end; i++) {
			byte = classes->bytes[i];
			if (!fresh[old[i]] && taken[old[i]] < size[old[i]]) {
				fresh[old[i]] = (unsigned char)(*n)++;
				size[fresh[old[i]]] = taken[old[i]];
				size[old[i]] = (unsigned short)(size[old[i]] - taken[old[i]]);
				taken[old[i]] = UINT8_MAX + 1; /* more than is left */
			}
			if (fresh[old[i]])
				of[byte] = fresh[old[i]];
		}
		for (i = begin; i < end; i++)
			taken[old[i]] = fresh[old[i]] = 0;
	}
}

/* Take the class of a byte as the next one of the search, unless it was. */
static void take_class(struct search *s, unsigned char of[256], bool is_taken[256], unsigned byte)
{
	if (!cw_nfa_is_usable(byte) || is_taken[of[byte]])
		return;
	is_taken[of[byte]] = true;
	s->bytes[s->n_classes++] = (unsigned char)byte;
}

/* Find the classes of the search, and what they are called in each automaton. */
static int make_classes(struct search *s)
{
	unsigned char of[256] = {0}, *classes;
	bool is_taken[256] = {false};
	unsigned n = 1, byte, c;
	size_t i;

	for (i = 0; i < s->n_sides; i++)
		refine(of, &n, &s->sides[i].dfa->nfa->classes);
	for (i = 0; i + 1 < sizeof(legible); i++)
		take_class(s, of, is_taken, (unsigned char)legible[i]);
	for (byte = 0; byte < 256; byte++)
		take_class(s, of, is_taken, byte);
	assert(s->n_classes == n);
	s->side_classes = classes = malloc(s->n_sides * n + 1);
	if (!classes)
		return -ENOMEM;
	for (i = 0; i < s->n_sides; i++, classes += n) {
		s->sides[i].classes = classes;
		for (c = 0; c < n; c++)
			classes[c] = s->sides[i].dfa->nfa->classes.of[s->bytes[c]];
	}
	return 0;
}

static int make_sides(struct search *s)
{
	const struct cw_language_query *q = s->query;
	const struct cw_automaton *automaton;
	struct side *side;
	size_t i;
	int r;

	s->sides = calloc(s->n_sides + 1, sizeof(*s->sides));
	if (!s->sides)
		return -ENOMEM;
	for (i = 0; i < s->n_sides; i++) {
		side = &s->sides[i];
		automaton = i < q->n_in ? q->in[i] : q->out[i - q->n_in];
		assert(i < q->n_in || !cw_automaton_inexact(automaton));
		side->dfa = cw_automaton_dfa(automaton);
		if (side->dfa)
			continue;
		side->dfa = &side->own;
		r = cw_dfa_init(&side->own, cw_automaton_nfa(automaton), &s->budget);
		if (r)
			return r;
	}
	return 0;
}

static const uint32_t *tuple_of(const struct search *s, uint32_t node)
{
	return s->tuples + node * s->n_sides;
}

static uint32_t *find_slot(const struct search *s, const uint32_t *tuple)
{
	uint64_t hash = 0;
	size_t i, at;

	for (i = 0; i < s->n_sides; i++) {
		hash = (hash ^ tuple[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	at = hash & (s->n_slots - 1);
	while (s->hash[at] != NONE &&
		memcmp(tuple_of(s, s->hash[at]), tuple, s->n_sides * sizeof(*tuple)) != 0)
		at = (at + 1) & (s->n_slots - 1);
	return &s->hash[at];
}

static int grow_hash(struct search *s)
{
	size_t n = s->n_slots ? 2 * s->n_slots : SLOTS_FIRST, size = n * sizeof(*s->hash);
	uint32_t *grown, node;

	if (size > s->budget.left)
		return E_LIMIT;
	grown = malloc(size);
	if (!grown)
		return -ENOMEM;
	s->budget.left -= size;
	s->budget.left += s->n_slots * sizeof(*s->hash);
	free(s->hash);
	memset(grown, 0xff, size); /* NONE */
	s->hash = grown;
	s->n_slots = n;
	/* not the first: what leads back to the beginning is a word, the empty text is none */
	for (node = 1; node < s->n_nodes; node++)
		*find_slot(s, tuple_of(s, node)) = node;
	return 0;
}

/* Add the tuple in s->next as a node. */
static int add_node(struct search *s, struct node node, uint32_t *at)
{
	void *grown;

	if (s->n_nodes == s->nodes_max)
		return E_LIMIT;
	grown = cw_budget_grow(
		&s->budget, s->nodes, &s->nodes_capacity, s->n_nodes + 1, sizeof(*s->nodes));
	if (!grown)
		return s->budget.error;
	s->nodes = grown;
	grown = cw_budget_grow(&s->budget, s->tuples, &s->tuples_capacity, s->n_nodes + 1,
		s->n_sides * sizeof(*s->tuples));
	if (!grown)
		return s->budget.error;
	s->tuples = grown;
	memcpy(s->tuples + s->n_nodes * s->n_sides, s->next, s->n_sides * sizeof(*s->tuples));
	*at = (uint32_t)s->n_nodes;
	s->nodes[s->n_nodes++] = node;
	return 0;
}

/* Have a node looked at when it is the turn of words of `length` bytes. */
static int add_entry(struct search *s, uint32_t node, size_t length)
{
	struct entry *grown = cw_budget_grow(&s->budget, s->entries, &s->entries_capacity,
		s->n_entries + 1, sizeof(*s->entries));

	if (!grown)
		return s->budget.error;
	s->entries = grown;
	s->entries[s->n_entries] = (struct entry){node, s->heads[length]};
	s->heads[length] = (uint32_t)s->n_entries++;
	return 0;
}

/* What the states in s->next say together. */
struct outlook {
	bool is_hopeless, is_goal;
	uint16_t distance; /* bytes to a word, at least */
};

static int move_side(struct search *s, size_t i, uint32_t from, unsigned c)
{
	struct side *side = &s->sides[i];

	s->next[i] = side->dfa->table[from * side->dfa->n_classes + side->classes[c]];
	if (s->next[i] != CW_DFA_UNKNOWN)
		return 0;
	return cw_dfa_expand(&side->own, from, side->classes[c], &s->next[i]);
}

/* Make the tuple behind a node and a byte of a class in s->next, as far as there is hope. */
static int move(struct search *s, uint32_t node, unsigned c, struct outlook *outlook)
{
	const uint32_t *from = tuple_of(s, node);
	uint16_t distance;
	size_t i;
	int r;

	*outlook = (struct outlook){.is_goal = true};
	for (i = 0; i < s->query->n_in; i++) {
		r = move_side(s, i, from[i], c);
		if (r)
			return r;
		distance = s->sides[i].dfa->distance[s->next[i]];
		outlook->is_hopeless = distance == CW_NFA_FAR;
		if (outlook->is_hopeless)
			return 0;
		if (distance > outlook->distance)
			outlook->distance = distance;
	}
	outlook->is_goal = outlook->distance == 0;
	for (; i < s->n_sides; i++) {
		r = move_side(s, i, from[i], c);
		if (r)
			return r;
		outlook->is_hopeless = s->next[i] == CW_DFA_UNIVERSAL;
		if (outlook->is_hopeless)
			return 0;
		if (s->sides[i].dfa->distance[s->next[i]] == 0)
			outlook->is_goal = false;
	}
	return 0;
}

/*
 * Take the tuple in s->next up, unless it was found by a text that is as short. Of the bytes that lead from one node to another the last
 * that is tried is the most legible.
 */
static int take(struct search *s, const struct node *node, size_t length)
{
	uint32_t *slot, at;
	int r = 2 * s->n_nodes >= s->n_slots ? grow_hash(s) : 0;

	if (r)
		return r;
	slot = find_slot(s, s->next);
	at = *slot;
	if (at == NONE) {
		r = add_node(s, *node, &at);
		if (r)
			return r;
		*slot = at;
	} else if (s->nodes[at].is_done || s->nodes[at].depth < node->depth ||
		   (s->nodes[at].depth == node->depth && s->nodes[at].parent != node->parent)) {
		return 0;
	} else {
		s->nodes[at] = *node;
	}
	return add_entry(s, at, length);
}

/* Find what is one byte behind a node. */
static int expand(struct search *s, uint32_t node)
{
	uint16_t depth = (uint16_t)(s->nodes[node].depth + 1);
	struct outlook outlook;
	unsigned c;
	size_t length;
	int r;

	/* of entries for the same length the last is looked at first: the most legible one */
	for (c = s->n_classes; c > 0; c--) {
		r = move(s, node, c - 1, &outlook);
		if (r)
			return r;
		length = (size_t)depth + outlook.distance;
		if (outlook.is_hopeless || length > CW_ALIAS_MAX)
			continue;
		r = take(s,
			&(struct node){.parent = node,
				.depth = depth,
				.byte = s->bytes[c - 1],
				.is_goal = outlook.is_goal},
			length);
		if (r)
			return r;
	}
	return 0;
}

/* Look at what promises the shortest word, until there is one. *word is its node. */
static int run(struct search *s, uint32_t *word)
{
	struct entry entry;
	struct node *node;
	int r;

	while (s->length <= CW_ALIAS_MAX) {
		if (s->heads[s->length] == NONE) {
			s->length++;
			continue;
		}
		entry = s->entries[s->heads[s->length]];
		s->heads[s->length] = entry.next;
		node = &s->nodes[entry.node];
		if (node->is_done)
			continue;
		if (node->is_goal) {
			*word = entry.node;
			return E_FOUND;
		}
		node->is_done = true;
		r = expand(s, entry.node);
		if (r)
			return r;
	}
	return 0;
}

/* Put the node of the empty text in. It is no goal. */
static int begin(struct search *s)
{
	uint32_t node = 0;
	size_t i;
	int r;

	s->next = malloc((s->n_sides + 1) * sizeof(*s->next));
	if (!s->next)
		return -ENOMEM;
	for (i = 0; i < s->n_sides; i++)
		s->next[i] = CW_DFA_START;
	memset(s->heads, 0xff, sizeof(s->heads)); /* NONE */
	r = add_node(s, (struct node){.depth = 0}, &node);
	return r ? r : add_entry(s, node, 0);
}

static void finish(struct search *s)
{
	size_t i;

	for (i = 0; s->sides && i < s->n_sides; i++)
		cw_dfa_finish(&s->sides[i].own);
	free(s->sides);
	free(s->side_classes);
	free(s->nodes);
	free(s->tuples);
	free(s->hash);
	free(s->entries);
	free(s->next);
}

/* Read the word that leads to a node. */
static int read_word(
	const struct search *s, uint32_t node, struct cw_arena *arena, struct cw_str *word)
{
	size_t len = s->nodes[node].depth, i;
	char *bytes = cw_arena_alloc(arena, len);

	if (!bytes)
		return -ENOMEM;
	for (i = len; i > 0; i--, node = s->nodes[node].parent)
		bytes[i - 1] = (char)s->nodes[node].byte;
	*word = cw_str_make(bytes, len);
	return 0;
}

int cw_language_find(const struct cw_language_query *query, struct cw_arena *arena,
	enum cw_language_answer *answer, struct cw_str *word)
{
	struct search s;
	uint32_t node = NONE;
	int r;

	/* not the heads, which are filled later */
	memset(&s, 0, offsetof(struct search, heads));
	s.length = 0;
	s.next = NULL;
	s.query = query;
	s.n_sides = query->n_in + query->n_out;
	s.budget.left = CW_LANGUAGE_BYTES_MAX;
	s.budget.steps = CW_LANGUAGE_STEPS_MAX;
	s.nodes_max = query->states_max ? query->states_max : CW_LANGUAGE_STATES_MAX;
	r = make_sides(&s);
	if (!r)
		r = make_classes(&s);
	if (!r)
		r = begin(&s);
	if (!r)
		r = run(&s, &node);
	if (r == E_FOUND)
		r = read_word(&s, node, arena, word) ? -ENOMEM : E_FOUND;
	finish(&s);
	if (r < 0)
		return r;
	*answer = r == E_FOUND   ? CW_LANGUAGE_FOUND
		  : r == E_LIMIT ? CW_LANGUAGE_LIMIT
				 : CW_LANGUAGE_NONE;
	return 0;
}
