"""Limits that a peer can run into, and the load that must pass below them."""

import asyncio
import resource
import ssl

from support import sip
from support.lab import CAUSEWAY, CLUSTER, GRUU, RULES, ProxyCase

KIB = 1024


def raise_file_limit(wanted=8192):
    """Room for some thousand sockets in this process and the daemon it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class SizeTest(ProxyCase):
    async def passes(self, lab, message):
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE", 20)
        self.assert_forwarded(message, got)
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(message), 200)

    async def refused(self, lab, message):
        """A 4xx or 513, or a closed connection; nothing forwarded, others not disturbed."""
        link = await lab.link(lab.edge, fresh=True)
        try:
            await link.send(message)
        except (ConnectionError, ssl.SSLError):
            pass
        answer = asyncio.ensure_future(lab.edge.final(message, 30))
        closed = asyncio.ensure_future(link.wait_closed(30))
        await asyncio.wait((answer, closed), return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            status = (await answer).status
            self.assertTrue(400 <= status < 500 or status == 513, status)
        answer.cancel()
        closed.cancel()
        await lab.cluster.nothing(0.1)
        await lab.link(lab.edge, fresh=True)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")), 200)

    async def test_200_headers_pass_and_201_do_not(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        extra = 200 - len(message.lines)
        headers = [("X-Number", str(i)) for i in range(extra)]
        await self.passes(lab, lab.from_edge(headers=headers, body="x"))
        await self.refused(lab, lab.from_edge(headers=[*headers, ("X-Number", "last")], body="x"))

    async def test_headers_of_60_kib_pass_and_of_66_do_not(self):
        lab = await self.lab()
        await self.passes(lab, lab.from_edge(headers=[("X-Long", "y" * 1000)] * 60, body="x"))
        await self.refused(lab, lab.from_edge(headers=[("X-Long", "y" * 1000)] * 66, body="x"))

    async def test_headers_without_end_are_refused(self):
        lab = await self.lab()
        await self.refused(lab, sip.Message("MESSAGE sip:bob@uc.example SIP/2.0", [
            f"Via: {lab.edge.via()}", b"X-Long: " + b"z" * 80 * KIB]))

    async def test_a_body_of_1_mib_passes_and_one_byte_more_does_not(self):
        lab = await self.lab()
        await self.passes(lab, lab.from_edge(body=b"x" * KIB * KIB, content_type="application/octet-stream"))
        await self.refused(lab, lab.from_edge(body=b"x" * (KIB * KIB + 1)))

    async def test_a_claimed_body_of_4_gib_is_refused_at_once(self):
        lab = await self.lab()
        message = lab.from_edge()
        for length in ("4294967297", "18446744073709551617"):
            message.set("Content-Length", length)
            await self.refused(lab, message)


class ConnectionTest(ProxyCase):
    async def test_half_open_connections_are_capped_per_address(self):
        lab = await self.lab()
        host, port = lab.daemon.listeners[0]
        held = [await asyncio.open_connection(host, port, local_addr=("127.0.0.9", 0)) for _ in range(128)]
        self.addCleanup(lambda: [writer.close() for _, writer in held])
        reader, writer = await asyncio.open_connection(host, port, local_addr=("127.0.0.9", 0))
        try:
            self.assertEqual(await asyncio.wait_for(reader.read(1), 5), b"")
        except ConnectionError:
            pass
        writer.close()
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")), 200)

    async def test_1000_idle_connections_stay_and_the_1025th_of_an_address_does_not(self):
        raise_file_limit()
        lab = await self.lab()
        host, port = lab.daemon.listeners[0]
        context = sip.client_context(lab.ca, lab.edge.certificate)
        gate = asyncio.Semaphore(32)

        async def open_one():
            async with gate:
                link = await lab.edge.connect(host, port, source="127.0.0.9", context=context)
                options = lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")
                await link.send(options)
                self.assert_status(await lab.edge.final(options, 30), 200)
                return link

        links = await asyncio.gather(*(open_one() for _ in range(1000)))
        self.assertFalse([link for link in links if link.closed.is_set()])
        message = lab.from_edge(body="x")
        await links[500].send(message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)
        await asyncio.gather(*(open_one() for _ in range(24)))
        with self.assertRaises((OSError, ssl.SSLError, AssertionError)):
            link = await lab.edge.connect(host, port, source="127.0.0.9", context=context)
            options = lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")
            await link.send(options)
            self.assert_status(await lab.edge.final(options, 2), 200)
        self.assertFalse([link for link in links if link.closed.is_set()], "an idle connection was closed")
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")), 200)


    async def test_messages_that_never_end_do_not_fill_the_memory(self):
        raise_file_limit()
        lab = await self.lab()
        context = sip.client_context(lab.ca, lab.edge.certificate)
        begun = bytes(lab.from_edge(body=b"y" * KIB * KIB))[:-100]
        links = []
        for _ in range(100):
            links.append(await lab.edge.connect(*lab.daemon.listeners[0], source="127.0.0.9", context=context))
            try:
                await asyncio.wait_for(links[-1].send(begun), 5)
            except (OSError, ssl.SSLError):
                pass
        for _ in range(50):
            held = [link for link in links if not link.closed.is_set()]
            if len(held) <= 64:
                break
            await asyncio.sleep(0.1)
        self.assertLessEqual(len(held), 64)
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)


class ConcurrencyTest(ProxyCase):
    async def test_1000_concurrent_transactions_are_all_answered(self):
        lab = await self.lab()
        links = [await lab.link(lab.edge, fresh=True) for _ in range(4)]
        held, answered = [], {}
        all_there, all_answered = asyncio.Event(), asyncio.Event()

        async def hold(request):
            held.append(request)
            if len(held) == 1000:
                all_there.set()

        lab.cluster.on_request = hold
        take = lab.edge.take

        async def count(received):
            if received.status >= 200:
                answered[received.branch] = received.status
                if len(answered) == 1000:
                    all_answered.set()
            else:
                await take(received)

        lab.edge.take = count
        messages = [lab.from_edge(body=f"{i}") for i in range(1000)]
        for i, link in enumerate(links):
            await link.send(b"".join(map(bytes, messages[i::4])))
        await asyncio.wait_for(all_there.wait(), 30)
        self.assertFalse(answered, "answered before the far side did")
        self.assertEqual({m.body for m in held}, {m.body for m in messages})
        for request in reversed(held):
            await lab.cluster.respond(request, 200)
        await asyncio.wait_for(all_answered.wait(), 30)
        self.assertEqual(set(answered.values()), {200})
        self.assertEqual(set(answered), {m.branch for m in messages})
        lab.edge.take, lab.cluster.on_request = take, None


    async def test_requests_of_strangers_leave_room_for_those_of_the_own_servers(self):
        lab = await self.lab(imp="response-timeout 27")
        held, refused, all_done = 0, 0, asyncio.Event()

        async def hold(received):
            nonlocal held, refused
            held += received.is_request
            refused += received.status == 503
            if held + refused == 25_010:
                all_done.set()

        lab.cluster.take = lab.edge.take = hold
        link = await lab.link(lab.edge)
        message = bytes(lab.from_edge(branch="z9hG4bK-number", body="x"))
        for begin in range(0, 25_010, 1000):
            numbers = range(begin, min(begin + 1000, 25_010))
            await link.send(b"".join(message.replace(b"-number", b"%d" % n) for n in numbers))
        await asyncio.wait_for(all_done.wait(), 60)
        del lab.cluster.take, lab.edge.take
        message = lab.from_cluster(body="y")
        await lab.send(lab.cluster, message)
        await lab.edge.respond(await lab.edge.expect("MESSAGE"), 200)
        self.assert_status(await lab.cluster.final(message), 200)
        self.assertEqual(held, 25_000)


class BackPressureTest(ProxyCase):
    async def test_a_peer_that_does_not_read_stops_its_sources_and_no_one_else(self):
        lab = await self.lab(imp="response-timeout 5")
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        await lab.cluster.respond(got, 200)
        got.link.writer.transport.pause_reading()
        flood = await lab.link(lab.edge, fresh=True)
        sent = 0

        async def pour():
            nonlocal sent
            while True:
                await flood.send(lab.from_edge("BENOTIFY", body=b"y" * 200_000, headers=[("Event", "presence")]))
                sent += 1

        pouring = asyncio.ensure_future(pour())
        done, _ = await asyncio.wait((pouring,), timeout=3)
        self.assertFalse(done, "the flood was cut off instead of stopped")
        # What the daemon, the kernel's buffers on both legs and our own hold: far below what could be poured in 3 s.
        self.assertLess(sent * 200_000, 40_000_000)
        other = await lab.link(lab.edge, fresh=True)
        options = lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")
        await other.send(options)
        self.assert_status(await lab.edge.final(options), 200)
        before = sent
        got.link.writer.transport.resume_reading()
        for _ in range(100):
            await asyncio.sleep(0.05)
            if sent > before + 5:
                break
        self.assertGreater(sent, before, "it never went on")
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)

    async def test_a_peer_that_reads_drop_by_drop_does_not_hold_others_up_for_long(self):
        zone = f"zone OTHER {{ type neighbor; peer @second@; verify {CLUSTER} }}"
        rule = r"rule 'other' { priority 5; source IMP; pattern regex '.*@other\.example'; target OTHER }"
        lab = await self.lab(rules=RULES + rule, more=zone)
        message = lab.from_cluster(body="x")
        await lab.send(lab.cluster, message)
        got = await lab.edge.expect("MESSAGE")
        await lab.edge.respond(got, 200)
        self.assert_status(await lab.cluster.final(message), 200)
        got.link.task.cancel()
        link = await lab.link(lab.cluster)

        async def read_slowly():
            while await got.link.reader.read(4000):
                await asyncio.sleep(0.05)

        async def pour():
            while True:
                await link.send(lab.from_cluster("BENOTIFY", body=b"y" * 200_000, headers=[("Event", "presence")]))

        tasks = [asyncio.ensure_future(read_slowly()), asyncio.ensure_future(pour())]
        done, _ = await asyncio.wait(tasks, timeout=3)
        self.assertFalse(done, "the flood was not stopped")
        tasks[1].cancel()
        # What its sender has for somebody else stands behind the flood, on the same connection.
        other = lab.from_cluster(uri="sip:carol@other.example", body="z")
        link.writer.write(bytes(other))
        await lab.second.respond(await lab.second.expect("MESSAGE", 40), 200)
        self.assert_status(await lab.cluster.final(other), 200)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class LingeringTest(ProxyCase):
    MAX = 20_000  # INVITEs that wait for their ACK

    async def test_refused_invites_whose_ack_never_comes_are_not_kept_without_bound(self):
        lab = await self.lab()
        link = await lab.link(lab.edge)
        answered, all_answered = 0, asyncio.Event()

        async def count(received):
            nonlocal answered
            answered += received.status == 404
            if answered == self.MAX + 10:
                all_answered.set()

        lab.edge.take = count
        invite = bytes(lab.from_edge("INVITE", "sip:x@nowhere.example", contact=GRUU, branch="z9hG4bK-number"))
        ack = invite.replace(b"INVITE", b"ACK")
        for text in (invite, ack):
            if text is ack:
                await asyncio.wait_for(all_answered.wait(), 60)
            for begin in range(0, self.MAX + 10, 1000):
                numbers = range(begin, min(begin + 1000, self.MAX + 10))
                await link.send(b"".join(text.replace(b"-number", b"%d" % n) for n in numbers))
        # The ACK of one that was not kept is a stray one.
        for _ in range(100):
            strays = (await lab.daemon.counters())["sip.acks.stray"]
            if strays >= 10:
                break
        self.assertEqual(strays, 10)


    async def test_large_invites_that_were_refused_take_no_room_from_others(self):
        lab = await self.lab()
        link = await lab.link(lab.edge)
        for _ in range(520):  # more than all messages together may take
            invite = lab.from_edge("INVITE", "sip:x@nowhere.example", contact=GRUU, body=b"y" * KIB * KIB)
            await link.send(invite)
        self.assert_status(await lab.edge.final(invite, 60), 404)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(uri="sip:x@nowhere.example", body="x")), 404)


class DialledTest(ProxyCase):
    MAX = 800  # connections to whomever DNS names

    async def test_connections_to_ever_new_names_are_not_made_without_bound(self):
        raise_file_limit()
        lab = await self.lab(internet="verify off", extra_dns=["--address=/many.ms.example/127.0.0.3"])

        async def answer(request):
            await lab.edge.respond(request, 200)

        lab.edge.on_request = answer
        for begin in range(0, self.MAX + 50, 50):
            messages = [lab.from_cluster(uri=f"sip:a@h{begin + i}.many.ms.example:{lab.edge.port}", body="x")
                        for i in range(50)]
            for message in messages:
                await lab.send(lab.cluster, message)
            for message in messages:
                self.assert_status(await lab.cluster.final(message, 30), 200)
        for _ in range(100):
            if len(lab.edge.accepted) <= self.MAX:
                break
            await asyncio.sleep(0.05)
        self.assertLessEqual(len(lab.edge.accepted), self.MAX)
