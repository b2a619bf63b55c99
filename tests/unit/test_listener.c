#include "net/listener.h"

#include "net/admission.h"
#include "net/connection_private.h"
#include "tests/support_c/wire.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

static struct wire *create_limited(
	const struct wire_settings *settings, const struct cw_admission_limits *limits)
{
	struct wire *w = wire_create(settings);

	cw_admission_set_limits(w->admission, limits);
	return w;
}

static const struct limit_case {
	const char *reason;
	struct cw_admission_limits limits;
} limit_cases[] = {
	{"connections", {2, 9, 9, 9}},
	{"per-address", {9, 2, 9, 9}},
};

START_TEST(bounds_connections)
{
	struct wire *w = create_limited(&(struct wire_settings){0}, &limit_cases[_i].limits);
	struct wire_end *first = wire_dial(w, NULL), *refused;
	char line[64];

	wire_dial(w, NULL);
	WIRE_UNTIL(w, w->n_accepted == 2 && w->accepted[0]->opened && w->accepted[1]->opened);
	refused = wire_dial(w, NULL);
	WIRE_UNTIL(w, refused->closed);
	ck_assert_uint_eq(w->n_accepted, 2);
	snprintf(line, sizeof(line), "warn net.listener event=refused reason=%s",
		limit_cases[_i].reason);
	ck_assert_uint_eq(wire_count_log(w, line), 1);

	/* one leaves, another may come */
	cw_connection_close(first->c);
	WIRE_UNTIL(w, w->accepted[0]->closed || w->accepted[1]->closed);
	wire_dial(w, NULL);
	WIRE_UNTIL(w, w->n_accepted == 3 && w->accepted[2]->opened);
	wire_destroy(w);
}
END_TEST

START_TEST(frees_the_place_of_who_is_dropped)
{
	struct wire *w = create_limited(
		&(struct wire_settings){0}, &(struct cw_admission_limits){9, 1, 1, 1});
	struct wire_end *here = wire_dial(w, NULL);

	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->opened);
	cw_connection_abandon(w->accepted[0]->c);
	w->accepted[0]->c = NULL;
	WIRE_UNTIL(w, here->closed);
	wire_dial(w, NULL);
	WIRE_UNTIL(w, w->n_accepted == 2 && w->accepted[1]->opened);
	ck_assert_uint_eq(wire_count_log(w, "event=refused"), 0);
	wire_destroy(w);
}
END_TEST

/* An open connection keeps its half-open place until the owner says who it is. */
START_TEST(admits_late)
{
	struct wire *w = create_limited(&(struct wire_settings){.opens_late = true},
		&(struct cw_admission_limits){9, 9, 1, 9});
	struct wire_end *refused;

	wire_dial(w, NULL);
	WIRE_UNTIL(w, w->n_accepted == 1 && w->accepted[0]->opened);
	refused = wire_dial(w, NULL);
	WIRE_UNTIL(w, refused->closed);
	ck_assert_uint_eq(wire_count_log(w, "event=refused reason=half-open remote"), 1);
	cw_connection_admit(w->accepted[0]->c);
	cw_connection_admit(w->accepted[0]->c);
	wire_dial(w, NULL);
	WIRE_UNTIL(w, w->n_accepted == 2 && w->accepted[1]->opened);
	refused = wire_dial(w, NULL);
	WIRE_UNTIL(w, refused->closed);
	cw_connection_admit(w->dialled[0]->c); /* dialled by us: it has no place here */

	/* one that goes before it was admitted leaves its place */
	cw_connection_close(w->accepted[1]->c);
	WIRE_UNTIL(w, w->accepted[1]->closed);
	wire_dial(w, NULL);
	WIRE_UNTIL(w, w->n_accepted == 3 && w->accepted[2]->opened);
	wire_destroy(w);
}
END_TEST

static bool drop(struct wire_end *end)
{
	(void)end;
	return false;
}

START_TEST(drops_in_silence)
{
	struct wire *w = wire_create(&(struct wire_settings){.on_accepted = drop});
	struct wire_end *here = wire_dial(w, NULL);

	WIRE_UNTIL(w, here->closed);
	ck_assert_int_eq(here->end, CW_END_PEER);
	ck_assert_uint_eq(w->n_accepted, 1);
	ck_assert_uint_eq(w->accepted[0]->opened + w->accepted[0]->closed, 0);
	ck_assert_uint_eq(wire_count_log(w, "net."), 0);
	wire_destroy(w);
}
END_TEST

/* The numbers of cw_admission by themselves: half-open ones, and who counts as one address. */
static const struct admission_case {
	const char *name, *first, *second;
	bool opens;         /* the first one, before the second comes */
	const char *reason; /* for the second */
	unsigned total;     /* half-open ones of all */
} admission_cases[] = {
	{"half-open", "192.0.2.1", "192.0.2.1", false, "half-open", 9},
	{"opened", "192.0.2.1", "192.0.2.1", true, NULL, 9},
	{"another address", "192.0.2.1", "192.0.2.2", false, NULL, 9},
	{"IPv4 through IPv6", "192.0.2.1", "::ffff:192.0.2.1", false, "half-open", 9},
	{"mapped neighbours", "::ffff:192.0.2.2", "::ffff:192.0.2.1", false, NULL, 9},
	{"one /64", "2001:db8::1", "2001:db8::ffff:1", false, "half-open", 9},
	{"two /64", "2001:db8::1", "2001:db8:0:1::1", false, NULL, 9},
	{"half-open in all", "192.0.2.1", "192.0.2.2", false, "half-open-total", 1},
	{"opened, of all", "192.0.2.1", "192.0.2.2", true, NULL, 1},
};

START_TEST(counts_addresses)
{
	const struct admission_case *c = &admission_cases[_i];
	struct cw_admission *admission = cw_admission_create();
	struct cw_admission_seat seats[2] = {{0}};
	struct cw_address first, second;
	const char *reason;

	cw_admission_set_limits(admission, &(struct cw_admission_limits){9, 9, 1, c->total});
	ck_assert_int_eq(cw_address_make(&first, cw_str_of(c->first), 1), 0);
	ck_assert_int_eq(cw_address_make(&second, cw_str_of(c->second), 2), 0);
	ck_assert_ptr_null(cw_admission_enter(admission, &seats[0], &first));
	if (c->opens)
		cw_admission_opened(&seats[0]);
	reason = cw_admission_enter(admission, &seats[1], &second);
	ck_assert_msg(c->reason ? reason && strcmp(reason, c->reason) == 0 : !reason, "%s: %s",
		c->name, reason);
	cw_admission_leave(&seats[0]);
	cw_admission_leave(&seats[0]);
	cw_admission_leave(&seats[1]);
	ck_assert_ptr_null(cw_admission_enter(admission, &seats[0], &first));
	cw_admission_leave(&seats[0]);
	cw_admission_destroy(admission);
	cw_admission_destroy(NULL);
}
END_TEST

START_TEST(bounds_the_input_that_waits)
{
	struct cw_admission *admission = cw_admission_create();
	struct cw_admission_seat one = {0}, two = {0}, other = {0}, dialled = {0};
	struct cw_address address;

	ck_assert_ptr_nonnull(admission);
	cw_admission_set_limits(admission,
		&(struct cw_admission_limits){9, 9, 9, 9, .input = 150, .input_per_address = 100});
	ck_assert_int_eq(cw_address_parse(&address, cw_str_of("192.0.2.1:1")), 0);
	ck_assert_ptr_null(cw_admission_enter(admission, &one, &address));
	ck_assert_ptr_null(cw_admission_enter(admission, &two, &address));
	ck_assert_int_eq(cw_address_parse(&address, cw_str_of("192.0.2.2:1")), 0);
	ck_assert_ptr_null(cw_admission_enter(admission, &other, &address));

	ck_assert(cw_admission_hold(&one, 60));
	ck_assert(cw_admission_hold(&one, 60));
	ck_assert(cw_admission_hold(&two, 40));
	ck_assert(!cw_admission_hold(&two, 41));
	ck_assert(cw_admission_hold(&other, 50));
	ck_assert(!cw_admission_hold(&other, 51));
	ck_assert(cw_admission_hold(&one, 0));
	ck_assert(cw_admission_hold(&two, 100));
	cw_admission_leave(&two);
	ck_assert(cw_admission_hold(&other, 100));
	ck_assert(cw_admission_hold(&dialled, 1000));

	cw_admission_leave(&one);
	cw_admission_leave(&other);
	cw_admission_destroy(admission);
}
END_TEST

START_TEST(admission_survives_short_memory)
{
	struct cw_admission *admission = cw_admission_create();
	struct cw_admission_seat seat = {0};
	struct cw_address remote;
	const char *reason;

	ck_assert_int_eq(cw_address_parse(&remote, cw_str_of("192.0.2.1:1")), 0);
	for (unsigned n = 1;; n++) {
		alloc_fail_at(n);
		reason = cw_admission_enter(admission, &seat, &remote);
		if (!alloc_fail_reached())
			break;
		ck_assert_str_eq(reason, "memory");
		ck_assert_ptr_null(seat.host);
	}
	ck_assert_ptr_null(reason);
	cw_admission_leave(&seat);
	cw_admission_destroy(admission);
}
END_TEST

/* --- no descriptors --- */

/* At EMFILE the connection waits in the backlog; the listener rests instead of spinning, and takes it when it can. */
START_TEST(rests_without_descriptors)
{
	struct wire *w = wire_create(&(struct wire_settings){0});
	struct wire_end *here = wire_dial(w, NULL); /* its socket is there already */
	struct rlimit limit, low;
	int probe = open("/dev/null", O_RDONLY);

	ck_assert_int_ge(probe, 0);
	close(probe);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)probe;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	WIRE_UNTIL(w, here->opened && wire_count_log(w, "event=accept-failed") > 0);
	ck_assert_uint_eq(w->n_accepted, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	WIRE_UNTIL(w, w->n_accepted == 1);
	ck_assert_uint_eq(wire_count_log(w, "error net.listener event=accept-failed"), 1);
	wire_destroy(w);
}
END_TEST

/* --- sockets --- */

static int create_on(struct cw_listener **out, struct wire *w, const char *address)
{
	struct cw_listener_settings settings = {.admission = w->admission};

	ck_assert_int_eq(cw_address_parse(&settings.address, cw_str_of(address)), 0);
	return cw_listener_create(out, w->loop, &settings);
}

START_TEST(reports_bind_errors)
{
	struct wire *w = wire_create(&(struct wire_settings){0});
	struct cw_listener *second = NULL;
	char taken[CW_ADDRESS_TEXT_MAX];

	cw_address_format(cw_listener_address(w->listener), taken);
	ck_assert_int_eq(create_on(&second, w, taken), -EADDRINUSE);
	ck_assert_int_eq(create_on(&second, w, "192.0.2.1:0"), -EADDRNOTAVAIL);
	ck_assert_ptr_null(second);
	cw_listener_destroy(NULL);
	wire_destroy(w);
}
END_TEST

START_TEST(ipv6_leaves_ipv4_free)
{
	struct wire *w = wire_create(&(struct wire_settings){0});
	struct cw_listener *v6 = NULL, *v4 = NULL;
	char text[CW_ADDRESS_TEXT_MAX];
	int r = create_on(&v6, w, "[::]:0");

	if (r != -EAFNOSUPPORT) { /* a machine without IPv6 */
		ck_assert_int_eq(r, 0);
		snprintf(
			text, sizeof(text), "0.0.0.0:%u", cw_address_port(cw_listener_address(v6)));
		ck_assert_int_eq(create_on(&v4, w, text), 0);
	}
	cw_listener_destroy(v6);
	cw_listener_destroy(v4);
	wire_destroy(w);
}
END_TEST

START_TEST(connections_outlive_the_listener)
{
	struct wire *w = wire_create(&(struct wire_settings){0});
	struct wire_end *here = wire_dial(w, NULL);

	WIRE_UNTIL(w, here->opened && w->n_accepted == 1 && w->accepted[0]->opened);
	cw_listener_destroy(w->listener);
	w->listener = NULL;
	ck_assert_int_eq(cw_connection_send(here->c, cw_str_of("x")), 0);
	WIRE_UNTIL(w, w->accepted[0]->in.len == 1);
	wire_destroy(w);
}
END_TEST

#define FINISHERS 100 /* more than libevent calls back in one round */

static unsigned n_opened, n_closed;

static void count_opened(struct wire_end *end)
{
	(void)end;
	n_opened++;
}

static void count_closed(struct wire_end *end)
{
	(void)end;
	n_closed++;
}

static size_t echo(struct wire_end *end, struct cw_str bytes)
{
	ck_assert_int_eq(cw_connection_send(end->c, bytes), 0);
	return bytes.len;
}

static bool echo_and_count(struct wire_end *end)
{
	end->on_opened = count_opened;
	end->on_received = echo;
	end->on_closed = count_closed;
	return true;
}

/* Of many peers that send and finish at once, none loses what we answered. */
START_TEST(answers_peers_that_finish)
{
	struct wire *w = wire_create(&(struct wire_settings){.on_accepted = echo_and_count});
	const struct cw_address *address = cw_listener_address(w->listener);
	int fds[FINISHERS];
	char bytes[8];

	for (size_t i = 0; i < FINISHERS; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		ck_assert_int_eq(connect(fds[i], &address->sa.any, address->len), 0);
	}
	WIRE_UNTIL(w, n_opened == FINISHERS);
	for (size_t i = 0; i < FINISHERS; i++) {
		ck_assert_int_eq(send(fds[i], "ping", 4, 0), 4);
		ck_assert_int_eq(shutdown(fds[i], SHUT_WR), 0);
	}
	WIRE_UNTIL(w, n_closed == FINISHERS);
	for (size_t i = 0; i < FINISHERS; i++) {
		ck_assert_int_eq(recv(fds[i], bytes, sizeof(bytes), 0), 4);
		ck_assert_int_eq(w->accepted[i]->end, CW_END_PEER);
		close(fds[i]);
	}
	wire_destroy(w);
}
END_TEST

static const struct option_case {
	const char *name;
	int level, option, value;
} option_cases[] = {
	{"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1},
	{"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1},
	{"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, CW_CONNECTION_DEAD_PEER_MS},
};

START_TEST(tunes_sockets)
{
	const struct option_case *c = &option_cases[_i];
	int fd = socket(AF_INET, SOCK_STREAM, 0), value = -1;
	socklen_t len = sizeof(value);

	cw_connection_tune(fd);
	ck_assert_int_eq(getsockopt(fd, c->level, c->option, &value, &len), 0);
	ck_assert_msg(value == c->value, "%s is %d", c->name, value);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listener");
	TCase *tc = tcase_create("listener");

	ADD_ROWS(tc, bounds_connections, limit_cases);
	tcase_add_test(tc, frees_the_place_of_who_is_dropped);
	tcase_add_test(tc, admits_late);
	tcase_add_test(tc, drops_in_silence);
	ADD_ROWS(tc, counts_addresses, admission_cases);
	tcase_add_test(tc, bounds_the_input_that_waits);
	tcase_add_test(tc, admission_survives_short_memory);
	tcase_add_test(tc, rests_without_descriptors);
	tcase_add_test(tc, reports_bind_errors);
	tcase_add_test(tc, ipv6_leaves_ipv4_free);
	tcase_add_test(tc, connections_outlive_the_listener);
	tcase_add_test(tc, answers_peers_that_finish);
	ADD_ROWS(tc, tunes_sockets, option_cases);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
