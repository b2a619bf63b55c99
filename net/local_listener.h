/*
 * A Unix stream socket in the file system that only its owner may use, and the connections that
 * come in on it.
 */
#ifndef CW_NET_LOCAL_LISTENER_H
#define CW_NET_LOCAL_LISTENER_H

#include "net/connection.h"

#define CW_LOCAL_CONNECTIONS_MAX 16 /* at a time; further ones are closed at once */
#define CW_LOCAL_IDLE_MS         86400000

struct cw_local_listener;

struct cw_local_listener_settings {
	const char *path;
	const struct cw_connection_handler
		*handler; /* of the connections; `accepted` gives each its argument */
	/*
	 * A connection was accepted (not open yet). Returns: the argument for its handler; NULL:
	 * drop the connection at once.
	 */
	void *(*accepted)(struct cw_connection *c, void *arg);
	void *arg;
};

/*
 * Bind to `path`, mode 0600, and listen. A socket that stands there and that nobody listens on is
 * replaced; anything else is left alone.
 *
 * Returns: 0 and *out set, owned by the caller; -EADDRINUSE when somebody listens there;
 * -ENOTSOCK when something else stands there; -ENAMETOOLONG; another negative errno (ENOENT,
 * EACCES, ...).
 */
int cw_local_listener_create(struct cw_local_listener **out, struct cw_loop *loop,
	const struct cw_local_listener_settings *settings);

/*
 * Stop listening, remove the socket if it is still ours, and free it; its connections must be
 * gone. NULL is fine.
 */
void cw_local_listener_destroy(struct cw_local_listener *listener);

#endif
