"""The inside leg as a component (XEP-0114): one connection for each foreign domain, kept up; and what may come on it."""

import asyncio
import hashlib
import json
import xml.etree.ElementTree as ET

from support import xmpp
from support.xmpp_lab import ALICE, B, BOB, C, CAROL, XmppCase

NS = "jabber:component:accept"
HOST = "127.0.0.2"
SECRET = "what both know"


class Link:
    """One component's connection, as the server sees it."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.parser = ET.XMLPullParser(["start", "end"])
        self.name, self.is_up, self.has_ended, self.is_lost = None, False, False, False
        self.bytes = b""
        self.elements = []  # of the first level, not yet taken out

    def send(self, text):
        self.writer.write(text.encode())

    def close(self):
        self.writer.close()


class ComponentServer:
    """A server that takes components in. `refusal`: a stream error's condition; `pongs`: it answers pings."""

    def __init__(self, secret=SECRET):
        self.secret, self.refusal, self.pongs = secret, None, True
        self.port, self.links, self._listener = 0, [], None

    async def listen(self):
        self._listener = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    def close(self):
        self._listener.close()
        for link in self.links:
            link.close()

    def up(self, name):
        return [link for link in self.links if link.name == name and link.is_up and not link.is_lost]

    async def component(self, name, timeout=20):
        """The connection of that component, as soon as it is up."""
        await self.until(lambda: self.up(name), f"component {name}", timeout)
        return self.up(name)[-1]

    async def received(self, link, id_, timeout=20):
        """The stanza of that id, taken out."""
        def fits():
            return [e for e in link.elements if e.get("id") == id_]

        await self.until(fits, f"stanza {id_}", timeout)
        found = fits()[0]
        link.elements.remove(found)
        return found

    async def until(self, condition, what, timeout=20):
        deadline = asyncio.get_running_loop().time() + timeout
        while not condition():
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{what} did not come")
            await asyncio.sleep(0.02)

    async def _serve(self, reader, writer):
        link = Link(reader, writer)
        self.links.append(link)
        depth = 0
        while data := await reader.read(65536):
            link.bytes += data
            link.parser.feed(data)
            for event, element in link.parser.read_events():
                depth += 1 if event == "start" else -1
                if depth == 1 and event == "start":
                    self._greet(link, element)
                elif depth == 1:
                    self._take(link, element)
                elif depth == 0:
                    link.has_ended = True
                    link.send("</stream:stream>")
                    link.close()
        link.is_lost = True
        link.close()

    def _greet(self, link, header):
        link.name, link.id = header.get("to"), xmpp.unique()
        link.send(f"<?xml version='1.0'?><stream:stream xmlns='{NS}' xmlns:stream='{xmpp.STREAM}' "
                  f"from='{link.name}' id='{link.id}'>")

    def _take(self, link, element):
        if element.tag == f"{{{NS}}}handshake":
            good = element.text == hashlib.sha1((link.id + self.secret).encode()).hexdigest()
            refusal = self.refusal or (None if good else "not-authorized")
            link.is_up = not refusal
            link.send("<handshake/>" if link.is_up else
                      f"<stream:error><{refusal} xmlns='{xmpp.STREAM_ERRORS}'/></stream:error></stream:stream>")
        elif element.find(f"{{{xmpp.PING}}}ping") is not None:
            if self.pongs:
                link.send(f"<iq type='result' id='{element.get('id')}' from='{element.get('to')}' to='{element.get('from')}'/>")
        else:
            link.elements.append(element)


class ComponentTest(XmppCase):
    async def world(self, server, names=(B, C)):
        """A started lab whose inside is that component server."""
        lab = self.make(allow=(B, C))
        secret = lab.dir / "component.secret"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        self.name(lab, server, names)
        self.addCleanup(server.close)
        await lab.start()
        return lab

    @staticmethod
    def name(lab, server, names):
        """What the zone says."""
        lines = "".join(f"component {name}; " for name in names)
        lab.zone = (f"zone im {{ type xmpp; peer {HOST}:{server.port}; {lines}"
                    f"component-secret-file {lab.dir}/component.secret }}")

    async def status(self, lab, state, timeout=20):
        """The federation's row, as soon as it has that state."""
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            _, out = await lab.command("status", "--json")
            row = next(s for s in json.loads(out)["services"] if s["service"] == "xmpp-federation")
            if row["state"] == state:
                return row
            self.assertLess(asyncio.get_running_loop().time(), deadline, row)
            await asyncio.sleep(0.1)

    async def passes(self, lab, server, partner, user):
        """A message each way."""
        link = await server.component(partner.name)
        out, in_ = xmpp.unique("m"), xmpp.unique("m")
        link.send(xmpp.message(ALICE, user, "out", out))
        got = await partner.received(out)
        self.assertEqual((got.get("from"), got.get("to")), (ALICE, user))
        await partner.send(xmpp.message(user, ALICE, "in", in_))
        got = await server.received(link, in_)
        self.assertEqual((got.tag, got.get("from"), got.get("to")), (f"{{{NS}}}message", user, ALICE))

    async def test_each_domain_has_its_connection_and_stanzas_pass(self):
        server = await ComponentServer().listen()
        lab = await self.world(server)
        await self.passes(lab, server, lab.b, BOB)
        await self.passes(lab, server, lab.c, CAROL)
        self.assertEqual(sorted(link.name for link in server.links), [B, C])
        for name in (B, C):
            row = await lab.connection(verified="component", partner=name, state="established")
            self.assertEqual((row["direction"], row["address"], row["stanzas_in"]), ("out", f"{HOST}:{server.port}", 1))
        await self.status(lab, "active")

    async def test_it_is_delivered_when_a_ping_behind_it_is_answered(self):
        server = await ComponentServer().listen()
        lab = await self.world(server)
        link = await server.component(B)
        id_ = xmpp.unique("m")
        await lab.b.send(xmpp.message(BOB, ALICE, "hello", id_))
        await server.received(link, id_)
        await lab.fate("delivered", zone="im", to=ALICE)

    async def test_its_fate_is_unknown_when_the_connection_ends_before(self):
        server = await ComponentServer().listen()
        server.pongs = False
        lab = await self.world(server)
        link = await server.component(B)
        id_ = xmpp.unique("m")
        await lab.b.send(xmpp.message(BOB, ALICE, "hello", id_))
        await server.received(link, id_)
        link.close()
        await lab.fate("unknown", zone="im", to=ALICE)
        self.assert_bounced(await lab.b.received(id_), "remote-server-timeout", ALICE, BOB)

    async def test_an_explicit_namespace_is_that_of_the_stream_it_leaves_on(self):
        server = await ComponentServer().listen()
        lab = await self.world(server)
        link = await server.component(B)
        out, in_ = xmpp.unique("m"), xmpp.unique("m")
        link.send(f"<message xmlns='{NS}' from='{ALICE}' to='{BOB}' id='{out}'><body>b</body></message>")
        got = await lab.b.received(out)
        self.assertNotIn(NS, got.text)
        await lab.b.send(f"<message xmlns='{xmpp.SERVER}' from='{BOB}' to='{ALICE}' id='{in_}'><body>b</body></message>")
        got = await server.received(link, in_)
        self.assertEqual([got.tag, got[0].tag], [f"{{{NS}}}message", f"{{{NS}}}body"])

    async def test_a_prefix_of_the_streams_header_stays_bound(self):
        server = await ComponentServer().listen()
        lab = await self.world(server)
        link = await server.component(B)
        id_ = xmpp.unique("m")
        await lab.b.send(f"<message xmlns:db='{xmpp.DIALBACK}' from='{BOB}' to='{ALICE}' id='{id_}'><db:x/></message>")
        got = await server.received(link, id_)
        self.assertEqual(got[0].tag, f"{{{xmpp.DIALBACK}}}x")

    async def test_what_the_server_may_not_send_comes_back_and_the_connection_stays(self):
        server = await ComponentServer().listen()
        lab = await self.world(server)
        link = await server.component(B)
        for from_, to in ((f"eve@{C}", BOB), ("eve@elsewhere.test", BOB), (ALICE, CAROL)):
            id_ = xmpp.unique("m")
            link.send(xmpp.message(from_, to, "EVIL", id_))
            got = await server.received(link, id_)
            self.assertEqual((got.get("type"), got.get("from"), got.get("to")), ("error", to, from_))
            self.assertIsNotNone(got.find(f".//{{{xmpp.STANZA_ERRORS}}}not-allowed"))
        link.send("<message><body>EVIL</body></message>")
        await self.passes(lab, server, lab.b, BOB)
        self.assertEqual(len(server.links), 2)

    async def test_it_comes_back_when_the_server_does(self):
        server = await ComponentServer().listen()
        lab = await self.world(server)
        (await server.component(B)).close()
        await server.until(lambda: not server.up(B), "the end of the connection")
        await self.passes(lab, server, lab.b, BOB)

    async def test_what_comes_while_it_is_down_waits_for_it(self):
        server = await ComponentServer().listen()
        server.refusal = "host-unknown"
        lab = await self.world(server)
        row = await self.status(lab, "inactive")
        self.assertIn("does not know the component", row["reason"])
        await lab.connection(partner=B, state="failed", direction="out")
        id_ = xmpp.unique("m")
        await lab.b.send(xmpp.message(BOB, ALICE, "hello", id_))
        server.refusal = None
        await server.received(await server.component(B), id_)
        await lab.fate("delivered", zone="im", to=ALICE)
        await self.status(lab, "active")

    async def test_what_waits_too_long_comes_back_with_the_reason(self):
        server = await ComponentServer().listen()
        server.refusal = "not-authorized"
        lab = await self.world(server)
        id_ = xmpp.unique("m")
        await lab.b.send(xmpp.message(BOB, ALICE, "hello", id_))
        got = await lab.b.received(id_, 60)
        self.assert_bounced(got, "remote-server-timeout", ALICE, BOB)
        self.assertIn("does not take the component's secret", got.error_text)

    async def test_a_domain_that_is_no_component_cannot_reach_the_inside(self):
        server = await ComponentServer().listen()
        lab = await self.world(server, names=(B,))
        id_ = xmpp.unique("m")
        await lab.c.send(xmpp.message(CAROL, ALICE, "hello", id_))
        self.assert_bounced(await lab.c.received(id_), "remote-server-timeout", ALICE, CAROL)

    async def test_a_reload_adds_and_removes_components(self):
        server = await ComponentServer().listen()
        lab = await self.world(server, names=(B,))
        old = await server.component(B)
        self.name(lab, server, (C,))
        await lab.daemon.reload(lab.configuration())
        await server.component(C)
        await server.until(lambda: old.has_ended, "the stream's end")
        self.name(lab, server, (B, C))
        await lab.daemon.reload(lab.configuration())
        await self.passes(lab, server, lab.b, BOB)
        await self.passes(lab, server, lab.c, CAROL)
        self.assertEqual([link.name for link in server.links], [B, C, B])

    async def test_a_reload_takes_it_to_another_server(self):
        one, two = await ComponentServer().listen(), await ComponentServer().listen()
        self.addCleanup(two.close)
        lab = await self.world(one)
        await one.component(B)
        self.name(lab, two, (B, C))
        await lab.daemon.reload(lab.configuration())
        await self.passes(lab, two, lab.b, BOB)
        self.assertEqual(one.up(B), [])

    async def test_a_new_secret_counts_from_the_next_connection_on(self):
        server = await ComponentServer("another secret").listen()
        lab = await self.world(server)
        row = await self.status(lab, "inactive")
        self.assertIn("does not take the component's secret", row["reason"])
        (lab.dir / "component.secret").write_text("another secret")
        await lab.daemon.reload()
        await self.passes(lab, server, lab.b, BOB)

    async def test_a_secret_that_cannot_be_read_is_told(self):
        server = await ComponentServer().listen()
        lab = await self.world(server)
        links = [await server.component(name) for name in (B, C)]
        (lab.dir / "component.secret").chmod(0o644)
        for link in links:
            link.close()
        for name in (B, C):
            await lab.daemon.logged_text(f"event=component-down .*partner={name} .*the secret cannot be read")
        row = await self.status(lab, "inactive")
        self.assertIn(f"{lab.dir}/component.secret: ", row["reason"])
        (lab.dir / "component.secret").chmod(0o600)
        await self.passes(lab, server, lab.b, BOB)

    async def test_it_ends_its_streams_when_it_stops(self):
        server = await ComponentServer().listen()
        lab = await self.world(server)
        links = [await server.component(name) for name in (B, C)]
        await lab.daemon.stop()
        await server.until(lambda: all(link.has_ended for link in links), "the ends of the streams")
