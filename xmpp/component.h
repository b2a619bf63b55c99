/*
 * The inside leg as a component (XEP-0114): for each foreign domain that a zone names by `component` one connection to the zone's peer, made
 * anew for ever when it ends. The server takes us for that domain: what it has for it comes on the connection, and what comes from the domain
 * leaves on it.
 *
 *   waiting -> resolving -> connecting (one peer's address after the other) -> up -> waiting ...
 *
 * The secret is read from its file each time: a new one counts from the next connection on. A reload ends at once the connections of names
 * that are gone and those to servers that are no peers of the zone any more; where none is up it tries without delay.
 */
#ifndef CW_XMPP_COMPONENT_H
#define CW_XMPP_COMPONENT_H

#include "core/str.h"

#include <stdint.h>

#define CW_COMPONENT_QUEUE_MAX       1000 /* stanzas that wait for one */
#define CW_COMPONENT_QUEUE_MAX_BYTES (1u << 20)
#define CW_COMPONENT_RETRY_MIN_MS                                                                  \
	2000 /* the pause after a failure, of which up to half is left out by chance; it doubles */
#define CW_COMPONENT_RETRY_MAX_MS 60000

struct cw_component;
struct cw_delivery;
struct cw_stream;
struct cw_xmpp;
struct cw_zone;

/* Have the components that the configuration of now names, and no others. */
void cw_component_reload_all(struct cw_xmpp *xmpp);

/*
 * The stream on which a stanza from `local`, a component of the zone, to `remote` may leave now.
 *
 * Returns: an established stream with room; NULL: it has to wait, or there is no such component.
 */
struct cw_stream *cw_component_stream(struct cw_xmpp *xmpp, const struct cw_zone *zone,
	struct cw_str local, struct cw_str remote);

/* Let a delivery wait for the component that it is sent for; it ends in cw_delivery_sent or cw_delivery_failed, from the loop. */
void cw_component_submit(struct cw_delivery *d, const struct cw_zone *zone);

/* The zone of a component's stream, in the configuration of now; NULL when it has the component no more. */
const struct cw_zone *cw_component_zone(const struct cw_stream *s);

/* Why none of a zone's components is up, in words; NULL: one is. */
const char *cw_component_problem(const struct cw_xmpp *xmpp, const struct cw_zone *zone);

/* One that is not connected, for the view. Of `last_error`, NULL: it has not been tried yet. */
struct cw_component_state {
	uint64_t serial; /* unique among outbounds and streams, ascending */
	struct cw_str name;
	const char *last_error;
	uint64_t failed_ms;
	size_t queued_bytes;
};

/* Call `each` for those without a connection until it returns false. */
void cw_component_each_down(const struct cw_xmpp *xmpp,
	bool (*each)(void *arg, const struct cw_component_state *state), void *arg);

/* Fail all stanzas that wait; for the end. */
void cw_component_fail_all(struct cw_xmpp *xmpp, const char *why);

/* Free all; their streams are gone already. */
void cw_component_destroy_all(struct cw_xmpp *xmpp);

#endif
