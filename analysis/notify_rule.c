/*
 * Presence comes back as NOTIFY, whose Request-URI is the subscriber's Contact: a host, such as the
 * Federation Routing FQDN of a cluster, or a GRUU, and never plain user@domain. Inside a dialog
 * that Causeway carried it follows a token without asking any rule. One that comes without the
 * route set (its sender lost it, as after a restart, or never kept one) is asked of the rules;
 * where none takes a host, presence stays unknown until the next subscription, some hours later.
 */
#include "analysis/notify_rule.h"

#include "dialplan/alias.h"
#include "dialplan/plan.h"

#include <errno.h>
#include <stdlib.h>

struct check {
	struct cw_findings *findings;
	const struct cw_zone *const *zones;
	size_t n_zones;
	struct cw_probe *probe;
	struct cw_arena scratch;
	const struct cw_search_rule **rules; /* that presence can be asked of, by target */
	size_t n_rules;
	/* the zones from which the rules for hosts towards one target can be asked */
	const struct cw_zone *
		*served; /* by the index of a zone: the last target whose rules name it */
	bool serves_any, serves_configured, serves_trusted, serves_some;
};

/* Where users go and hosts do not. */
struct gap {
	const struct cw_search_rule *rule;
	const struct cw_zone *from;
	struct cw_str domain; /* of the users; empty where the rule names none */
};

/* ---- the rules, by target ---- */

static bool is_microsoft(const struct cw_search_rule *rule)
{
	return rule->variant == CW_RULE_MS_IMP || rule->variant == CW_RULE_MICROSOFT;
}

/* Whether a NOTIFY of presence can be asked of the rule, as far as protocol and variant go. */
static bool is_for_presence(const struct cw_search_rule *rule)
{
	return rule->enabled && rule->protocol != CW_RULE_XMPP &&
	       cw_zone_protocol(rule->target) == CW_PROTOCOL_SIP &&
	       (is_microsoft(rule) || rule->variant == CW_RULE_ANY_VARIANT);
}

static int compare(const void *a, const void *b)
{
	const struct cw_search_rule *x = *(const struct cw_search_rule *const *)a;
	const struct cw_search_rule *y = *(const struct cw_search_rule *const *)b;

	if (x->target != y->target)
		return x->target->index < y->target->index ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int collect(struct check *c, const struct cw_ruleset *set)
{
	const struct cw_search_rule *const *rules;
	size_t n, i, n_indexes = 0;

	rules = cw_ruleset_rules(set, &n);
	for (i = 0; i < c->n_zones; i++)
		if (c->zones[i]->index >= n_indexes)
			n_indexes = (size_t)c->zones[i]->index + 1;
	c->rules = calloc(n + 1, sizeof(struct cw_search_rule *));
	c->served = calloc(n_indexes + 1, sizeof(struct cw_zone *));
	if (!c->rules || !c->served)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (is_for_presence(rules[i]))
			c->rules[c->n_rules++] = rules[i];
	qsort(c->rules, c->n_rules, sizeof(struct cw_search_rule *), compare);
	return 0;
}

/* ---- hosts ---- */

static int probe(struct check *c, enum cw_probe_form form, const struct cw_search_rule *rule,
	enum cw_language_answer *answer, struct cw_str *alias)
{
	return cw_probe_find(c->probe, form, rule->pattern, &c->scratch, answer, alias);
}

/* Whether the rule takes hosts; what is not decided may. */
static int takes_hosts(struct check *c, const struct cw_search_rule *rule, bool *yes)
{
	enum cw_language_answer answer = CW_LANGUAGE_NONE;
	struct cw_str alias;
	int r = 0;

	if (rule->mode == CW_RULE_PATTERN)
		r = probe(c, CW_PROBE_HOST, rule, &answer, &alias);
	*yes = rule->mode == CW_RULE_ANY_ALIAS || answer != CW_LANGUAGE_NONE;
	return r;
}

static void serve(struct check *c, const struct cw_search_rule *rule)
{
	size_t i;

	c->serves_some = true;
	if (rule->source != CW_RULE_FROM_NAMED && rule->authenticated)
		c->serves_trusted = true;
	else if (rule->source == CW_RULE_FROM_ANY)
		c->serves_any = true;
	else if (rule->source == CW_RULE_FROM_ALL_ZONES)
		c->serves_configured = true;
	for (i = 0; i < rule->n_sources; i++)
		if (!rule->authenticated || rule->sources[i]->trusted)
			c->served[rule->sources[i]->index] = rule->target;
}

static bool is_served(
	const struct check *c, const struct cw_zone *from, const struct cw_zone *target)
{
	return c->serves_any || (c->serves_configured && from->type != CW_ZONE_DEFAULT) ||
	       (c->serves_trusted && from->trusted) || c->served[from->index] == target;
}

/* ---- users ---- */

/* The request that shows a gap, without its alias. */
static struct cw_request notify_from(const struct cw_zone *from)
{
	return (struct cw_request){
		.protocol = CW_PROTOCOL_SIP,
		.variant = CW_VARIANT_MS_IMP,
		.method = CW_STR("NOTIFY"),
		.alias = CW_STR(""),
		.from = from,
		.authenticated = from->trusted,
	};
}

/*
 * A zone that the rule's requests can come from and no host is led to the target from; NULL: none.
 */
static const struct cw_zone *find_unserved(const struct check *c, const struct cw_search_rule *rule)
{
	bool is_named = rule->source == CW_RULE_FROM_NAMED;
	const struct cw_zone *const *zones = is_named ? rule->sources : c->zones;
	size_t n = is_named ? rule->n_sources : c->n_zones, i;
	struct cw_request request;

	if (!is_named && c->serves_some)
		return NULL;
	for (i = 0; i < n; i++) {
		request = notify_from(zones[i]);
		if (zones[i]->type != CW_ZONE_DNS && zones[i] != rule->target &&
			cw_plan_admits(rule, &request) && !is_served(c, zones[i], rule->target))
			return zones[i];
	}
	return NULL;
}

/* Whether the rule leads users of a zone whose hosts no rule leads to the target. */
static int find_gap(
	struct check *c, const struct cw_search_rule *rule, struct gap *gap, bool *found)
{
	enum cw_language_answer users = CW_LANGUAGE_NONE, strange = CW_LANGUAGE_NONE;
	struct cw_str user, alias;
	int r;

	*found = false;
	*gap = (struct gap){.rule = rule};
	if (!is_microsoft(rule) || rule->mode != CW_RULE_PATTERN)
		return 0;
	gap->from = find_unserved(c, rule);
	if (!gap->from)
		return 0;
	r = probe(c, CW_PROBE_USER, rule, &users, &user);
	if (!r && users == CW_LANGUAGE_FOUND)
		r = probe(c, CW_PROBE_STRANGE, rule, &strange, &alias);
	*found = users == CW_LANGUAGE_FOUND;
	if (*found && strange == CW_LANGUAGE_NONE)
		gap->domain = cw_alias_host(user);
	return r;
}

/* ---- the finding ---- */

/* A regex for what is led to the target as well, in quotes. */
static int write_advice(struct check *c, const struct gap *gap, struct cw_str *out)
{
	const struct cw_zone *target = gap->rule->target;
	char escaped[2 * CW_ALIAS_MAX];
	size_t i, n = 0;

	if (gap->domain.len == 0 || cw_zone_is_outside(target)) {
		*out = cw_str_of("one of mode any-alias");
		return 0;
	}
	for (i = 0; i < gap->domain.len; i++) {
		if (gap->domain.p[i] == '.')
			escaped[n++] = '\\';
		escaped[n++] = gap->domain.p[i];
	}
	return cw_arena_printf(&c->scratch, out,
		target->trusted ? "one for the Federation Routing FQDN, such as regex "
				  "'.*imp1-public\\.%.*s.*'"
				: "one such as regex '(.*[@.])?%.*s([:;].*)?'",
		(int)n, escaped);
}

static int write_source(struct check *c, const struct gap *gap, struct cw_str *out)
{
	switch (gap->rule->source) {
	case CW_RULE_FROM_ANY:
		*out = cw_str_of("any zone");
		return 0;
	case CW_RULE_FROM_ALL_ZONES:
		*out = cw_str_of("any configured zone");
		return 0;
	case CW_RULE_FROM_NAMED:
		break;
	}
	return cw_arena_printf(
		&c->scratch, out, "zone '%" CW_STR_FMT "'", CW_STR_ARG(gap->from->name));
}

static int report(struct check *c, const struct gap *gap)
{
	struct cw_finding finding = {.kind = CW_FINDING_NO_NOTIFY,
		.level = CW_FINDING_WARNING,
		.rule = gap->rule,
		.witness = notify_from(gap->from)};
	struct cw_arena *arena = c->findings->arena;
	struct cw_str source, advice;
	int r = write_source(c, gap, &source);

	if (!r)
		r = write_advice(c, gap, &advice);
	if (!r)
		r = cw_arena_printf(arena, &finding.message,
			"leads users to zone '%" CW_STR_FMT
			"', and no rule leads a host there from %" CW_STR_FMT
			": a NOTIFY that comes without the route set of its subscription is "
			"addressed to a host, so it gets lost and presence stays unknown; add "
			"%" CW_STR_FMT,
			CW_STR_ARG(gap->rule->target->name), CW_STR_ARG(source),
			CW_STR_ARG(advice));
	if (!r)
		r = cw_arena_printf(arena, &finding.witness.alias, "%s.%" CW_STR_FMT,
			gap->rule->target->trusted ? "imp1-public" : "host",
			CW_STR_ARG(gap->domain.len ? gap->domain : cw_str_of("invalid")));
	return r ? r : cw_findings_add(c->findings, &finding);
}

/* The rules towards one target: the first that leaves a gap is reported, one for all. */
static int check_target(struct check *c, const struct cw_search_rule *const *rules, size_t n)
{
	bool is_route = false, yes = false;
	struct gap gap;
	size_t i;
	int r = 0;

	c->serves_any = c->serves_configured = c->serves_trusted = c->serves_some = false;
	for (i = 0; i < n; i++)
		is_route |= is_microsoft(rules[i]) && rules[i]->mode == CW_RULE_PATTERN;
	for (i = 0; is_route && !r && i < n; i++) {
		r = takes_hosts(c, rules[i], &yes);
		if (!r && yes)
			serve(c, rules[i]);
	}
	for (i = 0; is_route && !r && i < n; i++) {
		r = find_gap(c, rules[i], &gap, &yes);
		if (!r && yes)
			return report(c, &gap);
	}
	return r;
}

/* Whether a transform may make something else of a host; then nothing is certain. */
static int may_rewrite_hosts(struct check *c, const struct cw_ruleset *set, bool *yes)
{
	const struct cw_transform *const *transforms;
	enum cw_language_answer answer = CW_LANGUAGE_NONE;
	struct cw_str alias;
	size_t n, i;
	int r = 0;

	transforms = cw_ruleset_transforms(set, &n);
	for (i = 0; !r && answer == CW_LANGUAGE_NONE && i < n; i++)
		if (transforms[i]->enabled &&
			cw_pattern_behavior(transforms[i]->pattern) != CW_BEHAVIOR_LEAVE)
			r = cw_probe_find(c->probe, CW_PROBE_HOST, transforms[i]->pattern,
				&c->scratch, &answer, &alias);
	*yes = answer != CW_LANGUAGE_NONE;
	return r;
}

int cw_notify_rule_check(struct cw_findings *findings, const struct cw_ruleset *set,
	const struct cw_zone *const *zones, size_t n_zones, struct cw_probe *probe)
{
	struct check c = {.findings = findings, .zones = zones, .n_zones = n_zones, .probe = probe};
	bool is_rewritten = false;
	size_t from, to;
	int r = collect(&c, set);

	if (!r && c.n_rules)
		r = may_rewrite_hosts(&c, set, &is_rewritten);
	for (from = 0; !r && !is_rewritten && from < c.n_rules; from = to) {
		for (to = from; to < c.n_rules && c.rules[to]->target == c.rules[from]->target;)
			to++;
		r = check_target(&c, c.rules + from, to - from);
	}
	free(c.rules);
	free(c.served);
	cw_arena_finish(&c.scratch);
	return r;
}
