"""The border: who may claim whom, what a Route or a token opens, which headers strangers may not bring in."""

from support import sip
from support.lab import (ALICE, BOB, CAUSEWAY, CLUSTER, EDGE, GRUU, IM_OFFER, PIDF, ProxyCase, Silent, ours)

NOWHERE = "sip:nobody@nowhere.example"  # no rule matches it


class SenderCheckTest(ProxyCase):
    async def outcome(self, lab, endpoint, sender, status):
        message = endpoint.request("MESSAGE", "sip:bob@uc.example", sender, body="x")
        await lab.send(endpoint, message)
        if status == 200:
            await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        final = await endpoint.final(message)
        self.assert_status(final, status)
        if status != 200:
            await lab.cluster.nothing(0.1)
        return final

    async def test_a_stranger_who_claims_another_domain_gets_403(self):
        lab = await self.lab()
        stranger = await lab.endpoint("sip.evil.example", host="127.0.0.7")
        final = await self.outcome(lab, stranger, ALICE, 403)
        self.assertRegex(final.reason, r"\w")
        self.assertNotEqual(final.reason, "Forbidden")
        await self.outcome(lab, stranger, "<sip:alice@UC.example>", 403)

    async def test_the_domain_in_the_certificate_is_enough(self):
        lab = await self.lab()
        for dns, sender in ((["sip.a.example", "a.example"], "<sip:x@a.example>"), (["a.example"], "<sip:x@A.EXAMPLE>")):
            one = await lab.endpoint("sip.a.example", dns=dns, host="127.0.0.7")
            await self.outcome(lab, one, sender, 200)

    async def test_a_sip_uri_in_the_certificate_is_enough(self):
        lab = await self.lab()
        one = await lab.endpoint("sip.b.example", host="127.0.0.7", uris=("sip:b.example",))
        await self.outcome(lab, one, "<sip:x@b.example>", 200)

    async def test_the_target_of_the_domains_record_is_enough_and_is_looked_up_once(self):
        lab = await self.lab()
        for _ in range(3):
            await self.outcome(lab, lab.edge, ALICE, 200)
        asked = [q for q in lab.dns.queries() if q == ("SRV", "_sipfederationtls._tcp.ms.example")]
        self.assertEqual(len(asked), 1)

    async def test_a_target_outside_the_domains_namespace_is_not_enough(self):
        lab = await self.lab(srv=[("_sipfederationtls._tcp.c.example", "edge.host.example", 5061)])
        host = await lab.endpoint("edge.host.example", host="127.0.0.7")
        await self.outcome(lab, host, "<sip:x@c.example>", 403)

    async def test_a_hosting_provider_may_speak_for_domains_that_point_to_it(self):
        lab = await self.lab(more="hosting-provider edge.host.example",
                             srv=[("_sipfederationtls._tcp.c.example", "edge.host.example", 5061)])
        host = await lab.endpoint("edge.host.example", host="127.0.0.7")
        await self.outcome(lab, host, "<sip:x@c.example>", 200)
        await self.outcome(lab, host, "<sip:x@d.example>", 403)

    async def test_a_partner_entry_says_whose_certificate_speaks_for_a_domain(self):
        lab = await self.lab(more="partner p.example { certificate edge.elsewhere.example }")
        partner = await lab.endpoint("edge.elsewhere.example", host="127.0.0.7")
        await self.outcome(lab, partner, "<sip:x@p.example>", 200)
        await self.outcome(lab, partner, "<sip:x@q.example>", 403)

    async def test_a_lookup_that_fails_is_403_with_the_reason(self):
        with Silent("127.0.0.8") as silent:
            lab = await self.lab(dns_server=silent.address)
            final = await self.outcome(lab, lab.edge, ALICE, 403)
            self.assertRegex(final.reason.lower(), "dns|look|record|resol|domain")

    async def test_without_sender_check_anyone_with_a_certificate_passes(self):
        lab = await self.lab(sender_check=False)
        stranger = await lab.endpoint("sip.evil.example", host="127.0.0.7")
        await self.outcome(lab, stranger, ALICE, 200)

    async def test_a_neighbor_zone_is_not_checked(self):
        lab = await self.lab()
        message = lab.from_cluster(from_="<sip:who@ever.example>", body="x")
        await lab.send(lab.cluster, message)
        await lab.edge.respond(await lab.edge.expect("MESSAGE"), 200)
        self.assert_status(await lab.cluster.final(message), 200)

    async def test_a_false_benotify_and_ack_are_dropped_silently(self):
        lab = await self.lab()
        stranger = await lab.endpoint("sip.evil.example", host="127.0.0.7")
        for method in ("BENOTIFY", "ACK"):
            await lab.send(stranger, stranger.request(method, f"sip:{CLUSTER}", ALICE, to=f"{BOB};tag=1",
                                                      headers=[("Event", "presence")]))
        options = stranger.request("OPTIONS", f"sip:{CAUSEWAY}", "<sip:me@sip.evil.example>")
        self.assert_status(await lab.ask(stranger, options), 200)
        await lab.cluster.nothing(0.2)
        await stranger.nothing(0.1)


class ForeignRouteTest(ProxyCase):
    async def test_from_a_stranger_it_is_403(self):
        lab = await self.lab()
        for method in ("INVITE", "SUBSCRIBE"):
            request = lab.from_edge(method, contact=GRUU, headers=[("Route", "<sip:victim.example;lr>"), ("Event", "presence")])
            final = await lab.ask(lab.edge, request)
            self.assert_status(final, 403)
            self.assertNotEqual(final.reason, "Forbidden")
        await lab.cluster.nothing(0.1)

    async def test_behind_our_own_it_is_403_as_well(self):
        lab = await self.lab()
        request = lab.from_edge("INVITE", contact=GRUU, headers=[
            ("Route", f"<sip:{CAUSEWAY}:{lab.daemon.port};lr>, <sip:victim.example;lr>")])
        self.assert_status(await lab.ask(lab.edge, request), 403)

    async def test_one_with_headers_never_becomes_the_request_uri(self):
        """As a strict router before us would have it; in a Request-URI there are no headers."""
        lab = await self.lab(rules="rule 'bob' { pattern regex '.*bob.*'; target IMP }")
        message = lab.from_edge(uri=f"sip:{CAUSEWAY};lr;cw-token=x", to=BOB, body="x",
                                headers=[("Route", "<sip:bob@uc.example?Subject=x>")])
        self.assert_status(await lab.ask(lab.edge, message), 404)
        await lab.cluster.nothing(0.1)

    async def test_from_a_trusted_zone_it_leads_the_way(self):
        lab = await self.lab()
        route = f"<sip:{EDGE}:{lab.edge.port};transport=tls;lr;ms-route-sig=x>"
        invite = lab.from_cluster("INVITE", "sip:alice@other.ms.example", contact=lab.cluster.contact(),
                                  headers=[("Route", f"<sip:{CAUSEWAY};lr>"), ("Route", route)])
        await lab.send(lab.cluster, invite)
        got = await lab.edge.expect("INVITE")
        self.assertEqual(got.values("route"), [route])
        await lab.edge.respond(got, 486)
        self.assert_status(await lab.cluster.final(invite), 486)

    async def test_towards_a_neighbor_routes_are_kept_and_its_peers_are_used(self):
        rules = r"rule 'in' { source OTHER; pattern regex '.*@uc\.example'; target IMP }"
        more = "zone OTHER { type neighbor; peer 127.0.0.7:5061; verify other.uc.example; trusted yes }"
        lab = await self.lab(rules=rules, more=more)
        other = await lab.endpoint("other.uc.example", host="127.0.0.7")
        invite = other.request("INVITE", "sip:bob@uc.example", "<sip:o@uc.example>", contact=GRUU,
                               headers=[("Route", "<sip:inner.uc.example:5070;lr;x=1>;y")])
        await lab.send(other, invite)
        got = await lab.cluster.expect("INVITE")
        self.assertEqual(got.values("route"), ["<sip:inner.uc.example:5070;lr;x=1>;y"])
        await lab.cluster.respond(got, 486)


class TokenTest(ProxyCase):
    """Where a token is not honoured the rules decide: for NOWHERE that is 404."""

    OTHER = "zone OTHER { type neighbor; peer 127.0.0.7:5061; verify other.uc.example; trusted yes }"

    async def dialog(self, **changes):
        lab = await self.lab(**changes)
        edge, cluster = await lab.subscribe_from_edge()
        edge.routes = [r for r in edge.routes if ours(r)]
        self.assertEqual(len(edge.routes), 1)
        return lab, edge, cluster

    def notify(self, dialog, endpoint=None, **changes):
        """An in-dialog request towards the cluster with a Request-URI that no rule matches."""
        request = dialog.request("NOTIFY", headers=[("Event", "presence"), ("Subscription-State", "active")], body=PIDF)
        request.start = f"NOTIFY {NOWHERE} SIP/2.0".encode()
        for name, value in changes.items():
            request.set(name.replace("_", "-"), value)
        if endpoint:
            request.set("Via", endpoint.via())
        return request

    async def opens_nothing(self, lab, endpoint, request, status=404):
        final = await lab.ask(endpoint, request)
        self.assert_status(final, status)
        await lab.cluster.nothing(0.1)
        await lab.edge.nothing(0.1)

    async def test_a_good_one_leads_to_the_other_zone(self):
        lab, edge, _ = await self.dialog()
        notify = self.notify(edge)
        await lab.send(lab.edge, notify)
        got = await lab.cluster.expect("NOTIFY")
        self.assertEqual((got.uri, got.values("route")), (NOWHERE, []))
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(notify), 200)

    async def test_one_of_another_dialog_opens_nothing(self):
        lab, edge, _ = await self.dialog()
        await self.opens_nothing(lab, lab.edge, self.notify(edge, Call_ID="another"))

    async def test_a_forged_one_opens_nothing(self):
        lab, edge, _ = await self.dialog()
        uri = sip.uri_of(edge.routes[0])
        forged = 0
        for name, value in [*sip.uri_params(uri).items(), ("user", uri.split(":")[1].split("@")[0] if "@" in uri else None)]:
            if not value or len(value) < 20:
                continue
            for place in (0, len(value) // 2, len(value) - 2):
                other = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1:]
                edge.routes = [f"<{uri.replace(value, other)}>"]
                await self.opens_nothing(lab, lab.edge, self.notify(edge))
                forged += 1
            edge.routes = [f"<{uri.replace(value, value[:10])}>"]
            await self.opens_nothing(lab, lab.edge, self.notify(edge))
        self.assertGreaterEqual(forged, 3, f"no token found in {uri}")

    async def test_one_without_a_to_tag_opens_nothing(self):
        lab, edge, _ = await self.dialog()
        await self.opens_nothing(lab, lab.edge, self.notify(edge, To=BOB))

    async def test_one_from_a_third_zone_opens_nothing(self):
        lab, edge, _ = await self.dialog(more=self.OTHER)
        other = await lab.endpoint("other.uc.example", host="127.0.0.7")
        await self.opens_nothing(lab, other, self.notify(edge, other))

    async def test_one_from_another_stranger_opens_nothing(self):
        lab, edge, _ = await self.dialog()
        evil = await lab.endpoint("sip.evil.example", dns=["sip.evil.example", "evil.example"], host="127.0.0.7")
        await self.opens_nothing(lab, evil, self.notify(edge, evil), 403)
        mine = self.notify(edge, evil)
        mine.set("From", "<sip:me@evil.example>;tag=1")
        await self.opens_nothing(lab, evil, mine)
        counters = await lab.daemon.counters()
        self.assertEqual((counters["sip.tokens.refused"], counters["sip.senders.refused"]), (2, 1))

    async def test_one_of_another_causeway_opens_nothing(self):
        _, edge, _ = await self.dialog()
        lab = await self.lab()
        request = self.notify(edge)
        request.set("Via", lab.edge.via())
        await self.opens_nothing(lab, lab.edge, request)

    async def test_one_of_a_causeway_with_the_same_key_is_honoured(self):
        """Peers behind one name share their keys and nothing else."""
        first, edge, _ = await self.dialog()
        lab = await self.lab(keys=first.keys, listen=(f"tls 127.0.0.11:{first.daemon.port}",))
        request = self.notify(edge, lab.edge)
        await lab.send(lab.edge, request)
        await lab.cluster.respond(await lab.cluster.expect("NOTIFY"), 200)
        self.assert_status(await lab.edge.final(request), 200)

    async def test_a_rule_still_carries_what_the_token_does_not(self):
        lab, edge, _ = await self.dialog()
        request = self.notify(edge, Call_ID="another")
        request.start = f"NOTIFY sip:{CLUSTER}:5061 SIP/2.0".encode()
        await lab.send(lab.edge, request)
        got = await lab.cluster.expect("NOTIFY")
        self.assertFalse([r for r in got.values("route") if ours(r)])
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(request), 200)

    async def test_a_dialog_survives_a_restart_with_the_same_key(self):
        lab, edge, cluster = await self.dialog()
        await lab.daemon.stop()
        lab.daemon.config.write_text(lab.daemon.config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{lab.daemon.port}"))
        lab.daemon.listeners = []
        await lab.daemon.start()
        notify = cluster.request("NOTIFY", headers=[("Event", "presence"), ("Subscription-State", "active")])
        await lab.send(lab.cluster, notify)
        await lab.edge.respond(await lab.edge.expect("NOTIFY"), 200)
        self.assert_status(await lab.cluster.final(notify), 200)
        back = self.notify(edge)
        await lab.send(lab.edge, back)
        await lab.cluster.respond(await lab.cluster.expect("NOTIFY"), 200)


class TrustHeadersTest(ProxyCase):
    HEADERS = [("P-Asserted-Identity", "<sip:boss@uc.example>"), ("p-preferred-identity", "<sip:boss@uc.example>"),
               ("Remote-Party-ID", "<sip:boss@uc.example>;screen=yes"),
               ("ms-edge-proxy-message-trust", "ms-source-type=EdgeProxyGenerated;ms-source-verified-user=verified"),
               ("MS-Asserted-Verification-Level", "ms-source-verified-user=verified")]

    async def test_a_stranger_cannot_bring_them_in(self):
        lab = await self.lab()
        message = lab.from_edge(headers=[("X-Before", "1"), *self.HEADERS, ("ms-user-data", "ms-federation=true")], body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        for name, _ in self.HEADERS:
            message.remove(name)
        self.assert_forwarded(message, got)
        await lab.cluster.respond(got, 200)

    async def test_a_trusted_zone_keeps_them(self):
        lab = await self.lab()
        message = lab.from_cluster(headers=self.HEADERS, body="x")
        await lab.send(lab.cluster, message)
        got = await lab.edge.expect("MESSAGE")
        self.assert_forwarded(message, got)
        await lab.edge.respond(got, 200)

    async def test_a_stranger_cannot_bring_them_in_by_an_answer(self):
        lab = await self.lab()
        for status in (200, 486):
            message = lab.from_cluster(body="x")
            await lab.send(lab.cluster, message)
            await lab.edge.respond(await lab.edge.expect("MESSAGE"), status, headers=[("X-Before", "1"), *self.HEADERS])
            final = await lab.cluster.final(message)
            self.assertEqual((final.status, final.get("x-before")), (status, "1"))
            self.assertFalse([name for name, _ in self.HEADERS if final.has(name)], final.lines)

    async def test_a_trusted_zone_keeps_them_in_its_answers(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200, headers=self.HEADERS)
        final = await lab.edge.final(message)
        self.assertTrue(all(final.has(name) for name, _ in self.HEADERS))

    async def test_a_neighbor_that_is_not_trusted_is_a_stranger_here(self):
        lab = await self.lab(imp_trusted=False)
        message = lab.from_cluster(headers=self.HEADERS, body="x")
        await lab.send(lab.cluster, message)
        got = await lab.edge.expect("MESSAGE")
        self.assertFalse([name for name, _ in self.HEADERS if got.has(name)])
        await lab.edge.respond(got, 200)


class RuleCriteriaTest(ProxyCase):
    """What a request brings along decides on its rule: source, trust, variant."""

    async def test_authenticated_rules_match_only_trusted_zones(self):
        rules = r"rule 'a' { authenticated yes; pattern regex '.*@uc\.example'; target IMP }"
        lab = await self.lab(rules=rules)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(body="x")), 404)
        message = lab.from_cluster(uri="sip:bob@uc.example", body="x")
        await lab.send(lab.cluster, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.cluster.final(message), 200)

    async def test_variants_take_their_own_rules(self):
        rules = r"""
rule 'im' { priority 1; variant ms-imp; source default; pattern regex '.*@uc\.example'; on-match stop; target IMP }
rule 'rest' { priority 2; variant standard; source default; pattern regex '.*@uc\.example'; on-match stop; target SECOND }"""
        lab = await self.lab(rules=rules, more=f"zone SECOND {{ type neighbor; peer @second@; verify {CLUSTER} }}")
        for method, endpoint in (("MESSAGE", lab.cluster), ("OPTIONS", lab.second), ("INVITE", lab.cluster),
                                 ("PUBLISH", lab.cluster), ("REFER", lab.second)):
            request = lab.from_edge(method, contact="<sip:a@192.0.2.1>", headers=[("Event", "presence")],
                                    content_type="application/sdp", body=IM_OFFER)
            await lab.send(lab.edge, request)
            got = await endpoint.expect(method)
            await endpoint.respond(got, 480)
            self.assert_status(await lab.edge.final(request), 480)

    async def test_the_trace_says_which_rule_carried_it(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        await lab.edge.final(message)
        line = await lab.daemon.logged_text(message.call_id)
        self.assertRegex(line, r"\btrace=\w+")
        await lab.daemon.logged_text(r"rule=\"?in\b")
