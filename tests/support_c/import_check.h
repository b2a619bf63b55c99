/*
 * Whether what an import wrote is a rule file.
 */
#ifndef TESTS_SUPPORT_C_IMPORT_CHECK_H
#define TESTS_SUPPORT_C_IMPORT_CHECK_H

#include "core/str.h"

/*
 * Whether `file`, in a configuration with the zones that its head names, loads without an error and holds `n_rules` rules.
 * If not, what is wrong with it is printed to stderr.
 */
bool import_check(struct cw_str file, size_t n_rules);

#endif
