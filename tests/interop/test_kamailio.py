"""Causeway between two Kamailios over mutual TLS, one before the cluster's user and one before the partner's.

    desk -- TCP -- inner Kamailio -- TLS -- Causeway -- TLS -- outer Kamailio -- TLS -- phone
    bob            zone IMP                                    found by DNS             alice

The inner Kamailio takes the place of the lab's cluster, the outer one that of its edge: name, address and certificate. Both
record-route. The inner one does so twice, for its two transports.
"""

import asyncio
import re
import socket
import ssl
import unittest

from support import kamailio, pki, sip
from support.lab import (ALICE, BOB, CAUSEWAY, CLUSTER, EDGE, IM_ANSWER, IM_OFFER, PIDF, TYPING, ProxyCase, shared_dir)

DESK, PHONE = "desk.uc.example", "phone.ms.example"  # the hosts of bob and alice
HOP_COUNT = 15  # of a zone, by default: what Causeway writes at most
SETTINGS = """
debug=1
tcp_rd_buf_size=65535
dns_try_naptr=no
dns_try_ipv6=no
use_dns_cache=yes
"""
MODULES = ("rr", "xlog", "dispatcher")
# What most administrators have, but that questions to the server itself are answered whatever their Max-Forwards.
ROUTE = """
modparam("dispatcher", "list_file", "{directory}/dispatcher.list")
modparam("dispatcher", "ds_ping_interval", {ping_s})
modparam("dispatcher", "ds_ping_from", "sip:ping@{domain}")
modparam("dispatcher", "ds_probing_mode", 1)
request_route {{
    if (is_method("OPTIONS") && uri == myself && $rU == $null) {{
        xlog("L_NOTICE", "keepalive asked by $si\\n");
        sl_send_reply("200", "Keepalive");
        exit;
    }}
    if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    t_check_trans();
    if (has_totag()) {{
        if (loose_route()) t_relay();
        else if (!is_method("ACK")) sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("INVITE|SUBSCRIBE")) record_route_advertised_address("{address}");
    if ($rd == "{domain}") $du = "{user}";
    else if (!ds_select_dst("1", "0")) {{ sl_send_reply("503", "No way out"); exit; }}
    if (!t_relay()) sl_reply_error();
}}
"""


def via_host(value):
    return re.match(r"SIP/2\.0/\S+ ([^;:]+)", value).group(1)


def route_host(value):
    return sip.uri_host_port(sip.uri_of(value))[0]


class Side:
    """One end: a user, the host that the user is at, and the Kamailio before it."""

    def __init__(self, user, host, server, address):
        self.user, self.host, self.server = user, host, server
        self.address = address  # of the server, for the host
        self._link = None

    def request(self, method, uri, **more):
        return self.host.request(method, uri, more.pop("from_", self.user), **more)

    def contact(self):
        return self.host.contact("me")

    async def send(self, message):
        if not self._link or self._link.closed.is_set():
            self._link = await self.host.connect(self.address, self.server.port, source=self.host.host)
        await self._link.send(message)

    async def ask(self, message, timeout=15):
        await self.send(message)
        return await self.host.final(message, timeout)


# The outer Kamailio as a neighbor, not found by DNS.
NEIGHBORS = {
    "replace_zones": f"""
zone IMP {{ type neighbor; peer @cluster@; verify {CLUSTER}; trusted yes }}
zone PARTNER {{ type neighbor; peer @edge@; verify {EDGE} }}
""",
    "rules": r"""
rule 'in'  { priority 10; source PARTNER; pattern regex '.*@uc\.example'; on-match stop; target IMP }
rule 'out' { priority 20; source IMP; pattern regex '.*@ms\.example'; on-match stop; target PARTNER }
"""}


@unittest.skipUnless(kamailio.IS_INSTALLED, "Kamailio is not installed")
class KamailioCase(ProxyCase):
    changes = {}  # of the lab

    def setUp(self):
        super().setUp()
        self.servers = []

    # -- the world --
    async def side(self, lab, place, user, host, *, plain_host="", ping_s=0, start=True, certificate=None, **more):
        """
        The side of `user` at `host`. Its Kamailio takes the place of an endpoint of the lab, which is gone then. It speaks TCP
        at plain_host, on the same port, so that one name and port is right for both.
        """
        await place.close()
        for address in filter(None, (place.host, plain_host)):
            self.keep(address, place.port)
        directory = lab.dir / f"kamailio-{place.host}"
        route = ROUTE.format(directory=directory, address=f"{place.name}:{place.port}", domain=place.name.split(".", 1)[1],
                             user=sip.uri_of(host.contact()), ping_s=ping_s)
        server = kamailio.Kamailio(
            directory, place.name, place.host, place.port, certificate=certificate or place.certificate, ca=lab.ca.cert,
            settings=SETTINGS + (f"listen=tcp:{plain_host}:{place.port}\n" if plain_host else ""), modules=MODULES,
            route=route, hosts=[(CAUSEWAY, lab.daemon.listeners[0][0]), (host.name, host.host)], **more)
        # Where Kamailio asks, Causeway is inactive until it answered.
        flags = 9 if ping_s else 0
        (directory / "dispatcher.list").write_text("1 sip:%s:%d;transport=tls %d\n" % (*lab.daemon.listeners[0], flags))
        self.servers.append(server)
        self.addCleanup(server.kill)
        if start:
            await server.start()
        return Side(user, host, server, plain_host or place.host)

    def keep(self, host, port):
        """Let the system give that port to nobody; a server can listen there all the same, for it sets SO_REUSEADDR as well."""
        kept = socket.socket()
        self.addCleanup(kept.close)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind((host, port))

    async def inner(self, lab, place=None, desk=None, **more):
        """bob's side, in the place of the cluster or of its second host."""
        place = place or lab.cluster
        if not desk:
            desk = sip.Endpoint(DESK, transport="tcp")
            lab.others.append(desk)
            await desk.listen("127.0.0.6")
        return await self.side(lab, place, BOB, desk, plain_host=place.host.replace("127.0.0.", "127.0.1."), **more)

    async def outer(self, lab, **more):
        """alice's side, in the place of the edge."""
        return await self.side(lab, lab.edge, ALICE, await lab.endpoint(PHONE, host="127.0.0.7"), **more)

    async def chain(self):
        """A lab, and both sides."""
        lab = await self.lab(**self.changes)
        return lab, *await asyncio.gather(self.inner(lab), self.outer(lab))

    async def both_ways(self):
        """The lab with its two sides, once in this order and once in the other."""
        lab, inner, outer = await self.chain()
        return lab, ((inner, outer), (outer, inner))

    # -- what must hold --
    def assert_chain(self, sent, got, one, two, record_routes=()):
        """`got` is what came of `sent`: each hop in its Via, a Max-Forwards for each, those Record-Routes, and nothing else."""
        self.assertEqual(got.start, sent.start)
        vias = got.values("via")
        self.assertEqual([via_host(via) for via in vias], [two.server.name, CAUSEWAY, one.server.name, one.host.name])
        self.assertEqual([sip.params_of(via).get("received") for via in vias],
                         [None, "127.0.0.1", one.server.host, one.host.host])
        self.assertEqual(got.max_forwards, min(sent.max_forwards - 2, HOP_COUNT) - 1)
        self.assertEqual([route_host(route) for route in got.values("record-route")], list(record_routes))
        self.assertFalse(got.has("route"))
        changed = ("via", "max-forwards", "route", "record-route")
        self.assertEqual([line for line in got.lines if got.name_of(line) not in changed],
                         [line for line in sent.lines if sent.name_of(line) not in changed])
        self.assertEqual(got.body, sent.body)

    def hops(self, one, two):
        """Who record-routes a request from one side to the other, the last one first."""
        def at(side):
            return [side.server.name] * (2 if side.host.transport == "tcp" else 1)

        return [*at(two), CAUSEWAY, *at(one)]

    def assert_own_record_route(self, lab, message):
        """Ours is a URI that the peers can send to."""
        uri = next(sip.uri_of(value) for value in message.values("record-route") if route_host(value) == CAUSEWAY)
        self.assertEqual(sip.uri_host_port(uri)[1], lab.daemon.port)
        self.assertEqual(sip.uri_params(uri)["transport"], "tls")
        self.assertIn("lr", sip.uri_params(uri))

    def assert_answer(self, request, answer, status):
        """The answer has that status and only the Via of who asked."""
        self.assert_status(answer, status)
        self.assertEqual([via_host(via) for via in answer.values("via")], [via_host(request.values("via")[0])])

    async def assert_books(self, lab, **fates):
        """Exactly those requests were received, and each has its fate."""
        counters = await lab.daemon.counters()
        booked = {name.removeprefix("fate."): n for name, n in counters.items() if name.startswith("fate.") and n}
        self.assertEqual(booked, fates)
        self.assertEqual([counters[name] for name in ("requests.received", "requests.open", "unaccounted")],
                         [sum(fates.values()), 0, 0])

    # -- what is done often --
    async def carried(self, one, two, request, status=200, record_routes=(), **more):
        """The request goes from one side to the other and its answer back; the request as it arrived and the answer."""
        await one.send(request)
        got = await two.host.expect(request.method)
        self.assert_chain(request, got, one, two, record_routes)
        answer = await two.host.respond(got, status, **more)
        final = await one.host.final(request)
        self.assert_answer(request, final, status)
        self.assertEqual(final.body, answer.body)
        return got, answer, final

    async def message(self, one, two, body=b"hello"):
        """A message goes from one side to the other, and is accepted: as it arrived."""
        return (await self.carried(one, two, one.request("MESSAGE", sip.uri_of(two.user), body=body)))[0]

    async def message_by(self, one, two):
        """The same, by that side's server and not by another of its name."""
        self.assertIn(f"{two.server.name}:{two.server.port};", (await self.message(one, two)).values("via")[0])

    async def session(self, lab, one, two):
        """An IM session that one side began, confirmed: the dialogs of both."""
        invite = one.request("INVITE", sip.uri_of(two.user), contact=one.contact(), content_type="application/sdp",
                             body=IM_OFFER)
        await one.send(invite)
        got = await two.host.expect("INVITE")
        self.assert_chain(invite, got, one, two, self.hops(one, two))
        self.assert_own_record_route(lab, got)
        await two.host.respond(got, 180, to_tag="callee")
        await one.host.expect(180)
        answer = await two.host.respond(got, 200, to_tag="callee", contact=two.contact(), content_type="application/sdp",
                                        body=IM_ANSWER)
        final = await one.host.final(invite)
        self.assert_answer(invite, final, 200)
        self.assertEqual(final.body, IM_ANSWER)
        self.assertEqual(final.values("record-route"), got.values("record-route"))
        caller, callee = sip.Dialog.caller(one.host, invite, final), sip.Dialog.callee(two.host, got, answer)
        ack = caller.request("ACK", cseq=caller.cseq)
        await one.send(ack)
        self.assert_chain(ack, await two.host.expect("ACK"), one, two)
        return caller, callee

    async def ringing(self, one, two):
        """An INVITE that rings: as sent, as it arrived."""
        invite = one.request("INVITE", sip.uri_of(two.user), contact=one.contact(), content_type="application/sdp",
                             body=IM_OFFER)
        await one.send(invite)
        got = await two.host.expect("INVITE")
        await two.host.respond(got, 180, to_tag="callee")
        await one.host.expect(180)
        return invite, got


class MessageTest(KamailioCase):
    async def test_bodies_pass_unchanged(self):
        lab, ways = await self.both_ways()
        bodies = ("Grüße aus Köln\r\n".encode(), bytes(range(256)), b"0123456789abcdef" * 2000)
        for one, two in ways:
            for body in bodies:
                await self.message(one, two, body)
        await self.assert_books(lab, delivered=6)

    async def test_answers_pass_unchanged(self):
        lab, ways = await self.both_ways()
        for one, two in ways:
            message = one.request("MESSAGE", sip.uri_of(two.user), body="x")
            _, answer, final = await self.carried(one, two, message, 415, headers=[("Accept", "text/plain")],
                                                  content_type="text/xml", body="<why/>")
            self.assertEqual([line for line in final.lines if final.name_of(line) != "via"],
                             [line for line in answer.lines if answer.name_of(line) != "via"])
        await self.assert_books(lab, rejected=2)

    async def test_hops_are_counted_down_to_the_last(self):
        lab, ways = await self.both_ways()
        for one, two in ways:
            uri = sip.uri_of(two.user)
            await self.carried(one, two, one.request("MESSAGE", uri, max_forwards=10, body="x"))
            for hops in (1, 2):  # Causeway has none left; Causeway leaves the next one none
                message = one.request("MESSAGE", uri, max_forwards=hops, body="x")
                self.assert_answer(message, await one.ask(message), 483)
            await two.host.nothing(0.1)
        await self.assert_books(lab, delivered=2, rejected=4)

    async def test_what_no_rule_routes_is_answered_404(self):
        lab, ways = await self.both_ways()
        for one, two in ways:
            for method in ("MESSAGE", "SUBSCRIBE", "INVITE"):
                request = one.request(method, "sip:nobody@elsewhere.example", contact=one.contact(),
                                      headers=[("Event", "presence")])
                final = await one.ask(request)
                self.assert_answer(request, final, 404)
                if method == "INVITE":
                    await one.send(one.host.ack_failure(request, final))
            await two.host.nothing(0.1)
        await self.assert_books(lab, rejected=6)


class SenderTest(KamailioCase):
    async def test_a_sender_of_another_domain_is_refused(self):
        lab, inner, outer = await self.chain()
        message = outer.request("MESSAGE", sip.uri_of(BOB), from_="<sip:eve@uc.example>", body="x")
        self.assert_answer(message, await outer.ask(message), 403)
        await inner.host.nothing(0.1)
        await self.assert_books(lab, rejected=1)


class DialogTest(KamailioCase):
    async def test_a_session(self):
        lab, ways = await self.both_ways()
        for one, two in ways:
            caller, callee = await self.session(lab, one, two)
            for here, there, dialog in ((one, two, caller), (two, one, callee)):
                await self.carried(here, there, dialog.request("INFO", content_type="application/xml", body=TYPING))
                await self.carried(here, there, dialog.request("MESSAGE", body="Grüße".encode()))
            if one is ways[0][0]:
                await self.carried(two, one, callee.request("BYE"))
            else:
                await self.carried(one, two, caller.request("BYE"))
        await self.assert_books(lab, delivered=2 * (1 + 4 + 1), sent=2)  # sent: the ACKs

    async def test_a_refused_invite(self):
        lab, ways = await self.both_ways()
        for one, two in ways:
            invite, got = await self.ringing(one, two)
            await two.host.respond(got, 486, to_tag="callee")
            ack = await two.host.expect("ACK")
            self.assertEqual([via_host(via) for via in ack.values("via")], [two.server.name])
            final = await one.host.final(invite)
            self.assert_answer(invite, final, 486)
            await one.send(one.host.ack_failure(invite, final))
            await two.host.nothing(0.1)  # it goes no further than to the next hop
        await self.assert_books(lab, rejected=2)

    async def test_a_cancelled_invite(self):
        lab, ways = await self.both_ways()
        for one, two in ways:
            invite, got = await self.ringing(one, two)
            cancel = one.host.cancel(invite)
            self.assert_answer(cancel, await one.ask(cancel), 200)
            cancelled = await two.host.expect("CANCEL")
            self.assertEqual((cancelled.uri, cancelled.branch, cancelled.cseq[0]), (got.uri, got.branch, got.cseq[0]))
            await two.host.respond(cancelled, 200, to_tag="callee")
            await two.host.respond(got, 487, "Request Terminated", to_tag="callee")
            await two.host.expect("ACK")
            final = await one.host.final(invite)
            self.assert_answer(invite, final, 487)
            await one.send(one.host.ack_failure(invite, final))
        await self.assert_books(lab, delivered=2, expired=2)  # delivered: the CANCELs

    async def test_a_subscription_and_its_notifications(self):
        lab, ways = await self.both_ways()
        for one, two in ways:
            subscribe = one.request("SUBSCRIBE", sip.uri_of(two.user), contact=one.contact(), headers=[
                ("Event", "presence"), ("Expires", "3600"), ("Accept", "application/pidf+xml")])
            got, answer, final = await self.carried(
                one, two, subscribe, record_routes=self.hops(one, two), contact=two.contact(), headers=[("Expires", "3600")])
            watcher, source = sip.Dialog.caller(one.host, subscribe, final), sip.Dialog.callee(two.host, got, answer)
            await self.notify(two, one, source, "active;expires=3600")
            refresh = watcher.request("SUBSCRIBE", contact=one.contact(), headers=[("Event", "presence"), ("Expires", "0")])
            # Within a dialog only Causeway record-routes.
            await self.carried(one, two, refresh, record_routes=[CAUSEWAY], contact=two.contact())
            await self.notify(two, one, source, "terminated;reason=timeout")
        await self.assert_books(lab, delivered=2 * 4)

    async def notify(self, source, watcher, dialog, state):
        notify = dialog.request("NOTIFY", contact=source.contact(), content_type="application/pidf+xml", body=PIDF,
                                headers=[("Event", "presence"), ("Subscription-State", state)])
        await self.carried(source, watcher, notify, record_routes=[CAUSEWAY])


class NeighborMessageTest(MessageTest):
    changes = NEIGHBORS


class NeighborDialogTest(DialogTest):
    changes = NEIGHBORS


class MonitorTest(KamailioCase):
    async def test_each_asks_the_other_and_uses_it_when_it_answers(self):
        lab = await self.lab(imp="monitor yes", imp_peers=["@cluster@", "@second@"])
        for place in (lab.cluster, lab.second):
            await place.expect("OPTIONS")  # and it gets no answer but the end of the connection
        first = await self.inner(lab, start=False)
        await lab.daemon.logged("sip.monitor", event="peer-inactive", peer=lab.cluster.host)
        second, outer = await asyncio.gather(self.inner(lab, lab.second, first.host, ping_s=1), self.outer(lab, ping_s=1))
        for side, zone in ((second, "IMP"), (outer, "default")):
            await self.active(side.server)
            asked = await lab.daemon.logged("sip.request", **{"method": "OPTIONS", "from": zone})
            self.assertEqual(asked.fate, "delivered")
        await self.message_by(outer, second)
        await first.server.start()
        await lab.daemon.logged("sip.monitor", event="peer-active", peer=lab.cluster.host)
        await first.server.logged(r"keepalive asked by 127\.0\.0\.1")
        await self.message_by(outer, first)
        await self.message(second, outer)

    async def active(self, server):
        """Until its Causeway is active, and asked on."""
        async with self.within(20):
            while "FLAGS: AP" not in await server.rpc("dispatcher.list"):
                await asyncio.sleep(0.1)


class FailoverTest(KamailioCase):
    async def peers(self):
        """The lab, bob's side through its first Kamailio and through its second, and alice's side."""
        lab = await self.lab(imp_peers=["@cluster@", "@second@"])
        first = await self.inner(lab)
        return lab, first, *await asyncio.gather(self.inner(lab, lab.second, first.host), self.outer(lab))

    async def kill(self, lab, server):
        server.kill()
        await lab.daemon.logged("sip.connection", event="closed", remote=f"{server.host}:{server.port}")

    async def test_a_killed_peer_is_replaced_and_a_restarted_one_used_again(self):
        lab, first, second, outer = await self.peers()
        await self.message_by(outer, first)
        await self.kill(lab, first.server)
        for _ in range(2):
            await self.message_by(outer, second)
        await first.server.start()
        await self.message_by(outer, first)
        await self.assert_books(lab, delivered=4)

    async def test_a_message_under_way_in_a_killed_peer_is_not_sent_again(self):
        lab, first, second, outer = await self.peers()
        message = outer.request("MESSAGE", sip.uri_of(BOB), body="x")
        await outer.send(message)
        await first.host.expect("MESSAGE")
        first.server.kill()
        self.assert_answer(message, await outer.host.final(message), 504)
        await second.host.nothing(0.2)
        await self.assert_books(lab, unknown=1)

    async def test_a_killed_edge_comes_back(self):
        lab, inner, outer = await self.chain()
        await self.message(inner, outer)
        await self.kill(lab, outer.server)
        message = inner.request("MESSAGE", sip.uri_of(ALICE), body="x")
        self.assert_answer(message, await inner.ask(message), 504)
        await outer.server.start()
        await self.message(inner, outer)
        await self.message(outer, inner)
        await self.assert_books(lab, delivered=3, failed=1)


class CertificateTest(KamailioCase):
    """A stranger's certificate gets no message through, whoever refuses it."""

    async def refused(self, *, tls_method="TLSv1.2+", ours=None, theirs=None):
        """A message each way between the edge and an inner Kamailio, in vain: the lab, bob's side, the answer to the edge."""
        lab = await self.lab(own_certificate=ours)
        inner = await self.inner(lab, certificate=theirs, tls_method=tls_method)
        context = sip.client_context(lab.ca, lab.edge.certificate)
        context.verify_mode = ssl.CERT_NONE
        message = lab.from_edge(body="x")
        await (await lab.edge.connect(*lab.daemon.listeners[0], context=context)).send(message)
        final = await lab.edge.final(message)
        await inner.host.nothing(0.1)
        await inner.send(inner.request("MESSAGE", sip.uri_of(ALICE), body="x"))
        await lab.daemon.logged("net.tls", event="handshake-failed", side="accept")
        await lab.edge.nothing(0.1)
        return lab, inner, final

    async def test_kamailio_refuses_ours(self):
        ours = pki.CA(shared_dir(), "other").issue("own", dns=[CAUSEWAY])
        for method in ("TLSv1.2", "TLSv1.2+"):
            with self.subTest(method):
                lab, inner, final = await self.refused(ours=ours, tls_method=method)
                self.assert_status(final, 504)
                await inner.server.logged("certificate verify failed")
                await self.assert_books(lab, failed=1)

    async def test_we_refuse_that_of_kamailio(self):
        lab, _, final = await self.refused(theirs=pki.CA(shared_dir(), "other").issue("cluster", dns=[CLUSTER]))
        self.assert_status(final, 504)
        await lab.daemon.logged("net.tls", event="handshake-failed", side="dial")
        await self.assert_books(lab, failed=1)
