/* Zones: their block, their peers, what follows from other settings. */
#include "daemon/config_read.h"

#include <errno.h>

#define PORT_TLS       5061
#define PORT_TCP       5060
#define PORT_XMPP      5269
#define PORT_COMPONENT 5347 /* of the usual servers; XEP-0114 names none */

/* Words that mean something else where a zone can be named. */
static const char *const reserved_names[] = {"default", "any", "all-zones", "none"};

static bool is_reserved(struct cw_str name)
{
	size_t i;

	for (i = 0; i < sizeof(reserved_names) / sizeof(reserved_names[0]); i++)
		if (cw_str_eq(name, cw_str_of(reserved_names[i])))
			return true;
	return false;
}

/* The zone's type has to be known before its other settings can be judged. CW_ZONE_DEFAULT: it is not. */
static enum cw_zone_type find_type(const struct cw_conf_node *node)
{
	static const struct cw_str type_word = CW_STR("type");
	const struct cw_conf_node *child;
	enum cw_zone_type t;

	for (child = node->children; child; child = child->next) {
		if (child->n_args != 1 || !cw_str_eq(child->keyword.text, type_word))
			continue;
		for (t = CW_ZONE_NEIGHBOR; t <= CW_ZONE_XMPP; t++)
			if (cw_str_eq(child->args[0].text, cw_str_of(cw_zone_type_name(t))))
				return t;
	}
	return CW_ZONE_DEFAULT;
}

void cw_read_peer(struct cw_reader *r, const struct cw_conf_node *node, struct cw_zone_draft *draft)
{
	struct cw_zone *z = &draft->zone;
	struct cw_zone_peer peer;
	size_t i;

	if (!cw_read_host_port(r, node->args[0].text, &peer)) {
		cw_read_error(r, node, &node->args[0],
			"peer: expected a host name or address, with or without port: "
			"imp1.example.com:5062, [2001:db8::1]:5061");
		return;
	}
	if (z->n_peers == CW_ZONE_PEERS_MAX) {
		cw_read_error(
			r, node, &node->keyword, "a zone has at most %d peers", CW_ZONE_PEERS_MAX);
		return;
	}
	for (i = 0; i < z->n_peers; i++) {
		if (z->peers[i].port == peer.port && cw_str_case_eq(z->peers[i].host, peer.host)) {
			cw_read_error(r, node, &node->args[0], "this peer stands here twice");
			return;
		}
	}
	z->peers[z->n_peers++] = peer;
}

/* What stands there and is wrong was complained of already. */
static bool names(const struct cw_conf_node *node, const char *setting)
{
	const struct cw_conf_node *child;

	for (child = node->children; child; child = child->next)
		if (cw_str_eq(child->keyword.text, cw_str_of(setting)))
			return true;
	return false;
}

static void warn_unavailable(
	struct cw_reader *r, const struct cw_conf_node *node, enum cw_zone_type type)
{
	if (type == CW_ZONE_TRAVERSAL_CLIENT || type == CW_ZONE_TRAVERSAL_SERVER)
		cw_read_warning(r, node, &node->args[0],
			"zones of type %s are not available in this version: nothing reaches this "
			"zone",
			cw_zone_type_name(type));
}

/* What a zone of components cannot do without. */
static void check_components(struct cw_reader *r, const struct cw_conf_node *node)
{
	bool has_secret = names(node, "component-secret-file");

	if (!names(node, "component")) {
		if (has_secret)
			cw_read_error(r, node, &node->args[0],
				"\"component-secret-file\" is for a zone with \"component\"");
		return;
	}
	if (!names(node, "peer"))
		cw_read_error(r, node, &node->args[0],
			"a zone with \"component\" needs a \"peer\": the server that takes it in");
	if (!has_secret)
		cw_read_error(r, node, &node->args[0],
			"a zone with \"component\" needs a \"component-secret-file\"");
}

static void add_zone(struct cw_reader *r, const struct cw_zone *zone, struct cw_named *named)
{
	struct cw_zone **list = cw_read_grow(r, r->zone_list, r->n_zones, sizeof(struct cw_zone *));
	struct cw_zone *copy = cw_read_alloc(r, sizeof(*copy));

	if (!list || !copy)
		return;
	*copy = *zone;
	copy->index = (unsigned)r->n_zones;
	r->zone_list = list;
	r->zone_list[r->n_zones++] = copy;
	named->object = copy;
}

void cw_read_zone(struct cw_reader *r, const struct cw_conf_node *node)
{
	enum cw_zone_type type = find_type(node);
	struct cw_zone_draft draft;
	struct cw_named *named;
	bool is_new;

	if (is_reserved(node->args[0].text)) {
		cw_read_error(r, node, &node->args[0],
			"\"%.*s\" is a reserved name: no zone can be called so",
			CW_STR_ARG(node->args[0].text));
		return;
	}
	is_new = cw_read_name(r, &r->zones, "zone", node, &named);
	cw_read_defaults(r, CW_IN_ZONE, &draft, sizeof(draft));
	cw_read_block(r, CW_IN_ZONE, node, node->children, &draft, type, false);
	if (type == CW_ZONE_NEIGHBOR && !names(node, "peer"))
		cw_read_error(r, node, &node->args[0], "a zone of type neighbor needs a \"peer\"");
	if (type == CW_ZONE_XMPP)
		check_components(r, node);
	draft.zone.components = draft.components.items;
	draft.zone.n_components = draft.components.count;
	if (r->n_zones == CW_ZONES_MAX)
		cw_read_error(r, node, &node->keyword, "more than %d zones", CW_ZONES_MAX - 1);
	if (!is_new || r->n_zones == CW_ZONES_MAX)
		return;
	warn_unavailable(r, node, type);
	draft.zone.verify = draft.verify.items;
	draft.zone.n_verify = draft.verify.count;
	draft.zone.name = cw_read_copy(r, node->args[0].text);
	draft.zone.place = cw_read_place(r, node, &node->args[0]);
	add_zone(r, &draft.zone, named);
}

void cw_read_default_zone(struct cw_reader *r)
{
	static const struct cw_str name = CW_STR("default");
	struct cw_named *named = cw_arena_alloc(&r->scratch, sizeof(*named));
	struct cw_zone_draft draft;

	cw_read_defaults(r, CW_IN_ZONE, &draft, sizeof(draft));
	draft.zone.name = name;
	draft.zone.type = CW_ZONE_DEFAULT;
	if (!named || cw_table_insert(&r->zones, &named->link, name) != 0)
		r->error = -ENOMEM;
	else
		add_zone(r, &draft.zone, named);
}

static uint16_t default_port(const struct cw_zone *zone)
{
	if (zone->type == CW_ZONE_XMPP)
		return zone->n_components ? PORT_COMPONENT : PORT_XMPP;
	return zone->transport == CW_ZONE_TCP ? PORT_TCP : PORT_TLS;
}

static void verify_peers(struct cw_reader *r, struct cw_zone *zone)
{
	struct cw_str *names = cw_read_alloc(r, zone->n_peers * sizeof(*names));
	size_t i;

	if (!names)
		return;
	for (i = 0; i < zone->n_peers; i++)
		names[i] = zone->peers[i].host;
	zone->verify = names;
	zone->n_verify = zone->n_peers;
}

void cw_read_zones_end(struct cw_reader *r, struct cw_str hostname)
{
	struct cw_zone *zone;
	size_t i, k;

	for (i = 0; i < r->n_zones && !r->error; i++) {
		zone = r->zone_list[i];
		if (zone->local_name.len == 0)
			zone->local_name = hostname;
		for (k = 0; k < zone->n_peers; k++)
			if (zone->peers[k].port == 0)
				zone->peers[k].port = default_port(zone);
		if (zone->n_verify == 0 && zone->n_peers > 0)
			verify_peers(r, zone);
	}
}
