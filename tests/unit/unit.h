/* What every unit test begins with: Check, and a main that runs one suite. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include "core/str.h"
#include "tests/support_c/alloc_fail.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* Add a START_TEST function that runs once for every row of `rows`; the row's number is _i. */
#define ADD_ROWS(tcase, test, rows) tcase_add_loop_test(tcase, test, 0, (int)N_ELEMENTS(rows))

/* A heap copy of exact length, so that a sanitizer sees a read past its end. Owned by the caller: free(.p). */
static inline struct cw_str heap_copy(struct cw_str s)
{
	char *p = malloc(s.len ? s.len : 1);

	ck_assert_ptr_nonnull(p);
	if (s.len > 0)
		memcpy(p, s.p, s.len);
	return cw_str_make(p, s.len);
}

/* Free a slice made by heap_copy. */
static inline void heap_free(struct cw_str s)
{
	free((void *)(uintptr_t)s.p);
}

/*
 * Run the suite; results go where meson.build says (TAP on stdout).
 *
 * Returns: the exit status of main.
 */
static inline int unit_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);

	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
