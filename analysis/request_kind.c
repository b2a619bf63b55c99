/*
 * The kinds of requests that can come.
 */
#include "analysis/request_kind.h"

/* The likeliest first: a witness is one of these. */
static const struct {
	enum cw_protocol protocol;
	enum cw_variant variant;
} forms[] = {
	{CW_PROTOCOL_SIP, CW_VARIANT_MS_IMP},
	{CW_PROTOCOL_SIP, CW_VARIANT_STANDARD},
	{CW_PROTOCOL_SIP, CW_VARIANT_MS_SIP},
	{CW_PROTOCOL_SIP, CW_VARIANT_MS_AV},
	{CW_PROTOCOL_XMPP, CW_VARIANT_STANDARD},
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

bool cw_request_kinds_next(
	struct cw_request_kinds *kinds, const struct cw_search_rule *rule, struct cw_request *out)
{
	const struct cw_zone *zone;
	size_t form;

	while (kinds->at < kinds->n_zones * FORMS) {
		zone = kinds->zones[kinds->at / FORMS];
		form = kinds->at++ % FORMS;
		*out = (struct cw_request){
			.protocol = forms[form].protocol,
			.variant = forms[form].variant,
			.alias = cw_str_make("", 0),
			.from = zone,
			.authenticated = zone->trusted,
		};
		if (zone->type != CW_ZONE_DNS && cw_plan_admits(rule, out))
			return true;
	}
	return false;
}
