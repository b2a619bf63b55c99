#include "dialplan/pattern.h"

#include "dialplan/alias.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define BYTES(literal) CW_STR(literal)

static const struct match_case {
	const char *name;
	enum cw_pattern_type type;
	struct cw_str pattern, text;
	enum cw_match match;
} match_cases[] = {
	{"exact", CW_PATTERN_EXACT, BYTES("bob@x"), BYTES("bob@x"), CW_MATCH_YES},
	{"exact is caseless", CW_PATTERN_EXACT, BYTES("BOB@x"), BYTES("bob@X"), CW_MATCH_YES},
	{"exact is whole", CW_PATTERN_EXACT, BYTES("bob@x"), BYTES("bob@x.y"), CW_MATCH_NO},
	{"exact knows no regex", CW_PATTERN_EXACT, BYTES("b.b@x"), BYTES("bob@x"), CW_MATCH_NO},
	{"exact compares ASCII caseless only", CW_PATTERN_EXACT, BYTES("\xc4"), BYTES("\xe4"),
		CW_MATCH_NO},
	{"prefix", CW_PATTERN_PREFIX, BYTES("bob@"), BYTES("BOB@x"), CW_MATCH_YES},
	{"prefix that is all", CW_PATTERN_PREFIX, BYTES("bob"), BYTES("bob"), CW_MATCH_YES},
	{"prefix inside only", CW_PATTERN_PREFIX, BYTES("ob"), BYTES("bob"), CW_MATCH_NO},
	{"prefix longer than the text", CW_PATTERN_PREFIX, BYTES("bobby"), BYTES("bob"),
		CW_MATCH_NO},
	{"suffix", CW_PATTERN_SUFFIX, BYTES("@X.example"), BYTES("bob@x.EXAMPLE"), CW_MATCH_YES},
	{"suffix inside only", CW_PATTERN_SUFFIX, BYTES("@x"), BYTES("bob@x.y"), CW_MATCH_NO},
	{"suffix longer than the text", CW_PATTERN_SUFFIX, BYTES("bobby"), BYTES("bob"),
		CW_MATCH_NO},
	{"regex", CW_PATTERN_REGEX, BYTES(".*@x\\.example"), BYTES("bob@x.example"), CW_MATCH_YES},
	{"regex is caseless", CW_PATTERN_REGEX, BYTES("BOB@.*"), BYTES("bob@x"), CW_MATCH_YES},
	{"regex is anchored in front", CW_PATTERN_REGEX, BYTES("ob@x"), BYTES("bob@x"),
		CW_MATCH_NO},
	{"regex is anchored behind", CW_PATTERN_REGEX, BYTES("bob@x"), BYTES("bob@xy"),
		CW_MATCH_NO},
	{"all alternatives are anchored", CW_PATTERN_REGEX, BYTES("bob|alice"), BYTES("alice2"),
		CW_MATCH_NO},
	{"an alternative is retried for the end", CW_PATTERN_REGEX, BYTES("bo|bob"), BYTES("bob"),
		CW_MATCH_YES},
	{"no newline slips in", CW_PATTERN_REGEX, BYTES("bob@x$"), BYTES("bob@x\n"), CW_MATCH_NO},
	{"(*ACCEPT) does not free the end", CW_PATTERN_REGEX, BYTES("bob(*ACCEPT)x"),
		BYTES("bobby"), CW_MATCH_NO},
	{"bytes, not characters", CW_PATTERN_REGEX, BYTES(".."), BYTES("\xc3\xa4"), CW_MATCH_YES},
	{"NUL is a byte", CW_PATTERN_REGEX, BYTES("a.b"), BYTES("a\0b"), CW_MATCH_YES},
	{"more groups than can be named", CW_PATTERN_REGEX,
		BYTES("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)"), BYTES("abcdefghijkl"), CW_MATCH_YES},
	{"catastrophic", CW_PATTERN_REGEX, BYTES("(a+)+[bc]"),
		BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad"), CW_MATCH_LIMIT},
	{"a lower limit of the pattern's own", CW_PATTERN_REGEX,
		BYTES("(*LIMIT_MATCH=3)(a|aa)+[bc]"), BYTES("aaaaaaaaaad"), CW_MATCH_LIMIT},
	{"the pattern cannot raise the limit", CW_PATTERN_REGEX,
		BYTES("(*LIMIT_MATCH=4000000000)(a+)+[bc]"),
		BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad"), CW_MATCH_LIMIT},
	{"interpreted, with the same limit", CW_PATTERN_REGEX, BYTES("(*NO_JIT)(a+)+[bc]"),
		BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad"), CW_MATCH_LIMIT},
	{"interpreted", CW_PATTERN_REGEX, BYTES("(*NO_JIT)(a+)@x"), BYTES("aaa@x"), CW_MATCH_YES},
};

START_TEST(matches)
{
	const struct match_case *c = &match_cases[_i];
	struct cw_str pattern = heap_copy(c->pattern), text = heap_copy(c->text);
	struct cw_pattern_error error = {0};
	struct cw_pattern *p = NULL;

	ck_assert_msg(cw_pattern_create(&p, c->type, pattern, CW_BEHAVIOR_LEAVE, cw_str_of(NULL),
			      &error) == 0,
		"%s: %s", c->name, error.text);
	heap_free(pattern);
	/* again, because the first match compiles */
	for (int round = 0; round < 2; round++)
		ck_assert_msg(
			cw_pattern_match(p, text) == c->match, "%s: round %d", c->name, round);
	ck_assert(cw_pattern_type(p) == c->type);
	ck_assert(cw_str_eq(cw_pattern_text(p), c->pattern));
	cw_pattern_destroy(p);
	heap_free(text);
}
END_TEST

static const struct apply_case {
	const char *name;
	enum cw_pattern_type type;
	const char *pattern;
	enum cw_behavior behavior;
	const char *replacement, *text, *result; /* NULL: no match */
	int rc;
} apply_cases[] = {
	{"leave", CW_PATTERN_PREFIX, "bob", CW_BEHAVIOR_LEAVE, "", "Bob@x", "Bob@x", 0},
	{"no match", CW_PATTERN_PREFIX, "al", CW_BEHAVIOR_STRIP, "", "Bob@x", NULL, 0},
	{"strip prefix", CW_PATTERN_PREFIX, "sip.", CW_BEHAVIOR_STRIP, "", "SIP.x", "x", 0},
	{"strip suffix", CW_PATTERN_SUFFIX, ".internal", CW_BEHAVIOR_STRIP, "", "b@x.internal",
		"b@x", 0},
	{"strip leaves nothing", CW_PATTERN_PREFIX, "bob", CW_BEHAVIOR_STRIP, "", "bob", NULL,
		-EMSGSIZE},
	{"replace prefix", CW_PATTERN_PREFIX, "9", CW_BEHAVIOR_REPLACE, "+49", "9123@x", "+49123@x",
		0},
	{"replace suffix", CW_PATTERN_SUFFIX, "@x", CW_BEHAVIOR_REPLACE, "@y", "b@X", "b@y", 0},
	{"replace exact", CW_PATTERN_EXACT, "bob@x", CW_BEHAVIOR_REPLACE, "al@y", "BOB@x", "al@y",
		0},
	{"replace regex", CW_PATTERN_REGEX, "(.*)@(x|y)", CW_BEHAVIOR_REPLACE, "\\1@new.\\2",
		"bob@y", "bob@new.y", 0},
	{"\\0 is the matched text", CW_PATTERN_SUFFIX, "@x", CW_BEHAVIOR_REPLACE, "-a\\0", "b@X",
		"b-a@X", 0},
	{"\\0 of a regex is the whole", CW_PATTERN_REGEX, ".*", CW_BEHAVIOR_REPLACE, "\\0;a=b",
		"b@X", "b@X;a=b", 0},
	{"\\K does not shorten \\0", CW_PATTERN_REGEX, "b\\K@x", CW_BEHAVIOR_REPLACE, "<\\0>",
		"b@x", "<b@x>", 0},
	{"escaped backslash", CW_PATTERN_EXACT, "b", CW_BEHAVIOR_REPLACE, "\\\\1", "b", "\\1", 0},
	{"group that took no part", CW_PATTERN_REGEX, "(a)|(b)", CW_BEHAVIOR_REPLACE, "<\\1|\\2>",
		"b", "<|b>", 0},
	{"last group unused", CW_PATTERN_REGEX, "(b)(c)?", CW_BEHAVIOR_REPLACE, "<\\1|\\2>", "b",
		"<b|>", 0},
	{"ninth of many groups", CW_PATTERN_REGEX, "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)",
		CW_BEHAVIOR_REPLACE, "\\9\\1", "abcdefghijk", "ia", 0},
	{"group and a digit", CW_PATTERN_REGEX, "(a)b", CW_BEHAVIOR_REPLACE, "\\12", "ab", "a2", 0},
	{"empty replacement of a prefix", CW_PATTERN_PREFIX, "a", CW_BEHAVIOR_REPLACE, "", "ab",
		"b", 0},
	{"replacement leaves nothing", CW_PATTERN_REGEX, "a(b*)", CW_BEHAVIOR_REPLACE, "\\1", "a",
		NULL, -EMSGSIZE},
	{"replacement with a newline", CW_PATTERN_EXACT, "a", CW_BEHAVIOR_REPLACE, "b\nc", "a",
		NULL, -EMSGSIZE},
};

START_TEST(rewrites)
{
	const struct apply_case *c = &apply_cases[_i];
	struct cw_str text = heap_copy(cw_str_of(c->text)), out = cw_str_of("untouched");
	struct cw_pattern_error error = {0};
	struct cw_arena arena = {0};
	struct cw_pattern *p = NULL;
	enum cw_match match = CW_MATCH_NO;

	ck_assert_msg(cw_pattern_create(&p, c->type, cw_str_of(c->pattern), c->behavior,
			      cw_str_of(c->replacement), &error) == 0,
		"%s: %s", c->name, error.text);
	ck_assert_msg(
		cw_pattern_apply(p, text, &arena, &match, &out) == c->rc, "%s: return", c->name);
	ck_assert_msg(match == (c->result ? CW_MATCH_YES : CW_MATCH_NO), "%s: match", c->name);
	ck_assert_msg(cw_str_eq(out, cw_str_of(c->result ? c->result : "untouched")),
		"%s: got %" CW_STR_FMT, c->name, CW_STR_ARG(out));
	ck_assert(cw_pattern_behavior(p) == c->behavior);
	ck_assert(cw_str_eq(cw_pattern_replacement(p), cw_str_of(c->replacement)));
	cw_pattern_destroy(p);
	cw_arena_finish(&arena);
	heap_free(text);
}
END_TEST

START_TEST(limits_what_it_makes)
{
	char text[CW_ALIAS_MAX];
	struct cw_pattern_error error;
	struct cw_arena arena = {0};
	struct cw_pattern *p = NULL;
	enum cw_match match = CW_MATCH_NO;
	struct cw_str out;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(cw_pattern_create(&p, CW_PATTERN_PREFIX, cw_str_of("a"),
				 CW_BEHAVIOR_REPLACE, cw_str_of("bc"), &error),
		0);
	ck_assert_int_eq(
		cw_pattern_apply(p, cw_str_make(text, sizeof(text) - 1), &arena, &match, &out), 0);
	ck_assert_uint_eq(out.len, CW_ALIAS_MAX);
	ck_assert_int_eq(cw_pattern_apply(p, cw_str_make(text, sizeof(text)), &arena, &match, &out),
		-EMSGSIZE);
	cw_pattern_destroy(p);
	cw_arena_finish(&arena);
}
END_TEST

static const struct error_case {
	const char *name;
	enum cw_pattern_type type;
	const char *pattern;
	enum cw_behavior behavior;
	const char *replacement;
	size_t offset;
	bool in_replacement;
	const char *text; /* begin of it; NULL: PCRE2's words */
} error_cases[] = {
	{"syntax", CW_PATTERN_REGEX, "ab(c", CW_BEHAVIOR_LEAVE, "", 4, false, NULL},
	{"not glued", CW_PATTERN_REGEX, "a)|(?:b", CW_BEHAVIOR_LEAVE, "", 1, false, NULL},
	{"a verb that is not closed", CW_PATTERN_REGEX, "(*LIMIT_MATCH=1", CW_BEHAVIOR_LEAVE, "",
		15, false, NULL},
	{"UTF", CW_PATTERN_REGEX, "(*UTF)a", CW_BEHAVIOR_LEAVE, "", 6, false, NULL},
	{"\\C", CW_PATTERN_REGEX, "a\\C", CW_BEHAVIOR_LEAVE, "", 3, false, NULL},
	{"empty", CW_PATTERN_PREFIX, "", CW_BEHAVIOR_LEAVE, "", 0, false, "the pattern is empty"},
	{"strip exact", CW_PATTERN_EXACT, "a", CW_BEHAVIOR_STRIP, "", 0, false, "behavior strip"},
	{"strip regex", CW_PATTERN_REGEX, "a", CW_BEHAVIOR_STRIP, "", 0, false, "behavior strip"},
	{"strip any", CW_PATTERN_ANY, "", CW_BEHAVIOR_STRIP, "", 0, false, "behavior strip"},
	{"replace any", CW_PATTERN_ANY, "", CW_BEHAVIOR_REPLACE, "a", 0, false, "behavior replace"},
	{"group that is not there", CW_PATTERN_REGEX, "(a)", CW_BEHAVIOR_REPLACE, "\\0\\1-\\2", 5,
		true, "\\2 stands for a group"},
	{"group of a prefix", CW_PATTERN_PREFIX, "a", CW_BEHAVIOR_REPLACE, "\\1", 0, true,
		"\\1 stands for a group"},
	{"unknown escape", CW_PATTERN_REGEX, "(a)", CW_BEHAVIOR_REPLACE, "a\\n", 1, true,
		"expected a digit"},
	{"backslash at the end", CW_PATTERN_REGEX, "(a)", CW_BEHAVIOR_REPLACE, "a\\", 1, true,
		"expected a digit"},
	{"a limit's digits end with the pattern", CW_PATTERN_REGEX,
		"(*LIMIT_MATCH=", CW_BEHAVIOR_REPLACE, "1)a", 14, false, NULL},
	{"a limit's parenthesis is the pattern's", CW_PATTERN_REGEX, "(*LIMIT_MATCH=1",
		CW_BEHAVIOR_REPLACE, ")a", 15, false, NULL},
};

START_TEST(says_what_is_wrong)
{
	const struct error_case *c = &error_cases[_i];
	struct cw_str pattern = heap_copy(cw_str_of(c->pattern));
	struct cw_str replacement = heap_copy(cw_str_of(c->replacement));
	struct cw_pattern *p = NULL;
	struct cw_pattern_error error;

	memset(&error, 'x', sizeof(error));
	ck_assert_msg(cw_pattern_create(&p, c->type, pattern, c->behavior, replacement, &error) ==
			      CW_PATTERN_E_INVALID,
		"%s: return", c->name);
	ck_assert_msg(!p, "%s: output touched", c->name);
	ck_assert_msg(error.offset == c->offset, "%s: offset %zu", c->name, error.offset);
	ck_assert_msg(error.in_replacement == c->in_replacement, "%s: where", c->name);
	ck_assert_msg(error.text[0] != '\0' && (!c->text || cw_str_starts(cw_str_of(error.text),
								    cw_str_of(c->text))),
		"%s: %s", c->name, error.text);
	heap_free(pattern);
	heap_free(replacement);
}
END_TEST

START_TEST(refuses_long_patterns)
{
	char text[CW_PATTERN_MAX + 1];
	struct cw_pattern_error error;
	struct cw_pattern *p = NULL;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(cw_pattern_create(&p, CW_PATTERN_REGEX, cw_str_make(text, sizeof(text)),
				 CW_BEHAVIOR_LEAVE, cw_str_of(NULL), &error),
		CW_PATTERN_E_INVALID);
	ck_assert_int_eq(cw_pattern_create(&p, CW_PATTERN_PREFIX, cw_str_of("a"),
				 CW_BEHAVIOR_REPLACE, cw_str_make(text, sizeof(text)), &error),
		CW_PATTERN_E_INVALID);
	ck_assert(error.in_replacement);
	ck_assert_int_eq(
		cw_pattern_create(&p, CW_PATTERN_REGEX, cw_str_make(text, sizeof(text) - 1),
			CW_BEHAVIOR_LEAVE, cw_str_of(NULL), &error),
		0);
	cw_pattern_destroy(p);
	cw_pattern_destroy(NULL);
}
END_TEST

/* Deep backtracking over a long alias needs more stack than the machine's 32 KiB; that is no limit yet. */
START_TEST(gives_a_long_alias_enough_stack)
{
	char text[CW_ALIAS_MAX];
	struct cw_pattern_error error;
	struct cw_pattern *p = NULL;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(cw_pattern_create(&p, CW_PATTERN_REGEX, cw_str_of("(?:(a)|(b))*"),
				 CW_BEHAVIOR_LEAVE, cw_str_of(NULL), &error),
		0);
	ck_assert_int_eq((int)cw_pattern_match(p, cw_str_make(text, sizeof(text))), CW_MATCH_YES);
	cw_pattern_destroy(p);
}
END_TEST

START_TEST(matches_anything)
{
	struct cw_pattern_error error;
	struct cw_pattern *p = NULL;

	ck_assert_int_eq(cw_pattern_create(&p, CW_PATTERN_ANY, cw_str_of(NULL), CW_BEHAVIOR_LEAVE,
				 cw_str_of(NULL), &error),
		0);
	ck_assert_int_eq((int)cw_pattern_match(p, cw_str_of("x")), CW_MATCH_YES);
	ck_assert_int_eq((int)cw_pattern_match(p, cw_str_of(NULL)), CW_MATCH_YES);
	cw_pattern_destroy(p);
}
END_TEST

static struct cw_pattern *compile(const char *regex)
{
	struct cw_pattern_error error = {0};
	struct cw_pattern *p = NULL;

	ck_assert_msg(cw_pattern_create(&p, CW_PATTERN_REGEX, cw_str_of(regex), CW_BEHAVIOR_LEAVE,
			      cw_str_of(NULL), &error) == 0,
		"%s: %s", regex, error.text);
	return p;
}

static uint32_t below(uint64_t *state, uint32_t limit)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % limit;
}

/* Regexes that are literals, and some that are nearly that. */
static const char *const literals[] = {"ab", "^ab$", ".*", "^.*$", ".*ab", ".*ab$", "ab.*",
	".*ab.*", "(.*)ab", ".*(a|b)b", "(?:a|b)b.*", ".*?a[ab]", "a|ba", "\\Qa.\\E.*", ".*\\.b",
	".*a\\Z", ".*ab\\Z", "ab\\Z", "\\Gab", "[^\\n]*ab", "(?s:.*)ab", ".*a\\n", "ab\\n.*",
	".*\\Rab", ".+ab", "\\N*ab", ".*a[^b]", ".*(|a)ba", "[.]*ab", ".*?(ab|aab|aaab)"};

/* With the verb nothing is known of a regex, and PCRE2 answers, interpreted, where the match limit is nearest: it must say the same, whatever a text holds. */
START_TEST(compares_as_pcre2_matches)
{
	static char text[CW_ALIAS_MAX + 8];
	char hidden_text[100];
	uint64_t seed = 20261124;
	unsigned yes = 0, newlines = 0;

	(void)snprintf(
		hidden_text, sizeof(hidden_text), "(*NO_START_OPT)(*NO_JIT)%s", literals[_i]);
	struct cw_pattern *p = compile(literals[_i]), *hidden = compile(hidden_text);

	for (int round = 0; round < 20000; round++) {
		/* now and then one of about the length of the longest alias */
		size_t len = below(&seed, 6), head = round % 64 ? 0 : CW_ALIAS_MAX - 2;

		memset(text, 'a', head);
		for (size_t i = 0; i < len; i++)
			text[head + i] = "aAbB.\n\r"[below(&seed, 7)];
		struct cw_str copy = heap_copy(cw_str_make(text, head + len));
		enum cw_match match = cw_pattern_match(hidden, copy);

		ck_assert_msg(
			cw_pattern_match(p, copy) == match, "%s, round %d", literals[_i], round);
		yes += match == CW_MATCH_YES;
		newlines += match == CW_MATCH_NO && memchr(text + head, '\n', len) != NULL;
		heap_free(copy);
	}
	ck_assert_uint_gt(yes, 50);
	ck_assert_uint_gt(newlines, 100);
	cw_pattern_destroy(p);
	cw_pattern_destroy(hidden);
}
END_TEST

/* What systemd's MemoryDenyWriteExecute does to a process: memory cannot be made executable from here on. */
static void refuse_executable_memory(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mmap, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mprotect, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {N_ELEMENTS(code), code};

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(matches_without_machine_code)
{
	struct cw_pattern *domain = compile(".+@(x|y)\\.example"), *hopeless = compile("(a+)+[bc]");
	/* a literal, but one that takes PCRE2 many steps */
	struct cw_pattern *nested = compile(".*?((((((((ab))))))))");
	char text[CW_ALIAS_MAX];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 'b';

	refuse_executable_memory();
	ck_assert(cw_pattern_jit_refused());
	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(
			(int)cw_pattern_match(domain, cw_str_of("al@Y.example")), CW_MATCH_YES);
		ck_assert_int_eq(
			(int)cw_pattern_match(domain, cw_str_of("al\n@y.example")), CW_MATCH_NO);
		ck_assert_int_eq((int)cw_pattern_match(hopeless,
					 cw_str_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad")),
			CW_MATCH_LIMIT);
		ck_assert_int_eq((int)cw_pattern_match(nested, cw_str_make(text, sizeof(text))),
			CW_MATCH_LIMIT);
	}
	cw_pattern_destroy(domain);
	cw_pattern_destroy(hopeless);
	cw_pattern_destroy(nested);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_arena arena = {0};
	enum cw_match match = CW_MATCH_NO;
	struct cw_str out = cw_str_of("untouched");
	struct cw_pattern_error error;
	struct cw_pattern *p = NULL;
	unsigned n = 0;
	int r = -ENOMEM;

	while (r == -ENOMEM) {
		ck_assert_ptr_null(p);
		alloc_fail_at(++n);
		r = cw_pattern_create(&p, CW_PATTERN_REGEX, cw_str_of("(a)"), CW_BEHAVIOR_REPLACE,
			cw_str_of("b\\1"), &error);
		(void)alloc_fail_reached();
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_gt(n, 1);
	alloc_fail_at(1);
	r = cw_pattern_apply(p, cw_str_of("a"), &arena, &match, &out);
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert_int_eq((int)match, CW_MATCH_NO);
	ck_assert(cw_str_eq(out, cw_str_of("untouched")));
	cw_pattern_destroy(p);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(names_types_and_behaviors)
{
	enum cw_pattern_type type = CW_PATTERN_ANY;
	enum cw_behavior behavior = CW_BEHAVIOR_LEAVE;

	for (int t = CW_PATTERN_EXACT; t < CW_PATTERN_ANY; t++) {
		const char *name = cw_pattern_type_name((enum cw_pattern_type)t);

		ck_assert_int_eq(cw_pattern_type_parse(cw_str_of(name), &type), 0);
		ck_assert_int_eq((int)type, t);
	}
	ck_assert_int_eq(cw_pattern_type_parse(cw_str_of("any"), &type), -EINVAL);
	ck_assert_int_eq(cw_behavior_parse(cw_str_of("replace"), &behavior), 0);
	ck_assert_str_eq(cw_behavior_name(behavior), "replace");
	ck_assert_int_eq(cw_behavior_parse(cw_str_of("Replace"), &behavior), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pattern");
	TCase *tcase = tcase_create("pattern");

	ADD_ROWS(tcase, matches, match_cases);
	ADD_ROWS(tcase, rewrites, apply_cases);
	tcase_add_test(tcase, limits_what_it_makes);
	ADD_ROWS(tcase, says_what_is_wrong, error_cases);
	tcase_add_test(tcase, refuses_long_patterns);
	tcase_add_test(tcase, gives_a_long_alias_enough_stack);
	tcase_add_test(tcase, matches_anything);
	ADD_ROWS(tcase, compares_as_pcre2_matches, literals);
	tcase_add_test(tcase, matches_without_machine_code);
	tcase_add_test(tcase, copes_with_short_memory);
	tcase_add_test(tcase, names_types_and_behaviors);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
