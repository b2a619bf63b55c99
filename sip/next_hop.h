/*
 * Where a zone is, for one request: the hosts to try in order, each with its addresses and with the
 * names that its certificate must carry.
 *
 * A neighbor's hosts are its peers. A dns zone's follow from the next hop (RFC 3263 as far as the
 * contract has it): the topmost Route that is left, else the Request-URI; a numeric host or an
 * explicit port skips SRV; else _sipfederationtls._tcp (Microsoft variants) or _sips._tcp; without
 * SRV, A and AAAA where the zone has address-fallback.
 */
#ifndef CW_SIP_NEXT_HOP_H
#define CW_SIP_NEXT_HOP_H

#include "core/arena.h"
#include "net/dns.h"
#include "sip/message.h"
#include "sip/setup.h"

#define CW_NEXT_HOP_HOSTS_MAX     16
#define CW_NEXT_HOP_ADDRESSES_MAX 16

struct cw_next_hop_host {
	struct cw_str host;
	uint16_t port;
	struct cw_str
		server_name; /* for SNI: the host, or of a literal address the name that is wanted there */
	const struct cw_str *names; /* the certificate must carry one; none: not checked */
	size_t n_names;
};

/* What is asked. */
struct cw_next_hop_question {
	const struct cw_sip_setup *setup;
	const struct cw_zone *zone;
	enum cw_variant variant;
	const struct cw_sip_uri *uri; /* dns zones: the next hop */
	bool by_route;                /* it is a Route's URI, and so names a host and no domain */
	bool (*is_down)(void *arg,
		size_t peer); /* neighbors: skip this peer, unless all are down; NULL: none is */
	void *is_down_arg;
};

/* Embed it. */
struct cw_next_hop {
	struct cw_dns *dns;
	struct cw_arena *arena;
	const struct cw_zone *zone;
	const struct cw_sip_setup *setup;
	struct cw_str domain;   /* dns zones: the name that is looked for */
	struct cw_str srv_name; /* and its SRV name */
	bool by_route;
	struct cw_next_hop_host *hosts; /* in the arena, room for max_hosts; NULL: none yet */
	size_t n_hosts, max_hosts, next_host;
	struct cw_address *addresses; /* in the arena, of hosts[next_host - 1] */
	size_t n_addresses, max_addresses, next_address;
	struct cw_dns_query *query;
	bool want_srv;
	const char *
		problem; /* why there was nothing to try, static text for the log; NULL: nothing was wrong */
	void (*found)(void *arg);
	void *arg;
};

/*
 * Begin: works the hosts out as far as no lookup is needed. `found` is called from the loop
 * whenever a lookup that cw_next_hop_next began has ended.
 */
void cw_next_hop_start(struct cw_next_hop *hop, struct cw_dns *dns, struct cw_arena *arena,
	const struct cw_next_hop_question *question, void (*found)(void *arg), void *arg);

enum cw_next_hop_step {
	CW_NEXT_HOP_ADDRESS, /* *address and *host are set: try it */
	CW_NEXT_HOP_WAIT,    /* a lookup is under way: ask again when `found` is called */
	CW_NEXT_HOP_END,     /* there is nothing left */
};

/* The next address to try. */
enum cw_next_hop_step cw_next_hop_next(struct cw_next_hop *hop, const struct cw_address **address,
	const struct cw_next_hop_host **host);

/*
 * The name for SNI towards a host: itself, or of a literal address the first name that its
 * certificate may carry.
 */
struct cw_str cw_next_hop_server_name(
	struct cw_str host, const struct cw_str *names, size_t n_names);

/* Forget an open lookup. */
void cw_next_hop_finish(struct cw_next_hop *hop);

#endif
