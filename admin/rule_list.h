/*
 * What `causeway rules list` prints: the transforms and rules in the order in which they are asked.
 */
#ifndef CW_ADMIN_RULE_LIST_H
#define CW_ADMIN_RULE_LIST_H

#include "core/arena.h"
#include "dialplan/ruleset.h"

#include <stdio.h>

/*
 * Print the transforms and rules as tables, with colours (ANSI) if `colours`.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_rule_list_print(
	FILE *out, const struct cw_ruleset *set, struct cw_arena *arena, bool colours);

#endif
