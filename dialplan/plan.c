/*
 * The decision: transforms, then every rule's criteria in turn, then the targets.
 *
 * Both ways through the rules ask a rule by the same function, so that they cannot come to differ in what a rule means; decide
 * leaves out only the words.
 */
#include "dialplan/plan.h"

#include "dialplan/alias.h"

#include <errno.h>

#define REASON_PATTERN_MAX 120 /* bytes of a pattern shown in a reason */
#define REASON_SOURCES_MAX 6   /* zones named in a reason */

/* One walk through the rules for one request. */
struct walk {
	const struct cw_request *request;
	struct cw_arena *arena;
	bool with_reasons;
	struct cw_plan plan;
	size_t targets_capacity, considered_capacity;
	const struct cw_search_rule *stop;  /* the first match with on-match stop, or NULL */
	const struct cw_search_rule *limit; /* the rule at which the request failed, or NULL */
	/* about the rule that is being asked */
	struct cw_str rewritten;
	struct cw_str reason;
	int error; /* a reason could not be written: memory is short */
};

static const char *const verdict_names[] = {
	[CW_VERDICT_MATCH] = "match",
	[CW_VERDICT_NO_MATCH] = "no-match",
	[CW_VERDICT_SKIPPED] = "skipped",
	[CW_VERDICT_NOT_REACHED] = "not-reached",
	[CW_VERDICT_LIMIT] = "limit",
};

static const char *const decision_names[] = {
	[CW_DECISION_ROUTED] = "routed",
	[CW_DECISION_NO_RULE] = "no-rule",
	[CW_DECISION_LIMIT] = "limit",
};

static const char limit_exceeded[] = "exceeded its match limit";
static const char alias_unusable[] = "makes an alias that is empty or too long";

#define SAY(w, ...)                                                                                \
	do {                                                                                       \
		if ((w)->with_reasons && cw_arena_printf((w)->arena, &(w)->reason, __VA_ARGS__))   \
			(w)->error = -ENOMEM;                                                      \
	} while (0)

/*
 * The criteria of a rule. Each answers yes, no, or (a pattern) cannot tell, and leaves its reason unless it says yes; what a rule has no
 * criterion for says yes.
 */

static enum cw_match match_protocol(struct walk *w, const struct cw_search_rule *rule)
{
	enum cw_protocol wanted;

	if (rule->protocol == CW_RULE_ANY_PROTOCOL)
		return CW_MATCH_YES;
	wanted = rule->protocol == CW_RULE_SIP ? CW_PROTOCOL_SIP : CW_PROTOCOL_XMPP;
	if (w->request->protocol == wanted)
		return CW_MATCH_YES;
	SAY(w, "protocol is %s, rule wants %s", cw_protocol_name(w->request->protocol),
		cw_protocol_name(wanted));
	return CW_MATCH_NO;
}

static bool is_variant(enum cw_rule_variant wanted, enum cw_variant variant)
{
	if (variant == CW_VARIANT_ANY)
		return true;
	switch (wanted) {
	case CW_RULE_ANY_VARIANT:
		return true;
	case CW_RULE_STANDARD:
		return variant == CW_VARIANT_STANDARD;
	case CW_RULE_MICROSOFT:
		return variant != CW_VARIANT_STANDARD;
	case CW_RULE_MS_IMP:
		return variant == CW_VARIANT_MS_IMP;
	case CW_RULE_MS_AV:
		return variant == CW_VARIANT_MS_AV;
	case CW_RULE_MS_SIP:
		return variant == CW_VARIANT_MS_SIP;
	}
	return false;
}

static enum cw_match match_variant(struct walk *w, const struct cw_search_rule *rule)
{
	if (is_variant(rule->variant, w->request->variant))
		return CW_MATCH_YES;
	SAY(w, "variant is %s, rule wants %s", cw_variant_name(w->request->variant),
		cw_rule_variant_name(rule->variant));
	return CW_MATCH_NO;
}

static void say_sources(struct walk *w, const struct cw_search_rule *rule)
{
	size_t i;

	SAY(w, "source zone is %" CW_STR_FMT ", rule wants", CW_STR_ARG(w->request->from->name));
	for (i = 0; i < rule->n_sources && i < REASON_SOURCES_MAX; i++)
		SAY(w, "%" CW_STR_FMT "%s %" CW_STR_FMT, CW_STR_ARG(w->reason), i ? " or" : "",
			CW_STR_ARG(rule->sources[i]->name));
	if (i < rule->n_sources)
		SAY(w, "%" CW_STR_FMT " or one of %zu more", CW_STR_ARG(w->reason),
			rule->n_sources - i);
}

static enum cw_match match_source(struct walk *w, const struct cw_search_rule *rule)
{
	const struct cw_zone *from = w->request->from;
	size_t i;

	switch (rule->source) {
	case CW_RULE_FROM_ANY:
		return CW_MATCH_YES;
	case CW_RULE_FROM_ALL_ZONES:
		if (from->type != CW_ZONE_DEFAULT)
			return CW_MATCH_YES;
		SAY(w, "source zone is %" CW_STR_FMT ", rule wants a configured zone",
			CW_STR_ARG(from->name));
		return CW_MATCH_NO;
	case CW_RULE_FROM_NAMED:
		for (i = 0; i < rule->n_sources; i++)
			if (rule->sources[i] == from)
				return CW_MATCH_YES;
		break;
	}
	say_sources(w, rule);
	return CW_MATCH_NO;
}

static enum cw_match match_authentication(struct walk *w, const struct cw_search_rule *rule)
{
	if (!rule->authenticated || w->request->authenticated)
		return CW_MATCH_YES;
	SAY(w, "request is not authenticated (source zone %" CW_STR_FMT " is not trusted)",
		CW_STR_ARG(w->request->from->name));
	return CW_MATCH_NO;
}

static void say_pattern(struct walk *w, const struct cw_pattern *pattern, const char *what)
{
	struct cw_str text = cw_pattern_text(pattern);
	bool clipped = text.len > REASON_PATTERN_MAX;

	if (clipped)
		text.len = REASON_PATTERN_MAX;
	SAY(w, "%s '%" CW_STR_FMT "%s' %s", cw_pattern_type_name(cw_pattern_type(pattern)),
		CW_STR_ARG(text), clipped ? "..." : "", what);
}

/* A limit leaves why the request fails in plan.limit_reason. */
static enum cw_match match_pattern(struct walk *w, const struct cw_search_rule *rule)
{
	enum cw_match match = CW_MATCH_NO;
	int r = cw_pattern_apply(rule->pattern, w->plan.alias, w->arena, &match, &w->rewritten);

	if (r == -EMSGSIZE) {
		w->plan.limit_reason = alias_unusable;
		SAY(w, "pattern matches, but behavior %s %s",
			cw_behavior_name(cw_pattern_behavior(rule->pattern)), alias_unusable);
		return CW_MATCH_LIMIT;
	}
	if (r) {
		w->error = r;
		return CW_MATCH_LIMIT;
	}
	if (match == CW_MATCH_LIMIT) {
		w->plan.limit_reason = limit_exceeded;
		say_pattern(w, rule->pattern, limit_exceeded);
	} else {
		say_pattern(w, rule->pattern, match == CW_MATCH_YES ? "matches" : "does not match");
	}
	return match;
}

static enum cw_match match_mode(struct walk *w, const struct cw_search_rule *rule)
{
	bool is_ip;

	if (rule->mode == CW_RULE_PATTERN)
		return match_pattern(w, rule);
	is_ip = cw_alias_is_ip(w->plan.alias);
	w->rewritten = w->plan.alias;
	SAY(w, "alias is %s IP address", is_ip ? "an" : "no");
	return is_ip == (rule->mode == CW_RULE_ANY_IP) ? CW_MATCH_YES : CW_MATCH_NO;
}

/* Cheapest first; the one about the alias, which can be expensive, is asked only where all others say yes. */
static enum cw_match (*const criteria[])(struct walk *, const struct cw_search_rule *) = {
	match_protocol,
	match_variant,
	match_source,
	match_authentication,
	match_mode,
};

#define CRITERIA       (sizeof(criteria) / sizeof(criteria[0]))
#define ALIAS_CRITERIA 1 /* of them, at the end, those that ask about the alias */

static enum cw_match match_criteria(
	struct walk *w, const struct cw_search_rule *rule, size_t n_criteria)
{
	enum cw_match match = CW_MATCH_YES;
	size_t i;

	for (i = 0; match == CW_MATCH_YES && i < n_criteria; i++)
		match = criteria[i](w, rule);
	return match;
}

bool cw_plan_admits(const struct cw_search_rule *rule, const struct cw_request *request)
{
	struct walk w = {.request = request};

	return match_criteria(&w, rule, CRITERIA - ALIAS_CRITERIA) == CW_MATCH_YES;
}

/* Room for one more element in an array of the arena: the array, perhaps moved, or NULL. */
static void *grow(struct walk *w, void *array, size_t count, size_t *capacity, size_t element_size)
{
	size_t wanted = *capacity ? *capacity * 2 : 4;
	void *moved;

	if (count < *capacity)
		return array;
	moved = cw_arena_alloc(w->arena, wanted * element_size);
	if (!moved)
		return NULL;
	if (count)
		memcpy(moved, array, count * element_size);
	*capacity = wanted;
	return moved;
}

static int add_considered(
	struct walk *w, const struct cw_search_rule *rule, enum cw_verdict verdict)
{
	struct cw_considered *all = grow(
		w, w->plan.considered, w->plan.n_considered, &w->considered_capacity, sizeof(*all));

	if (!all)
		return -ENOMEM;
	w->plan.considered = all;
	all[w->plan.n_considered++] = (struct cw_considered){rule, verdict, w->reason};
	return w->error;
}

/* Add what a match yields, unless it stands there already. */
static int add_target(struct walk *w, const struct cw_search_rule *rule)
{
	struct cw_target *all = w->plan.targets;
	size_t i;

	for (i = 0; i < w->plan.n_targets; i++) {
		if (all[i].zone != rule->target || !cw_str_eq(all[i].alias, w->rewritten))
			continue;
		SAY(w, "%" CW_STR_FMT "; same target as rule '%" CW_STR_FMT "'",
			CW_STR_ARG(w->reason), CW_STR_ARG(all[i].rule->name));
		return 0;
	}
	if (w->plan.n_targets == CW_PLAN_TARGETS_MAX) {
		SAY(w, "%" CW_STR_FMT "; target left out, there are %d already",
			CW_STR_ARG(w->reason), CW_PLAN_TARGETS_MAX);
		return 0;
	}
	all = grow(w, all, w->plan.n_targets, &w->targets_capacity, sizeof(*all));
	if (!all)
		return -ENOMEM;
	w->plan.targets = all;
	all[w->plan.n_targets++] = (struct cw_target){rule, w->rewritten, rule->target};
	return 0;
}

/* Ask one enabled rule that is reached, and take note of a match or a limit. */
static int ask(struct walk *w, const struct cw_search_rule *rule)
{
	enum cw_match match;
	int r;

	w->reason = cw_str_make("", 0);
	match = match_criteria(w, rule, CRITERIA);
	if (w->error)
		return w->error;
	if (match == CW_MATCH_NO)
		return w->with_reasons ? add_considered(w, rule, CW_VERDICT_NO_MATCH) : 0;
	if (match == CW_MATCH_LIMIT) {
		w->limit = rule;
		return add_considered(w, rule, CW_VERDICT_LIMIT);
	}
	r = add_target(w, rule);
	if (r)
		return r;
	if (rule->stop && !w->stop)
		w->stop = rule;
	if (rule->stop)
		SAY(w, "%" CW_STR_FMT "; stop", CW_STR_ARG(w->reason));
	return add_considered(w, rule, CW_VERDICT_MATCH);
}

/* After a stop the rest of its priority is still asked; after a limit nothing is. */
static bool is_reached(const struct walk *w, const struct cw_search_rule *rule)
{
	return !w->limit && (!w->stop || rule->priority <= w->stop->priority);
}

/* Rewrite the alias by the first transform that matches. */
static int apply_transforms(struct walk *w, const struct cw_ruleset *set)
{
	const struct cw_transform *const *transforms;
	enum cw_match match = CW_MATCH_NO;
	size_t i, n;
	int r = 0;

	transforms = cw_ruleset_transforms(set, &n);
	for (i = 0; i < n && match == CW_MATCH_NO; i++) {
		if (!transforms[i]->enabled)
			continue;
		r = cw_pattern_apply(
			transforms[i]->pattern, w->plan.alias, w->arena, &match, &w->plan.alias);
		if (r == -EMSGSIZE)
			match = CW_MATCH_LIMIT;
		else if (r)
			return r;
		if (match == CW_MATCH_YES)
			w->plan.transform = transforms[i];
		if (match == CW_MATCH_LIMIT) {
			w->plan.decision = CW_DECISION_LIMIT;
			w->plan.limit_reason = r ? alias_unusable : limit_exceeded;
			w->plan.limit_name = transforms[i]->name.p;
		}
	}
	return 0;
}

static int begin(struct walk *w, const struct cw_ruleset *set, const struct cw_request *request,
	struct cw_arena *arena, bool with_reasons)
{
	*w = (struct walk){
		.request = request,
		.arena = arena,
		.with_reasons = with_reasons,
		.plan = {.decision = CW_DECISION_NO_RULE, .alias = request->alias},
	};
	if (!cw_alias_is_usable(request->alias))
		return -EINVAL;
	return apply_transforms(w, set);
}

static void finish(struct walk *w, struct cw_plan *plan)
{
	if (w->limit) {
		w->plan.decision = CW_DECISION_LIMIT;
		w->plan.limit_name = w->limit->name.p;
		w->plan.targets = NULL;
		w->plan.n_targets = 0;
	} else if (w->plan.n_targets) {
		w->plan.decision = CW_DECISION_ROUTED;
	}
	*plan = w->plan;
}

int cw_plan_decide(struct cw_plan *plan, const struct cw_ruleset *set,
	const struct cw_request *request, struct cw_arena *arena)
{
	const struct cw_search_rule *rule;
	struct cw_candidates candidates;
	struct walk w;
	int r = begin(&w, set, request, arena, false);

	if (r)
		return r;
	if (w.plan.decision != CW_DECISION_LIMIT) {
		r = cw_index_find(&candidates, cw_ruleset_index(set), request, w.plan.alias, arena);
		if (r)
			return r;
		for (rule = cw_candidates_next(&candidates); rule && is_reached(&w, rule);
			rule = cw_candidates_next(&candidates)) {
			r = ask(&w, rule);
			if (r)
				return r;
		}
	}
	finish(&w, plan);
	return 0;
}

/* Note a rule that is not asked, and why not. */
static int pass_over(struct walk *w, const struct cw_search_rule *rule)
{
	w->reason = cw_str_make("", 0);
	if (!rule->enabled) {
		SAY(w, "disabled");
		return add_considered(w, rule, CW_VERDICT_SKIPPED);
	}
	if (w->limit)
		SAY(w, "the request fails at rule '%" CW_STR_FMT "'", CW_STR_ARG(w->limit->name));
	else if (w->stop)
		SAY(w, "after stop of rule '%" CW_STR_FMT "'", CW_STR_ARG(w->stop->name));
	else
		SAY(w, "the request fails at transform '%s'", w->plan.limit_name);
	return add_considered(w, rule, CW_VERDICT_NOT_REACHED);
}

int cw_plan_explain(struct cw_plan *plan, const struct cw_ruleset *set,
	const struct cw_request *request, struct cw_arena *arena)
{
	const struct cw_search_rule *const *rules;
	bool failed;
	struct walk w;
	size_t i, n;
	int r = begin(&w, set, request, arena, true);

	if (r)
		return r;
	failed = w.plan.decision == CW_DECISION_LIMIT;
	rules = cw_ruleset_rules(set, &n);
	for (i = 0; i < n; i++) {
		if (rules[i]->enabled && !failed && is_reached(&w, rules[i]))
			r = ask(&w, rules[i]);
		else
			r = pass_over(&w, rules[i]);
		if (r)
			return r;
	}
	finish(&w, plan);
	return 0;
}

const char *cw_verdict_name(enum cw_verdict verdict)
{
	return verdict_names[verdict];
}

const char *cw_decision_name(enum cw_decision decision)
{
	return decision_names[decision];
}
