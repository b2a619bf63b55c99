/* Slices: comparing, reading numbers, copying. */
#include "core/str.h"

#include <errno.h>
#include <stdlib.h>

bool cw_bytes_case_eq(const char *a, const char *b, size_t len)
{
	size_t at = 0;

	/* mostly they are spelled the same: four bytes at once, which is one comparison of words */
	while (len - at >= 4 && memcmp(a + at, b + at, 4) == 0)
		at += 4;
	for (; at < len; at++)
		if (a[at] != b[at] && cw_char_lower(a[at]) != cw_char_lower(b[at]))
			return false;
	return true;
}

bool cw_str_case_ends(struct cw_str s, struct cw_str suffix)
{
	return s.len >= suffix.len && cw_str_case_eq(cw_str_from(s, s.len - suffix.len), suffix);
}

size_t cw_str_count(struct cw_str s, char c)
{
	size_t n = 0;

	for (size_t at = cw_str_find(s, c); at < s.len;
		at += 1 + cw_str_find(cw_str_from(s, at + 1), c))
		n++;
	return n;
}

int cw_str_to_u64(struct cw_str s, uint64_t max, uint64_t *out)
{
	static const size_t always_fit = 19; /* digits of a 64-bit number */
	uint64_t n = 0;
	bool too_big = false;

	if (s.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

		if (digit > 9)
			return -EINVAL;
		/* go on after an overflow: "99999999999999999999x" is no number at all */
		if (i >= always_fit && n > (UINT64_MAX - digit) / 10)
			too_big = true;
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
