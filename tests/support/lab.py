"""The small world of the scenario tests: one Causeway between a cluster and a Microsoft edge.

    cluster  imp1-public.uc.example, 127.0.0.2, behind the neighbor zone IMP (trusted)
    causeway expe.uc.example,        127.0.0.1
    edge     sip.ms.example,         127.0.0.3, reached through the dns zone `internet`; comes from zone `default`

    second   the cluster's second host, same certificate, 127.0.0.4; a peer only where a test says so

A test changes what it needs through Lab's arguments and finds everything as attributes. In them `@cluster@` stands for
the cluster's address and port, `@cluster-port@` for its port; so for `edge` and `second`.
"""

import asyncio
import atexit
import contextlib
import os
import re
import shutil
import socket
import tempfile
import threading
import unittest
from pathlib import Path

from support import pki, sip
from support.daemon import Daemon
from support.dnsserver import DnsServer

CAUSEWAY, CLUSTER, EDGE = "expe.uc.example", "imp1-public.uc.example", "sip.ms.example"
ALICE, BOB = "<sip:alice@ms.example>", "<sip:bob@uc.example>"  # of the edge, of the cluster
GRUU = "<sip:alice@ms.example;opaque=user:epid:7MTo8m-qgpMkmwiSHR7kezAA;gruu>"
SIGNED = ";transport=tls;ms-fe=fe04.ms.example;opaque=state:F:Ci.Rabf6d00;lr;ms-key-info=AAEAAWx;ms-route-sig=_a-kl"
SIGNED_AFTER = ";ms-rrsig=mKxC5_OhpETTdOBtGFL57f9bOQ0VtcpjkYbVu_SteyFAAA;tag=58E2791934FDD9CF"

RULES = r"""
rule 'in'     { priority 10; source default; pattern regex '.*@uc\.example'; on-match stop; target IMP }
rule 'notify' { priority 20; source default; pattern regex '.*imp1-public\.uc\.example.*'; on-match stop; target IMP }
rule 'out'    { priority 30; source IMP; pattern regex '.*@(.*\.)?ms\.example.*'; on-match stop; target internet }
"""

_shared = None


def shared_dir():
    """A directory for the whole run: certificates are made once."""
    global _shared
    if _shared is None:
        _shared = Path(tempfile.mkdtemp(prefix="causeway-test-"))
        atexit.register(shutil.rmtree, _shared, ignore_errors=True)
    return _shared


class Lab:
    """Everything of one test; see the module's text. Use through ProxyCase.lab()."""

    def __init__(self, directory, *, rules=RULES, imp="", imp_peers=None, imp_trusted=True, internet="", more="",
                 tls="", srv=(), hosts=(), extra_dns=(), hostname=CAUSEWAY, names=(), dns_server=None, sender_check=True,
                 listen=("tls 127.0.0.1:0",), replace_zones=None, edge_certificate=None, cluster_certificate=None,
                 own_certificate=None, keys=None, second_host="127.0.0.4"):
        self.dir = Path(directory)
        self.ca = pki.CA(shared_dir())
        self.own = own_certificate or self.ca.issue("own-" + "-".join((hostname, *names)), dns=[hostname, *names])
        self.second_host = second_host
        self.keys = keys or self.dir / "token.keys"
        self.cluster = sip.Endpoint(CLUSTER, self.ca, cluster_certificate or self.ca.issue("cluster", dns=[CLUSTER]))
        self.edge = sip.Endpoint(EDGE, self.ca, edge_certificate or self.ca.issue("edge", dns=[EDGE]))
        self.second = sip.Endpoint(CLUSTER, self.ca, self.cluster.certificate)
        self.rules, self.imp, self.imp_peers, self.internet, self.more = rules, imp, imp_peers, internet, more
        self.imp_trusted, self.tls, self.hostname, self.sender_check = imp_trusted, tls, hostname, sender_check
        self.srv, self.hosts, self.extra_dns, self.dns_server = srv, hosts, extra_dns, dns_server
        self.listen, self.replace_zones = listen, replace_zones
        self.daemon, self.dns = None, None
        self.others = []  # further endpoints, closed at the end
        self._links = {}

    def configuration(self):
        listeners = "\n".join(f"listen sip {where}" for where in self.listen)
        peers = self.imp_peers or ["@cluster@"]
        zones = f"""
zone IMP {{
    type neighbor
    {chr(10).join(f"peer {peer}" for peer in peers)}
    verify {CLUSTER}
    trusted {"yes" if self.imp_trusted else "no"}
    {self.imp}
}}
zone internet {{
    type dns
    {"" if "allow-private" in self.internet else "allow-private yes"}
    {self.internet}
}}"""
        return self.filled(f"""
hostname {self.hostname}
{listeners}
tls {{
    certificate {self.own.cert}
    key {self.own.key}
    trust {self.ca.cert}
    {self.tls}
}}
dns {{ server {self.dns_server or self.dns.address} }}
token {{ key-file {self.keys} }}
sender-check {"yes" if self.sender_check else "no"}
{zones if self.replace_zones is None else self.replace_zones}
{self.more}
{self.rules}
""")

    def filled(self, template):
        """The template with addresses and ports in place of their names."""
        for name in ("cluster", "edge", "second"):
            endpoint = getattr(self, name)
            template = template.replace(f"@{name}@", f"{endpoint.host}:{endpoint.port}")
            template = template.replace(f"@{name}-port@", str(endpoint.port))
        return template

    async def start(self):
        asyncio.get_running_loop().set_debug(False)
        await self.cluster.listen("127.0.0.2")
        await self.edge.listen("127.0.0.3")
        await self.second.listen(self.second_host)
        srv = [("_sipfederationtls._tcp.ms.example", EDGE, self.edge.port), *self.srv]
        srv = [tuple(self.filled(str(part)) for part in row) for row in srv]
        hosts = [(EDGE, self.edge.host), (CLUSTER, self.cluster.host), *self.hosts]
        self.dns = DnsServer(self.dir / "dns", srv=srv, hosts=hosts, extra=self.extra_dns)
        self.daemon = Daemon(self.dir / "daemon", self.configuration())
        await self.daemon.start()
        return self

    async def finish(self):
        """Stop everything; the daemon must end well and have accounted for every request."""
        try:
            if self.daemon:
                counters = await self.daemon.stop()
                accounts = {n: v for n, v in counters.items() if n.split(".")[-1] == "unaccounted"}
                assert accounts and not any(accounts.values()), f"unaccounted: {accounts} in {counters}"
        finally:
            if self.daemon:
                self.daemon.kill()
            if self.dns:
                self.dns.stop()
            for endpoint in self.endpoints:
                await endpoint.close()

    @property
    def endpoints(self):
        return (self.cluster, self.second, self.edge, *self.others)

    # -- endpoints and links --
    async def endpoint(self, name, dns=None, host=None, **certificate):
        """One more host of the same CA, with a certificate for `dns` (default: its name); listening when `host` is given."""
        made = self.ca.issue("host-" + "-".join([name, *(dns or ()), *certificate]), dns=dns or [name], **certificate)
        endpoint = sip.Endpoint(name, self.ca, made)
        self.others.append(endpoint)
        if host:
            await endpoint.listen(host)
        return endpoint

    async def link(self, endpoint, fresh=False):
        """The endpoint's own connection to Causeway."""
        if fresh or endpoint not in self._links or self._links[endpoint].closed.is_set():
            host, port = self.daemon.listeners[0]
            self._links[endpoint] = await endpoint.connect(host, port, server_name=self.hostname, source=endpoint.host)
        return self._links[endpoint]

    async def send(self, endpoint, message):
        """Send over the endpoint's own connection."""
        await (await self.link(endpoint)).send(message)
        return message

    async def ask(self, endpoint, message, timeout=15):
        """Send a request and wait for its final response."""
        await self.send(endpoint, message)
        return await endpoint.final(message, timeout)

    # -- what is sent often --
    def edge_route(self):
        """A signed Record-Route value of the edge."""
        return f"<sip:{EDGE}:{self.edge.port}{SIGNED}>{SIGNED_AFTER}"

    def from_edge(self, method="MESSAGE", uri="sip:bob@uc.example", **more):
        return self.edge.request(method, uri, more.pop("from_", ALICE), **more)

    def from_cluster(self, method="MESSAGE", uri="sip:alice@ms.example", **more):
        return self.cluster.request(method, uri, more.pop("from_", BOB), **more)

    async def subscribe_from_edge(self):
        """A presence dialog the edge began: (the edge's Dialog, the cluster's Dialog)."""
        subscribe = self.from_edge("SUBSCRIBE", contact=GRUU, headers=[
            ("Record-Route", self.edge_route()), ("Event", "presence"), ("Expires", "3600"),
            ("Accept", "application/pidf+xml")])
        await self.send(self.edge, subscribe)
        got = await self.cluster.expect("SUBSCRIBE")
        answer = await self.cluster.respond(got, 200, contact=self.cluster.contact("bob"), headers=[("Expires", "3600")])
        final = await self.edge.final(subscribe)
        return sip.Dialog.caller(self.edge, subscribe, final), sip.Dialog.callee(self.cluster, got, answer)

    async def invite_from_edge(self, body=b"", **more):
        """A session the edge began, confirmed: (the edge's Dialog, the cluster's Dialog)."""
        invite = self.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=body or IM_OFFER,
                                headers=[("Record-Route", self.edge_route()), *more.pop("headers", ())], **more)
        await self.send(self.edge, invite)
        got = await self.cluster.expect("INVITE")
        answer = await self.cluster.respond(got, 200, contact=self.cluster.contact("bob"),
                                            content_type="application/sdp", body=IM_ANSWER)
        final = await self.edge.final(invite)
        edge, cluster = sip.Dialog.caller(self.edge, invite, final), sip.Dialog.callee(self.cluster, got, answer)
        await self.send(self.edge, edge.request("ACK", cseq=1))
        await self.cluster.expect("ACK")
        return edge, cluster


IM_OFFER = (b"v=0\r\no=- 0 0 IN IP4 192.0.2.56\r\ns=session\r\nc=IN IP4 192.0.2.56\r\nt=0 0\r\n"
            b"m=message 5060 sip null\r\na=accept-types:text/plain multipart/alternative\r\n")
IM_ANSWER = (b"v=0\r\no=- 0 0 IN IP4 192.0.2.9\r\ns=session\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
             b"m=message 5060 sip sip:bob@uc.example\r\na=accept-types:text/plain\r\n")
FIRST_MESSAGE = ("ms-text-format", "text/plain; charset=UTF-8; ms-body=SGVsbG8gQm9i")
PIDF = (b'<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf" '
        b'entity="sip:bob@uc.example"><tuple id="0"><status><basic>open</basic></status></tuple></presence>\r\n')
TYPING = (b'<?xml version="1.0"?>\r\n<KeyboardActivity><status status="type"/></KeyboardActivity>')


def closed_port(host):
    """An address where connections are refused."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return f"{host}:{probe.getsockname()[1]}"


class BlackHole:
    """An address that never completes a TCP connection: the backlog is full, so SYNs are dropped."""

    def __init__(self, host):
        self._sockets = [socket.socket()]
        self._sockets[0].bind((host, 0))
        self._sockets[0].listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self._sockets[0].getsockname())
            self._sockets.append(filler)
        self.address = "%s:%d" % self._sockets[0].getsockname()

    def close(self):
        for sock in self._sockets:
            sock.close()


class Silent:
    """An address where TCP connections and UDP packets are accepted and no byte ever comes back."""

    def __init__(self, host):
        self._listener = socket.socket()
        self._listener.bind((host, 0))
        self._listener.listen(64)
        self.address = "%s:%d" % self._listener.getsockname()
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(self._listener.getsockname())

    def close(self):
        self._listener.close()
        self._datagrams.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Refusing:
    """An address where TLS is spoken and everybody's certificate refused, with the alert that says so."""

    def __init__(self, host, certificate, trusted):
        self._context = sip.server_context(trusted, certificate)
        self._listener = socket.create_server((host, 0))
        self.address = "%s:%d" % self._listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                accepted = self._listener.accept()[0]
            except OSError:
                return
            with self._context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False) as link:
                with contextlib.suppress(OSError):  # an SSLError is one
                    link.do_handshake()
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(link, socket.SHUT_WR)
                    while os.read(link.fileno(), 65536):  # closing on it would be a reset, which overtakes the alert
                        pass

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def ours(value, hostname=CAUSEWAY):
    """Whether a Via, Record-Route or Route value names Causeway."""
    host = re.match(r"SIP\s*/\s*2\.0\s*/\s*\S+\s+([^\s;:]+)", value)
    return (host.group(1) if host else sip.uri_host_port(sip.uri_of(value))[0]) == hostname


class ProxyCase(unittest.IsolatedAsyncioTestCase):
    """A test against the running daemon."""

    def setUp(self):
        self.labs = []

    async def lab(self, **changes):
        """A started Lab; it ends with the test, which fails when the daemon ended badly."""
        directory = tempfile.mkdtemp(prefix="case-", dir=shared_dir())
        lab = Lab(directory, **changes)
        self.labs.append(lab)
        self.addAsyncCleanup(lab.finish)
        return await lab.start()

    def assert_forwarded(self, sent, got, *, hostname=CAUSEWAY, record_routes=0, source=None):
        """`got` is `sent` byte for byte, but for our Via, Record-Route and Route, received/rport and Max-Forwards."""
        self.assertEqual(got.start, sent.start)
        lines = list(got.lines)
        first = next(line for line in lines if got.name_of(line) == "via")
        self.assertTrue(ours(sip.text(first).partition(":")[2].strip(), hostname), f"top Via is not ours: {first}")
        lines.remove(first)
        for _ in range(record_routes):
            found = next(line for line in lines if got.name_of(line) == "record-route")
            self.assertTrue(ours(sip.text(found).partition(":")[2].strip(), hostname), f"not our Record-Route: {found}")
            lines.remove(found)
        before = [line for line in sent.lines
                  if not (sent.name_of(line) == "route" and ours(sip.text(line).partition(":")[2].strip(), hostname))]
        if not sent.has("max-forwards"):
            lines = [line for line in lines if got.name_of(line) != "max-forwards"]
        via_seen = False
        self.assertEqual(len(lines), len(before), f"\nsent {before}\ngot  {lines}")
        for old, new in zip(before, lines):
            name = got.name_of(new)
            if name == "max-forwards" and sent.name_of(old) == name:
                continue
            if name == "via" and not via_seen:
                via_seen = True
                self.assert_via(old, new, source)
                continue
            self.assertEqual(new, old)
        self.assertEqual(got.body, sent.body)

    def assert_via(self, old, new, source):
        """The sender's Via came through with received (and rport, where it asked) added to its first value."""
        value = sip.split_values(sip.text(new).partition(":")[2])[0]
        if source:
            self.assertEqual(sip.params_of(value).get("received"), source)
        self.assertEqual(self._without_return_path(new), self._without_return_path(old))

    @staticmethod
    def _without_return_path(line):
        line = re.sub(rb";received=[0-9a-fA-F:.\[\]]+", b"", line, count=1)
        return re.sub(rb";rport=\d+", b";rport", line, count=1)

    def assert_status(self, response, status, reason=None):
        """The status, and a reason phrase in which `reason` is found (caseless)."""
        wanted = status if isinstance(status, (tuple, list)) else (status,)
        self.assertIn(response.status, wanted, f"got {response}")
        if reason:
            self.assertRegex(response.reason.lower(), reason.lower())

    @contextlib.asynccontextmanager
    async def within(self, seconds):
        """The block must end in that time (generous: it only tells waiting from hanging)."""
        async with asyncio.timeout(seconds):
            yield
