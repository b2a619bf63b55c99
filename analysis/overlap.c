/*
 * Pairs of rules that share aliases.
 *
 * Most rules are about one host. Two of different hosts share no plausible address, so that only rules of one host are compared
 * with each other, and those that are not about one host with all.
 */
#include "analysis/overlap.h"

#include "analysis/request_kind.h"
#include "dialplan/alias.h"
#include "regular/conjunction.h"

#include <errno.h>
#include <stdlib.h>

#define STATES_MAX 2000 /* of one comparison: a note is not worth more */

/* A rule to compare. */
struct item {
	const struct cw_search_rule *rule;
	struct cw_str
		host; /* the one host of all its plausible addresses; empty: it is about several */
};

/* Two rules that share aliases. */
struct pair {
	const struct cw_search_rule *earlier, *later;
	struct cw_request witness;
};

struct search {
	struct cw_findings *findings;
	struct cw_rule_languages *languages;
	const struct cw_zone *const *zones;
	size_t n_zones;
	const struct cw_automaton *plausible;
	struct item *items;
	size_t n_items;
	size_t n_compared;
	struct pair *pairs; /* found */
	size_t n_pairs;
	const struct cw_search_rule
		*left_out; /* the first that was not compared with all, or NULL */
};

/* A plausible address that both rules match. */
static int find_common(struct search *s, const struct cw_search_rule *x,
	const struct cw_search_rule *y, struct cw_arena *arena, bool *found, struct cw_str *word)
{
	struct cw_conjunction both = {.n_in = 0};
	struct cw_language_query language;
	enum cw_language_answer answer;
	const char *why;
	int r = cw_rule_language(s->languages, x, &language, &why);

	if (r)
		return r;
	cw_conjunction_add(&both, &language);
	r = cw_rule_language(s->languages, y, &language, &why);
	if (r)
		return r;
	cw_conjunction_add(&both, &language);
	cw_conjunction_add_in(&both, s->plausible);
	r = cw_conjunction_find(&both, STATES_MAX, arena, &answer, word);
	*found = !r && answer == CW_LANGUAGE_FOUND;
	return r;
}

/* Whether all plausible addresses of the rule are of the host that its witness has; then it is the item's host. */
static int find_host(struct search *s, struct item *item, const struct cw_language_query *language,
	struct cw_str witness)
{
	struct cw_str host = cw_alias_host(witness), any_user;
	struct cw_conjunction others = {.n_in = 0};
	struct cw_automaton *same = NULL;
	enum cw_language_answer answer;
	struct cw_arena arena = {0};
	const char *why;
	int r = cw_arena_printf(&arena, &any_user, "[^@]*@\\Q%" CW_STR_FMT "\\E", CW_STR_ARG(host));

	if (!r)
		r = cw_automaton_of_regex(&same, any_user, &why);
	if (r)
		goto out;
	cw_conjunction_add(&others, language);
	cw_conjunction_add_in(&others, s->plausible);
	cw_conjunction_add_out(&others, same);
	r = cw_conjunction_find(&others, STATES_MAX, &arena, &answer, &any_user);
	if (!r && answer == CW_LANGUAGE_NONE)
		item->host = host;
out:
	cw_automaton_destroy(same);
	cw_arena_finish(&arena);
	return r < 0 ? r : 0;
}

/* The rules that are reached and whose language is exact. */
static int collect(struct search *s, const struct cw_request *reached)
{
	const struct cw_search_rule *const *rules;
	struct cw_language_query language;
	struct item *item;
	const char *why;
	size_t n, i;
	int r = 0;

	rules = cw_ruleset_rules(cw_rule_languages_set(s->languages), &n);
	s->items = calloc(n + 1, sizeof(*s->items));
	if (!s->items)
		return -ENOMEM;
	for (i = 0; !r && i < n; i++) {
		if (reached[i].alias.len == 0)
			continue;
		item = &s->items[s->n_items];
		*item = (struct item){.rule = rules[i]};
		cw_rule_languages_trim(s->languages);
		r = cw_rule_language(s->languages, rules[i], &language, &why);
		if (r || why) {
			r = r < 0 ? r : 0;
			continue;
		}
		s->n_items++;
		r = find_host(s, item, &language, reached[i].alias);
	}
	return r;
}

/* A kind of request that both rules admit. */
static bool find_kind(const struct search *s, const struct cw_search_rule *x,
	const struct cw_search_rule *y, struct cw_request *out)
{
	struct cw_request_kinds kinds = {.zones = s->zones, .n_zones = s->n_zones};

	while (cw_request_kinds_next(&kinds, x, out))
		if (cw_plan_admits(y, out))
			return true;
	return false;
}

/* Whether a transform makes another alias of it, or may. */
static bool is_rewritten(const struct search *s, struct cw_str alias)
{
	const struct cw_transform *const *transforms;
	size_t n, i;

	transforms = cw_ruleset_transforms(cw_rule_languages_set(s->languages), &n);
	for (i = 0; i < n; i++)
		if (transforms[i]->enabled &&
			cw_pattern_match(transforms[i]->pattern, alias) != CW_MATCH_NO)
			return true;
	return false;
}

/* Compare two rules, the earlier first. */
static int compare(
	struct search *s, const struct cw_search_rule *earlier, const struct cw_search_rule *later)
{
	struct pair *pair = &s->pairs[s->n_pairs];
	struct cw_arena scratch = {0};
	bool found = false, within = false;
	struct cw_str word;
	int r;

	*pair = (struct pair){.earlier = earlier, .later = later};
	if (earlier->target == later->target || !find_kind(s, later, earlier, &pair->witness))
		return 0;
	s->n_compared++;
	cw_rule_languages_trim(s->languages);
	r = find_common(s, earlier, later, &scratch, &found, &word);
	if (!r && found && is_rewritten(s, word))
		found = false; /* for some other address it may be true, but this one does not show it */
	if (!r && found)
		r = cw_rule_language_within(s->languages, later, earlier, &within);
	if (!r && found && !within)
		r = cw_rule_language_within(s->languages, earlier, later, &within);
	if (!r && found && !within)
		r = cw_arena_str(s->findings->arena, word, &pair->witness.alias);
	if (!r && found && !within)
		s->n_pairs++;
	cw_arena_finish(&scratch);
	return r;
}

/* By host, those of several hosts first; then in the order of the rules. */
static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order;

	if (x->host.len != y->host.len)
		return x->host.len < y->host.len ? -1 : 1;
	order = x->host.len ? memcmp(x->host.p, y->host.p, x->host.len) : 0;
	if (order)
		return order;
	return x->rule->index < y->rule->index ? -1 : x->rule->index > y->rule->index;
}

/* Compare each rule of several hosts with all, and each of one host with the others of this host. */
static int compare_all(struct search *s)
{
	const struct item *x, *y;
	size_t i, k;
	int r = 0;

	for (i = 0; !r && i < s->n_items; i++) {
		x = &s->items[i];
		for (k = i + 1; !r && k < s->n_items; k++) {
			y = &s->items[k];
			if (x->host.len && !cw_str_eq(x->host, y->host))
				break;
			if (s->n_compared == CW_OVERLAP_PAIRS_MAX) {
				s->left_out = x->rule;
				return 0;
			}
			r = x->rule->index < y->rule->index ? compare(s, x->rule, y->rule)
							    : compare(s, y->rule, x->rule);
		}
	}
	return r;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->later != y->later)
		return x->later->index < y->later->index ? -1 : 1;
	return x->earlier->index < y->earlier->index ? -1 : x->earlier->index > y->earlier->index;
}

/* One note about the later rule of these pairs. */
static int add_overlap(struct search *s, const struct pair *pairs, size_t n)
{
	struct cw_arena *arena = s->findings->arena;
	const struct cw_search_rule **others = cw_arena_alloc(arena, n * sizeof(*others));
	struct cw_finding finding = {.kind = CW_FINDING_OVERLAP,
		.rule = pairs->later,
		.others = others,
		.n_others = n,
		.witness = pairs->witness};
	bool is_lost = pairs->earlier->stop && pairs->earlier->priority < pairs->later->priority;
	size_t i;
	int r;

	if (!others)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		others[i] = pairs[i].earlier;
	r = cw_arena_printf(arena, &finding.message,
		"shares aliases with rule '%s', which leads them to \"%s\" and %s",
		pairs->earlier->name.p, pairs->earlier->target->name.p,
		is_lost ? "stops" : "is tried first");
	if (!r && n > 1)
		r = cw_arena_printf(arena, &finding.message, "%" CW_STR_FMT ", and with %zu more",
			CW_STR_ARG(finding.message), n - 1);
	return r ? r : cw_findings_add(s->findings, &finding);
}

static int add_overlaps(struct search *s)
{
	size_t i, n;
	int r = 0;

	qsort(s->pairs, s->n_pairs, sizeof(*s->pairs), compare_pairs);
	for (i = 0; !r && i < s->n_pairs; i += n) {
		for (n = 1; i + n < s->n_pairs && s->pairs[i + n].later == s->pairs[i].later; n++)
			;
		r = add_overlap(s, &s->pairs[i], n);
	}
	return r;
}

/* Say of which rules it is not known. */
static int say_left_out(struct search *s)
{
	struct cw_finding finding = {.kind = CW_FINDING_UNDECIDED, .rule = s->left_out};
	int r = cw_arena_printf(s->findings->arena, &finding.message,
		"may share aliases with others: after %d pairs of rules no more were compared",
		CW_OVERLAP_PAIRS_MAX);

	return r ? r : cw_findings_add(s->findings, &finding);
}

int cw_overlap_find(struct cw_findings *findings, struct cw_rule_languages *languages,
	const struct cw_request *reached, const struct cw_zone *const *zones, size_t n_zones)
{
	struct search s = {
		.findings = findings, .languages = languages, .zones = zones, .n_zones = n_zones};
	int r = cw_rule_language_plausible(languages, &s.plausible);

	s.pairs = calloc(CW_OVERLAP_PAIRS_MAX + 1, sizeof(*s.pairs));
	if (!r && !s.pairs)
		r = -ENOMEM;
	if (!r)
		r = collect(&s, reached);
	if (!r && s.n_items)
		qsort(s.items, s.n_items, sizeof(*s.items), compare_items);
	if (!r)
		r = compare_all(&s);
	if (!r)
		r = add_overlaps(&s);
	if (!r && s.left_out)
		r = say_left_out(&s);
	free(s.pairs);
	free(s.items);
	return r;
}
