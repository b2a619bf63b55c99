/*
 * The syntax tree of a regex: what pcre2pattern(3) calls atoms, sequences, alternatives and repeats, read once for all who reason
 * about patterns instead of matching them (mandatory literals, automata, style).
 *
 * A reading is exact or it is refused: what is not understood for certain (verbs, conditions, recursion, options such as (?x), what
 * depends on how PCRE2 was built) gives CW_SYNTAX_E_UNKNOWN, never a guess. Things that are understood but are
 * not regular (look-around, back references, atomic groups) are nodes of their own, and each reader says what it makes of them.
 *
 * Bytes, never UTF. Compared caseless (ASCII): the sets are folded already. Texts are aliases: they hold no NUL, CR or LF.
 */
#ifndef CW_DIALPLAN_SYNTAX_H
#define CW_DIALPLAN_SYNTAX_H

#include "core/arena.h"
#include "dialplan/byte_set.h"

#define CW_SYNTAX_DEPTH_MAX 250 /* groups in groups; PCRE2's own limit */
#define CW_SYNTAX_UNBOUNDED UINT32_MAX

enum cw_syntax_kind {
	CW_SYNTAX_EMPTY,    /* the empty text */
	CW_SYNTAX_BYTES,    /* one byte of `set`; an empty set matches nothing */
	CW_SYNTAX_SEQUENCE, /* the children, one behind the other */
	CW_SYNTAX_CHOICE,   /* one of the children */
	CW_SYNTAX_REPEAT,   /* the child, `min` to `max` times */
	CW_SYNTAX_BEGIN,    /* the empty text at the begin of the alias: ^ \A \G */
	CW_SYNTAX_END,      /* the empty text at its end: $ \z \Z */
	CW_SYNTAX_LOOK, /* the empty text, where something around it holds: look-around, \b, \B; no children */
	CW_SYNTAX_REFERENCE, /* what a group matched: any text */
	CW_SYNTAX_ATOMIC,    /* some of what the child matches: (?>...), possessive repeats */
};

/* A node; everything lives in the arena it was read into. */
struct cw_syntax {
	enum cw_syntax_kind kind;
	struct cw_byte_set set;
	uint32_t min, max; /* max may be CW_SYNTAX_UNBOUNDED */
	const struct cw_syntax *const *children;
	size_t n_children;
	size_t offset; /* where it begins in the regex, in bytes; of a repeat: its quantifier */
};

/* Why a regex was not read: a clause such as "has a condition", and where. */
struct cw_syntax_error {
	const char *what; /* static */
	size_t offset;
};

/* Answer of cw_syntax_read. */
enum {
	CW_SYNTAX_E_UNKNOWN = 1
};

/*
 * Read a regex that PCRE2 compiles with the options of dialplan/pattern.h.
 *
 * Returns: 0 and *out set, in `arena`; CW_SYNTAX_E_UNKNOWN with *error set; -ENOMEM.
 */
int cw_syntax_read(const struct cw_syntax **out, struct cw_str regex, struct cw_arena *arena,
	struct cw_syntax_error *error);

#endif
