/*
 * The system's name servers, out of resolv.conf(5). Nothing else is read there: search lists and options do not apply to names that
 * come from other organisations.
 */
#ifndef CW_NET_RESOLV_CONF_H
#define CW_NET_RESOLV_CONF_H

#include "net/dns_exchange.h"

/*
 * Read the `nameserver` lines of the file at `path`, CW_DNS_SERVERS_MAX at most; those that are no addresses are passed over.
 * Where there is no file, or no server in it, it is the one of this machine, 127.0.0.1 (resolv.conf(5)).
 *
 * Returns: 0 and *out set; a negative errno when the file cannot be read.
 */
int cw_resolv_conf_read(struct cw_dns_servers *out, const char *path);

#endif
