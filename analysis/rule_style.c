/*
 * Findings about how rules are written. What is looked for stands in files of its own; here the
 * findings are made.
 */
#include "analysis/rule_style.h"

#include "analysis/backtracking.h"
#include "analysis/notify_rule.h"
#include "analysis/request_kind.h"
#include "analysis/stray_blank.h"
#include "analysis/unescaped_dot.h"

#define PATTERN_SHOWN_MAX 160 /* bytes of a better pattern that a message shows */

struct style {
	struct cw_findings *findings;
	const struct cw_zone *const *zones;
	size_t n_zones;
	bool has_blanks; /* a transform can make aliases with blanks */
	struct cw_probe probe;
};

/* One rule while it is looked at. */
struct subject {
	const struct cw_search_rule *rule;
	struct cw_request request;    /* a kind of request that it admits */
	const struct cw_syntax *tree; /* of its regex, where that is understood */
	struct cw_arena scratch;
};

static struct cw_finding begin_finding(
	const struct subject *s, enum cw_finding_kind kind, struct cw_str alias)
{
	struct cw_finding finding = {
		.kind = kind, .level = CW_FINDING_WARNING, .rule = s->rule, .witness = s->request};

	finding.witness.alias = alias;
	return finding;
}

/* "; write 'PATTERN'", or nothing where that is empty or too long to be read in a message. */
static int write_advice(struct subject *s, struct cw_str pattern, struct cw_str *out)
{
	*out = (struct cw_str)CW_STR("");
	if (pattern.len == 0 || pattern.len > PATTERN_SHOWN_MAX)
		return 0;
	return cw_arena_printf(&s->scratch, out, "; write '%" CW_STR_FMT "'", CW_STR_ARG(pattern));
}

static int check_dots(struct style *st, struct subject *s)
{
	struct cw_arena *arena = st->findings->arena;
	struct cw_unescaped_dot dot = {0};
	struct cw_finding finding;
	struct cw_str advice;
	int r = cw_unescaped_dot_find(&dot, s->rule->pattern, s->tree, arena);

	if (!r)
		r = write_advice(s, dot.fixed, &advice);
	if (r || dot.count == 0)
		return r;
	finding = begin_finding(s, CW_FINDING_UNESCAPED_DOT, dot.alias);
	r = cw_arena_printf(arena, &finding.message,
		"has a dot that stands for any character at byte %zu of its pattern, so that it "
		"takes '%" CW_STR_FMT "' as well%" CW_STR_FMT,
		dot.offset + 1, CW_STR_ARG(dot.alias), CW_STR_ARG(advice));
	return r ? r : cw_findings_add(st->findings, &finding);
}

static int check_blanks(struct style *st, struct subject *s)
{
	struct cw_stray_blank blank = {0};
	struct cw_finding finding;
	struct cw_str advice;
	int r = cw_stray_blank_find(&blank, s->rule->pattern, s->tree, &s->scratch);

	if (!r)
		r = write_advice(s, blank.fixed, &advice);
	if (r || !blank.is_found)
		return r;
	finding = begin_finding(s, CW_FINDING_STRAY_BLANK, (struct cw_str){0});
	r = cw_arena_printf(st->findings->arena, &finding.message,
		"has a blank at byte %zu of its pattern, and no alias holds a blank%s%" CW_STR_FMT,
		blank.offset + 1, blank.is_needed ? ": it never matches" : "", CW_STR_ARG(advice));
	return r ? r : cw_findings_add(st->findings, &finding);
}

static int check_backtracking(struct style *st, struct subject *s)
{
	struct cw_arena *arena = st->findings->arena;
	struct cw_finding finding;
	struct cw_str alias = {0};
	int r = cw_backtracking_find(s->rule->pattern, s->tree, arena, &alias);

	if (r || alias.len == 0)
		return r;
	finding = begin_finding(s, CW_FINDING_CATASTROPHIC, alias);
	r = cw_arena_printf(arena, &finding.message,
		"has a pattern that can be matched in too many ways: an alias of %zu bytes exceeds "
		"its match limit and fails with 500; write it without a repeat in a repeat, or "
		"repeats side by side that take the same characters",
		alias.len);
	return r ? r : cw_findings_add(st->findings, &finding);
}

/* ---- open rules ---- */

/*
 * A rule without source (or with `source any`) takes requests of strangers, who are in the zone
 * `default`.
 *
 * Towards the inside, which is every zone but the dns zones, that is what a rule for one's own
 * domain is for: strangers shall reach the users, and the sender check stands before it. So Table 6
 * of Cisco's guide writes it. Still the source is better named: the zone that it leads to is a
 * source as well, and gets back what it sent itself. That is a note. Where the pattern names no
 * domain, strangers get whatever address they like to the inside, which takes them for checked;
 * nobody means that, and it is a warning.
 *
 * Towards the outside it makes a relay for strangers. To one domain that may be wanted, and is a
 * note; to any domain it is the open relay that every administrator of mail knows, and a warning.
 *
 * A rule that wants authentication takes no strangers: the zone `default` is never trusted. One
 * that names `default` was thought about.
 */
static bool is_open(const struct cw_search_rule *rule, const struct cw_request *request)
{
	return rule->source == CW_RULE_FROM_ANY && request->from->type == CW_ZONE_DEFAULT;
}

/*
 * Whether the rule takes aliases of any domain: then *answer is CW_LANGUAGE_FOUND with one of them.
 */
static int find_strange(
	struct style *st, struct subject *s, enum cw_language_answer *answer, struct cw_str *alias)
{
	*answer = CW_LANGUAGE_FOUND;
	switch (s->rule->mode) {
	case CW_RULE_PATTERN:
		return cw_probe_find(&st->probe, CW_PROBE_STRANGE, s->rule->pattern,
			st->findings->arena, answer, alias);
	case CW_RULE_ANY_ALIAS:
		*alias = cw_str_of("bob@strange.invalid");
		break;
	case CW_RULE_ANY_IP:
		*alias = cw_str_of("192.0.2.1"); /* RFC 5737 */
		break;
	}
	return 0;
}

/* What strangers can do: before the zone's name and behind it. */
static const char *const openness[2][2][2] = {
	{
		{"strangers reach zone '", "', and what that zone sends can come back to it; name "
					   "the zone that the rule "
					   "is for, as in 'source default'"},
		{"strangers reach zone '",
			"' with any domain; name the zones that the rule is for with 'source'"},
	},
	{
		{"strangers may send out through zone '",
			"'; name the zones that may with 'source'"},
		{"strangers may send to any domain through zone '",
			"', as through an open relay; name the zones that may with 'source'"},
	},
};

static int check_openness(struct style *st, struct subject *s)
{
	struct cw_finding finding = begin_finding(s, CW_FINDING_OPEN, (struct cw_str){0});
	enum cw_language_answer answer;
	struct cw_str alias;
	const char *const *words;
	int r;

	if (!is_open(s->rule, &s->request))
		return 0;
	r = find_strange(st, s, &answer, &alias);
	if (r)
		return r;
	if (answer == CW_LANGUAGE_FOUND)
		finding.witness.alias = alias;
	else
		finding.level = CW_FINDING_NOTE;
	words = openness[cw_zone_is_outside(s->rule->target)][answer == CW_LANGUAGE_FOUND];
	r = cw_arena_printf(st->findings->arena, &finding.message,
		"takes requests from any source: %s%s%s", words[0], s->rule->target->name.p,
		words[1]);
	return r ? r : cw_findings_add(st->findings, &finding);
}

/* ---- all of them ---- */

static int check_pattern(struct style *st, struct subject *s)
{
	const struct cw_pattern *pattern = s->rule->pattern;
	bool is_regex = cw_pattern_type(pattern) == CW_PATTERN_REGEX;
	struct cw_syntax_error error;
	int r = 0;

	if (is_regex)
		r = cw_syntax_read(&s->tree, cw_pattern_text(pattern), &s->scratch, &error);
	if (r == CW_SYNTAX_E_UNKNOWN)
		return 0;
	if (!r && is_regex)
		r = check_dots(st, s);
	if (!r && !st->has_blanks)
		r = check_blanks(st, s);
	if (!r && is_regex)
		r = check_backtracking(st, s);
	return r;
}

static int check_rule(struct style *st, const struct cw_search_rule *rule)
{
	struct cw_request_kinds kinds = {.zones = st->zones, .n_zones = st->n_zones};
	struct subject s = {.rule = rule};
	int r = 0;

	if (!cw_request_kinds_next(&kinds, rule, &s.request))
		return 0;
	if (rule->mode == CW_RULE_PATTERN)
		r = check_pattern(st, &s);
	if (!r)
		r = check_openness(st, &s);
	cw_arena_finish(&s.scratch);
	return r;
}

/*
 * Whether a transform that is asked puts a blank into aliases. What comes off the wire holds none.
 */
static bool makes_blanks(const struct cw_ruleset *set)
{
	const struct cw_transform *const *transforms;
	struct cw_str text;
	size_t n, i;

	transforms = cw_ruleset_transforms(set, &n);
	for (i = 0; i < n; i++) {
		text = cw_pattern_replacement(transforms[i]->pattern);
		if (transforms[i]->enabled &&
			(cw_str_find(text, ' ') < text.len || cw_str_find(text, '\t') < text.len))
			return true;
	}
	return false;
}

int cw_rule_style_check(struct cw_findings *findings, const struct cw_ruleset *set,
	const struct cw_zone *const *zones, size_t n_zones)
{
	struct style st = {.findings = findings,
		.zones = zones,
		.n_zones = n_zones,
		.has_blanks = makes_blanks(set)};
	const struct cw_search_rule *const *rules;
	size_t n, i;
	int r = 0;

	rules = cw_ruleset_rules(set, &n);
	for (i = 0; !r && i < n; i++)
		if (rules[i]->enabled)
			r = check_rule(&st, rules[i]);
	if (!r)
		r = cw_notify_rule_check(findings, set, zones, n_zones, &st.probe);
	cw_probe_finish(&st.probe);
	return r;
}
