/*
 * Views: named tables of what is there at run time (connections, zones), for whoever prints them.
 *
 * A module registers a view and is asked for its rows, one after the other, straight from its
 * objects: nobody makes the whole table. Each row has a key, and rows come in order of their
 * keys; so a printer whose reader is slow stops at a row, and goes on behind it later, in another
 * turn of the loop, however the table has changed meanwhile. Several views may have one name:
 * together they are one answer ("connections" of SIP and of XMPP).
 */
#ifndef CW_CORE_VIEW_H
#define CW_CORE_VIEW_H

#include "core/list.h"
#include "core/str.h"

#define CW_VIEW_COLUMNS_MAX 24
#define CW_VIEW_NAME_MAX    32 /* bytes of the name of a view */

enum cw_view_kind {
	CW_VIEW_TEXT,
	CW_VIEW_NUMBER,
	CW_VIEW_SECONDS, /* a duration */
	CW_VIEW_BYTES,   /* a size */
};

struct cw_view_column {
	const char *name;  /* in JSON: "idle_s" */
	const char *title; /* in a table: "IDLE"; NULL: it stands in JSON only */
	enum cw_view_kind kind;
};

/* What stands in a column; the column says which of both it is. */
struct cw_view_cell {
	struct cw_str text; /* any bytes */
	uint64_t number;
};

/* A cell of text; empty for NULL. */
static inline struct cw_view_cell cw_view_text(const char *text)
{
	return (struct cw_view_cell){.text = cw_str_of(text)};
}

/* A cell of bytes that are no string. */
static inline struct cw_view_cell cw_view_str(struct cw_str text)
{
	return (struct cw_view_cell){.text = text};
}

/* A cell of a number, of seconds or of bytes. */
static inline struct cw_view_cell cw_view_number(uint64_t number)
{
	return (struct cw_view_cell){.number = number};
}

/* Who takes rows; embed it. */
struct cw_view_sink {
	/*
	 * Take a row; `cells` has one for each column and lives for the call. Returns: whether
	 * there is room for another row.
	 */
	bool (*row)(struct cw_view_sink *sink, const struct cw_view_cell *cells);
};

/* Where a walk through a view stands. Zeroed: at its begin. */
struct cw_view_walk {
	struct cw_view_sink *sink;
	uint64_t after; /* the key of the last row that the sink took */
	bool is_full;   /* the sink took it and has no room for more */
};

/* Embed it, or let it be static; it stands in one registry. */
struct cw_view {
	struct cw_list link;
	const char *name; /* "connections" */
	const struct cw_view_column *columns;
	size_t n_columns;
	/*
	 * Give cw_view_row each row whose key is above walk->after, keys ascending, until it
	 * returns false. Nothing may change meanwhile.
	 */
	void (*rows)(void *arg, struct cw_view_walk *walk);
	void *arg;
};

/*
 * Give the sink a row. `key` is above 0; a row that was given before (its key is not above
 * walk->after) is passed over, so that a module may simply offer all of its rows.
 *
 * Returns: whether to go on.
 */
bool cw_view_row(struct cw_view_walk *walk, uint64_t key, const struct cw_view_cell *cells);

/* The views of a process, in order of their registration; views are their modules'. */
struct cw_views {
	struct cw_list list;
};

/* Begin without views. */
void cw_views_init(struct cw_views *views);

/* Register a view, which must stay until it is removed. */
void cw_views_add(struct cw_views *views, struct cw_view *view);

/* Take it out; harmless on a zeroed view that was never added. */
void cw_views_remove(struct cw_view *view);

/*
 * The first view of that name, or the next one behind `before` (NULL: none before); NULL: there
 * is no further one.
 */
struct cw_view *cw_views_next(
	const struct cw_views *views, struct cw_str name, const struct cw_view *before);

#endif
