/*
 * Memory that is freed in one go: what belongs to one request lives in that request's arena.
 *
 * An arena grows in chunks up to its limit and never moves what it handed out.
 */
#ifndef CW_CORE_ARENA_H
#define CW_CORE_ARENA_H

#include "core/str.h"

struct cw_arena_chunk;

/* Embed it; all zero with a limit set is a valid, empty arena. Fields are private. */
struct cw_arena {
	struct cw_arena_chunk *chunks;
	size_t used;      /* bytes handed out of the newest chunk */
	size_t total;     /* bytes of all chunks */
	size_t max_bytes; /* limit of `total`; 0: no limit */
	void *room;       /* of cw_arena_init_in: the chunk that is not freed */
};

/* Begin an empty arena that may hold up to `max_bytes` (0: no limit). Allocates nothing. */
void cw_arena_init(struct cw_arena *a, size_t max_bytes);

/*
 * The same for an arena that hands out `room` first, in most cases sparing it any allocation. The room, of `size` bytes and
 * aligned for any type, is borrowed until cw_arena_finish.
 */
void cw_arena_init_in(struct cw_arena *a, void *room, size_t size, size_t max_bytes);

/* Free all that was handed out. The arena may be used again; finishing a zeroed arena is fine. */
void cw_arena_finish(struct cw_arena *a);

/*
 * `size` zeroed bytes, aligned for any type, valid until cw_arena_finish.
 *
 * Returns: the memory, or NULL when memory is short or the limit would be passed.
 */
void *cw_arena_alloc(struct cw_arena *a, size_t size);

/*
 * A copy of `s` in the arena, followed by a NUL that its length does not count.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_arena_str(struct cw_arena *a, struct cw_str s, struct cw_str *out);

/*
 * The parts, one behind the other, in the arena, followed by a NUL.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_arena_join(
	struct cw_arena *a, struct cw_str *out, const struct cw_str *parts, size_t n_parts);

/*
 * Text made by a printf format, in the arena, followed by a NUL.
 *
 * Returns: 0 and *out set; -ENOMEM; -EINVAL when the format cannot be printed.
 */
int cw_arena_printf(struct cw_arena *a, struct cw_str *out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
