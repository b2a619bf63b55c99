/*
 * How a command asks the running daemon, and what it says when that does not work.
 */
#ifndef CW_DAEMON_INQUIRY_H
#define CW_DAEMON_INQUIRY_H

#include "admin/view_answer.h"
#include "daemon/console.h"

/*
 * Send a request to the daemon of the configuration that the options name. Of that only the
 * socket matters: whatever else is wrong in it, the daemon runs with what it read before. What is
 * wrong is printed to stderr.
 *
 * Returns: 0 and *out set, owned by the caller; CW_EXIT_ERROR.
 */
int cw_inquiry_ask(struct cw_control_client **out, const char *command,
	const struct cw_options *options, const char *request);

/* Print what a negative errno of cw_control_client_next means. Returns: CW_EXIT_ERROR. */
int cw_inquiry_failed(const char *command, int r);

/*
 * Ask for a view and read the answer. What is wrong is printed to stderr.
 *
 * Returns: 0 and *out set, to be finished by the caller; CW_EXIT_ERROR.
 */
int cw_inquiry_view(struct cw_view_answer *out, const char *command,
	const struct cw_options *options, const char *view);

#endif
