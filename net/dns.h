/*
 * Names to addresses: SRV, A and AAAA. udns reads the messages; what it lacks is here: an unguessable port and id for each question, no search
 * list and no environment, TCP when an answer is truncated, a total deadline, a cache with negative entries, one lookup on the wire for equal questions.
 *
 * The life of a question: cw_dns_srv or cw_dns_addresses let it wait for an entry of the cache (two for addresses: AAAA and A); where the
 * entry is not known yet, a lookup fills it, asking the servers in turn (net/dns_exchange) and following aliases; then all who wait are
 * called back.
 *
 * The callback runs once, from the loop, never inside the starting call. After cancel it never runs.
 */
#ifndef CW_NET_DNS_H
#define CW_NET_DNS_H

#include "core/stats.h"
#include "core/str.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/srv.h"

#define CW_DNS_DEADLINE_MS    5000
#define CW_DNS_RECORDS_MAX    64    /* records of one answer that are used */
#define CW_DNS_CACHE_MAX      10000 /* entries; the oldest goes */
#define CW_DNS_TTL_MAX_S      86400
#define CW_DNS_NEGATIVE_TTL_S 60 /* and at most this for "no such name" */
#define CW_DNS_FAILURE_TTL_S  5  /* a server failure is remembered this long */
#define CW_DNS_SERVERS_MAX    6
#define CW_DNS_QUERIES_MAX    1000 /* questions on the wire; a further one fails at once */
#define CW_DNS_STRANGERS_MAX  500  /* the same for one of a stranger's */

enum cw_dns_status {
	CW_DNS_OK,
	CW_DNS_NO_NAME,  /* NXDOMAIN */
	CW_DNS_NO_DATA,  /* the name is there, without such records */
	CW_DNS_SERVFAIL, /* SERVFAIL, REFUSED, a broken answer, too many questions */
	CW_DNS_TIMEOUT,
	CW_DNS_BAD_NAME,  /* not a domain name that can be asked for */
	CW_DNS_NO_SERVICE /* SRV: the single target "." (RFC 2782) */
};

/* Borrowed for the callback. Of `srv` and `addresses` the one that was asked for is set, when status is CW_DNS_OK. */
struct cw_dns_answer {
	enum cw_dns_status status;
	const struct cw_srv *srv; /* in the order in which to try them (RFC 2782) */
	size_t n_srv;
	const struct cw_address *
		addresses; /* with the port that was asked for; IPv6 and IPv4 in turn, the first kind as RFC 6724 would mostly have it: IPv6 */
	size_t n_addresses;
};

typedef void cw_dns_callback(void *arg, const struct cw_dns_answer *answer);

struct cw_dns;
struct cw_dns_query;

/*
 * A resolver. `servers`: addresses to ask in turn; none: those of /etc/resolv.conf. `random` (NULL: the system's) gives a number in [0, below) for the weights.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM; another negative errno when /etc/resolv.conf cannot be read.
 */
int cw_dns_create(struct cw_dns **out, struct cw_loop *loop, struct cw_stats *stats,
	const struct cw_address *servers, size_t n_servers, uint32_t (*random)(uint32_t below));

/* Free it; callbacks of open questions do not run. NULL is fine. */
void cw_dns_destroy(struct cw_dns *dns);

/*
 * Ask for the SRV records of `name` ("_sipfederationtls._tcp.example.com").
 *
 * Returns: 0 and *out set (a handle that is gone when the callback begins); -ENOMEM.
 */
int cw_dns_srv(struct cw_dns_query **out, struct cw_dns *dns, struct cw_str name,
	cw_dns_callback *done, void *arg);

/*
 * The same, about a name that a stranger brought up: it does not go on the wire where CW_DNS_STRANGERS_MAX are already, so that made-up names leave room for our own questions.
 *
 * Returns: as cw_dns_srv.
 */
int cw_dns_srv_for_stranger(struct cw_dns_query **out, struct cw_dns *dns, struct cw_str name,
	cw_dns_callback *done, void *arg);

/*
 * Ask for the addresses of `host`; a literal address answers itself.
 *
 * Returns: 0 and *out set (a handle that is gone when the callback begins); -ENOMEM.
 */
int cw_dns_addresses(struct cw_dns_query **out, struct cw_dns *dns, struct cw_str host,
	uint16_t port, cw_dns_callback *done, void *arg);

/* Forget a question: its callback does not run. NULL is fine. */
void cw_dns_cancel(struct cw_dns_query *query);

/* Bring records into the order in which to try them, as cw_srv_order: those of several answers, or none of DNS at all. */
void cw_dns_order(const struct cw_dns *dns, struct cw_srv *records, size_t n);

/* "ok", "no-name", "no-data", "servfail", "timeout", "bad-name" or "no-service". */
const char *cw_dns_status_name(enum cw_dns_status status);

#endif
