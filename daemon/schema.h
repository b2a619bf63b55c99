/*
 * Every setting of the configuration, once: what it is called, where it stands, what it takes, what it is when it is left out, when a change of it
 * takes effect, what it is for. The reading (config_read.h), the manual page and completion are made from this table.
 */
#ifndef CW_DAEMON_SCHEMA_H
#define CW_DAEMON_SCHEMA_H

#include "core/buf.h"
#include "core/str.h"

/* Where a setting stands: the file itself or a block. */
enum cw_context {
	CW_IN_FILE,
	CW_IN_TLS,
	CW_IN_DNS,
	CW_IN_TOKEN,
	CW_IN_ZONE,
	CW_IN_PARTNER,
	CW_IN_ACCESS,
	CW_IN_RULE,
	CW_IN_TRANSFORM,
	CW_IN_XMPP,
	CW_IN_XMPP_PARTNER,
	CW_CONTEXT_COUNT,
};

/* What a setting takes; config_read.c has one reader for each. */
enum cw_setting_type {
	CW_TYPE_BLOCK,        /* { ... } */
	CW_TYPE_NAMED,        /* NAME { ... } */
	CW_TYPE_INCLUDE,      /* read by core/conf */
	CW_TYPE_BOOL,         /* yes | no, a bool */
	CW_TYPE_NUMBER,       /* an unsigned */
	CW_TYPE_DURATION,     /* 3, 3s, 500ms, 10m, 1h: an unsigned of milliseconds */
	CW_TYPE_CHOICE,       /* one of `choices`, an unsigned or an enum */
	CW_TYPE_HOST,         /* a host name, a struct cw_str */
	CW_TYPE_HOSTS,        /* a host name that is added to a struct cw_str_list */
	CW_TYPE_DOMAINS,      /* a domain that federates by XMPP, prepared, likewise */
	CW_TYPE_WILD_DOMAINS, /* the same, and *.NAME is possible */
	CW_TYPE_FILE,         /* a path, a const char * */
	CW_TYPE_LISTEN,
	CW_TYPE_LOG,
	CW_TYPE_DNS_SERVER,
	CW_TYPE_PEER,
	CW_TYPE_ACCESS,
	CW_TYPE_PATTERN,
	CW_TYPE_BEHAVIOR,
	CW_TYPE_SOURCE,
	CW_TYPE_ZONE, /* a zone's name, a const struct cw_zone * */
	CW_TYPE_ROUTE,
	CW_TYPE_COUNT,
};

enum cw_effect {
	CW_AT_RELOAD,
	CW_AT_RESTART,
};

struct cw_choice {
	const char *word; /* NULL ends the list */
	unsigned value;
};

enum {
	CW_SETTING_REQUIRED = 1,
	CW_SETTING_REPEATABLE = 2,
	CW_SETTING_LATE = 4, /* read when all zones are known */
};

struct cw_setting {
	const char *name;
	enum cw_setting_type type;
	unsigned flags;
	const char *arguments; /* as a person writes them; NULL: as the type says */
	const struct cw_choice *choices;
	unsigned min, max; /* of a number, or of milliseconds; of a file, the path's bytes */
	const char *default_value; /* a word as it would be written; NULL: none */
	const char *default_help;  /* in words, where the default is no word */
	unsigned zone_types;       /* bits of enum cw_zone_type where it may stand; 0: all */
	enum cw_context block;     /* of a block */
	size_t offset;             /* of the value in the context's draft (config_read.h) */
	enum cw_effect effect;
	const char *help; /* what it is for, in scdoc's mark-up */
};

#define CW_SETTINGS_MAX 32 /* of one context */

/* The settings of a context. */
const struct cw_setting *cw_schema_settings(enum cw_context context, size_t *count);

/* The context in messages, behind "in": "a zone", "the xmpp block", "the file outside of blocks". */
const char *cw_schema_context_name(enum cw_context context);

/* Write what a setting takes: "yes | no", "NUMBER (1 to 255)", "ADDRESS". */
void cw_setting_arguments(const struct cw_setting *setting, struct cw_buf *out);

#endif
