/*
 * The words of a rule file.
 */
#include "dialplan/search_rule.h"

static const char *const variant_names[] = {
	[CW_RULE_ANY_VARIANT] = "any",
	[CW_RULE_STANDARD] = "standard",
	[CW_RULE_MICROSOFT] = "microsoft",
	[CW_RULE_MS_IMP] = "ms-imp",
	[CW_RULE_MS_AV] = "ms-av",
	[CW_RULE_MS_SIP] = "ms-sip",
};

static const char *const protocol_names[] = {
	[CW_RULE_SIP] = "sip",
	[CW_RULE_XMPP] = "xmpp",
	[CW_RULE_ANY_PROTOCOL] = "any",
};

const char *cw_rule_variant_name(enum cw_rule_variant variant)
{
	return variant_names[variant];
}

const char *cw_rule_protocol_name(enum cw_rule_protocol protocol)
{
	return protocol_names[protocol];
}
