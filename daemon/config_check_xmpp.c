/* What is allowed in the federation by XMPP, and doubtful. */
#include "daemon/config.h"

#include <stdio.h>

#define PORT_XMPP 5269

/* Names that are held against rules: an answer to a person, not to a file of 100,000 names. */
#define NAMES_TRIED_MAX 1000

/* ---- listeners ---- */

static void check_listeners(const struct cw_config *c, struct cw_diag *diag)
{
	const struct cw_config_listener *first = NULL;
	bool has_usual_port = false, has_any = false;

	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct cw_config_listener *l = &c->listeners[i];

		if (l->kind != CW_LISTEN_XMPP && l->kind != CW_LISTEN_XMPPS)
			continue;
		has_any = true;
		if (!c->xmpp.is_configured)
			cw_diag_add(diag, CW_SEVERITY_WARNING, &l->place,
				"there is no \"xmpp\" block: every stream is refused");
		if (l->kind != CW_LISTEN_XMPP)
			continue;
		first = first ? first : l;
		has_usual_port |= cw_address_port(&l->address) == PORT_XMPP;
	}
	if (!c->xmpp.is_configured)
		return;
	if (!has_any)
		cw_diag_add(diag, CW_SEVERITY_WARNING, &c->xmpp.place,
			"no \"listen xmpp\": no partner can connect");
	if (first && !has_usual_port && cw_address_port(&first->address) != 0)
		cw_diag_add(diag, CW_SEVERITY_WARNING, &first->place,
			"partners expect port %d; another one works only where an SRV record names "
			"it",
			PORT_XMPP);
}

/* ---- names ---- */

static void check_list(const struct cw_config *c, const char *setting,
	const struct cw_str_list *names, struct cw_diag *diag)
{
	for (size_t i = 0; i < names->count; i++)
		if (cw_xmpp_policy_is_local(c->xmpp.policy, names->items[i]))
			cw_diag_add(diag, CW_SEVERITY_WARNING, &c->xmpp.place,
				"%s %" CW_STR_FMT
				": a local domain is no partner; this says nothing",
				setting, CW_STR_ARG(names->items[i]));
}

/* Whether somebody is allowed by a route of a partner's block. */
static bool has_routed_partner(const struct cw_xmpp_block *b)
{
	for (size_t i = 0; i < b->n_partners; i++)
		if (b->partners[i].terms.static_routes && b->partners[i].terms.routes.count)
			return true;
	return false;
}

static void check_names(const struct cw_config *c, struct cw_diag *diag)
{
	const struct cw_xmpp_block *b = &c->xmpp.block;
	const struct cw_place *place = &c->xmpp.place;
	bool has_routes = b->terms.static_routes && b->terms.routes.count;

	if (b->domains.count + b->chat_nodes.count == 0)
		cw_diag_add(diag, CW_SEVERITY_WARNING, place,
			"no \"domain\": nobody of ours federates");
	if (b->privacy == CW_XMPP_ALLOW_LIST && b->allow.count == 0 && !has_routes &&
		!has_routed_partner(b))
		cw_diag_add(diag, CW_SEVERITY_WARNING, place,
			"the allow list is empty: nobody federates until a name stands on it");
	check_list(c, "allow", &b->allow, diag);
	check_list(c, "deny", &b->deny, diag);
	if (b->terms.routes.count && !b->terms.static_routes)
		cw_diag_add(diag, CW_SEVERITY_WARNING, place,
			"its routes are not used: \"static-routes\" is \"no\"");
}

static void check_partner(
	const struct cw_config *c, const struct cw_xmpp_partner *partner, struct cw_diag *diag)
{
	const struct cw_place *place = &c->xmpp.place;
	const char *refusal = cw_xmpp_policy_refusal(c->xmpp.policy, partner->domain);
	bool is_local = cw_xmpp_policy_is_local(c->xmpp.policy, partner->domain);

	if (partner->terms.security == CW_XMPP_NONE && c->xmpp.block.terms.security != CW_XMPP_NONE)
		cw_diag_add(diag, CW_SEVERITY_WARNING, place,
			"partner %" CW_STR_FMT ": \"security none\" lets everything pass in clear",
			CW_STR_ARG(partner->domain));
	if (is_local && partner->terms.routes.count)
		cw_diag_add(diag, CW_SEVERITY_WARNING, place,
			"partner %" CW_STR_FMT ": the routes of a local domain are not used; it is "
			"reached through the zone \"inside\"",
			CW_STR_ARG(partner->domain));
	else if (partner->terms.routes.count && !partner->terms.static_routes)
		cw_diag_add(diag, CW_SEVERITY_WARNING, place,
			"partner %" CW_STR_FMT
			": its routes are not used: \"static-routes\" is \"no\"",
			CW_STR_ARG(partner->domain));
	if (!is_local && refusal)
		cw_diag_add(diag, CW_SEVERITY_WARNING, place,
			"partner %" CW_STR_FMT " may not federate: %s", CW_STR_ARG(partner->domain),
			refusal);
}

/* ---- the own server ---- */

static bool has_address(const struct cw_zone *zone)
{
	struct cw_address address;

	for (size_t i = 0; i < zone->n_peers; i++)
		if (cw_address_make(&address, zone->peers[i].host, 0) == 0)
			return true;
	return false;
}

static void check_inside(const struct cw_config *c, struct cw_diag *diag)
{
	const struct cw_zone *zone = c->xmpp.block.inside;
	const struct cw_xmpp_terms *terms = cw_xmpp_policy_inside_terms(c->xmpp.policy);

	if (!zone)
		cw_diag_add(diag, CW_SEVERITY_WARNING, &c->xmpp.place,
			"no \"inside\": there is no server of ours that stanzas could reach");
	else if (!terms)
		cw_diag_add(diag, CW_SEVERITY_WARNING, &zone->place,
			"the zone \"inside\" has no \"peer\": no stanza reaches our own server");
	else if (!c->has_tls && zone->n_components == 0 && !has_address(zone))
		cw_diag_add(diag, CW_SEVERITY_WARNING, &zone->place,
			"without a \"tls\" block our own server has no certificate to be known by: "
			"give its peers by address");
}

static void check_components(const struct cw_config *c, struct cw_diag *diag)
{
	for (size_t i = 0; i < c->n_zones; i++) {
		const struct cw_zone *zone = c->zones[i];

		for (size_t k = 0; k < zone->n_components; k++) {
			const char *refusal =
				cw_xmpp_policy_refusal(c->xmpp.policy, zone->components[k]);

			if (refusal)
				cw_diag_add(diag, CW_SEVERITY_WARNING, &zone->place,
					"component %" CW_STR_FMT " may not federate: %s",
					CW_STR_ARG(zone->components[k]), refusal);
		}
	}
}

/* ---- both protocols ---- */

/*
 * Whether a rule sends the users of a domain to the world by SIP, and means just them: one that takes
 * any domain says nothing about this one.
 */
static bool is_about(const struct cw_search_rule *rule, struct cw_str user)
{
	static const struct cw_str anybody = CW_STR("user@any.invalid");

	return rule->enabled && rule->target->type == CW_ZONE_DNS &&
	       rule->protocol != CW_RULE_XMPP && rule->mode == CW_RULE_PATTERN &&
	       cw_pattern_match(rule->pattern, user) == CW_MATCH_YES &&
	       cw_pattern_match(rule->pattern, anybody) != CW_MATCH_YES;
}

static void check_both(const struct cw_config *c, struct cw_str name, struct cw_diag *diag)
{
	const struct cw_search_rule *const *rules;
	char user[300];
	size_t n_rules, i;
	int len = snprintf(user, sizeof(user), "user@%" CW_STR_FMT, CW_STR_ARG(name));

	if (len < 0 || (size_t)len >= sizeof(user))
		return;
	rules = cw_ruleset_rules(c->rules, &n_rules);
	for (i = 0; i < n_rules; i++) {
		if (!is_about(rules[i], cw_str_make(user, (size_t)len)))
			continue;
		cw_diag_add(diag, CW_SEVERITY_WARNING, &rules[i]->place,
			"rule \"%s\" sends %" CW_STR_FMT
			" to the world by SIP, and it may federate by XMPP, too: a "
			"domain should do one of both",
			rules[i]->name.p, CW_STR_ARG(name));
		return;
	}
}

/* ---- all of it ---- */

void cw_config_analyse_xmpp(const struct cw_config *c, struct cw_diag *diag)
{
	const struct cw_xmpp_block *b = &c->xmpp.block;
	size_t i;

	check_listeners(c, diag);
	if (!c->xmpp.policy)
		return;
	check_names(c, diag);
	check_inside(c, diag);
	check_components(c, diag);
	if (b->terms.security == CW_XMPP_NONE)
		cw_diag_add(diag, CW_SEVERITY_WARNING, &c->xmpp.place,
			"\"security none\" lets everything pass in clear, and dialback alone says "
			"who "
			"a partner is");
	for (i = 0; i < b->n_partners; i++)
		check_partner(c, &b->partners[i], diag);
	if (b->privacy == CW_XMPP_ALLOW_LIST)
		for (i = 0; i < b->allow.count && i < NAMES_TRIED_MAX; i++)
			check_both(c, b->allow.items[i], diag);
}

static void check_certificate(const struct cw_config *c, const struct cw_tls *tls, const char *what,
	struct cw_str name, struct cw_diag *diag)
{
	if (!cw_tls_has_certificate_for(tls, name))
		cw_diag_add(diag, CW_SEVERITY_WARNING, &c->xmpp.place,
			"%s %" CW_STR_FMT
			": no certificate of a \"tls\" block carries this name; partners that look "
			"refuse it. Put it in as dNSName",
			what, CW_STR_ARG(name));
	else if (!cw_tls_has_dns_name(tls, name))
		cw_diag_add(diag, CW_SEVERITY_WARNING, &c->xmpp.place,
			"%s %" CW_STR_FMT
			": its certificate carries it as SRVName or XmppAddr only, which not every "
			"server reads. Put it in as dNSName",
			what, CW_STR_ARG(name));
}

void cw_config_check_xmpp_certificates(
	const struct cw_config *c, const struct cw_tls *tls, struct cw_diag *diag)
{
	const struct cw_xmpp_block *b = &c->xmpp.block;
	size_t i;

	if (!c->xmpp.is_configured || b->terms.security == CW_XMPP_NONE)
		return;
	for (i = 0; i < b->domains.count; i++)
		check_certificate(c, tls, "domain", b->domains.items[i], diag);
	for (i = 0; i < b->chat_nodes.count; i++)
		check_certificate(c, tls, "chat-node", b->chat_nodes.items[i], diag);
}
