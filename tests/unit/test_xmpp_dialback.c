#include "xmpp/dialback.h"

#include "tests/support_c/xml_chunk.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

/* ---- keys ---- */

/* XEP-0185, 4: the example */
static const struct cw_str secret = CW_STR("s3cr3tf0rd14lb4ck");
static const struct cw_str receiving = CW_STR("xmpp.example.com");
static const struct cw_str originating = CW_STR("example.org");
static const struct cw_str stream_id = CW_STR("D60000229F");
static const char key_text[] = "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643";

START_TEST(makes_the_key_of_the_specification)
{
	char key[CW_DIALBACK_KEY_HEX + 1];

	ck_assert_int_eq(cw_dialback_key(key, secret, receiving, originating, stream_id), 0);
	ck_assert_str_eq(key, key_text);
}
END_TEST

static const struct key_case {
	const char *name;
	struct cw_str secret, receiving, originating, stream_id, key;
	bool is_valid;
} key_cases[] = {
	{"the key", CW_STR("s3cr3tf0rd14lb4ck"), CW_STR("xmpp.example.com"), CW_STR("example.org"),
		CW_STR("D60000229F"),
		CW_STR("37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"), true},
	{"one digit off", CW_STR("s3cr3tf0rd14lb4ck"), CW_STR("xmpp.example.com"),
		CW_STR("example.org"), CW_STR("D60000229F"),
		CW_STR("37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075644"), false},
	{"upper case", CW_STR("s3cr3tf0rd14lb4ck"), CW_STR("xmpp.example.com"),
		CW_STR("example.org"), CW_STR("D60000229F"),
		CW_STR("37C69B1CF07A3F67C04A5EF5902FA5114F2C76FE4A2686482BA5B89323075643"), false},
	{"cut short", CW_STR("s3cr3tf0rd14lb4ck"), CW_STR("xmpp.example.com"),
		CW_STR("example.org"), CW_STR("D60000229F"), CW_STR("37c69b1cf07a3f67"), false},
	{"empty", CW_STR("s3cr3tf0rd14lb4ck"), CW_STR("xmpp.example.com"), CW_STR("example.org"),
		CW_STR("D60000229F"), CW_STR(""), false},
	{"another secret", CW_STR("s3cr3tf0rd14lb4cK"), CW_STR("xmpp.example.com"),
		CW_STR("example.org"), CW_STR("D60000229F"),
		CW_STR("37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"), false},
	{"another stream", CW_STR("s3cr3tf0rd14lb4ck"), CW_STR("xmpp.example.com"),
		CW_STR("example.org"), CW_STR("D60000229E"),
		CW_STR("37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"), false},
	{"names exchanged", CW_STR("s3cr3tf0rd14lb4ck"), CW_STR("example.org"),
		CW_STR("xmpp.example.com"), CW_STR("D60000229F"),
		CW_STR("37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"), false},
};

START_TEST(knows_its_key)
{
	const struct key_case *c = &key_cases[_i];
	struct cw_str key = heap_copy(c->key);

	ck_assert_msg(cw_dialback_key_is(c->secret, c->receiving, c->originating, c->stream_id,
			      key) == c->is_valid,
		"%s", c->name);
	heap_free(key);
}
END_TEST

/* ---- reading ---- */

#define NAMES    "from='a.test' to='b.test'"
#define TEN      "0123456789"
#define FIFTY    TEN TEN TEN TEN TEN
#define TOO_MUCH FIFTY FIFTY FIFTY FIFTY FIFTY TEN /* 260 */
#define ERROR(inner)                                                                               \
	"<db:result " NAMES " type='error'><error type='cancel'>" inner "</error></db:result>"
#define STANZAS "xmlns='" CW_XMPP_NS_STANZA_ERRORS "'"

static const struct read_case {
	const char *name, *xml;
	int rc;
	enum cw_dialback_kind kind;
	const char *id, *key;
	enum cw_dialback_type type;
	const char *condition;
} read_cases[] = {
	{"claim", "<db:result " NAMES ">k</db:result>", 0, CW_DIALBACK_CLAIM, "", "k"},
	{"claim in lines", "<db:result " NAMES ">\n  k\n</db:result>", 0, CW_DIALBACK_CLAIM, "",
		"k"},
	{"claim that is valid", "<db:result " NAMES " type='valid'/>", 0, CW_DIALBACK_CLAIM_ANSWER,
		"", "", CW_DIALBACK_VALID},
	{"Prosody's answer", "<db:result " NAMES " id='1' type='valid'>k</db:result>", 0,
		CW_DIALBACK_CLAIM_ANSWER, "", "", CW_DIALBACK_VALID},
	{"claim that is invalid", "<db:result " NAMES " type='invalid'/>", 0,
		CW_DIALBACK_CLAIM_ANSWER, "", "", CW_DIALBACK_INVALID},
	{"claim in error", ERROR("<item-not-found " STANZAS "/>"), 0, CW_DIALBACK_CLAIM_ANSWER, "",
		"", CW_DIALBACK_ERROR, "item-not-found"},
	{"error with a text first",
		ERROR("<text " STANZAS ">no</text><remote-server-timeout " STANZAS "/>"), 0,
		CW_DIALBACK_CLAIM_ANSWER, "", "", CW_DIALBACK_ERROR, "remote-server-timeout"},
	{"error with a text alone", ERROR("<text " STANZAS ">no</text>"), 0,
		CW_DIALBACK_CLAIM_ANSWER, "", "", CW_DIALBACK_ERROR, ""},
	{"error of another namespace behind a text",
		ERROR("<text " STANZAS ">no</text><x xmlns='urn:x'/>"), 0, CW_DIALBACK_CLAIM_ANSWER,
		"", "", CW_DIALBACK_ERROR, ""},
	{"error without an error", "<db:result " NAMES " type='error'/>", 0,
		CW_DIALBACK_CLAIM_ANSWER, "", "", CW_DIALBACK_ERROR, ""},
	{"verification", "<db:verify " NAMES " id='&lt;1&gt;'>k</db:verify>", 0, CW_DIALBACK_VERIFY,
		"<1>", "k"},
	{"verified", "<db:verify " NAMES " id='1' type='valid'/>", 0, CW_DIALBACK_VERIFY_ANSWER,
		"1", "", CW_DIALBACK_VALID},
	{"not verified", "<db:verify " NAMES " id='1' type='invalid'>k</db:verify>", 0,
		CW_DIALBACK_VERIFY_ANSWER, "1", "", CW_DIALBACK_INVALID},
	{"claim without key", "<db:result " NAMES "/>", 0, CW_DIALBACK_CLAIM, "", ""},
	{"claim of blanks", "<db:result " NAMES "> \n</db:result>", 0, CW_DIALBACK_CLAIM, "", ""},
	{"key in a child", "<db:result " NAMES "><x>k</x></db:result>", 0, CW_DIALBACK_CLAIM, "",
		""},
	{"key too long", "<db:result " NAMES ">" TOO_MUCH "</db:result>", 0, CW_DIALBACK_CLAIM, "",
		""},
	{"verification without key", "<db:verify " NAMES " id='1'/>", 0, CW_DIALBACK_VERIFY, "1",
		""},

	{"another name", "<db:other " NAMES ">k</db:other>", -EINVAL},
	{"another namespace", "<result " NAMES ">k</result>", -EINVAL},
	{"no from", "<db:result to='b.test'>k</db:result>", -EINVAL},
	{"empty from", "<db:result from='' to='b.test'>k</db:result>", -EINVAL},
	{"no to", "<db:result from='a.test'>k</db:result>", -EINVAL},
	{"from of another namespace", "<db:result db:from='a.test' to='b.test'>k</db:result>",
		-EINVAL},
	{"unknown type", "<db:result " NAMES " type='fine'/>", -EINVAL},
	{"empty type", "<db:result " NAMES " type=''>k</db:result>", -EINVAL},
	{"type in upper case", "<db:result " NAMES " type='VALID'/>", -EINVAL},
	{"verification without id", "<db:verify " NAMES ">k</db:verify>", -EINVAL},
	{"answer without id", "<db:verify " NAMES " type='valid'/>", -EINVAL},
	{"id too long", "<db:verify " NAMES " id='" TOO_MUCH "' type='valid'/>", -EINVAL},
};

static void ck_str(const char *name, const char *what, struct cw_str s, const char *expected)
{
	ck_assert_msg(cw_str_eq(s, cw_str_of(expected)), "%s: %s is %.*s", name, what, (int)s.len,
		s.p ? s.p : "");
}

START_TEST(reads_elements)
{
	const struct read_case *c = &read_cases[_i];
	struct cw_dialback_element d = {.kind = (enum cw_dialback_kind)99};
	struct xml_chunk chunk;

	ck_assert_int_eq(xml_chunk_read(&chunk, cw_str_of(c->xml)), 0);
	ck_assert_msg(cw_dialback_read(&d, chunk.elements[0]) == c->rc, "%s: return", c->name);
	if (c->rc) {
		ck_assert_msg(d.kind == (enum cw_dialback_kind)99, "%s: output touched", c->name);
	} else {
		ck_assert_msg(d.kind == c->kind, "%s: kind", c->name);
		ck_assert_msg(d.type == c->type, "%s: type", c->name);
		ck_str(c->name, "from", d.from, "a.test");
		ck_str(c->name, "to", d.to, "b.test");
		ck_str(c->name, "id", d.id, c->id);
		ck_str(c->name, "key", d.key, c->key);
		ck_str(c->name, "condition", d.condition, c->condition);
	}
	xml_chunk_finish(&chunk);
}
END_TEST

/* ---- writing ---- */

static const struct cw_str a = CW_STR("a.test"), b = CW_STR("b.test");

START_TEST(writes_questions)
{
	struct cw_buf out = {0};

	cw_dialback_write_claim(&out, a, b, cw_str_of("k<"));
	cw_dialback_write_verify(&out, a, b, cw_str_of("1'\n"), cw_str_of("k&"));
	ck_str("questions", "text", cw_buf_str(&out),
		"<db:result from='a.test' to='b.test'>k&lt;</db:result>"
		"<db:verify from='a.test' to='b.test' id='1&apos;&#10;'>k&amp;</db:verify>");
	cw_buf_finish(&out);
}
END_TEST

START_TEST(writes_answers)
{
	struct cw_buf out = {0};

	cw_dialback_write_claim_answer(&out, a, b, CW_DIALBACK_VALID, NULL);
	cw_dialback_write_verify_answer(&out, a, b, cw_str_of("1"), CW_DIALBACK_INVALID, NULL);
	ck_str("answers", "text", cw_buf_str(&out),
		"<db:result from='a.test' to='b.test' type='valid'/>"
		"<db:verify from='a.test' to='b.test' id='1' type='invalid'/>");
	cw_buf_finish(&out);
}
END_TEST

static const struct error_case {
	const char *condition, *type;
} error_cases[] = {
	{"item-not-found", "cancel"},
	{"policy-violation", "cancel"},
	{"remote-server-not-found", "cancel"},
	{"remote-server-timeout", "wait"},
	{"resource-constraint", "wait"},
	{"not-authorized", "auth"},
	{"forbidden", "auth"},
};

START_TEST(writes_errors_with_their_type)
{
	const struct error_case *c = &error_cases[_i];
	struct cw_buf out = {0};
	char expected[512];

	cw_dialback_write_claim_answer(&out, a, b, CW_DIALBACK_ERROR, c->condition);
	snprintf(expected, sizeof(expected),
		"<db:result from='a.test' to='b.test' type='error'><error type='%s'><%s "
		"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>",
		c->type, c->condition);
	ck_str("claim", "text", cw_buf_str(&out), expected);
	cw_buf_clear(&out);
	cw_dialback_write_verify_answer(
		&out, a, b, cw_str_of("1"), CW_DIALBACK_ERROR, c->condition);
	snprintf(expected, sizeof(expected),
		"<db:verify from='a.test' to='b.test' id='1' type='error'><error type='%s'><%s "
		"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:verify>",
		c->type, c->condition);
	ck_str("verification", "text", cw_buf_str(&out), expected);
	cw_buf_finish(&out);
}
END_TEST

/* ---- pairs ---- */

static struct cw_dialback_pairs pairs;

static void setup(void)
{
	cw_dialback_pairs_init(&pairs);
}

static void teardown(void)
{
	cw_dialback_pairs_finish(&pairs);
}

static struct cw_str numbered(char room[static 16], unsigned n)
{
	return cw_str_make(room, (size_t)snprintf(room, 16, "n%u.test", n));
}

static void ck_pairs(enum cw_pair_state state, size_t n_pending, size_t n_valid)
{
	ck_assert_int_eq(cw_dialback_pairs_state(&pairs, a, b), state);
	ck_assert_uint_eq(pairs.n_pending, n_pending);
	ck_assert_uint_eq(pairs.n_valid, n_valid);
}

START_TEST(claim_is_settled_once)
{
	ck_pairs(CW_PAIR_NONE, 0, 0);
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), 0);
	ck_pairs(CW_PAIR_PENDING, 1, 0);
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), -EEXIST);
	ck_assert_int_eq(cw_dialback_pairs_settle(&pairs, b, a, true), -ENOENT);
	ck_pairs(CW_PAIR_PENDING, 1, 0);
	ck_assert_int_eq(cw_dialback_pairs_settle(&pairs, a, b, true), 0);
	ck_pairs(CW_PAIR_VALID, 0, 1);
	ck_assert_int_eq(cw_dialback_pairs_settle(&pairs, a, b, false), -ENOENT);
	ck_pairs(CW_PAIR_VALID, 0, 1);
}
END_TEST

START_TEST(answer_that_nobody_asked_for_proves_nothing)
{
	ck_assert_int_eq(cw_dialback_pairs_settle(&pairs, a, b, true), -ENOENT);
	ck_pairs(CW_PAIR_NONE, 0, 0);
}
END_TEST

START_TEST(pair_has_a_direction)
{
	ck_assert_int_eq(cw_dialback_pairs_add(&pairs, a, b), 0);
	ck_assert_int_eq(cw_dialback_pairs_state(&pairs, b, a), CW_PAIR_NONE);
	/* the same bytes, cut elsewhere */
	ck_assert_int_eq(cw_dialback_pairs_state(&pairs, cw_str_of("a.testb"), cw_str_of(".test")),
		CW_PAIR_NONE);
}
END_TEST

START_TEST(denied_claim_leaves_nothing)
{
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), 0);
	ck_assert_int_eq(cw_dialback_pairs_settle(&pairs, a, b, false), 0);
	ck_pairs(CW_PAIR_NONE, 0, 0);
}
END_TEST

START_TEST(valid_pair_is_claimed_anew)
{
	ck_assert_int_eq(cw_dialback_pairs_add(&pairs, a, b), 0);
	ck_assert_int_eq(cw_dialback_pairs_add(&pairs, a, b), 0);
	ck_pairs(CW_PAIR_VALID, 0, 1);
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), 0);
	ck_pairs(CW_PAIR_VALID, 1, 1);
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), -EEXIST);
	ck_assert_int_eq(cw_dialback_pairs_settle(&pairs, a, b, true), 0);
	ck_pairs(CW_PAIR_VALID, 0, 1);
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), 0);
	ck_assert_int_eq(cw_dialback_pairs_settle(&pairs, a, b, false), 0);
	ck_pairs(CW_PAIR_NONE, 0, 0);
}
END_TEST

START_TEST(pending_pair_is_proved_otherwise)
{
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), 0);
	ck_assert_int_eq(cw_dialback_pairs_add(&pairs, a, b), 0);
	ck_pairs(CW_PAIR_VALID, 1, 1);
}
END_TEST

START_TEST(few_claims_pend)
{
	char room[16];

	for (unsigned n = 0; n < CW_DIALBACK_PENDING_MAX; n++)
		ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, numbered(room, n), b), 0);
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), -E2BIG);
	ck_pairs(CW_PAIR_NONE, CW_DIALBACK_PENDING_MAX, 0);
	ck_assert_int_eq(cw_dialback_pairs_settle(&pairs, numbered(room, 3), b, false), 0);
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), 0);
}
END_TEST

START_TEST(proved_pairs_are_bounded)
{
	char room[16];

	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), 0);
	for (unsigned n = 0; n < CW_DIALBACK_PAIRS_MAX; n++)
		ck_assert_int_eq(cw_dialback_pairs_add(&pairs, numbered(room, n), b), 0);
	ck_assert_int_eq(cw_dialback_pairs_add(&pairs, b, a), -E2BIG);
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, b, a), -E2BIG);
	ck_assert_int_eq(cw_dialback_pairs_settle(&pairs, a, b, true), -E2BIG);
	ck_pairs(CW_PAIR_NONE, 0, CW_DIALBACK_PAIRS_MAX);
	/* those that are there go on */
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, numbered(room, 7), b), 0);
	ck_assert_int_eq(cw_dialback_pairs_settle(&pairs, numbered(room, 7), b, true), 0);
}
END_TEST

static void count(void *arg, struct cw_str from, struct cw_str to, enum cw_pair_state state)
{
	unsigned *counts = arg;

	ck_assert(cw_str_eq(from, a) || cw_str_eq(from, b));
	ck_assert(cw_str_eq(to, b) || cw_str_eq(to, a));
	counts[state]++;
}

START_TEST(walks_all)
{
	unsigned counts[CW_PAIR_VALID + 1] = {0};

	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), 0);
	ck_assert_int_eq(cw_dialback_pairs_add(&pairs, b, a), 0);
	cw_dialback_pairs_each(&pairs, count, counts);
	ck_assert_uint_eq(counts[CW_PAIR_PENDING], 1);
	ck_assert_uint_eq(counts[CW_PAIR_VALID], 1);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	alloc_fail_at(1);
	ck_assert_int_eq(cw_dialback_pairs_claim(&pairs, a, b), -ENOMEM);
	ck_assert(alloc_fail_reached());
	alloc_fail_at(1);
	ck_assert_int_eq(cw_dialback_pairs_add(&pairs, a, b), -ENOMEM);
	ck_assert(alloc_fail_reached());
	ck_pairs(CW_PAIR_NONE, 0, 0);
}
END_TEST

START_TEST(no_key_without_memory)
{
	char key[CW_DIALBACK_KEY_HEX + 1];
	int r;

	alloc_fail_at(1);
	r = cw_dialback_key(key, secret, receiving, originating, stream_id);
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_dialback");
	TCase *tcase = tcase_create("elements"), *of_pairs = tcase_create("pairs");

	tcase_add_test(tcase, makes_the_key_of_the_specification);
	ADD_ROWS(tcase, knows_its_key, key_cases);
	ADD_ROWS(tcase, reads_elements, read_cases);
	tcase_add_test(tcase, writes_questions);
	tcase_add_test(tcase, writes_answers);
	ADD_ROWS(tcase, writes_errors_with_their_type, error_cases);
	tcase_add_test(tcase, no_key_without_memory);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(of_pairs, setup, teardown);
	tcase_add_test(of_pairs, claim_is_settled_once);
	tcase_add_test(of_pairs, answer_that_nobody_asked_for_proves_nothing);
	tcase_add_test(of_pairs, pair_has_a_direction);
	tcase_add_test(of_pairs, denied_claim_leaves_nothing);
	tcase_add_test(of_pairs, valid_pair_is_claimed_anew);
	tcase_add_test(of_pairs, pending_pair_is_proved_otherwise);
	tcase_add_test(of_pairs, few_claims_pend);
	tcase_add_test(of_pairs, proved_pairs_are_bounded);
	tcase_add_test(of_pairs, walks_all);
	tcase_add_test(of_pairs, copes_with_short_memory);
	suite_add_tcase(suite, of_pairs);
	return unit_main(suite);
}
