/* The table of settings. */
#include "daemon/schema.h"

#include "daemon/config_read.h"

#include <stddef.h>

#define BIT(type)     (1u << (type))
#define BIT_NEIGHBOR  BIT(CW_ZONE_NEIGHBOR)
#define BIT_DNS       BIT(CW_ZONE_DNS)
#define BIT_XMPP      BIT(CW_ZONE_XMPP)
#define BIT_CLIENT    BIT(CW_ZONE_TRAVERSAL_CLIENT)
#define BIT_SIP       (BIT_NEIGHBOR | BIT_DNS | BIT_TRAVERSAL)
#define BIT_TRAVERSAL (BIT_CLIENT | BIT(CW_ZONE_TRAVERSAL_SERVER))

static const struct cw_choice crl_missing_words[] = {
	{"soft", CW_CRL_SOFT}, {"fail", CW_CRL_FAIL}, {NULL, 0}};
static const struct cw_choice minimum_words[] = {{"tls1.2", false}, {"tls1.3", true}, {NULL, 0}};
static const struct cw_choice zone_type_words[] = {
	{"neighbor", CW_ZONE_NEIGHBOR},
	{"dns", CW_ZONE_DNS},
	{"traversal-client", CW_ZONE_TRAVERSAL_CLIENT},
	{"traversal-server", CW_ZONE_TRAVERSAL_SERVER},
	{"xmpp", CW_ZONE_XMPP},
	{NULL, 0},
};
static const struct cw_choice transport_words[] = {
	{"tls", CW_ZONE_TLS}, {"tcp", CW_ZONE_TCP}, {NULL, 0}};
static const struct cw_choice dns_verify_words[] = {
	{"target", CW_ZONE_VERIFY_TARGET},
	{"domain", CW_ZONE_VERIFY_DOMAIN},
	{"off", CW_ZONE_VERIFY_OFF},
	{NULL, 0},
};
static const struct cw_choice state_words[] = {{"enabled", true}, {"disabled", false}, {NULL, 0}};
static const struct cw_choice protocol_words[] = {
	{"sip", CW_RULE_SIP}, {"xmpp", CW_RULE_XMPP}, {"any", CW_RULE_ANY_PROTOCOL}, {NULL, 0}};
static const struct cw_choice variant_words[] = {
	{"any", CW_RULE_ANY_VARIANT},
	{"standard", CW_RULE_STANDARD},
	{"microsoft", CW_RULE_MICROSOFT},
	{"ms-imp", CW_RULE_MS_IMP},
	{"ms-av", CW_RULE_MS_AV},
	{"ms-sip", CW_RULE_MS_SIP},
	{NULL, 0},
};
static const struct cw_choice mode_words[] = {
	{"pattern", CW_RULE_PATTERN},
	{"any-alias", CW_RULE_ANY_ALIAS},
	{"any-ip", CW_RULE_ANY_IP},
	{NULL, 0},
};
static const struct cw_choice on_match_words[] = {{"stop", true}, {"continue", false}, {NULL, 0}};
static const struct cw_choice security_words[] = {
	{"required", CW_XMPP_REQUIRED},
	{"optional", CW_XMPP_OPTIONAL},
	{"none", CW_XMPP_NONE},
	{NULL, 0},
};
static const struct cw_choice certificates_words[] = {
	{"named", CW_XMPP_NAMED}, {"trusted", CW_XMPP_TRUSTED}, {"any", CW_XMPP_ANY}, {NULL, 0}};
static const struct cw_choice privacy_words[] = {
	{"off", CW_XMPP_PRIVACY_OFF},
	{"allow-list", CW_XMPP_ALLOW_LIST},
	{"deny-list", CW_XMPP_DENY_LIST},
	{NULL, 0},
};

#define AT(member) .offset = offsetof(struct cw_file_draft, member)
static const struct cw_setting file_settings[] = {
	{"hostname", CW_TYPE_HOST, .arguments = "NAME", AT(hostname),
		.help = "The name of this system in Via, Record-Route and the XMPP connection. It "
			"must be a host name "
			"that others can look up; Microsoft refuses an address there. Needed by "
			"*run*."},
	{"listen", CW_TYPE_LISTEN, CW_SETTING_REPEATABLE,
		.arguments = "sip tls | sip tcp | xmpp | xmpps ADDRESS:PORT",
		.help = "An address and port to listen on; IPv6 in brackets. _xmpp_ begins with "
			"STARTTLS, _xmpps_ with TLS. "
			"The first one of a kind gives the port for Record-Route. A reload can add "
			"and "
			"remove listeners; one that gives a port in use to another kind, or to all "
			"addresses instead of one, is refused and needs a restart."},
	{"log", CW_TYPE_LOG, CW_SETTING_REPEATABLE,
		.arguments = "[AREA] error | warn | info | debug", .default_help = "info",
		.help = "What is logged: lines of that level and of those before it. With an area, "
			"as it stands in the lines, only for that area and those below it: "
			"*log sip debug* covers _sip.request_. Without one, for all others."},
	{"tls", CW_TYPE_BLOCK, CW_SETTING_REPEATABLE, .block = CW_IN_TLS,
		.help = "A certificate and what peers' certificates are held against. Of several "
			"blocks the one is used whose certificate "
			"names what the peer asks for (SNI), else the first."},
	{"dns", CW_TYPE_BLOCK, CW_SETTING_REPEATABLE, .block = CW_IN_DNS,
		.help = "How names are looked up."},
	{"token", CW_TYPE_BLOCK, .block = CW_IN_TOKEN,
		.help = "The keys under which Record-Route carries the two zones of a dialog. "
			"Without the block a key is made in memory and lost at exit."},
	{"zone", CW_TYPE_NAMED, CW_SETTING_REPEATABLE, .block = CW_IN_ZONE,
		.help = "A group of remote systems that are reached and trusted alike. Names are "
			"unique; _default_, _any_, "
			"_all-zones_ and _none_ are reserved."},
	{"hosting-provider", CW_TYPE_HOSTS, CW_SETTING_REPEATABLE, .arguments = "NAME",
		AT(hosting_providers),
		.help = "A host that may speak for any domain whose \\_sipfederationtls record "
			"names "
			"it."},
	{"partner", CW_TYPE_NAMED, CW_SETTING_REPEATABLE, .block = CW_IN_PARTNER,
		.arguments = "DOMAIN", .help = "Says whose certificate speaks for a domain."},
	{"access", CW_TYPE_NAMED, .block = CW_IN_ACCESS, .arguments = "default",
		.help = "Who may talk to the zone _default_ by SIP. The first line that fits any "
			"dNSName or SIP URI of the certificate "
			"(the common name only where it has neither) decides; with a block, what "
			"fits no line is denied. Without it every "
			"valid certificate is admitted. A denied connection is closed and logged."},
	{"sender-check", CW_TYPE_BOOL, AT(sender_check), .default_value = "yes",
		.help = "Whether the domain of From must fit the certificate, for requests from "
			"the zone _default_."},
	{"rule", CW_TYPE_NAMED, CW_SETTING_REPEATABLE | CW_SETTING_LATE, .block = CW_IN_RULE,
		.help = "A search rule. Names are unique."},
	{"transform", CW_TYPE_NAMED, CW_SETTING_REPEATABLE | CW_SETTING_LATE,
		.block = CW_IN_TRANSFORM,
		.help = "Rewrites the alias before any rule sees it; the first transform that "
			"matches does, once. Names are unique."},
	{"xmpp", CW_TYPE_BLOCK, CW_SETTING_LATE, .block = CW_IN_XMPP,
		.help = "XMPP federation: see below."},
	{"control-socket", CW_TYPE_FILE, AT(control_socket), .arguments = "PATH", .max = 107,
		.default_help = "none",
		.help = "The Unix socket over which *causeway status*, *connections* and *trace* "
			"ask the daemon; only its user and root may. An old one that nobody "
			"listens on is replaced."},
	{"include", CW_TYPE_INCLUDE, CW_SETTING_REPEATABLE, .arguments = "PATTERN",
		.help = "Read the files that match, in sorted order, as if their text stood here. "
			"Relative to the folder of the file that says "
			"so. A pattern without a match is a warning, a cycle an error. May stand "
			"in any block."},
};
#undef AT

#define AT(member) .offset = offsetof(struct cw_tls_draft, member)
static const struct cw_setting tls_settings[] = {
	{"certificate", CW_TYPE_FILE, CW_SETTING_REQUIRED, AT(settings.certificate.path),
		.help = "Our certificate, PEM: the leaf first, then the intermediates."},
	{"key", CW_TYPE_FILE, CW_SETTING_REQUIRED, AT(settings.key.path),
		.help = "Its private key, PEM."},
	{"trust", CW_TYPE_FILE, CW_SETTING_REQUIRED, .arguments = "FILE | FOLDER",
		AT(settings.trust.path),
		.help = "The CAs that are trusted: a file of certificates, or a folder of them."},
	{"crl", CW_TYPE_FILE, AT(settings.crl.path), .default_help = "no check of revocation",
		.help = "Revocation lists, PEM. Then the whole chain is checked."},
	{"crl-missing", CW_TYPE_CHOICE, .choices = crl_missing_words, .default_value = "soft",
		AT(settings.crl_missing),
		.help = "What a CA without a revocation list, or with an expired one, means: "
			"_soft_: it is reported; _fail_: "
			"the peer is refused."},
	{"minimum", CW_TYPE_CHOICE, .choices = minimum_words, .default_value = "tls1.2",
		AT(minimum), .help = "The oldest version of TLS that is spoken."},
};
#undef AT

static const struct cw_setting dns_settings[] = {
	{"server", CW_TYPE_DNS_SERVER, CW_SETTING_REPEATABLE, .arguments = "ADDRESS[:PORT]",
		.effect = CW_AT_RESTART, .default_help = "the system's resolvers",
		.help = "A resolver to ask; up to 6."},
};

#define AT(member) .offset = offsetof(struct cw_token_draft, member)
static const struct cw_setting token_settings[] = {
	{"key-file", CW_TYPE_FILE, CW_SETTING_REQUIRED, AT(key_file),
		.help = "The file of keys, shared by the peers of a cluster; made at the first "
			"start when it is absent. The unit for systemd lets the daemon write only "
			"below _/var/lib/causeway_."},
};
#undef AT

#define AT(member) .offset = offsetof(struct cw_zone_draft, zone.member)
static const struct cw_setting zone_settings[] = {
	{"type", CW_TYPE_CHOICE, CW_SETTING_REQUIRED, .choices = zone_type_words, AT(type),
		.help = "_neighbor_: systems at known addresses. _dns_: whatever the domain's "
			"records name (\\_sipfederationtls.\\_tcp for the "
			"Microsoft variants, \\_sips.\\_tcp else). _xmpp_: servers that speak "
			"XMPP; "
			"without peers the federation itself, which finds a server for each "
			"domain. The _traversal_ types are not available in this version."},
	{"peer", CW_TYPE_PEER, CW_SETTING_REPEATABLE, .arguments = "HOST[:PORT]",
		.zone_types = BIT_NEIGHBOR | BIT_XMPP | BIT_CLIENT,
		.help = "A system of the zone, by name or address (IPv6 in brackets); up to "
			"6, tried in order. Ports: 5061, with tcp 5060, XMPP 5269, with "
			"*component* 5347."},
	{"transport", CW_TYPE_CHOICE, .choices = transport_words, .default_value = "tls",
		AT(transport), .zone_types = BIT_NEIGHBOR, .help = "How it is reached."},
	{"name", CW_TYPE_HOST, .arguments = "NAME", AT(local_name), .default_help = "hostname",
		.help = "Our name towards this zone: Via, Record-Route, and which certificate we "
			"show."},
	{"verify", CW_TYPE_HOSTS, CW_SETTING_REPEATABLE, .arguments = "NAME",
		.offset = offsetof(struct cw_zone_draft, verify),
		.zone_types = BIT_NEIGHBOR | BIT_TRAVERSAL | BIT_XMPP,
		.default_help = "the peers' names",
		.help = "A name that the peer's certificate must carry, one of them. It also says "
			"which requests come from the zone."},
	{"verify", CW_TYPE_CHOICE, .choices = dns_verify_words, .default_value = "target",
		AT(dns_verify), .zone_types = BIT_DNS,
		.help = "In a dns zone: _target_: the certificate names the host of the record, "
			"which lies in the domain's namespace or is a "
			"*hosting-provider*; _domain_: it names the domain; _off_: any valid "
			"certificate."},
	{"wildcards", CW_TYPE_BOOL, .default_value = "no", AT(wildcards), .zone_types = BIT_SIP,
		.help = "Whether a left-most \\* in the certificate's name may match (RFC 5922 "
			"forbids it)."},
	{"trusted", CW_TYPE_BOOL, .default_value = "no", AT(trusted),
		.help = "Whether its requests count as authenticated (for rules with "
			"*authenticated yes*) and keep their identity headers."},
	{"hop-count", CW_TYPE_NUMBER, .min = 1, .max = 255, .default_value = "15", AT(hop_count),
		.zone_types = BIT_SIP,
		.help = "Upper limit of the Max-Forwards that is written towards the zone."},
	{"connect-timeout", CW_TYPE_DURATION, .min = 1, .max = 30000, .default_value = "3",
		AT(connect_timeout_ms),
		.help = "How long a peer may take to connect before the next one is tried."},
	{"response-timeout", CW_TYPE_DURATION, .min = 1, .max = 31000, .default_value = "20",
		AT(response_timeout_ms), .zone_types = BIT_SIP,
		.help = "How long a final answer to anything but an INVITE may take. Stay below "
			"the sender's 32 seconds."},
	{"component", CW_TYPE_DOMAINS, CW_SETTING_REPEATABLE, .arguments = "DOMAIN",
		.offset = offsetof(struct cw_zone_draft, components), .zone_types = BIT_XMPP,
		.help = "A foreign domain for which the peer is asked as its component "
			"(XEP-0114), over a connection of its own: for servers that cannot be told "
			"to send everything to Causeway."},
	{"component-secret-file", CW_TYPE_FILE, AT(component_secret_file), .zone_types = BIT_XMPP,
		.help = "The file of the secret that the peer wants of its components, one line. "
			"Needed with *component*. Nobody but its owner and group may read it."},
	{"monitor", CW_TYPE_BOOL, .default_value = "no", AT(monitor),
		.zone_types = BIT_NEIGHBOR | BIT_CLIENT,
		.help = "Whether peers are asked by OPTIONS whether they live. Those that do not "
			"answer are skipped; if none does, all are tried."},
	{"address-fallback", CW_TYPE_BOOL, .default_value = "no", AT(address_fallback),
		.zone_types = BIT_DNS,
		.help = "Whether the domain's own addresses are tried where it has no SRV record."},
	{"allow-private", CW_TYPE_BOOL, .default_value = "no", AT(allow_private),
		.zone_types = BIT_DNS,
		.help = "Whether loopback and private addresses may be targets. For laboratories."},
};
#undef AT

#define AT(member) .offset = offsetof(struct cw_partner_draft, member)
static const struct cw_setting partner_settings[] = {
	{"certificate", CW_TYPE_HOSTS, CW_SETTING_REQUIRED | CW_SETTING_REPEATABLE,
		.arguments = "NAME", AT(certificates),
		.help = "A name in the certificate of whoever may send for the domain."},
};
#undef AT

static const struct cw_setting access_settings[] = {
	{"allow", CW_TYPE_ACCESS, CW_SETTING_REPEATABLE,
		.arguments = "exact | prefix | suffix | regex PATTERN, or any", .min = true,
		.help = "Whom to admit. The pattern is held against the whole name, caseless."},
	{"deny", CW_TYPE_ACCESS, CW_SETTING_REPEATABLE,
		.arguments = "exact | prefix | suffix | regex PATTERN, or any", .min = false,
		.help = "Whom to refuse."},
};

#define PRIORITY(member)                                                                           \
	CW_TYPE_NUMBER, .min = CW_PRIORITY_MIN, .max = CW_PRIORITY_MAX, .default_value = "100",    \
			AT(member)

#define AT(member) .offset = offsetof(struct cw_rule_draft, member)
static const struct cw_setting rule_settings[] = {
	{"priority", PRIORITY(rule.priority),
		.help = "Rules are asked in order of priority, 1 first; within one priority in the "
			"order of the files."},
	{"state", CW_TYPE_CHOICE, .choices = state_words, .default_value = "enabled", AT(enabled),
		.help = "A disabled rule matches nothing and stands in traces as skipped."},
	{"protocol", CW_TYPE_CHOICE, .choices = protocol_words, .default_value = "sip",
		AT(rule.protocol), .help = "Which requests it is asked for."},
	{"variant", CW_TYPE_CHOICE, .choices = variant_words, .default_value = "any",
		AT(rule.variant),
		.help = "What kind of SIP: _ms-imp_ is Microsoft IM and presence, _ms-av_ audio "
			"and video, _ms-sip_ other Microsoft SIP, "
			"_microsoft_ any of the three."},
	{"source", CW_TYPE_SOURCE, .arguments = "any | all-zones | ZONE [ZONE ...]",
		.default_help = "any", AT(rule),
		.help = "Where the request comes from. _all-zones_: every configured zone, but not "
			"the zone _default_, which may be named."},
	{"authenticated", CW_TYPE_BOOL, .default_value = "no", AT(rule.authenticated),
		.help = "_yes_: only requests from a zone that is *trusted*."},
	{"mode", CW_TYPE_CHOICE, .choices = mode_words, .default_value = "pattern", AT(rule.mode),
		.help = "_pattern_: by the pattern. _any-ip_: every alias that is an IP address. "
			"_any-alias_: every one that is not."},
	{"pattern", CW_TYPE_PATTERN, .arguments = "exact | prefix | suffix | regex TEXT",
		AT(pattern),
		.help = "What the alias must look like, compared caseless and with the whole "
			"alias; for _prefix_ and _suffix_ the rest is "
			"free. Quote a regex in '...'. Needed with *mode pattern*, and only "
			"there."},
	{"behavior", CW_TYPE_BEHAVIOR, .arguments = "leave | strip | replace TEXT",
		.default_help = "leave", AT(pattern),
		.help = "What becomes of the alias: _leave_ it, _strip_ the matched prefix or "
			"suffix, or _replace_ that, with exact and regex "
			"the whole alias, by the text, in which \\\\0 to \\\\9 are the groups of "
			"the regex."},
	{"on-match", CW_TYPE_CHOICE, .choices = on_match_words, .default_value = "continue",
		AT(stop),
		.help = "_stop_: rules with a greater priority number are not asked any more; the "
			"remaining ones of the same priority still are."},
	{"target", CW_TYPE_ZONE, CW_SETTING_REQUIRED, .arguments = "ZONE", AT(rule.target),
		.help = "Where a request that matches goes."},
};
#undef AT

#define AT(member) .offset = offsetof(struct cw_transform_draft, member)
static const struct cw_setting transform_settings[] = {
	{"priority", PRIORITY(transform.priority), .help = "As in a rule."},
	{"state", CW_TYPE_CHOICE, .choices = state_words, .default_value = "enabled", AT(enabled),
		.help = "As in a rule."},
	{"pattern", CW_TYPE_PATTERN, CW_SETTING_REQUIRED,
		.arguments = "exact | prefix | suffix | regex TEXT", AT(pattern),
		.help = "As in a rule."},
	{"behavior", CW_TYPE_BEHAVIOR, .arguments = "leave | strip | replace TEXT",
		.default_help = "leave", AT(pattern),
		.help = "As in a rule. _leave_ keeps the transforms behind it away from the "
			"alias."},
};
#undef AT

#define TERMS                                                                                      \
	{"security", CW_TYPE_CHOICE, .choices = security_words, .default_value = "required",       \
		AT_TERMS(security),                                                                \
		.help = "_required_: no stanza passes and nothing is verified "                    \
			"before TLS. _optional_: a partner that does not offer "                   \
			"it is spoken to in clear; one whose TLS fails is not. "                   \
			"_none_: TLS is neither offered nor asked for."},                          \
		{"certificates", CW_TYPE_CHOICE, .choices = certificates_words,                    \
			.default_value = "named", AT_TERMS(certificates),                          \
			.help = "What a partner's certificate must be like where there "           \
				"is TLS. _named_: it carries the partner's domain, "               \
				"self-signed or not. _trusted_: it carries the domain, "           \
				"chains to a trusted CA and is not revoked. _any_: it "            \
				"may be anything, dialback alone decides."},                       \
		{"sasl-external", CW_TYPE_BOOL, .default_value = "yes", AT_TERMS(sasl_external),   \
			.help = "Whether SASL EXTERNAL is offered and used: a "                    \
				"certificate that is trusted and carries the domain then "         \
				"stands in for dialback, without a second connection."},           \
		{"static-routes", CW_TYPE_BOOL, .default_value = "no", AT_TERMS(static_routes),    \
			.help = "Whether *route* is used. A name with routes is then "             \
				"reached by them alone, in the order of priority and "             \
				"weight, never by DNS, and is allowed by itself. A name "          \
				"without is looked up."},                                          \
	{                                                                                          \
		"idle-timeout", CW_TYPE_DURATION,                                                  \
			.min = 1000, .max = 86400000, .default_value = "10m",                      \
			AT_TERMS(idle_timeout_ms),                                                 \
			.help = "How long a connection may carry no stanza before it is "          \
				"closed. Pings do not count."                                      \
	}

#define AT(member)       .offset = offsetof(struct cw_xmpp_draft, member)
#define AT_TERMS(member) AT(block.terms.member)
static const struct cw_setting xmpp_settings[] = {
	{"domain", CW_TYPE_DOMAINS, CW_SETTING_REPEATABLE, .arguments = "NAME", .min = true,
		AT(block.domains), .help = "A local domain that federates."},
	{"chat-node", CW_TYPE_DOMAINS, CW_SETTING_REPEATABLE, .arguments = "NAME", .min = true,
		AT(block.chat_nodes),
		.help = "A chat node alias: the domain of a group chat server of ours. It is a "
			"local name like a domain, with DNS record and name in the certificate "
			"of its own."},
	{"inside", CW_TYPE_ZONE, .arguments = "ZONE", AT(block.inside),
		.help = "The zone of type xmpp of the organisation's own server: where stanzas "
			"to local names go, and the only one from which they come."},
	{"dialback-secret-file", CW_TYPE_FILE, AT(dialback_secret_file),
		.default_help = "a secret in memory",
		.help = "The file of the secret that dialback keys are made of, one line of at "
			"least 16 bytes. The same for all peers of a cluster, so that each can "
			"answer for the others. It is made at the first start when it is "
			"absent. Nobody but its owner and group may read it."},
	TERMS,
	{"privacy", CW_TYPE_CHOICE, .choices = privacy_words, .default_value = "allow-list",
		AT(block.privacy),
		.help = "Who may federate: _allow-list_: nobody but the names on it; "
			"_deny-list_: everybody but the names on it; _off_: everybody."},
	{"wildcards", CW_TYPE_BOOL, .default_value = "no", AT(wildcards),
		.help = "Whether \\*.NAME may stand on the lists: every name below NAME, not "
			"NAME itself."},
	{"allow", CW_TYPE_WILD_DOMAINS, CW_SETTING_REPEATABLE, .arguments = "NAME", AT(block.allow),
		.help = "A name on the allow list: a partner's domain or chat node, exactly. A "
			"name cannot be allowed and denied."},
	{"deny", CW_TYPE_WILD_DOMAINS, CW_SETTING_REPEATABLE, .arguments = "NAME", AT(block.deny),
		.help = "A name on the deny list."},
	{"route", CW_TYPE_ROUTE, CW_SETTING_REPEATABLE,
		.arguments = "DOMAIN HOST[:PORT] [PRIORITY [WEIGHT]]", .min = true,
		AT(block.terms.routes),
		.help = "A static route to the server of a partner's domain, with priority and "
			"weight as in an SRV record (both 0 by default). Port: 5269."},
	{"partner", CW_TYPE_NAMED, CW_SETTING_REPEATABLE | CW_SETTING_LATE,
		.block = CW_IN_XMPP_PARTNER, .arguments = "DOMAIN",
		.help = "What is different for one partner; what it leaves out is as for all. "
			"With the name of a local domain it is about the connection to the own "
			"server, for that domain."},
};
#undef AT_TERMS
#undef AT

#define AT(member)       .offset = offsetof(struct cw_xmpp_partner, member)
#define AT_TERMS(member) AT(terms.member)
static const struct cw_setting xmpp_partner_settings[] = {
	TERMS,
	{"route", CW_TYPE_ROUTE, CW_SETTING_REPEATABLE,
		.arguments = "HOST[:PORT] [PRIORITY [WEIGHT]]", AT(terms.routes),
		.help = "A static route to this partner; needs *static-routes yes*, here or "
			"for all."},
};
#undef AT_TERMS
#undef AT

#define TABLE(name, settings)                                                                      \
	{                                                                                          \
		name, settings, sizeof(settings) / sizeof((settings)[0])                           \
	}
static const struct context_row {
	const char *name;
	const struct cw_setting *settings;
	size_t count;
} contexts[CW_CONTEXT_COUNT] = {
	[CW_IN_FILE] = TABLE("the file outside of blocks", file_settings),
	[CW_IN_TLS] = TABLE("a tls block", tls_settings),
	[CW_IN_DNS] = TABLE("the dns block", dns_settings),
	[CW_IN_TOKEN] = TABLE("the token block", token_settings),
	[CW_IN_ZONE] = TABLE("a zone", zone_settings),
	[CW_IN_PARTNER] = TABLE("a partner block", partner_settings),
	[CW_IN_ACCESS] = TABLE("the access block", access_settings),
	[CW_IN_RULE] = TABLE("a rule", rule_settings),
	[CW_IN_TRANSFORM] = TABLE("a transform", transform_settings),
	[CW_IN_XMPP] = TABLE("the xmpp block", xmpp_settings),
	[CW_IN_XMPP_PARTNER] = TABLE("a partner of the xmpp block", xmpp_partner_settings),
};

const struct cw_setting *cw_schema_settings(enum cw_context context, size_t *count)
{
	*count = contexts[context].count;
	return contexts[context].settings;
}

const char *cw_schema_context_name(enum cw_context context)
{
	return contexts[context].name;
}

/* Milliseconds as a person would write them. */
static void add_duration(struct cw_buf *out, unsigned ms)
{
	if (ms % 60000 == 0)
		cw_buf_printf(out, "%um", ms / 60000);
	else if (ms % 1000 == 0)
		cw_buf_printf(out, "%us", ms / 1000);
	else
		cw_buf_printf(out, "%ums", ms);
}

void cw_setting_arguments(const struct cw_setting *s, struct cw_buf *out)
{
	static const char *const words[CW_TYPE_COUNT] = {
		[CW_TYPE_NAMED] = "NAME",
		[CW_TYPE_BOOL] = "yes | no",
		[CW_TYPE_FILE] = "FILE",
	};
	const struct cw_choice *c;

	if (s->arguments) {
		cw_buf_add(out, cw_str_of(s->arguments));
	} else if (s->type == CW_TYPE_CHOICE) {
		for (c = s->choices; c->word; c++)
			cw_buf_printf(out, "%s%s", c == s->choices ? "" : " | ", c->word);
	} else if (s->type == CW_TYPE_NUMBER) {
		cw_buf_printf(out, "NUMBER (%u to %u)", s->min, s->max);
	} else if (s->type == CW_TYPE_DURATION) {
		cw_buf_add(out, cw_str_of("SECONDS ("));
		add_duration(out, s->min);
		cw_buf_add(out, cw_str_of(" to "));
		add_duration(out, s->max);
		cw_buf_add(out, cw_str_of(")"));
	} else if (words[s->type]) {
		cw_buf_add(out, cw_str_of(words[s->type]));
	}
}
