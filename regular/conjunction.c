/*
 * Queries put together of languages.
 */
#include "regular/conjunction.h"

#include <assert.h>

void cw_conjunction_add_in(struct cw_conjunction *c, const struct cw_automaton *automaton)
{
	assert(c->n_in < CW_CONJUNCTION_MAX);
	c->in[c->n_in++] = automaton;
}

void cw_conjunction_add_out(struct cw_conjunction *c, const struct cw_automaton *automaton)
{
	assert(c->n_out < CW_CONJUNCTION_MAX);
	c->out[c->n_out++] = automaton;
}

void cw_conjunction_add(struct cw_conjunction *c, const struct cw_language_query *query)
{
	size_t i;

	for (i = 0; i < query->n_in; i++)
		cw_conjunction_add_in(c, query->in[i]);
	for (i = 0; i < query->n_out; i++)
		cw_conjunction_add_out(c, query->out[i]);
}

void cw_conjunction_add_not(struct cw_conjunction *c, const struct cw_language_query *query)
{
	assert(query->n_in + query->n_out == 1);
	if (query->n_in)
		cw_conjunction_add_out(c, query->in[0]);
	else
		cw_conjunction_add_in(c, query->out[0]);
}

int cw_conjunction_find(const struct cw_conjunction *c, size_t states_max, struct cw_arena *arena,
	enum cw_language_answer *answer, struct cw_str *word)
{
	const struct cw_language_query query = {
		.in = c->in,
		.n_in = c->n_in,
		.out = c->out,
		.n_out = c->n_out,
		.states_max = states_max,
	};

	return cw_language_find(&query, arena, answer, word);
}
