/* The loading of `tls` blocks: what is wrong with the files of an administrator, and how it is told. */
#include "certs/context.h"

#include "tests/support_c/pki.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

static struct pki pki;

static void begin_pki(void)
{
	pki_begin(&pki);
	pki_issue(&pki, &(struct pki_spec){.file = "ca", .is_ca = true});
	pki_issue(&pki, &(struct pki_spec){.file = "one", .issuer = "ca"});
	pki_issue(&pki, &(struct pki_spec){.file = "two", .issuer = "ca"});
	pki_issue(&pki, &(struct pki_spec){.file = "rsa", .issuer = "ca", .rsa_bits = 2048});
	pki_issue(&pki, &(struct pki_spec){.file = "short", .issuer = "ca", .rsa_bits = 1024});
	pki_issue(&pki,
		&(struct pki_spec){.file = "soon", .issuer = "ca", .ends_s = 86400 * 10 + 3600});
	pki_issue(&pki,
		&(struct pki_spec){
			.file = "expired", .issuer = "ca", .begins_s = -7200, .ends_s = -3600});
	pki_issue(&pki, &(struct pki_spec){.file = "future", .issuer = "ca", .begins_s = 3600});
	pki_issue(&pki, &(struct pki_spec){.file = "old-ca",
				.issuer = "ca",
				.is_ca = true,
				.begins_s = -7200,
				.ends_s = -3600});
	pki_issue(&pki,
		&(struct pki_spec){.file = "old-chain", .issuer = "old-ca", .with_chain = true});
	pki_issue(&pki, &(struct pki_spec){.file = "sub-ca", .issuer = "ca", .is_ca = true});
	pki_issue(
		&pki, &(struct pki_spec){.file = "chain", .issuer = "sub-ca", .with_chain = true});
	pki_append(&pki, "chain.pem", "ca.pem");
	pki_issue(&pki, &(struct pki_spec){.file = "gap", .issuer = "sub-ca"});
	pki_append(&pki, "gap.pem", "ca.pem");
	pki_issue(&pki, &(struct pki_spec){.file = "open", .issuer = "ca"});
	ck_assert_int_eq(chmod(pki_path(&pki, "open.key"), 0644), 0);
	pki_revoke(&pki, "ca", "good", "two", 86400);
	pki_revoke(&pki, "ca", "stale", NULL, -3600);
	pki_write(&pki, "empty", "");
	pki_write(&pki, "text", "no PEM here\n");
	pki_write(&pki, "cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
	pki_write(&pki, "locked.key",
		"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
		"DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
		"-----END RSA PRIVATE KEY-----\n");
}

static void end_pki(void)
{
	pki_end(&pki);
}

static const struct load_case {
	const char *certificate, *key, *trust, *crl;
	const char *file, *says; /* the only message; NULL: none */
	enum cw_severity severity;
} load_cases[] = {
	{"one.pem", "one.key", "ca.pem", NULL, NULL, NULL, 0},
	{"rsa.pem", "rsa.key", "ca.pem", NULL, NULL, NULL, 0},
	{"one.pem", "one.key", "ca.pem", "good.crl", NULL, NULL, 0},
	{"one.pem", "one.key", "", NULL, NULL, NULL, 0}, /* the folder itself */
	{"one.pem", "one.key", "", "", "", "a CRL in it is out of date", CW_SEVERITY_WARNING},
	{"none.pem", "one.key", "ca.pem", NULL, "none.pem", "No such file or directory",
		CW_SEVERITY_ERROR},
	{"text", "one.key", "ca.pem", NULL, "text", "holds no PEM text of the expected kind",
		CW_SEVERITY_ERROR},
	{"cut.pem", "one.key", "ca.pem", NULL, "cut.pem", "bad end line", CW_SEVERITY_ERROR},
	{"expired.pem", "expired.key", "ca.pem", NULL, "expired.pem", "the certificate has expired",
		CW_SEVERITY_ERROR},
	{"future.pem", "future.key", "ca.pem", NULL, "future.pem",
		"the certificate is not valid yet", CW_SEVERITY_ERROR},
	{"old-chain.pem", "old-chain.key", "ca.pem", NULL, "old-chain.pem",
		"the certificate has expired", CW_SEVERITY_ERROR},
	{"soon.pem", "soon.key", "ca.pem", NULL, "soon.pem", "the certificate expires in 10 days",
		CW_SEVERITY_WARNING},
	{"chain.pem", "chain.key", "ca.pem", NULL, NULL, NULL, 0},
	{"gap.pem", "gap.key", "ca.pem", NULL, "gap.pem",
		"certificate 2 in it is not the issuer of the one before; expected the leaf first, "
		"then each one's issuer",
		CW_SEVERITY_WARNING},
	{"short.pem", "short.key", "ca.pem", NULL, "short.pem", "ee key too small",
		CW_SEVERITY_ERROR},
	{"one.pem", "none.key", "ca.pem", NULL, "none.key", "No such file or directory",
		CW_SEVERITY_ERROR},
	{"one.pem", "two.key", "ca.pem", NULL, "two.key",
		"the key does not belong to the certificate", CW_SEVERITY_ERROR},
	{"one.pem", "rsa.key", "ca.pem", NULL, "rsa.key",
		"the key does not belong to the certificate", CW_SEVERITY_ERROR},
	{"one.pem", "text", "ca.pem", NULL, "text", "holds no PEM text of the expected kind",
		CW_SEVERITY_ERROR},
	{"one.pem", "locked.key", "ca.pem", NULL, "locked.key",
		"the key is encrypted; a daemon needs it without passphrase", CW_SEVERITY_ERROR},
	{"open.pem", "open.key", "ca.pem", NULL, "open.key",
		"everybody on this machine can read this private key", CW_SEVERITY_WARNING},
	{"one.pem", "one.key", "none", NULL, "none", "No such file or directory",
		CW_SEVERITY_ERROR},
	{"one.pem", "one.key", "empty", NULL, "empty", "holds no PEM text of the expected kind",
		CW_SEVERITY_ERROR},
	{"one.pem", "one.key", "one.key", NULL, "one.key", "holds no PEM text of the expected kind",
		CW_SEVERITY_ERROR},
	{"one.pem", "one.key", "ca.pem", "none.crl", "none.crl", "No such file or directory",
		CW_SEVERITY_ERROR},
	{"one.pem", "one.key", "ca.pem", "ca.pem", "ca.pem",
		"holds no PEM text of the expected kind", CW_SEVERITY_ERROR},
	{"one.pem", "one.key", "ca.pem", "stale.crl", "stale.crl", "a CRL in it is out of date",
		CW_SEVERITY_WARNING},
};

static struct cw_place place_of(unsigned line)
{
	return (struct cw_place){.file = "causeway.conf", .line = line, .column = 1, .width = 3};
}

/* The line of the last setting that names the file of the message: it is the one that is wrong there. */
static unsigned line_of(const struct load_case *c)
{
	const char *const files[] = {c->certificate, c->key, c->trust, c->crl};
	unsigned i = c->crl ? 3 : 2;

	while (strcmp(files[i], c->file) != 0)
		i--;
	return 7 + i;
}

static struct cw_tls_settings settings_of(const struct load_case *c)
{
	return (struct cw_tls_settings){
		.certificate = {pki_path(&pki, c->certificate), place_of(7)},
		.key = {pki_path(&pki, c->key), place_of(8)},
		.trust = {pki_path(&pki, c->trust), place_of(9)},
		.crl = {c->crl ? pki_path(&pki, c->crl) : NULL, place_of(10)},
	};
}

START_TEST(loads_or_says_why_not)
{
	const struct load_case *c = &load_cases[_i];
	struct cw_tls_settings settings = settings_of(c);
	bool is_error = c->says && c->severity == CW_SEVERITY_ERROR;
	struct cw_diag diag = {0};
	struct cw_tls *tls = NULL;
	char wanted[512];

	ck_assert_int_eq(cw_tls_create(&tls, &settings, 1, &diag), is_error ? -EINVAL : 0);
	ck_assert(is_error == (tls == NULL));
	ck_assert_uint_eq(diag.count, c->says ? 1 : 0);
	if (c->says) {
		snprintf(wanted, sizeof(wanted), "%s: %s", pki_path(&pki, c->file), c->says);
		ck_assert_str_eq(diag.entries[0].message, wanted);
		ck_assert_int_eq(diag.entries[0].severity, c->severity);
		ck_assert_uint_eq(diag.entries[0].place.line, line_of(c));
	}
	cw_diag_finish(&diag);
	cw_tls_destroy(tls);
}
END_TEST

/* A second block is read though the first is wrong, and all files of a block though one is. */
START_TEST(reports_all_problems)
{
	struct load_case wrong = {"none.pem", "none.key", "none", "none.crl", NULL, NULL, 0};
	struct cw_tls_settings blocks[] = {
		settings_of(&wrong), settings_of(&load_cases[0]), settings_of(&wrong)};
	struct cw_diag diag = {0};
	struct cw_tls *tls = NULL;

	ck_assert_int_eq(cw_tls_create(&tls, blocks, N_ELEMENTS(blocks), &diag), -EINVAL);
	ck_assert_ptr_null(tls);
	ck_assert_uint_eq(diag.errors, 8);
	cw_diag_finish(&diag);
}
END_TEST

static unsigned described;

static void check_description(
	void *arg, const char *file, const char *fingerprint, int64_t not_after)
{
	const char *files[] = {pki_path(arg, "one.pem"), pki_path(arg, "two.pem")};

	ck_assert_str_eq(file, files[described++]);
	ck_assert_uint_eq(strlen(fingerprint), 64);
	ck_assert_int_gt(not_after, time(NULL) + 89L * 86400);
}

START_TEST(describes_blocks)
{
	struct load_case second = {"two.pem", "two.key", "ca.pem", NULL, NULL, NULL, 0};
	struct cw_tls_settings blocks[] = {settings_of(&load_cases[0]), settings_of(&second)};
	struct cw_diag diag = {0};
	struct cw_tls *tls = NULL;

	ck_assert_int_eq(cw_tls_create(&tls, blocks, N_ELEMENTS(blocks), &diag), 0);
	cw_tls_describe(tls, check_description, &pki);
	ck_assert_uint_eq(described, 2);
	cw_tls_destroy(tls);
	cw_tls_destroy(NULL);
}
END_TEST

START_TEST(survives_short_memory)
{
	struct load_case second = {"two.pem", "two.key", "ca.pem", "good.crl", NULL, NULL, 0};
	struct cw_tls_settings blocks[] = {settings_of(&load_cases[0]), settings_of(&second)};
	struct cw_diag diag = {0};
	struct cw_tls *tls = NULL;
	int r;

	for (unsigned n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_tls_create(&tls, blocks, N_ELEMENTS(blocks), &diag);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(tls);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(diag.count, 0);
	cw_tls_destroy(tls);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("context");
	TCase *tc = tcase_create("context");

	tcase_add_unchecked_fixture(tc, begin_pki, end_pki);
	ADD_ROWS(tc, loads_or_says_why_not, load_cases);
	tcase_add_test(tc, reports_all_problems);
	tcase_add_test(tc, describes_blocks);
	tcase_add_test(tc, survives_short_memory);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
