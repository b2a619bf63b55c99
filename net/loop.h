/*
 * The event loop of the process, on libevent: timers, signals, and work put off to the end of a turn.
 *
 * One loop a process, one thread. Times are milliseconds of the monotonic clock, read once a turn.
 * SIGPIPE is ignored from the first cw_loop_create on.
 */
#ifndef CW_NET_LOOP_H
#define CW_NET_LOOP_H

#include "core/list.h"

#include <stdint.h>

struct cw_loop;
struct cw_timer;
struct event_base;

/*
 * A loop whose changes of interest go to the kernel together with the next wait (EPOLL_USE_CHANGELIST).
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_loop_create(struct cw_loop **out);

/* Free it; all that was made on it must be gone. NULL is fine. */
void cw_loop_destroy(struct cw_loop *loop);

/*
 * Run until cw_loop_stop. Meanwhile log lines are written together, at the end of each turn.
 *
 * Returns: 0; -EIO when libevent gives up.
 */
int cw_loop_run(struct cw_loop *loop);

/* Return from cw_loop_run at the end of this turn. */
void cw_loop_stop(struct cw_loop *loop);

/* Monotonic milliseconds: the same value throughout a turn, read when it is first asked for. */
uint64_t cw_loop_now_ms(struct cw_loop *loop);

/* libevent's base, for the files of net/ alone. */
struct event_base *cw_loop_base(struct cw_loop *loop);

/*
 * A one-shot timer, stopped. The callback runs from the loop and may start or destroy it.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_timer_create(
	struct cw_timer **out, struct cw_loop *loop, void (*expired)(void *arg), void *arg);

/* (Re)start it to expire in `ms`. */
void cw_timer_start(struct cw_timer *timer, uint64_t ms);

/* Stop it; it does not expire any more. */
void cw_timer_stop(struct cw_timer *timer);

/* Free it, stopped or not; NULL is fine. */
void cw_timer_destroy(struct cw_timer *timer);

/* Work for the end of this turn; embed it. Several requests to run within a turn run it once. */
struct cw_deferred {
	struct cw_list link;
	void (*run)(void *arg);
	void *arg;
};

/* Prepare one; nothing is put off yet. */
void cw_deferred_init(struct cw_deferred *d, void (*run)(void *arg), void *arg);

/* Run it when the events of this turn are done (or, outside of a turn, at the end of the next). */
void cw_loop_defer(struct cw_loop *loop, struct cw_deferred *d);

/*
 * The same for a system call that may carry more when it waits: run it when no event is left to handle, or some turns later, behind
 * all that is deferred.
 */
void cw_loop_defer_write(struct cw_loop *loop, struct cw_deferred *d);

/* Forget it; harmless when nothing is put off. To be called before its owner is freed. */
void cw_deferred_cancel(struct cw_deferred *d);

/*
 * Call `received` from the loop whenever the process gets the signal; until the loop is destroyed.
 *
 * Returns: 0; -ENOMEM.
 */
int cw_loop_on_signal(struct cw_loop *loop, int signo, void (*received)(void *arg), void *arg);

#endif
