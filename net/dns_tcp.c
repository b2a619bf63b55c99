/* A DNS query over TCP, on a non-blocking socket. */
#include "net/dns_tcp.h"

#include <event2/event.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define LENGTH_BYTES 2

struct cw_dns_tcp {
	int fd;
	struct event *event;
	cw_dns_tcp_done *done;
	void *arg;
	uint8_t query[LENGTH_BYTES + CW_DNS_QUERY_BYTES];
	size_t query_len, sent;
	uint8_t *answer; /* the length, then as much as it says */
	size_t answer_len, received;
};

static void finish(struct cw_dns_tcp *tcp, struct cw_str packet)
{
	event_del(tcp->event);
	tcp->done(tcp->arg, packet);
}

static void give_up(struct cw_dns_tcp *tcp)
{
	finish(tcp, cw_str_make(NULL, 0));
}

static bool is_transient(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* The length has come: make room. Returns false when the answer is none that we take. */
static bool begin_answer(struct cw_dns_tcp *tcp)
{
	size_t len = (size_t)tcp->answer[0] << 8 | tcp->answer[1];
	uint8_t *room;

	if (len == 0 || len > CW_DNS_TCP_BYTES)
		return false;
	room = realloc(tcp->answer, LENGTH_BYTES + len);
	if (!room)
		return false;
	tcp->answer = room;
	tcp->answer_len = LENGTH_BYTES + len;
	return true;
}

static void receive(struct cw_dns_tcp *tcp)
{
	while (tcp->received < tcp->answer_len) {
		ssize_t n = recv(
			tcp->fd, tcp->answer + tcp->received, tcp->answer_len - tcp->received, 0);

		if (n < 0 && is_transient(errno))
			return;
		if (n <= 0) {
			give_up(tcp);
			return;
		}
		tcp->received += (size_t)n;
		if (tcp->received == LENGTH_BYTES && tcp->answer_len == LENGTH_BYTES &&
			!begin_answer(tcp)) {
			give_up(tcp);
			return;
		}
	}
	finish(tcp, cw_str_make((const char *)tcp->answer + LENGTH_BYTES,
			    tcp->answer_len - LENGTH_BYTES));
}

/* Returns false when the connection failed. */
static bool transmit(struct cw_dns_tcp *tcp)
{
	ssize_t n = send(tcp->fd, tcp->query + tcp->sent, tcp->query_len - tcp->sent, MSG_NOSIGNAL);

	if (n < 0)
		return is_transient(errno) || errno == EINPROGRESS;
	tcp->sent += (size_t)n;
	return true;
}

static void ready(evutil_socket_t fd, short what, void *arg)
{
	struct cw_dns_tcp *tcp = arg;

	if (!(what & EV_WRITE)) {
		receive(tcp);
		return;
	}
	if (!transmit(tcp)) {
		give_up(tcp);
		return;
	}
	if (tcp->sent < tcp->query_len)
		return;
	/* all is sent: from here on only the answer counts */
	event_del(tcp->event);
	if (event_assign(
		    tcp->event, event_get_base(tcp->event), fd, EV_READ | EV_PERSIST, ready, tcp) ||
		event_add(tcp->event, NULL))
		give_up(tcp);
}

static int dial(struct cw_dns_tcp *tcp, struct cw_loop *loop, const struct cw_address *server)
{
	tcp->fd = socket(server->sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tcp->fd < 0)
		return -errno;
	if (connect(tcp->fd, &server->sa.any, server->len) && errno != EINPROGRESS)
		return -errno;
	tcp->event = event_new(cw_loop_base(loop), tcp->fd, EV_WRITE | EV_PERSIST, ready, tcp);
	return tcp->event && event_add(tcp->event, NULL) == 0 ? 0 : -ENOMEM;
}

int cw_dns_tcp_create(struct cw_dns_tcp **out, struct cw_loop *loop,
	const struct cw_address *server, struct cw_str query, cw_dns_tcp_done *done, void *arg)
{
	struct cw_dns_tcp *tcp = calloc(1, sizeof(*tcp));
	int r = -ENOMEM;

	if (!tcp)
		return r;
	tcp->fd = -1;
	tcp->done = done;
	tcp->arg = arg;
	tcp->query[0] = (uint8_t)(query.len >> 8);
	tcp->query[1] = (uint8_t)query.len;
	memcpy(tcp->query + LENGTH_BYTES, query.p, query.len);
	tcp->query_len = LENGTH_BYTES + query.len;
	tcp->answer_len = LENGTH_BYTES;
	tcp->answer = malloc(LENGTH_BYTES);
	if (tcp->answer)
		r = dial(tcp, loop, server);
	if (r) {
		cw_dns_tcp_destroy(tcp);
		return r;
	}
	*out = tcp;
	return 0;
}

void cw_dns_tcp_destroy(struct cw_dns_tcp *tcp)
{
	if (!tcp)
		return;
	if (tcp->event)
		event_free(tcp->event);
	if (tcp->fd >= 0)
		close(tcp->fd);
	free(tcp->answer);
	free(tcp);
}
