"""Attacks on who a peer is: forged senders, dialback answers nobody asked for, guessed keys, local names from outside."""

import base64

from support import xmpp
from support.xmpp_lab import A, ALICE, B, BOB, C, CAROL, EVIL, ROOMS, SECRET, XmppCase

PROVED = "valid"


class PairTest(XmppCase):
    """Only what was proved on a stream may be said on it."""

    async def attacker(self, lab, *, proved=True):
        """A stream of b behind TLS, its pair b.test -> a.test proved or not."""
        link = await lab.b.dial()
        await link.negotiate(B, A)
        if proved:
            self.assertEqual((await link.claim(B, A)).get("type"), PROVED)
        return link

    async def test_a_stanza_before_its_pair_is_proved_ends_the_stream(self):
        lab = await self.lab()
        for stanza in (xmpp.message(BOB, ALICE, EVIL), f"<iq from='{BOB}' to='{ALICE}' type='get' id='1'><{EVIL}/></iq>",
                       f"<presence from='{BOB}' to='{ALICE}'><status>{EVIL}</status></presence>"):
            with self.subTest(stanza):
                link = await self.attacker(lab, proved=False)
                await link.send(stanza)
                await self.assert_stream_error(link, "not-authorized")
        await lab.c_is_well()

    async def test_a_stanza_in_clear_text_ends_the_stream(self):
        lab = await self.lab()
        link = await lab.b.dial()
        await link.open(B, A)
        await link.send(xmpp.message(BOB, ALICE, EVIL))
        await self.assert_stream_error(link, "policy-violation", "not-authorized")
        await lab.c_is_well()

    async def test_another_sender_than_the_one_proved_ends_the_stream(self):
        lab = await self.lab()
        for sender in (CAROL, C, f"x@{C}/{B}", "user@evil.test", f"user@sub.{B}", "user@test", f"user@{B}.evil.test", ALICE,
                       f"x{B}", f"x@x{B}"):
            with self.subTest(sender):
                link = await self.attacker(lab)
                await link.send(xmpp.message(sender, ALICE, EVIL))
                await self.assert_stream_error(link, "invalid-from")
        await lab.c_is_well()

    async def test_a_target_that_was_not_proved_ends_the_stream(self):
        lab = await self.lab()
        for target in (f"room@{ROOMS}", CAROL, C, BOB, f"x@{A}.evil.test"):
            with self.subTest(target):
                link = await self.attacker(lab)
                await link.send(xmpp.message(BOB, target, EVIL))
                await self.assert_stream_error(link, "invalid-from", "host-unknown", "not-authorized")
        await lab.c_is_well()

    async def test_addresses_that_are_missing_or_have_no_domain_end_the_stream(self):
        lab = await self.lab()
        bad = ("", f"{BOB}@{C}", f"x@-{B}", "x@", f"x@{'y' * 64}.test", "x@b..test", f"x@{B}:5269", f"x@[{B}]", f"x@{B} ", "x@b.t st")
        attributes = [f"from='{address}' to='{ALICE}'" for address in bad]
        attributes += [f"from='{BOB}' to='{address.replace(B, A)}'" for address in bad]
        attributes += [f"from='{BOB}'", f"to='{ALICE}'", ""]
        for attribute in attributes:
            with self.subTest(attribute):
                link = await self.attacker(lab)
                await link.send(f"<message {attribute} id='1'><body>{EVIL}</body></message>")
                await self.assert_stream_error(link, "improper-addressing", "invalid-from")
        await lab.c_is_well()

    async def test_addresses_that_cannot_be_prepared_are_malformed(self):
        lab = await self.lab()
        link = await self.attacker(lab)
        bad = (f"@{B}", f"{B}/", f"a b@{B}", f"&quot;@{B}", f"x@{B}/&#x7f;", f"{'x' * 1024}@{B}", f"x@{B}/{'y' * 1024}",
               f"&#xfdd0;@{B}", f"x@{B}/&#x202e;")
        pairs = [(address, ALICE) for address in bad] + [(BOB, address.replace(B, A)) for address in bad]
        for from_, to in pairs:
            with self.subTest(from_=from_[-40:], to=to[-40:]):
                id_ = xmpp.unique("m")
                await link.send(f"<message from='{from_}' to='{to}' id='{id_}'><body>{EVIL}</body></message>")
                self.assert_bounced(await lab.b.received(id_), "jid-malformed")
        await lab.c_is_well()

    async def test_spellings_of_the_proved_pair_are_the_proved_pair(self):
        lab = await self.lab()
        link = await self.attacker(lab)
        for sender, target in ((f"bob@{B.upper()}", ALICE), (BOB, f"ALICE@{A.title()}"), ("bob@\uff42.test", ALICE),
                               ("bob@b\u3002test", ALICE), (f"{BOB}/r@{C}/x", f"{ALICE}/a@b")):
            with self.subTest(sender):
                id_ = xmpp.unique("m")
                await link.send(xmpp.message(sender, target, id_=id_))
                got = await lab.inside.received(id_)
                self.assertEqual(got.get("from").partition("/")[2], sender.partition("/")[2])

    async def test_a_pair_counts_on_its_own_stream_only(self):
        lab = await self.lab()
        first, second = await self.attacker(lab), await self.attacker(lab, proved=False)
        await second.send(xmpp.message(BOB, ALICE, EVIL))
        await self.assert_stream_error(second, "not-authorized")
        id_ = xmpp.unique("m")
        await first.send(xmpp.message(BOB, ALICE, id_=id_))
        await lab.inside.received(id_)

    async def test_a_stanza_behind_a_claim_that_is_not_answered_yet_ends_the_stream(self):
        lab = await self.lab()
        lab.c.verifies = None
        link = await self.attacker(lab)
        await link.send(xmpp.result(C, A, "0" * 64), xmpp.message(CAROL, ALICE, EVIL))
        await self.assert_stream_error(link, "invalid-from", "not-authorized")
        lab.c.verifies = "honest"
        await lab.c_is_well()

    async def test_a_claim_that_failed_proves_nothing(self):
        lab = await self.lab()
        for verdict in ("invalid", "item-not-found", "remote-server-timeout", "not-authorized"):
            with self.subTest(verdict):
                lab.b.verifies = verdict
                link = await self.attacker(lab, proved=False)
                self.assertIn((await link.claim(B, A)).get("type"), ("invalid", "error"))
                await link.send(xmpp.message(BOB, ALICE, EVIL))
                await self.assert_stream_error(link, "not-authorized")
        await lab.c_is_well()


class DialbackTest(XmppCase):
    """Answers count when they were asked for, on the stream on which they were asked, once."""

    async def test_a_result_nobody_asked_for_proves_nothing(self):
        """CVE-2012-3525."""
        lab = await self.lab()
        for answer in (f"<db:result from='{B}' to='{A}' type='valid'/>", f"<db:result from='{A}' to='{B}' type='valid'/>",
                       f"<db:result from='{B}' to='{A}' type='valid'>{'0' * 64}</db:result>",
                       f"<db:verify from='{B}' to='{A}' id='1' type='valid'/>"):
            with self.subTest(answer):
                link = await lab.b.dial()
                await link.negotiate(B, A)
                await link.send(answer, xmpp.message(BOB, ALICE, EVIL))
                await link.ended()
        await lab.c_is_well()

    async def pending_forgery(self, lab):
        """A stream of b with a forged claim of c.test, whose verification c holds back; the claim's stream id."""
        lab.c.verifies = None
        link = await lab.b.dial()
        await link.negotiate(B, A)
        self.assertEqual((await link.claim(B, A)).get("type"), PROVED)
        await link.send(xmpp.result(C, A, "0" * 64))
        await lab.c.until(lambda: lab.c.verifies_seen, "the verification")
        return link, link.header.get("id")

    async def finish_forgery(self, lab, link):
        """c says no: the claim fails, and what was forged meanwhile has gone nowhere."""
        seen = lab.c.verifies_seen[0]
        await seen.link.send(f"<db:verify from='{C}' to='{A}' id='{seen.get('id')}' type='invalid'/>")
        if not link.is_closed:
            answer = await link.expect(xmpp.RESULT)
            self.assertNotEqual(answer.get("type"), PROVED)
            await link.send(xmpp.message(CAROL, ALICE, EVIL))
            await link.ended()
        lab.c.verifies = "honest"
        await lab.c_is_well()

    async def test_a_verdict_on_the_claiming_stream_proves_nothing(self):
        lab = await self.lab(certificates="any")
        link, id_ = await self.pending_forgery(lab)
        await link.send(f"<db:verify from='{C}' to='{A}' id='{id_}' type='valid'/>",
                        f"<db:result from='{C}' to='{A}' type='valid'/>")
        await self.finish_forgery(lab, link)

    async def test_a_verdict_on_the_stream_to_another_domain_proves_nothing(self):
        lab = await self.lab(certificates="any")
        await lab.to_partner(lab.b)
        link, id_ = await self.pending_forgery(lab)
        for accepted in lab.b.accepted:
            if not accepted.is_closed:
                await accepted.send(f"<db:verify from='{C}' to='{A}' id='{id_}' type='valid'/>")
        await self.finish_forgery(lab, link)

    async def test_a_verdict_with_another_id_or_name_proves_nothing(self):
        lab = await self.lab()
        verdicts = (f"<db:verify from='{B}' to='{A}' id='other' type='valid'/>",
                    f"<db:verify from='{B}' to='{ROOMS}' id='@id@' type='valid'/>",
                    f"<db:verify from='{C}' to='{A}' id='@id@' type='valid'/>",
                    f"<db:verify from='{B}' to='{A}' type='valid'/>",
                    f"<db:verify from='{B}' to='{A}' id='@id@' type='VALID'/>",
                    f"<db:result from='{B}' to='{A}' type='valid'/>")
        for verdict in verdicts:
            with self.subTest(verdict):
                no = f"<db:verify from='{B}' to='{A}' id='@id@' type='invalid'/>"
                lab.b.verifies = lambda link, item, v=verdict: (v + no).replace("@id@", item.get("id"))
                link = await lab.b.dial()
                await link.negotiate(B, A)
                answer = await link.claim(B, A)
                self.assertIn(answer.get("type"), ("invalid", "error"))
                await link.send(xmpp.message(BOB, ALICE, EVIL))
                await link.ended()
        await lab.c_is_well()

    async def test_the_first_verdict_counts(self):
        lab = await self.lab()
        yes, no = (f"<db:verify from='{B}' to='{A}' id='@id@' type='{t}'/>" for t in ("valid", "invalid"))
        error = (f"<db:verify from='{B}' to='{A}' id='@id@' type='error'><error type='cancel'>"
                 f"<item-not-found xmlns='{xmpp.STANZA_ERRORS}'/></error></db:verify>")
        for first in (no, error):
            with self.subTest(first):
                lab.b.verifies = lambda link, item, v=first: (v + yes).replace("@id@", item.get("id"))
                link = await lab.b.dial()
                await link.negotiate(B, A)
                self.assertNotEqual((await link.claim(B, A)).get("type"), PROVED)
                await link.send(xmpp.message(BOB, ALICE, EVIL))
                await link.ended()
        await lab.c_is_well()

    async def test_a_certificate_does_not_replace_dialback(self):
        """CVE-2021-32919: with any certificate, a forged key of another domain is not believed."""
        lab = await self.lab(certificates="any", external=False)
        for certificate in (lab.b.certificate, lab.ca.issue("claims-c", dns=["d.test"], cn=C)):
            link = await lab.b.dial()
            await link.negotiate(C, A, context=xmpp.client_context(certificate))
            self.assertNotEqual((await link.claim(C, A, "0" * 64)).get("type"), PROVED)
            await link.send(xmpp.message(CAROL, ALICE, EVIL))
            await link.ended()
        await lab.c_is_well()

    async def test_an_address_that_the_peer_names_is_not_asked(self):
        lab = self.make(privacy="off", certificates="any")
        trap = await lab.server("trap.test", host="127.0.0.9")
        await lab.start()
        for name in (trap.host, f"{trap.host}:{trap.port}", f"trap.test:{trap.port}", f"[::ffff:{trap.host}]"):
            with self.subTest(name):
                link = await lab.b.dial()
                await link.negotiate(B, A)
                answered = len(link.history)
                await link.send(xmpp.result(name, A, "0" * 64))
                await link.until(lambda n=answered: len(link.history) > n, "an answer")
                self.assertNotEqual(link.history[-1].get("type"), PROVED)
        self.assertEqual(trap.accepted, [])
        await lab.c_is_well()

    async def test_external_of_another_name_is_refused(self):
        lab = await self.lab(certificates="any")
        for name, from_ in ((C, B), (C, C), (A, B), ("", C), (f"{B}.evil.test", B), ("evil.test", B)):
            with self.subTest(name=name, from_=from_):
                link = await lab.b.dial()
                await link.negotiate(from_, A)
                identity = base64.b64encode(name.encode()).decode() or "="
                answer = await link.external(identity)
                self.assertEqual(answer.tag, f"{{{xmpp.SASL}}}failure")
                await link.send(xmpp.message(f"x@{name or from_}", ALICE, EVIL))
                await link.ended()
        await lab.c_is_well()

    async def test_external_without_a_certificate_is_refused(self):
        lab = await self.lab(certificates="any")
        link = await lab.b.dial()
        features = await link.negotiate(B, A, context=xmpp.client_context())
        self.assertIsNone(features.find(f"{{{xmpp.SASL}}}mechanisms"))
        await link.send(f"<auth xmlns='{xmpp.SASL}' mechanism='EXTERNAL'>=</auth>", xmpp.message(BOB, ALICE, EVIL))
        await link.ended()
        self.assertFalse([item for item in link.history if item.tag.endswith("success")])
        await lab.c_is_well()

    async def test_external_in_clear_text_is_refused(self):
        lab = await self.lab(security="optional")
        link = await lab.b.dial()
        features = await link.open(B, A)
        self.assertIsNone(features.find(f"{{{xmpp.SASL}}}mechanisms"))
        await link.send(f"<auth xmlns='{xmpp.SASL}' mechanism='EXTERNAL'>=</auth>", xmpp.message(BOB, ALICE, EVIL))
        await link.ended()
        self.assertFalse([item for item in link.history if item.tag.endswith("success")])


class KeyTest(XmppCase):
    """CVE-2016-0756, CVE-2016-1232: keys that nobody can guess, and every peer of a cluster can check."""

    async def test_our_key_is_that_of_the_shared_secret(self):
        lab = await self.lab()
        got = await lab.to_partner(lab.b)
        claim = lab.b.claims_seen[0]
        self.assertEqual((claim.get("from"), claim.get("to")), (A, B))
        self.assertEqual(claim.text, xmpp.key(SECRET, B, A, got.link.stream_id))
        link = await lab.b.dial()
        await link.negotiate(B, A)
        await link.send(xmpp.verify(B, A, "some-id", xmpp.key(SECRET, B, A, "some-id")))
        answer = await link.expect(xmpp.VERIFY)
        self.assertEqual((answer.get("from"), answer.get("to"), answer.get("id"), answer.get("type")),
                         (A, B, "some-id", "valid"))

    async def test_any_other_key_is_invalid(self):
        lab = await self.lab()
        good = xmpp.key(SECRET, B, A, "id")
        link = await lab.b.dial()
        await link.negotiate(B, A)
        wrong = ["", "0" * 64, good[:-1], good + "0", good[:63] + ("0" if good[63] != "0" else "1"), good * 2,
                 xmpp.key(SECRET, A, B, "id"), xmpp.key(SECRET, C, A, "id"), xmpp.key(SECRET, B, A, "id2"),
                 xmpp.key(SECRET, B, ROOMS, "id"), xmpp.key("", B, A, "id"), "&#0233;" * 64]
        for key in wrong:
            with self.subTest(key):
                await link.send(xmpp.verify(B, A, "id", key))
                self.assertEqual((await link.expect(xmpp.VERIFY)).get("type"), "invalid")
        await link.send(xmpp.verify(B, A, "id", good))
        self.assertEqual((await link.expect(xmpp.VERIFY)).get("type"), "valid")
        seen = len(link.history)
        await link.send(xmpp.verify(B, A, "id", "x" * 8000))
        await link.until(lambda: len(link.history) > seen, "an answer")
        self.assertNotEqual(link.history[-1].get("type"), "valid")

    async def test_stream_ids_are_long_and_never_the_same(self):
        lab = await self.lab()
        ids = []
        for _ in range(12):
            link = await lab.b.dial()
            await link.open(B, A)
            ids.append(link.header.get("id"))
            await link.starttls()
            await link.open(B, A)
            ids.append(link.header.get("id"))
            link.close()
            await link.ended()
        self.assertEqual(len(set(ids)), len(ids))
        self.assertGreaterEqual(min(map(len, ids)), 22, "128 bits are at least 22 characters")
        for place in range(0, 16):
            self.assertGreater(len({id_[place] for id_ in ids}), 1, f"character {place} never changes: {ids}")


class LocalNameTest(XmppCase):
    """A local name is believed from the inside only, and the inside is known by address or certificate."""

    async def claim_local(self, lab, source, certificate):
        """A stream from `source` that claims a.test; the answer, and whether it was believed."""
        link = await lab.b.dial(source=source)
        await link.negotiate(A, ROOMS, context=xmpp.client_context(certificate))
        answer = await link.claim(A, ROOMS, "0" * 64)
        self.assertEqual((answer.get("type"), answer.condition), ("error", "policy-violation"))
        await link.send(xmpp.message(ALICE, f"x@{ROOMS}", EVIL))
        await link.ended()

    async def test_a_local_name_from_outside_is_refused_whatever_dns_says(self):
        lab = await self.lab(srv=[(f"_xmpp-server._tcp.{A}", "trap.test", "@b-port@")], hosts=[("trap.test", "127.0.0.3")],
                             certificates="any")
        await self.claim_local(lab, "127.0.0.3", lab.b.certificate)
        self.assertEqual(lab.b.accepted, [], "we asked outside about our own name")
        self.assertNotIn(("SRV", f"_xmpp-server._tcp.{A}"), lab.dns.queries())
        await lab.c_is_well()

    async def test_external_of_a_local_name_from_outside_is_refused(self):
        lab = self.make(zone="zone im { type xmpp; peer @inside@; verify im.internal.test }")
        lab.inside = xmpp.Server([A, ROOMS], lab.ca, lab.certificate("im.internal.test", A, ROOMS))
        await lab.start()
        link = await lab.b.dial()
        await link.negotiate(A, ROOMS, context=xmpp.client_context(lab.certificate(A, ROOMS)))
        answer = await link.external()
        self.assertEqual(answer.tag, f"{{{xmpp.SASL}}}failure")
        await link.send(xmpp.message(ALICE, f"x@{ROOMS}", EVIL))
        await link.ended()
        await lab.c_is_well()

    async def test_from_outside_only_local_names_are_served(self):
        lab = await self.lab()
        for to in (C, B, "evil.test", "gw.test", f"x.{A}"):
            with self.subTest(to):
                link = await lab.b.dial()
                await link.send(xmpp.header(B, to))
                await self.assert_stream_error(link, "host-unknown")
        link = await lab.b.dial()
        await link.negotiate(B, A)
        for to in (C, "evil.test"):
            answer = await link.claim(B, to)
            self.assertEqual((answer.get("type"), answer.condition), ("error", "item-not-found"))
        await lab.c_is_well()

    async def test_keys_of_foreign_names_are_checked_for_the_inside_only(self):
        lab = await self.lab()
        outside = await lab.c.dial()
        await outside.negotiate(C, A)
        for name in (B, "evil.test"):
            await outside.send(xmpp.verify(A, name, "id", xmpp.key(SECRET, A, name, "id")))
            answer = await outside.expect(xmpp.VERIFY)
            self.assertEqual((answer.get("type"), answer.condition), ("error", "item-not-found"))
        inside = await lab.inside.dial()
        await inside.negotiate(A, B)
        await inside.send(xmpp.verify(A, B, "id", xmpp.key(SECRET, A, B, "id")))
        self.assertEqual((await inside.expect(xmpp.VERIFY)).get("type"), "valid")
        await inside.send(xmpp.verify(A, B, "id", xmpp.key(SECRET, A, C, "id")))
        self.assertEqual((await inside.expect(xmpp.VERIFY)).get("type"), "invalid")
        await inside.send(xmpp.verify(B, A, "id", xmpp.key(SECRET, B, A, "id")))
        self.assertNotEqual((await inside.expect(xmpp.VERIFY)).get("type"), "valid")

    async def test_the_inside_cannot_speak_for_a_partner(self):
        lab = await self.lab()
        link = await lab.inside.stream(A, B)
        await link.send(xmpp.message(CAROL, BOB, EVIL))
        await self.assert_stream_error(link, "invalid-from", "not-authorized")
        link = await lab.inside.dial()
        await link.negotiate(A, B)
        await link.send(xmpp.result(C, B, "0" * 64))
        answer = await link.expect(xmpp.RESULT)
        self.assertNotEqual(answer.get("type"), PROVED)
        await link.send(xmpp.message(CAROL, BOB, EVIL))
        await link.ended()
        await lab.c_is_well()

    async def test_the_inside_may_be_known_by_its_certificate(self):
        lab = self.make(zone="zone im { type xmpp; peer @inside@; verify im.internal.test }",
                        settings=f"partner {A} {{ certificates any }}")
        lab.inside.dial_context = xmpp.client_context(lab.certificate("im.internal.test", A))
        await lab.start()
        link = await lab.inside.dial(source="127.0.0.66")
        await link.negotiate(A, B)
        self.assertEqual((await link.claim(A, B)).get("type"), PROVED)
        id_ = xmpp.unique("m")
        await link.send(xmpp.message(ALICE, BOB, id_=id_))
        await lab.b.received(id_)
