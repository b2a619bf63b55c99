"""What is answered instead of forwarded, and what closes a connection; everyone else goes on."""

import asyncio

from support import sip
from support.lab import ALICE, BOB, CLUSTER, GRUU, IM_OFFER, RULES, ProxyCase


class AnswerTest(ProxyCase):
    async def test_no_rule_is_404_with_a_reason(self):
        lab = await self.lab()
        final = await lab.ask(lab.edge, lab.from_edge(uri="sip:bob@nowhere.example", body="x"))
        self.assert_status(final, 404)
        self.assertEqual(final.reason, "No search rule matches")
        self.assertTrue(final.to_tag)
        self.assertEqual(final.get("content-length"), "0")

    async def test_options_to_ourselves_is_200(self):
        lab = await self.lab()
        port = lab.daemon.port
        for uri in (f"sip:{lab.hostname}", f"sip:{lab.hostname}:{port};transport=tls", "sip:EXPE.uc.example"):
            self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", uri)), 200)
            self.assert_status(await lab.ask(lab.cluster, lab.from_cluster("OPTIONS", uri)), 200)

    async def test_options_to_someone_else_is_carried(self):
        lab = await self.lab()
        options = lab.from_edge("OPTIONS")
        await lab.send(lab.edge, options)
        await lab.cluster.respond(await lab.cluster.expect("OPTIONS"), 200)
        self.assert_status(await lab.edge.final(options), 200)

    async def test_negotiate_is_405_even_without_hops_left(self):
        lab = await self.lab()
        for hops in (70, 0):
            final = await lab.ask(lab.edge, lab.from_edge("NEGOTIATE", max_forwards=hops))
            self.assert_status(final, 405)
        await lab.cluster.nothing(0.1)

    async def test_an_unknown_proxy_require_is_420_and_named(self):
        lab = await self.lab()
        for value, unsupported in (("foo", ["foo"]), ("ms-benotify, foo, bar", ["foo", "bar"])):
            final = await lab.ask(lab.edge, lab.from_edge(headers=[("Proxy-Require", value)], body="x"))
            self.assert_status(final, 420)
            self.assertEqual(final.values("unsupported"), unsupported)

    async def test_ms_benotify_is_understood(self):
        lab = await self.lab()
        message = lab.from_edge("SUBSCRIBE", contact=GRUU, headers=[("Event", "presence"), ("Proxy-Require", "ms-benotify")])
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("SUBSCRIBE")
        self.assertEqual(got.get("proxy-require"), "ms-benotify")
        await lab.cluster.respond(got, 200, contact=lab.cluster.contact())

    async def test_an_unknown_scheme_is_416(self):
        lab = await self.lab()
        for uri in ("nobodyKnowsThisScheme:totallyopaquecontent", "soap.beep://192.0.2.103:3002"):
            self.assert_status(await lab.ask(lab.edge, lab.from_edge(uri=uri, to=BOB, body="x")), 416)

    async def test_a_version_we_do_not_speak_is_505(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        message.start = message.start.replace(b"SIP/2.0", b"SIP/7.0")
        self.assert_status(await lab.ask(lab.edge, message), 505)

    async def test_an_alias_over_2_kib_is_414(self):
        lab = await self.lab()
        for length, status in ((2049, 414), (4000, 414)):
            uri = "sip:" + "b" * (length - len("@uc.example")) + "@uc.example"
            self.assert_status(await lab.ask(lab.edge, lab.from_edge(uri=uri, to=BOB, body="x")), status)
        uri = "sip:" + "b" * (2048 - len("@uc.example")) + "@uc.example"
        message = lab.from_edge(uri=uri, to=BOB, body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)

    async def test_a_cancel_without_transaction_is_481(self):
        lab = await self.lab()
        invite = lab.from_edge("INVITE", contact=GRUU)
        self.assert_status(await lab.ask(lab.edge, lab.edge.cancel(invite)), 481)
        await lab.cluster.nothing(0.1)

    async def test_a_pattern_that_exceeds_its_limit_fails_closed(self):
        rules = r"rule 'bad one' { priority 1; source default; pattern regex '(?:(?:a|aa)*)*c?b@uc\.example'; target IMP }" + RULES
        lab = await self.lab(rules=rules)
        final = await lab.ask(lab.edge, lab.from_edge(uri="sip:" + "a" * 60 + "db@uc.example", to=BOB, body="x"))
        self.assert_status(final, 500)
        self.assertEqual(final.reason, "Search rule bad one exceeded its match limit")
        await lab.cluster.nothing(0.1)


class BadRequestTest(ProxyCase):
    """400 with a reason that says what is wrong; nothing malformed is forwarded."""

    async def refused(self, cases):
        lab = await self.lab()
        for name, change, reason in cases:
            with self.subTest(name):
                message = lab.from_edge("MESSAGE", body="x")
                change(message)
                await lab.send(lab.edge, message)
                final = await lab.edge.wait_for(lambda m, b=message.branch: m.branch == b, f"answer to {name}")
                self.assert_status(final, 400, reason)
        await lab.cluster.nothing(0.1)
        good = lab.from_edge(body="x")
        await lab.send(lab.edge, good)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(good), 200)

    async def test_missing_headers_are_named(self):
        await self.refused([
            (f"no {name}", lambda m, n=name: m.remove(n), name)
            for name in ("From", "To", "Call-ID")])

    async def test_broken_headers_are_named(self):
        await self.refused([
            ("CSeq of another method", lambda m: m.set("CSeq", "1 INVITE") and None, "cseq"),
            ("CSeq too large", lambda m: m.set("CSeq", "36893488147419103232 MESSAGE") and None, "cseq"),
            ("From twice", lambda m: m.lines.insert(2, b"From: <sip:mallory@ms.example>;tag=2"), "from"),
            ("From without closing quote", lambda m: m.set("From", '"Alice <sip:alice@ms.example>;tag=1'), "from"),
            ("Max-Forwards not a number", lambda m: m.set("Max-Forwards", "seven"), "max-forwards"),
            ("Max-Forwards too large", lambda m: m.set("Max-Forwards", "300"), "max-forwards"),
        ])

    async def test_a_request_uri_in_brackets_is_400(self):
        lab = await self.lab()
        message = lab.from_edge(uri="<sip:bob@uc.example>", to=BOB, body="x")
        self.assert_status(await lab.ask(lab.edge, message), 400, "request.*")
        await lab.cluster.nothing(0.1)


class GarbageTest(ProxyCase):
    """A connection with garbage is closed, and nothing else is."""

    async def closes(self, data, answer=None):
        lab = await self.lab()
        held = lab.from_edge(body="held")
        await lab.send(lab.edge, held)
        got = await lab.cluster.expect("MESSAGE")
        bad = await lab.link(lab.edge, fresh=True)
        await bad.send(data(lab) if callable(data) else data)
        await bad.wait_closed()
        await lab.cluster.nothing(0.1)
        await lab.cluster.respond(got, 200)
        links = [link for link in lab.edge.links if link is not bad]
        self.assertFalse(links[0].closed.is_set(), "another connection was closed as well")
        self.assert_status(await lab.edge.final(held), 200)
        return lab

    async def test_two_values_of_content_length(self):
        await self.closes(lambda lab: lab.from_edge(body="hello").add("Content-Length", "2"))

    async def test_content_length_that_is_no_number(self):
        await self.closes(lambda lab: lab.from_edge(body="hello").set("Content-Length", "-5"))

    async def test_a_bare_lf(self):
        await self.closes(lambda lab: bytes(lab.from_edge(body="x")).replace(b"\r\nTo:", b"\nTo:"))

    async def test_only_lf(self):
        await self.closes(lambda lab: bytes(lab.from_edge()).replace(b"\r\n", b"\n"))

    async def test_nul_in_a_header(self):
        await self.closes(lambda lab: lab.from_edge(headers=[("Subject", "a\0b")], body="x"))

    async def test_a_control_character_in_a_header(self):
        await self.closes(lambda lab: lab.from_edge(headers=[("Subject", "a\x01b")], body="x"))

    async def test_http(self):
        await self.closes(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    async def test_binary(self):
        await self.closes(bytes(range(256)) * 20 + b"\r\n\r\n")

    async def test_an_xmpp_stream(self):
        await self.closes(b"<?xml version='1.0'?><stream:stream to='x' xmlns='jabber:server'>\r\n\r\n")

    async def test_plain_text_on_the_tls_port_harms_nobody(self):
        lab = await self.lab()
        held = lab.from_edge(body="held")
        await lab.send(lab.edge, held)
        got = await lab.cluster.expect("MESSAGE")
        reader, writer = await asyncio.open_connection(*lab.daemon.listeners[0])
        writer.write(b"OPTIONS sip:x SIP/2.0\r\n\r\n")
        try:
            while await asyncio.wait_for(reader.read(4096), 15):
                pass
        except ConnectionError:
            pass
        writer.close()
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(held), 200)

    async def test_a_connection_dropped_in_the_middle_of_a_message_harms_nobody(self):
        lab = await self.lab()
        await lab.link(lab.edge)
        for cut in (10, 100, 300):
            link = await lab.link(lab.edge, fresh=True)
            await link.send(bytes(lab.from_edge(body="y" * 500))[:cut])
            link.abort()
        await lab.cluster.nothing(0.1)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{lab.hostname}")), 200)


class StrayTest(ProxyCase):
    async def test_stray_responses_are_dropped_counted_and_the_connection_kept(self):
        lab = await self.lab()
        link = await lab.link(lab.edge)
        for status in (100, 200, 404):
            for via in (f"SIP/2.0/TLS {lab.hostname};branch=z9hG4bKnothing", "SIP/2.0/TLS other.example;branch=z9hG4bKx"):
                stray = sip.Message(f"SIP/2.0 {status} Hm", [
                    f"Via: {via}", "Via: SIP/2.0/TLS sip.ms.example;branch=z9hG4bKy", f"From: {ALICE};tag=1", f"To: {BOB};tag=2",
                    f"Call-ID: {sip.unique()}", "CSeq: 1 MESSAGE", "Content-Length: 0"])
                await link.send(stray)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{lab.hostname}")), 200)
        self.assertFalse(link.closed.is_set())
        await lab.cluster.nothing(0.1)
        counters = await lab.daemon.counters()
        self.assertTrue([n for n, v in counters.items() if "stray" in n and v >= 3], counters)

    async def test_a_response_from_another_host_does_not_end_a_transaction(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        stranger = await lab.endpoint("sip.third.example", host="127.0.0.7")
        await lab.send(stranger, stranger.response(got, 603))
        self.assert_status(await lab.ask(stranger, stranger.request("OPTIONS", f"sip:{lab.hostname}", "<sip:a@sip.third.example>")), 200)
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(message), 200)

    async def test_a_response_of_another_method_is_dropped(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        wrong = lab.cluster.response(got, 200).set("CSeq", "1 INFO")
        await got.link.send(wrong)
        await lab.cluster.respond(got, 202)
        self.assert_status(await lab.edge.final(message), 202)

    async def test_a_repeated_request_is_not_forwarded_twice(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(message), 200)
        await lab.cluster.nothing(0.2)

    async def test_a_malformed_response_is_not_forwarded(self):
        lab = await self.lab(imp="response-timeout 2")
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        bad = lab.cluster.response(got, 200).remove("From")
        await got.link.send(bad)
        self.assert_status(await lab.edge.final(message, 10), (500, 502, 504))
        self.assertNotIn(200, [m.status for m in lab.edge.history])
        counters = await lab.daemon.counters()
        self.assertEqual((counters["sip.malformed"], counters["requests.received"]), (1, 1))


class InviteErrorTest(ProxyCase):
    async def test_our_own_refusal_of_an_invite_takes_its_ack(self):
        lab = await self.lab()
        invite = lab.from_edge("INVITE", "sip:x@nowhere.example", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        final = await lab.ask(lab.edge, invite)
        self.assert_status(final, 404)
        await lab.send(lab.edge, lab.edge.ack_failure(invite, final))
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{lab.hostname}")), 200)
        await lab.cluster.nothing(0.1)

    async def test_a_silent_cancelled_invite_ends_with_a_final_response(self):
        lab = await self.lab(imp="response-timeout 2")
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        await lab.cluster.expect("INVITE")
        cancel = lab.edge.cancel(invite)
        self.assert_status(await lab.ask(lab.edge, cancel), 200)
        self.assert_status(await lab.edge.final(invite, 12), 487)
