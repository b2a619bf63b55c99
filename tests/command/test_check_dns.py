"""causeway check --dns: what the world's DNS says of our names."""

import json
import shutil
import unittest

from support.dnsserver import DnsServer
from support.program import Program

XMPP = "_xmpp-server._tcp"
DIRECT = "_xmpps-server._tcp"
SIP = "_sipfederationtls._tcp"
EDGE = ("edge.example.com", "127.0.0.3")

FEDERATION = """
hostname edge.example.com
listen xmpp 127.0.0.1:5269
LISTEN
xmpp {
    domain    example.com
    chat-node rooms.example.com
    inside    im
    allow     partner.example
    security  none
}
zone im { type xmpp; peer 127.0.0.2 }
"""
DOMAIN, CHAT_NODE = "c.conf:6:15", "c.conf:7:15"

BORDER = """
hostname sip.example.com
listen sip tcp 127.0.0.1:5060
zone inner    { type neighbor; peer 127.0.0.2; transport tcp }
rule in { source default; pattern PATTERN; target inner }
"""
RULE = "c.conf:5:1"


@unittest.skipUnless(shutil.which("dnsmasq"), "dnsmasq is not installed")
class CheckDns(Program):
    def serve(self, **records):
        server = DnsServer(self.path / "dns", **records)
        self.addCleanup(server.stop)
        return server

    def check(self, server, text):
        """Exit status and what --dns has found beyond check alone, as (severity, place, message)."""
        self.write("c.conf", text + f"dns {{ server {server.address} }}\n")
        _, without = self.json("check", "-c", "c.conf", "--json", statuses=(0, 1))
        code, report = self.json("check", "-c", "c.conf", "--json", "--dns", statuses=(0, 1, 2))
        found = [message for message in report["messages"] if message not in without["messages"]]
        self.assertEqual(len(found), len(report["messages"]) - len(without["messages"]))
        return code, [(m["severity"], f"{m['file']}:{m['line']}:{m['column']}" if "file" in m else "", m["message"])
                      for m in found]

    def federation(self, server, listen=""):
        return self.check(server, FEDERATION.replace("LISTEN", listen))

    def border(self, server, pattern="suffix '@example.com'"):
        return self.check(server, BORDER.replace("PATTERN", pattern))

    def assert_said(self, answer, code, *messages):
        """All messages, each given as its severity, its place and a part of its text."""
        got_code, got = answer
        self.assertEqual([(m[0], m[1]) for m in got], [(m[0], m[1]) for m in messages], got)
        for have, want in zip(got, messages):
            self.assertIn(want[2], have[2])
        self.assertEqual(got_code, code, got)


class Federation(CheckDns):
    def test_what_is_published_as_it_should_be(self):
        server = self.serve(srv=[(f"{XMPP}.example.com", "edge.example.com", 5269),
                                 (f"{XMPP}.rooms.example.com", "alias.example.com", 5269)],
                            hosts=[EDGE], cnames=[("alias.example.com", "edge.example.com")])
        # "security none" is what check warns of without asking anybody
        self.assert_said(self.federation(server), 1)
        asked = server.queries()
        for name in ("example.com", "rooms.example.com"):
            for service in (XMPP, DIRECT):
                self.assertIn(("SRV", f"{service}.{name}"), asked)

    def test_nobody_is_asked_without_the_option(self):
        server = self.serve(hosts=[EDGE])
        self.write("c.conf", FEDERATION.replace("LISTEN", "") + f"dns {{ server {server.address} }}\n")
        self.causeway("check", "-c", "c.conf")
        self.assertEqual([name for _, name in server.queries() if "example.com" in name], [])

    def test_no_record(self):
        server = self.serve(hosts=[("example.com", "127.0.0.3")])
        self.assert_said(
            self.federation(server), 2,
            ("warning", DOMAIN, f"there is no SRV record {XMPP}.example.com in DNS: partners can only try the address"),
            ("error", CHAT_NODE, f"there is no SRV record {XMPP}.rooms.example.com in DNS: partners do not find"))

    def test_no_service(self):
        server = self.serve(srv=[(f"{XMPP}.example.com", "edge.example.com", 5269)], hosts=[EDGE],
                            extra=[f"--srv-host={XMPP}.rooms.example.com", f"--srv-host={DIRECT}.rooms.example.com"])
        self.assert_said(self.federation(server), 2, ("error", CHAT_NODE, "there is no such service"))

    def test_another_port(self):
        server = self.serve(srv=[(f"{XMPP}.example.com", "edge.example.com", 5222),
                                 (f"{XMPP}.rooms.example.com", "edge.example.com", 5269)], hosts=[EDGE])
        self.assert_said(self.federation(server), 1, ("warning", DOMAIN, "port 5222 of edge.example.com"))

    def test_targets_without_address(self):
        server = self.serve(srv=[(f"{XMPP}.example.com", "gone.example.com", 5269),
                                 (f"{XMPP}.rooms.example.com", "edge.example.com", 5269),
                                 (f"{XMPP}.rooms.example.com", "old.example.com", 5269, 10)], hosts=[EDGE])
        self.assert_said(
            self.federation(server), 2,
            ("error", DOMAIN, f"gone.example.com, the target of {XMPP}.example.com, has no address"),
            ("warning", CHAT_NODE, f"old.example.com, the target of {XMPP}.rooms.example.com, has no address"))

    def test_direct_tls(self):
        server = self.serve(srv=[(f"{XMPP}.example.com", "edge.example.com", 5269),
                                 (f"{DIRECT}.example.com", "edge.example.com", 5270),
                                 (f"{XMPP}.rooms.example.com", "edge.example.com", 5269)], hosts=[EDGE])
        self.assert_said(self.federation(server), 1, ("warning", DOMAIN, 'and no "listen xmpps"'))
        self.assert_said(self.federation(server, "listen xmpps 127.0.0.1:5270"), 1)

    def test_direct_tls_alone_may_lead_nowhere(self):
        server = self.serve(srv=[(f"{XMPP}.example.com", "edge.example.com", 5269),
                                 (f"{DIRECT}.example.com", "gone.example.com", 5270),
                                 (f"{XMPP}.rooms.example.com", "edge.example.com", 5269)], hosts=[EDGE])
        self.assert_said(self.federation(server, "listen xmpps 127.0.0.1:5270"), 1,
                         ("warning", DOMAIN, f"gone.example.com, the target of {DIRECT}.example.com, has no address"))

    def test_a_server_that_is_silent(self):
        server = self.serve(hosts=[EDGE])
        server.pause()
        self.addCleanup(server.resume)
        self.assert_said(self.federation(server), 1,
                         ("warning", "", f"DNS gave no answer to 4 of our questions, the first one about {XMPP}.example.com"
                          " (timeout)"))

    def test_a_server_that_fails(self):
        server = self.serve(srv=[(f"{XMPP}.example.com", "edge.example.com", 5269)], hosts=[EDGE],
                            # a server for one domain, which is not there: REFUSED
                            extra=["--server=/rooms.example.com/#"])
        self.assert_said(self.federation(server), 1,
                         ("warning", "", f"no answer to 2 of our questions, the first one about {XMPP}.rooms.example.com"
                          " (servfail)"))

    def test_more_names_than_are_looked_up(self):
        server = self.serve(extra=["--address=/example.com/127.0.0.3"])
        more = "".join(f"domain d{i}.example.com\n" for i in range(249))
        self.write("c.conf", FEDERATION.replace("LISTEN", "").replace("    inside", f"{more}    inside")
                   + f"dns {{ server {server.address} }}\n")
        _, report = self.json("check", "-c", "c.conf", "--json", "--dns")
        self.assertIn({"severity": "warning", "message": "of 251 names the first 250 were looked up in DNS"},
                      report["messages"])
        asked = {name for kind, name in server.queries() if kind == "SRV"}
        self.assertEqual(len(asked), 2 * 250)

    def test_text_shows_the_line(self):
        server = self.serve(srv=[(f"{XMPP}.example.com", "edge.example.com", 5269)], hosts=[EDGE])
        self.write("c.conf", FEDERATION.replace("LISTEN", "") + f"dns {{ server {server.address} }}\n")
        code, _, err = self.causeway("check", "--dns", "-c", "c.conf")
        self.assertEqual(code, 2)
        self.assertRegex(err, rf"{CHAT_NODE}: error: there is no SRV record .*\n"
                              r"    chat-node rooms\.example\.com\n +\^~{16}\n")


class Sip(CheckDns):
    def test_what_is_published_as_it_should_be(self):
        server = self.serve(srv=[(f"{SIP}.example.com", "sip.example.com", 5061)],
                            hosts=[("sip.example.com", "127.0.0.3")])
        for pattern in ("suffix '@example.com'", r"regex '.*@example\.com'"):
            with self.subTest(pattern):
                before = len(server.queries())
                self.assert_said(self.border(server, pattern), 0)
                self.assertIn(("SRV", f"{SIP}.example.com"), server.queries()[before:])

    def test_no_record(self):
        self.assert_said(self.border(self.serve()), 1,
                         ("warning", RULE, f"there is no SRV record {SIP}.example.com in DNS"))

    def test_no_service(self):
        self.assert_said(self.border(self.serve(extra=[f"--srv-host={SIP}.example.com"])), 2,
                         ("error", RULE, "there is no such service"))

    def test_a_target_outside_of_the_domain(self):
        server = self.serve(srv=[(f"{SIP}.example.com", "sip.badexample.com", 5061)],
                            hosts=[("sip.badexample.com", "127.0.0.3")])
        self.assert_said(self.border(server), 1,
                         ("warning", RULE, "leads to sip.badexample.com, which is not within the domain"))

    def test_several_records(self):
        server = self.serve(srv=[(f"{SIP}.example.com", "sip.example.com", 5061, 0),
                                 (f"{SIP}.example.com", "sip2.example.com", 5061, 10)],
                            hosts=[("sip.example.com", "127.0.0.3")])
        self.assert_said(self.border(server), 1,
                         ("warning", RULE, f"there are 2 SRV records {SIP}.example.com"),
                         ("warning", RULE, f"sip2.example.com, the target of {SIP}.example.com, has no address"))

    def test_a_pattern_that_does_not_name_a_domain(self):
        self.assert_said(self.border(self.serve(), r"regex '.*@example\.(com|net)'"), 1,
                         ("warning", "", "nothing was looked up"))


if __name__ == "__main__":
    unittest.main()
