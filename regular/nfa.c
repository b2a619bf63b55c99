/*
 * From a graph with empty moves to states: what a byte is followed by is found once for each place that bytes lead to.
 */
#include "regular/nfa.h"

#include <errno.h>
#include <stdlib.h>

#define NONE UINT16_MAX

/* All bytes but NUL, LF and CR. */
static const struct cw_byte_set usable_bytes = {
	{~(UINT64_C(1) | UINT64_C(1) << '\n' | UINT64_C(1) << '\r'), UINT64_MAX, UINT64_MAX,
		UINT64_MAX}};

/* What is known of the nodes of a graph, while an automaton is made of it. */
struct maker {
	const struct cw_graph *graph;
	struct cw_budget budget; /* of `follow` */
	/* lists of nodes, CW_GRAPH_ACCEPT among them: what follows a place */
	uint16_t *follow;
	size_t n_follow, capacity;
	uint32_t *begin; /* of each list, and behind the last one */
	size_t n_lists;
	/* for each node */
	uint16_t
		*list_of; /* the list of what follows it, when it is a place that a byte leads to */
	uint16_t *met_in; /* the walk in which it was met last */
	uint16_t *distance; /* bytes from it to acceptance */
	uint16_t *state_of; /* the state that it becomes */
	uint16_t *stack;
	uint16_t *
		found; /* nodes that take a byte and can be reached, in the order in which they were */
	size_t n_found, n_moves;
};

static int maker_init(struct maker *m, const struct cw_graph *graph)
{
	size_t n = graph->n_nodes, i;

	/* the limit of moves bounds what `follow` takes */
	*m = (struct maker){.graph = graph, .budget = {.left = SIZE_MAX / 2}};
	m->begin = calloc(n + 2, sizeof(*m->begin));
	m->list_of = malloc(6 * n * sizeof(*m->list_of));
	m->follow = cw_budget_grow(&m->budget, NULL, &m->capacity, n, sizeof(*m->follow));
	if (!m->begin || !m->list_of || !m->follow)
		return -ENOMEM;
	for (i = 0; i < 6 * n; i++)
		m->list_of[i] = NONE;
	m->met_in = m->list_of + n;
	m->distance = m->met_in + n;
	m->state_of = m->distance + n;
	m->stack = m->state_of + n;
	m->found = m->stack + n;
	return 0;
}

static void maker_finish(struct maker *m)
{
	free(m->follow);
	free(m->begin);
	free(m->list_of);
}

static int add_follow(struct maker *m, uint16_t node)
{
	uint16_t *grown = cw_budget_grow(
		&m->budget, m->follow, &m->capacity, m->n_follow + 1, sizeof(*grown));

	if (!grown)
		return m->budget.error;
	m->follow = grown;
	m->follow[m->n_follow++] = node;
	return 0;
}

/* Where the empty moves of a node lead, as far as they are possible here. Returns: how many there are. */
static size_t find_moves(
	const struct cw_graph_node *node, bool is_begin, bool is_end, uint16_t to[2])
{
	to[0] = node->next;
	to[1] = node->other;
	switch (node->kind) {
	case CW_GRAPH_SPLIT:
		return 2;
	case CW_GRAPH_BEGIN:
		return is_begin;
	case CW_GRAPH_END:
		return is_end;
	case CW_GRAPH_END_OF_ALL:
	case CW_GRAPH_BYTE:
		break;
	}
	return 0;
}

/*
 * Walk the empty moves from `from`, in the beginning of the text or behind it, at its end or before. The nodes that take a byte (before
 * the end) or CW_GRAPH_ACCEPT (at the end) are added to the list being made.
 */
static int walk(struct maker *m, uint16_t from, bool is_begin, bool is_end)
{
	uint16_t walk_id = (uint16_t)(2 * m->n_lists + is_end), at, to[2];
	size_t n_stack = 1, n, i;
	int r = 0;

	m->stack[0] = from;
	m->met_in[from] = walk_id;
	for (; n_stack > 0 && !r; m->n_moves++) {
		at = m->stack[--n_stack];
		if (m->graph->nodes[at].kind == (is_end ? CW_GRAPH_END_OF_ALL : CW_GRAPH_BYTE))
			r = add_follow(m, at);
		n = find_moves(&m->graph->nodes[at], is_begin, is_end, to);
		for (i = 0; i < n; i++) {
			if (m->met_in[to[i]] == walk_id)
				continue;
			m->met_in[to[i]] = walk_id;
			m->stack[n_stack++] = to[i];
		}
	}
	return r;
}

/* Make the list of what follows a place, and find the states in it. */
static int make_list(struct maker *m, uint16_t from, bool is_begin)
{
	uint16_t node;
	size_t i;
	int r = walk(m, from, is_begin, true);

	if (!r)
		r = walk(m, from, is_begin, false);
	if (r)
		return r;
	for (i = m->begin[m->n_lists]; i < m->n_follow; i++) {
		node = m->follow[i];
		if (node == CW_GRAPH_ACCEPT || m->state_of[node] != NONE)
			continue;
		m->state_of[node] = 0; /* numbered later */
		m->found[m->n_found++] = node;
	}
	m->begin[++m->n_lists] = (uint32_t)m->n_follow;
	return m->n_moves > CW_NFA_MOVES_MAX ? CW_NFA_E_LARGE : 0;
}

/* Find all nodes that take a byte and can be reached, and what follows each. */
static int find_nodes(struct maker *m)
{
	uint16_t place;
	size_t i;
	int r = make_list(m, m->graph->start, true);

	for (i = 0; i < m->n_found && !r; i++) {
		place = m->graph->nodes[m->found[i]].next;
		if (m->list_of[place] != NONE)
			continue;
		m->list_of[place] = (uint16_t)m->n_lists;
		r = make_list(m, place, false);
	}
	return r;
}

/* What a node takes of the bytes of aliases. */
static struct cw_byte_set bytes_of(const struct maker *m, uint16_t node)
{
	struct cw_byte_set set = *m->graph->nodes[node].set;

	cw_byte_set_keep(&set, &usable_bytes);
	return set;
}

/* One step back from acceptance, for one node. */
static uint16_t distance_of(const struct maker *m, uint16_t node)
{
	uint16_t list = m->list_of[m->graph->nodes[node].next], best = CW_NFA_FAR;
	struct cw_byte_set set = bytes_of(m, node);
	uint32_t i;

	if (cw_byte_set_is_empty(&set))
		return CW_NFA_FAR;
	for (i = m->begin[list]; i < m->begin[list + 1]; i++) {
		if (m->follow[i] == CW_GRAPH_ACCEPT)
			return 1;
		if (m->distance[m->follow[i]] < best)
			best = m->distance[m->follow[i]];
	}
	return best == CW_NFA_FAR ? CW_NFA_FAR : (uint16_t)(best + 1);
}

/*
 * Find how far from acceptance the nodes are. A graph is made from its end: the shortest way leads to lower numbers, but for what ends
 * in a loop, so that two rounds suffice.
 */
static void find_distances(struct maker *m)
{
	bool is_changed = true;
	uint16_t distance;
	size_t i;

	while (is_changed) {
		is_changed = false;
		for (i = 1; i < m->graph->n_nodes; i++) {
			if (m->state_of[i] == NONE)
				continue;
			distance = distance_of(m, (uint16_t)i);
			is_changed = is_changed || distance != m->distance[i];
			m->distance[i] = distance;
		}
	}
}

/* Number the nodes from which something can be accepted; the others become NONE. Returns: how many they are. */
static uint32_t number_states(struct maker *m)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < m->n_found; i++) {
		m->state_of[m->found[i]] = NONE;
		if (m->distance[m->found[i]] != CW_NFA_FAR) {
			m->found[n] = m->found[i];
			m->state_of[m->found[i]] = (uint16_t)n++;
		}
	}
	m->state_of[CW_GRAPH_ACCEPT] = (uint16_t)n;
	return n;
}

static void count_classes(const struct cw_nfa_classes *classes, unsigned short size[256])
{
	unsigned byte;

	memset(size, 0, 256 * sizeof(*size));
	for (byte = 0; byte < 256; byte++)
		size[classes->of[byte]] += cw_nfa_is_usable(byte);
}

/* Split the classes of which a set, of usable bytes, has some and not all. */
static void split_classes(
	struct cw_nfa_classes *classes, unsigned short size[256], const struct cw_byte_set *set)
{
	unsigned short taken[256] = {0};
	unsigned char fresh[256] = {0}, old, *of;
	unsigned word, c, n = classes->n;
	uint64_t bits;

	for (word = 0; word < 4; word++)
		for (bits = set->bits[word]; bits; bits &= bits - 1)
			taken[classes->of[word * 64 + cw_bits_lowest(bits)]]++;
	for (c = 0; c < n; c++)
		if (taken[c] > 0 && taken[c] < size[c])
			fresh[c] = (unsigned char)classes->n++;
	for (word = 0; word < 4 && classes->n > n; word++) {
		for (bits = set->bits[word]; bits; bits &= bits - 1) {
			of = &classes->of[word * 64 + cw_bits_lowest(bits)];
			old = *of;
			if (!fresh[old])
				continue;
			*of = fresh[old];
			size[old]--;
			size[fresh[old]]++;
		}
	}
}

/* Sort the bytes by their classes, the largest class first. */
static void sort_classes(struct cw_nfa_classes *classes)
{
	unsigned char largest = 0, *of = classes->of;
	unsigned short size[256], at[256] = {0};
	unsigned byte, c;

	count_classes(classes, size);
	for (c = 1; c < classes->n; c++)
		if (size[c] > size[largest])
			largest = (unsigned char)c;
	for (byte = 0; byte < 256; byte++)
		if (of[byte] == 0 || of[byte] == largest)
			of[byte] = (unsigned char)(largest - of[byte]);
	count_classes(classes, size);
	for (c = 0; c < classes->n; c++) {
		at[c] = c ? classes->end[c - 1] : 0;
		classes->end[c] = (unsigned short)(at[c] + size[c]);
	}
	for (byte = 0; byte < 256; byte++)
		if (cw_nfa_is_usable(byte))
			classes->bytes[at[of[byte]]++] = (unsigned char)byte;
}

/* Find the classes of the bytes, and for each of them the states that wait for it. */
static int make_masks(struct cw_nfa *nfa, const struct maker *m)
{
	/* states mostly wait for one of a few sets */
	struct cw_byte_set *sets = malloc((nfa->n_states + 1) * sizeof(*sets)), set;
	struct cw_nfa_classes *classes = &nfa->classes;
	unsigned short size[256];
	size_t n_sets = 0, state, i;
	unsigned c;

	if (!sets)
		return -ENOMEM;
	classes->n = 1;
	count_classes(classes, size);
	for (state = 0; state < nfa->n_states; state++) {
		set = bytes_of(m, m->found[state]);
		for (i = 0; i < n_sets && !cw_byte_set_eq(&sets[i], &set);)
			i++;
		if (i < n_sets)
			continue;
		sets[n_sets++] = set;
		split_classes(classes, size, &set);
	}
	free(sets);
	sort_classes(classes);
	nfa->masks = calloc(classes->n * nfa->n_words, sizeof(*nfa->masks));
	if (!nfa->masks)
		return -ENOMEM;
	for (state = 0; state < nfa->n_states; state++) {
		set = bytes_of(m, m->found[state]);
		for (c = 0; c < classes->n; c++)
			if (cw_byte_set_has(&set, classes->bytes[classes->end[c] - 1]))
				cw_bits_add(nfa->masks + c * nfa->n_words, state);
	}
	return 0;
}

/* Copy the lists, with states for nodes. */
static int make_follow(struct cw_nfa *nfa, const struct maker *m)
{
	size_t list;
	uint32_t i, n = 0, state;

	nfa->follow_of = malloc((nfa->n_states + 1) * sizeof(*nfa->follow_of));
	nfa->follow_begin = calloc(m->n_lists + 2, sizeof(*nfa->follow_begin));
	nfa->follow = malloc((m->n_follow + 1) * sizeof(*nfa->follow));
	if (!nfa->follow_of || !nfa->follow_begin || !nfa->follow)
		return -ENOMEM;
	for (list = 0; list < m->n_lists; list++) {
		nfa->follow_begin[list] = n;
		for (i = m->begin[list]; i < m->begin[list + 1]; i++) {
			state = m->state_of[m->follow[i]];
			if (state != NONE)
				nfa->follow[n++] = (uint16_t)state;
		}
	}
	nfa->follow_begin[list] = n;
	for (state = 0; state < nfa->n_states; state++)
		nfa->follow_of[state] = m->list_of[m->graph->nodes[m->found[state]].next];
	return 0;
}

/* Whether a state takes every byte, leads back to itself, and a text may end behind it. */
static bool is_forever(const struct cw_nfa *nfa, const struct maker *m, uint32_t state)
{
	struct cw_byte_set set = bytes_of(m, m->found[state]);
	uint32_t i, list = nfa->follow_of[state];
	bool accepts = false, loops = false;

	for (i = nfa->follow_begin[list]; i < nfa->follow_begin[list + 1]; i++) {
		accepts = accepts || nfa->follow[i] == nfa->n_states;
		loops = loops || nfa->follow[i] == state;
	}
	return accepts && loops && cw_byte_set_eq(&set, &usable_bytes);
}

/* Fill in what sets of states begin with and are compared with. */
static int make_sets(struct cw_nfa *nfa, const struct maker *m)
{
	uint32_t i;

	nfa->start = calloc(2 * nfa->n_words, sizeof(*nfa->start));
	nfa->distance = malloc((nfa->n_states + 1) * sizeof(*nfa->distance));
	if (!nfa->start || !nfa->distance)
		return -ENOMEM;
	nfa->forever = nfa->start + nfa->n_words;
	for (i = 0; i < nfa->follow_begin[1]; i++)
		cw_bits_add(nfa->start, nfa->follow[i]);
	for (i = 0; i < nfa->n_states; i++) {
		nfa->distance[i] = m->distance[m->found[i]];
		if (is_forever(nfa, m, i))
			cw_bits_add(nfa->forever, i);
	}
	nfa->distance[nfa->n_states] = 0;
	return 0;
}

static int make(struct cw_nfa *nfa, struct maker *m)
{
	int r = find_nodes(m);

	if (r)
		return r;
	find_distances(m);
	nfa->n_states = number_states(m);
	nfa->n_words = nfa->n_states / 64 + 1;
	r = make_masks(nfa, m);
	if (!r)
		r = make_follow(nfa, m);
	return r ? r : make_sets(nfa, m);
}

int cw_nfa_create(struct cw_nfa **out, const struct cw_syntax *tree, const char **inexact)
{
	struct cw_graph graph;
	struct maker m = {0};
	struct cw_nfa *nfa = NULL;
	int r = cw_graph_init(&graph, tree);

	if (!r)
		r = maker_init(&m, &graph);
	else if (r == CW_GRAPH_E_LARGE)
		r = CW_NFA_E_LARGE;
	if (r)
		goto done;
	r = -ENOMEM;
	nfa = calloc(1, sizeof(*nfa));
	if (!nfa)
		goto done;
	r = make(nfa, &m);
	if (r) {
		cw_nfa_destroy(nfa);
		goto done;
	}
	*inexact = graph.inexact;
	*out = nfa;
done:
	maker_finish(&m);
	cw_graph_finish(&graph);
	return r;
}

void cw_nfa_destroy(struct cw_nfa *nfa)
{
	if (!nfa)
		return;
	free(nfa->masks);
	free(nfa->start);
	free(nfa->follow_of);
	free(nfa->follow_begin);
	free(nfa->follow);
	free(nfa->distance);
	free(nfa);
}

size_t cw_nfa_step(
	const struct cw_nfa *nfa, const uint64_t *from, unsigned byte_class, uint64_t *to)
{
	const uint64_t *mask = nfa->masks + byte_class * nfa->n_words;
	uint32_t i, list;
	size_t word, n_added = 0;
	uint64_t bits;

	memset(to, 0, nfa->n_words * sizeof(*to));
	for (word = 0; word < nfa->n_words; word++) {
		for (bits = from[word] & mask[word]; bits; bits &= bits - 1) {
			list = nfa->follow_of[word * 64 + cw_bits_lowest(bits)];
			for (i = nfa->follow_begin[list]; i < nfa->follow_begin[list + 1]; i++)
				cw_bits_add(to, nfa->follow[i]);
			n_added += i - nfa->follow_begin[list];
		}
	}
	return n_added;
}

bool cw_nfa_is_universal(const struct cw_nfa *nfa, const uint64_t *set)
{
	size_t word;

	if (!cw_nfa_is_accepting(nfa, set))
		return false;
	for (word = 0; word < nfa->n_words; word++)
		if (set[word] & nfa->forever[word])
			return true;
	return false;
}

uint16_t cw_nfa_distance(const struct cw_nfa *nfa, const uint64_t *set)
{
	uint16_t best = CW_NFA_FAR, distance;
	size_t word;
	uint64_t bits;

	for (word = 0; word < nfa->n_words; word++) {
		for (bits = set[word]; bits; bits &= bits - 1) {
			distance = nfa->distance[word * 64 + cw_bits_lowest(bits)];
			if (distance < best)
				best = distance;
		}
	}
	return best;
}
