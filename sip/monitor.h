/*
 * Whether the peers of monitored zones answer: OPTIONS to each, and a peer that does not answer is
 * skipped.
 */
#ifndef CW_SIP_MONITOR_H
#define CW_SIP_MONITOR_H

#include "sip/stack.h"

#define CW_MONITOR_INTERVAL_MS 30000 /* between two questions to a peer that answers */
#define CW_MONITOR_RETRY_MS    5000  /* and to one that does not */
#define CW_MONITOR_SPREAD_MS   2     /* between the first questions to one peer and the next */
#define CW_MONITOR_TIMEOUT_MS  5000  /* for an answer; any answer but 408, 503 and 504 will do */

struct cw_monitor;

/*
 * Begin to ask the peers of all zones of sip->setup that have `monitor yes`. What `before` (NULL:
 * nothing) knows of them counts until they answer, or do not.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_monitor_create(struct cw_monitor **out, struct cw_sip *sip, const struct cw_monitor *before);

/* End it; NULL is fine. */
void cw_monitor_destroy(struct cw_monitor *monitor);

/*
 * Whether a peer of a monitored zone is known not to answer; false for all others. NULL for the
 * monitor is fine.
 */
bool cw_monitor_is_down(const struct cw_monitor *monitor, const struct cw_zone *zone, size_t peer);

#endif
