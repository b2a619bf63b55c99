/*
 * Comma-separated values.
 */
#include "admin/csv.h"

#include <errno.h>

/* The reading of one record. */
struct reading {
	struct cw_str text; /* from the record's begin to the end of the file */
	size_t at;
	char separator;
	struct cw_csv_record *record;
	struct cw_arena *arena;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The length of the line that begins at byte `from`, without its end. */
static size_t line_len(struct cw_str text, size_t from)
{
	return cw_str_find(cw_str_from(text, from), '\n');
}

static bool at_line_end(const struct reading *r)
{
	return r->at >= r->text.len || r->text.p[r->at] == '\n' ||
	       (r->text.p[r->at] == '\r' &&
		       (r->at + 1 == r->text.len || r->text.p[r->at + 1] == '\n'));
}

static bool at_cell_end(const struct reading *r)
{
	return at_line_end(r) || r->text.p[r->at] == r->separator;
}

static void skip_blanks(struct reading *r)
{
	while (!at_cell_end(r) && is_blank(r->text.p[r->at]))
		r->at++;
}

static void add_cell(struct reading *r, struct cw_str cell)
{
	if (r->record->n_cells == CW_CSV_CELLS_MAX)
		r->record->broken = "it has more than 64 cells";
	else
		r->record->cells[r->record->n_cells++] = cell;
}

/* Take the inside of quotes as a cell; in it two quotes stand for one. */
static int add_quoted(struct reading *r, struct cw_str inside)
{
	char *copy;
	size_t i, n = 0;

	if (cw_str_find(inside, '"') < inside.len) {
		copy = cw_arena_alloc(r->arena, inside.len);
		if (!copy)
			return -ENOMEM;
		for (i = 0; i < inside.len; i++) {
			copy[n++] = inside.p[i];
			if (inside.p[i] == '"')
				i++;
		}
		inside = cw_str_make(copy, n);
	}
	add_cell(r, inside);
	return 0;
}

/* Read the cell whose opening quote is at r->at. */
static int read_quoted(struct reading *r)
{
	size_t begin = ++r->at, end;

	for (;; r->at++) {
		r->at += cw_str_find(cw_str_from(r->text, r->at), '"');
		if (r->at >= r->text.len) {
			r->record->broken = "a quote is not closed";
			return 0;
		}
		if (r->at + 1 == r->text.len || r->text.p[r->at + 1] != '"')
			break;
		r->at++;
	}
	end = r->at++;
	skip_blanks(r);
	if (!at_cell_end(r))
		r->record->broken = "text follows a closing quote";
	return add_quoted(r, cw_str_make(r->text.p + begin, end - begin));
}

static int read_cell(struct reading *r)
{
	size_t begin;

	skip_blanks(r);
	if (!at_cell_end(r) && r->text.p[r->at] == '"')
		return read_quoted(r);
	begin = r->at;
	while (!at_cell_end(r))
		r->at++;
	add_cell(r, cw_str_trim(cw_str_make(r->text.p + begin, r->at - begin)));
	return 0;
}

/* Read one record, blank or not. Its raw text is what was read, or its first line where that went wrong. */
static int read_record(struct cw_csv *csv, struct cw_csv_record *out, struct cw_arena *arena)
{
	struct reading r = {
		.text = csv->text, .separator = csv->separator, .record = out, .arena = arena};
	size_t used;
	int rc;

	out->n_cells = 0;
	out->line = csv->line;
	out->broken = NULL;
	for (;;) {
		rc = read_cell(&r);
		if (rc)
			return rc;
		if (out->broken || at_line_end(&r))
			break;
		r.at++;
	}
	used = out->broken ? line_len(r.text, 0) : r.at + line_len(r.text, r.at);
	out->raw = cw_str_trim(cw_str_make(r.text.p, used));
	csv->line += 1 + (unsigned)cw_str_count(cw_str_make(r.text.p, used), '\n');
	csv->text = cw_str_from(r.text, used + 1);
	return 0;
}

static bool is_empty(const struct cw_csv_record *record)
{
	size_t i;

	for (i = 0; i < record->n_cells; i++)
		if (record->cells[i].len)
			return false;
	return !record->broken;
}

int cw_csv_next(struct cw_csv *csv, struct cw_csv_record *out, struct cw_arena *arena)
{
	int r;

	while (csv->text.len) {
		r = read_record(csv, out, arena);
		if (r)
			return r;
		if (!is_empty(out))
			return 1;
	}
	return 0;
}
