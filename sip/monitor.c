#include "sip/monitor.h"

#include "core/log.h"
#include "sip/next_hop.h"

#include <errno.h>
#include <stdlib.h>

/* One peer of a monitored zone, and the question that it is asked. */
struct probe {
	struct cw_list entry;
	struct cw_monitor *monitor;
	const struct cw_zone *zone;
	size_t peer;
	bool down;
	bool waiting; /* for an answer, or for the connection */
	struct cw_timer *timer;
	struct cw_dns_query *query;
	struct cw_pool_waiter waiter;
	struct cw_client_txn txn;
};

struct cw_monitor {
	struct cw_sip *sip;
	struct cw_sip_setup *setup;
	struct cw_list probes; /* in the order of zones and their peers */
	size_t n_probes;
	const struct probe *
		*first; /* of each zone of the setup, by its index; NULL: not monitored */
};

static void settle(struct probe *p, bool up, const char *why)
{
	cw_dns_cancel(p->query);
	p->query = NULL;
	cw_pool_cancel(&p->waiter);
	cw_client_txn_stop(&p->monitor->sip->transactions, &p->txn);
	p->waiting = false;
	if (p->down == up)
		cw_info("sip.monitor", cw_kz("event", up ? "peer-active" : "peer-inactive"),
			cw_ks("zone", p->zone->name), cw_ks("peer", p->zone->peers[p->peer].host),
			cw_kz("why", why));
	p->down = !up;
	cw_timer_start(p->timer, up ? CW_MONITOR_INTERVAL_MS : CW_MONITOR_RETRY_MS);
}

static void on_response(void *arg, struct cw_sip_message *response)
{
	unsigned status = response->status;
	bool up = status != 408 && status != 503 && status != 504;

	cw_sip_message_destroy(response);
	if (status >= 200)
		settle(arg, up, up ? "it answers" : "it answers that it cannot");
}

static void on_lost(void *arg, bool untouched)
{
	settle(arg, false, untouched ? "it refuses our certificate" : "connection lost");
}

/*
 * Write the OPTIONS for a peer.
 *
 * Returns: 0; -EMSGSIZE or -ENOMEM.
 */
static int build(struct probe *p, struct cw_buf *out)
{
	const struct cw_zone *zone = p->zone;
	const struct cw_zone_peer *peer = &zone->peers[p->peer];
	bool v6 = cw_str_find(peer->host, ':') < peer->host.len;
	const char *id = p->txn.branch + sizeof("z9hG4bK") - 1;
	struct cw_str us = zone->local_name;

	cw_branch_make(
		&p->monitor->sip->transactions, p->txn.branch, (struct cw_str)CW_STR("0"), 0);
	cw_buf_clear(out);
	cw_buf_printf(out, "OPTIONS sip:%s%" CW_STR_FMT "%s:%u;transport=%s SIP/2.0\r\n",
		v6 ? "[" : "", CW_STR_ARG(peer->host), v6 ? "]" : "", peer->port,
		zone->transport == CW_ZONE_TLS ? "tls" : "tcp");
	cw_buf_printf(out, "Via: SIP/2.0/%s %" CW_STR_FMT ":%u;branch=%s\r\n",
		zone->transport == CW_ZONE_TLS ? "TLS" : "TCP", CW_STR_ARG(us),
		cw_sip_setup_port(p->monitor->setup, zone->transport), p->txn.branch);
	cw_buf_printf(out, "Max-Forwards: 0\r\nFrom: <sip:%" CW_STR_FMT ">;tag=%s\r\n",
		CW_STR_ARG(us), id);
	cw_buf_printf(out, "To: <sip:%" CW_STR_FMT ">\r\nCall-ID: %s@%" CW_STR_FMT "\r\n",
		CW_STR_ARG(zone->name), id, CW_STR_ARG(us));
	cw_buf_printf(out, "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
	return out->error;
}

static void ask(struct probe *p, struct cw_link *link)
{
	struct cw_sip *sip = p->monitor->sip;

	if (build(p, &sip->out) || cw_client_txn_start(&sip->transactions, &p->txn, link) ||
		cw_link_send(link, cw_buf_str(&sip->out), NULL))
		settle(p, false, "cannot write to it");
}

static void on_ready(void *arg, struct cw_link *link)
{
	ask(arg, link);
}

static void on_failed(void *arg, enum cw_reason reason)
{
	settle(arg, false, cw_reason_name(reason));
}

static void connect_to(struct probe *p, const struct cw_address *address)
{
	struct cw_sip *sip = p->monitor->sip;
	struct cw_pool_target target = {
		.setup = p->monitor->setup,
		.zone = p->zone,
		.address = *address,
		.server_name = cw_next_hop_server_name(
			p->zone->peers[p->peer].host, p->zone->verify, p->zone->n_verify),
		.names = p->zone->verify,
		.n_names = p->zone->n_verify,
		.connect_timeout_ms = p->zone->connect_timeout_ms,
	};
	struct cw_link *link = cw_pool_find(sip->pool, &target);

	if (link)
		ask(p, link);
	else if (cw_pool_connect(sip->pool, &target, &p->waiter))
		settle(p, false, "out of memory");
}

static void on_addresses(void *arg, const struct cw_dns_answer *answer)
{
	struct probe *p = arg;

	p->query = NULL;
	if (answer->status == CW_DNS_OK && answer->n_addresses > 0)
		connect_to(p, &answer->addresses[0]);
	else
		settle(p, false, cw_dns_status_name(answer->status));
}

static void on_timer(void *arg)
{
	struct probe *p = arg;
	const struct cw_zone_peer *peer = &p->zone->peers[p->peer];

	if (p->waiting) {
		settle(p, false, "no answer");
		return;
	}
	p->waiting = true;
	cw_timer_start(p->timer, CW_MONITOR_TIMEOUT_MS);
	if (cw_dns_addresses(
		    &p->query, p->monitor->sip->dns, peer->host, peer->port, on_addresses, p)) {
		p->query = NULL;
		settle(p, false, "out of memory");
	}
}

/* Whether another monitor knows that a peer, by its zone and address, does not answer. */
static bool was_down(const struct cw_monitor *before, const struct cw_zone *zone, size_t peer)
{
	const struct cw_zone_peer *wanted = &zone->peers[peer], *asked;
	struct cw_list *pos;

	if (!before)
		return false;
	cw_list_for_each (pos, &before->probes) {
		const struct probe *p = cw_container_of(pos, struct probe, entry);

		asked = &p->zone->peers[p->peer];
		if (p->down && cw_str_eq(p->zone->name, zone->name) &&
			asked->port == wanted->port && cw_str_case_eq(asked->host, wanted->host))
			return true;
	}
	return false;
}

static int add_probe(struct cw_monitor *monitor, const struct cw_zone *zone, size_t peer,
	const struct cw_monitor *before)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (!p || cw_timer_create(&p->timer, monitor->sip->loop, on_timer, p)) {
		free(p);
		return -ENOMEM;
	}
	p->monitor = monitor;
	p->zone = zone;
	p->peer = peer;
	p->down = was_down(before, zone, peer);
	p->waiter = (struct cw_pool_waiter){.ready = on_ready, .failed = on_failed, .arg = p};
	p->txn.method = CW_SIP_OPTIONS;
	p->txn.response = on_response;
	p->txn.lost = on_lost;
	p->txn.arg = p;
	cw_list_append(&monitor->probes, &p->entry);
	if (peer == 0)
		monitor->first[zone->index] = p;
	/* Not all at once: others have questions to DNS as well. */
	cw_timer_start(p->timer, monitor->n_probes++ * CW_MONITOR_SPREAD_MS);
	return 0;
}

int cw_monitor_create(struct cw_monitor **out, struct cw_sip *sip, const struct cw_monitor *before)
{
	struct cw_monitor *monitor = calloc(1, sizeof(*monitor));

	if (!monitor)
		return -ENOMEM;
	monitor->sip = sip;
	monitor->setup = sip->setup;
	cw_sip_setup_use(monitor->setup);
	cw_list_init(&monitor->probes);
	monitor->first = calloc(sip->setup->n_zones, sizeof(*monitor->first));
	if (!monitor->first) {
		cw_monitor_destroy(monitor);
		return -ENOMEM;
	}
	for (size_t i = 1; i < sip->setup->n_zones; i++) {
		const struct cw_zone *zone = sip->setup->zones[i];

		for (size_t peer = 0; zone->monitor && peer < zone->n_peers; peer++)
			if (add_probe(monitor, zone, peer, before)) {
				cw_monitor_destroy(monitor);
				return -ENOMEM;
			}
	}
	*out = monitor;
	return 0;
}

void cw_monitor_destroy(struct cw_monitor *monitor)
{
	struct cw_list *pos, *tmp;

	if (!monitor)
		return;
	cw_list_for_each_safe(pos, tmp, &monitor->probes)
	{
		struct probe *p = cw_container_of(pos, struct probe, entry);

		cw_dns_cancel(p->query);
		cw_pool_cancel(&p->waiter);
		cw_client_txn_stop(&monitor->sip->transactions, &p->txn);
		cw_timer_destroy(p->timer);
		cw_list_remove(&p->entry);
		free(p);
	}
	cw_sip_setup_release(monitor->setup);
	free(monitor->first);
	free(monitor);
}

/* The zone of that name in the monitor's own setup: a request may be of an older one. NULL: gone. */
static const struct cw_zone *own_zone(const struct cw_monitor *monitor, const struct cw_zone *zone)
{
	const struct cw_sip_setup *setup = monitor->setup;

	if (zone->index < setup->n_zones && setup->zones[zone->index] == zone)
		return zone;
	return cw_sip_setup_zone(setup, zone->name);
}

bool cw_monitor_is_down(const struct cw_monitor *monitor, const struct cw_zone *zone, size_t peer)
{
	const struct probe *p;

	if (!monitor || !zone->monitor)
		return false;
	zone = own_zone(monitor, zone);
	if (!zone || peer >= zone->n_peers || !monitor->first[zone->index])
		return false;
	p = monitor->first[zone->index];
	for (size_t i = 0; i < peer; i++)
		p = cw_container_of(p->entry.next, struct probe, entry);
	return p->down;
}
