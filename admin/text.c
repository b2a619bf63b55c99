/*
 * Bytes made fit to be shown.
 */
#include "admin/text.h"

#include "core/buf.h"

#include <jansson.h>

#include <errno.h>

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* How many bytes the UTF-8 character at the begin of `s` takes; 0: none is there (RFC 3629, without C1 controls). */
static size_t character_len(struct cw_str s)
{
	unsigned char c = (unsigned char)s.p[0], second;
	size_t i, n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (n == 1)
		return 1;
	if (c < 0xc2 || c > 0xf4 || s.len < n)
		return 0;
	for (i = 1; i < n; i++)
		if (!is_continuation(s.p[i]))
			return 0;
	second = (unsigned char)s.p[1];
	if ((c == 0xc2 && second < 0xa0) || (c == 0xe0 && second < 0xa0) ||
		(c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
		(c == 0xf4 && second > 0x8f))
		return 0;
	return n;
}

static bool is_utf8(struct cw_str s)
{
	size_t n;

	for (; s.len; s = cw_str_from(s, n)) {
		n = character_len(s);
		if (n == 0)
			return false;
	}
	return true;
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

int cw_text_printable(struct cw_str *out, struct cw_str s, struct cw_arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	bool utf8 = is_utf8(s);
	size_t i, escapes = 0;
	char *p, *made;

	for (i = 0; i < s.len; i++)
		escapes += is_control(s.p[i]) || (!utf8 && (unsigned char)s.p[i] >= 0x80);
	if (escapes == 0) {
		*out = s;
		return 0;
	}
	made = p = cw_arena_alloc(arena, s.len + escapes * 3);
	if (!made)
		return -ENOMEM;
	for (i = 0; i < s.len; i++) {
		if (!is_control(s.p[i]) && (utf8 || (unsigned char)s.p[i] < 0x80)) {
			*p++ = s.p[i];
			continue;
		}
		*p++ = '\\';
		*p++ = 'x';
		*p++ = digits[(unsigned char)s.p[i] >> 4];
		*p++ = digits[(unsigned char)s.p[i] & 15];
	}
	*out = cw_str_make(made, s.len + escapes * 3);
	return 0;
}

struct cw_str cw_text_clip(struct cw_str s, size_t max_bytes)
{
	size_t n = max_bytes;

	if (s.len <= max_bytes)
		return s;
	while (n > 0 && max_bytes - n < 3 && is_continuation(s.p[n]))
		n--;
	return cw_str_make(s.p, n);
}

int cw_text_shown(struct cw_str *out, struct cw_str s, struct cw_arena *arena)
{
	struct cw_str part = cw_text_clip(s, CW_TEXT_SHOWN_MAX), printable;
	int r = cw_text_printable(&printable, part, arena);

	if (!r && part.len < s.len)
		r = cw_arena_printf(arena, &printable, "%" CW_STR_FMT "...", CW_STR_ARG(printable));
	if (!r)
		*out = printable;
	return r;
}

size_t cw_text_columns(struct cw_str s)
{
	size_t i, n = 0;

	for (i = 0; i < s.len; i++)
		n += !is_continuation(s.p[i]);
	return n;
}

json_t *cw_text_json(struct cw_str s)
{
	json_t *json = json_stringn(s.p ? s.p : "", s.len);
	struct cw_buf b = {0};

	if (json)
		return json;
	cw_buf_add_escaped(&b, s);
	if (!b.error)
		json = json_stringn(b.data, b.len);
	cw_buf_finish(&b);
	return json;
}
