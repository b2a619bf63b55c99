/* Asking the servers, with sockets and a timer. */
#include "net/dns_exchange.h"

#include "certs/digest.h"
#include "net/dns_tcp.h"

#include <event2/event.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PACKET_BYTES 4096 /* some servers send more over UDP than they were told to */
#define BURST        16   /* packets taken in a turn, so that a flood does not hold the loop */

/* What goes on with one server. */
struct
try {
	struct cw_dns_exchange *exchange;
	const struct cw_address *server;
	int fd; /* -1: not asked over UDP */
	struct event *event;
	struct cw_dns_tcp *tcp; /* NULL: not asked over TCP */
	uint16_t id;
	bool no_edns;
	bool failed; /* not to be asked again */
};

struct cw_dns_exchange {
	struct cw_loop *loop;
	struct cw_dns_exchange_settings settings;
	cw_dns_exchange_done *done;
	void *arg;
	struct cw_timer *timer;
	struct try tries[CW_DNS_SERVERS_MAX];
	size_t n_tries;
	size_t next; /* whose turn it is */
	unsigned sent;
	const char *problem; /* of the last server that failed */
};

static void ask_next(struct cw_dns_exchange *x);

static void close_try(struct try *t)
{
	if (t->event)
		event_free(t->event);
	t->event = NULL;
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	cw_dns_tcp_destroy(t->tcp);
	t->tcp = NULL;
}

static void finish(struct cw_dns_exchange *x, struct cw_dns_reply *reply)
{
	cw_timer_stop(x->timer);
	for (size_t i = 0; i < x->n_tries; i++)
		close_try(&x->tries[i]);
	x->done(x->arg, reply);
}

/* The server knew. */
static void finish_known(struct try *t, struct cw_dns_reply *reply)
{
	struct cw_dns_exchange *x = t->exchange;

	x->settings.servers->first = (size_t)(t - x->tries);
	finish(x, reply);
}

static void server_failed(struct try *t, const char *problem)
{
	close_try(t);
	t->failed = true;
	t->exchange->problem = problem;
}

static size_t write_query(uint8_t query[static CW_DNS_QUERY_BYTES], const struct try *t)
{
	return cw_dns_query_write(query, t->exchange->settings.question, t->id, !t->no_edns);
}

static void tcp_done(void *arg, struct cw_str packet)
{
	struct try *t = arg;
	struct cw_dns_reply reply;

	cw_dns_reply_read(&reply, t->exchange->settings.question, t->id, packet);
	if (reply.kind == CW_DNS_REPLY_FINAL || reply.kind == CW_DNS_REPLY_ALIAS) {
		finish_known(t, &reply);
		return;
	}
	server_failed(
		t, reply.kind == CW_DNS_REPLY_FAILED ? reply.problem : "no whole answer over TCP");
	ask_next(t->exchange);
}

/* The answer did not fit into a packet. Returns false when the server cannot be asked over TCP. */
static bool ask_tcp(struct try *t)
{
	uint8_t query[CW_DNS_QUERY_BYTES];
	size_t len = write_query(query, t);

	close_try(t);
	if (cw_dns_tcp_create(&t->tcp, t->exchange->loop, t->server,
		    cw_str_make((const char *)query, len), tcp_done, t))
		return false;
	++*t->exchange->settings.counters->tcp;
	return true;
}

/* Returns false when the server cannot be reached. */
static bool send_query(struct try *t)
{
	uint8_t query[CW_DNS_QUERY_BYTES];
	size_t len = write_query(query, t);

	t->exchange->sent++;
	++*t->exchange->settings.counters->udp;
	/* a full buffer is a lost packet, as anywhere on the way */
	return send(t->fd, query, len, MSG_NOSIGNAL) >= 0 || errno == EAGAIN ||
	       errno == EWOULDBLOCK;
}

/* A reply over UDP. It may end the exchange: nothing of it is touched afterwards. */
static void take_reply(struct try *t, struct cw_dns_reply *reply)
{
	struct cw_dns_exchange *x = t->exchange;

	switch (reply->kind) {
	case CW_DNS_REPLY_IGNORED:
		++*x->settings.counters->ignored;
		return;
	case CW_DNS_REPLY_FINAL:
	case CW_DNS_REPLY_ALIAS:
		finish_known(t, reply);
		return;
	case CW_DNS_REPLY_TRUNCATED:
		if (ask_tcp(t))
			return;
		server_failed(t, "truncated, and no connection over TCP");
		break;
	case CW_DNS_REPLY_NO_EDNS:
		if (!t->no_edns) {
			t->no_edns = true;
			if (send_query(t))
				return;
		}
		server_failed(t, "the query was not understood");
		break;
	case CW_DNS_REPLY_FAILED:
		server_failed(t, reply->problem);
		break;
	}
	ask_next(x);
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct try *t = arg;
	struct cw_dns_exchange *x = t->exchange;
	struct cw_dns_reply reply = {.kind = CW_DNS_REPLY_IGNORED};
	char packet[PACKET_BYTES];

	(void)what;
	for (unsigned i = 0; i < BURST && reply.kind == CW_DNS_REPLY_IGNORED; i++) {
		ssize_t n = recv(fd, packet, sizeof(packet), MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return;
		if (n < 0) { /* ICMP says that nobody listens */
			server_failed(t, "refused by the host");
			ask_next(x);
			return;
		}
		cw_dns_reply_read(&reply, x->settings.question, t->id,
			cw_str_make(packet, (size_t)n <= sizeof(packet) ? (size_t)n : 0));
		take_reply(t, &reply);
	}
}

static bool open_socket(struct try *t)
{
	int family = t->server->sa.any.sa_family;

	if (cw_random_bytes((uint8_t *)&t->id, sizeof(t->id)))
		return false;
	t->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0 || connect(t->fd, &t->server->sa.any, t->server->len))
		return false;
	t->event = event_new(
		cw_loop_base(t->exchange->loop), t->fd, EV_READ | EV_PERSIST, readable, t);
	return t->event && event_add(t->event, NULL) == 0;
}

/* Ask whoever's turn it is, leaving out those that failed and those that are busy over TCP. */
static void ask_next(struct cw_dns_exchange *x)
{
	uint64_t now = cw_loop_now_ms(x->loop);
	uint64_t left = x->settings.deadline_ms > now ? x->settings.deadline_ms - now : 0;
	bool is_waiting = false;

	for (size_t i = 0; i < x->n_tries; i++) {
		struct try *t = &x->tries[x->next++ % x->n_tries];

		if (t->failed)
			continue;
		if (t->tcp || x->sent >= CW_DNS_TRIES_MAX) {
			is_waiting = true;
			continue;
		}
		if ((t->fd >= 0 || open_socket(t)) && send_query(t)) {
			is_waiting = true;
			break;
		}
		server_failed(t, "cannot be reached");
	}
	for (size_t i = 0; i < x->n_tries && !is_waiting; i++)
		is_waiting = !x->tries[i].failed;
	if (!is_waiting) {
		struct cw_dns_reply reply = {.kind = CW_DNS_REPLY_FAILED, .problem = x->problem};

		finish(x, &reply);
		return;
	}
	cw_timer_start(x->timer, left < x->settings.try_ms ? left : x->settings.try_ms);
}

static void tick(void *arg)
{
	struct cw_dns_exchange *x = arg;
	struct cw_dns_reply reply = {.kind = CW_DNS_REPLY_IGNORED};

	if (cw_loop_now_ms(x->loop) >= x->settings.deadline_ms)
		finish(x, &reply);
	else
		ask_next(x);
}

int cw_dns_exchange_create(struct cw_dns_exchange **out, struct cw_loop *loop,
	const struct cw_dns_exchange_settings *settings, cw_dns_exchange_done *done, void *arg)
{
	struct cw_dns_exchange *x = calloc(1, sizeof(*x));

	if (!x || cw_timer_create(&x->timer, loop, tick, x)) {
		free(x);
		return -ENOMEM;
	}
	x->loop = loop;
	x->settings = *settings;
	x->done = done;
	x->arg = arg;
	x->n_tries = settings->servers->n;
	x->next = settings->servers->first;
	for (size_t i = 0; i < x->n_tries; i++) {
		x->tries[i] = (struct try){
			.exchange = x, .server = &settings->servers->addresses[i], .fd = -1};
	}
	/* nothing is done here that could fail: the end never comes before this returns */
	cw_timer_start(x->timer, 0);
	*out = x;
	return 0;
}

void cw_dns_exchange_destroy(struct cw_dns_exchange *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n_tries; i++)
		close_try(&x->tries[i]);
	cw_timer_destroy(x->timer);
	free(x);
}
