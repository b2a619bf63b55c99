#include "regular/automaton.h"

#include "dialplan/alias.h"
#include "regular/dfa.h"
#include "regular/language.h"
#include "tests/support_c/random_regex.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define SEED      20240229u
#define N_REGEXES 20000
#define N_TEXTS   24
#define TEXT_MAX  12

static const struct accept_case {
	const char *regex;
	const char *accepted[4], *others[4];
} accept_cases[] = {
	{".*@a\\.example(;.*)?", {"bob@a.example", "BOB@A.EXAMPLE;x", "@a.example"},
		{"bob@a.example.org", "bob@aaexample", "a.example"}},
	{"a{2,3}", {"aa", "aaa"}, {"", "a", "aaaa"}},
	{"a{0}b", {"b"}, {"ab"}},
	{"a{2,}", {"aa", "aaaaaa"}, {"a"}},
	{"(ab?){2}", {"aa", "aba", "abab"}, {"a", "ababa"}},
	{"(a|)*b", {"b", "aab"}, {"a", ""}},
	{"(){3}(a*)*", {"", "aaa"}, {"b"}},
	{"a|", {"a", ""}, {"b"}},
	{"^a$", {"a"}, {"aa"}},
	{"a^b", {NULL}, {"ab", "a", "b"}},
	{"a*^b", {"b"}, {"ab"}},
	{"(^a|b)*", {"", "ab", "abb"}, {"ba", "aa"}},
	{"(a|b$)*", {"", "aab"}, {"ba", "bb"}},
	{"a$(b|)", {"a"}, {"ab"}},
	{"[^\\d\\D]a|b", {"b"}, {"a"}},
	{"a\\x0ab|a.b", {"axb"}, {"a\nb", "a\rb"}},
	{"[b\\n]", {"b"}, {"\n"}},
};

START_TEST(accepts)
{
	const struct accept_case *c = &accept_cases[_i];
	struct cw_automaton *automaton = NULL;
	const char *why = NULL;
	size_t i;
	int r = cw_automaton_of_regex(&automaton, cw_str_of(c->regex), &why);

	ck_assert_msg(r == 0, "%s: %s", c->regex, why);
	ck_assert_msg(!cw_automaton_inexact(automaton), "%s: inexact", c->regex);
	for (i = 0; i < N_ELEMENTS(c->accepted); i++) {
		if (c->accepted[i])
			ck_assert_msg(cw_automaton_accepts(automaton, cw_str_of(c->accepted[i])),
				"%s does not accept \"%s\"", c->regex, c->accepted[i]);
		if (c->others[i])
			ck_assert_msg(!cw_automaton_accepts(automaton, cw_str_of(c->others[i])),
				"%s accepts \"%s\"", c->regex, c->others[i]);
	}
	cw_automaton_destroy(automaton);
}
END_TEST

static const struct inexact_case {
	const char *regex, *what, *accepted;
} inexact_cases[] = {
	{"a(?=c)b", "has a look-around or a word boundary", "ab"},
	{"\\bab", "has a look-around or a word boundary", "ab"},
	{"(a)\\1", "has a back reference", "abcd"},
	{"(?>a*)a", "has an atomic group or a possessive repeat", "aa"},
	{"a*+a", "has an atomic group or a possessive repeat", "aa"},
};

START_TEST(says_that_it_is_inexact)
{
	const struct inexact_case *c = &inexact_cases[_i];
	struct cw_automaton *automaton = NULL;
	const char *why = NULL;

	ck_assert_int_eq(cw_automaton_of_regex(&automaton, cw_str_of(c->regex), &why), 0);
	ck_assert_str_eq(cw_automaton_inexact(automaton), c->what);
	ck_assert(cw_automaton_accepts(automaton, cw_str_of(c->accepted)));
	cw_automaton_destroy(automaton);
}
END_TEST

static const struct outside_case {
	const char *regex, *why;
} outside_cases[] = {
	{"a(?(1)b)", "has a condition"},
	{"a{8192}", "is too large for an automaton"},
	{"((((a{9}){9}){9}){9}){9}", "is too large for an automaton"},
	{"(a?){2000}", "is too large for an automaton"},
	{"(?:|||||||||||||||||){65535}", "is too large for an automaton"},
};

START_TEST(leaves_outside)
{
	const struct outside_case *c = &outside_cases[_i];
	struct cw_automaton *automaton = NULL;
	const char *why = NULL;

	ck_assert_int_eq(cw_automaton_of_regex(&automaton, cw_str_of(c->regex), &why),
		CW_AUTOMATON_E_OUTSIDE);
	ck_assert_str_eq(why, c->why);
	ck_assert_ptr_null(automaton);
}
END_TEST

/* A text that is nothing cannot be repeated into something, whatever the product of the counts. */
START_TEST(repeats_nothing_quickly)
{
	struct cw_automaton *automaton = NULL;
	const char *why = NULL;

	ck_assert_int_eq(cw_automaton_of_regex(&automaton,
				 cw_str_of("(((((){65535}){65535}){65535}){65535}){65535}a"), &why),
		0);
	ck_assert(cw_automaton_accepts(automaton, cw_str_of("a")));
	cw_automaton_destroy(automaton);
}
END_TEST

/* The longest text there can be, each byte of it a state. */
START_TEST(holds_the_longest_text)
{
	char text[CW_PATTERN_MAX];
	struct cw_automaton *automaton = NULL;
	const char *why = NULL;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(
		cw_automaton_of_text(&automaton, cw_str_make(text, sizeof(text)), &why), 0);
	ck_assert(cw_automaton_accepts(automaton, cw_str_make(text, sizeof(text))));
	ck_assert(!cw_automaton_accepts(automaton, cw_str_make(text, sizeof(text) - 1)));
	cw_automaton_destroy(automaton);
}
END_TEST

static const char *const type_texts[] = {
	"bob", "BOB", "bobby", "xbob", "xbobx", "b.b", "b.b.", "o", "\xe4.b.b"};

/* The automaton of a pattern accepts what the pattern matches. */
static void compare_type(enum cw_pattern_type type, const char *text)
{
	struct cw_automaton *automaton;
	struct cw_pattern_error error;
	struct cw_pattern *pattern;
	struct cw_str other;
	const char *why;
	size_t i;

	ck_assert_int_eq(cw_pattern_create(&pattern, type, cw_str_of(text), CW_BEHAVIOR_LEAVE,
				 cw_str_of(NULL), &error),
		0);
	ck_assert_int_eq(cw_automaton_of_pattern(&automaton, pattern, &why), 0);
	ck_assert_ptr_null(cw_automaton_inexact(automaton));
	for (i = 0; i < N_ELEMENTS(type_texts); i++) {
		other = cw_str_of(type_texts[i]);
		ck_assert_msg(cw_automaton_accepts(automaton, other) ==
				      (cw_pattern_match(pattern, other) == CW_MATCH_YES),
			"%s %s: %s", cw_pattern_type_name(type), text ? text : "", type_texts[i]);
	}
	cw_automaton_destroy(automaton);
	cw_pattern_destroy(pattern);
}

START_TEST(knows_all_types)
{
	compare_type(CW_PATTERN_EXACT, type_texts[_i]);
	compare_type(CW_PATTERN_PREFIX, type_texts[_i]);
	compare_type(CW_PATTERN_SUFFIX, type_texts[_i]);
	compare_type(CW_PATTERN_REGEX, type_texts[_i]);
	compare_type(CW_PATTERN_ANY, NULL);
	cw_automaton_destroy(NULL);
}
END_TEST

/* What is known of one random regex. */
struct opinions {
	const char *regex;
	const struct cw_pattern *pattern;
	const struct cw_automaton *automaton;
	unsigned matched, differed, unanswered; /* texts; those that only the automaton takes */
};

/* Compare the automaton with PCRE2, which has the last word. */
static void compare(struct opinions *o, struct cw_str text)
{
	enum cw_match match = cw_pattern_match(o->pattern, text);
	bool is_accepted = cw_automaton_accepts(o->automaton, text);

	if (match == CW_MATCH_LIMIT) {
		o->unanswered++;
		return;
	}
	o->matched += match == CW_MATCH_YES;
	if (match == CW_MATCH_NO && is_accepted && cw_automaton_inexact(o->automaton)) {
		o->differed++;
		return;
	}
	ck_assert_msg(is_accepted == (match == CW_MATCH_YES),
		"%s: \"%" CW_STR_FMT "\": PCRE2 says %s", o->regex, CW_STR_ARG(text),
		match == CW_MATCH_YES ? "yes" : "no");
}

/* Compare with words that the automaton accepts, longer and longer ones, and with each of them changed in one place. */
static void compare_words(struct opinions *o, struct random_regex *random)
{
	static const char *const longer[] = {".*", ".{3,}", ".{7,}"};
	const struct cw_automaton *in[2] = {o->automaton, NULL};
	struct cw_language_query query = {.in = in, .n_in = 2};
	enum cw_language_answer answer;
	struct cw_automaton *filter;
	struct cw_arena arena = {0};
	const char *why;
	char changed[64];
	struct cw_str word;
	size_t i;

	for (i = 0; i < N_ELEMENTS(longer); i++) {
		ck_assert_int_eq(cw_automaton_of_regex(&filter, cw_str_of(longer[i]), &why), 0);
		in[1] = filter;
		ck_assert_int_eq(cw_language_find(&query, &arena, &answer, &word), 0);
		if (answer == CW_LANGUAGE_FOUND) {
			ck_assert_msg(cw_automaton_accepts(o->automaton, word), "%s: %" CW_STR_FMT,
				o->regex, CW_STR_ARG(word));
			compare(o, word);
			if (word.len <= sizeof(changed)) {
				memcpy(changed, word.p, word.len);
				changed[random_regex_number(random, (unsigned)word.len)] =
					"ab@.;x0"[random_regex_number(random, 7)];
				compare(o, cw_str_make(changed, word.len));
			}
		}
		cw_automaton_destroy(filter);
	}
	cw_arena_finish(&arena);
}

/* Returns: whether the regex was one, and understood. */
static bool compare_regex(struct random_regex *random, struct opinions *o)
{
	struct cw_automaton *automaton;
	struct cw_pattern_error error;
	struct cw_pattern *pattern;
	char text[TEXT_MAX];
	const char *why;
	size_t i, len;

	if (cw_pattern_create(&pattern, CW_PATTERN_REGEX, cw_str_of(o->regex), CW_BEHAVIOR_LEAVE,
		    cw_str_of(NULL), &error))
		return false;
	if (cw_automaton_of_pattern(&automaton, pattern, &why)) {
		cw_pattern_destroy(pattern);
		return false;
	}
	o->pattern = pattern;
	o->automaton = automaton;
	for (i = 0; i < N_TEXTS; i++) {
		len = random_regex_text(random, text, sizeof(text));
		compare(o, cw_str_make(text, len));
	}
	compare_words(o, random);
	cw_automaton_destroy(automaton);
	cw_pattern_destroy(pattern);
	return true;
}

START_TEST(agrees_with_pcre2)
{
	struct random_regex random = {.state = SEED};
	struct opinions o = {0};
	char regex[RANDOM_REGEX_MAX];
	unsigned n = 0, i;

	for (i = 0; i < N_REGEXES; i++) {
		random_regex_write(&random, regex);
		o.regex = regex;
		n += compare_regex(&random, &o);
	}
	printf("# seed %u: %u regexes understood, %u texts matched, %u not by PCRE2 alone, %u "
	       "unanswered\n",
		SEED, n, o.matched, o.differed, o.unanswered);
	ck_assert_uint_gt(n, N_REGEXES / 2);
	ck_assert_uint_gt(o.matched, N_REGEXES);
	ck_assert_uint_gt(o.differed, 0);
}
END_TEST

static const char *const addresses[] = {"1.2.3.4", "255.255.255.255", "256.1.1.1", "0.0.0.0",
	"01.2.3.4", "1.2.3", "1.2.3.4.5", "1.2.3.4:5060", "1.2.3.4:", "1.2.3.4:65535",
	"1.2.3.4:65536", "1.2.3.4:00080", "1.2.3.4;x", "1.2.3.4:5060;x=@y", "1.2.3.4?a=b",
	"bob@1.2.3.4", "[::]", "[::1]", "[1::]", "[1::1]:5061;a", "[1:2:3:4:5:6:7:8]",
	"[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7:8::]", "[::1:2:3:4:5:6:7]", "[::1:2:3:4:5:6:7:8]",
	"[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:7:1.2.3.4]", "[::1.2.3.4]",
	"[::1:2:3:4:5:1.2.3.4]", "[::1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5::1.2.3.4]",
	"[1:2:3:4:5:6::1.2.3.4]", "[1:2::3:4:1.2.3.4]", "[:::]", "[1:::2]", "[1::2::3]", "[:1]",
	"[1:]", "[12345::]", "[abcd::]", "[ABCD::EF]", "[abcg::]", "[::1", "::1", "[]", "[::1]x",
	"[::1]:", "[::1.2.3]", "[fe80::1%eth0]"};

/* An address with some changes of one byte each. */
static size_t change_address(struct random_regex *random, const char *address, char *out)
{
	size_t len = strlen(address), at;
	unsigned n = random_regex_number(random, 3);

	memcpy(out, address, len + 1);
	for (; n > 0; n--) {
		at = random_regex_number(random, (unsigned)len);
		if (random_regex_number(random, 2) && len < 50) {
			memmove(out + at + 1, out + at, len - at);
			len++;
		} else if (random_regex_number(random, 2) && len > 1) {
			memmove(out + at, out + at + 1, len - at - 1);
			len--;
			continue;
		}
		out[at] = "0123456789abcf:.:.[];?@"[random_regex_number(random, 23)];
	}
	return len;
}

START_TEST(knows_addresses)
{
	struct random_regex random = {.state = SEED};
	struct cw_automaton *automaton = NULL;
	unsigned i, n = 0;
	char text[64];
	size_t len;
	bool is_ip;

	ck_assert_int_eq(cw_automaton_of_addresses(&automaton), 0);
	ck_assert_ptr_null(cw_automaton_inexact(automaton));
	ck_assert_ptr_nonnull(cw_automaton_dfa(automaton));
	for (i = 0; i < 200000; i++) {
		len = change_address(&random, addresses[i % N_ELEMENTS(addresses)], text);
		is_ip = cw_alias_is_ip(cw_str_make(text, len));
		n += is_ip;
		ck_assert_msg(cw_automaton_accepts(automaton, cw_str_make(text, len)) == is_ip,
			"%.*s", (int)len, text);
	}
	printf("# seed %u: %u of %u are addresses\n", SEED, n, i);
	ck_assert_uint_gt(n, i / 10);
	cw_automaton_destroy(automaton);
}
END_TEST

static const char *const memory_regexes[] = {"[a-z]{40}(@|x)[b0-9]{40}", "a"};

START_TEST(copes_with_short_memory)
{
	struct cw_automaton *automaton;
	const char *why;
	unsigned n;
	int r;

	for (n = 1;; n++) {
		automaton = NULL;
		alloc_fail_at(n);
		r = cw_automaton_of_regex(&automaton, cw_str_of(memory_regexes[_i]), &why);
		if (!alloc_fail_reached())
			break;
		/* where what is not needed any more cannot be given back, nothing is lost */
		ck_assert_int_eq(r, automaton ? 0 : -ENOMEM);
		cw_automaton_destroy(automaton);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(n, 10);
	cw_automaton_destroy(automaton);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("automaton");
	TCase *tcase = tcase_create("automaton");

	ADD_ROWS(tcase, accepts, accept_cases);
	ADD_ROWS(tcase, says_that_it_is_inexact, inexact_cases);
	ADD_ROWS(tcase, leaves_outside, outside_cases);
	tcase_add_test(tcase, repeats_nothing_quickly);
	tcase_add_test(tcase, holds_the_longest_text);
	ADD_ROWS(tcase, knows_all_types, type_texts);
	tcase_add_test(tcase, agrees_with_pcre2);
	tcase_add_test(tcase, knows_addresses);
	ADD_ROWS(tcase, copes_with_short_memory, memory_regexes);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
