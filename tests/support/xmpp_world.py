"""Real XMPP servers around Causeway, on free ports of 127.0.0.1.

    inside   an organisation's own server, which finds other domains only through its Causeway: its DNS says so
    gateway  a Causeway
    partner  any other server; its DNS, like that of Causeway, knows where everybody really is

    world = World(directory)
    world.at("a.test", "muc.a.test", port=world.port("gateway"))        # what the world's DNS says
    world.start_dns()
    inside = world.prosody("inside", ["a.test"], behind="gateway", users=("alice",))
    gateway = world.gateway("gateway", inside, ["a.test"], allow=["b.test"])

The inside server and its partners have the same source address here, so Causeway knows the inside by its certificate.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from support import ejabberd, pki, prosody
from support.daemon import Daemon
from support.dnsserver import DnsServer
from support.lab import shared_dir
from support.server import Port
from support.xmpp_client import Client, condition

ARE_INSTALLED = prosody.IS_INSTALLED and ejabberd.IS_INSTALLED


def rooms_of(domains):
    return [f"muc.{domain}" for domain in domains]


class Gateway:
    """
    One Causeway, for those domains and their rooms; `allow`: the domains that they federate with, rooms included. `settings`
    stands in its xmpp block, `tls` in its tls block.
    """

    def __init__(self, world, name, *, zone, domains, allow=(), settings="", tls=""):
        self.world, self.name, self.port = world, name, world.port(name)
        self.domains = [*domains, *rooms_of(domains)]
        self.dir = world.new_dir(name)
        self.control = self.dir / "control"
        certificate = world.certificate(*self.domains)
        lines = [f"domain {domain}" for domain in domains] + [f"chat-node {room}" for room in rooms_of(domains)]
        lines += [f"allow {other}" for other in (*allow, *rooms_of(allow))]
        self.daemon = Daemon(self.dir, f"""
hostname {name}.test
listen xmpp 127.0.0.1:{self.port.number}
control-socket {self.control}
tls {{
    certificate {certificate.cert}
    key {certificate.key}
    trust {world.ca.cert}
    {tls}
}}
dns {{ server {world.dns.address} }}
xmpp {{
    {chr(10).join(lines)}
    inside im
    dialback-secret-file {self.dir}/dialback.secret
    {settings}
}}
zone im {{
    type xmpp
    {zone}
}}
""")
        secret = self.dir / "dialback.secret"
        secret.write_text("the secret of the cluster")
        secret.chmod(0o600)

    @property
    def log(self):
        return self.daemon.stderr

    def start(self):
        asyncio.run(self.daemon.start())
        return self

    def stop(self):
        """It must end well, with every stanza accounted for."""
        try:
            counters = asyncio.run(self.daemon.stop())
            assert counters.get("xmpp.unaccounted") == 0 and counters.get("xmpp.requests.open") == 0, counters
        finally:
            self.daemon.kill()

    # -- what an administrator asks --
    def ask(self, *words):
        done = subprocess.run([os.environ["CAUSEWAY"], *words, "-c", str(self.daemon.config)], capture_output=True, text=True,
                              timeout=20, check=False)
        assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def connections(self, **wanted):
        """Those of `causeway connections --json` that have these values."""
        found = json.loads(self.ask("connections", "--json"))["connections"]
        return [c for c in found if all(c.get(name) == value for name, value in wanted.items())]

    @contextlib.asynccontextmanager
    async def traced(self, partner):
        """Lines that `causeway trace` prints meanwhile; they are complete after the block."""
        lines, before = [], len(self.daemon.log("control", event="trace"))
        process = await asyncio.create_subprocess_exec(
            os.environ["CAUSEWAY"], "trace", partner, "-c", str(self.daemon.config), "--for", "60",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)

        async def read():
            async for line in process.stdout:
                lines.append(line.decode().rstrip())

        reader = asyncio.create_task(read())
        while len(self.daemon.log("control", event="trace")) == before and process.returncode is None:
            await asyncio.sleep(0.02)  # it is heard from then on
        try:
            yield lines
            await asyncio.sleep(0.1)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            await reader


class World:
    """The servers, the DNS and the certificates of one class of cases."""

    def __init__(self, name):
        self.dir = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=shared_dir()))
        self.ca = pki.CA(shared_dir())
        self.dns = None
        self._ports = {}
        self._places = {}  # of a domain: the port where it really is
        self._cleanup = contextlib.ExitStack()
        self._insides = {}

    def close(self):
        self._cleanup.close()

    def new_dir(self, name):
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.dir)) / "files"

    def port(self, name):
        """The port for other servers of what has that name; known before it starts."""
        if name not in self._ports:
            self._ports[name] = Port()
            self._cleanup.callback(self._ports[name].close)
        return self._ports[name]

    def certificate(self, *names):
        return self.ca.issue("xmpp-" + "-".join(names), dns=names)

    # -- DNS --
    def at(self, *domains, name):
        """Those domains and their rooms are at the server of that name."""
        for domain in (*domains, *rooms_of(domains)):
            self._places[domain] = self.port(name)

    def start_dns(self):
        self.dns = self._dns_with(self._places)

    def _dns_with(self, places):
        srv = [(f"_xmpp-server._tcp.{domain}", "localhost", port.number) for domain, port in places.items()]
        dns = DnsServer(self.new_dir("dns"), srv=srv, hosts=[("localhost", "127.0.0.1")])
        self._cleanup.callback(dns.stop)
        return dns

    def behind(self, name, domains):
        """The address of a DNS server by which each of those domains is at the gateway of that name."""
        if name not in self._insides:
            self._insides[name] = self._dns_with({d: self.port(name) for d in (*domains, *rooms_of(domains))})
        return self._insides[name].address

    # -- servers --
    def _run(self, server):
        server.spawn()
        self._cleanup.callback(server.kill)
        return server

    def prosody(self, name, domains, *, certificate=None, dns=None, **more):
        """A Prosody that runs, though it may not be ready: wait() for it."""
        made = certificate or self.certificate(*domains, *rooms_of(domains))
        return self._run(prosody.Prosody(
            self.new_dir(name), name=name, hosts=dict.fromkeys(domains, made), rooms=dict.fromkeys(rooms_of(domains), made),
            trust=self.ca.cert, dns=dns or self.dns.address, s2s=self.port(name), **more))

    def ejabberd(self, name, domains, *, certificate=None, dns=None, **more):
        """An ejabberd that runs, though it may not be ready: wait() for it."""
        made = certificate or self.certificate(*domains, *rooms_of(domains))
        return self._run(ejabberd.Ejabberd(
            self.new_dir(name), name=name, hosts=domains, certificates=[made], trust=self.ca.cert,
            dns=dns or self.dns.address, s2s=self.port(name), **more))

    def gateway(self, name, inside, domains, **more):
        """A Causeway before that inside server, not yet started."""
        more.setdefault("zone", f"peer localhost:{inside.s2s.number}\nverify {domains[0]}")
        return Gateway(self, name, domains=domains, **more)


@unittest.skipUnless(ARE_INSTALLED, "Prosody or ejabberd is not installed")
class WorldCase(unittest.IsolatedAsyncioTestCase):
    """Cases that share one world, which build() makes."""

    servers = ()  # whose logs are shown where a case fails

    @classmethod
    def setUpClass(cls):
        cls.world = World(cls.__name__)
        cls.addClassCleanup(cls.world.close)
        cls.build(cls.world)

    @classmethod
    def build(cls, world):
        raise NotImplementedError

    async def client(self, jid, server, **more):
        """A client that is logged in until the end of the case."""
        client = Client(jid, server.c2s.number)
        self.addAsyncCleanup(client.close)
        return await client.login(**more)

    async def says(self, one, two, text):
        """A chat message goes from one to the other, once."""
        await one.chat(two.bare, text)
        got = await two.expect("message", body=text)
        self.assertEqual((got.get("type"), got.get("from"), got.get("to")), ("chat", one.jid, two.bare))
        await two.nothing("message", 0, body=text)

    async def bounces(self, client, to, wanted, timeout=20):
        """A message to that address comes back once, with the condition wanted."""
        ident = await client.chat(to, "hello")
        error = await client.expect("message", timeout, id=ident, type="error")
        self.assertEqual((condition(error), error.get("from"), error.get("to")), (wanted, to, client.jid))
        await client.nothing("message", 0.2, id=ident)
        return error


def until(condition_, timeout=20, what="what was waited for"):
    """What the condition returns, as soon as it is true."""
    deadline = time.monotonic() + timeout
    while not (found := condition_()):
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.05)
    return found
