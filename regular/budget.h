/*
 * Arrays that grow out of a budget of bytes, so that what a question may cost is known before it is asked.
 */
#ifndef CW_REGULAR_BUDGET_H
#define CW_REGULAR_BUDGET_H

#include <stddef.h>

/* Answers, besides -ENOMEM. */
enum {
	CW_BUDGET_E_SPENT = 1
};

struct cw_budget {
	size_t left;  /* bytes */
	size_t steps; /* of what takes time and no memory, for those who count them */
	int error;    /* why the last one failed: CW_BUDGET_E_SPENT or -ENOMEM */
};

/*
 * Give the array `old` (NULL at first), which has room for *capacity items, room for at least `needed`. It grows by doubling, and what
 * is new is not initialised.
 *
 * Returns: the array, owned by the caller, to be freed by free; NULL with budget->error set, and `old` as it was.
 */
void *cw_budget_grow(
	struct cw_budget *budget, void *old, size_t *capacity, size_t needed, size_t item_size);

#endif
