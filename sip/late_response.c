#include "sip/late_response.h"

#include "core/log.h"

#include <stdlib.h>

/* A response that waits for a connection. */
struct late {
	struct cw_sip *sip;
	struct cw_pool_waiter waiter;
	char trace[CW_TRACE_ID_MAX];
	size_t len;
	char bytes[];
};

static void undeliverable(struct cw_sip *sip, const char *trace)
{
	(*sip->counters.undeliverable_responses)++;
	cw_warn("sip.request", cw_kz("event", "response-undeliverable"), cw_kz("trace", trace));
}

static void on_ready(void *arg, struct cw_link *link)
{
	struct late *late = arg;

	if (cw_link_send(link, cw_str_make(late->bytes, late->len), NULL))
		undeliverable(late->sip, late->trace);
	free(late);
}

static void on_failed(void *arg, enum cw_reason reason)
{
	struct late *late = arg;

	(void)reason;
	undeliverable(late->sip, late->trace);
	free(late);
}

/* An open connection of the same zone and the same peer. */
static struct cw_link *find_sibling(const struct cw_context *ctx)
{
	struct cw_list *pos;

	/* What came over TLS does not go back without it. */
	cw_list_for_each (pos, &ctx->sip->links) {
		struct cw_link *link = cw_container_of(pos, struct cw_link, entry);
		const struct cw_identity *identity = cw_connection_identity(link->connection);

		if (!cw_connection_is_open(link->connection) || !link->zone || link->broken ||
			!cw_str_eq(link->zone->name, ctx->from->name))
			continue;
		if (identity ? strcmp(identity->fingerprint, ctx->sender) == 0
			     : ctx->sender[0] == '\0' &&
					cw_address_same_host(cw_connection_remote(link->connection),
						&ctx->remote))
			return link;
	}
	return NULL;
}

/* The peer of a neighbor that is meant by the address the request came from, or by its sent-by. */
static const struct cw_zone_peer *find_peer(
	const struct cw_context *ctx, struct cw_address *address)
{
	const struct cw_zone *zone = ctx->from;
	char remote[CW_ADDRESS_TEXT_MAX];

	cw_address_format_host(&ctx->remote, remote);
	for (size_t i = 0; zone->type == CW_ZONE_NEIGHBOR && i < zone->n_peers; i++) {
		const struct cw_zone_peer *peer = &zone->peers[i];

		if (cw_address_make(address, peer->host, peer->port) == 0) {
			if (cw_address_same_host(address, &ctx->remote))
				return peer;
		} else if (cw_str_case_eq(peer->host, ctx->message->vias[0].host) &&
			   cw_address_make(address, cw_str_of(remote), peer->port) == 0) {
			return peer; /* the name in the Via says which one; it is where the request came from */
		}
	}
	return NULL;
}

void cw_late_response_send(struct cw_context *ctx, struct cw_str bytes)
{
	struct cw_link *link = find_sibling(ctx);
	const struct cw_zone_peer *peer;
	struct cw_pool_target target = {
		.setup = ctx->setup,
		.zone = ctx->from,
		.names = ctx->from->verify,
		.n_names = ctx->from->n_verify,
		.connect_timeout_ms = ctx->from->connect_timeout_ms,
	};
	struct late *late;

	(*ctx->sip->counters.late_responses)++;
	peer = link ? NULL : find_peer(ctx, &target.address);
	if (peer) {
		target.server_name =
			cw_next_hop_server_name(peer->host, target.names, target.n_names);
		link = cw_pool_find(ctx->sip->pool, &target);
	}
	if (link && cw_link_send(link, bytes, NULL) == 0)
		return;
	late = peer && !link ? malloc(sizeof(*late) + bytes.len) : NULL;
	if (late) {
		*late = (struct late){.sip = ctx->sip,
			.waiter = {.ready = on_ready, .failed = on_failed, .arg = late},
			.len = bytes.len};
		memcpy(late->trace, ctx->trace, sizeof(late->trace));
		memcpy(late->bytes, bytes.p, bytes.len);
		if (cw_pool_connect(ctx->sip->pool, &target, &late->waiter) == 0)
			return;
		free(late);
	}
	undeliverable(ctx->sip, ctx->trace);
}
