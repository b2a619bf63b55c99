/*
 * What there is on the XMPP side, for whoever asks at run time: its rows of the views "connections", "services" and "zones".
 */
#ifndef CW_XMPP_VIEW_H
#define CW_XMPP_VIEW_H

#include "core/view.h"

struct cw_xmpp;

/* Embed it; zeroed is in no registry. */
struct cw_xmpp_views {
	struct cw_view connections, services, zones;
};

/* Register them. */
void cw_xmpp_views_add(
	struct cw_xmpp *xmpp, struct cw_xmpp_views *views, struct cw_views *registry);

/* Take them out. */
void cw_xmpp_views_remove(struct cw_xmpp_views *views);

#endif
