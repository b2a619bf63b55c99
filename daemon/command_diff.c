/*
 * causeway rules diff: what changes its way from one configuration to another.
 */
#include "daemon/commands.h"

#include "admin/rule_diff.h"
#include "daemon/console.h"

#include <stdlib.h>

#define NAME              "rules diff"
#define RECORDED_FILE_MAX (256u << 20) /* bytes of a file of recorded requests */

/* Ask about recorded requests. Returns: 0, or CW_EXIT_ERROR. */
static int ask_recorded(struct cw_recorded *recorded, const char *path, struct cw_reroutes *out)
{
	struct cw_diag diag = {0};
	struct cw_str text;
	int r, status = cw_console_read_file(&text, NAME, path, RECORDED_FILE_MAX);

	if (status)
		return status;
	r = cw_recorded_run(recorded, path, text, out, &diag);
	if (diag.count)
		cw_diag_print(&diag, stderr);
	cw_diag_finish(&diag);
	free((void *)(uintptr_t)text.p);
	return r ? cw_console_error(NAME, "%s", strerror(-r)) : 0;
}

static int print(
	const struct cw_rule_diff *diff, const struct cw_options *options, struct cw_arena *arena)
{
	int r = options->value[CW_OPTION_JSON]
			? cw_rule_diff_print_json(stdout, diff)
			: cw_rule_diff_print_table(stdout, diff, arena, cw_console_colours());

	return cw_console_finish(NAME, r, cw_rule_diff_is_same(diff) ? CW_EXIT_YES : CW_EXIT_NO);
}

/* What is recorded comes first, so that examples are requests as they were, as far as there are any. */
static int compare(struct cw_config *const configs[CW_SIDES], const struct cw_options *options,
	struct cw_arena *arena)
{
	const char *against = options->value[CW_OPTION_AGAINST];
	struct cw_recorded recorded = {0};
	struct cw_rule_diff diff = {.recorded = against ? &recorded : NULL};
	int side, status = 0, r;

	for (side = 0; side < CW_SIDES; side++) {
		diff.files[side] = configs[side]->path;
		recorded.sides[side] = (struct cw_dialplan){
			configs[side]->rules, configs[side]->zones, configs[side]->n_zones};
	}
	r = cw_changes_find(
		&diff.changes, configs[CW_SIDE_OLD]->rules, configs[CW_SIDE_NEW]->rules, arena);
	if (!r)
		r = cw_reroutes_init(&diff.reroutes, recorded.sides, arena);
	if (!r && against)
		status = ask_recorded(&recorded, against, &diff.reroutes);
	if (status)
		return status;
	if (!r)
		r = cw_reroutes_find(&diff.reroutes, &diff.doubts, recorded.sides, arena);
	return r ? cw_console_error(NAME, "%s", strerror(-r)) : print(&diff, options, arena);
}

int cw_command_rules_diff(const struct cw_options *options)
{
	struct cw_config *configs[CW_SIDES] = {NULL, NULL};
	struct cw_arena arena = {0};
	int side, status = 0;

	for (side = 0; side < CW_SIDES && !status; side++)
		status = cw_console_load_file(&configs[side],
			side == CW_SIDE_OLD ? cw_options_config(options) : options->args[0]);
	if (!status)
		status = compare(configs, options, &arena);
	for (side = 0; side < CW_SIDES; side++)
		cw_config_destroy(configs[side]);
	cw_arena_finish(&arena);
	return status;
}
