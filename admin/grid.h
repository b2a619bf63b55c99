/*
 * Tables for a terminal: columns as wide as they need to be, long cells wrapped, colours where they are wanted.
 */
#ifndef CW_ADMIN_GRID_H
#define CW_ADMIN_GRID_H

#include "core/arena.h"
#include "core/str.h"

#include <stdio.h>

#define CW_GRID_COLUMNS_MAX 8
#define CW_GRID_WIDTH       100 /* columns of the terminal that tables are made for */

struct cw_grid_column {
	const char *title;
	size_t max; /* widest it gets before its cells are wrapped; 0: whatever the others leave (one column at most) */
	bool right; /* to the right, as numbers */
};

enum cw_grid_style {
	CW_GRID_PLAIN,
	CW_GRID_GOOD,
	CW_GRID_BAD,
	CW_GRID_FAINT,
};

struct cw_grid_row;

/* Embed it; fields are private. */
struct cw_grid {
	struct cw_arena *arena;
	const struct cw_grid_column *columns;
	size_t n_columns;
	struct cw_grid_row *first, **end;
	int error;
};

/* Begin a table; rows are kept in `arena`, `columns` is borrowed. */
void cw_grid_init(struct cw_grid *grid, struct cw_arena *arena,
	const struct cw_grid_column *columns, size_t n_columns);

/*
 * Add a row of `n_columns` cells, which are borrowed until the table is printed. A newline begins a new line of the cell; what else
 * would disturb a terminal is escaped. Failure shows when the table is printed.
 */
void cw_grid_add(struct cw_grid *grid, enum cw_grid_style style, const struct cw_str *cells);

/*
 * Print titles and rows, with colours (ANSI) if `colours`.
 *
 * Returns: 0; -ENOMEM when memory was short while rows were added or now.
 */
int cw_grid_print(struct cw_grid *grid, FILE *out, bool colours);

#endif
