/*
 * What there is on the SIP side, as rows: of the views "connections", "services" and "zones".
 */
#ifndef CW_SIP_VIEW_H
#define CW_SIP_VIEW_H

#include "core/view.h"

struct cw_sip;

/* Embed it; fields are private. */
struct cw_sip_views {
	struct cw_view connections, services, zones;
};

/* Register the views of `sip`. */
void cw_sip_views_add(struct cw_sip *sip, struct cw_sip_views *own, struct cw_views *views);

/* Take them out; harmless on zeroed ones. */
void cw_sip_views_remove(struct cw_sip_views *own);

#endif
