/*
 * What the parts of the XMPP side share; private to xmpp/.
 *
 * Data flows one way:
 *   stream -> inbound (whose stanza is it, may it) -> relay (policy, dial plan) [-> delivery] -> outbound (towards one domain) -> stream
 */
#ifndef CW_XMPP_STACK_H
#define CW_XMPP_STACK_H

#include "certs/secret_file.h"
#include "core/buf.h"
#include "core/list.h"
#include "core/stats.h"
#include "core/table.h"
#include "core/tap.h"
#include "net/dns.h"
#include "relay/fate.h"
#include "xmpp/setup.h"
#include "xmpp/tls_seen.h"
#include "xmpp/view.h"

#define CW_XMPP_OUTBOUNDS_MAX                                                                      \
	10000 /* domains that streams are kept towards, or failures remembered of */
#define CW_XMPP_DELIVERIES_MAX 20000        /* stanzas that wait for a connection, in all */
#define CW_XMPP_HELD_MAX_BYTES (256u << 20) /* bytes of them */
#define CW_XMPP_MODULE         cw_kq("Module", "XMPPFederation")

struct cw_xmpp_counters {
	uint64_t *streams_in, *streams_out; /* made, in all */
	uint64_t *established;
	uint64_t *failed;          /* that ended before anybody was proved */
	uint64_t *refused_stanzas; /* stanzas that ended their stream: not proved, not readable */
	uint64_t *claims, *claims_valid, *claims_refused; /* of peers */
	uint64_t *verifications;                          /* that we answered for others */
	uint64_t *bounced;
	uint64_t *pings, *pings_unanswered;
};

struct cw_xmpp {
	struct cw_loop *loop;
	struct cw_dns *dns;
	struct cw_tls *const *tls;      /* the snapshot of the moment; NULL in it: none */
	const struct cw_secret *secret; /* of dialback keys */
	struct cw_stats *stats;
	struct cw_tap *tap;
	struct cw_xmpp_setup *setup; /* of now */
	struct cw_fates fates;
	struct cw_xmpp_counters counters;
	struct cw_list streams;
	struct cw_table pings;     /* streams whose ping is out, by its id */
	struct cw_table outbounds; /* by way, local and remote domain */
	struct cw_table by_remote; /* of these, those of the federation, by the remote domain */
	struct cw_list outbound_list;
	struct cw_list failures; /* of these, those that failed; the oldest first */
	struct cw_tls_seen tls_seen;
	struct cw_table components; /* by name */
	struct cw_list component_list;
	struct cw_table claimants; /* addresses whose claims pend (inbound) */
	struct cw_list deliveries; /* stanzas that wait */
	size_t n_deliveries, held_bytes;
	size_t n_with_fate;   /* of the deliveries, those that are stanzas of others */
	size_t n_unconfirmed; /* stanzas of others that were sent and are not confirmed */
	uint64_t last_serial; /* of streams and outbounds */
	uint64_t next_trace;  /* of stanzas; begins anywhere */
	struct cw_xmpp_views views;
	struct cw_buf out; /* scratch for what is sent within one call */
	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* Stanzas of others without a fate yet. */
size_t cw_xmpp_under_way(const struct cw_xmpp *xmpp);

/* A stanza got its fate: when it was the last one and the daemon waits for that, it is told. */
void cw_xmpp_settled(struct cw_xmpp *xmpp);

#endif
