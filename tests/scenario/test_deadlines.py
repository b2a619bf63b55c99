"""Absolute deadlines: whoever is slow is cut off, whoever waits gets an answer. All waits run side by side."""

import asyncio
import ssl

from support import sip
from support.lab import CAUSEWAY, CLUSTER, GRUU, ProxyCase

ZONES = f"""
zone A {{ type neighbor; peer @cluster@; verify {CLUSTER} }}
zone B {{ type neighbor; peer @second@; verify {CLUSTER} }}
"""
RULES = r"""
rule 'to a' { priority 10; pattern regex '.*@uc\.example'; on-match continue; target A }
rule 'to b' { priority 20; pattern regex '.*@uc\.example'; on-match continue; target B }
"""


class DeadlineTest(ProxyCase):
    async def no_handshake(self, lab):
        """10 s for the handshake."""
        reader, writer = await asyncio.open_connection(*lab.daemon.listeners[0])
        self.assertEqual(await asyncio.wait_for(reader.read(), 25), b"")
        writer.close()

    async def no_first_message(self, lab):
        """10 s for the first message."""
        link = await lab.link(lab.edge, fresh=True)
        await link.wait_closed(25)

    async def blank_lines_alone(self, lab):
        """Nor do blank lines, however they drip in, put the first message off."""
        link = await lab.edge.connect(*lab.daemon.listeners[0])
        for byte in [b"\r", b"\n"] * 6:
            await link.send(byte)
            await asyncio.sleep(1)
            if link.closed.is_set():
                return
        await link.wait_closed(3)

    async def dripping(self, lab):
        """20 s for a message that has begun, however its bytes drip in."""
        link = await lab.edge.connect(*lab.daemon.listeners[0])
        options = lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")
        await link.send(options)
        await lab.edge.final(options)  # the first message is there: only the second one drips
        for byte in bytes(lab.from_edge(body="y" * 4000)):
            if link.closed.is_set():
                break
            try:
                await link.send(bytes([byte]))
            except (ConnectionError, ssl.SSLError):
                break
            await asyncio.sleep(0.25)
            self.assertLess(asyncio.get_running_loop().time() - self.start, 45, "it drips for ever")
        await link.wait_closed(5)

    async def silent_targets(self, lab):
        """Two targets of 20 s each, but 28 s in all: below the sender's 32."""
        subscribe = lab.from_edge("SUBSCRIBE", contact=GRUU, headers=[("Event", "presence")])
        link = await lab.edge.connect(*lab.daemon.listeners[0])
        await link.send(subscribe)
        self.assert_status(await lab.edge.final(subscribe, 40), 504)
        waited = asyncio.get_running_loop().time() - self.start
        self.assertGreater(waited, 26)
        self.assertEqual([len(e.history) for e in (lab.cluster, lab.second)], [1, 1])

    async def test_every_wait_ends(self):
        lab = await self.lab(replace_zones=ZONES, rules=RULES, sender_check=False)
        self.start = asyncio.get_running_loop().time()
        await asyncio.gather(self.no_handshake(lab), self.no_first_message(lab), self.blank_lines_alone(lab),
                             self.dripping(lab), self.silent_targets(lab))
        self.assertFalse([m for m in lab.cluster.history if m.method == "MESSAGE"])
        probe = await lab.endpoint("probe.uc.example", host="127.0.0.9")
        options = probe.request("OPTIONS", f"sip:{CAUSEWAY}", f"<sip:x@{probe.name}>")
        self.assertIsInstance(await lab.ask(probe, options), sip.Received)
