#include "xmpp/handshake.h"

#include "tests/support_c/xml_chunk.h"
#include "tests/unit/unit.h"

static struct cw_buf out;
static struct xml_chunk chunk;

static void begin(void)
{
	cw_buf_init(&out, 0);
	chunk = (struct xml_chunk){0};
}

static void end(void)
{
	xml_chunk_finish(&chunk);
	cw_buf_finish(&out);
}

/* Read what is written as a stream of its own. */
static void read_out(void)
{
	ck_assert_int_eq(out.error, 0);
	ck_assert_int_eq(xml_chunk_read(&chunk, cw_buf_str(&out)), 0);
}

START_TEST(writes_the_header)
{
	cw_xmpp_handshake_write_header(&out, cw_str_of("partner.test"));
	read_out();
	ck_assert_ptr_nonnull(chunk.header);
	ck_assert(cw_xmpp_element_is(chunk.header, CW_XMPP_NS_STREAMS, "stream"));
	ck_assert(chunk.declares_dialback);
	ck_assert_uint_eq(chunk.header->n_attributes, 1);
	ck_assert(cw_str_eq(
		cw_xmpp_element_attribute(chunk.header, "to"), cw_str_of("partner.test")));
	ck_assert_uint_eq(chunk.n_elements, 0);
	ck_assert(!chunk.has_end);
}
END_TEST

/* Hashes as sha1sum prints them. */
static const struct hash_case {
	const char *name, *id, *secret, *hash;
} hash_cases[] = {
	{"plain", "3BF96D32", "secret", "b09ea9b3b7f586be8a08d0a3dd7466f110aeb136"},
	{"nothing is escaped", "a&b\"\xc3\xbc", "<s>", "955394622d6b7a9c2a5f5f230b47faf3f2bfa810"},
};

START_TEST(writes_the_handshake)
{
	const struct hash_case *c = &hash_cases[_i];
	struct cw_str id = heap_copy(cw_str_of(c->id)), secret = heap_copy(cw_str_of(c->secret));

	cw_xmpp_handshake_write_header(&out, cw_str_of("partner.test"));
	ck_assert_int_eq(cw_xmpp_handshake_write(&out, id, secret), 0);
	heap_free(id);
	heap_free(secret);
	read_out();
	ck_assert_uint_eq(chunk.n_elements, 1);
	ck_assert(cw_xmpp_element_is(chunk.elements[0], CW_XMPP_NS_COMPONENT, "handshake"));
	ck_assert_msg(cw_str_eq(chunk.elements[0]->text, cw_str_of(c->hash)), "%s: %.*s", c->name,
		CW_STR_ARG(chunk.elements[0]->text));
}
END_TEST

START_TEST(needs_an_id)
{
	ck_assert_int_eq(
		cw_xmpp_handshake_write(&out, (struct cw_str){NULL, 0}, cw_str_of("secret")),
		CW_XMPP_HANDSHAKE_E_NO_ID);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

#define ERRORS " xmlns='" CW_XMPP_NS_STREAM_ERRORS "'"

static const struct answer_case {
	const char *name, *answer;
	int rc;
	const char *condition;
} answer_cases[] = {
	{"handshake", "<handshake/>", 0, NULL},
	{"handshake with a blank", "<handshake> </handshake>", 0, NULL},
	{"not authorized",
		"<stream:error><not-authorized" ERRORS "/><text" ERRORS ">no</text></stream:error>",
		CW_XMPP_HANDSHAKE_E_REFUSED, "not-authorized"},
	{"text before the condition",
		"<stream:error><text" ERRORS ">no</text><conflict" ERRORS "/></stream:error>",
		CW_XMPP_HANDSHAKE_E_REFUSED, "conflict"},
	{"condition of another namespace", "<stream:error><x/><conflict" ERRORS "/></stream:error>",
		CW_XMPP_HANDSHAKE_E_REFUSED, "conflict"},
	{"error without a condition", "<stream:error/>", CW_XMPP_HANDSHAKE_E_REFUSED, ""},
	{"handshake of another namespace", "<handshake xmlns='jabber:server'/>",
		CW_XMPP_HANDSHAKE_E_UNEXPECTED, NULL},
	{"error of another namespace", "<error/>", CW_XMPP_HANDSHAKE_E_UNEXPECTED, NULL},
	{"features", "<stream:features/>", CW_XMPP_HANDSHAKE_E_UNEXPECTED, NULL},
	{"message", "<message/>", CW_XMPP_HANDSHAKE_E_UNEXPECTED, NULL},
};

START_TEST(reads_the_answer)
{
	const struct answer_case *c = &answer_cases[_i];
	struct cw_str condition = {NULL, 77};
	int r;

	cw_xmpp_handshake_write_header(&out, cw_str_of("partner.test"));
	cw_buf_add(&out, cw_str_of(c->answer));
	read_out();
	ck_assert_uint_eq(chunk.n_elements, 1);
	r = cw_xmpp_handshake_read(&condition, chunk.elements[0]);
	ck_assert_msg(r == c->rc, "%s: %d", c->name, r);
	if (c->condition)
		ck_assert_msg(cw_str_eq(condition, cw_str_of(c->condition)), "%s: %.*s", c->name,
			CW_STR_ARG(condition));
	else
		ck_assert_msg(condition.len == 77, "%s: output touched", c->name);
}
END_TEST

START_TEST(says_what_is_wrong)
{
	static const char *const texts[][2] = {
		{"conflict", "the component is connected to the server already"},
		{"host-unknown", "the server does not know the component"},
		{"not-authorized", "the server does not take the component's secret"},
		{"not-well-formed", "the server refuses the component"},
		{"", "the server refuses the component"},
	};

	for (size_t i = 0; i < N_ELEMENTS(texts); i++)
		ck_assert_str_eq(cw_xmpp_handshake_problem(cw_str_of(texts[i][0])), texts[i][1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_handshake");
	TCase *tcase = tcase_create("xmpp_handshake");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, writes_the_header);
	ADD_ROWS(tcase, writes_the_handshake, hash_cases);
	tcase_add_test(tcase, needs_an_id);
	ADD_ROWS(tcase, reads_the_answer, answer_cases);
	tcase_add_test(tcase, says_what_is_wrong);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
