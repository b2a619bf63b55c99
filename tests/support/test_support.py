"""The helpers against each other: two endpoints, a dialog, certificates, DNS."""

import socket
import ssl
import struct
import tempfile
import unittest

from support import pki, sip
from support.daemon import parse_counters, parse_log
from support.dnsserver import DnsServer


def dns_query(server, name, kind):
    """Ask by UDP; the bytes of the answer."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.sendto(struct.pack("!6H", 1, 0x100, 1, 0, 0, 0) + labels + struct.pack("!b2H", 0, kind, 1),
                    (server.host, server.port))
        return sock.recv(4096)


class SupportTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = directory.name

    async def test_two_endpoints_hold_a_dialog_over_mutual_tls(self):
        ca = pki.CA(self.dir)
        one = sip.Endpoint("one.example", ca, ca.issue("one", dns=["one.example"]))
        two = sip.Endpoint("two.example", ca, ca.issue("two", dns=["two.example"]))
        async with one, two:
            await two.listen("127.0.0.2")
            link = await one.connect(two.host, two.port, server_name="two.example")
            invite = one.request("INVITE", "sip:b@two.example", "<sip:a@one.example>", contact=one.contact())
            await link.send(invite)
            got = await two.expect("INVITE")
            self.assertEqual(bytes(got), bytes(invite))
            self.assertEqual(got.link.peer_names, ["one.example"])
            self.assertEqual(two.server_names, ["two.example"])
            got.add("Record-Route", "<sip:p1.example;lr>;x=1, <sip:p2.example;lr>")
            await two.respond(got, 180)
            await two.respond(got, 200, contact=two.contact())
            answer = await one.final(invite)
            dialog = sip.Dialog.caller(one, invite, answer)
            bye = dialog.request("BYE")
            self.assertEqual(bye.values("route"), ["<sip:p2.example;lr>", "<sip:p1.example;lr>;x=1"])
            self.assertEqual((bye.to_tag, bye.cseq), (answer.to_tag, (2, "BYE")))
            await one.nothing(0.01)

    async def test_a_certificate_of_another_ca_or_out_of_date_is_refused(self):
        ca, other = pki.CA(self.dir), pki.CA(self.dir, "other")
        server = sip.Endpoint("s.example", ca, ca.issue("s", dns=["s.example"]))
        async with server:
            await server.listen()
            for certificate in (other.issue("x", dns=["x.example"]), ca.issue("old", dns=["x.example"], expired=True)):
                client = sip.Endpoint("x.example", ca, certificate)
                link = await client.connect(server.host, server.port)
                await link.wait_closed()
                await client.close()

    def test_a_crl_names_the_revoked_certificate(self):
        ca = pki.CA(self.dir)
        bad = ca.issue("bad", dns=["bad.example"])
        context = ssl.create_default_context()
        context.load_verify_locations(ca.crl([bad]))
        self.assertEqual(context.cert_store_stats()["crl"], 1)

    def test_dns_has_the_records_given_and_no_others(self):
        with DnsServer(self.dir, srv=[("_x._tcp.a.example", "h.a.example", 5061)],
                       hosts=[("h.a.example", "127.0.0.9")]) as dns:
            found = dns_query(dns, "_x._tcp.a.example", 33)
            self.assertEqual((found[3] & 15, found[7]), (0, 1))  # no error, one answer
            missing = dns_query(dns, "b.example", 1)
            self.assertEqual((missing[3] & 15, missing[7]), (3, 0))  # NXDOMAIN
            self.assertIn(("SRV", "_x._tcp.a.example"), dns.queries())

    def test_a_message_keeps_its_bytes(self):
        wire = (b"OPTIONS sip:a SIP/2.0\r\nv: SIP/2.0/tls h\r\nSubject: folded\r\n  on \r\nVIA : SIP/2.0/TLS g;branch=z\r\n"
                b"l: 2\r\n\r\nhi")
        [message] = sip.StreamParser().feed(b"\r\n\r\n" + wire)
        self.assertEqual(bytes(message), wire)
        self.assertEqual(message.values("via"), ["SIP/2.0/tls h", "SIP/2.0/TLS g;branch=z"])

    def test_a_log_line_is_read_with_its_escapes(self):
        line = parse_log(r'2026-11-24T10:00:00.123Z warn sip.request event=refused reason="a \"b\"\x0d" n=3')
        self.assertEqual((line.level, line.area, line.n, line.reason), ("warn", "sip.request", "3", 'a "b"\r'))
        self.assertEqual(parse_counters("a.b 3\nunaccounted 0\n"), {"a.b": 3, "unaccounted": 0})
