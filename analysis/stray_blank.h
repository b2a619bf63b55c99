/*
 * The blank or tab in a pattern, which no alias holds.
 */
#ifndef CW_ANALYSIS_STRAY_BLANK_H
#define CW_ANALYSIS_STRAY_BLANK_H

#include "dialplan/pattern.h"
#include "dialplan/syntax.h"

/*
 * `fixed` is the pattern without them, in the arena; empty where that is no pattern, and where it
 * takes more than leaving out.
 */
struct cw_stray_blank {
	bool is_found;  /* else nothing is set */
	bool is_needed; /* proved: whatever the pattern matches holds white space */
	size_t offset;  /* where the first stands in the pattern */
	struct cw_str fixed;
};

/*
 * Find the blanks of a pattern that has one: in a text each, in a regex what stands for blanks and
 * nothing visible. Only what a regex allows for without naming it (\s*, [ \t]?) is left alone: it
 * does no harm, and somebody thought of it.
 *
 * `tree` is that of a regex, else NULL.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_stray_blank_find(struct cw_stray_blank *out, const struct cw_pattern *pattern,
	const struct cw_syntax *tree, struct cw_arena *arena);

#endif
