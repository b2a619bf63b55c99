/*
 * The options of the command line: one list for all commands, of which each takes some.
 */
#ifndef CW_DAEMON_OPTIONS_H
#define CW_DAEMON_OPTIONS_H

#include "core/str.h"

#include <stdio.h>

#define CW_CONFIG_PATH "/etc/causeway/causeway.conf"

enum cw_option {
	CW_OPTION_CONFIG, /* -c FILE; CW_CONFIG_PATH when it is not given */
	CW_OPTION_JSON,
	CW_OPTION_FROM,
	CW_OPTION_PROTOCOL,
	CW_OPTION_VARIANT,
	CW_OPTION_METHOD,
	CW_OPTION_AUTHENTICATED,
	CW_OPTION_MESSAGE,
	CW_OPTION_BRIEF,
	CW_OPTION_COVERAGE,
	CW_OPTION_AGAINST,
	CW_OPTION_FOR,
	CW_OPTION_DNS,
	CW_OPTION_COUNT,
};

/* One bit of cw_command.options. */
#define CW_TAKES(option) (1u << (option))

struct cw_options {
	const char *value[CW_OPTION_COUNT]; /* NULL: not given; a flag's is "" */
	char **args;                        /* what is no option, in order */
	size_t n_args;
};

/* One row of the table in main.c. */
struct cw_command {
	const char *name;
	const char *usage; /* what follows the name: "[-c FILE] [--json]" */
	const char *help;  /* one line */
	unsigned
		options; /* CW_TAKES of those that it takes; 0: all that follows the name is an argument */
	size_t min_args, max_args;
	/* Returns: the exit status. */
	int (*run)(const struct cw_options *options);
};

/*
 * Sort `argv` (what follows the command's name) into options and arguments. Options may stand between arguments, as "--name value" or "--name=value";
 * "--" ends them. What is wrong is printed to `errors`.
 *
 * Returns: 0 and *out set, borrowing argv, which is put in order; 2 (the exit status) when the command line is wrong.
 */
int cw_options_parse(struct cw_options *out, const struct cw_command *command, int argc,
	char **argv, FILE *errors);

/* The configuration's path: -c or the default. */
const char *cw_options_config(const struct cw_options *options);

#endif
