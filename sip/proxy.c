#include "sip/proxy.h"

#include "core/log.h"
#include "sip/context.h"
#include "sip/identify.h"
#include "sip/ingress.h"
#include "sip/monitor.h"

#include <errno.h>
#include <stdlib.h>

#define OUT_MAX (CW_SIP_HEADERS_MAX_BYTES + CW_SIP_BODY_MAX_BYTES + 65536)

static const struct cw_link_handler incoming_handler, outgoing_handler;
static void on_peers_learned(void *arg);

const struct cw_connection_handler *const cw_sip_connection_handler = &cw_link_connection_handler;

static void init_counters(struct cw_sip_counters *c, struct cw_stats *stats)
{
	c->malformed = cw_stats_counter(stats, "sip.malformed");
	c->stray_responses = cw_stats_counter(stats, "sip.responses.stray");
	c->stray_acks = cw_stats_counter(stats, "sip.acks.stray");
	c->retransmissions = cw_stats_counter(stats, "sip.requests.repeated");
	c->links_in = cw_stats_counter(stats, "sip.connections.in");
	c->links_out = cw_stats_counter(stats, "sip.connections.out");
	c->denied = cw_stats_counter(stats, "sip.connections.denied");
	c->token_routed = cw_stats_counter(stats, "sip.tokens.followed");
	c->token_refused = cw_stats_counter(stats, "sip.tokens.refused");
	c->sender_refused = cw_stats_counter(stats, "sip.senders.refused");
	c->limit_exceeded = cw_stats_counter(stats, "sip.rules.limit");
	c->late_responses = cw_stats_counter(stats, "sip.responses.rerouted");
	c->undeliverable_responses = cw_stats_counter(stats, "sip.responses.undeliverable");
}

/*
 * Look after the peers of sip->setup, instead of those before: where they are, and whether they
 * answer.
 *
 * Returns: 0; -ENOMEM.
 */
static int watch_peers(struct cw_sip *sip)
{
	struct cw_peer_book *book = sip->peer_book;
	struct cw_monitor *monitor = sip->monitor;
	struct cw_peer_book_settings settings = {
		.loop = sip->loop,
		.dns = sip->dns,
		.setup = sip->setup,
		.learned = on_peers_learned,
		.arg = sip,
	};
	int r;

	sip->monitor = NULL;
	sip->peer_book = NULL;
	r = cw_peer_book_create(&sip->peer_book, &settings, book);
	if (!r)
		r = cw_monitor_create(&sip->monitor, sip, monitor);
	cw_peer_book_destroy(book);
	cw_monitor_destroy(monitor);
	return r;
}

int cw_sip_create(struct cw_sip **out, const struct cw_sip_settings *settings)
{
	struct cw_sip *sip = calloc(1, sizeof(*sip));
	int r;

	if (!sip)
		return -ENOMEM;
	sip->loop = settings->loop;
	sip->dns = settings->dns;
	sip->keyring = settings->keyring;
	sip->stats = settings->stats;
	sip->setup = settings->setup;
	cw_sip_setup_use(sip->setup);
	cw_fates_init(&sip->fates, settings->stats, "");
	init_counters(&sip->counters, settings->stats);
	cw_transactions_init(&sip->transactions);
	cw_list_init(&sip->links);
	cw_list_init(&sip->contexts);
	cw_buf_init(&sip->out, OUT_MAX);
	cw_buf_init(&sip->scratch, OUT_MAX);
	sip->pool = cw_pool_create(&(struct cw_pool_settings){
		.loop = settings->loop,
		.tls = settings->tls,
		.handler = &outgoing_handler,
		.arg = sip,
	});
	r = sip->pool ? watch_peers(sip) : -ENOMEM;
	if (r) {
		cw_sip_destroy(sip);
		return r;
	}
	cw_sip_views_add(sip, &sip->views, settings->views);
	*out = sip;
	return 0;
}

void cw_sip_destroy(struct cw_sip *sip)
{
	if (!sip)
		return;
	cw_sip_views_remove(&sip->views);
	cw_sip_abort(sip);
	cw_monitor_destroy(sip->monitor);
	cw_peer_book_destroy(sip->peer_book);
	cw_pool_destroy(sip->pool);
	while (!cw_list_empty(&sip->links))
		cw_link_abandon(cw_container_of(sip->links.next, struct cw_link, entry));
	cw_transactions_finish(&sip->transactions);
	cw_buf_finish(&sip->out);
	cw_buf_finish(&sip->scratch);
	cw_sip_setup_release(sip->setup);
	free(sip);
}

/* Take a link into the list of all. */
static void enlist(struct cw_sip *sip, struct cw_link *link)
{
	link->serial = ++sip->last_serial;
	link->since_ms = cw_loop_now_ms(sip->loop);
	cw_list_append(&sip->links, &link->entry);
}

void *cw_sip_accept(struct cw_connection *connection, void *arg)
{
	struct cw_sip *sip = arg;
	struct cw_link *link = cw_link_accept(connection, &incoming_handler, sip);

	if (link)
		enlist(sip, link);
	return link;
}

/* The name to call a certificate's holder by. */
static struct cw_str first_name(const struct cw_identity *identity)
{
	return identity && identity->n_names ? identity->names[0].name : cw_str_of("-");
}

/* The zone of a link in the eyes of whoever reads the log. */
static struct cw_str zone_name(const struct cw_link *link)
{
	const struct cw_zone *zone = link->dialled_for ? link->dialled_for : link->zone;

	return zone ? zone->name : cw_str_of("-");
}

static void log_open(const struct cw_link *link)
{
	const struct cw_identity *identity = cw_connection_identity(link->connection);

	cw_info("sip.connection", cw_kz("event", "open"),
		cw_kz("direction", link->incoming ? "in" : "out"), cw_ks("zone", zone_name(link)),
		cw_kz("remote", link->remote), cw_ks("name", first_name(identity)),
		cw_kz("subject", identity ? identity->subject : NULL));
}

/* From now on requests on the link come from that zone of the snapshot of now. */
static void place(struct cw_sip *sip, struct cw_link *link, const struct cw_zone *zone)
{
	cw_sip_setup_use(sip->setup);
	if (link->setup)
		cw_sip_setup_release(link->setup);
	link->setup = sip->setup;
	link->zone = zone;
}

/* Put an incoming link into its zone. Returns: false when the access rules do not admit it. */
static bool admit(struct cw_sip *sip, struct cw_link *link)
{
	const struct cw_identity *identity = cw_connection_identity(link->connection);
	const struct cw_zone *zone = cw_identify(sip->setup, sip->peer_book, link->connection);
	const struct cw_access_rule *by = NULL;

	place(sip, link, zone);
	if (zone->type != CW_ZONE_DEFAULT || cw_policy_admits(sip->setup->policy, identity, &by))
		return true;
	(*sip->counters.denied)++;
	cw_warn("sip.connection", cw_kz("event", "denied"), cw_kz("remote", link->remote),
		cw_ks("name", first_name(identity)),
		cw_kz("subject", identity ? identity->subject : NULL),
		cw_kz("file", by ? by->place.file : NULL), cw_ki("line", by ? by->place.line : 0));
	return false;
}

static void on_incoming_open(struct cw_link *link, void *arg)
{
	struct cw_sip *sip = arg;

	(*sip->counters.links_in)++;
	if (!admit(sip, link)) {
		cw_link_close(link);
		return;
	}
	log_open(link);
}

/*
 * Put a link that we dialled into a zone. For a neighbor it belongs to that. Whoever we found by
 * DNS is told apart as if it had dialled us; where it would not be admitted, it may answer and no
 * more.
 *
 * Returns: false when the zone is gone, or asks for another peer now.
 */
static bool place_dialled(struct cw_sip *sip, struct cw_link *link)
{
	const struct cw_identity *identity = cw_connection_identity(link->connection);
	const struct cw_zone *to = cw_sip_setup_zone(sip->setup, link->dialled_for->name);
	const struct cw_zone *from = to;

	if (!to || (to->type != CW_ZONE_DNS && !cw_identify_fits(to, identity)))
		return false;
	if (to->type == CW_ZONE_DNS)
		from = cw_identify(sip->setup, sip->peer_book, link->connection);
	place(sip, link, from);
	link->dialled_for = to;
	link->retired = false;
	link->denied = from->type == CW_ZONE_DEFAULT &&
		       !cw_policy_admits(sip->setup->policy, identity, NULL);
	return true;
}

static void on_outgoing_open(struct cw_link *link, void *arg)
{
	struct cw_sip *sip = arg;

	/* The zone may have gone while it was dialled: then it serves those who wait for it. */
	if (!place_dialled(sip, link))
		link->denied = true;
	(*sip->counters.links_out)++;
	enlist(sip, link);
	log_open(link);
}

/* Close a link that was retired, when no answer is awaited on it any more. */
static void close_retired(struct cw_link *link)
{
	if (link->retired && cw_list_empty(&link->clients))
		cw_link_close(link);
}

/* The zone does not want this link any more, but what is under way on it may be answered. */
static void retire(struct cw_link *link)
{
	link->denied = link->retired = true;
	close_retired(link);
}

static void on_response(struct cw_sip *sip, struct cw_link *link, struct cw_sip_message *response)
{
	struct cw_client_txn *txn = cw_client_txn_find(&sip->transactions, response, link);

	if (txn) {
		struct cw_link *asked = txn->link;

		txn->response(txn->arg, response);
		close_retired(asked);
		return;
	}
	if (response->method ==
		CW_SIP_CANCEL) { /* to one of ours: hop by hop, and of no consequence */
		cw_sip_message_destroy(response);
		return;
	}
	(*sip->counters.stray_responses)++;
	cw_debug("sip.response", cw_kz("event", "stray"), cw_kz("remote", link->remote),
		cw_ki("status", response->status), cw_ks("call", response->call_id));
	cw_sip_message_destroy(response);
}

static void on_message(struct cw_link *link, void *arg, struct cw_sip_message *message)
{
	if (message->is_request) {
		link->requests_in++;
		cw_ingress_request(arg, link, message);
	} else {
		on_response(arg, link, message);
	}
}

static void on_malformed(
	struct cw_link *link, void *arg, const struct cw_sip_reject *reject, bool is_response)
{
	struct cw_sip *sip = arg;

	(*sip->counters.malformed)++;
	if (!is_response) {
		cw_fates_open(&sip->fates);
		cw_fates_book(&sip->fates, CW_FATE_REJECTED);
	}
	cw_warn("sip.message", cw_kz("event", "malformed"), cw_kz("remote", link->remote),
		cw_ki("status", reject->status), cw_kz("reason", reject->reason));
}

static void on_closed(
	struct cw_link *link, void *arg, enum cw_connection_end end, const char *detail)
{
	struct cw_sip *sip = arg;

	cw_info("sip.connection", cw_kz("event", "closed"), cw_kz("remote", link->remote),
		cw_ks("zone", zone_name(link)), cw_kz("end", cw_connection_end_name(end)),
		cw_kz("detail", detail));
	while (!cw_list_empty(&link->servers))
		cw_context_link_lost(
			cw_container_of(link->servers.next, struct cw_context, on_link));
	while (!cw_list_empty(&link->clients)) {
		struct cw_client_txn *txn =
			cw_container_of(link->clients.next, struct cw_client_txn, on_link);

		cw_client_txn_stop(&sip->transactions, txn);
		txn->lost(txn->arg, end == CW_END_HANDSHAKE);
	}
}

void cw_sip_reload(struct cw_sip *sip, struct cw_sip_setup *setup)
{
	struct cw_sip_setup *old = sip->setup;
	struct cw_list *pos, *tmp;

	sip->setup = setup;
	cw_sip_setup_use(setup);
	cw_pool_reload(sip->pool, setup);
	if (watch_peers(sip))
		cw_error("sip.monitor", cw_kz("event", "out-of-memory"));
	cw_list_for_each_safe(pos, tmp, &sip->links)
	{
		struct cw_link *link = cw_container_of(pos, struct cw_link, entry);

		if (!link->zone || link->broken)
			continue;
		if (link->incoming) {
			if (!admit(sip, link))
				cw_link_close(link);
		} else if (!place_dialled(sip, link)) {
			retire(link);
		}
	}
	old->replaced = true;
	cw_sip_setup_release(old);
}

/* Who came before it was known whose address that is, is told apart now. */
static void on_peers_learned(void *arg)
{
	struct cw_sip *sip = arg;
	struct cw_list *pos;

	cw_list_for_each (pos, &sip->links) {
		struct cw_link *link = cw_container_of(pos, struct cw_link, entry);

		if (link->incoming && link->zone && !link->broken &&
			link->zone->type == CW_ZONE_DEFAULT)
			place(sip, link, cw_identify(sip->setup, sip->peer_book, link->connection));
	}
}

void cw_sip_abort(struct cw_sip *sip)
{
	while (!cw_list_empty(&sip->contexts))
		cw_context_abort(cw_container_of(sip->contexts.next, struct cw_context, entry));
}

void cw_sip_stop(struct cw_sip *sip, void (*stopped)(void *arg), void *arg)
{
	sip->stopping = true;
	sip->stopped = stopped;
	sip->stopped_arg = arg;
	cw_sip_context_booked(sip);
}

void cw_sip_settle(struct cw_sip *sip)
{
	struct cw_list *pos;
	size_t alive = 0;

	cw_list_for_each (pos, &sip->contexts)
		alive += !cw_container_of(pos, struct cw_context, entry)->booked;
	cw_fates_settle(&sip->fates, alive);
}

static const struct cw_link_handler incoming_handler = {
	.opened = on_incoming_open,
	.message = on_message,
	.malformed = on_malformed,
	.closed = on_closed,
};

static const struct cw_link_handler outgoing_handler = {
	.opened = on_outgoing_open,
	.message = on_message,
	.malformed = on_malformed,
	.closed = on_closed,
};
