/*
 * Words that a syntax tree most likely matches: short and legible, for witnesses. Whoever makes one
 * asks the pattern whether it is right.
 */
#ifndef CW_REGULAR_SAMPLE_H
#define CW_REGULAR_SAMPLE_H

#include "core/buf.h"
#include "dialplan/syntax.h"

/* What is taken of a repeat that may be left out. */
enum cw_sample {
	CW_SAMPLE_SHORTEST, /* nothing */
	CW_SAMPLE_ONCE,     /* one round */
};

/*
 * A node's place in its tree: its parent, where that one stands in turn, and which of the parent's
 * children it is.
 */
struct cw_syntax_place {
	const struct cw_syntax_place *up; /* NULL: the parent is the root */
	const struct cw_syntax *parent;
	size_t child;
};

/*
 * The next node behind a place (before it, if `backward`) that is part of every text in which the
 * node at the place takes part: brothers in sequences, then those of the parents. *place is moved
 * there. Returns: the node, or NULL at the end.
 */
const struct cw_syntax *cw_syntax_next(struct cw_syntax_place *place, bool backward);

/*
 * The most legible byte of a set that an alias can hold: letters, digits, the marks of names,
 * others; NUL when there is none.
 */
unsigned char cw_sample_byte(const struct cw_byte_set *set);

/*
 * Append a word of the node. A dot that stands for any byte and is not repeated becomes a dot: it
 * was most likely meant as one.
 */
void cw_sample_add(struct cw_buf *word, const struct cw_syntax *node, enum cw_sample repeats);

/*
 * Append a word of what stands before (behind) the place; NULL: nothing. The node there is in the
 * first round of the repeats it stands in.
 */
void cw_sample_add_before(
	struct cw_buf *word, const struct cw_syntax_place *place, enum cw_sample repeats);
void cw_sample_add_after(
	struct cw_buf *word, const struct cw_syntax_place *place, enum cw_sample repeats);

/*
 * Whether a word is an alias that can come off the wire just as it is: visible ASCII, and
 * cw_alias_prepare leaves it alone.
 */
bool cw_sample_is_alias(struct cw_str word);

#endif
