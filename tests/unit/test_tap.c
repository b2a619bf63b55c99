#include "core/tap.h"

#include "core/buf.h"
#include "tests/unit/unit.h"

static struct cw_buf lines;

static void collect(void *arg, struct cw_str line)
{
	(void)arg;
	cw_buf_add(&lines, line);
}

/* What was logged since the last call, without the time. */
static void assert_logged(const char *expected)
{
	cw_buf_add_char(&lines, '\0');
	ck_assert_str_eq(lines.len > 25 ? lines.data + 25 : lines.data, expected);
	cw_buf_clear(&lines);
}

struct ear {
	struct cw_tap_listener listener;
	struct cw_buf heard;
	bool leaves;
};

static void hear(void *arg, struct cw_str line)
{
	struct ear *ear = arg;

	cw_buf_add(&ear->heard, line);
	cw_buf_add_char(&ear->heard, '\n');
	if (ear->leaves)
		cw_tap_leave(&ear->listener);
}

static void begin(struct ear *ear, struct cw_tap *tap, const char *subject)
{
	*ear = (struct ear){.listener = {.subject = cw_str_of(subject), .heard = hear, .arg = ear}};
	cw_tap_listen(tap, &ear->listener);
}

static void assert_heard(struct ear *ear, const char *expected)
{
	cw_buf_add_char(&ear->heard, '\0');
	ck_assert_str_eq(ear->heard.data, expected);
	cw_buf_finish(&ear->heard);
}

static unsigned evaluated;

static struct cw_str subject_of(const char *name)
{
	evaluated++;
	return cw_str_of(name);
}

static void set_up(void)
{
	evaluated = 0;
	cw_log_set_sink(collect, NULL);
	ck_assert_int_eq(cw_log_set_level(NULL, CW_LOG_INFO), 0);
}

static void tear_down(void)
{
	cw_log_set_sink(NULL, NULL);
	cw_buf_finish(&lines);
}

START_TEST(tells_each_listener_what_it_asked_for)
{
	struct cw_tap tap;
	struct ear a, b, also_b;

	cw_tap_init(&tap, "xmpp.trace", (struct cw_log_field){0});
	begin(&a, &tap, "a.test");
	begin(&b, &tap, "B.test");
	begin(&also_b, &tap, "b.test");
	ck_assert(cw_tap_wanted(&tap, cw_str_of("b.TEST")));
	ck_assert(!cw_tap_wanted(&tap, cw_str_of("c.test")));
	cw_tap_say(&tap, cw_str_of("b.test"), "%s offers %d things", "it", 2);
	also_b.leaves = true;
	cw_tap_say(&tap, cw_str_of("b.test"), "and again");
	cw_tap_say(&tap, cw_str_of("a.test"), "hello");
	cw_tap_say(&tap, cw_str_of("c.test"), "nobody hears this");
	cw_tap_say(&tap, cw_str_of("b.test"), "the end");
	assert_heard(&a, "hello\n");
	assert_heard(&b, "it offers 2 things\nand again\nthe end\n");
	assert_heard(&also_b, "it offers 2 things\nand again\n");
	assert_logged("");
}
END_TEST

START_TEST(does_nothing_while_nobody_listens)
{
	struct cw_tap tap;
	struct ear a;

	cw_tap_init(&tap, "xmpp.trace", (struct cw_log_field){0});
	ck_assert(!cw_tap_wanted(&tap, cw_str_of("a.test")));
	ck_assert(!cw_tap_wanted(NULL, cw_str_of("a.test")));
	cw_tap_say((struct cw_tap *)NULL, subject_of("a.test"), "nothing");
	cw_tap_say(&tap, subject_of("a.test"), "nothing");
	ck_assert_uint_eq(evaluated, 0);
	begin(&a, &tap, "a.test");
	cw_tap_say(&tap, subject_of("a.test"), "something");
	ck_assert_uint_eq(evaluated, 1);
	cw_tap_leave(&a.listener);
	cw_tap_say(&tap, subject_of("a.test"), "nothing");
	ck_assert_uint_eq(evaluated, 1);
	assert_heard(&a, "something\n");
	cw_tap_leave(&(struct cw_tap_listener){0});
}
END_TEST

START_TEST(is_logged_where_its_area_is)
{
	struct cw_tap tap, tagged;

	cw_tap_init(&tap, "xmpp.trace", (struct cw_log_field){0});
	cw_tap_init(&tagged, "xmpp.trace", cw_kz("Module", "M"));
	ck_assert_int_eq(cw_log_set_level("xmpp.trace", CW_LOG_DEBUG), 0);
	cw_tap_say(&tap, cw_str_of("b.test"), "no TLS");
	assert_logged("debug xmpp.trace event=said partner=b.test text=\"no TLS\"\n");
	cw_tap_say(&tagged, cw_str_of("b.test"), "no TLS");
	assert_logged("debug xmpp.trace event=said Module=M partner=b.test text=\"no TLS\"\n");
}
END_TEST

START_TEST(cuts_a_long_sentence)
{
	struct cw_tap tap;
	struct ear a;
	char text[2 * CW_TAP_LINE_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cw_tap_init(&tap, "xmpp.trace", (struct cw_log_field){0});
	begin(&a, &tap, "a.test");
	cw_tap_say(&tap, cw_str_of("a.test"), "%s", text);
	ck_assert_uint_eq(a.heard.len, CW_TAP_LINE_MAX); /* without NUL, with the newline */
	cw_buf_finish(&a.heard);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tap");
	TCase *tc = tcase_create("tap");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, tells_each_listener_what_it_asked_for);
	tcase_add_test(tc, does_nothing_while_nobody_listens);
	tcase_add_test(tc, is_logged_where_its_area_is);
	tcase_add_test(tc, cuts_a_long_sentence);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
