/*
 * The addresses of the neighbors' peers, looked up ahead: a connection that comes in is told apart by them, at once.
 *
 * A peer given by its address is in the book from the start; one given by name is looked up at the
 * beginning and again every CW_PEER_BOOK_REFRESH_MS, one that was never found every
 * CW_PEER_BOOK_RETRY_MS. A failed lookup leaves what was known.
 */
#ifndef CW_SIP_PEER_BOOK_H
#define CW_SIP_PEER_BOOK_H

#include "net/dns.h"
#include "sip/setup.h"

#define CW_PEER_BOOK_REFRESH_MS    60000
#define CW_PEER_BOOK_RETRY_MS      5000
#define CW_PEER_BOOK_ADDRESSES_MAX 8  /* of one peer */
#define CW_PEER_BOOK_LOOKUPS_MAX   50 /* at once */

struct cw_peer_book;

struct cw_peer_book_settings {
	struct cw_loop *loop;
	struct cw_dns *dns;
	const struct cw_sip_setup *setup; /* outlives the book */
	/*
	 * Called from the loop when an address came to be known that tells a peer without TLS
	 * apart, who may have connected before.
	 */
	void (*learned)(void *arg);
	void *arg;
};

/*
 * Begin to look up the named peers of all neighbors of the setup. What `before` (NULL: nothing)
 * knows of them counts until they are found again.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_peer_book_create(struct cw_peer_book **out, const struct cw_peer_book_settings *settings,
	const struct cw_peer_book *before);

/* Free it; NULL is fine. */
void cw_peer_book_destroy(struct cw_peer_book *book);

/* Whether a peer of the zone has that address, whatever the port. NULL for the book: by literal addresses alone. */
bool cw_peer_book_has(const struct cw_peer_book *book, const struct cw_zone *zone,
	const struct cw_address *address);

#endif
