/*
 * The TLS side of the configuration: certificates, keys, trust, CRLs, as one snapshot that connections are made from.
 *
 * A reload builds a new snapshot, swaps it whole, and keeps the old one while its connections live (OpenSSL counts references). Both
 * directions verify the peer's chain: validity, trust, revocation, RSA of 2,048 bits, no SHA-1 (security level 2), and that the
 * certificate is meant for TLS server or client use or states no use. Whether a problem ends the handshake is for the protocol above to demand.
 * The name is checked afterwards, by whoever knows which is wanted.
 */
#ifndef CW_CERTS_CONTEXT_H
#define CW_CERTS_CONTEXT_H

#include "core/diag.h"
#include "core/str.h"

struct ssl_st; /* OpenSSL's SSL */

enum cw_crl_missing {
	CW_CRL_SOFT,
	CW_CRL_FAIL
};

/* A file, or for trust and revocation lists a folder, and where the configuration names it. */
struct cw_tls_file {
	const char *path; /* NUL-terminated and resolved */
	struct cw_place place;
};

/* One `tls` block. */
struct cw_tls_settings {
	struct cw_tls_file certificate, key, trust;
	struct cw_tls_file crl; /* `path` NULL: no revocation check */
	enum cw_crl_missing crl_missing;
	bool tls13_only; /* minimum tls1.3 */
	struct cw_place place;
};

struct cw_tls;

/* What a session demands of the peer's certificate. */
enum cw_tls_demand {
	CW_TLS_VERIFIED, /* the handshake fails unless the peer shows one whose chain verifies */
	CW_TLS_ANY_PEER, /* it goes through whatever the peer shows, or shows none (XMPP: policy and dialback decide); cw_tls_verify_problem says what is wrong */
};

/*
 * Load all blocks, the first being the default. Each problem is an error in `diag`, at the place of the file, that names file and cause (missing, not PEM, key does
 * not fit, expired ...); an expiry within 30 days is a warning.
 *
 * Returns: 0 and *out set, owned by the caller; -EINVAL with the reasons in `diag`; -ENOMEM.
 */
int cw_tls_create(struct cw_tls **out, const struct cw_tls_settings *blocks, size_t n_blocks,
	struct cw_diag *diag);

/* Free it; live connections keep what they use. NULL is fine. */
void cw_tls_destroy(struct cw_tls *tls);

/*
 * A TLS session for a connection that came in. The certificate that we show is chosen by SNI; without SNI, or where no certificate of ours has that name, by `default_name`;
 * else it is the first block's.
 *
 * Returns: the session, owned by the caller; NULL when memory is short.
 */
struct ssl_st *cw_tls_accept(
	struct cw_tls *tls, struct cw_str default_name, enum cw_tls_demand demand);

/*
 * A TLS session for a connection that we dial: shows the block whose certificate names `local_name`, else the first, and sends `server_name` as SNI (unless it is an address).
 *
 * Returns: the session, owned by the caller; NULL when memory is short.
 */
struct ssl_st *cw_tls_dial(struct cw_tls *tls, struct cw_str local_name, struct cw_str server_name,
	enum cw_tls_demand demand);

/* What the session demands. */
enum cw_tls_demand cw_tls_demand_of(const struct ssl_st *ssl);

/* Whether one of our certificates names the XMPP domain `name` (cw_identity_has_xmpp_domain): then it may prove that we are it (SASL EXTERNAL). */
bool cw_tls_has_certificate_for(const struct cw_tls *tls, struct cw_str name);

/* Whether one of our certificates names it as dNSName, which every peer reads. */
bool cw_tls_has_dns_name(const struct cw_tls *tls, struct cw_str name);

/*
 * What the handshake found wrong with the peer's certificate, the first problem where there are many: one of "no-certificate", "expired", "not-yet-valid", "revoked", "untrusted" (another CA, or self-signed),
 * "crl-missing", "crl-expired", "weak" (short key or SHA-1), "purpose", "invalid"; NULL when nothing was. `error` is OpenSSL's error code of a handshake that failed; 0: it went through.
 */
const char *cw_tls_verify_problem(const struct ssl_st *ssl, unsigned long error);

/* The subject of the certificate that was refused, as in struct cw_identity; NULL when none was. Borrowed from the session. */
const char *cw_tls_refused_subject(const struct ssl_st *ssl);

/* One line about each block's certificate for the log after a load: calls `each` with the file, the SHA-256 fingerprint (hex) and the end of validity (seconds since 1970). */
void cw_tls_describe(const struct cw_tls *tls,
	void (*each)(void *arg, const char *file, const char *fingerprint, int64_t not_after),
	void *arg);

#endif
