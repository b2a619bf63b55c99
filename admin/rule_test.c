/*
 * Rule tests: a line read, its request planned, its targets compared.
 */
#include "admin/rule_test.h"

#include "admin/locate.h"
#include "admin/text.h"
#include "core/buf.h"
#include "dialplan/alias.h"
#include "dialplan/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

struct expected {
	const struct cw_zone *zone;
	struct cw_str alias;
	bool any_alias;
};

/* One line on its way. */
struct line {
	struct cw_rule_test *test;
	struct cw_arena *arena;
	struct cw_diag *diag;
	const char *file;
	unsigned number;
	struct cw_str text;
	size_t at; /* what is read next */
	struct cw_request request;
	bool has_variant;
	struct expected expected[CW_RULE_TEST_TARGETS_MAX];
	size_t n_expected;
	int error; /* memory was short */
};

/* Complain of `width` bytes from `at` on. Returns: false, for the caller to pass on. */
__attribute__((format(printf, 4, 5))) static bool complain(
	struct line *l, size_t at, size_t width, const char *format, ...)
{
	struct cw_place place = {
		.file = l->file,
		.line = l->number,
		.column = (unsigned)at + 1,
		.width = width ? (unsigned)width : 1,
		.source = l->text,
	};
	char message[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	cw_diag_add(l->diag, CW_SEVERITY_ERROR, &place, "%s", message);
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Go to the next word. Returns: whether there is one. */
static bool skip_blanks(struct line *l)
{
	while (l->at < l->text.len && is_blank(l->text.p[l->at]))
		l->at++;
	return l->at < l->text.len && l->text.p[l->at] != '#';
}

/* Read a word that ends at a blank or one of `ends`; in quotes it ends at the same quote. */
static bool read_word(struct line *l, const char *ends, const char *what, struct cw_str *out)
{
	size_t begin, n;
	char c;

	if (!skip_blanks(l))
		return complain(l, l->text.len, 1, "expected %s", what);
	begin = l->at;
	c = l->text.p[begin];
	if (c == '\'' || c == '"') {
		n = cw_str_find(cw_str_from(l->text, begin + 1), c);
		l->at = begin + n + 2;
		if (l->at > l->text.len)
			return complain(l, begin, 1, "the quote is not closed");
		*out = cw_str_make(l->text.p + begin + 1, n);
		return true;
	}
	while (l->at < l->text.len && !is_blank(l->text.p[l->at]) &&
		(!*ends || !strchr(ends, l->text.p[l->at])))
		l->at++;
	*out = cw_str_make(l->text.p + begin, l->at - begin);
	return out->len > 0 || complain(l, begin, 1, "expected %s", what);
}

/* Zones that the line may name, for a person who mistyped one. */
static const char *nearest_zone(const struct line *l, struct cw_str name)
{
	const char **names =
		cw_arena_alloc(l->arena, (l->test->n_zones + 1) * sizeof(const char *));
	size_t i;

	if (!names)
		return NULL;
	for (i = 0; i < l->test->n_zones; i++)
		names[i] = l->test->zones[i]->name.p;
	return cw_diag_nearest(name, names);
}

static bool read_zone(struct line *l, const char *ends, const struct cw_zone **out)
{
	struct cw_str name = {NULL, 0};
	const char *near;
	size_t i;

	if (!read_word(l, ends, "a zone", &name))
		return false;
	for (i = 0; i < l->test->n_zones; i++) {
		if (cw_str_eq(l->test->zones[i]->name, name)) {
			*out = l->test->zones[i];
			return true;
		}
	}
	near = nearest_zone(l, name);
	return complain(l, (size_t)(name.p - l->text.p), name.len,
		"unknown zone \"%" CW_STR_FMT "\"%s%s%s", CW_STR_ARG(name),
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* Read the word behind `variant` or `protocol`. */
static bool read_setting(struct line *l, bool is_variant)
{
	struct cw_str value = {NULL, 0};
	int r;

	if (!read_word(l, "", is_variant ? "a variant" : "a protocol", &value))
		return false;
	r = is_variant ? cw_variant_parse(value, &l->request.variant)
		       : cw_protocol_parse(value, &l->request.protocol);
	l->has_variant = l->has_variant || is_variant;
	if (!r)
		return true;
	return complain(l, (size_t)(value.p - l->text.p), value.len, "expected %s",
		is_variant ? "standard, ms-imp, ms-av or ms-sip" : "sip or xmpp");
}

static bool prepare_alias(struct line *l, struct cw_str word)
{
	int r = l->request.protocol == CW_PROTOCOL_XMPP
			? cw_alias_prepare_jid(&l->request.alias, word)
			: cw_alias_prepare(&l->request.alias, word, l->arena);

	if (r <= 0) {
		l->error = r;
		return r == 0;
	}
	return complain(l, (size_t)(word.p - l->text.p), word.len, "%s",
		r == CW_ALIAS_E_SCHEME   ? "this scheme is not routed"
		: r == CW_ALIAS_E_LENGTH ? "the alias is too long"
					 : "this is no alias");
}

/* Read up to the arrow: who asks, and for what. */
static bool read_request(struct line *l)
{
	struct cw_str word = {NULL, 0};
	size_t begin = l->at;

	if (!read_word(l, "", "from", &word))
		return false;
	if (!cw_str_eq(word, cw_str_of("from")))
		return complain(l, begin, word.len, "expected from ZONE");
	if (!read_zone(l, "", &l->request.from))
		return false;
	l->request.authenticated = l->request.from->trusted;
	for (;;) {
		if (!read_word(l, "", "an alias", &word))
			return false;
		if (cw_str_eq(word, cw_str_of("authenticated")))
			l->request.authenticated = true;
		else if (!cw_str_eq(word, cw_str_of("variant")) &&
			 !cw_str_eq(word, cw_str_of("protocol")))
			break;
		else if (!read_setting(l, word.p[0] == 'v'))
			return false;
	}
	if (!l->has_variant && l->request.protocol == CW_PROTOCOL_SIP)
		l->request.variant = cw_variant_of_method(l->request.method);
	return prepare_alias(l, word);
}

/* Read one ZONE or ZONE:ALIAS. */
static bool read_target(struct line *l)
{
	struct expected *e = &l->expected[l->n_expected];
	bool is_quoted;

	if (l->n_expected == CW_RULE_TEST_TARGETS_MAX)
		return complain(l, l->at, 1, "more than %d targets", CW_RULE_TEST_TARGETS_MAX);
	if (!read_zone(l, ":,", &e->zone))
		return false;
	e->any_alias = l->at == l->text.len || l->text.p[l->at] != ':';
	if (!e->any_alias) {
		l->at++;
		if (l->at == l->text.len || is_blank(l->text.p[l->at]))
			return complain(l, l->at, 1, "expected an alias");
		is_quoted = l->text.p[l->at] == '\'' || l->text.p[l->at] == '"';
		if (!read_word(l, "", "an alias", &e->alias))
			return false;
		/* a comma at the end parts targets; elsewhere, and in quotes, it belongs to the alias */
		if (!is_quoted && e->alias.p[e->alias.len - 1] == ',') {
			e->alias.len--;
			l->at--;
		}
	}
	l->n_expected++;
	return true;
}

/* Read what stands behind the arrow. */
static bool read_expected(struct line *l)
{
	struct cw_str word = {NULL, 0};
	size_t begin;

	if (!read_word(l, "", "->", &word))
		return false;
	if (!cw_str_eq(word, cw_str_of("->")))
		return complain(l, (size_t)(word.p - l->text.p), word.len, "expected ->");
	if (!skip_blanks(l))
		return complain(l, l->text.len, 1, "expected a zone or none");
	begin = l->at;
	if (cw_str_eq(cw_str_trim(cw_str_make(
			      l->text.p + begin, cw_str_find(cw_str_from(l->text, begin), '#'))),
		    cw_str_of("none")))
		return true;
	do {
		if (!read_target(l))
			return false;
		if (!skip_blanks(l))
			return true;
	} while (l->text.p[l->at] == ',' && ++l->at);
	return complain(l, l->at, 1, "expected a comma and a zone");
}

static bool is_expected(const struct line *l, const struct cw_plan *plan)
{
	size_t i;

	if (plan->decision == CW_DECISION_LIMIT || plan->n_targets != l->n_expected)
		return false;
	for (i = 0; i < l->n_expected; i++) {
		if (l->expected[i].zone != plan->targets[i].zone)
			return false;
		if (!l->expected[i].any_alias &&
			!cw_str_eq(l->expected[i].alias, plan->targets[i].alias))
			return false;
	}
	return true;
}

static void count_hits(struct cw_rule_test *test, const struct cw_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->n_considered; i++)
		test->rule_hits[plan->considered[i].rule->index]++;
	if (plan->transform)
		test->transform_hits[plan->transform->index]++;
}

/* "IMP:bob@x, edge:bob@x", "none" or "limit". */
static int print_got(const struct line *l, const struct cw_plan *plan)
{
	struct cw_buf b = {0};
	size_t i;
	int r;

	for (i = 0; i < plan->n_targets; i++) {
		cw_buf_add(&b, cw_str_of(i ? ", " : ""));
		cw_buf_add(&b, plan->targets[i].zone->name);
		cw_buf_add_char(&b, ':');
		cw_buf_add_escaped(&b, plan->targets[i].alias);
	}
	if (plan->n_targets == 0)
		cw_buf_add(&b, cw_str_of(plan->decision == CW_DECISION_LIMIT ? "limit" : "none"));
	(void)fprintf(l->test->out, "FAILED %s:%u, got %" CW_STR_FMT "\n", l->file, l->number,
		CW_STR_ARG(cw_buf_str(&b)));
	r = b.error;
	cw_buf_finish(&b);
	return r;
}

static int print_failure(struct line *l)
{
	struct cw_str text;
	struct cw_plan plan;
	int r = cw_plan_explain(&plan, l->test->set, &l->request, l->arena);

	if (!r)
		r = print_got(l, &plan);
	if (!r)
		r = cw_text_printable(&text, cw_str_trim(l->text), l->arena);
	if (r)
		return r;
	(void)fprintf(l->test->out, "%" CW_STR_FMT "\n\n", CW_STR_ARG(text));
	r = cw_locate_print_table(
		l->test->out, &plan, &l->request, NULL, l->arena, l->test->colours);
	(void)fputc('\n', l->test->out);
	return r;
}

static int run_line(struct line *l)
{
	struct cw_plan plan;
	int r;

	if (!skip_blanks(l) || !read_request(l) || !read_expected(l))
		return l->error;
	r = cw_plan_decide(&plan, l->test->set, &l->request, l->arena);
	if (r)
		return r;
	count_hits(l->test, &plan);
	if (is_expected(l, &plan)) {
		l->test->passed++;
		return 0;
	}
	l->test->failed++;
	return print_failure(l);
}

/* Room for the counters, at the first run. */
static int begin(struct cw_rule_test *test)
{
	size_t n_rules, n_transforms;

	(void)cw_ruleset_rules(test->set, &n_rules);
	(void)cw_ruleset_transforms(test->set, &n_transforms);
	if (!test->rule_hits)
		test->rule_hits = calloc(n_rules + 1, sizeof(*test->rule_hits));
	if (!test->transform_hits)
		test->transform_hits = calloc(n_transforms + 1, sizeof(*test->transform_hits));
	return test->rule_hits && test->transform_hits ? 0 : -ENOMEM;
}

int cw_rule_test_run(
	struct cw_rule_test *test, const char *name, struct cw_str text, struct cw_diag *diag)
{
	static const struct cw_str byte_order_mark = CW_STR("\xef\xbb\xbf");
	struct cw_arena arena = {0};
	struct line l;
	unsigned number;
	size_t n;
	int r = begin(test);

	if (cw_str_starts(text, byte_order_mark))
		text = cw_str_from(text, byte_order_mark.len);
	for (number = 1; !r && text.len; number++) {
		n = cw_str_find(text, '\n');
		l = (struct line){
			.test = test,
			.arena = &arena,
			.diag = diag,
			.file = name,
			.number = number,
			.text = {text.p, n},
			.request = {.method = cw_str_of("MESSAGE")},
		};
		if (n > CW_RULE_TEST_LINE_MAX)
			(void)complain(&l, 0, 1, "the line is longer than %d bytes",
				CW_RULE_TEST_LINE_MAX);
		else
			r = run_line(&l);
		cw_arena_finish(&arena);
		text = cw_str_from(text, n + 1);
	}
	return r;
}

static int print_uncovered(const struct cw_rule_test *test, struct cw_arena *arena,
	const char *kind, struct cw_str name, const struct cw_place *place)
{
	struct cw_str text, at;
	int r = cw_text_printable(&text, name, arena);

	if (!r)
		r = cw_locate_place(&at, place, arena);
	if (!r)
		(void)fprintf(test->out, "never matched: %s '%" CW_STR_FMT "' %" CW_STR_FMT "\n",
			kind, CW_STR_ARG(text), CW_STR_ARG(at));
	return r;
}

int cw_rule_test_print_coverage(const struct cw_rule_test *test)
{
	const struct cw_transform *const *transforms;
	const struct cw_search_rule *const *rules;
	struct cw_arena arena = {0};
	size_t i, n_rules, n_transforms, enabled = 0, covered = 0;
	int r = 0;

	rules = cw_ruleset_rules(test->set, &n_rules);
	transforms = cw_ruleset_transforms(test->set, &n_transforms);
	for (i = 0; i < n_transforms && !r; i++)
		if (transforms[i]->enabled && !(test->transform_hits && test->transform_hits[i]))
			r = print_uncovered(test, &arena, "transform", transforms[i]->name,
				&transforms[i]->place);
	for (i = 0; i < n_rules && !r; i++) {
		enabled += rules[i]->enabled;
		if (test->rule_hits && test->rule_hits[i])
			covered++;
		else if (rules[i]->enabled)
			r = print_uncovered(test, &arena, "rule", rules[i]->name, &rules[i]->place);
	}
	(void)fprintf(test->out, "%zu of %zu enabled rules matched\n", covered, enabled);
	cw_arena_finish(&arena);
	return r;
}

void cw_rule_test_finish(struct cw_rule_test *test)
{
	free(test->rule_hits);
	free(test->transform_hits);
	test->rule_hits = NULL;
	test->transform_hits = NULL;
}
