"""What Causeway changes in a message, and that it changes nothing else."""

import re

from support import sip
from support.lab import ALICE, BOB, CLUSTER, GRUU, IM_OFFER, RULES, ProxyCase, ours

INNER = "expc.uc.example"


class ViaTest(ProxyCase):
    async def forward(self, lab, message):
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect(message.method)
        await lab.cluster.respond(got, 200)
        final = await lab.edge.expect(200)
        return got, final

    async def test_our_via_stands_on_top_by_name_with_a_fresh_branch(self):
        lab = await self.lab()
        branches = set()
        for _ in range(3):
            got, _ = await self.forward(lab, lab.from_edge(body="x"))
            top = got.values("via")[0]
            self.assertRegex(top, rf"^SIP/2\.0/TLS {re.escape(lab.hostname)}(:\d+)?;")
            self.assertTrue(got.branch.startswith("z9hG4bK"))
            branches.add(got.branch)
        self.assertEqual(len(branches), 3)

    async def test_received_and_rport_go_on_the_senders_via(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        message.set("Via", message.get("via") + ";rport")
        got, _ = await self.forward(lab, message)
        params = sip.params_of(got.values("via")[1])
        link = await lab.link(lab.edge)
        self.assertEqual(params["received"], "127.0.0.3")
        self.assertEqual(params["rport"], str(link.writer.get_extra_info("sockname")[1]))

    async def test_split_and_lower_case_vias_pass(self):
        lab = await self.lab()
        message = sip.Message("MESSAGE sip:bob@uc.example SIP/2.0", [
            "Via: SIP/2.0/tls sip.ms.example:5061;branch=z9hG4bKFB04.DCAD;branched=FALSE;ms-internal-info=\"-UC,z;Y2\"",
            f"From: \"Алис\" {ALICE};epid=72f0d99ead;tag=753cf74dcb",
            "Max-Forwards: 68",
            "Content-Length:      5",
            "Via: SIP/2.0/TLS 192.0.2.12:61619;branch=z9hG4bKDCAD.B6BB;ms-received-port=61619;ms-received-cid=A2EA700",
            "v: SIP/2.0/tls 192.0.2.57:64100;ms-received-port=64100",
            f"To: {BOB};epid=61d55e0379", "Call-ID: f22968b3dfe02c9f8fd586db1df6c814", "CSeq: 7 MESSAGE",
            "history-info: <sip:bob@uc.example>;index=1", "Supported: a", "Supported: b", "Subject: Пропущенная беседа",
            "X-Folded: one", "c: text/plain"], b"hello")
        message.lines[message.lines.index(b"X-Folded: one")] = b"X-Folded: one\r\n\ttwo"
        got, final = await self.forward(lab, message)
        self.assert_forwarded(message, got)
        self.assertEqual(len(got.values("via")), 4)
        self.assertEqual(final.values("via")[1:], message.values("via")[1:])

    async def test_vias_in_one_line_pass(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        message.set("Via", message.get("via") + " , SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa,SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKb")
        got, final = await self.forward(lab, message)
        self.assertEqual([sip.params_of(v)["branch"] for v in got.values("via")[2:]], ["z9hG4bKa", "z9hG4bKb"])
        self.assertEqual([sip.params_of(v)["branch"] for v in final.values("via")],
                         [message.branch, "z9hG4bKa", "z9hG4bKb"])


class MaxForwardsTest(ProxyCase):
    async def written(self, lab, received):
        message = lab.from_edge(max_forwards=received, body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        await lab.cluster.respond(got, 200)
        await lab.edge.final(message)
        return got.max_forwards

    async def test_it_is_the_smaller_of_received_less_one_and_the_hop_count(self):
        lab = await self.lab()
        for received, written in ((70, 15), (16, 15), (15, 14), (2, 1), (1, 0), (255, 15), (None, 15)):
            with self.subTest(received=received):
                self.assertEqual(await self.written(lab, received), written)

    async def test_an_absent_one_counts_as_70(self):
        lab = await self.lab(imp="hop-count 100")
        self.assertEqual(await self.written(lab, None), 69)
        self.assertEqual(await self.written(lab, 90), 89)

    async def test_zero_is_answered_483(self):
        lab = await self.lab()
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(max_forwards=0, body="x")), 483)
        await lab.cluster.nothing(0.1)

    async def test_a_message_that_comes_back_is_a_loop(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        back = got.copy().prepend("Via", lab.edge.via())
        link = await lab.link(lab.edge)
        await link.send(back)
        self.assert_status(await lab.edge.final(back), 482)
        await lab.cluster.nothing(0.1)
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(message), 200)


class RecordRouteTest(ProxyCase):
    def check(self, value, hostname, port):
        uri = sip.uri_of(value)
        self.assertEqual(sip.uri_host_port(uri), (hostname, port))
        params = sip.uri_params(uri)
        self.assertEqual(params.get("transport"), "tls")
        self.assertIn("lr", params)
        self.assertGreater(len(uri), 40, "no token in it")

    async def test_it_stands_by_name_with_lr_and_token(self):
        lab = await self.lab()
        await lab.send(lab.edge, lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER,
                                               headers=[("Record-Route", lab.edge_route())]))
        got = await lab.cluster.expect("INVITE")
        first, *rest = got.values("record-route")
        self.check(first, lab.hostname, lab.daemon.port)
        self.assertEqual(rest, [lab.edge_route()])
        await lab.cluster.respond(got, 486)

    async def test_messages_get_none(self):
        lab = await self.lab()
        for method in ("MESSAGE", "OPTIONS", "INFO", "PUBLISH"):
            await lab.send(lab.edge, lab.from_edge(method, body="x"))
            got = await lab.cluster.expect(method)
            self.assertFalse(got.has("record-route"), method)
            await lab.cluster.respond(got, 200)

    async def test_there_are_two_where_the_names_differ(self):
        lab = await self.lab(imp=f"name {INNER}", names=[INNER])
        edge, cluster = await lab.subscribe_from_edge()
        self.assertEqual([sip.uri_host_port(sip.uri_of(r))[0] for r in cluster.routes],
                         [INNER, lab.hostname, sip.uri_host_port(sip.uri_of(lab.edge_route()))[0]])
        for value, name in zip(cluster.routes, (INNER, lab.hostname)):
            self.check(value, name, lab.daemon.port)
        notify = cluster.request("NOTIFY", headers=[("Event", "presence"), ("Subscription-State", "active")])
        await lab.send(lab.cluster, notify)
        got = await lab.edge.expect("NOTIFY")
        self.assertEqual(got.values("route"), [lab.edge_route()])
        self.assertEqual(sip.split_values(got.get("via"))[0].split()[1].split(";")[0].split(":")[0], lab.hostname)
        await lab.edge.respond(got, 200)
        await lab.cluster.final(notify)
        again = edge.request("SUBSCRIBE", headers=[("Event", "presence")], contact=GRUU)
        await lab.send(lab.edge, again)
        got = await lab.cluster.expect("SUBSCRIBE")
        self.assertFalse([r for r in got.values("route")])
        self.assertTrue(ours(got.values("via")[0], INNER))
        await lab.cluster.respond(got, 200)

    async def test_there_are_two_where_the_transports_differ(self):
        rules = r"rule 'tcp' { pattern regex '.*@plain\.example'; target PLAIN }"
        plain = sip.Endpoint("plain.uc.example", transport="tcp")
        self.addAsyncCleanup(plain.close)
        await plain.listen("127.0.0.7")
        lab = await self.lab(rules=rules, listen=("tls 127.0.0.1:0", "tcp 127.0.0.1:0"),
                             more=f"zone PLAIN {{ type neighbor; transport tcp; peer 127.0.0.7:{plain.port} }}")
        invite = lab.from_edge("INVITE", "sip:p@plain.example", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        got = await plain.expect("INVITE")
        inner, outer = got.values("record-route")
        self.check(outer, lab.hostname, lab.daemon.listeners[0][1])
        self.assertEqual(sip.uri_host_port(sip.uri_of(inner)), (lab.hostname, lab.daemon.listeners[1][1]))
        self.assertEqual(sip.uri_params(sip.uri_of(inner)).get("transport", "tcp"), "tcp")
        answer = await plain.respond(got, 200, contact=plain.contact())
        final = await lab.edge.final(invite)
        edge = sip.Dialog.caller(lab.edge, invite, final)
        await lab.send(lab.edge, edge.request("ACK", cseq=1))
        self.assertFalse((await plain.expect("ACK")).has("route"))
        link = await plain.connect(*lab.daemon.listeners[1], source="127.0.0.7")
        bye = sip.Dialog.callee(plain, got, answer).request("BYE")
        await link.send(bye)
        bye_seen = await lab.edge.expect("BYE")
        self.assertFalse(bye_seen.has("route"))
        await lab.edge.respond(bye_seen, 200)
        self.assert_status(await plain.final(bye), 200)

    async def test_the_zones_name_is_our_name_towards_it(self):
        lab = await self.lab(imp=f"name {INNER}", imp_peers=[f"{CLUSTER}:@cluster-port@"], names=[INNER])
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        self.assert_forwarded(message, got, hostname=INNER)
        self.assertEqual(lab.cluster.server_names, [CLUSTER])
        await lab.cluster.respond(got, 200)

    async def test_signed_values_return_byte_for_byte(self):
        lab = await self.lab()
        odd = f"  <sip:pool01.ms.example:5061;transport=TLS;MS-fe=a;opaque=state:T;lr> ;tag=112F ; ms-rrsig=\"x,y\""
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER,
                               headers=[("Record-Route", lab.edge_route()), ("X-Between", "1"), ("record-route", odd)])
        await lab.send(lab.edge, invite)
        got = await lab.cluster.expect("INVITE")
        self.assert_forwarded(invite, got, record_routes=1)
        answer = await lab.cluster.respond(got, 200, contact=lab.cluster.contact())
        final = await lab.edge.final(invite)
        self.assertEqual(final.raw_lines("record-route"), answer.raw_lines("record-route"))


class BodyTest(ProxyCase):
    async def test_bodies_pass_unchanged(self):
        lab = await self.lab()
        bodies = [b"", b"\x00\x01\xff\r\n\r\n.\r\n", "Ünïcode".encode(), b"INVITE sip:a SIP/2.0\r\n\r\n", b"x" * 200_000]
        for body in bodies:
            for send, source, target in ((lab.from_edge, lab.edge, lab.cluster), (lab.from_cluster, lab.cluster, lab.edge)):
                message = send(body=body, content_type="application/octet-stream")
                await lab.send(source, message)
                got = await target.expect("MESSAGE")
                self.assert_forwarded(message, got)
                await target.respond(got, 200, body=body)
                self.assertEqual((await source.final(message)).body, body)

    async def test_bytes_that_trickle_in_make_the_same_message(self):
        lab = await self.lab()
        message = lab.from_edge(body="x" * 40)
        link = await lab.link(lab.edge)
        data = bytes(message)
        for i in range(0, len(data), 7):
            await link.send(data[i:i + 7])
        got = await lab.cluster.expect("MESSAGE")
        self.assert_forwarded(message, got)
        await lab.cluster.respond(got, 200)
        await lab.edge.final(message)

    async def test_blank_lines_between_messages_are_kept_alive_and_ignored(self):
        lab = await self.lab()
        link = await lab.link(lab.edge)
        for _ in range(3):
            await link.send(b"\r\n\r\n")
            message = lab.from_edge(body="x")
            await link.send(message)
            await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
            self.assert_status(await lab.edge.final(message), 200)


class RequestUriTest(ProxyCase):
    async def test_a_replacing_rule_rewrites_it_and_only_it(self):
        rules = r"rule 'short' { source default; pattern regex '(\w+)@short\.example'; behavior replace '\1@uc.example'; target IMP }"
        lab = await self.lab(rules=rules)
        message = lab.from_edge(uri="sip:bob@short.example", body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        self.assertEqual(got.uri, "sip:bob@uc.example")
        self.assertEqual(got.get("to"), message.get("to"))
        await lab.cluster.respond(got, 200)

    async def test_what_a_rule_makes_of_it_goes_out_only_as_a_uri(self):
        rule = "rule 'bad' { priority 5; source IMP; pattern regex '(alice)@ms.*'; behavior replace '\\1 b@ms.example'; target internet }"
        lab = await self.lab(rules=rule)
        for headers in ((), [("Route", lab.edge_route())]):
            message = lab.from_cluster("SUBSCRIBE", headers=[("Event", "presence"), *headers])
            self.assert_status(await lab.ask(lab.cluster, message), 504)
        await lab.edge.nothing(0.1)

    async def test_leave_forwards_it_byte_for_byte(self):
        lab = await self.lab()
        for uri in ("sip:b%6Fb@uc.example", "SIP:Bob@UC.example", "sip:bob;phone-context=%2b1@uc.example",
                    "sips:bob@uc.example"):
            rules = uri
            message = lab.from_edge(uri=uri, body="x")
            await lab.send(lab.edge, message)
            got = await lab.cluster.expect("MESSAGE")
            self.assertEqual(got.uri, rules)
            await lab.cluster.respond(got, 200)

    async def test_a_transform_comes_before_the_rules(self):
        transform = r"transform 'short names' { priority 1; pattern regex '(\w+)@short'; behavior replace '\1@uc.example' }"
        lab = await self.lab(rules=transform + RULES)
        message = lab.from_edge(uri="sip:carol@short", body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        self.assertEqual(got.uri, "sip:carol@uc.example")
        await lab.cluster.respond(got, 200)
