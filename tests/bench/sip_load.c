/*
 * A load of SIP MESSAGEs over mutual TLS, for measuring a proxy from outside: sender and receiver in one process.
 *
 *   sip_load DIR TARGET LISTEN DOMAIN CONNECTIONS WINDOW COUNT
 *
 * DIR holds ca.pem, load.pem and load.key. It listens on LISTEN, answers every request with 200, opens CONNECTIONS connections to
 * TARGET, keeps WINDOW transactions in flight on each of them until COUNT were answered in all, and prints one line:
 *
 *   answered=N failed=N wall_us=N
 *
 * COUNT 0: the connections are opened one after the other, each sends one message, "idle" is printed, and they are held until
 * standard input ends.
 */
#include "core/buf.h"

#include "net/connection.h"
#include "net/listener.h"
#include "sip/framing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BODY                                                                                       \
	"Would you have a minute for the figures of the third quarter? I will be at my desk "      \
	"until six."
#define STALL_MS        20000 /* without an answer: give up */
#define MAX_CONNECTIONS 5000

struct side {
	struct cw_connection *connection;
	struct cw_sip_framer framer;
	struct load *load;
	bool is_sender;
};

struct load {
	struct cw_loop *loop;
	struct cw_tls *tls;
	struct cw_timer *timer;
	struct cw_address target;
	const char *domain;
	uint64_t run; /* begins the branches: a proxy remembers those of the run before */
	uint64_t count, sent, answered, failed;
	uint64_t seen; /* of them and of opened connections, when the timer last looked */
	size_t connections, window, open;
	struct side **senders;
	bool hold; /* do not load: open the connections and keep them */
	uint64_t begun_us;
	struct cw_buf out;
};

static void dial(struct load *l);

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "sip_load: %s\n", what);
	exit(1);
}

static void send_request(struct side *side)
{
	struct load *l = side->load;
	uint64_t n = l->sent++;

	cw_buf_clear(&l->out);
	cw_buf_printf(&l->out,
		"MESSAGE sip:bob@%s SIP/2.0\r\n"
		"Via: SIP/2.0/TLS load.test:5061;branch=z9hG4bK%" PRIx64 "-%" PRIx64 ";rport\r\n"
		"Max-Forwards: 70\r\n"
		"From: \"Alice Example\" <sip:alice@load.test>;tag=%" PRIx64 ";epid=72f0d99ead\r\n"
		"To: <sip:bob@%s>\r\n"
		"Call-ID: %" PRIx64 "-%" PRIx64 "@load.test\r\n"
		"CSeq: 1 MESSAGE\r\n"
		"User-Agent: UCCAPI/16.0.4405.1000 OC/16.0.4405.1000 (Skype for Business)\r\n"
		"Supported: timer\r\n"
		"Content-Type: text/plain; charset=UTF-8\r\n"
		"Content-Length: %zu\r\n"
		"\r\n" BODY,
		l->domain, l->run, n, n, l->domain, l->run, n, sizeof(BODY) - 1);
	if (l->out.error || cw_connection_send(side->connection, cw_buf_str(&l->out)))
		die("cannot send");
}

static bool is_header(struct cw_str line, const char *name)
{
	return cw_str_case_starts(line, cw_str_of(name));
}

/* The 200 to a request: its Vias, From, To, Call-ID and CSeq as they stand. */
static void answer(struct side *side, struct cw_str head)
{
	static const char *const copied[] = {"Via:", "From:", "Call-ID:", "CSeq:", "Record-Route:"};
	struct cw_buf *out = &side->load->out;

	cw_buf_clear(out);
	cw_buf_printf(out, "SIP/2.0 200 OK\r\n");
	while (head.len) {
		size_t end = cw_str_find(head, '\n') + 1;
		struct cw_str line = cw_str_make(head.p, end);

		head = cw_str_from(head, end);
		if (is_header(line, "To:"))
			cw_buf_printf(out, "%" CW_STR_FMT ";tag=r\r\n", (int)line.len - 2, line.p);
		for (size_t i = 0; i < sizeof(copied) / sizeof(*copied); i++)
			if (is_header(line, copied[i]))
				cw_buf_add(out, line);
	}
	cw_buf_printf(out, "Content-Length: 0\r\n\r\n");
	if (out->error || cw_connection_send(side->connection, cw_buf_str(out)))
		die("cannot answer");
}

static void on_answer(struct side *side, struct cw_str head)
{
	struct load *l = side->load;

	if (!cw_str_starts(head, cw_str_of("SIP/2.0 200")))
		l->failed++;
	l->answered++;
	if (l->hold && l->open < l->connections)
		dial(l);
	if (!l->hold && l->sent < l->count)
		send_request(side);
	if (l->answered == l->count) {
		if (!l->hold)
			printf("answered=%" PRIu64 " failed=%" PRIu64 " wall_us=%" PRIu64 "\n",
				l->answered, l->failed, now_us() - l->begun_us);
		cw_loop_stop(l->loop);
	}
}

static size_t on_received(struct cw_connection *c, void *arg, struct cw_str bytes)
{
	struct side *side = arg;
	size_t consumed = 0;
	struct cw_sip_frame frame;

	(void)c;
	for (;;) {
		cw_sip_frame_next(&side->framer, cw_str_from(bytes, consumed), &frame);
		consumed += frame.consumed;
		if (frame.kind == CW_FRAME_MORE)
			return consumed;
		if (frame.kind == CW_FRAME_BROKEN)
			die("garbage from the proxy");
		if (frame.kind == CW_FRAME_PING)
			continue;
		if (!cw_str_starts(frame.message, cw_str_of("SIP/2.0")))
			answer(side, cw_str_make(frame.message.p, frame.head_len));
		else if (!cw_str_starts(frame.message, cw_str_of("SIP/2.0 1")))
			on_answer(side, cw_str_make(frame.message.p, frame.head_len));
	}
}

static void start(struct load *l);

static void on_opened(struct cw_connection *c, void *arg)
{
	struct side *side = arg;
	struct load *l = side->load;

	(void)c;
	if (!side->is_sender)
		return;
	l->senders[l->open++] = side;
	if (l->hold)
		send_request(side); /* none is idle without ever having spoken */
	else if (l->open == l->connections)
		start(l);
	else
		dial(l);
}

static void on_closed(
	struct cw_connection *c, void *arg, enum cw_connection_end end, const char *detail)
{
	struct side *side = arg;

	(void)c;
	if (side->is_sender) {
		fprintf(stderr, "sip_load: a connection ended: %s (%s)\n",
			cw_connection_end_name(end), detail);
		exit(1);
	}
	free(side);
}

static const struct cw_connection_handler handler = {
	.opened = on_opened,
	.received = on_received,
	.closed = on_closed,
};

static struct side *create_side(struct load *l, bool is_sender)
{
	struct side *side = calloc(1, sizeof(*side));

	if (!side)
		die("out of memory");
	side->load = l;
	side->is_sender = is_sender;
	return side;
}

/* One connection at a time, so that no proxy's limit of half-open ones is met. */
static void dial(struct load *l)
{
	struct side *side = create_side(l, true);
	struct cw_connection_dial how = {
		.address = l->target,
		.tls = l->tls,
		.local_name = cw_str_of("load.test"),
		.server_name = cw_str_of("proxy.test"),
		.connect_timeout_ms = STALL_MS,
	};

	if (cw_connection_dial(&side->connection, l->loop, &how, &handler, side))
		die("cannot dial");
}

static void *accept_connection(struct cw_connection *c, void *arg)
{
	struct side *side = create_side(arg, false);

	side->connection = c;
	return side;
}

static void start(struct load *l)
{
	l->begun_us = now_us();
	for (size_t i = 0; i < l->connections; i++)
		for (size_t w = 0; w < l->window && l->sent < l->count; w++)
			send_request(l->senders[i]);
}

/* A while is over: something must have happened in it. */
static void on_timer(void *arg)
{
	struct load *l = arg;

	if (l->answered + l->open == l->seen)
		die("no answer comes any more");
	l->seen = l->answered + l->open;
	cw_timer_start(l->timer, STALL_MS);
}

static struct cw_tls *load_tls(const char *dir)
{
	static char certificate[4096], key[4096], trust[4096];
	struct cw_tls_settings block = {
		.certificate.path = certificate, .key.path = key, .trust.path = trust};
	struct cw_diag diag = {0};
	struct cw_tls *tls = NULL;

	snprintf(certificate, sizeof(certificate), "%s/load.pem", dir);
	snprintf(key, sizeof(key), "%s/load.key", dir);
	snprintf(trust, sizeof(trust), "%s/ca.pem", dir);
	if (cw_tls_create(&tls, &block, 1, &diag)) {
		cw_diag_print(&diag, stderr);
		die("no certificate");
	}
	cw_diag_finish(&diag);
	return tls;
}

static size_t number(const char *text, size_t max)
{
	uint64_t n;

	if (cw_str_to_u64(cw_str_of(text), max, &n))
		die("a number is wrong");
	return n;
}

int main(int argc, char **argv)
{
	struct load l = {0};
	struct cw_listener *listener;
	struct cw_listener_settings listening = {
		.handler = &handler,
		.accepted = accept_connection,
		.arg = &l,
	};

	if (argc != 8)
		die("usage: sip_load DIR TARGET LISTEN DOMAIN CONNECTIONS WINDOW COUNT");
	l.tls = load_tls(argv[1]);
	l.domain = argv[4];
	l.run = now_us();
	l.connections = number(argv[5], MAX_CONNECTIONS);
	l.window = number(argv[6], 10000);
	l.count = number(argv[7], 100000000);
	l.hold = l.count == 0;
	if (l.hold)
		l.count = l.connections;
	l.senders = calloc(l.connections, sizeof(struct side *));
	listening.tls = &l.tls;
	listening.admission = cw_admission_create();
	if (cw_address_parse(&l.target, cw_str_of(argv[2])) ||
		cw_address_parse(&listening.address, cw_str_of(argv[3])))
		die("an address is wrong");
	if (!l.senders || !listening.admission || cw_loop_create(&l.loop) ||
		cw_timer_create(&l.timer, l.loop, on_timer, &l))
		die("out of memory");
	if (cw_listener_create(&listener, l.loop, &listening))
		die("cannot listen");
	dial(&l);
	cw_timer_start(l.timer, STALL_MS);
	if (cw_loop_run(l.loop))
		die("the loop failed");
	if (l.hold) {
		printf("idle\n");
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	return 0;
}
