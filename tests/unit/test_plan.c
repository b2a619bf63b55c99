#include "dialplan/plan.h"

#include "core/buf.h"
#include "dialplan/alias.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define RULES_MAX 6
#define NAME(literal)                                                                              \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

static const struct cw_zone zone_default = {.name = NAME("default"), .type = CW_ZONE_DEFAULT};
static const struct cw_zone zone_imp = {.name = NAME("IMP"), .index = 1, .type = CW_ZONE_NEIGHBOR};
static const struct cw_zone zone_edge = {
	.name = NAME("edge"), .index = 2, .type = CW_ZONE_NEIGHBOR};
static const struct cw_zone zone_internet = {
	.name = NAME("internet"), .index = 3, .type = CW_ZONE_DNS};

/* A rule as the tables write it: what is left out is as in a rule file, the target is zone_imp. */
struct rule {
	const char *name;
	unsigned priority; /* 0: 100 */
	bool disabled;
	enum cw_rule_protocol protocol;
	enum cw_rule_variant variant;
	enum cw_rule_source source;
	const struct cw_zone *sources[2];
	bool authenticated;
	enum cw_rule_mode mode;
	enum cw_pattern_type type;
	const char *pattern, *replacement; /* no pattern: any-alias unless the mode is any-ip */
	bool strip, stop;
	const struct cw_zone *target;
};

static struct cw_pattern *make_pattern(
	enum cw_pattern_type type, const char *text, bool strip, const char *replacement)
{
	struct cw_pattern_error error = {0};
	struct cw_pattern *p = NULL;
	enum cw_behavior behavior = strip         ? CW_BEHAVIOR_STRIP
				    : replacement ? CW_BEHAVIOR_REPLACE
						  : CW_BEHAVIOR_LEAVE;

	ck_assert_msg(cw_pattern_create(&p, type, cw_str_of(text), behavior, cw_str_of(replacement),
			      &error) == 0,
		"%s: %s", text, error.text);
	return p;
}

static void add_rule(struct cw_ruleset *set, const struct rule *row)
{
	struct cw_search_rule rule = {
		.name = cw_str_of(row->name),
		.priority = row->priority ? row->priority : CW_PRIORITY_DEFAULT,
		.enabled = !row->disabled,
		.protocol = row->protocol,
		.variant = row->variant,
		.source = row->source,
		.sources = row->sources,
		.n_sources = row->sources[0] ? row->sources[1] ? 2 : 1 : 0,
		.authenticated = row->authenticated,
		.mode = row->mode,
		.stop = row->stop,
		.target = row->target ? row->target : &zone_imp,
	};

	if (row->pattern)
		rule.pattern = make_pattern(row->type, row->pattern, row->strip, row->replacement);
	else if (row->mode == CW_RULE_PATTERN)
		rule.mode = CW_RULE_ANY_ALIAS;
	ck_assert_int_eq(cw_ruleset_add_rule(set, &rule), 0);
}

static void add_transform(struct cw_ruleset *set, const struct rule *row)
{
	struct cw_transform transform = {
		.name = cw_str_of(row->name),
		.priority = row->priority ? row->priority : CW_PRIORITY_DEFAULT,
		.enabled = !row->disabled,
		.pattern = make_pattern(row->type, row->pattern, row->strip, row->replacement),
	};

	ck_assert_int_eq(cw_ruleset_add_transform(set, &transform), 0);
}

/* "decision [limit name]; alias [by transform]; rule>zone:alias ..." */
static void print_result(struct cw_buf *b, const struct cw_plan *plan)
{
	cw_buf_clear(b);
	cw_buf_printf(b, "%s", cw_decision_name(plan->decision));
	if (plan->decision == CW_DECISION_LIMIT)
		cw_buf_printf(b, " %s", plan->limit_name);
	if (plan->transform)
		cw_buf_printf(
			b, " %s=>%" CW_STR_FMT, plan->transform->name.p, CW_STR_ARG(plan->alias));
	for (size_t i = 0; i < plan->n_targets; i++)
		cw_buf_printf(b, " %s>%s:%" CW_STR_FMT, plan->targets[i].rule->name.p,
			plan->targets[i].zone->name.p, CW_STR_ARG(plan->targets[i].alias));
	cw_buf_add_char(b, '\0');
}

/* "rule=verdict ..."; of the verdicts only those that decide must know, if `decided`. */
static void print_considered(struct cw_buf *b, const struct cw_plan *plan, bool decided)
{
	cw_buf_clear(b);
	for (size_t i = 0; i < plan->n_considered; i++) {
		const struct cw_considered *c = &plan->considered[i];

		if (!decided || c->verdict == CW_VERDICT_MATCH || c->verdict == CW_VERDICT_LIMIT)
			cw_buf_printf(b, "%s=%s ", c->rule->name.p, cw_verdict_name(c->verdict));
	}
	cw_buf_add_char(b, '\0');
}

#define REGEX    .type = CW_PATTERN_REGEX, .pattern
#define PREFIX   .type = CW_PATTERN_PREFIX, .pattern
#define SUFFIX   .type = CW_PATTERN_SUFFIX, .pattern
#define EXACT    .type = CW_PATTERN_EXACT, .pattern
#define SOURCES  .source = CW_RULE_FROM_NAMED, .sources
#define HOPELESS "(a+)+[bc]" /* exceeds the match limit on LONG_A */
#define LONG_A   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad"

static const struct plan_case {
	const char *name;
	struct rule rules[RULES_MAX], transforms[3];
	const char *alias;          /* NULL: bob@x.example */
	const struct cw_zone *from; /* NULL: zone_default */
	enum cw_protocol protocol;
	enum cw_variant variant;
	bool authenticated;
	const char *result, *considered;
} plan_cases[] = {
	{"no rules", .result = "no-rule", .considered = ""},
	{"the order is priority, then the file's",
		.rules = {{"c", 30}, {"a", 10, .target = &zone_edge},
			{"d", 30, .target = &zone_edge}, {"b", 20, .target = &zone_internet}},
		.result =
			"routed a>edge:bob@x.example b>internet:bob@x.example c>IMP:bob@x.example",
		.considered = "a=match b=match c=match d=match "},
	{"continue goes on, stop ends behind its priority",
		.rules = {{"a", 10, EXACT = "bob@x.example"},
			{"b", 20, .stop = true, .target = &zone_edge},
			{"c", 20, .target = &zone_internet}, {"d", 21}},
		.result =
			"routed a>IMP:bob@x.example b>edge:bob@x.example c>internet:bob@x.example",
		.considered = "a=match b=match c=match d=not-reached "},
	{"a stop later in one priority counts as well",
		.rules = {{"a", 10}, {"b", 10, .stop = true, .target = &zone_edge}, {"c", 11}},
		.result = "routed a>IMP:bob@x.example b>edge:bob@x.example",
		.considered = "a=match b=match c=not-reached "},
	{"a stop that does not match stops nothing",
		.rules = {{"a", 10, .stop = true, EXACT = "al@x.example"}, {"b", 20}},
		.result = "routed b>IMP:bob@x.example", .considered = "a=no-match b=match "},
	{"disabled rules are skipped, also behind a stop",
		.rules = {{"a", 10, .disabled = true, .stop = true}, {"b", 20, .stop = true},
			{"c", 30, .disabled = true}},
		.result = "routed b>IMP:bob@x.example",
		.considered = "a=skipped b=match c=skipped "},
	{"a target stands once, and its rules match all the same",
		.rules = {{"a", 10}, {"b", 20, PREFIX = "bob", .replacement = "al"},
			{"c", 30, PREFIX = "BOB"}, {"d", 40, .target = &zone_edge}},
		.result = "routed a>IMP:bob@x.example b>IMP:al@x.example d>edge:bob@x.example",
		.considered = "a=match b=match c=match d=match "},
	{"a stop on a target that stands already counts",
		.rules = {{"a", 10}, {"b", 20, .stop = true}, {"c", 30, .target = &zone_edge}},
		.result = "routed a>IMP:bob@x.example",
		.considered = "a=match b=match c=not-reached "},
	{"all pattern types",
		.rules = {{"a", 1, EXACT = "BOB@x.example"}, {"b", 2, PREFIX = "ob"},
			{"c", 3, SUFFIX = "@x.EXAMPLE", .target = &zone_edge},
			{"d", 4, REGEX = "b.b"},
			{"e", 5, REGEX = "b.b@.*", .target = &zone_internet}},
		.result =
			"routed a>IMP:bob@x.example c>edge:bob@x.example e>internet:bob@x.example",
		.considered = "a=match b=no-match c=match d=no-match e=match "},
	{"all behaviors",
		.rules = {{"a", 1, PREFIX = "bob@", .strip = true},
			{"b", 2, SUFFIX = ".example", .strip = true},
			{"c", 3, SUFFIX = "x.example", .replacement = "y"},
			{"d", 4, REGEX = "(.*)@(.*)", .replacement = "\\2/\\1"},
			{"e", 5, EXACT = "bob@x.example", .replacement = "z"}},
		.result = "routed a>IMP:x.example b>IMP:bob@x c>IMP:bob@y d>IMP:x.example/bob "
			  "e>IMP:z",
		.considered = "a=match b=match c=match d=match e=match "},
	{"any-alias is for names",
		.rules = {{"a", .mode = CW_RULE_ANY_ALIAS}, {"b", .mode = CW_RULE_ANY_IP}},
		.result = "routed a>IMP:bob@x.example", .considered = "a=match b=no-match "},
	{"any-ip is for addresses",
		.rules = {{"a", .mode = CW_RULE_ANY_ALIAS}, {"b", .mode = CW_RULE_ANY_IP}},
		.alias = "[2001:db8::1]:5061;transport=tls",
		.result = "routed b>IMP:[2001:db8::1]:5061;transport=tls",
		.considered = "a=no-match b=match "},
	{"a user at an address is a name",
		.rules = {{"a", .mode = CW_RULE_ANY_ALIAS}, {"b", .mode = CW_RULE_ANY_IP}},
		.alias = "bob@192.0.2.1", .result = "routed a>IMP:bob@192.0.2.1",
		.considered = "a=match b=no-match "},
	{"a pattern may match an address", .rules = {{"a", PREFIX = "192."}}, .alias = "192.0.2.1",
		.result = "routed a>IMP:192.0.2.1", .considered = "a=match "},
	{"sources from the default zone",
		.rules = {{"a", .source = CW_RULE_FROM_ANY},
			{"b", .source = CW_RULE_FROM_ALL_ZONES}, {"c", SOURCES = {&zone_imp}},
			{"d", SOURCES = {&zone_imp, &zone_default}, .target = &zone_edge}},
		.result = "routed a>IMP:bob@x.example d>edge:bob@x.example",
		.considered = "a=match b=no-match c=no-match d=match "},
	{"sources from a zone",
		.rules = {{"a", .source = CW_RULE_FROM_ANY},
			{"b", .source = CW_RULE_FROM_ALL_ZONES, .target = &zone_edge},
			{"c", SOURCES = {&zone_imp}, .target = &zone_internet},
			{"d", SOURCES = {&zone_edge, &zone_default}}},
		.from = &zone_imp,
		.result =
			"routed a>IMP:bob@x.example b>edge:bob@x.example c>internet:bob@x.example",
		.considered = "a=match b=match c=match d=no-match "},
	{"authentication missing", .rules = {{"a", .authenticated = true}, {"b"}},
		.result = "routed b>IMP:bob@x.example", .considered = "a=no-match b=match "},
	{"authentication there", .rules = {{"a", .authenticated = true}, {"b"}},
		.authenticated = true, .result = "routed a>IMP:bob@x.example",
		.considered = "a=match b=match "},
	{"a rule is for SIP unless it says otherwise",
		.rules = {{"a", .protocol = CW_RULE_SIP}, {"b", .protocol = CW_RULE_XMPP},
			{"c", .protocol = CW_RULE_ANY_PROTOCOL, .target = &zone_edge}},
		.result = "routed a>IMP:bob@x.example c>edge:bob@x.example",
		.considered = "a=match b=no-match c=match "},
	{"stanzas",
		.rules = {{"a", .protocol = CW_RULE_SIP}, {"b", .protocol = CW_RULE_XMPP},
			{"c", .protocol = CW_RULE_ANY_PROTOCOL, .target = &zone_edge}},
		.protocol = CW_PROTOCOL_XMPP,
		.result = "routed b>IMP:bob@x.example c>edge:bob@x.example",
		.considered = "a=no-match b=match c=match "},
	{"variant standard",
		.rules = {{"any", .variant = CW_RULE_ANY_VARIANT},
			{"standard", .variant = CW_RULE_STANDARD},
			{"microsoft", .variant = CW_RULE_MICROSOFT},
			{"imp", .variant = CW_RULE_MS_IMP}, {"av", .variant = CW_RULE_MS_AV},
			{"sip", .variant = CW_RULE_MS_SIP}},
		.result = "routed any>IMP:bob@x.example",
		.considered = "any=match standard=match microsoft=no-match imp=no-match "
			      "av=no-match sip=no-match "},
	{"variant ms-imp",
		.rules = {{"any", .variant = CW_RULE_ANY_VARIANT},
			{"standard", .variant = CW_RULE_STANDARD},
			{"microsoft", .variant = CW_RULE_MICROSOFT},
			{"imp", .variant = CW_RULE_MS_IMP}, {"av", .variant = CW_RULE_MS_AV},
			{"sip", .variant = CW_RULE_MS_SIP}},
		.variant = CW_VARIANT_MS_IMP, .result = "routed any>IMP:bob@x.example",
		.considered = "any=match standard=no-match microsoft=match imp=match av=no-match "
			      "sip=no-match "},
	{"variant ms-av",
		.rules = {{"any", .variant = CW_RULE_ANY_VARIANT},
			{"standard", .variant = CW_RULE_STANDARD},
			{"microsoft", .variant = CW_RULE_MICROSOFT},
			{"imp", .variant = CW_RULE_MS_IMP}, {"av", .variant = CW_RULE_MS_AV},
			{"sip", .variant = CW_RULE_MS_SIP}},
		.variant = CW_VARIANT_MS_AV, .result = "routed any>IMP:bob@x.example",
		.considered = "any=match standard=no-match microsoft=match imp=no-match av=match "
			      "sip=no-match "},
	{"variant ms-sip",
		.rules = {{"any", .variant = CW_RULE_ANY_VARIANT},
			{"standard", .variant = CW_RULE_STANDARD},
			{"microsoft", .variant = CW_RULE_MICROSOFT},
			{"imp", .variant = CW_RULE_MS_IMP}, {"av", .variant = CW_RULE_MS_AV},
			{"sip", .variant = CW_RULE_MS_SIP}},
		.variant = CW_VARIANT_MS_SIP, .result = "routed any>IMP:bob@x.example",
		.considered = "any=match standard=no-match microsoft=match imp=no-match "
			      "av=no-match sip=match "},
	{"variant undecided",
		.rules = {{"any", .variant = CW_RULE_ANY_VARIANT},
			{"standard", .variant = CW_RULE_STANDARD},
			{"microsoft", .variant = CW_RULE_MICROSOFT},
			{"imp", .variant = CW_RULE_MS_IMP}, {"av", .variant = CW_RULE_MS_AV},
			{"sip", .variant = CW_RULE_MS_SIP}},
		.variant = CW_VARIANT_ANY, .result = "routed any>IMP:bob@x.example",
		.considered =
			"any=match standard=match microsoft=match imp=match av=match sip=match "},
	{"the first transform that matches rewrites, once",
		.transforms = {{"t3", 3, SUFFIX = "@y", .replacement = "@z"},
			{"t1", 1, PREFIX = "al", .replacement = "no"},
			{"t2", 2, SUFFIX = "@x.example", .replacement = "@y"}},
		.rules = {{"a", EXACT = "bob@y"}, {"b", EXACT = "bob@x.example"}},
		.result = "routed t2=>bob@y a>IMP:bob@y", .considered = "a=match b=no-match "},
	{"a transform that leaves the alias ends the transforms",
		.transforms = {{"t1", 1, PREFIX = "bob"},
			{"t2", 2, PREFIX = "bob", .replacement = "al"}},
		.rules = {{"a"}}, .result = "routed t1=>bob@x.example a>IMP:bob@x.example",
		.considered = "a=match "},
	{"a disabled transform does nothing",
		.transforms = {{"t1", 1, .disabled = true, PREFIX = "bob", .replacement = "al"}},
		.rules = {{"a"}}, .result = "routed a>IMP:bob@x.example", .considered = "a=match "},
	{"a transform may make an address of a name",
		.transforms = {{"t1", 1, EXACT = "bob@x.example", .replacement = "192.0.2.1"}},
		.rules = {{"a"}, {"b", .mode = CW_RULE_ANY_IP}},
		.result = "routed t1=>192.0.2.1 b>IMP:192.0.2.1",
		.considered = "a=no-match b=match "},
	{"a match limit fails the request, whatever matched before",
		.rules = {{"a", 10, .target = &zone_edge}, {"b", 20, REGEX = HOPELESS}, {"c", 30}},
		.alias = LONG_A, .result = "limit b",
		.considered = "a=match b=limit c=not-reached "},
	{"also within the priority of a stop",
		.rules = {{"a", 10, .stop = true}, {"b", 10, REGEX = HOPELESS}, {"c", 10}},
		.alias = LONG_A, .result = "limit b",
		.considered = "a=match b=limit c=not-reached "},
	{"a hopeless pattern is not asked where another criterion says no",
		.rules = {{"a", 10, REGEX = HOPELESS, .variant = CW_RULE_MS_AV},
			{"b", 10, REGEX = HOPELESS, .disabled = true}, {"c", 20, .stop = true},
			{"d", 30, REGEX = HOPELESS}},
		.alias = LONG_A, .result = "routed c>IMP:" LONG_A,
		.considered = "a=no-match b=skipped c=match d=not-reached "},
	{"a match limit in a transform",
		.transforms = {{"t1", 1, REGEX = HOPELESS, .replacement = "x"}},
		.rules = {{"a"}, {"b", .disabled = true}}, .alias = LONG_A, .result = "limit t1",
		.considered = "a=not-reached b=skipped "},
	{"a rule that leaves no alias fails the request",
		.rules = {{"a", 10, PREFIX = "bob@x.example", .strip = true}, {"b", 20}},
		.result = "limit a", .considered = "a=limit b=not-reached "},
	{"a transform that leaves no alias fails the request",
		.transforms = {{"t1", 1, REGEX = "bob(.*)@x.example", .replacement = "\\1"}},
		.rules = {{"a"}}, .result = "limit t1", .considered = "a=not-reached "},
};

static struct cw_ruleset *make_set(const struct plan_case *c)
{
	struct cw_ruleset *set = cw_ruleset_create();

	ck_assert_ptr_nonnull(set);
	for (size_t i = 0; i < RULES_MAX && c->rules[i].name; i++)
		add_rule(set, &c->rules[i]);
	for (size_t i = 0; i < N_ELEMENTS(c->transforms) && c->transforms[i].name; i++)
		add_transform(set, &c->transforms[i]);
	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	return set;
}

static struct cw_request request_of(const struct plan_case *c, struct cw_str alias)
{
	return (struct cw_request){
		.protocol = c->protocol,
		.variant = c->variant,
		.method = cw_str_of("MESSAGE"),
		.alias = alias,
		.from = c->from ? c->from : &zone_default,
		.authenticated = c->authenticated,
	};
}

START_TEST(plans)
{
	const struct plan_case *c = &plan_cases[_i];
	struct cw_str alias = heap_copy(cw_str_of(c->alias ? c->alias : "bob@x.example"));
	struct cw_request request = request_of(c, alias);
	struct cw_ruleset *set = make_set(c);
	struct cw_arena arena = {0};
	struct cw_buf got = {0}, decided = {0};
	struct cw_plan plan;

	ck_assert_int_eq(cw_plan_explain(&plan, set, &request, &arena), 0);
	print_result(&got, &plan);
	ck_assert_msg(strcmp(got.data, c->result) == 0, "%s: explain: %s", c->name, got.data);
	for (size_t i = 0; i < plan.n_considered; i++)
		ck_assert_msg(plan.considered[i].reason.len > 0, "%s: no reason for %s", c->name,
			plan.considered[i].rule->name.p);
	print_considered(&got, &plan, false);
	ck_assert_msg(strcmp(got.data, c->considered) == 0, "%s: %s", c->name, got.data);
	print_considered(&got, &plan, true);

	ck_assert_int_eq(cw_plan_decide(&plan, set, &request, &arena), 0);
	print_considered(&decided, &plan, false);
	ck_assert_msg(strcmp(decided.data, got.data) == 0, "%s: %s", c->name, decided.data);
	print_result(&got, &plan);
	ck_assert_msg(strcmp(got.data, c->result) == 0, "%s: decide: %s", c->name, got.data);

	cw_buf_finish(&got);
	cw_buf_finish(&decided);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
	heap_free(alias);
}
END_TEST

static const struct reason_case {
	struct rule rule;
	const char *alias; /* NULL: bob@x.example */
	const char *reason;
} reason_cases[] = {
	{{"a", .protocol = CW_RULE_XMPP}, NULL, "protocol is sip, rule wants xmpp"},
	{{"a", .variant = CW_RULE_MICROSOFT}, NULL, "variant is standard, rule wants microsoft"},
	{{"a", SOURCES = {&zone_imp}}, NULL, "source zone is default, rule wants IMP"},
	{{"a", SOURCES = {&zone_imp, &zone_edge}}, NULL,
		"source zone is default, rule wants IMP or edge"},
	{{"a", .source = CW_RULE_FROM_ALL_ZONES}, NULL,
		"source zone is default, rule wants a configured zone"},
	{{"a", .authenticated = true}, NULL,
		"request is not authenticated (source zone default is not trusted)"},
	{{"a", .mode = CW_RULE_ANY_IP}, NULL, "alias is no IP address"},
	{{.name = "a"}, "192.0.2.1", "alias is an IP address"},
	{{.name = "a"}, NULL, "alias is no IP address"},
	{{"a", REGEX = "bob"}, NULL, "regex 'bob' does not match"},
	{{"a", SUFFIX = "example"}, NULL, "suffix 'example' matches"},
	{{"a", PREFIX = "b", .stop = true}, NULL, "prefix 'b' matches; stop"},
	{{"a", REGEX = HOPELESS}, LONG_A, "regex '" HOPELESS "' exceeded its match limit"},
	{{"a", SUFFIX = "bob@x.example", .strip = true}, NULL,
		"pattern matches, but behavior strip makes an alias that is empty or too long"},
};

START_TEST(gives_reasons)
{
	const struct reason_case *c = &reason_cases[_i];
	struct plan_case one = {.rules = {c->rule}};
	struct cw_request request =
		request_of(&one, cw_str_of(c->alias ? c->alias : "bob@x.example"));
	struct cw_ruleset *set = make_set(&one);
	struct cw_arena arena = {0};
	struct cw_plan plan;

	ck_assert_int_eq(cw_plan_explain(&plan, set, &request, &arena), 0);
	ck_assert_uint_eq(plan.n_considered, 1);
	ck_assert_msg(cw_str_eq(plan.considered[0].reason, cw_str_of(c->reason)),
		"expected %s, got %" CW_STR_FMT, c->reason, CW_STR_ARG(plan.considered[0].reason));
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

static void expect_reason(const struct cw_plan *plan, size_t i, const char *reason)
{
	ck_assert_uint_lt(i, plan->n_considered);
	ck_assert_msg(cw_str_eq(plan->considered[i].reason, cw_str_of(reason)), "%zu: %" CW_STR_FMT,
		i, CW_STR_ARG(plan->considered[i].reason));
}

START_TEST(gives_reasons_that_name_other_rules)
{
	struct plan_case c = {.rules = {{"first", 1}, {"second", 2, .stop = true}, {"third", 3},
				      {"fourth", 4, .disabled = true}}};
	struct cw_request request = request_of(&c, cw_str_of("bob@x.example"));
	struct cw_ruleset *set = make_set(&c);
	struct cw_arena arena = {0};
	struct cw_plan plan;

	ck_assert_int_eq(cw_plan_explain(&plan, set, &request, &arena), 0);
	expect_reason(&plan, 1, "alias is no IP address; same target as rule 'first'; stop");
	expect_reason(&plan, 2, "after stop of rule 'second'");
	expect_reason(&plan, 3, "disabled");
	cw_ruleset_destroy(set);

	c = (struct plan_case){.rules = {{"first", 1, REGEX = HOPELESS}, {"second", 2}}};
	set = make_set(&c);
	request = request_of(&c, cw_str_of(LONG_A));
	ck_assert_int_eq(cw_plan_explain(&plan, set, &request, &arena), 0);
	expect_reason(&plan, 1, "the request fails at rule 'first'");
	ck_assert_str_eq(plan.limit_reason, "exceeded its match limit");
	cw_ruleset_destroy(set);

	c = (struct plan_case){.rules = {{"first", 1}},
		.transforms = {{"t", EXACT = "bob@x.example", .replacement = ""}}};
	set = make_set(&c);
	request = request_of(&c, cw_str_of("bob@x.example"));
	ck_assert_int_eq(cw_plan_explain(&plan, set, &request, &arena), 0);
	expect_reason(&plan, 0, "the request fails at transform 't'");
	ck_assert_str_eq(plan.limit_reason, "makes an alias that is empty or too long");
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(refuses_what_is_no_alias)
{
	static const struct cw_str bad[] = {
		NAME(""), NAME("bob\0@x"), NAME("bob\r@x"), NAME("bob@x\n")};
	struct plan_case c = {.rules = {{"a", REGEX = "[^z]*"}}};
	struct cw_ruleset *set = make_set(&c);
	struct cw_arena arena = {0};
	char text[CW_ALIAS_MAX + 1];
	struct cw_request request;
	struct cw_plan plan;

	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < N_ELEMENTS(bad) + 1; i++) {
		request = request_of(
			&c, i < N_ELEMENTS(bad) ? bad[i] : cw_str_make(text, sizeof(text)));
		ck_assert_int_eq(cw_plan_decide(&plan, set, &request, &arena), -EINVAL);
		ck_assert_int_eq(cw_plan_explain(&plan, set, &request, &arena), -EINVAL);
	}
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(bounds_the_targets)
{
	static char names[CW_PLAN_TARGETS_MAX + 2][16];
	struct cw_ruleset *set = cw_ruleset_create();
	struct plan_case c = {0};
	struct cw_request request = request_of(&c, cw_str_of("bob@x.example"));
	struct cw_arena arena = {0};
	struct cw_plan plan;

	ck_assert_ptr_nonnull(set);
	for (unsigned i = 0; i < CW_PLAN_TARGETS_MAX + 2; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "to%u", i);
		add_rule(set,
			&(struct rule){names[i], i + 1, REGEX = ".*", .replacement = names[i]});
	}
	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	ck_assert_int_eq(cw_plan_explain(&plan, set, &request, &arena), 0);
	ck_assert_uint_eq(plan.n_targets, CW_PLAN_TARGETS_MAX);
	ck_assert(cw_str_eq(plan.targets[CW_PLAN_TARGETS_MAX - 1].alias, cw_str_of("to63")));
	expect_reason(&plan, CW_PLAN_TARGETS_MAX,
		"regex '.*' matches; target left out, there are 64 already");
	ck_assert_int_eq((int)plan.considered[CW_PLAN_TARGETS_MAX].verdict, CW_VERDICT_MATCH);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(takes_no_memory_for_what_does_not_match)
{
	struct cw_ruleset *set = cw_ruleset_create();
	struct plan_case c = {0};
	struct cw_request request = request_of(&c, cw_str_of("bob@x.example"));
	struct cw_arena arena = {0};
	struct cw_plan plan;

	ck_assert_ptr_nonnull(set);
	for (unsigned i = 0; i < 500; i++)
		add_rule(set, &(struct rule){"a", i + 1, REGEX = "alice@.*", .replacement = "x"});
	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	ck_assert_int_eq(cw_plan_decide(&plan, set, &request, &arena), 0);
	ck_assert_int_eq((int)plan.decision, CW_DECISION_NO_RULE);
	ck_assert_uint_eq(arena.total, 0);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct plan_case c = {.rules = {{"a", 1, PREFIX = "bob", .replacement = "al"}, {"b", 2},
				      {"c", 3, .disabled = true}, {"d", 4, .target = &zone_edge}},
		.transforms = {{"t", EXACT = "bob@x.example", .replacement = "bob@y"}}};
	struct cw_request request = request_of(&c, cw_str_of("bob@x.example"));
	struct cw_ruleset *set = make_set(&c);
	int (*const ways[])(struct cw_plan *, const struct cw_ruleset *, const struct cw_request *,
		struct cw_arena *) = {cw_plan_decide, cw_plan_explain};

	for (size_t way = 0; way < N_ELEMENTS(ways); way++) {
		for (size_t max_bytes = 0;; max_bytes += 64) {
			struct cw_plan plan = {.limit_name = "untouched"};
			struct cw_arena arena;

			/* the arena's limit is where memory ends; 0 would be none */
			cw_arena_init(&arena, max_bytes + 1);
			int r = ways[way](&plan, set, &request, &arena);
			cw_arena_finish(&arena);
			if (r == 0)
				break;
			ck_assert_int_eq(r, -ENOMEM);
			ck_assert_str_eq(plan.limit_name, "untouched");
			ck_assert_uint_lt(max_bytes, 1 << 20);
		}
	}
	cw_ruleset_destroy(set);
}
END_TEST

START_TEST(builds_a_set_with_short_memory)
{
	for (unsigned n = 1;; n++) {
		struct cw_search_rule rule = {.priority = 1, .mode = CW_RULE_ANY_ALIAS};
		struct cw_transform transform = {.priority = 1};

		alloc_fail_at(n);
		struct cw_ruleset *set = cw_ruleset_create();
		int r = set ? cw_ruleset_add_rule(set, &rule) : -ENOMEM;
		if (!r)
			r = cw_ruleset_add_transform(set, &transform);
		if (!r)
			r = cw_ruleset_seal(set);
		bool reached = alloc_fail_reached();
		cw_ruleset_destroy(set);
		ck_assert_int_eq(r, reached ? -ENOMEM : 0);
		if (!reached)
			break;
	}
	cw_ruleset_destroy(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tcase = tcase_create("plan");

	ADD_ROWS(tcase, plans, plan_cases);
	ADD_ROWS(tcase, gives_reasons, reason_cases);
	tcase_add_test(tcase, gives_reasons_that_name_other_rules);
	tcase_add_test(tcase, refuses_what_is_no_alias);
	tcase_add_test(tcase, bounds_the_targets);
	tcase_add_test(tcase, takes_no_memory_for_what_does_not_match);
	tcase_add_test(tcase, copes_with_short_memory);
	tcase_add_test(tcase, builds_a_set_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
