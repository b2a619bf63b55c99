/*
 * Transport addresses: IPv4 or IPv6 with a port.
 */
#ifndef CW_NET_ADDRESS_H
#define CW_NET_ADDRESS_H

#include "core/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define CW_ADDRESS_TEXT_MAX   64 /* bytes with NUL: "[ipv6%zone]:port", the zone as a number */
#define CW_ADDRESS_HOST_BYTES 16

struct cw_address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} sa;
	socklen_t len;
};

/*
 * Read "1.2.3.4:5061", "[::1]:5061"; never resolves.
 *
 * Returns: 0 and *out set; -EINVAL.
 */
int cw_address_parse(struct cw_address *out, struct cw_str text);

/*
 * The same from host ("1.2.3.4", "::1", "[::1]") and port apart.
 *
 * Returns: 0 and *out set; -EINVAL when `host` is not a literal address.
 */
int cw_address_make(struct cw_address *out, struct cw_str host, uint16_t port);

/* Write "1.2.3.4:5061" or "[::1]:5061". */
void cw_address_format(const struct cw_address *a, char out[static CW_ADDRESS_TEXT_MAX]);

/* Write the host alone, IPv6 without brackets. */
void cw_address_format_host(const struct cw_address *a, char out[static CW_ADDRESS_TEXT_MAX]);

/* The port. */
uint16_t cw_address_port(const struct cw_address *a);

/* The host alone in network order, IPv4 as IPv4-mapped IPv6: a key for tables. */
void cw_address_host_bytes(const struct cw_address *a, uint8_t out[static CW_ADDRESS_HOST_BYTES]);

/* Whether both are the same host, whatever the port; IPv4 and IPv4-mapped IPv6 are the same. */
bool cw_address_same_host(const struct cw_address *a, const struct cw_address *b);

/* Whether it is loopback, private (RFC 1918, RFC 4193, link-local, shared RFC 6598), unspecified, multicast, broadcast or otherwise set
 * aside, also behind an IPv4-mapped, NAT64 or 6to4 prefix: not a target on the Internet. */
bool cw_address_is_private(const struct cw_address *a);

#endif
