/* A socket in the file system: how it comes there, and who comes in on it. */
#include "net/local_listener.h"

#include "core/log.h"
#include "net/admission.h"
#include "net/connection_private.h"
#include "net/listener.h"

#include <event2/event.h>
#include <event2/util.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG        CW_LOCAL_CONNECTIONS_MAX
#define INPUT_MAX      (64 * 1024) /* bytes of input that wait, on all connections together */
#define ACCEPT_BURST   CW_LOCAL_CONNECTIONS_MAX
#define ONLY_THE_OWNER (S_IRWXG | S_IRWXO | S_IXUSR) /* a umask */

struct cw_local_listener {
	struct cw_loop *loop;
	struct cw_local_listener_settings settings;
	char *path;
	struct sockaddr_un address;
	struct cw_admission *admission;
	int fd;
	bool is_bound;
	dev_t device; /* of the socket's file, as we made it */
	ino_t inode;
	struct event *readable;
	struct cw_timer *retry; /* after EMFILE */
};

static void welcome(struct cw_local_listener *l, int fd)
{
	static const struct cw_address nowhere = {.len = 0};
	struct cw_admission_seat seat = {0};
	const char *reason = cw_admission_enter(l->admission, &seat, &nowhere);
	struct cw_connection *c;

	if (reason) {
		cw_warn("net.local", cw_kz("event", "refused"), cw_kz("reason", reason),
			cw_kz("socket", l->path));
		close(fd);
		return;
	}
	evutil_make_socket_nonblocking(fd);
	evutil_make_socket_closeonexec(fd);
	if (cw_connection_adopt(&c, l->loop, fd, NULL, l->settings.handler)) {
		cw_admission_leave(&seat);
		return;
	}
	c->seat = seat;
	cw_connection_set_patience(c, CW_LOCAL_IDLE_MS, 0);
	c->arg = l->settings.accepted(c, l->settings.arg);
	if (!c->arg)
		cw_connection_abandon(c);
}

static void on_retry(void *arg)
{
	struct cw_local_listener *l = arg;

	event_add(l->readable, NULL);
}

static void on_readable(evutil_socket_t listening, short what, void *arg)
{
	struct cw_local_listener *l = arg;

	(void)what;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		int fd = accept(listening, NULL, NULL);

		if (fd >= 0) {
			welcome(l, fd);
		} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR &&
			   errno != ECONNABORTED) {
			/*
			 * No descriptor or memory: who waits in the backlog would wake us over
			 * and over.
			 */
			event_del(l->readable);
			cw_timer_start(l->retry, CW_LISTENER_EMFILE_RETRY_MS);
			return;
		} else {
			return;
		}
	}
}

/*
 * What stands at the path already: 0 when it is a socket that nobody listens on; -EADDRINUSE when
 * somebody does; -ENOTSOCK; another negative errno.
 */
static int look_at(const struct cw_local_listener *l)
{
	struct stat found;
	int fd, r;

	if (lstat(l->path, &found) < 0)
		return -errno;
	if (!S_ISSOCK(found.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)&l->address, sizeof(l->address)) < 0 ? errno : 0;
	close(fd);
	if (r == ECONNREFUSED)
		return 0;
	return r == 0 || r == EAGAIN ? -EADDRINUSE : -r;
}

/* Bind so that nobody else could connect even for a moment. */
static int bind_for_owner(const struct cw_local_listener *l)
{
	mode_t mask = umask(ONLY_THE_OWNER);
	int r = bind(l->fd, (const struct sockaddr *)&l->address, sizeof(l->address));
	int error = errno;

	umask(mask);
	return r < 0 ? -error : 0;
}

static int open_socket(struct cw_local_listener *l)
{
	struct stat made;
	int r;

	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	r = bind_for_owner(l);
	if (r == -EADDRINUSE) {
		r = look_at(l);
		if (!r && unlink(l->path) < 0)
			r = -errno;
		if (!r)
			r = bind_for_owner(l);
	}
	if (r)
		return r;
	if (lstat(l->path, &made) < 0)
		return -errno;
	l->is_bound = true;
	l->device = made.st_dev;
	l->inode = made.st_ino;
	return listen(l->fd, BACKLOG) < 0 ? -errno : 0;
}

static int set_path(struct cw_local_listener *l, const char *path)
{
	struct cw_str text = cw_str_of(path);

	if (text.len >= sizeof(l->address.sun_path))
		return -ENAMETOOLONG;
	l->path = cw_str_dup(text);
	if (!l->path)
		return -ENOMEM;
	l->address.sun_family = AF_UNIX;
	memcpy(l->address.sun_path, path, text.len + 1);
	return 0;
}

static int make_admission(struct cw_local_listener *l)
{
	l->admission = cw_admission_create();
	if (!l->admission)
		return -ENOMEM;
	cw_admission_set_limits(l->admission, &(struct cw_admission_limits){
						      .connections = CW_LOCAL_CONNECTIONS_MAX,
						      .per_address = CW_LOCAL_CONNECTIONS_MAX,
						      .half_open = CW_LOCAL_CONNECTIONS_MAX,
						      .half_open_total = CW_LOCAL_CONNECTIONS_MAX,
						      .input = INPUT_MAX,
						      .input_per_address = INPUT_MAX,
					      });
	return 0;
}

int cw_local_listener_create(struct cw_local_listener **out, struct cw_loop *loop,
	const struct cw_local_listener_settings *settings)
{
	struct cw_local_listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->settings = *settings;
	l->fd = -1;
	r = set_path(l, settings->path);
	if (!r)
		r = make_admission(l);
	if (!r)
		r = cw_timer_create(&l->retry, loop, on_retry, l);
	if (!r)
		r = open_socket(l);
	if (!r) {
		l->readable =
			event_new(cw_loop_base(loop), l->fd, EV_READ | EV_PERSIST, on_readable, l);
		if (!l->readable || event_add(l->readable, NULL) < 0)
			r = -ENOMEM;
	}
	if (r) {
		cw_local_listener_destroy(l);
		return r;
	}
	*out = l;
	return 0;
}

/* Another daemon may have replaced it, or an administrator moved it. */
static void remove_if_ours(const struct cw_local_listener *l)
{
	struct stat found;

	if (l->is_bound && lstat(l->path, &found) == 0 && found.st_dev == l->device &&
		found.st_ino == l->inode)
		(void)unlink(l->path);
}

void cw_local_listener_destroy(struct cw_local_listener *l)
{
	if (!l)
		return;
	cw_timer_destroy(l->retry);
	if (l->readable)
		event_free(l->readable);
	remove_if_ours(l);
	if (l->fd >= 0)
		close(l->fd);
	cw_admission_destroy(l->admission);
	free(l->path);
	free(l);
}
