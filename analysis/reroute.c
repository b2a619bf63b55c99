/*
 * Requests that change their way: plans compared, examples kept.
 */
#include "analysis/reroute.h"

#include <errno.h>

int cw_reroutes_init(
	struct cw_reroutes *all, const struct cw_dialplan sides[CW_SIDES], struct cw_arena *arena)
{
	struct cw_reroutes made = {.arena = arena};
	int side;

	for (side = 0; side < CW_SIDES; side++) {
		(void)cw_ruleset_rules(sides[side].rules, &made.n_rules[side]);
		made.by_rule[side] = cw_arena_alloc(
			arena, (made.n_rules[side] + 1) * sizeof(struct cw_reroute *));
		if (!made.by_rule[side])
			return -ENOMEM;
	}
	*all = made;
	return 0;
}

int cw_crossing_plan(struct cw_crossing *crossing, const struct cw_dialplan sides[CW_SIDES],
	struct cw_arena *arena)
{
	int side, r = 0;

	for (side = 0; side < CW_SIDES && !r; side++)
		r = cw_plan_decide(&crossing->plans[side], sides[side].rules,
			&crossing->requests[side], arena);
	return r;
}

/* How many targets are the same at the begin of both plans. */
static size_t common_targets(const struct cw_plan *a, const struct cw_plan *b)
{
	size_t i;

	for (i = 0; i < a->n_targets && i < b->n_targets; i++)
		if (!cw_str_eq(a->targets[i].zone->name, b->targets[i].zone->name) ||
			!cw_str_eq(a->targets[i].alias, b->targets[i].alias))
			break;
	return i;
}

bool cw_crossing_differs(const struct cw_crossing *crossing)
{
	const struct cw_plan *a = &crossing->plans[CW_SIDE_OLD];
	const struct cw_plan *b = &crossing->plans[CW_SIDE_NEW];

	return a->decision != b->decision || a->n_targets != b->n_targets ||
	       common_targets(a, b) < a->n_targets;
}

const struct cw_search_rule *cw_crossing_rule(const struct cw_crossing *crossing, enum cw_side side)
{
	const struct cw_plan *plan = &crossing->plans[side];
	size_t common =
		common_targets(&crossing->plans[CW_SIDE_OLD], &crossing->plans[CW_SIDE_NEW]);

	if (common < plan->n_targets)
		return plan->targets[common].rule;
	/* of a request that fails the last rule considered is the one at which it does, or a transform */
	if (plan->decision == CW_DECISION_LIMIT && plan->n_considered &&
		plan->considered[plan->n_considered - 1].verdict == CW_VERDICT_LIMIT)
		return plan->considered[plan->n_considered - 1].rule;
	return NULL;
}

static int keep_outcome(struct cw_outcome *out, const struct cw_plan *plan, struct cw_arena *arena)
{
	struct cw_target *targets = cw_arena_alloc(arena, (plan->n_targets + 1) * sizeof(*targets));
	size_t i;
	int r = targets ? 0 : -ENOMEM;

	for (i = 0; i < plan->n_targets && !r; i++) {
		targets[i] = plan->targets[i];
		r = cw_arena_str(arena, plan->targets[i].alias, &targets[i].alias);
	}
	*out = (struct cw_outcome){plan->decision, targets, plan->n_targets};
	return r;
}

static int keep_example(
	struct cw_reroute_example *e, const struct cw_crossing *crossing, struct cw_arena *arena)
{
	const struct cw_request *request = &crossing->requests[CW_SIDE_OLD];
	int side, r = cw_arena_str(arena, request->alias, &e->alias);

	if (!r)
		r = cw_arena_str(arena, crossing->from, &e->from);
	e->protocol = request->protocol;
	e->variant = request->variant;
	e->authenticated = request->authenticated && crossing->requests[CW_SIDE_NEW].authenticated;
	for (side = 0; side < CW_SIDES && !r; side++)
		r = keep_outcome(&e->outcomes[side], &crossing->plans[side], arena);
	return r;
}

/* Whether the same request is an example already: recorded traffic repeats itself. */
static bool has_example(const struct cw_reroute *reroute, const struct cw_crossing *crossing)
{
	const struct cw_request *request = &crossing->requests[CW_SIDE_OLD];
	const struct cw_reroute_example *e;
	size_t i;

	for (i = 0; i < reroute->n_examples; i++) {
		e = &reroute->examples[i];
		if (cw_str_eq(e->alias, request->alias) && cw_str_eq(e->from, crossing->from) &&
			e->protocol == request->protocol && e->variant == request->variant)
			return true;
	}
	return false;
}

int cw_reroutes_add(struct cw_reroutes *all, enum cw_side side, const struct cw_search_rule *rule,
	const struct cw_crossing *crossing, bool counted)
{
	struct cw_reroute *reroute = all->by_rule[side][rule->index];
	int r;

	if (!reroute) {
		reroute = cw_arena_alloc(all->arena, sizeof(*reroute));
		if (!reroute)
			return -ENOMEM;
		reroute->rule = rule;
		all->by_rule[side][rule->index] = reroute;
	}
	reroute->count += counted;
	if (reroute->n_examples == CW_REROUTE_EXAMPLES_MAX || has_example(reroute, crossing))
		return 0;
	r = keep_example(&reroute->examples[reroute->n_examples], crossing, all->arena);
	reroute->n_examples += !r;
	return r;
}
