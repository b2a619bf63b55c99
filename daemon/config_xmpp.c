/* The block xmpp, and the policy that follows from it. */
#include "daemon/config_read.h"
#include "xmpp/jid.h"

#include <errno.h>

#define PORT_XMPP 5269

/* ---- names ---- */

/*
 * A name that was read. Its key is "ROLE NAME": the setting, but "local" for domains and chat
 * nodes.
 */
struct domain {
	struct cw_table_link link;
	const struct cw_conf_node *node; /* where it stands first */
};

static struct cw_str key_of(struct cw_reader *r, const char *role, struct cw_str name)
{
	struct cw_str key = {"", 0};

	if (cw_arena_printf(&r->scratch, &key, "%s %" CW_STR_FMT, role, CW_STR_ARG(name)) != 0)
		r->error = -ENOMEM;
	return key;
}

static const struct domain *find_domain(struct cw_reader *r, const char *role, struct cw_str name)
{
	struct cw_table_link *link = cw_table_find(&r->domains, key_of(r, role, name));

	return link ? cw_container_of(link, struct domain, link) : NULL;
}

/* Note a name; one that is noted already stays where it was first. */
static void add_domain(
	struct cw_reader *r, const struct cw_conf_node *node, const char *role, struct cw_str name)
{
	struct domain *domain = cw_arena_alloc(&r->scratch, sizeof(*domain));

	if (find_domain(r, role, name))
		return;
	if (!domain || cw_table_insert(&r->domains, &domain->link, key_of(r, role, name)) != 0)
		r->error = -ENOMEM;
	else
		domain->node = node;
}

/* Note the first argument of `node`, prepared. Returns: whether it is new; else it was reported. */
static bool add_new_domain(
	struct cw_reader *r, const struct cw_conf_node *node, const char *role, struct cw_str name)
{
	const struct domain *first = find_domain(r, role, name);
	struct cw_place place;

	if (first) {
		place = cw_conf_place(first->node, &first->node->args[0]);
		cw_read_error(r, node, &node->args[0],
			"\"%" CW_STR_FMT "\" stands here twice; the first one is in %s:%u",
			CW_STR_ARG(name), place.file, place.line);
		return false;
	}
	add_domain(r, node, role, name);
	return r->error == 0;
}

/*
 * Prepare the first argument, as names are compared. Returns: whether it can be; else an error was
 * reported. *out is in the configuration.
 */
static bool prepare(
	struct cw_reader *r, const struct cw_conf_node *node, bool may_be_wild, struct cw_str *out)
{
	static const struct cw_str star = CW_STR("*.");
	struct cw_str name = node->args[0].text, prepared;
	bool is_wild = may_be_wild && cw_str_starts(name, star);
	int rc = cw_jid_prepare_domain(
		&prepared, is_wild ? cw_str_from(name, star.len) : name, &r->scratch);

	if (rc == 0)
		rc = cw_arena_printf(&r->config->arena, out, "%s%" CW_STR_FMT,
			is_wild ? star.p : "", CW_STR_ARG(prepared));
	if (rc == -ENOMEM)
		r->error = rc;
	else if (rc != 0)
		cw_read_error(r, node, &node->args[0], "%" CW_STR_FMT ": expected a domain name%s",
			CW_STR_ARG(node->keyword.text), may_be_wild ? " or *.NAME" : "");
	return rc == 0;
}

void cw_read_domains(struct cw_reader *r, const struct cw_setting *s,
	const struct cw_conf_node *node, struct cw_str_list *list)
{
	bool is_local = s->min;
	struct cw_str name, *items;

	if (!prepare(r, node, s->type == CW_TYPE_WILD_DOMAINS, &name) ||
		!add_new_domain(r, node, is_local ? "local" : s->name, name))
		return;
	items = cw_read_grow(r, list->items, list->count, sizeof(*items));
	if (!items)
		return;
	items[list->count++] = name;
	list->items = items;
}

/* ---- routes and partners ---- */

void cw_read_route(struct cw_reader *r, const struct cw_conf_node *node,
	struct cw_xmpp_route_list *routes, bool has_domain)
{
	static const struct cw_str empty = CW_STR("");
	size_t first = has_domain ? 1 : 0; /* the argument that is the host */
	struct cw_xmpp_route route = {.domain = empty}, *items;
	unsigned *numbers[] = {&route.priority, &route.weight};
	uint64_t number;
	size_t i;

	if (node->n_args <= first || node->n_args > first + 3 ||
		!cw_read_host_port(r, node->args[first].text, &route.peer)) {
		cw_read_error(r, node, &node->args[0],
			"expected: route %sHOST[:PORT] [PRIORITY [WEIGHT]]",
			has_domain ? "DOMAIN " : "");
		return;
	}
	for (i = first + 1; i < node->n_args; i++) {
		if (cw_str_to_u64(node->args[i].text, 65535, &number) != 0) {
			cw_read_error(r, node, &node->args[i],
				"route: expected a number from 0 to 65535");
			return;
		}
		*numbers[i - first - 1] = (unsigned)number;
	}
	if (route.peer.port == 0)
		route.peer.port = PORT_XMPP;
	if (has_domain && !prepare(r, node, false, &route.domain))
		return;
	items = cw_read_grow(r, routes->items, routes->count, sizeof(*items));
	if (!items)
		return;
	items[routes->count++] = route;
	routes->items = items;
}

void cw_read_xmpp_partner(
	struct cw_reader *r, const struct cw_conf_node *node, struct cw_xmpp_draft *xmpp)
{
	struct cw_xmpp_partner partner = {.terms = xmpp->block.terms}, *items;
	bool is_new = prepare(r, node, false, &partner.domain) &&
		      add_new_domain(r, node, "partner", partner.domain);

	partner.terms.routes = (struct cw_xmpp_route_list){NULL, 0};
	cw_read_block(r, CW_IN_XMPP_PARTNER, node, node->children, &partner, 0, false);
	if (!is_new)
		return;
	items = cw_read_grow(r, xmpp->partners, xmpp->block.n_partners, sizeof(*items));
	if (!items)
		return;
	items[xmpp->block.n_partners++] = partner;
	xmpp->block.partners = xmpp->partners = items;
}

/* ---- the lists ---- */

/* *.NAME where wildcards are off. */
static void check_wildcards(
	struct cw_reader *r, const char *setting, const struct cw_str_list *names, bool wildcards)
{
	static const struct cw_str star = CW_STR("*");

	for (size_t i = 0; i < names->count && !wildcards && !r->error; i++) {
		const struct domain *d = NULL;

		if (cw_str_starts(names->items[i], star))
			d = find_domain(r, setting, names->items[i]);
		if (d)
			cw_read_error(
				r, d->node, &d->node->args[0], "*.NAME needs \"wildcards yes\"");
	}
}

/* A name on both lists, or denied and routed. */
static void check_denied(struct cw_reader *r, const struct cw_xmpp_block *b)
{
	const struct cw_xmpp_route_list *routes = &b->terms.routes;
	const struct domain *d;
	size_t i;

	for (i = 0; i < routes->count && b->terms.static_routes && !r->error; i++)
		add_domain(r, NULL, "routed", routes->items[i].domain);
	for (i = 0; i < b->n_partners && !r->error; i++)
		if (b->partners[i].terms.static_routes && b->partners[i].terms.routes.count)
			add_domain(r, NULL, "routed", b->partners[i].domain);
	for (i = 0; i < b->deny.count && !r->error; i++) {
		if (!find_domain(r, "allow", b->deny.items[i]) &&
			!find_domain(r, "routed", b->deny.items[i]))
			continue;
		d = find_domain(r, "deny", b->deny.items[i]);
		if (d)
			cw_read_error(r, d->node, &d->node->args[0],
				"this name is allowed, too (by allow, or by a static route)");
	}
}

/* A component is a foreign domain. */
static void check_components(struct cw_reader *r)
{
	for (size_t i = 0; i < r->n_zones; i++) {
		const struct cw_zone *zone = r->zone_list[i];

		for (size_t k = 0; k < zone->n_components && !r->error; k++) {
			const struct domain *d = find_domain(r, "component", zone->components[k]);

			if (d && find_domain(r, "local", zone->components[k]))
				cw_read_error(r, d->node, &d->node->args[0],
					"this is a local domain; a component is a foreign one");
		}
	}
}

/* Where each local name of a list stands. NULL with r->error set when memory is short. */
static const struct cw_place *places_of(struct cw_reader *r, const struct cw_str_list *names)
{
	struct cw_place *places = cw_read_alloc(r, names->count * sizeof(*places));

	for (size_t i = 0; i < names->count && !r->error; i++) {
		const struct domain *d = find_domain(r, "local", names->items[i]);

		if (d)
			places[i] = cw_read_place(r, d->node, &d->node->args[0]);
	}
	return places;
}

void cw_read_xmpp(struct cw_reader *r, const struct cw_conf_node *node)
{
	struct cw_xmpp_settings *x = &r->config->xmpp;
	struct cw_xmpp_draft draft;

	cw_read_defaults(r, CW_IN_XMPP, &draft, sizeof(draft));
	cw_read_block(r, CW_IN_XMPP, node, node->children, &draft, 0, false);
	cw_read_block(r, CW_IN_XMPP, node, node->children, &draft, 0, true);
	check_wildcards(r, "allow", &draft.block.allow, draft.wildcards);
	check_wildcards(r, "deny", &draft.block.deny, draft.wildcards);
	check_denied(r, &draft.block);
	check_components(r);
	if (draft.block.inside && draft.block.inside->type != CW_ZONE_XMPP)
		cw_read_error(r, node, &node->keyword, "inside: \"%s\" is no zone of type xmpp",
			draft.block.inside->name.p);
	x->block = draft.block;
	x->wildcards = draft.wildcards;
	x->dialback_secret_file = draft.dialback_secret_file;
	x->place = cw_read_place(r, node, &node->keyword);
	x->domain_places = places_of(r, &x->block.domains);
	x->chat_node_places = places_of(r, &x->block.chat_nodes);
	x->is_configured = true;
}

void cw_read_xmpp_end(struct cw_reader *r)
{
	struct cw_xmpp_settings *x = &r->config->xmpp;

	if (x->is_configured && !r->error)
		r->error = cw_xmpp_policy_create(&x->policy, &x->block,
			(const struct cw_zone *const *)r->zone_list, r->n_zones);
}
