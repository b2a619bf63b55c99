/*
 * A place in a regex that is being read, and the reading of what stands for one byte there: escapes and classes.
 */
#ifndef CW_DIALPLAN_SYNTAX_CURSOR_H
#define CW_DIALPLAN_SYNTAX_CURSOR_H

#include "dialplan/syntax.h"

struct cw_syntax_cursor {
	struct cw_str in;
	size_t at;
	bool is_quoted;    /* behind a \Q */
	uint32_t n_groups; /* capturing ones that began so far */
	struct cw_syntax_error *error;
};

/* The byte `ahead` of the cursor; NUL behind the end. */
static inline char cw_syntax_peek(const struct cw_syntax_cursor *c, size_t ahead)
{
	return c->at + ahead < c->in.len ? c->in.p[c->at + ahead] : '\0';
}

/* Whether `text` is next. */
static inline bool cw_syntax_is_next(const struct cw_syntax_cursor *c, const char *text)
{
	return cw_str_starts(cw_str_from(c->in, c->at), cw_str_of(text));
}

/*
 * Refuse what begins at the cursor.
 *
 * Returns: CW_SYNTAX_E_UNKNOWN, with the error set.
 */
int cw_syntax_refuse(const struct cw_syntax_cursor *c, const char *what);

/*
 * Step over a name (letters, digits, underscores; not empty) and the `end` behind it.
 *
 * Returns: 0; CW_SYNTAX_E_UNKNOWN.
 */
int cw_syntax_skip_name(struct cw_syntax_cursor *c, char end);

/*
 * Read the escape at the cursor, outside of a class. Its kind is CW_SYNTAX_BYTES with *set set, or one of the kinds without children.
 *
 * Returns: 0; CW_SYNTAX_E_UNKNOWN.
 */
int cw_syntax_read_escape(
	struct cw_syntax_cursor *c, enum cw_syntax_kind *kind, struct cw_byte_set *set);

/*
 * Read the class at the cursor.
 *
 * Returns: 0 with *set set; CW_SYNTAX_E_UNKNOWN.
 */
int cw_syntax_read_class(struct cw_syntax_cursor *c, struct cw_byte_set *set);

#endif
