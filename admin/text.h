/*
 * Bytes made fit to be shown to a person or put into JSON: names and patterns come from files, aliases from anywhere.
 */
#ifndef CW_ADMIN_TEXT_H
#define CW_ADMIN_TEXT_H

#include "core/arena.h"
#include "core/str.h"

#define CW_TEXT_SHOWN_MAX 80 /* bytes of a text that cw_text_shown does not cut */

struct json_t;

/*
 * `s` with what would disturb a terminal as escapes: control bytes always (\x1b), bytes above 0x7f where `s` is no
 * UTF-8. Text that holds none of them is returned as it is.
 *
 * Returns: 0 and *out set, in `arena` or `s` itself; -ENOMEM.
 */
int cw_text_printable(struct cw_str *out, struct cw_str s, struct cw_arena *arena);

/*
 * The same for a message: of a long text only the begin, and dots.
 *
 * Returns: 0 and *out set, in `arena` or `s` itself; -ENOMEM.
 */
int cw_text_shown(struct cw_str *out, struct cw_str s, struct cw_arena *arena);

/* `s`, or as much of it as fits into `max_bytes` without a part of a UTF-8 character at the end. */
struct cw_str cw_text_clip(struct cw_str s, size_t max_bytes);

/* How many columns printable text takes: its UTF-8 characters. */
size_t cw_text_columns(struct cw_str s);

/*
 * A JSON string of `s`; bytes that are no UTF-8 become escapes, as JSON cannot hold them.
 *
 * Returns: a new reference; NULL when memory is short.
 */
struct json_t *cw_text_json(struct cw_str s);

#endif
