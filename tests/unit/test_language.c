#include "regular/language.h"

#include "dialplan/alias.h"
#include "regular/dfa.h"
#include "tests/support_c/random_regex.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define SEED      20240229u
#define SIDES_MAX 4

/* Languages of one side of a query. */
struct sides {
	struct cw_automaton *of[SIDES_MAX];
	size_t n;
};

/* Make the automata of up to SIDES_MAX regexes. */
static void sides_init(struct sides *sides, const char *const regexes[SIDES_MAX])
{
	const char *why = "";

	for (sides->n = 0; sides->n < SIDES_MAX && regexes[sides->n]; sides->n++)
		ck_assert_msg(cw_automaton_of_regex(&sides->of[sides->n],
				      cw_str_of(regexes[sides->n]), &why) == 0,
			"%s: %s", regexes[sides->n], why);
}

/* Make SIDES_MAX automata of random regexes. */
static void sides_init_random(struct sides *sides, struct random_regex *random)
{
	char regex[RANDOM_REGEX_MAX];
	const char *why;

	for (sides->n = 0; sides->n < SIDES_MAX; sides->n++) {
		/* a few begin with a quantifier */
		do
			random_regex_write(random, regex);
		while (cw_automaton_of_regex(&sides->of[sides->n], cw_str_of(regex), &why));
	}
}

static void sides_finish(struct sides *sides)
{
	while (sides->n > 0)
		cw_automaton_destroy(sides->of[--sides->n]);
}

static struct cw_language_query make_query(const struct sides *in, const struct sides *out)
{
	return (struct cw_language_query){
		.in = (const struct cw_automaton *const *)in->of,
		.n_in = in->n,
		.out = (const struct cw_automaton *const *)out->of,
		.n_out = out->n,
	};
}

static const struct find_case {
	const char *name;
	const char *in[SIDES_MAX], *out[SIDES_MAX];
	enum cw_language_answer answer;
	const char *word;
} find_cases[] = {
	{"every alias", {NULL}, {NULL}, CW_LANGUAGE_FOUND, "a"},
	{"the empty text is none", {"a*"}, {NULL}, CW_LANGUAGE_FOUND, "a"},
	{"the empty text alone", {""}, {NULL}, CW_LANGUAGE_NONE},
	{"nothing at all", {"a^b"}, {NULL}, CW_LANGUAGE_NONE},
	{"what no alias holds", {"a\\n"}, {NULL}, CW_LANGUAGE_NONE},
	{"all taken out", {".*@a"}, {".*"}, CW_LANGUAGE_NONE},
	{"every alias, all taken out", {NULL}, {".*"}, CW_LANGUAGE_NONE},
	{"the same", {".*@a\\.example(;.*)?"}, {".*@a\\.example(;.*)?"}, CW_LANGUAGE_NONE},
	{"a shortest word", {".+@(longer|a)\\.example"}, {NULL}, CW_LANGUAGE_FOUND, "a@a.example"},
	{"letters first", {"[-0-9x@]{3}"}, {NULL}, CW_LANGUAGE_FOUND, "xxx"},
	{"digits before punctuation", {"[-0-9@]+"}, {NULL}, CW_LANGUAGE_FOUND, "0"},
	{"what can be read before the rest", {"[\\xe4~ ]+"}, {NULL}, CW_LANGUAGE_FOUND, "~"},
	{"the rest", {"\\xe4"}, {NULL}, CW_LANGUAGE_FOUND, "\xe4"},
	{"the first letter of many", {"[a-z]{1,9}@(x|y)"}, {NULL}, CW_LANGUAGE_FOUND, "a@x"},
	{"a union", {".*@(a|b)\\.example"}, {".*@a\\.example", ".*@b\\.example"}, CW_LANGUAGE_NONE},
	{"no union", {".*@[abc]\\.example"}, {".*@a\\.example", ".*@c\\.example"},
		CW_LANGUAGE_FOUND, "@b.example"},
	{"case folds", {"[A-C]@X"}, {"[b-c]@x", "a@x"}, CW_LANGUAGE_NONE},
	{"an unescaped dot", {".*@a.example"}, {".*@a\\.example"}, CW_LANGUAGE_FOUND, "@aaexample"},
	{"counted", {"\\d{3,5}"}, {"\\d{3}", "\\d{5}"}, CW_LANGUAGE_FOUND, "0000"},
	{"counted, none left", {"\\d{3,5}"}, {"\\d{3,4}", "\\d{4,}"}, CW_LANGUAGE_NONE},
	{"all of several", {".*a.*", ".*b.*", ".*@.*"}, {NULL}, CW_LANGUAGE_FOUND, "b@a"},
	{"of several, not those", {".*a.*", ".*b.*", ".*@.*"}, {"a.*", "b.*", ".*@"},
		CW_LANGUAGE_FOUND, "@ab"},
	{"nothing in common", {"a.*", "b.*"}, {NULL}, CW_LANGUAGE_NONE},
	{"an inexact one on the side that must match", {"a(?=b).*"}, {"a.+"}, CW_LANGUAGE_FOUND,
		"a"},
	{"longer than an alias", {".{1000}.{1000}.{48}.+"}, {NULL}, CW_LANGUAGE_NONE},
	{"as long as an alias, longer ones in another", {".{1000}a*", "a{2048}a*"}, {"a{1,2047}"},
		CW_LANGUAGE_FOUND, NULL},
	{"too many sets to make in advance", {"(a|b)*a(a|b){20}"}, {NULL}, CW_LANGUAGE_FOUND,
		"aaaaaaaaaaaaaaaaaaaaa"},
	{"the same, out", {"b*a?"}, {"(a|b)*a(a|b){20}", "b{0,9}", "b*a"}, CW_LANGUAGE_FOUND,
		"bbbbbbbbbb"},
	{"the same, none left", {"(a|b)*a(a|b){20}", "ab*"}, {"ab{20}"}, CW_LANGUAGE_NONE},
	{"too many states", {"(a|b)*a(a|b){20}"}, {"[ab]*"}, CW_LANGUAGE_LIMIT},
	{"few states, too many steps", {"([a-z]{1,60}){1,60}@x"}, {"([a-z]{1,60}){1,60}@[x-z]"},
		CW_LANGUAGE_LIMIT},
	{"too many states by themselves", {"(a|b)*a(a|b){20}"}, {"(a|b)*a(a|b){20}"},
		CW_LANGUAGE_LIMIT},
};

START_TEST(finds)
{
	const struct find_case *c = &find_cases[_i];
	enum cw_language_answer answer = CW_LANGUAGE_NONE;
	struct cw_language_query query;
	struct cw_arena arena = {0};
	struct cw_str word = {NULL, 0};
	struct sides in, out;

	sides_init(&in, c->in);
	sides_init(&out, c->out);
	query = make_query(&in, &out);
	ck_assert_msg(cw_language_find(&query, &arena, &answer, &word) == 0, "%s", c->name);
	ck_assert_msg(answer == c->answer, "%s: answer %d", c->name, (int)answer);
	if (answer == CW_LANGUAGE_FOUND && c->word)
		ck_assert_msg(cw_str_eq(word, cw_str_of(c->word)), "%s: %" CW_STR_FMT, c->name,
			CW_STR_ARG(word));
	else if (answer == CW_LANGUAGE_FOUND)
		ck_assert_msg(word.len == CW_ALIAS_MAX, "%s: %zu bytes", c->name, word.len);
	else
		ck_assert_msg(!word.p, "%s: output touched", c->name);
	sides_finish(&in);
	sides_finish(&out);
	cw_arena_finish(&arena);
}
END_TEST

/* One state more or less decides, and always in the same way. */
START_TEST(keeps_to_its_limit)
{
	static const char *const in_regexes[SIDES_MAX] = {"a{50}"}, *const none[SIDES_MAX] = {NULL};
	enum cw_language_answer answer;
	struct cw_language_query query;
	struct cw_arena arena = {0};
	struct cw_str word;
	struct sides in, out;

	sides_init(&in, in_regexes);
	sides_init(&out, none);
	query = make_query(&in, &out);
	query.states_max = 50;
	ck_assert_int_eq(cw_language_find(&query, &arena, &answer, &word), 0);
	ck_assert_int_eq((int)answer, CW_LANGUAGE_LIMIT);
	query.states_max = 51;
	ck_assert_int_eq(cw_language_find(&query, &arena, &answer, &word), 0);
	ck_assert_int_eq((int)answer, CW_LANGUAGE_FOUND);
	sides_finish(&in);
	sides_finish(&out);
	cw_arena_finish(&arena);
}
END_TEST

/* Whether the query allows a text, by simulation. */
static bool is_word(const struct cw_language_query *query, struct cw_str text)
{
	size_t i;

	for (i = 0; i < query->n_in; i++)
		if (!cw_automaton_accepts(query->in[i], text))
			return false;
	for (i = 0; i < query->n_out; i++)
		if (cw_automaton_accepts(query->out[i], text))
			return false;
	return true;
}

/* The length of a shortest word of up to `max` bytes over few letters; max + 1 when there is none. */
static size_t try_all(const struct cw_language_query *query, size_t max)
{
	static const char letters[] = "ab@.1";
	size_t len, i, n = sizeof(letters) - 1, count = 1, number, rest;
	char text[8];

	for (len = 1; len <= max; len++) {
		count *= n;
		for (number = 0; number < count; number++) {
			for (i = 0, rest = number; i < len; i++, rest /= n)
				text[i] = letters[rest % n];
			if (is_word(query, cw_str_make(text, len)))
				return len;
		}
	}
	return max + 1;
}

/* Ask a query, and compare the answer with all short texts. */
static enum cw_language_answer compare(const struct cw_language_query *query)
{
	size_t shortest = try_all(query, 4);
	enum cw_language_answer answer;
	struct cw_arena arena = {0};
	struct cw_str word;

	ck_assert_int_eq(cw_language_find(query, &arena, &answer, &word), 0);
	if (answer == CW_LANGUAGE_NONE)
		ck_assert_uint_eq(shortest, 5);
	if (answer == CW_LANGUAGE_FOUND) {
		ck_assert(is_word(query, word));
		ck_assert_uint_le(word.len < 5 ? word.len : 5, shortest);
	}
	cw_arena_finish(&arena);
	return answer;
}

START_TEST(agrees_with_trying_all)
{
	struct random_regex random = {.state = SEED, .is_plain = true};
	unsigned answers[CW_LANGUAGE_LIMIT + 1] = {0}, round;
	struct cw_language_query query;
	struct sides all;

	for (round = 0; round < 3000; round++) {
		sides_init_random(&all, &random);
		query = (struct cw_language_query){
			.in = (const struct cw_automaton *const *)all.of,
			.n_in = 1 + round % 2,
		};
		query.out = query.in + query.n_in;
		query.n_out = round / 2 % (all.n - query.n_in + 1);
		answers[compare(&query)]++;
		sides_finish(&all);
	}
	printf("# seed %u: %u none, %u found, %u limit\n", SEED, answers[CW_LANGUAGE_NONE],
		answers[CW_LANGUAGE_FOUND], answers[CW_LANGUAGE_LIMIT]);
	ck_assert_uint_gt(answers[CW_LANGUAGE_NONE], round / 10);
	ck_assert_uint_gt(answers[CW_LANGUAGE_FOUND], round / 10);
}
END_TEST

/* With sets made in advance, and as they are needed. */
static const struct memory_case {
	const char *in[SIDES_MAX], *out[SIDES_MAX];
} memory_cases[] = {
	{{"[a-z]{70}@x"}, {".*y", ".*@.*z"}},
	{{"(a|b)*a(a|b){20}"}, {"b*"}},
};

START_TEST(copes_with_short_memory)
{
	const struct memory_case *c = &memory_cases[_i];
	enum cw_language_answer answer = CW_LANGUAGE_LIMIT;
	struct cw_str word = {NULL, 0};
	struct cw_language_query query;
	struct cw_arena arena = {0};
	struct sides in, out;
	unsigned n;
	int r;

	sides_init(&in, c->in);
	sides_init(&out, c->out);
	query = make_query(&in, &out);
	for (n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_language_find(&query, &arena, &answer, &word);
		if (!alloc_fail_reached())
			break;
		ck_assert_msg(r == -ENOMEM && answer == CW_LANGUAGE_LIMIT && !word.p,
			"allocation %u: %d", n, r);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq((int)answer, CW_LANGUAGE_FOUND);
	ck_assert_uint_gt(n, 8);
	sides_finish(&in);
	sides_finish(&out);
	cw_arena_finish(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("language");
	TCase *tcase = tcase_create("language");

	ADD_ROWS(tcase, finds, find_cases);
	tcase_add_test(tcase, keeps_to_its_limit);
	tcase_add_test(tcase, agrees_with_trying_all);
	ADD_ROWS(tcase, copes_with_short_memory, memory_cases);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
