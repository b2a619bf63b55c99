#include "analysis/rule_style.h"

#include "dialplan/plan.h"
#include "tests/unit/pattern_tree.h"

#include <errno.h>
#include <stdio.h>

#define RULES_MAX 5

static const struct cw_zone outside = {.name = CW_STR("default"), .type = CW_ZONE_DEFAULT};
static const struct cw_zone imp = {
	.name = CW_STR("IMP"), .index = 1, .type = CW_ZONE_NEIGHBOR, .trusted = true};
static const struct cw_zone edge = {.name = CW_STR("edge"), .index = 2, .type = CW_ZONE_NEIGHBOR};
static const struct cw_zone internet = {
	.name = CW_STR("internet"), .index = 3, .type = CW_ZONE_DNS};
static const struct cw_zone chat = {.name = CW_STR("chat"), .index = 4, .type = CW_ZONE_XMPP};
static const struct cw_zone *const zones[] = {&outside, &imp, &edge, &internet, &chat};

static const struct cw_zone *const from_outside[] = {&outside};
static const struct cw_zone *const from_imp[] = {&imp};
static const struct cw_zone *const from_edge[] = {&edge};
static const struct cw_zone *const from_edge_and_outside[] = {&edge, &outside};
static const struct cw_zone *const from_internet[] = {&internet};

#define FROM(list) .source = CW_RULE_FROM_NAMED, .sources = (list), .n_sources = N_ELEMENTS(list)

/* A rule; what is left out is as in a file, and the target is IMP. */
struct row {
	enum cw_pattern_type type;
	const char *pattern; /* NULL: the mode says it, or there are no more rows */
	struct cw_search_rule more;
	bool is_disabled;
};

#define RX CW_PATTERN_REGEX
#define ANY(...)                                                                                   \
	{                                                                                          \
		CW_PATTERN_ANY, NULL,                                                              \
		{                                                                                  \
			.mode = CW_RULE_ANY_ALIAS, __VA_ARGS__                                     \
		}                                                                                  \
	}

static bool is_end(const struct row *row)
{
	return !row->pattern && row->more.mode == CW_RULE_PATTERN;
}

static void add_rule(struct cw_ruleset *set, const struct row *row)
{
	struct cw_search_rule rule = row->more;

	rule.name = (struct cw_str)CW_STR("r");
	rule.priority = CW_PRIORITY_DEFAULT;
	rule.enabled = !row->is_disabled;
	if (!rule.target)
		rule.target = &imp;
	if (row->pattern)
		rule.pattern = make_pattern(row->type, cw_str_of(row->pattern), NULL);
	ck_assert_int_eq(cw_ruleset_add_rule(set, &rule), 0);
}

/* Rows up to the first empty one. */
static struct cw_ruleset *make_set(const struct row *rows, size_t n)
{
	struct cw_ruleset *set = cw_ruleset_create();

	ck_assert_ptr_nonnull(set);
	for (size_t i = 0; i < n && !is_end(&rows[i]); i++)
		add_rule(set, &rows[i]);
	return set;
}

static void add_transform(struct cw_ruleset *set, const char *pattern, const char *replacement)
{
	const struct cw_transform transform = {.name = CW_STR("t"),
		.priority = 1,
		.enabled = true,
		.pattern = make_pattern(CW_PATTERN_REGEX, cw_str_of(pattern), replacement)};

	ck_assert_int_eq(cw_ruleset_add_transform(set, &transform), 0);
}

static void check_set(struct cw_findings *findings, struct cw_ruleset *set, struct cw_arena *arena)
{
	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	*findings = (struct cw_findings){.arena = arena};
	ck_assert_int_eq(cw_rule_style_check(findings, set, zones, N_ELEMENTS(zones)), 0);
	cw_findings_sort(findings);
}

/* The one finding of a kind, or NULL. */
static const struct cw_finding *find(const struct cw_findings *findings, enum cw_finding_kind kind)
{
	const struct cw_finding *found = NULL;

	for (size_t i = 0; i < findings->count; i++) {
		if (findings->all[i].kind != kind)
			continue;
		ck_assert_ptr_null(found);
		found = &findings->all[i];
	}
	return found;
}

/* ---- patterns ---- */

static const struct pattern_row {
	const char *name;
	enum cw_pattern_type type;
	const char *pattern;
	int kind; /* -1: nothing is found */
	const char *message;
	const char *alias; /* the witness; empty: none */
} pattern_rows[] = {
	{"as it should be", RX, ".*@x\\.example", -1, NULL, NULL},
	{"a dot", RX, ".*@x.example", CW_FINDING_UNESCAPED_DOT,
		"has a dot that stands for any character at byte 5 of its pattern, so that it "
		"takes "
		"'bob@xaexample' as well; write '.*@x\\.example'",
		"bob@xaexample"},
	{"a blank", RX, ".*@x\\.example ", CW_FINDING_STRAY_BLANK,
		"has a blank at byte 14 of its pattern, and no alias holds a blank: it never "
		"matches; write '.*@x\\.example'",
		""},
	{"a blank in an alternative", RX, ".*@x\\.example|.*@y\\.example ", CW_FINDING_STRAY_BLANK,
		"has a blank at byte 28 of its pattern, and no alias holds a blank; write "
		"'.*@x\\.example|.*@y\\.example'",
		""},
	{"a blank in a text", CW_PATTERN_SUFFIX, "@x.example ", CW_FINDING_STRAY_BLANK,
		"has a blank at byte 11 of its pattern, and no alias holds a blank: it never "
		"matches; write '@x.example'",
		""},
	{"only a blank", CW_PATTERN_SUFFIX, " ", CW_FINDING_STRAY_BLANK,
		"has a blank at byte 1 of its pattern, and no alias holds a blank: it never "
		"matches",
		""},
	{"options that are not understood", RX, "(?x) .*@x.example", -1, NULL, NULL},
};

static void assert_finding(const struct pattern_row *row, const struct cw_finding *found)
{
	ck_assert_int_eq((int)found->kind, row->kind);
	ck_assert_int_eq(found->level, CW_FINDING_WARNING);
	ck_assert_str_eq(found->message.p, row->message);
	ck_assert_msg(cw_str_eq(found->witness.alias, cw_str_of(row->alias)), "%s: %.*s", row->name,
		CW_STR_ARG(found->witness.alias));
	ck_assert(cw_plan_admits(found->rule, &found->witness));
}

START_TEST(says_what_is_wrong_with_a_pattern)
{
	const struct pattern_row *row = &pattern_rows[_i];
	const struct row rule = {row->type, row->pattern, {FROM(from_edge)}, false};
	struct cw_ruleset *set = make_set(&rule, 1);
	struct cw_arena arena = {0};
	struct cw_findings findings;

	check_set(&findings, set, &arena);
	ck_assert_msg(findings.count == (row->kind >= 0), "%s", row->name);
	if (row->kind >= 0)
		assert_finding(row, &findings.all[0]);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(says_what_is_catastrophic)
{
	const struct row rule = {RX, "(a|aa)+@x\\.example", {FROM(from_edge)}, false};
	struct cw_ruleset *set = make_set(&rule, 1);
	struct cw_arena arena = {0};
	struct cw_findings findings;
	struct cw_plan plan;

	check_set(&findings, set, &arena);
	ck_assert_uint_eq(findings.count, 1);
	ck_assert_int_eq(findings.all[0].kind, CW_FINDING_CATASTROPHIC);
	ck_assert_int_eq(findings.all[0].level, CW_FINDING_WARNING);
	ck_assert_ptr_nonnull(strstr(findings.all[0].message.p, "exceeds its match limit"));
	ck_assert_int_eq(cw_plan_explain(&plan, set, &findings.all[0].witness, &arena), 0);
	ck_assert_int_eq(plan.decision, CW_DECISION_LIMIT);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(leaves_blanks_that_a_transform_makes)
{
	const struct row rule = {RX, ".* .*@x\\.example", {FROM(from_edge)}, false};
	struct cw_ruleset *set = make_set(&rule, 1);
	struct cw_arena arena = {0};
	struct cw_findings findings;

	add_transform(set, "(.*)_(.*)", "\\1 \\2");
	check_set(&findings, set, &arena);
	ck_assert_ptr_null(find(&findings, CW_FINDING_STRAY_BLANK));
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

/* ---- open rules ---- */

static const struct open_row {
	const char *name;
	struct row rule;
	const char *message; /* a part of it; NULL: nothing is found */
	bool is_warning;
} open_rows[] = {
	{"a domain, inwards", {RX, ".*@x\\.example.*", {.target = &imp}, false}, "reach zone 'IMP'",
		false},
	{"a host, inwards", {RX, ".*imp1-public\\.x\\.example.*", {.target = &edge}, false},
		"reach zone 'edge'", false},
	{"a suffix", {CW_PATTERN_SUFFIX, "@x.example", {.target = &imp}, false}, "reach zone",
		false},
	{"an exact alias", {CW_PATTERN_EXACT, "bob@x.example", {.target = &imp}, false},
		"reach zone", false},
	{"short numbers", {RX, "[0-9]{4}", {.target = &imp}, false}, "reach zone", false},
	{"any domain, inwards", {RX, ".*@.*", {.target = &imp}, false}, "with any domain", true},
	{"a user of any domain", {RX, "bob@.*", {.target = &imp}, false}, "with any domain", true},
	{"a prefix", {CW_PATTERN_PREFIX, "bob", {.target = &imp}, false}, "with any domain", true},
	{"any alias", ANY(.target = &imp), "with any domain", true},
	{"any address", {CW_PATTERN_ANY, NULL, {.mode = CW_RULE_ANY_IP, .target = &imp}, false},
		"with any domain", true},
	{"towards chat", ANY(.protocol = CW_RULE_XMPP, .target = &chat), "reach zone 'chat'", true},
	{"a domain, outwards", {RX, ".*@y\\.example", {.target = &internet}, false},
		"send out through zone 'internet'", false},
	{"any domain, outwards", {RX, ".*", {.target = &internet}, false}, "open relay", true},
	{"any alias, outwards", ANY(.target = &internet), "open relay", true},
	{"all but a domain", {RX, "(?!.*@x\\.example).*", {.target = &imp}, false},
		"with any domain", true},
	{"not decided", {RX, "(?=.*\\.example).*", {.target = &imp}, false}, "reach zone", false},
	{"not understood", {RX, "(?x) .*", {.target = &imp}, false}, "reach zone", false},
	{"authenticated", ANY(.authenticated = true, .target = &imp), NULL, false},
	{"all zones", ANY(.source = CW_RULE_FROM_ALL_ZONES, .target = &internet), NULL, false},
	{"strangers by name", ANY(FROM(from_outside), .target = &imp), NULL, false},
	{"disabled", {RX, ".*", {.target = &imp}, true}, NULL, false},
};

START_TEST(finds_open_rules)
{
	const struct open_row *row = &open_rows[_i];
	struct cw_ruleset *set = make_set(&row->rule, 1);
	struct cw_arena arena = {0};
	struct cw_findings findings;
	const struct cw_finding *open;
	struct cw_plan plan;

	check_set(&findings, set, &arena);
	open = find(&findings, CW_FINDING_OPEN);
	ck_assert_msg(!open == !row->message, "%s: %s", row->name, open ? open->message.p : "none");
	if (open) {
		ck_assert_msg(strstr(open->message.p, row->message), "%s: %s", row->name,
			open->message.p);
		ck_assert_msg(
			(open->level == CW_FINDING_WARNING) == row->is_warning, "%s", row->name);
		ck_assert_msg((open->witness.alias.len > 0) == row->is_warning, "%s", row->name);
		ck_assert_ptr_eq(open->witness.from, &outside);
	}
	if (open && row->is_warning) {
		ck_assert_int_eq(cw_plan_explain(&plan, set, &open->witness, &arena), 0);
		ck_assert_msg(plan.n_targets == 1 && plan.targets[0].rule == open->rule, "%s: %.*s",
			row->name, CW_STR_ARG(open->witness.alias));
	}
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

/* ---- the rule for NOTIFY ---- */

static const struct notify_row {
	const char *name;
	struct row rules[RULES_MAX];
	int at;              /* the rule that it is about, from 0; -1: nothing is found */
	const char *message; /* a part of it */
	const char *alias;
} notify_rows[] = {
	{"inbound, users only",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false}}, 0,
		"add one for the Federation Routing FQDN, such as regex "
		"'.*imp1-public\\.x\\.example.*'",
		"imp1-public.x.example"},
	{"inbound, with the FQDN",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
			{RX, ".*imp1-public\\.x\\.example.*",
				{.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false}},
		-1, NULL, NULL},
	{"the FQDN in a rule of any variant",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MICROSOFT, FROM(from_edge)}, false},
			{CW_PATTERN_PREFIX, "imp1-public.x.example", {FROM(from_edge)}, false}},
		-1, NULL, NULL},
	{"the FQDN in a rule of another variant",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MICROSOFT, FROM(from_edge)}, false},
			{RX, ".*imp1-public\\.x\\.example.*",
				{.variant = CW_RULE_MS_AV, FROM(from_edge)}, false}},
		0, "from zone 'edge'", "imp1-public.x.example"},
	{"the FQDN in a disabled rule",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
			{RX, ".*imp1-public\\.x\\.example.*",
				{.variant = CW_RULE_MS_IMP, FROM(from_edge)}, true}},
		0, "from zone 'edge'", "imp1-public.x.example"},
	{"the FQDN towards another zone",
		{{RX, ".*@x\\.example",
			 {.variant = CW_RULE_MS_IMP, FROM(from_imp), .target = &edge}, false},
			{RX, ".*imp1-public\\.x\\.example.*",
				{.variant = CW_RULE_MS_IMP, FROM(from_imp), .target = &internet},
				false}},
		0, "add one such as regex '(.*[@.])?x\\.example([:;].*)?'", "host.x.example"},
	{"the FQDN from another zone",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
			{RX, ".*imp1-public\\.x\\.example.*",
				{.variant = CW_RULE_MS_IMP, FROM(from_outside)}, false}},
		0, "from zone 'edge'", "imp1-public.x.example"},
	{"the FQDN from one of two zones",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge_and_outside)},
			 false},
			{RX, ".*imp1-public\\.x\\.example.*",
				{.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false}},
		0, "from zone 'default'", "imp1-public.x.example"},
	{"the FQDN from trusted zones only",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
			{RX, ".*imp1-public\\.x\\.example.*",
				{.variant = CW_RULE_MS_IMP, .authenticated = true}, false}},
		0, "from zone 'edge'", "imp1-public.x.example"},
	{"the FQDN from all zones",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
			{RX, ".*imp1-public\\.x\\.example.*", {.source = CW_RULE_FROM_ALL_ZONES},
				false}},
		-1, NULL, NULL},
	{"any source, and the FQDN from one zone",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP}, false},
			{RX, ".*imp1-public\\.x\\.example.*",
				{.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false}},
		-1, NULL, NULL},
	{"any source, users only", {{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP}, false}}, 0,
		"from any zone", "imp1-public.x.example"},
	{"all zones, users only",
		{{RX, ".*@x\\.example",
			{.source = CW_RULE_FROM_ALL_ZONES, .variant = CW_RULE_MS_IMP}, false}},
		0, "from any configured zone", "imp1-public.x.example"},
	{"reported once, at the first",
		{{RX, ".*@a\\.example", {.target = &imp, FROM(from_edge)}, false},
			{RX, ".*@b\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
			{RX, ".*@c\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)},
				false}},
		1, "b\\.example", "imp1-public.b.example"},
	{"a suffix",
		{{CW_PATTERN_SUFFIX, "@x.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)},
			false}},
		0, "from zone 'edge'", "imp1-public.x.example"},
	{"users and their parameters",
		{{RX, ".*@x\\.example.*", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false}}, 0,
		"from zone 'edge'", "imp1-public.x.example"},
	{"users and hosts in one",
		{{RX, "(.*[@.])?x\\.example([:;].*)?", {.variant = CW_RULE_MS_IMP, FROM(from_edge)},
			false}},
		-1, NULL, NULL},
	{"outbound, users only",
		{{RX, ".*@y\\.example",
			{.variant = CW_RULE_MS_IMP, FROM(from_imp), .target = &internet}, false}},
		0, "add one of mode any-alias", "host.y.example"},
	{"outbound, any alias",
		{ANY(.variant = CW_RULE_MS_IMP, FROM(from_imp), .target = &internet)}, -1, NULL,
		NULL},
	{"outbound, users of any domain",
		{{RX, ".*@.*", {.variant = CW_RULE_MS_IMP, FROM(from_imp), .target = &edge},
			false}},
		0, "add one of mode any-alias", "host.invalid"},
	{"outbound, any address besides",
		{{RX, ".*@y\\.example",
			 {.variant = CW_RULE_MS_IMP, FROM(from_imp), .target = &internet}, false},
			{CW_PATTERN_ANY, NULL,
				{.mode = CW_RULE_ANY_IP, FROM(from_imp), .target = &internet},
				false}},
		0, "add one of mode any-alias", "host.y.example"},
	{"standard SIP",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_STANDARD, FROM(from_edge)}, false}}, -1,
		NULL, NULL},
	{"calls", {{RX, ".*@x\\.example", {.variant = CW_RULE_MS_AV, FROM(from_edge)}, false}}, -1,
		NULL, NULL},
	{"any variant", {{RX, ".*@x\\.example", {FROM(from_edge)}, false}}, -1, NULL, NULL},
	{"towards chat",
		{{RX, ".*@x\\.example",
			{.variant = CW_RULE_MS_IMP, FROM(from_edge), .target = &chat}, false}},
		-1, NULL, NULL},
	{"from a zone that nothing comes from",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_internet)}, false}},
		-1, NULL, NULL},
	{"from the target alone",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_imp)}, false}}, -1,
		NULL, NULL},
	{"users with a blank, of which there are none",
		{{RX, ".* @x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false}}, -1,
		NULL, NULL},
	{"hosts with a blank, of which there are none",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
			{RX, "imp1\\.x\\.example;.* ", {FROM(from_edge)}, false}},
		0, "from zone 'edge'", "imp1-public.x.example"},
	{"not decided whether hosts are taken",
		{{RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
			{RX, "(?x) x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)},
				false}},
		-1, NULL, NULL},
	{"not decided whether users are taken",
		{{RX, "(?=.*@).*", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false}}, -1, NULL,
		NULL},
};

/* The rule takes users, and nothing leads the witness to its target. */
static void assert_gap(
	const struct notify_row *row, const struct cw_finding *found, const struct cw_ruleset *set)
{
	struct cw_arena arena = {0};
	struct cw_plan plan;

	ck_assert_msg(
		strstr(found->message.p, row->message), "%s: %s", row->name, found->message.p);
	ck_assert_int_eq(found->level, CW_FINDING_WARNING);
	ck_assert_msg(cw_str_eq(found->witness.alias, cw_str_of(row->alias)), "%s: %.*s", row->name,
		CW_STR_ARG(found->witness.alias));
	ck_assert(cw_plan_admits(found->rule, &found->witness));
	ck_assert_int_eq(cw_plan_explain(&plan, set, &found->witness, &arena), 0);
	for (size_t i = 0; i < plan.n_targets; i++)
		ck_assert_msg(plan.targets[i].zone != found->rule->target, "%s", row->name);
	cw_arena_finish(&arena);
}

START_TEST(finds_missing_notify_rules)
{
	const struct notify_row *row = &notify_rows[_i];
	struct cw_ruleset *set = make_set(row->rules, RULES_MAX);
	struct cw_arena arena = {0};
	struct cw_findings findings;
	const struct cw_finding *notify;

	check_set(&findings, set, &arena);
	notify = find(&findings, CW_FINDING_NO_NOTIFY);
	ck_assert_msg((notify ? (int)notify->rule->index : -1) == row->at, "%s: %s", row->name,
		notify ? notify->message.p : "none");
	if (notify)
		assert_gap(row, notify, set);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

/* What the message says to add takes the witness, and then there is nothing to report. */
START_TEST(advises_notify_rules_that_help)
{
	const struct notify_row *row = &notify_rows[_i];
	const char *from = row->message ? strstr(row->message, "regex '") : NULL;
	struct row rules[RULES_MAX + 1] = {0};
	struct cw_ruleset *set;
	struct cw_arena arena = {0};
	struct cw_findings findings;
	char pattern[100];
	size_t n = 0;

	if (!from)
		return;
	while (n < RULES_MAX && !is_end(&row->rules[n])) {
		rules[n] = row->rules[n];
		n++;
	}
	snprintf(pattern, sizeof(pattern), "%.*s", (int)strcspn(from + 7, "'"), from + 7);
	rules[n] = row->rules[row->at];
	rules[n].type = CW_PATTERN_REGEX;
	rules[n].pattern = pattern;
	set = make_set(rules, RULES_MAX + 1);
	check_set(&findings, set, &arena);
	ck_assert_msg(!find(&findings, CW_FINDING_NO_NOTIFY), "%s", row->name);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(does_not_judge_hosts_that_a_transform_rewrites)
{
	const struct row rule = {
		RX, ".*@x\\.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false};
	struct cw_ruleset *set = make_set(&rule, 1);
	struct cw_arena arena = {0};
	struct cw_findings findings;

	add_transform(set, "(imp1\\.x\\.example)", "routing@x.example");
	check_set(&findings, set, &arena);
	ck_assert_ptr_null(find(&findings, CW_FINDING_NO_NOTIFY));
	cw_ruleset_destroy(set);

	set = make_set(&rule, 1);
	add_transform(set, "([0-9]+)@x\\.example", "desk-\\1@x.example");
	check_set(&findings, set, &arena);
	ck_assert_ptr_nonnull(find(&findings, CW_FINDING_NO_NOTIFY));
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

/* ---- sets of rules ---- */

/* As in rules/: with the sources of Tables 4 and 5 of Cisco's guide, and with those of Table 6. */
static const struct row shipped[][RULES_MAX] = {
	{
		{RX, ".*@msexample\\.com",
			{.variant = CW_RULE_MS_IMP, FROM(from_imp), .target = &edge}, false},
		{RX, "(.*[@.])?msexample\\.com[:;].*",
			{.variant = CW_RULE_MS_IMP, FROM(from_imp), .target = &edge}, false},
		{RX, ".*@ciscoexample\\.com", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
		{RX, ".*imp1-public\\.ciscoexample\\.com.*",
			{.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
	},
	{
		{RX, ".*@ciscoexample\\.com", {.variant = CW_RULE_MS_IMP, FROM(from_outside)},
			false},
		{RX, ".*imp1-public\\.ciscoexample\\.com.*",
			{.variant = CW_RULE_MS_IMP, FROM(from_outside)}, false},
		ANY(.variant = CW_RULE_MS_IMP, FROM(from_imp), .target = &internet),
	},
	{
		{RX, ".*imp1-public\\.uc\\.local.*", {.variant = CW_RULE_MS_IMP}, false},
		{RX, ".*@uc\\.local.*", {.variant = CW_RULE_MS_IMP}, false},
	},
};

START_TEST(has_no_warning_about_what_is_shipped)
{
	struct cw_ruleset *set = make_set(shipped[_i], RULES_MAX);
	struct cw_arena arena = {0};
	struct cw_findings findings;

	check_set(&findings, set, &arena);
	ck_assert_msg(findings.warnings == 0, "%s", findings.all ? findings.all[0].message.p : "");
	/* only Table 6 leaves the source out */
	ck_assert_uint_eq(findings.count, _i == 2 ? 2 : 0);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

static const struct row wrong[] = {
	{RX, ".*@x.example", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
	{RX, " .*@x\\.example ", {.variant = CW_RULE_MS_IMP, FROM(from_edge)}, false},
	{RX, "(a+)+@x\\.example", {FROM(from_edge)}, false},
	{RX, "(a|b).*", {.target = &edge}, false},
	{CW_PATTERN_PREFIX, "b", {.source = CW_RULE_FROM_ALL_ZONES}, true},
};

static bool has_all_kinds(const struct cw_findings *findings)
{
	static const enum cw_finding_kind kinds[] = {CW_FINDING_UNESCAPED_DOT,
		CW_FINDING_STRAY_BLANK, CW_FINDING_OPEN, CW_FINDING_NO_NOTIFY,
		CW_FINDING_CATASTROPHIC};

	for (size_t i = 0; i < N_ELEMENTS(kinds); i++)
		if (!find(findings, kinds[i]))
			return false;
	return true;
}

/* Where memory was short and nothing was lost by it, the findings are all there. */
START_TEST(copes_with_short_memory)
{
	struct cw_ruleset *set = make_set(wrong, N_ELEMENTS(wrong));
	struct cw_findings findings;
	struct cw_arena arena = {0};
	bool is_reached = true;
	int r;

	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	for (unsigned n = 1; is_reached; n++) {
		cw_arena_finish(&arena);
		findings = (struct cw_findings){.arena = &arena};
		alloc_fail_at(n);
		r = cw_rule_style_check(&findings, set, zones, N_ELEMENTS(zones));
		is_reached = alloc_fail_reached();
		if (r != 0)
			ck_assert_int_eq(r, -ENOMEM);
		ck_assert(r != 0 || has_all_kinds(&findings));
		ck_assert(r == 0 || is_reached);
	}
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(says_nothing_of_rules_that_nothing_can_match)
{
	static const struct row rules[] = {
		{RX, ".*@x.example", {FROM(from_internet)}, false},
		{RX, ".*@x.example ", {.authenticated = true, FROM(from_edge)}, false},
		{RX, ".*@x.example ", {FROM(from_edge)}, true},
	};
	struct cw_ruleset *set = make_set(rules, N_ELEMENTS(rules));
	struct cw_arena arena = {0};
	struct cw_findings findings;

	check_set(&findings, set, &arena);
	ck_assert_uint_eq(findings.count, 0);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rule_style");
	TCase *tcase = tcase_create("rule_style");

	ADD_ROWS(tcase, says_what_is_wrong_with_a_pattern, pattern_rows);
	tcase_add_test(tcase, says_what_is_catastrophic);
	tcase_add_test(tcase, leaves_blanks_that_a_transform_makes);
	ADD_ROWS(tcase, finds_open_rules, open_rows);
	ADD_ROWS(tcase, finds_missing_notify_rules, notify_rows);
	ADD_ROWS(tcase, advises_notify_rules_that_help, notify_rows);
	tcase_add_test(tcase, does_not_judge_hosts_that_a_transform_rewrites);
	ADD_ROWS(tcase, has_no_warning_about_what_is_shipped, shipped);
	tcase_add_test(tcase, copes_with_short_memory);
	tcase_add_test(tcase, says_nothing_of_rules_that_nothing_can_match);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
