/*
 * causeway pattern: one pattern on one alias.
 */
#include "daemon/commands.h"

#include "admin/pattern_trial.h"
#include "daemon/console.h"
#include "dialplan/alias.h"

#define NAME "pattern"

/* A pattern that does not compile: what is wrong, below what was typed. */
static int invalid(const char *text, const struct cw_pattern_error *error)
{
	int offset = error->offset < strlen(text) ? (int)error->offset : (int)strlen(text);

	(void)cw_console_error(NAME, "%s", error->text);
	(void)fprintf(stderr, "    %s\n    %*s^\n", text, offset, "");
	return CW_EXIT_ERROR;
}

static int try_on(const struct cw_pattern *pattern, const char *text)
{
	struct cw_arena arena = {0};
	struct cw_str alias;
	bool matched = false;
	int r = cw_alias_prepare(&alias, cw_str_of(text), &arena);

	if (r > 0) {
		cw_arena_finish(&arena);
		return cw_console_error(NAME, "\"%s\" is no alias that could be routed", text);
	}
	if (!r)
		r = cw_pattern_trial_print(stdout, pattern, alias, &arena, &matched);
	cw_arena_finish(&arena);
	return cw_console_finish(NAME, r, matched ? CW_EXIT_YES : CW_EXIT_NO);
}

int cw_command_pattern(const struct cw_options *options)
{
	char **args = options->args;
	size_t n = options->n_args;
	enum cw_behavior behavior = CW_BEHAVIOR_LEAVE;
	struct cw_pattern_error error = {0};
	enum cw_pattern_type type;
	struct cw_pattern *pattern;
	const char *text;
	int r;

	if (cw_pattern_type_parse(cw_str_of(args[0]), &type))
		return cw_console_error(
			NAME, "a pattern is exact, prefix, suffix or regex, not \"%s\"", args[0]);
	if (n > 3 && cw_behavior_parse(cw_str_of(args[2]), &behavior))
		return cw_console_error(
			NAME, "a behavior is leave, strip or replace, not \"%s\"", args[2]);
	if ((behavior == CW_BEHAVIOR_REPLACE) != (n == 5))
		return cw_console_error(NAME, n == 5 ? "only replace takes a text"
						     : "replace needs a text before the alias");
	text = n == 5 ? args[3] : "";
	r = cw_pattern_create(
		&pattern, type, cw_str_of(args[1]), behavior, cw_str_of(text), &error);
	if (r == CW_PATTERN_E_INVALID)
		return invalid(error.in_replacement ? text : args[1], &error);
	if (r)
		return cw_console_error(NAME, "%s", strerror(-r));
	r = try_on(pattern, args[n - 1]);
	cw_pattern_destroy(pattern);
	return r;
}
