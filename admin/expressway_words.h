/*
 * The words of an Expressway's search rules: what its settings and the columns of a table are called, and the values that they have. In all of
 * them case, blanks and punctuation do not matter.
 */
#ifndef CW_ADMIN_EXPRESSWAY_WORDS_H
#define CW_ADMIN_EXPRESSWAY_WORDS_H

#include "core/str.h"

enum cw_expressway_field {
	CW_EXPRESSWAY_NAME,
	CW_EXPRESSWAY_DESCRIPTION,
	CW_EXPRESSWAY_PRIORITY,
	CW_EXPRESSWAY_STATE,
	CW_EXPRESSWAY_PROTOCOL,
	CW_EXPRESSWAY_VARIANT,
	CW_EXPRESSWAY_SOURCE,      /* Any, AllZones, LocalZone, Named; in a table also a zone */
	CW_EXPRESSWAY_SOURCE_NAME, /* the zone, when the source is Named */
	CW_EXPRESSWAY_AUTHENTICATION,
	CW_EXPRESSWAY_MODE,
	CW_EXPRESSWAY_PATTERN_TYPE,
	CW_EXPRESSWAY_PATTERN,
	CW_EXPRESSWAY_BEHAVIOR,
	CW_EXPRESSWAY_REPLACE,
	CW_EXPRESSWAY_PROGRESS, /* on match: Continue, Stop */
	CW_EXPRESSWAY_TARGET,
	CW_EXPRESSWAY_TARGET_TYPE,
	CW_EXPRESSWAY_TARGET_VARIANT,
	CW_EXPRESSWAY_FIELDS,
	CW_EXPRESSWAY_UNIMPORTANT = CW_EXPRESSWAY_FIELDS, /* known, and of no matter for routing */
	CW_EXPRESSWAY_UNKNOWN,
};

/* The values of CW_EXPRESSWAY_SOURCE. */
enum cw_expressway_source {
	CW_EXPRESSWAY_FROM_ANY,
	CW_EXPRESSWAY_FROM_ALL_ZONES,
	CW_EXPRESSWAY_FROM_LOCAL_ZONE,
	CW_EXPRESSWAY_FROM_NAMED,
};

/* The zones that every Expressway has: values of CW_EXPRESSWAY_SOURCE_NAME and CW_EXPRESSWAY_TARGET. */
enum cw_expressway_zone {
	CW_EXPRESSWAY_DEFAULT_ZONE,
	CW_EXPRESSWAY_LOCAL_ZONE,
	CW_EXPRESSWAY_SUBZONE,
};

/* The field that a key or the heading of a column names. */
enum cw_expressway_field cw_expressway_field(struct cw_str name);

/* What a person who wrote `name` as a heading, which is none, may have meant; or NULL. */
const char *cw_expressway_field_near(struct cw_str name);

/*
 * The value of a field that `text` names: of state and authentication 1 or 0, of protocol 1 for SIP or any and 0 for H.323, of target type 1
 * for a zone and 0 for a policy service, of progress 1 for stop and 0 for continue, of the others their enum.
 *
 * Returns: whether it names one; else *value is not changed.
 */
bool cw_expressway_word(enum cw_expressway_field field, struct cw_str text, int *value);

/* Whether `text` has neither letters nor digits: "", "-". */
bool cw_expressway_says_nothing(struct cw_str text);

#endif
