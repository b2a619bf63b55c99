"""Peers and targets that fail: who is tried next, what is answered, and that nothing arrives twice."""

import time

from support import pki, sip
from support.lab import CLUSTER, FIRST_MESSAGE, GRUU, IM_OFFER, BlackHole, ProxyCase, Refusing, Silent, closed_port, shared_dir

QUICK = "connect-timeout 1\nresponse-timeout 2"
SLACK = 8  # seconds on top of a configured timeout: tells waiting from hanging on a busy machine


def two_zones(first_match="continue", second_pattern=r".*@uc\.example"):
    """Zones A and B for the peers given by name, and rules that send bob to A, then to B."""
    zones = f"""
zone A {{ type neighbor; peer @cluster@; verify imp1-public.uc.example; {QUICK.replace(chr(10), "; ")} }}
zone B {{ type neighbor; peer @second@; verify imp1-public.uc.example; {QUICK.replace(chr(10), "; ")} }}
zone internet {{ type dns; allow-private yes }}
"""
    rules = f"""
rule 'to a' {{ priority 10; source default; pattern regex '.*@uc\\.example'; on-match {first_match}; target A }}
rule 'to b' {{ priority 20; source default; pattern regex '{second_pattern}'; target B }}
"""
    return {"replace_zones": zones, "rules": rules}


class DeadPeerTest(ProxyCase):
    async def reaches_second(self, first, limit=SLACK):
        lab = await self.lab(imp=QUICK, imp_peers=[first, "@second@"])
        message = lab.from_edge(body="x")
        start = time.monotonic()
        await lab.send(lab.edge, message)
        await lab.second.respond(await lab.second.expect("MESSAGE", limit), 200)
        self.assert_status(await lab.edge.final(message), 200)
        self.assertLess(time.monotonic() - start, limit)
        return lab

    async def test_a_refused_connection_leads_to_the_next_peer(self):
        await self.reaches_second(closed_port("127.0.0.5"))

    async def test_a_peer_that_drops_packets_costs_the_connect_timeout(self):
        hole = BlackHole("127.0.0.5")
        self.addCleanup(hole.close)
        await self.reaches_second(hole.address, 1 + SLACK)

    async def test_a_peer_that_never_shakes_hands_costs_the_connect_timeout(self):
        silent = Silent("127.0.0.5")
        self.addCleanup(silent.close)
        await self.reaches_second(silent.address, 1 + SLACK)

    async def test_a_dead_zone_is_answered_504(self):
        lab = await self.lab(imp=QUICK, imp_peers=[closed_port("127.0.0.5"), closed_port("127.0.0.6")])
        for method in ("MESSAGE", "SUBSCRIBE", "INVITE"):
            request = lab.from_edge(method, contact=GRUU, headers=[("Event", "presence")])
            final = await lab.ask(lab.edge, request, 1 + SLACK)
            self.assert_status(final, 504)
            self.assertNotEqual(final.reason, "")

    async def test_a_dead_dns_zone_is_answered_504(self):
        lab = await self.lab(internet="connect-timeout 1")
        await lab.edge.stop_listening()
        self.assert_status(await lab.ask(lab.cluster, lab.from_cluster(body="x"), 1 + SLACK), 504)

    async def test_a_peer_that_comes_back_is_used(self):
        lab = await self.lab(imp=QUICK)
        host, port = lab.cluster.host, lab.cluster.port
        await lab.cluster.stop_listening()
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(body="1")), 504)
        await lab.cluster.listen(host, port)
        message = lab.from_edge(body="2")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)

    async def test_a_lost_idle_connection_is_dialled_anew(self):
        lab = await self.lab(imp=QUICK)
        for drop in ("close", "abort"):
            message = lab.from_edge(body="1")
            await lab.send(lab.edge, message)
            got = await lab.cluster.expect("MESSAGE")
            await lab.cluster.respond(got, 200)
            self.assert_status(await lab.edge.final(message), 200)
            if drop == "abort":
                got.link.abort()
            else:
                got.link.writer.close()
            await got.link.wait_closed()


    def refusing(self):
        """A peer that shows the cluster's certificate and refuses ours."""
        strict = Refusing("127.0.0.5", pki.CA(shared_dir()).issue("cluster", dns=[CLUSTER]), pki.CA(shared_dir(), "other"))
        self.addCleanup(strict.close)
        return strict

    async def test_a_peer_that_refuses_our_certificate_leads_to_the_next_peer(self):
        strict = self.refusing()
        lab = await self.lab(imp=QUICK, imp_peers=[strict.address, "@second@"])
        for _ in range(2):
            message = lab.from_edge(body="x")
            await lab.send(lab.edge, message)
            await lab.second.respond(await lab.second.expect("MESSAGE"), 200)
            self.assert_status(await lab.edge.final(message), 200)

    async def test_a_message_that_is_refused_with_our_certificate_has_failed(self):
        lab = await self.lab(imp=QUICK, imp_peers=[self.refusing().address])
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(body="x")), 504, "certificate or ours")
        done = await lab.daemon.logged("sip.request", method="MESSAGE")
        self.assertEqual((done.fate, done.detail), ("failed", "untrusted"))


class NeverTwiceTest(ProxyCase):
    """Once its bytes were written, a message is tried elsewhere only upon an explicit failure."""

    async def mute_first(self, request_of, status, second_gets):
        """The first of two targets takes the request and stays silent."""
        lab = await self.lab(**two_zones())
        request = request_of(lab)
        await lab.send(lab.edge, request)
        await lab.cluster.expect(request.method)
        if second_gets:
            await lab.second.respond(await lab.second.expect(request.method, 2 + SLACK), 200, contact=lab.second.contact())
        final = await lab.edge.final(request, 4 + SLACK)
        self.assert_status(final, status)
        if not second_gets:
            await lab.second.nothing(0.2)

    async def test_a_message_without_answer_is_not_sent_again(self):
        await self.mute_first(lambda lab: lab.from_edge(body="x"), 504, False)

    async def test_an_invite_with_a_first_message_without_answer_is_not_sent_again(self):
        await self.mute_first(lambda lab: lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp",
                                                        body=IM_OFFER, headers=[FIRST_MESSAGE]), 504, False)

    async def test_a_subscribe_without_answer_goes_to_the_next_target(self):
        await self.mute_first(lambda lab: lab.from_edge("SUBSCRIBE", contact=GRUU, headers=[("Event", "presence")]),
                              200, True)

    async def test_an_invite_without_first_message_goes_to_the_next_target(self):
        await self.mute_first(lambda lab: lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp",
                                                        body=IM_OFFER), 200, True)

    async def test_a_peer_without_answer_is_no_reason_for_the_next_peer(self):
        lab = await self.lab(imp=QUICK, imp_peers=["@cluster@", "@second@"])
        for method in ("MESSAGE", "SUBSCRIBE"):
            request = lab.from_edge(method, contact=GRUU, headers=[("Event", "presence")])
            self.assert_status(await lab.ask(lab.edge, request, 2 + SLACK), 504)
        await lab.second.nothing(0.2)

    async def test_a_message_on_a_connection_that_dies_is_not_sent_again(self):
        lab = await self.lab(imp=QUICK, imp_peers=["@cluster@", "@second@"])
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        (await lab.cluster.expect("MESSAGE")).link.abort()
        self.assert_status(await lab.edge.final(message, 4 + SLACK), (500, 504))
        await lab.second.nothing(0.3)
        await lab.cluster.nothing(0.1)

    async def test_a_benotify_on_a_connection_that_dies_is_not_sent_again(self):
        lab = await self.lab(imp=QUICK, imp_peers=["@cluster@", "@second@"])
        await lab.send(lab.edge, lab.from_edge("BENOTIFY", headers=[("Event", "presence")], body="x"))
        (await lab.cluster.expect("BENOTIFY")).link.abort()
        await lab.second.nothing(0.5)
        await lab.edge.nothing(0.1)

    async def test_an_explicit_503_leads_to_the_next_peer(self):
        lab = await self.lab(imp=QUICK, imp_peers=["@cluster@", "@second@"])
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 503)
        await lab.second.respond(await lab.second.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)

    async def test_another_failure_does_not_lead_to_the_next_peer(self):
        lab = await self.lab(imp=QUICK, imp_peers=["@cluster@", "@second@"])
        for status in (403, 486, 603):
            message = lab.from_edge(body="x")
            await lab.send(lab.edge, message)
            await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), status)
            self.assert_status(await lab.edge.final(message), status)
        await lab.second.nothing(0.1)


class TargetsTest(ProxyCase):
    """Targets that the rules name, one after the other."""

    async def walk(self, first, second, final, **changes):
        """Zone A answers `first`, B `second` (None: it must not be asked); the edge must get `final`."""
        lab = await self.lab(**(changes or two_zones()))
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), first)
        if second:
            await lab.second.respond(await lab.second.expect("MESSAGE"), second)
        answer = await lab.edge.final(message)
        self.assert_status(answer, final)
        await lab.second.nothing(0.1)
        return lab

    async def test_404_500_502_and_504_lead_to_the_next_target(self):
        lab = await self.lab(**two_zones())
        for status in (404, 500, 502, 503, 504):
            message = lab.from_edge(body="x")
            await lab.send(lab.edge, message)
            await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), status)
            await lab.second.respond(await lab.second.expect("MESSAGE"), 200)
            self.assert_status(await lab.edge.final(message), 200)

    async def test_any_other_final_response_ends_the_search(self):
        await self.walk(480, None, 480)

    async def test_the_best_response_is_the_lowest_class(self):
        lab = await self.lab(**two_zones())
        for first, second, best in ((404, 500, 404), (500, 404, 404), (404, 486, 486), (502, 500, (500, 502)),
                                    (504, 603, 603), (404, 415, 415)):
            with self.subTest(first=first, second=second):
                message = lab.from_edge(body="x")
                await lab.send(lab.edge, message)
                await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), first)
                await lab.second.respond(await lab.second.expect("MESSAGE"), second)
                self.assert_status(await lab.edge.final(message), best)

    async def test_503_from_below_goes_up_as_500(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 503, headers=[("Retry-After", "10")])
        self.assert_status(await lab.edge.final(message), 500)

    async def test_408_from_below_goes_up_as_504_but_to_an_invite(self):
        lab = await self.lab()
        for method, status in (("MESSAGE", 504), ("SUBSCRIBE", 504), ("INVITE", 408)):
            request = lab.from_edge(method, contact=GRUU, headers=[("Event", "presence")])
            await lab.send(lab.edge, request)
            await lab.cluster.respond(await lab.cluster.expect(method), 408)
            self.assert_status(await lab.edge.final(request), status)

    async def test_a_cancel_while_another_peer_is_tried_is_answered_487(self):
        hole = BlackHole("127.0.0.5")
        self.addCleanup(hole.close)
        lab = await self.lab(imp_peers=["@cluster@", hole.address])
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        await lab.cluster.respond(await lab.cluster.expect("INVITE"), 503)
        await lab.cluster.expect("ACK")
        self.assert_status(await lab.ask(lab.edge, lab.edge.cancel(invite)), 200)
        self.assert_status(await lab.edge.final(invite), 487)

    async def test_stop_ends_the_search_even_if_the_target_fails(self):
        await self.walk(404, None, 404, **two_zones("stop"))

    async def test_stop_lets_rules_of_the_same_priority_run(self):
        changes = two_zones("stop")
        changes["rules"] = changes["rules"].replace("priority 20", "priority 10")
        await self.walk(404, 200, 200, **changes)

    async def test_a_dead_first_target_costs_its_connect_timeout(self):
        changes = two_zones()
        changes["replace_zones"] = changes["replace_zones"].replace("@cluster@", closed_port("127.0.0.5"))
        lab = await self.lab(**changes)
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.second.respond(await lab.second.expect("MESSAGE", 1 + SLACK), 200)
        self.assert_status(await lab.edge.final(message), 200)

    async def test_both_targets_see_the_same_bytes(self):
        lab = await self.lab(**two_zones())
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        first = await lab.cluster.expect("MESSAGE")
        await lab.cluster.respond(first, 404)
        second = await lab.second.expect("MESSAGE")
        self.assertNotEqual(first.branch, second.branch)
        self.assert_forwarded(message, first)
        self.assert_forwarded(message, second)
        await lab.second.respond(second, 200)
        self.assert_status(await lab.edge.final(message), 200)


class FateTest(ProxyCase):
    """The fate says what became of a request, not how the last try of several went."""

    async def fate(self, lab, request):
        await lab.edge.final(request)
        return (await lab.daemon.logged("sip.request", call=request.call_id)).fate

    async def test_a_request_that_was_lost_stays_unknown_when_the_next_peer_is_dead(self):
        lab = await self.lab(imp=QUICK, imp_peers=["@cluster@", closed_port("127.0.0.5")])
        request = lab.from_edge("SUBSCRIBE", contact=GRUU, headers=[("Event", "presence")])
        await lab.send(lab.edge, request)
        (await lab.cluster.expect("SUBSCRIBE")).link.abort()
        self.assertEqual(await self.fate(lab, request), "unknown")

    async def test_a_request_that_was_refused_stays_rejected_when_the_next_target_is_dead(self):
        changes = two_zones()
        changes["replace_zones"] = changes["replace_zones"].replace("@second@", closed_port("127.0.0.5"))
        lab = await self.lab(**changes)
        request = lab.from_edge(body="x")
        await lab.send(lab.edge, request)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 404)
        self.assertEqual(await self.fate(lab, request), "rejected")


class SilenceTest(ProxyCase):
    async def test_no_answer_is_504_with_a_reason_after_the_response_timeout(self):
        lab = await self.lab(imp="response-timeout 1")
        start = time.monotonic()
        final = await lab.ask(lab.edge, lab.from_edge(body="x"), 1 + SLACK)
        self.assert_status(final, 504, r"\w")
        self.assertGreater(time.monotonic() - start, 0.9)

    async def test_an_invite_that_rings_is_not_cut_by_the_response_timeout(self):
        lab = await self.lab(imp="response-timeout 1")
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        got = await lab.cluster.expect("INVITE")
        await lab.cluster.respond(got, 180, to_tag="t")
        await lab.edge.nothing(2, but=lambda m: m.status in (100, 180))
        await lab.cluster.respond(got, 200, to_tag="t", contact=lab.cluster.contact())
        self.assert_status(await lab.edge.final(invite), 200)

    async def test_an_answer_that_comes_too_late_is_dropped(self):
        lab = await self.lab(imp="response-timeout 1")
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        self.assert_status(await lab.edge.final(message, 1 + SLACK), 504)
        await lab.cluster.respond(got, 200)
        again = lab.from_edge(body="y")
        await lab.send(lab.edge, again)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(again), 200)
        await lab.edge.nothing(0.1)

    async def test_an_answer_whose_connection_died_takes_another_of_that_peer(self):
        lab = await self.lab()
        first = await lab.link(lab.edge)
        message = lab.from_edge(body="x")
        await first.send(message)
        got = await lab.cluster.expect("MESSAGE")
        await lab.link(lab.edge, fresh=True)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{lab.hostname}")), 200)
        first.abort()
        await first.wait_closed()
        await self.settled(lab)
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(message), 200)

    async def test_an_answer_for_a_neighbor_that_hung_up_is_brought_to_its_peer(self):
        lab = await self.lab()
        link = await lab.link(lab.cluster)
        message = lab.from_cluster(body="x")
        await link.send(message)
        got = await lab.edge.expect("MESSAGE")
        link.abort()
        await link.wait_closed()
        await self.settled(lab)
        await lab.edge.respond(got, 200)
        self.assert_status(await lab.cluster.final(message), 200)

    async def test_an_answer_for_a_sender_that_is_gone_is_dropped(self):
        lab = await self.lab()
        first = await lab.link(lab.edge)
        await first.send(lab.from_edge(body="x"))
        got = await lab.cluster.expect("MESSAGE")
        first.abort()
        await first.wait_closed()
        await self.settled(lab)
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{lab.hostname}")), 200)

    async def settled(self, lab):
        """A round trip over a third connection: the daemon has seen what happened before it."""
        probe = await lab.endpoint("probe.uc.example", host="127.0.0.9")
        for _ in range(2):
            self.assert_status(await lab.ask(probe, probe.request("OPTIONS", f"sip:{lab.hostname}", "<sip:p@probe.uc.example>")), 200)


class MonitorTest(ProxyCase):
    @staticmethod
    async def answer_all(endpoint):
        """From now on the endpoint takes what it gets, and what it got already: it may have been asked before we come here."""
        async def take(request):
            await endpoint.respond(request, 200)

        endpoint.on_request = take
        for request in endpoint.queue:
            await take(request)

    async def test_a_monitored_peer_that_does_not_answer_is_skipped(self):
        lab = await self.lab(imp="monitor yes\n" + QUICK, imp_peers=["@cluster@", "@second@"])
        await self.answer_all(lab.second)
        await lab.cluster.expect("OPTIONS", 30)
        await lab.daemon.logged_text(r"inactive", 60)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(body="x")), 200)
        self.assertNotIn("MESSAGE", [m.method for m in lab.cluster.history])

    async def test_a_peer_that_does_not_answer_is_skipped_after_a_reload_as_well(self):
        lab = await self.lab(imp="monitor yes\n" + QUICK, imp_peers=["@cluster@", "@second@"])
        await self.answer_all(lab.second)
        await lab.daemon.logged_text(r"inactive", 60)
        await lab.daemon.reload()
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(body="x")), 200)
        self.assertNotIn("MESSAGE", [m.method for m in lab.cluster.history])

    async def test_a_zone_whose_peers_are_all_inactive_is_tried_anyway(self):
        lab = await self.lab(imp="monitor yes\n" + QUICK)
        await lab.cluster.expect("OPTIONS", 30)
        await lab.daemon.logged_text(r"inactive", 60)
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)
