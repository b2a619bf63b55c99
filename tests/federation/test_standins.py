"""The stand-ins against each other, and their strictness: what a proxy must not do is done once, and must be noticed."""

import tempfile
import unittest

from federation.dnsclient import DnsClient, Srv
from federation.imp_cluster import ImpCluster
from federation.lync_edge import LyncEdge, Refused, choose, in_namespace
from federation.standin import Chain
from support import pki, sip
from support.dnsserver import DnsServer

PROXY, CLUSTER, EDGE = "sip.ciscoexample.com", "imp1-public.ciscoexample.com", "sip.msexample.com"
ALICE, BOB = "alice@msexample.com", "bob@ciscoexample.com"


class Proxy:
    """The smallest honest proxy between both, with a hook that spoils what it forwards."""

    def __init__(self, ca, certificate):
        self.endpoint = sip.Endpoint(PROXY, ca, certificate)
        self.endpoint.on_request = self._request
        self.endpoint.take = self._take
        self.links = {}      # name in the certificate -> Link
        self.returns = {}    # branch of our Via -> the link that the request came by
        self.spoil = lambda message: None

    async def _take(self, message):
        if message.is_request:
            await self._request(message)
        else:
            link = self.returns[message.branch]
            out = message.copy()
            out.lines.remove(out.raw_lines("via")[0])
            self.spoil(out)
            await link.send(out)

    async def _request(self, request):
        source = request.link.peer_names[0]
        out = request.copy()
        first = out.lines.index(out.raw_lines("via")[0])
        out.lines[first] += f";received={request.link.peer[0]}".encode()
        branch = sip.unique("z9hG4bKproxy")
        self.returns[branch] = request.link
        out.set("Max-Forwards", request.max_forwards - 1)
        out.remove("ms-edge-proxy-message-trust")
        for line in out.raw_lines("route"):
            left = [value for value in sip.split_values(sip.text(line).partition(":")[2]) if PROXY not in value]
            place = out.lines.index(line)
            out.lines[place:place + 1] = [f"Route: {', '.join(left)}".encode()] if left else []
        if request.method in ("INVITE", "SUBSCRIBE", "NOTIFY"):
            out.prepend("Record-Route", f"<sip:{PROXY}:5061;transport=tls;lr;cw=token>")
        out.prepend("Via", f"SIP/2.0/TLS {PROXY}:5061;branch={branch}")
        self.spoil(out)
        await self.links[CLUSTER if source == EDGE else EDGE].send(out)


class StandinTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        ca = pki.CA(directory.name)
        names = {CLUSTER: "127.0.0.2", PROXY: "127.0.0.3", EDGE: "127.0.0.4"}
        certs = {name: ca.issue(name, dns=[name]) for name in names}
        self.reports = []
        chain = Chain((PROXY,), (PROXY,), PROXY)
        self.proxy = Proxy(ca, certs[PROXY])
        await self.proxy.endpoint.listen("127.0.0.3")
        port = self.proxy.endpoint.port
        server = DnsServer(directory.name, hosts=names.items(), srv=[
            ("_sipfederationtls._tcp.ciscoexample.com", PROXY, port, 10, 5),
            ("_sipfederationtls._tcp.ciscoexample.com", "decoy.ciscoexample.com", 1, 20, 99),
            ("_sipfederationtls._tcp.ciscoexample.com", "lighter.ciscoexample.com", 1, 10, 1),
            ("_sipfederationtls._tcp.msexample.com", EDGE, 5061),
            ("_sipfederationtls._tcp.astray.example", PROXY, port),
            ("_sipfederationtls._tcp.sub.msexample.com", "other.sub.msexample.com", port)],
            extra=["--host-record=other.sub.msexample.com,127.0.0.3"])
        self.addCleanup(server.stop)
        self.dns = DnsClient(server.host, server.port)
        self.cluster = ImpCluster(CLUSTER, ca, certs[CLUSTER], chain, self.reports.append)
        self.edge = LyncEdge(EDGE, "msexample.com", ca, certs[EDGE], chain, self.dns, self.reports.append)
        self.both_ways = ((self.edge, self.cluster, ALICE, BOB), (self.cluster, self.edge, BOB, ALICE))
        await self.cluster.listen("127.0.0.2", 0)
        await self.edge.listen("127.0.0.4", 0)
        await self.cluster.connect("127.0.0.3", port)
        for standin in (self.cluster, self.edge):
            link = await self.proxy.endpoint.connect(standin.endpoint.host, standin.endpoint.port, standin.name)
            self.proxy.links[standin.name] = link
        # Routes name port 5061; here the proxy listens elsewhere.
        connect = self.edge.connect
        self.edge.connect = lambda host, _port: connect(host, port)
        for each in (self.cluster, self.edge, self.proxy.endpoint):
            self.addAsyncCleanup(each.close)

    def clean(self):
        self.assertEqual(self.edge.audit() + self.cluster.audit(), [])

    def seen(self, part):
        """A violation with that text was recorded, and reported loudly."""
        found = [v for v in self.edge.violations + self.cluster.violations if part in v.what]
        self.assertTrue(found, f"nobody noticed {part!r}; noticed: {self.reports}")
        self.assertIn(str(found[0]), self.reports)

    async def session(self, caller, callee, local, remote):
        sent, answer, dialog = await caller.invite(local, remote, "hello")
        self.assertEqual(answer.status, 200)
        got = await callee.arrival("INVITE", sent.call_id)
        callee.compare_request(sent, got)
        ack = await caller.ack(dialog, sent)
        callee.compare_request(ack, await callee.arrival("ACK", sent.call_id))
        return sent, dialog, callee.dialogs[sent.call_id, answer.to_tag]

    async def test_a_session_both_ways_without_any_violation(self):
        for caller, callee, local, remote in self.both_ways:
            sent, dialog, theirs = await self.session(caller, callee, local, remote)
            for side, other, its in ((caller, callee, dialog), (callee, caller, theirs)):
                for method, body in (("MESSAGE", "schön".encode()), ("BYE" if its is theirs else "INFO", b"")):
                    request, answer = await side.within(its, method, body=body)
                    self.assertEqual(answer.status, 200)
                    other.compare_request(request, await other.arrival(method, sent.call_id))
                    answered = [a for r, a in other.answers if r.cseq == request.cseq and r.call_id == sent.call_id][-1]
                    side.compare_response(answered, answer)
        self.clean()

    async def test_presence_both_ways_without_any_violation(self):
        for watcher, source, local, remote in self.both_ways:
            sent, answer, dialog = await watcher.subscribe(local, remote)
            self.assertEqual(answer.status, 200)
            source.compare_request(sent, await source.arrival("SUBSCRIBE", sent.call_id))
            theirs = source.dialogs[sent.call_id, answer.to_tag]
            for with_token in (True, False):
                request, answer = await source.notify(theirs, with_token=with_token)
                self.assertEqual(answer.status, 200)
                watcher.compare_request(request, await watcher.arrival("NOTIFY", sent.call_id))
            request = await source.benotify(theirs)
            watcher.compare_request(request, await watcher.arrival("BENOTIFY", sent.call_id))
            request, answer = await watcher.within(dialog, "SUBSCRIBE", headers=[("Event", "presence"), ("Expires", "0")])
            self.assertEqual(answer.status, 200)
        self.clean()

    async def test_a_changed_byte_of_the_signed_route_is_refused(self):
        _, dialog, _ = await self.session(self.cluster, self.edge, BOB, ALICE)
        dialog.routes = [value.replace("ms-key-info=", "ms-key-info=A") for value in dialog.routes]
        _, answer = await self.cluster.within(dialog, "MESSAGE", body=b"x")
        self.assertEqual((answer.status, answer.get("ms-diagnostics")[:4]), (481, "1004"))
        self.seen("ms-route-sig does not hold")

    async def test_a_route_of_another_dialog_is_refused(self):
        _, one, _ = await self.session(self.cluster, self.edge, BOB, ALICE)
        _, two, _ = await self.session(self.cluster, self.edge, BOB, ALICE)
        one.routes = two.routes
        _, answer = await self.cluster.within(one, "MESSAGE", body=b"x")
        self.assertEqual(answer.status, 481)
        self.seen("not that of this dialog")

    async def test_a_request_in_a_dialog_without_its_route_is_refused(self):
        _, dialog, _ = await self.session(self.cluster, self.edge, BOB, ALICE)
        dialog.routes = dialog.routes[:1]
        _, answer = await self.cluster.within(dialog, "MESSAGE", body=b"x")
        self.assertEqual(answer.status, 481)
        self.seen("Route of a request in a dialog")

    async def test_a_record_route_with_an_address_is_refused(self):
        def spoil(message):
            if message.is_request and message.method == "INVITE":
                place = message.lines.index(message.raw_lines("record-route")[0])
                message.lines[place] = message.lines[place].replace(PROXY.encode(), b"127.0.0.3")
        self.proxy.spoil = spoil
        _, answer, dialog = await self.cluster.invite(BOB, ALICE, "hello")
        self.assertEqual((answer.status, dialog), (400, None))
        self.seen("a Record-Route with an IP address")

    async def test_the_edge_sends_nothing_in_a_dialog_without_record_route(self):
        _, _, theirs = await self.session(self.cluster, self.edge, BOB, ALICE)
        theirs.routes = []
        with self.assertRaises(Refused):
            await self.edge.within(theirs, "BYE")
        self.seen("nothing is sent in a dialog without a Record-Route")

    async def test_an_answer_to_benotify_is_noticed(self):
        sent, answer, _ = await self.cluster.subscribe(BOB, ALICE)
        theirs = self.edge.dialogs[sent.call_id, answer.to_tag]
        link, request = await self.edge.within_request(theirs, "BENOTIFY")
        await link.send(request)
        got = await self.cluster.arrival("BENOTIFY", sent.call_id)
        await self.cluster.endpoint.respond(got, 200)
        # The same connection carries this later, so the answer has arrived by then.
        await self.edge.within(theirs, "NOTIFY")
        self.edge.audit()
        self.seen("an answer to BENOTIFY")

    async def test_every_change_on_the_way_is_noticed(self):
        def without_length(message):
            message.remove("content-length").add("Content-Length", len(message.body))

        spoilers = (
            ("the body changed", lambda m: setattr(m, "body", m.body.upper())),
            ("a header line changed", lambda m: m.remove("ms-keep-alive")),
            ("a header line changed", lambda m: m.lines.insert(9, m.lines.pop(10))),
            ("a header line changed", without_length),
            ("a header line changed", lambda m: m.add("X-Extra", "1")),
            ("the request line changed", lambda m: setattr(m, "start", m.start.replace(b"bob@", b"Bob@"))),
            ("Max-Forwards", lambda m: m.set("Max-Forwards", 70)),
            ("received", lambda m: m.lines.__setitem__(
                0, m.lines[0] + b", SIP/2.0/TLS elsewhere.example;branch=z9hG4bKelsewhere")),
            ("a header of trust", lambda m: m.add("P-Asserted-Identity", "<sip:x@y>")),
            ("Record-Route", lambda m: m.remove("record-route")),
        )
        for what, spoil in spoilers:
            with self.subTest(what):
                self.edge.violations.clear()
                self.cluster.violations.clear()
                self.proxy.spoil = lambda m, spoil=spoil: spoil(m) if m.is_request and m.method == "INVITE" else None
                if what == "received":
                    self.cluster.chain = Chain((PROXY, "elsewhere.example", "third.example"), (PROXY,), PROXY)
                sent, answer, _ = await self.edge.invite(ALICE, BOB, "hello")
                if answer.status == 200:
                    self.cluster.compare_request(sent, await self.cluster.arrival("INVITE", sent.call_id))
                self.seen(what)
                self.cluster.chain = Chain((PROXY,), (PROXY,), PROXY)

    async def test_a_forwarded_100_is_noticed(self):
        """The small proxy sends no 100 of its own and forwards that of the far side, with the 101."""
        sent, _, _ = await self.session(self.cluster, self.edge, BOB, ALICE)
        self.cluster.check_provisional(sent, [101])
        self.assertEqual(self.cluster.violations, [])
        self.cluster.check_provisional(sent)
        self.seen("provisional responses")

    async def test_a_changed_answer_is_noticed(self):
        self.proxy.spoil = lambda m: m.is_request or m.add("X-Extra", "1")
        request, answer = await self.edge.message(ALICE, BOB, "hello")
        self.edge.compare_response(self.cluster.answers[-1][1], answer)
        self.seen("a header line of a response changed")

    async def test_one_srv_record_counts(self):
        self.assertEqual(len(self.dns.srv("_sipfederationtls._tcp.ciscoexample.com")), 3)
        self.assertEqual(self.edge.discover("ciscoexample.com")[0], PROXY)
        self.assertEqual(choose([Srv(2, 9, 1, "a"), Srv(1, 1, 1, "b"), Srv(1, 3, 1, "c")]).target, "c")
        with self.assertRaisesRegex(Refused, "^1008"):
            self.edge.discover("nowhere.example")

    async def test_the_target_must_lie_in_the_domain_and_be_named(self):
        self.assertTrue(in_namespace("sip.exp.example.com", "exp.example.com"))
        self.assertFalse(in_namespace("sip.example.com", "exp.example.com"))
        self.assertFalse(in_namespace("sip.notexample.com", "example.com"))
        with self.assertRaisesRegex(Refused, "^1009"):
            await self.edge.message(ALICE, "x@astray.example", "hello")
        with self.assertRaisesRegex(Refused, "^1010"):
            await self.edge.message(ALICE, "x@sub.msexample.com", "hello")
        self.seen("the certificate does not name the target")

    async def test_a_sender_whose_domain_cannot_be_found_is_refused(self):
        request, answer = await self.cluster.message("carol@nowhere.example", ALICE, "hello")
        self.assertEqual((answer.status, answer.get("ms-diagnostics")[:4]), (504, "1008"))
        self.seen("the sender's domain")
