/* Where connections come from: dialled, or adopted from a listener. */
#include "net/connection_private.h"

#include <event2/event.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

/* Keep-alive probes of an idle connection; the first one unanswered starts the clock of TCP_USER_TIMEOUT. */
#define PROBE_AFTER_S 10
#define PROBE_EVERY_S 5

static void set_option(int fd, int level, int name, int value)
{
	/* A kernel without it still carries the bytes. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

void cw_connection_tune(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EVERY_S);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, CW_CONNECTION_DEAD_PEER_MS);
}

void cw_connection_set_patience(struct cw_connection *c, unsigned idle_ms, unsigned full_ms)
{
	c->idle_ms = idle_ms ? idle_ms : CW_CONNECTION_IDLE_MS;
	c->full_after_ms = full_ms ? full_ms : CW_CONNECTION_FULL_MS;
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct cw_connection *c = arg;
	socklen_t len = sizeof(c->connect_error);

	(void)what;
	event_free(c->connect);
	c->connect = NULL;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &c->connect_error, &len) < 0)
		c->connect_error = errno;
	if (c->connect_error)
		cw_connection_end(c, CW_END_REFUSED, strerror(c->connect_error));
	else if (cw_connection_start(c))
		cw_connection_end(c, CW_END_LOST, "out of memory");
}

/* Begin the connect(); its failure waits for the loop, since `closed` must not run inside cw_connection_dial. */
static int begin_connect(struct cw_connection *c)
{
	c->fd = socket(c->remote.sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	cw_connection_tune(c->fd);
	c->connect = event_new(cw_loop_base(c->loop), c->fd, EV_WRITE, on_connected, c);
	if (!c->connect || event_add(c->connect, NULL) < 0)
		return -ENOMEM;
	if (connect(c->fd, &c->remote.sa.any, c->remote.len) < 0 && errno != EINPROGRESS) {
		c->connect_error = errno;
		event_del(c->connect);
		cw_loop_defer(c->loop, &c->turn_end);
	}
	return 0;
}

int cw_connection_dial(struct cw_connection **out, struct cw_loop *loop,
	const struct cw_connection_dial *how, const struct cw_connection_handler *handler,
	void *arg)
{
	struct cw_connection *c = cw_connection_create(loop, handler, arg);
	int r = -ENOMEM;

	if (!c)
		return r;
	c->remote = how->address;
	cw_connection_set_patience(c, how->idle_ms, how->full_ms);
	if (how->tls) {
		c->ssl = cw_tls_dial(how->tls, how->local_name, how->server_name, how->demand);
		if (!c->ssl)
			goto fail;
	}
	r = begin_connect(c);
	if (r)
		goto fail;
	cw_connection_set_phase(c, how->connect_timeout_ms);
	*out = c;
	return 0;

fail:
	cw_connection_abandon(c); /* frees what there is */
	return r;
}

int cw_connection_adopt(struct cw_connection **out, struct cw_loop *loop, int fd,
	struct ssl_st *ssl, const struct cw_connection_handler *handler)
{
	struct cw_connection *c = cw_connection_create(loop, handler, NULL);

	if (!c) {
		cw_connection_tls_free(ssl);
		close(fd);
		return -ENOMEM;
	}
	c->is_incoming = true;
	c->fd = fd;
	c->ssl = ssl;
	if (cw_connection_start(c)) {
		cw_connection_abandon(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}
