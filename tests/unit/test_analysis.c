#include "analysis/analysis.h"

#include "dialplan/plan.h"
#include "tests/unit/unit.h"

#include <errno.h>

static const struct cw_zone outside = {.name = CW_STR("default"), .type = CW_ZONE_DEFAULT};
static const struct cw_zone inside = {
	.name = CW_STR("inside"), .index = 1, .type = CW_ZONE_NEIGHBOR, .trusted = true};
static const struct cw_zone edge = {.name = CW_STR("edge"), .index = 2, .type = CW_ZONE_NEIGHBOR};
static const struct cw_zone world = {.name = CW_STR("world"), .index = 3, .type = CW_ZONE_DNS};
static const struct cw_zone *const zones[] = {&outside, &inside, &edge, &world};

static const struct cw_zone *const from_default[] = {&outside};
static const struct cw_zone *const from_inside[] = {&inside};
static const struct cw_zone *const from_both[] = {&inside, &outside};
static const struct cw_zone *const from_world[] = {&world};

#define FROM(list) .source = CW_RULE_FROM_NAMED, .sources = (list), .n_sources = N_ELEMENTS(list)
#define RULES_MAX  6

/* A rule as short as a table can hold it; the rest as in a file: enabled, sip, any source. */
struct line {
	unsigned priority;
	enum cw_pattern_type type;
	const char *pattern; /* NULL: see mode */
	struct cw_search_rule more;
	const char *replacement; /* NULL: leave */
	bool disabled;
};

#define STOP .stop = true
#define RX   CW_PATTERN_REGEX

static const struct plant {
	const char *name;
	struct line lines[RULES_MAX];
	int found;      /* the finding about the last rule, -1: none about whether it is reached */
	const char *by; /* the numbers of the rules that make it so, from 1 */
} plants[] = {
	{"one that stops", {{1, RX, ".*@x\\.example", {STOP}}, {2, RX, "bob@x\\.example", {STOP}}},
		CW_FINDING_SHADOWED, "1"},
	{"one that goes on",
		{{1, RX, ".*@x\\.example", {.target = &edge}}, {2, RX, "bob@x\\.example", {STOP}}},
		-1, ""},
	{"of the same priority",
		{{1, RX, ".*@x\\.example", {STOP, .target = &edge}},
			{1, RX, "bob@x\\.example", {STOP}}},
		-1, ""},
	{"disabled",
		{{1, RX, ".*@x\\.example", {STOP}, NULL, true}, {2, RX, "bob@x\\.example", {STOP}}},
		-1, ""},
	{"two together",
		{{1, RX, ".*@a\\.example", {STOP}}, {2, RX, ".*@b\\.example", {STOP}},
			{3, RX, ".*@(a|b)\\.example", {STOP}}},
		CW_FINDING_SHADOWED, "12"},
	{"three together, a fourth needless",
		{{1, RX, ".*@a\\.example", {STOP}}, {2, RX, "bob@[bc]\\.example", {STOP}},
			{3, RX, ".*@b\\.example", {STOP}},
			{4, CW_PATTERN_SUFFIX, "@c.example", {STOP}},
			{5, RX, ".*@[a-c]\\.example", {STOP}}},
		CW_FINDING_SHADOWED, "134"},
	{"an encoded letter", {{1, RX, ".*@y", {STOP}}, {2, CW_PATTERN_EXACT, "%41@x", {STOP}}},
		CW_FINDING_UNDECIDED, ""},
	{"two of three, the first needless",
		{{1, CW_PATTERN_EXACT, "aa@x", {STOP}}, {2, CW_PATTERN_SUFFIX, "@x", {STOP}},
			{3, RX, "(aa|bb)@x", {STOP, .target = &edge}}},
		CW_FINDING_SHADOWED, "2"},
	{"all but one letter",
		{{1, RX, ".*@[a-l]\\.example", {STOP}}, {2, RX, ".*@[n-z]\\.example", {STOP}},
			{3, RX, ".*@[[:alpha:]]\\.example", {STOP}}},
		-1, ""},
	{"case folding",
		{{1, RX, ".*@X\\.EXAMPLE", {STOP}},
			{2, CW_PATTERN_SUFFIX, "BOB@x.example", {STOP}}},
		CW_FINDING_SHADOWED, "1"},
	{"escapes",
		{{1, RX, "\\d+\\x40x\\.example", {STOP}},
			{2, RX, "[0-9]{3}\\Q@x.example\\E", {STOP}}},
		CW_FINDING_SHADOWED, "1"},
	{"escapes that leave a byte",
		{{1, RX, "\\d+@x\\.example", {STOP}}, {2, RX, "[0-9a]{3}@x\\.example", {STOP}}}, -1,
		""},
	{"classes",
		{{1, RX, "[^@]*@x\\.example", {STOP}},
			{2, RX, "[[:alnum:]._-]+@x\\.example", {STOP}}},
		CW_FINDING_SHADOWED, "1"},
	{"counted", {{1, RX, "a{2,5}@x", {STOP}}, {2, RX, "a{3}@x", {STOP}}}, CW_FINDING_SHADOWED,
		"1"},
	{"counted further", {{1, RX, "a{2,5}@x", {STOP}}, {2, RX, "a{3,6}@x", {STOP}}}, -1, ""},
	{"counted in two parts",
		{{1, RX, "a{1,3}@x", {STOP}}, {2, RX, "a{4,}@x", {STOP}}, {3, RX, "a+@x", {STOP}}},
		CW_FINDING_SHADOWED, "12"},
	{"lazy and anchored", {{1, RX, "^.*?@x$", {STOP}}, {2, RX, "\\Abob@x\\z", {STOP}}},
		CW_FINDING_SHADOWED, "1"},
	{"look-around before it",
		{{1, RX, "(?!bob).*@x\\.example", {STOP}}, {2, RX, "al@x\\.example", {STOP}}},
		CW_FINDING_UNDECIDED, ""},
	{"look-around of its own, reached",
		{{1, RX, ".*@y\\.example", {STOP}}, {2, RX, "(?!bob).*@x\\.example", {STOP}}}, -1,
		""},
	{"look-around of its own, proved",
		{{1, RX, ".*@x\\.example", {STOP}}, {2, RX, "(?!bob).*@x\\.example", {STOP}}},
		CW_FINDING_SHADOWED, "1"},
	{"look-around of its own, beside one of its priority",
		{{1, RX, "[ab]@x", {STOP}}, {1, RX, "(?!a)[ab]@x", {STOP, .target = &edge}}}, -1,
		""},
	{"look-around that excludes all",
		{{1, RX, "(?!a).*", {STOP}}, {2, RX, "(?!b)a", {STOP}},
			{3, RX, "(?=b)a@x", {STOP}}},
		CW_FINDING_UNDECIDED, ""},
	{"back reference", {{1, RX, "(.*)@\\1", {STOP}}, {2, RX, "a@a", {STOP}}},
		CW_FINDING_UNDECIDED, ""},
	{"a condition", {{1, RX, "(a)?(?(1)b|c)@x", {STOP}}, {2, RX, "ab@x", {STOP}}},
		CW_FINDING_UNDECIDED, ""},
	{"blow-up",
		{{1, RX, "(a|b)*a(a|b){40}@x", {STOP}}, {2, RX, "(a|b)*b(a|b){41}@x", {STOP}},
			{3, RX, "(a|b){42,}@x", {STOP}}},
		CW_FINDING_UNDECIDED, ""},
	{"other sources", {{1, RX, ".*@x", {STOP, FROM(from_inside)}}, {2, RX, "bob@x", {STOP}}},
		-1, ""},
	{"sources together",
		{{1, RX, ".*@x", {STOP, .source = CW_RULE_FROM_ALL_ZONES}},
			{2, RX, "[a-z]*@x", {STOP, FROM(from_default)}},
			{3, RX, "bob@x", {STOP, FROM(from_both)}}},
		CW_FINDING_SHADOWED, "12"},
	{"other variant",
		{{1, RX, ".*@x", {STOP, .variant = CW_RULE_MS_IMP}}, {2, RX, "bob@x", {STOP}}}, -1,
		""},
	{"variants together",
		{{1, RX, ".*@x", {STOP, .variant = CW_RULE_MICROSOFT}},
			{2, RX, ".*@x", {STOP, .variant = CW_RULE_STANDARD}},
			{3, RX, "bob@x", {STOP}}},
		CW_FINDING_SHADOWED, "12"},
	{"other protocol",
		{{1, RX, ".*@x", {STOP, .protocol = CW_RULE_XMPP}}, {2, RX, "bob@x", {STOP}}}, -1,
		""},
	{"both protocols",
		{{1, RX, ".*@x", {STOP, .protocol = CW_RULE_ANY_PROTOCOL}},
			{2, RX, "bob@x", {STOP, .protocol = CW_RULE_XMPP}}},
		CW_FINDING_SHADOWED, "1"},
	{"authenticated only",
		{{1, RX, ".*@x", {STOP, .authenticated = true}}, {2, RX, "bob@x", {STOP}}}, -1, ""},
	{"authenticated both",
		{{1, RX, ".*@x", {STOP, .authenticated = true}},
			{2, RX, "bob@x", {STOP, FROM(from_inside)}}},
		CW_FINDING_SHADOWED, "1"},
	{"nobody is authenticated",
		{{1, RX, "bob@x", {STOP, FROM(from_default), .authenticated = true}}},
		CW_FINDING_UNREACHABLE, ""},
	{"nothing comes from a dns zone", {{1, RX, "bob@x", {STOP, FROM(from_world)}}},
		CW_FINDING_UNREACHABLE, ""},
	{"a stanza of Microsoft's",
		{{1, RX, "bob@x", {STOP, .protocol = CW_RULE_XMPP, .variant = CW_RULE_MS_IMP}}},
		CW_FINDING_UNREACHABLE, ""},
	{"matches nothing", {{1, RX, "bob@x\\n", {STOP}}}, CW_FINDING_UNREACHABLE, ""},
	{"an anchor inside", {{1, RX, "bob$@x", {STOP}}}, CW_FINDING_UNREACHABLE, ""},
	{"longer than any alias", {{1, RX, "(.{64}){33}", {STOP}}}, CW_FINDING_UNREACHABLE, ""},
	{"any alias, any address",
		{{1, 0, NULL, {STOP, .mode = CW_RULE_ANY_ALIAS}},
			{2, 0, NULL, {STOP, .mode = CW_RULE_ANY_IP}}, {3, RX, "bob@.*", {STOP}}},
		CW_FINDING_SHADOWED, "1"},
	{"both take all",
		{{1, 0, NULL, {STOP, .mode = CW_RULE_ANY_ALIAS}},
			{2, 0, NULL, {STOP, .mode = CW_RULE_ANY_IP}}, {3, RX, ".*", {STOP}}},
		CW_FINDING_SHADOWED, "12"},
	{"an address is no alias",
		{{1, 0, NULL, {STOP, .mode = CW_RULE_ANY_ALIAS}},
			{3, RX, "192\\.0\\.2\\.[0-9]", {STOP}}},
		-1, ""},
	{"any alias behind all patterns",
		{{1, RX, ".+", {STOP}}, {2, 0, NULL, {STOP, .mode = CW_RULE_ANY_ALIAS}}},
		CW_FINDING_SHADOWED, "1"},
	{"the same twice",
		{{1, CW_PATTERN_EXACT, "alice@x", {STOP}}, {2, RX, "[Aa]lice@x", {STOP}}},
		CW_FINDING_DUPLICATE, "1"},
	{"the same, of one priority", {{1, RX, "alice@x", {STOP}}, {1, RX, "alice@[x]", {STOP}}},
		CW_FINDING_DUPLICATE, "1"},
	{"the same, going on",
		{{1, RX, "alice@x", {.stop = false}}, {2, RX, "alice@x", {.stop = false}}},
		CW_FINDING_DUPLICATE, "1"},
	{"part of it, going on",
		{{1, RX, ".*@x", {.stop = false}}, {2, RX, "alice@x", {.stop = false}}},
		CW_FINDING_DUPLICATE, "1"},
	{"part of it, but stops", {{1, RX, ".*@x", {.stop = false}}, {2, RX, "alice@x", {STOP}}},
		-1, ""},
	{"the same to another target",
		{{1, RX, "alice@x", {.target = &edge}}, {2, RX, "alice@x", {STOP}}}, -1, ""},
	{"the same, rewritten otherwise",
		{{1, RX, "alice@x", {.stop = false}, "bob@x"},
			{2, RX, "alice@x", {.stop = false}, "bob@y"}},
		-1, ""},
	{"one that goes on, and fails some requests",
		{{1, RX, "(b*)[^@]*@x", {.target = &edge}, "\\1"}, {2, RX, "[ab]@x", {STOP}}}, -1,
		""},
	{"one that stops, and fails some requests",
		{{1, RX, "(b*)[^@]*@x", {STOP}, "\\1"}, {2, RX, "[ab]@x", {STOP}}},
		CW_FINDING_SHADOWED, "1"},
	{"one that goes on, and fails all requests",
		{{1, RX, "(b*)[^@]*@x", {.target = &edge}, "\\1"}, {2, RX, "a+@x", {STOP}}},
		CW_FINDING_UNDECIDED, ""},
	{"overlap",
		{{1, CW_PATTERN_PREFIX, "bob@", {STOP, .target = &edge}},
			{2, CW_PATTERN_SUFFIX, "@x.example", {STOP}}},
		CW_FINDING_OVERLAP, "1"},
	{"special before general",
		{{1, RX, "bob@x\\.example", {STOP, .target = &edge}},
			{2, RX, ".*@x\\.example", {STOP}}},
		-1, ""},
};

static struct cw_search_rule make_rule(const struct line *line)
{
	enum cw_behavior behavior = line->replacement ? CW_BEHAVIOR_REPLACE : CW_BEHAVIOR_LEAVE;
	struct cw_search_rule rule = line->more;
	struct cw_pattern_error error = {0};

	rule.name = cw_str_of("r");
	rule.priority = line->priority;
	rule.enabled = !line->disabled;
	rule.target = rule.target ? rule.target : &inside;
	rule.behavior = behavior;
	if (line->pattern)
		ck_assert_msg(cw_pattern_create(&rule.pattern, line->type, cw_str_of(line->pattern),
				      behavior, cw_str_of(line->replacement), &error) == 0,
			"%s: %s", line->pattern, error.text);
	return rule;
}

static struct cw_ruleset *make_set(const struct line *lines)
{
	struct cw_ruleset *set = cw_ruleset_create();
	struct cw_search_rule rule;

	ck_assert_ptr_nonnull(set);
	for (size_t i = 0; i < RULES_MAX && lines[i].priority; i++) {
		rule = make_rule(&lines[i]);
		ck_assert_int_eq(cw_ruleset_add_rule(set, &rule), 0);
	}
	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	return set;
}

static bool is_about_reach(enum cw_finding_kind kind)
{
	return kind <= CW_FINDING_UNDECIDED;
}

static bool matches(const struct cw_search_rule *rule, const struct cw_request *request)
{
	if (!cw_plan_admits(rule, request))
		return false;
	return rule->mode != CW_RULE_PATTERN ||
	       cw_pattern_match(rule->pattern, request->alias) == CW_MATCH_YES;
}

/* What the witness must show, as the planner sees it. */
static void check_witness(
	const char *name, const struct cw_ruleset *set, const struct cw_finding *f)
{
	struct cw_arena arena = {0};
	struct cw_plan plan;
	bool is_taken = false;

	ck_assert_int_eq(cw_plan_explain(&plan, set, &f->witness, &arena), 0);
	ck_assert_msg(
		matches(f->rule, &f->witness), "%s: the witness is no alias of the rule", name);
	/* of several that overlap, the witness shows the first */
	if (f->kind == CW_FINDING_OVERLAP)
		ck_assert_msg(matches(f->others[0], &f->witness), "%s: no overlap", name);
	if (f->kind == CW_FINDING_SHADOWED)
		ck_assert_msg(plan.considered[f->rule->index].verdict == CW_VERDICT_NOT_REACHED,
			"%s: the witness reaches it", name);
	for (size_t i = 0; i < f->n_others; i++)
		is_taken |= plan.considered[f->others[i]->index].verdict == CW_VERDICT_MATCH ||
			    plan.considered[f->others[i]->index].verdict == CW_VERDICT_LIMIT;
	ck_assert_msg(is_taken || f->kind != CW_FINDING_SHADOWED,
		"%s: none of the rules takes the witness", name);
	for (size_t i = 0; i < plan.n_targets && f->kind == CW_FINDING_DUPLICATE; i++)
		ck_assert_msg(plan.targets[i].rule != f->rule, "%s: it adds a target", name);
	cw_arena_finish(&arena);
}

/* "12": the rules of a finding by their numbers. */
static void write_others(char *out, const struct cw_finding *f)
{
	for (size_t i = 0; i < f->n_others; i++)
		*out++ = (char)('1' + f->others[i]->index);
	*out = '\0';
}

START_TEST(finds_what_was_planted)
{
	const struct plant *p = &plants[_i];
	struct cw_ruleset *set = make_set(p->lines);
	struct cw_arena arena = {0};
	struct cw_findings findings = {.arena = &arena};
	const struct cw_finding *f;
	char others[RULES_MAX + 1];
	size_t n_rules;
	int found = -1;

	(void)cw_ruleset_rules(set, &n_rules);
	ck_assert_int_eq(cw_analysis_run(&findings, set, zones, N_ELEMENTS(zones)), 0);
	for (size_t i = 0; i < findings.count; i++) {
		f = &findings.all[i];
		if (f->witness.alias.len && is_about_reach(f->kind))
			check_witness(p->name, set, f);
		if (f->rule->index != n_rules - 1 || !is_about_reach(f->kind))
			continue;
		ck_assert_msg(found == -1, "%s: several findings", p->name);
		found = (int)f->kind;
		write_others(others, f);
		ck_assert_msg(strcmp(others, p->by) == 0, "%s: by %s", p->name, others);
	}
	ck_assert_msg(found == p->found, "%s: found %d (%s)", p->name, found,
		found >= 0 ? cw_finding_kind_name((enum cw_finding_kind)found) : "none");
	cw_arena_finish(&arena);
	cw_ruleset_destroy(set);
}
END_TEST

START_TEST(survives_short_memory)
{
	const struct plant *p = &plants[_i];
	struct cw_ruleset *set = make_set(p->lines);
	struct cw_arena arena = {0};
	struct cw_findings findings = {.arena = &arena};
	size_t count;
	int r;

	ck_assert_int_eq(cw_analysis_run(&findings, set, zones, N_ELEMENTS(zones)), 0);
	count = findings.count;
	cw_arena_finish(&arena);
	for (unsigned n = 1;; n += n < 64 ? 1 : n / 16) {
		findings = (struct cw_findings){.arena = &arena};
		alloc_fail_at(n);
		r = cw_analysis_run(&findings, set, zones, N_ELEMENTS(zones));
		cw_arena_finish(&arena);
		if (!alloc_fail_reached())
			break;
		/* what only gives memory back may fail unnoticed */
		ck_assert_msg(r == -ENOMEM || (r == 0 && findings.count == count),
			"%s: allocation %u: %d", p->name, n, r);
	}
	ck_assert_int_eq(r, 0);
	cw_ruleset_destroy(set);
}
END_TEST

/* ---- transforms before the rules ---- */

static const struct transformed {
	const char *name;
	struct transform_line {
		const char *pattern, *replacement; /* NULL: leave */
	} transforms[2];
	const char *rule;
	int found; /* about the rule, -1: none */
} transformed[] = {
	{"rewrites all", {{".*@x", "z"}}, ".*@x", CW_FINDING_UNREACHABLE},
	{"rewrites some", {{"a.*@x", "z"}}, ".*@x", -1},
	{"makes some", {{".*@x", "bob@x"}}, ".*@x", CW_FINDING_UNDECIDED},
	{"keeps the one behind it away", {{"bob@x"}, {".*@x", "z"}}, ".*@x", CW_FINDING_UNDECIDED},
	{"keeps it away from others", {{"bob@y"}, {".*@x", "z"}}, ".*@x", CW_FINDING_UNREACHABLE},
	{"keeps away what is not regular", {{"(?!a).*@x"}, {".*@x", "z"}}, ".*@x",
		CW_FINDING_UNDECIDED},
	{"keeps away what is not understood", {{"(?R)?bob@x"}, {".*@x", "z"}}, ".*@x",
		CW_FINDING_UNDECIDED},
};

static void add_transform(struct cw_ruleset *set, const struct transform_line *line)
{
	struct cw_transform transform = {.name = CW_STR("t"), .priority = 1, .enabled = true};
	struct cw_pattern_error error;

	ck_assert_int_eq(cw_pattern_create(&transform.pattern, RX, cw_str_of(line->pattern),
				 line->replacement ? CW_BEHAVIOR_REPLACE : CW_BEHAVIOR_LEAVE,
				 cw_str_of(line->replacement), &error),
		0);
	ck_assert_int_eq(cw_ruleset_add_transform(set, &transform), 0);
}

START_TEST(knows_transforms)
{
	const struct transformed *t = &transformed[_i];
	struct cw_search_rule rule = make_rule(&(struct line){1, RX, t->rule, {STOP}, NULL, false});
	struct cw_ruleset *set = cw_ruleset_create();
	struct cw_arena arena = {0};
	struct cw_findings findings = {.arena = &arena};
	int found = -1;

	ck_assert_ptr_nonnull(set);
	for (size_t i = 0; i < N_ELEMENTS(t->transforms) && t->transforms[i].pattern; i++)
		add_transform(set, &t->transforms[i]);
	ck_assert_int_eq(cw_ruleset_add_rule(set, &rule), 0);
	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	ck_assert_int_eq(cw_analysis_run(&findings, set, zones, N_ELEMENTS(zones)), 0);
	for (size_t i = 0; i < findings.count; i++)
		if (is_about_reach(findings.all[i].kind))
			found = (int)findings.all[i].kind;
	ck_assert_msg(found == t->found, "%s: found %d", t->name, found);
	cw_arena_finish(&arena);
	cw_ruleset_destroy(set);
}
END_TEST

/* ---- random rule sets, against all short aliases ---- */

#define SEED        20261124u
#define RANDOM_SETS 200
#define ALIAS_BYTES "ab@."
#define ALIAS_LEN   4

static unsigned random_below(unsigned *state, unsigned n)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % n;
}

/* An empty one makes aliases that cannot be used. */
static const char *const replacements[] = {"a", "@", "\\0b", "b\\0", "a@b", ""};

/* A regex of some pieces; what PCRE2 does not take is tried again by the caller. */
static void write_regex(char *out, unsigned *state)
{
	static const char *const pieces[] = {"a", "b", "@", "\\.", ".", "[ab]", "[^@]", "(a|b)",
		"(ab|@)", "(?:a|@b)", "\\w", "B", "^", "$", "(?!a)", "(?=b)", "\\1", "(?>a|ab)",
		"a{2}", "[[:alpha:]]"};
	static const char *const repeats[] = {"", "", "", "*", "+", "?", "{1,2}", "*?", "++"};
	static const char *const joints[] = {"", "", "", "", "|"};

	*out = '\0';
	for (unsigned n = 1 + random_below(state, 4); n; n--) {
		strcat(out, pieces[random_below(state, N_ELEMENTS(pieces))]);
		strcat(out, repeats[random_below(state, N_ELEMENTS(repeats))]);
		strcat(out, n > 1 ? joints[random_below(state, N_ELEMENTS(joints))] : "");
	}
}

static struct cw_search_rule make_random_rule(unsigned *state)
{
	static const struct cw_zone *const *const sources[] = {from_default, from_inside};
	struct cw_search_rule rule = {.name = cw_str_of("r"),
		.priority = 1 + random_below(state, 3),
		.enabled = random_below(state, 10) > 0,
		.protocol = random_below(state, 8) ? CW_RULE_SIP : CW_RULE_ANY_PROTOCOL,
		.variant = random_below(state, 3) ? CW_RULE_ANY_VARIANT
						  : (enum cw_rule_variant)random_below(state, 6),
		.authenticated = random_below(state, 6) == 0,
		.mode = random_below(state, 12) ? CW_RULE_PATTERN : CW_RULE_ANY_ALIAS,
		.stop = random_below(state, 4) > 0,
		.target = random_below(state, 2) ? &inside : &edge,
		.behavior = random_below(state, 4) ? CW_BEHAVIOR_LEAVE : CW_BEHAVIOR_REPLACE};
	enum cw_pattern_type type = (enum cw_pattern_type)random_below(state, 4);
	struct cw_pattern_error error;
	char text[160];

	if (random_below(state, 3) == 0) {
		rule.source = CW_RULE_FROM_NAMED;
		rule.sources = sources[random_below(state, 2)];
		rule.n_sources = 1;
	}
	if (random_below(state, 2))
		type = CW_PATTERN_REGEX;
	do
		write_regex(text, state);
	while (rule.mode == CW_RULE_PATTERN &&
		cw_pattern_create(&rule.pattern, type, cw_str_of(text), rule.behavior,
			cw_str_of(replacements[random_below(state, N_ELEMENTS(replacements))]),
			&error) != 0);
	return rule;
}

/* A transform that often matches, and makes aliases of the same few bytes or leaves them. */
static void add_random_transform(struct cw_ruleset *set, unsigned *state)
{
	struct cw_transform transform = {.name = cw_str_of("t"),
		.priority = 1 + random_below(state, 3),
		.enabled = random_below(state, 6) > 0};
	struct cw_pattern_error error;
	char text[160];

	do
		write_regex(text, state);
	while (cw_pattern_create(&transform.pattern, (enum cw_pattern_type)random_below(state, 4),
		       cw_str_of(text),
		       random_below(state, 3) ? CW_BEHAVIOR_REPLACE : CW_BEHAVIOR_LEAVE,
		       cw_str_of(replacements[random_below(state, N_ELEMENTS(replacements))]),
		       &error) != 0);
	ck_assert_int_eq(cw_ruleset_add_transform(set, &transform), 0);
}

/* No request of this alias shows one of the findings to be wrong. */
static void check_alias(const struct cw_ruleset *set, const struct cw_findings *findings,
	struct cw_str alias, unsigned number)
{
	static const enum cw_variant variants[] = {
		CW_VARIANT_STANDARD, CW_VARIANT_MS_IMP, CW_VARIANT_MS_AV, CW_VARIANT_MS_SIP};
	struct cw_arena arena = {0};
	const struct cw_finding *f;
	struct cw_plan plan;

	for (size_t z = 0; z < 3; z++)
		for (size_t v = 0; v < N_ELEMENTS(variants); v++) {
			struct cw_request request = {.variant = variants[v],
				.alias = alias,
				.from = zones[z],
				.authenticated = zones[z]->trusted};

			ck_assert_int_eq(cw_plan_explain(&plan, set, &request, &arena), 0);
			for (size_t i = 0; i < findings->count; i++) {
				f = &findings->all[i];
				if (f->kind == CW_FINDING_UNREACHABLE ||
					f->kind == CW_FINDING_SHADOWED)
					ck_assert_msg(plan.considered[f->rule->index].verdict !=
							      CW_VERDICT_MATCH,
						"set %u, rule %zu: reached by %" CW_STR_FMT, number,
						f->rule->index, CW_STR_ARG(alias));
				for (size_t t = 0;
					f->kind == CW_FINDING_DUPLICATE && t < plan.n_targets; t++)
					ck_assert_msg(plan.targets[t].rule != f->rule,
						"set %u, rule %zu: adds to %" CW_STR_FMT, number,
						f->rule->index, CW_STR_ARG(alias));
			}
			cw_arena_finish(&arena);
		}
}

static void check_all_aliases(
	const struct cw_ruleset *set, const struct cw_findings *findings, unsigned number)
{
	char alias[ALIAS_LEN];
	size_t len, n, i, rest;

	for (len = 1, n = sizeof(ALIAS_BYTES) - 1; len <= ALIAS_LEN;
		len++, n *= sizeof(ALIAS_BYTES) - 1)
		for (i = 0; i < n; i++) {
			rest = i;
			for (size_t at = 0; at < len; at++, rest /= sizeof(ALIAS_BYTES) - 1)
				alias[at] = ALIAS_BYTES[rest % (sizeof(ALIAS_BYTES) - 1)];
			check_alias(set, findings, cw_str_make(alias, len), number);
		}
}

START_TEST(says_nothing_that_an_alias_refutes)
{
	unsigned state = SEED;
	size_t kinds[CW_FINDING_UNDECIDED + 1] = {0};

	for (unsigned number = 0; number < RANDOM_SETS; number++) {
		struct cw_ruleset *set = cw_ruleset_create();
		struct cw_arena arena = {0};
		struct cw_findings findings = {.arena = &arena};
		struct cw_search_rule rule;

		for (unsigned n = 3 + random_below(&state, 6); n; n--) {
			rule = make_random_rule(&state);
			ck_assert_int_eq(cw_ruleset_add_rule(set, &rule), 0);
		}
		for (unsigned n = random_below(&state, 4); n > 1; n--)
			add_random_transform(set, &state);
		ck_assert_int_eq(cw_ruleset_seal(set), 0);
		ck_assert_int_eq(cw_analysis_run(&findings, set, zones, N_ELEMENTS(zones)), 0);
		for (size_t i = 0; i < findings.count; i++)
			if (is_about_reach(findings.all[i].kind)) {
				kinds[findings.all[i].kind]++;
				if (findings.all[i].witness.alias.len)
					check_witness("random", set, &findings.all[i]);
			}
		check_all_aliases(set, &findings, number);
		cw_arena_finish(&arena);
		cw_ruleset_destroy(set);
	}
	/* the sets are worth the name: all kinds were found */
	for (size_t k = 0; k <= CW_FINDING_UNDECIDED; k++)
		ck_assert_msg(kinds[k] > 0, "kind %zu was never found", k);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("analysis");
	TCase *tcase = tcase_create("core");

	ADD_ROWS(tcase, finds_what_was_planted, plants);
	ADD_ROWS(tcase, knows_transforms, transformed);
	tcase_add_loop_test(tcase, survives_short_memory, 0, 8);
	tcase_add_test(tcase, says_nothing_that_an_alias_refutes);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
