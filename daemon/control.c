/* The control socket and the configuration. */
#include "daemon/control.h"

#include "core/log.h"

#include <errno.h>
#include <stdlib.h>

void cw_control_init(struct cw_control *control, struct cw_loop *loop)
{
	*control = (struct cw_control){.loop = loop};
	cw_views_init(&control->views);
	cw_tap_init(&control->tap, "xmpp.trace", cw_kq("Module", "XMPPFederation"));
}

static void explain(struct cw_diag *diag, const char *path, int r)
{
	const char *why = strerror(-r);

	switch (r) {
	case -EADDRINUSE:
		why = "another program listens there; is a Causeway running already?";
		break;
	case -ENOTSOCK:
		why = "a file that is no socket stands there";
		break;
	case -ENAMETOOLONG:
		why = "the path of a socket has at most 107 bytes";
		break;
	case -ENOENT:
		why = "its folder does not exist";
		break;
	default:
		break;
	}
	cw_diag_add(diag, CW_SEVERITY_ERROR, NULL, "control-socket %s: %s", path, why);
}

int cw_control_prepare(struct cw_control *control, const char *path, struct cw_diag *diag)
{
	struct cw_control_server_settings settings = {
		.loop = control->loop,
		.path = path,
		.views = &control->views,
		.tap = &control->tap,
	};
	int r;

	if (path && control->path && strcmp(path, control->path) == 0)
		return 0;
	if (path) {
		control->next_path = cw_str_dup(cw_str_of(path));
		if (!control->next_path)
			return -ENOMEM;
		r = cw_control_server_create(&control->next, &settings);
		if (r) {
			explain(diag, path, r);
			cw_control_revert(control);
			return r;
		}
	}
	control->has_next = true;
	return 0;
}

static void close_current(struct cw_control *control)
{
	cw_control_server_destroy(control->server);
	free(control->path);
	control->server = NULL;
	control->path = NULL;
}

void cw_control_commit(struct cw_control *control)
{
	if (!control->has_next)
		return;
	close_current(control);
	control->server = control->next;
	control->path = control->next_path;
	control->next = NULL;
	control->next_path = NULL;
	control->has_next = false;
	if (control->path)
		cw_info("daemon", cw_kz("event", "control-socket"), cw_kz("path", control->path));
}

void cw_control_revert(struct cw_control *control)
{
	cw_control_server_destroy(control->next);
	free(control->next_path);
	control->next = NULL;
	control->next_path = NULL;
	control->has_next = false;
}

void cw_control_finish(struct cw_control *control)
{
	cw_control_revert(control);
	close_current(control);
}
