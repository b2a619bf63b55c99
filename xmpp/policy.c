/* Names in one table, each with what is said of it. */
#include "xmpp/policy.h"

#include "core/arena.h"
#include "core/table.h"

#include <errno.h>
#include <stdlib.h>

enum {
	IS_LOCAL = 1,
	IS_ALLOWED = 2,
	IS_DENIED = 4,
};

/* What is said of one name, or of all names below one: these stand under ".NAME". */
struct entry {
	struct cw_table_link link;
	struct entry *next;
	unsigned marks;
	const struct cw_xmpp_terms *block; /* of its own block; NULL: none */
	struct cw_xmpp_terms *terms;       /* that follow; NULL: the general ones */
	struct cw_xmpp_route *routes;      /* of the general ones, its own */
	size_t n_routes;
};

struct cw_xmpp_policy {
	struct cw_arena arena;
	struct cw_table table;
	struct entry *entries;
	enum cw_xmpp_privacy privacy;
	struct cw_xmpp_terms general;
	const struct cw_zone *inside;
	const struct cw_xmpp_terms **zone_terms; /* by cw_zone.index */
	size_t n_zones;
};

static struct entry *find(const struct cw_xmpp_policy *p, struct cw_str key)
{
	struct cw_table_link *link = cw_table_find(&p->table, key);

	return link ? cw_container_of(link, struct entry, link) : NULL;
}

/* ---- making it ---- */

/* The entry of a name, made when it is the first that is said of it. NULL: memory is short. */
static struct entry *entry_of(struct cw_xmpp_policy *p, struct cw_str name)
{
	static const struct cw_str star = CW_STR("*.");
	struct cw_str key = cw_str_starts(name, star) ? cw_str_from(name, 1) : name;
	struct entry *e = find(p, key);

	if (e)
		return e;
	e = cw_arena_alloc(&p->arena, sizeof(*e));
	if (!e || cw_table_insert(&p->table, &e->link, key) != 0)
		return NULL;
	e->next = p->entries;
	p->entries = e;
	return e;
}

static int mark_all(struct cw_xmpp_policy *p, struct cw_str_list names, unsigned mark)
{
	for (size_t i = 0; i < names.count; i++) {
		struct entry *e = entry_of(p, names.items[i]);

		if (!e)
			return -ENOMEM;
		e->marks |= mark;
	}
	return 0;
}

static int add_route(struct cw_xmpp_policy *p, const struct cw_xmpp_route *route)
{
	struct entry *e = entry_of(p, route->domain);
	struct cw_xmpp_route *grown;

	if (!e)
		return -ENOMEM;
	if ((e->n_routes & (e->n_routes - 1)) == 0) { /* full: at 0 and at each power of two */
		grown = cw_arena_alloc(
			&p->arena, (e->n_routes ? 2 * e->n_routes : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		if (e->n_routes)
			memcpy(grown, e->routes, e->n_routes * sizeof(*grown));
		e->routes = grown;
	}
	e->routes[e->n_routes++] = *route;
	return 0;
}

static int add_routes(struct cw_xmpp_policy *p, struct cw_xmpp_route_list routes)
{
	int r = 0;

	for (size_t i = 0; i < routes.count && !r; i++)
		r = add_route(p, &routes.items[i]);
	return r;
}

static int add_blocks(struct cw_xmpp_policy *p, const struct cw_xmpp_block *block)
{
	for (size_t i = 0; i < block->n_partners; i++) {
		struct entry *e = entry_of(p, block->partners[i].domain);
		struct cw_xmpp_terms *copy = cw_arena_alloc(&p->arena, sizeof(*copy));

		if (!e || !copy)
			return -ENOMEM;
		*copy = block->partners[i].terms;
		e->block = copy;
	}
	return 0;
}

static int set_zone_terms(struct cw_xmpp_policy *p, const struct cw_zone *zone)
{
	struct cw_xmpp_terms *terms = cw_arena_alloc(&p->arena, sizeof(*terms));
	struct cw_xmpp_route *routes = cw_arena_alloc(&p->arena, zone->n_peers * sizeof(*routes));

	if (!terms || !routes)
		return -ENOMEM;
	for (size_t i = 0; i < zone->n_peers; i++)
		routes[i] = (struct cw_xmpp_route){.peer = zone->peers[i], .priority = (unsigned)i};
	*terms = p->general;
	terms->static_routes = true;
	terms->idle_timeout_ms = 0;
	terms->routes = (struct cw_xmpp_route_list){routes, zone->n_peers};
	terms->certificate_names = zone->verify;
	terms->n_certificate_names = zone->n_verify;
	p->zone_terms[zone->index] = terms;
	return 0;
}

static int set_zones(struct cw_xmpp_policy *p, const struct cw_zone *const *zones, size_t n_zones)
{
	int r = 0;

	p->zone_terms = cw_arena_alloc(&p->arena, (n_zones + 1) * sizeof(*p->zone_terms));
	if (!p->zone_terms)
		return -ENOMEM;
	p->n_zones = n_zones;
	for (size_t i = 0; i < n_zones && !r; i++)
		if (zones[i]->type == CW_ZONE_XMPP && zones[i]->n_peers > 0)
			r = set_zone_terms(p, zones[i]);
	return r;
}

static void set_local_terms(const struct cw_xmpp_policy *p, struct entry *e)
{
	const struct cw_xmpp_terms *inside = cw_xmpp_policy_inside_terms(p);

	*e->terms = inside ? *inside : p->general;
	if (e->block) {
		e->terms->security = e->block->security;
		e->terms->certificates = e->block->certificates;
		e->terms->sasl_external = e->block->sasl_external;
	}
}

/* The routes of its block come first. */
static int set_partner_terms(struct cw_xmpp_policy *p, struct entry *e)
{
	struct cw_xmpp_route_list own = {NULL, 0};
	struct cw_xmpp_route *routes = NULL;
	size_t n = 0;

	*e->terms = e->block ? *e->block : p->general;
	if (e->block)
		own = e->block->routes;
	e->terms->routes = (struct cw_xmpp_route_list){NULL, 0};
	if (!e->terms->static_routes || own.count + e->n_routes == 0)
		return 0;
	routes = cw_arena_alloc(&p->arena, (own.count + e->n_routes) * sizeof(*routes));
	if (!routes)
		return -ENOMEM;
	for (size_t i = 0; i < own.count; i++)
		routes[n++] = own.items[i];
	for (size_t i = 0; i < e->n_routes; i++)
		routes[n++] = e->routes[i];
	e->terms->routes = (struct cw_xmpp_route_list){routes, n};
	e->marks |= IS_ALLOWED;
	return 0;
}

static int set_terms(struct cw_xmpp_policy *p)
{
	int r = 0;

	for (struct entry *e = p->entries; e && !r; e = e->next) {
		if (!e->block && !e->n_routes && !(e->marks & IS_LOCAL))
			continue; /* one of perhaps 100,000 that are only on a list */
		e->terms = cw_arena_alloc(&p->arena, sizeof(*e->terms));
		if (!e->terms)
			r = -ENOMEM;
		else if (e->marks & IS_LOCAL)
			set_local_terms(p, e);
		else
			r = set_partner_terms(p, e);
	}
	return r;
}

static int fill(struct cw_xmpp_policy *p, const struct cw_xmpp_block *block,
	const struct cw_zone *const *zones, size_t n_zones)
{
	int r;

	p->privacy = block->privacy;
	p->inside = block->inside;
	p->general = block->terms;
	p->general.routes = (struct cw_xmpp_route_list){NULL, 0};
	r = mark_all(p, block->domains, IS_LOCAL);
	if (!r)
		r = mark_all(p, block->chat_nodes, IS_LOCAL);
	if (!r)
		r = mark_all(p, block->allow, IS_ALLOWED);
	if (!r)
		r = mark_all(p, block->deny, IS_DENIED);
	if (!r)
		r = add_routes(p, block->terms.routes);
	if (!r)
		r = add_blocks(p, block);
	if (!r)
		r = set_zones(p, zones, n_zones);
	return r ? r : set_terms(p);
}

int cw_xmpp_policy_create(struct cw_xmpp_policy **out, const struct cw_xmpp_block *block,
	const struct cw_zone *const *zones, size_t n_zones)
{
	struct cw_xmpp_policy *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	cw_arena_init(&p->arena, 0);
	cw_table_init(&p->table);
	r = fill(p, block, zones, n_zones);
	if (r) {
		cw_xmpp_policy_destroy(p);
		return r;
	}
	*out = p;
	return 0;
}

void cw_xmpp_policy_destroy(struct cw_xmpp_policy *p)
{
	if (!p)
		return;
	cw_table_finish(&p->table);
	cw_arena_finish(&p->arena);
	free(p);
}

/* ---- asking it ---- */

static bool has_mark(const struct cw_xmpp_policy *p, struct cw_str name, unsigned mark)
{
	const struct entry *e = find(p, name);

	return e && (e->marks & mark);
}

/* Whether a list holds the name, or *. and a name that it lies below. */
static bool is_listed(const struct cw_xmpp_policy *p, struct cw_str name, unsigned mark)
{
	bool is = has_mark(p, name, mark);
	size_t dot;

	for (dot = cw_str_find(name, '.'); !is && dot < name.len; dot = cw_str_find(name, '.')) {
		name = cw_str_from(name, dot);
		is = has_mark(p, name, mark);
		name = cw_str_from(name, 1);
	}
	return is;
}

bool cw_xmpp_policy_is_local(const struct cw_xmpp_policy *p, struct cw_str name)
{
	return has_mark(p, name, IS_LOCAL);
}

/* Whether that is said of any name. */
static bool is_said(const struct cw_xmpp_policy *p, unsigned mark)
{
	for (const struct entry *e = p->entries; e; e = e->next)
		if (e->marks & mark)
			return true;
	return false;
}

bool cw_xmpp_policy_has_local(const struct cw_xmpp_policy *p)
{
	return is_said(p, IS_LOCAL);
}

bool cw_xmpp_policy_lets_anybody(const struct cw_xmpp_policy *p)
{
	return p->privacy != CW_XMPP_ALLOW_LIST || is_said(p, IS_ALLOWED);
}

const char *cw_xmpp_policy_refusal(const struct cw_xmpp_policy *p, struct cw_str name)
{
	if (cw_xmpp_policy_is_local(p, name))
		return "it is a local domain";
	switch (p->privacy) {
	case CW_XMPP_ALLOW_LIST:
		return is_listed(p, name, IS_ALLOWED) ? NULL : "it is not on the allow list";
	case CW_XMPP_DENY_LIST:
		return is_listed(p, name, IS_DENIED) ? "it is on the deny list" : NULL;
	case CW_XMPP_PRIVACY_OFF:
		return NULL;
	}
	return "its privacy mode is unknown";
}

const struct cw_xmpp_terms *cw_xmpp_policy_terms(const struct cw_xmpp_policy *p, struct cw_str name)
{
	const struct entry *e = find(p, name);

	return e && e->terms ? e->terms : &p->general;
}

const struct cw_xmpp_terms *cw_xmpp_policy_general_terms(const struct cw_xmpp_policy *p)
{
	return &p->general;
}

const struct cw_xmpp_terms *cw_xmpp_policy_zone_terms(
	const struct cw_xmpp_policy *p, const struct cw_zone *zone)
{
	return zone->index < p->n_zones ? p->zone_terms[zone->index] : NULL;
}

const struct cw_zone *cw_xmpp_policy_inside(const struct cw_xmpp_policy *p)
{
	return p->inside;
}

const struct cw_xmpp_terms *cw_xmpp_policy_inside_terms(const struct cw_xmpp_policy *p)
{
	return p->inside ? cw_xmpp_policy_zone_terms(p, p->inside) : NULL;
}
