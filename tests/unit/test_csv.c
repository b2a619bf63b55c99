#include "admin/csv.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

/* Records are shown as "LINE:cell|cell", with "!" for a broken one, one behind the other with a blank between. */
static const struct csv_case {
	const char *name;
	struct cw_str text;
	char separator;
	const char *records;
} csv_cases[] = {
	{"empty", CW_STR(""), ',', ""},
	{"one line without an end", CW_STR("a,b"), ',', "1:a|b"},
	{"LF and CRLF", CW_STR("a,b\nc,d\r\n"), ',', "1:a|b 2:c|d"},
	{"empty cells", CW_STR(",a,,\r\n"), ',', "1:|a||"},
	{"blank records are passed over", CW_STR("\n \t\r\n,,\n\"\"\na\n\n"), ',', "5:a"},
	{"blanks around cells", CW_STR(" a b \t, \" c \" ,d"), ',', "1:a b| c |d"},
	{"semicolons", CW_STR("a,b;c\n"), ';', "1:a,b|c"},
	{"tabs", CW_STR("a\t\tb\n"), '\t', "1:a||b"},
	{"quotes", CW_STR("\"a,b\",\"c\"\"d\"\"\"\"\",\"\"\"\"\n"), ',', "1:a,b|c\"d\"\"|\""},
	{"a quote within a cell", CW_STR("a\"b\",c\n"), ',', "1:a\"b\"|c"},
	{"a newline in quotes", CW_STR("\"a\nb\",c\r\n\"d\r\n\",e\nf\n"), ',',
		"1:a\nb|c 3:d\r\n|e 5:f"},
	{"a CR within a cell", CW_STR("a\rb,c\n"), ',', "1:a\rb|c"},
	{"NUL and Latin-1", CW_STR("a\0b,\xe9\n"), ',', "1:a?b|\xe9"},
	{"text behind a quote", CW_STR("a,\"b\"c,d\ne\n"), ',', "1!:a|b 2:e"},
	{"an open quote", CW_STR("a,\"b,c\nd,e\nf,g"), ',', "1!:a 2:d|e 3:f|g"},
	{"text behind a quote of another line", CW_STR("\"a\nb\" c\nd\n"), ',',
		"1!:a\nb 2:b\" c 3:d"},
	{"ends in a quote", CW_STR("\""), ',', "1!:"},
};

START_TEST(reads_records)
{
	const struct csv_case *c = &csv_cases[_i];
	struct cw_str text = heap_copy(c->text);
	struct cw_csv csv = {.text = text, .line = 1, .separator = c->separator};
	struct cw_arena arena = {0};
	struct cw_csv_record record;
	char *shown;
	size_t i, j, len;
	FILE *out = open_memstream(&shown, &len);
	int r;

	ck_assert_ptr_nonnull(out);
	while ((r = cw_csv_next(&csv, &record, &arena)) > 0) {
		fprintf(out, "%s%u%s:", ftell(out) ? " " : "", record.line,
			record.broken ? "!" : "");
		for (i = 0; i < record.n_cells; i++) {
			if (i)
				(void)fputc('|', out);
			for (j = 0; j < record.cells[i].len; j++)
				(void)fputc(record.cells[i].p[j] ? record.cells[i].p[j] : '?', out);
		}
	}
	(void)fclose(out);
	ck_assert_int_eq(r, 0);
	ck_assert_msg(strcmp(shown, c->records) == 0, "%s: got %s", c->name, shown);
	free(shown);
	cw_arena_finish(&arena);
	heap_free(text);
}
END_TEST

START_TEST(keeps_a_broken_record_whole)
{
	struct cw_csv csv = {
		.text = cw_str_of("a,\"b\" c,\"d\"\r\ne\n"), .line = 1, .separator = ','};
	struct cw_arena arena = {0};
	struct cw_csv_record record;

	ck_assert_int_eq(cw_csv_next(&csv, &record, &arena), 1);
	ck_assert_ptr_nonnull(record.broken);
	ck_assert(cw_str_eq(record.raw, cw_str_of("a,\"b\" c,\"d\"")));
	ck_assert_int_eq(cw_csv_next(&csv, &record, &arena), 1);
	ck_assert_ptr_null(record.broken);
	ck_assert(cw_str_eq(record.raw, cw_str_of("e")));
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(bounds_the_cells)
{
	char text[CW_CSV_CELLS_MAX + 3] = {0};
	struct cw_csv csv = {.line = 1, .separator = ','};
	struct cw_arena arena = {0};
	struct cw_csv_record record;
	size_t extra;

	memset(text, ',', sizeof(text) - 1);
	text[0] = 'a';
	for (extra = 0; extra < 2; extra++) {
		csv.text = cw_str_make(text, CW_CSV_CELLS_MAX + extra);
		ck_assert_int_eq(cw_csv_next(&csv, &record, &arena), 1);
		ck_assert_uint_eq(record.n_cells, CW_CSV_CELLS_MAX);
		ck_assert(!record.broken == (extra == 0));
	}
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_csv csv = {.text = cw_str_of("\"a\"\"b\"\n"), .line = 1, .separator = ','};
	struct cw_arena arena = {0};
	struct cw_csv_record record;

	alloc_fail_at(1);
	int r = cw_csv_next(&csv, &record, &arena);
	ck_assert(alloc_fail_reached());
	ck_assert_int_eq(r, -ENOMEM);
	cw_arena_finish(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csv");
	TCase *tcase = tcase_create("csv");

	ADD_ROWS(tcase, reads_records, csv_cases);
	tcase_add_test(tcase, keeps_a_broken_record_whole);
	tcase_add_test(tcase, bounds_the_cells);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
