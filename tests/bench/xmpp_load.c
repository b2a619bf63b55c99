/*
 * A load of XMPP messages for measuring a server from outside: sender and receiver in one process.
 *
 *   xmpp_load DIR SENDER RECEIVER FROM TO WINDOW COUNT [SECRET]
 *
 * SENDER and RECEIVER are each
 *   server:ADDRESS     another server's stream (TLS 1.3): the sender dials ADDRESS and proves FROM by EXTERNAL; the receiver
 *                      listens on ADDRESS and takes every dialback claim for proved
 *   component:ADDRESS  a component (XEP-0114, in clear) of the server at ADDRESS, with SECRET: FROM's or TO's domain
 * DIR holds ca.pem, load.pem and load.key. FROM and TO are domains; the messages go from alice@FROM to bob@TO.
 *
 * One message opens the way; then WINDOW messages are in flight until COUNT have arrived, and one line is printed:
 *
 *   arrived=N bytes=N wall_us=N
 *
 * where `bytes` is what one message has. A "go" line on standard input begins the COUNT, when "ready" was printed.
 */
#include "core/buf.h"

#include "net/connection.h"
#include "net/listener.h"
#include "xmpp/handshake.h"
#include "xmpp/parser.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define STALL_MS      20000 /* without an arrival: give up */
#define MESSAGE_BYTES 362

enum role {
	ROLE_SENDER,
	ROLE_RECEIVER
};

struct side {
	struct cw_connection *connection;
	struct cw_xmpp_parser *parser;
	struct load *load;
	enum role role;
	bool is_component;
	bool is_secure;
	bool is_proved; /* our EXTERNAL was accepted */
	unsigned taken; /* stanzas (XEP-0198) */
};

struct load {
	struct cw_loop *loop;
	struct cw_tls *tls;
	struct cw_timer *timer;
	const char *from, *to, *secret;
	uint64_t count, window, sent, arrived, seen, begun_us;
	struct cw_str sender_end; /* SENDER, until it is opened */
	struct side *sender;
	struct cw_buf out;
	bool is_running;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "xmpp_load: %s\n", what);
	exit(1);
}

static void say(struct side *side, const char *text)
{
	if (cw_connection_send(side->connection, cw_str_of(text)))
		die("cannot send");
}

static void flush(struct side *side)
{
	struct cw_buf *out = &side->load->out;

	if (out->error || cw_connection_send(side->connection, cw_buf_str(out)))
		die("cannot send");
	cw_buf_clear(out);
}

/* ---- messages ---- */

static void send_message(struct load *l)
{
	struct cw_buf *out = &l->out;

	cw_buf_printf(out,
		"<message from='alice@%s/desk' to='bob@%s' id='m%09" PRIu64 "' type='chat'><body>",
		l->from, l->to, l->sent++);
	while (out->len < MESSAGE_BYTES - sizeof("</body></message>") + 1)
		cw_buf_add_char(out, 'x');
	cw_buf_printf(out, "</body></message>");
	flush(l->sender);
}

static void print_result(const struct load *l)
{
	printf("arrived=%" PRIu64 " bytes=%d wall_us=%" PRIu64 "\n", l->arrived, MESSAGE_BYTES,
		now_us() - l->begun_us);
}

/* The way is open: whoever started us may look at the clocks before the load begins. */
static void begin(struct load *l)
{
	printf("ready\n");
	fflush(stdout);
	if (getchar() == EOF)
		exit(1);
	l->is_running = true;
	l->sent = l->arrived = 0;
	l->begun_us = now_us();
	while (l->sent < l->window && l->sent < l->count)
		send_message(l);
}

static void on_message(struct side *side, const struct cw_xmpp_stanza *stanza)
{
	struct load *l = side->load;

	if (cw_str_eq(stanza->type, cw_str_of("error")))
		die("a message came back");
	if (side->role == ROLE_SENDER)
		return;
	l->arrived++;
	if (!l->is_running)
		begin(l);
	else if (l->arrived == l->count)
		cw_loop_stop(l->loop);
	else if (l->sent < l->count)
		send_message(l);
}

/* ---- opening streams ---- */

static void open_sender(struct load *l);

static void header(struct side *side)
{
	static const char text[] =
		"<?xml version='1.0'?><stream:stream xmlns='" CW_XMPP_NS_SERVER
		"' xmlns:stream='" CW_XMPP_NS_STREAMS "' xmlns:db='" CW_XMPP_NS_DIALBACK "'";
	struct load *l = side->load;
	bool is_sender = side->role == ROLE_SENDER;

	cw_buf_printf(&l->out, "%s from='%s' to='%s' %sversion='1.0'>", text,
		is_sender ? l->from : l->to, is_sender ? l->to : l->from,
		is_sender ? "" : "id='a1b2c3d4' ");
	flush(side);
}

static void renew_parser(struct side *side)
{
	cw_xmpp_parser_destroy(side->parser);
	if (cw_xmpp_parser_create(&side->parser) != 0)
		die("out of memory");
	cw_xmpp_parser_set_authenticated(side->parser);
}

static void start_tls(struct side *side)
{
	const struct load *l = side->load;
	struct cw_connection_tls how = {
		.tls = l->tls,
		.local_name = cw_str_of(side->role == ROLE_SENDER ? l->from : l->to),
		.server_name = cw_str_of(side->role == ROLE_SENDER ? l->to : l->from),
		.demand = CW_TLS_ANY_PEER,
	};

	side->is_secure = true;
	if (cw_connection_start_tls(side->connection, &how) != 0)
		die("TLS cannot begin");
}

static void on_header(struct side *side, const struct cw_xmpp_header *h)
{
	struct load *l = side->load;

	if (side->is_component) {
		if (cw_xmpp_handshake_write(&l->out, h->id, cw_str_of(l->secret)) != 0)
			die("no handshake");
		flush(side);
	} else if (side->role == ROLE_RECEIVER) {
		header(side);
		say(side, side->is_secure
				  ? "<stream:features><dialback xmlns='" CW_XMPP_NS_DIALBACK_FEATURE
				    "'><errors/></dialback><sm xmlns='" CW_XMPP_NS_SM
				    "'/></stream:features>"
				  : "<stream:features><starttls xmlns='" CW_XMPP_NS_TLS
				    "'><required/></starttls></stream:features>");
	}
}

static void on_features(struct side *side)
{
	if (!side->is_secure)
		say(side, "<starttls xmlns='" CW_XMPP_NS_TLS "'/>");
	else if (!side->is_proved)
		say(side, "<auth xmlns='" CW_XMPP_NS_SASL "' mechanism='EXTERNAL'>=</auth>");
	else
		send_message(side->load);
}

static void on_claim(struct side *side, const struct cw_xmpp_element *e)
{
	struct cw_str from = cw_xmpp_element_attribute(e, "from");
	struct cw_str to = cw_xmpp_element_attribute(e, "to");

	cw_buf_printf(&side->load->out,
		"<db:result from='%" CW_STR_FMT "' to='%" CW_STR_FMT "' type='valid'/>",
		CW_STR_ARG(to), CW_STR_ARG(from));
	flush(side);
}

static void on_management(struct side *side, const struct cw_xmpp_element *e)
{
	if (cw_str_eq(e->name, cw_str_of("enable"))) {
		side->taken = 0;
		say(side, "<enabled xmlns='" CW_XMPP_NS_SM "'/>");
	} else if (cw_str_eq(e->name, cw_str_of("r"))) {
		cw_buf_printf(
			&side->load->out, "<a xmlns='" CW_XMPP_NS_SM "' h='%u'/>", side->taken);
		flush(side);
	}
}

static void on_element(struct side *side, const struct cw_xmpp_element *e)
{
	if (cw_xmpp_element_is(e, CW_XMPP_NS_STREAMS, "features")) {
		on_features(side);
	} else if (cw_xmpp_element_is(e, CW_XMPP_NS_TLS, "starttls")) {
		say(side, "<proceed xmlns='" CW_XMPP_NS_TLS "'/>");
		start_tls(side);
	} else if (cw_xmpp_element_is(e, CW_XMPP_NS_TLS, "proceed")) {
		start_tls(side);
	} else if (cw_xmpp_element_is(e, CW_XMPP_NS_SASL, "success")) {
		side->is_proved = true;
		renew_parser(side);
		header(side);
	} else if (cw_xmpp_element_is(e, CW_XMPP_NS_DIALBACK, "result")) {
		on_claim(side, e);
	} else if (cw_str_eq(e->ns, cw_str_of(CW_XMPP_NS_SM))) {
		on_management(side, e);
	} else if (cw_str_eq(e->name, cw_str_of("handshake"))) {
		if (side->role == ROLE_SENDER)
			send_message(side->load);
		else
			open_sender(side->load);
	} else {
		fprintf(stderr, "xmpp_load: <%" CW_STR_FMT ">: %" CW_STR_FMT "\n",
			CW_STR_ARG(e->name), CW_STR_ARG(e->children ? e->children->name : e->text));
		exit(1);
	}
}

/* ---- connections ---- */

static void on_opened(struct cw_connection *c, void *arg)
{
	struct side *side = arg;

	(void)c;
	renew_parser(side);
	if (side->is_component) {
		cw_xmpp_handshake_write_header(&side->load->out,
			cw_str_of(side->role == ROLE_SENDER ? side->load->from : side->load->to));
		flush(side);
	} else if (side->role == ROLE_SENDER) {
		header(side);
	}
}

static size_t on_received(struct cw_connection *c, void *arg, struct cw_str bytes)
{
	struct side *side = arg;
	struct cw_xmpp_event event = {0};

	(void)c;
	if (cw_xmpp_parser_feed(side->parser, bytes) != 0)
		die("garbage from the server");
	do {
		if (cw_xmpp_parser_next(side->parser, &event) != 0)
			die(cw_xmpp_parser_problem(side->parser));
		switch (event.kind) {
		case CW_XMPP_EVENT_HEADER:
			on_header(side, &event.header);
			break;
		case CW_XMPP_EVENT_ELEMENT:
			on_element(side, event.element);
			break;
		case CW_XMPP_EVENT_STANZA:
			side->taken++;
			if (event.stanza.kind == CW_XMPP_MESSAGE)
				on_message(side, &event.stanza);
			break;
		case CW_XMPP_EVENT_END:
			die("the server ended a stream");
			break;
		case CW_XMPP_EVENT_NONE:
			break;
		}
	} while (event.kind != CW_XMPP_EVENT_NONE);
	return bytes.len;
}

static void on_closed(
	struct cw_connection *c, void *arg, enum cw_connection_end end, const char *detail)
{
	(void)c;
	(void)arg;
	fprintf(stderr, "xmpp_load: a connection ended: %s (%s)\n", cw_connection_end_name(end),
		detail);
	exit(1);
}

static const struct cw_connection_handler handler = {
	.opened = on_opened,
	.received = on_received,
	.closed = on_closed,
};

static struct side *create_side(struct load *l, enum role role)
{
	struct side *side = calloc(1, sizeof(*side));

	if (!side)
		die("out of memory");
	side->load = l;
	side->role = role;
	return side;
}

static void *accept_connection(struct cw_connection *c, void *arg)
{
	struct side *side = create_side(arg, ROLE_RECEIVER);

	side->connection = c;
	return side;
}

static void dial(struct side *side, const struct cw_address *address)
{
	struct cw_connection_dial how = {.address = *address, .connect_timeout_ms = STALL_MS};

	if (cw_connection_dial(&side->connection, side->load->loop, &how, &handler, side))
		die("cannot dial");
}

static void listen_on(struct load *l, const struct cw_address *address)
{
	struct cw_listener *listener;
	struct cw_listener_settings how = {
		.address = *address,
		.handler = &handler,
		.accepted = accept_connection,
		.arg = l,
		.admission = cw_admission_create(),
	};

	if (!how.admission || cw_listener_create(&listener, l->loop, &how))
		die("cannot listen");
}

/* Open one end, as its argument says. Returns: whether the other may be opened, too; else that is done when this one is ready. */
static bool open_end(struct load *l, enum role role, struct cw_str how)
{
	static const struct cw_str component = CW_STR("component:"), server = CW_STR("server:");
	bool is_component = cw_str_starts(how, component);
	struct cw_address address;

	if (!is_component && !cw_str_starts(how, server))
		die("an end is neither server: nor component:");
	if (cw_address_parse(&address, cw_str_from(how, is_component ? component.len : server.len)))
		die("an address is wrong");
	if (role == ROLE_RECEIVER && !is_component) {
		listen_on(l, &address);
		return true;
	}

	struct side *side = create_side(l, role);

	side->is_component = is_component;
	if (role == ROLE_SENDER)
		l->sender = side;
	dial(side, &address);
	return false;
}

static void open_sender(struct load *l)
{
	(void)open_end(l, ROLE_SENDER, l->sender_end);
}

/* A while is over: something must have happened in it. */
static void on_timer(void *arg)
{
	struct load *l = arg;

	if (l->arrived == l->seen)
		die("no message arrives any more");
	l->seen = l->arrived;
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

static uint64_t number(const char *text)
{
	uint64_t n;

	if (cw_str_to_u64(cw_str_of(text), 100000000, &n) || n == 0)
		die("a number is wrong");
	return n;
}

int main(int argc, char **argv)
{
	struct load l = {0};

	if (argc != 8 && argc != 9)
		die("usage: xmpp_load DIR SENDER RECEIVER FROM TO WINDOW COUNT [SECRET]");
	l.tls = load_tls(argv[1]);
	l.sender_end = cw_str_of(argv[2]);
	l.from = argv[4];
	l.to = argv[5];
	l.window = number(argv[6]);
	l.count = number(argv[7]);
	l.secret = argc == 9 ? argv[8] : "";
	if (cw_loop_create(&l.loop) || cw_timer_create(&l.timer, l.loop, on_timer, &l))
		die("out of memory");
	if (open_end(&l, ROLE_RECEIVER, cw_str_of(argv[3])))
		open_sender(&l);
	cw_timer_start(l.timer, STALL_MS);
	if (cw_loop_run(l.loop))
		die("the loop failed");
	print_result(&l);
	return 0;
}
