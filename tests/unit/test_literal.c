#include "dialplan/literal.h"

#include "dialplan/pattern.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static const struct literal_case {
	const char *regex, *literal;
} literal_cases[] = {
	{".*@partner\\.example", "@partner.example$"},
	{".*@Partner\\.Example(;.*)?", "@partner.example"},
	{"(.*)@(x|y)\\.example", "@x.example$ @y.example$"},
	{"(?:bob|al)@[^.]+\\.example", "^bob@ ^al@ & .example$"},
	{".*imp1-public\\.uc\\.local.*", "imp1-public.uc.local"},
	{"bob", "^bob$"},
	{"^bob$", "^bob$"},
	{"a\\d+bc", "bc$"},
	{"abc?de", "^abde$ ^abcde$"},
	{"abc*d", "^ab"},
	{"abc+def", "^ab & def$"},
	{"abc+?def", "^ab & def$"},
	{"abc{2}de", "^abccde$"},
	{"abc{0}de", "^abde$"},
	{"abc{0,3}de", "^abde$ ^abcde$ ^abccde$ ^abcccde$"},
	{"abc{00}de", "^abde$"},
	{"abc{1,}de", "^ab & de$"},
	{"abc{2,3}+def", "^abccdef$ ^abcccdef$"},
	{"(a(b)[)](c\\)))+de", "^ab)c) & de$"},
	{"[]a]bc", "^]bc$ ^abc$"},
	{"[^]a]bc", "bc$"},
	{"[[:alpha:]]bc", "bc$"},
	{"[\\]]bc", "^]bc$"},
	{"[a[]bc", "^[bc$ ^abc$"},
	{"\\.\\@\\_", "^.@_$"},
	{"a b#c", "^a b#c$"},
	{"\xc4\xe4", "^\xc4\xe4$"},
	{"a|b", "^a$ ^b$"},
	{"abc|abd", "^abc$ ^abd$"},
	{"(a|b)", "^a$ ^b$"},
	{".*", ""},
	{"(?i)abc", "^abc$"},
	{"(?x)a b c", ""},
	{"(a(?x))a b c", ""},
	{"(?#x)abc", "^abc$"},
	{"(?=abc)...", ""},
	{"(?!abc)def", "^def$"},
	{"(*NO_JIT)abc", ""},
	{"ab(*ACCEPT)cd", ""},
	{"a(b(*ACCEPT))cd", ""},
	{"\\Qabc\\E", "^abc$"},
	{"abc\\Q*\\E", "^abc*$"},
	{"([\\Q]\\E)abc", ""},
	{"(a)\\1bc", "bc$"},
	{"\\x41bc", "^abc$"},
	{"a\\Kbc", ""},
	{"a{2}{0}bc", ""},
	{"a{,2}bc", ""},
	{"a{bc", "^a{bc$"},
	{".*@(a|b)\\.example", "@a.example$ @b.example$"},
	{".*@partner(1|2)\\.example(;.*)?", "@partner1.example @partner2.example"},
	{"(?:sip:)?bob@x(:5061)?", "^bob@x$ ^sip:bob@x$ ^bob@x:5061$ ^sip:bob@x:5061$"},
	{"(.*[@.])?x\\.example[:;].*", "x.example: x.example;"},
	{"(a|b.*)@x", "@x$"},
	{"(a|.*)@x", "@x$"},
	{"(ab|.*cd)", "^ab$ cd$"},
	{"(ab|cd.*)", "^ab$ ^cd"},
	{"(ab|(cd|ef).*gh)", "^ab$ gh$"},
	{"(ab|c.*d)", ""},
	{"(a|a)(b|b)(c|c)(d|d)(e|e)(f|f)", "^abcdef$"},
	{"(ab|ab)(c|.*d)", "^ab"},
	{"(ab.*|.*ab)", "^ab ab$"},
	{"(ab)+", "^ab"},
	{"(ab)+cd", "^ab & cd$"},
	{"x(ab.*)+", "ab"},
	{"(ab.*cd)+", "^ab & cd"},
	{"(ab.*cd){1}", "^ab & cd$"},
	{"(ab.*cd){0,1}", ""},
	{"(^ab|cd)ef$", "^abef$ ^cdef$"},
	{"(?>ab|a)c", "^abc$ ^ac$"},
	{"(?>ab.*)c", "^ab"},
	{"(?=ab)(?<!x)cd.*", "^cd"},
	{"\\bab\\b.*", "^ab"},
	{"(ab.*)\\1cd", "^ab & cd$"},
	{"\\d\\d@x", "0@x$ 1@x$ 2@x$ 3@x$ 4@x$ 5@x$ 6@x$ 7@x$ 8@x$ 9@x$"},
	{"[a-z]+\\d+@.*", ""},
	{"ab{0}", "^a$"},
	{"(ab){2,3}.*", "^abab ^ababab"},
	{"(ab){1,5}", "^ab"},
	{"[^a]", ""},
	{"a", "^a$"},
	{"[ab]{4}", "^aaaa$ ^baaa$ ^abaa$ ^bbaa$ ^aaba$ ^baba$ ^abba$ ^bbba$ ^aaab$ ^baab$ ^abab$ "
		    "^bbab$ ^aabb$ ^babb$ ^abbb$ ^bbbb$"},
	{"[ab]{5}", ""},
	{".*ab.*cde.*fghi.*jk.*", "ab & cde & fghi"},
	{"a{64}", "^aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa$"},
	{"a{65}", ""},
	{"((((((((((((((((ab))))))))))))))))", "^ab$"},
	{"(?:(?:(?:(?:(?:(?:(?:(?:(?:(?:(?:(?:(?:(?:(?:(?:ab.*)b)b)b)b)b)b)b)b)b)b)b)b)b)b)b)b)",
		""},
	{"(?R)?ab", ""},
	{"(?(?=a)ab|cd)", ""},
	{"aaa++bc", "^aa & bc$"},
};

/* "literal literal & literal": the literals of each need, ^ before and $ behind one that stands there. */
static void print_needs(char *out, struct cw_str needs)
{
	static const char *const begins[] = {"", "^", "", "^"}, *const ends[] = {"", "", "$", "$"};
	struct cw_literal any_of[CW_NEED_LITERALS];
	bool first = true;
	size_t n;

	*out = '\0';
	while ((n = cw_literal_next(&needs, any_of)) > 0) {
		out += sprintf(out, "%s", first ? "" : " & ");
		first = false;
		for (size_t i = 0; i < n; i++)
			out += sprintf(out, "%s%s%" CW_STR_FMT "%s", i ? " " : "",
				begins[any_of[i].place], CW_STR_ARG(any_of[i].text),
				ends[any_of[i].place]);
	}
}

START_TEST(finds_what_is_mandatory)
{
	const struct literal_case *c = &literal_cases[_i];
	struct cw_str regex = heap_copy(cw_str_of(c->regex));
	static char needs[CW_NEEDS_SIZE], printed[2 * CW_NEEDS_SIZE];

	size_t len = 0;
	bool is_all;

	ck_assert_int_eq(cw_literal_find(&len, &is_all, needs, regex), 0);
	print_needs(printed, cw_str_make(needs, len));
	ck_assert_msg(strcmp(printed, c->literal) == 0, "%s: %s", c->regex, printed);
	heap_free(regex);
}
END_TEST

/* Nobody vouches for what a caller compiles: any cut of a regex is read without passing its end. */
START_TEST(reads_no_further_than_the_end)
{
	const struct literal_case *c = &literal_cases[_i];
	static char needs[CW_NEEDS_SIZE];

	for (size_t n = 0; n <= strlen(c->regex); n++) {
		struct cw_str regex = heap_copy(cw_str_make(c->regex, n));

		size_t len = 0;
		bool is_all;

		ck_assert_int_eq(cw_literal_find(&len, &is_all, needs, regex), 0);
		ck_assert_uint_le(len, CW_NEEDS_SIZE);
		heap_free(regex);
	}
}
END_TEST

static const struct all_case {
	const char *regex;
	bool is_all;
} all_cases[] = {
	{"bob@x", true},
	{"b", true},
	{"^bob@x$", true},
	{"\\Abob@x\\z", true},
	{".*@x\\.example", true},
	{"^.*@x\\.example$", true},
	{"(.*)@(x|y)\\.example", true},
	{"(.*@x\\.example)", true},
	{"bob@.*", true},
	{".*bob.*", true},
	{".*?bob", true},
	{".*.*bob", true},
	{"[^\\n]*bob", true},
	{"bob|al", true},
	{"(?i)bo[ab]", true},
	{".*", true},
	{"^.*$", true},
	{"", false},
	{"^$", false},
	{"^", false},
	{".*x", false},
	{".+bob", false},
	{"[^@]*@x", false},
	{".*bo.b", false},
	{"bo.*ob", false},
	{".*bob|al", false},
	{".*bob(;.*)?", false},
	{".*^bob", false},
	{"bob$.*", false},
	{"(^bob|al)", false},
	{"bo*b", false},
	{"bo?b", false},
	{"bo{2}b", false},
	{"(?=b)bob", false},
	{"\\bbob", false},
	{".*+bob", false},
	{"(?>.*)bob", false},
	{"(?>bob|bobby)", false},
	{"(bob)\\1", false},
	{"(*NO_JIT)bob", false},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false},
	{"[a-z]ob", false},
};

START_TEST(knows_what_is_all)
{
	const struct all_case *c = &all_cases[_i];
	static char needs[CW_NEEDS_SIZE];
	size_t len = 0;
	bool is_all = !c->is_all;

	ck_assert_int_eq(cw_literal_find(&len, &is_all, needs, cw_str_of(c->regex)), 0);
	ck_assert_msg(is_all == c->is_all, "%s", c->regex);
}
END_TEST

static const struct in_case {
	enum cw_literal_place place;
	const char *literal, *text;
	bool is_in;
} in_cases[] = {
	{CW_LITERAL_ANYWHERE, "a", "", false},
	{CW_LITERAL_ANYWHERE, "@x", "bob@X", true},
	{CW_LITERAL_ANYWHERE, "bob", "BOB@x", true},
	{CW_LITERAL_ANYWHERE, "bob@x.", "bob@x", false},
	{CW_LITERAL_ANYWHERE, "aab", "aaab", true},
	{CW_LITERAL_ANYWHERE, "aab", "aaaa", false},
	{CW_LITERAL_BEGIN, "bo", "BOb", true},
	{CW_LITERAL_BEGIN, "ob", "bob", false},
	{CW_LITERAL_END, "ob", "boB", true},
	{CW_LITERAL_END, "bo", "bob", false},
	{CW_LITERAL_WHOLE, "bob", "bOb", true},
	{CW_LITERAL_WHOLE, "bob", "bobb", false},
	{CW_LITERAL_WHOLE, "bob", "bo", false},
};

START_TEST(looks_for_it)
{
	const struct in_case *c = &in_cases[_i];
	struct cw_str text = heap_copy(cw_str_of(c->text));
	struct cw_literal literal = {c->place, cw_str_of(c->literal)};

	ck_assert_msg(cw_literal_is_in(literal, text) == c->is_in, "%s in %s", c->literal, c->text);
	heap_free(text);
}
END_TEST

/* A hopeless pattern does not fail what it cannot match. */
START_TEST(spares_the_match_limit)
{
	static const char many[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct cw_pattern_error error;
	struct cw_pattern *p = NULL;
	char alias[128];

	ck_assert_int_eq(cw_pattern_create(&p, CW_PATTERN_REGEX, cw_str_of("(a+)+@x\\.example"),
				 CW_BEHAVIOR_LEAVE, cw_str_of(NULL), &error),
		0);
	(void)snprintf(alias, sizeof(alias), "%s!@y.example", many);
	ck_assert_int_eq((int)cw_pattern_match(p, cw_str_of(alias)), CW_MATCH_NO);
	(void)snprintf(alias, sizeof(alias), "%s!@x.example", many);
	ck_assert_int_eq((int)cw_pattern_match(p, cw_str_of(alias)), CW_MATCH_LIMIT);
	cw_pattern_destroy(p);
}
END_TEST

static uint32_t next_random(uint64_t *state, uint32_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % below;
}

static struct cw_pattern *compile(const char *regex)
{
	struct cw_pattern_error error = {0};
	struct cw_pattern *p = NULL;

	ck_assert_msg(cw_pattern_create(&p, CW_PATTERN_REGEX, cw_str_of(regex), CW_BEHAVIOR_LEAVE,
			      cw_str_of(NULL), &error) == 0,
		"%s: %s", regex, error.text);
	return p;
}

/* With the verb nothing is known of a regex, and PCRE2 itself passes over nothing: both must answer the same. */
START_TEST(changes_no_answer)
{
	static const char *const pieces[] = {"a", "b", "A", "\\.", "ab", "(a|b.)", "[ab]", "[^a]",
		"a?", "b*", "a+", "b{2}", "a{0}", "b{0,1}", "(?:ab)+", ".*", "\\w", "^", "$",
		"(b)?", "a??", "b++", ".", "(?:ab|.b)", "(?:a.*b)+", "(?>a|ab)", "(?=.)", "\\b",
		"(?!b)", "(?:ba|(?:ab.*|bb)a)", "(?:.a){2}", "(a|b)\\1", "(?:b.?a|ab)*", "[a.]{2}",
		"(?:|ab)"};
	unsigned counts[2] = {0};
	uint64_t seed = 20261124;

	for (int round = 0; round < 10000; round++) {
		char regex[160] = "", wrapped[200], text[12];

		for (uint32_t n = 1 + next_random(&seed, 6); n > 0; n--)
			strcat(regex, pieces[next_random(&seed, N_ELEMENTS(pieces))]);
		(void)snprintf(wrapped, sizeof(wrapped), "(*NO_START_OPT)%s", regex);
		struct cw_pattern *plain = compile(regex), *hidden = compile(wrapped);
		for (int i = 0; i < 10; i++) {
			size_t len = next_random(&seed, 9);

			for (size_t k = 0; k < len; k++)
				text[k] = "abAB."[next_random(&seed, 5)];
			enum cw_match match = cw_pattern_match(hidden, cw_str_make(text, len));
			ck_assert_msg(cw_pattern_match(plain, cw_str_make(text, len)) == match,
				"%s on %.*s", regex, (int)len, text);
			counts[match == CW_MATCH_YES]++;
		}
		cw_pattern_destroy(plain);
		cw_pattern_destroy(hidden);
	}
	ck_assert_uint_gt(counts[0], 1000);
	ck_assert_uint_gt(counts[1], 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("literal");
	TCase *tcase = tcase_create("literal");

	ADD_ROWS(tcase, finds_what_is_mandatory, literal_cases);
	ADD_ROWS(tcase, reads_no_further_than_the_end, literal_cases);
	ADD_ROWS(tcase, knows_what_is_all, all_cases);
	ADD_ROWS(tcase, looks_for_it, in_cases);
	tcase_add_test(tcase, changes_no_answer);
	tcase_add_test(tcase, spares_the_match_limit);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
