/*
 * Which requests reach a search rule: guesses by automata, confirmed by the planner.
 */
#include "analysis/reach.h"

#include "dialplan/alias.h"
#include "regular/conjunction.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Aliases taken out one by one, where a rule has no language to take out. More would hardly tell more. */
#define TEXTS_MAX 8

static_assert(
	CW_REACH_ROUNDS_MAX + TEXTS_MAX + 16 <= CW_CONJUNCTION_MAX, "a query holds all rounds");

/* One question while it is being answered. */
struct question {
	struct cw_rule_languages *languages;
	const struct cw_search_rule *rule;
	struct cw_request request; /* as asked, with the guess as its alias */
	const struct cw_language_query *also;
	struct cw_arena *arena;
	bool is_plausible; /* guesses are plausible addresses; until there are none left */
	/* what was taken out of the rule's language so far */
	const struct cw_search_rule *blockers[CW_REACH_ROUNDS_MAX];
	struct cw_str taken[CW_REACH_ROUNDS_MAX]; /* by each: an alias of the rule, or empty */
	size_t n_blockers;
	const struct cw_transform *transforms[CW_REACH_ROUNDS_MAX];
	size_t n_transforms;
	struct cw_automaton *texts[TEXTS_MAX]; /* owned */
	size_t n_texts;
	bool is_stuck;           /* there is no way to another guess */
	struct cw_str doubt;     /* why there are texts: with them, nothing left is no proof */
	struct cw_str rewritten; /* an alias of the rule that a transform rewrites, or empty */
};

/* ---- the next guess ---- */

/* All that a guess must fulfil, but for blocker number `skip`. That all of it has a language was seen before it was noted. */
static int add_all(struct question *q, struct cw_conjunction *all, size_t skip)
{
	struct cw_language_query language;
	const char *why;
	size_t i;
	int r = cw_rule_language(q->languages, q->rule, &language, &why);

	if (r)
		return r;
	cw_conjunction_add(all, &language);
	if (q->also)
		cw_conjunction_add(all, q->also);
	for (i = 0; i < q->n_blockers; i++) {
		r = cw_rule_language(q->languages, q->blockers[i], &language, &why);
		if (r)
			return r;
		if (i != skip)
			cw_conjunction_add_not(all, &language);
	}
	for (i = 0; i < q->n_transforms; i++) {
		r = cw_rule_language_of_transform(q->languages, q->transforms[i], &language, &why);
		if (r)
			return r;
		cw_conjunction_add_not(all, &language);
	}
	for (i = 0; i < q->n_texts; i++)
		cw_conjunction_add_out(all, q->texts[i]);
	return 0;
}

/* Look for an alias that fulfils it all, and that `besides` accepts (NULL: no matter). */
static int search(struct question *q, size_t skip, const struct cw_automaton *besides,
	enum cw_language_answer *answer, struct cw_str *word)
{
	struct cw_conjunction all = {.n_in = 0};
	int r = add_all(q, &all, skip);

	if (besides)
		cw_conjunction_add_in(&all, besides);
	return r ? r : cw_conjunction_find(&all, 0, q->arena, answer, word);
}

/* A plausible address as long as there are any, then any alias. */
static int make_guess(struct question *q, enum cw_language_answer *answer, struct cw_str *word)
{
	const struct cw_automaton *plausible;
	int r;

	if (q->is_plausible) {
		r = cw_rule_language_plausible(q->languages, &plausible);
		if (!r)
			r = search(q, SIZE_MAX, plausible, answer, word);
		if (r || *answer == CW_LANGUAGE_FOUND)
			return r;
		q->is_plausible = false;
	}
	return search(q, SIZE_MAX, NULL, answer, word);
}

/* ---- what the planner says to it ---- */

static const char over_limit[] = "exceeds its match limit on some aliases";

static int doubt_rule(struct question *q, const struct cw_search_rule *rule, const char *why)
{
	if (q->doubt.len)
		return 0;
	return cw_arena_printf(
		q->arena, &q->doubt, "the pattern of rule '%s' %s", rule->name.p, why);
}

static int doubt_transform(struct question *q, const char *name, const char *why)
{
	if (q->doubt.len)
		return 0;
	return cw_arena_printf(q->arena, &q->doubt, "the pattern of transform '%s' %s", name, why);
}

/* Take out the guess alone. */
static int take_text(struct question *q)
{
	const char *why;
	int r;

	if (q->n_texts == TEXTS_MAX)
		return 0;
	r = cw_automaton_of_text(&q->texts[q->n_texts], q->request.alias, &why);
	if (r == 0)
		q->n_texts++;
	else if (r == CW_AUTOMATON_E_OUTSIDE)
		q->is_stuck = true;
	return r < 0 ? r : 0;
}

static bool matches_itself(const struct cw_search_rule *rule, struct cw_str alias)
{
	return rule->mode != CW_RULE_PATTERN ||
	       cw_pattern_match(rule->pattern, alias) == CW_MATCH_YES;
}

/* Take out the aliases of a rule that took the guess away; where that is not possible, the guess alone. */
static int take_rule(struct question *q, const struct cw_search_rule *rule)
{
	struct cw_language_query language;
	const char *why;
	size_t i;
	int r = cw_rule_language(q->languages, rule, &language, &why);

	if (r < 0)
		return r;
	for (i = 0; i < q->n_blockers && q->blockers[i] != rule; i++)
		;
	if (!why && i == q->n_blockers) {
		if (matches_itself(q->rule, q->request.alias))
			q->taken[q->n_blockers] = q->request.alias;
		q->blockers[q->n_blockers++] = rule;
		return 0;
	}
	r = doubt_rule(q, rule, why ? why : over_limit);
	return r ? r : take_text(q);
}

/* Likewise for a transform that rewrote it. */
static int take_transform(struct question *q, const struct cw_transform *transform)
{
	struct cw_language_query language;
	const char *why;
	int r = cw_rule_language_of_transform(q->languages, transform, &language, &why);

	if (r < 0)
		return r;
	if (!why) {
		q->transforms[q->n_transforms++] = transform;
		return 0;
	}
	r = doubt_transform(q, transform->name.p, why);
	return r ? r : take_text(q);
}

/* The rule that keeps all that it matches from `rule`, and the guess with it; NULL: there is none. */
static const struct cw_search_rule *find_blocker(
	const struct cw_plan *plan, const struct cw_search_rule *rule)
{
	const struct cw_search_rule *other;
	size_t i;

	for (i = 0; i < plan->n_considered; i++) {
		other = plan->considered[i].rule;
		if (other->stop && other->priority < rule->priority)
			return other;
	}
	return NULL;
}

/* The rule at which the request fails; NULL: it does not, or at a transform. */
static const struct cw_search_rule *find_failing(const struct cw_plan *plan)
{
	if (plan->n_considered == 0 ||
		plan->considered[plan->n_considered - 1].verdict != CW_VERDICT_LIMIT)
		return NULL;
	return plan->considered[plan->n_considered - 1].rule;
}

static bool is_matched(const struct cw_plan *plan, const struct cw_search_rule *rule)
{
	size_t i;

	for (i = 0; i < plan->n_considered; i++)
		if (plan->considered[i].rule == rule)
			return plan->considered[i].verdict == CW_VERDICT_MATCH;
	return false;
}

/* Nothing keeps the guess from the rule, and yet it is not matched: its language holds more than its pattern matches. */
static int take_own(struct question *q)
{
	struct cw_language_query language;
	const char *why;
	int r = cw_rule_language(q->languages, q->rule, &language, &why);

	if (!r)
		r = doubt_rule(q, q->rule, why ? why : over_limit);
	return r ? r : take_text(q);
}

/* Whether a SIP request can have this alias: an encoded unreserved character is decoded before any rule sees it. */
static bool is_prepared(struct cw_str alias, struct cw_arena *arena)
{
	struct cw_str uri, prepared;

	return !cw_arena_join(arena, &uri, (const struct cw_str[]){cw_str_of("sip:"), alias}, 2) &&
	       cw_alias_prepare(&prepared, uri, arena) == 0 && cw_str_eq(prepared, alias);
}

/* Let the planner judge the guess, and take out what took it away. Sets *reached when nothing did. */
static int judge(struct question *q, struct cw_arena *arena, bool *reached)
{
	const struct cw_search_rule *blocker, *failing;
	struct cw_plan plan;
	int r = cw_plan_decide(&plan, cw_rule_languages_set(q->languages), &q->request, arena);

	if (r)
		return r;
	*reached = false;
	if (q->request.protocol == CW_PROTOCOL_SIP && !is_prepared(q->request.alias, arena)) {
		r = doubt_rule(q, q->rule, "is met by aliases that are decoded before");
		return r ? r : take_text(q);
	}
	if (plan.transform && !cw_str_eq(plan.alias, q->request.alias)) {
		if (matches_itself(q->rule, q->request.alias))
			q->rewritten = q->request.alias;
		return take_transform(q, plan.transform);
	}
	if (is_matched(&plan, q->rule)) {
		*reached = true;
		return 0;
	}
	blocker = find_blocker(&plan, q->rule);
	if (blocker)
		return take_rule(q, blocker);
	if (plan.decision == CW_DECISION_LIMIT && plan.n_considered == 0) {
		r = doubt_transform(q, plan.limit_name, "gives no usable alias for some");
		return r ? r : take_text(q);
	}
	/* one that does not stop lets other aliases pass */
	failing = find_failing(&plan);
	if (failing && failing != q->rule) {
		r = doubt_rule(q, failing, plan.limit_reason);
		return r ? r : take_text(q);
	}
	return take_own(q);
}

/* ---- nothing is left ---- */

/*
 * Aliases that a transform rewrites were taken out, but what transforms make, or keep from those behind them, reaches the rules as well:
 * whether any of it could be an alias that was not taken out otherwise. Then it is in doubt.
 */
static int check_results(struct question *q)
{
	size_t n_taken = q->n_transforms;
	const struct cw_transform *const *transforms;
	enum cw_language_answer answer = CW_LANGUAGE_NONE;
	struct cw_automaton *results = NULL;
	struct cw_str word;
	size_t n, i;
	int r = 0;

	transforms = cw_ruleset_transforms(cw_rule_languages_set(q->languages), &n);
	q->n_transforms = 0;
	for (i = 0; !r && answer == CW_LANGUAGE_NONE && i < n; i++) {
		if (!transforms[i]->enabled)
			continue;
		r = cw_rule_language_of_result(&results, transforms[i]);
		if (!r)
			r = search(q, SIZE_MAX, results, &answer, &word);
		cw_automaton_destroy(results);
		results = NULL;
		if (!r && answer != CW_LANGUAGE_NONE)
			r = cw_arena_printf(q->arena, &q->doubt,
				"transform '%s' may make or keep aliases that reach it",
				transforms[i]->name.p);
	}
	q->n_transforms = n_taken;
	return r;
}

/* Leave out the blockers that the others make needless. */
static int drop_needless(struct question *q)
{
	enum cw_language_answer answer;
	struct cw_str word;
	size_t i = 0;
	int r;

	while (i < q->n_blockers) {
		r = search(q, i, NULL, &answer, &word);
		if (r)
			return r;
		if (answer != CW_LANGUAGE_NONE) {
			i++;
			continue;
		}
		q->n_blockers--;
		memmove(&q->blockers[i], &q->blockers[i + 1],
			(q->n_blockers - i) * sizeof(q->blockers[0]));
		memmove(&q->taken[i], &q->taken[i + 1], (q->n_blockers - i) * sizeof(q->taken[0]));
	}
	return 0;
}

static int compare_rules(const void *a, const void *b)
{
	const struct cw_search_rule *x = *(const struct cw_search_rule *const *)a;
	const struct cw_search_rule *y = *(const struct cw_search_rule *const *)b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static int conclude_none(struct question *q, struct cw_reach_result *out)
{
	const struct cw_search_rule **blockers;
	struct cw_str witness = q->rewritten;
	size_t i;
	int r = q->n_transforms ? check_results(q) : drop_needless(q);

	for (i = 0; i < q->n_blockers && (i == 0 || witness.len == 0); i++)
		witness = q->taken[i];
	if (r || q->doubt.len)
		return r;
	if (q->n_blockers && witness.len == 0)
		return doubt_rule(q, q->rule, "matches no alias that was tried");
	blockers = cw_arena_alloc(q->arena, (q->n_blockers + 1) * sizeof(*blockers));
	if (!blockers)
		return -ENOMEM;
	memcpy(blockers, q->blockers, q->n_blockers * sizeof(*blockers));
	qsort(blockers, q->n_blockers, sizeof(*blockers), compare_rules);
	*out = (struct cw_reach_result){
		.answer = CW_REACH_NONE,
		.witness = witness,
		.blockers = blockers,
		.n_blockers = q->n_blockers,
		.transform = q->n_transforms ? q->transforms[0] : NULL,
	};
	return 0;
}

/* One guess and what comes of it. Sets *ended when there is an answer: in *out, or a doubt. */
static int ask_once(struct question *q, struct cw_reach_result *out, bool *ended)
{
	enum cw_language_answer answer;
	struct cw_arena scratch = {0};
	struct cw_str word;
	bool reached;
	int r = make_guess(q, &answer, &word);

	*ended = true;
	if (r)
		return r;
	if (answer == CW_LANGUAGE_NONE)
		return q->doubt.len ? 0 : conclude_none(q, out);
	if (answer == CW_LANGUAGE_LIMIT)
		return cw_arena_printf(q->arena, &q->doubt,
			"its automaton with those of %zu other rules is too large", q->n_blockers);
	q->request.alias = word;
	r = judge(q, &scratch, &reached);
	cw_arena_finish(&scratch);
	if (!r && reached)
		*out = (struct cw_reach_result){.answer = CW_REACH_FOUND, .witness = word};
	*ended = r || reached || q->is_stuck || q->n_texts == TEXTS_MAX;
	return r;
}

int cw_reach_find(struct cw_rule_languages *languages, const struct cw_search_rule *rule,
	const struct cw_request *request, const struct cw_language_query *also,
	struct cw_arena *arena, struct cw_reach_result *result)
{
	struct question q = {
		.languages = languages,
		.rule = rule,
		.request = *request,
		.also = also,
		.arena = arena,
		.is_plausible = true,
	};
	struct cw_language_query own;
	const char *why;
	bool ended = false;
	size_t rounds;
	int r = cw_rule_language(languages, rule, &own, &why);

	*result = (struct cw_reach_result){.answer = CW_REACH_UNDECIDED};
	if (r == CW_AUTOMATON_E_OUTSIDE) {
		r = doubt_rule(&q, rule, why);
		ended = true;
	}
	for (rounds = 0; !r && !ended && rounds < CW_REACH_ROUNDS_MAX; rounds++)
		r = ask_once(&q, result, &ended);
	if (!r && !ended)
		r = cw_arena_printf(arena, &q.doubt,
			"more than %d rules take some of its aliases away",
			CW_REACH_ROUNDS_MAX - 1);
	result->reason = q.doubt;
	while (q.n_texts)
		cw_automaton_destroy(q.texts[--q.n_texts]);
	return r;
}
