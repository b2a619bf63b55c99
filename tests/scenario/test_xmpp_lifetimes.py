"""XMPP: what was settled on a stream must not outlive what settled it: its end, and another configuration."""

from support import xmpp
from support.xmpp_lab import A, ALICE, B, BOB, XmppCase


class EndTest(XmppCase):
    async def test_a_stanza_that_crosses_our_end_arrives(self):
        lab = await self.lab(allow=[B], idle="1s")
        link = await lab.b.dial()
        await link.negotiate(B, A)
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        await link.expect("end")
        await link.send(xmpp.message(BOB, ALICE, "on its way already", "crossing"))
        await lab.inside.received("crossing")

    async def test_nothing_follows_our_end(self):
        lab = await self.lab(allow=[B], idle="1s")
        link = await lab.b.dial()
        await link.negotiate(B, A)
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        await link.manage()
        await link.expect("end")
        await link.send(f"<r xmlns='{xmpp.SM}'/>", xmpp.verify(B, A, "some-id", "00"), xmpp.END)
        await link.ended()
        self.assertIsNone(link.fault)
