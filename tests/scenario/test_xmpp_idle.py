"""Streams that are established and silent: what each of them costs in memory."""

import asyncio
from pathlib import Path

from support import xmpp
from support.xmpp_lab import A, ALICE, B, BOB, XmppCase

STREAMS = 2000
SOURCES = [f"127.0.1.{n}" for n in range(1, 9)]  # of one address 1,024 may be there, and 16 that are not authenticated
SIDE_BY_SIDE = 2  # from each
STREAM_KB = 44


class IdleTest(XmppCase):
    async def establish(self, lab, source, count):
        """Streams with TLS and EXTERNAL, on each of which a stanza has passed."""
        links = []
        for _ in range(count):
            link = await lab.b.dial(source=source)
            await link.negotiate(B, A)
            self.assertTrue((await link.external()).tag.endswith("success"))
            link.restart()
            await link.open(B, A)
            self.assertEqual(link.tls_version, "TLSv1.3")
            id_ = xmpp.unique("m")
            await link.send(xmpp.message(BOB, ALICE, "x" * 2000, id_))
            await lab.inside.received(id_)
            links.append(link)
        return links

    async def memory_at_rest_kb(self, lab):
        """Its memory once it does not fall any more."""
        before, now = None, lab.memory_kb()
        while before is None or now < before:
            await asyncio.sleep(7)
            before, now = now, lab.memory_kb()
        return now

    async def test_two_thousand_silent_streams(self):
        lab = await self.lab(allow=[B])
        if b"__asan_init" in Path(lab.daemon.program).read_bytes():
            self.skipTest("what a sanitizer keeps of freed memory is more than what is measured")
        await self.establish(lab, SOURCES[0], 1)  # what the first one brings about, all others share
        before_kb = await self.memory_at_rest_kb(lab)
        each = STREAMS // len(SOURCES) // SIDE_BY_SIDE
        links = await asyncio.gather(*[self.establish(lab, source, each) for source in SOURCES * SIDE_BY_SIDE])
        after_kb = await self.memory_at_rest_kb(lab)
        self.assertEqual(sum(not link.is_closed for some in links for link in some), STREAMS)
        stream_kb = (after_kb - before_kb) / STREAMS
        print(f"# {stream_kb:.1f} kB a stream", flush=True)
        self.assertLessEqual(stream_kb, STREAM_KB)
        await lab.to_inside(lab.b)
        for link in (links[0][0], links[-1][-1]):
            id_ = xmpp.unique("m")
            await link.send(xmpp.message(BOB, ALICE, "awake", id_))
            await lab.inside.received(id_)
