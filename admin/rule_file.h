/*
 * Rules written as a rule file holds them.
 */
#ifndef CW_ADMIN_RULE_FILE_H
#define CW_ADMIN_RULE_FILE_H

#include "admin/expressway_rule.h"

#include <stdio.h>

/* What is said of a rule with `lets_through`. */
extern const char cw_rule_file_lets_through[];

/* Write a word of a rule file, in quotes unless it is a plain one. It must be printable. */
void cw_rule_file_word(FILE *out, struct cw_str word);

/*
 * Write a translated rule with its remarks: as a rule, or where it is refused as a comment that holds all its settings. `file` is what
 * remarks call the file that it comes from, printable.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_rule_file_write(FILE *out, const struct cw_expressway_rule *rule, struct cw_str file,
	struct cw_arena *arena);

#endif
