"""The small world of the XMPP scenario tests: one Causeway between an inside server and two partners.

    inside   a.test and rooms.a.test   127.0.0.2, the zone `im`
    causeway gw.test                   127.0.0.1, for STARTTLS and for direct TLS
    b        b.test                    127.0.0.3, a partner by static route
    c        c.test                    127.0.0.4, the partner that must not notice what happens to b

At the end of each test Causeway must end well, its fates must add up, and no stanza with EVIL in it may have arrived
anywhere.
"""

import asyncio
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import pki, xmpp
from support.daemon import Daemon
from support.dnsserver import DnsServer
from support.lab import shared_dir

A, ROOMS, B, C = "a.test", "rooms.a.test", "b.test", "c.test"
ALICE, BOB, CAROL = f"alice@{A}", f"bob@{B}", f"carol@{C}"
EVIL = "EVIL"  # stands in every stanza that must not be forwarded
SECRET = "the secret of the cluster"
MEMORY_KB = 64 << 10  # by which an attack may let the process grow


class XmppLab:
    """Everything of one test; see the module's text. Use through XmppCase.lab()."""

    def __init__(self, directory, *, settings="", security="required", certificates="named", external=True,
                 privacy="allow-list", allow=(), deny=(), routes=None, partners="", idle="10m", more="", rules="",
                 tls="", srv=(), hosts=(), extra_dns=(), zone=None, domains=(A,), nodes=(ROOMS,), local_names=(),
                 b_certificate=None, inside_certificate=None, own_certificate=None, route_b=True, b=None, inside=None):
        self.dir = Path(directory)
        self.ca = pki.CA(shared_dir())
        self.own = own_certificate or self.certificate(*domains, *nodes, "gw.test", *local_names)
        self.inside = xmpp.Server([A, ROOMS], self.ca, inside_certificate or self.certificate(A, ROOMS), **(inside or {}))
        self.b = xmpp.Server([B], self.ca, b_certificate or self.certificate(B), **(b or {}))
        self.c = xmpp.Server([C], self.ca, self.certificate(C))
        self.others = []
        self.settings, self.security, self.certificates, self.external = settings, security, certificates, external
        self.privacy, self.allow, self.deny, self.routes, self.partners = privacy, allow, deny, routes, partners
        self.idle, self.more, self.rules, self.tls, self.zone = idle, more, rules, tls, zone
        self.srv, self.hosts, self.extra_dns = srv, hosts, extra_dns
        self.domains, self.nodes, self.route_b = domains, nodes, route_b
        self.daemon, self.dns = None, None
        self.expects_evil = False

    @property
    def endpoints(self):
        return (self.inside, self.b, self.c, *self.others)

    def certificate(self, *names, **options):
        label = "xmpp-" + "-".join([*names, *(f"{k}{v}" for k, v in options.items())])[:100]
        return self.ca.issue(label, dns=names, **options)

    def configuration(self):
        routes = self.routes
        if routes is None:
            routes = [f"{C} {self.c.address}"] + ([f"{B} {self.b.address}"] if self.route_b else [])
        lines = [f"domain {name}" for name in self.domains] + [f"chat-node {name}" for name in self.nodes]
        lines += ["inside im", f"security {self.security}", f"certificates {self.certificates}",
                  f"sasl-external {'yes' if self.external else 'no'}", f"privacy {self.privacy}",
                  f"dialback-secret-file {self.dir}/dialback.secret", f"idle-timeout {self.idle}"]
        lines += [f"allow {name}" for name in self.allow] + [f"deny {name}" for name in self.deny]
        lines += ["static-routes yes"] + [f"route {self.filled(route)}" for route in routes] if routes else []
        block = "\n    ".join([*lines, self.filled(self.settings), self.filled(self.partners)])
        zone = self.zone if self.zone is not None else "zone im { type xmpp; peer @inside@ }"
        return f"""
hostname gw.test
listen xmpp 127.0.0.1:0
listen xmpps 127.0.0.1:0
control-socket {self.dir}/control
tls {{
    certificate {self.own.cert}
    key {self.own.key}
    trust {self.ca.cert}
    {self.tls}
}}
dns {{ server {self.dns.address} }}
xmpp {{
    {block}
}}
{self.filled(zone)}
{self.filled(self.more)}
{self.rules}
"""

    def filled(self, template):
        """The template with addresses and ports in place of @inside@, @b-port@ and so on."""
        for name, server in (("inside", self.inside), ("b", self.b), ("c", self.c),
                             *((server.name, server) for server in self.others)):
            template = template.replace(f"@{name}@", server.address).replace(f"@{name}-port@", str(server.port))
        return template

    async def start(self):
        asyncio.get_running_loop().set_debug(False)
        (self.dir / "dialback.secret").write_text(SECRET)
        (self.dir / "dialback.secret").chmod(0o600)
        for server, host in ((self.inside, "127.0.0.2"), (self.b, "127.0.0.3"), (self.c, "127.0.0.4")):
            if not server.port:
                await server.listen(host)
        srv = [tuple(self.filled(str(part)) for part in row) for row in self.srv]
        self.dns = DnsServer(self.dir / "dns", srv=srv, hosts=self.hosts, extra=self.extra_dns)
        self.daemon = Daemon(self.dir / "daemon", self.configuration())
        await self.daemon.start()
        for server in self.endpoints:
            server.gateway = self.starttls_port
        return self

    @property
    def starttls_port(self):
        return self.daemon.listeners[0]

    @property
    def direct_port(self):
        return self.daemon.listeners[1]

    async def finish(self):
        """Stop everything, and look whether Causeway has kept what it must always keep."""
        try:
            if self.daemon and self.daemon.process:
                self.check_counters(await self.daemon.stop())
            if not self.expects_evil:
                for server in self.endpoints:
                    assert EVIL.encode() not in server.bytes_seen(), f"{server.name} got what must not be forwarded"
        finally:
            if self.daemon:
                self.daemon.kill()
            if self.dns:
                self.dns.stop()
            for server in self.endpoints:
                await server.close()

    @staticmethod
    def check_counters(counters):
        fates = sum(value for name, value in counters.items() if name.startswith("xmpp.fate."))
        assert counters.get("xmpp.unaccounted") == 0, f"unaccounted stanzas: {counters}"
        assert counters["xmpp.requests.received"] == fates + counters["xmpp.requests.open"], f"fates: {counters}"

    async def server(self, *names, host=None, certificate=None, **options):
        """One more server; listening when `host` is given (before start(): for routes and DNS)."""
        server = xmpp.Server(names, self.ca, certificate or self.certificate(*names), **options)
        self.others.append(server)
        if host:
            await server.listen(host)
        if self.daemon:
            server.gateway = self.starttls_port
        return server

    # -- what is sent often --
    async def to_partner(self, server, *, from_=ALICE, to=None, body="hello"):
        """A message from the inside; the Stanza that the partner got."""
        id_ = xmpp.unique("m")
        await self.inside.send(xmpp.message(from_, to or f"user@{server.name}", body, id_))
        return await server.received(id_)

    async def to_inside(self, server, *, from_=None, to=ALICE, body="hello"):
        """A message from a partner; the Stanza that the inside got."""
        id_ = xmpp.unique("m")
        await server.send(xmpp.message(from_ or f"user@{server.name}", to, body, id_))
        return await self.inside.received(id_)

    async def again(self, attempt, timeout=20):
        """Try until it is true: a server that has just failed is left alone for a moment."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not await attempt():
            assert asyncio.get_running_loop().time() < deadline, f"not in {timeout} s, though tried again and again"
            await asyncio.sleep(0.2)

    async def reaches(self, server):
        """Messages from the inside get to the partner again."""
        seen = len(server.stanzas)

        async def attempt():
            await self.inside.send(xmpp.message(ALICE, f"user@{server.name}"))
            await asyncio.sleep(0)
            return len(server.stanzas) > seen

        await self.again(attempt)

    async def c_is_well(self):
        """The partner that is not attacked: its stanzas pass both ways."""
        await self.to_inside(self.c)
        await self.to_partner(self.c)

    async def refused(self, from_=ALICE, to=BOB, timeout=30):
        """A message from the inside that must bounce; the Stanza that came back to the inside."""
        id_ = xmpp.unique("m")
        await self.inside.send(xmpp.message(from_, to, "hello", id_))
        return await self.inside.received(id_, timeout)

    async def fate(self, fate, timeout=20, **fields):
        """The log line of a stanza's fate."""
        return await self.daemon.logged("xmpp.stanza", timeout, event="fate", fate=fate, **fields)

    # -- the process --
    def memory_kb(self):
        status = Path(f"/proc/{self.daemon.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def memory_limit_kb(self):
        """Of growth; what AddressSanitizer keeps of freed memory comes on top."""
        has_sanitizer = b"__asan_init" in Path(self.daemon.program).read_bytes()
        return MEMORY_KB + ((512 << 10) if has_sanitizer else 0)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.process.pid}/fd"))

    async def command(self, *words):
        """Exit status and output of `causeway WORDS -c FILE`."""
        def run():
            return subprocess.run([self.daemon.program, *words, "-c", str(self.daemon.config)], capture_output=True,
                                  text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
        done = await asyncio.to_thread(run)
        return done.returncode, done.stdout + done.stderr

    async def connections(self, **fields):
        """The rows of `causeway connections --json` with those values."""
        code, out = await self.command("connections", "--json")
        assert code == 0, out
        return [row for row in json.loads(out)["connections"] if all(row.get(k) == v for k, v in fields.items())]

    async def connection(self, timeout=20, **fields):
        """The first such row as soon as there is one."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not (rows := await self.connections(**fields)):
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"no connection {fields} in {await self.connections()}")
            await asyncio.sleep(0.1)
        return rows[0]


class XmppCase(unittest.IsolatedAsyncioTestCase):
    """A test against the running daemon."""

    def setUp(self):
        self.labs = []

    def make(self, **changes):
        """A Lab that is not started yet."""
        lab = XmppLab(tempfile.mkdtemp(prefix="case-", dir=shared_dir()), **changes)
        self.labs.append(lab)
        self.addAsyncCleanup(lab.finish)
        return lab

    async def lab(self, **changes):
        """A started Lab; it ends with the test, which fails when the daemon ended badly."""
        return await self.make(**changes).start()

    def assert_bounced(self, stanza, condition, from_=None, to=None):
        """An error of that condition."""
        self.assertEqual((stanza.get("type"), stanza.condition), ("error", condition), stanza)
        if from_:
            self.assertEqual((stanza.get("from"), stanza.get("to")), (from_, to), stanza)

    async def assert_stream_error(self, link, *conditions):
        """The stream ends with one of those errors."""
        self.assertIn(await link.ended(), conditions, link.history[-5:])
