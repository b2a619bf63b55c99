/*
 * Tables for a terminal.
 */
#include "admin/grid.h"

#include "admin/text.h"
#include "core/buf.h"

#include <assert.h>
#include <errno.h>

#define GAP      2  /* blanks between columns */
#define FLEX_MIN 24 /* what the wrapped column keeps, should the others be wide */

/* A line of a cell as it was given, before wrapping. */
struct cell_line {
	struct cw_str text; /* printable */
	struct cell_line *next;
};

struct cw_grid_row {
	enum cw_grid_style style;
	struct cell_line *cells[CW_GRID_COLUMNS_MAX]; /* NULL where a cell ended */
	struct cw_grid_row *next;
};

static const char *const style_begin[] = {
	[CW_GRID_PLAIN] = "",
	[CW_GRID_GOOD] = "\x1b[32m",
	[CW_GRID_BAD] = "\x1b[31m",
	[CW_GRID_FAINT] = "\x1b[2m",
};

void cw_grid_init(struct cw_grid *grid, struct cw_arena *arena,
	const struct cw_grid_column *columns, size_t n_columns)
{
	assert(n_columns <= CW_GRID_COLUMNS_MAX);
	*grid = (struct cw_grid){.arena = arena, .columns = columns, .n_columns = n_columns};
	grid->end = &grid->first;
}

static int add_lines(struct cw_grid *grid, struct cell_line **to, struct cw_str cell)
{
	struct cw_str rest = cell;
	struct cell_line *line;
	size_t n;
	int r;

	while (rest.len) {
		n = cw_str_find(rest, '\n');
		line = cw_arena_alloc(grid->arena, sizeof(*line));
		if (!line)
			return -ENOMEM;
		r = cw_text_printable(&line->text, cw_str_make(rest.p, n), grid->arena);
		if (r)
			return r;
		*to = line;
		to = &line->next;
		rest = cw_str_from(rest, n + 1);
	}
	return 0;
}

void cw_grid_add(struct cw_grid *grid, enum cw_grid_style style, const struct cw_str *cells)
{
	struct cw_grid_row *row = cw_arena_alloc(grid->arena, sizeof(*row));
	size_t i;

	if (!row)
		grid->error = -ENOMEM;
	if (grid->error)
		return;
	row->style = style;
	for (i = 0; i < grid->n_columns && !grid->error; i++)
		grid->error = add_lines(grid, &row->cells[i], cells[i]);
	*grid->end = row;
	grid->end = &row->next;
}

static void measure(const struct cw_grid *grid, size_t *widths)
{
	const struct cw_grid_row *row;
	const struct cell_line *line;
	size_t i, n, flex = grid->n_columns, used = (grid->n_columns - 1) * GAP;

	for (i = 0; i < grid->n_columns; i++) {
		widths[i] = strlen(grid->columns[i].title);
		for (row = grid->first; row; row = row->next) {
			for (line = row->cells[i]; line; line = line->next) {
				n = cw_text_columns(line->text);
				widths[i] = n > widths[i] ? n : widths[i];
			}
		}
		if (grid->columns[i].max == 0)
			flex = i;
		else if (widths[i] > grid->columns[i].max)
			widths[i] = grid->columns[i].max;
		used += i == flex ? 0 : widths[i];
	}
	if (flex == grid->n_columns)
		return;
	n = used + FLEX_MIN < CW_GRID_WIDTH ? CW_GRID_WIDTH - used : FLEX_MIN;
	widths[flex] = widths[flex] < n ? widths[flex] : n;
}

/*
 * Take what fits into `width` columns off *rest: up to the last blank, else, in a long word, to the end of the line.
 */
static struct cw_str take_fitting(struct cw_str *rest, size_t width)
{
	size_t at = 0, columns = 0, blank = 0;
	struct cw_str taken;

	if (cw_text_columns(*rest) <= width) {
		taken = *rest;
		*rest = cw_str_make(rest->p, 0);
		return taken;
	}
	for (; at < rest->len; at++) {
		columns = cw_text_columns(cw_str_make(rest->p, at + 1));
		if (columns > width)
			break;
		if (rest->p[at] == ' ')
			blank = at;
	}
	if (rest->p[at] == ' ') /* the word ends where the line does */
		blank = at;
	taken = cw_str_make(rest->p, blank ? blank : at);
	*rest = cw_str_from(*rest, blank ? blank + 1 : at);
	return taken;
}

static void add_padding(struct cw_buf *b, size_t n)
{
	while (n--)
		cw_buf_add_char(b, ' ');
}

static void add_cell(
	struct cw_buf *b, const struct cw_grid_column *column, size_t width, struct cw_str text)
{
	size_t pad = width - cw_text_columns(text);

	if (column->right)
		add_padding(b, pad);
	cw_buf_add(b, text);
	if (!column->right)
		add_padding(b, pad);
	add_padding(b, GAP);
}

/* Write one line of the terminal, without blanks at its end. */
static void put_line(struct cw_buf *b, FILE *out, const char *begin)
{
	while (b->len && b->data[b->len - 1] == ' ')
		b->len--;
	(void)fprintf(out, "%s%" CW_STR_FMT "%s\n", begin, CW_STR_ARG(cw_buf_str(b)),
		*begin ? "\x1b[0m" : "");
}

/* Print a row over as many lines as its longest cell takes. */
static void print_row(const struct cw_grid *grid, struct cw_grid_row *row, const size_t *widths,
	struct cw_buf *b, FILE *out, bool colours)
{
	struct cw_str text;
	bool more = true;
	size_t i;

	while (more) {
		more = false;
		cw_buf_clear(b);
		for (i = 0; i < grid->n_columns; i++) {
			text = cw_str_make("", 0);
			if (row->cells[i]) {
				text = take_fitting(&row->cells[i]->text, widths[i]);
				if (row->cells[i]->text.len == 0)
					row->cells[i] = row->cells[i]->next;
			}
			more = more || row->cells[i];
			add_cell(b, &grid->columns[i], widths[i], text);
		}
		put_line(b, out, colours ? style_begin[row->style] : "");
	}
}

int cw_grid_print(struct cw_grid *grid, FILE *out, bool colours)
{
	size_t i, widths[CW_GRID_COLUMNS_MAX];
	struct cw_grid_row *row;
	struct cw_buf b = {0};
	int r;

	if (grid->error)
		return grid->error;
	measure(grid, widths);
	for (i = 0; i < grid->n_columns; i++)
		add_cell(&b, &grid->columns[i], widths[i], cw_str_of(grid->columns[i].title));
	put_line(&b, out, colours ? "\x1b[1m" : "");
	for (row = grid->first; row && !b.error; row = row->next)
		print_row(grid, row, widths, &b, out, colours);
	r = b.error;
	cw_buf_finish(&b);
	return r;
}
