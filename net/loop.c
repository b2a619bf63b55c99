/* The event loop: libevent's base, timers, signals and the end of a turn. */
#include "net/loop.h"

#include "core/log.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define CALLBACKS_MAX 256 /* before epoll is asked again */
#define PUT_OFF_MAX   8 /* ends of turns, two for each record, that bytes to write wait for more */

struct cw_loop {
	struct event_base *base;
	/*
	 * Activated by the first deferred work of a turn, it stands in libevent's queue behind all events of
	 * that turn. Unlike a loop of EVLOOP_ONCE calls it comes round under any load.
	 */
	struct event *turn_end;
	struct cw_list deferred, writes;
	unsigned n_put_off; /* ends of turns that `writes` have waited */
	struct cw_deferred log_flush;
	struct cw_list signals;
	uint64_t now_ms; /* 0: not read yet in this turn */
};

struct cw_timer {
	struct cw_loop *loop;
	struct event event;
	void (*expired)(void *arg);
	void *arg;
};

struct signal_watch {
	struct cw_list link;
	struct event *event;
	void (*received)(void *arg);
	void *arg;
};

static void on_libevent_message(int severity, const char *message)
{
	if (severity == EVENT_LOG_DEBUG)
		return;
	cw_warn("net.loop", cw_kz("event", "libevent"), cw_kz("message", message));
}

/* Run what was put off until now; what is put off meanwhile comes in a further round. */
static void run_deferred(struct cw_list *deferred)
{
	struct cw_list round;

	cw_list_init(&round);
	if (!cw_list_empty(deferred)) {
		cw_list_append(deferred, &round);
		cw_list_remove(deferred);
	}
	while (!cw_list_empty(&round)) {
		struct cw_deferred *d = cw_container_of(round.next, struct cw_deferred, link);

		cw_list_remove(&d->link);
		d->run(d->arg);
	}
}

/*
 * Connections that read on without epoll, and their callbacks, are in libevent's queue already: wait for what they will send, but
 * not for ever.
 */
static void run_writes(struct cw_loop *loop)
{
	if (cw_list_empty(&loop->writes))
		return;
	if (event_base_get_num_events(loop->base, EVENT_BASE_COUNT_ACTIVE) > 0 &&
		loop->n_put_off++ < PUT_OFF_MAX) {
		event_active(loop->turn_end, EV_TIMEOUT, 0);
		return;
	}
	loop->n_put_off = 0;
	run_deferred(&loop->writes);
}

static void on_turn_end(evutil_socket_t fd, short what, void *arg)
{
	struct cw_loop *loop = arg;

	(void)fd;
	(void)what;
	run_deferred(&loop->deferred);
	run_writes(loop);
	loop->now_ms = 0;
}

static struct event_base *create_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (!config)
		return NULL;
	/* Connections that read on without epoll must not keep it from the others for ever. */
	event_config_set_max_dispatch_interval(config, NULL, CALLBACKS_MAX, 0);
	event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST |
					      EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

static void on_log_due(void *arg)
{
	struct cw_loop *loop = arg;

	cw_loop_defer_write(loop, &loop->log_flush);
}

static void on_log_flush(void *arg)
{
	(void)arg;
	cw_log_flush();
}

int cw_loop_create(struct cw_loop **out)
{
	struct cw_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	event_set_log_callback(on_libevent_message);
	cw_list_init(&loop->deferred);
	cw_list_init(&loop->writes);
	cw_list_init(&loop->signals);
	cw_deferred_init(&loop->log_flush, on_log_flush, loop);
	loop->base = create_base();
	if (loop->base)
		loop->turn_end = event_new(loop->base, -1, 0, on_turn_end, loop);
	if (!loop->turn_end) {
		cw_loop_destroy(loop);
		return -ENOMEM;
	}
	/* A peer that went away must be an error of write(), not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	*out = loop;
	return 0;
}

void cw_loop_destroy(struct cw_loop *loop)
{
	if (!loop)
		return;
	/* Abandoned connections wait here to be freed. */
	while (!cw_list_empty(&loop->deferred))
		run_deferred(&loop->deferred);
	while (!cw_list_empty(&loop->signals)) {
		struct signal_watch *w =
			cw_container_of(loop->signals.next, struct signal_watch, link);

		cw_list_remove(&w->link);
		event_free(w->event);
		free(w);
	}
	if (loop->turn_end)
		event_free(loop->turn_end);
	if (loop->base)
		event_base_free(loop->base); /* runs the finalizers of freed bufferevents */
	free(loop);
}

int cw_loop_run(struct cw_loop *loop)
{
	int r;

	cw_log_hold(on_log_due, loop);
	r = event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0 ? -EIO : 0;
	cw_log_hold(NULL, NULL);
	return r;
}

void cw_loop_stop(struct cw_loop *loop)
{
	/* loopexit lets the turn finish but allocates; loopbreak needs nothing and cuts the turn short. */
	if (event_base_loopexit(loop->base, NULL) < 0)
		event_base_loopbreak(loop->base);
}

uint64_t cw_loop_now_ms(struct cw_loop *loop)
{
	struct timespec t;

	if (loop->now_ms == 0) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		loop->now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
		event_active(loop->turn_end, EV_TIMEOUT, 0); /* which forgets it */
	}
	return loop->now_ms;
}

struct event_base *cw_loop_base(struct cw_loop *loop)
{
	return loop->base;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct cw_timer *timer = arg;

	(void)fd;
	(void)what;
	timer->expired(timer->arg);
}

int cw_timer_create(
	struct cw_timer **out, struct cw_loop *loop, void (*expired)(void *arg), void *arg)
{
	struct cw_timer *timer = malloc(sizeof(*timer));

	if (!timer)
		return -ENOMEM;
	timer->loop = loop;
	timer->expired = expired;
	timer->arg = arg;
	evtimer_assign(&timer->event, loop->base, on_timer, timer);
	*out = timer;
	return 0;
}

void cw_timer_start(struct cw_timer *timer, uint64_t ms)
{
	struct timeval after = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	evtimer_add(&timer->event, &after);
}

void cw_timer_stop(struct cw_timer *timer)
{
	evtimer_del(&timer->event);
}

void cw_timer_destroy(struct cw_timer *timer)
{
	if (!timer)
		return;
	evtimer_del(&timer->event);
	free(timer);
}

void cw_deferred_init(struct cw_deferred *d, void (*run)(void *arg), void *arg)
{
	cw_list_init(&d->link);
	d->run = run;
	d->arg = arg;
}

static void defer(struct cw_loop *loop, struct cw_list *deferred, struct cw_deferred *d)
{
	if (!cw_list_empty(&d->link))
		return;
	cw_list_append(deferred, &d->link);
	event_active(loop->turn_end, EV_TIMEOUT, 0);
}

void cw_loop_defer(struct cw_loop *loop, struct cw_deferred *d)
{
	defer(loop, &loop->deferred, d);
}

void cw_loop_defer_write(struct cw_loop *loop, struct cw_deferred *d)
{
	defer(loop, &loop->writes, d);
}

void cw_deferred_cancel(struct cw_deferred *d)
{
	cw_list_remove(&d->link);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct signal_watch *w = arg;

	(void)signo;
	(void)what;
	w->received(w->arg);
}

int cw_loop_on_signal(struct cw_loop *loop, int signo, void (*received)(void *arg), void *arg)
{
	struct signal_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->received = received;
	w->arg = arg;
	w->event = evsignal_new(loop->base, signo, on_signal, w);
	if (!w->event || evsignal_add(w->event, NULL) < 0) {
		if (w->event)
			event_free(w->event);
		free(w);
		return -ENOMEM;
	}
	cw_list_append(&loop->signals, &w->link);
	return 0;
}
