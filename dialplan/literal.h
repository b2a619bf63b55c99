/*
 * The mandatory literals of a regex: text that every match must hold, so that its absence is a plain no-match.
 *
 * They keep the expensive question from being asked where the answer is known, and keep a pattern that would exceed its match limit from
 * failing requests that it cannot match. A rule whose mandatory literal is missing from the alias is a plain no-match, in the index
 * and in the walk alike.
 *
 * A regex has some *needs*. Each is a few literals of which a match holds at least one, in its place. Needs are kept packed, in a
 * slice of bytes that only the functions below read.
 */
#ifndef CW_DIALPLAN_LITERAL_H
#define CW_DIALPLAN_LITERAL_H

#include "core/str.h"

#define CW_LITERAL_MIN                                                                             \
	2 /* of one that is not the whole text: single bytes are in nearly every text */
#define CW_LITERAL_MAX   64 /* bytes of a literal; of a longer one a part is kept */
#define CW_NEED_LITERALS 16 /* literals of one need */
#define CW_NEEDS_MAX     3  /* needs of one regex */
#define CW_NEEDS_SIZE    ((size_t)CW_NEEDS_MAX * CW_NEED_LITERALS * (CW_LITERAL_MAX + 2))

/* Where in the text a literal stands. */
enum cw_literal_place {
	CW_LITERAL_ANYWHERE,
	CW_LITERAL_BEGIN,
	CW_LITERAL_END,
	CW_LITERAL_WHOLE, /* it is the text */
};

struct cw_literal {
	enum cw_literal_place place;
	struct cw_str text; /* never empty */
};

/*
 * Find the needs of a regex, which must be one that compiles as dialplan/pattern.h says. Only what is certain is said: a regex that
 * cw_syntax_read refuses has none.
 *
 * Writes them packed to `out`, in lower case: *len bytes, none when there are no needs. *is_all: the needs are all that the regex
 * says (`.*@x`, `bob@(x|y)`, `.*`): a text without a newline that has them matches.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_literal_find(size_t *len, bool *is_all, char out[static CW_NEEDS_SIZE], struct cw_str regex);

/*
 * Take the first need off *needs. The literals are slices of it.
 *
 * Returns: how many literals it has; 0 when there is no further need.
 */
size_t cw_literal_next(struct cw_str *needs, struct cw_literal any_of[static CW_NEED_LITERALS]);

/* Whether `text` holds a literal (in lower case) in its place, caseless (ASCII). */
bool cw_literal_is_in(struct cw_literal literal, struct cw_str text);

/* Whether `text` has all that is needed. */
bool cw_literal_all_met(struct cw_str needs, struct cw_str text);

#endif
