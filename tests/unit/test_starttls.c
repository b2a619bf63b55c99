/* Connections that turn to TLS while they are open, as streams of XMPP do. */
#include "net/connection_private.h"
#include "tests/support_c/pki.h"
#include "tests/support_c/wire.h"
#include "tests/unit/unit.h"

#include <event2/bufferevent.h>

#include <errno.h>
#include <unistd.h>

#define ASK     "<starttls/>"
#define PROCEED "<proceed/>"

static struct pki pki;
static struct cw_tls *tls, *stranger;

static struct cw_tls *create_tls(const char *certificate, const char *key)
{
	struct cw_diag diag = {0};
	struct cw_tls_settings settings = {
		.certificate.path = pki_path(&pki, certificate),
		.key.path = pki_path(&pki, key),
		.trust.path = pki_path(&pki, "ca.pem"),
	};
	struct cw_tls *out = NULL;

	ck_assert_int_eq(cw_tls_create(&out, &settings, 1, &diag), 0);
	return out;
}

static void begin_pki(void)
{
	pki_begin(&pki);
	pki_issue(&pki, &(struct pki_spec){.file = "ca", .is_ca = true});
	pki_issue(&pki, &(struct pki_spec){.file = "one", .issuer = "ca", .dns = "one.example"});
	pki_issue(&pki, &(struct pki_spec){.file = "self", .dns = "self.example"});
	tls = create_tls("one.pem", "one.key");
	stranger = create_tls("self.pem", "self.key");
}

static void end_pki(void)
{
	cw_tls_destroy(tls);
	cw_tls_destroy(stranger);
	pki_end(&pki);
}

/* --- the two sides of a negotiation --- */

static struct cw_connection_tls asking, granting; /* how either side turns */
static const char *answer;                        /* what is sent before TLS */

static void start_tls(struct wire_end *end, const struct cw_connection_tls *how)
{
	ck_assert_int_eq(cw_connection_start_tls(end->c, how), 0);
	ck_assert(!cw_connection_is_open(end->c));
	ck_assert_int_eq(cw_connection_send(end->c, cw_str_of("x")), -EPIPE);
	ck_assert_int_eq(cw_connection_start_tls(end->c, how), -EALREADY);
	ck_assert_ptr_null(cw_connection_tls_version(end->c));
}

/* Take `wanted`, and turn; behind it everything is kept. */
static size_t take(struct wire_end *end, struct cw_str bytes, const char *wanted,
	const struct cw_connection_tls *how, const char *reply)
{
	struct cw_str start = cw_str_of(wanted);

	if (end->opened > 1 || bytes.len < start.len) {
		ck_assert_uint_gt(end->opened, 1); /* it comes in one piece */
		cw_buf_add(&end->in, bytes);
		return bytes.len;
	}
	ck_assert(cw_str_starts(bytes, start));
	if (reply)
		ck_assert_int_eq(cw_connection_send(end->c, cw_str_of(reply)), 0);
	start_tls(end, how);
	return start.len;
}

static size_t grant(struct wire_end *end, struct cw_str bytes)
{
	return take(end, bytes, ASK, &granting, answer);
}

static size_t go_ahead(struct wire_end *end, struct cw_str bytes)
{
	return take(end, bytes, PROCEED, &asking, NULL);
}

static bool will_grant(struct wire_end *end)
{
	end->on_received = grant;
	return true;
}

static struct wire *create_wire(void)
{
	asking = (struct cw_connection_tls){.tls = tls, .server_name = cw_str_of("one.example")};
	granting = (struct cw_connection_tls){.tls = tls};
	answer = PROCEED;
	return wire_create(&(struct wire_settings){.on_accepted = will_grant});
}

static void send_text(struct wire_end *end, const char *text)
{
	ck_assert_int_eq(cw_connection_send(end->c, cw_str_of(text)), 0);
}

static struct wire_end *ask(struct wire *w, const char *text)
{
	struct wire_end *here = wire_dial(w, NULL);

	here->on_received = go_ahead;
	send_text(here, text);
	return here;
}

START_TEST(turns_to_tls)
{
	struct wire *w = create_wire();
	struct wire_end *here = ask(w, ASK), *there;

	WIRE_UNTIL(w, here->opened == 2 && w->accepted[0]->opened == 2);
	there = w->accepted[0];
	ck_assert_str_eq(here->subject, "CN=one");
	ck_assert_str_eq(there->subject, "CN=one");
	ck_assert_str_eq(cw_connection_tls_version(here->c), "TLSv1.3");
	ck_assert_str_eq(cw_connection_tls_cipher(there->c), "TLS_AES_256_GCM_SHA384");
	ck_assert_ptr_null(cw_connection_tls_problem(here->c));
	ck_assert_int_eq(cw_connection_start_tls(here->c, &asking), -EALREADY);
	send_text(here, "ping");
	send_text(there, "pong");
	WIRE_UNTIL(w, here->in.len == 4 && there->in.len == 4);
	ck_assert_uint_eq(cw_connection_queued(here->c), 0);
	cw_connection_close(here->c);
	WIRE_UNTIL(w, here->closed && there->closed);
	ck_assert_int_eq(here->end, CW_END_CLOSED);
	ck_assert_int_eq(there->end, CW_END_PEER);
	wire_destroy(w);
}
END_TEST

/* CVE-2011-0411: what somebody put behind <starttls/> or <proceed/> must not be taken for the peer's own. */
static const struct injection_case {
	const char *asked, *answer;
	bool is_there; /* the side where it is found */
} injection_cases[] = {
	{ASK "evil", PROCEED, true},
	{ASK "\n", PROCEED, true},
	{ASK, PROCEED "evil", false},
};

START_TEST(ends_for_bytes_in_clear)
{
	const struct injection_case *c = &injection_cases[_i];
	struct wire *w = create_wire();
	struct wire_end *here, *there, *victim;

	answer = c->answer;
	here = ask(w, c->asked);
	WIRE_UNTIL(w, here->closed && w->accepted[0]->closed);
	there = w->accepted[0];
	victim = c->is_there ? there : here;
	ck_assert_int_eq(victim->end, CW_END_HANDSHAKE);
	ck_assert_str_eq(victim->detail, "bytes in clear where TLS was to begin");
	ck_assert_uint_eq(victim->opened, 1);
	ck_assert_uint_eq(victim->in.len, 0);
	ck_assert_uint_eq(wire_count_log(w, "handshake-failed problem=protocol subject=-"), 1);
	wire_destroy(w);
}
END_TEST

/* A plain socket that says what it is told and knows no TLS. */
static int connect_plain(const struct wire *w, const char *text)
{
	const struct cw_address *address = cw_listener_address(w->listener);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, &address->sa.any, address->len), 0);
	ck_assert_int_eq((int)send(fd, text, strlen(text), 0), (int)strlen(text));
	return fd;
}

static bool is_in_handshake(const struct wire *w)
{
	return w->n_accepted == 1 && w->accepted[0]->c &&
	       w->accepted[0]->c->state == CW_CONNECTION_HANDSHAKE && w->accepted[0]->c->ssl;
}

/* What comes in clear when TLS has begun is no TLS; it is not received. */
START_TEST(ends_for_late_bytes_in_clear)
{
	struct wire *w = create_wire();
	int fd = connect_plain(w, ASK);

	WIRE_UNTIL(w, is_in_handshake(w));
	ck_assert_int_eq((int)send(fd, "<message/>", 10, 0), 10);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_HANDSHAKE);
	ck_assert_uint_eq(w->accepted[0]->in.len, 0);
	ck_assert_uint_eq(w->accepted[0]->opened, 1);
	ck_assert_uint_eq(wire_count_log(w, "handshake-failed problem=protocol"), 1);
	close(fd);
	wire_destroy(w);
}
END_TEST

START_TEST(reports_who_leaves_instead)
{
	struct wire *w = create_wire();
	int fd = connect_plain(w, ASK);

	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_HANDSHAKE);
	ck_assert_uint_eq(wire_count_log(w, "handshake-failed problem=eof"), 1);
	close(fd);
	wire_destroy(w);
}
END_TEST

/* --- what waits in front of TLS --- */

#define FILLING (3u << 19) /* bytes: more than it takes to be full */

static void fill(struct wire_end *end)
{
	static char bytes[FILLING];
	int socket_bytes = 4096; /* or it could take all at once */

	if (end->opened > 1)
		return;
	setsockopt(bufferevent_getfd(end->c->bev), SOL_SOCKET, SO_SNDBUF, &socket_bytes,
		sizeof(socket_bytes));
	ck_assert_int_eq(cw_connection_send(end->c, cw_str_make(bytes, FILLING)), 0);
}

static bool will_fill_and_grant(struct wire_end *end)
{
	end->on_opened = fill;
	return will_grant(end);
}

static struct wire *create_full_wire(void)
{
	struct wire *w = create_wire();

	w->settings.on_accepted = will_fill_and_grant;
	return w;
}

static size_t filled;

/* Until all of that has come; then what is behind it. */
static size_t skip_filling(struct wire_end *end, struct cw_str bytes)
{
	size_t n = FILLING - filled < bytes.len ? FILLING - filled : bytes.len;

	filled += n;
	if (n < bytes.len)
		n += go_ahead(end, cw_str_from(bytes, n));
	return n;
}

START_TEST(lets_the_queue_leave_first)
{
	struct wire *w = create_full_wire();
	struct wire_end *here = ask(w, ASK), *there;

	here->on_received = skip_filling;
	cw_connection_pause(here->c);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->received == 1);
	there = w->accepted[0];
	ck_assert_int_eq(there->c->state, CW_CONNECTION_TURNING);
	ck_assert_uint_gt(cw_connection_queued(there->c), 0);
	cw_connection_resume(here->c);
	WIRE_UNTIL(w, here->opened == 2 && there->opened == 2);
	ck_assert_uint_eq(filled, FILLING);
	send_text(there, "pong");
	WIRE_UNTIL(w, here->in.len == 4);
	wire_destroy(w);
}
END_TEST

START_TEST(gives_up)
{
	struct wire *w = _i ? create_full_wire() : create_wire();
	int fd = connect_plain(w, ASK);

	if (_i)
		WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->received == 1);
	else
		WIRE_UNTIL(w, is_in_handshake(w));
	ck_assert_uint_gt(w->accepted[0]->c->phase_ms, 0);
	cw_connection_set_phase(w->accepted[0]->c, 20);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_HANDSHAKE_TIMEOUT);
	ck_assert_uint_eq(wire_count_log(w, "handshake-failed problem=timeout"), 1);
	close(fd);
	wire_destroy(w);
}
END_TEST

START_TEST(sees_the_peer_vanish)
{
	struct wire *w = create_full_wire();
	struct linger linger = {1, 0};
	int fd = connect_plain(w, ASK);

	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->received == 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_LOST);
	wire_destroy(w);
}
END_TEST

/* --- the owner changes its mind --- */

static size_t grant_and_close(struct wire_end *end, struct cw_str bytes)
{
	size_t n = grant(end, bytes);

	cw_connection_close(end->c);
	return n;
}

static size_t grant_and_abandon(struct wire_end *end, struct cw_str bytes)
{
	size_t n = grant(end, bytes);

	cw_connection_abandon(end->c);
	end->c = NULL;
	return n;
}

static bool will_grant_and_close(struct wire_end *end)
{
	end->on_received = grant_and_close;
	return true;
}

static bool will_grant_and_abandon(struct wire_end *end)
{
	end->on_received = grant_and_abandon;
	return true;
}

START_TEST(closes_while_it_turns)
{
	struct wire *w = create_wire();
	struct wire_end *here;

	w->settings.on_accepted = will_grant_and_close;
	here = ask(w, ASK);
	WIRE_UNTIL(w, here->closed && w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_CLOSED);
	ck_assert_uint_eq(w->accepted[0]->opened, 1);
	w->settings.on_accepted = will_grant_and_abandon;
	here = ask(w, ASK);
	WIRE_UNTIL(w, here->closed);
	ck_assert_uint_eq(w->accepted[1]->closed, 0);
	wire_destroy(w);
}
END_TEST

START_TEST(closes_in_the_handshake)
{
	struct wire *w = create_wire();
	int fd = connect_plain(w, ASK);

	WIRE_UNTIL(w, is_in_handshake(w));
	cw_connection_close(w->accepted[0]->c);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_CLOSED);
	close(fd);
	wire_destroy(w);
}
END_TEST

/* --- held up --- */

static size_t grant_and_pause(struct wire_end *end, struct cw_str bytes)
{
	cw_connection_pause(end->c);
	return grant(end, bytes);
}

static bool will_grant_and_pause(struct wire_end *end)
{
	end->on_received = grant_and_pause;
	return true;
}

START_TEST(turns_while_paused)
{
	struct wire *w = create_wire();
	struct wire_end *here, *there;

	w->settings.on_accepted = will_grant_and_pause;
	here = ask(w, ASK);
	WIRE_UNTIL(w, here->opened == 2 && w->accepted[0]->opened == 2);
	there = w->accepted[0];
	there->on_received = grant;
	send_text(here, "held");
	cw_connection_close(here->c);
	cw_connection_resume(there->c);
	WIRE_UNTIL(w, there->closed);
	ck_assert(cw_str_eq(cw_buf_str(&there->in), cw_str_of("held")));
	ck_assert_int_eq(there->end, CW_END_PEER);
	wire_destroy(w);
}
END_TEST

static size_t leave(struct wire_end *end, struct cw_str bytes)
{
	(void)bytes;
	cw_connection_pause(end->c);
	return 0;
}

static bool will_leave(struct wire_end *end)
{
	end->on_received = leave;
	return true;
}

/* Input that waits for an owner who was held up is in clear, too. */
START_TEST(ends_for_input_that_was_left)
{
	struct wire *w = create_wire();

	w->settings.on_accepted = will_leave;
	ask(w, ASK);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->received == 1);
	cw_connection_resume(w->accepted[0]->c);
	start_tls(w->accepted[0], &granting);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_HANDSHAKE);
	ck_assert_str_eq(w->accepted[0]->detail, "bytes in clear where TLS was to begin");
	wire_destroy(w);
}
END_TEST

START_TEST(turns_open_connections_only)
{
	struct wire *w = create_wire();
	struct wire_end *here = wire_dial(w, NULL);

	ck_assert_int_eq(cw_connection_start_tls(here->c, &asking), -EPIPE);
	WIRE_UNTIL(w, here->opened);
	cw_connection_close(here->c);
	ck_assert_int_eq(cw_connection_start_tls(here->c, &asking), -EPIPE);
	wire_destroy(w);
}
END_TEST

/* --- who the peer is --- */

START_TEST(takes_any_peer)
{
	struct wire *w = create_wire();
	struct wire_end *here, *there;

	asking.tls = stranger;
	asking.demand = granting.demand = CW_TLS_ANY_PEER;
	here = ask(w, ASK);
	WIRE_UNTIL(w, here->opened == 2 && w->accepted[0]->opened == 2);
	there = w->accepted[0];
	ck_assert_str_eq(there->subject, "CN=self");
	ck_assert_str_eq(cw_connection_tls_problem(there->c), "untrusted");
	ck_assert_ptr_null(cw_connection_tls_problem(here->c));
	ck_assert_uint_eq(wire_count_log(w, "handshake-failed"), 0);
	wire_destroy(w);
}
END_TEST

/* With TLS 1.3 the one who dialled is told late; what it received in clear does not count as a welcome. */
START_TEST(learns_of_late_refusal)
{
	struct wire *w = create_wire();
	struct wire_end *here;

	asking.tls = stranger;
	here = ask(w, ASK);
	WIRE_UNTIL(w, here->closed && w->accepted[0]->closed);
	ck_assert_uint_eq(here->opened, 2);
	ck_assert_int_eq(here->end, CW_END_HANDSHAKE);
	ck_assert_str_eq(here->detail, "unknown CA (peer's alert)");
	ck_assert_uint_eq(w->accepted[0]->opened, 1);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_HANDSHAKE);
	ck_assert_str_eq(w->accepted[0]->detail, "untrusted");
	wire_destroy(w);
}
END_TEST

/* --- memory --- */

static unsigned failures;

/* It stays as it was, and may try again. */
static size_t go_ahead_short_of_memory(struct wire_end *end, struct cw_str bytes)
{
	if (end->opened > 1)
		return go_ahead(end, bytes);
	for (unsigned n = 1;; n++) {
		int r;

		alloc_fail_at(n);
		r = cw_connection_start_tls(end->c, &asking);
		if (!alloc_fail_reached()) {
			ck_assert_int_eq(r, 0);
			return bytes.len;
		}
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert(cw_connection_is_open(end->c));
		failures++;
	}
}

START_TEST(copes_with_short_memory)
{
	struct wire *w = create_wire();
	struct wire_end *here = ask(w, ASK);

	here->on_received = go_ahead_short_of_memory;
	WIRE_UNTIL(w, here->opened == 2 && w->accepted[0]->opened == 2);
	ck_assert_uint_gt(failures, 0);
	wire_destroy(w);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("starttls");
	TCase *tc = tcase_create("starttls");

	tcase_add_unchecked_fixture(tc, begin_pki, end_pki);
	tcase_add_test(tc, turns_to_tls);
	ADD_ROWS(tc, ends_for_bytes_in_clear, injection_cases);
	tcase_add_test(tc, ends_for_late_bytes_in_clear);
	tcase_add_test(tc, reports_who_leaves_instead);
	tcase_add_test(tc, lets_the_queue_leave_first);
	tcase_add_loop_test(tc, gives_up, 0, 2);
	tcase_add_test(tc, sees_the_peer_vanish);
	tcase_add_test(tc, closes_while_it_turns);
	tcase_add_test(tc, closes_in_the_handshake);
	tcase_add_test(tc, turns_while_paused);
	tcase_add_test(tc, ends_for_input_that_was_left);
	tcase_add_test(tc, turns_open_connections_only);
	tcase_add_test(tc, takes_any_peer);
	tcase_add_test(tc, learns_of_late_refusal);
	tcase_add_test(tc, copes_with_short_memory);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
