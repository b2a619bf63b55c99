#include "net/loop.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static struct cw_loop *loop;
static char trace[64]; /* one letter for each thing that ran, in order */

static char letter_a[] = "a", letter_b[] = "b", letter_d[] = "d", letter_e[] = "e",
	    letter_l[] = "l", letter_none[] = "", letter_s[] = "s", letter_t[] = "t",
	    letter_u[] = "u";

static void begin(void)
{
	trace[0] = '\0';
	ck_assert_int_eq(cw_loop_create(&loop), 0);
}

static void end(void)
{
	cw_loop_destroy(loop);
}

static void note(void *arg)
{
	strcat(trace, arg);
}

static void stop(void *arg)
{
	(void)arg;
	cw_loop_stop(loop);
}

static struct cw_deferred deferred_a, deferred_b, deferred_stop;

static void note_and_defer_b(void *arg)
{
	note(arg);
	cw_loop_defer(loop, &deferred_b);
}

static void note_and_cancel_b(void *arg)
{
	note(arg);
	cw_deferred_cancel(&deferred_b);
}

START_TEST(runs_deferred_work_once)
{
	cw_deferred_init(&deferred_a, note, letter_a);
	cw_deferred_init(&deferred_stop, stop, NULL);
	cw_loop_defer(loop, &deferred_a);
	cw_loop_defer(loop, &deferred_a);
	cw_loop_defer(loop, &deferred_stop);
	ck_assert_str_eq(trace, "");
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_str_eq(trace, "a");
	cw_loop_defer(loop, &deferred_a);
	cw_loop_defer(loop, &deferred_stop);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_str_eq(trace, "aa");
}
END_TEST

START_TEST(deferred_work_defers_more)
{
	cw_deferred_init(&deferred_a, note_and_defer_b, letter_a);
	cw_deferred_init(&deferred_b, note, letter_b);
	cw_deferred_init(&deferred_stop, stop, NULL);
	cw_loop_defer(loop, &deferred_a);
	cw_loop_defer(loop, &deferred_stop);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_str_eq(trace, "ab");
}
END_TEST

START_TEST(cancels_deferred_work)
{
	cw_deferred_init(&deferred_a, note_and_cancel_b, letter_a);
	cw_deferred_init(&deferred_b, note, letter_b);
	cw_deferred_init(&deferred_stop, stop, NULL);
	cw_deferred_cancel(&deferred_b); /* harmless */
	cw_loop_defer(loop, &deferred_a);
	cw_loop_defer(loop, &deferred_b);
	cw_loop_defer(loop, &deferred_stop);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_str_eq(trace, "a");
}
END_TEST

START_TEST(destroy_runs_what_waits)
{
	struct cw_loop *other;

	ck_assert_int_eq(cw_loop_create(&other), 0);
	cw_deferred_init(&deferred_a, note, letter_a);
	cw_loop_defer(other, &deferred_a);
	cw_loop_destroy(other);
	cw_loop_destroy(NULL);
	ck_assert_str_eq(trace, "a");
}
END_TEST

static void note_late(void *arg)
{
	note(arg);
	cw_loop_stop(loop);
}

START_TEST(expires_timers_in_order)
{
	struct cw_timer *early, *late, *stopped;

	ck_assert_int_eq(cw_timer_create(&late, loop, note_late, letter_l), 0);
	ck_assert_int_eq(cw_timer_create(&early, loop, note, letter_e), 0);
	ck_assert_int_eq(cw_timer_create(&stopped, loop, note, letter_s), 0);
	cw_timer_start(late, 20);
	cw_timer_start(stopped, 1);
	cw_timer_start(early, 1);
	cw_timer_stop(stopped);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_str_eq(trace, "el");
	cw_timer_start(late, 0);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_str_eq(trace, "ell"); /* one shot each */
	cw_timer_start(early, 1);       /* destroyed while it runs */
	cw_timer_destroy(early);
	cw_timer_destroy(late);
	cw_timer_destroy(stopped);
	cw_timer_destroy(NULL);
}
END_TEST

static struct cw_timer *own;

static void destroy_own(void *arg)
{
	note(arg);
	cw_timer_destroy(own);
	cw_loop_stop(loop);
}

START_TEST(timer_destroys_itself)
{
	ck_assert_int_eq(cw_timer_create(&own, loop, destroy_own, letter_d), 0);
	cw_timer_start(own, 0);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_str_eq(trace, "d");
}
END_TEST

static uint64_t seen[2];

static void see_time(void *arg)
{
	seen[0] = cw_loop_now_ms(loop);
	usleep(3000);
	seen[1] = cw_loop_now_ms(loop);
	cw_loop_stop(loop);
	note(arg);
}

START_TEST(time_stands_still_within_a_turn)
{
	cw_deferred_init(&deferred_a, see_time, letter_t);
	cw_loop_defer(loop, &deferred_a);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_uint_eq(seen[0], seen[1]);
	ck_assert_uint_gt(cw_loop_now_ms(loop), seen[0]);
}
END_TEST

START_TEST(receives_signals)
{
	ck_assert_int_eq(cw_loop_on_signal(loop, SIGUSR1, note_late, letter_u), 0);
	ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
	ck_assert_int_eq(cw_loop_run(loop), 0);
	ck_assert_str_eq(trace, "uu");
}
END_TEST

START_TEST(ignores_sigpipe)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	close(fds[0]);
	ck_assert_int_eq((int)write(fds[1], "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	close(fds[1]);
}
END_TEST

START_TEST(survives_short_memory)
{
	struct cw_loop *other = NULL;
	struct cw_timer *timer = NULL;
	int r;

	for (unsigned n = 1;; n++) {
		alloc_fail_at(n);
		r = cw_loop_create(&other);
		if (r == 0)
			r = cw_timer_create(&timer, other, note, letter_none);
		if (r == 0)
			r = cw_loop_on_signal(other, SIGUSR2, note, letter_none);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		cw_timer_destroy(timer);
		cw_loop_destroy(other);
		other = NULL;
		timer = NULL;
	}
	ck_assert_int_eq(r, 0);
	cw_timer_destroy(timer);
	cw_loop_destroy(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tc = tcase_create("loop");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, runs_deferred_work_once);
	tcase_add_test(tc, deferred_work_defers_more);
	tcase_add_test(tc, cancels_deferred_work);
	tcase_add_test(tc, destroy_runs_what_waits);
	tcase_add_test(tc, expires_timers_in_order);
	tcase_add_test(tc, timer_destroys_itself);
	tcase_add_test(tc, time_stands_still_within_a_turn);
	tcase_add_test(tc, receives_signals);
	tcase_add_test(tc, ignores_sigpipe);
	tcase_add_test(tc, survives_short_memory);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
