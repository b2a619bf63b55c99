"""A partner that stops reading stops who writes to it, and nobody else; what waits too long comes back."""

import asyncio

from support import xmpp
from support.xmpp_lab import A, ALICE, B, BOB, C, CAROL, XmppCase

FILL = "y" * 60_000


class PressureTest(XmppCase):
    async def pour(self, link, number, prefix="p"):
        for i in range(number):
            if link.is_closed:
                return
            await link.send(xmpp.message(ALICE, BOB, FILL, id_=f"{prefix}-{i}"))

    async def test_a_partner_that_stops_reading_stops_its_source_alone(self):
        lab = await self.lab()
        got = await lab.to_partner(lab.b)
        await lab.to_partner(lab.c)
        source = await lab.inside.stream(A, B)
        before = lab.memory_kb()
        got.link.pause()
        pouring = asyncio.ensure_future(self.pour(source, 1000))
        done, _ = await asyncio.wait((pouring,), timeout=3)
        self.assertFalse(done, "60 MB were taken for a partner that reads nothing")
        self.assertLess(lab.memory_kb() - before, lab.memory_limit_kb())
        for _ in range(3):
            await lab.c_is_well()
        bounce = await lab.inside.wait_for(lambda s: s.get("type") == "error", "a bounce", 60)
        self.assertEqual(bounce.condition, "resource-constraint")
        await lab.c_is_well()
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)
        self.assertLess(lab.memory_kb() - before, lab.memory_limit_kb())

    async def test_a_partner_that_reads_again_gets_everything(self):
        lab = await self.lab()
        got = await lab.to_partner(lab.b)
        source = await lab.inside.stream(A, B)
        got.link.pause()
        pouring = asyncio.ensure_future(self.pour(source, 200))
        await asyncio.wait((pouring,), timeout=1)
        await lab.c_is_well()
        got.link.resume()
        await pouring
        for i in range(200):
            await lab.b.received(f"p-{i}")
        ids = [s.get("id") for s in lab.b.history if str(s.get("id")).startswith("p-")]
        self.assertEqual(ids, [f"p-{i}" for i in range(200)])

    async def test_a_source_of_several_partners_is_stopped_and_goes_on(self):
        """The same inside stream for b and c: what stands behind what cannot go on waits, and is not lost."""
        lab = await self.lab()
        got = await lab.to_partner(lab.b)
        source = await lab.inside.stream(A, B)
        self.assertEqual((await source.claim(A, C)).get("type"), "valid")
        got.link.pause()
        pouring = asyncio.ensure_future(self.pour(source, 100))
        await asyncio.wait((pouring,), timeout=1)
        await lab.to_inside(lab.c)
        got.link.resume()
        await pouring
        await source.send(xmpp.message(ALICE, CAROL, id_="m"))
        await lab.c.received("m")

    async def test_the_inside_that_stops_reading_stops_partners_that_write_to_it(self):
        lab = await self.lab()
        got = await lab.to_inside(lab.b)
        source = await lab.b.stream(B, A)
        before = lab.memory_kb()
        got.link.pause()

        async def pour():
            for i in range(1000):
                await source.send(xmpp.message(BOB, ALICE, FILL))

        pouring = asyncio.ensure_future(pour())
        done, _ = await asyncio.wait((pouring,), timeout=3)
        self.assertFalse(done, "60 MB were taken for an inside that reads nothing")
        self.assertLess(lab.memory_kb() - before, lab.memory_limit_kb())
        await lab.to_partner(lab.b)
        await lab.to_partner(lab.c)
        got.link.resume()
        await pouring
        await lab.c_is_well()

    async def test_a_peer_that_asks_and_does_not_read_is_stopped(self):
        lab = await self.lab()
        link = await lab.b.stream(B, A)
        before = lab.memory_kb()
        link.pause()

        async def ask():
            for _ in range(40_000):
                await link.send(*[xmpp.verify(B, A, "i" * 60, "0" * 64)] * 100)

        asking = asyncio.ensure_future(ask())
        done, _ = await asyncio.wait((asking,), timeout=4)
        self.assertFalse(done and not link.is_closed, "700 MB of questions were taken without one answer read")
        self.assertLess(lab.memory_kb() - before, lab.memory_limit_kb())
        await lab.c_is_well()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
