/* Rows of what there is on the SIP side. */
#include "sip/view.h"

#include "core/buf.h"
#include "relay/status.h"
#include "sip/monitor.h"
#include "sip/stack.h"

#define REASON_MAX 512 /* bytes of the peers of a zone that do not answer */

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* ---- connections ---- */

static const struct cw_view_column connection_columns[] = {
	{"protocol", NULL, CW_VIEW_TEXT},
	{"zone", "SIP ZONE", CW_VIEW_TEXT},
	{"partner", "PEER", CW_VIEW_TEXT},
	{"address", "ADDRESS", CW_VIEW_TEXT},
	{"direction", "WAY", CW_VIEW_TEXT},
	{"state", NULL, CW_VIEW_TEXT},
	{"tls", "TLS", CW_VIEW_TEXT},
	{"cipher", NULL, CW_VIEW_TEXT},
	{"verified", NULL, CW_VIEW_TEXT},
	{"age_s", "AGE", CW_VIEW_SECONDS},
	{"idle_s", "IDLE", CW_VIEW_SECONDS},
	{"requests_in", NULL, CW_VIEW_NUMBER},
	{"requests_out", NULL, CW_VIEW_NUMBER},
	{"requests_open", "OPEN", CW_VIEW_NUMBER},
	{"queue", NULL, CW_VIEW_BYTES},
};

static const char *state_of(const struct cw_link *link)
{
	if (cw_connection_is_open(link->connection))
		return "established";
	return link->zone ? "closing" : "connecting";
}

static struct cw_str zone_of(const struct cw_link *link)
{
	const struct cw_zone *zone = link->dialled_for ? link->dialled_for : link->zone;

	return zone ? zone->name : cw_str_of(NULL);
}

static struct cw_str peer_of(const struct cw_identity *identity)
{
	if (!identity)
		return cw_str_of(NULL);
	return identity->n_names ? identity->names[0].name : cw_str_of(identity->subject);
}

static uint64_t length(struct cw_list *list)
{
	struct cw_list *pos;
	uint64_t n = 0;

	cw_list_for_each (pos, list)
		n++;
	return n;
}

static bool connection_row(
	struct cw_view_walk *walk, struct cw_link *link, const struct cw_sip *sip)
{
	const struct cw_identity *identity = cw_connection_identity(link->connection);
	const struct cw_view_cell cells[N_ELEMENTS(connection_columns)] = {
		cw_view_text("sip"),
		cw_view_str(zone_of(link)),
		cw_view_str(peer_of(identity)),
		cw_view_text(link->remote),
		cw_view_text(link->incoming ? "in" : "out"),
		cw_view_text(state_of(link)),
		cw_view_text(cw_connection_tls_version(link->connection)),
		cw_view_text(cw_connection_tls_cipher(link->connection)),
		cw_view_text(!link->zone ? ""
			     : identity  ? "certificate"
					 : "address"),
		cw_view_number((cw_loop_now_ms(sip->loop) - link->since_ms) / 1000),
		cw_view_number(cw_connection_idle_ms(link->connection) / 1000),
		cw_view_number(link->requests_in),
		cw_view_number(link->requests_out),
		cw_view_number(length(&link->servers) + length(&link->clients)),
		cw_view_number(cw_connection_queued(link->connection)),
	};

	return cw_view_row(walk, link->serial, cells);
}

static void connection_rows(void *arg, struct cw_view_walk *walk)
{
	const struct cw_sip *sip = arg;
	struct cw_list *pos;

	cw_list_for_each (pos, &sip->links) {
		struct cw_link *link = cw_container_of(pos, struct cw_link, entry);

		/* many may have been given before */
		if (link->serial > walk->after && !connection_row(walk, link, sip))
			return;
	}
}

/* ---- services ---- */

static void service_rows(void *arg, struct cw_view_walk *walk)
{
	const struct cw_sip *sip = arg;

	if (sip->stopping)
		cw_service_row(walk, 1, "sip", CW_SERVICE_INACTIVE, "the daemon is stopping");
	else if (sip->setup->tls_port || sip->setup->tcp_port)
		cw_service_row(walk, 1, "sip", CW_SERVICE_ACTIVE, "");
	else
		cw_service_row(walk, 1, "sip", CW_SERVICE_OFF, "no \"listen sip\" is configured");
}

/* ---- zones ---- */

static bool zone_row(
	struct cw_view_walk *walk, const struct cw_zone *zone, const struct cw_sip *sip)
{
	struct cw_buf why;
	size_t down = 0;
	bool more;

	cw_buf_init(&why, REASON_MAX);
	for (size_t i = 0; zone->monitor && i < zone->n_peers; i++) {
		if (!cw_monitor_is_down(sip->monitor, zone, i))
			continue;
		cw_buf_add(&why, cw_str_of(down ? ", " : "no answer from "));
		cw_buf_add(&why, zone->peers[i].host);
		down++;
	}
	more = cw_zone_row(walk, zone, zone->monitor, down, cw_buf_str(&why));
	cw_buf_finish(&why);
	return more;
}

static void zone_rows(void *arg, struct cw_view_walk *walk)
{
	const struct cw_sip *sip = arg;

	for (size_t i = 1; i < sip->setup->n_zones; i++) { /* `default` has no peers */
		const struct cw_zone *zone = sip->setup->zones[i];

		if (cw_zone_protocol(zone) == CW_PROTOCOL_SIP && zone->index + 1 > walk->after &&
			!zone_row(walk, zone, sip))
			return;
	}
}

/* ---- all of them ---- */

static void add(struct cw_views *views, struct cw_view *view, const struct cw_view *what)
{
	*view = *what;
	cw_views_add(views, view);
}

void cw_sip_views_add(struct cw_sip *sip, struct cw_sip_views *own, struct cw_views *views)
{
	add(views, &own->connections,
		&(struct cw_view){
			.name = "connections",
			.columns = connection_columns,
			.n_columns = N_ELEMENTS(connection_columns),
			.rows = connection_rows,
			.arg = sip,
		});
	add(views, &own->services,
		&(struct cw_view){
			.name = "services",
			.columns = cw_service_columns,
			.n_columns = CW_SERVICE_COLUMNS,
			.rows = service_rows,
			.arg = sip,
		});
	add(views, &own->zones,
		&(struct cw_view){
			.name = "zones",
			.columns = cw_zone_columns,
			.n_columns = CW_ZONE_COLUMNS,
			.rows = zone_rows,
			.arg = sip,
		});
}

void cw_sip_views_remove(struct cw_sip_views *own)
{
	cw_views_remove(&own->connections);
	cw_views_remove(&own->services);
	cw_views_remove(&own->zones);
}
