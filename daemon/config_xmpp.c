/* The block xmpp, and the policy that follows from it. */
#include "daemon/config_read.h"

#include <errno.h>

#define PORT_XMPP 5269

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
		(has_domain && !cw_is_host_name(node->args[0].text)) ||
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
	if (has_domain)
		route.domain = cw_read_copy(r, node->args[0].text);
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
	struct cw_named *named;
	bool is_new = cw_read_name(r, &r->xmpp_partners, "partner", node, &named);

	if (!cw_is_host_name(node->args[0].text)) {
		cw_read_error(r, node, &node->args[0], "partner: expected a domain name");
		is_new = false;
	}
	partner.terms.routes = (struct cw_xmpp_route_list){NULL, 0};
	cw_read_block(r, CW_IN_XMPP_PARTNER, node, node->children, &partner, 0, false);
	if (!is_new)
		return;
	partner.domain = cw_read_copy(r, node->args[0].text);
	items = cw_read_grow(r, xmpp->partners, xmpp->block.n_partners, sizeof(*items));
	if (!items)
		return;
	items[xmpp->block.n_partners++] = partner;
	xmpp->block.partners = xmpp->partners = items;
}

/* ---- the lists ---- */

/* A name of a list, in lower case, as a key. */
static struct cw_str lower(struct cw_reader *r, struct cw_str name)
{
	char *copy = cw_arena_alloc(&r->scratch, name.len + 1);
	size_t i;

	if (!copy) {
		r->error = -ENOMEM;
		return (struct cw_str){NULL, 0};
	}
	for (i = 0; i < name.len; i++)
		copy[i] = cw_char_lower(name.p[i]);
	return cw_str_make(copy, name.len);
}

static void add_name(struct cw_reader *r, struct cw_table *names, struct cw_str name)
{
	struct cw_table_link *link = cw_arena_alloc(&r->scratch, sizeof(*link));
	struct cw_str key = lower(r, name);

	if (!link || !key.p || cw_table_insert(names, link, key) != 0)
		r->error = -ENOMEM;
}

/* A name on both lists, and *.NAME where wildcards are off. */
static void check_lists(
	struct cw_reader *r, const struct cw_conf_node *node, const struct cw_xmpp_draft *draft)
{
	static const struct cw_str allow = CW_STR("allow"), deny = CW_STR("deny"),
				   star = CW_STR("*");
	const struct cw_conf_node *child;
	struct cw_table names;
	size_t i;

	cw_table_init(&names);
	for (i = 0; i < draft->block.allow.count && !r->error; i++)
		add_name(r, &names, draft->block.allow.items[i]);
	for (i = 0; draft->block.terms.static_routes && i < draft->block.terms.routes.count &&
		    !r->error;
		i++)
		add_name(r, &names, draft->block.terms.routes.items[i].domain);
	for (child = node->children; child && !r->error; child = child->next) {
		bool is_deny = cw_str_eq(child->keyword.text, deny);

		if (child->n_args != 1 || (!is_deny && !cw_str_eq(child->keyword.text, allow)))
			continue;
		if (!draft->wildcards && cw_str_starts(child->args[0].text, star))
			cw_read_error(r, child, &child->args[0], "*.NAME needs \"wildcards yes\"");
		if (is_deny && cw_table_find(&names, lower(r, child->args[0].text)))
			cw_read_error(r, child, &child->args[0],
				"this name is allowed, too (by allow, or by a static route)");
	}
	cw_table_finish(&names);
}

void cw_read_xmpp(struct cw_reader *r, const struct cw_conf_node *node)
{
	struct cw_xmpp_settings *x = &r->config->xmpp;
	struct cw_xmpp_draft draft;

	cw_read_defaults(r, CW_IN_XMPP, &draft, sizeof(draft));
	cw_read_block(r, CW_IN_XMPP, node, node->children, &draft, 0, false);
	cw_read_block(r, CW_IN_XMPP, node, node->children, &draft, 0, true);
	check_lists(r, node, &draft);
	if (draft.block.inside && draft.block.inside->type != CW_ZONE_XMPP)
		cw_read_error(r, node, &node->keyword, "inside: \"%s\" is no zone of type xmpp",
			draft.block.inside->name.p);
	x->block = draft.block;
	x->wildcards = draft.wildcards;
	x->dialback_secret_file = draft.dialback_secret_file;
	x->place = cw_read_place(r, node, &node->keyword);
	x->is_configured = true;
}

void cw_read_xmpp_end(struct cw_reader *r)
{
	struct cw_xmpp_settings *x = &r->config->xmpp;

	if (x->is_configured && !r->error)
		r->error = cw_xmpp_policy_create(&x->policy, &x->block,
			(const struct cw_zone *const *)r->zone_list, r->n_zones);
}
