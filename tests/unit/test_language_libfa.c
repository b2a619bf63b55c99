#include "dialplan/syntax.h"
#include "regular/language.h"
#include "tests/support_c/random_regex.h"
#include "tests/unit/unit.h"

#include <fa.h>

#include <stdio.h>

#define SEED     20240229u
#define N_PAIRS  200
#define ALPHABET "abcdx@.;0_ -" /* of both, small letters alone */

/* Print a set as libfa reads it: of the alphabet what is in it, and "~" for nothing, which is in no text of the alphabet. */
static void print_set(FILE *out, const struct cw_byte_set *set)
{
	const char *letter;
	int n = 0;

	fprintf(out, "(");
	for (letter = ALPHABET; *letter; letter++)
		if (cw_byte_set_has(set, (unsigned char)*letter))
			fprintf(out, *letter == '.' ? "%s\\%c" : "%s%c", n++ ? "|" : "", *letter);
	fprintf(out, n ? ")" : "~)");
}

/* Print a tree, which is regular, as libfa reads it. */
static void print(FILE *out, const struct cw_syntax *tree)
{
	bool is_repeat = tree->kind == CW_SYNTAX_REPEAT;
	size_t i;

	if (tree->kind == CW_SYNTAX_BYTES) {
		print_set(out, &tree->set);
		return;
	}
	fprintf(out, "(");
	for (i = 0; i < tree->n_children && (!is_repeat || tree->max > 0); i++) {
		fprintf(out, i && tree->kind == CW_SYNTAX_CHOICE ? "|" : "");
		print(out, tree->children[i]);
	}
	fprintf(out, ")");
	if (is_repeat && tree->max == CW_SYNTAX_UNBOUNDED)
		fprintf(out, "{%u,}", tree->min);
	else if (is_repeat && tree->max > 0)
		fprintf(out, "{%u,%u}", tree->min, tree->max);
}

static struct fa *compile(const char *text)
{
	struct fa *fa = NULL;

	ck_assert_msg(fa_compile(text, strlen(text), &fa) == 0, "%s", text);
	return fa;
}

/* A language as both know it: ours in *automaton, of libfa only what is in `within`. */
static struct fa *make_both(struct random_regex *random, struct fa *within,
	struct cw_automaton **automaton, char regex[RANDOM_REGEX_MAX])
{
	const struct cw_syntax *tree;
	struct cw_syntax_error error;
	struct cw_arena arena = {0};
	struct fa *all, *part;
	const char *why;
	char *printed;
	FILE *out;
	size_t len;

	/* a few begin with a quantifier */
	do
		random_regex_write(random, regex);
	while (cw_automaton_of_regex(automaton, cw_str_of(regex), &why));
	ck_assert_int_eq(cw_syntax_read(&tree, cw_str_of(regex), &arena, &error), 0);
	out = open_memstream(&printed, &len);
	ck_assert_ptr_nonnull(out);
	print(out, tree);
	ck_assert_int_eq(fclose(out), 0);
	all = compile(printed);
	part = fa_intersect(all, within);
	ck_assert_ptr_nonnull(part);
	fa_free(all);
	free(printed);
	cw_arena_finish(&arena);
	return part;
}

/* Whether libfa finds a text in one language and not in another. */
static bool libfa_finds(struct fa *in, struct fa *out)
{
	struct fa *rest = fa_minus(in, out);
	bool is_empty;

	ck_assert_ptr_nonnull(rest);
	is_empty = fa_is_basic(rest, FA_EMPTY);
	ck_assert_int_eq(fa_contains(in, out), is_empty);
	fa_free(rest);
	return !is_empty;
}

START_TEST(agrees_with_libfa)
{
	struct random_regex random = {.state = SEED, .is_plain = true};
	char regex[2][RANDOM_REGEX_MAX];
	struct cw_automaton *of[2], *alphabet;
	struct fa *within = compile("(a|b|c|d|x|@|\\.|;|0|_| |-)+"), *fa[2];
	enum cw_language_answer answer;
	struct cw_language_query query;
	struct cw_arena arena = {0};
	struct cw_str word;
	unsigned round, found = 0;
	const char *why;

	ck_assert_int_eq(cw_automaton_of_regex(&alphabet, cw_str_of("[" ALPHABET "]+"), &why), 0);
	for (round = 0; round < N_PAIRS; round++) {
		fa[0] = make_both(&random, within, &of[0], regex[0]);
		fa[1] = make_both(&random, within, &of[1], regex[1]);
		query = (struct cw_language_query){
			.in = (const struct cw_automaton *const[]){of[0], alphabet},
			.n_in = 2,
			.out = (const struct cw_automaton *const[]){of[1]},
			.n_out = round % 8 > 0,
		};
		ck_assert_int_eq(cw_language_find(&query, &arena, &answer, &word), 0);
		found += answer == CW_LANGUAGE_FOUND;
		if (query.n_out == 0)
			ck_assert_msg(fa_is_basic(fa[0], FA_EMPTY) == (answer == CW_LANGUAGE_NONE),
				"%s", regex[0]);
		else
			ck_assert_msg(libfa_finds(fa[0], fa[1]) == (answer == CW_LANGUAGE_FOUND),
				"in %s, out %s: %d", regex[0], regex[1], (int)answer);
		fa_free(fa[0]);
		fa_free(fa[1]);
		cw_automaton_destroy(of[0]);
		cw_automaton_destroy(of[1]);
	}
	printf("# seed %u: %u pairs, %u found\n", SEED, round, found);
	ck_assert_uint_gt(found, N_PAIRS / 4);
	ck_assert_uint_lt(found, N_PAIRS * 15 / 16);
	fa_free(within);
	cw_automaton_destroy(alphabet);
	cw_arena_finish(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("language_libfa");
	TCase *tcase = tcase_create("language_libfa");

	tcase_add_test(tcase, agrees_with_libfa);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
