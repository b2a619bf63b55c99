/*
 * One pattern: exact, prefix, suffix, regex or any, compared caseless (ASCII) with a whole text, and what becomes of the text.
 *
 * The only home of PCRE2: compiled with ANCHORED, ENDANCHORED, CASELESS, DOLLAR_ENDONLY, NEVER_UTF and NEVER_BACKSLASH_C, never
 * by gluing strings. Bytes, never UTF. A regex is checked when it is made and compiled when it is first matched (a large rule set
 * loads fast, and what is never asked costs little memory), to machine code; where the system refuses that, it is interpreted.
 * A regex that is a literal and nothing else (`.*@x\.example`) is answered by comparing, without PCRE2, as long as no group is wanted.
 *
 * Matching uses memory that all patterns of the process share: patterns are used from one thread.
 */
#ifndef CW_DIALPLAN_PATTERN_H
#define CW_DIALPLAN_PATTERN_H

#include "core/arena.h"
#include "core/str.h"
#include "dialplan/literal.h"

#define CW_PATTERN_MAX         4096  /* bytes of a pattern or of a replacement */
#define CW_PATTERN_MATCH_LIMIT 10000 /* PCRE2 match limit of one match */
#define CW_PATTERN_HEAP_KIB                                                                        \
	4096 /* memory of one interpreted match: the match limit's worth of frames */
#define CW_PATTERN_STACK_MAX (512u << 10) /* bytes of stack of one compiled match */
#define CW_PATTERN_GROUPS    10           /* \0 to \9 */

enum cw_pattern_type {
	CW_PATTERN_EXACT,
	CW_PATTERN_PREFIX,
	CW_PATTERN_SUFFIX,
	CW_PATTERN_REGEX,
	CW_PATTERN_ANY, /* matches everything */
};

enum cw_behavior {
	CW_BEHAVIOR_LEAVE,
	CW_BEHAVIOR_STRIP, /* take the matched prefix or suffix off; an error for exact and regex */
	CW_BEHAVIOR_REPLACE, /* text in place of the matched prefix or suffix, or of the whole for exact and regex */
};

/*
 * What a match said. CW_MATCH_LIMIT is every way in which a regex can fail to give an answer (match limit, stack, memory); it is
 * never read as "no match".
 */
enum cw_match {
	CW_MATCH_NO,
	CW_MATCH_YES,
	CW_MATCH_LIMIT,
};

/* Why a pattern could not be made; `offset` counts bytes into the pattern or the replacement text. */
struct cw_pattern_error {
	char text[160];
	size_t offset;
	bool in_replacement;
};

/* What a text must be like so that a regex can match it. */
struct cw_pattern_filter {
	size_t min_len;
	unsigned char required; /* a byte that it holds, in lower case; 0: not known */
	const uint64_t *first;  /* 256 bits, the bytes that it begins with; NULL: not known */
};

struct cw_pattern;

/* Answer of cw_pattern_create. */
enum {
	CW_PATTERN_E_INVALID = 1
};

/*
 * Compile a pattern with its behavior. `replacement` is read for CW_BEHAVIOR_REPLACE only: in it `\0` is what the pattern
 * matched, `\1` to `\9` are the groups of a regex (empty where a group took no part), `\\` is a backslash. CW_PATTERN_ANY is made
 * with CW_BEHAVIOR_LEAVE and an empty text.
 *
 * Returns: 0 and *out set, owned by the caller; CW_PATTERN_E_INVALID with *error set; -ENOMEM.
 */
int cw_pattern_create(struct cw_pattern **out, enum cw_pattern_type type, struct cw_str text,
	enum cw_behavior behavior, struct cw_str replacement, struct cw_pattern_error *error);

/* Free it; NULL is fine. */
void cw_pattern_destroy(struct cw_pattern *pattern);

/*
 * Match the whole of `text`, without rewriting. What cw_pattern_needs and cw_pattern_filter say is asked first: where they say no the
 * answer is no, whatever the regex would cost.
 */
enum cw_match cw_pattern_match(const struct cw_pattern *pattern, struct cw_str text);

/*
 * Match, and on CW_MATCH_YES set *out to what the behavior makes of `text`: `text` itself for leave, else in `arena`.
 *
 * Returns: 0 with *match set; -ENOMEM; -EMSGSIZE when the result is empty or longer than CW_ALIAS_MAX or holds NUL, CR or LF (a match whose text cannot be used).
 */
int cw_pattern_apply(const struct cw_pattern *pattern, struct cw_str text, struct cw_arena *arena,
	enum cw_match *match, struct cw_str *out);

/* The type it was made with. */
enum cw_pattern_type cw_pattern_type(const struct cw_pattern *pattern);

/* The behavior it was made with. */
enum cw_behavior cw_pattern_behavior(const struct cw_pattern *pattern);

/* The replacement it was made with; empty unless the behavior is CW_BEHAVIOR_REPLACE. Borrowed. */
struct cw_str cw_pattern_replacement(const struct cw_pattern *pattern);

/* The text it was made from; borrowed. */
struct cw_str cw_pattern_text(const struct cw_pattern *pattern);

/*
 * What every text that matches holds (dialplan/literal.h), packed; empty where nothing is known, and for types other than regex,
 * whose text says it. Borrowed.
 */
struct cw_str cw_pattern_needs(const struct cw_pattern *pattern);

/* What else is known of the texts that a regex matches, where it has no needs; `first` is borrowed. */
struct cw_pattern_filter cw_pattern_filter(const struct cw_pattern *pattern);

/* Whether the system refuses machine code to this process: all regexes are interpreted then, with the same limits. */
bool cw_pattern_jit_refused(void);

/*
 * Read a type's name: "exact", "prefix", "suffix" or "regex" ("any" is a word of the access block alone).
 *
 * Returns: 0 and *out set; -EINVAL.
 */
int cw_pattern_type_parse(struct cw_str name, enum cw_pattern_type *out);

/*
 * Read a behavior's name: "leave", "strip" or "replace".
 *
 * Returns: 0 and *out set; -EINVAL.
 */
int cw_behavior_parse(struct cw_str name, enum cw_behavior *out);

/* "leave", "strip" or "replace". */
const char *cw_behavior_name(enum cw_behavior behavior);

/* "exact", "prefix", "suffix", "regex" or "any". */
const char *cw_pattern_type_name(enum cw_pattern_type type);

#endif
