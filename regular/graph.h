/*
 * A syntax tree as a graph of moves, empty ones among them (K. Thompson, "Regular Expression Search Algorithm", CACM 11, 1968): what an
 * automaton is made of.
 */
#ifndef CW_REGULAR_GRAPH_H
#define CW_REGULAR_GRAPH_H

#include "dialplan/syntax.h"
#include "regular/budget.h"

#define CW_GRAPH_NODES_MAX 8192
#define CW_GRAPH_ACCEPT    0 /* the first node: the text is accepted at its end */

enum cw_graph_kind {
	CW_GRAPH_END_OF_ALL, /* the kind of CW_GRAPH_ACCEPT alone */
	CW_GRAPH_BYTE,       /* a byte of `set` leads to `next` */
	CW_GRAPH_SPLIT,      /* an empty move to `next` or `other` */
	CW_GRAPH_BEGIN,      /* one to `next` that is possible in the beginning only */
	CW_GRAPH_END,        /* one to `next` that is possible at the end only */
};

struct cw_graph_node {
	enum cw_graph_kind kind;
	uint16_t next, other;
	const struct cw_byte_set *set; /* the tree's */
};

struct cw_graph {
	struct cw_graph_node *nodes;
	size_t n_nodes, capacity;
	uint16_t start;
	const char *inexact; /* what is taken for more than it matches: a static clause; or NULL */
	struct cw_budget budget;
};

/* Answer of cw_graph_init. */
enum {
	CW_GRAPH_E_LARGE = 1
};

/*
 * Make the graph of a tree, which must outlive it. Counted repeats are written out.
 *
 * Returns: 0; CW_GRAPH_E_LARGE when it has more than CW_GRAPH_NODES_MAX nodes; -ENOMEM. In any case *graph is to be finished.
 */
int cw_graph_init(struct cw_graph *graph, const struct cw_syntax *tree);

/* Free what it holds. */
void cw_graph_finish(struct cw_graph *graph);

#endif
