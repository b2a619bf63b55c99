#include "dialplan/syntax.h"

#include "dialplan/pattern.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

/* Print a set: a letter for both its cases, "." for all but the newline, else hexadecimal ranges in brackets, "~" for a negated one. */
static void print_set(FILE *out, struct cw_byte_set set)
{
	struct cw_byte_set not_newline = {
		{~(UINT64_C(1) << '\n'), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)}};
	struct cw_byte_set folded;
	int byte, from;

	for (byte = 0x21; byte < 0x7f; byte++) {
		folded = (struct cw_byte_set){{0}};
		cw_byte_set_add_folded(&folded, (unsigned char)byte, (unsigned char)byte);
		if (cw_byte_set_eq(&set, &folded)) {
			fprintf(out, "%c", cw_char_lower((char)byte));
			return;
		}
	}
	if (cw_byte_set_eq(&set, &not_newline)) {
		fprintf(out, ".");
		return;
	}
	fprintf(out, "[");
	if (cw_byte_set_has(&set, 0xff)) {
		cw_byte_set_negate(&set);
		fprintf(out, "~");
	}
	for (byte = 0; byte <= 0xff; byte++) {
		if (!cw_byte_set_has(&set, (unsigned char)byte))
			continue;
		for (from = byte; byte < 0xff && cw_byte_set_has(&set, (unsigned char)(byte + 1));)
			byte++;
		fprintf(out, from == byte ? "%02x" : "%02x-%02x", (unsigned)from, (unsigned)byte);
	}
	fprintf(out, "]");
}

/* Print a tree, each node with children in braces behind its sign: & sequence, | choice, * repeat, > atomic. */
static void print(FILE *out, const struct cw_syntax *node)
{
	size_t i;

	switch (node->kind) {
	case CW_SYNTAX_EMPTY:
		fprintf(out, "e");
		break;
	case CW_SYNTAX_BYTES:
		print_set(out, node->set);
		break;
	case CW_SYNTAX_SEQUENCE:
		fprintf(out, "&");
		break;
	case CW_SYNTAX_CHOICE:
		fprintf(out, "|");
		break;
	case CW_SYNTAX_REPEAT:
		fprintf(out, node->max == CW_SYNTAX_UNBOUNDED ? "*%u-" : "*%u-%u", node->min,
			node->max);
		break;
	case CW_SYNTAX_BEGIN:
		fprintf(out, "^");
		break;
	case CW_SYNTAX_END:
		fprintf(out, "$");
		break;
	case CW_SYNTAX_LOOK:
		fprintf(out, "?");
		break;
	case CW_SYNTAX_REFERENCE:
		fprintf(out, "\\");
		break;
	case CW_SYNTAX_ATOMIC:
		fprintf(out, ">");
		break;
	}
	for (i = 0; i < node->n_children; i++) {
		fprintf(out, i ? " " : "{");
		print(out, node->children[i]);
	}
	fprintf(out, node->n_children ? "}" : "");
}

static const struct tree_case {
	const char *regex, *tree;
} tree_cases[] = {
	{"", "e"},
	{"a", "a"},
	{"aB", "&{a b}"},
	{"a|b|", "|{a b e}"},
	{"|a", "|{e a}"},
	{"a()b", "&{a e b}"},
	{"(a|b)c", "&{|{a b} c}"},
	{"a(bc)", "&{a &{b c}}"},
	{"(?:a)", "a"},
	{"(?<n>a)(?P<m>b)(?'o'c)", "&{a b c}"},
	{"(?i)a(?i:b)", "&{a b}"},
	{"((((a))))", "a"},
	{".", "."},
	{"^a$", "&{^ a $}"},
	{"\\Aa\\z\\Z\\G", "&{^ a $ $ ^}"},
	{"a\\b\\B", "&{a ? ?}"},
	{"(?=ab)(?!c)(?<=d)(?<!e)a", "&{? ? ? ? a}"},
	{"(?=a)*b", "&{*0-{?} b}"},
	{"(?>ab)", ">{&{a b}}"},
	/* quantifiers */
	{"a?", "*0-1{a}"},
	{"a*b+", "&{*0-{a} *1-{b}}"},
	{"a*?b+?c??", "&{*0-{a} *1-{b} *0-1{c}}"},
	{"a*+b++c?+", "&{>{*0-{a}} >{*1-{b}} >{*0-1{c}}}"},
	{"a{2}b{2,}c{2,3}", "&{*2-2{a} *2-{b} *2-3{c}}"},
	{"a{2}?b{2}+", "&{*2-2{a} *2-2{b}}"},
	{"(ab){2}+", ">{*2-2{&{a b}}}"},
	{"a{0}", "*0-0{a}"},
	{"a{65535}", "*65535-65535{a}"},
	{"a{}", "&{a { }}"},
	{"a{x}{", "&{a { x } {}"},
	{"a{1,2,3}", "&{a { 1 , 2 , 3 }}"},
	{"{", "{"},
	{"(ab)*", "*0-{&{a b}}"},
	{"(a*)*", "*0-{*0-{a}}"},
	/* what is no part of it */
	{"a(?#b)+", "*1-{a}"},
	{"a+(?#b)?b", "&{*1-{a} b}"},
	{"a\\E*", "*0-{a}"},
	{"a\\Q\\E*", "*0-{a}"},
	{"\\Qa*\\E*", "&{a *0-{*}}"},
	{"\\Q|)(?#", "&{| ) ( ? #}"},
	{"(\\Qa)\\Eb)", "&{a ) b}"},
	{"a\\Q+", "&{a +}"},
	{"a+\\Q+", "&{*1-{a} +}"},
	{"\\Q\\a\\E", "&{\\ a}"},
	/* escapes */
	{"\\.\\*\\\\\\_\\@", "&{. * \\ _ @}"},
	{"\\a\\e\\f\\n\\r\\t", "&{[07] [1b] [0c] [0a] [0d] [09]}"},
	{"\\x40\\x4\\x\\x{040}\\xg", "&{@ [04] [00] @ [00] g}"},
	{"\\o{101}\\o{0}", "&{a [00]}"},
	{"\\0\\08\\007\\0101", "&{[00] [00] 8 [07] [08] 1}"},
	{"\\100", "@"},
	{"\\11", "[09]"},
	{"(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)(a)\\11", "&{a a a a a a a a a a a \\}"},
	{"(a)\\1\\g1\\g{1}\\g{-1}", "&{a \\ \\ \\ \\}"},
	{"(?<n>a)\\k{n}\\k<n>\\k'n'\\g{n}(?P=n)*", "&{a \\ \\ \\ \\ *0-{\\}}"},
	{"\\cA\\ca\\c?", "&{[01] [01] [7f]}"},
	{"\\d\\D", "&{[30-39] [~30-39]}"},
	{"\\w\\W", "&{[30-3941-5a5f61-7a] [~30-3941-5a5f61-7a]}"},
	{"\\s\\S", "&{[09-0d20] [~09-0d20]}"},
	{"\\h\\H", "&{[0920a0] [~0920a0]}"},
	{"\\v\\V", "&{[0a-0d85] [~0a-0d85]}"},
	{"\\N", "."},
	{"\xc4", "[c4]"},
	{"\\\xc4", "[c4]"},
	/* classes */
	{"[a]", "a"},
	{"[^a]", "[~4161]"},
	{"[ab-d0]", "[3041-4461-64]"},
	{"[X-b]", "[41-4258-6278-7a]"},
	{"[]a]", "[415d61]"},
	{"[^]a]", "[~415d61]"},
	{"[a^]", "[415e61]"},
	{"[^^]", "[~5e]"},
	{"[-a]", "[2d4161]"},
	{"[a-]", "[2d4161]"},
	{"[a-c-e]", "[2d41-434561-6365]"},
	{"[--/]", "[2d-2f]"},
	{"[\\d.]", "[2e30-39]"},
	{"[^\\D]", "[30-39]"},
	{"[\\d\\D]", "[~]"},
	{"[^\\d\\D]", "[]"},
	{"[\\w-]", "[2d30-3941-5a5f61-7a]"},
	{"[\\b\\g\\8\\101]", "[08384147"
			     "6167]"},
	{"[\\x41-\\x43]", "[41-4361-63]"},
	{"[\\]\\-\\[]", "[2d5b5d]"},
	{"[\\Qa-b]\\E]", "[2d41-425d61-62]"},
	{"[\\Ea\\E-\\Eb]", "[41-4261-62]"},
	{"[\\E]]", "]"},
	{"[\\Q\\E^a]", "[~4161]"},
	{"[a-\\Qc\\E]", "[41-4361-63]"},
	{"[[]", "["},
	{"[[:]", "[3a5b]"},
	{"[[a]]", "&{[415b61] ]}"},
	{"[(*|]", "[282a7c]"},
	{"[[:digit:]a]", "[30-394161]"},
	{"[[:^digit:]]", "[~30-39]"},
	{"[^[:^digit:]]", "[30-39]"},
	{"[[:upper:]]", "[41-5a61-7a]"},
	{"[[:lower:]]", "[41-5a61-7a]"},
	{"[[:alpha:][:blank:]]", "[092041-5a61-7a]"},
	{"[[:alnum:]]", "[30-3941-5a61-7a]"},
	{"[[:ascii:]]", "[00-7f]"},
	{"[[:cntrl:]]", "[00-1f7f]"},
	{"[[:graph:]]", "[21-7e]"},
	{"[[:print:]]", "[20-7e]"},
	{"[[:punct:]]", "[21-2f3a-405b-607b-7e]"},
	{"[[:space:]]", "[09-0d20]"},
	{"[[:word:]]", "[30-3941-5a5f61-7a]"},
	{"[[:xdigit:]]", "[30-3941-4661-66]"},
	{"[:a[:digit:]b:]", "[30-3a41-4261-62]"},
	{"[a\n]", "[0a4161]"},
	{"[\xc0-\xdf]", "[c0-df]"},
};

/* PCRE2 takes the regex, and where it is one byte, for the same bytes. */
static void compare(const char *regex, const struct cw_syntax *tree)
{
	struct cw_pattern_error error;
	struct cw_pattern *pattern;
	int byte;

	ck_assert_msg(cw_pattern_create(&pattern, CW_PATTERN_REGEX, cw_str_of(regex),
			      CW_BEHAVIOR_LEAVE, cw_str_of(NULL), &error) == 0,
		"%s: %s", regex, error.text);
	for (byte = 0; tree->kind == CW_SYNTAX_BYTES && byte <= 0xff; byte++) {
		char text = (char)byte;

		ck_assert_msg(
			cw_byte_set_has(&tree->set, (unsigned char)byte) ==
				(cw_pattern_match(pattern, cw_str_make(&text, 1)) == CW_MATCH_YES),
			"%s: byte %02x", regex, (unsigned)byte);
	}
	cw_pattern_destroy(pattern);
}

START_TEST(reads)
{
	const struct tree_case *c = &tree_cases[_i];
	struct cw_str regex = heap_copy(cw_str_of(c->regex));
	const struct cw_syntax *tree = NULL;
	struct cw_syntax_error error = {0};
	struct cw_arena arena = {0};
	char *printed = NULL;
	size_t len;
	FILE *out = open_memstream(&printed, &len);
	int r = cw_syntax_read(&tree, regex, &arena, &error);

	ck_assert_msg(r == 0, "%s: %s", c->regex, error.what ? error.what : "no error");
	print(out, tree);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_msg(strcmp(printed, c->tree) == 0, "%s: %s", c->regex, printed);
	free(printed);
	if (regex.len > 0)
		compare(c->regex, tree);
	heap_free(regex);
	cw_arena_finish(&arena);
}
END_TEST

static const struct refused_case {
	const char *regex;
	size_t offset;
	const char *what;
} refused_cases[] = {
	{"a{,2}", 1, "has braces that PCRE2 reads by its version"},
	{"ab{ 1, 2 }", 2, "has braces that PCRE2 reads by its version"},
	{"a(*COMMIT)b", 1, "has a verb"},
	{"(*UTF)a", 0, "has a verb"},
	{"a(?(1)b|c)", 1, "has a condition"},
	{"a(?R)?", 1, "has a recursion"},
	{"(a)(?1)", 3, "has a recursion"},
	{"(a)(?-1)", 3, "has a recursion"},
	{"(?+1)(a)", 0, "has a recursion"},
	{"(?<n>a)(?&n)", 7, "has a recursion"},
	{"(?<n>a)(?P>n)", 7, "has a recursion"},
	{"(?<n>a)\\g<n>", 9, "has a recursion"},
	{"(?|a|b)", 0, "has a branch reset"},
	{"a(?C1)", 1, "has a callout"},
	{"(?s)a", 0, "has options inside"},
	{"(?-i)a", 0, "has options inside"},
	{"(?is:a)", 0, "has options inside"},
	{"(?*a)b", 0, "has a look-around that is not understood"},
	{"(?<*a)b", 0, "has a look-around that is not understood"},
	{"a\\Kb", 3, "has a \\K"},
	{"a\\Rb", 3, "has a \\R or \\X"},
	{"a\\X", 3, "has a \\R or \\X"},
	{"\\pL", 2, "has a Unicode property"},
	{"[\\PL]", 3, "has a Unicode property"},
	{"[[:<:]]a", 0, "has a class that is not understood"},
	{"\\N{2}", 2, "has an escape that is not understood"},
	/* what PCRE2 does not compile either */
	{"a(b", 3, "has a group without end"},
	{"a)b", 1, "has a parenthesis that closes nothing"},
	{"a(?#b", 1, "has a comment without end"},
	{"[ab", 3, "has a class without end"},
	{"[", 1, "has a class without end"},
	{"a\\", 1, "ends in a backslash"},
	{"[b-a]", 4, "has a range that is out of order"},
	{"[[:digits:]]", 1, "has a class that is not understood"},
	{"[[.a.]]", 1, "has a class that is not understood"},
	{"[a-[:digit:]]", 3, "has a class that is not understood"},
	{"[a-\\d]", 5, "has a class that is not understood"},
	{"[:digit:]", 0, "has a class that is not understood"},
	{"[\\R]", 3, "has a \\R or \\X"},
	{"[\\A]", 3, "has an escape that is not understood"},
	{"*a", 0, "has a repeat of nothing"},
	{"a|*", 2, "has a repeat of nothing"},
	{"a**", 2, "has a repeat of nothing"},
	{"a{2}{3}", 4, "has a repeat of nothing"},
	{"^*", 1, "has a repeat of nothing"},
	{"(?i)*", 4, "has a repeat of nothing"},
	{"a{3,2}", 5, "has a repeat that is out of order"},
	{"a{65536}", 2, "has a number that is too large"},
	{"\\x{100}", 2, "names a byte above 255"},
	{"\\o{400}", 2, "names a byte above 255"},
	{"[\\777]", 5, "names a byte above 255"},
	{"\\x{}", 2, "has an escape that is not understood"},
	{"\\x{g}", 2, "has an escape that is not understood"},
	{"\\o41", 2, "has an escape that is not understood"},
	{"\\c", 2, "has an escape that is not understood"},
	{"\\j", 2, "has an escape that is not understood"},
	{"\\g", 2, "has an escape that is not understood"},
	{"\\ka", 2, "has an escape that is not understood"},
	{"\\k{}", 3, "has a name that is not understood"},
	{"(?<n", 3, "has a name that is not understood"},
	{"\\100000", 1, "has an escape that is not understood"},
};

START_TEST(refuses)
{
	const struct refused_case *c = &refused_cases[_i];
	struct cw_str regex = heap_copy(cw_str_of(c->regex));
	const struct cw_syntax *tree = NULL;
	struct cw_syntax_error error = {0};
	struct cw_arena arena = {0};

	ck_assert_msg(cw_syntax_read(&tree, regex, &arena, &error) == CW_SYNTAX_E_UNKNOWN, "%s",
		c->regex);
	ck_assert_msg(strcmp(error.what, c->what) == 0, "%s: %s", c->regex, error.what);
	ck_assert_msg(error.offset == c->offset, "%s: %zu", c->regex, error.offset);
	ck_assert_ptr_null(tree);
	heap_free(regex);
	cw_arena_finish(&arena);
}
END_TEST

/* `depth` groups in each other. Returns: what cw_syntax_read does. */
static int read_nested(size_t depth, struct cw_arena *arena)
{
	char regex[2 * (CW_SYNTAX_DEPTH_MAX + 1) + 1];
	const struct cw_syntax *tree;
	struct cw_syntax_error error;

	memset(regex, '(', depth);
	regex[depth] = 'a';
	memset(regex + depth + 1, ')', depth);
	return cw_syntax_read(&tree, cw_str_make(regex, 2 * depth + 1), arena, &error);
}

START_TEST(limits_the_depth)
{
	struct cw_arena arena = {0};

	ck_assert_int_eq(read_nested(CW_SYNTAX_DEPTH_MAX, &arena), 0);
	ck_assert_int_eq(read_nested(CW_SYNTAX_DEPTH_MAX + 1, &arena), CW_SYNTAX_E_UNKNOWN);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(reads_a_nul)
{
	static const char regex[] = "a\0(\\\0[\0b])";
	const struct cw_syntax *tree = NULL;
	struct cw_syntax_error error;
	struct cw_arena arena = {0};

	ck_assert_int_eq(
		cw_syntax_read(&tree, cw_str_make(regex, sizeof(regex) - 1), &arena, &error), 0);
	ck_assert_uint_eq(tree->n_children, 3);
	ck_assert(cw_byte_set_has(&tree->children[1]->set, '\0'));
	ck_assert(cw_byte_set_has(&tree->children[2]->children[1]->set, '\0'));
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	const struct cw_syntax *tree;
	struct cw_syntax_error error;
	size_t limit = 0;
	int r = -ENOMEM;

	/* each piece of the arena is refused once */
	while (r == -ENOMEM) {
		struct cw_arena arena;

		cw_arena_init(&arena, limit += 8);
		tree = NULL;
		r = cw_syntax_read(
			&tree, cw_str_of("a(b|[c])*+(?=d)(?>e)|.\\1(?P=f)$"), &arena, &error);
		ck_assert(r == 0 || !tree);
		cw_arena_finish(&arena);
	}
	ck_assert_int_eq(r, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("syntax");
	TCase *tcase = tcase_create("syntax");

	ADD_ROWS(tcase, reads, tree_cases);
	ADD_ROWS(tcase, refuses, refused_cases);
	tcase_add_test(tcase, limits_the_depth);
	tcase_add_test(tcase, reads_a_nul);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
