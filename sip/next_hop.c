#include "sip/next_hop.h"

#include <stdio.h>

#define SIPS_PORT 5061

static const struct cw_str microsoft_service = CW_STR("_sipfederationtls._tcp.");
static const struct cw_str standard_service = CW_STR("_sips._tcp.");

struct cw_str cw_next_hop_server_name(
	struct cw_str host, const struct cw_str *names, size_t n_names)
{
	struct cw_address literal;

	return n_names > 0 && cw_address_make(&literal, host, SIPS_PORT) == 0 ? names[0] : host;
}

static void add_host(struct cw_next_hop *hop, struct cw_str host, uint16_t port,
	const struct cw_str *names, size_t n_names)
{
	if (!hop->hosts)
		hop->hosts = cw_arena_alloc(hop->arena, hop->max_hosts * sizeof(*hop->hosts));
	if (!hop->hosts)
		hop->problem = "out of memory";
	else if (hop->n_hosts < hop->max_hosts)
		hop->hosts[hop->n_hosts++] = (struct cw_next_hop_host){
			host, port, cw_next_hop_server_name(host, names, n_names), names, n_names};
}

/* A host whose certificate must carry exactly `name`. */
static void add_named(
	struct cw_next_hop *hop, struct cw_str host, uint16_t port, struct cw_str name)
{
	struct cw_str *names = cw_arena_alloc(hop->arena, sizeof(*names));
	struct cw_str copy;

	if (!names || cw_arena_str(hop->arena, host, &copy) ||
		cw_arena_str(hop->arena, name, names))
		return;
	add_host(hop, copy, port, names, 1);
}

static void add_peers(struct cw_next_hop *hop, const struct cw_next_hop_question *q)
{
	const struct cw_zone *zone = q->zone;

	for (size_t i = 0; i < zone->n_peers; i++)
		if (!q->is_down || !q->is_down(q->is_down_arg, i))
			add_host(hop, zone->peers[i].host, zone->peers[i].port, zone->verify,
				zone->n_verify);
	if (hop->n_hosts > 0)
		return;
	for (size_t i = 0; i < zone->n_peers; i++)
		add_host(hop, zone->peers[i].host, zone->peers[i].port, zone->verify,
			zone->n_verify);
}

/* The host of a URI without the brackets of IPv6. */
static struct cw_str bare_host(const struct cw_sip_uri *uri)
{
	struct cw_str host = uri->host;

	if (host.len >= 2 && host.p[0] == '[' && host.p[host.len - 1] == ']')
		return cw_str_make(host.p + 1, host.len - 2);
	return host;
}

/* RFC 3263, 4.2: a numeric host or an explicit port leaves nothing to look for. */
static bool skips_srv(const struct cw_sip_uri *uri)
{
	struct cw_address literal;

	return uri->port != 0 || cw_address_make(&literal, bare_host(uri), SIPS_PORT) == 0;
}

static void begin_dns(struct cw_next_hop *hop, const struct cw_next_hop_question *q)
{
	struct cw_str host = bare_host(q->uri);
	bool microsoft = q->variant == CW_VARIANT_MS_IMP || q->variant == CW_VARIANT_MS_AV ||
			 q->variant == CW_VARIANT_MS_SIP;
	struct cw_str service = microsoft ? microsoft_service : standard_service;

	if (cw_arena_str(hop->arena, host, &hop->domain))
		return;
	if (skips_srv(q->uri)) {
		uint16_t port = q->uri->port ? q->uri->port : SIPS_PORT;

		if (q->zone->dns_verify == CW_ZONE_VERIFY_OFF)
			add_host(hop, hop->domain, port, NULL, 0);
		else
			add_named(hop, hop->domain, port, hop->domain);
		return;
	}
	if (q->by_route)
		/* Its certificate is checked against the Route's name, wherever SRV leads. */
		hop->by_route = true;
	if (cw_arena_join(
		    hop->arena, &hop->srv_name, (const struct cw_str[]){service, hop->domain}, 2))
		return;
	hop->want_srv = true;
}

void cw_next_hop_start(struct cw_next_hop *hop, struct cw_dns *dns, struct cw_arena *arena,
	const struct cw_next_hop_question *question, void (*found)(void *arg), void *arg)
{
	*hop = (struct cw_next_hop){
		.dns = dns,
		.arena = arena,
		.zone = question->zone,
		.setup = question->setup,
		.max_hosts = CW_NEXT_HOP_HOSTS_MAX,
		.found = found,
		.arg = arg,
	};
	if (question->zone->type == CW_ZONE_DNS) {
		begin_dns(hop, question);
		return;
	}
	if (question->zone->n_peers < hop->max_hosts)
		hop->max_hosts = question->zone->n_peers;
	add_peers(hop, question);
}

/* One SRV target, if the zone's policy lets it speak for the domain. */
static void add_srv(struct cw_next_hop *hop, const struct cw_srv *srv)
{
	struct cw_str name = hop->by_route ? hop->domain : srv->target;

	switch (hop->zone->dns_verify) {
	case CW_ZONE_VERIFY_TARGET:
		if (!cw_policy_target_fits(hop->setup->policy, hop->domain, srv->target)) {
			hop->problem = "SRV target outside the domain's namespace";
			return;
		}
		add_named(hop, srv->target, srv->port, name);
		return;
	case CW_ZONE_VERIFY_DOMAIN:
		add_named(hop, srv->target, srv->port, hop->domain);
		return;
	case CW_ZONE_VERIFY_OFF:
		break;
	}
	add_named(hop, srv->target, srv->port, srv->target);
	if (hop->n_hosts)
		hop->hosts[hop->n_hosts - 1].n_names = 0;
}

static void on_srv(void *arg, const struct cw_dns_answer *answer)
{
	struct cw_next_hop *hop = arg;
	bool none = answer->status == CW_DNS_NO_NAME || answer->status == CW_DNS_NO_DATA;

	hop->query = NULL;
	if (answer->status == CW_DNS_OK) {
		for (size_t i = 0; i < answer->n_srv; i++)
			add_srv(hop, &answer->srv[i]);
	} else if (none && (hop->zone->address_fallback || hop->by_route)) {
		/* A Route names a host; only a domain may have nothing but SRV records. */
		add_named(hop, hop->domain, SIPS_PORT, hop->domain);
		if (hop->n_hosts && hop->zone->dns_verify == CW_ZONE_VERIFY_OFF)
			hop->hosts[0].n_names = 0;
	} else {
		hop->problem = answer->status == CW_DNS_NO_SERVICE ? "the domain does not federate"
			       : none                              ? "no SRV record"
								   : "SRV lookup failed";
	}
	hop->found(hop->arg);
}

/* Make room for the addresses of a host. Returns: whether there is some. */
static bool reserve_addresses(struct cw_next_hop *hop, size_t n)
{
	hop->n_addresses = hop->next_address = 0;
	hop->max_addresses = n < CW_NEXT_HOP_ADDRESSES_MAX ? n : CW_NEXT_HOP_ADDRESSES_MAX;
	hop->addresses = cw_arena_alloc(hop->arena, hop->max_addresses * sizeof(*hop->addresses));
	if (!hop->addresses)
		hop->problem = "out of memory";
	return hop->addresses;
}

/* Take an address, unless it is one that the zone does not go to. */
static void take_address(struct cw_next_hop *hop, const struct cw_address *address)
{
	if (hop->n_addresses == hop->max_addresses)
		return;
	if (hop->zone->type == CW_ZONE_DNS && !hop->zone->allow_private &&
		cw_address_is_private(address)) {
		hop->problem = "loopback or private address";
		return;
	}
	hop->addresses[hop->n_addresses++] = *address;
}

static void on_addresses(void *arg, const struct cw_dns_answer *answer)
{
	struct cw_next_hop *hop = arg;

	hop->query = NULL;
	if (answer->status != CW_DNS_OK)
		hop->problem = "host lookup failed";
	else if (reserve_addresses(hop, answer->n_addresses))
		for (size_t i = 0; i < answer->n_addresses; i++)
			take_address(hop, &answer->addresses[i]);
	hop->found(hop->arg);
}

/* Begin with the next host. Returns: whether a lookup is under way. */
static bool open_host(struct cw_next_hop *hop)
{
	const struct cw_next_hop_host *h = &hop->hosts[hop->next_host++];
	struct cw_address literal;

	hop->n_addresses = hop->next_address = 0;
	if (cw_address_make(&literal, h->host, h->port) == 0) {
		if (reserve_addresses(hop, 1))
			take_address(hop, &literal);
		return false;
	}
	if (cw_dns_addresses(&hop->query, hop->dns, h->host, h->port, on_addresses, hop)) {
		hop->query = NULL;
		hop->problem = "out of memory";
		return false;
	}
	return true;
}

enum cw_next_hop_step cw_next_hop_next(struct cw_next_hop *hop, const struct cw_address **address,
	const struct cw_next_hop_host **host)
{
	if (hop->query)
		return CW_NEXT_HOP_WAIT;
	if (hop->want_srv) {
		hop->want_srv = false;
		if (cw_dns_srv(&hop->query, hop->dns, hop->srv_name, on_srv, hop) == 0)
			return CW_NEXT_HOP_WAIT;
		hop->query = NULL;
		hop->problem = "out of memory";
	}
	for (;;) {
		if (hop->next_address < hop->n_addresses) {
			*host = &hop->hosts[hop->next_host - 1];
			*address = &hop->addresses[hop->next_address++];
			return CW_NEXT_HOP_ADDRESS;
		}
		if (hop->next_host == hop->n_hosts)
			return CW_NEXT_HOP_END;
		if (open_host(hop))
			return CW_NEXT_HOP_WAIT;
	}
}

void cw_next_hop_finish(struct cw_next_hop *hop)
{
	cw_dns_cancel(hop->query);
	hop->query = NULL;
}
