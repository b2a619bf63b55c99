/*
 * Allocation failure on demand.
 *
 * Every unit test is linked with --wrap=malloc, calloc and realloc. To show that a function copes when memory is
 * short anywhere on its way, run it until it passes without having met the failure:
 *
 *	for (unsigned n = 1;; n++) {
 *		alloc_fail_at(n);
 *		r = cw_thing_create(&thing);
 *		if (!alloc_fail_reached())
 *			break;
 *		ck_assert_int_eq(r, -ENOMEM);
 *		ck_assert_ptr_null(thing);
 *	}
 *	ck_assert_int_eq(r, 0);
 *
 * Under AddressSanitizer the same loop finds what the failure paths leak. Only calls from our own objects are
 * counted; what a shared library allocates by itself is not.
 */
#ifndef TESTS_SUPPORT_C_ALLOC_FAIL_H
#define TESTS_SUPPORT_C_ALLOC_FAIL_H

#include <stdbool.h>

/* From here on, let the allocation number `n` (from 1) fail, once; 0: none. */
void alloc_fail_at(unsigned n);

/* Whether that allocation was reached. Lets all succeed again, so that assertions can print. */
bool alloc_fail_reached(void);

#endif
