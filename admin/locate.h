/*
 * What `causeway locate` prints: where a request goes, and why every rule did or did not take it.
 */
#ifndef CW_ADMIN_LOCATE_H
#define CW_ADMIN_LOCATE_H

#include "core/arena.h"
#include "dialplan/plan.h"

#include <stdio.h>

/* Where a stanza goes that no rule matches. */
struct cw_locate_default {
	struct cw_str domain;       /* its `to`, prepared */
	const struct cw_zone *zone; /* of the own server; NULL: the federation */
	const char *how;            /* how the federation finds its server: "by DNS" */
	const char *refusal;        /* NULL: it goes; else why not */
};

/*
 * Print a plan as a table, with colours (ANSI) if `colours`: the request, the rules considered, the
 * targets. The rules that a plan holds are printed: all of an explained one, those that matched of
 * a decided one. `way`: where a stanza goes without a rule; NULL: nowhere.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_locate_print_table(FILE *out, const struct cw_plan *plan, const struct cw_request *request,
	const struct cw_locate_default *way, struct cw_arena *arena, bool colours);

/*
 * Print the same as one JSON object in one line; its keys are those of causeway(8), in their order;
 * _default_ only with a `way`.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_locate_print_json(FILE *out, const struct cw_plan *plan, const struct cw_request *request,
	const struct cw_locate_default *way);

/*
 * The file and line of `place` as file:line, in `arena`; empty when it has none.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_locate_place(struct cw_str *out, const struct cw_place *place, struct cw_arena *arena);

#endif
