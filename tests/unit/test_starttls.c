/* Connections that turn to TLS while they are open, as streams of XMPP do. */
#include "net/connection_private.h"
#include "tests/support_c/pki.h"
#include "tests/support_c/wire.h"
#include "tests/unit/unit.h"

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

int main(void)
{
	Suite *suite = suite_create("starttls");
	TCase *tc = tcase_create("starttls");

	tcase_add_unchecked_fixture(tc, begin_pki, end_pki);
	tcase_add_test(tc, turns_to_tls);
	ADD_ROWS(tc, ends_for_bytes_in_clear, injection_cases);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
