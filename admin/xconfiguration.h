/*
 * Search rules as the command line of an Expressway prints them and takes them:
 *
 *	*c xConfiguration Zones Policy SearchRules Rule 3 Pattern String: ".*@example\.com"
 *
 * Read one statement at a time, out of text that may hold anything else: a whole configuration, what a terminal showed.
 */
#ifndef CW_ADMIN_XCONFIGURATION_H
#define CW_ADMIN_XCONFIGURATION_H

#include "core/str.h"

/* The reading of one text; set `text` and `line` (1) to begin. */
struct cw_xconfiguration {
	struct cw_str text; /* what was not read yet; borrowed */
	unsigned line;      /* where it begins */
};

enum cw_xstatement_kind {
	CW_XSTATEMENT_RULE,      /* sets `key` of rule `number` to `value` */
	CW_XSTATEMENT_BROKEN,    /* is about search rules, and cannot be read */
	CW_XSTATEMENT_TRANSFORM, /* is about a transform */
};

struct cw_xstatement {
	enum cw_xstatement_kind kind;
	unsigned line;
	struct cw_str raw;   /* as it stands in the text */
	unsigned number;     /* of the rule, from 1; 0: not to be read */
	struct cw_str key;   /* its words as they stand: "Pattern String" */
	struct cw_str value; /* without its quotes; nothing in it is an escape */
};

/*
 * Read the next statement that is about search rules or transforms. Several may stand on a line; upper and lower case are the same.
 *
 * Returns: whether there is one.
 */
bool cw_xconfiguration_next(struct cw_xconfiguration *reading, struct cw_xstatement *out);

#endif
