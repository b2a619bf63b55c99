/*
 * The command line's end of the control socket (admin/control_server.h says what is spoken on
 * it). Blocking.
 */
#ifndef CW_ADMIN_CONTROL_CLIENT_H
#define CW_ADMIN_CONTROL_CLIENT_H

#define CW_CONTROL_ANSWER_MS 10000 /* that the daemon may take to its next line of an answer */

struct cw_control_client;
struct json_t;

/*
 * Connect to the socket at `path` and send a request, which is one line without its newline.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOENT or -ECONNREFUSED when nobody listens
 * there; -EACCES; -ENAMETOOLONG; another negative errno.
 */
int cw_control_client_ask(struct cw_control_client **out, const char *path, const char *request);

/*
 * Wait for the next line of the answer, an object.
 *
 * Returns: 0 and *out set, a new reference; -ETIMEDOUT when none came within `ms` (negative: for
 * ever); -ENODATA when the daemon has closed; -EPROTO when what came is no such line; -EINTR for
 * a signal; -ENOMEM; another negative errno.
 */
int cw_control_client_next(struct cw_control_client *client, int ms, struct json_t **out);

/* Hang up and free it; NULL is fine. */
void cw_control_client_destroy(struct cw_control_client *client);

#endif
