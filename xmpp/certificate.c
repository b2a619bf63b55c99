#include "xmpp/certificate.h"

#include <stdio.h>

static bool names_domain(
	const struct cw_xmpp_terms *terms, const struct cw_identity *identity, struct cw_str domain)
{
	for (size_t i = 0; i < terms->n_certificate_names; i++)
		if (cw_identity_has_xmpp_domain(identity, terms->certificate_names[i]))
			return true;
	return terms->n_certificate_names == 0 && cw_identity_has_xmpp_domain(identity, domain);
}

/* certs/verify's words, in a sentence. */
static const char *describe(const char *problem)
{
	static const char *const sentences[][2] = {
		{"crl-expired", "cannot be checked: the CRL of its CA is out of date"},
		{"crl-missing", "cannot be checked: there is no CRL of its CA"},
		{"expired", "has expired"},
		{"not-yet-valid", "is not valid yet"},
		{"purpose", "is not made for TLS"},
		{"revoked", "is revoked"},
		{"untrusted", "is not trusted"},
		{"weak", "is too weak"},
	};

	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++)
		if (strcmp(sentences[i][0], problem) == 0)
			return sentences[i][1];
	return "is not in order";
}

const char *cw_xmpp_certificate_refusal(const struct cw_xmpp_terms *terms,
	const struct cw_xmpp_security_facts *facts, struct cw_str domain,
	char room[static CW_XMPP_REFUSAL_MAX])
{
	struct cw_str name = terms->n_certificate_names > 0 ? terms->certificate_names[0] : domain;

	if (!facts->is_secure || terms->certificates == CW_XMPP_ANY)
		return NULL;
	if (!facts->identity)
		return "it shows no certificate";
	if (terms->certificates == CW_XMPP_TRUSTED && facts->problem) {
		snprintf(room, CW_XMPP_REFUSAL_MAX, "its certificate %s", describe(facts->problem));
		return room;
	}
	if (names_domain(terms, facts->identity, domain))
		return NULL;
	snprintf(room, CW_XMPP_REFUSAL_MAX, "its certificate does not name %" CW_STR_FMT,
		CW_STR_ARG(name));
	return room;
}

bool cw_xmpp_certificate_proves(const struct cw_xmpp_terms *terms,
	const struct cw_xmpp_security_facts *facts, struct cw_str domain)
{
	return facts->is_secure && facts->identity && !facts->problem &&
	       names_domain(terms, facts->identity, domain);
}
