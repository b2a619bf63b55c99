/*
 * Who may come in: the count of incoming connections in all, of one address, and of those that are not through the handshake.
 * The public part (create, destroy, limits) is in net/listener.h; this is for net/ alone.
 */
#ifndef CW_NET_ADMISSION_H
#define CW_NET_ADMISSION_H

#include "net/address.h"
#include "net/listener.h"

struct cw_admission_host;

/* The place that one connection takes; embed it. Zeroed: it takes none. */
struct cw_admission_seat {
	struct cw_admission *admission;
	struct cw_admission_host *host;
	bool is_half_open;
};

/*
 * Take a half-open place for a connection from `remote`.
 *
 * Returns: NULL and *seat set; the reason why not: "connections", "per-address", "half-open" or "memory".
 */
const char *cw_admission_enter(struct cw_admission *admission, struct cw_admission_seat *seat,
	const struct cw_address *remote);

/* The connection is through its handshake. */
void cw_admission_opened(struct cw_admission_seat *seat);

/* Give the place back; harmless on a zeroed one. */
void cw_admission_leave(struct cw_admission_seat *seat);

#endif
