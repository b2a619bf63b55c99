#include "admin/grid.h"

#include "tests/unit/unit.h"

#include <errno.h>

#define TEN    "0123456789"
#define TWENTY TEN TEN

static const struct cw_grid_column columns[] = {
	{"NO", 3, true}, {"NAME", 12, false}, {"WHY", 0, false}};

static const struct grid_case {
	const char *name;
	const char *cells[2][3]; /* rows; NULL ends them */
	bool colours;
	const char *printed;
} grid_cases[] = {
	{"titles alone", {{NULL}}, false, "NO  NAME  WHY\n"},
	{"as wide as needed", {{"1", "one", "because"}, {"12", "twelve", ""}}, false,
		"NO  NAME    WHY\n"
		" 1  one     because\n"
		"12  twelve\n"},
	{"a long cell breaks at a blank", {{"1", "one and a half", "b"}, {NULL}}, false,
		"NO  NAME          WHY\n"
		" 1  one and a     b\n"
		"    half\n"},
	{"a word that ends with the line", {{"1", "twelve bytes and", "b"}, {NULL}}, false,
		"NO  NAME          WHY\n"
		" 1  twelve bytes  b\n"
		"    and\n"},
	{"a long word breaks where it must", {{"1", TEN "\xc3\xa4\xc3\xb6\xc3\xbc", "b"}, {NULL}},
		false,
		"NO  NAME          WHY\n"
		" 1  0123456789\xc3\xa4\xc3\xb6  b\n"
		"    \xc3\xbc\n"},
	{"a newline begins a line of the cell", {{"1", "one", "a\nb c\nd"}, {"2", "two", "e"}},
		false,
		"NO  NAME  WHY\n"
		" 1  one   a\n"
		"          b c\n"
		"          d\n"
		" 2  two   e\n"},
	{"the last column takes what is left of a hundred",
		{{"1", "a", TWENTY TWENTY TWENTY TWENTY TEN " " TEN}, {NULL}}, false,
		"NO  NAME  WHY\n"
		" 1  a     " TWENTY TWENTY TWENTY TWENTY TEN "\n"
		"          " TEN "\n"},
	{"terminals are not to be disturbed", {{"1", "\x1b[2J", "\r"}, {NULL}}, false,
		"NO  NAME     WHY\n"
		" 1  \\x1b[2J  \\x0d\n"},
	{"colours", {{"1", "one", "because"}, {NULL}}, true,
		"\x1b[1mNO  NAME  WHY\x1b[0m\n"
		"\x1b[32m 1  one   because\x1b[0m\n"},
};

START_TEST(prints_tables)
{
	const struct grid_case *c = &grid_cases[_i];
	struct cw_arena arena = {0};
	struct cw_grid grid;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	cw_grid_init(&grid, &arena, columns, N_ELEMENTS(columns));
	for (size_t row = 0; row < 2 && c->cells[row][0]; row++) {
		struct cw_str cells[3];

		for (size_t i = 0; i < 3; i++)
			cells[i] = cw_str_of(c->cells[row][i]);
		cw_grid_add(&grid, CW_GRID_GOOD, cells);
	}
	ck_assert_int_eq(cw_grid_print(&grid, out, c->colours), 0);
	(void)fclose(out);
	ck_assert_msg(strcmp(text, c->printed) == 0, "%s:\n%s", c->name, text);
	free(text);
	cw_arena_finish(&arena);
}
END_TEST

START_TEST(copes_with_short_memory)
{
	struct cw_str cells[] = {CW_STR("1"), CW_STR("\x1b"), CW_STR("a\nb")};
	FILE *out = fopen("/dev/null", "w");

	ck_assert_ptr_nonnull(out);
	for (unsigned n = 1;; n++) {
		struct cw_arena arena = {0};
		struct cw_grid grid;

		cw_grid_init(&grid, &arena, columns, N_ELEMENTS(columns));
		alloc_fail_at(n);
		cw_grid_add(&grid, CW_GRID_PLAIN, cells);
		cw_grid_add(&grid, CW_GRID_PLAIN, cells);
		int r = cw_grid_print(&grid, out, false);
		bool reached = alloc_fail_reached();
		cw_arena_finish(&arena);
		ck_assert_int_eq(r, reached ? -ENOMEM : 0);
		if (!reached)
			break;
	}
	(void)fclose(out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grid");
	TCase *tcase = tcase_create("grid");

	ADD_ROWS(tcase, prints_tables, grid_cases);
	tcase_add_test(tcase, copes_with_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
