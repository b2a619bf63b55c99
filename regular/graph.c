/*
 * Made from its end: each part is told where to go on, so that only loops have to be closed later.
 */
#include "regular/graph.h"

#include <stdlib.h>

static const struct cw_byte_set everything = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

static int build(struct cw_graph *g, const struct cw_syntax *tree, uint16_t next, uint16_t *start);

/* Add a node; its number is *at. */
static int add(struct cw_graph *g, struct cw_graph_node node, uint16_t *at)
{
	struct cw_graph_node *grown;

	if (g->n_nodes == CW_GRAPH_NODES_MAX)
		return CW_GRAPH_E_LARGE;
	grown = cw_budget_grow(&g->budget, g->nodes, &g->capacity, g->n_nodes + 1, sizeof(*grown));
	if (!grown)
		return g->budget.error;
	g->nodes = grown;
	g->nodes[g->n_nodes] = node;
	*at = (uint16_t)g->n_nodes++;
	return 0;
}

static int build_sequence(
	struct cw_graph *g, const struct cw_syntax *tree, uint16_t next, uint16_t *start)
{
	size_t i;
	int r = 0;

	for (i = tree->n_children; i > 0 && !r; i--)
		r = build(g, tree->children[i - 1], next, &next);
	*start = next;
	return r;
}

static int build_choice(
	struct cw_graph *g, const struct cw_syntax *tree, uint16_t next, uint16_t *start)
{
	uint16_t branch = next, choice = next;
	size_t i;
	int r = build(g, tree->children[tree->n_children - 1], next, &choice);

	for (i = tree->n_children - 1; i > 0 && !r; i--) {
		r = build(g, tree->children[i - 1], next, &branch);
		if (!r)
			r = add(g, (struct cw_graph_node){CW_GRAPH_SPLIT, branch, choice, NULL},
				&choice);
	}
	*start = choice;
	return r;
}

/* Any number of a body; `at_least_once` leaves the way around it out. */
static int build_loop(struct cw_graph *g, const struct cw_syntax *body, bool at_least_once,
	uint16_t next, uint16_t *start)
{
	uint16_t loop = next, begin = next;
	int r = add(g, (struct cw_graph_node){CW_GRAPH_SPLIT, next, next, NULL}, &loop);

	if (!r)
		r = build(g, body, loop, &begin);
	if (r)
		return r;
	g->nodes[loop].next = begin;
	*start = at_least_once ? begin : loop;
	return 0;
}

static int build_repeat(
	struct cw_graph *g, const struct cw_syntax *tree, uint16_t next, uint16_t *start)
{
	const struct cw_syntax *body = tree->children[0];
	uint32_t i, written = tree->min;
	size_t before;
	uint16_t end = next;
	int r = 0;

	if (tree->max == CW_SYNTAX_UNBOUNDED) {
		r = build_loop(g, body, tree->min > 0, next, &next);
		written -= tree->min > 0;
	} else {
		/* one in the other, so that leaving is one step from each */
		for (i = tree->min; i < tree->max && !r; i++) {
			before = g->n_nodes;
			r = build(g, body, next, &next);
			if (!r && g->n_nodes == before)
				break; /* empty, however often */
			if (!r)
				r = add(g, (struct cw_graph_node){CW_GRAPH_SPLIT, next, end, NULL},
					&next);
		}
	}
	for (i = 0; i < written && !r; i++) {
		before = g->n_nodes;
		r = build(g, body, next, &next);
		if (!r && g->n_nodes == before)
			break;
	}
	*start = next;
	return r;
}

/* Any text. */
static int build_anything(struct cw_graph *g, uint16_t next, uint16_t *start)
{
	uint16_t loop = next, byte = next;
	int r = add(g, (struct cw_graph_node){CW_GRAPH_SPLIT, next, next, NULL}, &loop);

	if (!r)
		r = add(g, (struct cw_graph_node){CW_GRAPH_BYTE, loop, 0, &everything}, &byte);
	if (r)
		return r;
	g->nodes[loop].next = byte;
	*start = loop;
	return 0;
}

/* Add the part `tree` that goes on at `next`; it begins at *start. */
static int build(struct cw_graph *g, const struct cw_syntax *tree, uint16_t next, uint16_t *start)
{
	switch (tree->kind) {
	case CW_SYNTAX_EMPTY:
		break;
	case CW_SYNTAX_BYTES:
		return add(g, (struct cw_graph_node){CW_GRAPH_BYTE, next, 0, &tree->set}, start);
	case CW_SYNTAX_SEQUENCE:
		return build_sequence(g, tree, next, start);
	case CW_SYNTAX_CHOICE:
		return build_choice(g, tree, next, start);
	case CW_SYNTAX_REPEAT:
		return build_repeat(g, tree, next, start);
	case CW_SYNTAX_BEGIN:
		return add(g, (struct cw_graph_node){CW_GRAPH_BEGIN, next, 0, NULL}, start);
	case CW_SYNTAX_END:
		return add(g, (struct cw_graph_node){CW_GRAPH_END, next, 0, NULL}, start);
	case CW_SYNTAX_LOOK:
		g->inexact = "has a look-around or a word boundary";
		break;
	case CW_SYNTAX_REFERENCE:
		g->inexact = "has a back reference";
		return build_anything(g, next, start);
	case CW_SYNTAX_ATOMIC:
		g->inexact = "has an atomic group or a possessive repeat";
		return build(g, tree->children[0], next, start);
	}
	*start = next;
	return 0;
}

int cw_graph_init(struct cw_graph *graph, const struct cw_syntax *tree)
{
	uint16_t accept = CW_GRAPH_ACCEPT;
	int r;

	/* more than the limit of nodes lets it take */
	*graph = (struct cw_graph){.budget = {.left = SIZE_MAX / 2}};
	r = add(graph, (struct cw_graph_node){CW_GRAPH_END_OF_ALL, 0, 0, NULL}, &accept);
	return r ? r : build(graph, tree, accept, &graph->start);
}

void cw_graph_finish(struct cw_graph *graph)
{
	free(graph->nodes);
}
