/* The names of a certificate: read once, when the handshake is done, then only compared. */
#include "certs/identity.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* Gathers the names: a first walk with `names` NULL counts, a second one fills what was then allocated. */
struct gather {
	struct cw_identity_name *names, *xmpp_names;
	char *text;
	size_t n_names, n_xmpp_names, n_text;
	bool has_alt_name; /* a dNSName or SIP URI stands there, usable or not: the common name is void */
	bool has_bad_name;
};

static struct cw_str without_trailing_dot(struct cw_str name)
{
	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	return name;
}

/* Whether a name may be compared with hosts. A NUL inside would end it early for whoever prints it: "good.example\0.evil.example". */
static bool is_usable(struct cw_str name)
{
	if (name.len == 0 || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] < 0x20 || name.p[i] > 0x7e)
			return false;
	}
	return true;
}

/* Whether a control character stands in a text, which the type of the text (IA5String, UTF8String) would allow. */
static bool has_control(struct cw_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return true;
	}
	return false;
}

static void gather_name(struct gather *g, enum cw_identity_kind kind, struct cw_str name)
{
	bool is_xmpp = kind == CW_IDENTITY_SRV_NAME || kind == CW_IDENTITY_XMPP_ADDR;
	size_t *n = is_xmpp ? &g->n_xmpp_names : &g->n_names;

	name = without_trailing_dot(name);
	if (!is_usable(name))
		return;
	if (g->text) {
		struct cw_identity_name *entry = (is_xmpp ? g->xmpp_names : g->names) + *n;
		char *text = g->text + g->n_text;

		for (size_t i = 0; i < name.len; i++)
			text[i] = cw_char_lower(name.p[i]);
		text[name.len] = '\0';
		entry->kind = kind;
		entry->name = cw_str_make(text, name.len);
	}
	(*n)++;
	g->n_text += name.len + 1;
}

/* RFC 5922, 7.1: sip:HOST with nothing else is an identity of a domain; with a user part it is one of a person. */
static void gather_uri(struct gather *g, struct cw_str uri)
{
	static const struct cw_str scheme = CW_STR("sip:");
	struct cw_str host;

	if (!cw_str_case_starts(uri, scheme))
		return;
	g->has_alt_name = true;
	host = cw_str_from(uri, scheme.len);
	for (size_t i = 0; i < host.len; i++) {
		char c = cw_char_lower(host.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
			return;
	}
	gather_name(g, CW_IDENTITY_SIP_URI, host);
}

static struct cw_str asn1_bytes(const ASN1_STRING *s)
{
	int len = ASN1_STRING_length(s);

	return cw_str_make((const char *)ASN1_STRING_get0_data(s), len > 0 ? (size_t)len : 0);
}

static void gather_other_name(struct gather *g, const OTHERNAME *name)
{
	int nid = OBJ_obj2nid(name->type_id);
	enum cw_identity_kind kind;
	struct cw_str text;

	if (nid == NID_SRVName && name->value->type == V_ASN1_IA5STRING)
		kind = CW_IDENTITY_SRV_NAME;
	else if (nid == NID_XmppAddr && name->value->type == V_ASN1_UTF8STRING)
		kind = CW_IDENTITY_XMPP_ADDR;
	else
		return;
	text = asn1_bytes(name->value->value.asn1_string);
	g->has_bad_name |= has_control(text);
	gather_name(g, kind, text);
}

static void gather_alt_names(struct gather *g, const GENERAL_NAMES *alt_names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(alt_names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(alt_names, i);

		if (name->type == GEN_DNS) {
			g->has_alt_name = true;
			g->has_bad_name |= has_control(asn1_bytes(name->d.dNSName));
			gather_name(g, CW_IDENTITY_DNS, asn1_bytes(name->d.dNSName));
		} else if (name->type == GEN_URI) {
			g->has_bad_name |=
				has_control(asn1_bytes(name->d.uniformResourceIdentifier));
			gather_uri(g, asn1_bytes(name->d.uniformResourceIdentifier));
		} else if (name->type == GEN_OTHERNAME) {
			gather_other_name(g, name->d.otherName);
		}
	}
}

/* The last common name is the most specific one. Beside alternative names it says nothing, but must be clean all the same. */
static int gather_common_name(struct gather *g, X509 *certificate)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	unsigned char *utf8 = NULL;
	struct cw_str text;
	int last = -1;
	int len;

	for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;)
		last = i;
	if (last < 0)
		return 0;
	len = ASN1_STRING_to_UTF8(
		&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
	if (len < 0 && g->has_alt_name)
		ERR_clear_error();
	if (len < 0)
		return g->has_alt_name ? 0 : -EINVAL;
	text = cw_str_make((const char *)utf8, (size_t)len);
	g->has_bad_name |= has_control(text);
	if (!g->has_alt_name)
		gather_name(g, CW_IDENTITY_CN, text);
	OPENSSL_free(utf8);
	return 0;
}

static int gather_all(struct gather *g, X509 *certificate, const GENERAL_NAMES *alt_names)
{
	gather_alt_names(g, alt_names);
	return gather_common_name(g, certificate);
}

static int read_names(struct cw_identity *identity, X509 *certificate)
{
	int critical = 0;
	GENERAL_NAMES *alt_names =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
	struct gather g = {0};
	size_t n, n_names;
	int r;

	if (!alt_names &&
		critical != -1) /* -1: there is none; else it is there twice or is broken */
		return -EINVAL;
	r = gather_all(&g, certificate, alt_names);
	identity->has_bad_name = g.has_bad_name;
	n_names = g.n_names;
	n = n_names + g.n_xmpp_names;
	if (r || n == 0)
		goto out;
	r = -E2BIG;
	if (n > CW_IDENTITY_NAMES_MAX)
		goto out;
	r = -ENOMEM;
	identity->names = malloc(n * sizeof(*identity->names) + g.n_text);
	if (!identity->names)
		goto out;
	identity->xmpp_names = identity->names + n_names;
	g = (struct gather){.names = identity->names,
		.xmpp_names = identity->xmpp_names,
		.text = (char *)(identity->names + n)};
	r = gather_all(&g, certificate, alt_names);
	identity->n_names = g.n_names;
	identity->n_xmpp_names = g.n_xmpp_names;
out:
	GENERAL_NAMES_free(alt_names);
	return r;
}

static struct cw_str first_name(const struct cw_identity *identity)
{
	if (identity->n_names > 0)
		return identity->names[0].name;
	return identity->n_xmpp_names > 0 ? identity->xmpp_names[0].name : cw_str_of("");
}

static int read_subject(struct cw_identity *identity, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;
	int r = -ENOMEM;

	if (!bio)
		return r;
	if (X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) {
		r = -EINVAL;
		goto out;
	}
	len = BIO_get_mem_data(bio, &text);
	/* many carry only alternative names (RFC 5280, 4.1.2.6) */
	identity->subject =
		cw_str_dup(len > 0 ? cw_str_make(text, (size_t)len) : first_name(identity));
	if (identity->subject)
		r = 0;
out:
	BIO_free(bio);
	return r;
}

static int read_fingerprint(struct cw_identity *identity, X509 *certificate)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (X509_digest(certificate, EVP_sha256(), hash, &len) != 1 ||
		len * 2 + 1 != sizeof(identity->fingerprint))
		return -EINVAL;
	for (unsigned i = 0; i < len; i++) {
		identity->fingerprint[2 * i] = hex[hash[i] >> 4];
		identity->fingerprint[2 * i + 1] = hex[hash[i] & 15];
	}
	identity->fingerprint[2 * len] = '\0';
	return 0;
}

static int read_expiry(struct cw_identity *identity, X509 *certificate)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
		return -EINVAL;
	identity->not_after = timegm(&tm);
	return 0;
}

int cw_identity_create(struct cw_identity **out, struct x509_st *certificate)
{
	struct cw_identity *identity = calloc(1, sizeof(*identity));
	int r;

	if (!identity)
		return -ENOMEM;
	r = read_names(identity, certificate);
	if (!r)
		r = read_subject(identity, certificate);
	if (!r)
		r = read_fingerprint(identity, certificate);
	if (!r)
		r = read_expiry(identity, certificate);
	if (r) {
		ERR_clear_error(); /* or it would be read as the failure of the next connection */
		cw_identity_destroy(identity);
		return r;
	}
	*out = identity;
	return 0;
}

void cw_identity_destroy(struct cw_identity *identity)
{
	if (!identity)
		return;
	free(identity->names);
	free(identity->subject);
	free(identity);
}

/* RFC 6125, 6.4.3: a whole left-most label, and not all names of a top-level domain. */
static bool wildcard_covers(struct cw_str pattern, struct cw_str name)
{
	static const struct cw_str star = CW_STR("*.");
	struct cw_str rest;
	size_t dot = cw_str_find(name, '.');

	if (!cw_str_starts(pattern, star))
		return false;
	rest = cw_str_from(pattern, star.len);
	return cw_str_find(rest, '.') < rest.len && dot > 0 && dot < name.len &&
	       cw_str_case_eq(rest, cw_str_from(name, dot + 1));
}

/* Whether a name may be looked for: a peer must not match "*.example.com" by claiming to be just that. */
static bool can_be_wanted(struct cw_str name)
{
	return is_usable(name) && cw_str_find(name, '*') == name.len;
}

bool cw_identity_has_name(const struct cw_identity *identity, struct cw_str name, bool wildcards)
{
	name = without_trailing_dot(name);
	if (!can_be_wanted(name))
		return false;
	for (size_t i = 0; i < identity->n_names; i++) {
		const struct cw_identity_name *entry = &identity->names[i];

		if (cw_str_case_eq(entry->name, name) ||
			(wildcards && entry->kind != CW_IDENTITY_SIP_URI &&
				wildcard_covers(entry->name, name)))
			return true;
	}
	return false;
}

/* A service and the domain that offers it (RFC 6120, 13.7.1.2.1): only that service counts. */
static bool srv_name_covers(struct cw_str srv_name, struct cw_str domain)
{
	static const struct cw_str service = CW_STR("_xmpp-server.");
	struct cw_str offering = cw_str_from(srv_name, service.len);

	return cw_str_case_starts(srv_name, service) &&
	       (cw_str_case_eq(offering, domain) || wildcard_covers(offering, domain));
}

static bool is_of_xmpp_domain(const struct cw_identity_name *entry, struct cw_str domain)
{
	switch (entry->kind) {
	case CW_IDENTITY_DNS:
		return cw_str_case_eq(entry->name, domain) || wildcard_covers(entry->name, domain);
	case CW_IDENTITY_SRV_NAME:
		return srv_name_covers(entry->name, domain);
	case CW_IDENTITY_XMPP_ADDR:
		return cw_str_case_eq(entry->name, domain);
	case CW_IDENTITY_SIP_URI:
	case CW_IDENTITY_CN:
		break;
	}
	return false;
}

bool cw_identity_has_xmpp_domain(const struct cw_identity *identity, struct cw_str domain)
{
	domain = without_trailing_dot(domain);
	if (identity->has_bad_name || !can_be_wanted(domain))
		return false;
	for (size_t i = 0; i < identity->n_names; i++) {
		if (is_of_xmpp_domain(&identity->names[i], domain))
			return true;
	}
	for (size_t i = 0; i < identity->n_xmpp_names; i++) {
		if (is_of_xmpp_domain(&identity->xmpp_names[i], domain))
			return true;
	}
	return false;
}

bool cw_identity_eq(const struct cw_identity *a, const struct cw_identity *b)
{
	return strcmp(a->fingerprint, b->fingerprint) == 0;
}
