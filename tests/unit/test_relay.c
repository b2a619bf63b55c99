#include "relay/relay.h"

#include "tests/unit/unit.h"

#define TARGETS 3

/* A target search that is driven by hand: each attempt ends when the test says so. */
struct search {
	struct cw_relay relay;
	struct cw_target targets[TARGETS];
	struct cw_plan plan;
	size_t attempts;
	size_t cancels;
	size_t finishes;
};

static void attempt(void *arg, const struct cw_target *target, uint64_t deadline_ms)
{
	struct search *s = arg;

	ck_assert_ptr_eq(target, &s->targets[s->attempts]);
	ck_assert_uint_eq(deadline_ms, 1000 + CW_RELAY_TOTAL_MS);
	s->attempts++;
}

static void cancel(void *arg)
{
	((struct search *)arg)->cancels++;
}

static void finished(void *arg)
{
	((struct search *)arg)->finishes++;
}

static const struct cw_egress egress = {attempt, cancel};

static void start(struct search *s, bool once)
{
	*s = (struct search){.plan = {.targets = s->targets, .n_targets = TARGETS}};
	cw_relay_start(&s->relay, &(struct cw_relay_settings){
					  .plan = &s->plan,
					  .egress = &egress,
					  .egress_arg = s,
					  .once = once,
					  .now_ms = 1000,
					  .finished = finished,
					  .arg = s,
				  });
	ck_assert_uint_eq(s->attempts, 1);
}

static const struct step_case {
	const char *name;
	enum cw_reason reason;
	bool once, written, goes_on;
	enum cw_fate fate; /* if it were the last one */
} step_cases[] = {
	{"delivered ends", CW_REASON_DELIVERED, true, false, false, CW_FATE_DELIVERED},
	{"sent ends", CW_REASON_SENT, true, false, false, CW_FATE_SENT},
	{"rejected ends", CW_REASON_REJECTED, false, false, false, CW_FATE_REJECTED},
	{"cancelled ends", CW_REASON_CANCELLED, false, false, false, CW_FATE_EXPIRED},
	{"unknown alias goes on", CW_REASON_NOT_FOUND, true, false, true, CW_FATE_REJECTED},
	{"explicit failure goes on", CW_REASON_UNAVAILABLE, true, false, true, CW_FATE_REJECTED},
	{"no connection goes on", CW_REASON_UNREACHABLE, true, false, true, CW_FATE_FAILED},
	{"wrong identity goes on", CW_REASON_UNTRUSTED, true, false, true, CW_FATE_FAILED},
	{"silence goes on", CW_REASON_TIMEOUT, false, true, true, CW_FATE_EXPIRED},
	{"silence after a message ends", CW_REASON_TIMEOUT, true, true, false, CW_FATE_EXPIRED},
	{"lost goes on", CW_REASON_LOST, false, true, true, CW_FATE_UNKNOWN},
	{"lost after a message ends", CW_REASON_LOST, true, true, false, CW_FATE_UNKNOWN},
	{"other protocol goes on", CW_REASON_NO_GATEWAY, true, false, true, CW_FATE_FAILED},
};

START_TEST(tries_the_next_target_or_ends)
{
	const struct step_case *c = &step_cases[_i];
	struct search s;

	start(&s, c->once);
	cw_relay_attempt_done(&s.relay, c->reason, c->written, 2000);
	ck_assert_msg(s.attempts == (c->goes_on ? 2 : 1), "%s: attempts", c->name);
	ck_assert_msg(s.finishes == (c->goes_on ? 0 : 1), "%s: finished", c->name);
	ck_assert_msg(s.relay.outcome == c->reason, "%s: outcome", c->name);
	ck_assert_msg(cw_relay_fate(c->reason) == c->fate, "%s: fate", c->name);
}
END_TEST

START_TEST(ends_after_the_last_target)
{
	struct search s;

	start(&s, false);
	for (int i = 0; i < TARGETS; i++)
		cw_relay_attempt_done(&s.relay, CW_REASON_NOT_FOUND, false, 2000);
	ck_assert_uint_eq(s.attempts, TARGETS);
	ck_assert_uint_eq(s.finishes, 1);
	ck_assert_ptr_eq(s.relay.target, &s.targets[TARGETS - 1]);
}
END_TEST

static const struct outcome_case {
	const char *name;
	enum cw_reason reasons[TARGETS];
	enum cw_reason outcome;
	size_t target; /* which it is about */
} outcome_cases[] = {
	{"all dead", {CW_REASON_UNREACHABLE, CW_REASON_NO_GATEWAY, CW_REASON_UNTRUSTED},
		CW_REASON_UNTRUSTED, 2},
	{"lost, then dead", {CW_REASON_UNREACHABLE, CW_REASON_LOST, CW_REASON_UNREACHABLE},
		CW_REASON_LOST, 1},
	{"silent, then dead", {CW_REASON_TIMEOUT, CW_REASON_NO_GATEWAY, CW_REASON_UNTRUSTED},
		CW_REASON_TIMEOUT, 0},
	{"refused, then silent", {CW_REASON_NOT_FOUND, CW_REASON_UNREACHABLE, CW_REASON_TIMEOUT},
		CW_REASON_TIMEOUT, 2},
};

START_TEST(the_outcome_is_of_whom_it_reached)
{
	const struct outcome_case *c = &outcome_cases[_i];
	struct search s;

	start(&s, false);
	for (int i = 0; i < TARGETS; i++)
		cw_relay_attempt_done(&s.relay, c->reasons[i], false, 2000);
	ck_assert_uint_eq(s.finishes, 1);
	ck_assert_msg(s.relay.outcome == c->outcome, "%s: outcome", c->name);
	ck_assert_msg(s.relay.target == &s.targets[c->target], "%s: target", c->name);
}
END_TEST

START_TEST(ends_when_the_time_is_up)
{
	struct search s;

	start(&s, false);
	cw_relay_attempt_done(&s.relay, CW_REASON_TIMEOUT, true, 1000 + CW_RELAY_TOTAL_MS);
	ck_assert_uint_eq(s.attempts, 1);
	ck_assert_uint_eq(s.finishes, 1);
}
END_TEST

START_TEST(an_early_copy_bars_every_later_target)
{
	struct search s;

	start(&s, true);
	cw_relay_attempt_done(&s.relay, CW_REASON_UNREACHABLE, false, 2000);
	cw_relay_attempt_done(&s.relay, CW_REASON_LOST, true, 2000);
	ck_assert_uint_eq(s.attempts, 2);
	ck_assert_uint_eq(s.finishes, 1);
}
END_TEST

START_TEST(cancelled_tries_nothing_more)
{
	struct search s;

	start(&s, false);
	cw_relay_cancel(&s.relay);
	ck_assert_uint_eq(s.cancels, 1);
	ck_assert_uint_eq(s.finishes, 0);
	cw_relay_attempt_done(&s.relay, CW_REASON_UNREACHABLE, false, 2000);
	ck_assert_uint_eq(s.attempts, 1);
	ck_assert_uint_eq(s.finishes, 1);
}
END_TEST

START_TEST(the_books_find_a_request_without_fate)
{
	struct cw_stats *stats = cw_stats_create();
	struct cw_fates fates;

	ck_assert_ptr_nonnull(stats);
	cw_fates_init(&fates, stats, "");
	for (int i = 0; i < 4; i++)
		cw_fates_open(&fates);
	cw_fates_book(&fates, CW_FATE_DELIVERED);
	cw_fates_book(&fates, CW_FATE_UNKNOWN);
	cw_fates_settle(&fates, 2);
	ck_assert_uint_eq(cw_stats_value(stats, "requests.received"), 4);
	ck_assert_uint_eq(cw_stats_value(stats, "requests.open"), 2);
	ck_assert_uint_eq(cw_stats_value(stats, "fate.delivered"), 1);
	ck_assert_uint_eq(cw_stats_value(stats, "fate.unknown"), 1);
	ck_assert_uint_eq(cw_stats_value(stats, "unaccounted"), 0);
	cw_fates_settle(&fates, 1);
	ck_assert_uint_eq(cw_stats_value(stats, "unaccounted"), 1);
	cw_stats_destroy(stats);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay");
	TCase *tcase = tcase_create("relay");

	ADD_ROWS(tcase, tries_the_next_target_or_ends, step_cases);
	tcase_add_test(tcase, ends_after_the_last_target);
	ADD_ROWS(tcase, the_outcome_is_of_whom_it_reached, outcome_cases);
	tcase_add_test(tcase, ends_when_the_time_is_up);
	tcase_add_test(tcase, an_early_copy_bars_every_later_target);
	tcase_add_test(tcase, cancelled_tries_nothing_more);
	tcase_add_test(tcase, the_books_find_a_request_without_fate);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
