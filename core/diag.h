/*
 * What is wrong with a file that a person wrote: collected, then printed all together.
 *
 *   /etc/causeway/causeway.conf:12:9: error: unknown zone "IMPP"; did you mean "IMP"?
 *           target IMPP
 *                  ^~~~
 */
#ifndef CW_CORE_DIAG_H
#define CW_CORE_DIAG_H

#include "core/str.h"

#include <stdio.h>

#define CW_DIAG_MAX                                                                                \
	200 /* errors, and as many warnings, kept of one run; further ones are counted */
#define CW_DIAG_SOURCE_MAX 256 /* bytes kept of a source line, around the place */

enum cw_severity {
	CW_SEVERITY_WARNING,
	CW_SEVERITY_ERROR,
};

/* A place in a file. The strings are owned by whoever keeps the file's text (struct cw_conf). */
struct cw_place {
	const char *file;      /* as it was named or found by an include; NULL: no place */
	unsigned line, column; /* from 1, column counts bytes; line 0: the file as a whole */
	unsigned width;        /* bytes to underline; at least 1 */
	struct cw_str source;  /* the source line without its newline, or a part around the place */
	size_t source_from;    /* bytes of the line that stand before that part */
};

struct cw_diag_entry {
	enum cw_severity severity;
	struct cw_place place; /* `file` and `source` are copies that the collection owns */
	size_t file_rank;      /* private: files in order of their first complaint */
	char *message;         /* one line of UTF-8 without control characters */
};

struct cw_diag {
	struct cw_diag_entry *entries; /* in the order in which they were found, until sorted */
	size_t capacity;               /* private */
	size_t count;
	size_t kept[2];          /* of them by enum cw_severity */
	size_t dropped;          /* found beyond CW_DIAG_MAX or while memory was short */
	size_t errors, warnings; /* all that were found */
};

/* Leave of a long source line the CW_DIAG_SOURCE_MAX bytes around the place. */
void cw_place_clip(struct cw_place *place);

/* Free what was collected; zeroed is a valid, empty collection. */
void cw_diag_finish(struct cw_diag *diag);

/* Add a message about `place` (NULL: about nothing in particular). */
void cw_diag_add(struct cw_diag *diag, enum cw_severity severity, const struct cw_place *place,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Print all messages, each with its source line and a caret, and a line that counts them. Files stand in the order in which they
 * were first complained of, the messages of one file in order of line.
 */
void cw_diag_print(const struct cw_diag *diag, FILE *out);

/* Put the entries into the order in which cw_diag_print prints them. */
void cw_diag_sort(struct cw_diag *diag);

/*
 * The name of `names` (a list ending in NULL) that a person most likely meant by `given`: the nearest by edit
 * distance (caseless; two letters swapped count as one edit), at most a third of its length away, or one edit.
 *
 * Returns: one of `names`, or NULL when none is near.
 */
const char *cw_diag_nearest(struct cw_str given, const char *const *names);

#endif
