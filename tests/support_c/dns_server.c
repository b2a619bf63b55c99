/* The DNS server of tests. */
#include "tests/support_c/dns_server.h"

#include <event2/event.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

#define QUERY_MAX 512

struct dns_server {
	struct cw_loop *loop;
	dns_server_handler *handler;
	void *arg;
	struct cw_address address;
	int udp, tcp; /* tcp: -1 without */
	struct event *udp_event, *tcp_event;
	unsigned n_queries;
};

/* Read the question of a query and begin the answer. Returns false when it is no query. */
static bool read_query(
	struct dns_server_query *out, struct dns_packet *answer, const uint8_t *bytes, size_t len)
{
	size_t at = 12, n = 0;

	while (at < len && bytes[at] != 0) {
		size_t label = bytes[at++];

		if (label > 63 || at + label > len || n + label + 2 > sizeof(out->name))
			return false;
		if (n > 0)
			out->name[n++] = '.';
		memcpy(out->name + n, bytes + at, label);
		n += label;
		at += label;
	}
	if (at + 5 > len)
		return false;
	out->name[n] = '\0';
	out->type = (unsigned)bytes[at + 1] << 8 | bytes[at + 2];
	out->edns = bytes[11] == 1;
	dns_packet_begin(answer, (uint16_t)(bytes[0] << 8 | bytes[1]), out->name, out->type);
	return true;
}

/* Let the handler answer, as often as it wants to; `send_one` sends. Returns the last action. */
static enum dns_server_action answer(struct dns_server *s, struct cw_str bytes, bool is_tcp,
	void (*send_one)(void *to, const struct dns_packet *p), void *to)
{
	struct dns_packet *p = malloc(sizeof(*p));
	struct dns_server_query query = {.is_tcp = is_tcp};
	enum dns_server_action action = DNS_SERVER_MORE;
	unsigned n = s->n_queries++;

	if (!p)
		abort();
	for (unsigned part = 0; action == DNS_SERVER_MORE; part++) {
		if (!read_query(&query, p, (const uint8_t *)bytes.p, bytes.len))
			abort();
		action = s->handler(s->arg, p, &query, n, part);
		if (action == DNS_SERVER_ANSWER || action == DNS_SERVER_MORE)
			send_one(to, p);
	}
	free(p);
	return action;
}

struct peer {
	int fd;
	struct cw_address address;
};

static void send_udp(void *to, const struct dns_packet *p)
{
	const struct peer *peer = to;

	if (sendto(peer->fd, p->bytes, p->len, 0, &peer->address.sa.any, peer->address.len) < 0)
		abort();
}

static void udp_ready(evutil_socket_t fd, short what, void *arg)
{
	struct peer peer = {.fd = fd, .address.len = sizeof(peer.address.sa)};
	char query[QUERY_MAX];
	ssize_t n = recvfrom(fd, query, sizeof(query), 0, &peer.address.sa.any, &peer.address.len);

	(void)what;
	if (n > 0)
		answer(arg, cw_str_make(query, (size_t)n), false, send_udp, &peer);
}

static void send_tcp(void *to, const struct dns_packet *p)
{
	const struct peer *peer = to;
	uint8_t head[2] = {(uint8_t)(p->len >> 8), (uint8_t)p->len};

	/* in two pieces and with the length cut in two: the reader has to put it together */
	if (send(peer->fd, head, 1, MSG_NOSIGNAL) < 0 ||
		send(peer->fd, head + 1, 1, MSG_NOSIGNAL) < 0 ||
		send(peer->fd, p->bytes, p->len, MSG_NOSIGNAL) < 0)
		abort();
}

/* On loopback a query comes as one piece. */
static void peer_ready(evutil_socket_t fd, short what, void *arg)
{
	struct peer peer = {.fd = fd};
	uint8_t query[2 + QUERY_MAX];
	ssize_t n = recv(fd, query, sizeof(query), 0);

	(void)what;
	if (n > 2 && answer(arg, cw_str_make((const char *)query + 2, (size_t)n - 2), true,
			     send_tcp, &peer) == DNS_SERVER_SILENT)
		return; /* left open: the process ends soon */
	close(fd);
}

static void tcp_ready(evutil_socket_t fd, short what, void *arg)
{
	struct dns_server *s = arg;
	int peer = accept(fd, NULL, NULL);

	(void)what;
	if (peer >= 0)
		event_base_once(cw_loop_base(s->loop), peer, EV_READ, peer_ready, s, NULL);
}

static int bind_socket(struct dns_server *s, int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		abort();
	if (bind(fd, &s->address.sa.any, s->address.len)) {
		close(fd);
		return -1;
	}
	if (getsockname(fd, &s->address.sa.any, &s->address.len))
		abort();
	return fd;
}

/* One port that is free for both; the kernel chooses it for UDP. */
static void bind_both(struct dns_server *s, bool with_tcp)
{
	for (int i = 0; i < 50; i++) {
		struct sockaddr_in any = {
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

		s->address.len = sizeof(any);
		memcpy(&s->address.sa, &any, sizeof(any));
		s->udp = bind_socket(s, SOCK_DGRAM);
		s->tcp = s->udp < 0 ? -1 : bind_socket(s, SOCK_STREAM);
		if (s->tcp >= 0 && !with_tcp) {
			close(s->tcp);
			s->tcp = -1;
			return;
		}
		if (s->tcp >= 0 && listen(s->tcp, 8) == 0)
			return;
		if (s->udp >= 0)
			close(s->udp);
	}
	abort();
}

struct dns_server *dns_server_create(
	struct cw_loop *loop, bool with_tcp, dns_server_handler *handler, void *arg)
{
	struct dns_server *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->loop = loop;
	s->handler = handler;
	s->arg = arg;
	bind_both(s, with_tcp);
	s->udp_event = event_new(cw_loop_base(loop), s->udp, EV_READ | EV_PERSIST, udp_ready, s);
	event_add(s->udp_event, NULL);
	if (with_tcp) {
		s->tcp_event =
			event_new(cw_loop_base(loop), s->tcp, EV_READ | EV_PERSIST, tcp_ready, s);
		event_add(s->tcp_event, NULL);
	}
	return s;
}

void dns_server_destroy(struct dns_server *s)
{
	event_free(s->udp_event);
	close(s->udp);
	if (s->tcp_event) {
		event_free(s->tcp_event);
		close(s->tcp);
	}
	free(s);
}

const struct cw_address *dns_server_address(const struct dns_server *s)
{
	return &s->address;
}

unsigned dns_server_queries(const struct dns_server *s)
{
	return s->n_queries;
}
