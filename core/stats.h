/*
 * Named counters and gauges.
 *
 * A module asks once for its counters by name and adds to them through the pointer; the daemon prints all of them in
 * order of name, at exit and on SIGUSR1. Names are dotted words ("sip.requests.received"); names are
 * made of configuration (zones, rules), never of what a peer sends, so their number is bounded.
 */
#ifndef CW_CORE_STATS_H
#define CW_CORE_STATS_H

#include <stdint.h>
#include <stdio.h>

struct cw_stats;

/*
 * A new registry without counters.
 *
 * Returns: the registry, owned by the caller; NULL when memory is short.
 */
struct cw_stats *cw_stats_create(void);

/* Free it with all its counters; NULL is fine. */
void cw_stats_destroy(struct cw_stats *stats);

/*
 * The counter of that name, made at 0 when it is new. The pointer stays valid as long as `stats`.
 *
 * Returns: the counter; when memory is short, a spare that counts but is not printed (a counter is no reason to fail a request).
 */
uint64_t *cw_stats_counter(struct cw_stats *stats, const char *name);

/* The value of a counter, 0 when there is none of that name. */
uint64_t cw_stats_value(const struct cw_stats *stats, const char *name);

/* Print "name value" lines in order of name. */
void cw_stats_print(const struct cw_stats *stats, FILE *out);

#endif
