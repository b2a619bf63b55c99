#include "admin/control_server.h"

#include "core/buf.h"
#include "net/local_listener.h"
#include "tests/unit/unit.h"

#include <jansson.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct cw_loop *loop;
static char folder[64], path[80];
static struct cw_views views;
static struct cw_tap tap;
static struct cw_control_server *server;

/* ---- what is served ---- */

static const struct cw_view_column columns[] = {
	{"name", "NAME", CW_VIEW_TEXT},
	{"number", NULL, CW_VIEW_NUMBER},
};

struct rows {
	uint64_t n, made;
	struct cw_str name;
};

static void give_rows(void *arg, struct cw_view_walk *walk)
{
	struct rows *rows = arg;

	for (uint64_t key = walk->after + 1; key <= rows->n; key++) {
		struct cw_view_cell cells[] = {cw_view_str(rows->name), cw_view_number(key)};

		rows->made++;
		if (!cw_view_row(walk, key, cells))
			return;
	}
}

static struct rows first, second, many;
static struct cw_view first_view = {
	.name = "things", .columns = columns, .n_columns = 2, .rows = give_rows, .arg = &first};
static struct cw_view second_view = {
	.name = "things", .columns = columns, .n_columns = 1, .rows = give_rows, .arg = &second};
static struct cw_view many_view = {
	.name = "many", .columns = columns, .n_columns = 2, .rows = give_rows, .arg = &many};

/* ---- the client ---- */

struct client {
	int fd;
	struct cw_buf in;
	bool is_closed; /* by the server */
};

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

static void dial(struct client *c)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*c = (struct client){.fd = socket(AF_UNIX, SOCK_STREAM, 0)};
	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
}

static void say(struct client *c, struct cw_str bytes)
{
	ck_assert_int_eq(send(c->fd, bytes.p, bytes.len, MSG_NOSIGNAL), (ssize_t)bytes.len);
}

static void hear(struct client *c)
{
	char bytes[65536];
	ssize_t n;

	turn();
	n = recv(c->fd, bytes, sizeof(bytes), 0);
	if (n > 0)
		cw_buf_add(&c->in, cw_str_make(bytes, (size_t)n));
	c->is_closed = n == 0;
}

static bool has_heard(struct client *c, const char *text)
{
	bool has;

	cw_buf_add_char(&c->in, '\0');
	has = strstr(c->in.data, text) != NULL;
	c->in.len--;
	return has;
}

static void hang_up(struct client *c)
{
	close(c->fd);
	cw_buf_finish(&c->in);
}

/* The whole answer to a request, for the caller to free. */
static char *answer_to(struct cw_str request)
{
	struct client c;
	char *text;

	dial(&c);
	say(&c, request);
	while (!c.is_closed)
		hear(&c);
	text = cw_str_dup(cw_buf_str(&c.in));
	hang_up(&c);
	return text;
}

static void discard(void *arg, struct cw_str line)
{
	(void)arg;
	(void)line;
}

static void set_up(void)
{
	strcpy(folder, "/tmp/causeway-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/socket", folder);
	cw_log_set_sink(discard, NULL);
	ck_assert_int_eq(cw_loop_create(&loop), 0);
	cw_views_init(&views);
	cw_tap_init(&tap, "test.trace", (struct cw_log_field){0});
	first = (struct rows){.n = 2, .name = CW_STR("a")};
	second = (struct rows){.n = 1, .name = CW_STR("b")};
	many = (struct rows){.n = 0, .name = CW_STR("a name that takes some room in the answer")};
	cw_views_add(&views, &first_view);
	cw_views_add(&views, &many_view);
	cw_views_add(&views, &second_view);
	ck_assert_int_eq(cw_control_server_create(&server,
				 &(struct cw_control_server_settings){
					 .loop = loop, .path = path, .views = &views, .tap = &tap}),
		0);
}

static void tear_down(void)
{
	cw_control_server_destroy(server);
	turn();
	cw_loop_destroy(loop);
	cw_log_set_sink(NULL, NULL);
	ck_assert_int_eq(rmdir(folder), 0);
}

static const struct answer_case {
	struct cw_str request;
	const char *answer;
} answer_cases[] = {
	{CW_STR("view things\n"),
		"{\"columns\":[{\"name\":\"name\",\"title\":\"NAME\",\"kind\":\"text\"},"
		"{\"name\":\"number\",\"title\":null,\"kind\":\"number\"}]}\n"
		"{\"row\":{\"name\":\"a\",\"number\":1}}\n"
		"{\"row\":{\"name\":\"a\",\"number\":2}}\n"
		"{\"columns\":[{\"name\":\"name\",\"title\":\"NAME\",\"kind\":\"text\"}]}\n"
		"{\"row\":{\"name\":\"b\"}}\n"
		"{\"end\":true}\n"},
	{CW_STR("view many\r\nview things\n"),
		"{\"columns\":[{\"name\":\"name\",\"title\":\"NAME\",\"kind\":\"text\"},"
		"{\"name\":\"number\",\"title\":null,\"kind\":\"number\"}]}\n"
		"{\"end\":true}\n"},
	{CW_STR("view thing\n"), "{\"error\":\"there is no such view\"}\n"},
	{CW_STR("view\n"), "{\"error\":\"expected \\\"view NAME\\\" or \\\"trace PARTNER\\\"\"}\n"},
	{CW_STR("view a b\n"),
		"{\"error\":\"expected \\\"view NAME\\\" or \\\"trace PARTNER\\\"\"}\n"},
	{CW_STR("trace \n"),
		"{\"error\":\"expected \\\"view NAME\\\" or \\\"trace PARTNER\\\"\"}\n"},
	{CW_STR("viewthings\n"),
		"{\"error\":\"expected \\\"view NAME\\\" or \\\"trace PARTNER\\\"\"}\n"},
	{CW_STR("\n"), "{\"error\":\"expected \\\"view NAME\\\" or \\\"trace PARTNER\\\"\"}\n"},
	{CW_STR("\0\xff\0\n"),
		"{\"error\":\"expected \\\"view NAME\\\" or \\\"trace PARTNER\\\"\"}\n"},
	{CW_STR("view things\0\n"),
		"{\"error\":\"expected \\\"view NAME\\\" or \\\"trace PARTNER\\\"\"}\n"},
};

START_TEST(answers_requests)
{
	char *text = answer_to(answer_cases[_i].request);

	ck_assert_str_eq(text, answer_cases[_i].answer);
	free(text);
}
END_TEST

START_TEST(bounds_the_request)
{
	char request[CW_CONTROL_REQUEST_MAX + 1], *text;

	/* the longest: its newline is the last byte */
	memset(request, 'x', sizeof(request));
	memcpy(request, "view ", 5);
	request[CW_CONTROL_REQUEST_MAX - 1] = '\n';
	text = answer_to(cw_str_make(request, CW_CONTROL_REQUEST_MAX));
	ck_assert_str_eq(text, "{\"error\":\"there is no such view\"}\n");
	free(text);

	/* one more, and without a newline at all */
	request[CW_CONTROL_REQUEST_MAX - 1] = 'x';
	text = answer_to(cw_str_make(request, CW_CONTROL_REQUEST_MAX));
	ck_assert_str_eq(text, "{\"error\":\"the request is too long\"}\n");
	free(text);
	request[CW_CONTROL_REQUEST_MAX] = '\n';
	text = answer_to(cw_str_make(request, sizeof(request)));
	ck_assert_str_eq(text, "{\"error\":\"the request is too long\"}\n");
	free(text);
}
END_TEST

START_TEST(takes_a_request_in_pieces)
{
	struct client c;

	dial(&c);
	say(&c, cw_str_of("view th"));
	for (int i = 0; i < 10; i++)
		hear(&c);
	ck_assert_uint_eq(c.in.len, 0);
	ck_assert(!c.is_closed);
	say(&c, cw_str_of("ings\n"));
	while (!c.is_closed)
		hear(&c);
	ck_assert(has_heard(&c, "{\"end\":true}"));
	hang_up(&c);
}
END_TEST

START_TEST(bytes_of_a_peer_are_json)
{
	char *text;
	json_t *line;

	first = (struct rows){.n = 1, .name = CW_STR("\"\\\xff\n\x01")};
	text = answer_to(cw_str_of("view things\n"));
	line = json_loads(strchr(text, '\n') + 1, JSON_DISABLE_EOF_CHECK, NULL);
	ck_assert_ptr_nonnull(
		json_string_value(json_object_get(json_object_get(line, "row"), "name")));
	json_decref(line);
	free(text);
}
END_TEST

START_TEST(makes_rows_as_they_are_read)
{
	struct client c;
	uint64_t made = 0, number = 0, turns = 0;
	struct cw_str rest;

	many.n = 100000; /* some ten megabytes */
	dial(&c);
	say(&c, cw_str_of("view many\n"));
	while (many.made == 0 || many.made > made || turns < 3) {
		turns = many.made > made ? 0 : turns + 1;
		made = many.made;
		turn();
	}
	/* what the connection's queue and the socket hold, and no more */
	ck_assert_uint_gt(many.made, 1000);
	ck_assert_uint_lt(many.made, many.n / 4);

	while (!c.is_closed)
		hear(&c);
	rest = cw_buf_str(&c.in);
	rest = cw_str_from(rest, cw_str_find(rest, '\n') + 1);
	while (cw_str_starts(rest, cw_str_of("{\"row\":"))) {
		char expected[160];
		int n = snprintf(expected, sizeof(expected),
			"{\"row\":{\"name\":\"%s\",\"number\":%llu}}\n", many.name.p,
			(unsigned long long)++number);

		ck_assert(cw_str_starts(rest, cw_str_make(expected, (size_t)n)));
		rest = cw_str_from(rest, (size_t)n);
	}
	ck_assert_uint_eq(number, many.n);
	ck_assert(cw_str_eq(rest, cw_str_of("{\"end\":true}\n")));
	hang_up(&c);
}
END_TEST

START_TEST(survives_whoever_leaves_in_the_middle)
{
	struct client c;

	many.n = 100000;
	dial(&c);
	say(&c, cw_str_of("view many\n"));
	while (many.made < 100)
		turn();
	hang_up(&c);
	for (int i = 0; i < 10; i++)
		turn();
	ck_assert_uint_lt(many.made, many.n);
}
END_TEST

START_TEST(ends_with_a_view_that_goes_away)
{
	struct client c;

	many.n = 100000;
	dial(&c);
	say(&c, cw_str_of("view many\n"));
	while (many.made == 0)
		turn();
	cw_views_remove(&many_view);
	while (!c.is_closed)
		hear(&c);
	ck_assert(has_heard(&c, "{\"end\":true}"));
	hang_up(&c);
}
END_TEST

START_TEST(traces_until_the_client_leaves)
{
	struct client c;

	dial(&c);
	say(&c, cw_str_of("trace B.test\n"));
	while (!has_heard(&c, "{\"listening\":\"B.test\"}\n"))
		hear(&c);
	cw_tap_say(&tap, cw_str_of("a.test"), "not this");
	cw_tap_say(&tap, cw_str_of("b.test"), "no \"TLS\"");
	while (!has_heard(&c, "{\"said\":\"no \\\"TLS\\\"\"}\n"))
		hear(&c);
	ck_assert(!has_heard(&c, "not this"));
	hang_up(&c);
	while (cw_tap_is_open(&tap))
		turn();
}
END_TEST

START_TEST(leaves_out_what_is_not_read)
{
	struct client c;
	char sentence[1000];

	memset(sentence, 'x', sizeof(sentence) - 1);
	sentence[sizeof(sentence) - 1] = '\0';
	dial(&c);
	say(&c, cw_str_of("trace b.test\n"));
	while (!has_heard(&c, "listening"))
		hear(&c);
	for (int i = 0; i < 5000; i++) {
		cw_tap_say(&tap, cw_str_of("b.test"), "%s", sentence);
		if (i % 100 == 0)
			turn();
	}
	while (!has_heard(&c, "left-out")) {
		hear(&c);
		cw_tap_say(&tap, cw_str_of("b.test"), "it reads again");
	}
	ck_assert_uint_lt(c.in.len, 3u << 20);
	hang_up(&c);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_deferred end;
	bool is_reached;
	struct client c;
	int r = 0;

	for (unsigned n = 1;; n++) {
		dial(&c);
		say(&c, cw_str_of("view things\n"));
		cw_deferred_init(&end, stop, loop);
		alloc_fail_at(n);
		/* an assertion would allocate */
		for (int i = 0; i < 10; i++) {
			cw_loop_defer(loop, &end);
			r |= cw_loop_run(loop);
		}
		is_reached = alloc_fail_reached();
		ck_assert_int_eq(r, 0);
		while (!c.is_closed)
			hear(&c);
		if (!is_reached)
			break;
		hang_up(&c);
	}
	ck_assert(has_heard(&c, "{\"end\":true}"));
	hang_up(&c);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control_server");
	TCase *tc = tcase_create("control_server");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	ADD_ROWS(tc, answers_requests, answer_cases);
	tcase_add_test(tc, bounds_the_request);
	tcase_add_test(tc, takes_a_request_in_pieces);
	tcase_add_test(tc, bytes_of_a_peer_are_json);
	tcase_add_test(tc, makes_rows_as_they_are_read);
	tcase_add_test(tc, survives_whoever_leaves_in_the_middle);
	tcase_add_test(tc, ends_with_a_view_that_goes_away);
	tcase_add_test(tc, traces_until_the_client_leaves);
	tcase_add_test(tc, leaves_out_what_is_not_read);
	tcase_add_test(tc, copes_with_short_memory);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
