/* The answer to a view: collected, printed. */
#include "admin/view_answer.h"

#include "admin/grid.h"

#include <jansson.h>

#include <errno.h>

#define TEXT_COLUMN_MAX 32 /* a column of text other than the one that takes what is left */

/* ---- reading ---- */

static json_t *last_part(const struct cw_view_answer *answer)
{
	size_t n = json_array_size(answer->parts);

	return n ? json_array_get(answer->parts, n - 1) : NULL;
}

/* A further view begins; with the columns of the one before it, it goes on in the same table. */
static int begin_part(struct cw_view_answer *answer, json_t *columns)
{
	json_t *before = json_object_get(last_part(answer), "columns");

	if (before && json_equal(before, columns))
		return 0;
	return json_array_append_new(
		       answer->parts, json_pack("{s:O, s:[]}", "columns", columns, "rows"))
		       ? -ENOMEM
		       : 0;
}

static int add_row(struct cw_view_answer *answer, json_t *row)
{
	json_t *part = last_part(answer);

	if (!part)
		return -EPROTO;
	return json_array_append(json_object_get(part, "rows"), row) ? -ENOMEM : 0;
}

/* Take a line. Returns: 0; 1 when it was the last one; a negative errno. */
static int take(struct cw_view_answer *answer, const json_t *line)
{
	json_t *columns = json_object_get(line, "columns"), *row = json_object_get(line, "row");
	const char *error = json_string_value(json_object_get(line, "error"));

	if (json_is_array(columns))
		return begin_part(answer, columns);
	if (json_is_object(row))
		return add_row(answer, row);
	if (error) {
		(void)snprintf(answer->error, sizeof(answer->error), "%s", error);
		return -EREMOTEIO;
	}
	return json_object_get(line, "end") ? 1 : -EPROTO;
}

int cw_view_answer_read(struct cw_view_answer *out, struct cw_control_client *client)
{
	json_t *line;
	int r;

	*out = (struct cw_view_answer){.parts = json_array()};
	if (!out->parts)
		return -ENOMEM;
	do {
		r = cw_control_client_next(client, CW_CONTROL_ANSWER_MS, &line);
		if (!r) {
			r = take(out, line);
			json_decref(line);
		}
	} while (r == 0);
	return r > 0 ? 0 : r;
}

void cw_view_answer_finish(struct cw_view_answer *answer)
{
	json_decref(answer->parts);
	answer->parts = NULL;
}

size_t cw_view_answer_rows(const struct cw_view_answer *answer)
{
	size_t i, n = 0;
	json_t *part;

	json_array_foreach(answer->parts, i, part) n +=
		json_array_size(json_object_get(part, "rows"));
	return n;
}

json_t *cw_view_answer_json(const struct cw_view_answer *answer)
{
	json_t *all = json_array(), *part;
	size_t i;

	json_array_foreach(answer->parts, i, part)
	{
		if (json_array_extend(all, json_object_get(part, "rows"))) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

/* ---- the table ---- */

/* The columns of a part that a table has. */
struct layout {
	struct cw_grid_column columns[CW_GRID_COLUMNS_MAX];
	const char *names[CW_GRID_COLUMNS_MAX];
	const char *kinds[CW_GRID_COLUMNS_MAX];
	size_t n;
};

static void lay_out(struct layout *l, const json_t *columns)
{
	size_t i;
	json_t *column;

	*l = (struct layout){.n = 0};
	json_array_foreach(columns, i, column)
	{
		const char *title = json_string_value(json_object_get(column, "title"));
		const char *name = json_string_value(json_object_get(column, "name"));
		const char *kind = json_string_value(json_object_get(column, "kind"));
		bool is_text = kind && strcmp(kind, "text") == 0;

		if (!title || !name || !kind || l->n == CW_GRID_COLUMNS_MAX)
			continue;
		l->names[l->n] = name;
		l->kinds[l->n] = kind;
		l->columns[l->n++] = (struct cw_grid_column){title, TEXT_COLUMN_MAX, !is_text};
	}
	/* The last text is a reason or an error, which is as long as it is. */
	for (i = l->n; i-- > 0;) {
		if (!l->columns[i].right) {
			l->columns[i].max = 0;
			break;
		}
	}
}

/* 75 -> 1m15s, 7260 -> 2h1m, 190000 -> 2d4h. */
static int format_seconds(struct cw_str *out, json_int_t s, struct cw_arena *arena)
{
	if (s < 60)
		return cw_arena_printf(arena, out, "%llds", (long long)s);
	if (s < 3600)
		return cw_arena_printf(
			arena, out, "%lldm%llds", (long long)s / 60, (long long)s % 60);
	if (s < 86400)
		return cw_arena_printf(
			arena, out, "%lldh%lldm", (long long)s / 3600, (long long)s % 3600 / 60);
	return cw_arena_printf(
		arena, out, "%lldd%lldh", (long long)s / 86400, (long long)s % 86400 / 3600);
}

static int format_bytes(struct cw_str *out, json_int_t n, struct cw_arena *arena)
{
	if (n < 10240)
		return cw_arena_printf(arena, out, "%lld", (long long)n);
	if (n < 10240 * 1024LL)
		return cw_arena_printf(arena, out, "%lldK", (long long)n / 1024);
	return cw_arena_printf(arena, out, "%lldM", (long long)n / 1024 / 1024);
}

static int format_cell(
	struct cw_str *out, const json_t *value, const char *kind, struct cw_arena *arena)
{
	if (json_is_string(value)) {
		*out = cw_str_make(json_string_value(value), json_string_length(value));
		return 0;
	}
	if (strcmp(kind, "seconds") == 0)
		return format_seconds(out, json_integer_value(value), arena);
	if (strcmp(kind, "bytes") == 0)
		return format_bytes(out, json_integer_value(value), arena);
	return cw_arena_printf(arena, out, "%lld", (long long)json_integer_value(value));
}

/* What is not as it should be stands out. */
static enum cw_grid_style style_of(const json_t *row)
{
	const char *state = json_string_value(json_object_get(row, "state"));

	if (!state)
		return CW_GRID_PLAIN;
	if (strcmp(state, "inactive") == 0 || strcmp(state, "failed") == 0)
		return CW_GRID_BAD;
	if (strcmp(state, "off") == 0)
		return CW_GRID_FAINT;
	return CW_GRID_PLAIN;
}

static int print_part(const json_t *part, FILE *out, struct cw_arena *arena, bool colours)
{
	struct layout layout;
	struct cw_grid grid;
	struct cw_str cells[CW_GRID_COLUMNS_MAX];
	json_t *row;
	size_t i, n;
	int r = 0;

	lay_out(&layout, json_object_get(part, "columns"));
	if (layout.n == 0)
		return 0;
	cw_grid_init(&grid, arena, layout.columns, layout.n);
	json_array_foreach(json_object_get(part, "rows"), i, row)
	{
		for (n = 0; !r && n < layout.n; n++)
			r = format_cell(&cells[n], json_object_get(row, layout.names[n]),
				layout.kinds[n], arena);
		if (r)
			return r;
		cw_grid_add(&grid, style_of(row), cells);
	}
	return cw_grid_print(&grid, out, colours);
}

int cw_view_answer_print(
	const struct cw_view_answer *answer, FILE *out, struct cw_arena *arena, bool colours)
{
	bool is_first = true;
	json_t *part;
	size_t i;
	int r = 0;

	json_array_foreach(answer->parts, i, part)
	{
		if (json_array_size(json_object_get(part, "rows")) == 0)
			continue;
		if (!is_first)
			(void)fputc('\n', out);
		is_first = false;
		r = print_part(part, out, arena, colours);
		if (r)
			break;
	}
	return r;
}
