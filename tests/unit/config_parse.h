/* A configuration from text, and what was said about it, for tests of what the daemon reads. */
#ifndef TESTS_UNIT_CONFIG_PARSE_H
#define TESTS_UNIT_CONFIG_PARSE_H

#include "daemon/config.h"
#include "tests/unit/unit.h"

#include <stdio.h>

/* All messages as "LINE:COLUMN text" lines, warnings as "LINE:COLUMN (text)"; owned by the caller. */
static inline char *messages_of(struct cw_diag *diag)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	cw_diag_sort(diag);
	for (size_t i = 0; i < diag->count; i++) {
		const struct cw_diag_entry *e = &diag->entries[i];

		fprintf(f, e->severity == CW_SEVERITY_ERROR ? "%u:%u %s\n" : "%u:%u (%s)\n",
			e->place.line, e->place.column, e->message);
	}
	fclose(f);
	return text;
}

/* Read it as the file etc/test.conf. */
static inline struct cw_config *parse(const char *text, struct cw_diag *diag)
{
	struct cw_str copy = heap_copy(cw_str_of(text));
	struct cw_config *config = NULL;

	ck_assert_int_eq(cw_config_parse(&config, "etc/test.conf", copy, diag), 0);
	heap_free(copy);
	return config;
}

/* A configuration that is right. */
static inline struct cw_config *parse_good(const char *text)
{
	struct cw_diag diag = {0};
	struct cw_config *config = parse(text, &diag);
	char *messages = messages_of(&diag);

	ck_assert_msg(diag.errors + diag.warnings == 0, "%s", messages);
	free(messages);
	cw_diag_finish(&diag);
	return config;
}

#endif
