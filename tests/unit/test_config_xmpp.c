/* The xmpp block and zones: what is read, what is refused. */
#include "daemon/config.h"

#include "tests/unit/config_parse.h"
#include "tests/unit/unit.h"

START_TEST(keeps_the_xmpp_block)
{
	static const char text[] =
		"xmpp { domain a.example; domain b.example; chat-node c.example; inside im\n"
		"	security optional; certificates any; dialback-secret-file s; sasl-external "
		"no\n"
		"	privacy deny-list; wildcards yes; allow p.example; deny *.q.example\n"
		"	static-routes yes; route r.example 127.0.0.1 1 2; idle-timeout 90\n"
		"	partner l.example { security none; route 192.0.2.7:5270 } }\n"
		"zone im { type xmpp; peer 127.0.0.2 }\n"
		"listen xmpps 0.0.0.0:5270\n"
		"zone t { type traversal-server; verify v.example }\n"
		"zone u { type traversal-client; peer p.example }\n"
		"zone c { type xmpp; peer b.example; component F.example; component g.example\n"
		"	component-secret-file c.secret; connect-timeout 5; name x.example }\n"
		"control-socket run/s\n";
	struct cw_diag diag = {0};
	struct cw_config *c = parse(text, &diag);
	char *messages = messages_of(&diag);
	const struct cw_xmpp_settings *x = &c->xmpp;
	const struct cw_zone *zone;

	ck_assert_str_eq(messages,
		"8:6 (zones of type traversal-server are not available in this version: nothing "
		"reaches this zone)\n"
		"9:6 (zones of type traversal-client are not available in this version: nothing "
		"reaches this zone)\n");
	ck_assert(x->is_configured && x->wildcards);
	ck_assert_uint_eq(x->block.domains.count, 2);
	ck_assert_str_eq(x->block.domains.items[1].p, "b.example");
	ck_assert_str_eq(x->block.chat_nodes.items[0].p, "c.example");
	ck_assert_ptr_eq(x->block.inside, cw_config_zone(c, cw_str_of("im")));
	ck_assert_uint_eq(x->block.inside->peers[0].port, 5269);
	zone = cw_config_zone(c, cw_str_of("c"));
	ck_assert_uint_eq(zone->peers[0].port, 5347);
	ck_assert_uint_eq(zone->n_components, 2);
	ck_assert_str_eq(zone->components[0].p, "f.example");
	ck_assert_str_eq(zone->component_secret_file, "etc/c.secret");
	ck_assert_str_eq(c->control_socket, "etc/run/s");
	ck_assert_ptr_nonnull(x->policy);
	ck_assert_ptr_null(cw_xmpp_policy_refusal(x->policy, cw_str_of("p.example")));
	ck_assert_ptr_nonnull(cw_xmpp_policy_refusal(x->policy, cw_str_of("x.q.example")));
	ck_assert_uint_eq(cw_xmpp_policy_inside_terms(x->policy)->routes.items[0].peer.port, 5269);
	ck_assert_int_eq(x->block.privacy, CW_XMPP_DENY_LIST);
	ck_assert_str_eq(x->block.allow.items[0].p, "p.example");
	ck_assert_str_eq(x->block.deny.items[0].p, "*.q.example");
	ck_assert_int_eq(x->block.terms.security, CW_XMPP_OPTIONAL);
	ck_assert_int_eq(x->block.terms.certificates, CW_XMPP_ANY);
	ck_assert_str_eq(x->dialback_secret_file, "etc/s");
	ck_assert(!x->block.terms.sasl_external && x->block.terms.static_routes);
	ck_assert_uint_eq(x->block.terms.idle_timeout_ms, 90000);
	ck_assert_str_eq(x->block.terms.routes.items[0].domain.p, "r.example");
	ck_assert_uint_eq(x->block.terms.routes.items[0].peer.port, 5269);
	ck_assert_uint_eq(x->block.terms.routes.items[0].weight, 2);
	ck_assert_uint_eq(x->block.n_partners, 1);
	ck_assert_str_eq(x->block.partners[0].domain.p, "l.example");
	ck_assert_int_eq(x->block.partners[0].terms.security, CW_XMPP_NONE);
	ck_assert_int_eq(x->block.partners[0].terms.certificates, CW_XMPP_ANY); /* as for all */
	ck_assert_uint_eq(x->block.partners[0].terms.routes.count, 1);
	ck_assert_uint_eq(x->block.partners[0].terms.routes.items[0].peer.port, 5270);
	free(messages);
	cw_config_destroy(c);
	cw_diag_finish(&diag);
}
END_TEST

static const struct error_case {
	const char *name, *text, *messages;
} error_cases[] = {
	{"on both lists", "xmpp { allow A.example\ndeny a.example }",
		"2:6 this name is allowed, too (by allow, or by a static route)\n"},
	{"routed and denied",
		"xmpp { static-routes yes; route a.example 192.0.2.1\ndeny a.example }",
		"2:6 this name is allowed, too (by allow, or by a static route)\n"},
	{"denied and routed in its block, and in the other",
		"xmpp { static-routes yes; route a.example 192.0.2.1; route a.example 192.0.2.2\n"
		"deny A.EXAMPLE.; partner a.example { route 192.0.2.1 } }",
		"2:6 this name is allowed, too (by allow, or by a static route)\n"},
	{"a domain twice, prepared",
		"xmpp { domain b\xc3\xbc"
		"cher.example\nchat-node XN--bcher-kva.example }",
		"2:11 \"xn--bcher-kva.example\" stands here twice; the first one is in "
		"etc/test.conf:1\n"},
	{"allowed twice", "xmpp { wildcards yes; allow *.a.example\nallow *.A.example }",
		"2:7 \"*.a.example\" stands here twice; the first one is in etc/test.conf:1\n"},
	{"a partner twice", "xmpp { partner p.example { }\npartner P.example { } }",
		"2:9 \"p.example\" stands here twice; the first one is in etc/test.conf:1\n"},
	{"names that cannot be prepared",
		"xmpp { domain a..example\nchat-node 192.0.2.1\nallow a_b\ndeny -a\n"
		"route a,b 192.0.2.1\npartner *.p { } }",
		"1:15 domain: expected a domain name\n2:11 chat-node: expected a domain name\n"
		"3:7 allow: expected a domain name or *.NAME\n"
		"4:6 deny: expected a domain name or *.NAME\n"
		"5:7 route: expected a domain name\n6:9 partner: expected a domain name\n"},
	{"a secret for one partner", "xmpp { partner p.example { dialback-secret-file s } }",
		"1:28 \"dialback-secret-file\" does not belong here; it stands in the xmpp "
		"block\n"},
	{"a component without peer and secret", "zone x { type xmpp; component p.example }",
		"1:6 a zone with \"component\" needs a \"peer\": the server that takes it in\n"
		"1:6 a zone with \"component\" needs a \"component-secret-file\"\n"},
	{"a secret without component", "zone x { type xmpp; component-secret-file s }",
		"1:6 \"component-secret-file\" is for a zone with \"component\"\n"},
	{"a component that is local",
		"xmpp { domain p.example }\nzone x { type xmpp; peer a.example; "
		"component-secret-file s; component p.example }",
		"2:72 this is a local domain; a component is a foreign one\n"},
	{"a component of two zones",
		"zone x { type xmpp; peer a.example; component-secret-file s; component p.example "
		"}\nzone y { type xmpp; peer b.example; component-secret-file s; component "
		"P.example }",
		"2:72 \"p.example\" stands here twice; the first one is in etc/test.conf:1\n"},
	{"SIP in an xmpp zone", "zone x { type xmpp; hop-count 3 }",
		"1:21 \"hop-count\" belongs to zones of type neighbor, dns, traversal-client, "
		"traversal-server; this one is xmpp\n"},
	{"a wildcard where none are", "xmpp { allow *.a.example }",
		"1:14 *.NAME needs \"wildcards yes\"\n"},
	{"inside of the wrong type",
		"zone N { type neighbor; peer a.example }\n"
		"xmpp { inside N }",
		"2:1 inside: \"N\" is no zone of type xmpp\n"},
	{"a setting of xmpp in a partner", "xmpp { partner p.example { domain x.example } }",
		"1:28 \"domain\" does not belong here; it stands in the xmpp block\n"},
	{"a route too long", "xmpp { route a.example b.example 1 2 3 }",
		"1:38 expected: route DOMAIN HOST[:PORT] [PRIORITY [WEIGHT]]\n"},
};

START_TEST(refuses)
{
	const struct error_case *c = &error_cases[_i];
	struct cw_diag diag = {0};
	struct cw_config *config = parse(c->text, &diag);
	char *messages = messages_of(&diag);

	ck_assert_msg(strcmp(messages, c->messages) == 0, "%s:\n%s", c->name, messages);
	free(messages);
	cw_config_destroy(config);
	cw_diag_finish(&diag);
}
END_TEST

/* ---- what is doubtful ---- */

#define H    "hostname h.example; tls { certificate a; key a; trust a }; "
#define L    "listen xmpp 0.0.0.0:5269; "
#define IM   "zone im { type xmpp; peer 127.0.0.2 }\n"
#define GOOD "domain a.example; inside im; allow p.example; "

static const struct doubt_case {
	const char *name, *text, *messages;
} doubt_cases[] = {
	{"a federation", H L IM "xmpp { " GOOD "}", ""},
	{"without TLS block", "hostname h.example; " L IM "xmpp { " GOOD "}",
		"2:1 this needs a certificate, and there is no \"tls\" block\n"},
	{"direct TLS without TLS block", "hostname h.example; listen xmpps 0.0.0.0:5270",
		"0:0 (no search rule is enabled: every request is answered 404)\n"
		"1:28 this needs a certificate, and there is no \"tls\" block\n"
		"1:28 (there is no \"xmpp\" block: every stream is refused)\n"},
	{"no listener", H IM "xmpp { " GOOD "}",
		"0:0 (no \"listen\": nobody can connect)\n"
		"2:1 (no \"listen xmpp\": no partner can connect)\n"},
	{"only direct TLS", H IM "xmpp { " GOOD "}\nlisten xmpps 0.0.0.0:5270", ""},
	{"another port", H "listen xmpp 0.0.0.0:5280; " IM "xmpp { " GOOD "}",
		"1:67 (partners expect port 5269; another one works only where an SRV record names "
		"it)\n"},
	{"another port, too", H L "listen xmpp 0.0.0.0:5280; " IM "xmpp { " GOOD "}", ""},
	{"nothing in the block", H L "\nxmpp { }",
		"2:1 (no \"domain\": nobody of ours federates)\n"
		"2:1 (the allow list is empty: nobody federates until a name stands on it)\n"
		"2:1 (no \"inside\": there is no server of ours that stanzas could reach)\n"},
	{"an inside without peer",
		H L "zone x { type xmpp }\nxmpp { domain a.example; inside x; "
		    "privacy off }",
		"1:91 (the zone \"inside\" has no \"peer\": no stanza reaches our own "
		"server)\n"},
	{"an inside that cannot be told",
		"hostname h.example; " L "zone im { type xmpp; peer im.lan }\nxmpp { " GOOD
		"security none }",
		"1:52 (without a \"tls\" block our own server has no certificate to be known by: "
		"give its peers by address)\n"
		"2:1 (\"security none\" lets everything pass in clear, and dialback alone says "
		"who a partner is)\n"},
	{"allowed by routes",
		H L IM "xmpp { domain a.example; inside im; static-routes yes; "
		       "route p.example 192.0.2.1 }",
		""},
	{"allowed by a partner's route",
		H L IM "xmpp { domain a.example; inside im; partner p.example { static-routes yes; "
		       "route 192.0.2.1 } }",
		""},
	{"routes that are not used",
		H L IM "xmpp { " GOOD "route q.example 192.0.2.1\n"
		       "partner p.example { route 192.0.2.1 } }",
		"2:1 (its routes are not used: \"static-routes\" is \"no\")\n"
		"2:1 (partner p.example: its routes are not used: \"static-routes\" is \"no\")\n"},
	{"a partner that may not", H L IM "xmpp { " GOOD "partner q.example { } }",
		"2:1 (partner q.example may not federate: it is not on the allow list)\n"},
	{"a partner in clear", H L IM "xmpp { " GOOD "partner p.example { security none } }",
		"2:1 (partner p.example: \"security none\" lets everything pass in clear)\n"},
	{"routes of a local domain",
		H L IM "xmpp { " GOOD "static-routes yes; partner a.example { route 192.0.2.1 } }",
		"2:1 (partner a.example: the routes of a local domain are not used; it is reached "
		"through the zone \"inside\")\n"},
	{"lists with local domains", H L IM "xmpp { " GOOD "allow A.example }",
		"2:1 (allow a.example: a local domain is no partner; this says nothing)\n"},
	{"a component that may not",
		H L IM "xmpp { " GOOD "}\nzone c { type xmpp; peer 127.0.0.2; component q.example; "
		       "component-secret-file s }",
		"3:6 (component q.example may not federate: it is not on the allow list)\n"},
	{"in SIP and XMPP",
		H L IM "xmpp { " GOOD "allow q.example }\nzone w { type dns }\n"
		       "rule all { mode any-alias; target w }\n"
		       "rule re { pattern regex '.*@.*'; target w }\n"
		       "rule p { pattern regex '.*@p\\.example'; target w }\n"
		       "rule q { pattern suffix @q.example; protocol xmpp; target im }",
		"6:1 (rule \"p\" sends p.example to the world by SIP, and it may federate by "
		"XMPP, too: a domain should do one of both)\n"},
	{"rules of SIP", H L IM "listen sip tls 0.0.0.0:5061; xmpp { " GOOD "}",
		"0:0 (no search rule is enabled: every request is answered 404)\n"},
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

int main(void)
{
	Suite *s = suite_create("config_xmpp");
	TCase *tc = tcase_create("config_xmpp");

	tcase_add_test(tc, keeps_the_xmpp_block);
	ADD_ROWS(tc, refuses, error_cases);
	ADD_ROWS(tc, doubts, doubt_cases);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
