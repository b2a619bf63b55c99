/* The verify callback, and OpenSSL's verdicts as the few words that an administrator greps for. */
#include "certs/verify.h"

#include "certs/identity.h"
#include "core/log.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdlib.h>

#define CHAIN_MAX   8   /* CA certificates between the peer's and the trusted one */
#define SUBJECT_MAX 512 /* bytes with NUL of a subject's text */

static const struct verdict {
	int error;
	const char *problem;
} verdicts[] = {
	{X509_V_ERR_CERT_HAS_EXPIRED, "expired"},
	{X509_V_ERR_CERT_NOT_YET_VALID, "not-yet-valid"},
	{X509_V_ERR_CERT_REVOKED, "revoked"},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "untrusted"},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "untrusted"},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "untrusted"},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "untrusted"},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "untrusted"},
	{X509_V_ERR_CERT_UNTRUSTED, "untrusted"},
	{X509_V_ERR_CERT_REJECTED, "untrusted"},
	{X509_V_ERR_CERT_CHAIN_TOO_LONG, "untrusted"},
	{X509_V_ERR_UNABLE_TO_GET_CRL, "crl-missing"},
	{X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, "crl-missing"},
	{X509_V_ERR_CRL_HAS_EXPIRED, "crl-expired"},
	{X509_V_ERR_EE_KEY_TOO_SMALL, "weak"},
	{X509_V_ERR_CA_KEY_TOO_SMALL, "weak"},
	{X509_V_ERR_CA_MD_TOO_WEAK, "weak"},
	{X509_V_ERR_INVALID_PURPOSE, "purpose"},
};

static int subject_index = -1;     /* of an SSL: the subject that was refused, malloc'd */
static int crl_missing_index = -1; /* of an SSL_CTX: an enum cw_crl_missing as a pointer */

static void free_subject(
	void *parent, void *subject, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)index;
	(void)argl;
	(void)argp;
	free(subject);
}

/* The text of a name, as in struct cw_identity. */
static void print_name(const X509_NAME *name, char out[static SUBJECT_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int len = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		len = BIO_read(bio, out, SUBJECT_MAX - 1);
	out[len > 0 ? len : 0] = '\0';
	BIO_free(bio);
}

/*
 * RFC 5922 asks for no particular use, and public CAs stop issuing for client use: a certificate, and each CA above it, is
 * accepted for TLS server or client use, or when it states no use at all.
 */
static bool is_for_tls(X509 *certificate)
{
	uint32_t use = X509_get_extended_key_usage(certificate); /* all ones: none is stated */

	return (use & (XKU_SSL_SERVER | XKU_SSL_CLIENT | XKU_ANYEKU)) != 0;
}

/* A CA without a usable CRL: with crl-missing soft it is reported and accepted. A certificate that an outdated CRL lists stays revoked. */
static bool is_forgiven(const SSL *ssl, int error, X509 *certificate)
{
	void *missing = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), crl_missing_index);
	char issuer[SUBJECT_MAX];

	if (error != X509_V_ERR_UNABLE_TO_GET_CRL && error != X509_V_ERR_CRL_HAS_EXPIRED)
		return false;
	if ((intptr_t)missing != CW_CRL_SOFT || !certificate)
		return false;
	print_name(X509_get_issuer_name(certificate), issuer);
	cw_warn("certs.crl", cw_kz("event", "not-checked"),
		cw_kz("problem",
			error == X509_V_ERR_CRL_HAS_EXPIRED ? "crl-expired" : "crl-missing"),
		cw_kz("ca", issuer));
	return true;
}

/* Remember whose certificate is refused, for the log; one whose names cannot be read has no subject there. */
static void keep_subject(SSL *ssl, X509 *certificate)
{
	struct cw_identity *identity;

	if (cw_identity_create(&identity, certificate) != 0)
		return;
	free(SSL_get_ex_data(ssl, subject_index));
	SSL_set_ex_data(ssl, subject_index, cw_str_dup(cw_str_of(identity->subject)));
	cw_identity_destroy(identity);
}

/* Called once for each problem (ok is 0) and once for each certificate of a chain without one. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);

	if (!ok && is_forgiven(ssl, X509_STORE_CTX_get_error(store), certificate)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (ok && certificate && !is_for_tls(certificate)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
		ok = 0;
	}
	if (ok)
		return 1;
	if (cw_tls_demand_of(ssl) == CW_TLS_VERIFIED)
		keep_subject(ssl, X509_STORE_CTX_get0_cert(store));
	return 0;
}

/*
 * The whole judgement. It ends at the first problem, which stays the verdict of the session; whoever takes any peer goes on with the
 * handshake then. (To go on inside on_verify would let later problems overwrite that verdict.)
 */
static int judge(X509_STORE_CTX *store, void *arg)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	int ok;

	(void)arg;
	ERR_set_mark();
	ok = X509_verify_cert(store) == 1;
	/* the verdict alone is left of it then: it must not look like a good one */
	if (!ok && X509_STORE_CTX_get_error(store) == X509_V_OK)
		X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
	if (ok || cw_tls_demand_of(ssl) == CW_TLS_VERIFIED) {
		ERR_clear_last_mark();
		return ok;
	}
	ERR_pop_to_mark(); /* or it would be read as a failure of the handshake */
	return 1;
}

int cw_verify_install(SSL_CTX *ctx, enum cw_crl_missing crl_missing)
{
	if (subject_index < 0)
		subject_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_subject);
	if (crl_missing_index < 0)
		crl_missing_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (subject_index < 0 || crl_missing_index < 0 ||
		SSL_CTX_set_ex_data(ctx, crl_missing_index, (void *)(intptr_t)crl_missing) != 1)
		return -ENOMEM;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verify);
	SSL_CTX_set_cert_verify_callback(ctx, judge, NULL);
	SSL_CTX_set_verify_depth(ctx, CHAIN_MAX);
	/* Else OpenSSL asks for client use of those who dial, and for server use of those who answer. */
	return SSL_CTX_set_purpose(ctx, X509_PURPOSE_ANY) == 1 ? 0 : -ENOMEM;
}

/* The mode says it all: a side that dials takes no notice of its second half, but keeps it. */
void cw_verify_demand(SSL *ssl, enum cw_tls_demand demand)
{
	if (demand == CW_TLS_ANY_PEER)
		SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verify);
}

enum cw_tls_demand cw_tls_demand_of(const struct ssl_st *ssl)
{
	return SSL_get_verify_mode(ssl) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT ? CW_TLS_VERIFIED
									  : CW_TLS_ANY_PEER;
}

const char *cw_tls_verify_problem(const struct ssl_st *ssl, unsigned long error)
{
	long verdict = SSL_get_verify_result(ssl);

	if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
		ERR_GET_REASON(error) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		return "no-certificate";
	if (error == 0 && !SSL_get0_peer_certificate(ssl) && SSL_is_init_finished(ssl))
		return "no-certificate";
	if (verdict == X509_V_OK)
		return NULL;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (verdicts[i].error == verdict)
			return verdicts[i].problem;
	}
	return "invalid";
}

const char *cw_tls_refused_subject(const struct ssl_st *ssl)
{
	return SSL_get_ex_data(ssl, subject_index);
}
