/*
 * Who may talk to us from outside, and for whom: access rules of the zone `default`, the sender
 * check, hosting providers and partners.
 *
 * Plain, immutable settings out of the configuration and pure questions about them; whoever asks
 * does the DNS lookup that an answer calls for.
 */
#ifndef CW_SIP_POLICY_H
#define CW_SIP_POLICY_H

#include "certs/identity.h"
#include "core/diag.h"
#include "dialplan/pattern.h"
#include "net/dns.h"

/* One line of `access default { }`. */
struct cw_access_rule {
	bool allow;
	const struct cw_pattern *pattern; /* whole name, caseless; owned by the configuration */
	struct cw_place place;
};

/* `partner DOMAIN { certificate NAME }`: NAME's certificate speaks for DOMAIN. */
struct cw_partner {
	struct cw_str domain, certificate;
};

struct cw_sip_policy {
	bool has_access; /* there is a block: who matches nothing is denied */
	const struct cw_access_rule *access;
	size_t n_access;
	const struct cw_str *hosting_providers;
	size_t n_hosting_providers;
	const struct cw_partner *partners;
	size_t n_partners;
	bool sender_check;
};

/*
 * Whether the access rules of the zone `default` admit the holder of a certificate: the first rule
 * that fits any of its names decides. A regex that exceeds its match limit denies.
 *
 * Returns: the answer; *decided_by (may be NULL) is the rule, or NULL when none fitted.
 */
bool cw_policy_admits(const struct cw_sip_policy *policy, const struct cw_identity *identity,
	const struct cw_access_rule **decided_by);

/*
 * Whether an SRV target may speak for a domain: it is the domain or lies below it, or it is a
 * hosting provider.
 */
bool cw_policy_target_fits(
	const struct cw_sip_policy *policy, struct cw_str domain, struct cw_str target);

enum cw_sender_verdict {
	CW_SENDER_OK,
	CW_SENDER_LOOKUP, /* only the domain's _sipfederationtls record can tell: ask, then cw_policy_sender_by_srv */
	CW_SENDER_REFUSED, /* no certificate, or no domain */
};

/*
 * Whether the holder of a certificate (NULL: none) may send for `domain`, as far as the certificate
 * and the partners tell.
 */
enum cw_sender_verdict cw_policy_sender(const struct cw_sip_policy *policy,
	const struct cw_identity *identity, struct cw_str domain);

/*
 * The same with the answer about _sipfederationtls._tcp.DOMAIN: one of its targets fits the domain
 * and is named in the certificate. *why (static text) says what was missing.
 */
bool cw_policy_sender_by_srv(const struct cw_sip_policy *policy, const struct cw_identity *identity,
	struct cw_str domain, const struct cw_dns_answer *answer, const char **why);

#endif
