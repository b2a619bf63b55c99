/*
 * Findings about whether rules are reached, and whether they add anything.
 */
#include "analysis/analysis.h"

#include "analysis/overlap.h"
#include "analysis/reach.h"
#include "analysis/request_kind.h"
#include "analysis/rule_style.h"

#include <errno.h>
#include <stdlib.h>

#define NAMES_MAX 4 /* rules named in a message; all are in the finding */
#define UNDECIDED_MAX                                                                              \
	4 /* kinds of requests without a decision, after which no further one is asked */

struct analysis {
	struct cw_findings *findings;
	struct cw_rule_languages *languages;
	const struct cw_search_rule *const *rules;
	size_t n_rules;
	const struct cw_zone *const *zones;
	size_t n_zones;
	struct cw_request *
		reached; /* by the order of the rules: a request that reaches it, or an empty alias */
};

/* What was learnt of one rule over the kinds of requests. */
struct lesson {
	const struct cw_search_rule *rule;
	size_t n_kinds;
	struct cw_request request; /* the first kind; from then on that of the witness */
	bool is_reached;
	bool has_proof;
	struct cw_reach_result proof;           /* of the last kind that needed one of its own */
	const struct cw_search_rule **blockers; /* of all proofs, in order */
	size_t n_blockers;
	size_t n_undecided;
	struct cw_str reason; /* of the first */
};

static struct cw_arena *arena_of(const struct analysis *a)
{
	return a->findings->arena;
}

static int add(struct analysis *a, const struct cw_finding *finding)
{
	return cw_findings_add(a->findings, finding);
}

/* Put the rules of a proof among those of the ones before, each once, in order. */
static int merge_blockers(struct analysis *a, struct lesson *l, const struct cw_reach_result *proof)
{
	const struct cw_search_rule **all =
		cw_arena_alloc(arena_of(a), (l->n_blockers + proof->n_blockers + 1) * sizeof(*all));
	size_t i = 0, k = 0, n = 0;

	if (!all)
		return -ENOMEM;
	while (i < l->n_blockers || k < proof->n_blockers) {
		if (k == proof->n_blockers ||
			(i < l->n_blockers && l->blockers[i]->index < proof->blockers[k]->index)) {
			all[n++] = l->blockers[i++];
			continue;
		}
		if (i < l->n_blockers && l->blockers[i] == proof->blockers[k])
			i++;
		all[n++] = proof->blockers[k++];
	}
	l->blockers = all;
	l->n_blockers = n;
	return 0;
}

/* Whether the last proof holds for this kind of request as well: all of its rules admit it. */
static bool is_proved(const struct lesson *l, const struct cw_request *request)
{
	size_t i;

	for (i = 0; l->has_proof && i < l->proof.n_blockers; i++)
		if (!cw_plan_admits(l->proof.blockers[i], request))
			return false;
	return l->has_proof;
}

/* Take note of the answer for one kind of request. */
static int note(struct analysis *a, struct lesson *l, const struct cw_request *request,
	const struct cw_reach_result *result)
{
	if (l->n_kinds++ == 0 || result->answer == CW_REACH_FOUND) {
		l->request = *request;
		l->request.alias = result->witness;
	}
	switch (result->answer) {
	case CW_REACH_FOUND:
		l->is_reached = true;
		return 0;
	case CW_REACH_UNDECIDED:
		if (l->n_undecided++ == 0)
			l->reason = result->reason;
		return 0;
	case CW_REACH_NONE:
		l->has_proof = true;
		l->proof = *result;
		return merge_blockers(a, l, result);
	}
	return 0;
}

/* Ask for every kind of request, until one reaches the rule. */
static int study(struct analysis *a, struct lesson *l)
{
	struct cw_request_kinds kinds = {.zones = a->zones, .n_zones = a->n_zones};
	struct cw_reach_result result;
	struct cw_request request;
	int r = 0;

	while (!r && !l->is_reached && l->n_undecided < UNDECIDED_MAX &&
		cw_request_kinds_next(&kinds, l->rule, &request)) {
		if (is_proved(l, &request))
			continue;
		r = cw_reach_find(a->languages, l->rule, &request, NULL, arena_of(a), &result);
		if (!r)
			r = note(a, l, &request, &result);
	}
	return r;
}

/* ---- rules that add nothing ---- */

static bool is_same_rewriting(const struct cw_search_rule *x, const struct cw_search_rule *y)
{
	if (x->behavior == CW_BEHAVIOR_LEAVE && y->behavior == CW_BEHAVIOR_LEAVE)
		return true;
	return x->mode == CW_RULE_PATTERN && y->mode == CW_RULE_PATTERN &&
	       x->behavior == y->behavior &&
	       cw_pattern_type(x->pattern) == cw_pattern_type(y->pattern) &&
	       cw_str_eq(cw_pattern_text(x->pattern), cw_pattern_text(y->pattern)) &&
	       cw_str_eq(cw_pattern_replacement(x->pattern), cw_pattern_replacement(y->pattern));
}

/* Whether every kind of request that `rule` admits is one that `other` admits. */
static bool is_admitted(
	struct analysis *a, const struct cw_search_rule *rule, const struct cw_search_rule *other)
{
	struct cw_request_kinds kinds = {.zones = a->zones, .n_zones = a->n_zones};
	struct cw_request request;

	while (cw_request_kinds_next(&kinds, rule, &request))
		if (!cw_plan_admits(other, &request))
			return false;
	return true;
}

/* Whether `earlier`, where both are asked, has led all aliases of `rule` to the same target, and stops if `rule` does. */
static int is_said_by(struct analysis *a, const struct cw_search_rule *rule,
	const struct cw_search_rule *earlier, bool *yes)
{
	*yes = false;
	if (earlier->target != rule->target || (rule->stop && !earlier->stop) ||
		!is_same_rewriting(rule, earlier) || !is_admitted(a, rule, earlier))
		return 0;
	return cw_rule_language_within(a->languages, rule, earlier, yes);
}

static bool is_same_criteria(
	struct analysis *a, const struct cw_search_rule *x, const struct cw_search_rule *y)
{
	return is_admitted(a, x, y) && is_admitted(a, y, x);
}

/* Whether the one rule that shadows it is its double. */
static int is_double(struct analysis *a, const struct lesson *l, bool *yes)
{
	const struct cw_search_rule *other = l->n_blockers == 1 ? l->blockers[0] : NULL;

	*yes = false;
	if (!other || other->target != l->rule->target || !is_same_rewriting(l->rule, other) ||
		!is_same_criteria(a, l->rule, other))
		return 0;
	return cw_rule_language_within(a->languages, other, l->rule, yes);
}

/* Look among the rules that match the witness as well for one that says all that this one says. */
static int check_reached(struct analysis *a, const struct lesson *l)
{
	struct cw_finding finding = {.kind = CW_FINDING_DUPLICATE,
		.level = CW_FINDING_WARNING,
		.rule = l->rule,
		.witness = l->request};
	const struct cw_search_rule **other;
	struct cw_plan plan;
	bool yes = false;
	size_t i;
	int r = cw_plan_decide(
		&plan, cw_rule_languages_set(a->languages), &l->request, arena_of(a));

	for (i = 0; !r && !yes && i < plan.n_considered && plan.considered[i].rule != l->rule; i++)
		r = is_said_by(a, l->rule, plan.considered[i].rule, &yes);
	if (r || !yes)
		return r;
	other = cw_arena_alloc(arena_of(a), sizeof(*other));
	if (!other)
		return -ENOMEM;
	*other = plan.considered[i - 1].rule;
	finding.others = other;
	finding.n_others = 1;
	r = cw_arena_printf(arena_of(a), &finding.message,
		"adds nothing: rule '%s' leads every alias that it matches to the same target",
		(*other)->name.p);
	return r ? r : add(a, &finding);
}

/* ---- rules that are not reached ---- */

/* Why no kind of request is admitted. */
static const char *name_obstacle(const struct cw_search_rule *rule)
{
	size_t i;

	for (i = 0; i < rule->n_sources && rule->sources[i]->type == CW_ZONE_DNS; i++)
		;
	if (rule->source == CW_RULE_FROM_NAMED && i == rule->n_sources)
		return "nothing comes from a dns zone; strangers come from \"default\"";
	if (rule->authenticated)
		return "it wants authenticated requests, and none of its source zones is trusted";
	return "no request of its protocol has its variant";
}

static int add_unreachable(struct analysis *a, const struct lesson *l)
{
	struct cw_finding finding = {.kind = CW_FINDING_UNREACHABLE,
		.level = CW_FINDING_WARNING,
		.rule = l->rule,
		.witness = l->request};
	struct cw_arena *arena = arena_of(a);
	int r;

	if (l->n_kinds == 0)
		r = cw_arena_printf(
			arena, &finding.message, "can never match: %s", name_obstacle(l->rule));
	else if (l->proof.transform)
		r = cw_arena_printf(arena, &finding.message,
			"can never match: transform '%s' rewrites the aliases that it matches",
			l->proof.transform->name.p);
	else
		r = cw_arena_printf(
			arena, &finding.message, "can never match: its pattern matches no alias");
	return r ? r : add(a, &finding);
}

/* The names of the first rules of a list: "rules 'a', 'b' and 2 more". */
static int name_rules(struct cw_arena *arena, struct cw_str *out,
	const struct cw_search_rule *const *rules, size_t n)
{
	size_t shown = n <= NAMES_MAX + 1 ? n : NAMES_MAX, i;
	struct cw_str list = cw_str_of(n == 1 ? "rule" : "rules");
	const char *glue;
	int r = 0;

	for (i = 0; !r && i < shown; i++) {
		glue = i == 0 ? "" : i + 1 == n ? " and" : ",";
		r = cw_arena_printf(arena, &list, "%" CW_STR_FMT "%s '%s'", CW_STR_ARG(list), glue,
			rules[i]->name.p);
	}
	if (!r && shown < n)
		r = cw_arena_printf(
			arena, &list, "%" CW_STR_FMT " and %zu more", CW_STR_ARG(list), n - shown);
	*out = list;
	return r;
}

static int add_shadowed(struct analysis *a, const struct lesson *l)
{
	struct cw_finding finding = {.kind = CW_FINDING_SHADOWED,
		.level = CW_FINDING_WARNING,
		.rule = l->rule,
		.others = l->blockers,
		.n_others = l->n_blockers,
		.witness = l->request};
	struct cw_str names;
	bool is_duplicate = false;
	int r = is_double(a, l, &is_duplicate);

	if (!r)
		r = name_rules(arena_of(a), &names, l->blockers, l->n_blockers);
	if (r)
		return r;
	if (is_duplicate)
		finding.kind = CW_FINDING_DUPLICATE;
	r = cw_arena_printf(arena_of(a), &finding.message,
		is_duplicate ? "is never reached: %" CW_STR_FMT " says the same before it"
			     : "is never reached: %" CW_STR_FMT
			       " before it take%s all aliases that it matches",
		CW_STR_ARG(names), l->n_blockers == 1 ? "s" : "");
	return r ? r : add(a, &finding);
}

static int add_undecided(struct analysis *a, const struct lesson *l)
{
	struct cw_finding finding = {.kind = CW_FINDING_UNDECIDED, .rule = l->rule};
	int r = cw_arena_printf(arena_of(a), &finding.message,
		"may be reached or not, which was not decided: %" CW_STR_FMT,
		CW_STR_ARG(l->reason));

	return r ? r : add(a, &finding);
}

static int check_rule(struct analysis *a, const struct cw_search_rule *rule)
{
	struct lesson l = {.rule = rule};
	int r = study(a, &l);

	if (r)
		return r;
	if (l.is_reached) {
		a->reached[rule->index] = l.request;
		return check_reached(a, &l);
	}
	if (l.n_undecided)
		return add_undecided(a, &l);
	return l.n_blockers ? add_shadowed(a, &l) : add_unreachable(a, &l);
}

int cw_analysis_run(struct cw_findings *findings, const struct cw_ruleset *set,
	const struct cw_zone *const *zones, size_t n_zones)
{
	struct analysis a = {.findings = findings, .zones = zones, .n_zones = n_zones};
	int r = -ENOMEM;
	size_t i;

	a.rules = cw_ruleset_rules(set, &a.n_rules);
	a.languages = cw_rule_languages_create(set);
	a.reached = calloc(a.n_rules + 1, sizeof(*a.reached));
	if (!a.languages || !a.reached)
		goto out;
	r = 0;
	for (i = 0; !r && i < a.n_rules; i++) {
		cw_rule_languages_trim(a.languages);
		if (a.rules[i]->enabled)
			r = check_rule(&a, a.rules[i]);
	}
	if (!r)
		r = cw_overlap_find(findings, a.languages, a.reached, zones, n_zones);
	if (!r)
		r = cw_rule_style_check(findings, set, zones, n_zones);
	if (!r)
		cw_findings_sort(findings);
out:
	free(a.reached);
	cw_rule_languages_destroy(a.languages);
	return r;
}
