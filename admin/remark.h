/*
 * What is to be told about a place in somebody's file, kept until it is printed.
 */
#ifndef CW_ADMIN_REMARK_H
#define CW_ADMIN_REMARK_H

#include "core/arena.h"

struct cw_remark {
	struct cw_remark *next;
	unsigned line;
	struct cw_str text; /* printable, one line */
};

/* In the order in which they were added; all zero is an empty list. Everything is in the arena. */
struct cw_remarks {
	struct cw_remark *first, *last;
};

/*
 * Add a remark, made by a printf format that is given printable text (cw_text_shown).
 *
 * Returns: 0; -ENOMEM.
 */
int cw_remarks_add(struct cw_remarks *remarks, struct cw_arena *arena, unsigned line,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
