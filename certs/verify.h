/*
 * The judgement on a peer's certificate chain, for certs/context: what OpenSSL checks by itself, softened for CAs without a CRL and
 * sharpened by the use of the certificate.
 */
#ifndef CW_CERTS_VERIFY_H
#define CW_CERTS_VERIFY_H

#include "certs/context.h"

#include <openssl/ssl.h>

/*
 * Make every session of `ctx` require and judge the peer's certificate.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_verify_install(SSL_CTX *ctx, enum cw_crl_missing crl_missing);

#endif
