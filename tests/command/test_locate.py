"""causeway locate and pattern: exit status, the table, JSON with its keys in order, messages off the wire, what is wrong."""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

CONFIGURATION = r"""
hostname expe.example.com
zone inner    { type neighbor; peer 127.0.0.1:5061; trusted yes }
zone edge     { type neighbor; peer 127.0.0.2:5061 }
zone internet { type dns }
zone partners { type xmpp }
include rules/*.rules
"""
RULES = r"""
rule 'to our users' {
    priority 10
    source   default
    pattern  suffix '@example.com'
    on-match stop
    target   inner
}
rule 'off' { priority 10; state disabled; pattern prefix bob; target edge }
rule 'desk' { priority 10; pattern regex '(\d+)@example\.com'; behavior replace 'desk-\1@example.com'; target edge }
rule 'trusted only' { priority 20; authenticated yes; variant ms-imp; mode any-alias; target internet }
rule 'addresses' { priority 20; mode any-ip; target edge }
rule 'stanzas' { priority 20; protocol xmpp; mode any-alias; target partners }
rule 'hopeless' { priority 30; pattern regex '(a+)+[bc]'; target edge }
transform 'old domain' { pattern suffix '@example.net'; behavior replace '@example.com' }
"""
REQUEST = (
    "MESSAGE sip:%62ob@example.net;transport=tls SIP/2.0\r\n"
    "Via: SIP/2.0/TLS edge.example.org:5061;branch=z9hG4bK1\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:al@example.org>;tag=1\r\n"
    "To: <sip:bob@example.net>\r\n"
    "Call-ID: 1@example.org\r\n"
    "CSeq: 1 MESSAGE\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 2\r\n"
    "\r\n"
    "hi"
)
RESPONSE = REQUEST.replace(REQUEST.split("\r\n")[0], "SIP/2.0 200 OK")


class Command(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = Path(self.directory.name)
        (self.path / "causeway.conf").write_text(CONFIGURATION)
        (self.path / "rules").mkdir()
        (self.path / "rules" / "a.rules").write_text(RULES)

    def causeway(self, *args, text=None):
        done = subprocess.run(
            [os.environ["CAUSEWAY"], *args], cwd=self.path, input=text, capture_output=True, timeout=60
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def locate(self, *args, **kwargs):
        return self.causeway("locate", "-c", "causeway.conf", *args, **kwargs)

    def json(self, *args, status=0):
        code, out, err = self.locate("--json", *args)
        self.assertEqual((code, err), (status, ""))
        self.assertEqual(out.count("\n"), 1)
        return json.loads(out)


class Locate(Command):
    def test_json_has_the_keys_of_the_contract_in_order(self):
        got = self.json("sip:4%32@example.net")
        self.assertEqual(
            list(got),
            ["alias", "from", "protocol", "variant", "authenticated", "transformed", "transform", "decision"]
            + ["targets", "considered"],
        )
        self.assertEqual(list(got["targets"][0]), ["rule", "priority", "zone", "alias", "file", "line"])
        self.assertEqual(list(got["considered"][0]), ["rule", "priority", "verdict", "reason", "file", "line"])
        self.assertEqual(
            [got[k] for k in ("alias", "from", "protocol", "variant", "authenticated", "transformed", "transform")],
            ["42@example.net", "default", "sip", "ms-imp", False, "42@example.com", "old domain"],
        )
        self.assertEqual(
            got["targets"],
            [
                {"rule": "to our users", "priority": 10, "zone": "inner", "alias": "42@example.com",
                 "file": "rules/a.rules", "line": 2},
                {"rule": "desk", "priority": 10, "zone": "edge", "alias": "desk-42@example.com",
                 "file": "rules/a.rules", "line": 10},
            ],
        )
        self.assertEqual(
            [(c["rule"], c["verdict"]) for c in got["considered"]],
            [("to our users", "match"), ("off", "skipped"), ("desk", "match"), ("trusted only", "not-reached"),
             ("addresses", "not-reached"), ("stanzas", "not-reached"), ("hopeless", "not-reached")],
        )

    def test_decisions_and_exit_status(self):
        for args, status, decision, zones in (
            (["bob@example.com"], 0, "routed", ["inner"]),
            (["bob@example.org"], 1, "no-rule", []),
            (["--from", "inner", "bob@example.org"], 0, "routed", ["internet"]),
            (["--from", "edge", "bob@example.org"], 1, "no-rule", []),
            (["--from", "edge", "--authenticated", "bob@example.org"], 0, "routed", ["internet"]),
            (["--from", "inner", "--method", "INVITE", "bob@example.org"], 1, "no-rule", []),
            (["--from", "inner", "--method", "INVITE", "--variant", "ms-imp", "bob@example.org"], 0, "routed",
             ["internet"]),
            (["[2001:db8::1]:5061;transport=tls"], 0, "routed", ["edge"]),
            (["--protocol", "xmpp", "bob@example.org/desk"], 0, "routed", ["partners"]),
            (["a" * 40 + "d"], 1, "limit", []),
        ):
            for way in ([], ["--brief"]):
                with self.subTest(args=args, way=way):
                    got = self.json(*way, *args, status=status)
                    self.assertEqual(got["decision"], decision)
                    self.assertEqual([t["zone"] for t in got["targets"]], zones)

    def test_brief_lists_only_what_matched(self):
        got = self.json("--brief", "bob@example.com")
        self.assertEqual([c["rule"] for c in got["considered"]], ["to our users"])
        code, out, _ = self.locate("--brief", "bob@example.com")
        self.assertEqual(code, 0)
        self.assertNotIn("trusted only", out)

    def test_the_table_names_the_deciding_criterion_and_the_place(self):
        code, out, err = self.locate("--from", "edge", "bob@example.org")
        self.assertEqual((code, err), (1, ""))
        self.assertIn("source zone is edge, rule wants default", out)
        self.assertRegex(out, r"\n  10  skipped +off +disabled +rules/a\.rules:9\n")
        self.assertRegex(out, r"\n  20  no-match +stanzas +protocol is sip, rule wants xmpp +rules/a\.rules:13\n")
        self.assertIn("no search rule matches", out)
        self.assertTrue(all(len(line) <= 100 for line in out.splitlines()), out)
        self.assertNotIn("\x1b", out)

    def test_message_off_the_wire(self):
        (self.path / "m.sip").write_bytes(REQUEST.encode())
        got = self.json("--message", "m.sip", status=1)
        self.assertEqual((got["alias"], got["variant"]), ("bob@example.net;transport=tls", "ms-imp"))
        (self.path / "m.sip").write_bytes(REQUEST.replace(";transport=tls SIP", " SIP").encode())
        got = self.json("--message", "m.sip")
        self.assertEqual([t["zone"] for t in got["targets"]], ["inner"])
        code, out, _ = self.locate("--message", "-", text=REQUEST.replace("net;transport=tls S", "net S").encode())
        self.assertEqual(code, 0)
        self.assertIn("by rule 'to our users'", out)

    def test_messages_that_no_rule_sees(self):
        for name, text, says in (
            ("response", RESPONSE, "rules route requests only"),
            ("cut off", REQUEST[:-1], "shorter than Content-Length"),
            ("no end of headers", REQUEST[:100], "no empty line"),
            ("bare LF", REQUEST.replace("\r\n", "\n"), "refused before any rule"),
            ("no From", REQUEST.replace("From:", "Frum:"), "refused before any rule: 400"),
            ("stanza", "<message to='bob@example.com'/>", "ask with --protocol xmpp"),
            ("tel", REQUEST.replace("sip:%62ob@example.net;transport=tls S", "tel:911 S"), "416"),
            ("compression", REQUEST.replace("MESSAGE", "NEGOTIATE"), "refused before any rule: 405"),
            ("no hops left", REQUEST.replace("Forwards: 70", "Forwards: 0"), "refused before any rule: 483"),
            ("unknown option", REQUEST.replace("CSeq:", "Proxy-Require: ms-benotify, x\r\nCSeq:"),
             "refused before any rule: 420"),
        ):
            with self.subTest(name):
                (self.path / "m.sip").write_bytes(text.encode())
                code, out, err = self.locate("--message", "m.sip")
                self.assertEqual((code, out), (2, ""))
                self.assertIn(says, err)

    def test_what_is_wrong(self):
        for args, says in (
            ([], "expected an alias or --message"),
            (["--message", "m.sip", "bob@example.com"], "not both"),
            (["--message", "m.sip"], "No such file"),
            (["--message", "m.sip", "--method", "INVITE"], "what the message says itself"),
            (["--from", "iner", "bob@example.com"], 'unknown zone "iner"; did you mean "inner"?'),
            (["--protocol", "any", "bob@example.com"], "--protocol is sip or xmpp"),
            (["--variant", "microsoft", "bob@example.com"], "--variant is standard"),
            (["--frm", "inner", "bob@example.com"], "--frm"),
            (["tel:911"], "416"),
            (["a" * 2049], "414"),
            ([""], "empty"),
        ):
            with self.subTest(args=args):
                code, out, err = self.locate(*args)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(says, err)

    def test_a_wrong_configuration(self):
        (self.path / "rules" / "a.rules").write_text("rule x { pattern regex 'a('; target nowhere }\n")
        code, out, err = self.locate("bob@example.com")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("rules/a.rules:1:", err)
        self.assertIn("^", err)
        code, _, err = self.causeway("locate", "-c", "missing.conf", "bob@example.com")
        self.assertEqual(code, 2)
        self.assertIn("missing.conf", err)

    def test_a_stanza_goes_its_default_way(self):
        (self.path / "rules" / "a.rules").write_text(
            "rule r { protocol xmpp; pattern suffix '@ruled.example'; target partners }\n"
            "rule s { protocol xmpp; pattern exact 'x@c.example'; target im }\n")
        federation = """
xmpp { domain a.example; chat-node rooms.a.example; inside im; wildcards yes
       allow b\u00fccher.example; allow *.q.example; allow ruled.example; static-routes yes; route r.example 192.0.2.1 }
zone im { type xmpp; peer 127.0.0.2 }
"""
        with (self.path / "causeway.conf").open("a") as f:
            f.write(federation)
        inside = ["--from", "im"]
        for args, status, default, says in (
            (["bob@A.example/desk"], 0, ("inside", "im", "a.example", None), "zone 'im': a.example is a local domain"),
            (["rooms.a.example"], 0, ("inside", "im", "rooms.a.example", None), "zone 'im': rooms.a.example"),
            (inside + ["bob@xn--bcher-kva.example"], 0, ("federation", None, "xn--bcher-kva.example", None),
             "the federation: xn--bcher-kva.example, found by DNS"),
            (inside + ["bob@B\u00fccher.example"], 0, ("federation", None, "xn--bcher-kva.example", None), "found by DNS"),
            (inside + ["x.y.q.example"], 0, ("federation", None, "x.y.q.example", None), "found by DNS"),
            (inside + ["bob@r.example"], 0, ("federation", None, "r.example", None), "found by its static routes"),
            (inside + ["bob@c.example"], 1, ("none", None, "c.example", "it is not on the allow list"),
             "nowhere: c.example: it is not on the allow list"),
            (["bob@r.example"], 1,
             ("none", None, "r.example", 'it is no local domain, and only the zone "inside" reaches others'),
             "nowhere: r.example: it is no local domain"),
            (inside + ["bob@a.example"], 1, ("none", None, "a.example", "it is a local domain"), "nowhere: a.example: "),
        ):
            with self.subTest(args=args):
                got = self.json("--protocol", "xmpp", *args, status=status)
                self.assertEqual(got["decision"], "no-rule")
                self.assertEqual(list(got)[-1], "default")
                self.assertEqual(tuple(got["default"][k] for k in ("way", "zone", "domain", "refusal")), default)
                code, out, err = self.locate("--protocol", "xmpp", *args)
                self.assertEqual((code, err), (status, ""))
                self.assertRegex(out, r"\n(default|refused)    .*" + re.escape(says))
        # who may not federate is asked before any rule
        got = self.json("--protocol", "xmpp", *inside, "x@c.example", status=1)
        self.assertEqual((got["decision"], got["default"]["refusal"]), ("routed", "it is not on the allow list"))
        self.assertIn("\nrefused    nowhere: c.example", self.locate("--protocol", "xmpp", *inside, "x@c.example")[1])
        self.assertNotIn("default", self.json("--protocol", "xmpp", *inside, "bob@ruled.example"))
        self.assertNotIn("default", self.json(*inside, "bob@a.example", status=1))
        code, out, err = self.locate("--protocol", "xmpp", "bob@")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("no address of XMPP", err)


class Pattern(Command):
    def test_exit_status_and_result(self):
        for args, status, says in (
            (["exact", "Bob@x", "bob@X"], 0, "becomes bob@X"),
            (["regex", ".*@x", "bob@y"], 1, "does not match"),
            (["prefix", "sip.", "strip", "sip.bob@x"], 0, "becomes bob@x"),
            (["regex", "(.*)@x", "replace", r"\1@y", "bob@x"], 0, "becomes bob@y"),
            (["regex", "(a+)+[bc]", "a" * 40 + "d"], 1, "exceeds its match limit"),
            (["prefix", "bob@x", "strip", "bob@x"], 1, "empty or too long"),
            (["regex", "-.*", "leave", "-v"], 0, "becomes -v"),
        ):
            with self.subTest(args=args):
                code, out, err = self.causeway("pattern", *args)
                self.assertEqual((code, err), (status, ""))
                self.assertIn(says, out)

    def test_what_is_wrong(self):
        for args, says in (
            (["regex", "a("], "missing"),
            (["regexp", "a", "a"], "exact, prefix, suffix or regex"),
            (["regex", "a(b", "x"], "missing closing parenthesis\n    a(b\n       ^"),
            (["regex", "a", "strip", "x"], "use replace"),
            (["regex", "a", "replace", "x"], "replace needs a text"),
            (["regex", "a", "leave", "b", "x"], "only replace takes a text"),
            (["regex", "a", "swap", "b", "x"], "leave, strip or replace"),
            (["regex", "(a)", "replace", r"b\2", "x"], "    b\\2\n     ^"),
            (["exact", "a", "tel:911"], "no alias"),
        ):
            with self.subTest(args=args):
                code, out, err = self.causeway("pattern", *args)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(says, err)
