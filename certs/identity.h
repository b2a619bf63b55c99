/*
 * Who a certificate says its holder is (RFC 5922, 7; RFC 6120, 13.7).
 *
 * dNSNames and SIP URIs of the subjectAltName; the common name only where the certificate has no dNSName and no SIP URI there; apart from
 * these, because SIP knows nothing of them, the SRVNames and XmppAddrs.
 * Names are lower case without trailing dot; a name with NUL or another byte that is not printable ASCII is left out, as is one that begins
 * with a dot.
 */
#ifndef CW_CERTS_IDENTITY_H
#define CW_CERTS_IDENTITY_H

#include "core/str.h"

#define CW_IDENTITY_NAMES_MAX                                                                      \
	256 /* names of one certificate in all; more: the certificate is not accepted */

struct x509_st; /* OpenSSL's X509 */

enum cw_identity_kind {
	CW_IDENTITY_DNS,     /* a dNSName */
	CW_IDENTITY_SIP_URI, /* the host of a uniformResourceIdentifier sip:HOST without user part */
	CW_IDENTITY_CN,
	CW_IDENTITY_SRV_NAME, /* an SRVName (RFC 4985): "_xmpp-server.example.com" */
	CW_IDENTITY_XMPP_ADDR, /* an XmppAddr (RFC 6120, 13.7.1.4): a JID; one of a server is a domain */
};

struct cw_identity_name {
	enum cw_identity_kind kind;
	struct cw_str name; /* NUL-terminated; a dNSName may begin with "*." */
};

struct cw_identity {
	struct cw_identity_name *names; /* in the certificate's order */
	size_t n_names;
	struct cw_identity_name *xmpp_names; /* SRVNames and XmppAddrs, likewise */
	size_t n_xmpp_names;
	bool has_bad_name; /* a NUL or another control character stands in one: whoever asked for that meant to deceive */
	char *subject; /* one line, for people: "CN=edge.example.com,O=Example"; the first name where it is empty */
	char fingerprint[65]; /* SHA-256 of the certificate, lower-case hex */
	int64_t not_after;    /* seconds since 1970 */
};

/*
 * Read a certificate's names.
 *
 * Returns: 0 and *out set, owned by the caller; -E2BIG beyond CW_IDENTITY_NAMES_MAX; -ENOMEM; -EINVAL when it cannot be read.
 */
int cw_identity_create(struct cw_identity **out, struct x509_st *certificate);

/* Free it; NULL is fine. */
void cw_identity_destroy(struct cw_identity *identity);

/*
 * Whether the certificate carries `name` (a host or domain, caseless, a trailing dot ignored). `wildcards`: a whole left-most label * matches one label
 * (RFC 5922 forbids it for SIP; an administrator may allow it).
 */
bool cw_identity_has_name(const struct cw_identity *identity, struct cw_str name, bool wildcards);

/*
 * Whether the certificate carries the XMPP domain `domain` (RFC 6120, 13.7.1.2; A-labels, caseless, a trailing dot ignored): as dNSName or as SRVName of _xmpp-server, in both of
 * which a whole left-most label * matches one label, or as XmppAddr. Never as common name; and never with has_bad_name.
 */
bool cw_identity_has_xmpp_domain(const struct cw_identity *identity, struct cw_str domain);

/* Whether both certificates are the same one. */
bool cw_identity_eq(const struct cw_identity *a, const struct cw_identity *b);

#endif
