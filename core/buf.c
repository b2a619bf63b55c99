/* Buffers: room by doubling, up to the limit. */
#include "core/buf.h"

#include "core/decimal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_FIRST 256u /* bytes */

void cw_buf_init(struct cw_buf *b, size_t max_bytes)
{
	*b = (struct cw_buf){.max_bytes = max_bytes};
}

void cw_buf_finish(struct cw_buf *b)
{
	free(b->data);
	cw_buf_init(b, b->max_bytes);
}

void cw_buf_clear(struct cw_buf *b)
{
	b->len = 0;
	b->error = 0;
}

/* Room for `more` bytes and one spare, which printf needs for its NUL. Sets the error when there is none. */
static bool reserve(struct cw_buf *b, size_t more)
{
	if (b->error)
		return false;
	if (more > SIZE_MAX / 4 - b->len || (b->max_bytes && more > b->max_bytes - b->len)) {
		b->error = -EMSGSIZE;
		return false;
	}

	size_t need = b->len + more + 1;
	size_t capacity = b->capacity ? b->capacity : CAPACITY_FIRST;

	if (need <= b->capacity)
		return true;
	while (capacity < need)
		capacity *= 2;
	if (b->max_bytes && capacity > b->max_bytes + 1 && need <= b->max_bytes + 1)
		capacity = b->max_bytes + 1;

	char *data = realloc(b->data, capacity);

	if (!data) {
		b->error = -ENOMEM;
		return false;
	}
	b->data = data;
	b->capacity = capacity;
	return true;
}

void cw_buf_add(struct cw_buf *b, struct cw_str s)
{
	if (s.len == 0 || !reserve(b, s.len))
		return;
	memcpy(b->data + b->len, s.p, s.len);
	b->len += s.len;
}

void cw_buf_add_char(struct cw_buf *b, char c)
{
	if (!reserve(b, 1))
		return;
	b->data[b->len++] = c;
}

void cw_buf_add_number(struct cw_buf *b, uint64_t number)
{
	char room[CW_DECIMAL_MAX];

	cw_buf_add(b, cw_decimal(room, number));
}

void cw_buf_printf(struct cw_buf *b, const char *format, ...)
{
	va_list args;

	if (!reserve(b, 0))
		return;

	size_t room = b->capacity - b->len;

	va_start(args, format);
	int len = vsnprintf(b->data + b->len, room, format, args);
	va_end(args);
	if (len < 0) {
		b->error = -EMSGSIZE; /* longer than an int can say */
		return;
	}
	if (!reserve(b, (size_t)len))
		return;
	if ((size_t)len >= room) {
		va_start(args, format);
		(void)vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
		va_end(args);
	}
	b->len += (size_t)len;
}

static void add_escaped_char(struct cw_buf *b, unsigned char c)
{
	switch (c) {
	case '\n':
		cw_buf_add(b, cw_str_of("\\n"));
		return;
	case '\r':
		cw_buf_add(b, cw_str_of("\\r"));
		return;
	case '\t':
		cw_buf_add(b, cw_str_of("\\t"));
		return;
	case '"':
	case '\\':
		cw_buf_add_char(b, '\\');
		cw_buf_add_char(b, (char)c);
		return;
	default:
		if (c < 0x20 || c > 0x7e)
			cw_buf_printf(b, "\\x%02x", c);
		else
			cw_buf_add_char(b, (char)c);
	}
}

void cw_buf_add_escaped(struct cw_buf *b, struct cw_str s)
{
	for (size_t i = 0; i < s.len; i++)
		add_escaped_char(b, (unsigned char)s.p[i]);
}
