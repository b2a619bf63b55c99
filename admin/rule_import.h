/*
 * What `causeway rules import` does: search rules as an administrator has them from an Expressway (a table as CSV, or what its command line
 * prints) become a rule file. A rule that cannot be the same here stands in it as a comment.
 */
#ifndef CW_ADMIN_RULE_IMPORT_H
#define CW_ADMIN_RULE_IMPORT_H

#include "core/str.h"

#include <stdio.h>

#define CW_RULE_IMPORT_BYTES_MAX (16u << 20) /* of the text */
#define CW_RULE_IMPORT_RULES_MAX 20000       /* rules in it; an Expressway has up to 2,000 */

/* Answer of cw_rule_import. */
enum {
	CW_RULE_IMPORT_E_UNREADABLE = 1
};

struct cw_rule_import {
	size_t carried, refused; /* rules */
	size_t remarks;          /* lines about what is not carried over */
	const char *unreadable;  /* why, for CW_RULE_IMPORT_E_UNREADABLE */
};

/*
 * Read `text`, which messages call `file`, write the rule file to `out`, and to `remarks` one line for each thing that is not carried over.
 *
 * Returns: 0 and *result set; CW_RULE_IMPORT_E_UNREADABLE with result->unreadable set and nothing written to `out`; -ENOMEM.
 */
int cw_rule_import(struct cw_rule_import *result, FILE *out, FILE *remarks, const char *file,
	struct cw_str text);

#endif
