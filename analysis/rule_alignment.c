/*
 * Two sets side by side: what rules do is numbered, and the longest run of the same numbers in the same order aligned.
 */
#include "analysis/rule_alignment.h"

#include "analysis/change.h"
#include "core/table.h"
#include "regular/conjunction.h"

#include <errno.h>

/* ---- what a rule makes of an alias ---- */

/* Whether a replacement holds \1 to \9. */
static bool has_groups(struct cw_str replacement)
{
	size_t i;

	for (i = 0; i + 1 < replacement.len; i++) {
		if (replacement.p[i] != '\\')
			continue;
		i++;
		if (replacement.p[i] >= '1' && replacement.p[i] <= '9')
			return true;
	}
	return false;
}

/* Whether what the patterns take the replacement's place of is the same part of an alias that both match. */
static bool same_part(const struct cw_pattern *a, const struct cw_pattern *b)
{
	enum cw_pattern_type type = cw_pattern_type(a);

	if (type == CW_PATTERN_PREFIX || type == CW_PATTERN_SUFFIX)
		return cw_pattern_type(b) == type &&
		       cw_pattern_text(a).len == cw_pattern_text(b).len;
	return cw_pattern_type(b) != CW_PATTERN_PREFIX && cw_pattern_type(b) != CW_PATTERN_SUFFIX;
}

bool cw_alignment_same_rewriting(const struct cw_search_rule *a, const struct cw_search_rule *b)
{
	enum cw_behavior behavior =
		a->pattern ? cw_pattern_behavior(a->pattern) : CW_BEHAVIOR_LEAVE;

	if (behavior != (b->pattern ? cw_pattern_behavior(b->pattern) : CW_BEHAVIOR_LEAVE))
		return false;
	if (behavior == CW_BEHAVIOR_LEAVE || cw_change_same_pattern(a->pattern, b->pattern))
		return true;
	return same_part(a->pattern, b->pattern) &&
	       cw_str_eq(cw_pattern_replacement(a->pattern), cw_pattern_replacement(b->pattern)) &&
	       !has_groups(cw_pattern_replacement(a->pattern));
}

/* ---- numbers ---- */

struct effect {
	struct cw_table_link link; /* first, so that a link is its element */
	uint32_t number;
};

struct named {
	struct cw_table_link link; /* likewise */
	const struct cw_search_rule *rule;
};

/* All that a rule does with a request that its other criteria admit, as a text. */
static int write_effect(
	struct cw_str *out, const struct cw_search_rule *rule, struct cw_arena *arena)
{
	const struct cw_pattern *p = rule->pattern;
	struct cw_str text = p ? cw_pattern_text(p) : cw_str_make("", 0);
	struct cw_str head, replacement = p ? cw_pattern_replacement(p) : cw_str_make("", 0);
	int r = cw_arena_printf(arena, &head, "%d %d %d %d %zu %zu ", (int)rule->mode, rule->stop,
		p ? (int)cw_pattern_type(p) : 0, p ? (int)cw_pattern_behavior(p) : 0, text.len,
		replacement.len);

	if (r)
		return r;
	return cw_arena_join(arena, out,
		(const struct cw_str[]){head, text, replacement, rule->target->name}, 4);
}

/* Whether all aliases of one lie in the other. Languages that hold more than their patterns match prove nothing. */
static int is_within(
	const struct cw_language_query *inner, const struct cw_language_query *outer, bool *yes)
{
	struct cw_conjunction rest = {.n_in = 0};
	enum cw_language_answer answer;
	struct cw_arena arena = {0};
	struct cw_str word;
	int r;

	cw_conjunction_add(&rest, inner);
	cw_conjunction_add_not(&rest, outer);
	r = cw_conjunction_find(&rest, 0, &arena, &answer, &word);
	*yes = !r && answer == CW_LANGUAGE_NONE;
	cw_arena_finish(&arena);
	return r;
}

/* Whether rules of one name differ in how their patterns are written, and in nothing else that they do. */
static int is_rewritten(const struct cw_search_rule *a, const struct cw_search_rule *b,
	struct cw_rule_languages *const languages[CW_SIDES], bool *yes)
{
	struct cw_language_query old_language, new_language;
	const char *old_why, *new_why;
	int r;

	*yes = false;
	if (a->stop != b->stop || !cw_str_eq(a->target->name, b->target->name) ||
		!cw_alignment_same_rewriting(a, b))
		return 0;
	r = cw_rule_language(languages[CW_SIDE_OLD], a, &old_language, &old_why);
	if (!r)
		r = cw_rule_language(languages[CW_SIDE_NEW], b, &new_language, &new_why);
	if (r || old_why || new_why)
		return r < 0 ? r : 0;
	r = is_within(&old_language, &new_language, yes);
	return r || !*yes ? r : is_within(&new_language, &old_language, yes);
}

struct numbering {
	struct cw_table effects, names;
	uint32_t *numbers[CW_SIDES];
	uint32_t next;
	struct cw_arena *arena;
};

/* The number of what a rule does: that of the rule before it that does the same, or the next. */
static int number_rule(struct numbering *n, enum cw_side side, const struct cw_search_rule *rule)
{
	struct effect *known, *made;
	struct cw_str text = {NULL, 0};
	int r = write_effect(&text, rule, n->arena);

	if (r)
		return r;
	known = (struct effect *)cw_table_find(&n->effects, text);
	if (known) {
		n->numbers[side][rule->index] = known->number;
		return 0;
	}
	made = cw_arena_alloc(n->arena, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->number = n->numbers[side][rule->index] = n->next++;
	return cw_table_insert(&n->effects, &made->link, text);
}

static int number_rules(struct numbering *n, enum cw_side side,
	const struct cw_search_rule *const *rules, size_t count)
{
	size_t i;
	int r = 0;

	n->numbers[side] = cw_arena_alloc(n->arena, (count + 1) * sizeof(*n->numbers[side]));
	if (!n->numbers[side])
		return -ENOMEM;
	for (i = 0; i < count && !r; i++)
		r = number_rule(n, side, rules[i]);
	return r;
}

/* Give new rules the number of the old rule of their name where only the pattern is written in another way. */
static int unite_rewritten(struct numbering *n, const struct cw_search_rule *const *olds,
	size_t n_olds, const struct cw_search_rule *const *news, size_t n_news,
	struct cw_rule_languages *const languages[CW_SIDES])
{
	struct named *entries = cw_arena_alloc(n->arena, (n_olds + 1) * sizeof(*entries));
	const struct named *named;
	size_t i;
	bool yes;
	int r = entries ? 0 : -ENOMEM;

	for (i = 0; i < n_olds && !r; i++) {
		entries[i].rule = olds[i];
		r = cw_table_insert(&n->names, &entries[i].link, olds[i]->name);
	}
	for (i = 0; i < n_news && !r; i++) {
		uint32_t *number = &n->numbers[CW_SIDE_NEW][news[i]->index];

		named = (const struct named *)cw_table_find(&n->names, news[i]->name);
		if (!named || n->numbers[CW_SIDE_OLD][named->rule->index] == *number)
			continue;
		r = is_rewritten(named->rule, news[i], languages, &yes);
		if (!r && yes)
			*number = n->numbers[CW_SIDE_OLD][named->rule->index];
	}
	return r;
}

int cw_rule_effects_find(struct cw_rule_effects *out, const struct cw_dialplan sides[CW_SIDES],
	struct cw_rule_languages *const languages[CW_SIDES], struct cw_arena *arena)
{
	const struct cw_search_rule *const *olds, *const *news;
	struct numbering n = {.arena = arena};
	size_t n_olds, n_news;
	int r;

	olds = cw_ruleset_rules(sides[CW_SIDE_OLD].rules, &n_olds);
	news = cw_ruleset_rules(sides[CW_SIDE_NEW].rules, &n_news);
	cw_table_init(&n.effects);
	cw_table_init(&n.names);
	r = number_rules(&n, CW_SIDE_OLD, olds, n_olds);
	if (!r)
		r = number_rules(&n, CW_SIDE_NEW, news, n_news);
	if (!r)
		r = unite_rewritten(&n, olds, n_olds, news, n_news, languages);
	if (!r)
		*out = (struct cw_rule_effects){
			{n.numbers[CW_SIDE_OLD], n.numbers[CW_SIDE_NEW]}, n.next};
	cw_table_finish(&n.effects);
	cw_table_finish(&n.names);
	return r;
}

/* ---- lists ---- */

static int make_list(struct cw_alignment_list *list, const struct cw_ruleset *set,
	const struct cw_request *request, struct cw_arena *arena)
{
	const struct cw_search_rule *const *rules;
	size_t i, begin, n;

	rules = cw_ruleset_rules(set, &n);
	*list = (struct cw_alignment_list){
		.rules = cw_arena_alloc(arena, (n + 1) * sizeof(const struct cw_search_rule *)),
		.partners = cw_arena_alloc(arena, (n + 1) * sizeof(size_t)),
		.ends = cw_arena_alloc(arena, (n + 1) * sizeof(size_t)),
		.places = cw_arena_alloc(arena, (n + 1) * sizeof(size_t)),
	};
	if (!list->rules || !list->partners || !list->ends || !list->places)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		list->places[i] = CW_ALIGNMENT_NONE;
		if (!rules[i]->enabled || !cw_plan_admits(rules[i], request))
			continue;
		list->places[i] = list->n;
		list->partners[list->n] = CW_ALIGNMENT_NONE;
		list->rules[list->n++] = rules[i];
	}
	for (begin = 0, i = 1; begin < list->n; i++) {
		if (i < list->n && list->rules[i]->priority == list->rules[begin]->priority)
			continue;
		while (begin < i)
			list->ends[begin++] = i;
	}
	return 0;
}

/* ---- the same in the same order ---- */

struct aligning {
	struct cw_alignment *a;
	const struct cw_rule_effects *effects;
	struct cw_arena *arena;
	size_t from,
		ends[CW_SIDES]; /* the middle: what both have at the begin and at the end is paired */
};

static uint32_t number_at(const struct aligning *w, enum cw_side side, size_t place)
{
	return w->effects->numbers[side][w->a->lists[side].rules[place]->index];
}

static void pair(struct aligning *w, size_t old_place, size_t new_place)
{
	w->a->lists[CW_SIDE_OLD].partners[old_place] = new_place;
	w->a->lists[CW_SIDE_NEW].partners[new_place] = old_place;
}

static void pair_begin_and_end(struct aligning *w)
{
	w->ends[CW_SIDE_OLD] = w->a->lists[CW_SIDE_OLD].n;
	w->ends[CW_SIDE_NEW] = w->a->lists[CW_SIDE_NEW].n;
	while (w->from < w->ends[CW_SIDE_OLD] && w->from < w->ends[CW_SIDE_NEW] &&
		number_at(w, CW_SIDE_OLD, w->from) == number_at(w, CW_SIDE_NEW, w->from)) {
		pair(w, w->from, w->from);
		w->from++;
	}
	while (w->ends[CW_SIDE_OLD] > w->from && w->ends[CW_SIDE_NEW] > w->from &&
		number_at(w, CW_SIDE_OLD, w->ends[CW_SIDE_OLD] - 1) ==
			number_at(w, CW_SIDE_NEW, w->ends[CW_SIDE_NEW] - 1))
		pair(w, --w->ends[CW_SIDE_OLD], --w->ends[CW_SIDE_NEW]);
}

/*
 * Pair what can be paired in the middle: the first new rule of a number with the first old one, the second with the second, as far as their order
 * is the same. first[] and next[] chain the new places of each number.
 */
static int pair_middle(struct aligning *w)
{
	size_t n_olds = w->ends[CW_SIDE_OLD] - w->from, n_news = w->ends[CW_SIDE_NEW] - w->from;
	size_t *first = cw_arena_alloc(w->arena, (w->effects->count + 1) * sizeof(*first));
	size_t *next = cw_arena_alloc(w->arena, (n_news + 1) * sizeof(*next));
	size_t *olds = cw_arena_alloc(w->arena, (n_olds + 1) * sizeof(*olds));
	size_t *news = cw_arena_alloc(w->arena, (n_olds + 1) * sizeof(*news));
	bool *kept = cw_arena_alloc(w->arena, (n_olds + 1) * sizeof(*kept));
	size_t i, *chain, n = 0;
	int r;

	if (!first || !next || !olds || !news || !kept)
		return -ENOMEM;
	for (i = n_news; i-- > 0;) {
		chain = &first[number_at(w, CW_SIDE_NEW, w->from + i)];
		next[i] = *chain;
		*chain = i + 1; /* 0: none */
	}
	for (i = 0; i < n_olds; i++) {
		chain = &first[number_at(w, CW_SIDE_OLD, w->from + i)];
		if (*chain == 0)
			continue;
		olds[n] = w->from + i;
		news[n++] = w->from + *chain - 1;
		*chain = next[*chain - 1];
	}
	r = cw_change_keep_order(news, n, kept, w->arena);
	for (i = 0; i < n && !r; i++)
		if (kept[i])
			pair(w, olds[i], news[i]);
	return r;
}

/* Part the pairs of which one rule is asked after the stop of a pair and the other is not, as it has another priority. */
static void part_around_stop(struct cw_alignment *a, enum cw_side side, size_t place)
{
	struct cw_alignment_list *list = &a->lists[side];
	struct cw_alignment_list *other =
		&a->lists[side == CW_SIDE_OLD ? CW_SIDE_NEW : CW_SIDE_OLD];
	size_t other_end = other->ends[list->partners[place]], i, partner;

	for (i = place + 1; i < list->ends[place]; i++) {
		partner = list->partners[i];
		if (partner == CW_ALIGNMENT_NONE || partner < other_end)
			continue;
		list->partners[i] = other->partners[partner] = CW_ALIGNMENT_NONE;
	}
}

/* Only the first stop of two priorities counts: behind it stands what stands behind the others. */
static void part_around_stops(struct cw_alignment *a)
{
	struct cw_alignment_list *olds = &a->lists[CW_SIDE_OLD], *news = &a->lists[CW_SIDE_NEW];
	size_t i, partner, old_end = 0, new_end = 0;

	for (i = 0; i < olds->n; i++) {
		partner = olds->partners[i];
		if (partner == CW_ALIGNMENT_NONE || !olds->rules[i]->stop ||
			(olds->ends[i] == old_end && news->ends[partner] == new_end))
			continue;
		old_end = olds->ends[i];
		new_end = news->ends[partner];
		part_around_stop(a, CW_SIDE_OLD, i);
		part_around_stop(a, CW_SIDE_NEW, partner);
	}
}

static size_t count_alone(const struct cw_alignment_list *list)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		n += list->partners[i] == CW_ALIGNMENT_NONE;
	return n;
}

int cw_alignment_make(struct cw_alignment *out, const struct cw_dialplan sides[CW_SIDES],
	const struct cw_rule_effects *effects, const struct cw_request requests[CW_SIDES],
	struct cw_arena *arena)
{
	struct cw_alignment a = {.n_alone = 0};
	struct aligning w = {.a = &a, .effects = effects, .arena = arena};
	int side, r = 0;

	for (side = 0; side < CW_SIDES && !r; side++)
		r = make_list(&a.lists[side], sides[side].rules, &requests[side], arena);
	if (r)
		return r;
	pair_begin_and_end(&w);
	r = pair_middle(&w);
	if (r)
		return r;
	part_around_stops(&a);
	for (side = 0; side < CW_SIDES; side++)
		a.n_alone += count_alone(&a.lists[side]);
	*out = a;
	return 0;
}
