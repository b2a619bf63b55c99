/* Two questions to DNS at once, their answers made one list. */
#include "xmpp/servers.h"

#include "core/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The services that are asked for. */
enum {
	STARTTLS,
	DIRECT_TLS,
	N_SERVICES,
};

static const struct cw_str prefixes[N_SERVICES] = {
	[STARTTLS] = CW_STR("_xmpp-server._tcp."),
	[DIRECT_TLS] = CW_STR("_xmpps-server._tcp."),
};

struct service {
	struct cw_xmpp_servers_query *owner;
	struct cw_dns_query *query; /* under way */
	enum cw_dns_status status;
};

struct cw_xmpp_servers_query {
	struct cw_dns *dns;
	cw_xmpp_servers_done *done;
	void *arg;
	struct cw_arena arena; /* of the records' targets */
	struct cw_str domain;
	struct service services[N_SERVICES];
	struct cw_dns_query *addresses; /* of the domain itself, under way */
	struct cw_srv records[N_SERVICES * CW_DNS_RECORDS_MAX];
	size_t n_records;
	struct cw_xmpp_servers servers; /* of static routes */
	struct cw_deferred deferred;
};

static void destroy(struct cw_xmpp_servers_query *q)
{
	for (size_t i = 0; i < N_SERVICES; i++)
		cw_dns_cancel(q->services[i].query);
	cw_dns_cancel(q->addresses);
	cw_deferred_cancel(&q->deferred);
	cw_arena_finish(&q->arena);
	free(q);
}

static void add_server(
	struct cw_xmpp_servers *servers, struct cw_str host, uint16_t port, bool is_direct_tls)
{
	struct cw_xmpp_server *server = &servers->items[servers->count];

	if (servers->count == CW_XMPP_SERVERS_MAX || host.len >= sizeof(server->host))
		return;
	memcpy(server->host, host.p, host.len);
	server->host[host.len] = '\0';
	server->port = port;
	server->is_direct_tls = is_direct_tls;
	servers->count++;
}

/* Bring the records into order and make them candidates. */
static void add_records(
	struct cw_xmpp_servers *servers, const struct cw_dns *dns, struct cw_srv *records, size_t n)
{
	cw_dns_order(dns, records, n);
	for (size_t i = 0; i < n; i++)
		add_server(
			servers, records[i].target, records[i].port, records[i].mark == DIRECT_TLS);
}

/* The end of the query. */
static void finish(struct cw_xmpp_servers_query *q, enum cw_xmpp_servers_status status,
	const struct cw_xmpp_servers *servers, const char *detail)
{
	cw_xmpp_servers_done *done = q->done;
	void *arg = q->arg;

	destroy(q);
	done(arg, status, servers, detail);
}

static void finish_without(
	struct cw_xmpp_servers_query *q, enum cw_xmpp_servers_status status, const char *detail)
{
	const struct cw_xmpp_servers none = {.count = 0};

	finish(q, status, &none, detail);
}

static bool is_none(enum cw_dns_status status)
{
	return status == CW_DNS_NO_NAME || status == CW_DNS_NO_DATA || status == CW_DNS_BAD_NAME;
}

/* ---- the domain's own address ---- */

static void on_addresses(void *arg, const struct cw_dns_answer *answer)
{
	struct cw_xmpp_servers_query *q = arg;
	struct cw_xmpp_servers servers = {.count = 0};

	q->addresses = NULL;
	if (answer->status == CW_DNS_OK) {
		add_server(&servers, q->domain, CW_XMPP_SERVER_PORT, false);
		finish(q, CW_XMPP_SERVERS_FOUND, &servers,
			"no SRV record: the domain's own address");
	} else if (answer->status == CW_DNS_NO_DATA) {
		finish_without(q, CW_XMPP_SERVERS_NOT_FOUND,
			"its name has neither SRV records nor addresses");
	} else if (is_none(answer->status)) {
		finish_without(q, CW_XMPP_SERVERS_NOT_FOUND, "there is no such name in DNS");
	} else {
		finish_without(q, CW_XMPP_SERVERS_FAILED, "DNS does not answer");
	}
}

static void ask_addresses(struct cw_xmpp_servers_query *q)
{
	if (cw_dns_addresses(
		    &q->addresses, q->dns, q->domain, CW_XMPP_SERVER_PORT, on_addresses, q) == 0)
		return;
	q->addresses = NULL;
	finish_without(q, CW_XMPP_SERVERS_FAILED, "out of memory");
}

/* ---- SRV ---- */

/*
 * Both have answered. Without a record it is _xmpp-server that decides what that means: the other
 * is rare, and there are resolvers that fail on what they do not know.
 */
static void on_all_srv(struct cw_xmpp_servers_query *q)
{
	enum cw_dns_status status = q->services[STARTTLS].status;
	struct cw_xmpp_servers servers = {.count = 0};

	if (q->n_records > 0) {
		add_records(&servers, q->dns, q->records, q->n_records);
		finish(q, CW_XMPP_SERVERS_FOUND, &servers, "SRV records");
	} else if (status == CW_DNS_NO_SERVICE) {
		finish_without(q, CW_XMPP_SERVERS_NOT_FOUND,
			"its DNS says that it offers no XMPP service");
	} else if (is_none(status)) {
		ask_addresses(q);
	} else {
		finish_without(q, CW_XMPP_SERVERS_FAILED, "DNS does not answer");
	}
}

/* Keep the records beyond the answer. What memory is too short for is left out. */
static void keep_records(struct service *s, const struct cw_dns_answer *answer)
{
	struct cw_xmpp_servers_query *q = s->owner;

	for (size_t i = 0; i < answer->n_srv && i < CW_DNS_RECORDS_MAX; i++) {
		struct cw_srv *record = &q->records[q->n_records];

		*record = answer->srv[i];
		record->mark = (uint16_t)(s - q->services);
		if (cw_arena_str(&q->arena, answer->srv[i].target, &record->target) == 0)
			q->n_records++;
	}
}

static void on_srv(void *arg, const struct cw_dns_answer *answer)
{
	struct service *s = arg;
	struct cw_xmpp_servers_query *q = s->owner;

	s->query = NULL;
	s->status = answer->status;
	if (answer->status == CW_DNS_OK)
		keep_records(s, answer);
	for (size_t i = 0; i < N_SERVICES; i++)
		if (q->services[i].query)
			return;
	on_all_srv(q);
}

/*
 * Ask for one service. The names come from users and partners: they must not take all the room for
 * questions.
 */
static int ask_srv(struct cw_xmpp_servers_query *q, size_t i)
{
	struct service *s = &q->services[i];
	struct cw_str name;
	int r = cw_arena_join(&q->arena, &name, (const struct cw_str[]){prefixes[i], q->domain}, 2);

	if (!r)
		r = cw_dns_srv_for_stranger(&s->query, q->dns, name, on_srv, s);
	if (r)
		s->query = NULL;
	return r;
}

static int ask_services(struct cw_xmpp_servers_query *q, const struct cw_xmpp_terms *terms)
{
	int r = ask_srv(q, STARTTLS);

	if (!r && terms->security != CW_XMPP_NONE)
		r = ask_srv(q, DIRECT_TLS);
	return r;
}

/* ---- static routes ---- */

static void on_routes(void *arg)
{
	struct cw_xmpp_servers_query *q = arg;
	struct cw_xmpp_servers servers = q->servers;

	finish(q, CW_XMPP_SERVERS_FOUND, &servers, "a static route");
}

/* Order the routes as SRV records are; `done` is put off. Returns 0 or -ENOMEM. */
static int take_routes(struct cw_xmpp_servers_query *q, struct cw_loop *loop,
	const struct cw_xmpp_route_list *routes)
{
	struct cw_srv *records = calloc(routes->count, sizeof(*records));

	if (!records)
		return -ENOMEM;
	for (size_t i = 0; i < routes->count; i++)
		records[i] = (struct cw_srv){
			.priority = (uint16_t)routes->items[i].priority,
			.weight = (uint16_t)routes->items[i].weight,
			.port = routes->items[i].peer.port,
			.mark = STARTTLS,
			.target = routes->items[i].peer.host,
		};
	add_records(&q->servers, q->dns, records, routes->count);
	free(records);
	cw_loop_defer(loop, &q->deferred);
	return 0;
}

int cw_xmpp_servers_find(struct cw_xmpp_servers_query **out, struct cw_loop *loop,
	struct cw_dns *dns, struct cw_str domain, const struct cw_xmpp_terms *terms,
	cw_xmpp_servers_done *done, void *arg)
{
	struct cw_xmpp_servers_query *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	q->dns = dns;
	q->done = done;
	q->arg = arg;
	cw_arena_init(&q->arena, 0);
	cw_deferred_init(&q->deferred, on_routes, q);
	for (size_t i = 0; i < N_SERVICES; i++)
		q->services[i] = (struct service){.owner = q, .status = CW_DNS_NO_DATA};
	r = cw_arena_str(&q->arena, domain, &q->domain);
	if (!r && terms->routes.count > 0)
		r = take_routes(q, loop, &terms->routes);
	else if (!r)
		r = ask_services(q, terms);
	if (r) {
		destroy(q);
		return r;
	}
	*out = q;
	return 0;
}

void cw_xmpp_servers_cancel(struct cw_xmpp_servers_query *q)
{
	if (q)
		destroy(q);
}
