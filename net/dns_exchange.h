/*
 * One question on the wire: asked of the servers in turn over UDP, over TCP where an answer is truncated, until one of them knows or
 * the time is over.
 *
 * udns is not let onto the wire: the ids of its queries come from the microseconds of the clock, it takes a refusal by ICMP for
 * silence, and it cannot speak TCP. Here each server is asked from a socket of its own, connected (so the kernel drops what
 * others send, and picks an unpredictable port), under an id that nobody can guess, fresh for each question.
 */
#ifndef CW_NET_DNS_EXCHANGE_H
#define CW_NET_DNS_EXCHANGE_H

#include "net/dns_message.h"

#define CW_DNS_TRY_MS    1000 /* until the next server is asked; the ones before may still answer */
#define CW_DNS_TRIES_MAX 12   /* queries sent for one question, over all servers */

struct cw_dns_servers {
	struct cw_address addresses[CW_DNS_SERVERS_MAX];
	size_t n;
	size_t first; /* whom to ask first: who answered last, so that a dead one costs time only once */
};

/* Counters of all exchanges of a resolver. */
struct cw_dns_counters {
	uint64_t *udp, *tcp; /* queries sent */
	uint64_t *ignored;   /* answers to no question of ours */
};

/* What to ask; all of it is borrowed until the end. */
struct cw_dns_exchange_settings {
	struct cw_dns_servers *servers;
	const struct cw_dns_question *question;
	const struct cw_dns_counters *counters;
	unsigned try_ms;      /* until the next server is asked */
	uint64_t deadline_ms; /* on the loop's clock */
};

struct cw_dns_exchange;

/*
 * The end: CW_DNS_REPLY_FINAL or CW_DNS_REPLY_ALIAS, what the reply holds passing to the callee; CW_DNS_REPLY_FAILED, when all servers failed; or
 * CW_DNS_REPLY_IGNORED, when the time was over. The callee destroys the exchange.
 */
typedef void cw_dns_exchange_done(void *arg, struct cw_dns_reply *reply);

/*
 * Begin to ask. `done` runs once, from the loop.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_dns_exchange_create(struct cw_dns_exchange **out, struct cw_loop *loop,
	const struct cw_dns_exchange_settings *settings, cw_dns_exchange_done *done, void *arg);

/* Stop asking and free it; NULL is fine. */
void cw_dns_exchange_destroy(struct cw_dns_exchange *exchange);

#endif
