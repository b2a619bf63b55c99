/*
 * What `causeway pattern` prints: one pattern on one alias.
 */
#ifndef CW_ADMIN_PATTERN_TRIAL_H
#define CW_ADMIN_PATTERN_TRIAL_H

#include "core/arena.h"
#include "dialplan/pattern.h"

#include <stdio.h>

/*
 * Say whether `pattern` matches `alias` (as cw_alias_prepare made it) and what becomes of it.
 *
 * Returns: 0 and *matched set (a match that leaves no usable alias, or a match limit, is none); -ENOMEM.
 */
int cw_pattern_trial_print(FILE *out, const struct cw_pattern *pattern, struct cw_str alias,
	struct cw_arena *arena, bool *matched);

#endif
