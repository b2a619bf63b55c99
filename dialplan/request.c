/*
 * Names of what a request is.
 */
#include "dialplan/request.h"

#include <errno.h>

static const char *const variant_names[] = {
	[CW_VARIANT_STANDARD] = "standard",
	[CW_VARIANT_MS_IMP] = "ms-imp",
	[CW_VARIANT_MS_AV] = "ms-av",
	[CW_VARIANT_MS_SIP] = "ms-sip",
	[CW_VARIANT_ANY] = "any",
};

static const char *const protocol_names[] = {
	[CW_PROTOCOL_SIP] = "sip",
	[CW_PROTOCOL_XMPP] = "xmpp",
};

const char *cw_variant_name(enum cw_variant variant)
{
	return variant_names[variant];
}

int cw_variant_parse(struct cw_str name, enum cw_variant *out)
{
	int v;

	for (v = CW_VARIANT_STANDARD; v < CW_VARIANT_ANY; v++) {
		if (cw_str_eq(name, cw_str_of(variant_names[v]))) {
			*out = (enum cw_variant)v;
			return 0;
		}
	}
	return -EINVAL;
}

enum cw_variant cw_variant_of_method(struct cw_str method)
{
	static const char *const imp[] = {"BENOTIFY", "MESSAGE", "NOTIFY", "PUBLISH", "SUBSCRIBE"};
	size_t i;

	/* RFC 3261, 7.1: methods are case-sensitive */
	for (i = 0; i < sizeof(imp) / sizeof(imp[0]); i++)
		if (cw_str_eq(method, cw_str_of(imp[i])))
			return CW_VARIANT_MS_IMP;
	return CW_VARIANT_STANDARD;
}

int cw_protocol_parse(struct cw_str name, enum cw_protocol *out)
{
	int p;

	for (p = CW_PROTOCOL_SIP; p <= CW_PROTOCOL_XMPP; p++) {
		if (cw_str_eq(name, cw_str_of(protocol_names[p]))) {
			*out = (enum cw_protocol)p;
			return 0;
		}
	}
	return -EINVAL;
}

const char *cw_protocol_name(enum cw_protocol protocol)
{
	return protocol_names[protocol];
}
