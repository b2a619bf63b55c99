"""Organisations that federate through Causeway, each with a server that this project did not write.

    inside (a.test, a2.test) -- gateway (Causeway) --+-- partner: b.test
                                                     +-- Prosody: c.test, stranger.test
                                                     +-- gateway2 (Causeway) -- inside2 (Prosody: e.test)

Of inside and partner one is Prosody and one ejabberd, and then the other way round. Each domain has rooms in muc.DOMAIN. The
servers inside find everybody at their Causeway. Nobody listens where down.test should be, nowhere.test does not exist, and
stranger.test is not on the list of those who may federate.
"""

import xml.etree.ElementTree as ET

from support.xmpp_client import XML_LANG, condition, ns
from support.xmpp_world import WorldCase

OURS, THEIRS = ["a.test", "a2.test"], ["e.test"]
PARTNERS = ["b.test", "c.test"]
STRANGER, DOWN, NOWHERE = "stranger.test", "down.test", "nowhere.test"
VERSION, PING = "<query xmlns='jabber:iq:version'/>", "<ping xmlns='urn:xmpp:ping'/>"
FOREIGN = ("<x xmlns='urn:example:one' xmlns:two='urn:example:two' two:seen='yes' plain='&lt;&amp;&quot;'>"
           "<two:deep xml:lang='fr'>d&#233;j&#224; <b xmlns='urn:example:three'>vu</b> &#x1F600;</two:deep></x>")


class Federation:
    """The cases; a subclass says what kind of server is inside and what kind the partner is."""

    kinds = ()

    @classmethod
    def build(cls, world):
        world.at(*OURS, name="gateway")
        world.at(*THEIRS, name="gateway2")
        world.at("b.test", name="partner")
        world.at("c.test", STRANGER, name="prosody")
        world.at(DOWN, name="nobody")
        world.start_dns()
        others = [*PARTNERS, STRANGER, DOWN, NOWHERE]
        make_inside, make_partner = (getattr(world, kind) for kind in cls.kinds)
        cls.partner = make_partner("partner", ["b.test"], users=("bob",))
        cls.prosody = world.prosody("prosody", ["c.test", STRANGER], users=("carol",))
        cls.inside = make_inside("inside", OURS, users=("alice", "anna"), dns=world.behind("gateway", [*others, *THEIRS]))
        cls.inside2 = world.prosody("inside2", THEIRS, users=("eve",), dns=world.behind("gateway2", [*others, *OURS]))
        allowed = [*PARTNERS, DOWN, NOWHERE]
        cls.gateway = world.gateway("gateway", cls.inside, OURS, allow=[*allowed, *THEIRS])
        cls.gateway2 = world.gateway("gateway2", cls.inside2, THEIRS, allow=[*allowed, *OURS])
        for gateway in (cls.gateway, cls.gateway2):
            cls.addClassCleanup(gateway.stop)
            gateway.start()
        cls.servers = (cls.gateway, cls.gateway2, cls.inside, cls.inside2, cls.prosody, cls.partner)
        for server in cls.servers[2:]:
            server.wait()

    async def users(self):
        """Alice, and her contact in each of the other organisations."""
        return (await self.client("alice@a.test", self.inside), await self.client("bob@b.test", self.partner),
                await self.client("carol@c.test", self.prosody), await self.client("eve@e.test", self.inside2))

    async def ways(self):
        """(a user, a user elsewhere) in both directions, for each organisation."""
        alice, *others = await self.users()
        return [way for other in others for way in ((alice, other), (other, alice))]

    async def test_chat(self):
        for one, two in await self.ways():
            for text in ("hello", "Grüße & <Küsse> \N{GRINNING FACE}", "x" * 50000):
                await self.says(one, two, text)

    async def test_questions_and_their_answers(self):
        for one, two in await self.ways():
            answer = await one.ask(two.jid, VERSION)
            self.assertEqual((answer.get("type"), answer.get("from")), ("result", two.jid))
            self.assertEqual(answer.findtext(f".//{ns('version', 'jabber:iq:version')}"), "7")
            for to in (two.jid, two.domain):
                answer = await one.ask(to, PING)
                self.assertEqual((answer.get("type"), answer.get("from")), ("result", to))

    async def test_subscription_and_presence(self):
        for one, two in await self.ways():
            await one.presence("subscribe", two.bare)
            self.assertEqual((await two.expect("presence", type="subscribe")).get("from"), one.bare)
            await two.presence("subscribed", one.bare)
            self.assertEqual((await one.expect("presence", type="subscribed")).get("from"), two.bare)
            await one.expect("presence", type="", from_=two.jid)
            await two.presence(show="away", status="at lunch & back <soon>")
            got = await one.expect("presence", type="", from_=two.jid)
            self.assertEqual((got.findtext(ns("show")), got.findtext(ns("status"))), ("away", "at lunch & back <soon>"))
            await two.presence("unavailable")
            await one.expect("presence", type="unavailable", from_=two.jid)
            await two.presence()
            await one.presence("unsubscribe", two.bare)
            await two.expect("presence", type="unsubscribe", from_=one.bare)

    async def test_a_room_joined_from_outside(self):
        for number, (one, two) in enumerate(await self.ways()):
            room = f"room{number}@muc.{one.domain}"
            await one.join(room, "one")
            await one.unlock(room)
            joined = await two.join(room, "two")
            self.assertEqual(joined.get("type", ""), "")
            await one.expect("presence", from_=f"{room}/two")
            for speaker, nick in ((one, "one"), (two, "two")):
                await speaker.groupchat(room, f"{nick} speaks")
                for listener in (one, two):
                    await listener.expect("message", type="groupchat", body=f"{nick} speaks", from_=f"{room}/{nick}")
            await two.presence("unavailable", f"{room}/two")
            await one.expect("presence", type="unavailable", from_=f"{room}/two")

    async def test_several_local_domains(self):
        _, *others = await self.users()
        for domain in OURS:
            anna = await self.client(f"anna@{domain}", self.inside)
            for other in others:
                for one, two in ((anna, other), (other, anna)):
                    await self.says(one, two, f"{one.domain} to {two.domain}")
                    # Prosody answers these by itself, on the stream that goes where the asking one was opened from.
                    self.assertEqual((await one.ask(two.domain, PING)).get("type"), "result")
                    await self.bounces(one, f"nobody@{two.domain}", "service-unavailable")

    async def test_each_foreign_domain_has_one_stream_inside(self):
        alice, *others = await self.users()
        for text in ("first", "second"):
            for other in others:
                await self.says(other, alice, text)
        # The cases before may have left streams of other domains.
        found = self.gateway.connections(direction="out", state="established", partner="a.test")
        self.assertEqual([sum(c["local"] == other.domain for c in found) for other in others], [1, 1, 1], found)

    async def test_languages_and_foreign_elements_are_kept(self):
        for one, two in await self.ways():
            await one.chat(two.bare, "Guten Tag", FOREIGN, "xml:lang='de'")
            got = await two.expect("message", body="Guten Tag")
            self.assertEqual(got.get(XML_LANG), "de")
            found = got.find(ns("x", "urn:example:one"))
            self.assertEqual(ET.canonicalize(ET.tostring(found, "unicode")),
                             ET.canonicalize(ET.tostring(ET.fromstring(FOREIGN), "unicode")))

    async def test_a_partner_that_was_restarted(self):
        alice, _, carol, _ = await self.users()
        await self.says(alice, carol, "before")
        self.prosody.stop()
        self.prosody.start()
        carol = await self.client("carol@c.test", self.prosody)
        await self.says(alice, carol, "after")
        await self.says(carol, alice, "back again")

    async def test_a_user_who_does_not_exist(self):
        for one, two in await self.ways():
            await self.bounces(one, f"nobody@{two.domain}", "service-unavailable")

    async def test_a_domain_that_is_not_allowed(self):
        alice = await self.client("alice@a.test", self.inside)
        stranger = await self.client(f"carol@{STRANGER}", self.prosody)
        await self.bounces(alice, stranger.bare, "not-allowed")
        answer = await alice.ask(stranger.bare, VERSION)
        self.assertEqual((answer.get("type"), condition(answer)), ("error", "not-allowed"))
        ident = await stranger.chat(alice.bare, "let me in")
        await stranger.expect("message", id=ident, type="error")
        await alice.nothing("message")
        await stranger.nothing("message", 0)

    async def test_a_domain_that_does_not_exist(self):
        alice = await self.client("alice@a.test", self.inside)
        await self.bounces(alice, f"someone@{NOWHERE}", "remote-server-not-found")

    async def test_a_partner_that_is_down(self):
        alice = await self.client("alice@a.test", self.inside)
        await self.bounces(alice, f"someone@{DOWN}", "remote-server-timeout")
        await alice.presence(to=f"someone@{DOWN}")  # comes back in no case
        await alice.nothing("presence", 0.2, from_=f"someone@{DOWN}")


class ProsodyInsideTest(Federation, WorldCase):
    kinds = ("prosody", "ejabberd")


class EjabberdInsideTest(Federation, WorldCase):
    kinds = ("ejabberd", "prosody")
