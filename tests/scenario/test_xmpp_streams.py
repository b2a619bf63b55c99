"""Streams as good servers hold them: STARTTLS and direct TLS, dialback and EXTERNAL, many pairs on one stream, their end."""

import asyncio
import base64

from support import xmpp
from support.xmpp_lab import A, ALICE, B, BOB, C, ROOMS, SECRET, XmppCase


class InboundTest(XmppCase):
    async def test_starttls_and_dialback(self):
        lab = await self.lab()
        got = await lab.to_inside(lab.b)
        self.assertTrue(got.link.is_secure)
        self.assertEqual(len(lab.b.verifies_seen), 1)
        link = lab.b.dialled[0]
        self.assertEqual((link.tls_version, link.header.get("from"), link.header.get("to"), link.header.get("version")),
                         ("TLSv1.3", A, B, "1.0"))
        clear = next(item for item in link.history if item.tag == xmpp.FEATURES)
        self.assertIsNotNone(clear.find(f"{{{xmpp.TLS}}}starttls/{{{xmpp.TLS}}}required"))
        line = await lab.daemon.logged("xmpp.stream", event="established", partner=B, direction="in")
        self.assertEqual((line.Module, line.verified, line.local, line.tls), ("XMPPFederation", "dialback", A, "TLSv1.3"))
        self.assertIn('Module="XMPPFederation"', line.text)

    async def test_direct_tls(self):
        lab = await self.lab()
        link = await lab.b.dial(*lab.direct_port, direct=True, name=A)
        features = await link.open(B, A)
        self.assertIsNone(features.find(f"{{{xmpp.TLS}}}starttls"))
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        await link.send(xmpp.message(BOB, ALICE, id_="m"))
        await lab.inside.received("m")

    async def test_sasl_external(self):
        lab = await self.lab()
        for identity in ("=", base64.b64encode(B.encode()).decode()):
            with self.subTest(identity):
                link = await lab.b.dial()
                features = await link.negotiate(B, A)
                offered = [e.text for e in features.element.iter(f"{{{xmpp.SASL}}}mechanism")]
                self.assertEqual(offered, ["EXTERNAL"])
                answer = await link.external(identity)
                self.assertEqual(answer.tag, f"{{{xmpp.SASL}}}success")
                before = link.header.get("id")
                link.restart()
                features = await link.open(B, A)
                self.assertNotEqual(link.header.get("id"), before)
                self.assertIsNone(features.find(f"{{{xmpp.SASL}}}mechanisms"))
                id_ = xmpp.unique("m")
                await link.send(xmpp.message(BOB, ALICE, id_=id_))
                await lab.inside.received(id_)
        self.assertEqual(lab.b.verifies_seen, [])
        await lab.daemon.logged("xmpp.stream", event="established", partner=B, direction="in", verified="external")

    async def test_sasl_external_with_its_identity_in_a_response(self):
        lab = await self.lab()
        link = await lab.b.dial()
        await link.negotiate(B, A)
        await link.send(f"<auth xmlns='{xmpp.SASL}' mechanism='EXTERNAL'/>")
        await link.expect(f"{{{xmpp.SASL}}}challenge")
        await link.send(f"<response xmlns='{xmpp.SASL}'>{base64.b64encode(B.encode()).decode()}</response>")
        await link.expect(f"{{{xmpp.SASL}}}success")

    async def test_external_then_dialback_for_another_pair(self):
        lab = await self.lab()
        link = await lab.b.dial()
        await link.negotiate(B, A)
        await link.external()
        link.restart()
        await link.open(B, A)
        self.assertEqual((await link.claim(B, ROOMS)).get("type"), "valid")
        for target in (ALICE, f"room@{ROOMS}"):
            id_ = xmpp.unique("m")
            await link.send(xmpp.message(BOB, target, id_=id_))
            await lab.inside.received(id_)

    async def test_external_is_not_offered_where_it_is_off(self):
        lab = await self.lab(external=False)
        link = await lab.b.dial()
        features = await link.negotiate(B, A)
        self.assertIsNone(features.find(f"{{{xmpp.SASL}}}mechanisms"))
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")

    async def test_many_pairs_on_one_stream(self):
        lab = self.make(allow=["b2.test", "b3.test"], routes=["b.test @b@", "b2.test @b@", "b3.test @b@", "c.test @c@"])
        lab.b = xmpp.Server([B, "b2.test", "b3.test"], lab.ca, lab.certificate(B, "b2.test", "b3.test"))
        await lab.start()
        link = await lab.b.dial()
        await link.negotiate(B, A)
        pairs = [(from_, to) for from_ in lab.b.names for to in (A, ROOMS)]
        id_ = link.header.get("id")
        await link.send(*[xmpp.result(f, t, xmpp.key(lab.b.secret, t, f, id_)) for f, t in pairs])
        answers = [await link.expect(xmpp.RESULT) for _ in pairs]
        self.assertEqual({a.get("type") for a in answers}, {"valid"})
        self.assertEqual(sorted((a.get("to"), a.get("from")) for a in answers), sorted(pairs))
        for from_, to in pairs:
            id_ = xmpp.unique("m")
            await link.send(xmpp.message(f"u@{from_}", f"v@{to}", id_=id_))
            got = await lab.inside.received(id_)
            self.assertEqual((got.get("from"), got.get("to")), (f"u@{from_}", f"v@{to}"))

    async def test_a_claim_that_fails_leaves_the_stream_and_may_be_made_again(self):
        lab = await self.lab()
        link = await lab.b.dial()
        await link.negotiate(B, A)
        self.assertEqual((await link.claim(B, A, "0" * 64)).get("type"), "invalid")
        lab.b.verifies = "remote-server-timeout"
        answer = await link.claim(B, A)
        self.assertIn(answer.get("type"), ("error", "invalid"))
        lab.b.verifies = "honest"
        for from_, to, condition in (("d.test", A, "policy-violation"), (B, "d.test", "item-not-found")):
            answer = await link.claim(from_, to, "0" * 64)
            self.assertEqual((answer.get("type"), answer.condition), ("error", condition))
            self.assertEqual(answer.element.find(f"{{{xmpp.SERVER}}}error").get("type"), "cancel")
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        await link.send(xmpp.message(BOB, ALICE, id_="m"))
        await lab.inside.received("m")

    async def test_a_claim_whose_domain_cannot_be_asked_is_answered_with_an_error(self):
        lab = await self.lab()
        link = await lab.b.dial()
        await link.negotiate(B, A)
        await lab.b.stop_listening()
        answer = await link.claim(B, A)
        self.assertEqual(answer.get("type"), "error")
        self.assertIsNotNone(answer.condition)
        await lab.b.listen(lab.b.host, lab.b.port)

        async def claim():
            return (await link.claim(B, A)).get("type") == "valid"

        await lab.again(claim)

    async def test_keys_are_verified_for_others_on_any_stream(self):
        lab = await self.lab()
        link = await lab.b.dial()
        await link.negotiate(B, A)
        for name, id_, key, verdict in ((A, "i1", xmpp.key(SECRET, B, A, "i1"), "valid"),
                                        (ROOMS, "i2", xmpp.key(SECRET, B, ROOMS, "i2"), "valid"),
                                        (A, "i3", xmpp.key(SECRET, B, A, "i1"), "invalid"),
                                        ("d.test", "i4", "0" * 64, "error"), (A, "i5", xmpp.key(SECRET, B, A, "i5"), "valid")):
            await link.send(xmpp.verify(B, name, id_, key))
            answer = await link.expect(xmpp.VERIFY)
            self.assertEqual((answer.get("type"), answer.get("id"), answer.get("from"), answer.get("to")), (verdict, id_, name, B))

    async def test_one_verification_connection_serves_all_claims_of_a_domain(self):
        lab = await self.lab()
        lab.b.verifies = None
        links = [await lab.b.dial() for _ in range(3)]
        for link in links:
            await link.negotiate(B, A)
            await link.send(*[xmpp.result(B, to, xmpp.key(lab.b.secret, to, B, link.header.get("id"))) for to in (A, ROOMS)])
        await lab.b.until(lambda: len(lab.b.verifies_seen) == 6, "six verifications")
        self.assertEqual(len(lab.b.accepted), 1)
        for item in lab.b.verifies_seen:
            await item.link.send(f"<db:verify from='{B}' to='{item.get('from')}' id='{item.get('id')}' type='valid'/>")
        for link in links:
            self.assertEqual([(await link.expect(xmpp.RESULT)).get("type") for _ in range(2)], ["valid"] * 2)

    async def test_pings_of_partners_go_to_the_inside(self):
        lab = await self.lab()
        await lab.b.send(f"<iq type='get' from='{B}' to='{A}' id='p1'><ping xmlns='{xmpp.PING}'/></iq>")
        await lab.inside.received("p1")
        await lab.inside.send(f"<iq type='result' from='{A}' to='{B}' id='p1'/>")
        await lab.b.received("p1")

    async def test_bidirectional_streams_carry_the_way_back(self):
        lab = await self.lab()
        link = await lab.b.dial()
        features = await link.negotiate(B, A)
        self.assertIsNotNone(features.find("{urn:xmpp:features:bidi}bidi"))
        await link.send(f"<bidi xmlns='{xmpp.BIDI}'/>")
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        await link.send(xmpp.message(BOB, ALICE, id_="there"))
        await lab.inside.received("there")
        lab.b.verifies = None
        got = await lab.to_partner(lab.b)
        self.assertIs(got.link, link)

    async def test_a_graceful_end_is_answered(self):
        lab = await self.lab()
        link = await lab.b.stream(B, A)
        await link.send(xmpp.END)
        self.assertIsNone(await link.ended())
        self.assertTrue(link.has_ended_well)


class OutboundTest(XmppCase):
    async def test_starttls_and_dialback(self):
        lab = await self.lab()
        got = await lab.to_partner(lab.b)
        link = got.link
        self.assertTrue(link.is_secure)
        headers = [item for item in link.history if item.tag == "header"]
        for header in headers:
            self.assertEqual((header.get("from"), header.get("to"), header.get("version"), header.get("xmlns:db")),
                             (A, B, "1.0", xmpp.DIALBACK))
        self.assertEqual(len(headers), 2)
        self.assertNotIn(b"jabber:server:dialback", got.raw)
        line = await lab.daemon.logged("xmpp.stream", event="established", partner=B, direction="out")
        self.assertEqual((line.verified, line.local, line.remote), ("dialback", A, lab.b.address))

    async def test_sasl_external_where_it_is_offered(self):
        lab = await self.lab(b={"external": True})
        got = await lab.to_partner(lab.b)
        auth = next(item for item in lab.b.history if item.tag == f"{{{xmpp.SASL}}}auth")
        self.assertEqual(auth.get("mechanism"), "EXTERNAL")
        self.assertIn(auth.text, ("=", base64.b64encode(A.encode()).decode()))
        self.assertEqual(lab.b.claims_seen, [])
        self.assertEqual(len([item for item in got.link.history if item.tag == "header"]), 3)
        await lab.daemon.logged("xmpp.stream", event="established", partner=B, direction="out", verified="external")

    async def test_dialback_where_external_is_refused(self):
        lab = await self.lab(b={"external": "refused"})
        await lab.to_partner(lab.b)
        self.assertEqual(len(lab.b.claims_seen), 1)

    async def test_dialback_where_external_is_off(self):
        lab = await self.lab(b={"external": True}, external=False)
        await lab.to_partner(lab.b)
        self.assertEqual(len(lab.b.claims_seen), 1)
        self.assertFalse([item for item in lab.b.history if item.tag == f"{{{xmpp.SASL}}}auth"])

    async def test_all_local_names_reach_the_partner(self):
        lab = await self.lab()
        for sender in (ALICE, f"room@{ROOMS}/nick"):
            got = await lab.to_partner(lab.b, from_=sender)
            self.assertEqual(got.get("from"), sender)
        self.assertEqual({claim.get("from") for claim in lab.b.claims_seen}, {A, ROOMS})

    async def test_a_bidirectional_stream_is_asked_for_and_used(self):
        lab = await self.lab(b={"bidi": True})
        got = await lab.to_partner(lab.b)
        self.assertTrue(got.link.is_bidirectional)
        await got.link.send(xmpp.message(BOB, ALICE, id_="back"))
        await lab.inside.received("back")
        self.assertEqual(lab.b.dialled, [])

    async def test_without_bidirectional_streams_the_way_back_is_closed(self):
        lab = await self.lab()
        got = await lab.to_partner(lab.b)
        await got.link.send(xmpp.message(BOB, ALICE, "EVIL"))
        self.assertIsNotNone(await got.link.ended())
        await lab.c_is_well()

    async def test_refused_dialback_bounces(self):
        lab = await self.lab()
        for verdict in ("invalid", "policy-violation", "remote-server-timeout"):
            with self.subTest(verdict):
                lab.b.claims = verdict
                stanza = await lab.refused()
                self.assert_bounced(stanza, "remote-server-timeout", BOB, ALICE)
        self.assertEqual(lab.b.stanzas, [])
        lab.b.claims = "valid"
        await lab.reaches(lab.b)

    async def test_no_stanza_is_sent_before_dialback_is_answered(self):
        lab = await self.lab()
        lab.b.claims = None
        await lab.inside.send(xmpp.message(ALICE, BOB, id_="m"))
        await lab.b.until(lambda: lab.b.claims_seen, "the claim")
        await lab.c_is_well()
        self.assertEqual(lab.b.stanzas, [])
        claim = lab.b.claims_seen[0]
        await claim.link.send(f"<db:result from='{B}' to='{A}' type='valid'/>")
        await lab.b.received("m")

    async def test_a_verdict_for_another_pair_opens_nothing(self):
        lab = await self.lab()
        lab.b.claims = lambda link, item: (f"<db:result from='{C}' to='{A}' type='valid'/>"
                                           f"<db:result from='{B}' to='{ROOMS}' type='valid'/>"
                                           f"<db:result from='{A}' to='{B}' type='valid'/>"
                                           f"<db:result from='{B}' to='{A}' type='invalid'/>")
        self.assert_bounced(await lab.refused(), "remote-server-timeout")
        self.assertEqual(lab.b.stanzas, [])
        await lab.c_is_well()

    async def test_keys_are_verified_while_the_claim_is_pending(self):
        """A partner that asks back before it answers, as every real one does."""
        lab = await self.lab()
        verdicts = []

        async def ask(link, claim):
            back = await lab.b.dial()
            await back.negotiate(B, A)
            await back.send(xmpp.verify(B, A, link.stream_id, claim.text))
            verdicts.append((await back.expect(xmpp.VERIFY)).get("type"))
            await link.send(f"<db:result from='{B}' to='{A}' type='{verdicts[-1]}'/>")

        tasks = []
        lab.b.claims = lambda link, item: tasks.append(asyncio.ensure_future(ask(link, item)))
        await lab.to_partner(lab.b)
        self.assertEqual(verdicts, ["valid"])


class EndTest(XmppCase):
    async def test_idle_streams_are_closed_gracefully(self):
        lab = await self.lab(idle="1s")
        out = (await lab.to_partner(lab.b)).link
        into = await lab.b.stream(B, A)
        await into.send(xmpp.message(BOB, ALICE, id_="m"))
        await lab.inside.received("m")
        for link in (into, out):
            self.assertIsNone(await link.ended())
            self.assertTrue(link.has_ended_well)
        await lab.c_is_well()
        await lab.to_partner(lab.b)
        await lab.to_inside(lab.b)

    async def test_white_space_does_not_keep_a_stream(self):
        lab = await self.lab(idle="1s")
        link = await lab.b.stream(B, A)

        async def chatter():
            while not link.is_closed:
                await link.send(" \n")
                await asyncio.sleep(0.1)

        task = asyncio.ensure_future(chatter())
        self.assertIsNone(await link.ended())
        self.assertTrue(link.has_ended_well)
        await task

    async def test_after_a_graceful_end_the_next_stanza_finds_a_new_stream(self):
        lab = await self.lab()
        for _ in range(3):
            got = await lab.to_partner(lab.b)
            await got.link.send(xmpp.END)
            self.assertIsNone(await got.link.ended())
        for server in (lab.inside, lab.b):
            got = await lab.to_inside(lab.b)
            await got.link.send(xmpp.END)
            await got.link.ended()
        await lab.to_inside(lab.b)

    async def test_a_graceful_end_leads_to_a_new_connection_at_once(self):
        lab = await self.lab()
        got = await lab.to_partner(lab.b)
        before = len(lab.b.accepted)
        await got.link.send(xmpp.END)
        await got.link.ended()
        await lab.b.until(lambda: len(lab.b.accepted) > before, "a new connection")

    async def test_a_graceful_end_leads_to_the_next_server_if_the_first_refuses(self):
        lab = self.make(routes=["b.test @b@ 10", "b.test @second@ 20", "c.test @c@"])
        second = await lab.server("second", host="127.0.0.7", certificate=lab.b.certificate)
        await lab.start()
        got = await lab.to_partner(lab.b)
        self.assertEqual(second.accepted, [])
        await lab.b.stop_listening()
        await got.link.send(xmpp.END)
        await got.link.ended()
        await lab.inside.send(xmpp.message(ALICE, BOB, id_="m"))
        await second.received("m")
