/* malloc, calloc and realloc that count down to a failure. */
#include "tests/support_c/alloc_fail.h"

#include <errno.h>
#include <stddef.h>

/* The names are the linker's: --wrap=x sends calls of x to __wrap_x, and __real_x is the x of libc. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static unsigned left; /* allocations up to and with the one that fails; 0: none fails */
static bool reached;

void alloc_fail_at(unsigned n)
{
	left = n;
	reached = false;
}

bool alloc_fail_reached(void)
{
	left = 0;
	return reached;
}

static bool is_failing(void)
{
	if (left == 0 || --left > 0)
		return false;
	reached = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_failing() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_failing() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_failing() ? NULL : __real_realloc(old, size);
}
