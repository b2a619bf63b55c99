/*
 * What the block `xmpp` says of a name: is it ours, may it federate, on what terms, by which routes
 * (causeway.conf(5), "XMPP FEDERATION").
 *
 * A policy is an immutable snapshot, made of a block and swapped whole at a reload. All names in it
 * are prepared (xmpp/jid), and all questions take prepared names. A question costs one look into a
 * table, of a name that is only on a list as *.NAME one for each of its labels, however long the
 * lists are.
 */
#ifndef CW_XMPP_POLICY_H
#define CW_XMPP_POLICY_H

#include "core/str.h"
#include "dialplan/zone.h"

enum cw_xmpp_security {
	CW_XMPP_REQUIRED,
	CW_XMPP_OPTIONAL,
	CW_XMPP_NONE,
};

enum cw_xmpp_certificates {
	CW_XMPP_NAMED,
	CW_XMPP_TRUSTED,
	CW_XMPP_ANY,
};

enum cw_xmpp_privacy {
	CW_XMPP_ALLOW_LIST,
	CW_XMPP_DENY_LIST,
	CW_XMPP_PRIVACY_OFF,
};

/* A static route to a server. */
struct cw_xmpp_route {
	struct cw_str domain; /* whose it is; empty within a partner's block */
	struct cw_zone_peer peer;
	unsigned priority, weight; /* as in an SRV record */
};

struct cw_xmpp_route_list {
	const struct cw_xmpp_route *items;
	size_t count;
};

/* What may be set for all partners and for one. */
struct cw_xmpp_terms {
	enum cw_xmpp_security security;
	enum cw_xmpp_certificates certificates;
	bool sasl_external;
	bool static_routes;               /* the routes are used */
	unsigned idle_timeout_ms;         /* 0: a silent stream stays */
	struct cw_xmpp_route_list routes; /* of a policy's answers: those of this name; none: DNS */
	/*
	 * Names of which the certificate must carry one; none: the partner's domain. A zone of ours
	 * has its `verify` names.
	 */
	const struct cw_str *certificate_names;
	size_t n_certificate_names;
};

/* The block of one partner, or of a local name. */
struct cw_xmpp_partner {
	struct cw_str domain;
	struct cw_xmpp_terms
		terms; /* whole: what the block leaves out is as for all; only its own routes */
};

/*
 * The block, as it was read. Names are prepared; "*.NAME" on the lists stands for all names below
 * NAME.
 */
struct cw_xmpp_block {
	struct cw_str_list domains, chat_nodes; /* local names */
	const struct cw_zone *inside;           /* NULL: not named */
	enum cw_xmpp_privacy privacy;
	struct cw_str_list allow, deny;
	struct cw_xmpp_terms terms; /* for all, with the routes of all names */
	const struct cw_xmpp_partner *partners;
	size_t n_partners;
};

struct cw_xmpp_policy;

/*
 * Make the policy of a block. `zones`: all of the configuration, by cw_zone.index. Everything is
 * borrowed as long as the policy lives, but the block itself.
 *
 * Returns: 0 and *out set, owned by the caller; -ENOMEM.
 */
int cw_xmpp_policy_create(struct cw_xmpp_policy **out, const struct cw_xmpp_block *block,
	const struct cw_zone *const *zones, size_t n_zones);

/* Free it; NULL is fine. */
void cw_xmpp_policy_destroy(struct cw_xmpp_policy *policy);

/* Whether the name is a local domain or chat node of ours. */
bool cw_xmpp_policy_is_local(const struct cw_xmpp_policy *policy, struct cw_str name);

/* Whether there is any such name. */
bool cw_xmpp_policy_has_local(const struct cw_xmpp_policy *policy);

/* Whether some partner may federate: with an empty allow list none does. */
bool cw_xmpp_policy_lets_anybody(const struct cw_xmpp_policy *policy);

/*
 * NULL when a partner's name may federate; else why not, in words: "it is not on the allow list",
 * "it is on the deny list", "it is a local domain".
 */
const char *cw_xmpp_policy_refusal(const struct cw_xmpp_policy *policy, struct cw_str name);

/*
 * The terms for a name; never NULL. A partner's: its own block, else the general ones, with its
 * routes. A local name's: those of the inside leg for it: security, certificates and EXTERNAL of
 * its own block or the general ones, the rest as cw_xmpp_policy_zone_terms.
 */
const struct cw_xmpp_terms *cw_xmpp_policy_terms(
	const struct cw_xmpp_policy *policy, struct cw_str name);

/* The terms for all whose name is not known (yet), without routes. Never NULL. */
const struct cw_xmpp_terms *cw_xmpp_policy_general_terms(const struct cw_xmpp_policy *policy);

/*
 * The terms for the servers of an xmpp zone with peers: the general ones, its peers as routes in
 * their order, its `verify` names, and silent streams stay. NULL: no such zone.
 */
const struct cw_xmpp_terms *cw_xmpp_policy_zone_terms(
	const struct cw_xmpp_policy *policy, const struct cw_zone *zone);

/* The zone of the own server; NULL: none is named. */
const struct cw_zone *cw_xmpp_policy_inside(const struct cw_xmpp_policy *policy);

/* Its terms, where the local name is not known (yet). NULL: no such zone, or one without peers. */
const struct cw_xmpp_terms *cw_xmpp_policy_inside_terms(const struct cw_xmpp_policy *policy);

#endif
