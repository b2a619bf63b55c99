/*
 * Who may come in, and hold how much: the count of incoming connections in all, of one address, and of those that are not through the handshake; the bytes of input
 * that wait on them.
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
	size_t input; /* bytes that wait */
};

/*
 * Take a half-open place for a connection from `remote`.
 *
 * Returns: NULL and *seat set; the reason why not: "connections", "per-address", "half-open", "half-open-total" or "memory".
 */
const char *cw_admission_enter(struct cw_admission *admission, struct cw_admission_seat *seat,
	const struct cw_address *remote);

/* It is half-open no more. Harmless when it was not. */
void cw_admission_opened(struct cw_admission_seat *seat);

/*
 * So many bytes of input wait on the connection now. Nothing is bounded on a zeroed seat.
 *
 * Returns: whether that is within the limits; if not, nothing is changed.
 */
bool cw_admission_hold(struct cw_admission_seat *seat, size_t input);

/* Give the place back; harmless on a zeroed one. */
void cw_admission_leave(struct cw_admission_seat *seat);

#endif
