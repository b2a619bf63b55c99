/*
 * The dot in a regex that was meant as the dot of a domain, and stands for any byte.
 */
#ifndef CW_ANALYSIS_UNESCAPED_DOT_H
#define CW_ANALYSIS_UNESCAPED_DOT_H

#include "dialplan/pattern.h"
#include "dialplan/syntax.h"

/* Dots of one pattern that are found; no domain in use has as many labels. */
#define CW_UNESCAPED_DOTS_MAX 64

/*
 * `fixed` is the pattern with all of them escaped; `alias` is what the pattern matches with a letter
 * in place of the first, and `fixed` does not. Both are in the arena.
 */
struct cw_unescaped_dot {
	size_t count;  /* how many there are; 0: none, and nothing else is set */
	size_t offset; /* where the first stands in the pattern */
	struct cw_str alias, fixed;
};

/*
 * Find the bare dots (one byte, not repeated, not in a class) between labels of what is plainly a
 * domain: a letter or digit on either side, a last label of two bytes or more with a letter in it,
 * no `@` behind it (then it is a user's name) and no `;` before it (then it is a parameter). A dot
 * counts only when the pattern indeed matches an alias with a letter in its place.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_unescaped_dot_find(struct cw_unescaped_dot *out, const struct cw_pattern *pattern,
	const struct cw_syntax *tree, struct cw_arena *arena);

#endif
