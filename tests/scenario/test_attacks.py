"""What a hostile or broken peer may try beyond plain garbage: confusing transactions, smuggling headers, not reading."""

import asyncio
import random
import ssl

from support import sip
from support.lab import ALICE, BOB, CAUSEWAY, CLUSTER, GRUU, IM_OFFER, PIDF, ProxyCase, Silent, ours


class TransactionConfusionTest(ProxyCase):
    """Transactions of one peer are out of reach for another, whatever branch it writes."""

    async def ringing(self, lab):
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        got = await lab.cluster.expect("INVITE")
        await lab.cluster.respond(got, 180, to_tag="t")
        await lab.edge.expect(180)
        return invite, got

    async def test_a_stranger_cannot_cancel_the_call_of_another(self):
        lab = await self.lab(sender_check=False)
        invite, got = await self.ringing(lab)
        stranger = await lab.endpoint("sip.evil.example", host="127.0.0.7")
        cancel = stranger.cancel(invite)
        self.assert_status(await lab.ask(stranger, cancel), 481)
        await lab.cluster.nothing(0.1)
        await lab.cluster.respond(got, 200, to_tag="t", contact=lab.cluster.contact())
        self.assert_status(await lab.edge.final(invite), 200)

    async def test_the_cluster_cannot_be_made_to_cancel_its_own(self):
        lab = await self.lab()
        invite, got = await self.ringing(lab)
        await lab.send(lab.edge, lab.edge.cancel(got))  # the branch that we wrote towards the cluster
        await lab.cluster.nothing(0.1)
        await lab.cluster.respond(got, 486, to_tag="t")
        self.assert_status(await lab.edge.final(invite), 486)

    async def test_the_same_branch_of_two_peers_makes_two_transactions(self):
        lab = await self.lab(sender_check=False)
        other = await lab.endpoint("sip.other.example", host="127.0.0.7")
        one = lab.from_edge(branch="z9hG4bKsame", body="1")
        two = other.request("MESSAGE", "sip:bob@uc.example", ALICE, branch="z9hG4bKsame", body="2")
        await lab.send(lab.edge, one)
        await lab.send(other, two)
        for _ in range(2):
            got = await lab.cluster.expect("MESSAGE")
            await lab.cluster.respond(got, 200, headers=[("X-Body", got.body.decode())])
        self.assertEqual((await lab.edge.final(one)).get("x-body"), "1")
        self.assertEqual((await other.final(two)).get("x-body"), "2")

    async def test_the_same_via_from_two_peers_makes_two_transactions(self):
        lab = await self.lab(sender_check=False)
        other = await lab.endpoint("sip.other.example", host="127.0.0.7")
        one = lab.from_edge(body="1")
        two = one.copy()
        two.body = b"2"
        await lab.send(lab.edge, one)
        first = await lab.cluster.expect("MESSAGE")
        await lab.send(other, two)
        second = await lab.cluster.expect("MESSAGE")
        await lab.cluster.respond(second, 200)
        await lab.cluster.respond(first, 486)
        self.assert_status(await lab.edge.final(one), 486)
        self.assert_status(await other.final(two), 200)

    async def test_requests_without_branch_are_told_apart(self):
        lab = await self.lab()
        messages = []
        for i in range(3):
            message = lab.from_edge(body=str(i))
            message.set("Via", "SIP/2.0/TLS sip.ms.example:5061")
            messages.append(message)
            await lab.send(lab.edge, message)
        for i in range(3):
            got = await lab.cluster.expect("MESSAGE")
            self.assertEqual(got.body, str(i).encode())
            await lab.cluster.respond(got, 200)
        answered = [(await lab.edge.expect(200)).call_id for _ in messages]
        self.assertEqual(sorted(answered), sorted(m.call_id for m in messages))

    async def test_an_ack_with_the_branch_of_another_opens_nothing(self):
        lab = await self.lab(sender_check=False)
        invite, got = await self.ringing(lab)
        stranger = await lab.endpoint("sip.evil.example", host="127.0.0.7")
        await lab.cluster.respond(got, 486, to_tag="t")
        final = await lab.edge.final(invite)
        await lab.cluster.expect("ACK")
        await lab.send(stranger, stranger.ack_failure(invite, final))
        self.assert_status(await lab.ask(stranger, stranger.request("OPTIONS", f"sip:{CAUSEWAY}", ALICE)), 200)
        await lab.send(lab.edge, lab.edge.ack_failure(invite, final))


class SmugglingTest(ProxyCase):
    """Other spellings of a header are the same header."""

    async def test_trust_headers_are_found_in_any_spelling(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        lines = [b"P-Asserted-Identity : <sip:boss@uc.example>", b"p-ASSERTED-identity\t:<sip:boss@uc.example>",
                 b"P-Asserted-Identity:\r\n <sip:boss@uc.example>", b"Remote-Party-ID:<sip:boss@uc.example>",
                 b"MS-EDGE-PROXY-MESSAGE-TRUST  :  ms-source-type=EdgeProxyGenerated"]
        message.lines[3:3] = lines
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        await lab.cluster.respond(got, 200)
        for name in ("p-asserted-identity", "remote-party-id", "ms-edge-proxy-message-trust"):
            self.assertFalse(got.has(name), got.lines)
        self.assertNotIn(b"boss", bytes(got))

    async def test_a_foreign_route_is_found_in_any_spelling(self):
        lab = await self.lab()
        for line in (b"route : <sip:victim.example;lr>", b"ROUTE:\r\n\t<sip:victim.example;lr>", b"Route: sip:victim.example;lr"):
            invite = lab.from_edge("INVITE", contact=GRUU)
            invite.lines.insert(1, line)
            self.assert_status(await lab.ask(lab.edge, invite), (400, 403))
        await lab.cluster.nothing(0.1)

    async def test_the_sender_is_read_as_everyone_reads_it(self):
        lab = await self.lab()
        evil = await lab.endpoint("sip.evil.example", dns=["sip.evil.example", "evil.example"], host="127.0.0.7")
        for sender in ('"<sip:me@evil.example>" <sip:alice@ms.example>', "<sip:alice@ms.example>;x=\"@evil.example\"",
                       "<sip:me%40evil.example@ms.example>", "<sip:alice@ms.example;maddr=evil.example>",
                       "sip:alice@ms.example;x=<sip:me@evil.example>", "<tel:+15551234>", "<sip:evil.example@ms.example>",
                       "<sip:me@192.0.2.1>", "<sip:me@[2001:db8::1]>", "<sip:me@evil.example.ms.example>",
                       "<sips:alice@ms.example>", "<sip:me@evil.example@ms.example>", "<sip:me@localhost>"):
            with self.subTest(sender):
                message = evil.request("MESSAGE", "sip:bob@uc.example", f"{sender};tag=1", body="x")
                await lab.send(evil, message)
                final = await evil.wait_for(lambda m, c=message.call_id: m.call_id == c, "answer")
                self.assert_status(final, (400, 403))
        for line in (b"f: <sip:me@evil.example>;tag=2", b"From : <sip:me@evil.example>;tag=2"):
            message = evil.request("MESSAGE", "sip:bob@uc.example", ALICE, body="x")
            message.lines.insert(1, line)
            self.assert_status(await lab.ask(evil, message), (400, 403))
        await lab.cluster.nothing(0.1)
        honest = evil.request("MESSAGE", "sip:bob@uc.example", '"alice@ms.example" <sip:me@evil.example:5061;x=y>', body="x")
        await lab.send(evil, honest)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await evil.final(honest), 200)

    async def test_an_answer_with_two_lengths_closes_its_connection_and_passes_nothing(self):
        lab = await self.lab(imp="response-timeout 3")
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        await got.link.send(lab.cluster.response(got, 200, body="hello").add("Content-Length", "0"))
        await got.link.wait_closed()
        self.assert_status(await lab.edge.final(message), (500, 502, 504))

    async def test_a_second_request_behind_a_short_length_is_its_own(self):
        """What stands behind Content-Length is the next message, checked like any other."""
        lab = await self.lab()
        inner = lab.edge.request("MESSAGE", "sip:bob@uc.example", "<sip:boss@uc.example>", body="inner")
        outer = lab.from_edge(body="x")
        await (await lab.link(lab.edge)).send(bytes(outer) + bytes(inner))
        got = await lab.cluster.expect("MESSAGE")
        self.assertEqual(got.body, b"x")
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(inner), 403)
        await lab.cluster.nothing(0.1)

    async def test_spirals_are_no_loops(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        back = got.copy().prepend("Via", lab.edge.via())
        back.start = b"MESSAGE sip:carol@uc.example SIP/2.0"
        await lab.send(lab.edge, back)
        again = await lab.cluster.expect("MESSAGE")
        self.assertEqual(again.uri, "sip:carol@uc.example")
        await lab.cluster.respond(again, 200)
        self.assert_status(await lab.edge.final(back), 200)
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(message), 200)


class NotReadingTest(ProxyCase):
    async def test_a_peer_that_asks_without_reading_is_stopped(self):
        lab = await self.lab()
        link = await lab.link(lab.edge)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")), 200)
        link.writer.transport.pause_reading()
        sent = 0

        def question():
            """Its answer is as long as itself: the Via returns."""
            options = lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")
            return bytes(options.set("Via", f"{options.get('via')};pad={'y' * 3000}"))

        async def pour():
            nonlocal sent
            while sent < 100_000_000:
                block = b"".join(question() for _ in range(20))
                await link.send(block)
                sent += len(block)

        pouring = asyncio.ensure_future(pour())
        done, _ = await asyncio.wait((pouring,), timeout=4)
        self.assertFalse(done, "100 MB of requests were taken without one answer read")
        other = await lab.link(lab.edge, fresh=True)
        self.assertIsNot(other, link)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")), 200)
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)


    async def test_a_peer_that_resets_in_the_middle_of_a_large_message_harms_nobody(self):
        lab = await self.lab(imp="response-timeout 5")
        first = lab.from_edge(body="x")
        await lab.send(lab.edge, first)
        got = await lab.cluster.expect("MESSAGE")
        await lab.cluster.respond(got, 200)
        got.link.writer.transport.pause_reading()
        messages = [lab.from_edge(body=b"y" * 1_000_000) for _ in range(3)]
        for message in messages:
            await (await lab.edge.connect(*lab.daemon.listeners[0])).send(message)
        await asyncio.sleep(0.2)
        got.link.abort()
        for message in messages:
            self.assert_status(await lab.edge.final(message, 15), (500, 503, 504))
        again = lab.from_edge(body="z")
        await lab.send(lab.edge, again)
        await lab.cluster.respond(await lab.cluster.wait_for(lambda m: m.body == b"z", "the next message"), 200)
        self.assert_status(await lab.edge.final(again), 200)

    async def test_made_up_senders_whose_domains_do_not_answer_leave_room_for_others(self):
        with Silent("127.0.0.8") as silent:
            forward = "--server=/evil.example/" + silent.address.replace(":", "#")
            lab = await self.lab(extra_dns=[forward, "--dns-forward-max=5000"])
            link = await lab.link(lab.edge)
            await link.send(b"".join(bytes(lab.from_edge(from_=f"<sip:a@d{i}.evil.example>", body="x"))
                                     for i in range(1200)))
            message = lab.from_cluster(body="x")
            await lab.send(lab.cluster, message)
            await lab.edge.respond(await lab.edge.expect("MESSAGE"), 200)
            self.assert_status(await lab.cluster.final(message), 200)

    async def test_500_unknown_domains_at_once_are_all_answered(self):
        lab = await self.lab(rules=r"rule 'out' { source IMP; pattern regex '.*'; target internet }")
        messages = [lab.from_cluster(uri=f"sip:x@domain{i}.example", body="x") for i in range(500)]
        await (await lab.link(lab.cluster)).send(b"".join(map(bytes, messages)))
        for message in messages:
            self.assert_status(await lab.cluster.final(message, 30), 504)


class MutationTest(ProxyCase):
    """Random damage to good messages, from a fixed seed: nothing malformed comes out, the process lives."""

    ROUNDS = 400
    BYTES = b"\0\r\n\t \x7f\xff\";,<>@:%=\\()[]sSiI0"

    def damage(self, source, data):
        data = bytearray(data)
        for _ in range(source.choice((1, 1, 1, 2, 5))):
            place = source.randrange(len(data))
            kind = source.randrange(4)
            if kind == 0:
                data[place] = source.choice(self.BYTES)
            elif kind == 1:
                data.insert(place, source.choice(self.BYTES))
            elif kind == 2:
                del data[place:place + source.randrange(1, 20)]
            else:
                data[place:place] = data[place:place + source.randrange(1, 60)]
        return bytes(data)

    async def test_damaged_messages_are_refused_or_harmless(self):
        lab = await self.lab(imp="response-timeout 1")
        source = random.Random(4711)
        originals = [
            lambda: lab.from_edge(body="hello", headers=[("Subject", '"quoted" text'), ("Supported", "a, b")]),
            lambda: lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER,
                                  headers=[("Record-Route", lab.edge_route())]),
            lambda: lab.from_edge("SUBSCRIBE", contact=GRUU, headers=[("Event", "presence")]),
            lambda: lab.from_edge("NOTIFY", f"sip:{CLUSTER}", to=f"{BOB};tag=1", headers=[("Event", "presence")], body=PIDF)]
        link = await lab.link(lab.edge)
        for _ in range(self.ROUNDS):
            if link.closed.is_set():
                link = await lab.link(lab.edge, fresh=True)
            try:
                await link.send(self.damage(source, bytes(source.choice(originals)())))
                if source.randrange(3) == 0:  # let the damage be cut off from what follows
                    link.abort()
                    link = await lab.link(lab.edge, fresh=True)
            except (OSError, ssl.SSLError):
                link = await lab.link(lab.edge, fresh=True)
        await lab.link(lab.edge, fresh=True)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}"), 30), 200)
        self.assertGreater(len(lab.cluster.history), 20, "hardly anything came through: the damage is too large")
        for message in lab.cluster.history:
            self.assert_well_formed(message)

    def assert_well_formed(self, message):
        for name in ("from", "to", "call-id", "cseq", "max-forwards", "content-length"):
            self.assertEqual(len(message.raw_lines(name)), 1, f"{name}: {bytes(message)}")
        self.assertEqual(message.cseq[1], message.method)
        self.assertTrue(ours(message.values("via")[0]))
        self.assertEqual(int(message.get("content-length")), len(message.body))
        head = bytes(message).split(b"\r\n\r\n")[0].replace(b"\r\n", b"")
        self.assertFalse([c for c in head if c < 32 and c != 9 or c == 127], f"control characters: {head}")
