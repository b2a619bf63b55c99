/* Asking the running daemon. */
#include "daemon/inquiry.h"

#include "core/view.h"

#include <errno.h>
#include <sys/stat.h>

static int cannot_reach(const char *command, const char *path, int r)
{
	struct stat found;

	switch (r) {
	case -ENOENT:
		return cw_console_error(command,
			"there is no socket %s: the daemon does not run, or was started before its "
			"configuration named that socket (then SIGHUP makes it read it)",
			path);
	case -ECONNREFUSED:
		return cw_console_error(command,
			"nobody listens on %s: the daemon does not run; causeway run starts it",
			path);
	case -EACCES:
		if (stat(path, &found) == 0)
			return cw_console_error(command,
				"%s: permission denied: it is for the user of the daemon (uid %u); "
				"become that user, or root",
				path, (unsigned)found.st_uid);
		return cw_console_error(command,
			"%s: permission denied: become the user of the daemon, or root", path);
	case -ENAMETOOLONG:
		return cw_console_error(
			command, "%s: the path of a socket has at most 107 bytes", path);
	default:
		return cw_console_error(command, "%s: %s", path, strerror(-r));
	}
}

static int no_socket(const char *command, const char *path)
{
	return cw_console_error(command,
		"%s names no control-socket, over which the daemon could be asked; add, outside of "
		"blocks, the line\n\n\tcontrol-socket /run/causeway/control.sock\n\nand have the "
		"daemon read it (SIGHUP)",
		path);
}

int cw_inquiry_ask(struct cw_control_client **out, const char *command,
	const struct cw_options *options, const char *request)
{
	struct cw_diag diag = {0};
	struct cw_config *config = NULL;
	int r = cw_config_load(&config, cw_options_config(options), &diag);
	int status;

	if (r) {
		status = cw_console_error(command, "%s", strerror(-r));
	} else if (config->control_socket) {
		r = cw_control_client_ask(out, config->control_socket, request);
		status = r ? cannot_reach(command, config->control_socket, r) : 0;
	} else if (diag.errors) {
		cw_diag_print(&diag, stderr);
		status = CW_EXIT_ERROR;
	} else {
		status = no_socket(command, cw_options_config(options));
	}
	cw_config_destroy(config);
	cw_diag_finish(&diag);
	return status;
}

int cw_inquiry_failed(const char *command, int r)
{
	switch (r) {
	case -ENODATA:
		return cw_console_error(command,
			"the daemon has closed the connection: it has ended, or answers as many as "
			"it can");
	case -ETIMEDOUT:
		return cw_console_error(command, "the daemon does not answer");
	case -EPROTO:
		return cw_console_error(command,
			"what came over the socket is no answer of a Causeway of this version");
	default:
		return cw_console_error(command, "%s", strerror(-r));
	}
}

int cw_inquiry_view(struct cw_view_answer *out, const char *command,
	const struct cw_options *options, const char *view)
{
	struct cw_view_answer answer = {0};
	struct cw_control_client *client = NULL;
	char request[CW_VIEW_NAME_MAX + sizeof("view ")];
	int status, r;

	(void)snprintf(request, sizeof(request), "view %s", view);
	status = cw_inquiry_ask(&client, command, options, request);
	if (status)
		return status;
	r = cw_view_answer_read(&answer, client);
	cw_control_client_destroy(client);
	if (r) {
		status = r == -EREMOTEIO
				 ? cw_console_error(command, "the daemon says: %s", answer.error)
				 : cw_inquiry_failed(command, r);
		cw_view_answer_finish(&answer);
		return status;
	}
	*out = answer;
	return 0;
}
