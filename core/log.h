/*
 * Structured log lines: time, level, area and key=value fields.
 *
 *   cw_info("sip.request", cw_ks("trace", id), cw_kz("method", "MESSAGE"), cw_ki("status", 200));
 *   -> 2026-11-24T10:00:00.123Z info sip.request trace=7f3a method=MESSAGE status=200
 *
 * error: an operator must act. warn: a peer misbehaved or we degraded. info: one line per request, connection or zone change.
 * debug: transitions and decisions, switchable per area. A value is clipped at CW_LOG_VALUE_MAX bytes and escaped, so
 * bytes from a peer are safe here; bodies, keys and Authorization are never passed. errno is kept.
 * Complaints (error, warn) of one (level, area, event text) beyond CW_LOG_BURST a second are counted and
 * summed up in one line when the second is over; info is a record of what happened, and whole.
 */
#ifndef CW_CORE_LOG_H
#define CW_CORE_LOG_H

#include "core/str.h"

#define CW_LOG_VALUE_MAX 256 /* bytes of one value */
#define CW_LOG_AREA_MAX  32  /* bytes with NUL of the name of an area */
#define CW_LOG_AREAS_MAX 16  /* areas with a level of their own */
#define CW_LOG_BURST     200 /* lines a second of one kind of error or warning */

enum cw_log_level {
	CW_LOG_ERROR,
	CW_LOG_WARN,
	CW_LOG_INFO,
	CW_LOG_DEBUG,
};

struct cw_log_field {
	const char *name; /* NULL ends the list */
	enum {
		CW_LOG_STR,
		CW_LOG_QUOTED,
		CW_LOG_INT
	} kind;
	struct cw_str str;
	int64_t num;
};

/* A field of bytes; an empty value is written as "". */
static inline struct cw_log_field cw_ks(const char *name, struct cw_str value)
{
	return (struct cw_log_field){name, CW_LOG_STR, value, 0};
}

/* A field of a NUL-terminated string; NULL is written as -. */
static inline struct cw_log_field cw_kz(const char *name, const char *value)
{
	return (struct cw_log_field){
		name, CW_LOG_STR, value ? cw_str_of(value) : cw_str_of("-"), 0};
}

/* A field of a NUL-terminated string that is quoted always, where scripts look for it so. */
static inline struct cw_log_field cw_kq(const char *name, const char *value)
{
	return (struct cw_log_field){name, CW_LOG_QUOTED, cw_str_of(value), 0};
}

/* A field of a number. */
static inline struct cw_log_field cw_ki(const char *name, int64_t value)
{
	return (struct cw_log_field){name, CW_LOG_INT, {NULL, 0}, value};
}

/* Whether a line of that level and area would be written: guards work done only for the log. */
bool cw_log_wanted(enum cw_log_level level, const char *area);

/* Write one line; `fields` ends with a field whose name is NULL. Use the macros below. */
void cw_log_write(enum cw_log_level level, const char *area, const struct cw_log_field *fields);

#define CW_LOG_AT(level, area, ...)                                                                \
	do {                                                                                       \
		if (cw_log_wanted(level, area))                                                    \
			cw_log_write(                                                              \
				level, area, (const struct cw_log_field[]){__VA_ARGS__, {0}});     \
	} while (0)
#define cw_error(area, ...) CW_LOG_AT(CW_LOG_ERROR, area, __VA_ARGS__)
#define cw_warn(area, ...)  CW_LOG_AT(CW_LOG_WARN, area, __VA_ARGS__)
#define cw_info(area, ...)  CW_LOG_AT(CW_LOG_INFO, area, __VA_ARGS__)
#define cw_debug(area, ...) CW_LOG_AT(CW_LOG_DEBUG, area, __VA_ARGS__)

/*
 * Set what is written: for the areas that begin with the words of `area` ("sip" covers "sip.request", not "siphon"),
 * or, with NULL, for all, which also forgets the levels of single areas. Default: info.
 *
 * Returns: 0; -ENOSPC when more than CW_LOG_AREAS_MAX areas would have a level of their own.
 */
int cw_log_set_level(const char *area, enum cw_log_level level);

/*
 * Hold lines of info and debug back, to write many at once: `due` is called for the first of them, and cw_log_flush is
 * then to be called soon. A warning or an error does not wait, nor do the lines before it. NULL: write each at once again.
 */
void cw_log_hold(void (*due)(void *arg), void *arg);

/* Write the lines that are held back. */
void cw_log_flush(void);

/* Send whole lines (with their newline) to `sink` instead of stderr; NULL: stderr again. */
void cw_log_set_sink(void (*sink)(void *arg, struct cw_str line), void *arg);

/*
 * Read a level's name ("error", "warn", "info", "debug").
 *
 * Returns: 0 and *out set; -EINVAL.
 */
int cw_log_level_parse(struct cw_str name, enum cw_log_level *out);

#endif
