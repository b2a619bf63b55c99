/*
 * Names that were once seen with TLS though `security optional` would do without: a later stream of theirs in clear may be somebody's work
 * in between, and is reported.
 */
#ifndef CW_XMPP_TLS_SEEN_H
#define CW_XMPP_TLS_SEEN_H

#include "core/list.h"
#include "core/table.h"

#define CW_TLS_SEEN_MAX 10000 /* names; the oldest goes */

/* Embed it. */
struct cw_tls_seen {
	struct cw_table names;
	struct cw_list by_age;
};

/* Begin with no name. */
void cw_tls_seen_init(struct cw_tls_seen *seen);

/* Free all. */
void cw_tls_seen_finish(struct cw_tls_seen *seen);

/* The name (prepared) has used TLS. When memory is short it is not remembered. */
void cw_tls_seen_add(struct cw_tls_seen *seen, struct cw_str name);

/* Whether it ever did. */
bool cw_tls_seen_has(const struct cw_tls_seen *seen, struct cw_str name);

#endif
