"""XMPP: what was settled on a stream must not outlive what settled it: its end, and another configuration."""

import asyncio

from support import xmpp
from support.xmpp_lab import A, ALICE, B, BOB, EVIL, XmppCase

ANSWER_BYTES = 3000  # of a server that pads its answers to dialback questions
CLAIMS = 12
SLOW = 11  # seconds that a server takes to verify a claim of ours
NAMES = 10400  # that a partner claims one after the other: more than there are ways
AT_ONCE = 8  # claims that may pend on one stream
BY_DNS = {"route_b": False, "srv": [(f"_xmpp-server._tcp.{B}", "im.b.test", "@b-port@")],
          "hosts": [("im.b.test", "127.0.0.3")]}


class EndTest(XmppCase):
    def leave_ends_to_test(self, server):
        """Its answer to </stream:stream> is the test's, too."""
        good = server.handle
        server.handle = lambda link, item: item.tag != "end" and good(link, item)

    async def test_a_stanza_that_crosses_our_end_arrives(self):
        lab = await self.lab(allow=[B], idle="1s")
        self.leave_ends_to_test(lab.b)
        link = await lab.b.dial()
        await link.negotiate(B, A)
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        await link.expect("end")
        await link.send(xmpp.message(BOB, ALICE, "on its way already", "crossing"))
        await lab.inside.received("crossing")

    async def test_nothing_follows_our_end(self):
        lab = await self.lab(allow=[B], idle="1s")
        self.leave_ends_to_test(lab.b)
        link = await lab.b.dial()
        await link.negotiate(B, A)
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        await link.manage()
        await link.expect("end")
        await link.send(f"<r xmlns='{xmpp.SM}'/>", xmpp.verify(B, A, "some-id", "00"), xmpp.END)
        await link.ended()
        self.assertIsNone(link.fault)


class ReloadTest(XmppCase):
    async def reload(self, lab, **changes):
        for name, value in changes.items():
            setattr(lab, name, value)
        self.assertEqual((await lab.daemon.reload(lab.configuration())).event, "reloaded")

    async def test_a_claim_that_pends_is_judged_anew(self):
        lab = await self.lab(**BY_DNS, allow=[B])
        lab.b.verifies = None
        good = lab.b.handle

        def late(link, item):
            if item.tag == "end" and link.is_accepted:
                question = lab.b.verifies_seen[-1]
                link.put(f"<db:verify from='{B}' to='{A}' id='{question.get('id')}' type='valid'/>")
            return good(link, item)

        lab.b.handle = late
        link = await lab.b.dial()
        await link.negotiate(B, A)
        await link.send(xmpp.result(B, A, xmpp.key(lab.b.secret, A, B, link.header.get("id"))))
        await lab.b.until(lambda: lab.b.verifies_seen, "a question")
        await self.reload(lab, allow=())
        await link.send(xmpp.message(BOB, ALICE, EVIL))
        await self.assert_stream_error(link, "policy-violation", "not-authorized")
        self.assertFalse([item for item in link.history if item.tag == xmpp.RESULT])

    async def test_tls_that_is_required_now_ends_a_stream_in_clear(self):
        lab = await self.lab(security="optional", b={"tls": "none"})
        old = (await lab.to_partner(lab.b)).link
        self.assertFalse(old.is_secure)
        await self.reload(lab, security="required")
        self.assert_bounced(await lab.refused(), "remote-server-timeout")
        self.assertTrue(old.has_ended_well)
        await lab.c_is_well()

    async def test_certificates_that_are_asked_for_now_end_a_stream_without(self):
        lab = self.make(certificates="any")
        lab.b = xmpp.Server([B], lab.ca, lab.certificate("other.test"))
        await lab.start()
        old = (await lab.to_partner(lab.b)).link
        await self.reload(lab, certificates="named")
        self.assert_bounced(await lab.refused(), "remote-server-timeout")
        self.assertTrue(old.has_ended_well)

    async def test_the_way_back_from_the_inside_is_judged_anew(self):
        lab = await self.lab(**BY_DNS, allow=[B], inside={"bidi": True},
                             zone=f"zone im {{ type xmpp; peer @inside@; verify {A} }}")
        inside = (await lab.to_inside(lab.b)).link
        self.assertTrue(inside.is_bidirectional)
        await inside.send(xmpp.message(ALICE, BOB, "an answer", "before"))
        await lab.b.received("before")
        await self.reload(lab, allow=())
        await inside.send(xmpp.message(ALICE, BOB, EVIL, "after"))
        self.assert_bounced(await lab.inside.received("after"), "not-allowed", from_=BOB, to=ALICE)


class QuestionsTest(XmppCase):
    async def test_a_stream_for_questions_does_not_wear_out(self):
        lab = await self.lab(allow=[B])
        lab.b.verifies = lambda link, item: (
            f"<db:verify from='{B}' to='{A}' id='{item.get('id')}' type='valid'>{'x' * ANSWER_BYTES}</db:verify>")
        for _ in range(CLAIMS):
            link = await lab.b.dial()
            await link.negotiate(B, A)
            self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        self.assertEqual(len(lab.b.accepted), 1)
        await asyncio.gather(*[lab.to_inside(lab.b) for _ in range(2)])

    async def test_a_server_may_take_its_time_to_verify_us(self):
        lab = await self.lab()
        lab.b.claims = None
        await lab.inside.send(xmpp.message(ALICE, BOB, "patience", "patient"))
        await lab.b.until(lambda: lab.b.claims_seen, "a claim")
        await asyncio.sleep(SLOW)
        lab.b.accepted[-1].put(f"<db:result from='{B}' to='{A}' type='valid'/>")
        await lab.b.received("patient")

    async def test_names_that_are_nobodys_take_no_room_of_others(self):
        lab = await self.lab(privacy="off", certificates="any")
        link = await lab.b.dial()
        await link.negotiate(B, A)
        await link.claim(B, A)
        for first in range(0, NAMES, AT_ONCE):
            names = [f"n{n}.{B}" for n in range(first, first + AT_ONCE)]
            await link.send(*[xmpp.result(name, A, "00") for name in names])
            for _ in names:
                self.assertEqual((await link.expect(xmpp.RESULT)).get("type"), "error")
        await lab.c_is_well()
