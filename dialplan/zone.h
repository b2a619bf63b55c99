/*
 * A zone: a group of remote systems that are reached and trusted alike, as the administrator described it.
 *
 * Plain, immutable settings; what is going on in a zone (connections, peers that are down) is known to sip/ and xmpp/.
 */
#ifndef CW_DIALPLAN_ZONE_H
#define CW_DIALPLAN_ZONE_H

#include "core/diag.h"
#include "core/str.h"
#include "dialplan/request.h"

#define CW_ZONE_PEERS_MAX 6
#define CW_ZONES_MAX      10000

enum cw_zone_type {
	CW_ZONE_DEFAULT, /* the reserved zone `default`: whoever fits no other; a source, never a target */
	CW_ZONE_NEIGHBOR,
	CW_ZONE_DNS,
	CW_ZONE_TRAVERSAL_CLIENT,
	CW_ZONE_TRAVERSAL_SERVER,
	CW_ZONE_XMPP,
};

enum cw_zone_transport {
	CW_ZONE_TLS,
	CW_ZONE_TCP,
};

/* How a dns zone checks the certificate of where DNS led it. */
enum cw_zone_dns_verify {
	CW_ZONE_VERIFY_TARGET, /* it names the SRV target, which lies in the domain's namespace or is a hosting provider */
	CW_ZONE_VERIFY_DOMAIN, /* it names the domain */
	CW_ZONE_VERIFY_OFF,
};

struct cw_zone_peer {
	struct cw_str host; /* name or literal address; IPv6 without brackets */
	uint16_t port;
};

/* NUL-terminated slices (`p[len] == 0`) throughout; all owned by the configuration's arena. */
struct cw_zone {
	struct cw_str name;
	unsigned index; /* from 0, unique among the zones of a configuration; `default` is 0 */
	enum cw_zone_type type;
	struct cw_zone_peer peers[CW_ZONE_PEERS_MAX];
	size_t n_peers;
	enum cw_zone_transport transport;
	struct cw_str
		local_name; /* our name towards it (Via, Record-Route, SNI); never empty: the hostname by default */
	const struct cw_str
		*verify; /* names accepted in its certificate; by default the peers' hosts */
	size_t n_verify;
	enum cw_zone_dns_verify dns_verify;
	bool wildcards;        /* a left-most * in the certificate's name may match */
	bool trusted;          /* its requests count as authenticated */
	bool monitor;          /* OPTIONS to each peer; those that do not answer are skipped */
	bool address_fallback; /* dns: A/AAAA where no SRV exists */
	bool allow_private;    /* dns: loopback and private targets are allowed */
	/* xmpp: foreign domains for which its peer is asked as by a component (XEP-0114), prepared */
	const struct cw_str *components;
	size_t n_components;
	const char *component_secret_file; /* NULL: it has none */
	unsigned hop_count;
	unsigned connect_timeout_ms;
	unsigned response_timeout_ms;
	struct cw_place place; /* where it was configured */
};

/* The protocol that requests to the zone must speak. */
enum cw_protocol cw_zone_protocol(const struct cw_zone *zone);

/* "neighbor", "dns", "traversal-client", "traversal-server", "xmpp" or "default". */
const char *cw_zone_type_name(enum cw_zone_type type);

/* Whether the zone is *outside*: the zone `default` and the dns zones are one side for Record-Route tokens. */
bool cw_zone_is_outside(const struct cw_zone *zone);

#endif
