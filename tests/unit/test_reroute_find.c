/* What changes its way between two configurations, found without traffic; and held against all short aliases. */
#include "analysis/reroute_find.h"

#include "analysis/request_kind.h"
#include "tests/support_c/config_text.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define ZONES                                                                                      \
	"zone A { type neighbor; peer 192.0.2.1:5061; trusted yes }\n"                             \
	"zone B { type neighbor; peer 192.0.2.2:5061 }\n"                                          \
	"zone D { type dns }\n"
#define R1 "rule r1 { priority 1; pattern suffix '@x'; on-match stop; target A }\n"
#define R2 "rule r2 { priority 2; pattern regex 'a.*'; target B }\n"
#define R3 "rule r3 { priority 3; mode any-alias; target D }\n"

static const struct pair_case {
	const char *name, *old_rules, *new_rules;
	const char *found; /* "side rule" and a blank for each that is listed; "" for nothing */
	const char *doubt; /* within the first reason; NULL: all is decided */
} pair_cases[] = {
	{"same", R1 R2 R3, R1 R2 R3, "", NULL},
	{"another name", R1, "rule x { pattern suffix '@x'; on-match stop; target A }\n", "", NULL},
	{"removed", R1 R2, R1, "old:r2 ", NULL},
	{"added", R1, R1 R2, "new:r2 ", NULL},
	{"changed pattern", R1, "rule r1 { pattern suffix '@xy'; on-match stop; target A }\n",
		"old:r1 new:r1 ", NULL},
	{"narrower pattern", R2, "rule r2 { pattern regex 'ab.*'; target B }\n", "old:r2 ", NULL},
	{"wider pattern", R2, "rule r2 { pattern regex '.*a.*'; target B }\n", "new:r2 ", NULL},
	{"same language", R1 R2 R3, R1 "rule r2 { priority 2; pattern prefix 'A'; target B }\n" R3,
		"", NULL},
	{"same language, twice over", R2,
		"rule x { pattern regex 'a(.*)|aa.*'; target B }\nrule y { pattern prefix 'ab'; "
		"target B }\n",
		"", NULL},
	{"another target", R1, "rule r1 { pattern suffix '@x'; on-match stop; target B }\n",
		"old:r1 new:r1 ", NULL},
	{"shadowed and added", R1, R1 "rule x { priority 2; pattern suffix 'b@x'; target B }\n", "",
		NULL},
	{"shadowed by two",
		"rule p { priority 1; pattern prefix 'a'; on-match stop; target A }\n"
		"rule q { priority 1; pattern regex '[^a].*'; on-match stop; target A }\n",
		"rule p { priority 1; pattern prefix 'a'; on-match stop; target A }\n"
		"rule q { priority 1; pattern regex '[^a].*'; on-match stop; target A }\n"
		"rule x { priority 2; pattern suffix '@x'; target B }\n",
		"", NULL},
	{"disabled and removed", R1 "rule x { state disabled; pattern prefix 'a'; target B }\n", R1,
		"", NULL},
	{"order without overlap",
		"rule p { pattern prefix 'a'; target A }\nrule q { pattern prefix 'b'; target B "
		"}\n",
		"rule q { pattern prefix 'b'; target B }\nrule p { pattern prefix 'a'; target A "
		"}\n",
		"", NULL},
	{"order with overlap",
		"rule p { pattern prefix 'a'; target A }\nrule q { pattern suffix 'b'; target B "
		"}\n",
		"rule q { pattern suffix 'b'; target B }\nrule p { pattern prefix 'a'; target A "
		"}\n",
		"old:p ", NULL},
	{"priorities numbered anew",
		"rule p { priority 5; pattern prefix 'a'; target A }\n"
		"rule q { priority 5; pattern suffix 'b'; target B }\n",
		"rule p { priority 7; pattern prefix 'a'; target A }\n"
		"rule q { priority 9; pattern suffix 'b'; target B }\n",
		"", NULL},
	{"out of the priority of a stop",
		"rule p { priority 5; pattern prefix 'a'; on-match stop; target A }\n"
		"rule q { priority 5; pattern suffix 'b'; target B }\n",
		"rule p { priority 7; pattern prefix 'a'; on-match stop; target A }\n"
		"rule q { priority 9; pattern suffix 'b'; target B }\n",
		"old:q ", NULL},
	{"a target twice",
		"rule p { pattern prefix 'a'; target A }\nrule q { pattern prefix 'ab'; target A "
		"}\n",
		"rule p { pattern prefix 'a'; target A }\n", "", NULL},
	{"a target twice, with another between",
		"rule p { pattern prefix 'ab'; target A }\nrule m { pattern suffix 'c'; target B "
		"}\n"
		"rule q { pattern prefix 'a'; target A }\n",
		"rule m { pattern suffix 'c'; target B }\nrule q { pattern prefix 'a'; target A "
		"}\n",
		"old:p ", NULL},
	{"hidden behind another difference", "rule p { pattern regex 'a.*'; target A }\n",
		"rule p { pattern regex 'aa.*|ab.*|ac.*'; target A }\n"
		"rule q { priority 101; pattern regex 'a.*'; target A }\n"
		"rule s { priority 99; pattern exact 'abc'; on-match stop; target B }\n",
		"new:s ", NULL},
	{"another variant", "rule p { variant ms-imp; mode any-alias; target A }\n",
		"rule p { variant microsoft; mode any-alias; target A }\n", "new:p ", NULL},
	{"stanzas too", "rule p { mode any-alias; target A }\n",
		"rule p { protocol any; mode any-alias; target A }\n", "new:p ", NULL},
	{"a source that sends nothing", R1, R1 "rule p { source D; mode any-alias; target A }\n",
		"", NULL},
	{"authentication that no zone has",
		"rule p { source B default; authenticated yes; mode any-alias; target A }\n", "",
		"", NULL},
	{"one rewriting for another", "rule p { pattern prefix '9'; behavior strip; target A }\n",
		"rule p { pattern regex '9(.*)'; behavior replace '\\1'; target A }\n", "",
		"rewrite them in ways that are not compared"},
	{"the same rewriting", "rule p { pattern suffix '@x'; behavior replace '@y'; target A }\n",
		"rule p { pattern suffix '@X'; behavior replace '@y'; target A }\n", "", NULL},
	{"the same text in place of all",
		"rule p { pattern regex 'a|b'; behavior replace 'c'; target A }\n",
		"rule p { pattern regex '[ba]'; behavior replace 'c'; target A }\n", "", NULL},
	{"look-around", "rule p { pattern regex '(?=a)ab'; target A }\n",
		"rule p { pattern exact 'ab'; target A }\n", "", "has a look-around"},
	{"look-around, and yet", "rule p { pattern regex '(?=a)ab'; target A }\n",
		"rule p { pattern exact 'ab'; target B }\n", "old:p new:p ", NULL},
	{"not understood", "rule p { pattern regex '(a)(?(1)b|c)'; target A }\n", "", "",
		"the pattern of rule 'p'"},
};

struct fixture {
	struct cw_arena arena;
	struct cw_config *configs[CW_SIDES];
	struct cw_dialplan sides[CW_SIDES];
	struct cw_reroutes found;
	struct cw_reroute_doubts doubts;
};

static void begin(struct fixture *f, const char *old_text, const char *new_text)
{
	*f = (struct fixture){0};
	for (int side = 0; side < CW_SIDES; side++) {
		f->configs[side] = config_of_text(side == CW_SIDE_OLD ? "old.conf" : "new.conf",
			side == CW_SIDE_OLD ? old_text : new_text);
		f->sides[side] = config_dialplan(f->configs[side]);
	}
	ck_assert_int_eq(cw_reroutes_init(&f->found, f->sides, &f->arena), 0);
}

static void finish(struct fixture *f)
{
	cw_config_destroy(f->configs[CW_SIDE_OLD]);
	cw_config_destroy(f->configs[CW_SIDE_NEW]);
	cw_arena_finish(&f->arena);
}

/* Plan an example again. */
static void check_example(const struct fixture *f, const struct cw_reroute_example *e)
{
	struct cw_crossing crossing = {.from = e->from};

	for (int side = 0; side < CW_SIDES; side++) {
		const struct cw_zone *zone = cw_config_zone(f->configs[side], e->from);

		ck_assert_ptr_nonnull(zone);
		crossing.requests[side] = (struct cw_request){.protocol = e->protocol,
			.variant = e->variant,
			.alias = e->alias,
			.from = zone,
			.authenticated = zone->trusted};
	}
	struct cw_arena arena = {0};

	ck_assert_int_eq(cw_crossing_plan(&crossing, f->sides, &arena), 0);
	ck_assert_msg(cw_crossing_differs(&crossing), "%.*s", CW_STR_ARG(e->alias));
	cw_arena_finish(&arena);
}

/* "side:rule " for each rule that is listed, in the fixture's arena; all examples are checked. */
static struct cw_str list_found(struct fixture *f)
{
	struct cw_str text = {"", 0};

	for (int side = 0; side < CW_SIDES; side++) {
		for (size_t i = 0; i < f->found.n_rules[side]; i++) {
			const struct cw_reroute *reroute = f->found.by_rule[side][i];

			if (!reroute)
				continue;
			ck_assert_uint_gt(reroute->n_examples, 0);
			for (size_t k = 0; k < reroute->n_examples; k++)
				check_example(f, &reroute->examples[k]);
			ck_assert_int_eq(
				cw_arena_printf(&f->arena, &text, "%.*s%s:%s ", CW_STR_ARG(text),
					side == CW_SIDE_OLD ? "old" : "new", reroute->rule->name.p),
				0);
		}
	}
	return text;
}

static const char *first_doubt(const struct fixture *f)
{
	return f->doubts.n ? f->doubts.items[0].reason.p : "";
}

static char *join(const char *a, const char *b)
{
	char *text = malloc(strlen(a) + strlen(b) + 1);

	ck_assert_ptr_nonnull(text);
	strcpy(text, a);
	return strcat(text, b);
}

START_TEST(finds)
{
	const struct pair_case *c = &pair_cases[_i];
	char *olds = join(ZONES, c->old_rules), *news = join(ZONES, c->new_rules);
	struct fixture f;

	begin(&f, olds, news);
	ck_assert_int_eq(cw_reroutes_find(&f.found, &f.doubts, f.sides, &f.arena), 0);
	struct cw_str found = list_found(&f);

	ck_assert_msg(cw_str_eq(found, cw_str_of(c->found)), "%s: %.*s %s", c->name,
		CW_STR_ARG(found), first_doubt(&f));
	ck_assert_msg((f.doubts.n > 0) == (c->doubt != NULL), "%s: %s", c->name, first_doubt(&f));
	if (c->doubt)
		ck_assert_msg(
			strstr(first_doubt(&f), c->doubt), "%s: %s", c->name, first_doubt(&f));
	finish(&f);
	free(olds);
	free(news);
}
END_TEST

/* ---- all short aliases ---- */

#define ALPHABET  "ab@"
#define WORD_MAX  4
#define RULES_MAX 6

static uint64_t random_state;

static unsigned draw(unsigned below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % below;
}

static const char *choose(const char *const *all, size_t n)
{
	return all[draw((unsigned)n)];
}

#define CHOOSE(...)                                                                                \
	choose((const char *const[]){__VA_ARGS__},                                                 \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* One rule or transform, without its name. */
struct made {
	char text[256];
	bool is_transform;
};

static void make_pattern(char *out, size_t size)
{
	if (draw(2))
		(void)snprintf(out, size, "pattern %s '%s'; behavior %s;",
			CHOOSE("prefix", "suffix"), CHOOSE("a", "b", "@", "ab", "@b", "A"),
			CHOOSE("leave", "leave", "leave", "strip", "replace 'b'", "replace '@a'"));
	else
		(void)snprintf(out, size, "pattern %s; behavior %s;",
			CHOOSE("exact 'ab'", "exact 'a'", "regex 'a+'", "regex '[ab]+'",
				"regex '(ab)*@?'", "regex '.*@.*'", "regex 'a|b'", "regex '.+'",
				"regex '.*b'", "regex 'a{1,3}b?'", "regex '[^a]*'",
				"regex '(?!a).*'", "regex '(a|b)\\1'"),
			CHOOSE("leave", "leave", "leave", "replace 'b'", "replace '\\0@'"));
}

static void make(struct made *out)
{
	char pattern[160] = "";
	bool any = draw(6) == 0;

	out->is_transform = draw(8) == 0;
	make_pattern(pattern, sizeof(pattern));
	if (out->is_transform)
		(void)snprintf(
			out->text, sizeof(out->text), "priority %u; %s", 1 + draw(2), pattern);
	else
		(void)snprintf(out->text, sizeof(out->text),
			"priority %u; %s %s %s %s %s target %s; %s", 1 + draw(3),
			any ? "mode any-alias;" : pattern,
			CHOOSE("", "", "source A;", "source all-zones;"),
			CHOOSE("", "", "variant ms-imp;", "variant microsoft;"),
			CHOOSE("", "", "", "authenticated yes;"), CHOOSE("", "on-match stop;"),
			CHOOSE("A", "B"), CHOOSE("", "", "", "", "", "state disabled;"));
}

struct set {
	struct made rules[RULES_MAX];
	unsigned names[RULES_MAX];
	size_t n;
	bool trusted;
};

static void edit(struct set *set)
{
	size_t at = set->n ? draw((unsigned)set->n) : 0, to;
	struct made moved;

	switch (draw(6)) {
	case 0:
		if (set->n) {
			memmove(&set->rules[at], &set->rules[at + 1],
				(set->n - at - 1) * sizeof(set->rules[0]));
			set->n--;
		}
		break;
	case 1:
		if (set->n < RULES_MAX)
			make(&set->rules[set->n++]);
		break;
	case 2:
	case 3:
		make(&set->rules[at]);
		break;
	case 4:
		to = set->n ? draw((unsigned)set->n) : 0;
		moved = set->rules[at];
		set->rules[at] = set->rules[to];
		set->rules[to] = moved;
		break;
	case 5:
		set->trusted = draw(2);
		break;
	}
}

static char *text_of(const struct set *set)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fprintf(out, "zone A { type neighbor; peer 192.0.2.1:5061; trusted %s }\n",
		set->trusted ? "yes" : "no");
	fprintf(out, "zone B { type neighbor; peer 192.0.2.2:5061 }\n");
	for (size_t i = 0; i < set->n; i++)
		fprintf(out, "%s r%zu { %s }\n", set->rules[i].is_transform ? "transform" : "rule",
			i, set->rules[i].text);
	(void)fclose(out);
	return text;
}

/* The word number `n` over the alphabet, in order of length. Returns: whether it is of at most WORD_MAX letters. */
static bool word_of(size_t n, char *word)
{
	size_t letters = strlen(ALPHABET), len = 1, count = letters, i;

	for (; n >= count; len++, count *= letters)
		n -= count;
	for (i = len; i-- > 0; n /= letters)
		word[i] = ALPHABET[n % letters];
	word[len] = '\0';
	return len <= WORD_MAX;
}

/* Whether some short alias changes its way, and which. */
static bool differs(const struct fixture *f, const struct cw_crossing *kind, char *word)
{
	struct cw_crossing crossing = *kind;
	struct cw_arena arena = {0};
	bool found = false;

	for (size_t n = 0; !found && word_of(n, word); n++) {
		crossing.requests[0].alias = crossing.requests[1].alias = cw_str_of(word);
		ck_assert_int_eq(cw_crossing_plan(&crossing, f->sides, &arena), 0);
		found = cw_crossing_differs(&crossing);
		cw_arena_finish(&arena);
	}
	return found;
}

static bool some_differ(const struct fixture *f, char *word)
{
	static const struct cw_search_rule any = {
		.protocol = CW_RULE_ANY_PROTOCOL, .source = CW_RULE_FROM_ANY};
	struct cw_request_kinds kinds = {
		.zones = f->sides[CW_SIDE_OLD].zones, .n_zones = f->sides[CW_SIDE_OLD].n_zones};
	struct cw_crossing kind = {.from = {NULL, 0}};

	while (cw_request_kinds_next(&kinds, &any, &kind.requests[CW_SIDE_OLD])) {
		struct cw_request *across = &kind.requests[CW_SIDE_NEW];

		*across = kind.requests[CW_SIDE_OLD];
		across->from = cw_config_zone(f->configs[CW_SIDE_NEW], across->from->name);
		across->authenticated = across->from->trusted;
		if (differs(f, &kind, word))
			return true;
	}
	return false;
}

/* Whatever a short alias shows is found or in doubt, and what is found is so. */
START_TEST(agrees_with_all_short_aliases)
{
	unsigned n_found = 0, n_same = 0, n_doubt = 0;

	random_state = 0x9e3779b97f4a7c15u + (uint64_t)_i;
	for (int round = 0; round < 150; round++) {
		struct set set = {.n = 1 + draw(RULES_MAX - 1), .trusted = draw(2)};
		char word[WORD_MAX + 2], *olds, *news;
		struct fixture f;
		struct cw_str found;

		for (size_t i = 0; i < set.n; i++)
			make(&set.rules[i]);
		olds = text_of(&set);
		for (unsigned i = 1 + draw(2); i > 0; i--)
			edit(&set);
		news = text_of(&set);
		begin(&f, olds, news);
		ck_assert_int_eq(cw_reroutes_find(&f.found, &f.doubts, f.sides, &f.arena), 0);
		found = list_found(&f);
		n_found += found.len > 0;
		n_doubt += found.len == 0 && f.doubts.n > 0;
		n_same += found.len == 0 && f.doubts.n == 0;
		if (found.len == 0 && f.doubts.n == 0)
			ck_assert_msg(!some_differ(&f, word), "%s\n%s\n%s", word, olds, news);
		finish(&f);
		free(olds);
		free(news);
	}
	/* each of the answers is given */
	ck_assert_uint_gt(n_found, 30);
	ck_assert_uint_gt(n_same, 15);
	ck_assert_uint_lt(n_doubt, 30);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	for (unsigned n = 1;; n++) {
		struct fixture f;

		begin(&f,
			ZONES R1 R2 "transform t { pattern suffix '@o'; behavior replace '@x' }\n",
			ZONES R1 "rule r2 { pattern regex 'a.*'; target A }\n" R3
				 "transform u { pattern suffix '@p'; behavior replace '@x' }\n");
		alloc_fail_at(n);
		int r = cw_reroutes_find(&f.found, &f.doubts, f.sides, &f.arena);
		bool reached = alloc_fail_reached();
		finish(&f);
		/* an automaton that could not be made smaller is used as it is */
		ck_assert_msg(r == 0 || (reached && r == -ENOMEM), "%u: %d", n, r);
		if (!reached)
			break;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reroute_find");
	TCase *tcase = tcase_create("reroute_find");

	ADD_ROWS(tcase, finds, pair_cases);
	tcase_add_loop_test(tcase, agrees_with_all_short_aliases, 0, 4);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
