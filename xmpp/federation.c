#include "xmpp/federation.h"

#include "certs/digest.h"
#include "xmpp/component.h"
#include "xmpp/delivery.h"
#include "xmpp/inbound.h"
#include "xmpp/outbound.h"
#include "xmpp/stack.h"
#include "xmpp/stream.h"

#include <errno.h>
#include <stdlib.h>

/* ---- counters ---- */

static void init_counters(struct cw_xmpp *x)
{
	struct cw_xmpp_counters *c = &x->counters;
	const struct {
		uint64_t **counter;
		const char *name;
	} rows[] = {
		{&c->streams_in, "xmpp.streams.in"},
		{&c->streams_out, "xmpp.streams.out"},
		{&c->established, "xmpp.streams.established"},
		{&c->failed, "xmpp.streams.failed"},
		{&c->refused_stanzas, "xmpp.stanzas.refused"},
		{&c->claims, "xmpp.dialback.claims"},
		{&c->claims_valid, "xmpp.dialback.valid"},
		{&c->claims_refused, "xmpp.dialback.refused"},
		{&c->verifications, "xmpp.dialback.verifications"},
		{&c->bounced, "xmpp.stanzas.bounced"},
		{&c->pings, "xmpp.pings"},
		{&c->pings_unanswered, "xmpp.pings.unanswered"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		*rows[i].counter = cw_stats_counter(x->stats, rows[i].name);
	cw_fates_init(&x->fates, x->stats, "xmpp.");
}

void cw_xmpp_settle(struct cw_xmpp *x)
{
	cw_fates_settle(&x->fates, cw_xmpp_under_way(x));
}

/* ---- life ---- */

int cw_xmpp_create(struct cw_xmpp **out, const struct cw_federation_settings *settings)
{
	struct cw_xmpp *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->loop = settings->loop;
	x->dns = settings->dns;
	x->tls = settings->tls;
	x->secret = settings->secret;
	x->stats = settings->stats;
	x->tap = settings->tap;
	x->setup = settings->setup;
	cw_xmpp_setup_use(x->setup);
	(void)cw_random_bytes((uint8_t *)&x->next_trace, sizeof(x->next_trace));
	cw_list_init(&x->streams);
	cw_list_init(&x->outbound_list);
	cw_list_init(&x->failures);
	cw_list_init(&x->deliveries);
	cw_list_init(&x->component_list);
	cw_table_init(&x->outbounds);
	cw_table_init(&x->by_remote);
	cw_table_init(&x->components);
	cw_table_init(&x->pings);
	cw_table_init(&x->claimants);
	cw_tls_seen_init(&x->tls_seen);
	cw_buf_init(&x->out, 0);
	init_counters(x);
	cw_xmpp_views_add(x, &x->views, settings->views);
	cw_component_reload_all(x);
	*out = x;
	return 0;
}

static void abandon_all(struct cw_xmpp *x)
{
	struct cw_list *pos, *tmp;

	cw_list_for_each_safe(pos, tmp, &x->streams)
	{
		struct cw_stream *s = cw_container_of(pos, struct cw_stream, link);

		cw_stream_set_reason(s, "Causeway stops");
		s->owner->closed(s);
		cw_stream_abandon(s);
	}
}

void cw_xmpp_destroy(struct cw_xmpp *x)
{
	if (!x)
		return;
	cw_xmpp_views_remove(&x->views);
	x->stopping = true;
	cw_outbound_fail_all(x, "Causeway stops");
	cw_component_fail_all(x, "Causeway stops");
	abandon_all(x);
	cw_delivery_end_all(x, "Causeway stops");
	cw_outbound_destroy_all(x);
	cw_component_destroy_all(x);
	cw_table_finish(&x->outbounds);
	cw_table_finish(&x->by_remote);
	cw_table_finish(&x->components);
	cw_table_finish(&x->pings);
	cw_table_finish(&x->claimants);
	cw_tls_seen_finish(&x->tls_seen);
	cw_buf_finish(&x->out);
	x->setup->replaced = true;
	cw_xmpp_setup_release(x->setup);
	free(x);
}

/* ---- in ---- */

const struct cw_connection_handler *const cw_xmpp_connection_handler =
	&cw_stream_connection_handler;

void *cw_xmpp_accept(struct cw_connection *connection, void *xmpp)
{
	return cw_stream_accept(xmpp, connection, false, &cw_inbound_owner);
}

void *cw_xmpp_accept_direct(struct cw_connection *connection, void *xmpp)
{
	return cw_stream_accept(xmpp, connection, true, &cw_inbound_owner);
}

void cw_xmpp_set_limits(struct cw_admission *admission)
{
	const struct cw_admission_limits limits = {
		.connections = CW_LISTENER_CONNECTIONS_MAX,
		.per_address = CW_LISTENER_PER_ADDRESS_MAX,
		.half_open = CW_XMPP_STRANGERS_PER_ADDRESS_MAX,
		.half_open_total = CW_XMPP_STRANGERS_MAX,
		.input = CW_LISTENER_INPUT_MAX,
		.input_per_address = CW_LISTENER_INPUT_PER_ADDRESS_MAX,
	};

	cw_admission_set_limits(admission, &limits);
}

/* ---- changes ---- */

void cw_xmpp_reload(struct cw_xmpp *x, struct cw_xmpp_setup *setup)
{
	struct cw_xmpp_setup *old = x->setup;
	struct cw_list *pos;

	x->setup = setup;
	cw_xmpp_setup_use(setup);
	cw_outbound_reload_all(x);
	cw_component_reload_all(x);
	cw_list_for_each (pos, &x->streams) {
		struct cw_stream *s = cw_container_of(pos, struct cw_stream, link);

		if (s->is_incoming)
			cw_inbound_reload(s);
	}
	old->replaced = true;
	cw_xmpp_setup_release(old);
}

void cw_xmpp_stop(struct cw_xmpp *x, void (*stopped)(void *arg), void *arg)
{
	x->stopping = true;
	x->stopped = stopped;
	x->stopped_arg = arg;
	cw_xmpp_settled(x);
}

void cw_xmpp_abort(struct cw_xmpp *x)
{
	x->stopping = true;
	cw_outbound_fail_all(x, "Causeway stops");
	cw_component_fail_all(x, "Causeway stops");
	cw_stream_close_all(x, "Causeway stops");
}
