/* Arenas: a list of chunks, the newest of which is handed out from its front to its end. */
#include "core/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/*
 * AddressSanitizer cannot see the borders of what an arena hands out, so they are drawn for it:
 * all of a chunk is poisoned, and GAP poisoned bytes stay behind every piece.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(HAVE_ASAN)
#include <sanitizer/asan_interface.h>
#define GAP            16u
#define poison(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define GAP            0u
#define poison(p, n)   ((void)(p), (void)(n))
#define unpoison(p, n) ((void)(p), (void)(n))
#endif

#define CHUNK_FIRST  2048u      /* bytes */
#define CHUNK_MAX    (8u << 20) /* chunks double up to here; larger pieces get a chunk of their own */
#define HUGE_PAGE    (2u << 20)
#define PRINTF_SHORT 512 /* bytes of text with its NUL */
#define ALIGN        _Alignof(max_align_t)

struct cw_arena_chunk {
	struct cw_arena_chunk *next; /* older */
	size_t size;                 /* bytes of `data` */
	_Alignas(max_align_t) char data[];
};

void cw_arena_init(struct cw_arena *a, size_t max_bytes)
{
	*a = (struct cw_arena){.max_bytes = max_bytes};
}

void cw_arena_init_in(struct cw_arena *a, void *room, size_t size, size_t max_bytes)
{
	struct cw_arena_chunk *c = room;

	*c = (struct cw_arena_chunk){.size = size - sizeof(*c)};
	*a = (struct cw_arena){.chunks = c, .total = c->size, .max_bytes = max_bytes, .room = room};
	poison(c->data, c->size);
}

void cw_arena_finish(struct cw_arena *a)
{
	struct cw_arena_chunk *c = a->chunks;

	while (c) {
		struct cw_arena_chunk *next = c->next;

		unpoison(c->data, c->size);
		if (c != a->room)
			free(c);
		c = next;
	}
	cw_arena_init(a, a->max_bytes);
}

/*
 * Ask for huge pages where the memory spans whole ones: the tree of 100,000 rules takes 150 MB, and touching that in pages
 * of 4 KiB costs several times what reading the rules does. Only advice: a refusal changes nothing.
 */
static void advise_huge(void *p, size_t size)
{
	uintptr_t from = ((uintptr_t)p + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	uintptr_t to = ((uintptr_t)p + size) / HUGE_PAGE * HUGE_PAGE;

#ifdef MADV_HUGEPAGE
	if (to > from)
		(void)madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
	(void)from;
	(void)to;
#endif
}

/* A chunk with room for `need` bytes, of the size that is next in turn where the limit allows it. */
static struct cw_arena_chunk *chunk_create(struct cw_arena *a, size_t need)
{
	const size_t head = sizeof(struct cw_arena_chunk);
	size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_FIRST;
	size_t left = a->max_bytes ? a->max_bytes - a->total : SIZE_MAX;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need || size > left)
		size = need;
	if (size > left || size > SIZE_MAX - head)
		return NULL;

	struct cw_arena_chunk *c = malloc(head + size);

	if (!c)
		return NULL;
	advise_huge(c, head + size);
	c->size = size;
	a->total += size;
	poison(c->data, size);
	return c;
}

static void *take(struct cw_arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;

	/* nothing is rounded up to something, so that two pieces never share an address */
	size_t need = ((size ? size : 1) + GAP + ALIGN - 1) / ALIGN * ALIGN;
	struct cw_arena_chunk *c = a->chunks;

	if (c && need <= c->size - a->used) {
		char *p = c->data + a->used;

		a->used += need;
		unpoison(p, size);
		return p;
	}

	c = chunk_create(a, need);
	if (!c)
		return NULL;
	if (a->chunks && need > CHUNK_MAX) {
		/* full from the start: the newest chunk goes on being handed out */
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		c->next = a->chunks;
		a->chunks = c;
		a->used = need;
	}
	unpoison(c->data, size);
	return c->data;
}

void *cw_arena_alloc(struct cw_arena *a, size_t size)
{
	void *p = take(a, size);

	if (p)
		memset(p, 0, size);
	return p;
}

int cw_arena_str(struct cw_arena *a, struct cw_str s, struct cw_str *out)
{
	char *p = s.len < SIZE_MAX ? take(a, s.len + 1) : NULL;

	if (!p)
		return -ENOMEM;
	if (s.len > 0)
		memcpy(p, s.p, s.len);
	p[s.len] = '\0';
	*out = cw_str_make(p, s.len);
	return 0;
}

int cw_arena_join(
	struct cw_arena *a, struct cw_str *out, const struct cw_str *parts, size_t n_parts)
{
	size_t len = 0, at = 0;
	char *p;

	for (size_t i = 0; i < n_parts; i++) {
		if (parts[i].len >= SIZE_MAX - len)
			return -ENOMEM;
		len += parts[i].len;
	}
	p = take(a, len + 1);
	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < n_parts; i++) {
		if (parts[i].len > 0)
			memcpy(p + at, parts[i].p, parts[i].len);
		at += parts[i].len;
	}
	p[len] = '\0';
	*out = cw_str_make(p, len);
	return 0;
}

int cw_arena_printf(struct cw_arena *a, struct cw_str *out, const char *format, ...)
{
	char shortly[PRINTF_SHORT]; /* nearly all texts fit: those are formatted once */
	va_list args;

	va_start(args, format);
	int len = vsnprintf(shortly, sizeof(shortly), format, args);
	va_end(args);
	if (len < 0)
		return -EINVAL;
	if ((size_t)len < sizeof(shortly))
		return cw_arena_str(a, cw_str_make(shortly, (size_t)len), out);

	char *p = take(a, (size_t)len + 1);

	if (!p)
		return -ENOMEM;
	va_start(args, format);
	(void)vsnprintf(p, (size_t)len + 1, format, args);
	va_end(args);
	*out = cw_str_make(p, (size_t)len);
	return 0;
}
