/*
 * What follows from a zone's settings.
 */
#include "dialplan/zone.h"

static const char *const type_names[] = {
	[CW_ZONE_DEFAULT] = "default",
	[CW_ZONE_NEIGHBOR] = "neighbor",
	[CW_ZONE_DNS] = "dns",
	[CW_ZONE_TRAVERSAL_CLIENT] = "traversal-client",
	[CW_ZONE_TRAVERSAL_SERVER] = "traversal-server",
	[CW_ZONE_XMPP] = "xmpp",
};

enum cw_protocol cw_zone_protocol(const struct cw_zone *zone)
{
	return zone->type == CW_ZONE_XMPP ? CW_PROTOCOL_XMPP : CW_PROTOCOL_SIP;
}

const char *cw_zone_type_name(enum cw_zone_type type)
{
	return type_names[type];
}

bool cw_zone_is_outside(const struct cw_zone *zone)
{
	return zone->type == CW_ZONE_DEFAULT || zone->type == CW_ZONE_DNS;
}
