"""IM and presence between a Microsoft edge and a cluster, in both directions: what federation is for."""

import socket

from support import sip
from support.lab import (ALICE, BOB, CLUSTER, EDGE, FIRST_MESSAGE, GRUU, IM_ANSWER, IM_OFFER, PIDF, TYPING, ProxyCase,
                         ours)


class MessageTest(ProxyCase):
    async def test_a_message_reaches_the_cluster_and_its_answer_the_edge(self):
        lab = await self.lab()
        message = lab.from_edge(body="Grüße aus Köln\r\n")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        self.assert_forwarded(message, got, source="127.0.0.3")
        answer = await lab.cluster.respond(got, 200, headers=[("X-Seen", "yes")])
        final = await lab.edge.final(message)
        answer.lines.remove(answer.raw_lines("via")[0])  # ours is taken off
        self.assertEqual(final.lines[1:], answer.lines[1:])
        self.assertEqual(len(final.values("via")), 1)
        await lab.edge.nothing(0.1, but=lambda m: False)
        await lab.cluster.nothing(0.1)

    async def test_a_message_reaches_the_edge_and_its_answer_the_cluster(self):
        lab = await self.lab()
        message = lab.from_cluster(body="hello")
        await lab.send(lab.cluster, message)
        got = await lab.edge.expect("MESSAGE")
        self.assert_forwarded(message, got, source="127.0.0.2")
        self.assertEqual(lab.edge.server_names, [EDGE])
        await lab.edge.respond(got, 202)
        self.assert_status(await lab.cluster.final(message), 202)

    async def test_an_error_answer_comes_back_as_it_is(self):
        lab = await self.lab()
        message = lab.from_edge(body="hello")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        headers = [("ms-diagnostics-public", '1003;reason="no such user"'), ("Warning", '309 x "blocked"')]
        await lab.cluster.respond(got, 606, "Not Acceptable", headers=headers)
        final = await lab.edge.final(message)
        self.assert_status(final, 606)
        self.assertEqual([(n, final.get(n)) for n, _ in headers], headers)

    async def test_the_connection_to_a_peer_is_used_again(self):
        lab = await self.lab()
        for _ in range(5):
            for source, target in ((lab.edge, lab.cluster), (lab.cluster, lab.edge)):
                message = (lab.from_edge if source is lab.edge else lab.from_cluster)(body="x")
                await lab.send(source, message)
                await target.respond(await target.expect("MESSAGE"), 200)
                self.assert_status(await source.final(message), 200)
        self.assertLessEqual(len(lab.cluster.accepted), 1)
        self.assertLessEqual(len(lab.edge.accepted), 1)

    async def test_messages_keep_their_order(self):
        lab = await self.lab()
        messages = [lab.from_edge(body=f"{i}") for i in range(50)]
        await (await lab.link(lab.edge)).send(b"".join(map(bytes, messages)))
        got = [await lab.cluster.expect("MESSAGE") for _ in messages]
        self.assertEqual([m.body for m in got], [m.body for m in messages])
        for m in got:
            await lab.cluster.respond(m, 200)
        for m in messages:
            self.assert_status(await lab.edge.final(m), 200)

    async def test_every_other_method_is_carried_as_a_non_invite(self):
        lab = await self.lab()
        for method in ("INFO", "UPDATE", "REFER", "PRACK", "SERVICE", "PUBLISH", "REGISTER", "FOO-BAR"):
            request = lab.from_edge(method, body="x")
            await lab.send(lab.edge, request)
            got = await lab.cluster.expect(method)
            self.assert_forwarded(request, got, record_routes=len([v for v in got.values("record-route") if ours(v)]))
            await lab.cluster.respond(got, 200)
            self.assert_status(await lab.edge.final(request), 200)


class Ipv6Test(ProxyCase):
    async def test_messages_pass_over_ipv6(self):
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError:
            self.skipTest("no IPv6 on this machine")
        lab = await self.lab(listen=("tls [::1]:0",), imp_peers=["[::1]:@second-port@"], second_host="::1")
        link = await lab.edge.connect("::1", lab.daemon.port)
        message = lab.from_edge(body="x")
        await link.send(message)
        got = await lab.second.expect("MESSAGE")
        self.assert_forwarded(message, got)
        self.assertIn(sip.params_of(got.values("via")[1])["received"], ("::1", "[::1]"))
        await lab.second.respond(got, 200)
        self.assert_status(await lab.edge.final(message), 200)


class SessionTest(ProxyCase):
    """INVITE with the first message in ms-text-format, typing, messages, BYE."""

    async def session(self, lab, caller, callee, request, answer_route=None):
        invite = request("INVITE", contact=caller.contact("c") if caller is lab.cluster else GRUU,
                         content_type="application/sdp", body=IM_OFFER,
                         headers=[FIRST_MESSAGE, ("Supported", "ms-embedded-first-message")]
                         + ([("Record-Route", lab.edge_route())] if caller is lab.edge else []))
        await lab.send(caller, invite)
        trying = await caller.expect(100)
        self.assertEqual(trying.branch, invite.branch)
        got = await callee.expect("INVITE")
        self.assert_forwarded(invite, got, record_routes=1)
        self.assertEqual(got.get(FIRST_MESSAGE[0]), FIRST_MESSAGE[1])
        await callee.respond(got, 101, "Progress Report")
        self.assertEqual((await caller.expect(101)).call_id, invite.call_id)
        await callee.respond(got, 180, to_tag="answerer")
        await caller.expect(180)
        contact = callee.contact("d") if callee is lab.cluster else GRUU
        answer = await callee.respond(got, 200, to_tag="answerer", contact=contact, record_route=answer_route,
                                      headers=[("Supported", "ms-text-format")], content_type="application/sdp",
                                      body=IM_ANSWER)
        final = await caller.final(invite)
        self.assertEqual(final.body, IM_ANSWER)
        self.assertEqual(final.values("record-route"), answer.values("record-route"))
        return sip.Dialog.caller(caller, invite, final), sip.Dialog.callee(callee, got, answer)

    async def talk(self, lab, one, two):
        """In the dialog: ACK, then INFO and MESSAGE both ways, then BYE by the callee."""
        ack = one.request("ACK", cseq=one.cseq)
        await lab.send(one.endpoint, ack)
        got = await two.endpoint.expect("ACK")
        self.assert_forwarded(ack, got)
        for here, there in ((one, two), (two, one)):
            for method, kind, body in (("INFO", "application/xml", TYPING), ("MESSAGE", "text/plain", "hi".encode())):
                request = here.request(method, content_type=kind, body=body)
                await lab.send(here.endpoint, request)
                got = await there.endpoint.expect(method)
                self.assert_forwarded(request, got)
                self.assertFalse([r for r in got.values("route") if ours(r)], "our Route was left on")
                await there.endpoint.respond(got, 200)
                self.assert_status(await here.endpoint.final(request), 200)
        bye = two.request("BYE")
        await lab.send(two.endpoint, bye)
        await one.endpoint.respond(await one.endpoint.expect("BYE"), 200)
        self.assert_status(await two.endpoint.final(bye), 200)
        await one.endpoint.nothing(0.1)
        await two.endpoint.nothing(0.1)

    async def test_a_session_begun_by_the_edge(self):
        lab = await self.lab()
        await self.talk(lab, *await self.session(lab, lab.edge, lab.cluster, lab.from_edge))

    async def test_a_session_begun_by_the_cluster(self):
        lab = await self.lab()
        route = lab.edge_route()
        caller, callee = await self.session(lab, lab.cluster, lab.edge, lab.from_cluster, route)
        self.assertEqual(caller.routes[-1], route, "the signed Record-Route did not come back byte for byte")
        await self.talk(lab, caller, callee)

    async def test_a_reinvite_in_the_session_follows_the_token(self):
        lab = await self.lab()
        edge, cluster = await lab.invite_from_edge()
        for here, there in ((edge, cluster), (cluster, edge)):
            again = here.request("INVITE", contact=here.endpoint.contact(), content_type="application/sdp", body=IM_OFFER)
            await lab.send(here.endpoint, again)
            got = await there.endpoint.expect("INVITE")
            self.assertEqual(len([v for v in got.values("record-route") if ours(v)]), 1)
            await there.endpoint.respond(got, 200, contact=there.endpoint.contact())
            self.assert_status(await here.endpoint.final(again), 200)
            await lab.send(here.endpoint, here.request("ACK", cseq=here.cseq))
            await there.endpoint.expect("ACK")

    async def test_a_cancel_ends_the_invite_with_487(self):
        lab = await self.lab()
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        got = await lab.cluster.expect("INVITE")
        await lab.cluster.respond(got, 180, to_tag="t1")
        await lab.edge.expect(180)
        cancel = lab.edge.cancel(invite)
        await lab.send(lab.edge, cancel)
        self.assert_status(await lab.edge.final(cancel), 200)
        cancelled = await lab.cluster.expect("CANCEL")
        self.assertEqual(cancelled.branch, got.branch)
        self.assertEqual(len(cancelled.values("via")), 1)
        self.assertEqual(cancelled.uri, got.uri)
        await lab.cluster.respond(cancelled, 200)
        await lab.cluster.respond(got, 487, to_tag="t1")
        ack = await lab.cluster.expect("ACK")
        self.assertEqual((ack.branch, ack.to_tag, ack.uri), (got.branch, "t1", got.uri))
        final = await lab.edge.final(invite)
        self.assert_status(final, 487)
        await lab.send(lab.edge, lab.edge.ack_failure(invite, final))
        await lab.cluster.nothing(0.2)

    async def test_a_cancel_before_any_answer_waits_for_one(self):
        lab = await self.lab()
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        got = await lab.cluster.expect("INVITE")
        cancel = lab.edge.cancel(invite)
        await lab.send(lab.edge, cancel)
        self.assert_status(await lab.edge.final(cancel), 200)
        await lab.cluster.respond(got, 180, to_tag="t1")
        await lab.cluster.respond(await lab.cluster.expect("CANCEL"), 200)
        await lab.cluster.respond(got, 487, to_tag="t1")
        self.assert_status(await lab.edge.final(invite), 487)

    async def test_a_200_that_crosses_the_cancel_passes(self):
        lab = await self.lab()
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        got = await lab.cluster.expect("INVITE")
        await lab.cluster.respond(got, 180, to_tag="t")
        await lab.edge.expect(180)
        await lab.ask(lab.edge, lab.edge.cancel(invite))
        await lab.cluster.respond(got, 200, to_tag="t", contact=lab.cluster.contact("bob"))
        final = await lab.edge.final(invite)
        self.assert_status(final, 200)
        await lab.send(lab.edge, sip.Dialog.caller(lab.edge, invite, final).request("ACK", cseq=1))
        await lab.cluster.expect("ACK")

    async def test_a_cancel_after_the_end_does_nothing(self):
        lab = await self.lab()
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        await lab.cluster.respond(await lab.cluster.expect("INVITE"), 486)
        await lab.cluster.expect("ACK")
        self.assert_status(await lab.edge.final(invite), 486)
        self.assert_status(await lab.ask(lab.edge, lab.edge.cancel(invite)), (200, 481))
        await lab.cluster.nothing(0.1)

    async def test_the_ack_of_a_refused_invite_is_hop_by_hop(self):
        lab = await self.lab()
        invite = lab.from_cluster("INVITE", contact=lab.cluster.contact(), content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.cluster, invite)
        got = await lab.edge.expect("INVITE")
        await lab.edge.respond(got, 486)
        ack = await lab.edge.expect("ACK")
        self.assertEqual(ack.branch, got.branch)
        self.assertEqual(ack.cseq, (1, "ACK"))
        final = await lab.cluster.final(invite)
        self.assert_status(final, 486)
        await lab.send(lab.cluster, lab.cluster.ack_failure(invite, final))
        await lab.edge.nothing(0.2)

    async def test_a_second_2xx_passes_as_well(self):
        lab = await self.lab()
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        got = await lab.cluster.expect("INVITE")
        for _ in range(2):
            await lab.cluster.respond(got, 200, to_tag="same", contact=lab.cluster.contact())
        for _ in range(2):
            self.assertEqual((await lab.edge.expect(200)).to_tag, "same")

    async def test_an_ack_for_2xx_without_token_goes_by_the_rules(self):
        lab = await self.lab()
        ack = lab.from_edge("ACK", to="<sip:bob@uc.example>;tag=x", headers=[("X-Here", "1")])
        await lab.send(lab.edge, ack)
        self.assert_forwarded(ack, await lab.cluster.expect("ACK"))
        await lab.edge.nothing(0.1)

    async def test_an_ack_for_2xx_without_token_and_rule_is_dropped(self):
        lab = await self.lab()
        ack = lab.from_edge("ACK", "sip:nobody@elsewhere.example", to="<sip:bob@uc.example>;tag=x")
        await lab.send(lab.edge, ack)
        probe = lab.from_edge("OPTIONS", f"sip:{lab.hostname}")
        self.assert_status(await lab.ask(lab.edge, probe), 200)
        await lab.edge.nothing(0.1)


class PresenceTest(ProxyCase):
    async def test_notify_follows_its_subscription_without_a_rule_of_its_own(self):
        lab = await self.lab()
        edge, cluster = await lab.subscribe_from_edge()
        for state in ("active;expires=3600", "terminated;reason=timeout"):
            notify = cluster.request("NOTIFY", headers=[("Event", "presence"), ("subscription-state", state)],
                                     content_type="application/pidf+xml", body=PIDF)
            await lab.send(lab.cluster, notify)
            got = await lab.edge.expect("NOTIFY")
            self.assert_forwarded(notify, got, record_routes=1)  # RFC 6665, 4.3: on every NOTIFY
            self.assertEqual(got.values("route"), [lab.edge_route()])
            await lab.edge.respond(got, 200)
            self.assert_status(await lab.cluster.final(notify), 200)
        refresh = edge.request("SUBSCRIBE", headers=[("Event", "presence"), ("Expires", "0")], contact=GRUU)
        await lab.send(lab.edge, refresh)
        got = await lab.cluster.expect("SUBSCRIBE")
        self.assertEqual(len([v for v in got.values("record-route") if ours(v)]), 1)
        await lab.cluster.respond(got, 200, contact=lab.cluster.contact())
        self.assert_status(await lab.edge.final(refresh), 200)

    async def test_the_cluster_subscribes_and_the_edge_notifies(self):
        lab = await self.lab()
        subscribe = lab.from_cluster("SUBSCRIBE", contact=f"<sip:{CLUSTER}:5061;transport=tls>",
                                     headers=[("Event", "presence"), ("Expires", "7200"),
                                              ("Supported", "ms-benotify"), ("Proxy-Require", "ms-benotify")])
        await lab.send(lab.cluster, subscribe)
        got = await lab.edge.expect("SUBSCRIBE")
        self.assert_forwarded(subscribe, got, record_routes=1)
        answer = await lab.edge.respond(got, 200, contact=GRUU, record_route=lab.edge_route())
        await lab.cluster.final(subscribe)
        edge = sip.Dialog.callee(lab.edge, got, answer)
        notify = edge.request("NOTIFY", headers=[("Event", "presence"), ("subscription-state", "active")],
                              content_type="application/pidf+xml", body=PIDF)
        await lab.send(lab.edge, notify)
        seen = await lab.cluster.expect("NOTIFY")
        self.assert_forwarded(notify, seen, record_routes=1)
        await lab.cluster.respond(seen, 200)
        self.assert_status(await lab.edge.final(notify), 200)
        benotify = edge.request("BENOTIFY", headers=[("Event", "presence")], content_type="application/pidf+xml", body=PIDF)
        await lab.send(lab.edge, benotify)
        self.assert_forwarded(benotify, await lab.cluster.expect("BENOTIFY"))

    async def test_a_notify_without_route_is_carried_by_the_routing_fqdn_rule(self):
        lab = await self.lab()
        for to in (f"{BOB};tag=dsaa01", BOB):
            notify = lab.from_edge("NOTIFY", f"sip:{CLUSTER}:5061;transport=tls", to=to,
                                   headers=[("Event", "presence"), ("subscription-state", "active;expires=7200")],
                                   content_type="application/pidf+xml", body=PIDF)
            await lab.send(lab.edge, notify)
            got = await lab.cluster.expect("NOTIFY")
            self.assertEqual(got.uri, notify.uri)
            self.assertEqual(got.body, PIDF)
            await lab.cluster.respond(got, 200)
            self.assert_status(await lab.edge.final(notify), 200)

    async def test_a_benotify_is_forwarded_and_never_answered(self):
        lab = await self.lab()
        benotify = lab.from_edge("BENOTIFY", f"sip:{CLUSTER}:5061;transport=tls", to=f"{BOB};tag=1",
                                 headers=[("Event", "presence")], content_type="application/pidf+xml", body=PIDF)
        await lab.send(lab.edge, benotify)
        got = await lab.cluster.expect("BENOTIFY")
        self.assert_forwarded(benotify, got)
        await lab.cluster.respond(got, 200)  # an answer nobody waits for: dropped
        lost = lab.from_edge("BENOTIFY", "sip:x@nowhere.example", headers=[("Event", "presence")])
        await lab.send(lab.edge, lost)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{lab.hostname}")), 200)
        await lab.edge.nothing(0.2)

    async def test_a_first_notify_in_the_200_passes(self):
        lab = await self.lab()
        subscribe = lab.from_edge("SUBSCRIBE", contact=GRUU, headers=[
            ("Event", "presence"), ("Supported", "ms-piggyback-first-notify"), ("To-Ignore", ALICE)])
        await lab.send(lab.edge, subscribe)
        got = await lab.cluster.expect("SUBSCRIBE")
        await lab.cluster.respond(got, 200, contact=lab.cluster.contact(), headers=[("ms-piggyback-cseq", "1")],
                                  content_type="application/pidf+xml", body=PIDF)
        final = await lab.edge.final(subscribe)
        self.assertEqual((final.body, final.get("ms-piggyback-cseq")), (PIDF, "1"))
