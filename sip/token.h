/*
 * The token of our Record-Route: how a request inside a dialog finds its way without state and without opening a way around the rules.
 *
 * base64url of: version, key id, the two sides' zone ids, the variant, flags, the outer party's domain, and an HMAC-SHA-256 cut to 16 bytes over these and the Call-ID, under a key that the cluster
 * shares. Zones stand in it by a hash of their names (they are named alike on all peers; indices are not), so that a reload does not void dialogs. The zone `default` and
 * the dns zones are one side, *outside*; a token for it holds the outer party's domain.
 */
#ifndef CW_SIP_TOKEN_H
#define CW_SIP_TOKEN_H

#include "certs/keyring.h"
#include "dialplan/request.h"
#include "dialplan/zone.h"

#define CW_TOKEN_TEXT_MAX   420 /* characters with NUL */
#define CW_TOKEN_DOMAIN_MAX 253

/* One side of a dialog. */
struct cw_token_side {
	bool outside; /* the zone `default` or a dns zone */
	uint64_t
		zone; /* cw_token_zone_id of a zone that is not outside; of the dns zone that leads out, when outside and known; else 0 */
};

struct cw_token {
	struct cw_token_side sides
		[2]; /* sides[0]: where the dialog's first request came from; sides[1]: where it went */
	enum cw_variant variant;
	struct cw_str
		domain; /* of the outer party where a side is outside, lower case; else empty */
};

/* A zone's stable id: the first 8 bytes of SHA-256 of its name. */
uint64_t cw_token_zone_id(struct cw_str zone_name);

/*
 * Write a token for a dialog with that Call-ID.
 *
 * Returns: 0 and the NUL-terminated text in `out`; -EINVAL when the domain is too long; -EIO; -ENOMEM.
 */
int cw_token_mint(char out[static CW_TOKEN_TEXT_MAX], const struct cw_token *token,
	struct cw_str call_id, const struct cw_keyring *ring);

/* Answers of cw_token_verify. */
enum {
	CW_TOKEN_E_FORM = 1, /* not a token of ours: length, alphabet, version, fields */
	CW_TOKEN_E_KEY,      /* made with a key that we do not have */
	CW_TOKEN_E_FORGED,   /* the HMAC does not hold: forged, damaged, or of another Call-ID */
};

/*
 * Check a token. `domain_room` (CW_TOKEN_DOMAIN_MAX + 1 bytes) takes the domain that token->domain points to.
 *
 * Returns: 0 and *token set; a CW_TOKEN_E_*; -EIO; -ENOMEM.
 */
int cw_token_verify(struct cw_token *token, char *domain_room, struct cw_str text,
	struct cw_str call_id, const struct cw_keyring *ring);

#endif
