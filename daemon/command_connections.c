/*
 * causeway connections: every connection of the running daemon.
 */
#include "daemon/commands.h"

#include "daemon/inquiry.h"

#include <jansson.h>

#include <errno.h>

#define NAME "connections"

static int print_json(const struct cw_view_answer *answer)
{
	json_t *object = json_pack("{s:o}", "connections", cw_view_answer_json(answer));
	int r = -ENOMEM;

	if (object && json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0)
		r = fputc('\n', stdout) == EOF ? -EIO : 0;
	json_decref(object);
	return r;
}

static int print_table(const struct cw_view_answer *answer)
{
	struct cw_arena arena = {0};
	int r = 0;

	if (cw_view_answer_rows(answer) == 0)
		printf("no connections\n");
	else
		r = cw_view_answer_print(answer, stdout, &arena, cw_console_colours());
	cw_arena_finish(&arena);
	return r;
}

int cw_command_connections(const struct cw_options *options)
{
	struct cw_view_answer answer;
	int status = cw_inquiry_view(&answer, NAME, options, NAME);
	int r;

	if (status)
		return status;
	r = options->value[CW_OPTION_JSON] ? print_json(&answer) : print_table(&answer);
	cw_view_answer_finish(&answer);
	return cw_console_finish(NAME, r, CW_EXIT_YES);
}
