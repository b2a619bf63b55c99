/*
 * Configuration text to a tree in which everything knows its place.
 *
 *   file      = { directive }
 *   directive = keyword { argument } ( newline | ";" | "{" { directive } "}" )
 *
 * Words, quoting, comments and includes are those of causeway.conf(5), "Grammar". What the keywords mean is not
 * known here; the schema is the daemon's. Hostile input: the limits below are errors with a place.
 */
#ifndef CW_CORE_CONF_H
#define CW_CORE_CONF_H

#include "core/diag.h"
#include "core/str.h"

#define CW_CONF_FILE_MAX  (64u << 20) /* bytes of one file: 100,000 rules take about 20 MB */
#define CW_CONF_TOTAL_MAX (256u << 20)
#define CW_CONF_FILES_MAX 1024  /* files of one load */
#define CW_CONF_DEPTH_MAX 16    /* nested blocks, and nested includes */
#define CW_CONF_ARGS_MAX  64    /* arguments of one directive */
#define CW_CONF_WORD_MAX  65536 /* bytes of one word */

/* Kept small: the 100,000 rules of a large file are 2.5 million words. */
struct cw_conf_word {
	struct cw_str text;  /* after quoting was resolved */
	uint32_t column;     /* from 1, in bytes */
	uint32_t width : 31; /* bytes in the file, with the quotes */
	uint32_t quoted : 1;
};

struct cw_conf_node {
	struct cw_conf_node *next;     /* the next directive on the same level */
	struct cw_conf_node *children; /* the first directive of the block */
	const char *file, *line_start; /* private: where it stands; see cw_conf_place */
	uint32_t line;
	uint16_t n_args;
	bool has_block;
	struct cw_conf_word keyword;
	struct cw_conf_word args[];
};

/*
 * The place of a directive's keyword or of one of its arguments; valid as long as the tree. Of its line it
 * holds the whole word and up to CW_DIAG_SOURCE_MAX bytes on each side.
 */
struct cw_place cw_conf_place(const struct cw_conf_node *node, const struct cw_conf_word *word);

/* A loaded tree; owns its nodes, words and the text they point into. */
struct cw_conf {
	struct cw_conf_node *
		root; /* the first directive; includes stand in place, as if written there; NULL: none */
	char **files; /* every file read, in order */
	size_t n_files;
	struct cw_conf_memory *memory; /* private */
};

/*
 * Read `path` and what it includes. Problems go to `diag`, all of them, with their places; the tree holds what could be
 * read, so that a schema can find further errors.
 *
 * Returns: 0 and *out set, owned by the caller (ask diag->errors whether the text was right); -ENOMEM. A file that cannot be read is an
 * error in `diag` that names the file and the reason.
 */
int cw_conf_load(struct cw_conf **out, const char *path, struct cw_diag *diag);

/*
 * The same for text in memory; `name` stands for the file in messages, and includes are relative to the working directory.
 *
 * Returns: 0 and *out set; -ENOMEM.
 */
int cw_conf_parse(struct cw_conf **out, const char *name, struct cw_str text, struct cw_diag *diag);

/* Free the tree; NULL is fine. */
void cw_conf_destroy(struct cw_conf *conf);

#endif
