"""Where the inside server's DNS cannot be changed: Causeway as its component (XEP-0114), one for each foreign domain.

    alice@a.test -- Prosody or ejabberd -- components b.test, down.test -- Causeway -- Prosody -- bob@b.test
"""

import asyncio

from support.xmpp_client import ns
from support.xmpp_world import WorldCase

US, PARTNER, DOWN = "a.test", "b.test", "down.test"
SECRET = "s3cret"


class Components:
    """The cases; a subclass says which server is inside."""

    @classmethod
    def build(cls, world):
        world.at(US, name="gateway")
        world.at(PARTNER, name="partner")
        world.at(DOWN, name="nobody")
        world.start_dns()
        cls.partner = world.prosody("partner", [PARTNER], users=("bob",))
        cls.inside = cls.start_inside(world, {PARTNER: SECRET, DOWN: SECRET})
        secret = world.dir / "component.secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        cls.gateway = world.gateway("gateway", cls.inside, [US], allow=[PARTNER, DOWN], zone=f"""
    peer localhost:{cls.inside.component.number}
    component {PARTNER}
    component {DOWN}
    component-secret-file {secret}""")
        cls.servers = (cls.gateway, cls.inside, cls.partner)
        for server in (cls.inside, cls.partner):
            server.wait()
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.start()
        for name in (PARTNER, DOWN):
            asyncio.run(cls.gateway.daemon.logged("xmpp.stream", event="established", verified="component", partner=name))

    @classmethod
    def start_inside(cls, world, components):
        raise NotImplementedError

    async def ways(self):
        alice, bob = await self.client(f"alice@{US}", self.inside), await self.client(f"bob@{PARTNER}", self.partner)
        return (alice, bob), (bob, alice)

    async def test_chat(self):
        for one, two in await self.ways():
            await self.says(one, two, "hello")

    async def test_questions_and_their_answers(self):
        for one, two in await self.ways():
            answer = await one.ask(two.jid, "<query xmlns='jabber:iq:version'/>")
            self.assertEqual(answer.findtext(f".//{ns('version', 'jabber:iq:version')}"), "7")

    async def test_subscription_and_presence(self):
        for one, two in await self.ways():
            await one.presence("subscribe", two.bare)
            await two.expect("presence", type="subscribe", from_=one.bare)
            await two.presence("subscribed", one.bare)
            await one.expect("presence", type="subscribed", from_=two.bare)
            await two.presence(show="dnd")
            got = await one.expect("presence", type="", from_=two.jid)
            while got.findtext(ns("show")) != "dnd":
                got = await one.expect("presence", type="", from_=two.jid)

    async def test_a_user_who_does_not_exist(self):
        for one, two in await self.ways():
            await self.bounces(one, f"nobody@{two.domain}", "service-unavailable")

    async def test_a_partner_that_is_down(self):
        (alice, _), _ = await self.ways()
        await self.bounces(alice, f"someone@{DOWN}", "remote-server-timeout")


class ProsodyComponentTest(Components, WorldCase):
    @classmethod
    def start_inside(cls, world, components):
        return world.prosody("inside", [US], users=("alice",), components=components)


class EjabberdComponentTest(Components, WorldCase):
    @classmethod
    def start_inside(cls, world, components):
        return world.ejabberd("inside", [US], users=("alice",), components=components)
