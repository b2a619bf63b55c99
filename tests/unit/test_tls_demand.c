/* Sessions that take any peer: what is wrong with its certificate is said, not acted upon; and which of ours they show. */
#include "certs/context.h"

#include "tests/support_c/pki.h"
#include "tests/support_c/raw_peer.h"
#include "tests/support_c/wire.h"
#include "tests/unit/unit.h"

#include <unistd.h>

static struct pki pki;

static const struct pki_spec specs[] = {
	{.file = "ca", .is_ca = true},
	{.file = "other-ca", .is_ca = true},
	{.file = "false-ca", .cn = "ca", .is_ca = true},
	{.file = "forged", .issuer = "false-ca"},
	{.file = "one", .issuer = "ca", .dns = "one.example"},
	{.file = "two", .issuer = "ca", .dns = "*.two.example"},
	{.file = "three", .issuer = "ca", .dns = "www.example", .xmpp_addr = "three.example"},
	{.file = "four.example", .issuer = "ca"}, /* by its common name alone */
	{.file = "exact", .issuer = "ca", .dns = "a.two.example"},
	{.file = "expired", .issuer = "ca", .begins_s = -7200, .ends_s = -3600},
	{.file = "revoked", .issuer = "ca"},
	{.file = "stranger", .issuer = "other-ca"},
	{.file = "expired-stranger", .issuer = "other-ca", .begins_s = -7200, .ends_s = -3600},
	{.file = "self"},
	{.file = "server-use", .issuer = "ca", .usage = "serverAuth"},
	{.file = "code-use", .issuer = "ca", .usage = "codeSigning"},
	{.file = "expired-code-use",
		.issuer = "ca",
		.usage = "codeSigning",
		.begins_s = -7200,
		.ends_s = -3600},
	{.file = "sha1", .issuer = "ca", .is_sha1 = true},
	{.file = "short-key", .issuer = "ca", .rsa_bits = 1024},
	{.file = "not-a-ca", .issuer = "one", .with_chain = true},
	{.file = "sub-ca", .issuer = "ca", .is_ca = true},
	{.file = "below", .issuer = "sub-ca", .with_chain = true},
};

static void begin_pki(void)
{
	pki_begin(&pki);
	for (size_t i = 0; i < N_ELEMENTS(specs); i++)
		pki_issue(&pki, &specs[i]);
	pki_revoke(&pki, "ca", "ca", "revoked", 86400);
	pki_revoke(&pki, "ca", "ca-old", NULL, -3600);
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

/* --- what is found wrong --- */

static const struct judgement_case {
	const char *shows; /* file; NULL: no certificate */
	const char *crl;
	enum cw_crl_missing missing;
	const char *problem; /* the first; NULL: none */
} judgement_cases[] = {
	{"one", NULL, CW_CRL_SOFT, NULL},
	{"server-use", NULL, CW_CRL_SOFT, NULL},
	{"below", NULL, CW_CRL_SOFT, NULL},
	{NULL, NULL, CW_CRL_SOFT, "no-certificate"},
	{"self", NULL, CW_CRL_SOFT, "untrusted"},
	{"stranger", NULL, CW_CRL_SOFT, "untrusted"},
	{"expired", NULL, CW_CRL_SOFT, "expired"},
	{"expired-stranger", NULL, CW_CRL_SOFT, "untrusted"},
	{"expired-code-use", NULL, CW_CRL_SOFT, "expired"},
	{"code-use", NULL, CW_CRL_SOFT, "purpose"},
	{"forged", NULL, CW_CRL_SOFT, "invalid"},
	{"sha1", NULL, CW_CRL_SOFT, "weak"},
	{"short-key", NULL, CW_CRL_SOFT, "weak"},
	{"not-a-ca", NULL, CW_CRL_SOFT, "invalid"},
	{"one", "ca", CW_CRL_FAIL, NULL},
	{"revoked", "ca", CW_CRL_SOFT, "revoked"},
	{"self", "ca", CW_CRL_FAIL, "untrusted"},
	{"below", "ca", CW_CRL_SOFT, NULL},
	{"below", "ca", CW_CRL_FAIL, "crl-missing"},
	{"one", "ca-old", CW_CRL_FAIL, "crl-expired"},
	{NULL, "ca", CW_CRL_FAIL, "no-certificate"},
};

static void check_end(const struct wire_end *end, const struct judgement_case *c)
{
	const struct cw_identity *identity = cw_connection_identity(end->c);
	const char *problem = cw_connection_tls_problem(end->c);

	ck_assert_msg(c->problem ? problem && strcmp(problem, c->problem) == 0 : !problem, "%s: %s",
		c->shows, problem);
	ck_assert((identity != NULL) == (c->shows != NULL));
	ck_assert_uint_eq(wire_count_log(end->wire, "handshake-failed"), 0);
}

static void fill_raw(struct raw_peer_settings *raw, const struct judgement_case *c)
{
	if (c->shows) {
		raw->certificate = file_of(c->shows, ".pem");
		raw->key = file_of(c->shows, ".key");
	}
}

static void take_client(const struct judgement_case *c, bool is_tls12)
{
	struct cw_tls_settings settings = block("one", c->crl, c->missing);
	struct cw_tls *tls = create_tls(&settings, 1);
	struct wire *w = wire_create(
		&(struct wire_settings){.server = tls, .server_demand = CW_TLS_ANY_PEER});
	struct raw_peer_settings raw = {
		.address = *cw_listener_address(w->listener), .is_tls12 = is_tls12};
	pid_t peer;

	fill_raw(&raw, c);
	peer = raw_peer_start(&raw);
	WIRE_UNTIL(w, w->n_accepted == 1 && (w->accepted[0]->opened || w->accepted[0]->closed));
	ck_assert_uint_eq(w->accepted[0]->opened, 1);
	check_end(w->accepted[0], c);
	cw_connection_close(w->accepted[0]->c);
	WIRE_UNTIL(w, w->accepted[0]->closed);
	ck_assert_int_eq(raw_peer_wait(peer), RAW_PEER_OK);
	wire_destroy(w);
	cw_tls_destroy(tls);
}

START_TEST(takes_any_client)
{
	take_client(&judgement_cases[_i], false);
}
END_TEST

START_TEST(takes_any_client_of_tls12)
{
	take_client(&judgement_cases[_i], true);
}
END_TEST

START_TEST(takes_any_server)
{
	const struct judgement_case *c = &judgement_cases[_i];
	struct cw_tls_settings settings = block("one", c->crl, c->missing);
	struct cw_tls *tls = create_tls(&settings, 1);
	struct wire *w = wire_create(
		&(struct wire_settings){.client = tls, .client_demand = CW_TLS_ANY_PEER});
	struct raw_peer_settings raw = {0};
	struct cw_connection_dial how = {0};
	struct wire_end *here;
	pid_t peer;

	if (!c->shows)
		return; /* a TLS server without certificate has no cipher to agree on */
	fill_raw(&raw, c);
	raw.listener = raw_peer_listen(&how.address);
	peer = raw_peer_start(&raw);
	here = wire_dial(w, &how);
	WIRE_UNTIL(w, here->opened || here->closed);
	ck_assert_uint_eq(here->opened, 1);
	check_end(here, c);
	cw_connection_close(here->c);
	WIRE_UNTIL(w, here->closed);
	ck_assert_int_eq(raw_peer_wait(peer), RAW_PEER_OK);
	close(raw.listener);
	wire_destroy(w);
	cw_tls_destroy(tls);
}
END_TEST

/* Of one snapshot, by turns, and whether SNI moves a session to another block or not: who demands a verified peer gets none other. */
START_TEST(demands_are_of_sessions)
{
	static const char *const names[] = {NULL, "one.example", "a.two.example"};
	struct cw_tls_settings blocks[] = {
		block("one", NULL, CW_CRL_SOFT), block("two", NULL, CW_CRL_SOFT)};
	struct cw_tls_settings shown = block("self", NULL, CW_CRL_SOFT);
	struct cw_tls *server = create_tls(blocks, N_ELEMENTS(blocks));
	struct cw_tls *client = create_tls(&shown, 1);

	for (int i = 0; i < 6; i++) {
		bool takes_any = i % 2 == 0;
		struct wire *w = wire_create(&(struct wire_settings){
			.server = server,
			.client = client,
			.server_name = names[i / 2],
			.server_demand = takes_any ? CW_TLS_ANY_PEER : CW_TLS_VERIFIED,
		});

		wire_dial(w, NULL);
		WIRE_UNTIL(w,
			w->n_accepted == 1 && (w->accepted[0]->opened || w->accepted[0]->closed));
		ck_assert_uint_eq(w->accepted[0]->opened, takes_any ? 1 : 0);
		ck_assert_uint_eq(wire_count_log(w, "problem=untrusted"), takes_any ? 0 : 1);
		wire_destroy(w);
	}
	cw_tls_destroy(server);
	cw_tls_destroy(client);
}
END_TEST

/* A handshake that fails for another reason is not laid upon the peer's certificate. */
START_TEST(blames_the_right_one)
{
	struct cw_tls_settings settings = block("self", NULL, CW_CRL_SOFT);
	struct cw_tls *tls = create_tls(&settings, 1); /* which trusts ca alone */
	struct wire *w = wire_create(&(struct wire_settings){
		.server = tls, .client = tls, .server_demand = CW_TLS_ANY_PEER});
	struct wire_end *here = wire_dial(w, NULL);

	WIRE_UNTIL(w, here->closed && w->n_accepted == 1 && w->accepted[0]->closed);
	ck_assert_str_eq(here->detail, "untrusted");
	ck_assert_str_eq(w->accepted[0]->detail, "unknown CA (peer's alert)");
	ck_assert_uint_eq(wire_count_log(w, "problem=alert"), 1);
	wire_destroy(w);
	cw_tls_destroy(tls);
}
END_TEST

/* --- which of our certificates is shown --- */

static const struct shown_case {
	const char *default_name, *asked, *any, *verified; /* the subjects shown by either demand */
} shown_cases[] = {
	{NULL, NULL, "CN=one", "CN=one"},
	{"one.example", NULL, "CN=one", "CN=one"},
	{"b.two.example", NULL, "CN=two", "CN=two"},
	{"a.two.example", NULL, "CN=exact", "CN=exact"},
	{"three.example", NULL, "CN=three", "CN=one"},
	{"four.example", NULL, "CN=four.example", "CN=four.example"},
	{"unknown.example", NULL, "CN=one", "CN=one"},
	{"b.two.example", "one.example", "CN=one", "CN=one"},
	{"b.two.example", "three.example", "CN=three", "CN=two"},
	{"b.two.example", "unknown.example", "CN=two", "CN=two"},
};

static struct cw_tls *create_five(void)
{
	static const char *const files[] = {"one", "two", "three", "four.example", "exact"};
	struct cw_tls_settings blocks[N_ELEMENTS(files)];

	for (size_t i = 0; i < N_ELEMENTS(files); i++)
		blocks[i] = block(files[i], NULL, CW_CRL_SOFT);
	return create_tls(blocks, N_ELEMENTS(blocks));
}

static struct cw_connection_tls granting;

static size_t grant(struct wire_end *end, struct cw_str bytes)
{
	ck_assert_int_eq(cw_connection_start_tls(end->c, &granting), 0);
	return bytes.len;
}

static bool will_grant(struct wire_end *end)
{
	end->on_received = grant;
	return true;
}

static struct cw_connection_tls asking;

/* No answer is waited for: that the hello comes later than this byte is enough. */
static void ask(struct wire_end *end)
{
	if (end->opened == 1)
		ck_assert_int_eq(cw_connection_send(end->c, cw_str_of("!")), 0);
}

static const char *shown(struct cw_tls *tls, const struct shown_case *c, enum cw_tls_demand demand)
{
	static char subject[256];
	struct wire *w = wire_create(&(struct wire_settings){.on_accepted = will_grant});
	struct wire_end *here = wire_dial(w, NULL);

	granting = (struct cw_connection_tls){tls, cw_str_of(c->default_name), {0}, demand};
	asking = (struct cw_connection_tls){tls, {0}, cw_str_of(c->asked), demand};
	here->on_opened = ask;
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->received == 1);
	ck_assert_int_eq(cw_connection_start_tls(here->c, &asking), 0);
	WIRE_UNTIL(w, here->opened == 2);
	snprintf(subject, sizeof(subject), "%s", here->subject);
	wire_destroy(w);
	return subject;
}

START_TEST(shows_what_was_asked_for_or_the_default)
{
	const struct shown_case *c = &shown_cases[_i];
	struct cw_tls *tls = create_five();

	ck_assert_str_eq(shown(tls, c, CW_TLS_ANY_PEER), c->any);
	ck_assert_str_eq(shown(tls, c, CW_TLS_VERIFIED), c->verified);
	cw_tls_destroy(tls);
}
END_TEST

/* What may prove who we are: never a common name. */
START_TEST(knows_what_its_certificates_name)
{
	struct cw_tls *tls = create_five();

	ck_assert(cw_tls_has_certificate_for(tls, cw_str_of("one.example")));
	ck_assert(cw_tls_has_certificate_for(tls, cw_str_of("b.two.example")));
	ck_assert(cw_tls_has_certificate_for(tls, cw_str_of("Three.example")));
	ck_assert(!cw_tls_has_certificate_for(tls, cw_str_of("four.example")));
	ck_assert(!cw_tls_has_certificate_for(tls, cw_str_of("example")));
	ck_assert(cw_tls_has_dns_name(tls, cw_str_of("b.two.example")));
	ck_assert(!cw_tls_has_dns_name(tls, cw_str_of("three.example"))); /* an XmppAddr */
	cw_tls_destroy(tls);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls_demand");
	TCase *tc = tcase_create("tls_demand");

	tcase_add_unchecked_fixture(tc, begin_pki, end_pki);
	ADD_ROWS(tc, takes_any_client, judgement_cases);
	ADD_ROWS(tc, takes_any_client_of_tls12, judgement_cases);
	ADD_ROWS(tc, takes_any_server, judgement_cases);
	tcase_add_test(tc, demands_are_of_sessions);
	tcase_add_test(tc, blames_the_right_one);
	ADD_ROWS(tc, shows_what_was_asked_for_or_the_default, shown_cases);
	tcase_add_test(tc, knows_what_its_certificates_name);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
