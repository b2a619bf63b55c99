/* The program: finds the command and hands it its options. */
#include "core/diag.h"
#include "core/version.h"
#include "daemon/commands.h"
#include "daemon/options.h"

/* Sorted by name; one row a command. */
static const struct cw_command commands[] = {
	{
		.name = "check",
		.usage = "[-c FILE] [--json]",
		.help = "read the configuration as run would and say what is wrong or doubtful",
		.options = CW_TAKES(CW_OPTION_CONFIG) | CW_TAKES(CW_OPTION_JSON),
		.run = cw_command_check,
	},
	{
		.name = "run",
		.usage = "[-c FILE]",
		.help = "the daemon, in the foreground",
		.options = CW_TAKES(CW_OPTION_CONFIG),
		.run = cw_command_run,
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

static const struct cw_command *find(const char *name)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[N_COMMANDS + 1] = {NULL}, *nearest;
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	nearest = cw_diag_nearest(cw_str_of(name), names);
	fprintf(stderr, "causeway: unknown command \"%s\"", name);
	if (nearest)
		fprintf(stderr, "; did you mean \"%s\"?", nearest);
	fprintf(stderr, "\ncauseway --help lists them\n");
	return 2;
}

int main(int argc, char **argv)
{
	const struct cw_command *command;
	struct cw_options options;
	int r;

	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("causeway " CW_VERSION "\n");
		return 0;
	}
	command = find(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	if (argc == 3 && strcmp(argv[2], "--help") == 0) {
		printf("usage: causeway %s %s\n%s\n", command->name, command->usage, command->help);
		return 0;
	}
	r = cw_options_parse(&options, command, argc - 2, argv + 2, stderr);
	return r ? r : command->run(&options);
}
