"""A whole federation on loopback, of one user alone: two Causeways, two stand-ins, a CA and a DNS server; and by XMPP.

    alice@msexample.com                                                              bob@ciscoexample.com
    stand-in for a Lync edge  <->  edge Causeway  <->  inner Causeway  <->  stand-in for an IM&P cluster
    sip.msexample.com              sip., expe.         expc.                imp1-public.ciscoexample.com

Both Causeways run the configurations and rules of rules/, with the address to listen on, the DNS server and
allow-private put in; the edge also federates by XMPP (xmpp_servers).
Each run has addresses of its own (127.x.y.1 to .6) and one directory, and takes nothing else of the machine.
"""

import random
import shutil
import socket
from pathlib import Path

from federation.dnsclient import DnsClient
from federation.imp_cluster import ImpCluster
from federation.lync_edge import LyncEdge
from federation.standin import Chain
from federation.xmpp_servers import OUR_ROOMS, XmppServers
from support import pki, sip
from support.daemon import Daemon
from support.dnsserver import DnsServer

RULES = Path(__file__).resolve().parents[2] / "rules"
OURS, THEIRS = "ciscoexample.com", "msexample.com"
CLUSTER, INNER = f"imp1-public.{OURS}", f"expc.{OURS}"
EDGE_INSIDE, EDGE_OUTSIDE = f"expe.{OURS}", f"sip.{OURS}"
LYNC, STRANGER = f"sip.{THEIRS}", "sip.stranger.example"
BOB, ALICE = f"bob@{OURS}", f"alice@{THEIRS}"
SIP_PORT, CLUSTER_PORT = 5061, 5062
HOP_COUNT = 15  # of a zone, by default; it is what the first Causeway writes


def _free_addresses(ports):
    """A block 127.x.y.1 and on in which those ports are free: one port each, in order."""
    for _ in range(100):
        block = f"127.{random.randrange(16, 255)}.{random.randrange(1, 255)}"
        held = []
        try:
            for i, port in enumerate(ports, 1):
                held.append(socket.create_server((f"{block}.{i}", port)))
            return [f"{block}.{i}" for i in range(1, len(ports) + 1)]
        except OSError:
            continue
        finally:
            for sock in held:
                sock.close()
    raise RuntimeError("no free loopback addresses for the federation")


def _configuration(rules, name, address, dns):
    """An example configuration of rules/ made fit for the laboratory."""
    text = (rules / f"{name}.conf").read_text()
    changes = [("listen sip tls 0.0.0.0:5061", f"listen sip tls {address}:{SIP_PORT}"),
               ("token { key-file token.keys }", f"token {{ key-file token.keys }}\ndns {{ server {dns.address} }}")]
    if "allow-private no" in text:
        changes.append(("allow-private no", "allow-private yes"))
    for before, after in changes:
        if text.count(before) != 1:
            raise RuntimeError(f"rules/{name}.conf: expected {before!r} once")
        text = text.replace(before, after)
    return text


class Federation:
    """async with Federation(directory, program) as f: f.lync, f.cluster, f.edge, f.inner."""

    def __init__(self, directory, program, report=None, rules=RULES, xmpp=None):
        self.dir = Path(directory)
        self.rules = Path(rules)
        self.program = program
        self._report = report
        self._open = []  # what has to be closed, oldest first
        self.xmpp = xmpp or XmppServers()  # made by start(); whoever wants them up calls spawn()
        self.edge = self.inner = None

    def _daemon(self, side, rules, address, more=""):
        home = self.dir / side
        home.mkdir()
        (home / "certs").symlink_to(self.ca.dir)
        shutil.copy(self.rules / f"{rules}.rules", home)
        return Daemon(home, _configuration(self.rules, rules, address, self.dns) + more, program=self.program)

    async def start(self):
        cluster, inner, edge, lync, dns_host = _free_addresses(
            (CLUSTER_PORT, SIP_PORT, SIP_PORT, SIP_PORT, SIP_PORT))
        xmpp_srv, xmpp_hosts = self.xmpp.records
        self.dns = DnsServer(
            self.dir / "dns", host=dns_host,
            srv=[(f"_sipfederationtls._tcp.{OURS}", EDGE_OUTSIDE, SIP_PORT),
                 (f"_sipfederationtls._tcp.{THEIRS}", LYNC, SIP_PORT), *xmpp_srv],
            hosts=[*xmpp_hosts, (CLUSTER, cluster), (INNER, inner), (EDGE_INSIDE, edge), (EDGE_OUTSIDE, edge), (LYNC, lync)])
        self.ca = pki.CA(self.dir)
        self.ca.issue("expc", dns=[INNER])
        self.ca.issue("expe", dns=[EDGE_OUTSIDE, EDGE_INSIDE, OURS, OUR_ROOMS])
        # A Record-Route of either side of the edge Causeway, for its names differ (RFC 5658).
        last = HOP_COUNT - 1
        self.cluster = ImpCluster(CLUSTER, self.ca, self.ca.issue("imp1-public", dns=[CLUSTER]), Chain(
            vias=(INNER, EDGE_INSIDE), record_routes=(INNER, EDGE_INSIDE, EDGE_OUTSIDE), neighbor=INNER,
            max_forwards=last), self._report)
        self.lync = LyncEdge(LYNC, THEIRS, self.ca, self.ca.issue("lync", dns=[LYNC]), Chain(
            vias=(EDGE_OUTSIDE, INNER), record_routes=(EDGE_OUTSIDE, EDGE_INSIDE, INNER), neighbor=EDGE_OUTSIDE,
            max_forwards=last), DnsClient(self.dns.host, self.dns.port), self._report)
        # A partner of nobody, with a valid certificate of his own.
        self.stranger = sip.Endpoint(STRANGER, self.ca, self.ca.issue("stranger", dns=[STRANGER]))
        self._open += [self.cluster, self.lync, self.stranger]
        await self.cluster.listen(cluster, CLUSTER_PORT)
        await self.lync.listen(lync, SIP_PORT)
        self.inner = self._daemon("inner", "expressway-c", inner)
        self.xmpp.make(self.dir, self.ca, self.dns)
        self.edge = self._daemon("edge", "expressway-e", edge, self.xmpp.settings)
        for daemon in self.daemons:
            await daemon.start()
        await self.cluster.connect(*self.inner.listeners[0])
        return self

    @property
    def daemons(self):
        return [daemon for daemon in (self.inner, self.edge) if daemon]

    async def stop_daemons(self):
        """{"inner": counters, "edge": counters}; raises when one did not end well."""
        return {daemon.dir.name: await daemon.stop() for daemon in self.daemons}

    async def close(self):
        for daemon in self.daemons:
            daemon.kill()
        for each in self._open:
            await each.close()
        self.xmpp.close()
        if hasattr(self, "dns"):
            self.dns.stop()

    async def __aenter__(self):
        try:
            return await self.start()
        except BaseException:
            await self.close()
            raise

    async def __aexit__(self, *exc):
        await self.close()
