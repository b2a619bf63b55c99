/* The rows of `causeway status`. */
#include "relay/status.h"

const struct cw_view_column cw_service_columns[CW_SERVICE_COLUMNS] = {
	{"service", "SERVICE", CW_VIEW_TEXT},
	{"state", "STATE", CW_VIEW_TEXT},
	{"reason", "REASON", CW_VIEW_TEXT},
};

static const char *const state_names[] = {
	[CW_SERVICE_ACTIVE] = "active",
	[CW_SERVICE_INACTIVE] = "inactive",
	[CW_SERVICE_OFF] = "off",
};

bool cw_service_row(struct cw_view_walk *walk, uint64_t key, const char *service,
	enum cw_service_state state, const char *reason)
{
	const struct cw_view_cell cells[CW_SERVICE_COLUMNS] = {
		cw_view_text(service),
		cw_view_text(state_names[state]),
		cw_view_text(reason),
	};

	return cw_view_row(walk, key, cells);
}

const struct cw_view_column cw_zone_columns[CW_ZONE_COLUMNS] = {
	{"zone", "ZONE", CW_VIEW_TEXT},
	{"type", "TYPE", CW_VIEW_TEXT},
	{"state", "STATE", CW_VIEW_TEXT},
	{"peers", "PEERS", CW_VIEW_NUMBER},
	{"peers_up", "UP", CW_VIEW_NUMBER},
	{"peers_down", "DOWN", CW_VIEW_NUMBER},
	{"reason", "REASON", CW_VIEW_TEXT},
};

bool cw_zone_row(struct cw_view_walk *walk, const struct cw_zone *zone, bool is_known, size_t down,
	struct cw_str why)
{
	const struct cw_view_cell cells[CW_ZONE_COLUMNS] = {
		cw_view_str(zone->name),
		cw_view_text(cw_zone_type_name(zone->type)),
		cw_view_text(!is_known              ? "not monitored"
			     : down < zone->n_peers ? "active"
						    : "inactive"),
		cw_view_number(zone->n_peers),
		cw_view_number(is_known ? zone->n_peers - down : 0),
		cw_view_number(down),
		cw_view_str(why),
	};

	return cw_view_row(walk, (uint64_t)zone->index + 1, cells);
}
