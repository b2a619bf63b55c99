/*
 * Whether a peer's certificate does for the name it speaks for (RFC 6120, 13.7.1.2; RFC 6125).
 * Pure.
 */
#ifndef CW_XMPP_CERTIFICATE_H
#define CW_XMPP_CERTIFICATE_H

#include "certs/identity.h"
#include "xmpp/policy.h"

#define CW_XMPP_REFUSAL_MAX 320 /* bytes with NUL of a refusal's text */

/* What a TLS handshake found out about the peer. Zeroed: no TLS. */
struct cw_xmpp_security_facts {
	bool is_secure; /* TLS */
	/* NULL: the chain verifies; else why not: "untrusted", "revoked", "expired", ... */
	const char *problem;
	const struct cw_identity *identity; /* NULL: no certificate */
};

/*
 * Whether the terms accept the certificate for `domain` (prepared). Without TLS there is none to
 * accept.
 *
 * Returns: NULL; or why not, in words for the log and the partner, in `room`: "its certificate is
 * not trusted", "its certificate is revoked", "its certificate does not name partner.example",
 * "it shows no certificate".
 */
const char *cw_xmpp_certificate_refusal(const struct cw_xmpp_terms *terms,
	const struct cw_xmpp_security_facts *facts, struct cw_str domain,
	char room[static CW_XMPP_REFUSAL_MAX]);

/*
 * Whether it proves the domain by itself, as SASL EXTERNAL needs: the chain verifies, and it
 * names the domain (or one of the terms' names), whatever the terms accept beside that.
 */
bool cw_xmpp_certificate_proves(const struct cw_xmpp_terms *terms,
	const struct cw_xmpp_security_facts *facts, struct cw_str domain);

#endif
