#include "net/connection.h"

#include "tests/support_c/pki.h"
#include "tests/support_c/wire.h"
#include "tests/unit/unit.h"

static struct pki pki;
static struct cw_tls *tls;

/* Tests run in processes of their own; certificates and context are made once, before. */
static void begin_pki(void)
{
	struct cw_diag diag = {0};
	struct cw_tls_settings settings = {0};

	pki_begin(&pki);
	pki_issue(&pki, &(struct pki_spec){.file = "ca", .is_ca = true});
	pki_issue(&pki, &(struct pki_spec){.file = "one", .issuer = "ca", .dns = "one.example"});
	settings.certificate = pki_path(&pki, "one.pem");
	settings.key = pki_path(&pki, "one.key");
	settings.trust = pki_path(&pki, "ca.pem");
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
	struct wire_end *dialled = wire_dial(w, NULL);

	WIRE_UNTIL(
		w, dialled->opened && w->n_accepted > 0 && w->accepted[w->n_accepted - 1]->opened);
	*accepted = w->accepted[w->n_accepted - 1];
	return dialled;
}

START_TEST(carries_bytes_both_ways)
{
	struct wire *w = create_wire(_i);
	struct wire_end *there, *here = open_pair(w, &there);

	ck_assert_int_eq(cw_connection_send(here->c, cw_str_of("ping ")), 0);
	ck_assert_int_eq(cw_connection_send(here->c, cw_str_of("pong")), 0);
	WIRE_UNTIL(w, there->in.len == 9);
	ck_assert(cw_str_eq(cw_buf_str(&there->in), cw_str_of("ping pong")));
	ck_assert_uint_eq(there->received, 1); /* both left in one write, and one TLS record */
	ck_assert_int_eq(cw_connection_send(there->c, cw_str_of("back")), 0);
	WIRE_UNTIL(w, here->in.len == 4);
	ck_assert_str_eq(here->subject, transports[_i] ? "CN=one" : "");
	ck_assert_str_eq(there->subject, here->subject);
	wire_destroy(w);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connection");
	TCase *tc = tcase_create("connection");

	tcase_add_unchecked_fixture(tc, begin_pki, end_pki);
	ADD_ROWS(tc, carries_bytes_both_ways, transports);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
