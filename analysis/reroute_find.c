/*
 * What changes its way between two configurations: the kinds of requests are gone through, and the rules without partner of each.
 */
#include "analysis/reroute_find.h"

#include "analysis/change.h"
#include "analysis/request_kind.h"
#include "analysis/reroute_search.h"
#include "core/table.h"
#include "regular/conjunction.h"

#include <errno.h>

#define RULES_TRIED           32 /* of each set, with an alias each, for a transform */
#define TRANSFORMS_BEFORE_MAX 32 /* whose aliases are taken out */
#define ALIKE_KINDS           (16 * 2 * CW_VARIANT_ANY) /* see is_like_another */

/* What was learnt of one rule. */
struct lesson {
	bool is_found;
	bool is_unsure;
	const struct cw_search_rule
		*other; /* is_unsure: the rule to which the difference belongs */
	enum cw_side other_side;
	struct cw_str doubt; /* the first */
};

struct zone_entry {
	struct cw_table_link link; /* first, so that a link is its element */
	const struct cw_zone *zone;
};

/* Two lists that were searched already: other kinds of requests may meet the same rules. */
struct seen {
	struct cw_table_link link;
};

/* A transform that only one set has, or has in another order. */
struct differing_transform {
	const struct cw_transform *transform;
	enum cw_side side;
	bool is_found;
	struct cw_str doubt;
};

struct finding {
	const struct cw_dialplan *sides;
	struct cw_arena *arena;
	struct cw_reroute_searches searches;
	struct cw_rule_effects effects;
	struct cw_reroutes unsure;
	struct lesson *lessons[CW_SIDES]; /* by cw_search_rule.index */
	struct cw_table zones[CW_SIDES];  /* by name */
	struct cw_table named;            /* the zones that some rule names as its source */
	struct cw_table seen;
	const struct cw_transform **common[CW_SIDES]; /* enabled, in the same order */
	struct differing_transform *transforms;       /* the other enabled ones */
	size_t n_transforms;
	bool asked[ALIKE_KINDS];
};

static enum cw_side other(enum cw_side side)
{
	return side == CW_SIDE_OLD ? CW_SIDE_NEW : CW_SIDE_OLD;
}

/* ---- kinds of requests ---- */

static int add_zone(struct finding *f, struct cw_table *table, const struct cw_zone *zone)
{
	struct zone_entry *entry;

	if (cw_table_find(table, zone->name))
		return 0;
	entry = cw_arena_alloc(f->arena, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->zone = zone;
	return cw_table_insert(table, &entry->link, zone->name);
}

static int index_zones(struct finding *f, enum cw_side side)
{
	const struct cw_search_rule *const *rules;
	size_t i, k, n;
	int r = 0;

	for (i = 0; i < f->sides[side].n_zones && !r; i++)
		r = add_zone(f, &f->zones[side], f->sides[side].zones[i]);
	rules = cw_ruleset_rules(f->sides[side].rules, &n);
	for (i = 0; i < n && !r; i++)
		for (k = 0; k < rules[i]->n_sources && !r; k++)
			r = add_zone(f, &f->named, rules[i]->sources[k]);
	return r;
}

/* The zone that requests come from by a side, where the other calls it `name`: one that it has not, or that sends nothing, is a stranger to it. */
static const struct cw_zone *find_source(
	const struct finding *f, enum cw_side side, struct cw_str name)
{
	const struct zone_entry *entry =
		(const struct zone_entry *)cw_table_find(&f->zones[side], name);

	return entry && entry->zone->type != CW_ZONE_DNS ? entry->zone : f->sides[side].zones[0];
}

/* The request of this kind as both sides see it. */
static void cross(const struct finding *f, enum cw_side side, const struct cw_request *kind,
	struct cw_crossing *out)
{
	struct cw_request *across = &out->requests[other(side)];

	*out = (struct cw_crossing){.from = kind->from->name};
	out->requests[side] = *kind;
	*across = *kind;
	across->from = find_source(f, other(side), kind->from->name);
	across->authenticated = across->from->trusted;
}

/* ---- rules ---- */

/* Whether the same rules were met by a kind before; then nothing new is to be learnt. */
static int is_seen(
	struct finding *f, const struct cw_alignment *a, struct cw_arena *scratch, bool *yes)
{
	size_t n_old = a->lists[CW_SIDE_OLD].n, n_new = a->lists[CW_SIDE_NEW].n, i;
	uint32_t *met = cw_arena_alloc(scratch, (n_old + n_new + 1) * sizeof(*met));
	struct cw_str key;
	struct seen *seen;
	int r;

	if (!met)
		return -ENOMEM;
	for (i = 0; i < n_old; i++)
		met[i] = (uint32_t)a->lists[CW_SIDE_OLD].rules[i]->index;
	met[n_old] = UINT32_MAX;
	for (i = 0; i < n_new; i++)
		met[n_old + 1 + i] = (uint32_t)a->lists[CW_SIDE_NEW].rules[i]->index;
	key = cw_str_make((const char *)met, (n_old + n_new + 1) * sizeof(*met));
	*yes = cw_table_find(&f->seen, key) != NULL;
	if (*yes)
		return 0;
	seen = cw_arena_alloc(f->arena, sizeof(*seen));
	r = seen ? cw_arena_str(f->arena, key, &key) : -ENOMEM;
	return r ? r : cw_table_insert(&f->seen, &seen->link, key);
}

static int search_rule(struct finding *f, const struct cw_alignment *alignment,
	const struct cw_crossing *kind, enum cw_side side, const struct cw_search_rule *rule)
{
	const struct cw_reroute_question question = {alignment, *kind, side, rule};
	struct lesson *lesson = &f->lessons[side][rule->index];
	struct cw_reroute_answer answer = {.found = false};
	int r;

	if (lesson->is_found)
		return 0;
	r = cw_reroute_search(&f->searches, &question, f->arena, &answer);
	lesson->is_found = answer.found;
	if (answer.other && !lesson->is_unsure) {
		lesson->is_unsure = true;
		lesson->other = answer.other;
		lesson->other_side = answer.other_side;
	}
	if (lesson->doubt.len == 0 && !f->searches.is_quick)
		lesson->doubt = answer.doubt;
	return r;
}

static int search_rules(
	struct finding *f, const struct cw_alignment *alignment, const struct cw_crossing *kind)
{
	const struct cw_alignment_list *list;
	size_t i;
	int side, r = 0;

	for (side = 0; side < CW_SIDES; side++) {
		list = &alignment->lists[side];
		for (i = 0; i < list->n && !r; i++)
			if (list->partners[i] == CW_ALIGNMENT_NONE)
				r = search_rule(
					f, alignment, kind, (enum cw_side)side, list->rules[i]);
	}
	return r;
}

/* ---- transforms that only one set has ---- */

/* The enabled transforms of both sets, and which of them are the same in the same order. */
struct transforms {
	const struct cw_transform **all[CW_SIDES];
	bool *is_common[CW_SIDES];
	size_t n[CW_SIDES];
};

static int list_transforms(struct finding *f, enum cw_side side, struct transforms *t)
{
	const struct cw_transform *const *all;
	size_t i, n;

	all = cw_ruleset_transforms(f->sides[side].rules, &n);
	t->all[side] = cw_arena_alloc(f->arena, (n + 1) * sizeof(const struct cw_transform *));
	t->is_common[side] = cw_arena_alloc(f->arena, (n + 1) * sizeof(bool));
	if (!t->all[side] || !t->is_common[side])
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (all[i]->enabled)
			t->all[side][t->n[side]++] = all[i];
	return 0;
}

static int align_transforms(struct finding *f, struct transforms *t)
{
	size_t n_old = t->n[CW_SIDE_OLD], n_new = t->n[CW_SIDE_NEW], i, k, n = 0;
	size_t *olds = cw_arena_alloc(f->arena, (n_old + 1) * sizeof(*olds));
	size_t *news = cw_arena_alloc(f->arena, (n_old + 1) * sizeof(*news));
	bool *kept = cw_arena_alloc(f->arena, (n_old + 1) * sizeof(*kept));
	int r;

	if (!olds || !news || !kept)
		return -ENOMEM;
	for (i = 0; i < n_old; i++) {
		for (k = 0; k < n_new; k++)
			if (!t->is_common[CW_SIDE_NEW][k] &&
				cw_change_same_pattern(t->all[CW_SIDE_OLD][i]->pattern,
					t->all[CW_SIDE_NEW][k]->pattern))
				break;
		if (k == n_new)
			continue;
		t->is_common[CW_SIDE_NEW][k] = true;
		olds[n] = i;
		news[n++] = k;
	}
	r = cw_change_keep_order(news, n, kept, f->arena);
	for (i = 0; i < n && !r; i++)
		t->is_common[CW_SIDE_OLD][olds[i]] = t->is_common[CW_SIDE_NEW][news[i]] = kept[i];
	return r;
}

static int sort_transforms(struct finding *f)
{
	struct transforms t = {.n = {0, 0}};
	size_t i, n;
	int side, r = 0;

	for (side = 0; side < CW_SIDES && !r; side++)
		r = list_transforms(f, (enum cw_side)side, &t);
	if (!r)
		r = align_transforms(f, &t);
	if (r)
		return r;
	f->transforms = cw_arena_alloc(
		f->arena, (t.n[CW_SIDE_OLD] + t.n[CW_SIDE_NEW] + 1) * sizeof(*f->transforms));
	if (!f->transforms)
		return -ENOMEM;
	for (side = 0; side < CW_SIDES; side++) {
		f->common[side] = t.all[side]; /* those that are in common move to its begin */
		for (i = n = 0; i < t.n[side]; i++) {
			if (t.is_common[side][i])
				f->common[side][n++] = t.all[side][i];
			else
				f->transforms[f->n_transforms++] = (struct differing_transform){
					.transform = t.all[side][i], .side = (enum cw_side)side};
		}
	}
	f->searches.transforms = f->common[CW_SIDE_OLD];
	f->searches.n_transforms = n;
	return 0;
}

/* Plan an alias that a differing transform matches by both sets, and keep it if it changes its way. */
static int try_alias(struct finding *f, struct differing_transform *t, struct cw_crossing *crossing,
	struct cw_str alias, struct cw_arena *scratch)
{
	const struct cw_search_rule *rule;
	bool is_listed = false;
	int side, r;

	crossing->requests[CW_SIDE_OLD].alias = crossing->requests[CW_SIDE_NEW].alias = alias;
	r = cw_crossing_plan(crossing, f->sides, scratch);
	if (r || !cw_crossing_differs(crossing))
		return r;
	t->is_found = true;
	for (side = 0; side < CW_SIDES && !r; side++) {
		rule = cw_crossing_rule(crossing, (enum cw_side)side);
		if (!rule)
			continue;
		is_listed = true;
		f->lessons[side][rule->index].is_found = true;
		r = cw_reroutes_add(f->searches.found, (enum cw_side)side, rule, crossing, false);
	}
	if (!r && !is_listed)
		r = cw_arena_printf(f->arena, &t->doubt,
			"it decides itself about some aliases, such as %" CW_STR_FMT,
			CW_STR_ARG(alias));
	return r;
}

/* Ask about an alias that the transform matches, and the rule (NULL: any). Sets *exists when there is one. */
static int try_one(struct finding *f, struct differing_transform *t, struct cw_crossing *crossing,
	const struct cw_conjunction *languages, bool *exists)
{
	const struct cw_automaton *plausible;
	enum cw_language_answer answer;
	struct cw_conjunction all = *languages;
	struct cw_arena scratch = {0};
	struct cw_str word;
	size_t work;
	int r = cw_rule_language_plausible(f->searches.languages[CW_SIDE_OLD], &plausible);

	if (r)
		return r;
	cw_conjunction_add_in(&all, plausible);
	work = 2 * (all.n_in + all.n_out);
	f->searches.work_left -= work < f->searches.work_left ? work : f->searches.work_left;
	r = cw_conjunction_find(&all, 0, &scratch, &answer, &word);
	if (!r && answer != CW_LANGUAGE_FOUND)
		r = cw_conjunction_find(languages, 0, &scratch, &answer, &word);
	*exists = answer != CW_LANGUAGE_NONE;
	if (!r && answer == CW_LANGUAGE_FOUND)
		r = try_alias(f, t, crossing, word, &scratch);
	cw_arena_finish(&scratch);
	return r;
}

/* Aliases of the transform that no common one takes before it. */
static int begin_transform(struct finding *f, struct differing_transform *t,
	struct cw_conjunction *out, const char **why)
{
	struct cw_language_query language;
	size_t i;
	int r = cw_rule_language_of_transform(
		f->searches.languages[t->side], t->transform, &language, why);

	if (r)
		return r;
	cw_conjunction_add(out, &language);
	for (i = 0; i < f->searches.n_transforms && i < TRANSFORMS_BEFORE_MAX; i++) {
		if (f->common[t->side][i]->index > t->transform->index)
			break;
		r = cw_rule_language_of_transform(
			f->searches.languages[t->side], f->common[t->side][i], &language, why);
		if (r < 0)
			return r;
		if (!r && !*why)
			cw_conjunction_add_not(out, &language);
	}
	*why = NULL;
	return 0;
}

/* Look for aliases of a differing transform that change their way: any, and such as the first rules match. */
static int search_transform(struct finding *f, struct differing_transform *t,
	const struct cw_alignment *alignment, const struct cw_crossing *kind)
{
	struct cw_conjunction languages = {.n_in = 0}, part;
	struct cw_crossing crossing = *kind;
	struct cw_language_query language;
	const struct cw_alignment_list *list;
	const char *why = NULL;
	bool exists = true, unused;
	size_t i;
	int side, r = begin_transform(f, t, &languages, &why);

	if (!r && f->searches.work_left)
		r = try_one(f, t, &crossing, &languages, &exists);
	if (r < 0 || !exists)
		return r < 0 ? r : 0;
	for (side = 0; side < CW_SIDES && !r; side++) {
		list = &alignment->lists[side];
		for (i = 0; i < list->n && i < RULES_TRIED && !r && !t->is_found &&
			    f->searches.work_left;
			i++) {
			part = languages;
			r = cw_rule_language(
				f->searches.languages[side], list->rules[i], &language, &why);
			if (r > 0) {
				r = 0;
				continue;
			}
			if (r)
				break;
			cw_conjunction_add(&part, &language);
			r = try_one(f, t, &crossing, &part, &unused);
		}
	}
	if (r >= 0 && !t->is_found && t->doubt.len == 0)
		return cw_arena_printf(f->arena, &t->doubt,
			"only one of the configurations has it, and not all aliases that it "
			"matches "
			"are compared");
	return r < 0 ? r : 0;
}

static int search_transforms(
	struct finding *f, const struct cw_alignment *alignment, const struct cw_crossing *kind)
{
	size_t i;
	int r = 0;

	for (i = 0; i < f->n_transforms && !r; i++)
		if (!f->transforms[i].is_found)
			r = search_transform(f, &f->transforms[i], alignment, kind);
	return r;
}

/* ---- all of it ---- */

static int search_kind(struct finding *f, const struct cw_crossing *kind)
{
	struct cw_alignment alignment;
	struct cw_arena scratch = {0};
	bool seen = true;
	int r = cw_alignment_make(&alignment, f->sides, &f->effects, kind->requests, &scratch);

	if (!r && (alignment.n_alone || f->n_transforms))
		r = is_seen(f, &alignment, &scratch, &seen);
	if (!r && !seen)
		r = search_rules(f, &alignment, kind);
	if (!r && !seen && !f->searches.is_quick)
		r = search_transforms(f, &alignment, kind);
	cw_arena_finish(&scratch);
	return r;
}

/* Whether no rule names the zone of a kind, and one of another zone like it was asked. */
static bool is_like_another(struct finding *f, const struct cw_crossing *kind)
{
	const struct cw_request *olds = &kind->requests[CW_SIDE_OLD];
	const struct cw_request *news = &kind->requests[CW_SIDE_NEW];
	size_t row = (size_t)olds->authenticated + 2 * (size_t)news->authenticated +
		     4 * (size_t)(olds->from->type == CW_ZONE_DEFAULT) +
		     8 * (size_t)(news->from->type == CW_ZONE_DEFAULT);
	size_t at = (row * 2 + (size_t)olds->protocol) * CW_VARIANT_ANY + (size_t)olds->variant;

	if (cw_table_find(&f->named, kind->from))
		return false;
	if (f->asked[at])
		return true;
	f->asked[at] = true;
	return false;
}

static int search_kinds_of(struct finding *f, enum cw_side side)
{
	static const struct cw_search_rule any = {
		.protocol = CW_RULE_ANY_PROTOCOL, .source = CW_RULE_FROM_ANY};
	struct cw_request_kinds kinds = {
		.zones = f->sides[side].zones, .n_zones = f->sides[side].n_zones};
	struct cw_crossing crossing;
	struct cw_request kind;
	int r = 0;

	while (!r && cw_request_kinds_next(&kinds, &any, &kind)) {
		/* those that both have are asked with the old ones */
		if (side == CW_SIDE_NEW &&
			cw_str_eq(find_source(f, CW_SIDE_OLD, kind.from->name)->name,
				kind.from->name))
			continue;
		cross(f, side, &kind, &crossing);
		if (!is_like_another(f, &crossing))
			r = search_kind(f, &crossing);
	}
	return r;
}

/*
 * First a quick look at all rules, as most of what changes is found soon; then the rest is searched whole, as long as there is work left.
 */
static int search_kinds(struct finding *f)
{
	int side, pass, r = 0;

	for (pass = 0; pass < 2 && !r; pass++) {
		f->searches.is_quick = pass == 0;
		for (side = 0; side < CW_SIDES && !r; side++)
			r = search_kinds_of(f, (enum cw_side)side);
		cw_table_finish(&f->seen);
		cw_table_init(&f->seen);
		memset(f->asked, 0, sizeof(f->asked));
	}
	return r;
}

/* What there is only for aliases that others change as well is told where the others are not listed. */
static void conclude_unsure(struct finding *f)
{
	struct lesson *lesson;
	size_t i;
	int side;

	for (side = 0; side < CW_SIDES; side++) {
		for (i = 0; i < f->unsure.n_rules[side]; i++) {
			lesson = &f->lessons[side][i];
			if (lesson->is_found || !lesson->is_unsure ||
				f->lessons[lesson->other_side][lesson->other->index].is_found)
				continue;
			lesson->is_found = true;
			if (!f->searches.found->by_rule[side][i])
				f->searches.found->by_rule[side][i] = f->unsure.by_rule[side][i];
		}
	}
}

static int gather_doubts(struct finding *f, struct cw_reroute_doubts *out)
{
	const struct cw_search_rule *const *rules;
	struct cw_reroute_doubts made = {.n = 0};
	size_t n[CW_SIDES], i;
	int side;

	(void)cw_ruleset_rules(f->sides[CW_SIDE_OLD].rules, &n[CW_SIDE_OLD]);
	(void)cw_ruleset_rules(f->sides[CW_SIDE_NEW].rules, &n[CW_SIDE_NEW]);
	made.items = cw_arena_alloc(f->arena,
		(n[CW_SIDE_OLD] + n[CW_SIDE_NEW] + f->n_transforms + 1) * sizeof(*made.items));
	if (!made.items)
		return -ENOMEM;
	for (side = 0; side < CW_SIDES; side++) {
		rules = cw_ruleset_rules(f->sides[side].rules, &n[side]);
		for (i = 0; i < n[side]; i++)
			if (!f->lessons[side][i].is_found && f->lessons[side][i].doubt.len)
				made.items[made.n++] = (struct cw_reroute_doubt){rules[i]->name,
					&rules[i]->place, f->lessons[side][i].doubt};
	}
	for (i = 0; i < f->n_transforms; i++)
		if (f->transforms[i].doubt.len)
			made.items[made.n++] =
				(struct cw_reroute_doubt){f->transforms[i].transform->name,
					&f->transforms[i].transform->place, f->transforms[i].doubt};
	*out = made;
	return 0;
}

static int prepare(struct finding *f)
{
	size_t n;
	int side, r = 0;

	for (side = 0; side < CW_SIDES && !r; side++) {
		(void)cw_ruleset_rules(f->sides[side].rules, &n);
		f->lessons[side] = cw_arena_alloc(f->arena, (n + 1) * sizeof(struct lesson));
		f->searches.languages[side] = cw_rule_languages_create(f->sides[side].rules);
		if (!f->lessons[side] || !f->searches.languages[side])
			return -ENOMEM;
		r = index_zones(f, (enum cw_side)side);
	}
	if (!r)
		r = cw_reroutes_init(&f->unsure, f->sides, f->arena);
	if (!r)
		r = sort_transforms(f);
	return r ? r : cw_rule_effects_find(&f->effects, f->sides, f->searches.languages, f->arena);
}

int cw_reroutes_find(struct cw_reroutes *out, struct cw_reroute_doubts *doubts,
	const struct cw_dialplan sides[CW_SIDES], struct cw_arena *arena)
{
	struct finding f = {
		.sides = sides,
		.arena = arena,
		.searches = {.sides = sides,
			.work_left = CW_REROUTE_WORK_MAX,
			.found = out,
			.unsure = &f.unsure},
	};
	int side, r;

	cw_table_init(&f.named);
	cw_table_init(&f.seen);
	for (side = 0; side < CW_SIDES; side++)
		cw_table_init(&f.zones[side]);
	r = prepare(&f);
	if (!r)
		r = search_kinds(&f);
	if (!r) {
		conclude_unsure(&f);
		r = gather_doubts(&f, doubts);
	}
	for (side = 0; side < CW_SIDES; side++) {
		cw_rule_languages_destroy(f.searches.languages[side]);
		cw_table_finish(&f.zones[side]);
	}
	cw_table_finish(&f.named);
	cw_table_finish(&f.seen);
	return r;
}
