/*
 * What DNS says of us to our partners: the records by which they find the names of the configuration.
 *
 * For each local name of the `xmpp` block these are _xmpp-server._tcp and _xmpps-server._tcp, and where there is neither the name
 * itself; for each domain of ours that a rule names as the end of an alias from strangers, _sipfederationtls._tcp; and the
 * addresses of all targets. causeway(8) says which of it is an error, and which a warning.
 */
#ifndef CW_DAEMON_DNS_CHECK_H
#define CW_DAEMON_DNS_CHECK_H

#include "daemon/config.h"

#define CW_DNS_CHECK_NAMES_MAX                                                                     \
	250 /* names that are looked up: their questions are all on the wire at once */
#define CW_DNS_CHECK_DEADLINE_MS 5000 /* for all of them together */

/*
 * Look all of it up, on a loop of its own, and add what is wrong or doubtful to `diag`: that DNS does not answer, too.
 *
 * Returns: 0; -ENOMEM; -EIO when the loop gives up.
 */
int cw_dns_check(const struct cw_config *config, struct cw_diag *diag);

#endif
