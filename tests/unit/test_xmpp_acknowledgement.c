#include "xmpp/acknowledgement.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

static struct cw_xmpp_acknowledgement ack;

static void begin(void)
{
	cw_xmpp_acknowledgement_init(&ack);
}

static void end(void)
{
	cw_xmpp_acknowledgement_finish(&ack);
}

/* Send a message with that id. */
static void send_message(const char *id)
{
	struct cw_xmpp_answerable a = {.kind = CW_XMPP_MESSAGE, .id = cw_str_of(id)};

	ck_assert_int_eq(cw_xmpp_acknowledgement_add(&ack, &a, "t", NULL, 10, 5), 0);
}

/* Send the messages "1" to "n". */
static void send_messages(int n)
{
	char id[16];

	for (int i = 1; i <= n; i++) {
		snprintf(id, sizeof(id), "%d", i);
		send_message(id);
	}
}

/* What was taken has that id; NULL: nothing was. Frees it. */
static void ck_taken(struct cw_xmpp_unconfirmed *stanza, const char *id)
{
	if (!id) {
		ck_assert_ptr_null(stanza);
		return;
	}
	ck_assert_ptr_nonnull(stanza);
	ck_assert_msg(cw_str_eq(stanza->answerable.id, cw_str_of(id)), "%.*s where %s is expected",
		CW_STR_ARG(stanza->answerable.id), id);
	cw_xmpp_unconfirmed_free(stanza);
}

static void ck_confirmed(const char *id)
{
	ck_taken(cw_xmpp_acknowledgement_take_confirmed(&ack), id);
}

START_TEST(keeps_what_an_answer_needs)
{
	struct cw_str from = heap_copy(cw_str_of("u@a.test/r")),
		      to = heap_copy(cw_str_of("b.test"));
	struct cw_xmpp_answerable a = {.kind = CW_XMPP_IQ, .from = from, .to = to, .type = {"", 0}};
	struct cw_xmpp_unconfirmed *stanza;

	ck_assert_int_eq(cw_xmpp_acknowledgement_add(&ack, &a, "7f3a", &a, 362, 1234), 0);
	heap_free(from);
	heap_free(to);
	stanza = cw_xmpp_acknowledgement_take_any(&ack);
	ck_assert_ptr_nonnull(stanza);
	ck_assert_int_eq(stanza->answerable.kind, CW_XMPP_IQ);
	ck_assert(cw_str_eq(stanza->answerable.from, cw_str_of("u@a.test/r")));
	ck_assert(cw_str_eq(stanza->answerable.to, cw_str_of("b.test")));
	ck_assert_ptr_null(stanza->answerable.id.p);
	ck_assert_ptr_nonnull(stanza->answerable.type.p); /* empty is not missing */
	ck_assert_uint_eq(stanza->answerable.type.len, 0);
	ck_assert_str_eq(stanza->trace, "7f3a");
	ck_assert_ptr_eq(stanza->source, &a);
	ck_assert_uint_eq(stanza->bytes, 362);
	ck_assert_uint_eq(stanza->sent_ms, 1234);
	cw_xmpp_unconfirmed_free(stanza);
}
END_TEST

START_TEST(clips_a_trace)
{
	struct cw_xmpp_answerable a = {.kind = CW_XMPP_MESSAGE};
	struct cw_xmpp_unconfirmed *stanza;

	ck_assert_int_eq(cw_xmpp_acknowledgement_add(
				 &ack, &a, "0123456789012345678901234567890", NULL, 1, 1),
		0);
	stanza = cw_xmpp_acknowledgement_take_any(&ack);
	ck_assert_ptr_nonnull(stanza);
	ck_assert_str_eq(stanza->trace, "01234567890123456789012");
	cw_xmpp_unconfirmed_free(stanza);
}
END_TEST

START_TEST(confirms_up_to_h)
{
	cw_xmpp_acknowledgement_enable_sm(&ack);
	send_messages(3);
	ck_confirmed(NULL);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 2), 0);
	ck_confirmed("1");
	ck_confirmed("2");
	ck_confirmed(NULL);
	ck_assert_uint_eq(ack.n, 1);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 2), 0);
	ck_confirmed(NULL);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 3), 0);
	ck_confirmed("3");
	ck_assert_uint_eq(ack.n, 0);
	ck_assert_uint_eq(ack.held_bytes, 0);
}
END_TEST

START_TEST(counts_from_where_it_was_enabled)
{
	send_messages(2);
	cw_xmpp_acknowledgement_enable_sm(&ack);
	send_message("3");
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 2), -EINVAL);
	ck_confirmed(NULL);
	/* the peer handles stanzas in order: so the two before have arrived, too */
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 1), 0);
	ck_confirmed("1");
	ck_confirmed("2");
	ck_confirmed("3");
}
END_TEST

START_TEST(refuses_wrong_h)
{
	send_messages(1);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 0), -EINVAL); /* it is off */
	cw_xmpp_acknowledgement_enable_sm(&ack);
	send_messages(3);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 4), -EINVAL);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, UINT32_MAX), -EINVAL);
	ck_confirmed(NULL);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 2), 0);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 1), -EINVAL);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 0), -EINVAL);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 3), 0);
}
END_TEST

START_TEST(counts_modulo_2_32)
{
	cw_xmpp_acknowledgement_enable_sm(&ack);
	/* as after 2^32 - 1 stanzas */
	ack.sent = ack.confirmed = ack.sm_confirmed = UINT32_MAX;
	send_messages(3);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 3), -EINVAL);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 1), 0);
	ck_confirmed("1");
	ck_confirmed("2");
	ck_confirmed(NULL);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, UINT32_MAX), -EINVAL);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 2), 0);
	ck_confirmed("3");
}
END_TEST

START_TEST(ping_confirms_what_was_before)
{
	send_messages(2);
	cw_xmpp_acknowledgement_ping_sent(&ack, "cw-1", 100);
	send_message("3");
	ck_assert_str_eq(ack.ping_id, "cw-1");
	ck_assert_uint_eq(ack.ping_behind, 3); /* the ping is counted, too */
	ck_confirmed(NULL);
	cw_xmpp_acknowledgement_ping_answered(&ack);
	ck_confirmed("1");
	ck_confirmed("2");
	ck_confirmed(NULL);
	ck_assert_uint_eq(ack.ping_behind, 0); /* it is answered once */
}
END_TEST

START_TEST(newest_ping_counts)
{
	send_message("1");
	cw_xmpp_acknowledgement_ping_sent(&ack, "cw-1", 100);
	send_message("2");
	cw_xmpp_acknowledgement_ping_sent(&ack, "cw-2", 200);
	ck_assert_str_eq(ack.ping_id, "cw-2");
	ck_assert_uint_eq(ack.asked_ms, 100);
	cw_xmpp_acknowledgement_ping_answered(&ack);
	ck_confirmed("1");
	ck_confirmed("2");
}
END_TEST

START_TEST(pings_count_for_the_peer)
{
	cw_xmpp_acknowledgement_enable_sm(&ack);
	send_message("1");
	cw_xmpp_acknowledgement_ping_sent(&ack, "cw-1", 100);
	send_message("2");
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 2), 0);
	ck_confirmed("1");
	ck_confirmed(NULL);
	/* the answer to the ping confirms nothing that was not, and takes nothing back */
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 3), 0);
	cw_xmpp_acknowledgement_ping_answered(&ack);
	ck_confirmed("2");
	send_message("3");
	ck_confirmed(NULL);
}
END_TEST

START_TEST(an_older_a_may_follow_a_ping_answer)
{
	cw_xmpp_acknowledgement_enable_sm(&ack);
	send_messages(2);
	cw_xmpp_acknowledgement_ping_sent(&ack, "cw-1", 100);
	cw_xmpp_acknowledgement_ping_answered(&ack);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 1), 0);
	ck_confirmed("1");
	ck_confirmed("2");
}
END_TEST

START_TEST(asks_one_question_at_a_time)
{
	cw_xmpp_acknowledgement_enable_sm(&ack);
	ck_assert(!cw_xmpp_acknowledgement_wants_request(&ack));
	send_message("1");
	ck_assert(cw_xmpp_acknowledgement_wants_request(&ack));
	cw_xmpp_acknowledgement_request_sent(&ack, 0); /* the clock may begin at 0 */
	ck_assert(!cw_xmpp_acknowledgement_wants_request(&ack));
	ck_assert_uint_ne(ack.asked_ms, 0);
	send_message("2");
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 1), 0);
	ck_confirmed("1");
	ck_assert_uint_eq(ack.asked_ms, 0);
	ck_assert(cw_xmpp_acknowledgement_wants_request(&ack));
	cw_xmpp_acknowledgement_ping_sent(&ack, "cw-1", 300);
	ck_assert(!cw_xmpp_acknowledgement_wants_request(&ack));
	/* an <a/> nobody asked for leaves the ping out */
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 1), 0);
	ck_assert_uint_eq(ack.asked_ms, 300);
	cw_xmpp_acknowledgement_ping_answered(&ack);
	ck_assert_uint_eq(ack.asked_ms, 0);
}
END_TEST

START_TEST(forgets_the_request_of_what_was_refused)
{
	cw_xmpp_acknowledgement_enable_sm(&ack);
	send_message("1");
	cw_xmpp_acknowledgement_request_sent(&ack, 100);
	cw_xmpp_acknowledgement_disable_sm(&ack);
	ck_assert(cw_xmpp_acknowledgement_wants_request(&ack));
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 1), -EINVAL);

	cw_xmpp_acknowledgement_enable_sm(&ack);
	cw_xmpp_acknowledgement_ping_sent(&ack, "cw-1", 200);
	cw_xmpp_acknowledgement_disable_sm(&ack);
	ck_assert_uint_eq(ack.asked_ms, 200);
	cw_xmpp_acknowledgement_ping_answered(&ack);
	ck_confirmed("1");
}
END_TEST

START_TEST(gives_all_back_when_the_stream_died)
{
	cw_xmpp_acknowledgement_enable_sm(&ack);
	send_messages(3);
	ck_assert_int_eq(cw_xmpp_acknowledgement_on_a(&ack, 1), 0);
	ck_confirmed("1");
	ck_taken(cw_xmpp_acknowledgement_take_any(&ack), "2");
	ck_taken(cw_xmpp_acknowledgement_take_any(&ack), "3");
	ck_taken(cw_xmpp_acknowledgement_take_any(&ack), NULL);
	ck_assert_uint_eq(ack.n, 0);
	ck_assert_uint_eq(ack.held_bytes, 0);
}
END_TEST

START_TEST(is_full_of_stanzas)
{
	struct cw_xmpp_answerable a = {.kind = CW_XMPP_PRESENCE};

	send_messages(CW_XMPP_UNCONFIRMED_MAX - 1);
	ck_assert(!cw_xmpp_acknowledgement_is_full(&ack));
	send_message("last");
	ck_assert(cw_xmpp_acknowledgement_is_full(&ack));
	ck_assert_int_eq(cw_xmpp_acknowledgement_add(&ack, &a, "t", NULL, 1, 1), -ENOBUFS);
	ck_assert_uint_eq(ack.sent, CW_XMPP_UNCONFIRMED_MAX);
	ck_taken(cw_xmpp_acknowledgement_take_any(&ack), "1");
	ck_assert(!cw_xmpp_acknowledgement_is_full(&ack));
}
END_TEST

START_TEST(is_full_of_bytes)
{
	static char id[65536];
	struct cw_xmpp_answerable a = {.kind = CW_XMPP_MESSAGE, .id = {id, sizeof(id)}};
	size_t n = 0;

	while (!cw_xmpp_acknowledgement_is_full(&ack)) {
		ck_assert_int_eq(cw_xmpp_acknowledgement_add(&ack, &a, "t", NULL, 1, 1), 0);
		n++;
	}
	ck_assert_uint_le(n, CW_XMPP_UNCONFIRMED_MAX_BYTES / sizeof(id));
	ck_assert_uint_lt(ack.held_bytes, CW_XMPP_UNCONFIRMED_MAX_BYTES + 2 * sizeof(id));
	ck_assert_int_eq(cw_xmpp_acknowledgement_add(&ack, &a, "t", NULL, 1, 1), -ENOBUFS);
}
END_TEST

START_TEST(lacks_memory)
{
	struct cw_xmpp_answerable a = {.kind = CW_XMPP_MESSAGE};
	int r;

	alloc_fail_at(1);
	r = cw_xmpp_acknowledgement_add(&ack, &a, "t", NULL, 1, 1);
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	/* what did not leave has no number */
	ck_assert_uint_eq(ack.sent, 0);
	ck_assert_uint_eq(ack.n, 0);

	alloc_fail_at(2);
	r = cw_xmpp_acknowledgement_add(&ack, &a, "t", NULL, 1, 1);
	ck_assert_msg(!alloc_fail_reached(), "more than one allocation");
	ck_assert_int_eq(r, 0);
}
END_TEST

START_TEST(counts_what_comes)
{
	ack.received = 7;
	cw_xmpp_acknowledgement_enable_sm(&ack);
	ck_assert_uint_eq(ack.received, 0);
	cw_xmpp_acknowledgement_received(&ack);
	cw_xmpp_acknowledgement_received(&ack);
	ck_assert_uint_eq(ack.received, 2);
	ack.received = UINT32_MAX;
	cw_xmpp_acknowledgement_received(&ack);
	ck_assert_uint_eq(ack.received, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xmpp_acknowledgement");
	TCase *tcase = tcase_create("xmpp_acknowledgement");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, keeps_what_an_answer_needs);
	tcase_add_test(tcase, clips_a_trace);
	tcase_add_test(tcase, confirms_up_to_h);
	tcase_add_test(tcase, counts_from_where_it_was_enabled);
	tcase_add_test(tcase, refuses_wrong_h);
	tcase_add_test(tcase, counts_modulo_2_32);
	tcase_add_test(tcase, ping_confirms_what_was_before);
	tcase_add_test(tcase, newest_ping_counts);
	tcase_add_test(tcase, pings_count_for_the_peer);
	tcase_add_test(tcase, an_older_a_may_follow_a_ping_answer);
	tcase_add_test(tcase, asks_one_question_at_a_time);
	tcase_add_test(tcase, forgets_the_request_of_what_was_refused);
	tcase_add_test(tcase, gives_all_back_when_the_stream_died);
	tcase_add_test(tcase, is_full_of_stanzas);
	tcase_add_test(tcase, is_full_of_bytes);
	tcase_add_test(tcase, lacks_memory);
	tcase_add_test(tcase, counts_what_comes);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
