/*
 * The judgement on a peer's certificate chain, for certs/context: what OpenSSL checks by itself, softened for CAs without a CRL and
 * sharpened by the use of the certificate.
 */
#ifndef CW_CERTS_VERIFY_H
#define CW_CERTS_VERIFY_H

#include "certs/context.h"

#include <openssl/ssl.h>

/*
 * Make every session of `ctx` require and judge the peer's certificate, unless cw_verify_demand asks for less.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_verify_install(SSL_CTX *ctx, enum cw_crl_missing crl_missing);

/* Say what a session demands, before its handshake. */
void cw_verify_demand(SSL *ssl, enum cw_tls_demand demand);

#endif
