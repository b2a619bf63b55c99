/*
 * Rule tests: lines that say where requests must go, and whether they do.
 *
 *   from ZONE [variant V] [protocol P] [authenticated] ALIAS -> ZONE[:ALIAS] [, ZONE[:ALIAS] ...] | none
 *
 * Words are separated by blanks; a word with blanks, or a zone name with a colon or comma, stands in '...' or "...". `#` begins a comment where a
 * word could. The targets must be these, in this order, and no others. A request from a trusted zone is authenticated
 * without saying so; the variant is ms-imp (standard for protocol xmpp) unless the line says otherwise.
 */
#ifndef CW_ADMIN_RULE_TEST_H
#define CW_ADMIN_RULE_TEST_H

#include "core/arena.h"
#include "core/diag.h"
#include "dialplan/ruleset.h"

#include <stdio.h>

#define CW_RULE_TEST_LINE_MAX    8192 /* bytes of a line */
#define CW_RULE_TEST_TARGETS_MAX 64   /* targets that a line can expect */

/* A run over one or more files. Embed it, zeroed but for the first group. */
struct cw_rule_test {
	const struct cw_ruleset *set;
	const struct cw_zone *const *zones; /* all zones, the zone `default` among them */
	size_t n_zones;
	FILE *out; /* failures are printed here */
	bool colours;

	size_t passed, failed;
	uint64_t *rule_hits;      /* per rule, in the order of the set: how often it matched */
	uint64_t *transform_hits; /* likewise */
};

/*
 * Run the lines of `text`; `name` stands for the file in messages. Lines that cannot be read are errors in `diag` and count neither as passed
 * nor as failed; each failure is printed with the trace.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_rule_test_run(
	struct cw_rule_test *test, const char *name, struct cw_str text, struct cw_diag *diag);

/*
 * Print the enabled rules and transforms that nothing matched so far, each with its place.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_rule_test_print_coverage(const struct cw_rule_test *test);

/* Free what the run counted. */
void cw_rule_test_finish(struct cw_rule_test *test);

#endif
