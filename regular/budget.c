/*
 * Growing arrays with an account of what they take.
 */
#include "regular/budget.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST 32 /* items */

void *cw_budget_grow(
	struct cw_budget *budget, void *old, size_t *capacity, size_t needed, size_t item_size)
{
	size_t wanted = *capacity ? *capacity : FIRST, more;
	void *grown;

	if (needed <= *capacity)
		return old;
	while (wanted < needed)
		wanted *= 2;
	more = (wanted - *capacity) * item_size;
	budget->error = CW_BUDGET_E_SPENT;
	if (more > budget->left)
		return NULL;
	budget->error = -ENOMEM;
	grown = realloc(old, wanted * item_size);
	if (!grown)
		return NULL;
	budget->left -= more;
	*capacity = wanted;
	return grown;
}
