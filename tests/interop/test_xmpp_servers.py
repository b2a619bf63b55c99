"""The XMPP servers of these tests against each other, without Causeway: what fails here is no fault of Causeway.

    alice@a.test -- Prosody -- dialback over TLS -- ejabberd -- bob@b.test
"""

import tempfile
import unittest
from pathlib import Path

from support import ejabberd, pki, prosody
from support.dnsserver import DnsServer
from support.lab import shared_dir
from support.server import Port
from support.xmpp_client import Client, condition, ns


@unittest.skipUnless(prosody.IS_INSTALLED and ejabberd.IS_INSTALLED, "Prosody or ejabberd is not installed")
class ServersTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        directory = Path(tempfile.mkdtemp(prefix="servers-", dir=shared_dir()))
        ca = pki.CA(shared_dir())
        a, b = (ca.issue(name, dns=[name, f"muc.{name}"]) for name in ("a.test", "b.test"))
        ports = {"a.test": Port(), "b.test": Port()}
        dns = DnsServer(directory / "dns", hosts=[("localhost", "127.0.0.1")], srv=[
            (f"_xmpp-server._tcp.{prefix}{name}", "localhost", port.number)
            for name, port in ports.items() for prefix in ("", "muc.")])
        cls.addClassCleanup(dns.stop)
        common = {"trust": ca.cert, "dns": dns.address}
        cls.prosody = prosody.Prosody(directory / "prosody", hosts={"a.test": a}, rooms={"muc.a.test": a},
                                      s2s=ports["a.test"], users=("alice",), **common)
        cls.ejabberd = ejabberd.Ejabberd(directory / "ejabberd", hosts=["b.test"], certificates=[b],
                                         s2s=ports["b.test"], users=("bob",), **common)
        for server in (cls.prosody, cls.ejabberd):
            server.spawn()
            cls.addClassCleanup(server.kill)
        cls.servers = (cls.prosody, cls.ejabberd)
        for server in cls.servers:
            server.wait()

    async def users(self):
        """Alice and bob, logged in."""
        return (await self.enterAsyncContext(Client("alice@a.test", self.prosody.c2s.number)),
                await self.enterAsyncContext(Client("bob@b.test", self.ejabberd.c2s.number)))

    async def test_chat_both_ways(self):
        alice, bob = await self.users()
        for one, two in ((alice, bob), (bob, alice)):
            await one.chat(two.bare, "hello")
            await two.expect("message", body="hello", from_=one.bare)

    async def test_questions_both_ways(self):
        alice, bob = await self.users()
        for one, two in ((alice, bob), (bob, alice)):
            answer = await one.ask(two.jid, "<query xmlns='jabber:iq:version'/>")
            self.assertEqual(answer.findtext(f".//{ns('version', 'jabber:iq:version')}"), "7")
            self.assertEqual((await one.ask(two.domain, "<ping xmlns='urn:xmpp:ping'/>")).get("type"), "result")

    async def test_an_error_comes_back(self):
        alice, bob = await self.users()
        for one, two in ((alice, bob), (bob, alice)):
            ident = await one.chat(f"nobody@{two.domain}", "hello")
            self.assertEqual(condition(await one.expect("message", id=ident, type="error")), "service-unavailable")

    async def test_a_room_on_each(self):
        for one, two in ((0, 1), (1, 0)):
            users = await self.users()
            one, two = users[one], users[two]
            room = f"room@muc.{one.domain}"
            await one.join(room, "one")
            await one.unlock(room)
            await two.join(room, "two")
            await two.groupchat(room, "to all")
            await one.expect("message", type="groupchat", body="to all", from_=f"{room}/two")
