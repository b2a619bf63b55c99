/*
 * Differences between two rule sets: rules are paired by name, their words compared, and the order of those that say the same.
 */
#include "analysis/change.h"

#include "core/table.h"

#include <errno.h>

struct named {
	struct cw_table_link link; /* first, so that a link is its element */
	const struct cw_search_rule *rule;
};

static const char *const change_names[] = {
	[CW_CHANGE_SAME] = "same",
	[CW_CHANGE_ADDED] = "added",
	[CW_CHANGE_REMOVED] = "removed",
	[CW_CHANGE_CHANGED] = "changed",
	[CW_CHANGE_MOVED] = "moved",
};

bool cw_change_same_pattern(const struct cw_pattern *a, const struct cw_pattern *b)
{
	if (!a || !b)
		return a == b;
	return cw_pattern_type(a) == cw_pattern_type(b) &&
	       cw_pattern_behavior(a) == cw_pattern_behavior(b) &&
	       cw_str_eq(cw_pattern_text(a), cw_pattern_text(b)) &&
	       cw_str_eq(cw_pattern_replacement(a), cw_pattern_replacement(b));
}

static bool has_source(const struct cw_search_rule *rule, struct cw_str name)
{
	size_t i;

	for (i = 0; i < rule->n_sources; i++)
		if (cw_str_eq(rule->sources[i]->name, name))
			return true;
	return false;
}

/* In any order; no zone stands in a list twice. */
static bool same_sources(const struct cw_search_rule *a, const struct cw_search_rule *b)
{
	size_t i;

	if (a->source != b->source || a->n_sources != b->n_sources)
		return false;
	for (i = 0; i < a->n_sources; i++)
		if (!has_source(b, a->sources[i]->name))
			return false;
	return true;
}

/* Whether both say the same, wherever they stand. */
static bool says_same(const struct cw_search_rule *a, const struct cw_search_rule *b)
{
	return a->enabled == b->enabled && a->protocol == b->protocol && a->variant == b->variant &&
	       a->authenticated == b->authenticated && a->mode == b->mode && a->stop == b->stop &&
	       cw_str_eq(a->target->name, b->target->name) && same_sources(a, b) &&
	       cw_change_same_pattern(a->pattern, b->pattern);
}

/* ends[k] is what ends the part of length k + 1 whose end is smallest, before[i] what precedes i in its part. */
int cw_change_keep_order(const size_t *places, size_t n, bool *kept, struct cw_arena *arena)
{
	size_t *ends = cw_arena_alloc(arena, (n + 1) * sizeof(*ends));
	size_t *before = cw_arena_alloc(arena, (n + 1) * sizeof(*before));
	size_t i, low, high, middle, length = 0;

	if (!ends || !before)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		for (low = 0, high = length; low < high;) {
			middle = low + (high - low) / 2;
			if (places[ends[middle]] < places[i])
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low ? ends[low - 1] : 0;
		ends[low] = i;
		length += low == length;
		kept[i] = false;
	}
	for (i = length ? ends[length - 1] : 0; length > 0; length--, i = before[i])
		kept[i] = true;
	return 0;
}

/* Rules that stand in both sets and might be where they were. */
struct order {
	const struct cw_search_rule **olds; /* in the order of the old set */
	size_t *places;                     /* of the partner of each in the new set */
	size_t n;
};

static int mark_moved(
	const struct order *o, enum cw_change *olds, enum cw_change *news, struct cw_arena *arena)
{
	bool *kept = cw_arena_alloc(arena, (o->n + 1) * sizeof(*kept));
	size_t i;
	int r = kept ? cw_change_keep_order(o->places, o->n, kept, arena) : -ENOMEM;

	for (i = 0; i < o->n && !r; i++)
		if (!kept[i])
			olds[o->olds[i]->index] = news[o->places[i]] = CW_CHANGE_MOVED;
	return r;
}

/* Compare each old rule with the new one of its name. Rules of the new set that are met by none are marked already. */
static int compare(const struct cw_ruleset *old_set, const struct cw_table *by_name,
	enum cw_change *olds, enum cw_change *news, struct cw_arena *arena)
{
	const struct cw_search_rule *const *rules;
	const struct cw_search_rule *partner;
	const struct named *named;
	enum cw_change change;
	struct order o = {0};
	size_t i, n;

	rules = cw_ruleset_rules(old_set, &n);
	o.olds = cw_arena_alloc(arena, (n + 1) * sizeof(const struct cw_search_rule *));
	o.places = cw_arena_alloc(arena, (n + 1) * sizeof(*o.places));
	if (!o.olds || !o.places)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		named = (const struct named *)cw_table_find(by_name, rules[i]->name);
		olds[i] = CW_CHANGE_REMOVED;
		if (!named)
			continue;
		partner = named->rule;
		change = !says_same(rules[i], partner)             ? CW_CHANGE_CHANGED
			 : rules[i]->priority != partner->priority ? CW_CHANGE_MOVED
								   : CW_CHANGE_SAME;
		olds[i] = news[partner->index] = change;
		if (change != CW_CHANGE_SAME)
			continue;
		o.olds[o.n] = rules[i];
		o.places[o.n++] = partner->index;
	}
	return mark_moved(&o, olds, news, arena);
}

int cw_changes_find(struct cw_changes *out, const struct cw_ruleset *old_set,
	const struct cw_ruleset *new_set, struct cw_arena *arena)
{
	const struct cw_search_rule *const *rules;
	enum cw_change *olds, *news;
	struct cw_table by_name;
	struct named *named;
	size_t i, n_old, n_new;
	int r = -ENOMEM;

	(void)cw_ruleset_rules(old_set, &n_old);
	rules = cw_ruleset_rules(new_set, &n_new);
	olds = cw_arena_alloc(arena, (n_old + 1) * sizeof(*olds));
	news = cw_arena_alloc(arena, (n_new + 1) * sizeof(*news));
	named = cw_arena_alloc(arena, (n_new + 1) * sizeof(*named));
	if (!olds || !news || !named)
		return -ENOMEM;
	cw_table_init(&by_name);
	for (i = 0; i < n_new; i++) {
		news[i] = CW_CHANGE_ADDED;
		named[i].rule = rules[i];
		if (cw_table_insert(&by_name, &named[i].link, rules[i]->name))
			goto done;
	}
	r = compare(old_set, &by_name, olds, news, arena);
	if (!r)
		*out = (struct cw_changes){olds, news};

done:
	cw_table_finish(&by_name);
	return r;
}

const char *cw_change_name(enum cw_change change)
{
	return change_names[change];
}
