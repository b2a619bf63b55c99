/*
 * One DNS query over TCP (RFC 7766): connect, ask, read one bounded answer.
 */
#ifndef CW_NET_DNS_TCP_H
#define CW_NET_DNS_TCP_H

#include "net/dns_message.h"

struct cw_dns_tcp;

/* The end: the answer's bytes, borrowed; or empty, when there is none. The callee destroys the query. */
typedef void cw_dns_tcp_done(void *arg, struct cw_str packet);

/*
 * Begin. `query` is copied. It has no deadline: the owner has. `done` runs once, from the loop.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM; another negative errno when the server cannot be dialled.
 */
int cw_dns_tcp_create(struct cw_dns_tcp **out, struct cw_loop *loop,
	const struct cw_address *server, struct cw_str query, cw_dns_tcp_done *done, void *arg);

/* Close and free it; NULL is fine. */
void cw_dns_tcp_destroy(struct cw_dns_tcp *tcp);

#endif
