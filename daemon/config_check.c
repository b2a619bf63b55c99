/* What the daemon needs beyond a configuration that can be read, and what is allowed but doubtful. */
#include "certs/keyring.h"
#include "certs/secret_file.h"
#include "core/table.h"
#include "daemon/config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- needed ---- */

/* Where TLS is asked for first; NULL: nowhere. */
static const struct cw_place *needs_tls(const struct cw_config *c)
{
	size_t i;

	for (i = 0; i < c->n_listeners; i++)
		if (c->listeners[i].kind == CW_LISTEN_SIP_TLS)
			return &c->listeners[i].place;
	for (i = 0; i < c->n_listeners; i++)
		if (c->listeners[i].kind == CW_LISTEN_XMPPS)
			return &c->listeners[i].place;
	if (c->xmpp.is_configured && c->xmpp.block.terms.security != CW_XMPP_NONE)
		return &c->xmpp.place;
	for (i = 0; i < c->n_zones; i++)
		if (c->zones[i]->type == CW_ZONE_DNS ||
			(c->zones[i]->type == CW_ZONE_NEIGHBOR &&
				c->zones[i]->transport == CW_ZONE_TLS))
			return &c->zones[i]->place;
	return NULL;
}

/* Where our name is asked for first: every error has a place. */
static struct cw_place needs_hostname(const struct cw_config *c)
{
	if (c->n_listeners > 0)
		return c->listeners[0].place;
	if (c->n_zones > 1)
		return c->zones[1]->place;
	return c->begin;
}

void cw_config_require(const struct cw_config *c, enum cw_severity no_tls, struct cw_diag *diag)
{
	const struct cw_place hostname_place = needs_hostname(c);
	const struct cw_place *tls_place = needs_tls(c);

	if (!c->has_hostname)
		cw_diag_add(diag, CW_SEVERITY_ERROR, &hostname_place,
			"\"hostname\" is missing: the name of this system in Via and Record-Route");
	if (tls_place && !c->has_tls)
		cw_diag_add(diag, no_tls, tls_place,
			"this needs a certificate, and there is no \"tls\" block");
}

/* A file that is absent: whether it could be made. To make it is the daemon's. */
static void try_folder(const char *path, struct cw_diag *diag)
{
	const struct cw_place place = {.file = path};
	const char *slash = strrchr(path, '/');
	struct cw_str folder = CW_STR(".");
	char *copy;

	if (slash)
		folder = cw_str_make(path, slash > path ? (size_t)(slash - path) : 1);
	copy = cw_str_dup(folder);
	if (copy && access(copy, W_OK | X_OK) != 0)
		cw_diag_add(diag, CW_SEVERITY_ERROR, &place, "cannot be made: %s", strerror(errno));
	free(copy);
}

/* A secret of ours, which is made when the daemon starts. */
static void try_own_secret(const char *path, struct cw_diag *diag)
{
	struct cw_secret secret;

	if (access(path, F_OK) != 0 && errno == ENOENT)
		try_folder(path, diag);
	else if (cw_secret_file_load(&secret, path, diag) == 0)
		cw_secret_finish(&secret);
}

static void try_secrets(const struct cw_config *c, struct cw_diag *diag)
{
	struct cw_secret secret;
	size_t i;

	if (c->xmpp.dialback_secret_file)
		try_own_secret(c->xmpp.dialback_secret_file, diag);
	for (i = 0; i < c->n_zones; i++)
		if (c->zones[i]->component_secret_file &&
			cw_secret_file_read(&secret, c->zones[i]->component_secret_file, diag) == 0)
			cw_secret_finish(&secret);
}

void cw_config_try_files(const struct cw_config *c, struct cw_diag *diag)
{
	struct cw_keyring ring;
	struct cw_tls *tls;

	if (c->n_tls && cw_tls_create(&tls, c->tls, c->n_tls, diag) == 0) {
		cw_config_check_xmpp_certificates(c, tls, diag);
		cw_tls_destroy(tls);
	}
	if (c->token_key_file && access(c->token_key_file, F_OK) != 0 && errno == ENOENT)
		try_folder(c->token_key_file, diag);
	else if (c->token_key_file && cw_keyring_load(&ring, c->token_key_file, diag) == 0)
		cw_keyring_finish(&ring);
	try_secrets(c, diag);
}

/* ---- zones ---- */

/* One way in which a request is known to come from a zone. */
struct mark {
	struct cw_table_link link;
	const struct cw_zone *zone;
};

static bool is_address(struct cw_str host)
{
	struct cw_address address;

	return cw_address_make(&address, host, 0) == 0;
}

/*
 * Note a zone under a name of its certificates and the host of a peer: the certificate says which
 * zones a request can come from, the source address which of these. Returns an earlier zone with the
 * same mark, or NULL.
 */
static const struct cw_zone *add_mark(struct cw_table *marks, struct cw_arena *arena,
	const struct cw_zone *zone, struct cw_str name, struct cw_str host)
{
	struct mark *mark = cw_arena_alloc(arena, sizeof(*mark));
	char address[CW_ADDRESS_TEXT_MAX];
	struct cw_address parsed;
	struct cw_table_link *link;
	const struct cw_zone *earlier;
	struct cw_str key;
	size_t i;

	if (cw_address_make(&parsed, host, 0) == 0) {
		cw_address_format_host(&parsed, address);
		host = cw_str_of(address);
	}
	if (!mark || cw_arena_printf(arena, &key, "%" CW_STR_FMT " %" CW_STR_FMT, CW_STR_ARG(name),
			     CW_STR_ARG(host)) != 0)
		return NULL;
	for (i = 0; i < key.len; i++)
		((char *)(uintptr_t)key.p)[i] = cw_char_lower(key.p[i]);
	link = cw_table_find(marks, key);
	if (link) {
		earlier = cw_container_of(link, struct mark, link)->zone;
		return earlier == zone ? NULL : earlier;
	}
	mark->zone = zone;
	(void)cw_table_insert(marks, &mark->link, key);
	return NULL;
}

/* An earlier zone that requests from this one, or some of them, are taken to come from; NULL: none. */
static const struct cw_zone *find_twin(
	struct cw_table *marks, struct cw_arena *arena, const struct cw_zone *zone)
{
	static const struct cw_str tcp = CW_STR("tcp");
	bool is_tcp = zone->transport == CW_ZONE_TCP;
	const struct cw_zone *twin = NULL, *earlier;
	size_t names = is_tcp ? 1 : zone->n_verify, i, k;

	for (i = 0; i < names; i++)
		for (k = 0; k < zone->n_peers; k++) {
			earlier = add_mark(marks, arena, zone, is_tcp ? tcp : zone->verify[i],
				zone->peers[k].host);
			if (!twin)
				twin = earlier;
		}
	return twin;
}

static void check_identity(
	const struct cw_zone *zone, const struct cw_zone *twin, struct cw_diag *diag)
{
	bool is_tcp = zone->transport == CW_ZONE_TCP;
	size_t i;

	if (twin)
		cw_diag_add(diag, CW_SEVERITY_WARNING, &zone->place,
			"requests from this zone cannot be told from those of \"%s\" (%s:%u): %s; "
			"they count as that zone's",
			twin->name.p, twin->place.file, twin->place.line,
			is_tcp ? "both have a peer of the same address"
			       : "both verify the same name, and no peer's address makes the "
				 "difference");
	for (i = 0; i < zone->n_verify && is_address(zone->verify[i]); i++)
		;
	if (!is_tcp && i == zone->n_verify)
		cw_diag_add(diag, CW_SEVERITY_WARNING, &zone->place,
			"its peers are addresses, which no certificate names: set \"verify\" to "
			"the name in "
			"theirs");
}

static void check_identities(const struct cw_config *c, struct cw_diag *diag)
{
	struct cw_arena arena = {0};
	struct cw_table marks;
	size_t i;

	cw_table_init(&marks);
	for (i = 0; i < c->n_zones; i++)
		if (c->zones[i]->type == CW_ZONE_NEIGHBOR)
			check_identity(c->zones[i], find_twin(&marks, &arena, c->zones[i]), diag);
	cw_table_finish(&marks);
	cw_arena_finish(&arena);
}

/* ---- rules ---- */

static void check_target(const struct cw_search_rule *rule, struct cw_diag *diag)
{
	const struct cw_zone *zone = rule->target;
	const char *problem = NULL;

	if (zone->type == CW_ZONE_XMPP && rule->protocol != CW_RULE_XMPP)
		problem = "SIP and XMPP are not translated in this version: requests that match "
			  "are answered 501";
	else if (zone->type != CW_ZONE_XMPP && rule->protocol == CW_RULE_XMPP)
		problem = "XMPP and SIP are not translated in this version: stanzas that match are "
			  "answered service-unavailable";
	else if (zone->type == CW_ZONE_TRAVERSAL_CLIENT || zone->type == CW_ZONE_TRAVERSAL_SERVER)
		problem = "zones of its type are not available in this version: what matches fails";
	if (problem)
		cw_diag_add(diag, CW_SEVERITY_WARNING, &rule->place,
			"rule \"%s\" leads to the %s zone \"%s\"; %s", rule->name.p,
			cw_zone_type_name(zone->type), zone->name.p, problem);
}

static void check_sources(const struct cw_search_rule *rule, struct cw_diag *diag)
{
	size_t i;

	for (i = 0; i < rule->n_sources; i++)
		if (rule->sources[i]->type == CW_ZONE_DNS)
			cw_diag_add(diag, CW_SEVERITY_WARNING, &rule->place,
				"rule \"%s\": nothing comes from the dns zone \"%s\"; strangers "
				"come from \"default\"",
				rule->name.p, rule->sources[i]->name.p);
}

/* What the rules make of the zones. */
struct usage {
	bool *used; /* by cw_zone.index */
	bool from_any;
	size_t n_enabled;
};

static void check_rules(const struct cw_config *c, struct usage *usage, struct cw_diag *diag)
{
	const struct cw_search_rule *const *rules;
	size_t n_rules, i, k;

	rules = cw_ruleset_rules(c->rules, &n_rules);
	for (i = 0; i < n_rules; i++) {
		if (!rules[i]->enabled)
			continue;
		usage->n_enabled++;
		usage->used[rules[i]->target->index] = true;
		usage->from_any |= rules[i]->source != CW_RULE_FROM_NAMED;
		for (k = 0; k < rules[i]->n_sources; k++)
			usage->used[rules[i]->sources[k]->index] = true;
		check_target(rules[i], diag);
		check_sources(rules[i], diag);
	}
	if (c->xmpp.block.inside)
		usage->used[c->xmpp.block.inside->index] = true;
	for (i = 0; i < c->n_zones; i++)
		usage->used[i] |= c->zones[i]->n_components > 0;
}

/*
 * Zones that no rule can have to do with. A zone that a rule "from any" can be the source of is used, and so is the first dns zone: requests
 * inside a dialog leave through it without a rule.
 */
static void check_usage(const struct cw_config *c, const struct usage *usage, struct cw_diag *diag)
{
	bool had_dns = false, is_used;
	const struct cw_zone *zone;
	size_t i;

	for (i = 1; i < c->n_zones; i++) {
		zone = c->zones[i];
		is_used = usage->used[i];
		if (zone->type == CW_ZONE_DNS) {
			is_used |= !had_dns;
			had_dns = true;
		} else {
			is_used |= usage->from_any;
		}
		if (!is_used)
			cw_diag_add(diag, CW_SEVERITY_WARNING, &zone->place,
				"zone \"%s\" is not used: no rule leads to it or names it as "
				"source",
				zone->name.p);
	}
}

static bool listens_for_sip(const struct cw_config *c)
{
	size_t i;

	for (i = 0; i < c->n_listeners; i++)
		if (c->listeners[i].kind == CW_LISTEN_SIP_TLS ||
			c->listeners[i].kind == CW_LISTEN_SIP_TCP)
			return true;
	return false;
}

void cw_config_analyse(const struct cw_config *c, struct cw_diag *diag)
{
	const struct cw_place whole = {.file = c->path};
	struct usage usage = {.used = calloc(c->n_zones, sizeof(bool))};

	if (!usage.used)
		return;
	if (c->n_listeners == 0)
		cw_diag_add(diag, CW_SEVERITY_WARNING, &whole, "no \"listen\": nobody can connect");
	check_identities(c, diag);
	check_rules(c, &usage, diag);
	if (usage.n_enabled > 0)
		check_usage(c, &usage, diag);
	else if (!c->xmpp.is_configured || listens_for_sip(c)) /* stanzas need no rule */
		cw_diag_add(diag, CW_SEVERITY_WARNING, &whole,
			"no search rule is enabled: every request is answered 404");
	cw_config_analyse_xmpp(c, diag);
	free(usage.used);
}
