#include "net/connection.h"

#include "tests/support_c/pki.h"
#include "tests/support_c/wire.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

static struct pki pki;
static struct cw_tls *tls;

/* Each test runs in a process of its own; the certificates are made once, before. */
static void begin_pki(void)
{
	struct cw_diag diag = {0};
	struct cw_tls_settings settings = {0};

	pki_begin(&pki);
	pki_issue(&pki, &(struct pki_spec){.file = "ca", .is_ca = true});
	pki_issue(&pki, &(struct pki_spec){.file = "one", .issuer = "ca", .dns = "one.example"});
	settings.certificate.path = pki_path(&pki, "one.pem");
	settings.key.path = pki_path(&pki, "one.key");
	settings.trust.path = pki_path(&pki, "ca.pem");
	ck_assert_int_eq(cw_tls_create(&tls, &settings, 1, &diag), 0);
	ck_assert_uint_eq(diag.count, 0);
}

static void end_pki(void)
{
	cw_tls_destroy(tls);
	pki_end(&pki);
}

/* Row 0 is plain TCP, row 1 TLS. */
static const bool transports[] = {false, true};

static struct wire *create_wire(int row)
{
	struct cw_tls *context = transports[row] ? tls : NULL;

	return wire_create(&(struct wire_settings){.server = context, .client = context});
}

static struct wire_end *open_pair(struct wire *w, struct wire_end **accepted)
{
	size_t n = w->n_accepted;
	struct wire_end *dialled = wire_dial(w, NULL);

	WIRE_UNTIL(w, dialled->opened && w->n_accepted > n && w->accepted[n]->opened);
	*accepted = w->accepted[n];
	return dialled;
}

static void send_text(struct wire_end *end, const char *text)
{
	ck_assert_int_eq(cw_connection_send(end->c, cw_str_of(text)), 0);
}

static bool has_in(const struct wire_end *end, const char *text)
{
	return cw_str_eq(cw_buf_str(&end->in), cw_str_of(text));
}

START_TEST(carries_bytes_both_ways)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	send_text(here, "ping ");
	send_text(here, "pong");
	send_text(here, "");
	WIRE_UNTIL(w, there->in.len == 9);
	ck_assert(has_in(there, "ping pong"));
	ck_assert_uint_eq(there->received, 1); /* both left in one write, and one TLS record */
	send_text(there, "back");
	WIRE_UNTIL(w, here->in.len == 4);
	ck_assert_str_eq(here->subject, transports[_i] ? "CN=one" : "");
	ck_assert_str_eq(there->subject, here->subject);
	ck_assert_uint_eq(cw_address_port(cw_connection_remote(here->c)),
		cw_address_port(cw_connection_local(there->c)));
	ck_assert_uint_eq(cw_address_port(cw_connection_local(here->c)),
		cw_address_port(cw_connection_remote(there->c)));
	wire_destroy(w);
}
END_TEST

/* --- back-pressure --- */

#define FLOOD_BYTES (5u << 20)
#define FLOOD_CHUNK 40000u

static size_t flood_sent, flood_got;
static unsigned echo_pauses;

static char flood_byte(size_t at)
{
	return (char)(at * 7 + at / 251);
}

static void flood(struct wire_end *end)
{
	static char bytes[FLOOD_CHUNK];

	while (!cw_connection_is_full(end->c)) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = flood_byte(flood_sent + i);
		ck_assert_int_eq(cw_connection_send(end->c, cw_str_make(bytes, sizeof(bytes))), 0);
		flood_sent += sizeof(bytes);
	}
}

static void flood_more(struct wire_end *end)
{
	if (flood_sent < FLOOD_BYTES || echo_pauses == 0)
		flood(end);
}

static size_t check_flood(struct wire_end *end, struct cw_str bytes)
{
	(void)end;
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.p[i] != flood_byte(flood_got + i))
			ck_abort_msg("byte %zu of the flood is wrong", flood_got + i);
	}
	flood_got += bytes.len;
	return bytes.len;
}

static size_t echo(struct wire_end *end, struct cw_str bytes)
{
	ck_assert_int_eq(cw_connection_send(end->c, bytes), 0);
	if (cw_connection_is_full(end->c)) {
		echo_pauses++;
		cw_connection_pause(end->c);
	}
	return bytes.len;
}

static void resume(struct wire_end *end)
{
	cw_connection_resume(end->c);
}

/* The dialled end takes nothing back until the echo had to stop reading: then all queues on the way are full, in both directions. */
START_TEST(floods_both_ways_intact)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	there->on_received = echo;
	there->on_drained = resume;
	here->on_received = check_flood;
	here->on_drained = flood_more;
	cw_connection_pause(here->c);
	flood(here);
	WIRE_UNTIL(w, echo_pauses > 0);
	cw_connection_resume(here->c);
	WIRE_UNTIL(w, flood_got == flood_sent);
	ck_assert_uint_ge(flood_got, FLOOD_BYTES);
	ck_assert_uint_gt(here->drained, 0);
	wire_destroy(w);
}
END_TEST

START_TEST(bounds_the_queue)
{
	static char megabyte[CW_CONNECTION_QUEUE_MAX];
	struct cw_str chunk = {megabyte, sizeof(megabyte)};
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	ck_assert_int_eq(cw_connection_send(here->c, chunk), 0);
	ck_assert(!cw_connection_is_full(here->c));
	ck_assert_int_eq(cw_connection_send(here->c, chunk), 0);
	ck_assert(cw_connection_is_full(here->c));
	ck_assert_int_eq(cw_connection_send(here->c, cw_str_of("x")), -ENOBUFS);
	WIRE_UNTIL(w, there->in.len == 2 * sizeof(megabyte) && here->drained > 0);
	ck_assert_uint_eq(here->drained, 1);
	send_text(here, "x");
	WIRE_UNTIL(w, there->in.len == 2 * sizeof(megabyte) + 1);
	ck_assert_uint_eq(here->drained, 1);
	wire_destroy(w);
}
END_TEST

/* The end that was dialled, or the one that was accepted. */
START_TEST(ends_what_stays_full)
{
	struct wire *w = wire_create(&(struct wire_settings){.full_ms = 20});
	struct wire_end *there, *here = open_pair(w, &there);
	struct wire_end *writer = _i ? here : there, *reader = _i ? there : here;

	cw_connection_pause(reader->c);
	writer->on_drained = flood;
	flood(writer);
	WIRE_UNTIL(w, writer->closed);
	ck_assert_int_eq(writer->end, CW_END_FULL);
	wire_destroy(w);
}
END_TEST

START_TEST(counts_pauses)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);
	struct wire_end *there2, *here2 = open_pair(w, &there2);

	cw_connection_pause(there->c);
	cw_connection_pause(there->c);
	send_text(here, "held");
	send_text(here2, "one");
	WIRE_UNTIL(w, there2->in.len == 3);
	cw_connection_resume(there->c);
	send_text(here2, "two");
	WIRE_UNTIL(w, there2->in.len == 6);
	ck_assert_uint_eq(there->received, 0);
	cw_connection_resume(there->c);
	ck_assert_uint_eq(there->received, 0); /* not inside the call */
	WIRE_UNTIL(w, there->in.len == 4);
	wire_destroy(w);
}
END_TEST

static size_t pause_and_leave(struct wire_end *end, struct cw_str bytes)
{
	(void)bytes;
	cw_connection_pause(end->c);
	end->on_received = NULL;
	return 0;
}

/* What is left over at a pause is delivered after the resume, and the peer's end only then. */
START_TEST(end_waits_for_input_that_was_left)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	there->on_received = pause_and_leave;
	send_text(here, "last words");
	cw_connection_close(here->c);
	WIRE_UNTIL(w, there->received == 1);
	ck_assert_uint_eq(there->closed, 0);
	cw_connection_resume(there->c);
	WIRE_UNTIL(w, there->closed);
	ck_assert(has_in(there, "last words"));
	ck_assert_int_eq(there->end, CW_END_PEER);
	WIRE_UNTIL(w, here->closed);
	ck_assert_int_eq(here->end, CW_END_CLOSED);
	wire_destroy(w);
}
END_TEST

static size_t take_whole_words(struct wire_end *end, struct cw_str bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.p[i] == '.')
			n = i + 1;
	}
	cw_buf_add(&end->in, cw_str_make(bytes.p, n));
	return n;
}

START_TEST(keeps_what_is_not_consumed)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	there->on_received = take_whole_words;
	send_text(here, "one.tw");
	WIRE_UNTIL(w, there->received == 1);
	ck_assert(has_in(there, "one."));
	send_text(here, "o.");
	WIRE_UNTIL(w, there->received == 2);
	ck_assert(has_in(there, "one.two."));
	wire_destroy(w);
}
END_TEST

static size_t take_nothing(struct wire_end *end, struct cw_str bytes)
{
	(void)end;
	(void)bytes;
	return 0;
}

START_TEST(bounds_the_input)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	there->on_received = take_nothing;
	here->on_drained = flood;
	flood(here);
	WIRE_UNTIL(w, there->closed);
	ck_assert_int_eq(there->end, CW_END_OVERFLOW);
	wire_destroy(w);
}
END_TEST

/* --- the end --- */

START_TEST(close_lets_the_queue_leave)
{
	static char bytes[CW_CONNECTION_QUEUE_MAX + 100000];
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	ck_assert_int_eq(cw_connection_send(here->c, cw_str_make(bytes, sizeof(bytes))), 0);
	cw_connection_close(here->c);
	cw_connection_close(here->c);
	ck_assert(!cw_connection_is_open(here->c));
	ck_assert_int_eq(cw_connection_send(here->c, cw_str_of("x")), -EPIPE);
	ck_assert_uint_eq(here->closed, 0);
	send_text(there, "not delivered any more");
	WIRE_UNTIL(w, here->closed && there->closed);
	ck_assert_uint_eq(there->in.len, sizeof(bytes));
	ck_assert_int_eq(there->end, CW_END_PEER);
	ck_assert_int_eq(here->end, CW_END_CLOSED);
	ck_assert_uint_eq(here->received, 0);
	ck_assert_uint_eq(here->drained, 0);
	wire_destroy(w);
}
END_TEST

static size_t answer_and_close(struct wire_end *end, struct cw_str bytes)
{
	send_text(end, "go away");
	cw_connection_close(end->c);
	(void)bytes;
	return 0;
}

/* The 400 to garbage must arrive though more garbage is on its way: a reset would take it back. */
START_TEST(answers_before_it_closes)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	there->on_received = answer_and_close;
	flood(here);
	WIRE_UNTIL(w, here->closed && there->closed);
	ck_assert(has_in(here, "go away"));
	ck_assert_uint_eq(there->received, 1);
	ck_assert_int_eq(there->end, CW_END_CLOSED);
	wire_destroy(w);
}
END_TEST

static void abandon(struct wire_end *end)
{
	cw_connection_abandon(end->c);
	end->c = NULL;
}

static size_t abandon_received(struct wire_end *end, struct cw_str bytes)
{
	abandon(end);
	return bytes.len;
}

static size_t close_received(struct wire_end *end, struct cw_str bytes)
{
	cw_connection_close(end->c);
	return bytes.len;
}

static void close_end(struct wire_end *end)
{
	cw_connection_close(end->c);
}

enum where {
	IN_OPENED,
	IN_RECEIVED,
	IN_DRAINED,
	IN_CLOSED
};

static const struct inside_case {
	const char *name;
	enum where where;
	bool is_tls, is_abandon;
} inside_cases[] = {
	{"abandon in opened", IN_OPENED, false, true},
	{"abandon in opened, TLS", IN_OPENED, true, true},
	{"abandon in received", IN_RECEIVED, false, true},
	{"abandon in received, TLS", IN_RECEIVED, true, true},
	{"abandon in drained", IN_DRAINED, false, true},
	{"abandon in drained, TLS", IN_DRAINED, true, true},
	{"close in opened", IN_OPENED, false, false},
	{"close in opened, TLS", IN_OPENED, true, false},
	{"close in received", IN_RECEIVED, false, false},
	{"close in received, TLS", IN_RECEIVED, true, false},
	{"close in drained", IN_DRAINED, false, false},
	{"close in drained, TLS", IN_DRAINED, true, false},
	{"both in closed", IN_CLOSED, false, false},
	{"both in closed, TLS", IN_CLOSED, true, false},
};

static void close_and_abandon(struct wire_end *end)
{
	cw_connection_close(end->c);
	cw_connection_set_deadline(end->c, 1, "void");
	ck_assert_int_eq(cw_connection_send(end->c, cw_str_of("x")), -EPIPE);
	cw_connection_abandon(end->c);
}

START_TEST(ends_inside_callbacks)
{
	const struct inside_case *c = &inside_cases[_i];
	struct wire *w = create_wire(c->is_tls);
	struct wire_end *here = wire_dial(w, NULL);

	if (c->where == IN_OPENED)
		here->on_opened = c->is_abandon ? abandon : close_end;
	else if (c->where == IN_RECEIVED)
		here->on_received = c->is_abandon ? abandon_received : close_received;
	else if (c->where == IN_DRAINED)
		here->on_drained = c->is_abandon ? abandon : close_end;
	else
		here->on_closed = close_and_abandon;
	WIRE_UNTIL(w, here->opened && w->n_accepted > 0 && w->accepted[0]->opened);
	if (here->c && cw_connection_is_open(here->c))
		flood(here);
	if (c->where == IN_RECEIVED)
		send_text(w->accepted[0], "go");
	if (c->where == IN_CLOSED)
		cw_connection_close(w->accepted[0]->c);
	WIRE_UNTIL(w, w->accepted[0]->closed && (here->closed || c->is_abandon));
	ck_assert_uint_eq(here->closed, !c->is_abandon);
	wire_destroy(w);
}
END_TEST

/* Even a connection that lost what was queued, without close_notify, is an end by the peer. */
START_TEST(sees_the_peer_vanish)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	send_text(here, "never leaves");
	abandon(here);
	WIRE_UNTIL(w, there->closed);
	ck_assert_int_eq(there->end, CW_END_PEER);
	ck_assert_uint_eq(there->in.len, 0);
	wire_destroy(w);
}
END_TEST

START_TEST(abandons_in_any_state)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there2, *here2 = open_pair(w, &there2);
	struct wire_end *there, *here;

	abandon(wire_dial(w, NULL)); /* connecting */
	here = wire_dial(w, NULL);
	send_text(here2, "a");
	WIRE_UNTIL(w, there2->in.len == 1);
	abandon(here); /* in its handshake */
	here = open_pair(w, &there);
	cw_connection_close(here->c);
	abandon(here); /* draining */
	here = open_pair(w, &there);
	cw_connection_pause(there->c);
	cw_connection_close(here->c);
	send_text(here2, "b");
	WIRE_UNTIL(w, there2->in.len == 2);
	abandon(here); /* lingering */
	wire_destroy(w);
}
END_TEST

START_TEST(closes_before_it_opens)
{
	struct wire *w = create_wire(_i);
	struct wire_end *here = wire_dial(w, NULL);

	send_text(here, "x");
	cw_connection_close(here->c);
	ck_assert_uint_eq(here->closed, 0);
	WIRE_UNTIL(w, here->closed);
	ck_assert_int_eq(here->end, CW_END_CLOSED);
	ck_assert_uint_eq(here->opened, 0);
	wire_destroy(w);
}
END_TEST

START_TEST(queues_before_it_opens)
{
	struct wire *w = create_wire(_i);
	struct wire_end *here = wire_dial(w, NULL);

	send_text(here, "early ");
	send_text(here, "bird");
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->in.len == 10);
	ck_assert(has_in(w->accepted[0], "early bird"));
	wire_destroy(w);
}
END_TEST

START_TEST(pauses_before_it_opens)
{
	struct wire *w = create_wire(_i);
	struct wire_end *here = wire_dial(w, NULL);

	cw_connection_pause(here->c);
	WIRE_UNTIL(w, here->opened && w->n_accepted == 1 && w->accepted[0]->opened);
	send_text(w->accepted[0], "held");
	cw_connection_close(w->accepted[0]->c);
	cw_connection_resume(here->c);
	WIRE_UNTIL(w, here->closed);
	ck_assert(has_in(here, "held"));
	wire_destroy(w);
}
END_TEST

/* --- time --- */

START_TEST(keeps_deadlines)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	cw_connection_set_deadline(here->c, 1, "void");
	cw_connection_set_deadline(here->c, 0, NULL);
	cw_connection_set_deadline(there->c, 100000, "later");
	cw_connection_set_deadline(there->c, 10, "first-message");
	WIRE_UNTIL(w, there->closed && here->closed);
	ck_assert_int_eq(there->end, CW_END_DEADLINE);
	ck_assert_str_eq(there->detail, "first-message");
	ck_assert_int_eq(here->end, CW_END_PEER);
	wire_destroy(w);
}
END_TEST

START_TEST(ends_idle_connections)
{
	struct cw_tls *context = transports[_i] ? tls : NULL;
	struct wire *w = wire_create(
		&(struct wire_settings){.server = context, .client = context, .idle_ms = 20});
	struct wire_end *here = wire_dial(w, NULL);

	WIRE_UNTIL(w, here->closed && w->n_accepted == 1 && w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_IDLE);
	ck_assert_int_eq(here->end, CW_END_PEER);
	wire_destroy(w);
}
END_TEST

/* A socket bound on loopback that answers nothing: without listen() it refuses, with a full backlog it is silent. */
static int bind_socket(struct cw_address *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(cw_address_parse(address, cw_str_of("127.0.0.1:0")), 0);
	ck_assert_int_eq(bind(fd, &address->sa.any, address->len), 0);
	ck_assert_int_eq(getsockname(fd, &address->sa.any, &address->len), 0);
	return fd;
}

START_TEST(reports_refused_connects)
{
	struct wire *w = create_wire(_i);
	struct cw_connection_dial how = {0};
	int fd = bind_socket(&how.address);
	struct wire_end *here = wire_dial(w, &how);

	WIRE_UNTIL(w, here->closed);
	ck_assert_int_eq(here->end, CW_END_REFUSED);
	ck_assert_str_eq(here->detail, "Connection refused");
	ck_assert_uint_eq(wire_count_log(w, "handshake-failed"), 0);
	close(fd);

	/* connect() fails at once, the callback comes later all the same */
	ck_assert_int_eq(cw_address_parse(&how.address, cw_str_of("255.255.255.255:9")), 0);
	here = wire_dial(w, &how);
	ck_assert_uint_eq(here->closed, 0);
	WIRE_UNTIL(w, here->closed);
	ck_assert_int_eq(here->end, CW_END_REFUSED);
	wire_destroy(w);
}
END_TEST

START_TEST(gives_up_connects)
{
	struct wire *w = create_wire(_i);
	struct cw_connection_dial how = {.connect_timeout_ms = 30};
	int fd = bind_socket(&how.address), fillers[8];
	struct wire_end *here;

	ck_assert_int_eq(listen(fd, 0), 0);
	for (size_t i = 0; i < N_ELEMENTS(fillers); i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fillers[i], &how.address.sa.any, how.address.len);
	}
	here = wire_dial(w, &how);
	WIRE_UNTIL(w, here->closed);
	ck_assert_int_eq(here->end, CW_END_CONNECT_TIMEOUT);
	for (size_t i = 0; i < N_ELEMENTS(fillers); i++)
		close(fillers[i]);
	close(fd);
	wire_destroy(w);
}
END_TEST

START_TEST(gives_up_handshakes)
{
	struct wire *w = wire_create(
		&(struct wire_settings){.server = tls, .client = tls, .handshake_ms = 20});
	struct cw_connection_dial how = {.connect_timeout_ms = 20};
	int fd = bind_socket(&how.address), silent;
	struct wire_end *here;

	ck_assert_int_eq(listen(fd, 5), 0);
	here = wire_dial(w, &how);
	WIRE_UNTIL(w, here->closed);
	ck_assert_int_eq(here->end, CW_END_HANDSHAKE_TIMEOUT);
	ck_assert_uint_eq(wire_count_log(w, "event=handshake-failed problem=timeout"), 1);

	silent = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(silent, &cw_listener_address(w->listener)->sa.any,
				 cw_listener_address(w->listener)->len),
		0);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_HANDSHAKE_TIMEOUT);
	ck_assert_uint_eq(wire_count_log(w, "event=handshake-failed problem=timeout"), 2);
	close(silent);
	close(fd);
	wire_destroy(w);
}
END_TEST

/* --- strangers --- */

static const struct stranger_case {
	const char *name, *bytes, *problem;
	bool is_reset;
} stranger_cases[] = {
	{"HTTP", "GET / HTTP/1.0\r\n\r\n", "protocol", false},
	{"SIP", "OPTIONS sip:a@example.com SIP/2.0\r\n\r\n", "protocol", false},
	{"a broken hello", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "protocol", false},
	{"nothing", "", "eof", false},
	{"a reset", "", "lost", true},
};

/* OpenSSL's error queue is one for all connections of the thread. */
START_TEST(stranger_disturbs_nobody)
{
	const struct stranger_case *c = &stranger_cases[_i];
	struct wire *w = create_wire(1);
	struct wire_end *there, *here = open_pair(w, &there);
	const struct cw_address *address = cw_listener_address(w->listener);
	struct linger linger = {1, 0};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char line[64];

	ck_assert_int_eq(connect(fd, &address->sa.any, address->len), 0);
	send_text(here, "a");
	send_text(there, "b");
	ck_assert_int_eq((int)send(fd, c->bytes, c->bytes[0] == 0x16 ? 10 : strlen(c->bytes), 0),
		c->bytes[0] == 0x16 ? 10 : (int)strlen(c->bytes));
	if (c->is_reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	else
		shutdown(fd, SHUT_WR);
	if (c->is_reset)
		close(fd);
	WIRE_UNTIL(w, w->n_accepted == 2 && w->accepted[1]->closed);
	ck_assert_int_eq(w->accepted[1]->end, CW_END_HANDSHAKE);
	ck_assert_uint_eq(w->accepted[1]->opened, 0);
	snprintf(line, sizeof(line), "event=handshake-failed problem=%s", c->problem);
	ck_assert_msg(
		wire_count_log(w, line) == 1, "%s: %.*s", c->name, (int)w->log.len, w->log.data);
	ck_assert_uint_eq(wire_count_log(w, "event=handshake-failed"), 1);
	send_text(here, "c");
	WIRE_UNTIL(w, there->in.len == 2 && here->in.len == 1);
	ck_assert_uint_eq(here->closed + there->closed, 0);
	if (!c->is_reset)
		close(fd);
	wire_destroy(w);
}
END_TEST

START_TEST(bounds_handshakes)
{
	struct wire *w = create_wire(1);
	const struct cw_address *address = cw_listener_address(w->listener);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct wire_end *refused;

	cw_admission_set_limits(w->admission, &(struct cw_admission_limits){9, 9, 1, 9});
	ck_assert_int_eq(connect(fd, &address->sa.any, address->len), 0);
	WIRE_UNTIL(w, w->n_accepted == 1);
	refused = wire_dial(w, NULL);
	WIRE_UNTIL(w, refused->closed);
	ck_assert_int_eq(refused->end, CW_END_HANDSHAKE);
	ck_assert_uint_eq(wire_count_log(w, "event=refused reason=half-open"), 1);
	close(fd);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	for (size_t i = 0; i < 2; i++) { /* one after the other */
		wire_dial(w, NULL);
		WIRE_UNTIL(w, w->n_accepted == i + 2 && w->accepted[i + 1]->opened);
	}
	wire_destroy(w);
}
END_TEST

START_TEST(reports_resets)
{
	struct wire *w = create_wire(0);
	const struct cw_address *address = cw_listener_address(w->listener);
	struct linger linger = {1, 0};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, &address->sa.any, address->len), 0);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->opened);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_LOST);
	ck_assert_str_eq(w->accepted[0]->detail, "Connection reset by peer");
	wire_destroy(w);
}
END_TEST

START_TEST(names_ends)
{
	ck_assert_str_eq(cw_connection_end_name(CW_END_CLOSED), "closed");
	ck_assert_str_eq(cw_connection_end_name(CW_END_HANDSHAKE_TIMEOUT), "handshake-timeout");
	ck_assert_str_eq(cw_connection_end_name(CW_END_FULL), "full");
}
END_TEST

START_TEST(dials_with_short_memory)
{
	struct wire *w = create_wire(_i);
	const struct cw_connection_handler none = {NULL};
	struct cw_connection_dial how = {
		.address = *cw_listener_address(w->listener),
		.tls = transports[_i] ? tls : NULL,
		.server_name = cw_str_of("one.example"),
	};
	struct cw_connection *c = NULL;
	int r;

	for (unsigned n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_connection_dial(&c, w->loop, &how, &none, NULL);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(c);
	}
	ck_assert_int_eq(r, 0);
	cw_connection_abandon(c);
	wire_destroy(w);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connection");
	TCase *tc = tcase_create("connection");

	tcase_add_unchecked_fixture(tc, begin_pki, end_pki);
	ADD_ROWS(tc, carries_bytes_both_ways, transports);
	ADD_ROWS(tc, floods_both_ways_intact, transports);
	ADD_ROWS(tc, bounds_the_queue, transports);
	tcase_add_loop_test(tc, ends_what_stays_full, 0, 2);
	ADD_ROWS(tc, counts_pauses, transports);
	ADD_ROWS(tc, end_waits_for_input_that_was_left, transports);
	ADD_ROWS(tc, keeps_what_is_not_consumed, transports);
	ADD_ROWS(tc, bounds_the_input, transports);
	ADD_ROWS(tc, close_lets_the_queue_leave, transports);
	ADD_ROWS(tc, answers_before_it_closes, transports);
	ADD_ROWS(tc, ends_inside_callbacks, inside_cases);
	ADD_ROWS(tc, sees_the_peer_vanish, transports);
	ADD_ROWS(tc, abandons_in_any_state, transports);
	ADD_ROWS(tc, closes_before_it_opens, transports);
	ADD_ROWS(tc, queues_before_it_opens, transports);
	ADD_ROWS(tc, pauses_before_it_opens, transports);
	ADD_ROWS(tc, keeps_deadlines, transports);
	ADD_ROWS(tc, ends_idle_connections, transports);
	ADD_ROWS(tc, reports_refused_connects, transports);
	ADD_ROWS(tc, gives_up_connects, transports);
	tcase_add_test(tc, gives_up_handshakes);
	ADD_ROWS(tc, stranger_disturbs_nobody, stranger_cases);
	tcase_add_test(tc, bounds_handshakes);
	tcase_add_test(tc, reports_resets);
	tcase_add_test(tc, names_ends);
	ADD_ROWS(tc, dials_with_short_memory, transports);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
