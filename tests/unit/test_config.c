/* From text to checked settings: what is read, what is refused, what is doubtful. */
#include "daemon/config.h"

#include "daemon/config_read.h"
#include "tests/unit/config_parse.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* A zone that is right, on a line of its own. */
#define N "zone N { type neighbor; peer a.example }\n"

/* ---- what is read ---- */

START_TEST(reads_what_the_file_says)
{
	struct cw_config *c = parse_good(
		"hostname expe.example.com\n"
		"listen sip tls 0.0.0.0:5061; listen sip tcp [::1]:5060\n"
		"tls { certificate certs/a.pem; key /k.pem; trust certs; crl crl.pem\n"
		"	crl-missing fail; minimum tls1.3 }\n"
		"tls { certificate b.pem; key b.key; trust t }\n"
		"dns { server 127.0.0.53:53 }; dns { server 192.0.2.1 }\n"
		"token { key-file certs/token.keys }\n"
		"hosting-provider sipfed.example.net.\n"
		"partner p.example { certificate edge.p.example; certificate edge2.p.example }\n"
		"access default { allow regex '.*\\.partner\\.example'; deny any }\n"
		"sender-check no\n");

	ck_assert_str_eq(c->path, "etc/test.conf");
	ck_assert_str_eq(c->hostname.p, "expe.example.com");
	ck_assert_uint_eq(c->n_listeners, 2);
	ck_assert_int_eq(c->listeners[0].kind, CW_LISTEN_SIP_TLS);
	ck_assert_int_eq(c->listeners[1].kind, CW_LISTEN_SIP_TCP);
	ck_assert_uint_eq(cw_address_port(&c->listeners[1].address), 5060);
	ck_assert_uint_eq(c->n_tls, 2);
	ck_assert_str_eq(c->tls[0].certificate.path, "etc/certs/a.pem");
	ck_assert_str_eq(c->tls[0].key.path, "/k.pem");
	ck_assert_str_eq(c->tls[0].trust.path, "etc/certs");
	ck_assert_str_eq(c->tls[0].crl.path, "etc/crl.pem");
	ck_assert_int_eq(c->tls[0].crl_missing, CW_CRL_FAIL);
	ck_assert(c->tls[0].tls13_only);
	ck_assert_ptr_null(c->tls[1].crl.path);
	ck_assert_int_eq(c->tls[1].crl_missing, CW_CRL_SOFT);
	ck_assert(!c->tls[1].tls13_only);
	ck_assert_uint_eq(c->tls[1].place.line, 5);
	ck_assert_uint_eq(c->n_dns_servers, 2);
	ck_assert_uint_eq(cw_address_port(&c->dns_servers[1]), 53);
	ck_assert_str_eq(c->token_key_file, "etc/certs/token.keys");
	ck_assert_uint_eq(c->policy.n_hosting_providers, 1);
	ck_assert_str_eq(c->policy.hosting_providers[0].p, "sipfed.example.net");
	ck_assert_uint_eq(c->policy.n_partners, 2);
	ck_assert_str_eq(c->policy.partners[1].domain.p, "p.example");
	ck_assert_str_eq(c->policy.partners[1].certificate.p, "edge2.p.example");
	ck_assert(c->policy.has_access);
	ck_assert_uint_eq(c->policy.n_access, 2);
	ck_assert(c->policy.access[0].allow && !c->policy.access[1].allow);
	ck_assert_int_eq(cw_pattern_type(c->policy.access[1].pattern), CW_PATTERN_ANY);
	ck_assert(!c->policy.sender_check);
	ck_assert_ptr_null(c->files[1]);
	cw_config_destroy(c);
}
END_TEST

static const struct log_case {
	const char *name, *text, *wanted;
} log_cases[] = {
	{"nothing said", "", "sip:info sip.request:info net.dns:info"},
	{"one level for all", "log warn", "sip:warn sip.request:warn net.dns:warn"},
	{"one area and those below it", "log sip debug",
		"sip:debug sip.request:debug net.dns:info"},
	{"an area below another", "log sip.request error; log sip debug; log warn",
		"sip:debug sip.request:error net.dns:warn"},
};

START_TEST(logs_what_it_is_told_to)
{
	static const char *const areas[] = {"sip", "sip.request", "net.dns"};
	static const char *const levels[] = {"error", "warn", "info", "debug"};
	const struct log_case *l = &log_cases[_i];
	struct cw_config *c = parse_good(l->text);
	char got[128] = "";

	ck_assert_int_eq(cw_log_set_level("net", CW_LOG_DEBUG), 0); /* of a configuration before */
	cw_config_apply_log_levels(c);
	for (size_t i = 0; i < 3; i++) {
		enum cw_log_level level = CW_LOG_DEBUG;

		while (level > CW_LOG_ERROR && !cw_log_wanted(level, areas[i]))
			level--;
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s:%s", i ? " " : "",
			areas[i], levels[level]);
	}
	ck_assert_msg(strcmp(got, l->wanted) == 0, "%s: %s", l->name, got);
	cw_config_destroy(c);
}
END_TEST

START_TEST(knows_the_defaults)
{
	struct cw_config *c =
		parse_good("hostname h.example; zone N { type neighbor; peer a.example }\n"
			   "zone T { type neighbor; peer 192.0.2.1; transport tcp }\n"
			   "zone D { type dns }\n"
			   "rule r { pattern exact x; target N }\n"
			   "transform t { pattern exact x }\n");
	const struct cw_zone *n = cw_config_zone(c, cw_str_of("N")), *d;
	size_t count;
	const struct cw_search_rule *r = cw_ruleset_rules(c->rules, &count)[0];

	ck_assert_uint_eq(c->n_zones, 4);
	ck_assert_int_eq(c->zones[0]->type, CW_ZONE_DEFAULT);
	ck_assert_str_eq(c->zones[0]->name.p, "default");
	ck_assert_str_eq(c->zones[0]->local_name.p, "h.example");
	ck_assert_uint_eq(n->index, 1);
	ck_assert_int_eq(n->transport, CW_ZONE_TLS);
	ck_assert_uint_eq(n->peers[0].port, 5061);
	ck_assert_uint_eq(cw_config_zone(c, cw_str_of("T"))->peers[0].port, 5060);
	ck_assert_str_eq(n->local_name.p, "h.example");
	ck_assert_uint_eq(n->n_verify, 1);
	ck_assert_str_eq(n->verify[0].p, "a.example");
	ck_assert(!n->wildcards && !n->trusted && !n->monitor);
	ck_assert_uint_eq(n->hop_count, 15);
	ck_assert_uint_eq(n->connect_timeout_ms, 3000);
	ck_assert_uint_eq(n->response_timeout_ms, 20000);
	ck_assert_uint_eq(n->place.line, 1);
	ck_assert(cw_str_starts(n->place.source, cw_str_of("hostname h.example; zone N")));
	d = cw_config_zone(c, cw_str_of("D"));
	ck_assert_int_eq(d->dns_verify, CW_ZONE_VERIFY_TARGET);
	ck_assert(!d->address_fallback && !d->allow_private);
	ck_assert_uint_eq(d->n_verify, 0);
	ck_assert_uint_eq(r->priority, 100);
	ck_assert(r->enabled && !r->stop && !r->authenticated);
	ck_assert_int_eq(r->protocol, CW_RULE_SIP);
	ck_assert_int_eq(r->variant, CW_RULE_ANY_VARIANT);
	ck_assert_int_eq(r->source, CW_RULE_FROM_ANY);
	ck_assert_int_eq(r->mode, CW_RULE_PATTERN);
	ck_assert_int_eq(r->behavior, CW_BEHAVIOR_LEAVE);
	ck_assert_uint_eq(cw_ruleset_transforms(c->rules, &count)[0]->priority, 100);
	ck_assert(c->policy.sender_check && !c->policy.has_access);
	ck_assert_ptr_null(cw_config_zone(c, cw_str_of("nobody")));
	cw_config_destroy(c);
}
END_TEST

/* Rules by thousands on one line: none may keep the line. */
START_TEST(keeps_of_a_long_line_what_stands_around_the_place)
{
	char text[3000];
	size_t at = (size_t)snprintf(text, sizeof(text), "hostname h.example; %s", N);

	text[at - 1] = ' ';
	memset(text + at, ' ', 2000);
	snprintf(text + at + 2000, sizeof(text) - at - 2000, "%s",
		"rule 'far' { pattern exact x; target N }");

	struct cw_config *c = parse_good(text);
	size_t count;
	const struct cw_place *place = &cw_ruleset_rules(c->rules, &count)[0]->place;
	size_t column = at + 2000 + 1;

	ck_assert_uint_eq(place->line, 1);
	ck_assert_uint_eq(place->column, column);
	ck_assert_uint_le(place->source.len, CW_DIAG_SOURCE_MAX);
	ck_assert(cw_str_starts(cw_str_from(place->source, column - 1 - place->source_from),
		cw_str_of("rule 'far' {")));
	cw_config_destroy(c);
}
END_TEST

START_TEST(reads_zones_and_rules)
{
	struct cw_config *c = parse_good(
		"rule 'first, its zones below' { priority 7; state disabled; protocol any\n"
		"	variant ms-imp; source IMP default; authenticated yes; mode pattern\n"
		"	pattern prefix 'a;b'; behavior replace 'x''y'; on-match stop; target D }\n"
		"rule ip { mode any-ip; source all-zones; target IMP }\n"
		"zone IMP { type neighbor; peer a.example:5062; peer [2001:db8::1]; name "
		"n.example\n"
		"	verify v1.example; verify v2.example; wildcards yes; trusted yes; "
		"hop-count 9\n"
		"	connect-timeout 500ms; response-timeout 10s; monitor yes }\n"
		"zone D { type dns; verify off; address-fallback yes; allow-private yes }\n");
	const struct cw_zone *imp = cw_config_zone(c, cw_str_of("IMP"));
	const struct cw_zone *d = cw_config_zone(c, cw_str_of("D"));
	size_t count;
	const struct cw_search_rule *const *rules = cw_ruleset_rules(c->rules, &count);

	ck_assert_uint_eq(imp->n_peers, 2);
	ck_assert_str_eq(imp->peers[0].host.p, "a.example");
	ck_assert_uint_eq(imp->peers[0].port, 5062);
	ck_assert_str_eq(imp->peers[1].host.p, "2001:db8::1");
	ck_assert_uint_eq(imp->peers[1].port, 5061);
	ck_assert_str_eq(imp->local_name.p, "n.example");
	ck_assert_uint_eq(imp->n_verify, 2);
	ck_assert_str_eq(imp->verify[1].p, "v2.example");
	ck_assert(imp->wildcards && imp->trusted && imp->monitor);
	ck_assert_uint_eq(imp->hop_count, 9);
	ck_assert_uint_eq(imp->connect_timeout_ms, 500);
	ck_assert_uint_eq(imp->response_timeout_ms, 10000);
	ck_assert_int_eq(d->dns_verify, CW_ZONE_VERIFY_OFF);
	ck_assert(d->address_fallback && d->allow_private);

	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(rules[0]->name.p, "first, its zones below");
	ck_assert(!rules[0]->enabled && rules[0]->stop && rules[0]->authenticated);
	ck_assert_int_eq(rules[0]->protocol, CW_RULE_ANY_PROTOCOL);
	ck_assert_int_eq(rules[0]->variant, CW_RULE_MS_IMP);
	ck_assert_int_eq(rules[0]->source, CW_RULE_FROM_NAMED);
	ck_assert_uint_eq(rules[0]->n_sources, 2);
	ck_assert_ptr_eq(rules[0]->sources[0], imp);
	ck_assert_ptr_eq(rules[0]->sources[1], c->zones[0]);
	ck_assert_int_eq(cw_pattern_type(rules[0]->pattern), CW_PATTERN_PREFIX);
	ck_assert(cw_str_eq(cw_pattern_text(rules[0]->pattern), cw_str_of("a;b")));
	ck_assert_int_eq(rules[0]->behavior, CW_BEHAVIOR_REPLACE);
	ck_assert_ptr_eq(rules[0]->target, d);
	ck_assert_uint_eq(rules[0]->place.line, 1);
	ck_assert_str_eq(rules[0]->place.file, "etc/test.conf");
	ck_assert_int_eq(rules[1]->mode, CW_RULE_ANY_IP);
	ck_assert_int_eq(rules[1]->source, CW_RULE_FROM_ALL_ZONES);
	ck_assert_ptr_null(rules[1]->pattern);
	cw_config_destroy(c);
}
END_TEST

/* ---- what is refused ---- */

static const struct error_case {
	const char *name, *text, *messages;
} error_cases[] = {
	{"unknown", "hostnme x",
		"1:1 unknown setting \"hostnme\" in the file outside of blocks; did you mean "
		"\"hostname\"?\n"},
	{"unknown and far from all", "zzzzzz x",
		"1:1 unknown setting \"zzzzzz\" in the file outside of blocks\n"},
	{"unknown in a block", N "rule r { pattern exact x; target N; tagret N }",
		"2:37 unknown setting \"tagret\" in a rule; did you mean \"target\"?\n"},
	{"misplaced", "peer x", "1:1 \"peer\" does not belong here; it stands in a zone\n"},
	{"misplaced in a block", "dns { hostname x }",
		"1:7 \"hostname\" does not belong here; it stands in the file outside of blocks\n"},
	{"of another type of zone", "zone d { type dns; peer x }",
		"1:20 \"peer\" belongs to zones of type neighbor, traversal-client, xmpp; this one "
		"is dns\n"},
	{"twice", "hostname a.example\nhostname b.example",
		"2:1 \"hostname\" stands here twice; the first one is in etc/test.conf:1\n"},
	{"twice in a block", N "rule r { pattern exact x; target N; priority 1; priority 2 }",
		"2:49 \"priority\" stands here twice; the first one is in etc/test.conf:2\n"},
	{"a block twice", "access default { deny any }\naccess default { }",
		"2:1 \"access\" stands here twice; the first one is in etc/test.conf:1\n"},
	{"a quoted include", "'include' x", "1:1 write include without quotes\n"},
	{"no argument", "hostname", "1:1 expected: hostname NAME\n"},
	{"too many arguments", "hostname a.example b.example", "1:20 expected: hostname NAME\n"},
	{"a block without braces", "zone z", "1:1 expected: zone NAME { ... }\n"},
	{"a block without its name", "rule { }", "1:1 expected: rule NAME { ... }\n"},
	{"braces where none belong", "hostname a.example { }", "1:1 expected: hostname NAME\n"},
	{"no host name", "hostname 192.0.2.1", "1:10 hostname: expected a host name\n"},
	{"no host name, either", "hostname a..b", "1:10 hostname: expected a host name\n"},
	{"neither yes nor no", "sender-check true",
		"1:14 sender-check: expected yes | no, found \"true\"\n"},
	{"out of range", N "rule r { pattern exact x; target N; priority 65535 }",
		"2:46 priority: expected NUMBER (1 to 65534), found \"65535\"\n"},
	{"no number", N "rule r { pattern exact x; target N; priority 1x }",
		"2:46 priority: expected NUMBER (1 to 65534), found \"1x\"\n"},
	{"duration out of range", "zone z { type dns; connect-timeout 31 }",
		"1:36 connect-timeout: expected SECONDS (1ms to 30s), found \"31\"\n"},
	{"duration that overflows", "zone z { type dns; connect-timeout 99999999999999999999h }",
		"1:36 connect-timeout: expected SECONDS (1ms to 30s), found "
		"\"99999999999999999999h\"\n"},
	{"duration in another unit", "zone z { type dns; response-timeout 1d }",
		"1:37 response-timeout: expected SECONDS (1ms to 31s), found \"1d\"\n"},
	{"no such choice", "zone z { type dns; verify targt }",
		"1:27 verify: expected target | domain | off, found \"targt\"; did you mean "
		"\"target\"?\n"},
	{"listener without transport", "listen sip 0.0.0.0:5061",
		"1:8 expected: listen sip tls ADDRESS:PORT, sip tcp, xmpp or xmpps\n"},
	{"listener without port", "listen sip tls 0.0.0.0",
		"1:16 expected an address and a port, such as 0.0.0.0:5061 or [::]:5061\n"},
	{"listener twice", "listen sip tls 0.0.0.0:5061\nlisten sip tcp 0.0.0.0:5061",
		"2:16 this address is listened on already, by etc/test.conf:1\n"},
	{"listener within another", "listen sip tls 0.0.0.0:5061\nlisten sip tcp 127.0.0.1:5061",
		"2:16 this address is listened on already, by etc/test.conf:1\n"},
	{"listener around another", "listen sip tls [::1]:5061\nlisten sip tcp [::]:5061",
		"2:16 this address is listened on already, by etc/test.conf:1\n"},
	{"no level", "log verbose", "1:5 log: expected error, warn, info or debug\n"},
	{"a level that is nearly one", "log sip debgu",
		"1:9 log: expected error, warn, info or debug; did you mean \"debug\"?\n"},
	{"an area that is none", "log spi debug",
		"1:5 log: expected an area such as sip, sip.request, xmpp, net, certs or daemon; "
		"did you mean \"sip\"?\n"},
	{"an area that ends in its dot", "log sip. debug",
		"1:5 log: expected an area such as sip, sip.request, xmpp, net, certs or daemon; "
		"did you mean \"sip\"?\n"},
	{"an area longer than any", "log sip.aaaaaaaaaaaaaaaaaaaaaaaaaaaa debug",
		"1:5 log: expected an area such as sip, sip.request, xmpp, net, certs or daemon\n"},
	{"a level twice", "log warn; log sip info; log debug; log sip debug",
		"1:25 log: this level is set twice\n1:36 log: this level is set twice\n"},
	{"more areas with a level than there is room for",
		"log sip.a info; log sip.b info; log sip.c info; log sip.d info; log sip.e info\n"
		"log sip.f info; log sip.g info; log sip.h info; log sip.i info; log sip.j info\n"
		"log sip.k info; log sip.l info; log sip.m info; log sip.n info; log sip.o info\n"
		"log sip.p info; log sip.q info; log info",
		"4:17 more than 16 areas have a level\n"},
	{"resolver by name", "dns { server ns.example }",
		"1:14 expected the address of a resolver, such as 127.0.0.53:53\n"},
	{"too many resolvers",
		"dns { server ::1\n server 192.0.2.1; server 192.0.2.2; server 192.0.2.3\n"
		"server 192.0.2.4; server 192.0.2.5; server 192.0.2.6; server 192.0.2.7 }",
		"1:14 expected the address of a resolver, such as 127.0.0.53:53\n3:55 more than 6 "
		"resolvers\n"},
	{"tls without its files", "tls { }",
		"1:1 \"certificate\" is missing in a tls block\n1:1 \"key\" is missing in a tls "
		"block\n"
		"1:1 \"trust\" is missing in a tls block\n"},
	{"zone without type", "zone z { peer x; verify a.example }",
		"1:1 \"type\" is missing in a zone\n"},
	{"zone of no such type", "zone z { type neighbour; peer a.example }",
		"1:15 type: expected neighbor | dns | traversal-client | traversal-server | xmpp, "
		"found "
		"\"neighbour\"; did you mean \"neighbor\"?\n"},
	{"neighbor without peer", "zone z { type neighbor }",
		"1:6 a zone of type neighbor needs a \"peer\"\n"},
	{"seven peers",
		"zone z { type neighbor; peer a; peer b; peer c; peer d; peer e; peer f\npeer g }",
		"2:1 a zone has at most 6 peers\n"},
	{"peer twice", "zone z { type neighbor; peer a:1; peer A:1 }",
		"1:40 this peer stands here twice\n"},
	{"peer with a bad port", "zone z { type neighbor; peer a:0 }",
		"1:30 peer: expected a host name or address, with or without port: "
		"imp1.example.com:5062, [2001:db8::1]:5061\n"},
	{"zone twice", "zone z { type dns }\nzone z { type dns }",
		"2:6 zone \"z\" stands here twice; the first one is in etc/test.conf:1\n"},
	{"the reserved name", "zone default { type dns }",
		"1:6 \"default\" is a reserved name: no zone can be called so\n"},
	{"a name that means something else", "zone all-zones { type dns }",
		"1:6 \"all-zones\" is a reserved name: no zone can be called so\n"},
	{"an empty name", "zone '' { type dns }", "1:6 a zone has a name of 1 to 128 bytes\n"},
	{"rule twice",
		N "rule r { pattern exact x; target N }\nrule r { pattern exact y; target N }",
		"3:6 rule \"r\" stands here twice; the first one is in etc/test.conf:2\n"},
	{"rule without target", "rule r { pattern exact x }",
		"1:1 \"target\" is missing in a rule\n"},
	{"rule without pattern", N "rule r { target N }", "2:1 \"pattern\" is missing in a rule\n"},
	{"unknown target", N "rule r { pattern exact x; target NN }",
		"2:34 unknown zone \"NN\"; did you mean \"N\"?\n"},
	{"unknown source", N "rule r { pattern exact x; target N; source N nobody }",
		"2:46 unknown zone \"nobody\"\n"},
	{"source twice", N "rule r { pattern exact x; target N; source N N }",
		"2:46 this zone stands here twice\n"},
	{"source any and one more", N "rule r { pattern exact x; target N; source N any }",
		"2:46 \"any\" stands alone or not at all\n"},
	{"target default", N "rule r { pattern exact x; target default }",
		"2:34 the zone \"default\" is where strangers come from: it can be a source, but "
		"no target\n"},
	{"pattern of no such type", N "rule r { pattern regexp x; target N }",
		"2:18 pattern: expected exact, prefix, suffix or regex; did you mean \"regex\"?\n"},
	{"pattern without type", N "rule r { pattern x; target N }",
		"2:10 expected: pattern exact | prefix | suffix | regex TEXT\n"},
	{"a broken regex", N "rule r { pattern regex ab(; target N }",
		"2:26 missing closing parenthesis\n"},
	{"a broken regex behind quotes", N "rule r { pattern regex 'a''b('; target N }",
		"2:30 missing closing parenthesis\n"},
	{"a broken regex in double quotes", N "rule r { pattern regex \"a\\\\\\\\b(\"; target N }",
		"2:32 missing closing parenthesis\n"},
	{"strip of a regex", N "rule r { pattern regex x; behavior strip; target N }",
		"2:36 strip takes a matched prefix or suffix off; the pattern is regex\n"},
	{"replace without text", N "rule r { pattern exact x; behavior replace; target N }",
		"2:36 behavior: expected leave, strip or replace TEXT\n"},
	{"a group that is not there",
		N "rule r { pattern regex (x); behavior replace 'a\\2'; target N }",
		"2:48 \\2 stands for a group, but the pattern has 1\n"},
	{"a pattern where all match", N "rule r { mode any-alias; pattern exact x; target N }",
		"2:26 mode any-alias takes no pattern\n"},
	{"a behavior where all match", N "rule r { mode any-ip; behavior replace x; target N }",
		"2:32 mode any-ip leaves the alias as it is; behavior needs a pattern\n"},
	{"transform without pattern", "transform t { priority 3 }",
		"1:1 \"pattern\" is missing in a transform\n"},
	{"transform twice", "transform t { pattern exact x }\ntransform t { pattern exact x }",
		"2:11 transform \"t\" stands here twice; the first one is in etc/test.conf:1\n"},
	{"access to another zone", "access IMP { }",
		"1:8 expected: access default { ... }; other zones are known by their "
		"certificates\n"},
	{"access without type", "access default { allow x }",
		"1:24 expected: exact, prefix, suffix or regex and a pattern, or any\n"},
	{"access by a broken regex", "access default { allow regex 'a)|(?:b' }",
		"1:32 unmatched closing parenthesis\n"},
	{"partner twice",
		"partner p.example { certificate a.example }\npartner p.example { certificate "
		"b.example }",
		"2:9 partner \"p.example\" stands here twice; the first one is in "
		"etc/test.conf:1\n"},
	{"partner without certificate", "partner p.example { }",
		"1:1 \"certificate\" is missing in a partner block\n"},
	{"a long control-socket",
		"control-socket /a23456789/a23456789/a23456789/a23456789/a23456789/a23456789/"
		"a23456789/a23456789/a23456789/a23456789/a2345678",
		"1:16 control-socket: the path has more than 107 bytes\n"},
	{"all of them", "hostnme x\n}\nzone z { type dns; peer x\nfoo }\nrule r { target zz }",
		"1:1 unknown setting \"hostnme\" in the file outside of blocks; did you mean "
		"\"hostname\"?\n"
		"2:1 \"}\" closes no block\n"
		"3:20 \"peer\" belongs to zones of type neighbor, traversal-client, xmpp; this one "
		"is dns\n"
		"4:1 unknown setting \"foo\" in a zone\n"
		"5:17 unknown zone \"zz\"; did you mean \"z\"?\n"},
};

START_TEST(refuses)
{
	const struct error_case *c = &error_cases[_i];
	struct cw_diag diag = {0};
	struct cw_config *config = parse(c->text, &diag);
	char *messages = messages_of(&diag);

	ck_assert_msg(strcmp(messages, c->messages) == 0, "%s:\n%s", c->name, messages);
	ck_assert_msg(diag.errors > 0, "%s: no error", c->name);
	free(messages);
	cw_config_destroy(config);
	cw_diag_finish(&diag);
}
END_TEST

/* ---- what is doubtful ---- */

#define H   "hostname h.example; listen sip tcp 127.0.0.1:5060\n"
#define TLS "tls { certificate c; key k; trust t }\n"
#define R   "rule r { pattern exact x; target N }\n"

#define TWIN                                                                                       \
	"both verify the same name, and no peer's address makes the difference; they count as "    \
	"that zone's)\n"

static const struct doubt_case {
	const char *name, *text, *messages;
} doubt_cases[] = {
	{"nothing", H TLS N R, ""},
	{"no hostname", "listen sip tcp 127.0.0.1:5060\n" TLS N R,
		"1:8 \"hostname\" is missing: the name of this system in Via and Record-Route\n"},
	{"no hostname for a zone", "\n" N "token { key-file k }\n",
		"0:0 (no \"listen\": nobody can connect)\n"
		"0:0 (no search rule is enabled: every request is answered 404)\n"
		"2:6 \"hostname\" is missing: the name of this system in Via and Record-Route\n"
		"2:6 this needs a certificate, and there is no \"tls\" block\n"},
	{"no hostname and nothing that needs it", "# a comment\n sender-check yes\n",
		"0:0 (no \"listen\": nobody can connect)\n"
		"0:0 (no search rule is enabled: every request is answered 404)\n"
		"2:2 \"hostname\" is missing: the name of this system in Via and Record-Route\n"},
	{"no listener", "hostname h.example\n" TLS N R,
		"0:0 (no \"listen\": nobody can connect)\n"},
	{"no tls for a zone", H N R,
		"2:6 this needs a certificate, and there is no \"tls\" block\n"},
	{"no tls for a listener",
		"hostname h.example; listen sip tls 127.0.0.1:5061\n"
		"zone N { type neighbor; transport tcp; peer 192.0.2.9 }\n" R,
		"1:28 this needs a certificate, and there is no \"tls\" block\n"},
	{"no need of tls", H "zone N { type neighbor; transport tcp; peer 192.0.2.9 }\n" R, ""},
	{"no rules", H TLS N, "0:0 (no search rule is enabled: every request is answered 404)\n"},
	{"the same name and peer", H TLS N R "zone M { type neighbor; peer A.example:5062 }",
		"5:6 (requests from this zone cannot be told from those of \"N\" "
		"(etc/test.conf:3): " TWIN},
	{"the same name, other peers by name",
		H TLS N R
		"zone M { type neighbor; peer 192.0.2.1; peer b.example; verify a.example }",
		""},
	{"the same name, the later one by address",
		H TLS N R "zone M { type neighbor; peer 192.0.2.1; verify a.example }", ""},
	{"the same name and address",
		H TLS N R "zone M { type neighbor; peer [::1]; verify A.example }\n"
			  "zone L { type neighbor; peer [0:0::1]:1; verify a.example }",
		"6:6 (requests from this zone cannot be told from those of \"M\" "
		"(etc/test.conf:5): " TWIN},
	{"another name, the same peer",
		H TLS N R "zone M { type neighbor; peer a.example; verify b.example }", ""},
	{"the same peer over tcp",
		H TLS N R "zone M { type neighbor; peer 192.0.2.1:1; transport tcp }\n"
			  "zone L { type neighbor; peer 192.0.2.1:2; transport tcp }",
		"6:6 (requests from this zone cannot be told from those of \"M\" "
		"(etc/test.conf:5): both have a peer of "
		"the same address; they count as that zone's)\n"},
	{"a name over tcp", H TLS N R "zone M { type neighbor; peer m.example; transport tcp }",
		""},
	{"addresses without a name",
		H TLS "zone N { type neighbor; peer 192.0.2.1; peer [::1] }\n" R,
		"3:6 (its peers are addresses, which no certificate names: set \"verify\" to the "
		"name in theirs)\n"},
	{"an unused zone",
		H TLS N "zone M { type neighbor; peer b.example }\nrule r { source N; pattern "
			"exact x; target N }",
		"4:6 (zone \"M\" is not used: no rule leads to it or names it as source)\n"},
	{"a zone that only a disabled rule uses",
		H TLS N "zone M { type neighbor; peer b.example }\nrule r { source N; pattern "
			"exact x; target N }\n"
			"rule s { state disabled; pattern exact x; target M }",
		"4:6 (zone \"M\" is not used: no rule leads to it or names it as source)\n"},
	{"the first dns zone serves dialogs", H TLS N R "zone D { type dns }\nzone E { type dns }",
		"6:6 (zone \"E\" is not used: no rule leads to it or names it as source)\n"},
	{"from a dns zone",
		H TLS N "zone D { type dns }\nrule r { source D; pattern exact x; target N }",
		"5:1 (rule \"r\": nothing comes from the dns zone \"D\"; strangers come from "
		"\"default\")\n"},
	{"stanzas to SIP", H TLS N "rule r { protocol xmpp; pattern exact x; target N }",
		"4:1 (rule \"r\" leads to the neighbor zone \"N\"; XMPP and SIP are not translated "
		"in this version: "
		"stanzas that match are answered service-unavailable)\n"},
	{"SIP to stanzas", H TLS N "zone X { type xmpp }\nrule r { pattern exact x; target X }",
		"5:1 (rule \"r\" leads to the xmpp zone \"X\"; SIP and XMPP are not translated in "
		"this version: "
		"requests that match are answered 501)\n"},
	{"stanzas to stanzas",
		H TLS N R
		"zone X { type xmpp }\nrule s { protocol xmpp; pattern exact x; target X }",
		""},
	{"to what is not available",
		H TLS N "zone X { type traversal-server }\nrule r { pattern exact x; target X }",
		"4:6 (zones of type traversal-server are not available in this version: nothing "
		"reaches this zone)\n"
		"5:1 (rule \"r\" leads to the traversal-server zone \"X\"; zones of its type are "
		"not available in this version: "
		"what matches fails)\n"},
};

START_TEST(doubts)
{
	const struct doubt_case *c = &doubt_cases[_i];
	struct cw_diag diag = {0};
	struct cw_config *config = parse(c->text, &diag);

	cw_config_require(config, CW_SEVERITY_ERROR, &diag);
	cw_config_analyse(config, &diag);

	char *messages = messages_of(&diag);

	ck_assert_msg(strcmp(messages, c->messages) == 0, "%s:\n%s", c->name, messages);
	free(messages);
	cw_config_destroy(config);
	cw_diag_finish(&diag);
}
END_TEST

START_TEST(calls_nothing_missing_that_is_only_wrong)
{
	struct cw_diag diag = {0};
	struct cw_config *config = parse("hostname -; listen sip tls [::1]:5061; tls { }", &diag);
	size_t errors = diag.errors;

	cw_config_require(config, CW_SEVERITY_ERROR, &diag);
	ck_assert_uint_eq(diag.errors, errors);
	cw_config_destroy(config);
	cw_diag_finish(&diag);

	diag = (struct cw_diag){0};
	ck_assert_int_eq(cw_config_load(&config, "/nonexistent/file", &diag), 0);
	cw_config_require(config, CW_SEVERITY_ERROR, &diag);
	ck_assert_uint_eq(diag.errors, 1);
	cw_config_destroy(config);
	cw_diag_finish(&diag);
}
END_TEST

/* ---- the table ---- */

START_TEST(every_default_can_be_read)
{
	struct cw_config config = {0};
	struct cw_diag diag = {0};

	for (enum cw_context context = CW_IN_FILE; context < CW_CONTEXT_COUNT; context++) {
		struct cw_reader r = {.config = &config, .diag = &diag};
		char draft[4096];
		size_t count;
		const struct cw_setting *s = cw_schema_settings(context, &count);

		ck_assert_uint_le(count, CW_SETTINGS_MAX);
		for (size_t i = 0; i < count; i++) {
			struct cw_buf text = {0};
			struct cw_conf *tree = NULL;

			if (!s[i].default_value)
				continue;
			cw_buf_printf(&text, "%s %s", s[i].name, s[i].default_value);
			ck_assert_int_eq(cw_conf_parse(&tree, "t", cw_buf_str(&text), &diag), 0);
			cw_read_value(&r, &s[i], tree->root, draft);
			ck_assert_msg(diag.errors == 0, "%s", text.data);
			cw_conf_destroy(tree);
			cw_buf_finish(&text);
		}
	}
	cw_arena_finish(&config.arena);
}
END_TEST

static const struct host_case {
	const char *host;
	bool is_name;
} host_cases[] = {
	{"a", true},
	{"a.example", true},
	{"a.example.", true},
	{"_sip._tls.a-b.example", true},
	{"3com.example", true},
	{"", false},
	{".", false},
	{".a", false},
	{"a..b", false},
	{"-a", false},
	{"a-", false},
	{"a-.b", false},
	{"a b", false},
	{"a/b", false},
	{"1.2.3.4", false},
	{"example.123", false},
	{"b\xc3\xbc"
	 "cher.example",
		false},
	{"a234567890123456789012345678901234567890123456789012345678901234.b", false},
};

START_TEST(knows_host_names)
{
	const struct host_case *c = &host_cases[_i];
	struct cw_str host = heap_copy(cw_str_of(c->host));

	ck_assert_msg(cw_is_host_name(host) == c->is_name, "%s", c->host);
	heap_free(host);
}
END_TEST

/* A message may be lost when memory is short; nothing leaks and no half configuration comes out. */
START_TEST(survives_short_memory)
{
	static const char text[] = H TLS N R
		"dns { server 192.0.2.1 }\naccess default { allow exact x }\n"
		"partner p.example { certificate q.example }\ntransform t { pattern exact x }\n"
		"xmpp { domain c.example; inside x; allow a.example; deny d.example; route "
		"b.example "
		"192.0.2.1\nstatic-routes yes; partner b.example { route 192.0.2.2 } }\n"
		"zone x { type xmpp; peer x.example; component p.example; component-secret-file s "
		"}\nrule s { source N; mode any-ip; "
		"target N }\n";

	for (unsigned n = 1;; n++) {
		struct cw_diag diag = {0};
		struct cw_config *config = NULL;

		alloc_fail_at(n);

		int rc = cw_config_parse(&config, "t", cw_str_of(text), &diag);
		bool is_short = alloc_fail_reached();

		ck_assert(rc == -ENOMEM || rc == 0);
		ck_assert((rc == 0) == (config != NULL));
		cw_config_destroy(config);
		cw_diag_finish(&diag);
		if (!is_short)
			break;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");

	tcase_add_test(tcase, reads_what_the_file_says);
	tcase_add_test(tcase, knows_the_defaults);
	tcase_add_loop_test(
		tcase, logs_what_it_is_told_to, 0, sizeof(log_cases) / sizeof(log_cases[0]));
	tcase_add_test(tcase, keeps_of_a_long_line_what_stands_around_the_place);
	tcase_add_test(tcase, reads_zones_and_rules);
	ADD_ROWS(tcase, refuses, error_cases);
	ADD_ROWS(tcase, doubts, doubt_cases);
	tcase_add_test(tcase, calls_nothing_missing_that_is_only_wrong);
	tcase_add_test(tcase, every_default_can_be_read);
	ADD_ROWS(tcase, knows_host_names, host_cases);
	tcase_add_test(tcase, survives_short_memory);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
