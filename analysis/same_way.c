/*
 * Why a request goes the same way: both walks are followed, and where their targets so far are the same, a rule that both would meet there could match as well without
 * a difference.
 *
 * Let a *cut* be a place in each list. It is even when the targets found before it are the same in both, as sequences of (zone, what
 * becomes of the alias). Targets that are the same stay the same when another is put in at an even cut, or, as no target is added twice, when
 * it is taken out and stands nowhere else. So of partners that are met at an even cut only those that match count, and with on-match stop
 * those whose priorities do not end at an even cut.
 */
#include "analysis/same_way.h"

#include <errno.h>

#define MATCHES_MAX 64 /* rules that match; of more nothing is known */

/* One of the walks: the places of the rules that match, in order. */
struct track {
	const struct cw_alignment_list *list;
	size_t places[MATCHES_MAX];
	bool is_repeated[MATCHES_MAX]; /* its target stands there already */
	size_t n;
	size_t end; /* the rules from here on were not asked */
};

struct ways {
	const struct cw_alignment *alignment;
	struct track tracks[CW_SIDES];
	size_t n_common; /* targets that are the same at the begin of both */
	struct cw_way_literal *literals;
	size_t n_literals;
};

static enum cw_side other(enum cw_side side)
{
	return side == CW_SIDE_OLD ? CW_SIDE_NEW : CW_SIDE_OLD;
}

static bool is_same_target(const struct cw_search_rule *a, const struct cw_search_rule *b)
{
	return cw_str_eq(a->target->name, b->target->name) && cw_alignment_same_rewriting(a, b);
}

static const struct cw_search_rule *match_at(const struct track *t, size_t i)
{
	return t->list->rules[t->places[i]];
}

/* Follow a plan. Returns: whether there are not too many matches. */
static bool follow(
	struct track *t, const struct cw_alignment_list *list, const struct cw_plan *plan)
{
	size_t i, k;

	*t = (struct track){.list = list, .end = list->n};
	if (plan->n_considered > MATCHES_MAX)
		return false;
	for (i = 0; i < plan->n_considered; i++) {
		const struct cw_search_rule *rule = plan->considered[i].rule;

		for (k = 0; k < i && !is_same_target(match_at(t, k), rule); k++)
			;
		t->is_repeated[i] = k < i;
		t->places[t->n++] = list->places[rule->index];
		if (rule->stop && t->end == list->n)
			t->end = list->ends[list->places[rule->index]];
	}
	return true;
}

/* How many targets there are before a place. */
static size_t targets_before(const struct track *t, size_t place)
{
	size_t i, n = 0;

	for (i = 0; i < t->n && t->places[i] < place; i++)
		n += !t->is_repeated[i];
	return n;
}

/* The target number `n`, without those that are repeated; NULL behind the last. */
static const struct cw_search_rule *target_at(const struct track *t, size_t n)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (!t->is_repeated[i] && n-- == 0)
			return match_at(t, i);
	return NULL;
}

static size_t count_common(const struct ways *w)
{
	const struct cw_search_rule *a, *b;
	size_t n;

	for (n = 0;; n++) {
		a = target_at(&w->tracks[CW_SIDE_OLD], n);
		b = target_at(&w->tracks[CW_SIDE_NEW], n);
		if (!a || !b || !is_same_target(a, b))
			return n;
	}
}

static bool is_even(const struct ways *w, size_t old_place, size_t new_place)
{
	size_t n = targets_before(&w->tracks[CW_SIDE_OLD], old_place);

	return n <= w->n_common && n == targets_before(&w->tracks[CW_SIDE_NEW], new_place);
}

static void add(struct ways *w, enum cw_side side, size_t place, bool matches)
{
	size_t partner = w->alignment->lists[side].partners[place];

	if (side == CW_SIDE_NEW && partner != CW_ALIGNMENT_NONE) {
		side = CW_SIDE_OLD;
		place = partner;
	}
	w->literals[w->n_literals++] =
		(struct cw_way_literal){w->alignment->lists[side].rules[place], side, matches};
}

/* Whether the partner of the rule at `place` is asked; in *partner its place. */
static bool is_met_by_both(const struct ways *w, enum cw_side side, size_t place, size_t *partner)
{
	*partner = w->alignment->lists[side].partners[place];
	return *partner != CW_ALIGNMENT_NONE && *partner < w->tracks[other(side)].end;
}

static size_t count_target(const struct ways *w, const struct cw_search_rule *rule)
{
	size_t i, n = 0;
	int side;

	for (side = 0; side < CW_SIDES; side++)
		for (i = 0; i < w->tracks[side].n; i++)
			n += is_same_target(match_at(&w->tracks[side], i), rule);
	return n;
}

/* Whether partners that match would leave all as it is if they did not. */
static bool is_needless(const struct ways *w, size_t old_place)
{
	const struct cw_search_rule *rule = w->alignment->lists[CW_SIDE_OLD].rules[old_place];
	size_t partner;

	return is_met_by_both(w, CW_SIDE_OLD, old_place, &partner) && !rule->stop &&
	       is_even(w, old_place, partner) && count_target(w, rule) == 2;
}

static void add_matches(struct ways *w)
{
	const struct track *t = &w->tracks[CW_SIDE_OLD];
	size_t i, partner;

	for (i = 0; i < t->n; i++)
		if (!is_needless(w, t->places[i]))
			add(w, CW_SIDE_OLD, t->places[i], true);
	t = &w->tracks[CW_SIDE_NEW];
	for (i = 0; i < t->n; i++)
		if (!is_met_by_both(w, CW_SIDE_NEW, t->places[i], &partner))
			add(w, CW_SIDE_NEW, t->places[i], true);
}

/* Whether partners that do not match would leave the ways the same if they did. */
static bool is_harmless(const struct ways *w, size_t old_place, size_t new_place)
{
	const struct cw_alignment_list *olds = &w->alignment->lists[CW_SIDE_OLD];
	const struct cw_alignment_list *news = &w->alignment->lists[CW_SIDE_NEW];

	return is_even(w, old_place, new_place) &&
	       (!olds->rules[old_place]->stop ||
		       is_even(w, olds->ends[old_place], news->ends[new_place]));
}

/* The rules that are asked and do not match: first those that only one of the sets has, then the others. */
static void add_others(struct ways *w, enum cw_side side, bool alone)
{
	const struct track *t = &w->tracks[side];
	size_t place, partner, next = 0;

	for (place = 0; place < t->end; place++) {
		if (next < t->n && t->places[next] == place) {
			next++;
			continue;
		}
		if (is_met_by_both(w, side, place, &partner) == alone)
			continue;
		if (alone || (side == CW_SIDE_OLD && !is_harmless(w, place, partner)))
			add(w, side, place, false);
	}
}

int cw_same_way_find(struct cw_same_way *out, const struct cw_alignment *alignment,
	const struct cw_crossing *crossing, struct cw_arena *arena)
{
	struct ways w = {.alignment = alignment};
	size_t all = alignment->lists[CW_SIDE_OLD].n + alignment->lists[CW_SIDE_NEW].n;
	int side;

	*out = (struct cw_same_way){.is_known = false};
	if (crossing->plans[CW_SIDE_OLD].decision == CW_DECISION_LIMIT)
		return 0;
	for (side = 0; side < CW_SIDES; side++)
		if (!follow(&w.tracks[side], &alignment->lists[side], &crossing->plans[side]))
			return 0;
	w.n_common = count_common(&w);
	if (!is_even(&w, w.tracks[CW_SIDE_OLD].end, w.tracks[CW_SIDE_NEW].end))
		return 0;
	w.literals = cw_arena_alloc(arena, (all + 1) * sizeof(*w.literals));
	if (!w.literals)
		return -ENOMEM;
	add_matches(&w);
	add_others(&w, CW_SIDE_OLD, true);
	add_others(&w, CW_SIDE_NEW, true);
	add_others(&w, CW_SIDE_OLD, false);
	*out = (struct cw_same_way){true, w.literals, w.n_literals};
	return 0;
}
