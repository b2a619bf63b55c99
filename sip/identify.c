#include "sip/identify.h"

bool cw_identify_fits(const struct cw_zone *zone, const struct cw_identity *identity)
{
	if (zone->type != CW_ZONE_NEIGHBOR)
		return false;
	if (zone->transport == CW_ZONE_TCP)
		return !identity;
	for (size_t i = 0; identity && i < zone->n_verify; i++)
		if (cw_identity_has_name(identity, zone->verify[i], zone->wildcards))
			return true;
	return false;
}

/* Without TLS it is the address that names the peer. */
static bool fits(const struct cw_zone *zone, const struct cw_peer_book *book,
	const struct cw_identity *identity, const struct cw_address *remote)
{
	return cw_identify_fits(zone, identity) &&
	       (zone->transport == CW_ZONE_TLS || cw_peer_book_has(book, zone, remote));
}

const struct cw_zone *cw_identify(const struct cw_sip_setup *setup, const struct cw_peer_book *book,
	const struct cw_connection *connection)
{
	const struct cw_identity *identity = cw_connection_identity(connection);
	const struct cw_address *remote = cw_connection_remote(connection);
	const struct cw_zone *first = NULL;

	for (size_t i = 1; i < setup->n_zones; i++) {
		const struct cw_zone *zone = setup->zones[i];

		if (!fits(zone, book, identity, remote))
			continue;
		if (cw_peer_book_has(book, zone, remote))
			return zone;
		if (!first)
			first = zone;
	}
	return first ? first : setup->zones[0];
}
