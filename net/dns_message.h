/*
 * DNS messages: the question that we ask and what an answer to it says. No sockets, no clock.
 *
 * udns reads names and records. Around its reader stand checks that it needs: an answer counts only when its question is ours,
 * byte for byte and not compressed, because udns walks the question's bytes once more without looking for the message's end.
 */
#ifndef CW_NET_DNS_MESSAGE_H
#define CW_NET_DNS_MESSAGE_H

#include "net/dns.h"

#include <netinet/in.h>

#define CW_DNS_NAME_MAX                                                                            \
	253 /* characters of a name without trailing dot (RFC 1035, 3.1: 255 bytes on the wire) */
#define CW_DNS_LABEL_MAX   63
#define CW_DNS_QUERY_BYTES (12 + 255 + 4 + 11)
#define CW_DNS_UDP_BYTES                                                                           \
	1232 /* what we say that we take over UDP: not fragmented on any usual path */
#define CW_DNS_TCP_BYTES                                                                           \
	16384 /* an answer beyond is not read: its names could not be pointed at (RFC 1035, 4.1.4) */

enum cw_dns_type {
	CW_DNS_TYPE_A = 1,
	CW_DNS_TYPE_AAAA = 28,
	CW_DNS_TYPE_SRV = 33,
};

struct cw_dns_question {
	enum cw_dns_type type;
	char name[CW_DNS_NAME_MAX + 1]; /* lower case, without trailing dot */
};

/*
 * Prepare the question for `name`: labels of letters, digits, hyphens and underscores.
 *
 * Returns: 0 and *out set; -EINVAL when the name cannot be asked for.
 */
int cw_dns_question_init(struct cw_dns_question *out, enum cw_dns_type type, struct cw_str name);

/* Write the query into `out`; `edns`: say CW_DNS_UDP_BYTES. Returns its length. */
size_t cw_dns_query_write(uint8_t out[static CW_DNS_QUERY_BYTES],
	const struct cw_dns_question *question, uint16_t id, bool edns);

/* What is known about a question. One piece of memory: free() it. */
struct cw_dns_records {
	enum cw_dns_status
		status; /* CW_DNS_OK: `n` records follow; CW_DNS_NO_NAME, CW_DNS_NO_DATA, CW_DNS_NO_SERVICE; of a lookup that failed CW_DNS_SERVFAIL, CW_DNS_TIMEOUT */
	uint32_t ttl_s;
	size_t bytes; /* of the whole */
	size_t n;     /* at most CW_DNS_RECORDS_MAX */
	struct cw_srv
		*srv; /* of the three the one that was asked for; `srv` in the order of the wire */
	struct in_addr *ip4;
	struct in6_addr *ip6;
};

/*
 * Records that say only `status`.
 *
 * Returns: them, owned by the caller; NULL when memory is short.
 */
struct cw_dns_records *cw_dns_records_create(enum cw_dns_status status, uint32_t ttl_s);

enum cw_dns_reply_kind {
	CW_DNS_REPLY_IGNORED, /* not the answer to this question: somebody else's, late or forged */
	CW_DNS_REPLY_FINAL,   /* `records` says what */
	CW_DNS_REPLY_ALIAS, /* the name is an alias and the answer ends at `alias`: to be asked for */
	CW_DNS_REPLY_TRUNCATED, /* to be asked over TCP */
	CW_DNS_REPLY_NO_EDNS,   /* the server does not understand EDNS: to be asked without */
	CW_DNS_REPLY_FAILED,    /* this server does not know; `problem` says why */
};

struct cw_dns_reply {
	enum cw_dns_reply_kind kind;
	uint32_t ttl_s; /* of an alias */
	char alias[CW_DNS_NAME_MAX + 1];
	struct cw_dns_records *records; /* owned by whoever reads the reply */
	const char *problem;            /* static text, for the log */
};

/* Read an answer to `question`, asked under `id`. Hostile input. */
void cw_dns_reply_read(struct cw_dns_reply *out, const struct cw_dns_question *question,
	uint16_t id, struct cw_str packet);

#endif
