/*
 * Slices of bytes that somebody else owns.
 *
 * A struct cw_str never owns and is not NUL-terminated; it may hold any byte. The one who hands a
 * slice out says how long its bytes live. Comparisons "case" are ASCII only: SIP, DNS and
 * configuration keywords are.
 */
#ifndef CW_CORE_STR_H
#define CW_CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cw_str {
	const char *p; /* may be NULL when len is 0 */
	size_t len;    /* bytes */
};

/* A slice of a string literal, as a constant expression. */
#define CW_STR(literal)                                                                            \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

/* For printf: printf("%" CW_STR_FMT, CW_STR_ARG(s)). Bytes from a peer go through core/log instead. */
#define CW_STR_FMT    ".*s"
#define CW_STR_ARG(s) (int)(s).len, (s).p

/* The slice of `len` bytes at `p`. */
static inline struct cw_str cw_str_make(const char *p, size_t len)
{
	return (struct cw_str){p, len};
}

/* The slice of a NUL-terminated string, without the NUL; empty for NULL. */
static inline struct cw_str cw_str_of(const char *z)
{
	return (struct cw_str){z, z ? strlen(z) : 0};
}

/* Whether both hold the same bytes. */
bool cw_str_eq(struct cw_str a, struct cw_str b);

/* Whether both hold the same bytes, ASCII letters compared caseless. */
bool cw_str_case_eq(struct cw_str a, struct cw_str b);

/* Whether `s` begins with `prefix`; the empty prefix begins everything. */
bool cw_str_starts(struct cw_str s, struct cw_str prefix);

/* As cw_str_starts, caseless (ASCII). */
bool cw_str_case_starts(struct cw_str s, struct cw_str prefix);

/* Whether `s` ends with `suffix`, caseless (ASCII). */
bool cw_str_case_ends(struct cw_str s, struct cw_str suffix);

/* The place of the first `c` in `s`, or s.len when there is none. */
size_t cw_str_find(struct cw_str s, char c);

/* The part of `s` from byte `from` (clipped to the end) on. */
struct cw_str cw_str_from(struct cw_str s, size_t from);

/* `s` without blanks and tabs, CR and LF at both ends. */
struct cw_str cw_str_trim(struct cw_str s);

/*
 * Read all of `s` as a decimal number of at most `max`.
 *
 * Returns: 0 and *out set; -EINVAL when `s` is empty or holds anything but digits; -ERANGE when the
 * number is above `max`.
 */
int cw_str_to_u64(struct cw_str s, uint64_t max, uint64_t *out);

/*
 * A malloc'd, NUL-terminated copy.
 *
 * Returns: the copy, owned by the caller; NULL when memory is short.
 */
char *cw_str_dup(struct cw_str s);

/* ASCII lower case of one byte; other bytes as they are. */
static inline char cw_char_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

#endif
