/* The command line: which words are options, which are arguments, and what is refused. */
#include "daemon/options.h"

#include "tests/unit/unit.h"

#define WORDS_MAX 8

static const struct cw_command locate = {
	.name = "locate",
	.usage = "...",
	.options = CW_TAKES(CW_OPTION_CONFIG) | CW_TAKES(CW_OPTION_JSON) | CW_TAKES(CW_OPTION_FROM),
	.min_args = 1,
	.max_args = 2,
};
static const struct cw_command pattern = {
	.name = "pattern", .usage = "...", .min_args = 1, .max_args = 3};

static const struct options_case {
	const char *name;
	const struct cw_command *command;
	const char *words[WORDS_MAX];
	const char *expected; /* "c=… j=… f=… | arguments", or what is printed */
	int rc;
} cases[] = {
	{"an argument", &locate, {"bob@x"}, "c=- j=- f=- | bob@x", 0},
	{"options before", &locate, {"-c", "f", "--json", "bob@x"}, "c=f j= f=- | bob@x", 0},
	{"options behind", &locate, {"bob@x", "--from", "IMP"}, "c=- j=- f=IMP | bob@x", 0},
	{"a value after =", &locate, {"--from=a=b", "x", "y"}, "c=- j=- f=a=b | x y", 0},
	{"-- ends options", &locate, {"--json", "--", "--from", "-c"}, "c=- j= f=- | --from -c", 0},
	{"a lone dash is an argument", &locate, {"-"}, "c=- j=- f=- | -", 0},
	{"a value that looks like an option", &locate, {"-c", "--json", "x"},
		"c=--json j=- f=- | x", 0},
	{"a command without options", &pattern, {"regex", "-.*", "--x"},
		"c=- j=- f=- | regex -.* --x", 0},
	{"unknown", &locate, {"--frm", "x"},
		"causeway locate: unknown option \"--frm\"; did you mean \"--from\"?\n", 2},
	{"of another command", &locate, {"--brief", "x"},
		"causeway locate: unknown option \"--brief\"\n", 2},
	{"twice", &locate, {"--json", "--json", "x"}, "causeway locate: --json is given twice\n",
		2},
	{"no value", &locate, {"x", "--from"}, "causeway locate: --from needs a value\n", 2},
	{"an empty value", &locate, {"x", "--from="}, "causeway locate: --from needs a value\n", 2},
	{"a value for a flag", &locate, {"x", "--json=1"},
		"causeway locate: --json takes no value\n", 2},
	{"too few arguments", &locate, {"--json"},
		"causeway locate: an argument is missing\nusage: causeway locate ...\n", 2},
	{"too many arguments", &locate, {"a", "b", "c"},
		"causeway locate: too many arguments\nusage: causeway locate ...\n", 2},
};

static void write_options(FILE *f, const struct cw_options *o)
{
	static const struct {
		char letter;
		enum cw_option option;
	} shown[] = {{'c', CW_OPTION_CONFIG}, {'j', CW_OPTION_JSON}, {'f', CW_OPTION_FROM}};

	for (size_t i = 0; i < N_ELEMENTS(shown); i++)
		fprintf(f, "%c=%s ", shown[i].letter,
			o->value[shown[i].option] ? o->value[shown[i].option] : "-");
	fputc('|', f);
	for (size_t i = 0; i < o->n_args; i++)
		fprintf(f, " %s", o->args[i]);
}

START_TEST(sorts_the_command_line)
{
	const struct options_case *c = &cases[_i];
	char *argv[WORDS_MAX + 1] = {NULL}, *words[WORDS_MAX], *text = NULL;
	struct cw_options o = {0};
	int argc = 0;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (; argc < WORDS_MAX && c->words[argc]; argc++)
		words[argc] = argv[argc] = cw_str_dup(cw_str_of(c->words[argc]));

	int rc = cw_options_parse(&o, c->command, argc, argv, f);

	if (rc == 0)
		write_options(f, &o);
	fclose(f);
	ck_assert_msg(rc == c->rc, "%s: returned %d", c->name, rc);
	ck_assert_msg(strcmp(text, c->expected) == 0, "%s: %s", c->name, text);
	free(text);
	for (int i = 0; i < argc; i++)
		free(words[i]); /* argv was put in order */
}
END_TEST

START_TEST(knows_the_default_path)
{
	struct cw_options o = {0};

	ck_assert_str_eq(cw_options_config(&o), "/etc/causeway/causeway.conf");
	o.value[CW_OPTION_CONFIG] = "x";
	ck_assert_str_eq(cw_options_config(&o), "x");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("options");

	ADD_ROWS(tcase, sorts_the_command_line, cases);
	tcase_add_test(tcase, knows_the_default_path);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
