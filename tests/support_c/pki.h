/*
 * Certificates for tests, made at run time in a folder that is removed at the end: no private key lies in the repository.
 *
 *	struct pki pki;
 *
 *	pki_begin(&pki);
 *	pki_issue(&pki, &(struct pki_spec){.file = "ca", .cn = "Test CA", .is_ca = true});
 *	pki_issue(&pki, &(struct pki_spec){.file = "edge", .issuer = "ca", .dns = "edge.example.com"});
 *	... pki_path(&pki, "edge.pem"), pki_path(&pki, "edge.key") ...
 *	pki_end(&pki);
 *
 * What goes wrong ends the test (Check).
 */
#ifndef TESTS_SUPPORT_C_PKI_H
#define TESTS_SUPPORT_C_PKI_H

#include <stdbool.h>
#include <stddef.h>

#define PKI_PATHS_MAX 64

struct pki {
	char folder[64];
	char *paths[PKI_PATHS_MAX]; /* of the files made, and those asked for */
	size_t n_paths;
	long serial;
};

/* One certificate with its key: FILE.pem and FILE.key. What is zero has the default in brackets. */
struct pki_spec {
	const char *file;
	const char *issuer;    /* another FILE of this folder (self-signed) */
	const char *cn;        /* (`file`) */
	const char *dns;       /* dNSNames, "a.example,b.example" (none) */
	const char *xmpp_addr; /* an XmppAddr beside them (none) */
	const char *usage;     /* extendedKeyUsage as in openssl.cnf, "serverAuth" (none) */
	long begins_s, ends_s; /* from now (an hour ago, in 90 days) */
	int rsa_bits;          /* (EC on P-256) */
	bool is_ca;
	bool is_sha1;    /* sign with it */
	bool with_chain; /* FILE.pem also holds the issuer's file */
};

/* Make an empty folder. */
void pki_begin(struct pki *pki);

/* Remove it with its files. */
void pki_end(struct pki *pki);

/* The path of a file in the folder, existing or not; valid until pki_end. */
const char *pki_path(struct pki *pki, const char *name);

/* Make a certificate. */
void pki_issue(struct pki *pki, const struct pki_spec *spec);

/* Make FILE.crl of `issuer`, listing `revoked` (a FILE; NULL: nothing), current until `ends_s` from now. */
void pki_revoke(
	struct pki *pki, const char *issuer, const char *file, const char *revoked, long ends_s);

/* Write `text` to a file. */
void pki_write(struct pki *pki, const char *name, const char *text);

/* Append the file `from` to the file `to`. */
void pki_append(struct pki *pki, const char *to, const char *from);

#endif
