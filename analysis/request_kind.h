/*
 * The kinds of requests that can come: what the criteria of rules, but for the alias, can tell apart.
 */
#ifndef CW_ANALYSIS_REQUEST_KIND_H
#define CW_ANALYSIS_REQUEST_KIND_H

#include "dialplan/plan.h"

/* A walk through the kinds; embed it, zeroed but for the zones: all of a configuration. */
struct cw_request_kinds {
	const struct cw_zone *const *zones;
	size_t n_zones;
	size_t at; /* private */
};

/*
 * The next kind of request that the rule's criteria admit: from a zone that requests can come from, which is not a dns zone, and
 * authenticated where it is trusted. The variant CW_VARIANT_ANY is left out: such a request reaches only rules that one of a certain
 * variant reaches too.
 *
 * Returns: whether there is one; then *out is set, with an empty alias.
 */
bool cw_request_kinds_next(
	struct cw_request_kinds *kinds, const struct cw_search_rule *rule, struct cw_request *out);

#endif
