#include "tests/support_c/pki.h"

#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void pki_begin(struct pki *pki)
{
	*pki = (struct pki){.folder = "/tmp/cw-pki-XXXXXX", .serial = 1};
	ck_assert_ptr_nonnull(mkdtemp(pki->folder));
}

void pki_end(struct pki *pki)
{
	for (size_t i = 0; i < pki->n_paths; i++) {
		unlink(pki->paths[i]);
		free(pki->paths[i]);
	}
	rmdir(pki->folder);
	*pki = (struct pki){0};
}

const char *pki_path(struct pki *pki, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", pki->folder, name);
	for (size_t i = 0; i < pki->n_paths; i++) {
		if (strcmp(pki->paths[i], path) == 0)
			return pki->paths[i];
	}
	ck_assert_uint_lt(pki->n_paths, PKI_PATHS_MAX);
	pki->paths[pki->n_paths] = strdup(path);
	ck_assert_ptr_nonnull(pki->paths[pki->n_paths]);
	return pki->paths[pki->n_paths++];
}

/* The path of FILE with an ending. */
static const char *path_of(struct pki *pki, const char *file, const char *ending)
{
	char name[128];

	snprintf(name, sizeof(name), "%s%s", file, ending);
	return pki_path(pki, name);
}

static FILE *open_file(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	ck_assert_msg(f != NULL, "cannot open %s", path);
	return f;
}

void pki_write(struct pki *pki, const char *name, const char *text)
{
	FILE *f = open_file(pki_path(pki, name), "w");

	ck_assert_int_eq(chmod(pki_path(pki, name), S_IRUSR | S_IWUSR), 0);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

void pki_append(struct pki *pki, const char *to, const char *from)
{
	FILE *in = open_file(pki_path(pki, from), "r");
	FILE *out = open_file(pki_path(pki, to), "a");
	int c;

	while ((c = fgetc(in)) != EOF)
		ck_assert_int_ne(fputc(c, out), EOF);
	fclose(in);
	ck_assert_int_eq(fclose(out), 0);
}

static X509 *read_certificate(struct pki *pki, const char *file)
{
	FILE *f = open_file(path_of(pki, file, ".pem"), "r");
	X509 *x = PEM_read_X509(f, NULL, NULL, NULL);

	fclose(f);
	ck_assert_ptr_nonnull(x);
	return x;
}

static EVP_PKEY *read_key(struct pki *pki, const char *file)
{
	FILE *f = open_file(path_of(pki, file, ".key"), "r");
	EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);

	fclose(f);
	ck_assert_ptr_nonnull(key);
	return key;
}

static void add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, NULL, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ck_assert_msg(extension != NULL, "no extension from %s", value);
	ck_assert_int_eq(X509_add_ext(x, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void add_alt_names(X509 *x, const char *names, const char *xmpp_addr)
{
	static char value[16384], copy[8192];
	char *rest = NULL;

	value[0] = '\0';
	if (xmpp_addr)
		snprintf(value, sizeof(value), "otherName:id-on-xmppAddr;UTF8:%s", xmpp_addr);
	snprintf(copy, sizeof(copy), "%s", names ? names : "");
	for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		size_t len = strlen(value);

		snprintf(value + len, sizeof(value) - len, "%sDNS:%s", len ? "," : "", name);
	}
	add_extension(x, NID_subject_alt_name, value);
}

static void describe(X509 *x, const struct pki_spec *spec)
{
	const char *cn = spec->cn ? spec->cn : spec->file;

	ck_assert_int_eq(X509_set_version(x, 2), 1);
	ck_assert_int_eq(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				 (const unsigned char *)cn, -1, -1, 0),
		1);
	X509_gmtime_adj(X509_getm_notBefore(x), spec->begins_s ? spec->begins_s : -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), spec->ends_s ? spec->ends_s : 90L * 86400);
	add_extension(x, NID_basic_constraints, spec->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (spec->dns || spec->xmpp_addr)
		add_alt_names(x, spec->dns, spec->xmpp_addr);
	if (spec->usage)
		add_extension(x, NID_ext_key_usage, spec->usage);
}

static void write_files(struct pki *pki, const struct pki_spec *spec, X509 *x, EVP_PKEY *key)
{
	const char *key_path = path_of(pki, spec->file, ".key");
	FILE *f = open_file(path_of(pki, spec->file, ".pem"), "w");

	ck_assert_int_eq(PEM_write_X509(f, x), 1);
	ck_assert_int_eq(fclose(f), 0);
	f = open_file(key_path, "w");
	ck_assert_int_eq(chmod(key_path, S_IRUSR | S_IWUSR), 0);
	ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	ck_assert_int_eq(fclose(f), 0);
}

void pki_issue(struct pki *pki, const struct pki_spec *spec)
{
	EVP_PKEY *key =
		spec->rsa_bits ? EVP_RSA_gen((unsigned)spec->rsa_bits) : EVP_EC_gen("P-256");
	X509 *issuer = spec->issuer ? read_certificate(pki, spec->issuer) : NULL;
	EVP_PKEY *issuer_key = spec->issuer ? read_key(pki, spec->issuer) : NULL;
	X509 *x = X509_new();
	char chain[128];

	ck_assert_ptr_nonnull(key);
	ck_assert_ptr_nonnull(x);
	describe(x, spec);
	ASN1_INTEGER_set(X509_get_serialNumber(x), pki->serial++);
	X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
	ck_assert_int_eq(X509_set_pubkey(x, key), 1);
	ck_assert_int_gt(X509_sign(x, issuer_key ? issuer_key : key,
				 spec->is_sha1 ? EVP_sha1() : EVP_sha256()),
		0);
	write_files(pki, spec, x, key);
	if (spec->with_chain) {
		snprintf(chain, sizeof(chain), "%s.pem", spec->issuer);
		pki_append(pki, strrchr(path_of(pki, spec->file, ".pem"), '/') + 1, chain);
	}
	X509_free(x);
	X509_free(issuer);
	EVP_PKEY_free(key);
	EVP_PKEY_free(issuer_key);
}

static void add_revoked(X509_CRL *crl, X509 *x, ASN1_TIME *when)
{
	X509_REVOKED *entry = X509_REVOKED_new();

	ck_assert_ptr_nonnull(entry);
	ck_assert_int_eq(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(x)), 1);
	ck_assert_int_eq(X509_REVOKED_set_revocationDate(entry, when), 1);
	ck_assert_int_eq(X509_CRL_add0_revoked(crl, entry), 1);
	X509_free(x);
}

void pki_revoke(
	struct pki *pki, const char *issuer, const char *file, const char *revoked, long ends_s)
{
	X509 *x = read_certificate(pki, issuer);
	EVP_PKEY *key = read_key(pki, issuer);
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *time = ASN1_TIME_new();
	FILE *f;

	ck_assert_ptr_nonnull(crl);
	ck_assert_ptr_nonnull(time);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(x));
	X509_gmtime_adj(time, -7200);
	X509_CRL_set1_lastUpdate(crl, time);
	if (revoked)
		add_revoked(crl, read_certificate(pki, revoked), time);
	X509_gmtime_adj(time, ends_s);
	X509_CRL_set1_nextUpdate(crl, time);
	ck_assert_int_gt(X509_CRL_sign(crl, key, EVP_sha256()), 0);
	f = open_file(path_of(pki, file, ".crl"), "w");
	ck_assert_int_eq(PEM_write_X509_CRL(f, crl), 1);
	ck_assert_int_eq(fclose(f), 0);
	ASN1_TIME_free(time);
	X509_CRL_free(crl);
	X509_free(x);
	EVP_PKEY_free(key);
}
