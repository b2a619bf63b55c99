"""Things that end while others still need them: requests, connections, zones, the daemon itself."""

import asyncio
import time

from support import sip
from support.lab import CLUSTER, GRUU, IM_OFFER, RULES, ProxyCase, Silent

OPTIONS = ("OPTIONS", "sip:expe.uc.example")
ANY_SOURCE = RULES + "rule 'any' { priority 40; pattern regex '.*@uc\\.example'; on-match stop; target IMP }\n"


def invite(lab, sender=None, **more):
    make = lab.from_cluster if sender is lab.cluster else lab.from_edge
    return make("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER, **more)


class CancelTest(ProxyCase):
    async def test_a_cancel_while_the_sender_is_being_looked_up_ends_the_request_once(self):
        with Silent("127.0.0.8") as silent:
            lab = await self.lab(dns_server=silent.address)
            request = invite(lab)
            await lab.send(lab.edge, request)
            self.assert_status(await lab.ask(lab.edge, lab.edge.cancel(request)), 200)
            self.assert_status(await lab.edge.final(request), 487)
            await asyncio.sleep(6)  # the lookup would have ended by now
            self.assertEqual([m.status for m in lab.edge.history if m.cseq[1] == "INVITE"], [487])
            self.assert_status(await lab.ask(lab.edge, lab.from_edge(*OPTIONS)), 200)
            counters = await lab.daemon.counters()
            self.assertEqual((counters["unaccounted"], counters["requests.open"]), (0, 0))


class DialledConnectionTest(ProxyCase):
    """What comes in over a connection that we made."""

    async def back(self, lab, request):
        """Send `request` over the connection that we dialled to the edge; its final answer."""
        message = lab.from_cluster(body="x")
        await lab.send(lab.cluster, message)
        got = await lab.edge.expect("MESSAGE")
        await lab.edge.respond(got, 200)
        self.assert_status(await lab.cluster.final(message), 200)
        await got.link.send(request)
        return await lab.edge.final(request)

    async def test_a_dns_zone_is_no_way_around_the_sender_check(self):
        lab = await self.lab(rules=ANY_SOURCE)
        stranger = lab.from_edge(body="x", from_="<sip:eve@uc.example>")
        self.assert_status(await self.back(lab, stranger), 403)
        await lab.cluster.nothing(0.1)

    async def test_a_partner_may_use_it_as_its_own(self):
        lab = await self.lab()
        message = lab.from_edge(body="back")
        answer = asyncio.ensure_future(self.back(lab, message))
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await answer, 200)

    async def test_a_dns_zone_is_no_way_around_the_access_rules(self):
        lab = await self.lab(more="access default { deny any }")
        self.assert_status(await self.back(lab, lab.from_edge(body="x")), 403)
        await lab.cluster.nothing(0.1)

    async def test_a_peer_that_its_zone_does_not_name_any_more_is_not_of_that_zone(self):
        lab = await self.lab(imp="verify other.uc.example")
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        await lab.cluster.respond(got, 200)
        await lab.edge.final(message)
        await lab.daemon.reload(lab.configuration().replace(f"verify {CLUSTER}\n", ""))
        await got.link.wait_closed()


class ClosingConnectionTest(ProxyCase):
    async def test_a_connection_that_is_being_closed_is_not_used_for_new_requests(self):
        lab = await self.lab()
        message = lab.from_edge(body="1")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        await lab.cluster.respond(got, 200)
        await lab.edge.final(message)
        got.link.writer.transport.pause_reading()  # it does not see that we close
        await got.link.send(b"garbage\r\n\r\n")
        await lab.daemon.logged("sip.link", event="garbage")
        message = lab.from_edge(body="2")
        await lab.send(lab.edge, message)
        again = await lab.cluster.expect("MESSAGE")
        await lab.cluster.respond(again, 200)
        self.assert_status(await lab.edge.final(message), 200)


class DeadlineTest(ProxyCase):
    async def test_hosts_that_cannot_be_found_cost_no_more_than_the_time_for_all(self):
        with Silent("127.0.0.8") as silent:
            srv = [("_sipfederationtls._tcp.late.ms.example", f"h{i}.slow.late.ms.example", 5061, i) for i in range(8)]
            forward = "--server=/slow.late.ms.example/" + silent.address.replace(":", "#")
            lab = await self.lab(srv=srv, extra_dns=[forward])
            started = time.monotonic()
            self.assert_status(await lab.ask(lab.cluster, lab.from_cluster(uri="sip:a@late.ms.example", body="x"), 50), 504)
            self.assertLess(time.monotonic() - started, 31)


class ReloadTest(ProxyCase):
    async def test_a_tcp_peer_with_a_name_stays_in_its_zone(self):
        zones = f"""zone IMP {{ type neighbor; transport tcp; trusted yes; peer {CLUSTER}:5060 }}
zone internet {{ type dns; allow-private yes }}"""
        lab = await self.lab(replace_zones=zones, listen=("tcp 127.0.0.1:0", "tls 127.0.0.1:0"))
        for _ in range(100):
            if ("A", CLUSTER) in lab.dns.queries():
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        reader, writer = await asyncio.open_connection(*lab.daemon.listeners[0], local_addr=("127.0.0.2", 0))
        link = sip.Link(lab.cluster, reader, writer, False)
        for turn in ("before", "after"):
            message = lab.from_cluster(body=turn)
            await link.send(message)
            await lab.edge.respond(await lab.edge.expect("MESSAGE"), 200)
            self.assert_status(await lab.cluster.final(message), 200)
            await lab.daemon.reload()
        await link.close()

    async def test_a_tcp_peer_that_was_there_before_its_name_was_found_comes_into_its_zone(self):
        zones = f"""zone IMP {{ type neighbor; transport tcp; trusted yes; peer {CLUSTER}:5060 }}
zone internet {{ type dns; allow-private yes }}"""
        lab = await self.lab(replace_zones=zones, listen=("tcp 127.0.0.1:0", "tls 127.0.0.1:0"))
        await lab.daemon.stop()
        lab.dns.pause()
        lab.daemon.listeners = []
        await lab.daemon.start()
        reader, writer = await asyncio.open_connection(*lab.daemon.listeners[0], local_addr=("127.0.0.2", 0))
        link = sip.Link(lab.cluster, reader, writer, False)
        options = lab.from_cluster(*OPTIONS)
        await link.send(options)
        self.assert_status(await lab.cluster.final(options), 200)
        lab.dns.resume()
        for _ in range(20):
            message = lab.from_cluster(body="x")
            await link.send(message)
            answering = asyncio.ensure_future(lab.edge.expect("MESSAGE", 30))
            final = asyncio.ensure_future(lab.cluster.final(message, 30))
            await asyncio.wait((answering, final), return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                break
            answering.cancel()
            await asyncio.sleep(0.5)
        await lab.edge.respond(await answering, 200)
        self.assert_status(await final, 200)
        await link.close()

    async def test_a_thousand_peers_by_name_are_all_looked_up(self):
        zones = "\n".join(f"zone N{i} {{ type neighbor; peer n{i}.many.example:1; monitor yes }}" for i in range(1000))
        lab = await self.lab(more=zones, extra_dns=["--address=/many.example/127.0.0.10"])
        async with asyncio.timeout(30):
            while len(lab.daemon.log("sip.monitor", event="peer-inactive")) < 1000:
                await asyncio.sleep(0.1)
        self.assertEqual({line.why for line in lab.daemon.log("sip.monitor")}, {"unreachable"})

    async def test_listeners_on_ports_that_the_system_chose_stay(self):
        lab = await self.lab(listen=("tls 127.0.0.1:0", "tls 127.0.0.1:0"))
        await lab.daemon.reload()
        for host, port in lab.daemon.listeners:
            link = await lab.edge.connect(host, port)
            options = lab.from_edge(*OPTIONS)
            await link.send(options)
            self.assert_status(await lab.edge.final(options), 200)


class AnswerTest(ProxyCase):
    async def test_an_answer_that_lost_the_senders_via_does_not_end_in_silence(self):
        lab = await self.lab(imp="response-timeout 2")
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        answer = lab.cluster.response(got, 200)
        top = answer.raw_lines("via")[0]
        answer.lines = [line for line in answer.lines if line == top or answer.name_of(line) != "via"]
        await got.link.send(answer)
        self.assert_status(await lab.edge.final(message), 504)


class StopTest(ProxyCase):
    async def test_requests_that_keep_coming_do_not_keep_it_alive(self):
        lab = await self.lab()
        link = await lab.link(lab.edge)
        stop = asyncio.ensure_future(lab.daemon.stop(timeout=10))
        while not stop.done() and not link.closed.is_set():
            try:
                await link.send(lab.from_edge(body="x"))
            except OSError:
                break
            await asyncio.sleep(0.02)
        await stop

    async def test_what_rings_is_cancelled(self):
        lab = await self.lab()
        request = invite(lab)
        await lab.send(lab.edge, request)
        got = await lab.cluster.expect("INVITE")
        await lab.cluster.respond(got, 180)
        await lab.edge.expect(180)
        stop = asyncio.ensure_future(lab.daemon.stop(timeout=20))
        self.assert_status(await lab.edge.final(request), 503)
        cancel = await lab.cluster.expect("CANCEL")
        self.assertEqual(cancel.branch, got.branch)
        await stop
