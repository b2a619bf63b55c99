"""Finding a Microsoft domain through DNS, and believing the right server for it."""

from support import sip
from support.lab import CAUSEWAY, EDGE, GRUU, IM_OFFER, ProxyCase, Silent, closed_port

OUT = r"rule 'out' { source IMP; pattern regex '.*'; target internet }"


class DnsCase(ProxyCase):
    async def lab(self, **changes):
        return await super().lab(**{"rules": OUT, "internet": "connect-timeout 2", **changes})

    async def arrives(self, lab, uri, endpoint=None, method="MESSAGE", **more):
        endpoint = endpoint or lab.edge
        message = lab.from_cluster(method, uri, body=more.pop("body", "x"), **more)
        await lab.send(lab.cluster, message)
        got = await endpoint.expect(method)
        await endpoint.respond(got, 200)
        self.assert_status(await lab.cluster.final(message), 200)
        return got

    async def fails(self, lab, uri, status=504, timeout=15):
        final = await lab.ask(lab.cluster, lab.from_cluster(uri=uri, body="x"), timeout)
        self.assert_status(final, status)
        await lab.edge.nothing(0.1)
        return final


class LookupTest(DnsCase):
    async def test_microsoft_variants_ask_for_sipfederationtls(self):
        lab = await self.lab()
        await self.arrives(lab, "sip:alice@ms.example")
        asked = lab.dns.queries()
        self.assertIn(("SRV", "_sipfederationtls._tcp.ms.example"), asked)
        self.assertNotIn(("SRV", "_sips._tcp.ms.example"), asked)

    async def test_standard_requests_ask_for_sips(self):
        lab = await self.lab(srv=[("_sips._tcp.ms.example", EDGE, "@edge-port@")])
        await self.arrives(lab, "sip:alice@ms.example", method="OPTIONS")
        self.assertIn(("SRV", "_sips._tcp.ms.example"), lab.dns.queries())

    async def test_answers_are_cached(self):
        lab = await self.lab()
        for i in range(3):
            await self.arrives(lab, f"sip:alice{i}@ms.example")
        self.assertEqual(lab.dns.queries().count(("SRV", "_sipfederationtls._tcp.ms.example")), 1)

    async def test_an_explicit_port_skips_the_record(self):
        lab = await self.lab()
        await self.arrives(lab, f"sip:alice@{EDGE}:{lab.edge.port}")
        self.assertFalse([q for q in lab.dns.queries() if q[0] == "SRV"])

    async def test_an_in_dialog_route_with_a_port_skips_the_record(self):
        lab = await self.lab()
        request = lab.from_cluster("INVITE", "sip:alice@elsewhere.example", contact=lab.cluster.contact(),
                                   content_type="application/sdp", body=IM_OFFER,
                                   headers=[("Route", f"<sip:{EDGE}:{lab.edge.port};lr>")])
        await lab.send(lab.cluster, request)
        got = await lab.edge.expect("INVITE")
        await lab.edge.respond(got, 486)
        self.assertFalse([q for q in lab.dns.queries() if q[0] == "SRV"])

    async def test_a_numeric_host_skips_the_record(self):
        lab = await self.lab(internet="verify off")
        await self.arrives(lab, f"sip:alice@{lab.edge.host}:{lab.edge.port}")
        self.assertFalse([q for q in lab.dns.queries() if q[0] == "SRV"])

    async def test_lower_priority_numbers_come_first_and_the_dead_are_passed(self):
        srv = [("_sipfederationtls._tcp.p.example", "dead.p.example", closed_port("127.0.0.5").split(":")[1], 1),
               ("_sipfederationtls._tcp.p.example", "live.p.example", "@edge-port@", 2),
               ("_sipfederationtls._tcp.p.example", "never.p.example", "@second-port@", 3)]
        lab = await self.lab(srv=srv, hosts=[("dead.p.example", "127.0.0.5"), ("live.p.example", "127.0.0.3"),
                                             ("never.p.example", "127.0.0.4")], internet="verify off")
        await self.arrives(lab, "sip:alice@p.example")
        await lab.second.nothing(0.1)

    async def test_all_addresses_of_a_name_are_tried(self):
        srv = [("_sipfederationtls._tcp.ms2.example", "sip.ms2.example", "@edge-port@")]
        lab = await self.lab(srv=srv, hosts=[("sip.ms2.example", "127.0.0.3"), ("sip.ms2.example", "127.0.0.5")],
                             internet="verify off")
        await self.arrives(lab, "sip:alice@ms2.example")

    async def test_an_alias_of_the_target_is_followed_and_its_own_name_is_checked(self):
        srv = [("_sipfederationtls._tcp.alias.example", "sip.alias.example", "@second-port@")]
        lab = await self.lab(srv=srv, hosts=[("pool.host.example", "127.0.0.4")],
                             extra_dns=["--cname=sip.alias.example,pool.host.example"])
        await self.fails(lab, "sip:alice@alias.example")  # it shows another name
        await lab.second.stop_listening()
        lab.second.certificate = lab.ca.issue("alias", dns=["sip.alias.example"])
        await lab.second.listen("127.0.0.4", lab.second.port)
        await self.arrives(lab, "sip:alice@alias.example", lab.second)

    async def test_a_long_answer_is_fetched_by_tcp(self):
        srv = [("_sipfederationtls._tcp.many.example", f"target-with-a-long-name-{i:03}.many.example",
                "@edge-port@" if i == 0 else 9, i) for i in range(60)]
        lab = await self.lab(srv=srv, hosts=[("target-with-a-long-name-000.many.example", "127.0.0.3")], internet="verify off",
                             extra_dns=["--edns-packet-max=512"])
        await self.arrives(lab, "sip:alice@many.example")


class FailureTest(DnsCase):
    async def test_a_domain_without_record_is_refused(self):
        lab = await self.lab(hosts=[("norecord.example", "127.0.0.3")])
        await self.fails(lab, "sip:alice@norecord.example")
        await self.fails(lab, "sip:alice@does-not-exist.example")

    async def test_the_address_of_the_domain_is_a_fallback_only_where_allowed(self):
        lab = await self.lab(internet="address-fallback yes\nverify off\nconnect-timeout 2", hosts=[("norecord.example", "127.0.0.3")])
        await self.fails(lab, "sip:alice@norecord.example")  # port 5061: nobody there
        self.assertIn(("A", "norecord.example"), lab.dns.queries())
        strict = await self.lab(hosts=[("norecord.example", "127.0.0.3")])
        await self.fails(strict, "sip:alice@norecord.example")
        self.assertNotIn(("A", "norecord.example"), strict.dns.queries())

    async def test_a_record_that_says_no_service_is_believed(self):
        lab = await self.lab(extra_dns=["--srv-host=_sipfederationtls._tcp.none.example"], internet="address-fallback yes",
                             hosts=[("none.example", "127.0.0.3")])
        await self.fails(lab, "sip:alice@none.example")
        self.assertNotIn(("A", "none.example"), lab.dns.queries())

    async def test_loopback_and_private_targets_are_refused(self):
        lab = await self.lab(internet="allow-private no", srv=[("_sipfederationtls._tcp.in.example", "sip.in.example", 5061)],
                             hosts=[("sip.in.example", "10.1.2.3")])
        await self.fails(lab, "sip:alice@ms.example")
        await self.fails(lab, "sip:alice@in.example")
        await lab.daemon.logged_text("private|loopback|not allowed|allow-private")
        self.assertFalse(lab.edge.links)

    async def test_a_silent_server_ends_in_504_in_time(self):
        with Silent("127.0.0.8") as silent:
            lab = await self.lab(dns_server=silent.address)
            await self.fails(lab, "sip:alice@ms.example", timeout=30)


class BeliefTest(DnsCase):
    """`verify`, the namespace, hosting providers."""

    SRV = [("_sipfederationtls._tcp.hosted.example", "edge.host.example", "@second-port@")]
    HOSTS = [("edge.host.example", "127.0.0.4")]

    async def hosted(self, dns=("edge.host.example",), **changes):
        lab = await self.lab(srv=self.SRV, hosts=self.HOSTS, **changes)
        await lab.second.stop_listening()
        lab.second.certificate = lab.ca.issue("belief-" + "-".join(dns), dns=dns)
        await lab.second.listen("127.0.0.4", lab.second.port)
        return lab

    async def test_a_target_outside_the_namespace_is_refused(self):
        lab = await self.hosted()
        await self.fails(lab, "sip:alice@hosted.example")
        await lab.second.nothing(0.1)
        await lab.daemon.logged_text("namespace|hosting|outside")

    async def test_a_target_that_only_looks_alike_is_outside(self):
        lab = await self.lab(srv=[("_sipfederationtls._tcp.hosted.example", "sip.nothosted.example", "@edge-port@")],
                             hosts=[("sip.nothosted.example", "127.0.0.3")])
        await self.fails(lab, "sip:alice@hosted.example")

    async def test_a_hosting_provider_is_believed(self):
        lab = await self.hosted(more="hosting-provider edge.host.example")
        await self.arrives(lab, "sip:alice@hosted.example", lab.second)
        self.assertEqual(lab.second.server_names, ["edge.host.example"])

    async def test_a_hosting_provider_must_show_its_own_name(self):
        lab = await self.hosted(dns=("other.host.example",), more="hosting-provider edge.host.example")
        await self.fails(lab, "sip:alice@hosted.example")
        await lab.second.nothing(0.1)

    async def test_a_target_with_a_wrong_name_is_refused(self):
        lab = await self.lab()
        wrong = lab.ca.issue("sip-other", dns=["sip2.ms.example"])
        await lab.edge.stop_listening()
        lab.edge.certificate = wrong
        await lab.edge.listen("127.0.0.3", lab.edge.port)
        await self.fails(lab, "sip:alice@ms.example")
        await lab.daemon.logged_text(r"sip2\.ms\.example|name")

    async def test_verify_domain_wants_the_domain_in_the_certificate(self):
        lab = await self.hosted(dns=("edge.host.example", "hosted.example"), internet="verify domain")
        await self.arrives(lab, "sip:alice@hosted.example", lab.second)
        await self.fails(lab, "sip:alice@ms.example")  # its certificate names only the target

    async def test_verify_off_asks_for_a_valid_certificate_only(self):
        lab = await self.hosted(dns=("any.example",), internet="verify off")
        await self.arrives(lab, "sip:alice@hosted.example", lab.second)

    async def test_one_server_of_two_domains_is_asked_under_each_name(self):
        """The same address under another name is another identity: no connection is shared."""
        lab = await self.lab(srv=[("_sipfederationtls._tcp.two.example", "sip.two.example", "@edge-port@")],
                             hosts=[("sip.two.example", "127.0.0.3")])
        await self.arrives(lab, "sip:alice@ms.example")
        await self.fails(lab, "sip:alice@two.example")

    async def test_a_dialog_out_through_the_dns_zone_comes_back_by_token(self):
        lab = await self.lab()
        invite = lab.from_cluster("INVITE", contact=lab.cluster.contact(), content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.cluster, invite)
        got = await lab.edge.expect("INVITE")
        answer = await lab.edge.respond(got, 200, contact=GRUU, record_route=lab.edge_route())
        await lab.cluster.final(invite)
        bye = sip.Dialog.callee(lab.edge, got, answer).request("BYE")
        await lab.send(lab.edge, bye)  # no rule leads to the cluster
        await lab.cluster.respond(await lab.cluster.expect("BYE"), 200)
        self.assert_status(await lab.edge.final(bye), 200)
        self.assertTrue(CAUSEWAY in got.get("record-route"))
