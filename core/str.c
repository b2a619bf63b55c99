/* Slices: comparing, trimming, reading numbers. */
#include "core/str.h"

#include <errno.h>
#include <stdlib.h>

static bool case_same(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (cw_char_lower(a[i]) != cw_char_lower(b[i]))
			return false;
	}
	return true;
}

bool cw_str_eq(struct cw_str a, struct cw_str b)
{
	/* memcmp must not see the NULL of an empty slice */
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool cw_str_case_eq(struct cw_str a, struct cw_str b)
{
	return a.len == b.len && case_same(a.p, b.p, a.len);
}

bool cw_str_starts(struct cw_str s, struct cw_str prefix)
{
	return s.len >= prefix.len && cw_str_eq(cw_str_make(s.p, prefix.len), prefix);
}

bool cw_str_case_starts(struct cw_str s, struct cw_str prefix)
{
	return s.len >= prefix.len && case_same(s.p, prefix.p, prefix.len);
}

bool cw_str_case_ends(struct cw_str s, struct cw_str suffix)
{
	return s.len >= suffix.len && cw_str_case_eq(cw_str_from(s, s.len - suffix.len), suffix);
}

size_t cw_str_find(struct cw_str s, char c)
{
	const char *hit = s.len > 0 ? memchr(s.p, c, s.len) : NULL;

	return hit ? (size_t)(hit - s.p) : s.len;
}

struct cw_str cw_str_from(struct cw_str s, size_t from)
{
	if (from >= s.len)
		from = s.len;
	/* NULL + 0 is undefined in C */
	return cw_str_make(from > 0 ? s.p + from : s.p, s.len - from);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct cw_str cw_str_trim(struct cw_str s)
{
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_space(s.p[0]))
		s = cw_str_from(s, 1);
	return s;
}

int cw_str_to_u64(struct cw_str s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;
	bool too_big = false;

	if (s.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -EINVAL;
		uint64_t digit = (uint64_t)(s.p[i] - '0');

		/* go on after an overflow: "99999999999999999999x" is no number at all */
		if (too_big || n > (UINT64_MAX - digit) / 10)
			too_big = true;
		else
			n = n * 10 + digit;
	}
	if (too_big || n > max)
		return -ERANGE;
	*out = n;
	return 0;
}

char *cw_str_dup(struct cw_str s)
{
	char *copy = s.len < SIZE_MAX ? malloc(s.len + 1) : NULL;

	if (!copy)
		return NULL;
	if (s.len > 0)
		memcpy(copy, s.p, s.len);
	copy[s.len] = '\0';
	return copy;
}
