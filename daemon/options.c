/* Options of the command line. */
#include "daemon/options.h"

#include "core/diag.h"

static const struct option_row {
	const char *name;
	bool has_value;
} option_rows[CW_OPTION_COUNT] = {
	[CW_OPTION_CONFIG] = {"-c", true},
	[CW_OPTION_JSON] = {"--json", false},
	[CW_OPTION_FROM] = {"--from", true},
	[CW_OPTION_PROTOCOL] = {"--protocol", true},
	[CW_OPTION_VARIANT] = {"--variant", true},
	[CW_OPTION_METHOD] = {"--method", true},
	[CW_OPTION_AUTHENTICATED] = {"--authenticated", false},
	[CW_OPTION_MESSAGE] = {"--message", true},
	[CW_OPTION_BRIEF] = {"--brief", false},
	[CW_OPTION_COVERAGE] = {"--coverage", false},
	[CW_OPTION_AGAINST] = {"--against", true},
	[CW_OPTION_FOR] = {"--for", true},
	[CW_OPTION_DNS] = {"--dns", false},
};

/* The option that `arg` is, taken by the command or not; its name ends at `name_len`. CW_OPTION_COUNT: none. */
static size_t find(const char *arg, size_t *name_len)
{
	size_t i;

	*name_len = strncmp(arg, "--", 2) == 0 ? strcspn(arg, "=") : strlen(arg);
	for (i = 0; i < CW_OPTION_COUNT; i++)
		if (strlen(option_rows[i].name) == *name_len &&
			memcmp(option_rows[i].name, arg, *name_len) == 0)
			break;
	return i;
}

static int unknown(const struct cw_command *command, const char *arg, size_t name_len, FILE *errors)
{
	const char *names[CW_OPTION_COUNT + 1], *nearest;
	size_t i, n = 0;

	for (i = 0; i < CW_OPTION_COUNT; i++)
		if (command->options & CW_TAKES(i))
			names[n++] = option_rows[i].name;
	names[n] = NULL;
	nearest = cw_diag_nearest(cw_str_make(arg, name_len), names);
	fprintf(errors, "causeway %s: unknown option \"%.*s\"", command->name, (int)name_len, arg);
	if (nearest)
		fprintf(errors, "; did you mean \"%s\"?", nearest);
	fputc('\n', errors);
	return 2;
}

/* Take the option at argv[*i] and its value; *i moves onto what was used last. */
static int take(struct cw_options *o, const struct cw_command *command, int argc, char **argv,
	int *i, FILE *errors)
{
	const char *arg = argv[*i], *value = "";
	size_t name_len, option = find(arg, &name_len);

	if (option == CW_OPTION_COUNT || !(command->options & CW_TAKES(option)))
		return unknown(command, arg, name_len, errors);
	if (o->value[option]) {
		fprintf(errors, "causeway %s: %s is given twice\n", command->name,
			option_rows[option].name);
		return 2;
	}
	if (option_rows[option].has_value) {
		if (arg[name_len] == '=')
			value = arg + name_len + 1;
		else if (*i + 1 < argc)
			value = argv[++*i];
		if (*value == '\0') {
			fprintf(errors, "causeway %s: %s needs a value\n", command->name,
				option_rows[option].name);
			return 2;
		}
	} else if (arg[name_len] == '=') {
		fprintf(errors, "causeway %s: %s takes no value\n", command->name,
			option_rows[option].name);
		return 2;
	}
	o->value[option] = value;
	return 0;
}

int cw_options_parse(struct cw_options *out, const struct cw_command *command, int argc,
	char **argv, FILE *errors)
{
	struct cw_options o = {.args = argv};
	bool takes_options = command->options != 0;
	int i, r;

	for (i = 0; i < argc; i++) {
		if (takes_options && strcmp(argv[i], "--") == 0) {
			takes_options = false;
		} else if (takes_options && argv[i][0] == '-' && argv[i][1] != '\0') {
			r = take(&o, command, argc, argv, &i, errors);
			if (r)
				return r;
		} else {
			/* never ahead of i: what is overwritten was read */
			o.args[o.n_args++] = argv[i];
		}
	}
	if (o.n_args < command->min_args || o.n_args > command->max_args) {
		fprintf(errors, "causeway %s: %s\nusage: causeway %s %s\n", command->name,
			o.n_args < command->min_args ? "an argument is missing"
						     : "too many arguments",
			command->name, command->usage);
		return 2;
	}
	*out = o;
	return 0;
}

const char *cw_options_config(const struct cw_options *options)
{
	return options->value[CW_OPTION_CONFIG] ? options->value[CW_OPTION_CONFIG] : CW_CONFIG_PATH;
}
