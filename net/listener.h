/*
 * A listening socket that makes connections, with the bounds of the design.
 */
#ifndef CW_NET_LISTENER_H
#define CW_NET_LISTENER_H

#include "net/connection.h"

#define CW_LISTENER_PER_ADDRESS_MAX 1024 /* connections of one remote address (IPv6: of one /64) */
#define CW_LISTENER_HALF_OPEN_MAX                                                                  \
	128 /* of these, not yet through the handshake; of all addresses: no limit of its own */
#define CW_LISTENER_CONNECTIONS_MAX 10000 /* of all listeners that share a cw_admission */
#define CW_LISTENER_INPUT_MAX                                                                      \
	(512u << 20) /* bytes of input that wait for the rest of their message, on all together */
#define CW_LISTENER_INPUT_PER_ADDRESS_MAX (64u << 20) /* and on those of one address */
#define CW_LISTENER_EMFILE_RETRY_MS       500

struct cw_listener;
struct cw_admission;

/*
 * The count of incoming connections, shared by listeners. The numbers above are the defaults.
 *
 * Returns: the counter, owned by the caller, to be destroyed after its listeners and their connections; NULL when memory is short.
 */
struct cw_admission *cw_admission_create(void);

struct cw_admission_limits {
	unsigned connections, per_address;
	unsigned half_open, half_open_total; /* of one address, and of all */
	size_t input, input_per_address;     /* bytes */
};

/* Replace the numbers; connections that are there stay. */
void cw_admission_set_limits(
	struct cw_admission *admission, const struct cw_admission_limits *limits);

/* Free it; NULL is fine. */
void cw_admission_destroy(struct cw_admission *admission);

struct cw_listener_settings {
	struct cw_address address;
	/* Where the current TLS snapshot is kept: read at each accept, so that a reload swaps it. NULL, or a pointer to NULL: plain TCP. */
	struct cw_tls *const *tls;
	enum cw_tls_demand demand; /* of the peers' certificates */
	struct cw_admission *admission;
	bool opens_late; /* a connection counts as half-open until cw_connection_admit, not just until it is open */
	unsigned handshake_ms; /* 0: CW_CONNECTION_HANDSHAKE_MS */
	unsigned idle_ms;      /* 0: CW_CONNECTION_IDLE_MS */
	unsigned full_ms;      /* 0: CW_CONNECTION_FULL_MS */
	const struct cw_connection_handler
		*handler; /* of the connections; `accepted` gives each its argument */
	/* A connection was accepted (not open yet). Returns: the argument for its handler; NULL: drop the connection at once, in silence. */
	void *(*accepted)(struct cw_connection *c, void *arg);
	void *arg;
};

/*
 * Bind and listen (SO_REUSEADDR, backlog 1024; IPv6 sockets are V6ONLY). A refusal for a bound of the design is logged as net.listener event=refused reason=…
 *
 * Returns: 0 and *out set, owned by the caller; a negative errno (EADDRINUSE, EACCES, ...).
 */
int cw_listener_create(struct cw_listener **out, struct cw_loop *loop,
	const struct cw_listener_settings *settings);

/* Stop listening and free it; its connections live on. NULL is fine. */
void cw_listener_destroy(struct cw_listener *listener);

/* The address it is bound to (with the real port where 0 was asked for). */
const struct cw_address *cw_listener_address(const struct cw_listener *listener);

#endif
