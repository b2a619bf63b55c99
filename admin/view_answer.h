/*
 * What a daemon answered to "view NAME", whole, and how it is printed.
 */
#ifndef CW_ADMIN_VIEW_ANSWER_H
#define CW_ADMIN_VIEW_ANSWER_H

#include "admin/control_client.h"
#include "core/arena.h"

#include <stddef.h>
#include <stdio.h>

struct cw_view_answer {
	struct json_t
		*parts;  /* [{"columns": [...], "rows": [...]}, ...], one for each table; owned */
	char error[256]; /* what the daemon said is wrong; empty: nothing */
};

/*
 * Read the answer to its end.
 *
 * Returns: 0 and *out set, to be finished by the caller; an errno of cw_control_client_next;
 * -EREMOTEIO with out->error set, when the daemon refused.
 */
int cw_view_answer_read(struct cw_view_answer *out, struct cw_control_client *client);

/* Free it; fine on a zeroed one. */
void cw_view_answer_finish(struct cw_view_answer *answer);

/* How many rows there are, in all parts. */
size_t cw_view_answer_rows(const struct cw_view_answer *answer);

/*
 * All rows as one JSON array.
 *
 * Returns: a new reference; NULL when memory is short.
 */
struct json_t *cw_view_answer_json(const struct cw_view_answer *answer);

/*
 * Print a table of each part that has rows, with an empty line between two of them.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_view_answer_print(
	const struct cw_view_answer *answer, FILE *out, struct cw_arena *arena, bool colours);

#endif
