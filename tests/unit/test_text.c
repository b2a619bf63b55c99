#include "admin/text.h"

#include "tests/unit/unit.h"

#include <jansson.h>

#include <errno.h>

static const struct text_case {
	const char *name;
	struct cw_str in, printable, json;
	size_t columns;
} text_cases[] = {
	{"ASCII", CW_STR("bob@x '\"\\"), CW_STR("bob@x '\"\\"), CW_STR("bob@x '\"\\"), 9},
	{"empty", CW_STR(""), CW_STR(""), CW_STR(""), 0},
	{"controls", CW_STR("a\x1b[31m\tb\x7f"), CW_STR("a\\x1b[31m\\x09b\\x7f"),
		CW_STR("a\x1b[31m\tb\x7f"), 18},
	{"NUL", CW_STR("a\0b"), CW_STR("a\\x00b"), CW_STR("a\0b"), 6},
	{"UTF-8", CW_STR("z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80"),
		CW_STR("z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80"),
		CW_STR("z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80"), 10},
	{"Latin-1", CW_STR("z\xfcrich"), CW_STR("z\\xfcrich"), CW_STR("z\\xfcrich"), 9},
	{"cut off", CW_STR("a\xe2\x82"), CW_STR("a\\xe2\\x82"), CW_STR("a\\xe2\\x82"), 9},
	{"overlong", CW_STR("\xc0\xaf"), CW_STR("\\xc0\\xaf"), CW_STR("\\xc0\\xaf"), 8},
	{"surrogate", CW_STR("\xed\xa0\x80"), CW_STR("\\xed\\xa0\\x80"), CW_STR("\\xed\\xa0\\x80"),
		12},
	{"beyond Unicode", CW_STR("\xf4\x90\x80\x80"), CW_STR("\\xf4\\x90\\x80\\x80"),
		CW_STR("\\xf4\\x90\\x80\\x80"), 16},
	/* C1 controls are valid in JSON, but a terminal may obey them */
	{"C1", CW_STR("\xc2\x9b"), CW_STR("\\xc2\\x9b"), CW_STR("\xc2\x9b"), 8},
};

START_TEST(makes_text_fit)
{
	const struct text_case *c = &text_cases[_i];
	struct cw_str in = heap_copy(c->in), out;
	struct cw_arena arena = {0};
	json_t *json = cw_text_json(in);

	ck_assert_ptr_nonnull(json);
	ck_assert_msg(
		cw_str_eq(cw_str_make(json_string_value(json), json_string_length(json)), c->json),
		"%s: JSON %s", c->name, json_string_value(json));
	json_decref(json);
	ck_assert_int_eq(cw_text_printable(&out, in, &arena), 0);
	ck_assert_msg(
		cw_str_eq(out, c->printable), "%s: got %" CW_STR_FMT, c->name, CW_STR_ARG(out));
	ck_assert_msg(cw_text_columns(out) == c->columns, "%s: %zu columns", c->name,
		cw_text_columns(out));
	cw_arena_finish(&arena);
	heap_free(in);
}
END_TEST

static const struct shown_case {
	const char *name;
	size_t before; /* letters before the tail */
	const char *tail;
	const char *shown; /* of the tail, and what stands behind it */
} shown_cases[] = {
	{"short", 0, "a\tb", "a\\x09b"},
	{"as long as may be", CW_TEXT_SHOWN_MAX - 1, "z", "z"},
	{"longer", CW_TEXT_SHOWN_MAX, "z", "..."},
	{"not within a character", CW_TEXT_SHOWN_MAX - 2, "\xe2\x82\xac", "..."},
	{"behind a character", CW_TEXT_SHOWN_MAX - 2, "\xc3\xbcz", "\xc3\xbc..."},
	/* four of them are no character, and the last one stands alone */
	{"no UTF-8", CW_TEXT_SHOWN_MAX - 4, "\x80\x80\x80\x80\x80", "\\x80..."},
};

START_TEST(cuts_long_text)
{
	const struct shown_case *c = &shown_cases[_i];
	char in[2 * CW_TEXT_SHOWN_MAX], expected[2 * CW_TEXT_SHOWN_MAX];
	struct cw_arena arena = {0};
	struct cw_str text, out;

	memset(in, 'a', sizeof(in));
	strcpy(in + c->before, c->tail);
	memset(expected, 'a', sizeof(expected));
	strcpy(expected + c->before, c->shown);
	text = heap_copy(cw_str_of(in));
	ck_assert_int_eq(cw_text_shown(&out, text, &arena), 0);
	ck_assert_msg(
		cw_str_eq(out, cw_str_of(expected)), "%s: %" CW_STR_FMT, c->name, CW_STR_ARG(out));
	cw_arena_finish(&arena);
	heap_free(text);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_arena arena = {0};
	struct cw_str out = cw_str_of("untouched");

	alloc_fail_at(1);
	int r = cw_text_printable(&out, cw_str_of("\x1b"), &arena);
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	ck_assert(cw_str_eq(out, cw_str_of("untouched")));
	alloc_fail_at(1);
	json_t *json = cw_text_json(cw_str_of("\xff"));
	ck_assert(alloc_fail_reached());
	ck_assert_ptr_null(json);
	cw_arena_finish(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = tcase_create("text");

	ADD_ROWS(tcase, makes_text_fit, text_cases);
	ADD_ROWS(tcase, cuts_long_text, shown_cases);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
