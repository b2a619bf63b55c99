/*
 * What `causeway locate` prints: where a request goes, and why every rule did or did not take it.
 */
#ifndef CW_ADMIN_LOCATE_H
#define CW_ADMIN_LOCATE_H

#include "core/arena.h"
#include "dialplan/plan.h"

#include <stdio.h>

/*
 * Print a plan as a table, with colours (ANSI) if `colours`: the request, the rules considered, the targets. The rules that a
 * plan holds are printed: all of an explained one, those that matched of a decided one.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_locate_print_table(FILE *out, const struct cw_plan *plan, const struct cw_request *request,
	struct cw_arena *arena, bool colours);

/*
 * Print the same as one JSON object in one line; its keys are those of causeway(8), in their order.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_locate_print_json(FILE *out, const struct cw_plan *plan, const struct cw_request *request);

/*
 * The file and line of `place` as file:line, in `arena`; empty when it has none.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_locate_place(struct cw_str *out, const struct cw_place *place, struct cw_arena *arena);

#endif
