/* The life of a connection from its handshake to its end, and the bytes between. */
#include "net/connection.h"

#include "core/log.h"
#include "net/connection_private.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define DISCARD_MAX (64 * 1024) /* bytes thrown away so that a refused peer can read our alert */

static void end_by_peer(struct cw_connection *c);
static void on_turn_end(void *arg);
static void on_write_due(void *arg);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_write(struct bufferevent *bev, void *arg);
static void on_event(struct bufferevent *bev, short what, void *arg);

static const char *const end_names[] = {
	[CW_END_CLOSED] = "closed",
	[CW_END_PEER] = "peer",
	[CW_END_LOST] = "lost",
	[CW_END_REFUSED] = "refused",
	[CW_END_HANDSHAKE] = "handshake",
	[CW_END_CONNECT_TIMEOUT] = "connect-timeout",
	[CW_END_HANDSHAKE_TIMEOUT] = "handshake-timeout",
	[CW_END_DEADLINE] = "deadline",
	[CW_END_IDLE] = "idle",
	[CW_END_OVERFLOW] = "overflow",
	[CW_END_FULL] = "full",
};

static const char *const not_taken = "the peer did not take what was queued";
static const char *const in_clear = "bytes in clear where TLS was to begin";

const char *cw_connection_end_name(enum cw_connection_end end)
{
	return end_names[end];
}

size_t cw_connection_queued(const struct cw_connection *c)
{
	size_t queued = c->bev ? evbuffer_get_length(bufferevent_get_output(c->bev)) : 0;

	return queued + c->pending.len;
}

struct cw_connection *cw_connection_create(
	struct cw_loop *loop, const struct cw_connection_handler *handler, void *arg)
{
	struct cw_connection *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = loop;
	c->handler = handler;
	c->arg = arg;
	c->fd = -1;
	cw_buf_init(&c->pending, 0);
	cw_deferred_init(&c->turn_end, on_turn_end, c);
	cw_deferred_init(&c->write, on_write_due, c);
	evtimer_assign(&c->timer, cw_loop_base(loop), on_timer, c);
	return c;
}

/* Give all back but the memory itself, which stays until the end of the turn: callers up the stack look at the state. */
static void dispose(struct cw_connection *c)
{
	bool was_open = c->state == CW_CONNECTION_OPEN;

	c->state = CW_CONNECTION_ENDED;
	event_del(&c->timer);
	cw_deferred_cancel(&c->write);
	if (c->connect)
		event_free(c->connect);
	c->connect = NULL;
	if (c->bev) {
		if (c->ssl && was_open && cw_connection_queued(c) == 0)
			cw_connection_tls_shutdown(c);
		bufferevent_free(c->bev); /* closes and frees the session in a finalizer */
	} else {
		cw_connection_tls_free(c->ssl);
		if (c->fd >= 0)
			close(c->fd);
	}
	cw_connection_tls_free(c->next_ssl);
	c->bev = NULL;
	c->ssl = c->next_ssl = NULL;
	c->fd = -1;
	cw_admission_leave(&c->seat);
	cw_buf_finish(&c->pending);
	cw_identity_destroy(c->identity);
	c->identity = NULL;
	cw_loop_defer(c->loop, &c->turn_end);
}

/*
 * A peer that sent its first request along with the certificate we refuse would get a reset instead of the alert that tells it why:
 * that is what close() does when input waits. Read it away first.
 */
static void discard_input(const struct cw_connection *c)
{
	evutil_socket_t fd = bufferevent_getfd(c->bev);
	char bytes[4096];
	size_t total = 0;
	ssize_t n;

	shutdown(fd, SHUT_WR);
	while (total < DISCARD_MAX && (n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		total += (size_t)n;
}

void cw_connection_end(struct cw_connection *c, enum cw_connection_end end, const char *detail)
{
	const struct cw_connection_handler *handler = c->handler;
	char remote[CW_ADDRESS_TEXT_MAX];

	if (!handler)
		return;
	if (end == CW_END_HANDSHAKE && c->is_incoming)
		discard_input(c);
	if (cw_log_wanted(CW_LOG_DEBUG, "net.connection")) {
		cw_address_format(&c->remote, remote);
		cw_debug("net.connection", cw_kz("event", "closed"), cw_kz("remote", remote),
			cw_kz("end", cw_connection_end_name(end)), cw_kz("detail", detail));
	}
	/* Whatever the owner calls meanwhile, there is no second end. */
	c->handler = NULL;
	handler->closed(c, c->arg, end, detail);
	dispose(c);
}

void cw_connection_abandon(struct cw_connection *c)
{
	if (!c->handler)
		return; /* inside `closed`: it is on its way */
	c->handler = NULL;
	dispose(c);
}

/* --- time --- */

static void earliest(uint64_t *next_ms, uint64_t ms)
{
	if (ms != 0 && (*next_ms == 0 || ms < *next_ms))
		*next_ms = ms;
}

static uint64_t idle_end_ms(const struct cw_connection *c)
{
	return c->state == CW_CONNECTION_OPEN ? c->active_ms + c->idle_ms : 0;
}

/* Have the timer expire early enough. It is not moved when a bound moves away: it then expires once in vain, instead of moving with every message. */
static void arm(struct cw_connection *c)
{
	uint64_t now_ms = cw_loop_now_ms(c->loop);
	uint64_t next_ms = 0, wait_ms;
	struct timeval after;

	earliest(&next_ms, c->phase_ms);
	earliest(&next_ms, c->deadline_ms);
	earliest(&next_ms, c->full_ms);
	earliest(&next_ms, idle_end_ms(c));
	if (next_ms == 0 || (c->armed_ms != 0 && c->armed_ms <= next_ms))
		return;
	wait_ms = next_ms > now_ms ? next_ms - now_ms : 0;
	after = (struct timeval){(time_t)(wait_ms / 1000), (suseconds_t)(wait_ms % 1000 * 1000)};
	if (event_add(&c->timer, &after) == 0)
		c->armed_ms = next_ms;
}

void cw_connection_set_phase(struct cw_connection *c, unsigned ms)
{
	c->phase_ms = ms ? cw_loop_now_ms(c->loop) + ms : 0;
	arm(c);
}

void cw_connection_set_deadline(struct cw_connection *c, unsigned ms, const char *name)
{
	if (c->state > CW_CONNECTION_OPEN)
		return;
	c->deadline_ms = ms ? cw_loop_now_ms(c->loop) + ms : 0;
	c->deadline_name = name;
	arm(c);
}

static void end_phase(struct cw_connection *c)
{
	char detail[CW_CONNECTION_DETAIL_MAX];

	switch (c->state) {
	case CW_CONNECTION_CONNECTING:
		cw_connection_end(c, CW_END_CONNECT_TIMEOUT, "no answer to the connect");
		break;
	case CW_CONNECTION_TURNING:
		cw_connection_tls_not_begun(c, "timeout", not_taken);
		cw_connection_end(c, CW_END_HANDSHAKE_TIMEOUT, not_taken);
		break;
	case CW_CONNECTION_HANDSHAKE:
		cw_connection_tls_failed(c, 0, detail);
		cw_connection_end(c, CW_END_HANDSHAKE_TIMEOUT, detail);
		break;
	case CW_CONNECTION_DRAINING:
		cw_connection_end(c, CW_END_LOST, not_taken);
		break;
	case CW_CONNECTION_LINGERING:
		cw_connection_end(c, CW_END_CLOSED, "");
		break;
	case CW_CONNECTION_OPEN:
	case CW_CONNECTION_GIVEN_UP:
	case CW_CONNECTION_ENDED:
		break;
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct cw_connection *c = arg;
	uint64_t now_ms = cw_loop_now_ms(c->loop);
	uint64_t idle_ms = idle_end_ms(c);

	(void)fd;
	(void)what;
	c->armed_ms = 0;
	if (c->phase_ms != 0 && c->phase_ms <= now_ms)
		end_phase(c);
	else if (c->deadline_ms != 0 && c->deadline_ms <= now_ms)
		cw_connection_end(c, CW_END_DEADLINE, c->deadline_name);
	else if (c->full_ms != 0 && c->full_ms <= now_ms)
		cw_connection_end(c, CW_END_FULL, not_taken);
	else if (idle_ms != 0 && idle_ms <= now_ms)
		cw_connection_end(c, CW_END_IDLE, "");
	else
		arm(c);
}

/* --- bytes in --- */

static bool has_input(const struct cw_connection *c)
{
	return evbuffer_get_length(bufferevent_get_input(c->bev)) > 0;
}

static void deliver(struct cw_connection *c)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(input), consumed;
	const unsigned char *bytes;

	if (len == 0)
		return;
	bytes = evbuffer_pullup(input, -1);
	if (!bytes) {
		cw_connection_end(c, CW_END_LOST, "out of memory");
		return;
	}
	consumed = c->handler->received(c, c->arg, cw_str_make((const char *)bytes, len));
	if (c->state == CW_CONNECTION_ENDED)
		return;
	assert(consumed <= len);
	if (c->state > CW_CONNECTION_OPEN)
		consumed = len;
	evbuffer_drain(input, consumed);
	if (len - consumed > CW_CONNECTION_INPUT_MAX)
		cw_connection_end(c, CW_END_OVERFLOW, "too much input that is no whole message");
	else if (!cw_admission_hold(&c->seat, len - consumed))
		cw_connection_end(c, CW_END_OVERFLOW, "too much input of no whole messages in all");
}

/*
 * OpenSSL reads ahead, and epoll does not see what waits inside of it: the next record, or a part of one. libevent reads one record
 * at a time, so wake its reader as long as there is something; where that is only a part, it finds so and waits for epoll.
 */
static void read_on(struct cw_connection *c)
{
	if (c->ssl && cw_connection_tls_has_input(c))
		event_active(&c->bev->ev_read, EV_READ, 0);
}

static void start_reading(struct cw_connection *c)
{
	bufferevent_enable(c->bev, EV_READ);
	read_on(c);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct cw_connection *c = arg;
	struct evbuffer *input = bufferevent_get_input(bev);

	read_on(c);
	if (c->state == CW_CONNECTION_TURNING)
		return; /* it is found there, and ends the connection */
	if (c->state != CW_CONNECTION_OPEN) {
		evbuffer_drain(input, evbuffer_get_length(input));
		return;
	}
	c->active_ms = cw_loop_now_ms(c->loop);
	c->has_received = true;
	if (c->paused == 0)
		deliver(c);
}

void cw_connection_pause(struct cw_connection *c)
{
	if (c->paused++ == 0 && c->state == CW_CONNECTION_OPEN)
		bufferevent_disable(c->bev, EV_READ);
}

void cw_connection_resume(struct cw_connection *c)
{
	assert(c->paused > 0);
	if (--c->paused > 0 || c->state != CW_CONNECTION_OPEN)
		return;
	if (!c->has_eof)
		start_reading(c);
	c->has_resumed = true;
	cw_loop_defer(c->loop, &c->turn_end);
}

/* After a resume: the input that was left, and the end that waited behind it. */
static void deliver_waiting(struct cw_connection *c)
{
	c->has_resumed = false;
	if (c->paused == 0)
		deliver(c);
	if (c->paused == 0 && c->has_eof && c->state == CW_CONNECTION_OPEN)
		end_by_peer(c);
}

/* --- bytes out --- */

/* Be told when the output has shrunk to `low` bytes. This costs a callback for each write, so it is asked for only when needed. */
static void watch_output(struct cw_connection *c, size_t low)
{
	bufferevent_setwatermark(c->bev, EV_WRITE, low, 0);
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
}

/* It is full: be told when there is room, which must not take for ever. */
static void watch_full(struct cw_connection *c)
{
	watch_output(c, CW_CONNECTION_QUEUE_MAX / 2);
	if (c->full_ms != 0)
		return;
	c->full_ms = cw_loop_now_ms(c->loop) + c->full_after_ms;
	arm(c);
}

/* All has left: say so to the peer, and wait for it to say the same, or a reset could overtake our last bytes. */
static void finish_closing(struct cw_connection *c)
{
	if (c->ssl)
		cw_connection_tls_shutdown(c);
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	if (c->has_eof) {
		cw_connection_end(c, CW_END_CLOSED, "");
		return;
	}
	c->state = CW_CONNECTION_LINGERING;
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct cw_connection *c = arg;

	(void)bev;
	if (c->state == CW_CONNECTION_DRAINING && cw_connection_queued(c) == 0) {
		finish_closing(c);
	} else if (c->state == CW_CONNECTION_TURNING) {
		cw_loop_defer(c->loop, &c->turn_end);
	} else if (c->state == CW_CONNECTION_OPEN && c->was_full &&
		   cw_connection_queued(c) <= CW_CONNECTION_QUEUE_MAX / 2) {
		c->was_full = false;
		c->full_ms = 0;
		bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
		c->handler->drained(c, c->arg);
	}
}

/*
 * The socket nearly always takes all that was sent in this turn, with TLS as one record where it
 * fits one: then neither libevent nor epoll need be asked, and it has left when the peer's end is
 * the next to be handled. Not where `drained` is due, which follows from libevent's writing.
 *
 * Returns: how many bytes it took.
 */
static size_t write_at_once(struct cw_connection *c)
{
	ssize_t n;

	if (c->was_full || evbuffer_get_length(bufferevent_get_output(c->bev)) > 0)
		return 0;
	if (c->ssl)
		return cw_connection_tls_write(c, cw_buf_str(&c->pending)) ? c->pending.len : 0;
	n = write(bufferevent_getfd(c->bev), c->pending.data, c->pending.len);
	return n > 0 ? (size_t)n : 0; /* libevent finds the error if there is one */
}

/*
 * Leave it to libevent: one add makes one TLS record of it. Then wake the writer at once: it stands behind us in this turn, and
 * epoll need not be asked. Where output waits already, the socket is full and epoll is being asked.
 */
static int write_later(struct cw_connection *c, struct cw_str bytes)
{
	struct evbuffer *output = bufferevent_get_output(c->bev);
	bool was_empty = evbuffer_get_length(output) == 0;

	if (evbuffer_add(output, bytes.p, bytes.len) < 0)
		return -ENOMEM;
	if (was_empty)
		event_active(&c->bev->ev_write, EV_WRITE, 0);
	return 0;
}

static void flush(struct cw_connection *c)
{
	if (c->pending.len > 0) {
		struct cw_str left = cw_str_from(cw_buf_str(&c->pending), write_at_once(c));

		if (left.len > 0 && write_later(c, left)) {
			cw_connection_end(c, CW_END_LOST, "out of memory");
			return;
		}
		cw_buf_finish(&c->pending);
	}
	if (c->state == CW_CONNECTION_DRAINING && cw_connection_queued(c) == 0)
		finish_closing(c);
}

static void on_write_due(void *arg)
{
	flush(arg);
}

/* The peer has finished, but may still read what we answered in this turn. */
static void end_by_peer(struct cw_connection *c)
{
	flush(c);
	if (c->state == CW_CONNECTION_OPEN)
		cw_connection_end(c, CW_END_PEER, "");
}

int cw_connection_send(struct cw_connection *c, struct cw_str bytes)
{
	size_t total = cw_connection_queued(c) + bytes.len;

	if (c->state > CW_CONNECTION_OPEN || c->is_turning || !c->handler)
		return -EPIPE;
	if (total > (size_t)2 * CW_CONNECTION_QUEUE_MAX)
		return -ENOBUFS;
	cw_buf_add(&c->pending, bytes);
	if (c->pending.error)
		return -ENOMEM; /* until the end of the turn, when the buffer is renewed */
	if (total > CW_CONNECTION_QUEUE_MAX)
		c->was_full = true;
	if (c->state != CW_CONNECTION_OPEN)
		return 0;
	if (total > CW_CONNECTION_QUEUE_MAX)
		watch_full(c);
	c->active_ms = cw_loop_now_ms(c->loop);
	cw_loop_defer_write(c->loop, &c->write);
	return 0;
}

bool cw_connection_is_full(const struct cw_connection *c)
{
	return cw_connection_queued(c) > CW_CONNECTION_QUEUE_MAX;
}

void cw_connection_close(struct cw_connection *c)
{
	if (c->state > CW_CONNECTION_OPEN || !c->handler)
		return;
	cw_loop_defer(c->loop, &c->turn_end);
	if (c->state != CW_CONNECTION_OPEN) {
		c->state = CW_CONNECTION_GIVEN_UP;
		return;
	}
	c->state = CW_CONNECTION_DRAINING;
	c->deadline_ms = c->full_ms = 0;
	cw_connection_set_phase(c, CW_CONNECTION_LINGER_MS);
	watch_output(c, 0);
	if (!c->has_eof)
		start_reading(
			c); /* and throw it away: a peer that cannot write may not read either */
}

/* --- turning to TLS --- */

int cw_connection_start_tls(struct cw_connection *c, const struct cw_connection_tls *how)
{
	if (c->ssl || c->is_turning)
		return -EALREADY;
	if (!cw_connection_is_open(c))
		return -EPIPE;
	c->next_ssl = c->is_incoming ? cw_tls_accept(how->tls, how->local_name, how->demand)
				     : cw_tls_dial(how->tls, how->local_name, how->server_name,
					       how->demand);
	if (!c->next_ssl)
		return -ENOMEM;
	c->state = CW_CONNECTION_TURNING;
	c->is_turning = true;
	c->has_received = c->has_resumed = c->was_full = false;
	c->full_ms = 0;
	bufferevent_disable(c->bev, EV_READ);
	watch_output(c, 0);
	cw_connection_set_phase(c, CW_CONNECTION_HANDSHAKE_MS);
	cw_loop_defer(c->loop, &c->turn_end);
	return 0;
}

/*
 * All has left in clear: put TLS on the descriptor. What waits in the kernel's buffer is read as TLS, and fails as such if it is none. A
 * filtering bufferevent, on top of the plain one, would send one record for each piece that is queued.
 */
static void begin_handshake(struct cw_connection *c)
{
	c->fd = bufferevent_getfd(c->bev);
	bufferevent_setfd(c->bev, -1); /* or freeing it would close it */
	bufferevent_free(c->bev);
	c->bev = NULL;
	c->ssl = c->next_ssl;
	c->next_ssl = NULL;
	if (cw_connection_start(c))
		cw_connection_end(c, CW_END_LOST, "out of memory");
}

static void turn(struct cw_connection *c)
{
	if (has_input(c)) {
		cw_connection_tls_not_begun(c, "protocol", in_clear);
		cw_connection_end(c, CW_END_HANDSHAKE, in_clear);
		return;
	}
	flush(c);
	if (c->state == CW_CONNECTION_TURNING && cw_connection_queued(c) == 0)
		begin_handshake(c);
}

/* --- from the loop --- */

static void open_connection(struct cw_connection *c)
{
	char detail[CW_CONNECTION_DETAIL_MAX];

	if (c->ssl && cw_connection_tls_identify(c, detail)) {
		cw_connection_end(c, CW_END_HANDSHAKE, detail);
		return;
	}
	c->state = CW_CONNECTION_OPEN;
	c->is_turning = false;
	c->phase_ms = 0;
	c->active_ms = cw_loop_now_ms(c->loop);
	arm(c);
	if (!c->opens_late)
		cw_admission_opened(&c->seat);
	c->local.len = sizeof(c->local.sa);
	if (getsockname(bufferevent_getfd(c->bev), &c->local.sa.any, &c->local.len) < 0)
		c->local = (struct cw_address){0};
	if (c->was_full)
		watch_full(c);
	c->handler->opened(c, c->arg);
	if (c->state != CW_CONNECTION_OPEN)
		return;
	if (c->paused == 0)
		start_reading(c);
	if (c->pending.len > 0)
		cw_loop_defer_write(c->loop, &c->write);
}

/* EOF or an error of a connection that was open, and may have been closed by its owner since. */
static void lose(struct cw_connection *c, short what)
{
	int socket_error = EVUTIL_SOCKET_ERROR();
	char detail[CW_CONNECTION_DETAIL_MAX];

	if (what & BEV_EVENT_EOF) {
		c->has_eof = true;
		/* libevent has stopped both directions, but a peer that closed its side may still read ours. */
		bufferevent_disable(c->bev, EV_READ);
		bufferevent_enable(c->bev, EV_WRITE);
		/* a paused owner may hold input that it took and has not handled */
		if (c->state == CW_CONNECTION_OPEN && c->paused == 0)
			end_by_peer(c);
	} else if (!c->ssl) {
		cw_connection_end(c, CW_END_LOST, strerror(socket_error));
	} else if (cw_connection_tls_lost(c, detail)) {
		cw_connection_end(c, CW_END_HANDSHAKE, detail);
	} else {
		cw_connection_end(c, CW_END_LOST, detail);
	}
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct cw_connection *c = arg;
	char detail[CW_CONNECTION_DETAIL_MAX];

	(void)bev;
	switch (c->state) {
	case CW_CONNECTION_HANDSHAKE:
		if (what & BEV_EVENT_CONNECTED) {
			open_connection(c);
		} else {
			cw_connection_tls_failed(c, what, detail);
			cw_connection_end(c, CW_END_HANDSHAKE, detail);
		}
		break;
	case CW_CONNECTION_TURNING: /* after an EOF the handshake fails */
	case CW_CONNECTION_OPEN:
	case CW_CONNECTION_DRAINING:
		lose(c, what);
		break;
	case CW_CONNECTION_LINGERING:
		cw_connection_end(c, CW_END_CLOSED, "");
		break;
	case CW_CONNECTION_CONNECTING:
	case CW_CONNECTION_GIVEN_UP:
	case CW_CONNECTION_ENDED:
		break;
	}
}

/* What a call of the owner's asked for, done outside of it. */
static void on_turn_end(void *arg)
{
	struct cw_connection *c = arg;

	switch (c->state) {
	case CW_CONNECTION_CONNECTING:
		cw_connection_end(c, CW_END_REFUSED, strerror(c->connect_error));
		break;
	case CW_CONNECTION_TURNING:
		turn(c);
		break;
	case CW_CONNECTION_HANDSHAKE:
		if (!c->ssl)
			open_connection(c);
		break;
	case CW_CONNECTION_GIVEN_UP:
		cw_connection_end(c, CW_END_CLOSED, "");
		break;
	case CW_CONNECTION_OPEN:
		if (c->has_resumed)
			deliver_waiting(c);
		break;
	case CW_CONNECTION_DRAINING:
		flush(c);
		break;
	case CW_CONNECTION_LINGERING:
		break;
	case CW_CONNECTION_ENDED:
		free(c);
		break;
	}
}

int cw_connection_start(struct cw_connection *c)
{
	struct event_base *base = cw_loop_base(c->loop);
	int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;

	if (c->ssl)
		c->bev = bufferevent_openssl_socket_new(base, c->fd, c->ssl,
			c->is_incoming ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING,
			options);
	else
		c->bev = bufferevent_socket_new(base, c->fd, options);
	if (!c->bev) {
		c->ssl = NULL; /* libevent freed it, but not the descriptor */
		return -ENOMEM;
	}
	c->fd = -1;
	c->state = CW_CONNECTION_HANDSHAKE;
	bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
	if (!c->ssl) {
		c->phase_ms = 0;
		cw_loop_defer(c->loop, &c->turn_end);
	}
	return 0;
}

void cw_connection_admit(struct cw_connection *c)
{
	cw_admission_opened(&c->seat);
}

/* --- questions --- */

bool cw_connection_is_open(const struct cw_connection *c)
{
	return c->state == CW_CONNECTION_OPEN && c->handler;
}

uint64_t cw_connection_idle_ms(const struct cw_connection *c)
{
	return c->active_ms ? cw_loop_now_ms(c->loop) - c->active_ms : 0;
}

const struct cw_identity *cw_connection_identity(const struct cw_connection *c)
{
	return c->identity;
}

const struct cw_address *cw_connection_remote(const struct cw_connection *c)
{
	return &c->remote;
}

const struct cw_address *cw_connection_local(const struct cw_connection *c)
{
	return &c->local;
}
