#include "admin/view_answer.h"

#include "tests/unit/unit.h"

#include <jansson.h>

static const char *const columns = "[{'name': 'zone', 'title': 'ZONE', 'kind': 'text'},"
				   " {'name': 'hidden', 'title': null, 'kind': 'text'},"
				   " {'name': 'age_s', 'title': 'AGE', 'kind': 'seconds'},"
				   " {'name': 'queue', 'title': 'QUEUE', 'kind': 'bytes'},"
				   " {'name': 'n', 'title': 'N', 'kind': 'number'}]";

/* JSON text with ' for ". */
static json_t *json(const char *text)
{
	char *copy = cw_str_dup(cw_str_of(text));
	json_t *value;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	value = json_loads(copy, 0, NULL);
	ck_assert_msg(value, "%s", text);
	free(copy);
	return value;
}

static void add_part(struct cw_view_answer *answer, const char *rows)
{
	if (!answer->parts)
		answer->parts = json_array();
	ck_assert_int_eq(
		json_array_append_new(answer->parts,
			json_pack("{s:o, s:o}", "columns", json(columns), "rows", json(rows))),
		0);
}

static char *printed(const struct cw_view_answer *answer, bool colours)
{
	struct cw_arena arena = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(cw_view_answer_print(answer, out, &arena, colours), 0);
	ck_assert_int_eq(fclose(out), 0);
	cw_arena_finish(&arena);
	return text;
}

START_TEST(prints_durations_and_sizes_for_people)
{
	struct cw_view_answer answer = {0};
	char *text;

	add_part(&answer, "[{'zone': 'a', 'hidden': 'x', 'age_s': 59, 'queue': 10239, 'n': 7},"
			  " {'zone': 'b', 'hidden': 'x', 'age_s': 60, 'queue': 10240, 'n': 0},"
			  " {'zone': 'c', 'hidden': 'x', 'age_s': 7260, 'queue': 10485760, 'n': 0},"
			  " {'zone': 'd', 'hidden': 'x', 'age_s': 190000, 'queue': 0, 'n': 0}]");
	text = printed(&answer, false);
	ck_assert_str_eq(text, "ZONE   AGE  QUEUE  N\n"
			       "a      59s  10239  7\n"
			       "b     1m0s    10K  0\n"
			       "c     2h1m    10M  0\n"
			       "d     2d4h      0  0\n");
	free(text);
	cw_view_answer_finish(&answer);
}
END_TEST

START_TEST(prints_one_table_behind_the_other)
{
	struct cw_view_answer answer = {0};
	json_t *all;
	char *text;

	add_part(&answer, "[]");
	add_part(&answer, "[{'zone': 'a\\u001b', 'age_s': 1, 'queue': 2, 'n': 3}]");
	add_part(&answer, "[]");
	add_part(&answer, "[{'zone': 'b', 'age_s': 1, 'queue': 2, 'n': 3}]");
	text = printed(&answer, false);
	ck_assert_str_eq(text, "ZONE   AGE  QUEUE  N\n"
			       "a\\x1b   1s      2  3\n"
			       "\n"
			       "ZONE  AGE  QUEUE  N\n"
			       "b      1s      2  3\n");
	free(text);
	ck_assert_uint_eq(cw_view_answer_rows(&answer), 2);
	all = cw_view_answer_json(&answer);
	ck_assert_uint_eq(json_array_size(all), 2);
	json_decref(all);
	cw_view_answer_finish(&answer);
}
END_TEST

START_TEST(shows_what_is_not_as_it_should_be)
{
	struct cw_view_answer answer = {0};
	char *text;

	add_part(&answer, "[{'zone': 'a', 'state': 'inactive', 'age_s': 1, 'queue': 2, 'n': 3}]");
	text = printed(&answer, true);
	ck_assert_ptr_nonnull(strstr(text, "\x1b[31ma "));
	free(text);
	cw_view_answer_finish(&answer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("view_answer");
	TCase *tc = tcase_create("view_answer");

	tcase_add_test(tc, prints_durations_and_sizes_for_people);
	tcase_add_test(tc, prints_one_table_behind_the_other);
	tcase_add_test(tc, shows_what_is_not_as_it_should_be);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
