/* Loading of `tls` blocks, and the sessions made from them. */
#include "certs/context.h"

#include "certs/identity.h"
#include "certs/verify.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define WARN_BEFORE_S (30 * 86400)

/*
 * Forward secrecy only. The CBC suites stand last, for Windows Server 2012 R2: with an RSA certificate it has no ECDHE suite with GCM.
 */
#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES"

/* What belongs to one block; owned by its SSL_CTX. */
struct block {
	struct cw_identity *identity;
	char *file; /* the certificate's path */
	bool tls13_only;
};

/*
 * All blocks of one load; owned by the SSL_CTX of the first, which every incoming session begins with and refers to until its end. So a
 * handshake outlives cw_tls_destroy. It holds a reference to each SSL_CTX but that first one.
 */
struct snapshot {
	size_t n;
	SSL_CTX *contexts[];
};

struct cw_tls {
	SSL_CTX *front; /* the first block's */
};

/* Where the loading of one block is. */
struct loading {
	const struct cw_tls_settings *settings;
	struct cw_diag *diag;
	SSL_CTX *ctx;
	struct block *block;
};

static int block_index = -1, snapshot_index = -1; /* of an SSL_CTX */

static void free_block(
	void *parent, void *pointer, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
	struct block *block = pointer;

	(void)parent;
	(void)ad;
	(void)index;
	(void)argl;
	(void)argp;
	if (!block)
		return;
	cw_identity_destroy(block->identity);
	free(block->file);
	free(block);
}

static void free_snapshot(
	void *parent, void *pointer, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
	struct snapshot *s = pointer;

	(void)parent;
	(void)ad;
	(void)index;
	(void)argl;
	(void)argp;
	if (!s)
		return;
	for (size_t i = 1; i < s->n; i++)
		SSL_CTX_free(s->contexts[i]);
	free(s);
}

static struct block *block_of(const SSL_CTX *ctx)
{
	return SSL_CTX_get_ex_data(ctx, block_index);
}

static const struct snapshot *snapshot_of(const struct cw_tls *tls)
{
	return SSL_CTX_get_ex_data(tls->front, snapshot_index);
}

/* Certificates and CRLs are read by the PEM routines, keys by a decoder. */
static bool is_not_pem(unsigned long error)
{
	return (ERR_GET_LIB(error) == ERR_LIB_PEM &&
		       ERR_GET_REASON(error) == PEM_R_NO_START_LINE) ||
	       (ERR_GET_LIB(error) == ERR_LIB_OSSL_DECODER &&
		       ERR_GET_REASON(error) == ERR_R_UNSUPPORTED);
}

/* Report a problem of `file`: `what`, or OpenSSL's first and nearest reason where that is NULL. */
static int complain(const struct loading *l, const struct cw_tls_file *file, const char *what)
{
	unsigned long error = ERR_peek_error();

	if (!what && is_not_pem(error))
		what = "holds no PEM text of the expected kind";
	if (!what)
		what = ERR_reason_error_string(error);
	ERR_clear_error();
	cw_diag_add(l->diag, CW_SEVERITY_ERROR, &file->place, "%s: %s", file->path,
		what ? what : "OpenSSL cannot read it");
	return -EINVAL;
}

/* Whether `file` can be opened; else the cause is reported, better than OpenSSL would. */
static bool is_readable(const struct loading *l, const struct cw_tls_file *file)
{
	FILE *f = fopen(file->path, "re");

	if (!f) {
		complain(l, file, strerror(errno));
		return false;
	}
	fclose(f);
	return true;
}

/* Report a certificate of ours that is out of its time, or will soon be. */
static int check_time(const struct loading *l, X509 *certificate)
{
	const struct cw_tls_file *file = &l->settings->certificate;
	time_t soon = time(NULL) + WARN_BEFORE_S;
	int days = 0, seconds = 0;

	if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
		return complain(l, file, "the certificate is not valid yet");
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		return complain(l, file, "the certificate has expired");
	if (X509_cmp_time(X509_get0_notAfter(certificate), &soon) < 0 &&
		ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1)
		cw_diag_add(l->diag, CW_SEVERITY_WARNING, &file->place,
			"%s: the certificate expires in %d days", file->path, days);
	return 0;
}

/* Peers that take a chain as it is sent (RFC 5246, 7.4.2) cannot follow one that is out of order, or that lacks a link. */
static void check_order(const struct loading *l, X509 *leaf, const STACK_OF(X509) * chain)
{
	const struct cw_tls_file *file = &l->settings->certificate;
	X509 *subject = leaf;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *issuer = sk_X509_value(chain, i);

		if (X509_check_issued(issuer, subject) != X509_V_OK)
			cw_diag_add(l->diag, CW_SEVERITY_WARNING, &file->place,
				"%s: certificate %d in it is not the issuer of the one before; "
				"expected the leaf first, then each one's issuer",
				file->path, i + 2);
		subject = issuer;
	}
}

static int load_certificate(const struct loading *l)
{
	const struct cw_tls_file *file = &l->settings->certificate;
	STACK_OF(X509) *chain = NULL;
	X509 *leaf;
	int r;

	if (!is_readable(l, file))
		return -EINVAL;
	if (SSL_CTX_use_certificate_chain_file(l->ctx, file->path) != 1)
		return complain(l, file, NULL);
	leaf = SSL_CTX_get0_certificate(l->ctx);
	r = check_time(l, leaf);
	SSL_CTX_get0_chain_certs(l->ctx, &chain);
	for (int i = 0; r == 0 && i < sk_X509_num(chain); i++)
		r = check_time(l, sk_X509_value(chain, i));
	if (r)
		return r;
	check_order(l, leaf, chain);
	r = cw_identity_create(&l->block->identity, leaf);
	return r == 0 || r == -ENOMEM ? r : complain(l, file, "its names cannot be read");
}

/* A daemon cannot type a passphrase; without this OpenSSL would ask the terminal for one. */
static int refuse_passphrase(char *out, int room, int writing, void *arg)
{
	bool *was_asked = arg;

	(void)out;
	(void)room;
	(void)writing;
	*was_asked = true;
	return -1;
}

static int load_key(const struct loading *l)
{
	const struct cw_tls_file *file = &l->settings->key;
	bool has_certificate = SSL_CTX_get0_certificate(l->ctx) != NULL;
	bool was_asked = false;
	struct stat st;
	int loaded;

	if (!is_readable(l, file))
		return -EINVAL;
	if (stat(file->path, &st) == 0 && (st.st_mode & S_IROTH) != 0)
		cw_diag_add(l->diag, CW_SEVERITY_WARNING, &file->place,
			"%s: everybody on this machine can read this private key", file->path);
	SSL_CTX_set_default_passwd_cb(l->ctx, refuse_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(l->ctx, &was_asked);
	loaded = SSL_CTX_use_PrivateKey_file(l->ctx, file->path, SSL_FILETYPE_PEM);
	SSL_CTX_set_default_passwd_cb_userdata(l->ctx, NULL);
	if (was_asked)
		return complain(
			l, file, "the key is encrypted; a daemon needs it without passphrase");
	if (loaded != 1 && ERR_GET_REASON(ERR_peek_error()) != X509_R_KEY_VALUES_MISMATCH)
		return complain(l, file, NULL);
	/* A key of another kind than the certificate's loads without complaint, beside it. */
	if (has_certificate && (loaded != 1 || SSL_CTX_check_private_key(l->ctx) != 1))
		return complain(l, file, "the key does not belong to the certificate");
	return 0;
}

enum kind {
	CERTIFICATES,
	CRLS
};

/* Add what a PEM file holds to what is trusted or revoked; how many that were (0: none, and OpenSSL's queue says why). */
static int add_file(X509_LOOKUP *lookup, const char *file, enum kind kind)
{
	return kind == CRLS ? X509_load_crl_file(lookup, file, X509_FILETYPE_PEM)
			    : X509_load_cert_file(lookup, file, X509_FILETYPE_PEM);
}

/* The same for all files of a folder; what is no PEM file of that kind is passed over. */
static int add_folder(X509_LOOKUP *lookup, const char *folder, enum kind kind)
{
	char path[PATH_MAX];
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct stat st;
	int n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);

		if (len < (int)sizeof(path) && stat(path, &st) == 0 && S_ISREG(st.st_mode))
			n += add_file(lookup, path, kind) > 0;
		ERR_clear_error();
	}
	closedir(dir);
	return n;
}

static int load_store(const struct loading *l, const struct cw_tls_file *file, enum kind kind)
{
	X509_STORE *store = SSL_CTX_get_cert_store(l->ctx);
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	struct stat st;

	if (!lookup)
		return -ENOMEM;
	if (!is_readable(l, file))
		return -EINVAL;
	if (stat(file->path, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (add_folder(lookup, file->path, kind) > 0)
			return 0;
		return complain(l, file,
			kind == CRLS ? "no file in this folder holds a CRL"
				     : "no file in this folder holds a certificate");
	}
	return add_file(lookup, file->path, kind) > 0 ? 0 : complain(l, file, NULL);
}

static void warn_of_old_crls(const struct loading *l)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(l->ctx));

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
		const ASN1_TIME *next = crl ? X509_CRL_get0_nextUpdate(crl) : NULL;

		if (next && X509_cmp_current_time(next) < 0)
			cw_diag_add(l->diag, CW_SEVERITY_WARNING, &l->settings->crl.place,
				"%s: a CRL in it is out of date", l->settings->crl.path);
	}
}

static int load_crl(const struct loading *l)
{
	int r;

	if (!l->settings->crl.path)
		return 0;
	r = load_store(l, &l->settings->crl, CRLS);
	if (r)
		return r;
	warn_of_old_crls(l);
	/* On the store: a session that SNI moves to another block then judges by that block's rules. */
	X509_STORE_set_flags(
		SSL_CTX_get_cert_store(l->ctx), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return 0;
}

/*
 * No session is ever resumed on the accepting side: neither tickets nor a cache. A resumed session would skip the judgement on the
 * peer's certificate, so one that was revoked, or whose CA left `trust` at a reload, would still get in. SIP connections live
 * long; a full handshake each costs nothing that counts. On the dialling side no session is kept.
 */
static void set_policy(SSL_CTX *ctx)
{
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(ctx, TLS12_CIPHERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	/* A bare FIN is then an EOF; SIP's framing notices a message cut short. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	/*
	 * Never SSL_MODE_ENABLE_PARTIAL_WRITE: with libevent a peer that negotiated small fragments receives corrupted data.
	 * read_ahead saves a read() a record. What waits inside SSL is not seen by epoll: net/connection reads on.
	 */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	/* No SSL_CTX_set_client_CA_list: Windows sends no certificate at all when the list is too long to fit. */
}

static int load_block(const struct loading *l)
{
	int r = load_certificate(l), r2;

	/* All of them, so that one run reports all that is wrong. */
	r2 = load_key(l);
	r = r ? r : r2;
	r2 = load_store(l, &l->settings->trust, CERTIFICATES);
	r = r ? r : r2;
	r2 = load_crl(l);
	r = r ? r : r2;
	if (l->settings->tls13_only)
		SSL_CTX_set_min_proto_version(l->ctx, TLS1_3_VERSION);
	return r;
}

/* Make the SSL_CTX of one block. */
static int create_context(
	SSL_CTX **out, const struct cw_tls_settings *settings, struct cw_diag *diag)
{
	struct loading l = {.settings = settings, .diag = diag, .ctx = SSL_CTX_new(TLS_method())};
	int r = -ENOMEM;

	if (!l.ctx)
		return r;
	l.block = calloc(1, sizeof(*l.block));
	if (!l.block || SSL_CTX_set_ex_data(l.ctx, block_index, l.block) != 1) {
		free(l.block);
		goto fail;
	}
	l.block->tls13_only = settings->tls13_only;
	l.block->file = cw_str_dup(cw_str_of(settings->certificate.path));
	if (!l.block->file)
		goto fail;
	set_policy(l.ctx);
	r = cw_verify_install(l.ctx, settings->crl_missing);
	if (!r)
		r = load_block(&l);
	if (r)
		goto fail;
	*out = l.ctx;
	return 0;

fail:
	SSL_CTX_free(l.ctx);
	return r;
}

/* How well a certificate of ours suits `name`: exactly better than by a wildcard, and with XMPP only as a last resort by its common name. 0: not at all. */
static unsigned suitability(
	const struct cw_identity *identity, struct cw_str name, enum cw_tls_demand demand)
{
	bool is_exact = cw_identity_has_name(identity, name, false);

	if (demand == CW_TLS_ANY_PEER && cw_identity_has_xmpp_domain(identity, name))
		return is_exact ? 4 : 3;
	if (is_exact)
		return 2;
	return cw_identity_has_name(identity, name, true) ? 1 : 0;
}

/* The block whose certificate suits `name` best, the first of equals; NULL when none does. */
static SSL_CTX *find_block(const struct snapshot *s, struct cw_str name, enum cw_tls_demand demand)
{
	SSL_CTX *best = NULL;
	unsigned best_suitability = 0;

	for (size_t i = 0; i < s->n; i++) {
		unsigned n = suitability(block_of(s->contexts[i])->identity, name, demand);

		if (n > best_suitability) {
			best = s->contexts[i];
			best_suitability = n;
		}
	}
	return best;
}

/* Called for every hello that came in, with or without SNI. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	const struct snapshot *s = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *ctx = name ? find_block(s, cw_str_of(name), cw_tls_demand_of(ssl)) : NULL;

	if (ctx && !SSL_set_SSL_CTX(ssl, ctx))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	/* The version was agreed on before the name was read. */
	if (block_of(SSL_get_SSL_CTX(ssl))->tls13_only && SSL_version(ssl) < TLS1_3_VERSION) {
		*alert = SSL_AD_PROTOCOL_VERSION;
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	return ctx ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static int register_indexes(void)
{
	if (block_index < 0)
		block_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_block);
	if (snapshot_index < 0)
		snapshot_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_snapshot);
	return block_index < 0 || snapshot_index < 0 ? -ENOMEM : 0;
}

/* Fill the snapshot; all blocks are read, also behind one that is wrong. */
static int load_all(struct snapshot *s, const struct cw_tls_settings *blocks, size_t n_blocks,
	struct cw_diag *diag)
{
	int result = 0;

	for (size_t i = 0; i < n_blocks; i++) {
		int r = create_context(&s->contexts[s->n], &blocks[i], diag);

		if (r == 0)
			s->n++;
		else if (result != -ENOMEM)
			result = r;
	}
	return result;
}

int cw_tls_create(struct cw_tls **out, const struct cw_tls_settings *blocks, size_t n_blocks,
	struct cw_diag *diag)
{
	struct cw_tls *tls = calloc(1, sizeof(*tls));
	struct snapshot *s = calloc(1, sizeof(*s) + n_blocks * sizeof(s->contexts[0]));
	int r = register_indexes();

	assert(n_blocks > 0);
	if (!tls || !s)
		r = -ENOMEM;
	if (!r)
		r = load_all(s, blocks, n_blocks, diag);
	if (!r && SSL_CTX_set_ex_data(s->contexts[0], snapshot_index, s) != 1)
		r = -ENOMEM;
	if (r)
		goto fail;
	tls->front = s->contexts[0];
	SSL_CTX_set_tlsext_servername_callback(tls->front, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(tls->front, s);
	*out = tls;
	return 0;

fail:
	for (size_t i = 0; s && i < s->n; i++)
		SSL_CTX_free(s->contexts[i]);
	free(s);
	free(tls);
	return r;
}

void cw_tls_destroy(struct cw_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->front);
	free(tls);
}

struct ssl_st *cw_tls_accept(
	struct cw_tls *tls, struct cw_str default_name, enum cw_tls_demand demand)
{
	const struct snapshot *s = snapshot_of(tls);
	SSL_CTX *ctx = find_block(s, default_name, demand);
	SSL *ssl = SSL_new(tls->front); /* whose snapshot it holds until its end */

	if (!ssl)
		return NULL;
	cw_verify_demand(ssl, demand);
	/* The least that any block admits; on_server_name asks for more where the chosen block does. */
	for (size_t i = 0; i < s->n; i++) {
		if (!block_of(s->contexts[i])->tls13_only)
			SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
	}
	if (ctx && !SSL_set_SSL_CTX(ssl, ctx)) {
		ERR_clear_error();
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

static bool is_literal_address(const char *host)
{
	struct in6_addr bytes;

	return inet_pton(AF_INET, host, &bytes) == 1 || inet_pton(AF_INET6, host, &bytes) == 1;
}

struct ssl_st *cw_tls_dial(struct cw_tls *tls, struct cw_str local_name, struct cw_str server_name,
	enum cw_tls_demand demand)
{
	SSL_CTX *ctx = find_block(snapshot_of(tls), local_name, demand);
	SSL *ssl = SSL_new(ctx ? ctx : tls->front);
	char *host;

	if (!ssl)
		return NULL;
	cw_verify_demand(ssl, demand);
	if (server_name.len == 0)
		return ssl;
	host = cw_str_dup(server_name);
	if (host && !is_literal_address(host) && SSL_set_tlsext_host_name(ssl, host) != 1) {
		/* Longer than a host name can be: there is nothing to ask for by that name. */
		ERR_clear_error();
	}
	if (!host) {
		SSL_free(ssl);
		ssl = NULL;
	}
	free(host);
	return ssl;
}

bool cw_tls_has_certificate_for(const struct cw_tls *tls, struct cw_str name)
{
	const struct snapshot *s = snapshot_of(tls);

	for (size_t i = 0; i < s->n; i++) {
		if (cw_identity_has_xmpp_domain(block_of(s->contexts[i])->identity, name))
			return true;
	}
	return false;
}

bool cw_tls_has_dns_name(const struct cw_tls *tls, struct cw_str name)
{
	const struct snapshot *s = snapshot_of(tls);

	for (size_t i = 0; i < s->n; i++) {
		if (cw_identity_has_name(block_of(s->contexts[i])->identity, name, true))
			return true;
	}
	return false;
}

void cw_tls_describe(const struct cw_tls *tls,
	void (*each)(void *arg, const char *file, const char *fingerprint, int64_t not_after),
	void *arg)
{
	const struct snapshot *s = snapshot_of(tls);

	for (size_t i = 0; i < s->n; i++) {
		const struct block *b = block_of(s->contexts[i]);

		each(arg, b->file, b->identity->fingerprint, b->identity->not_after);
	}
}
