/*
 * A search rule and a transform as written, before they are put in order.
 */
#ifndef CW_DIALPLAN_SEARCH_RULE_H
#define CW_DIALPLAN_SEARCH_RULE_H

#include "core/diag.h"
#include "dialplan/pattern.h"
#include "dialplan/request.h"
#include "dialplan/zone.h"

#define CW_PRIORITY_MIN     1
#define CW_PRIORITY_MAX     65534
#define CW_PRIORITY_DEFAULT 100

enum cw_rule_protocol {
	CW_RULE_SIP,
	CW_RULE_XMPP,
	CW_RULE_ANY_PROTOCOL
};

enum cw_rule_variant {
	CW_RULE_ANY_VARIANT,
	CW_RULE_STANDARD,
	CW_RULE_MICROSOFT, /* any of the three below */
	CW_RULE_MS_IMP,
	CW_RULE_MS_AV,
	CW_RULE_MS_SIP,
};

enum cw_rule_source {
	CW_RULE_FROM_ANY,
	CW_RULE_FROM_ALL_ZONES, /* every configured zone, not the zone `default` */
	CW_RULE_FROM_NAMED,
};

enum cw_rule_mode {
	CW_RULE_PATTERN,
	CW_RULE_ANY_ALIAS,
	CW_RULE_ANY_IP
};

/* Slices (NUL-terminated, `p[len] == 0`) and arrays are owned by the configuration's arena, the pattern by the rule set. */
struct cw_search_rule {
	struct cw_str name;
	unsigned priority;
	bool enabled;
	enum cw_rule_protocol protocol;
	enum cw_rule_variant variant;
	enum cw_rule_source source;
	const struct cw_zone *const *sources; /* for CW_RULE_FROM_NAMED */
	size_t n_sources;
	bool authenticated; /* only requests from a trusted zone */
	enum cw_rule_mode mode;
	struct cw_pattern *pattern; /* NULL unless mode is CW_RULE_PATTERN */
	enum cw_behavior behavior;  /* as the pattern was made, for lists */
	bool stop;                  /* on-match stop */
	const struct cw_zone *target;
	struct cw_place place;
	size_t index; /* its place in the order of its rule set; set by cw_ruleset_seal */
};

/* As struct cw_search_rule: `name` is NUL-terminated. */
struct cw_transform {
	struct cw_str name;
	unsigned priority;
	bool enabled;
	struct cw_pattern *pattern;
	struct cw_place place;
	size_t index; /* likewise */
};

/* "any", "standard", "microsoft", "ms-imp", "ms-av" or "ms-sip". */
const char *cw_rule_variant_name(enum cw_rule_variant variant);

/* "sip", "xmpp" or "any". */
const char *cw_rule_protocol_name(enum cw_rule_protocol protocol);

#endif
