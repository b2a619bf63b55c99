/*
 * The rows of `causeway status`, alike for all protocols: the views "services" and "zones".
 */
#ifndef CW_RELAY_STATUS_H
#define CW_RELAY_STATUS_H

#include "core/view.h"
#include "dialplan/zone.h"

#define CW_SERVICE_COLUMNS 3
#define CW_ZONE_COLUMNS    7

/* Of the view "services". */
extern const struct cw_view_column cw_service_columns[CW_SERVICE_COLUMNS];

enum cw_service_state {
	CW_SERVICE_ACTIVE,
	CW_SERVICE_INACTIVE, /* it should run and does not */
	CW_SERVICE_OFF,      /* the configuration does not ask for it */
};

/*
 * Give a row of the view "services": "sip", "xmpp-federation". `reason`: why it is not active; ""
 * where it is.
 *
 * Returns: whether to go on.
 */
bool cw_service_row(struct cw_view_walk *walk, uint64_t key, const char *service,
	enum cw_service_state state, const char *reason);

/* Of the view "zones". */
extern const struct cw_view_column cw_zone_columns[CW_ZONE_COLUMNS];

/*
 * Give a row of the view "zones", its key being the zone's index. `is_known`: whether it is known
 * of its peers that they answer; `down` of them do not, and `why` names them.
 *
 * Returns: whether to go on.
 */
bool cw_zone_row(struct cw_view_walk *walk, const struct cw_zone *zone, bool is_known, size_t down,
	struct cw_str why);

#endif
