/*
 * causeway status: the services of the running daemon, and its zones.
 */
#include "daemon/commands.h"

#include "daemon/inquiry.h"

#include <jansson.h>

#include <errno.h>

#define NAME "status"

/* What was asked, in the order of printing. */
static const char *const views[] = {"services", "zones"};
#define N_VIEWS (sizeof(views) / sizeof(views[0]))

static int print_json(const struct cw_view_answer *answers)
{
	json_t *object = json_object();
	int r = object ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < N_VIEWS; i++)
		if (json_object_set_new(object, views[i], cw_view_answer_json(&answers[i])))
			r = -ENOMEM;
	if (!r && json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER))
		r = -ENOMEM;
	if (!r && fputc('\n', stdout) == EOF)
		r = -EIO;
	json_decref(object);
	return r;
}

static int print_tables(const struct cw_view_answer *answers)
{
	struct cw_arena arena = {0};
	int r = 0;

	for (size_t i = 0; !r && i < N_VIEWS; i++) {
		if (cw_view_answer_rows(&answers[i]) == 0)
			continue;
		if (i > 0)
			printf("\n");
		r = cw_view_answer_print(&answers[i], stdout, &arena, cw_console_colours());
	}
	cw_arena_finish(&arena);
	return r;
}

/* Whether a row of the answer says that something is inactive: 1; 0: none does; -ENOMEM. */
static int has_inactive(const struct cw_view_answer *answer)
{
	json_t *rows = cw_view_answer_json(answer), *row;
	const char *state;
	int found = rows ? 0 : -ENOMEM;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		state = json_string_value(json_object_get(row, "state"));
		if (state && strcmp(state, "inactive") == 0)
			found = 1;
	}
	json_decref(rows);
	return found;
}

static int print(const struct cw_view_answer *answers, bool as_json)
{
	int r = as_json ? print_json(answers) : print_tables(answers);
	int status = CW_EXIT_YES, inactive;

	for (size_t i = 0; !r && i < N_VIEWS; i++) {
		inactive = has_inactive(&answers[i]);
		r = inactive < 0 ? inactive : 0;
		status = inactive > 0 ? CW_EXIT_NO : status;
	}
	return cw_console_finish(NAME, r, status);
}

int cw_command_status(const struct cw_options *options)
{
	struct cw_view_answer answers[N_VIEWS] = {{0}};
	int status = 0;

	for (size_t i = 0; !status && i < N_VIEWS; i++)
		status = cw_inquiry_view(&answers[i], NAME, options, views[i]);
	if (!status)
		status = print(answers, options->value[CW_OPTION_JSON] != NULL);
	for (size_t i = 0; i < N_VIEWS; i++)
		cw_view_answer_finish(&answers[i]);
	return status;
}
