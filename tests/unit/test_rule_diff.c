/* Recorded requests between two configurations, and what is printed of them. */
#include "admin/rule_diff.h"

#include "tests/support_c/config_text.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define RULES                                                                                      \
	"zone in { type neighbor; peer 192.0.2.1:5061; trusted %s }\n"                             \
	"zone out { type neighbor; peer 192.0.2.2:5061 }\n"                                        \
	"zone %s { type neighbor; peer 192.0.2.3:5061 }\n"                                         \
	"rule r { pattern suffix '@x'; target %s }\n"                                              \
	"rule own { priority 110; authenticated yes; pattern suffix '@own'; target out }\n"        \
	"rule s { priority 120; protocol xmpp; pattern exact 's@y'; target %s }\n"                 \
	"rule av { priority 130; variant ms-av; pattern exact 'v@y'; target %s }\n"                \
	"rule far { priority 140; source all-zones; pattern exact 'f@y'; target %s }\n"            \
	"rule slow { priority 150; pattern regex '%s'; target in }\n"
#define LONG_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad"

struct fixture {
	struct cw_arena arena;
	struct cw_config *configs[CW_SIDES];
	struct cw_rule_diff diff;
	struct cw_recorded recorded;
	struct cw_diag messages;
};

static struct cw_config *config_of(struct cw_arena *arena, const char *name, const char *trusted,
	const char *third, const char *target, const char *slow)
{
	struct cw_str text;

	ck_assert_int_eq(cw_arena_printf(arena, &text, RULES, trusted, third, target, target,
				 target, target, slow),
		0);
	return config_of_text(name, text.p);
}

static void begin(struct fixture *f)
{
	*f = (struct fixture){0};
	f->configs[CW_SIDE_OLD] = config_of(&f->arena, "old.conf", "yes", "far", "in", "(a+)+[bc]");
	f->configs[CW_SIDE_NEW] = config_of(&f->arena, "new.conf", "no", "fahr", "out", "a+[bc]");
	for (int side = 0; side < CW_SIDES; side++) {
		f->diff.files[side] = f->configs[side]->path;
		f->recorded.sides[side] = config_dialplan(f->configs[side]);
	}
	f->diff.recorded = &f->recorded;
}

static int run(struct fixture *f, struct cw_str lines)
{
	int r = cw_changes_find(&f->diff.changes, f->configs[CW_SIDE_OLD]->rules,
		f->configs[CW_SIDE_NEW]->rules, &f->arena);

	if (!r)
		r = cw_reroutes_init(&f->diff.reroutes, f->recorded.sides, &f->arena);
	return r ? r : cw_recorded_run(&f->recorded, "t", lines, &f->diff.reroutes, &f->messages);
}

static void finish(struct fixture *f)
{
	cw_diag_finish(&f->messages);
	cw_config_destroy(f->configs[CW_SIDE_OLD]);
	cw_config_destroy(f->configs[CW_SIDE_NEW]);
	cw_arena_finish(&f->arena);
}

static const struct line_case {
	const char *line;
	const char *rules[CW_SIDES]; /* at which it changes its way; NULL: at none */
	const char *says;            /* why it cannot be read */
} line_cases[] = {
	{"{\"alias\":\"bob@x\"}", {"r", "r"}, NULL},
	{" \t{\"alias\":\"sip:bob@x\"} \r", {"r", "r"}, NULL},
	{"\xef\xbb\xbf{\"alias\":\"bob@x\"}", {"r", "r"}, NULL},
	{"{\"alias\":\"%62ob@x\",\"method\":1}", {"r", "r"}, NULL},
	{"{\"alias\":\"bob@y\"}", {NULL, NULL}, NULL},
	{"", {NULL, NULL}, NULL},
	/* the zone's trust may differ; what the line says does not */
	{"{\"alias\":\"bob@own\",\"from\":\"in\"}", {"own", NULL}, NULL},
	{"{\"alias\":\"bob@own\",\"from\":\"in\",\"authenticated\":true}", {NULL, NULL}, NULL},
	{"{\"alias\":\"bob@own\",\"from\":\"in\",\"authenticated\":false}", {NULL, NULL}, NULL},
	{"{\"alias\":\"bob@own\",\"from\":\"out\",\"authenticated\":true}", {NULL, NULL}, NULL},
	{"{\"alias\":\"s@y/desk\",\"protocol\":\"xmpp\"}", {"s", "s"}, NULL},
	{"{\"alias\":\"s@y\",\"protocol\":\"sip\"}", {NULL, NULL}, NULL},
	{"{\"alias\":\"v@y\",\"variant\":\"ms-av\"}", {"av", "av"}, NULL},
	{"{\"alias\":\"v@y\",\"variant\":\"ms-imp\"}", {NULL, NULL}, NULL},
	{"{\"alias\":\"v@y\"}", {NULL, NULL}, NULL},
	{"{\"alias\":\"f@y\",\"from\":\"far\"}", {"far", NULL}, NULL},
	{"{\"alias\":\"f@y\",\"from\":\"fahr\"}", {NULL, "far"}, NULL},
	{"{\"alias\":\"f@y\",\"from\":\"default\"}", {NULL, NULL}, NULL},
	{"{\"alias\":\"" LONG_A "\"}", {"slow", NULL}, NULL},
	{"{\"alias\":\"bob@x\",\"from\":\"fra\"}", {NULL, NULL},
		"no configuration has a zone \"fra\""},
	{"{\"alias\":\"bob@x\",\"from\":\"\"}", {NULL, NULL}, "no configuration has a zone \"\""},
	{"{\"alias\":\"bob@x\",\"from\":null}", {NULL, NULL}, "\"from\" is no text"},
	{"{\"alias\":\"bob@x\",\"protocol\":\"any\"}", {NULL, NULL},
		"\"protocol\" is neither sip nor xmpp"},
	{"{\"alias\":\"bob@x\",\"variant\":\"microsoft\"}", {NULL, NULL},
		"\"variant\" is none of standard, ms-imp, ms-av and ms-sip"},
	{"{\"alias\":\"bob@x\",\"authenticated\":1}", {NULL, NULL},
		"\"authenticated\" is neither true nor false"},
	{"{\"alias\":7}", {NULL, NULL}, "\"alias\" is no text"},
	{"{\"alias\":\"\"}", {NULL, NULL}, "\"alias\" is missing, or no alias"},
	{"{\"alias\":\"tel:911\"}", {NULL, NULL}, "\"alias\" has a scheme that is not routed"},
	{"{}", {NULL, NULL}, "\"alias\" is missing, or no alias"},
	{"{\"alias\":\"bob@x\",\"alias\":\"al@x\"}", {NULL, NULL}, "no JSON: duplicate object key"},
	{"{\"alias\":\"bob\\u0000@x\"}", {NULL, NULL}, "no JSON: "},
	{"{\"alias\":\"b\xff@x\"}", {NULL, NULL}, "no JSON: "},
	{"{\"alias\":\"bob@x\"}{}", {NULL, NULL}, "no JSON: "},
	{"[\"bob@x\"]", {NULL, NULL}, "no JSON object"},
	{"bob@x", {NULL, NULL}, "no JSON: "},
};

/* Of one side; NULL when there is none. */
static const struct cw_reroute *only_reroute(const struct fixture *f, int side)
{
	const struct cw_reroute *found = NULL;

	for (size_t i = 0; i < f->diff.reroutes.n_rules[side]; i++) {
		if (!f->diff.reroutes.by_rule[side][i])
			continue;
		ck_assert_ptr_null(found);
		found = f->diff.reroutes.by_rule[side][i];
	}
	return found;
}

START_TEST(asks_lines)
{
	const struct line_case *c = &line_cases[_i];
	struct cw_str line = heap_copy(cw_str_of(c->line));
	struct fixture f;
	bool changes = c->rules[CW_SIDE_OLD] || c->rules[CW_SIDE_NEW];
	const struct cw_reroute *reroute;

	begin(&f);
	ck_assert_int_eq(run(&f, line), 0);
	ck_assert_uint_eq(f.recorded.requests, c->says || !line.len ? 0 : 1);
	ck_assert_uint_eq(f.recorded.unreadable, c->says ? 1 : 0);
	ck_assert_msg(f.recorded.changed == changes, "%s", c->line);
	ck_assert_int_eq(cw_rule_diff_is_same(&f.diff), !changes);
	ck_assert_uint_eq(f.messages.warnings, c->says ? 1 : 0);
	if (c->says)
		ck_assert_msg(
			cw_str_starts(cw_str_of(f.messages.entries[0].message), cw_str_of(c->says)),
			"%s: %s", c->line, f.messages.entries[0].message);
	for (int side = 0; side < CW_SIDES; side++) {
		reroute = only_reroute(&f, side);
		ck_assert_msg((reroute != NULL) == (c->rules[side] != NULL), "%s", c->line);
		if (reroute)
			ck_assert_str_eq(reroute->rule->name.p, c->rules[side]);
	}
	finish(&f);
	heap_free(line);
}
END_TEST

START_TEST(counts_all_and_keeps_some)
{
	struct fixture f;
	const struct cw_reroute *reroute;
	struct cw_str lines = {"", 0}, line;

	begin(&f);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(cw_arena_printf(&f.arena, &lines,
					 "%" CW_STR_FMT "{\"alias\":\"bob%d@x\"}\nno\n",
					 CW_STR_ARG(lines), i / 2),
			0);
	ck_assert_int_eq(run(&f, lines), 0);
	ck_assert_uint_eq(f.recorded.requests, 40);
	ck_assert_uint_eq(f.recorded.changed, 40);
	ck_assert_uint_eq(f.recorded.unreadable, 40);
	ck_assert_uint_eq(f.messages.warnings, CW_RECORDED_COMPLAINTS_MAX);
	ck_assert_uint_eq(f.messages.entries[1].place.line, 4);
	reroute = only_reroute(&f, CW_SIDE_NEW);
	ck_assert_uint_eq(reroute->count, 40);
	ck_assert_uint_eq(reroute->n_examples, CW_REROUTE_EXAMPLES_MAX);
	/* the same request is one example */
	line = reroute->examples[2].alias;
	ck_assert_msg(cw_str_eq(line, cw_str_of("bob2@x")), "%s", line.p);
	finish(&f);
}
END_TEST

START_TEST(refuses_long_lines)
{
	struct fixture f;
	char *line = malloc(CW_RECORDED_LINE_MAX + 2);

	ck_assert_ptr_nonnull(line);
	begin(&f);
	memset(line, ' ', CW_RECORDED_LINE_MAX + 2);
	line[0] = '{';
	line[CW_RECORDED_LINE_MAX] = '}';
	ck_assert_int_eq(run(&f, cw_str_make(line, CW_RECORDED_LINE_MAX + 2)), 0);
	ck_assert_uint_eq(f.recorded.unreadable, 1);
	ck_assert_msg(strstr(f.messages.entries[0].message, "longer than"), "%s",
		f.messages.entries[0].message);
	finish(&f);
	free(line);
}
END_TEST

static const char sample[] = "{\"alias\":\"bob@x\"}\n{\"alias\":\"al@y\"}\n"
			     "{\"alias\":\"bob@own\",\"from\":\"in\"}\nno\n";

#define EXAMPLE                                                                                    \
	"{\"alias\":\"bob@x\",\"from\":\"default\",\"protocol\":\"sip\",\"variant\":\"ms-imp\","   \
	"\"authenticated\":false,"                                                                 \
	"\"old\":{\"decision\":\"routed\","                                                        \
	"\"targets\":[{\"rule\":\"r\",\"zone\":\"in\",\"alias\":\"bob@x\"}]},"                     \
	"\"new\":{\"decision\":\"routed\","                                                        \
	"\"targets\":[{\"rule\":\"r\",\"zone\":\"out\",\"alias\":\"bob@x\"}]}}"

static char *printed(struct fixture *f, bool as_json)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_int_eq(as_json ? cw_rule_diff_print_json(out, &f->diff)
				 : cw_rule_diff_print_table(out, &f->diff, &f->arena, false),
		0);
	(void)fclose(out);
	return text;
}

START_TEST(prints_a_table)
{
	struct fixture f;
	char *text;

	begin(&f);
	ck_assert_int_eq(run(&f, cw_str_of(sample)), 0);
	text = printed(&f, false);
	ck_assert_str_eq(text,
		"SIDE  CHANGE   RULE        EXAMPLES                         REQUESTS\n"
		"old   changed  r           bob@x from default, sip, ms-imp         1\n"
		"               old.conf:4    was in:bob@x\n"
		"                             is  out:bob@x\n"
		"old   same     own         bob@own from in, sip, ms-imp            1\n"
		"               old.conf:5    was out:bob@own\n"
		"                             is  none\n"
		"new   changed  r           bob@x from default, sip, ms-imp         1\n"
		"               new.conf:4    was in:bob@x\n"
		"                             is  out:bob@x\n"
		"\n"
		"2 of 3 recorded requests change their way; unreadable lines: 1\n"
		"3 rules change the way of requests; not decided: 0\n");
	free(text);
	finish(&f);
}
END_TEST

START_TEST(prints_json)
{
	struct fixture f;
	char *text;

	begin(&f);
	ck_assert_int_eq(run(&f, cw_str_of(sample)), 0);
	text = printed(&f, true);
	ck_assert_str_eq(text,
		"{\"old\":\"old.conf\",\"new\":\"new.conf\",\"changes\":["
		"{\"rule\":\"r\",\"file\":\"old.conf\",\"line\":4,\"side\":\"old\","
		"\"change\":\"changed\",\"examples\":[" EXAMPLE "],\"count\":1},"
		"{\"rule\":\"own\",\"file\":\"old.conf\",\"line\":5,\"side\":\"old\","
		"\"change\":\"same\",\"examples\":["
		"{\"alias\":\"bob@own\",\"from\":\"in\",\"protocol\":\"sip\","
		"\"variant\":\"ms-imp\",\"authenticated\":false,"
		"\"old\":{\"decision\":\"routed\","
		"\"targets\":[{\"rule\":\"own\",\"zone\":\"out\",\"alias\":\"bob@own\"}]},"
		"\"new\":{\"decision\":\"no-rule\",\"targets\":[]}}],\"count\":1},"
		"{\"rule\":\"r\",\"file\":\"new.conf\",\"line\":4,\"side\":\"new\","
		"\"change\":\"changed\",\"examples\":[" EXAMPLE "],\"count\":1}],"
		"\"undecided\":[],"
		"\"recorded\":{\"requests\":3,\"changed\":2,\"unreadable\":1}}\n");
	free(text);
	finish(&f);
}
END_TEST

START_TEST(prints_what_is_not_decided)
{
	struct cw_place place = {.file = "old.conf", .line = 7};
	struct cw_reroute_doubt doubt = {CW_STR("r\033"), &place, CW_STR("it is far")};
	struct fixture f;
	char *text;

	begin(&f);
	ck_assert_int_eq(run(&f, cw_str_of("")), 0);
	f.diff.doubts = (struct cw_reroute_doubts){&doubt, 1};
	f.diff.recorded = NULL;
	ck_assert(!cw_rule_diff_is_same(&f.diff));
	text = printed(&f, false);
	ck_assert_str_eq(text, "not decided: 'r\\x1b' old.conf:7: it is far\n"
			       "0 rules change the way of requests; not decided: 1\n");
	free(text);
	text = printed(&f, true);
	ck_assert_str_eq(text, "{\"old\":\"old.conf\",\"new\":\"new.conf\",\"changes\":[],"
			       "\"undecided\":[{\"rule\":\"r\\u001B\",\"file\":\"old.conf\","
			       "\"line\":7,\"reason\":\"it is far\"}]}\n");
	free(text);
	finish(&f);
}
END_TEST

static int print(struct fixture *f, FILE *out)
{
	int r = run(f, cw_str_of(sample));

	if (!r)
		r = cw_rule_diff_print_table(out, &f->diff, &f->arena, true);
	return r ? r : cw_rule_diff_print_json(out, &f->diff);
}

START_TEST(copes_with_short_memory)
{
	FILE *out = fopen("/dev/null", "w");

	ck_assert_ptr_nonnull(out);
	for (unsigned n = 1;; n++) {
		struct fixture f;

		begin(&f);
		alloc_fail_at(n);
		int r = print(&f, out);
		bool reached = alloc_fail_reached();
		/* a complaint that finds no memory is left out */
		bool left_out = f.messages.dropped > 0;
		finish(&f);
		ck_assert_int_eq(r, reached && !left_out ? -ENOMEM : 0);
		if (!reached)
			break;
	}
	(void)fclose(out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rule_diff");
	TCase *tcase = tcase_create("rule_diff");

	ADD_ROWS(tcase, asks_lines, line_cases);
	tcase_add_test(tcase, counts_all_and_keeps_some);
	tcase_add_test(tcase, refuses_long_lines);
	tcase_add_test(tcase, prints_a_table);
	tcase_add_test(tcase, prints_json);
	tcase_add_test(tcase, prints_what_is_not_decided);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
