/*
 * Tables as comma-separated values (RFC 4180), read one record at a time and taken as spreadsheets and people write them: any separator,
 * LF or CRLF, blanks around a cell.
 */
#ifndef CW_ADMIN_CSV_H
#define CW_ADMIN_CSV_H

#include "core/arena.h"

#define CW_CSV_CELLS_MAX 64 /* cells of one record */

/* The reading of one text; set `text`, `line` (1) and `separator` to begin. */
struct cw_csv {
	struct cw_str text; /* what was not read yet; borrowed */
	unsigned line;      /* where it begins */
	char separator;
};

struct cw_csv_record {
	struct cw_str cells[CW_CSV_CELLS_MAX]; /* in the text or the arena */
	size_t n_cells;
	unsigned line;      /* where it begins */
	struct cw_str raw;  /* all of it, as it stands in the text, without its line end */
	const char *broken; /* why its cells cannot be trusted; NULL: they can */
};

/*
 * Read the next record that holds more than blanks and separators. A record whose quotes go wrong ends with the line on which they do, so that no
 * later one is lost with it. Blanks around a cell are taken off, but not those in its quotes.
 *
 * Returns: 1 and *out set; 0 at the end; -ENOMEM.
 */
int cw_csv_next(struct cw_csv *csv, struct cw_csv_record *out, struct cw_arena *arena);

#endif
