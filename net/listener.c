/* Listening sockets: accept, count, hand over. */
#include "net/listener.h"

#include "core/log.h"
#include "net/admission.h"
#include "net/connection_private.h"

#include <event2/event.h>
#include <event2/util.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#define BACKLOG 1024
#define ACCEPT_BURST                                                                               \
	64 /* connections of one turn, so that a flood does not hold up those that are open */

struct cw_listener {
	struct cw_loop *loop;
	struct cw_listener_settings settings;
	struct cw_address address;
	int fd;
	struct event *
		readable; /* libevent's evconnlistener accepts without bound, and hides errno of bind */
	struct cw_timer *retry; /* after EMFILE */
};

static void log_refused(
	const struct cw_listener *l, const struct cw_address *remote, const char *reason)
{
	char here[CW_ADDRESS_TEXT_MAX], there[CW_ADDRESS_TEXT_MAX];

	cw_address_format(&l->address, here);
	cw_address_format(remote, there);
	cw_warn("net.listener", cw_kz("event", "refused"), cw_kz("reason", reason),
		cw_kz("remote", there), cw_kz("listener", here));
}

/* Make a connection of an accepted descriptor. */
static void welcome(struct cw_listener *l, int fd, const struct cw_address *remote)
{
	const struct cw_listener_settings *s = &l->settings;
	struct cw_tls *tls = s->tls ? *s->tls : NULL;
	struct cw_admission_seat seat = {0};
	const char *reason = cw_admission_enter(s->admission, &seat, remote);
	struct ssl_st *ssl = NULL;
	struct cw_connection *c;

	if (reason) {
		log_refused(l, remote, reason);
		close(fd);
		return;
	}
	evutil_make_socket_nonblocking(fd);
	evutil_make_socket_closeonexec(fd);
	cw_connection_tune(fd);
	if (tls)
		ssl = cw_tls_accept(tls, (struct cw_str){0}, s->demand);
	if (tls && !ssl) {
		close(fd);
		goto no_memory;
	}
	if (cw_connection_adopt(&c, l->loop, fd, ssl, s->handler))
		goto no_memory;
	c->remote = *remote;
	c->seat = seat;
	c->opens_late = s->opens_late;
	cw_connection_set_patience(c, s->idle_ms, s->full_ms);
	if (tls)
		cw_connection_set_phase(
			c, s->handshake_ms ? s->handshake_ms : CW_CONNECTION_HANDSHAKE_MS);
	c->arg = s->accepted(c, s->arg);
	if (!c->arg)
		cw_connection_abandon(c);
	return;

no_memory:
	cw_admission_leave(&seat);
	log_refused(l, remote, "memory");
}

/* No descriptor or memory: what waits in the backlog would wake us over and over. */
static void rest(struct cw_listener *l, int error)
{
	cw_error("net.listener", cw_kz("event", "accept-failed"), cw_kz("reason", strerror(error)),
		cw_ki("retry_ms", CW_LISTENER_EMFILE_RETRY_MS));
	event_del(l->readable);
	cw_timer_start(l->retry, CW_LISTENER_EMFILE_RETRY_MS);
}

static void on_retry(void *arg)
{
	struct cw_listener *l = arg;

	event_add(l->readable, NULL);
}

/* Whether accept() failed because of the one connection that it would have given (accept(2), "Error handling"). */
static bool is_of_connection(int error)
{
	return error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM;
}

static void on_readable(evutil_socket_t listening, short what, void *arg)
{
	struct cw_listener *l = arg;

	(void)what;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		struct cw_address remote = {.len = sizeof(remote.sa)};
		int fd = accept(listening, &remote.sa.any, &remote.len);

		if (fd >= 0) {
			welcome(l, fd, &remote);
		} else if (!is_of_connection(errno)) {
			rest(l, errno);
			return;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		}
	}
}

/* Bind and listen. Returns: 0; a negative errno. */
static int open_socket(struct cw_listener *l, const struct cw_address *address)
{
	int family = address->sa.any.sa_family, yes = 1;

	l->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	if (setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
		return -errno;
	if (family == AF_INET6 &&
		setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) < 0)
		return -errno;
	if (bind(l->fd, &address->sa.any, address->len) < 0)
		return -errno;
	if (listen(l->fd, BACKLOG) < 0)
		return -errno;
	l->address.len = sizeof(l->address.sa);
	if (getsockname(l->fd, &l->address.sa.any, &l->address.len) < 0)
		return -errno;
	return 0;
}

int cw_listener_create(
	struct cw_listener **out, struct cw_loop *loop, const struct cw_listener_settings *settings)
{
	struct cw_listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->settings = *settings;
	l->fd = -1;
	r = open_socket(l, &settings->address);
	if (r)
		goto fail;
	r = cw_timer_create(&l->retry, loop, on_retry, l);
	if (r)
		goto fail;
	r = -ENOMEM;
	l->readable = event_new(cw_loop_base(loop), l->fd, EV_READ | EV_PERSIST, on_readable, l);
	if (!l->readable || event_add(l->readable, NULL) < 0)
		goto fail;
	*out = l;
	return 0;

fail:
	cw_listener_destroy(l);
	return r;
}

void cw_listener_destroy(struct cw_listener *listener)
{
	if (!listener)
		return;
	cw_timer_destroy(listener->retry);
	if (listener->readable)
		event_free(listener->readable);
	if (listener->fd >= 0)
		close(listener->fd);
	free(listener);
}

const struct cw_address *cw_listener_address(const struct cw_listener *listener)
{
	return &listener->address;
}
