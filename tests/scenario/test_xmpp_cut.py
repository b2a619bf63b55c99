"""A partner at the end of a link of its own, a veth pair into another network namespace, which is cut amid traffic."""

import asyncio
import collections
import ctypes
import os
import socket
import subprocess
import threading
import unittest

from support import xmpp
from support.xmpp_lab import ALICE, B, XmppCase

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
NOTICED_S = 30  # the bound of the design
PACE_S = 0.1
SECOND_HOST = "127.0.0.5"


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


class Cable:
    """A network namespace and the pair of interfaces that leads there; `near` is our address, `far` the one in it."""

    def __init__(self):
        number = os.getpid() & 0x3FFF
        net = f"10.254.{number >> 6}."
        first = (number & 0x3F) * 4
        self.near, self.far = f"{net}{first + 1}", f"{net}{first + 2}"
        self.space, self._near_end, self._far_end = (f"cw-{kind}{number}" for kind in ("net", "near", "far"))

    def lay(self):
        ip("netns", "add", self.space)
        ip("link", "add", self._near_end, "type", "veth", "peer", "name", self._far_end, "netns", self.space)
        ip("addr", "add", f"{self.near}/30", "dev", self._near_end)
        ip("link", "set", self._near_end, "up")
        ip("-n", self.space, "addr", "add", f"{self.far}/30", "dev", self._far_end)
        self.mend()

    def cut(self):
        """From now on what either side sends is lost without a word."""
        ip("-n", self.space, "link", "set", self._far_end, "down")

    def mend(self):
        ip("-n", self.space, "link", "set", self._far_end, "up")

    def remove(self):
        for words in (("link", "del", self._near_end), ("netns", "del", self.space)):
            subprocess.run(["ip", *words], check=False, capture_output=True, timeout=10)

    def socket(self):
        """A TCP socket bound to an address there: it stays in the namespace that it was made in."""
        made = []

        def work():  # in a thread, which alone goes there
            with open(f"/run/netns/{self.space}", "rb") as space:
                if LIBC.setns(space.fileno(), CLONE_NEWNET):
                    return
            sock = socket.socket()
            sock.setblocking(False)
            sock.bind((self.far, 0))
            made.append(sock)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if not made:
            raise OSError(f"no socket in {self.space}")
        return made[0]


class FarServer(xmpp.Server):
    """A server at the far end of a cable."""

    cable = None

    async def listen(self, host=None, port=0):
        sock = self.cable.socket()
        self._listener = await asyncio.get_running_loop().create_server(lambda: xmpp.Link(self, True), sock=sock)
        self.host, self.port = sock.getsockname()
        return self

    async def dial(self, host=None, port=None, source=None, direct=False, context=None, name=None):
        loop, sock = asyncio.get_running_loop(), self.cable.socket()
        await loop.sock_connect(sock, self.gateway)
        _, link = await loop.create_connection(lambda: xmpp.Link(self, False), sock=sock)
        self.dialled.append(link)
        return link


class Traffic:
    """Messages from the inside, each to a user of its own, at a steady pace until stop()."""

    def __init__(self, lab):
        self.lab, self.sent = lab, []
        self._task = None

    async def send(self):
        to = f"user{len(self.sent)}@{B}"
        self.sent.append(to)
        await self.lab.inside.send(xmpp.message(ALICE, to, id_=to))
        return to

    async def _run(self):
        while True:
            await self.send()
            await asyncio.sleep(PACE_S)

    def start(self):
        self._task = asyncio.ensure_future(self._run())

    async def stop(self):
        self._task.cancel()
        await asyncio.wait([self._task])


@unittest.skipUnless(os.geteuid() == 0, "network namespaces need root")
class CutTest(XmppCase):
    async def far_lab(self):
        """A Causeway whose partner b.test is at the far end of a cable, with streams both ways."""
        cable = Cable()
        self.addCleanup(cable.remove)
        try:
            cable.lay()
        except subprocess.CalledProcessError as err:
            self.skipTest(f"no network namespace: {err.stderr}")
        lab = self.make(routes=[], more=f"listen xmpp {cable.near}:0")
        lab.b = FarServer([B], lab.ca, lab.certificate(B))
        lab.b.cable = cable
        await lab.b.listen()
        lab.routes.append(f"{B} {lab.b.address} 1")
        return cable, lab

    async def start(self, lab, traffic):
        """Traffic flows, and some of it arrives that the partner does not confirm."""
        await lab.start()
        lab.b.gateway = lab.daemon.listeners[-1]
        await lab.to_inside(lab.b)
        first = await traffic.send()
        await lab.b.received(first)
        await lab.fate("delivered", to=first)
        lab.b.acknowledges = False
        traffic.start()
        await lab.b.until(lambda: len(lab.b.stanzas) >= 10, "stanzas arrive")

    async def noticed(self, lab):
        """Both streams with the partner are given up."""
        for direction in ("in", "out"):
            await lab.daemon.logged("xmpp.stream", NOTICED_S, event="closed", partner=B, direction=direction)

    async def reaches(self, lab, traffic):
        """Messages get through again, if not the first."""
        seen = len(lab.b.stanzas)
        for _ in range(100):
            await traffic.send()
            await asyncio.sleep(PACE_S)
            if len(lab.b.stanzas) > seen:
                return
        self.fail("nothing gets through though the link is mended")

    async def accounts(self, lab, traffic, servers):
        """{fate: addresses} of all that was sent, once each stanza has its fate; what arrived and bounced must fit it."""
        def fates():
            return [(line.to, line.fate) for line in lab.daemon.log("xmpp.stanza", event="fate", **{"from": ALICE})]

        await lab.inside.until(lambda: len(fates()) >= len(traffic.sent), "each stanza has a fate", 60)
        lines = fates()
        self.assertEqual(sorted(to for to, _ in lines), sorted(traffic.sent), "one fate each")
        unhappy = sum(fate != "delivered" for _, fate in lines)
        await lab.inside.until(lambda: sum(s.get("type") == "error" for s in lab.inside.stanzas) >= unhappy, "bounces")
        bounced = collections.Counter(s.get("from") for s in lab.inside.stanzas if s.get("type") == "error")
        arrived = collections.Counter(item.get("to") for server in servers for item in server.history
                                      if item.tag == xmpp.STANZAS[0])
        by_fate = collections.defaultdict(list)
        for to, fate in lines:
            by_fate[fate].append(to)
            self.assertEqual(bounced[to], fate != "delivered", (to, fate))
            self.assertIn(arrived[to], {"delivered": (1,), "unknown": (0, 1)}.get(fate, (0,)), (to, fate))
        for stanza in lab.inside.stanzas:
            if stanza.get("type") == "error":
                self.assert_bounced(stanza, "remote-server-timeout")
        counters = await lab.daemon.counters()
        lab.check_counters(counters)
        self.assertEqual(counters["xmpp.requests.open"], 0)
        print("# " + ", ".join(f"{fate}: {len(to)}" for fate, to in sorted(by_fate.items())), flush=True)
        return by_fate

    async def test_all_is_accounted_for_when_the_only_server_is_cut_off(self):
        cable, lab = await self.far_lab()
        traffic = Traffic(lab)
        await self.start(lab, traffic)
        arrived = {s.get("to") for s in lab.b.stanzas}
        cable.cut()
        await self.noticed(lab)
        after = len(traffic.sent)
        await lab.inside.until(lambda: len(traffic.sent) >= after + 10, "stanzas are sent after it was noticed")
        await traffic.stop()
        by_fate = await self.accounts(lab, traffic, [lab.b])
        self.assertTrue(arrived <= set(by_fate["unknown"]), "what arrived and was not confirmed is unknown")
        self.assertTrue(set(traffic.sent[after + 5:]).isdisjoint(by_fate["unknown"]), "later ones were not sent at all")
        cable.mend()
        lab.b.acknowledges = True
        await self.reaches(lab, traffic)

    async def test_later_stanzas_go_to_the_next_server(self):
        cable, lab = await self.far_lab()
        second = await lab.server(B, host=SECOND_HOST)
        lab.routes.append(f"{B} {second.address} 2")
        traffic = Traffic(lab)
        await self.start(lab, traffic)
        self.assertFalse(second.accepted)
        cable.cut()
        await self.noticed(lab)
        await second.until(lambda: len(second.stanzas) >= 10, "stanzas arrive at the next server", 60)
        await traffic.stop()
        by_fate = await self.accounts(lab, traffic, [lab.b, second])
        self.assertEqual(set(by_fate), {"delivered", "unknown"})
        self.assertTrue({s.get("to") for s in second.stanzas} <= set(by_fate["delivered"]))

    async def test_a_cut_is_noticed_in_silence(self):
        cable, lab = await self.far_lab()
        await lab.start()
        lab.b.gateway = lab.daemon.listeners[-1]
        await lab.to_inside(lab.b)
        await lab.to_partner(lab.b)
        await lab.fate("delivered", zone="federation")
        cable.cut()
        await self.noticed(lab)
