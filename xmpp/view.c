/* Rows of what there is on the XMPP side. */
#include "xmpp/view.h"

#include "relay/status.h"
#include "xmpp/component.h"
#include "xmpp/outbound.h"
#include "xmpp/stack.h"
#include "xmpp/stream.h"

#include <stdio.h>

#define FAILED_KEYS                                                                                \
	(UINT64_C(1) << 62) /* keys of ways without a stream stand behind those of streams */
#define COMPONENT_KEYS (UINT64_C(1) << 63) /* and of components behind these */

/* ---- connections ---- */

enum {
	PROTOCOL,
	PARTNER,
	LOCAL,
	ADDRESS,
	DIRECTION,
	STATE,
	TLS,
	CIPHER,
	VERIFIED,
	AGE,
	IDLE,
	STANZAS_IN,
	STANZAS_OUT,
	BYTES_IN,
	BYTES_OUT,
	QUEUE,
	UNCONFIRMED,
	LAST_ERROR,
	N_COLUMNS,
};

static const struct cw_view_column columns[N_COLUMNS] = {
	[PROTOCOL] = {"protocol", NULL, CW_VIEW_TEXT},
	[PARTNER] = {"partner", "XMPP PARTNER", CW_VIEW_TEXT},
	[LOCAL] = {"local", "LOCAL", CW_VIEW_TEXT},
	[ADDRESS] = {"address", "ADDRESS", CW_VIEW_TEXT},
	[DIRECTION] = {"direction", "WAY", CW_VIEW_TEXT},
	[STATE] = {"state", "STATE", CW_VIEW_TEXT},
	[TLS] = {"tls", "TLS", CW_VIEW_TEXT},
	[CIPHER] = {"cipher", NULL, CW_VIEW_TEXT},
	[VERIFIED] = {"verified", "VERIFIED", CW_VIEW_TEXT},
	[AGE] = {"age_s", NULL, CW_VIEW_SECONDS},
	[IDLE] = {"idle_s", NULL, CW_VIEW_SECONDS},
	[STANZAS_IN] = {"stanzas_in", NULL, CW_VIEW_NUMBER},
	[STANZAS_OUT] = {"stanzas_out", NULL, CW_VIEW_NUMBER},
	[BYTES_IN] = {"bytes_in", NULL, CW_VIEW_BYTES},
	[BYTES_OUT] = {"bytes_out", NULL, CW_VIEW_BYTES},
	[QUEUE] = {"queue", NULL, CW_VIEW_BYTES},
	[UNCONFIRMED] = {"unconfirmed", NULL, CW_VIEW_NUMBER},
	[LAST_ERROR] = {"last_error", "LAST ERROR", CW_VIEW_TEXT},
};

/* Bytes of stanzas that wait until the stream is established. */
static size_t queued_for(const struct cw_stream *s)
{
	const struct cw_outbound *o = s->owner_arg;

	return s->is_incoming || s->is_component ? 0 : o->queued_bytes;
}

static bool give_stream(struct cw_view_walk *walk, const struct cw_stream *s)
{
	const struct cw_connection *c = s->connection;
	uint64_t now_ms = cw_loop_now_ms(s->xmpp->loop);
	uint64_t last_ms = s->last_stanza_ms ? s->last_stanza_ms : s->since_ms;
	struct cw_view_cell cells[N_COLUMNS] = {
		[PROTOCOL] = cw_view_text("xmpp"),
		[PARTNER] = cw_view_text(s->negotiation.remote),
		[LOCAL] = cw_view_text(s->negotiation.local),
		[ADDRESS] = cw_view_text(s->remote_text),
		[DIRECTION] = cw_view_text(s->is_incoming ? "in" : "out"),
		[STATE] = cw_view_text(cw_stream_state_name(s->state)),
		[TLS] = cw_view_text(cw_connection_tls_version(c)),
		[CIPHER] = cw_view_text(cw_connection_tls_cipher(c)),
		[VERIFIED] = cw_view_text(cw_stream_proof_name(s->proof)),
		[AGE] = cw_view_number((now_ms - s->since_ms) / 1000),
		[IDLE] = cw_view_number((now_ms - last_ms) / 1000),
		[STANZAS_IN] = cw_view_number(s->stanzas_in),
		[STANZAS_OUT] = cw_view_number(s->stanzas_out),
		[BYTES_IN] = cw_view_number(s->bytes_in),
		[BYTES_OUT] = cw_view_number(s->bytes_out),
		[QUEUE] = cw_view_number(cw_connection_queued(c) + queued_for(s)),
		[UNCONFIRMED] = cw_view_number(s->ack.n),
		[LAST_ERROR] = cw_view_text(s->reason),
	};

	return cw_view_row(walk, s->serial, cells);
}

/* A partner without a stream: what it was that failed. */
static bool give_failed(struct cw_view_walk *walk, const struct cw_outbound *o)
{
	uint64_t now_ms = cw_loop_now_ms(o->xmpp->loop);
	struct cw_view_cell cells[N_COLUMNS] = {
		[PROTOCOL] = cw_view_text("xmpp"),
		[PARTNER] = cw_view_text(o->remote),
		[LOCAL] = cw_view_text(o->local),
		[DIRECTION] = cw_view_text("out"),
		[STATE] = cw_view_text(cw_outbound_state_name(o)),
		[AGE] = cw_view_number((now_ms - o->failed_ms) / 1000),
		[QUEUE] = cw_view_number(o->queued_bytes),
		[LAST_ERROR] = cw_view_text(o->last_error),
	};

	return cw_view_row(walk, FAILED_KEYS + o->serial, cells);
}

/* Where a component's rows go. */
struct component_walk {
	const struct cw_xmpp *xmpp;
	struct cw_view_walk *walk;
};

static bool give_component(void *arg, const struct cw_component_state *state)
{
	struct component_walk *w = arg;
	uint64_t now_ms = cw_loop_now_ms(w->xmpp->loop);
	struct cw_view_cell cells[N_COLUMNS] = {
		[PROTOCOL] = cw_view_text("xmpp"),
		[PARTNER] = cw_view_str(state->name),
		[DIRECTION] = cw_view_text("out"),
		[STATE] = cw_view_text(state->last_error ? "failed" : "connecting"),
		[AGE] = cw_view_number(state->last_error ? (now_ms - state->failed_ms) / 1000 : 0),
		[QUEUE] = cw_view_number(state->queued_bytes),
		[LAST_ERROR] = cw_view_text(state->last_error),
	};

	return cw_view_row(w->walk, COMPONENT_KEYS + state->serial, cells);
}

static void give_rows(void *arg, struct cw_view_walk *walk)
{
	struct cw_xmpp *x = arg;
	struct cw_list *pos;

	cw_list_for_each (pos, &x->streams) {
		const struct cw_stream *s = cw_container_of(pos, struct cw_stream, link);

		/* many may have been given before */
		if (s->serial > walk->after && s->connection && !give_stream(walk, s))
			return;
	}
	cw_list_for_each (pos, &x->outbound_list) {
		const struct cw_outbound *o = cw_container_of(pos, struct cw_outbound, link);

		if (o->state == CW_OUTBOUND_FAILED && !give_failed(walk, o))
			return;
	}
	cw_component_each_down(
		x, give_component, &(struct component_walk){.xmpp = x, .walk = walk});
}

/* ---- whether it works ---- */

/* The last thing that went wrong towards a zone with peers, where no stream with it is up. */
static const char *problem_of(const struct cw_xmpp *x, const struct cw_zone *zone)
{
	struct cw_list *pos;
	const char *why = NULL;

	if (zone->n_components > 0)
		return cw_component_problem(x, zone);
	cw_list_for_each (pos, &x->streams) {
		const struct cw_stream *s = cw_container_of(pos, struct cw_stream, link);

		if (s->state == CW_STREAM_ESTABLISHED && cw_str_eq(cw_str_of(s->zone), zone->name))
			return NULL;
	}
	cw_list_for_each (pos, &x->outbound_list) {
		const struct cw_outbound *o = cw_container_of(pos, struct cw_outbound, link);

		if (o->zone_name && cw_str_eq(cw_str_of(o->zone_name), zone->name) &&
			o->state == CW_OUTBOUND_FAILED)
			why = o->last_error;
	}
	return why;
}

/* Why the federation does not work, in words; NULL: it does. */
static const char *inactive_reason(const struct cw_xmpp *x, char room[static CW_XMPP_REFUSAL_MAX])
{
	const struct cw_xmpp_setup *setup = x->setup;
	const struct cw_zone *inside = cw_xmpp_policy_inside(setup->policy);
	const char *why;

	if (x->stopping)
		return "the daemon is stopping";
	if (!setup->is_listening)
		return "no \"listen xmpp\" is configured";
	if (!inside)
		return "no zone is named by \"inside\"";
	if (!cw_xmpp_policy_has_local(setup->policy))
		return "no domain or chat-node is configured";
	if (!cw_xmpp_policy_lets_anybody(setup->policy))
		return "the allow list is empty: nobody may federate";
	why = problem_of(x, inside);
	if (!why)
		return NULL;
	snprintf(room, CW_XMPP_REFUSAL_MAX, "zone %s: %s", inside->name.p, why);
	return room;
}

static void give_service(void *arg, struct cw_view_walk *walk)
{
	static const char *const name = "xmpp-federation";
	const struct cw_xmpp *x = arg;
	char room[CW_XMPP_REFUSAL_MAX];
	const char *why;

	if (!x->setup->policy) {
		cw_service_row(walk, 2, name, CW_SERVICE_OFF, "no \"xmpp\" block is configured");
		return;
	}
	why = inactive_reason(x, room);
	cw_service_row(
		walk, 2, name, why ? CW_SERVICE_INACTIVE : CW_SERVICE_ACTIVE, why ? why : "");
}

/* ---- zones ---- */

static void give_zones(void *arg, struct cw_view_walk *walk)
{
	const struct cw_xmpp *x = arg;

	for (size_t i = 1; i < x->setup->n_zones; i++) {
		const struct cw_zone *zone = x->setup->zones[i];
		const char *why = NULL;

		if (zone->type != CW_ZONE_XMPP || zone->index + 1 <= walk->after)
			continue;
		why = zone->n_peers > 0 ? problem_of(x, zone) : NULL;
		if (!cw_zone_row(
			    walk, zone, zone->n_peers > 0, why ? zone->n_peers : 0, cw_str_of(why)))
			return;
	}
}

/* ---- all ---- */

void cw_xmpp_views_add(struct cw_xmpp *x, struct cw_xmpp_views *views, struct cw_views *registry)
{
	views->connections = (struct cw_view){.name = "connections",
		.columns = columns,
		.n_columns = N_COLUMNS,
		.rows = give_rows,
		.arg = x};
	views->services = (struct cw_view){.name = "services",
		.columns = cw_service_columns,
		.n_columns = CW_SERVICE_COLUMNS,
		.rows = give_service,
		.arg = x};
	views->zones = (struct cw_view){.name = "zones",
		.columns = cw_zone_columns,
		.n_columns = CW_ZONE_COLUMNS,
		.rows = give_zones,
		.arg = x};
	cw_views_add(registry, &views->connections);
	cw_views_add(registry, &views->services);
	cw_views_add(registry, &views->zones);
}

void cw_xmpp_views_remove(struct cw_xmpp_views *views)
{
	cw_views_remove(&views->connections);
	cw_views_remove(&views->services);
	cw_views_remove(&views->zones);
}
