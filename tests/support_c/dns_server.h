/*
 * A DNS server on loopback, in the test's own loop: UDP and TCP on one port, its answers made by the test.
 */
#ifndef TESTS_SUPPORT_C_DNS_SERVER_H
#define TESTS_SUPPORT_C_DNS_SERVER_H

#include "net/address.h"
#include "net/loop.h"
#include "tests/support_c/dns_packet.h"

struct dns_server;

struct dns_server_query {
	char name[256]; /* as asked, without trailing dot */
	unsigned type;
	bool is_tcp, edns;
};

enum dns_server_action {
	DNS_SERVER_ANSWER, /* send what stands in `answer` */
	DNS_SERVER_SILENT,
	DNS_SERVER_CLOSE, /* TCP: close without an answer */
	DNS_SERVER_MORE,  /* send it, and ask for a further answer to the same query */
};

/* Make the answer, begun as an empty one, to `query`. `n`: queries before this one; `part`: answers already sent to this one. */
typedef enum dns_server_action dns_server_handler(void *arg, struct dns_packet *answer,
	const struct dns_server_query *query, unsigned n, unsigned part);

/* Start one; `with_tcp`: without, connections are refused. It aborts when no port can be had. */
struct dns_server *dns_server_create(
	struct cw_loop *loop, bool with_tcp, dns_server_handler *handler, void *arg);

/* Stop and free it. */
void dns_server_destroy(struct dns_server *server);

/* Where it listens. */
const struct cw_address *dns_server_address(const struct dns_server *server);

/* Queries that it got. */
unsigned dns_server_queries(const struct dns_server *server);

#endif
