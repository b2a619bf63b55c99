/*
 * The daemon's end of the control socket: answers whoever may connect there, one request a
 * connection.
 *
 * A request is one line; the answer is lines of JSON, one object each. The client goes on
 * listening to the end: who closes, or half-closes, has enough.
 *
 * view NAME: the rows of all views of that name. For each of them {"columns": [{"name", "title"
 * (or null), "kind"}, ...]}, behind it its rows, {"row": {...}}; in the end {"end": true}.
 *
 * trace SUBJECT: {"listening": SUBJECT}, and from then on {"said": SENTENCE} for each sentence,
 * until the client closes; {"left-out": N} where it read too slowly.
 *
 * What is wrong with a request is {"error": TEXT}. Rows are made while there is room for them, so
 * that a slow reader costs no memory beyond its connection's queue; one that does not read at all
 * is dropped as on any connection.
 */
#ifndef CW_ADMIN_CONTROL_SERVER_H
#define CW_ADMIN_CONTROL_SERVER_H

#include "core/tap.h"
#include "core/view.h"
#include "net/loop.h"

#define CW_CONTROL_REQUEST_MAX 320   /* bytes, with its newline */
#define CW_CONTROL_REQUEST_MS  10000 /* for the request to be whole */

struct cw_control_server;

struct cw_control_server_settings {
	struct cw_loop *loop;
	const char *path; /* of the socket */
	const struct cw_views *views;
	struct cw_tap *tap;
};

/*
 * Listen on the socket. Views and tap outlive the server.
 *
 * Returns: 0 and *out set, owned by the caller; a negative errno of cw_local_listener_create.
 */
int cw_control_server_create(
	struct cw_control_server **out, const struct cw_control_server_settings *settings);

/* Drop all connections, remove the socket and free it; NULL is fine. */
void cw_control_server_destroy(struct cw_control_server *server);

#endif
