/*
 * The running daemon: what a configuration becomes, and how a new one takes its place.
 *
 * A reload is all or nothing: everything that can fail is made first (files, certificates,
 * sockets); only then is it swapped, without a connection or a request being lost.
 */
#ifndef CW_DAEMON_SERVICE_H
#define CW_DAEMON_SERVICE_H

#include "core/diag.h"
#include "net/loop.h"

#include <stdio.h>

struct cw_service;

/*
 * Load `path` and start to listen.
 *
 * Returns: 0 and *out set, owned by the caller; -EINVAL when the configuration is wrong,
 * -EADDRINUSE and the like when an address cannot be had, both with the reasons in `diag`; -ENOMEM.
 */
int cw_service_create(
	struct cw_service **out, struct cw_loop *loop, const char *path, struct cw_diag *diag);

/* End everything at once and free it; NULL is fine. */
void cw_service_destroy(struct cw_service *service);

/*
 * Read the configuration anew and go on with it; when anything is wrong with it, nothing changes.
 *
 * Returns: 0; a negative errno as cw_service_create, with the reasons in `diag`.
 */
int cw_service_reload(struct cw_service *service, struct cw_diag *diag);

/* Take nothing new, and call `stopped` from the loop when what is under way has ended. */
void cw_service_stop(struct cw_service *service, void (*stopped)(void *arg), void *arg);

/* End what is under way: each request is answered 503 and has its fate. */
void cw_service_abort(struct cw_service *service);

/* Print the counters, worked out. */
void cw_service_print_stats(struct cw_service *service, FILE *out);

#endif
