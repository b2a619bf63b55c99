#include "core/log.h"

#include "core/buf.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* The linker sends clock_gettime here (see meson.build): time stands still until a test moves it. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

static struct timespec now;

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	(void)clock;
	*out = now;
	return 0;
}

static struct cw_buf lines;

static void collect(void *arg, struct cw_str line)
{
	cw_buf_add(arg, line);
}

static void set_up(void)
{
	now = (struct timespec){1795514400, 123456789}; /* 2026-11-24T10:00:00.123Z */
	cw_log_set_sink(collect, &lines);
	ck_assert_int_eq(cw_log_set_level(NULL, CW_LOG_INFO), 0);
}

static void tear_down(void)
{
	cw_log_set_sink(NULL, NULL);
	cw_buf_finish(&lines);
}

/* Assert what was written since the last call. */
static void assert_written(const char *expected)
{
	cw_buf_add_char(&lines, '\0');
	ck_assert_str_eq(lines.data, expected);
	cw_buf_clear(&lines);
}

START_TEST(writes_time_level_area_and_fields)
{
	errno = ENOENT;
	cw_info("sip.request", cw_ks("trace", cw_str_of("7f3a")), cw_kz("method", "MESSAGE"),
		cw_ki("status", 200));
	ck_assert_int_eq(errno, ENOENT);
	assert_written(
		"2026-11-24T10:00:00.123Z info sip.request trace=7f3a method=MESSAGE status=200\n");

	now.tv_sec++;
	now.tv_nsec = 0;
	cw_error("net", cw_kz("file", NULL), cw_ki("least", INT64_MIN));
	assert_written("2026-11-24T10:00:01.000Z error net file=- least=-9223372036854775808\n");
}
END_TEST

static const struct value_case {
	const char *name;
	struct cw_str in;
	const char *out;
} value_cases[] = {
	{"bare", CW_STR("sip:alice@example.org;tag:1"), "sip:alice@example.org;tag:1"},
	{"empty", CW_STR(""), "\"\""},
	{"blank", CW_STR("not found"), "\"not found\""},
	{"equals sign", CW_STR("a=b"), "\"a=b\""},
	{"quote", CW_STR("a\"b"), "\"a\\\"b\""},
	{"backslash", CW_STR("a\\b"), "\"a\\\\b\""},
	{"a forged line", CW_STR("x\r\n2026 error"), "\"x\\r\\n2026 error\""},
	{"control bytes", CW_STR("\0\t\x1b\x7f"), "\"\\x00\\t\\x1b\\x7f\""},
	{"bytes above ASCII", CW_STR("\xff"), "\"\\xff\""},
};

START_TEST(escapes_values)
{
	const struct value_case *c = &value_cases[_i];
	struct cw_str in = heap_copy(c->in);
	char expected[128];

	cw_warn("x", cw_ks("v", in));
	heap_free(in);
	(void)snprintf(
		expected, sizeof(expected), "2026-11-24T10:00:00.123Z warn x v=%s\n", c->out);
	assert_written(expected);
}
END_TEST

START_TEST(clips_values_and_lines)
{
	char bytes[CW_LOG_VALUE_MAX + 1];
	struct cw_log_field fields[101] = {0};

	memset(bytes, 'x', sizeof(bytes));
	cw_info("x", cw_ks("v", cw_str_make(bytes, CW_LOG_VALUE_MAX)));
	ck_assert_uint_eq(
		lines.len, strlen("2026-11-24T10:00:00.123Z info x v=\n") + CW_LOG_VALUE_MAX);
	cw_buf_clear(&lines);

	cw_info("x", cw_ks("v", cw_str_make(bytes, sizeof(bytes))));
	ck_assert(cw_str_case_ends(cw_buf_str(&lines), cw_str_of("x...\n")));
	ck_assert_uint_eq(
		lines.len, strlen("2026-11-24T10:00:00.123Z info x v=...\n") + CW_LOG_VALUE_MAX);
	cw_buf_clear(&lines);

	/* more than a line holds: cut, and still one whole line */
	for (size_t i = 0; i < N_ELEMENTS(fields) - 1; i++)
		fields[i] = cw_ks("v", cw_str_make(bytes, CW_LOG_VALUE_MAX));
	cw_log_write(CW_LOG_INFO, "x", fields);
	ck_assert_uint_lt(lines.len, 100 * CW_LOG_VALUE_MAX);
	ck_assert_uint_eq(cw_str_find(cw_buf_str(&lines), '\n'), lines.len - 1);
}
END_TEST

static const struct level_case {
	const char *name, *area;
	enum cw_log_level
		highest; /* that is written, when sip is at debug, sip.tls at error, the rest at warn */
} level_cases[] = {
	{"the rest", "net", CW_LOG_WARN},
	{"an area", "sip", CW_LOG_DEBUG},
	{"an area below it", "sip.request", CW_LOG_DEBUG},
	{"the longest name counts", "sip.tls", CW_LOG_ERROR},
	{"below the longest name", "sip.tls.in", CW_LOG_ERROR},
	{"whole words only", "siphon", CW_LOG_WARN},
	{"whole words only below", "sip.tlsx", CW_LOG_DEBUG},
	{"shorter than the name", "si", CW_LOG_WARN},
};

START_TEST(knows_levels_of_areas)
{
	const struct level_case *c = &level_cases[_i];

	ck_assert_int_eq(cw_log_set_level(NULL, CW_LOG_WARN), 0);
	ck_assert_int_eq(cw_log_set_level("sip.tls", CW_LOG_DEBUG), 0);
	ck_assert_int_eq(cw_log_set_level("sip.tls", CW_LOG_ERROR), 0);
	ck_assert_int_eq(cw_log_set_level("sip", CW_LOG_DEBUG), 0);
	for (int level = CW_LOG_ERROR; level <= CW_LOG_DEBUG; level++) {
		bool wanted = cw_log_wanted((enum cw_log_level)level, c->area);

		ck_assert_msg(wanted == (level <= (int)c->highest), "%s: %d", c->name, level);
	}
	ck_assert_int_eq(cw_log_set_level(NULL, CW_LOG_INFO), 0);
	ck_assert(cw_log_wanted(CW_LOG_INFO, "sip.tls"));
	ck_assert(!cw_log_wanted(CW_LOG_DEBUG, "sip"));
}
END_TEST

START_TEST(unwanted_lines_are_not_written)
{
	cw_debug("sip", cw_kz("event", "x"));
	assert_written("");
}
END_TEST

START_TEST(refuses_a_17th_area)
{
	char area[8];

	for (int i = 0; i < 16; i++) {
		(void)snprintf(area, sizeof(area), "a%d", i);
		ck_assert_int_eq(cw_log_set_level(area, CW_LOG_DEBUG), 0);
	}
	ck_assert_int_eq(cw_log_set_level("a16", CW_LOG_DEBUG), -ENOSPC);
	ck_assert_int_eq(cw_log_set_level("a15", CW_LOG_ERROR), 0);
	ck_assert(!cw_log_wanted(CW_LOG_DEBUG, "a16"));
}
END_TEST

static size_t count_lines(void)
{
	size_t n = 0;

	for (size_t i = 0; i < lines.len; i++)
		n += lines.data[i] == '\n';
	cw_buf_clear(&lines);
	return n;
}

START_TEST(sums_up_repeats)
{
	for (int i = 0; i < CW_LOG_BURST + 50; i++)
		cw_warn("net.listener", cw_kz("event", "refused"), cw_ki("n", i));
	ck_assert_uint_eq(count_lines(), CW_LOG_BURST);

	/* other kinds of lines are not held back */
	cw_warn("net.listener", cw_kz("event", "full"));
	cw_info("net.listener", cw_kz("event", "refused"));
	cw_warn("net", cw_kz("event", "refused"));
	ck_assert_uint_eq(count_lines(), 3);

	now.tv_sec++;
	cw_warn("net.listener", cw_kz("event", "refused"));
	assert_written(
		"2026-11-24T10:00:00.999Z warn net.listener event=suppressed lines=50 of=refused\n"
		"2026-11-24T10:00:01.123Z warn net.listener event=refused\n");
}
END_TEST

START_TEST(records_are_whole)
{
	ck_assert_int_eq(cw_log_set_level("sip", CW_LOG_DEBUG), 0);
	for (int i = 0; i < 3 * CW_LOG_BURST; i++) {
		cw_info("sip", cw_kz("event", "step"));
		cw_debug("sip", cw_kz("event", "step"));
	}
	ck_assert_uint_eq(count_lines(), 6 * CW_LOG_BURST);
}
END_TEST

START_TEST(many_kinds_share_a_limit)
{
	char event[16];

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(event, sizeof(event), "e%d", i);
		cw_warn("x", cw_kz("event", event));
	}
	ck_assert_uint_eq(count_lines(), 63 + CW_LOG_BURST);
}
END_TEST

static const struct parse_case {
	const char *in;
	int rc;
	enum cw_log_level out;
} parse_cases[] = {
	{"error", 0, CW_LOG_ERROR},
	{"warn", 0, CW_LOG_WARN},
	{"info", 0, CW_LOG_INFO},
	{"debug", 0, CW_LOG_DEBUG},
	{"Debug", -EINVAL, CW_LOG_WARN},
	{"warning", -EINVAL, CW_LOG_WARN},
	{"", -EINVAL, CW_LOG_WARN},
};

static void count(void *arg)
{
	++*(int *)arg;
}

/* What came through a pipe so far. */
static size_t piped(int fd, char *out, size_t size)
{
	ssize_t n = read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

START_TEST(holds_records_back_but_no_complaints)
{
	int ends[2], real = dup(STDERR_FILENO), n_due = 0;
	char text[512];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	cw_log_set_sink(NULL, NULL);

	cw_log_hold(count, &n_due);
	cw_info("sip", cw_kz("event", "one"));
	cw_info("sip", cw_kz("event", "two"));
	ck_assert_int_eq(n_due, 1);
	ck_assert_uint_eq(piped(ends[0], text, sizeof(text)), 0);
	cw_log_flush();
	piped(ends[0], text, sizeof(text));
	ck_assert(strstr(text, "one\n") && strstr(text, "two\n"));

	cw_info("sip", cw_kz("event", "three"));
	ck_assert_int_eq(n_due, 2);
	cw_warn("sip", cw_kz("event", "four"));
	piped(ends[0], text, sizeof(text));
	ck_assert(strstr(text, "three\n") && strstr(text, "four\n"));

	cw_info("sip", cw_kz("event", "five"));
	cw_log_hold(NULL, NULL);
	cw_info("sip", cw_kz("event", "six"));
	piped(ends[0], text, sizeof(text));
	ck_assert(strstr(text, "five\n") && strstr(text, "six\n"));

	dup2(real, STDERR_FILENO);
	close(real);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(parses_level_names)
{
	const struct parse_case *c = &parse_cases[_i];
	enum cw_log_level out = CW_LOG_WARN;

	ck_assert_msg(cw_log_level_parse(cw_str_of(c->in), &out) == c->rc, "\"%s\": return", c->in);
	ck_assert_msg(out == c->out, "\"%s\": output", c->in);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, writes_time_level_area_and_fields);
	ADD_ROWS(tcase, escapes_values, value_cases);
	tcase_add_test(tcase, clips_values_and_lines);
	ADD_ROWS(tcase, knows_levels_of_areas, level_cases);
	tcase_add_test(tcase, unwanted_lines_are_not_written);
	tcase_add_test(tcase, refuses_a_17th_area);
	tcase_add_test(tcase, sums_up_repeats);
	tcase_add_test(tcase, records_are_whole);
	tcase_add_test(tcase, holds_records_back_but_no_complaints);
	tcase_add_test(tcase, many_kinds_share_a_limit);
	ADD_ROWS(tcase, parses_level_names, parse_cases);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
