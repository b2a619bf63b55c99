/* The judgement on certificates as connections see it: who is let in, and what the log says of who is not. */
#include "certs/context.h"

#include "tests/support_c/pki.h"
#include "tests/support_c/raw_peer.h"
#include "tests/support_c/wire.h"
#include "tests/unit/unit.h"

#include <openssl/ssl.h>

#include <signal.h>
#include <unistd.h>

static struct pki pki;

/* What a peer can show; each is a file of the folder. */
static const struct pki_spec specs[] = {
	{.file = "ca", .is_ca = true},
	{.file = "other-ca", .is_ca = true},
	{.file = "one", .issuer = "ca", .dns = "one.example"},
	{.file = "two", .issuer = "ca", .dns = "two.example,*.wild.example"},
	{.file = "expired", .issuer = "ca", .begins_s = -7200, .ends_s = -3600},
	{.file = "future", .issuer = "ca", .begins_s = 3600},
	{.file = "revoked", .issuer = "ca"},
	{.file = "stranger", .issuer = "other-ca"},
	{.file = "expired-stranger", .issuer = "other-ca", .begins_s = -7200, .ends_s = -3600},
	{.file = "self"},
	{.file = "server-use", .issuer = "ca", .usage = "serverAuth"},
	{.file = "client-use", .issuer = "ca", .usage = "clientAuth"},
	{.file = "any-use", .issuer = "ca", .usage = "anyExtendedKeyUsage"},
	{.file = "code-use", .issuer = "ca", .usage = "codeSigning"},
	{.file = "short-key", .issuer = "ca", .rsa_bits = 1024},
	{.file = "sha1", .issuer = "ca", .is_sha1 = true},
	{.file = "not-a-ca", .issuer = "one", .with_chain = true},
	{.file = "sub-ca", .issuer = "ca", .is_ca = true},
	{.file = "below", .issuer = "sub-ca", .with_chain = true},
	{.file = "below-alone", .issuer = "sub-ca"},
	{.file = "mail-ca", .issuer = "ca", .is_ca = true, .usage = "emailProtection"},
	{.file = "below-mail", .issuer = "mail-ca", .with_chain = true},
};

static void begin_pki(void)
{
	pki_begin(&pki);
	for (size_t i = 0; i < N_ELEMENTS(specs); i++)
		pki_issue(&pki, &specs[i]);
	pki_revoke(&pki, "ca", "ca", "revoked", 86400);
	pki_revoke(&pki, "ca", "ca-old", "revoked", -3600);
	pki_revoke(&pki, "sub-ca", "sub-ca", NULL, 86400);
	pki_revoke(&pki, "other-ca", "unrelated", NULL, 86400);
	pki_revoke(&pki, "ca", "both", "revoked", 86400);
	pki_append(&pki, "both.crl", "sub-ca.crl");
}

static void end_pki(void)
{
	pki_end(&pki);
}

static const char *file_of(const char *file, const char *ending)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", file, ending);
	return pki_path(&pki, name);
}

static struct cw_tls_settings block(const char *file, const char *crl, enum cw_crl_missing missing)
{
	return (struct cw_tls_settings){
		.certificate.path = file_of(file, ".pem"),
		.key.path = file_of(file, ".key"),
		.trust.path = file_of("ca", ".pem"),
		.crl.path = crl ? file_of(crl, ".crl") : NULL,
		.crl_missing = missing,
	};
}

static struct cw_tls *create_tls(const struct cw_tls_settings *blocks, size_t n)
{
	struct cw_diag diag = {0};
	struct cw_tls *tls = NULL;

	ck_assert_int_eq(cw_tls_create(&tls, blocks, n, &diag), 0);
	cw_diag_finish(&diag);
	return tls;
}

static struct cw_tls *create_tls_of(const char *file)
{
	struct cw_tls_settings s = block(file, NULL, CW_CRL_SOFT);

	return create_tls(&s, 1);
}

static const struct judgement_case {
	const char *shows; /* file; NULL: no certificate */
	const char *crl;
	enum cw_crl_missing missing;
	const char *problem; /* NULL: is let in */
	unsigned crl_warnings;
} judgement_cases[] = {
	{"one", NULL, CW_CRL_SOFT, NULL, 0}, {"server-use", NULL, CW_CRL_SOFT, NULL, 0},
	{"client-use", NULL, CW_CRL_SOFT, NULL, 0}, {"any-use", NULL, CW_CRL_SOFT, NULL, 0},
	{"below", NULL, CW_CRL_SOFT, NULL, 0},
	{"revoked", NULL, CW_CRL_SOFT, NULL, 0}, /* nobody asked */
	{"expired", NULL, CW_CRL_SOFT, "expired", 0},
	{"future", NULL, CW_CRL_SOFT, "not-yet-valid", 0},
	{"stranger", NULL, CW_CRL_SOFT, "untrusted", 0},
	{"expired-stranger", NULL, CW_CRL_SOFT, "untrusted", 0},
	{"self", NULL, CW_CRL_SOFT, "untrusted", 0},
	{"below-alone", NULL, CW_CRL_SOFT, "untrusted", 0},
	{"not-a-ca", NULL, CW_CRL_SOFT, "invalid", 0},
	{"code-use", NULL, CW_CRL_SOFT, "purpose", 0},
	{"below-mail", NULL, CW_CRL_SOFT, "purpose", 0},
	{"short-key", NULL, CW_CRL_SOFT, "weak", 0}, {"sha1", NULL, CW_CRL_SOFT, "weak", 0},
	{NULL, NULL, CW_CRL_SOFT, "no-certificate", 0}, {"one", "ca", CW_CRL_FAIL, NULL, 0},
	{"revoked", "ca", CW_CRL_FAIL, "revoked", 0}, {"revoked", "ca", CW_CRL_SOFT, "revoked", 0},
	{"below", "both", CW_CRL_FAIL, NULL, 0}, {"below", "ca", CW_CRL_FAIL, "crl-missing", 0},
	{"below", "ca", CW_CRL_SOFT, NULL, 1}, {"one", "unrelated", CW_CRL_FAIL, "crl-missing", 0},
	{"one", "ca-old", CW_CRL_FAIL, "crl-expired", 0},
	{"revoked", "ca-old", CW_CRL_SOFT, "revoked", 1},
	{"one", NULL, CW_CRL_FAIL, NULL, 0}, /* without `crl` nothing is missing */
};

/* Checks one end against its row, and that the log holds one line. */
static void check_end(
	const struct wire *w, const struct wire_end *end, const struct judgement_case *c)
{
	char subject[64] = "-", line[256];

	ck_assert_msg(wire_count_log(w, "event=not-checked") >= c->crl_warnings, "%s: %.*s",
		c->shows, (int)w->log.len, w->log.data);
	if (!c->problem) {
		ck_assert_uint_eq(end->opened, 1);
		ck_assert_uint_eq(wire_count_log(w, "handshake-failed"), 0);
		return;
	}
	ck_assert_uint_eq(end->opened, 0);
	ck_assert_int_eq(end->end, CW_END_HANDSHAKE);
	ck_assert_str_eq(end->detail, c->problem);
	if (c->shows)
		snprintf(subject, sizeof(subject), "\"CN=%s\"", c->shows);
	snprintf(line, sizeof(line),
		"warn net.tls event=handshake-failed problem=%s subject=%s remote=127.0.0.1:",
		c->problem, subject);
	ck_assert_msg(wire_count_log(w, line) == 1, "%s: no %s in %.*s", c->shows, line,
		(int)w->log.len, w->log.data);
	ck_assert_uint_eq(wire_count_log(w, "handshake-failed"), 1);
}

static void fill_raw(struct raw_peer_settings *raw, const struct judgement_case *c)
{
	if (c->shows) {
		raw->certificate = file_of(c->shows, ".pem");
		raw->key = file_of(c->shows, ".key");
	}
}

static void judge_client(const struct judgement_case *c, bool is_tls12)
{
	struct cw_tls_settings settings = block("one", c->crl, c->missing);
	struct cw_tls *tls = create_tls(&settings, 1);
	struct wire *w = wire_create(&(struct wire_settings){.server = tls});
	struct raw_peer_settings raw = {
		.address = *cw_listener_address(w->listener), .is_tls12 = is_tls12};
	int wanted = c->problem ? RAW_PEER_REFUSED : RAW_PEER_OK;
	pid_t peer;

	fill_raw(&raw, c);
	peer = raw_peer_start(&raw);
	WIRE_UNTIL(w, w->n_accepted == 1 && (w->accepted[0]->opened || w->accepted[0]->closed));
	check_end(w, w->accepted[0], c);
	if (!c->problem)
		cw_connection_close(w->accepted[0]->c);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	if (c->problem && !c->shows && is_tls12)
		wanted = RAW_PEER_NO_TLS; /* its alert for that is handshake_failure */
	ck_assert_int_eq(raw_peer_wait(peer), wanted);
	wire_destroy(w);
	cw_tls_destroy(tls);
}

START_TEST(judges_clients)
{
	judge_client(&judgement_cases[_i], false);
}
END_TEST

START_TEST(judges_clients_of_tls12)
{
	judge_client(&judgement_cases[_i], true);
}
END_TEST

START_TEST(judges_servers)
{
	const struct judgement_case *c = &judgement_cases[_i];
	struct cw_tls_settings settings = block("one", c->crl, c->missing);
	struct cw_tls *tls = create_tls(&settings, 1);
	struct wire *w = wire_create(&(struct wire_settings){.client = tls});
	struct raw_peer_settings raw = {0};
	struct cw_connection_dial how = {0};
	struct wire_end *here;
	int wanted = c->problem ? RAW_PEER_REFUSED : RAW_PEER_OK;
	pid_t peer;

	if (!c->shows)
		return; /* a TLS server without certificate has no cipher to agree on */
	fill_raw(&raw, c);
	raw.listener = raw_peer_listen(&how.address);
	peer = raw_peer_start(&raw);
	here = wire_dial(w, &how);
	WIRE_UNTIL(w, here->opened || here->closed);
	check_end(w, here, c);
	if (!c->problem)
		cw_connection_close(here->c);
	WIRE_UNTIL(w, here->closed);
	ck_assert_int_eq(raw_peer_wait(peer), wanted);
	close(raw.listener);
	wire_destroy(w);
	cw_tls_destroy(tls);
}
END_TEST

/* With TLS 1.3 the one who dials is told late that its certificate was refused. */
START_TEST(learns_of_late_refusal)
{
	struct cw_tls *server = create_tls_of("one"), *client = create_tls_of("stranger");
	struct wire *w = wire_create(&(struct wire_settings){.server = server, .client = client});
	struct wire_end *here = wire_dial(w, NULL);

	WIRE_UNTIL(w, here->closed && w->n_accepted == 1 && w->accepted[0]->closed);
	ck_assert_uint_eq(here->opened, 1);
	ck_assert_int_eq(here->end, CW_END_HANDSHAKE);
	ck_assert_str_eq(here->detail, "unknown CA (peer's alert)");
	ck_assert_uint_eq(w->accepted[0]->opened, 0);
	ck_assert_str_eq(w->accepted[0]->detail, "untrusted");
	ck_assert_uint_eq(wire_count_log(w, "problem=untrusted subject=\"CN=stranger\""), 1);
	ck_assert_uint_eq(wire_count_log(w, "problem=alert subject=\"CN=one\""), 1);
	ck_assert_uint_eq(wire_count_log(w, "handshake-failed"), 2);
	wire_destroy(w);
	cw_tls_destroy(server);
	cw_tls_destroy(client);
}
END_TEST

/* More names than are read: the chain is fine, the certificate is not accepted. */
START_TEST(refuses_too_many_names)
{
	struct judgement_case c = {.shows = "crowd", .problem = "invalid"};
	struct cw_tls *tls = create_tls_of("one");
	struct wire *w = wire_create(&(struct wire_settings){.server = tls});
	struct raw_peer_settings raw = {.address = *cw_listener_address(w->listener)};
	static char names[(CW_IDENTITY_NAMES_MAX + 1) * 16];
	pid_t peer;

	for (int i = 0; i <= CW_IDENTITY_NAMES_MAX; i++)
		sprintf(names + strlen(names), "%sn%d.example", i ? "," : "", i);
	pki_issue(&pki, &(struct pki_spec){.file = "crowd", .issuer = "ca", .dns = names});
	fill_raw(&raw, &c);
	peer = raw_peer_start(&raw);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->closed);
	ck_assert_uint_eq(w->accepted[0]->opened, 0);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_HANDSHAKE);
	ck_assert_uint_eq(wire_count_log(w, "event=handshake-failed problem=invalid"), 1);
	raw_peer_wait(peer);
	wire_destroy(w);
	cw_tls_destroy(tls);
}
END_TEST

/* --- which certificate we show --- */

static const struct name_case {
	const char *asked, *subject;
} name_cases[] = {
	{NULL, "CN=one"},
	{"one.example", "CN=one"},
	{"two.example", "CN=two"},
	{"TWO.example", "CN=two"},
	{"a.wild.example", "CN=two"},
	{"a.b.wild.example", "CN=one"},
	{"unknown.example", "CN=one"},
	{"192.0.2.1", "CN=one"},
};

static struct cw_tls *create_two(void)
{
	struct cw_tls_settings blocks[] = {
		block("one", NULL, CW_CRL_SOFT), block("two", NULL, CW_CRL_SOFT)};

	return create_tls(blocks, N_ELEMENTS(blocks));
}

START_TEST(chooses_by_sni)
{
	struct cw_tls *tls = create_two();
	struct wire *w = wire_create(&(struct wire_settings){
		.server = tls, .client = tls, .server_name = name_cases[_i].asked});
	struct wire_end *here = wire_dial(w, NULL);

	WIRE_UNTIL(w, here->opened);
	ck_assert_str_eq(here->subject, name_cases[_i].subject);
	wire_destroy(w);
	cw_tls_destroy(tls);
}
END_TEST

START_TEST(chooses_by_local_name)
{
	struct cw_tls *tls = create_two();
	struct wire *w = wire_create(&(struct wire_settings){
		.server = tls, .client = tls, .local_name = name_cases[_i].asked});

	wire_dial(w, NULL);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->opened);
	ck_assert_str_eq(w->accepted[0]->subject, name_cases[_i].subject);
	wire_destroy(w);
	cw_tls_destroy(tls);
}
END_TEST

/* The block that SNI chose also judges the client: with its CRL. */
START_TEST(judges_by_the_chosen_block)
{
	struct cw_tls_settings blocks[] = {
		block("one", NULL, CW_CRL_SOFT), block("two", "ca", CW_CRL_FAIL)};
	struct cw_tls *server = create_tls(blocks, N_ELEMENTS(blocks));
	struct cw_tls *client = create_tls_of("revoked");
	struct wire *w = wire_create(&(struct wire_settings){.server = server, .client = client});
	struct cw_connection_dial how = {.server_name = cw_str_of("two.example")};

	wire_dial(w, NULL);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->opened);
	wire_dial(w, &how);
	WIRE_UNTIL(w, w->n_accepted == 2 && w->accepted[1]->closed);
	ck_assert_str_eq(w->accepted[1]->detail, "revoked");
	wire_destroy(w);
	cw_tls_destroy(server);
	cw_tls_destroy(client);
}
END_TEST

static const struct version_case {
	bool first_13, second_13; /* minimum of the blocks of one.example and two.example */
	const char *asked;
	bool is_let_in; /* with TLS 1.2 */
} version_cases[] = {
	{false, false, "two.example", true},
	{true, false, "two.example", true},
	{true, false, "one.example", false},
	{true, false, NULL, false},
	{false, true, "two.example", false},
	{false, true, "one.example", true},
	{true, true, "one.example", false},
};

START_TEST(keeps_the_minimum_version)
{
	const struct version_case *c = &version_cases[_i];
	struct cw_tls_settings blocks[] = {
		block("one", NULL, CW_CRL_SOFT), block("two", NULL, CW_CRL_SOFT)};
	struct raw_peer_settings raw = {.server_name = c->asked, .is_tls12 = true};
	struct judgement_case shows = {.shows = "one"};
	struct cw_tls *tls;
	struct wire *w;
	pid_t peer;

	blocks[0].tls13_only = c->first_13;
	blocks[1].tls13_only = c->second_13;
	tls = create_tls(blocks, N_ELEMENTS(blocks));
	w = wire_create(&(struct wire_settings){.server = tls});
	raw.address = *cw_listener_address(w->listener);
	fill_raw(&raw, &shows);
	peer = raw_peer_start(&raw);
	WIRE_UNTIL(w, w->n_accepted == 1 && (w->accepted[0]->opened || w->accepted[0]->closed));
	ck_assert_uint_eq(w->accepted[0]->opened, c->is_let_in);
	if (c->is_let_in)
		cw_connection_close(w->accepted[0]->c);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	ck_assert_int_eq(raw_peer_wait(peer), c->is_let_in ? RAW_PEER_OK : RAW_PEER_NO_TLS);
	wire_destroy(w);
	cw_tls_destroy(tls);
}
END_TEST

/* --- reload --- */

/* A connection that is open, and one in the middle of its handshake, outlive the snapshot that they came from. */
START_TEST(swaps_snapshots)
{
	struct cw_tls *old = create_two(), *new = create_tls_of("two");
	struct wire *w = wire_create(&(struct wire_settings){.server = old, .client = old});
	struct wire_end *open = wire_dial(w, NULL), *half, *after;

	WIRE_UNTIL(w, open->opened && w->n_accepted == 1 && w->accepted[0]->opened);
	half = wire_dial(w, &(struct cw_connection_dial){.server_name = cw_str_of("two.example")});
	WIRE_UNTIL(w, w->n_accepted == 2);
	ck_assert_uint_eq(w->accepted[1]->opened, 0);
	w->current = new;
	w->settings.client = new;
	cw_tls_destroy(old);
	after = wire_dial(w, NULL);
	WIRE_UNTIL(w, half->opened && after->opened);
	ck_assert_str_eq(open->subject, "CN=one");
	ck_assert_str_eq(half->subject, "CN=two");
	ck_assert_str_eq(after->subject, "CN=two");
	ck_assert_int_eq(cw_connection_send(open->c, cw_str_of("still here")), 0);
	WIRE_UNTIL(w, w->accepted[0]->in.len == 10);
	wire_destroy(w);
	cw_tls_destroy(new);
}
END_TEST

/* What would skip the judgement. */
START_TEST(resumes_no_session)
{
	struct cw_tls *tls = create_tls_of("one");
	struct wire *w = wire_create(&(struct wire_settings){.server = tls});
	struct raw_peer_settings raw = {.address = *cw_listener_address(w->listener),
		.is_tls12 = _i == 1,
		.wants_resumption = true};
	struct judgement_case shows = {.shows = "one"};
	pid_t peer;

	fill_raw(&raw, &shows);
	peer = raw_peer_start(&raw);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->opened);
	cw_connection_close(w->accepted[0]->c);
	WIRE_UNTIL(w, w->n_accepted == 2 && w->accepted[1]->opened);
	cw_connection_close(w->accepted[1]->c);
	WIRE_UNTIL(w, w->accepted[1]->closed);
	ck_assert_int_eq(raw_peer_wait(peer), RAW_PEER_OK);
	wire_destroy(w);
	cw_tls_destroy(tls);
}
END_TEST

/* --- records --- */

static size_t fragmented_sent;
static struct cw_timer *fragment_timer;
static pid_t fragment_peer;

/* A chunk a turn while the peer is stopped, so that libevent's queue is made of many pieces; then all of it leaves. */
static void send_more(void *arg)
{
	static char bytes[9000];
	struct wire_end *end = arg;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = raw_peer_byte(fragmented_sent + i);
	ck_assert_int_eq(cw_connection_send(end->c, cw_str_make(bytes, sizeof(bytes))), 0);
	fragmented_sent += sizeof(bytes);
	if (!cw_connection_is_full(end->c)) {
		cw_timer_start(fragment_timer, 0);
		return;
	}
	ck_assert_int_eq(kill(fragment_peer, SIGCONT), 0);
}

static void close_drained(struct wire_end *end)
{
	cw_connection_close(end->c);
}

/* With SSL_MODE_ENABLE_PARTIAL_WRITE such a peer received corrupted data. */
START_TEST(writes_small_fragments)
{
	struct cw_tls *tls = create_tls_of("one");
	struct wire *w = wire_create(&(struct wire_settings){.server = tls});
	struct raw_peer_settings raw = {
		.address = *cw_listener_address(w->listener), .has_small_fragments = true};
	struct judgement_case shows = {.shows = "one"};

	fill_raw(&raw, &shows);
	fragment_peer = raw_peer_start(&raw);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->opened);
	w->accepted[0]->on_drained = close_drained;
	ck_assert_int_eq(kill(fragment_peer, SIGSTOP), 0);
	ck_assert_int_eq(cw_timer_create(&fragment_timer, w->loop, send_more, w->accepted[0]), 0);
	cw_timer_start(fragment_timer, 0);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_CLOSED);
	ck_assert_int_eq(raw_peer_wait(fragment_peer), RAW_PEER_OK);
	cw_timer_destroy(fragment_timer);
	wire_destroy(w);
	cw_tls_destroy(tls);
}
END_TEST

/*
 * A TLS client whose bytes go over a plain connection, so that a test decides which of them arrive together: OpenSSL reads ahead, and
 * what waits inside of it must not be forgotten.
 */
static struct {
	SSL *ssl;
	struct wire_end *plain;
	bool is_open;
	struct cw_timer *timer;
	char burst[1024]; /* some records */
	size_t len, split;
	unsigned turns;
	size_t sent, got; /* bytes of the stream inside */
	unsigned records; /* that came back */
} client;

/* With TLS 1.3 a new key comes between them, and one is asked for. */
static void write_records(void)
{
	static const size_t sizes[] = {1, 40, 7};
	char bytes[40];

	for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
		if (i == 1 && SSL_version(client.ssl) == TLS1_3_VERSION)
			ck_assert_int_eq(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		for (size_t k = 0; k < sizes[i]; k++)
			bytes[k] = raw_peer_byte(client.sent + k);
		ck_assert_int_eq(SSL_write(client.ssl, bytes, (int)sizes[i]), (int)sizes[i]);
		client.sent += sizes[i];
	}
}

static size_t take_burst(void)
{
	int n = BIO_read(SSL_get_wbio(client.ssl), client.burst, sizeof(client.burst));

	return n > 0 ? (size_t)n : 0;
}

static void send_plain(const char *bytes, size_t len)
{
	ck_assert_int_eq(cw_connection_send(client.plain->c, cw_str_make(bytes, len)), 0);
}

/* The first records go along with the end of the handshake. */
static void shake_hands(struct wire_end *end)
{
	size_t n;

	client.plain = end;
	if (!client.is_open && SSL_do_handshake(client.ssl) == 1) {
		client.is_open = true;
		write_records();
	}
	while ((n = take_burst()) > 0)
		send_plain(client.burst, n);
}

static size_t receive_plain(struct wire_end *end, struct cw_str bytes)
{
	ck_assert_int_eq(
		BIO_write(SSL_get_rbio(client.ssl), bytes.p, (int)bytes.len), (int)bytes.len);
	shake_hands(end);
	return bytes.len;
}

static size_t check_stream(struct wire_end *end, struct cw_str bytes)
{
	(void)end;
	for (size_t i = 0; i < bytes.len; i++)
		ck_assert_int_eq(bytes.p[i], raw_peer_byte(client.got + i));
	client.got += bytes.len;
	return bytes.len;
}

static struct cw_timer *resume_timer;

static void resume_reading(void *arg)
{
	struct wire_end *end = arg;

	cw_connection_resume(end->c);
}

static size_t check_and_pause(struct wire_end *end, struct cw_str bytes)
{
	cw_connection_pause(end->c);
	cw_timer_start(resume_timer, 0);
	return check_stream(end, bytes);
}

static bool receive_stream(struct wire_end *end)
{
	end->on_received = check_stream;
	return true;
}

static bool receive_stream_in_pauses(struct wire_end *end)
{
	ck_assert_int_eq(cw_timer_create(&resume_timer, end->wire->loop, resume_reading, end), 0);
	end->on_received = check_and_pause;
	return true;
}

/* A first part now, and the rest when there was time to read that. */
static void send_burst(void *arg)
{
	struct wire *w = arg;

	if (client.turns == 0)
		send_plain(client.burst, client.split);
	if (client.turns == 3)
		send_plain(client.burst + client.split, client.len - client.split);
	if (client.turns++ < 3)
		cw_timer_start(client.timer, 0);
	cw_loop_stop(w->loop);
}

static SSL_CTX *dial_plain(struct wire *w, bool is_tls12)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	ck_assert_int_eq(
		SSL_CTX_use_certificate_file(ctx, file_of("one", ".pem"), SSL_FILETYPE_PEM), 1);
	ck_assert_int_eq(
		SSL_CTX_use_PrivateKey_file(ctx, file_of("one", ".key"), SSL_FILETYPE_PEM), 1);
	if (is_tls12)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	client.ssl = SSL_new(ctx);
	SSL_set_bio(client.ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(client.ssl);
	ck_assert_int_eq(cw_timer_create(&client.timer, w->loop, send_burst, w), 0);
	client.plain = wire_dial(w, NULL);
	client.plain->on_opened = shake_hands;
	client.plain->on_received = receive_plain;
	return ctx;
}

/*
 * In all ways in which three records can come in two parts, after each other and in pauses; and
 * with the end behind them.
 */
START_TEST(reads_records_however_they_come)
{
	bool is_tls12 = _i & 1, in_pauses = _i & 2;
	struct cw_tls *tls = create_tls_of("one");
	struct wire *w = wire_create(&(struct wire_settings){
		.server = tls,
		.on_accepted = in_pauses ? receive_stream_in_pauses : receive_stream,
	});
	SSL_CTX *ctx = dial_plain(w, is_tls12);

	WIRE_UNTIL(w, client.is_open && client.got == client.sent);
	for (client.split = 0; client.split == 0 || client.split < client.len; client.split++) {
		write_records();
		client.len = take_burst();
		client.turns = 0;
		cw_timer_start(client.timer, 0);
		WIRE_UNTIL(w, client.turns == 4 && client.got == client.sent);
	}
	ck_assert_uint_gt(client.len, 3 * 20);
	write_records();
	SSL_shutdown(client.ssl);
	send_plain(client.burst, take_burst());
	WIRE_UNTIL(w, w->accepted[0]->closed);
	ck_assert_uint_eq(client.got, client.sent);
	ck_assert_int_eq(w->accepted[0]->end, CW_END_PEER);
	cw_timer_destroy(client.timer);
	cw_timer_destroy(resume_timer);
	wire_destroy(w);
	SSL_free(client.ssl);
	SSL_CTX_free(ctx);
	cw_tls_destroy(tls);
}
END_TEST

static size_t echo(struct wire_end *end, struct cw_str bytes)
{
	ck_assert_int_eq(cw_connection_send(end->c, bytes), 0);
	return bytes.len;
}

static bool echo_all(struct wire_end *end)
{
	end->on_received = echo;
	return true;
}

static size_t receive_echo(struct wire_end *end, struct cw_str bytes)
{
	char echoed[1024];
	int n;

	receive_plain(end, bytes);
	while ((n = SSL_read(client.ssl, echoed, sizeof(echoed))) > 0) {
		client.got += (size_t)n;
		client.records++;
	}
	return bytes.len;
}

/*
 * What comes of records that came together leaves together: records and system calls are what it costs. It leaves also when the peer
 * finishes behind them.
 */
START_TEST(answers_many_records_with_one)
{
	bool finishes = _i;
	struct cw_tls *tls = create_tls_of("one");
	struct wire *w =
		wire_create(&(struct wire_settings){.server = tls, .on_accepted = echo_all});
	SSL_CTX *ctx = dial_plain(w, false);

	client.plain->on_received = receive_echo;
	WIRE_UNTIL(w, client.is_open && client.got == client.sent);
	client.records = 0;
	write_records();
	if (finishes)
		SSL_shutdown(client.ssl);
	client.len = take_burst();
	send_plain(client.burst, client.len);
	WIRE_UNTIL(w, client.got == client.sent);
	ck_assert_uint_eq(client.records, 1);
	cw_timer_destroy(client.timer);
	wire_destroy(w);
	SSL_free(client.ssl);
	SSL_CTX_free(ctx);
	cw_tls_destroy(tls);
}
END_TEST

/* A refused peer that has sent its first request already is told why, not just reset. */
START_TEST(tells_the_refused_who_spoke_first)
{
	struct cw_tls *tls = create_tls_of("one");
	struct wire *w = wire_create(&(struct wire_settings){.server = tls});
	struct raw_peer_settings raw = {.address = *cw_listener_address(w->listener),
		.first_bytes = "MESSAGE sip:a@one.example SIP/2.0\r\n"};
	struct judgement_case shows = {.shows = "stranger"};
	pid_t peer;

	fill_raw(&raw, &shows);
	peer = raw_peer_start(&raw);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->closed);
	ck_assert_int_eq(raw_peer_wait(peer), RAW_PEER_REFUSED);
	wire_destroy(w);
	cw_tls_destroy(tls);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls");
	TCase *tc = tcase_create("tls");

	tcase_add_unchecked_fixture(tc, begin_pki, end_pki);
	ADD_ROWS(tc, judges_clients, judgement_cases);
	ADD_ROWS(tc, judges_clients_of_tls12, judgement_cases);
	ADD_ROWS(tc, judges_servers, judgement_cases);
	tcase_add_test(tc, learns_of_late_refusal);
	tcase_add_test(tc, refuses_too_many_names);
	ADD_ROWS(tc, chooses_by_sni, name_cases);
	ADD_ROWS(tc, chooses_by_local_name, name_cases);
	tcase_add_test(tc, judges_by_the_chosen_block);
	ADD_ROWS(tc, keeps_the_minimum_version, version_cases);
	tcase_add_test(tc, swaps_snapshots);
	tcase_add_loop_test(tc, resumes_no_session, 0, 2);
	tcase_add_test(tc, writes_small_fragments);
	tcase_add_loop_test(tc, reads_records_however_they_come, 0, 4);
	tcase_add_loop_test(tc, answers_many_records_with_one, 0, 2);
	tcase_add_test(tc, tells_the_refused_who_spoke_first);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
