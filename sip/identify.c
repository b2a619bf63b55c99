#include "sip/identify.h"

/* Whether one of the zone's peers is given by the address that the connection has. */
static bool has_peer(const struct cw_zone *zone, const struct cw_address *remote)
{
	struct cw_address literal;

	for (size_t i = 0; i < zone->n_peers; i++)
		if (cw_address_make(&literal, zone->peers[i].host, zone->peers[i].port) == 0 &&
			cw_address_same_host(&literal, remote))
			return true;
	return false;
}

static bool fits(const struct cw_zone *zone, const struct cw_identity *identity,
	const struct cw_address *remote)
{
	if (zone->type != CW_ZONE_NEIGHBOR)
		return false;
	if (zone->transport == CW_ZONE_TCP)
		return !identity && has_peer(zone, remote);
	for (size_t i = 0; identity && i < zone->n_verify; i++)
		if (cw_identity_has_name(identity, zone->verify[i], zone->wildcards))
			return true;
	return false;
}

const struct cw_zone *cw_identify(
	const struct cw_sip_setup *setup, const struct cw_connection *connection)
{
	const struct cw_identity *identity = cw_connection_identity(connection);
	const struct cw_address *remote = cw_connection_remote(connection);
	const struct cw_zone *first = NULL;

	for (size_t i = 1; i < setup->n_zones; i++) {
		const struct cw_zone *zone = setup->zones[i];

		if (!fits(zone, identity, remote))
			continue;
		if (has_peer(zone, remote))
			return zone;
		if (!first)
			first = zone;
	}
	return first ? first : setup->zones[0];
}
