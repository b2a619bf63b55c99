#include "sip/policy.h"

bool cw_policy_admits(const struct cw_sip_policy *policy, const struct cw_identity *identity,
	const struct cw_access_rule **decided_by)
{
	if (decided_by)
		*decided_by = NULL;
	for (size_t i = 0; i < policy->n_access; i++) {
		const struct cw_access_rule *rule = &policy->access[i];

		for (size_t j = 0; identity && j < identity->n_names; j++) {
			enum cw_match match =
				cw_pattern_match(rule->pattern, identity->names[j].name);

			if (match == CW_MATCH_NO)
				continue;
			if (decided_by)
				*decided_by = rule;
			return match == CW_MATCH_YES && rule->allow;
		}
	}
	return !policy->has_access;
}

static struct cw_str without_dot(struct cw_str name)
{
	if (name.len > 0 && name.p[name.len - 1] == '.')
		name.len--;
	return name;
}

/* Whether `name` is `domain` or lies below it. */
static bool is_within(struct cw_str name, struct cw_str domain)
{
	if (domain.len == 0 || !cw_str_case_ends(name, domain))
		return false;
	return name.len == domain.len || name.p[name.len - domain.len - 1] == '.';
}

bool cw_policy_target_fits(
	const struct cw_sip_policy *policy, struct cw_str domain, struct cw_str target)
{
	target = without_dot(target);
	if (is_within(target, without_dot(domain)))
		return true;
	for (size_t i = 0; i < policy->n_hosting_providers; i++)
		if (cw_str_case_eq(target, without_dot(policy->hosting_providers[i])))
			return true;
	return false;
}

enum cw_sender_verdict cw_policy_sender(const struct cw_sip_policy *policy,
	const struct cw_identity *identity, struct cw_str domain)
{
	domain = without_dot(domain);
	if (!identity || domain.len == 0)
		return CW_SENDER_REFUSED;
	if (cw_identity_has_name(identity, domain, false))
		return CW_SENDER_OK;
	for (size_t i = 0; i < policy->n_partners; i++)
		if (cw_str_case_eq(without_dot(policy->partners[i].domain), domain) &&
			cw_identity_has_name(identity, policy->partners[i].certificate, false))
			return CW_SENDER_OK;
	return CW_SENDER_LOOKUP;
}

bool cw_policy_sender_by_srv(const struct cw_sip_policy *policy, const struct cw_identity *identity,
	struct cw_str domain, const struct cw_dns_answer *answer, const char **why)
{
	bool fits = false;

	switch (answer->status) {
	case CW_DNS_OK:
		break;
	case CW_DNS_NO_NAME:
	case CW_DNS_NO_DATA:
	case CW_DNS_NO_SERVICE:
		*why = "it publishes no federation record";
		return false;
	case CW_DNS_SERVFAIL:
	case CW_DNS_TIMEOUT:
	case CW_DNS_BAD_NAME:
		*why = "its federation record cannot be looked up";
		return false;
	}
	for (size_t i = 0; i < answer->n_srv; i++) {
		if (!cw_policy_target_fits(policy, domain, answer->srv[i].target))
			continue;
		fits = true;
		if (cw_identity_has_name(identity, answer->srv[i].target, false))
			return true;
	}
	*why = fits ? "the certificate does not name the target of its federation record"
		    : "its federation record leads outside its namespace";
	return false;
}
