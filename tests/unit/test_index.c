#include "dialplan/index.h"

#include "dialplan/alias.h"
#include "dialplan/plan.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define SEED           20261124
#define CHUNKS         20  /* each a test of its own */
#define CHUNK_SETS     500 /* rule sets of a chunk */
#define SET_ALIASES    100 /* asked of each */
#define RULES_MAX      40
#define TRANSFORMS_MAX 3
#define TEXT_MAX       256

#define ZONE(zone_name, number, zone_type)                                                         \
	{                                                                                          \
		.name = CW_STR(zone_name), .index = (number), .type = (zone_type)                  \
	}

/* The last two have the same bit among the source zones of a rule without literals. */
static const struct cw_zone zones[] = {
	ZONE("default", 0, CW_ZONE_DEFAULT),
	ZONE("IMP", 1, CW_ZONE_NEIGHBOR),
	ZONE("edge", 2, CW_ZONE_NEIGHBOR),
	ZONE("far", 66, CW_ZONE_DNS),
};

/* ---- random rules, and aliases near them ---- */

struct random {
	uint64_t state;
};

static uint32_t below(struct random *r, uint32_t limit)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->state >> 33) % limit;
}

#define PICK(r, array) (array)[below(r, N_ELEMENTS(array))]

static const char *const users[] = {
	"bob", "al", "alice", "room-1-", "room-12-", "a", "sales", "bob.b", "x", "9"};
static const char *const domains[] = {"x.example", "y.example", "chat.x.example", "x.example.org",
	"xx.example", "imp-1.long-name-of-a-host.department.company.partner17.example",
	"imp-1.long-name-of-a-host.department.company.partner1.example.net", "b.c", "192.0.2.1"};
static const char *const labels[] = {"sip", "x", "chat", "example", "example.org"};

/*
 * %u is a user, %d a domain, %l a label, escaped in a regex; others stand for themselves. Those whose regexes have nothing
 * mandatory, or nothing that is understood, stand among them.
 */
static const char *const regexes[] = {".*@%d", ".*@%d(;.*)?", "(.*)@(%d|%d)", "(?:%u|%u)@.*",
	"%u.*", "[a-z]+\\d+@.*", "(.*)\\.%l\\..*", ".*%u.*%d", "(a+)+[bc]", "(?=%u).*",
	"(?!%u).*@%d", "(%u)@\\1.*", "(?i)%u@%d", "[^@]+", ".*", "\\+?[0-9]+", "%u@%d|%u@%d",
	"(?:%u@%d|.*;x)", ".*(?<=%d)", "(?>a*)%u.*", ".{3,12}@%d", "%u(*ACCEPT)%u",
	"(*NO_JIT).*@%d", "b\\Kob.*", ".*\\b%u\\b.*", "\\Q%u\\E@.*", "(?x) %u @ .*", "[%u]+@.*",
	"(?:%u){2}.*", "(?:%u)?@?%d", "x*%d", "(a|b|c)(d|o)?.*@%d", "((a*)*)*@%d", ".*\\x40%d",
	".*[@.]%d[:;]?.*", "%u", "%d", ".*@(a|chat\\.)?%d", ".*(a|b)@x", "(%u)?(%u)?@.*",
	"((%u|%l)[-.]?)+@%d", ".*@(?:%l\\.)*%l", "(a+)+@%d", "[ab]{2}.*@[xy]+\\..*", "^%u@%d$",
	"(?:^%u|%u)@%d", ".*@.*@.*", "\\w+@%d", ".*;x|.*;y", "(?|(%u)|(%l))@.*", ".*?%l.*?",
	"(?s).*%d", "%u++@.*", "[[:alpha:]]+@%l.*"};

static const char *const alias_forms[] = {"%u@%d", "%u@%d;x", "%d", "%u%u@%d", "%u@%d", "%u",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%u!@%d",
	"192.0.2.1", "[2001:db8::1]:5061", "%u@%l.%d", "%u@%d@%d", "%u.%l.x", "%u7@%d", "12345",
	"@", "%u@%d.evil.org", "%u@%d%d;y", "bob@bob", "%u@%d:5061;transport=tls"};

static void add_text(char *out, const char *text, bool escape)
{
	char *at = out + strlen(out);

	for (; *text && at < out + TEXT_MAX - 3; text++) {
		if (escape && *text == '.')
			*at++ = '\\';
		*at++ = *text;
	}
	*at = '\0';
}

static void fill_in(struct random *r, char *out, const char *form, bool escape)
{
	char plain[2] = "";

	out[0] = '\0';
	for (; *form; form++) {
		if (*form == '%') {
			form++;
			add_text(out,
				*form == 'u'   ? PICK(r, users)
				: *form == 'd' ? PICK(r, domains)
					       : PICK(r, labels),
				escape);
		} else {
			plain[0] = *form;
			add_text(out, plain, false);
		}
	}
}

/* Change some bytes of an alias: letters change their case, bytes are lost, put in or replaced. */
static size_t disturb(struct random *r, char *alias, size_t len)
{
	static const char bytes[] = "@.;-aXb1\x84\xe4\xff ";
	uint32_t times = below(r, 2) ? 0 : below(r, 4);
	size_t at;

	for (; times; times--) {
		at = below(r, (uint32_t)len);
		switch (below(r, 4)) {
		case 0:
			alias[at] = bytes[below(r, sizeof(bytes) - 1)];
			break;
		case 1:
			if (len > 1)
				memmove(alias + at, alias + at + 1, --len - at);
			break;
		case 2:
			memmove(alias + at + 1, alias + at, len++ - at);
			break;
		default:
			for (at = 0; at < len; at++)
				if (alias[at] >= 'a' && alias[at] <= 'z' && below(r, 2))
					alias[at] = (char)(alias[at] - 'a' + 'A');
		}
	}
	return len;
}

/* A pattern of any type and behavior; NULL where what was made up does not compile. */
static struct cw_pattern *random_pattern(struct random *r)
{
	static const char *const replacements[] = {
		"bob@x.example", "\\0", "new-\\0", "", "\\1", "\\1@\\2"};
	static const char *const forms[] = {"%u", "%d", "%u@%d", "@%d", ".%l", "%u@", "%l."};
	enum cw_pattern_type type =
		below(r, 2) ? CW_PATTERN_REGEX : (enum cw_pattern_type)below(r, CW_PATTERN_REGEX);
	enum cw_behavior behavior = below(r, 3) ? CW_BEHAVIOR_LEAVE : CW_BEHAVIOR_REPLACE;
	struct cw_pattern_error error;
	struct cw_pattern *pattern = NULL;
	char text[TEXT_MAX];

	if (type != CW_PATTERN_EXACT && type != CW_PATTERN_REGEX && below(r, 6) == 0)
		behavior = CW_BEHAVIOR_STRIP;
	fill_in(r, text, type == CW_PATTERN_REGEX ? PICK(r, regexes) : PICK(r, forms),
		type == CW_PATTERN_REGEX);
	if (cw_pattern_create(&pattern, type, cw_str_of(text), behavior,
		    cw_str_of(PICK(r, replacements)), &error))
		return NULL;
	return pattern;
}

static struct cw_search_rule random_rule(struct random *r)
{
	static const struct cw_zone *const sources[][2] = {{&zones[0], &zones[1]},
		{&zones[1], &zones[2]}, {&zones[2], &zones[0]}, {&zones[3], &zones[0]},
		{&zones[3], &zones[1]}};
	struct cw_search_rule rule = {
		.name = CW_STR("rule"),
		.priority = 1 + below(r, 6),
		.enabled = below(r, 10) > 0,
		.protocol = (enum cw_rule_protocol)below(r, 3),
		.variant = below(r, 3) ? CW_RULE_ANY_VARIANT : (enum cw_rule_variant)below(r, 6),
		.source = below(r, 3) ? CW_RULE_FROM_ANY : (enum cw_rule_source)below(r, 3),
		.sources = PICK(r, sources),
		.n_sources = 1 + below(r, 2),
		.authenticated = below(r, 8) == 0,
		.mode = below(r, 16) ? CW_RULE_PATTERN : (enum cw_rule_mode)(1 + below(r, 2)),
		.stop = below(r, 6) == 0,
		.target = &zones[1 + below(r, N_ELEMENTS(zones) - 1)],
	};

	if (rule.mode == CW_RULE_PATTERN)
		rule.pattern = random_pattern(r);
	if (!rule.pattern && rule.mode == CW_RULE_PATTERN)
		rule.mode = CW_RULE_ANY_IP;
	return rule;
}

static struct cw_ruleset *random_set(struct random *r)
{
	struct cw_ruleset *set = cw_ruleset_create();
	uint32_t n;

	ck_assert_ptr_nonnull(set);
	for (n = 1 + below(r, RULES_MAX); n; n--) {
		struct cw_search_rule rule = random_rule(r);

		ck_assert_int_eq(cw_ruleset_add_rule(set, &rule), 0);
	}
	for (n = below(r, 3) ? 0 : below(r, TRANSFORMS_MAX); n; n--) {
		struct cw_transform transform = {.name = CW_STR("transform"),
			.priority = 1 + below(r, 3),
			.enabled = true,
			.pattern = random_pattern(r)};

		if (transform.pattern)
			ck_assert_int_eq(cw_ruleset_add_transform(set, &transform), 0);
	}
	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	return set;
}

/* ---- index and walk say the same ---- */

static bool same_targets(const struct cw_plan *a, const struct cw_plan *b)
{
	if (a->n_targets != b->n_targets)
		return false;
	for (size_t i = 0; i < a->n_targets; i++)
		if (a->targets[i].rule != b->targets[i].rule ||
			a->targets[i].zone != b->targets[i].zone ||
			!cw_str_eq(a->targets[i].alias, b->targets[i].alias))
			return false;
	return true;
}

/* Whether the rules that matched or reached their limit are the same, in order. */
static bool same_verdicts(const struct cw_plan *decided, const struct cw_plan *explained)
{
	size_t i, n = 0;

	for (i = 0; i < explained->n_considered; i++) {
		const struct cw_considered *c = &explained->considered[i];

		if (c->verdict != CW_VERDICT_MATCH && c->verdict != CW_VERDICT_LIMIT)
			continue;
		if (n == decided->n_considered || decided->considered[n].rule != c->rule ||
			decided->considered[n].verdict != c->verdict)
			return false;
		n++;
	}
	return n == decided->n_considered;
}

/* What came up. */
struct tally {
	unsigned pairs, decisions[3], several_targets, transformed;
};

static void compare(const struct cw_ruleset *set, const struct cw_request *request,
	struct cw_arena *arena, struct tally *tally)
{
	struct cw_plan decided, explained;

	ck_assert_int_eq(cw_plan_decide(&decided, set, request, arena), 0);
	ck_assert_int_eq(cw_plan_explain(&explained, set, request, arena), 0);
	ck_assert_msg(decided.decision == explained.decision &&
			      decided.limit_reason == explained.limit_reason &&
			      same_targets(&decided, &explained) &&
			      same_verdicts(&decided, &explained),
		"seed %d, pair %u, %" CW_STR_FMT ": %s with %zu targets, but %s with %zu", SEED,
		tally->pairs, CW_STR_ARG(request->alias), cw_decision_name(decided.decision),
		decided.n_targets, cw_decision_name(explained.decision), explained.n_targets);
	tally->pairs++;
	tally->decisions[decided.decision]++;
	tally->several_targets += decided.n_targets > 1;
	tally->transformed += decided.transform != NULL;
}

static void compare_random(struct random *r, const struct cw_ruleset *set, struct tally *tally)
{
	char alias[TEXT_MAX + 8];
	struct cw_arena arena = {0};
	size_t len;

	fill_in(r, alias, PICK(r, alias_forms), false);
	len = disturb(r, alias, strlen(alias));
	struct cw_request request = {
		.protocol = (enum cw_protocol)below(r, 2),
		.variant = (enum cw_variant)below(r, 5),
		.alias = heap_copy(cw_str_make(alias, len)),
		.from = &PICK(r, zones),
		.authenticated = below(r, 2),
	};
	compare(set, &request, &arena, tally);
	heap_free(request.alias);
	cw_arena_finish(&arena);
}

START_TEST(decides_what_it_explains)
{
	struct random r = {SEED + (uint64_t)_i * 1000003};
	struct tally tally = {0};

	for (unsigned sets = 0; sets < CHUNK_SETS; sets++) {
		struct cw_ruleset *set = random_set(&r);

		for (unsigned i = 0; i < SET_ALIASES; i++)
			compare_random(&r, set, &tally);
		cw_ruleset_destroy(set);
	}
	/* all that matters comes up often */
	ck_assert_uint_gt(tally.decisions[CW_DECISION_ROUTED], tally.pairs / 10);
	ck_assert_uint_gt(tally.decisions[CW_DECISION_NO_RULE], tally.pairs / 10);
	ck_assert_uint_gt(tally.decisions[CW_DECISION_LIMIT], tally.pairs / 100);
	ck_assert_uint_gt(tally.several_targets, tally.pairs / 50);
	ck_assert_uint_gt(tally.transformed, tally.pairs / 500);
}
END_TEST

/* ---- what the index leaves out, and what it does not ---- */

static const struct cw_zone *const from_imp[] = {&zones[1]}, *const from_far[] = {&zones[3]};

#define RULE(...)                                                                                  \
	{                                                                                          \
		.name = CW_STR("rule"), .priority = 1, .enabled = true, __VA_ARGS__                \
	}
#define ANY_PROTOCOL .protocol = CW_RULE_ANY_PROTOCOL
#define FROM(list)   .source = CW_RULE_FROM_NAMED, .sources = (list), .n_sources = 1

static const struct candidate_case {
	const char *name;
	struct cw_search_rule rule; /* from the zone IMP over SIP */
	enum cw_pattern_type type;
	const char *pattern; /* NULL: any-alias */
	const char *alias;
	bool is_candidate;
} candidate_cases[] = {
	{"whole", RULE(), CW_PATTERN_EXACT, "bob@x", "BOB@x", true},
	{"not whole", RULE(), CW_PATTERN_EXACT, "bob@x", "bob@xx", false},
	{"begin", RULE(), CW_PATTERN_PREFIX, "bob", "Bob@x", true},
	{"begin, one byte", RULE(), CW_PATTERN_PREFIX, "9", "911", true},
	{"begin, the alias is shorter", RULE(), CW_PATTERN_PREFIX, "bob", "bo", false},
	{"end", RULE(), CW_PATTERN_SUFFIX, "@X", "Bob@x", true},
	{"not the end", RULE(), CW_PATTERN_SUFFIX, "@x", "Bob@xx", false},
	{"the domain", RULE(), CW_PATTERN_REGEX, ".*@x\\.example(;.*)?", "a@x.example;y", true},
	{"another domain", RULE(), CW_PATTERN_REGEX, ".*@x\\.example", "a@y.example", false},
	{"a literal inside", RULE(), CW_PATTERN_REGEX, ".*-imp-.*", "x-IMP-y", true},
	{"it is missing", RULE(), CW_PATTERN_REGEX, ".*-imp-.*", "x-imp", false},
	{"no literal", RULE(), CW_PATTERN_REGEX, "[a-z]*", "bob", true},
	{"first byte", RULE(), CW_PATTERN_REGEX, "[0-9]+", "bob", false},
	{"first byte, upper case", RULE(), CW_PATTERN_REGEX, "[b-c][a-z]*", "Bob", true},
	{"first byte, not ASCII", RULE(), CW_PATTERN_REGEX, "[\xe4\xc4][a-z]*", "\xe4", true},
	{"required byte", RULE(), CW_PATTERN_REGEX, "[a-z]*-?x", "bob", false},
	{"required byte, upper case", RULE(), CW_PATTERN_REGEX, "[a-z]*-?X", "bobx", true},
	{"shortest length", RULE(), CW_PATTERN_REGEX, "[a-z]{4,}", "bob", false},
	{"source", RULE(FROM(from_imp)), CW_PATTERN_ANY, NULL, "bob", true},
	{"another source", RULE(FROM(from_far)), CW_PATTERN_ANY, NULL, "bob", false},
	{"any zone", RULE(.source = CW_RULE_FROM_ALL_ZONES), CW_PATTERN_ANY, NULL, "bob", true},
	{"protocol", RULE(.protocol = CW_RULE_XMPP), CW_PATTERN_ANY, NULL, "bob", false},
	{"any protocol", RULE(ANY_PROTOCOL), CW_PATTERN_ANY, NULL, "bob", true},
	{"authentication", RULE(.authenticated = true), CW_PATTERN_ANY, NULL, "bob", false},
	{"disabled", {.name = CW_STR("rule"), .priority = 1}, CW_PATTERN_ANY, NULL, "bob", false},
	{"disabled, with a literal", {.name = CW_STR("rule"), .priority = 1}, CW_PATTERN_EXACT,
		"bob", "bob", false},
};

static struct cw_pattern *make_pattern(enum cw_pattern_type type, const char *text)
{
	struct cw_pattern_error error = {0};
	struct cw_pattern *pattern = NULL;

	ck_assert_msg(cw_pattern_create(&pattern, type, cw_str_of(text), CW_BEHAVIOR_LEAVE,
			      cw_str_of(NULL), &error) == 0,
		"%s: %s", text, error.text);
	return pattern;
}

static void add(struct cw_ruleset *set, struct cw_search_rule rule, enum cw_pattern_type type,
	const char *pattern)
{
	rule.target = &zones[1];
	rule.mode = pattern ? CW_RULE_PATTERN : CW_RULE_ANY_ALIAS;
	if (pattern)
		rule.pattern = make_pattern(type, pattern);
	ck_assert_int_eq(cw_ruleset_add_rule(set, &rule), 0);
}

START_TEST(leaves_out)
{
	const struct candidate_case *c = &candidate_cases[_i];
	struct cw_str alias = heap_copy(cw_str_of(c->alias));
	struct cw_request request = {.alias = alias, .from = &zones[1]};
	struct cw_ruleset *set = cw_ruleset_create();
	struct cw_candidates candidates;
	struct cw_arena arena = {0};
	size_t n = 0;

	ck_assert_ptr_nonnull(set);
	add(set, c->rule, c->type, c->pattern);
	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	ck_assert_int_eq(
		cw_index_find(&candidates, cw_ruleset_index(set), &request, alias, &arena), 0);
	while (cw_candidates_next(&candidates))
		n++;
	ck_assert_msg(n == c->is_candidate, "%s: %zu candidates", c->name, n);
	cw_arena_finish(&arena);
	cw_ruleset_destroy(set);
	heap_free(alias);
}
END_TEST

/* Many words, a few rules for each: what an alias holds of them comes in order and once, in bounded memory. */
START_TEST(takes_each_candidate_once)
{
	enum {
		WORDS = 80
	};
	struct cw_request request = {.from = &zones[1]};
	struct cw_ruleset *set = cw_ruleset_create();
	struct cw_candidates candidates;
	const struct cw_search_rule *rule;
	static char alias[CW_ALIAS_MAX];
	char pattern[40];
	struct cw_arena arena;
	size_t len = 0, n = 0, last = 0;

	ck_assert_ptr_nonnull(set);
	for (unsigned i = 0; i < WORDS * 3; i++) {
		(void)snprintf(pattern, sizeof(pattern), ".*@w%u\\..*", i % WORDS);
		add(set, (struct cw_search_rule)RULE(), CW_PATTERN_REGEX, pattern);
		if (i % 3 == 0)
			add(set, (struct cw_search_rule)RULE(), CW_PATTERN_ANY, NULL);
	}
	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	/* half of the words, in descending order, and one of them 240 times */
	for (unsigned i = WORDS; i-- > WORDS / 2;)
		len += (size_t)sprintf(alias + len, "@w%u.", i);
	while (len + 6 < sizeof(alias) && n++ < 240)
		len += (size_t)sprintf(alias + len, "@w%u.", WORDS / 2);
	request.alias = cw_str_make(alias, len);
	cw_arena_init(&arena, 6500);
	ck_assert_int_eq(
		cw_index_find(&candidates, cw_ruleset_index(set), &request, request.alias, &arena),
		0);
	for (n = 0; (rule = cw_candidates_next(&candidates)) != NULL; n++) {
		ck_assert(n == 0 || rule->index > last);
		last = rule->index;
	}
	ck_assert_uint_eq(n, WORDS / 2 * 3 + WORDS);
	cw_arena_finish(&arena);

	cw_arena_init(&arena, 256);
	ck_assert_int_eq(
		cw_index_find(&candidates, cw_ruleset_index(set), &request, request.alias, &arena),
		-ENOMEM);
	cw_arena_finish(&arena);
	cw_ruleset_destroy(set);
}
END_TEST

/* What stands in the table is cut at 64 bytes: what is longer must be found by its part. */
START_TEST(finds_long_literals)
{
	static const enum cw_pattern_type types[] = {
		CW_PATTERN_EXACT, CW_PATTERN_PREFIX, CW_PATTERN_SUFFIX, CW_PATTERN_REGEX};
	struct cw_ruleset *set = cw_ruleset_create();
	struct cw_request request = {.from = &zones[1]};
	char text[CW_ALIAS_MAX + 2] = "";
	struct cw_arena arena = {0};
	struct cw_plan plan;

	ck_assert_ptr_nonnull(set);
	memset(text, 'a', CW_ALIAS_MAX + 1);
	add(set, (struct cw_search_rule)RULE(), CW_PATTERN_EXACT, text);
	memset(text, 'b', CW_LITERAL_MAX * 3);
	text[CW_LITERAL_MAX * 3] = '\0';
	for (size_t i = 0; i < N_ELEMENTS(types); i++)
		add(set, (struct cw_search_rule)RULE(), types[i], text);
	ck_assert_int_eq(cw_ruleset_seal(set), 0);
	request.alias = cw_str_of(text);
	ck_assert_int_eq(cw_plan_decide(&plan, set, &request, &arena), 0);
	ck_assert_uint_eq(plan.n_considered, N_ELEMENTS(types));
	memset(text, 'A', CW_ALIAS_MAX);
	request.alias = cw_str_make(text, CW_ALIAS_MAX);
	ck_assert_int_eq(cw_plan_decide(&plan, set, &request, &arena), 0);
	ck_assert_uint_eq(plan.n_considered, 0);
	cw_arena_finish(&arena);
	cw_ruleset_destroy(set);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_search_rule rules[4] = {RULE(), RULE(), RULE(), RULE()};
	const struct cw_search_rule *const order[] = {&rules[0], &rules[1], &rules[2], &rules[3]};
	struct cw_index *index = NULL;
	int r = -ENOMEM;
	unsigned n = 0;

	rules[0].pattern = make_pattern(CW_PATTERN_EXACT, "bob@x");
	rules[1].pattern = make_pattern(CW_PATTERN_REGEX, ".*@x");
	rules[2].pattern = make_pattern(CW_PATTERN_REGEX, "[a-z]+");
	rules[3].mode = CW_RULE_ANY_IP;
	while (r == -ENOMEM) {
		ck_assert_ptr_null(index);
		alloc_fail_at(++n);
		r = cw_index_create(&index, order, N_ELEMENTS(order));
		(void)alloc_fail_reached();
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(n, 5);
	cw_index_destroy(index);
	cw_index_destroy(NULL);
	for (n = 0; n < 3; n++)
		cw_pattern_destroy(rules[n].pattern);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("index");
	TCase *tcase = tcase_create("index");

	tcase_add_loop_test(tcase, decides_what_it_explains, 0, CHUNKS);
	ADD_ROWS(tcase, leaves_out, candidate_cases);
	tcase_add_test(tcase, takes_each_candidate_once);
	tcase_add_test(tcase, finds_long_literals);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
