/*
 * The alias: the text that search rules are matched against.
 *
 * The alias of a SIP request is its Request-URI (after our own Routes are taken off) without the scheme, with user,
 * host, port and parameters as they stand. In the user part percent-encoded unreserved characters (RFC 3261, 25.1: alphanum and
 * - _ . ! ~ * ' ( ) ) are decoded and nothing else, so that no second `@` appears; nothing is where a `%` begins no encoded byte. The alias of a stanza is its bare `to`
 * address.
 */
#ifndef CW_DIALPLAN_ALIAS_H
#define CW_DIALPLAN_ALIAS_H

#include "core/arena.h"
#include "core/str.h"

#define CW_ALIAS_MAX 2048 /* bytes; a longer one is refused (414) */

/* Answers of cw_alias_prepare and cw_alias_prepare_jid. */
enum {
	CW_ALIAS_E_SYNTAX =
		1, /* empty, or it holds NUL, CR or LF (an encoded one, %00, stays encoded) */
	CW_ALIAS_E_LENGTH, /* longer than CW_ALIAS_MAX */
	CW_ALIAS_E_SCHEME, /* another scheme than sip, sips, xmpp, im, pres (416) */
};

/*
 * Make the alias of `uri`: a Request-URI, an xmpp: URI, or what a person types as one (no scheme). Without a scheme a colon
 * may only begin a port (`host:5061`): `bob:secret@host` needs its `sip:`.
 *
 * The result is a slice of `uri` where nothing had to be decoded, else it lives in `arena`.
 *
 * Returns: 0 and *out set; a CW_ALIAS_E_*; -ENOMEM.
 */
int cw_alias_prepare(struct cw_str *out, struct cw_str uri, struct cw_arena *arena);

/*
 * Make the alias of a stanza's `to` address: the JID without its resource, as it stands (JIDs know no percent-encoding).
 *
 * The result is a slice of `jid`.
 *
 * Returns: 0 and *out set; CW_ALIAS_E_SYNTAX; CW_ALIAS_E_LENGTH.
 */
int cw_alias_prepare_jid(struct cw_str *out, struct cw_str jid);

/* Whether `text` can be an alias: 1 to CW_ALIAS_MAX bytes, none of them NUL, CR or LF. */
bool cw_alias_is_usable(struct cw_str text);

/*
 * The host of an alias, without port: it ends where the parameters begin. IPv6 keeps its brackets. The first `@` ends the user part,
 * which may hold `;` and `?` (RFC 3261, 25.1); should the rest hold another `@` before its parameters, the host stands behind the last.
 */
struct cw_str cw_alias_host(struct cw_str alias);

/* Whether the alias is an IP address: no user part, host a literal IPv4 or bracketed IPv6 address, with or without port and parameters. */
bool cw_alias_is_ip(struct cw_str alias);

#endif
