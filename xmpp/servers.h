/*
 * Where a domain's server is: the candidates in the order in which to try them (RFC 6120, 3.2;
 * XEP-0368).
 *
 * Static routes, else DNS: _xmpps-server._tcp (TLS from the first byte) and _xmpp-server._tcp, put
 * together and ordered by priority and weight as one set. A target "." means no such service; where
 * neither has a record, the domain's own addresses are asked on port 5269. The addresses of a
 * candidate are looked up by whoever dials it.
 */
#ifndef CW_XMPP_SERVERS_H
#define CW_XMPP_SERVERS_H

#include "net/dns.h"
#include "xmpp/policy.h"

#define CW_XMPP_SERVERS_MAX 16   /* candidates of one domain that are used */
#define CW_XMPP_SERVER_PORT 5269 /* where DNS names none */

struct cw_xmpp_server {
	char host[256]; /* for SNI and the log: a name, or a literal address */
	uint16_t port;
	bool is_direct_tls;
};

struct cw_xmpp_servers {
	struct cw_xmpp_server items[CW_XMPP_SERVERS_MAX];
	size_t count;
};

enum cw_xmpp_servers_status {
	CW_XMPP_SERVERS_FOUND,
	CW_XMPP_SERVERS_NOT_FOUND, /* no such name, no service: remote-server-not-found */
	CW_XMPP_SERVERS_FAILED,    /* DNS gave no answer: remote-server-timeout */
};

/*
 * The list is borrowed for the call, and empty unless something was found. `detail` is static text
 * for people: how it was found ("a static route", "SRV records"), or why not ("there is no such
 * name in DNS", "DNS does not answer").
 */
typedef void cw_xmpp_servers_done(void *arg, enum cw_xmpp_servers_status status,
	const struct cw_xmpp_servers *servers, const char *detail);

struct cw_xmpp_servers_query;

/*
 * Find the candidates of `domain` (prepared) on these terms: its routes when there are any (never
 * DNS then), else by DNS; without _xmpps-server where TLS is not spoken (security none). `done`
 * runs once, from the loop, never inside this call. Domain and terms are borrowed for the call.
 *
 * Returns: 0 and *out set (gone when `done` begins); -ENOMEM.
 */
int cw_xmpp_servers_find(struct cw_xmpp_servers_query **out, struct cw_loop *loop,
	struct cw_dns *dns, struct cw_str domain, const struct cw_xmpp_terms *terms,
	cw_xmpp_servers_done *done, void *arg);

/* Forget it: `done` does not run. NULL is fine. */
void cw_xmpp_servers_cancel(struct cw_xmpp_servers_query *query);

#endif
