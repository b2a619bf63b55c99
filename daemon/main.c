/* The program: finds the command and hands it its options. */
#include "core/diag.h"
#include "core/version.h"
#include "daemon/commands.h"
#include "daemon/console.h"

#include <fcntl.h>
#include <unistd.h>

/* Sorted by name; one row a command. */
static const struct cw_command commands[] = {
	{
		.name = "check",
		.usage = "[-c FILE] [--dns] [--json]",
		.help = "read the configuration as run would and say what is wrong or doubtful",
		.options = CW_TAKES(CW_OPTION_CONFIG) | CW_TAKES(CW_OPTION_DNS) |
			   CW_TAKES(CW_OPTION_JSON),
		.run = cw_command_check,
	},
	{
		.name = "connections",
		.usage = "[-c FILE] [--json]",
		.help = "every connection of the running daemon",
		.options = CW_TAKES(CW_OPTION_CONFIG) | CW_TAKES(CW_OPTION_JSON),
		.run = cw_command_connections,
	},
	{
		.name = "locate",
		.usage =
			"[-c FILE] [--from ZONE] [--protocol sip|xmpp] [--variant V] [--method M]\n"
			"        [--authenticated] [--brief] [--json] ALIAS | --message FILE",
		.help = "where a request goes, and why",
		.options = CW_TAKES(CW_OPTION_CONFIG) | CW_TAKES(CW_OPTION_JSON) |
			   CW_TAKES(CW_OPTION_FROM) | CW_TAKES(CW_OPTION_PROTOCOL) |
			   CW_TAKES(CW_OPTION_VARIANT) | CW_TAKES(CW_OPTION_METHOD) |
			   CW_TAKES(CW_OPTION_AUTHENTICATED) | CW_TAKES(CW_OPTION_MESSAGE) |
			   CW_TAKES(CW_OPTION_BRIEF),
		.max_args = 1,
		.run = cw_command_locate,
	},
	{
		.name = "pattern",
		.usage = "exact|prefix|suffix|regex PATTERN [leave|strip|replace [TEXT]] ALIAS",
		.help = "whether a pattern matches an alias, and what becomes of it",
		.min_args = 3,
		.max_args = 5,
		.run = cw_command_pattern,
	},
	{
		.name = "rules analyse",
		.usage = "[-c FILE] [--json]",
		.help = "rules that are never reached or do not say what was meant, with witnesses",
		.options = CW_TAKES(CW_OPTION_CONFIG) | CW_TAKES(CW_OPTION_JSON),
		.run = cw_command_rules_analyse,
	},
	{
		.name = "rules diff",
		.usage = "[-c FILE] NEW [--against FILE] [--json]",
		.help = "what changes its way if the configuration NEW replaces FILE",
		.options = CW_TAKES(CW_OPTION_CONFIG) | CW_TAKES(CW_OPTION_AGAINST) |
			   CW_TAKES(CW_OPTION_JSON),
		.min_args = 1,
		.max_args = 1,
		.run = cw_command_rules_diff,
	},
	{
		.name = "rules import",
		.usage = "FILE",
		.help = "make a rule file of an Expressway's search rules",
		.min_args = 1,
		.max_args = 1,
		.run = cw_command_rules_import,
	},
	{
		.name = "rules list",
		.usage = "[-c FILE]",
		.help = "transforms and search rules in the order in which they are asked",
		.options = CW_TAKES(CW_OPTION_CONFIG),
		.run = cw_command_rules_list,
	},
	{
		.name = "rules test",
		.usage = "[-c FILE] [--coverage] FILE...",
		.help = "whether requests go where files of tests say",
		.options = CW_TAKES(CW_OPTION_CONFIG) | CW_TAKES(CW_OPTION_COVERAGE),
		.min_args = 1,
		.max_args = SIZE_MAX,
		.run = cw_command_rules_test,
	},
	{
		.name = "run",
		.usage = "[-c FILE]",
		.help = "the daemon, in the foreground",
		.options = CW_TAKES(CW_OPTION_CONFIG),
		.run = cw_command_run,
	},
	{
		.name = "status",
		.usage = "[-c FILE] [--json]",
		.help = "whether what the running daemon does is active, and if not, why",
		.options = CW_TAKES(CW_OPTION_CONFIG) | CW_TAKES(CW_OPTION_JSON),
		.run = cw_command_status,
	},
	{
		.name = "trace",
		.usage = "[-c FILE] [--for SECONDS] PARTNER",
		.help = "how the running daemon and one partner come to terms, as it happens",
		.options = CW_TAKES(CW_OPTION_CONFIG) | CW_TAKES(CW_OPTION_FOR),
		.min_args = 1,
		.max_args = 1,
		.run = cw_command_trace,
	},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	size_t i;

	fprintf(out, "usage: causeway COMMAND [OPTION ...] [ARGUMENT ...]\n\n");
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  causeway %s %s\n        %s\n", commands[i].name, commands[i].usage,
			commands[i].help);
	fprintf(out, "\n  -c FILE is the configuration, " CW_CONFIG_PATH " by default.\n"
		     "  causeway COMMAND --help, causeway --version. See causeway(8), "
		     "causeway.conf(5).\n");
}

/* The second word of a command whose first is `first`, or NULL. */
static const char *second_word(const struct cw_command *command, const char *first)
{
	size_t len = strlen(first);

	if (strncmp(command->name, first, len) != 0 || command->name[len] != ' ')
		return NULL;
	return command->name + len + 1;
}

/* The command that argv[1], or argv[1] and argv[2], name; *n_words says how many of them do. */
static const struct cw_command *find(int argc, char **argv, int *n_words)
{
	const char *second;
	size_t i;

	for (i = 0; i < N_COMMANDS; i++) {
		second = second_word(&commands[i], argv[1]);
		*n_words = second ? 2 : 1;
		if (second ? argc > 2 && strcmp(second, argv[2]) == 0
			   : strcmp(commands[i].name, argv[1]) == 0)
			return &commands[i];
	}
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[N_COMMANDS + 1] = {NULL}, *nearest;
	size_t i, n = 0;

	for (i = 0; i < N_COMMANDS; i++)
		if (second_word(&commands[i], name))
			names[n++] = second_word(&commands[i], name);
	if (n) {
		fprintf(stderr, "causeway %s: expected", name);
		for (i = 0; i < n; i++)
			fprintf(stderr, "%s %s", i ? " or" : "", names[i]);
		fprintf(stderr, "\ncauseway --help lists the commands\n");
		return 2;
	}
	for (i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	nearest = cw_diag_nearest(cw_str_of(name), names);
	fprintf(stderr, "causeway: unknown command \"%s\"", name);
	if (nearest)
		fprintf(stderr, "; did you mean \"%s\"?", nearest);
	fprintf(stderr, "\ncauseway --help lists the commands\n");
	return 2;
}

/*
 * What whoever started us has closed would be given to the next file or socket, and what is printed would go there. They are
 * opened the wrong way round, so that to read or write them stays the error that it was.
 *
 * Returns: whether all three are taken.
 */
static bool hold_standard_descriptors(void)
{
	int fd, r = 0;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO && r >= 0; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			r = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	return r >= 0;
}

int main(int argc, char **argv)
{
	const struct cw_command *command;
	struct cw_options options;
	int r, n_words;

	if (!hold_standard_descriptors())
		return 2;
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return cw_console_finish("--help", 0, 0);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("causeway " CW_VERSION "\n");
		return cw_console_finish("--version", 0, 0);
	}
	command = find(argc, argv, &n_words);
	if (!command)
		return unknown_command(argv[1]);
	argc -= 1 + n_words;
	argv += 1 + n_words;
	if (argc == 1 && strcmp(argv[0], "--help") == 0) {
		printf("usage: causeway %s %s\n%s\n", command->name, command->usage, command->help);
		return cw_console_finish(command->name, 0, 0);
	}
	r = cw_options_parse(&options, command, argc, argv, stderr);
	return r ? r : command->run(&options);
}
