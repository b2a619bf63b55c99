#include "daemon/commands.h"

#include "core/log.h"
#include "core/version.h"
#include "daemon/options.h"
#include "daemon/service.h"
#include "dialplan/pattern.h"
#include "net/dns.h"
#include "net/listener.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

/*
 * All connections that may come in, all questions to DNS, and 1000 for what is dialled, listened on
 * and read.
 */
#define DESCRIPTORS_WANTED (CW_LISTENER_CONNECTIONS_MAX + CW_DNS_QUERIES_MAX + 1000)

#define STOP_MS  5000 /* for what is under way when the daemon is told to stop */
#define FLUSH_MS 100  /* for the last answers to leave */

struct run {
	struct cw_loop *loop;
	struct cw_service *service;
	struct cw_timer *stop_timer;
	bool stopping;
	bool flushing;
};

static void on_idle(void *arg)
{
	struct run *run = arg;

	run->flushing = true;
	cw_timer_start(run->stop_timer, FLUSH_MS);
}

static void on_stop_timer(void *arg)
{
	struct run *run = arg;

	if (run->flushing) {
		cw_loop_stop(run->loop);
		return;
	}
	cw_service_abort(run->service);
	on_idle(run);
}

/* The first signal lets what is under way end; a second one does not wait. */
static void on_stop_signal(void *arg)
{
	struct run *run = arg;

	if (run->stopping) {
		on_stop_timer(run);
		return;
	}
	run->stopping = true;
	cw_info("daemon", cw_kz("event", "stopping"));
	cw_timer_start(run->stop_timer, STOP_MS);
	cw_service_stop(run->service, on_idle, run);
}

static void on_reload_signal(void *arg)
{
	struct run *run = arg;
	struct cw_diag diag = {0};
	int r;

	if (run->stopping)
		return;
	r = cw_service_reload(run->service, &diag);
	if (diag.count)
		cw_diag_print(&diag, stderr);
	if (r)
		cw_error("daemon", cw_kz("event", "reload-refused"), cw_kz("error", strerror(-r)),
			cw_ki("errors", (int64_t)diag.errors));
	else
		cw_info("daemon", cw_kz("event", "reloaded"));
	cw_diag_finish(&diag);
}

static void on_stats_signal(void *arg)
{
	struct run *run = arg;

	cw_service_print_stats(run->service, stdout);
}

static int watch_signals(struct run *run)
{
	static const struct {
		int signo;
		void (*received)(void *arg);
	} signals[] = {
		{SIGTERM, on_stop_signal},
		{SIGINT, on_stop_signal},
		{SIGHUP, on_reload_signal},
		{SIGUSR1, on_stats_signal},
	};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(signals) / sizeof(*signals); i++)
		r = cw_loop_on_signal(run->loop, signals[i].signo, signals[i].received, run);
	return r;
}

/*
 * Take all file descriptors that we may have: the usual 1024 are for programs that use select(), and
 * the bounds on connections are ours to keep.
 */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < DESCRIPTORS_WANTED)
		cw_warn("daemon", cw_kz("event", "few-descriptors"),
			cw_ki("limit", (int64_t)limit.rlim_cur),
			cw_ki("wanted", DESCRIPTORS_WANTED));
}

/*
 * Make everything that runs.
 *
 * Returns: 0; a negative errno, with the reasons in `diag` where they are the user's to mend.
 */
static int start(struct run *run, const char *path, struct cw_diag *diag)
{
	int r = cw_loop_create(&run->loop);

	if (!r)
		r = cw_timer_create(&run->stop_timer, run->loop, on_stop_timer, run);
	/* before what takes time: a SIGHUP that comes meanwhile waits for the loop and does not kill us */
	if (!r)
		r = watch_signals(run);
	if (!r)
		r = cw_service_create(&run->service, run->loop, path, diag);
	return r;
}

int cw_command_run(const struct cw_options *options)
{
	struct run run = {0};
	struct cw_diag diag = {0};
	int r = start(&run, cw_options_config(options), &diag);

	if (diag.count)
		cw_diag_print(&diag, stderr);
	if (r && !diag.errors)
		cw_error("daemon", cw_kz("event", "cannot-start"), cw_kz("error", strerror(-r)));
	cw_diag_finish(&diag);
	if (!r) {
		raise_descriptor_limit();
		if (cw_pattern_jit_refused())
			cw_warn("daemon", cw_kz("event", "jit-refused"),
				cw_kz("consequence",
					"regexes are interpreted, several times slower"));
		cw_info("daemon", cw_kz("event", "ready"), cw_kz("version", CW_VERSION));
		r = cw_loop_run(run.loop);
		cw_service_print_stats(run.service, stdout);
		cw_info("daemon", cw_kz("event", "stopped"));
	}
	cw_service_destroy(run.service);
	cw_timer_destroy(run.stop_timer);
	cw_loop_destroy(run.loop);
	if (!r)
		return 0;
	return r == -EINVAL ? 2 : 1;
}
