#include "net/local_listener.h"

#include "core/buf.h"
#include "core/log.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ENDS_MAX 32

static struct cw_loop *loop;
static char folder[64], path[80];
static unsigned n_accepted, n_opened, n_closed;
static struct cw_connection *accepted[ENDS_MAX];
static struct cw_buf lines;

static void collect(void *arg, struct cw_str line)
{
	(void)arg;
	cw_buf_add(&lines, line);
}

static void on_opened(struct cw_connection *c, void *arg)
{
	(void)c;
	(void)arg;
	n_opened++;
}

/* Says back what it hears. */
static size_t on_received(struct cw_connection *c, void *arg, struct cw_str bytes)
{
	(void)arg;
	ck_assert_int_eq(cw_connection_send(c, bytes), 0);
	return bytes.len;
}

static void on_drained(struct cw_connection *c, void *arg)
{
	(void)c;
	(void)arg;
}

static void on_closed(
	struct cw_connection *c, void *arg, enum cw_connection_end end, const char *detail)
{
	struct cw_connection **place = arg;

	(void)c;
	(void)end;
	(void)detail;
	*place = NULL;
	n_closed++;
}

static const struct cw_connection_handler handler = {
	.opened = on_opened,
	.received = on_received,
	.drained = on_drained,
	.closed = on_closed,
};

static void *on_accepted(struct cw_connection *c, void *arg)
{
	(void)arg;
	ck_assert_uint_lt(n_accepted, ENDS_MAX);
	accepted[n_accepted] = c;
	return &accepted[n_accepted++];
}

static int create(struct cw_local_listener **out, const char *where)
{
	return cw_local_listener_create(out, loop,
		&(struct cw_local_listener_settings){
			.path = where, .handler = &handler, .accepted = on_accepted});
}

static void abandon_all(void)
{
	for (unsigned i = 0; i < n_accepted; i++) {
		if (accepted[i])
			cw_connection_abandon(accepted[i]);
		accepted[i] = NULL;
	}
}

static void stop(void *arg)
{
	cw_loop_stop(arg);
}

/* One turn of the loop, without waiting. */
static void turn(void)
{
	struct cw_deferred end;

	cw_deferred_init(&end, stop, loop);
	cw_loop_defer(loop, &end);
	ck_assert_int_eq(cw_loop_run(loop), 0);
}

#define UNTIL(condition)                                                                           \
	while (!(condition))                                                                       \
	turn()

static int dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void set_up(void)
{
	strcpy(folder, "/tmp/causeway-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/socket", folder);
	n_accepted = n_opened = n_closed = 0;
	cw_log_set_sink(collect, NULL);
	ck_assert_int_eq(cw_loop_create(&loop), 0);
}

static void tear_down(void)
{
	abandon_all();
	turn();
	cw_loop_destroy(loop);
	cw_log_set_sink(NULL, NULL);
	cw_buf_finish(&lines);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(is_for_its_owner_and_goes_away)
{
	struct cw_local_listener *l;
	struct stat st;
	char answer[8] = "";
	int fd;

	ck_assert_int_eq(create(&l, path), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	fd = dial();
	ck_assert_int_eq(write(fd, "hello", 5), 5);
	UNTIL(read(fd, answer, sizeof(answer)) == 5);
	ck_assert_str_eq(answer, "hello");
	close(fd);
	UNTIL(n_closed == 1);
	cw_local_listener_destroy(l);
	ck_assert_int_eq(stat(path, &st), -1);
}
END_TEST

START_TEST(replaces_one_that_nobody_listens_on)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int old = socket(AF_UNIX, SOCK_STREAM, 0);
	struct cw_local_listener *l, *second = NULL;

	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(old, (struct sockaddr *)&address, sizeof(address)), 0);
	close(old);
	ck_assert_int_eq(create(&l, path), 0);
	close(dial());

	/* but not one that somebody listens on */
	ck_assert_int_eq(create(&second, path), -EADDRINUSE);
	ck_assert_ptr_null(second);
	close(dial());
	cw_local_listener_destroy(l);
}
END_TEST

START_TEST(leaves_other_files_alone)
{
	struct cw_local_listener *l = NULL;
	struct stat st;
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(create(&l, path), -ENOTSOCK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("elsewhere", path), 0);
	ck_assert_int_eq(create(&l, path), -ENOTSOCK);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_ptr_null(l);
}
END_TEST

START_TEST(leaves_alone_what_took_its_place)
{
	struct cw_local_listener *l, *other;
	struct stat st;

	ck_assert_int_eq(create(&l, path), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(create(&other, path), 0);
	cw_local_listener_destroy(l);
	ck_assert_int_eq(stat(path, &st), 0);
	cw_local_listener_destroy(other);
}
END_TEST

START_TEST(says_why_not)
{
	struct cw_local_listener *l = NULL;
	char long_path[200];

	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	ck_assert_int_eq(create(&l, long_path), -ENAMETOOLONG);
	ck_assert_int_eq(create(&l, "/nowhere/at/all"), -ENOENT);
	ck_assert_ptr_null(l);
}
END_TEST

START_TEST(bounds_connections)
{
	struct cw_local_listener *l;
	int fds[CW_LOCAL_CONNECTIONS_MAX], fd;
	char byte;

	ck_assert_int_eq(create(&l, path), 0);
	for (unsigned i = 0; i < CW_LOCAL_CONNECTIONS_MAX; i++) {
		fds[i] = dial();
		UNTIL(n_opened == i + 1);
	}
	fd = dial();
	UNTIL(read(fd, &byte, 1) == 0);
	ck_assert_uint_eq(n_accepted, CW_LOCAL_CONNECTIONS_MAX);
	cw_buf_add_char(&lines, '\0');
	ck_assert_ptr_nonnull(
		strstr(lines.data, "warn net.local event=refused reason=connections"));
	close(fd);

	/* one leaves, another may come */
	close(fds[0]);
	UNTIL(n_closed == 1);
	fds[0] = dial();
	UNTIL(n_opened == CW_LOCAL_CONNECTIONS_MAX + 1);
	for (unsigned i = 0; i < CW_LOCAL_CONNECTIONS_MAX; i++)
		close(fds[i]);
	abandon_all();
	cw_local_listener_destroy(l);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_local_listener *l = NULL;
	struct stat st;
	int r;

	for (unsigned n = 1;; n++) {
		alloc_fail_at(n);
		r = create(&l, path);
		if (!alloc_fail_reached())
			break;
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_ptr_null(l);
		ck_assert_int_eq(stat(path, &st), -1);
	}
	ck_assert_int_eq(r, 0);
	cw_local_listener_destroy(l);
	cw_local_listener_destroy(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("local_listener");
	TCase *tc = tcase_create("local_listener");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, is_for_its_owner_and_goes_away);
	tcase_add_test(tc, replaces_one_that_nobody_listens_on);
	tcase_add_test(tc, leaves_other_files_alone);
	tcase_add_test(tc, leaves_alone_what_took_its_place);
	tcase_add_test(tc, says_why_not);
	tcase_add_test(tc, bounds_connections);
	tcase_add_test(tc, copes_with_short_memory);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
