/*
 * What `causeway locate` prints: where a request goes, and why every rule did or did not take it.
 */
#ifndef CW_ADMIN_LOCATE_H
#define CW_ADMIN_LOCATE_H

#include "core/arena.h"
#include "dialplan/plan.h"

#include <stdio.h>

/* What else there is to say of a stanza: rules choose its way, but need not. */
struct cw_locate_way {
	struct cw_str domain;       /* its `to`, prepared */
	const char *refusal;        /* why it goes nowhere, whatever rules say; NULL: it may pass */
	const struct cw_zone *zone; /* without a rule: the own server; NULL: the federation */
	const char *problem;        /* without a rule: why it goes nowhere; NULL: it goes */
	const char *how;            /* how the federation finds its server: "by DNS" */
};

/* Whether it goes somewhere. `way`: NULL for requests of SIP. */
bool cw_locate_goes(const struct cw_plan *plan, const struct cw_locate_way *way);

/*
 * Print a plan as a table, with colours (ANSI) if `colours`: the request, the rules considered, the
 * targets. The rules that a plan holds are printed: all of an explained one, those that matched of
 * a decided one. `way`: of a stanza; else NULL.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_locate_print_table(FILE *out, const struct cw_plan *plan, const struct cw_request *request,
	const struct cw_locate_way *way, struct cw_arena *arena, bool colours);

/*
 * Print the same as one JSON object in one line; its keys are those of causeway(8), in their order.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_locate_print_json(FILE *out, const struct cw_plan *plan, const struct cw_request *request,
	const struct cw_locate_way *way);

/*
 * The file and line of `place` as file:line, in `arena`; empty when it has none.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_locate_place(struct cw_str *out, const struct cw_place *place, struct cw_arena *arena);

#endif
