#include "admin/locate.h"

#include "admin/pattern_trial.h"
#include "admin/rule_list.h"
#include "tests/support_c/ruleset_sample.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* A stream into memory; *text is set when it is closed. */
static FILE *open_text(char **text)
{
	static size_t len;
	FILE *out = open_memstream(text, &len);

	ck_assert_ptr_nonnull(out);
	return out;
}

static struct cw_request request_of(const char *alias, const struct cw_zone *from)
{
	return (struct cw_request){
		.variant = CW_VARIANT_MS_IMP,
		.method = cw_str_of("MESSAGE"),
		.alias = cw_str_of(alias),
		.from = from,
		.authenticated = from->trusted,
	};
}

#define LONG_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad"

/* Tables as they are printed, one line a line. */
/* clang-format off */
static const struct locate_case {
	const char *name, *file, *alias;
	size_t from;
	bool brief, colours;
	const char *table, *json;
} locate_cases[] = {
	{"routed, transformed, stopped", "rules/a.rules", "bob@old.example", 1, false, false,
		"alias      bob@old.example\n"
		"from       IMP, authenticated; sip, variant ms-imp\n"
		"transform  bob@x.example, by 'old domain' rules/a.rules:73\n"
		"\n"
		"PRIO  VERDICT      RULE                  WHY                                  WHERE\n"
		"  10  no-match     short numbers         prefix '9' does not match            rules/a.rules:13\n"
		"  10  skipped      old                   disabled                             rules/a.rules:23\n"
		"  20  match        inbound               regex '.*@x\\.example' matches; stop  rules/a.rules:3\n"
		"  30  not-reached  addresses             after stop of rule 'inbound'         rules/a.rules:33\n"
		"  30  not-reached  stanzas               after stop of rule 'inbound'         rules/a.rules:43\n"
		"  31  not-reached  own people elsewhere  after stop of rule 'inbound'         rules/a.rules:53\n"
		"  40  not-reached  hopeless              after stop of rule 'inbound'         rules/a.rules:63\n"
		"\n"
		"routed     1 target\n"
		"TRY  ZONE  ALIAS\n"
		"  1  IMP   bob@x.example\n"
		"           by rule 'inbound' rules/a.rules:3\n",
		"{\"alias\":\"bob@old.example\",\"from\":\"IMP\",\"protocol\":\"sip\",\"variant"
		"\":\"ms-imp\",\"authenticated\":true,\"transformed\":\"bob@x.example\",\"transfo"
		"rm\":\"old domain\",\"decision\":\"routed\",\"targets\":[{\"rule\":\"inbound"
		"\",\"priority\":20,\"zone\":\"IMP\",\"alias\":\"bob@x.example\",\"file\":\"rules"
		"/a.rules\",\"line\":3}],\"considered\":[{\"rule\":\"short numbers\",\"priority"
		"\":10,\"verdict\":\"no-match\",\"reason\":\"prefix '9' does not match\",\"file"
		"\":\"rules/a.rules\",\"line\":13},{\"rule\":\"old\",\"priority\":10,\"verdict"
		"\":\"skipped\",\"reason\":\"disabled\",\"file\":\"rules/a.rules\",\"line\":23},{"
		"\"rule\":\"inbound\",\"priority\":20,\"verdict\":\"match\",\"reason\":\"regex '."
		"*@x\\\\.example' matches; stop\",\"file\":\"rules/a.rules\",\"line\":3},{\"rule"
		"\":\"addresses\",\"priority\":30,\"verdict\":\"not-reached\",\"reason\":\"after "
		"stop of rule 'inbound'\",\"file\":\"rules/a.rules\",\"line\":33},{\"rule\":\"sta"
		"nzas\",\"priority\":30,\"verdict\":\"not-reached\",\"reason\":\"after stop of ru"
		"le 'inbound'\",\"file\":\"rules/a.rules\",\"line\":43},{\"rule\":\"own people el"
		"sewhere\",\"priority\":31,\"verdict\":\"not-reached\",\"reason\":\"after stop of"
		" rule 'inbound'\",\"file\":\"rules/a.rules\",\"line\":53},{\"rule\":\"hopeless"
		"\",\"priority\":40,\"verdict\":\"not-reached\",\"reason\":\"after stop of rule '"
		"inbound'\",\"file\":\"rules/a.rules\",\"line\":63}]}\n"},
	{"only what matched", "rules/a.rules", "9@x.example", 0, true, false,
		"alias      9@x.example\n"
		"from       default, not authenticated; sip, variant ms-imp\n"
		"\n"
		"PRIO  VERDICT  RULE           WHERE\n"
		"  10  match    short numbers  rules/a.rules:13\n"
		"  20  match    inbound        rules/a.rules:3\n"
		"\n"
		"routed     2 targets, tried in this order\n"
		"TRY  ZONE  ALIAS\n"
		"  1  edge  +49@x.example\n"
		"           by rule 'short numbers' rules/a.rules:13\n"
		"  2  IMP   9@x.example\n"
		"           by rule 'inbound' rules/a.rules:3\n",
		"{\"alias\":\"9@x.example\",\"from\":\"default\",\"protocol\":\"sip\",\"variant"
		"\":\"ms-imp\",\"authenticated\":false,\"transformed\":\"9@x.example\",\"transfor"
		"m\":null,\"decision\":\"routed\",\"targets\":[{\"rule\":\"short numbers\",\"prio"
		"rity\":10,\"zone\":\"edge\",\"alias\":\"+49@x.example\",\"file\":\"rules/a.rules"
		"\",\"line\":13},{\"rule\":\"inbound\",\"priority\":20,\"zone\":\"IMP\",\"alias"
		"\":\"9@x.example\",\"file\":\"rules/a.rules\",\"line\":3}],\"considered\":[{"
		"\"rule\":\"short numbers\",\"priority\":10,\"verdict\":\"match\",\"reason"
		"\":\"\",\"file\":\"rules/a.rules\",\"line\":13},{\"rule\":\"inbound\",\"priority"
		"\":20,\"verdict\":\"match\",\"reason\":\"\",\"file\":\"rules/a.rules\",\"line"
		"\":3}]}\n"},
	{"long file names, colours", "/etc/causeway/rules/expressway-c.rules", "192.0.2.1", 2,
		false, true,
		"alias      192.0.2.1\n"
		"from       edge, not authenticated; sip, variant ms-imp\n"
		"\n"
		"\033[1mPRIO  VERDICT   RULE                  WHY\033[0m\n"
		"  10  no-match  short numbers         prefix '9' does not match\n"
		"                                      /etc/causeway/rules/expressway-c.rules:13\n"
		"\033[2m  10  skipped   old                   disabled\033[0m\n"
		"\033[2m                                      /etc/causeway/rules/expressway-c.rules:23\033[0m\n"
		"  20  no-match  inbound               source zone is edge, rule wants IMP or default\n"
		"                                      /etc/causeway/rules/expressway-c.rules:3\n"
		"\033[32m  30  match     addresses             alias is an IP address\033[0m\n"
		"\033[32m                                      /etc/causeway/rules/expressway-c.rules:33\033[0m\n"
		"  30  no-match  stanzas               alias is an IP address\n"
		"                                      /etc/causeway/rules/expressway-c.rules:43\n"
		"  31  no-match  own people elsewhere  request is not authenticated (source zone edge is not trusted)\n"
		"                                      /etc/causeway/rules/expressway-c.rules:53\n"
		"  40  no-match  hopeless              regex '(a+)+[bc]' does not match\n"
		"                                      /etc/causeway/rules/expressway-c.rules:63\n"
		"\n"
		"routed     1 target\n"
		"\033[1mTRY  ZONE      ALIAS\033[0m\n"
		"  1  far away  192.0.2.1\n"
		"               by rule 'addresses' /etc/causeway/rules/expressway-c.rules:33\n",
		"{\"alias\":\"192.0.2.1\",\"from\":\"edge\",\"protocol\":\"sip\",\"variant"
		"\":\"ms-imp\",\"authenticated\":false,\"transformed\":\"192.0.2.1\",\"transform"
		"\":null,\"decision\":\"routed\",\"targets\":[{\"rule\":\"addresses\",\"priority"
		"\":30,\"zone\":\"far away\",\"alias\":\"192.0.2.1\",\"file\":\"/etc/causeway/rul"
		"es/expressway-c.rules\",\"line\":33}],\"considered\":[{\"rule\":\"short numbers"
		"\",\"priority\":10,\"verdict\":\"no-match\",\"reason\":\"prefix '9' does not mat"
		"ch\",\"file\":\"/etc/causeway/rules/expressway-c.rules\",\"line\":13},{\"rule"
		"\":\"old\",\"priority\":10,\"verdict\":\"skipped\",\"reason\":\"disabled\",\"fil"
		"e\":\"/etc/causeway/rules/expressway-c.rules\",\"line\":23},{\"rule\":\"inbound"
		"\",\"priority\":20,\"verdict\":\"no-match\",\"reason\":\"source zone is edge, ru"
		"le wants IMP or default\",\"file\":\"/etc/causeway/rules/expressway-c.rules"
		"\",\"line\":3},{\"rule\":\"addresses\",\"priority\":30,\"verdict\":\"match"
		"\",\"reason\":\"alias is an IP address\",\"file\":\"/etc/causeway/rules/expressw"
		"ay-c.rules\",\"line\":33},{\"rule\":\"stanzas\",\"priority\":30,\"verdict"
		"\":\"no-match\",\"reason\":\"alias is an IP address\",\"file\":\"/etc/causeway/r"
		"ules/expressway-c.rules\",\"line\":43},{\"rule\":\"own people elsewhere\",\"prio"
		"rity\":31,\"verdict\":\"no-match\",\"reason\":\"request is not authenticated (so"
		"urce zone edge is not trusted)\",\"file\":\"/etc/causeway/rules/expressway-c.rul"
		"es\",\"line\":53},{\"rule\":\"hopeless\",\"priority\":40,\"verdict\":\"no-match"
		"\",\"reason\":\"regex '(a+)+[bc]' does not match\",\"file\":\"/etc/causeway/rule"
		"s/expressway-c.rules\",\"line\":63}]}\n"},
	{"no rule", "rules/a.rules", "192.0.2.1", 0, true, false,
		"alias      192.0.2.1\n"
		"from       default, not authenticated; sip, variant ms-imp\n"
		"\n"
		"no-rule    no search rule matches\n",
		"{\"alias\":\"192.0.2.1\",\"from\":\"default\",\"protocol\":\"sip\",\"variant"
		"\":\"ms-imp\",\"authenticated\":false,\"transformed\":\"192.0.2.1\",\"transform"
		"\":null,\"decision\":\"no-rule\",\"targets\":[],\"considered\":[]}\n"},
	{"limit", "rules/a.rules", LONG_A, 0, true, false,
		"alias      aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad\n"
		"from       default, not authenticated; sip, variant ms-imp\n"
		"\n"
		"PRIO  VERDICT  RULE      WHERE\n"
		"  30  match    stanzas   rules/a.rules:43\n"
		"  40  limit    hopeless  rules/a.rules:63\n"
		"\n"
		"limit      'hopeless' exceeded its match limit: the request fails\n",
		"{\"alias\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad\",\"from\":\"default"
		"\",\"protocol\":\"sip\",\"variant\":\"ms-imp\",\"authenticated\":false,\"transfo"
		"rmed\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad\",\"transform\":null,\"decis"
		"ion\":\"limit\",\"targets\":[],\"considered\":[{\"rule\":\"stanzas\",\"priority"
		"\":30,\"verdict\":\"match\",\"reason\":\"\",\"file\":\"rules/a.rules\",\"line"
		"\":43},{\"rule\":\"hopeless\",\"priority\":40,\"verdict\":\"limit\",\"reason"
		"\":\"\",\"file\":\"rules/a.rules\",\"line\":63}]}\n"},
	{"bytes from anywhere", "rules/a.rules", "9\x1b\xff", 0, true, false,
		"alias      9\\x1b\\xff\n"
		"from       default, not authenticated; sip, variant ms-imp\n"
		"\n"
		"PRIO  VERDICT  RULE           WHERE\n"
		"  10  match    short numbers  rules/a.rules:13\n"
		"  30  match    stanzas        rules/a.rules:43\n"
		"\n"
		"routed     2 targets, tried in this order\n"
		"TRY  ZONE      ALIAS\n"
		"  1  edge      +49\\x1b\\xff\n"
		"               by rule 'short numbers' rules/a.rules:13\n"
		"  2  far away  9\\x1b\\xff\n"
		"               by rule 'stanzas' rules/a.rules:43\n",
		"{\"alias\":\"9\\\\x1b\\\\xff\",\"from\":\"default\",\"protocol\":\"sip\",\"varia"
		"nt\":\"ms-imp\",\"authenticated\":false,\"transformed"
		"\":\"9\\\\x1b\\\\xff\",\"transform\":null,\"decision\":\"routed\",\"targets\":[{"
		"\"rule\":\"short numbers\",\"priority\":10,\"zone\":\"edge\",\"alias\":\"+49"
		"\\\\x1b\\\\xff\",\"file\":\"rules/a.rules\",\"line\":13},{\"rule\":\"stanzas"
		"\",\"priority\":30,\"zone\":\"far away\",\"alias\":\"9\\\\x1b\\\\xff\",\"file"
		"\":\"rules/a.rules\",\"line\":43}],\"considered\":[{\"rule\":\"short numbers"
		"\",\"priority\":10,\"verdict\":\"match\",\"reason\":\"\",\"file\":\"rules/a.rule"
		"s\",\"line\":13},{\"rule\":\"stanzas\",\"priority\":30,\"verdict\":\"match"
		"\",\"reason\":\"\",\"file\":\"rules/a.rules\",\"line\":43}]}\n"},
};
/* clang-format on */

START_TEST(locates)
{
	const struct locate_case *c = &locate_cases[_i];
	struct cw_request request = request_of(c->alias, sample_zones[c->from]);
	struct cw_ruleset *set = sample_ruleset(c->file);
	struct cw_arena arena = {0};
	char *table, *json;
	struct cw_plan plan;

	ck_assert_ptr_nonnull(set);
	ck_assert_int_eq(c->brief ? cw_plan_decide(&plan, set, &request, &arena)
				  : cw_plan_explain(&plan, set, &request, &arena),
		0);
	FILE *out = open_text(&table);
	ck_assert_int_eq(cw_locate_print_table(out, &plan, &request, NULL, &arena, c->colours), 0);
	(void)fclose(out);
	ck_assert_msg(strcmp(table, c->table) == 0, "%s:\n%s", c->name, table);
	out = open_text(&json);
	ck_assert_int_eq(cw_locate_print_json(out, &plan, &request, NULL), 0);
	(void)fclose(out);
	ck_assert_msg(strcmp(json, c->json) == 0, "%s:\n%s", c->name, json);
	free(table);
	free(json);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

/* clang-format off */
static const char rule_list[] =
	"PRIO  TRANSFORM     REWRITES\n"
	"   1  old domain    suffix '@old.example'; replace '@x.example'\n"
	"                    rules/a.rules:73\n"
	"   2  older domain  disabled; suffix '@older.example'; replace '@x.example'\n"
	"                    rules/a.rules:83\n"
	"\n"
	"PRIO  RULE                  MATCHES                                                         TARGET\n"
	"  10  short numbers         prefix '9'; replace '+49'                                       edge\n"
	"                            rules/a.rules:13\n"
	"  10  old                   disabled; exact 'bob@x.example'                                 edge\n"
	"                            rules/a.rules:23\n"
	"  20  inbound               from IMP or default, variant ms-imp, regex '.*@x\\.example';     IMP\n"
	"                            stop\n"
	"                            rules/a.rules:3\n"
	"  30  addresses             from all zones, any IP address                                  far away\n"
	"                            rules/a.rules:33\n"
	"  30  stanzas               protocol any, any alias but IP addresses                        far away\n"
	"                            rules/a.rules:43\n"
	"  31  own people elsewhere  authenticated, suffix '@y.example'                              edge\n"
	"                            rules/a.rules:53\n"
	"  40  hopeless              regex '(a+)+[bc]'                                               IMP\n"
	"                            rules/a.rules:63\n";
/* clang-format on */

START_TEST(lists_rules)
{
	struct cw_ruleset *set = sample_ruleset("rules/a.rules");
	struct cw_arena arena = {0};
	char *text;
	FILE *out = open_text(&text);

	ck_assert_ptr_nonnull(set);
	ck_assert_int_eq(cw_rule_list_print(out, set, &arena, false), 0);
	(void)fclose(out);
	ck_assert_msg(strcmp(text, rule_list) == 0, "%s", text);
	free(text);
	cw_ruleset_destroy(set);
	cw_arena_finish(&arena);
}
END_TEST

static const struct trial_case {
	enum cw_pattern_type type;
	const char *pattern;
	enum cw_behavior behavior;
	const char *replacement, *alias;
	bool matched;
	const char *printed;
} trial_cases[] = {
	{CW_PATTERN_REGEX, "(.*)@x", CW_BEHAVIOR_REPLACE, "\\1@y", "Bob@X", true,
		"alias   Bob@X\nregex   matches\nbecomes Bob@y\n"},
	{CW_PATTERN_PREFIX, "bob", CW_BEHAVIOR_LEAVE, "", "al", false,
		"alias   al\nprefix  does not match\n"},
	{CW_PATTERN_SUFFIX, "bob", CW_BEHAVIOR_STRIP, "", "bob", false,
		"alias   bob\nsuffix  matches, but what becomes of the alias is empty or too long "
		"(a "
		"request would fail)\n"},
	{CW_PATTERN_REGEX, "(a+)+[bc]", CW_BEHAVIOR_LEAVE, "", LONG_A, false,
		"alias   " LONG_A "\nregex   exceeds its match limit (a request would fail)\n"},
	{CW_PATTERN_EXACT, "\x1b", CW_BEHAVIOR_LEAVE, "", "\x1b", true,
		"alias   \\x1b\nexact   matches\nbecomes \\x1b\n"},
};

START_TEST(tries_a_pattern)
{
	const struct trial_case *c = &trial_cases[_i];
	struct cw_pattern_error error;
	struct cw_pattern *p = NULL;
	struct cw_arena arena = {0};
	bool matched = !c->matched;
	char *text;
	FILE *out = open_text(&text);

	ck_assert_int_eq(cw_pattern_create(&p, c->type, cw_str_of(c->pattern), c->behavior,
				 cw_str_of(c->replacement), &error),
		0);
	ck_assert_int_eq(cw_pattern_trial_print(out, p, cw_str_of(c->alias), &arena, &matched), 0);
	(void)fclose(out);
	ck_assert_str_eq(text, c->printed);
	ck_assert(matched == c->matched);
	free(text);
	cw_pattern_destroy(p);
	cw_arena_finish(&arena);
}
END_TEST

/* Run `print` with the n-th allocation failing, for every n, until none fails. */
static void fail_everywhere(int (*print)(FILE *, struct cw_arena *, const struct cw_ruleset *))
{
	struct cw_ruleset *set = sample_ruleset("/etc/causeway/rules/expressway-c.rules");
	FILE *out = fopen("/dev/null", "w");

	ck_assert_ptr_nonnull(set);
	ck_assert_ptr_nonnull(out);
	for (unsigned n = 1;; n++) {
		struct cw_arena arena = {0};

		alloc_fail_at(n);
		int r = print(out, &arena, set);
		bool reached = alloc_fail_reached();
		cw_arena_finish(&arena);
		ck_assert_int_eq(r, reached ? -ENOMEM : 0);
		if (!reached)
			break;
	}
	(void)fclose(out);
	cw_ruleset_destroy(set);
}

static int explain_and_print(FILE *out, struct cw_arena *arena, const struct cw_ruleset *set)
{
	struct cw_request request = request_of("bob@old.example", sample_zones[1]);
	struct cw_locate_way way = {.domain = cw_str_of("old.example"), .how = "by DNS"};
	struct cw_plan plan;
	int r = cw_plan_explain(&plan, set, &request, arena);

	if (!r)
		r = cw_locate_print_table(out, &plan, &request, &way, arena, true);
	return r ? r : cw_locate_print_json(out, &plan, &request, &way);
}

static int list(FILE *out, struct cw_arena *arena, const struct cw_ruleset *set)
{
	return cw_rule_list_print(out, set, arena, true);
}

START_TEST(copes_with_short_memory)
{
	fail_everywhere(explain_and_print);
	fail_everywhere(list);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("locate");
	TCase *tcase = tcase_create("locate");

	ADD_ROWS(tcase, locates, locate_cases);
	tcase_add_test(tcase, lists_rules);
	ADD_ROWS(tcase, tries_a_pattern, trial_cases);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
