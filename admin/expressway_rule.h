/*
 * A search rule of an Expressway: its settings as they stand in a file, and what they are in the terms of a rule file. What cannot be the same
 * there is refused or remarked upon, and never widened: a rule with a criterion that is not understood is refused.
 */
#ifndef CW_ADMIN_EXPRESSWAY_RULE_H
#define CW_ADMIN_EXPRESSWAY_RULE_H

#include "admin/expressway_words.h"
#include "admin/remark.h"
#include "dialplan/search_rule.h"

#define CW_EXPRESSWAY_NAME_MAX 128 /* bytes of the name of a rule or zone in a rule file */

/* One setting as it stands in the file. */
struct cw_expressway_setting {
	struct cw_expressway_setting *next;
	enum cw_expressway_field field;
	struct cw_str key, value;
	unsigned line;
};

/* All slices are in the text that was read or in the arena of the import. */
struct cw_expressway_rule {
	/* as it was read */
	unsigned line;
	unsigned number; /* of the rule; 0: it stands in a table */
	struct cw_expressway_setting *settings, *last_setting;
	const struct cw_expressway_setting *said[CW_EXPRESSWAY_FIELDS]; /* NULL: not said */

	/* what is to be told */
	struct cw_remarks remarks;
	bool refused;
	bool lets_through; /* refused, and what it would have ended goes on to the rules behind it */

	/* in our terms; all of it but `name` is set only when the rule is not refused. `rule` has neither zones nor pattern nor place */
	struct cw_search_rule rule;
	struct cw_str source; /* of CW_RULE_FROM_NAMED */
	enum cw_pattern_type type;
	struct cw_str pattern, replacement;
	struct cw_str target;
};

/*
 * Add a setting to a rule; one that stands there already with another value refuses it. All zero but line and number is a rule without settings.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_expressway_rule_set(struct cw_expressway_rule *rule, enum cw_expressway_field field,
	struct cw_str key, struct cw_str value, unsigned line, struct cw_arena *arena);

/*
 * Put the settings into our terms, or refuse the rule. The name becomes one that a rule file can hold, but may be empty.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_expressway_rule_translate(struct cw_expressway_rule *rule, struct cw_arena *arena);

#endif
