/*
 * A growing buffer of bytes with a sticky error, for building messages and text.
 *
 * Appends can go unchecked one by one; the builder asks once, at the end, whether all of them fit.
 */
#ifndef CW_CORE_BUF_H
#define CW_CORE_BUF_H

#include "core/str.h"

/* Embed it; zeroed is a valid, empty buffer without a limit. Read `data` and `len`; the rest is private. */
struct cw_buf {
	char *data; /* NULL while nothing was appended */
	size_t len;
	size_t capacity;
	size_t max_bytes; /* limit of `len`; 0: no limit */
	int error;        /* 0, or the negative errno of the first append that failed */
};

/* Begin an empty buffer for up to `max_bytes` (0: no limit). Allocates nothing. */
void cw_buf_init(struct cw_buf *b, size_t max_bytes);

/* Free what it holds; it is then as after cw_buf_init with the same limit. */
void cw_buf_finish(struct cw_buf *b);

/* Forget the contents and the error, keep the memory. */
void cw_buf_clear(struct cw_buf *b);

/* Append bytes. After an error (-ENOMEM, -EMSGSIZE at the limit) it does nothing. */
void cw_buf_add(struct cw_buf *b, struct cw_str s);

/* Append one byte; errors as cw_buf_add. */
void cw_buf_add_char(struct cw_buf *b, char c);

/* Append a number in decimal; errors as cw_buf_add. */
void cw_buf_add_number(struct cw_buf *b, uint64_t number);

/* Append text made by a printf format; errors as cw_buf_add. */
void cw_buf_printf(struct cw_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append `s` as text of one line: control bytes, `"`, `\` and bytes above 0x7e become escapes (\n, \x1b). */
void cw_buf_add_escaped(struct cw_buf *b, struct cw_str s);

/* What was built so far; borrowed until the next change of the buffer. */
static inline struct cw_str cw_buf_str(const struct cw_buf *b)
{
	return (struct cw_str){b->data, b->len};
}

#endif
