/*
 * JIDs, prepared for comparison: domains by IDNA (UTS 46, non-transitional) to A-labels in lower case, local parts by nodeprep,
 * resources by resourceprep. What is relayed keeps its own spelling; these forms are for tables, lists and comparisons.
 * A prepared JID prepares to itself.
 */
#ifndef CW_XMPP_JID_H
#define CW_XMPP_JID_H

#include "core/arena.h"

#define CW_JID_PART_MAX   1023 /* bytes of each part, before and after (RFC 7622, 3.1) */
#define CW_JID_DOMAIN_MAX 253  /* bytes of a prepared domain: what DNS can ask for */

enum {
	CW_JID_E_MALFORMED = 1, /* jid-malformed */
};

/* Empty where a part is missing; `domain` never is. */
struct cw_jid {
	struct cw_str local, domain, resource;
};

/*
 * Split and prepare `text` (RFC 7622, 3; RFC 3920, appendices A and B). Plain ASCII, its domain and local part in lower
 * case, costs neither ICU nor memory: the parts are then slices of `text`, else they live in `arena`.
 *
 * Returns: 0 and *out set; CW_JID_E_MALFORMED; -ENOMEM; -EIO when ICU lacks its tables.
 */
int cw_jid_prepare(struct cw_jid *out, struct cw_str text, struct cw_arena *arena);

/*
 * Prepare a domain alone, as lists, DNS and certificates compare it: A-labels, lower case, no trailing dot. Only letters,
 * digits and hyphens make a name. IPv4 and IPv6 addresses are refused: they do not federate.
 *
 * Returns: as cw_jid_prepare.
 */
int cw_jid_prepare_domain(struct cw_str *out, struct cw_str domain, struct cw_arena *arena);

/* The domain of a JID as it stands, not prepared: what is behind the first `@` of what is before the first `/`. */
struct cw_str cw_jid_raw_domain(struct cw_str text);

#endif
