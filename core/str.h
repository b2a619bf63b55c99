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

/* A borrowed array of slices. */
struct cw_str_list {
	const struct cw_str *items;
	size_t count;
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
static inline bool cw_str_eq(struct cw_str a, struct cw_str b)
{
	/* memcmp must not see the NULL of an empty slice */
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* ASCII lower case of one byte; other bytes as they are. */
static inline char cw_char_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Whether the `len` bytes at `a` and `b` are the same, ASCII letters compared caseless. */
bool cw_bytes_case_eq(const char *a, const char *b, size_t len);

/* Whether both hold the same bytes, ASCII letters compared caseless. */
static inline bool cw_str_case_eq(struct cw_str a, struct cw_str b)
{
	return a.len == b.len && cw_bytes_case_eq(a.p, b.p, a.len);
}

/* Whether `s` begins with `prefix`; the empty prefix begins everything. */
static inline bool cw_str_starts(struct cw_str s, struct cw_str prefix)
{
	return s.len >= prefix.len && cw_str_eq(cw_str_make(s.p, prefix.len), prefix);
}

/* As cw_str_starts, caseless (ASCII). */
static inline bool cw_str_case_starts(struct cw_str s, struct cw_str prefix)
{
	return s.len >= prefix.len && cw_bytes_case_eq(s.p, prefix.p, prefix.len);
}

/* Whether `s` ends with `suffix`, caseless (ASCII). */
bool cw_str_case_ends(struct cw_str s, struct cw_str suffix);

/* The place of the first `c` in `s`, or s.len when there is none. */
static inline size_t cw_str_find(struct cw_str s, char c)
{
	const char *hit = s.len > 0 ? memchr(s.p, c, s.len) : NULL;

	return hit ? (size_t)(hit - s.p) : s.len;
}

/* How often `c` is in `s`. */
size_t cw_str_count(struct cw_str s, char c);

/* The part of `s` from byte `from` (clipped to the end) on. */
static inline struct cw_str cw_str_from(struct cw_str s, size_t from)
{
	if (from >= s.len)
		from = s.len;
	/* NULL + 0 is undefined in C */
	return cw_str_make(from > 0 ? s.p + from : s.p, s.len - from);
}

/* Whether `c` is one of what cw_str_trim takes off. */
static inline bool cw_char_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* `s` without blanks and tabs, CR and LF at both ends. */
static inline struct cw_str cw_str_trim(struct cw_str s)
{
	while (s.len > 0 && cw_char_is_space(s.p[s.len - 1]))
		s.len--;
	while (s.len > 0 && cw_char_is_space(s.p[0]))
		s = cw_str_make(s.p + 1, s.len - 1);
	return s;
}

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

#endif
