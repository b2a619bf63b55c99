"""Floods: connections, claims and silence are bounded, cost little, and others do not notice."""

import asyncio
import contextlib
import resource

from support import xmpp
from support.xmpp_lab import A, ALICE, B, BOB, C, EVIL, ROOMS, XmppCase

ATTACKER, ABYSS = "127.0.0.50", "127.0.0.116"
PER_ADDRESS, IN_ALL = 16, 2000
CLAIMS_PER_STREAM, CLAIMS_PER_ADDRESS = 8, 32


class ConnectionFloodTest(XmppCase):
    async def settle(self, lab, links, most):
        """Wait until at most that many are open."""
        await lab.b.until(lambda: sum(not link.is_closed for link in links) <= most, f"at most {most} connections", 20)
        return [link for link in links if not link.is_closed]

    async def test_unauthenticated_connections_of_one_address_are_bounded(self):
        lab = await self.lab()
        before = lab.memory_kb()
        links = [await lab.b.dial(source=ATTACKER) for _ in range(100)]
        left = await self.settle(lab, links, PER_ADDRESS)
        self.assertEqual(len(left), PER_ADDRESS)
        for link in left:
            await link.open(B, A)
        await lab.c_is_well()
        self.assertLess(lab.memory_kb() - before, lab.memory_limit_kb())
        for link in left:
            link.close()
            await link.ended()

        async def is_let_in():
            """Not before the daemon has seen that the others are gone."""
            again = await lab.b.dial(source=ATTACKER)
            with contextlib.suppress(AssertionError):
                await again.negotiate(B, A)
                return (await again.claim(B, A)).get("type") == "valid"

        await lab.again(is_let_in)

    async def test_direct_tls_counts_as_well(self):
        lab = await self.lab()
        links = [await lab.b.dial(*(lab.direct_port if i % 2 else lab.starttls_port), source=ATTACKER) for i in range(60)]
        await self.settle(lab, links, PER_ADDRESS)
        await lab.c_is_well()

    async def test_authenticated_streams_do_not_count(self):
        lab = await self.lab()
        for _ in range(PER_ADDRESS + 4):
            link = await lab.b.dial()
            await link.negotiate(B, A)
            self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        self.assertFalse([link for link in lab.b.dialled if link.is_closed])

    async def test_unauthenticated_connections_in_all_are_bounded(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 8192:
            self.skipTest("too few file descriptors are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (8192, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        lab = await self.lab()
        await lab.c_is_well()
        before = lab.memory_kb()
        links = []
        for address in range(140):
            links += await asyncio.gather(*(lab.b.dial(source=f"127.0.2.{address + 1}") for _ in range(15)))
        left = await self.settle(lab, links, IN_ALL)
        self.assertGreater(len(left), IN_ALL - 50)
        await lab.c_is_well()
        self.assertLess(lab.memory_kb() - before, lab.memory_limit_kb())
        for link in links:
            link.abort()

    async def test_connections_that_come_and_go_leave_nothing(self):
        lab = await self.lab()
        await lab.c_is_well()
        descriptors = None
        for round_ in range(6):
            links = []
            for i in range(30):
                link = await lab.b.dial()
                links.append(link)
                if i % 3 == 0:
                    await link.negotiate(B, A)
                elif i % 3 == 1:
                    await link.send(xmpp.header(B, A)[:20 + i])
                link.abort()
            await lab.c_is_well()
            if round_ == 1:
                descriptors = lab.descriptors()
        await lab.b.until(lambda: lab.descriptors() <= descriptors + 4, "descriptors to be given back")


class ClaimFloodTest(XmppCase):
    async def abyss(self):
        """A lab in which every name below evil.test has a server that never says a word."""
        lab = self.make(privacy="off", certificates="any", extra_dns=[f"--address=/evil.test/{ABYSS}"])
        server = await lab.server("evil.test", certificate=lab.certificate("evil.test"))
        server.greets = False
        await server.listen(ABYSS, 5269)
        await lab.start()
        return lab, server

    @staticmethod
    def refusals(link):
        return [item for item in link.history if item.tag == xmpp.RESULT and item.condition == "resource-constraint"]

    async def test_pending_claims_of_one_stream_are_bounded(self):
        lab, server = await self.abyss()
        link = await lab.b.dial()
        await link.negotiate(B, A)
        await link.send(*[xmpp.result(f"d{i}.evil.test", A, "0" * 64) for i in range(40)])
        await link.until(lambda: len(self.refusals(link)) >= 40 - CLAIMS_PER_STREAM, "refusals")
        self.assertEqual(len(self.refusals(link)), 40 - CLAIMS_PER_STREAM)
        self.assertFalse(link.is_closed)
        await lab.c_is_well()
        self.assertLessEqual(len(server.accepted), CLAIMS_PER_STREAM)
        await link.send(xmpp.message("x@d1.evil.test", ALICE, EVIL))
        await link.ended()

    async def test_200_claims_of_one_address_open_no_more_than_the_bound(self):
        lab, server = await self.abyss()
        before = lab.memory_kb()
        links = []
        for stream in range(10):
            link = await lab.b.dial(source=ATTACKER)
            await link.negotiate(B, A)
            await link.send(*[xmpp.result(f"d{stream}-{i}.evil.test", A, "0" * 64) for i in range(20)])
            links.append(link)
        least = 200 - CLAIMS_PER_ADDRESS
        await lab.b.until(lambda: sum(len(self.refusals(link)) for link in links) >= least, f"{least} refusals")
        await lab.c_is_well()
        self.assertLessEqual(len(server.accepted), CLAIMS_PER_ADDRESS)
        other = await lab.b.stream(B, A)
        await other.send(xmpp.message(BOB, ALICE, id_="m"))
        await lab.inside.received("m")
        self.assertLess(lab.memory_kb() - before, lab.memory_limit_kb())

    async def test_many_claims_of_one_domain_open_one_connection(self):
        lab, server = await self.abyss()
        for _ in range(4):
            link = await lab.b.dial()
            await link.negotiate(B, A)
            await link.send(*[xmpp.result("evil.test", to, "0" * 64) for to in (A, ROOMS)])
        await server.until(lambda: server.accepted, "a connection")
        await lab.c_is_well()
        self.assertEqual(len(server.accepted), 1)

    async def test_claims_that_end_give_room_for_others(self):
        lab = await self.lab(privacy="off", certificates="any")
        link = await lab.b.dial()
        await link.negotiate(B, A)
        for i in range(4 * CLAIMS_PER_STREAM):
            answer = await link.claim(f"d{i}.nowhere.test", A, "0" * 64)
            self.assertEqual(answer.get("type"), "error")
            self.assertNotEqual(answer.condition, "resource-constraint")
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")

    async def test_verifications_for_others_are_no_way_to_exhaust_us(self):
        lab = await self.lab()
        before = lab.memory_kb()
        link = await lab.b.stream(B, A)
        for _ in range(20):
            await link.send(*[xmpp.verify(B, A, f"i{i}", "0" * 64) for i in range(100)])
            await link.until(lambda: sum(item.tag == xmpp.VERIFY for item in link.items) >= 100, "answers")
            link.items.clear()
        self.assertLess(lab.memory_kb() - before, lab.memory_limit_kb())
        await lab.c_is_well()


class SilenceTest(XmppCase):
    """What is begun and not ended is ended for the peer: after 10 s without a word, 30 s without proof."""

    async def test_silence_and_talk_without_proof_are_ended(self):
        lab = await self.lab()
        silent = await lab.b.dial()
        silent_tls = await lab.b.dial(*lab.direct_port)
        half_tls = await lab.b.dial()
        await half_tls.open(B, A)
        await half_tls.send(xmpp.STARTTLS)
        await half_tls.expect(f"{{{xmpp.TLS}}}proceed")
        await half_tls.send("\x16\x03\x01\x02")
        idle = await lab.b.dial()
        await idle.negotiate(B, A)
        talker = await lab.b.dial()
        await talker.negotiate(B, A)

        async def talk():
            while not talker.is_closed:
                await talker.send(" ")
                await asyncio.sleep(0.5)

        talking = asyncio.ensure_future(talk())
        for link in (silent, idle, talker):
            self.assertEqual(await link.ended(60), "connection-timeout")
        for link in (silent_tls, half_tls):
            await link.ended(60)
        await talking
        await lab.c_is_well()
