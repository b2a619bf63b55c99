/*
 * Which zone a connection's requests come from: by the names in the verified certificate; without
 * TLS, by address. Else the zone `default`.
 */
#ifndef CW_SIP_IDENTIFY_H
#define CW_SIP_IDENTIFY_H

#include "net/connection.h"
#include "sip/peer_book.h"

/*
 * Whether a connection to a peer with that identity (NULL: without TLS) is one that the neighbor
 * zone still asks for.
 */
bool cw_identify_fits(const struct cw_zone *zone, const struct cw_identity *identity);
#include "sip/setup.h"

/*
 * The zone of an open connection. Where several zones fit, the one whose peers include the source
 * address, else the first in file order; a dns zone is never a source.
 */
const struct cw_zone *cw_identify(const struct cw_sip_setup *setup, const struct cw_peer_book *book,
	const struct cw_connection *connection);

#endif
