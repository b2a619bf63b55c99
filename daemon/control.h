/*
 * The daemon's control socket: there when the configuration names one, moved when another
 * configuration names another one.
 */
#ifndef CW_DAEMON_CONTROL_H
#define CW_DAEMON_CONTROL_H

#include "admin/control_server.h"
#include "core/diag.h"

/* Embed it; fields are private. */
struct cw_control {
	struct cw_loop *loop;
	struct cw_views views;
	struct cw_tap tap;
	char *path; /* of `server`; NULL: there is none */
	struct cw_control_server *server;
	char *next_path; /* of a configuration that may be refused yet */
	struct cw_control_server *next;
	bool has_next;
};

/* Begin without a socket and without views. */
void cw_control_init(struct cw_control *control, struct cw_loop *loop);

/*
 * Have what a new configuration asks for ready: its socket (NULL: none), unless that is the one
 * that is open.
 *
 * Returns: 0, and cw_control_commit or cw_control_revert must follow; a negative errno with the
 * reason in `diag`.
 */
int cw_control_prepare(struct cw_control *control, const char *path, struct cw_diag *diag);

/* Go over to what was prepared. */
void cw_control_commit(struct cw_control *control);

/* Stay with what there is; harmless when nothing was prepared. */
void cw_control_revert(struct cw_control *control);

/* Close the socket. Views may be taken out afterwards. */
void cw_control_finish(struct cw_control *control);

#endif
