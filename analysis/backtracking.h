/*
 * Regexes that backtrack without measure: whether an alias of common length makes one exceed its
 * match limit.
 */
#ifndef CW_ANALYSIS_BACKTRACKING_H
#define CW_ANALYSIS_BACKTRACKING_H

#include "dialplan/pattern.h"
#include "dialplan/syntax.h"

/*
 * Bytes of an alias that is tried. Addresses of people, and hosts with a port, have 20 to 60; at the
 * 100 and more of a GRUU harmless patterns would exceed as well.
 */
#define CW_BACKTRACKING_ALIAS_MAX 64

/* Aliases tried on one pattern; each takes up to about 25 us, which is what exceeding costs. */
#define CW_BACKTRACKING_TRIES_MAX 400

/*
 * Look for an alias at which the pattern exceeds its match limit, among words that are made from
 * its tree where that holds repeats in repeats, repeats side by side or many alternatives: what
 * leads there, many rounds, and an end that fits no more. *alias (in `arena`) is one that
 * cw_pattern_match answered with CW_MATCH_LIMIT; none was found where it is empty, which proves
 * nothing.
 *
 * Returns: 0 and *alias set; -ENOMEM.
 */
int cw_backtracking_find(const struct cw_pattern *pattern, const struct cw_syntax *tree,
	struct cw_arena *arena, struct cw_str *alias);

#endif
