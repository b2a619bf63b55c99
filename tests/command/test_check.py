"""causeway check: exit status, places and carets, certificates, JSON; and how the program is asked for help."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from support import pki  # noqa: E402

# Every setting that this version does something with, as an administrator would write it.
GOOD = r"""
hostname expe.example.com                  # the name in Via
listen sip tls 127.0.0.1:0
listen sip tcp 127.0.0.1:0
tls {
    certificate ca/server.pem              # leaf first
    key         ca/server.key
    trust       ca/ca.pem
    crl         ca/crl1.pem
    crl-missing soft
    minimum     tls1.2
}
dns { server 127.0.0.53:53 }
token { key-file token.keys }
zone IMP {
    type     neighbor
    peer     imp1-public.uc.local:5062
    peer     imp2-public.uc.local:5062
    transport tls
    name     expc.uc.local
    verify   imp1-public.uc.local
    wildcards no
    trusted  yes
    hop-count 15
    connect-timeout  3
    response-timeout 20
    monitor  yes
}
zone internet { type dns; verify target; address-fallback no; allow-private no }
hosting-provider sipfed.online.example
partner msexample.com { certificate edge.msexample.com }
access default {
    allow regex '.*\.partner\.example'
    deny  any
}
sender-check yes
include rules/*.rules
"""
RULES = r"""
rule 'IMP Public to IMP' {
    priority      20
    state         enabled
    protocol      sip
    variant       ms-imp
    source        any
    authenticated no
    mode          pattern
    pattern       regex '.*imp1-public\.uc\.local.*'
    behavior      leave
    on-match      stop
    target        IMP
}
rule out { source IMP; mode any-alias; target internet }
transform 'short names' { priority 1; pattern regex '(\w+)@short'; behavior replace '\1@example.com' }
"""
FEDERATION = r"""
listen xmpp 127.0.0.1:0
xmpp {
    domain      example.com
    chat-node   chatroom1.example.com
    inside      im
    security    required
    certificates named
    dialback-secret-file dialback.secret
    sasl-external yes
    privacy     allow-list
    allow       partner.example
    deny        bad.example
    static-routes yes
    route       other.example 127.0.0.1:5269
    idle-timeout 10m
    partner legacy.example { security optional; route 192.0.2.7 }
}
zone im { type xmpp; peer 127.0.0.2:5269 }
"""

PAGE = Path(__file__).resolve().parents[2] / "daemon/causeway.conf.5.scd"


class CommandTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.dir = Path(cls.folder.name)
        cls.ca = pki.CA(cls.dir)
        cls.ca.issue("server", dns=["expe.example.com"])
        cls.ca.issue("federation", dns=["expe.example.com", "example.com", "chatroom1.example.com"])
        cls.ca.issue("old", dns=["expe.example.com"], expired=True)
        cls.ca.crl()
        (cls.dir / "rules").mkdir()
        (cls.dir / "rules/10.rules").write_text(RULES)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def causeway(self, *args):
        return subprocess.run([os.environ["CAUSEWAY"], *args], cwd=self.dir, capture_output=True, text=True,
                              timeout=60, check=False)

    def check(self, text, *args):
        (self.dir / "c.conf").write_text(text)
        return self.causeway("check", "-c", "c.conf", *args)


class Check(CommandTest):
    def test_a_good_file_is_good(self):
        done = self.check(GOOD)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "c.conf: good (listeners: 2, zones: 2, rules: 2)\n"
                                      "notes on the rules: 2 (causeway rules analyse)\n")
        self.assertFalse((self.dir / "token.keys").exists(), "check makes no keys")

    def test_rules_are_analysed(self):
        done = self.check(GOOD + "rule again { priority 30; pattern exact 'imp1-public.uc.local'; variant ms-imp; target IMP }\n")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("warning: shadowed: rule 'again' is never reached", done.stderr)
        self.assertIn("(rules/10.rules:2); witness: imp1-public.uc.local from default, sip, ms-imp\n", done.stderr)
        messages = json.loads(self.check(GOOD + "rule again { priority 30; pattern exact 'imp1-public.uc.local'; "
                                         "variant ms-imp; target IMP }\n", "--json").stdout)["messages"]
        self.assertTrue(any("shadowed" in message["message"] for message in messages))

    def test_warnings_alone_exit_1(self):
        done = self.check(GOOD + "zone t { type traversal-server; verify t.example }\n")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"c.conf:{len(GOOD.splitlines()) + 1}:6: warning: zones of type traversal-server", done.stderr)
        self.assertIn("not available in this version", done.stderr)
        self.assertTrue(done.stderr.endswith("0 errors, 1 warning\n"), done.stderr)
        self.assertIn("usable, with warnings", done.stdout)

    def test_a_federation_is_good(self):
        done = self.check((GOOD + FEDERATION).replace("server.", "federation."))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse((self.dir / "dialback.secret").exists(), "check makes no secrets")

    def test_local_names_that_no_certificate_carries(self):
        done = self.check(GOOD + FEDERATION)
        self.assertEqual(done.returncode, 1)
        for name in ("domain example.com", "chat-node chatroom1.example.com"):
            self.assertIn(f'warning: {name}: no certificate of a "tls" block carries this name', done.stderr)
        self.assertTrue(done.stderr.endswith("0 errors, 2 warnings\n"), done.stderr)

    def test_secrets_are_read(self):
        (self.dir / "open.secret").write_text("0123456789abcdef\n")
        (self.dir / "open.secret").chmod(0o644)
        done = self.check("hostname a.example; xmpp { dialback-secret-file open.secret }\n"
                          "zone c { type xmpp; peer 127.0.0.2; component p.example; component-secret-file none }\n")
        self.assertEqual(done.returncode, 2)
        self.assertIn("open.secret: error: its mode lets others at it; expected 0600 or 0640\n", done.stderr)
        self.assertIn("none: error: cannot be opened: No such file or directory\n", done.stderr)

    def test_every_error_is_printed_with_its_place(self):
        done = self.check("hostnme x\nzone IMP { type neighbor; peer a.example }\n"
                          "include rules/none*.rules\n\trule 'r' { pattern regex 'a(b'; target IMPP }\n")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, (
            'c.conf:1:1: error: unknown setting "hostnme" in the file outside of blocks; did you mean "hostname"?\n'
            "hostnme x\n^~~~~~~\n"
            'c.conf:2:6: error: "hostname" is missing: the name of this system in Via and Record-Route\n'
            "zone IMP { type neighbor; peer a.example }\n     ^~~\n"
            'c.conf:2:6: warning: this needs a certificate, and there is no "tls" block\n'
            "zone IMP { type neighbor; peer a.example }\n     ^~~\n"
            'c.conf:3:9: warning: no file matches "rules/none*.rules"\n'
            "include rules/none*.rules\n        ^~~~~~~~~~~~~~~~~\n"
            "c.conf:4:31: error: missing closing parenthesis\n"
            "\trule 'r' { pattern regex 'a(b'; target IMPP }\n\t                             ^\n"
            'c.conf:4:41: error: unknown zone "IMPP"; did you mean "IMP"?\n'
            "\trule 'r' { pattern regex 'a(b'; target IMPP }\n\t                                       ^~~~\n"
            "4 errors, 2 warnings\n"))
        self.assertEqual(done.stdout, "")

    def test_an_error_in_an_included_file_names_that_file(self):
        (self.dir / "rules/20.rules").write_text("rule out { mode any-alias; target IMP }\n")
        try:
            done = self.check(GOOD)
        finally:
            (self.dir / "rules/20.rules").unlink()
        self.assertEqual(done.returncode, 2)
        self.assertIn('rules/20.rules:1:6: error: rule "out" stands here twice; the first one is in rules/10.rules:15',
                      done.stderr)

    def test_json(self):
        done = self.check(GOOD + "zone IMP { type dns }\n", "--json")
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, done.stderr), (2, ""))
        self.assertEqual({k: report[k] for k in ("file", "errors", "warnings", "zones", "rules")},
                         {"file": "c.conf", "errors": 1, "warnings": 0, "zones": 2, "rules": 2})
        self.assertEqual(report["messages"], [{
            "severity": "error", "file": "c.conf", "line": len(GOOD.splitlines()) + 1, "column": 6,
            "message": 'zone "IMP" stands here twice; the first one is in c.conf:15'}])
        self.assertEqual(json.loads(self.check(GOOD, "--json").stdout)["messages"], [])

    def test_json_of_what_is_no_text(self):
        (self.dir / "c.conf").write_bytes(b"a\xff\x1b \x00\n\xc3\x28\n")
        done = self.causeway("check", "-c", "c.conf", "--json")
        self.assertEqual(done.returncode, 2)
        self.assertGreaterEqual(json.loads(done.stdout)["errors"], 3)

    def test_json_of_a_file_whose_name_is_no_text(self):
        (self.dir / os.fsdecode(b"\xff.conf")).write_text("hostname a.example\nx\n")
        report = json.loads(self.causeway("check", "-c", os.fsdecode(b"\xff.conf"), "--json").stdout)
        self.assertEqual(report["file"], "\\xff.conf")
        self.assertEqual({m["file"] for m in report["messages"]}, {"\\xff.conf"})

    def test_certificates_are_opened(self):
        for change, cause in ((("server.pem", "absent.pem"), "c.conf:6:17: error: ca/absent.pem"),
                              (("server.pem", "old.pem"), "c.conf:6:17: error: ca/old.pem"),
                              (("server.key", "old.key"), "c.conf:7:17: error: ca/old.key"),
                              (("ca/ca.pem", "ca/ca.cnf"), "c.conf:8:17: error: ca/ca.cnf"),
                              (("crl1.pem", "server.pem"), "c.conf:9:17: error: ca/server.pem")):
            with self.subTest(cause):
                done = self.check(GOOD.replace(*change))
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(cause, done.stderr)

    def test_keys_of_tokens_are_read(self):
        (self.dir / "token.keys").write_text("not a key\n")
        try:
            done = self.check(GOOD)
        finally:
            (self.dir / "token.keys").unlink()
        self.assertEqual(done.returncode, 2)
        self.assertIn("token.keys", done.stderr)

    def test_a_file_of_token_keys_that_cannot_be_made_is_an_error(self):
        done = self.check(GOOD.replace("key-file token.keys", "key-file absent/token.keys"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("absent/token.keys: error: cannot be made: No such file or directory", done.stderr)
        self.assertFalse((self.dir / "token.keys").exists())

    def test_run_refuses_with_the_same_words(self):
        text = GOOD.replace("server.pem", "absent.pem").replace("verify target", "verify targt")
        said = self.check(text).stderr
        done = self.causeway("run", "-c", "c.conf")
        self.assertEqual((done.returncode, done.stderr), (2, said))
        self.assertTrue(said.endswith("2 errors, 0 warnings\n"), said)

    def test_no_file(self):
        done = self.causeway("check", "-c", "absent.conf")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, 'absent.conf: error: cannot read "absent.conf": No such file or directory\n'
                                      "1 error, 0 warnings\n")


class ManualPage(CommandTest):
    """What causeway.conf(5) shows an administrator must work as it stands there."""

    def blocks(self, heading):
        """The literal blocks below a heading, as scdoc would print them."""
        text = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
        return [block.replace("\\\\", "\\") for block in text.split("```\n")[1::2]]

    def test_the_example(self):
        rules, commands, tests = self.blocks("An example")
        zones = ("hostname expe.example.com\nlisten sip tcp 127.0.0.1:0\n"
                 "zone IMP { type neighbor; transport tcp; peer 192.0.2.1 }\nzone internet { type dns }\n"
                 "tls { certificate ca/server.pem; key ca/server.key; trust ca/ca.pem }\n")
        (self.dir / "causeway.conf").write_text(zones + rules)
        for command in commands.splitlines():
            with self.subTest(command):
                done = self.causeway(*command.split()[1:])
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        (self.dir / "example.test").write_text(tests)
        done = self.causeway("rules", "test", "-c", "causeway.conf", "example.test")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("3 passed, 0 failed", done.stdout)


    def test_the_federation(self):
        settings, commands = self.blocks("A federation")
        (self.dir / "certs").mkdir()
        for name in ("federation.pem", "federation.key", "ca.pem"):
            shutil.copy(self.dir / "ca" / name, self.dir / "certs" / name.replace("federation", "edge"))
        (self.dir / "federation.conf").write_text(settings)
        for command in commands.splitlines():
            with self.subTest(command):
                done = self.causeway(*command.split()[1:])
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)


class Usage(CommandTest):
    def test_help_and_version(self):
        self.assertEqual(self.causeway("--help").returncode, 0)
        self.assertIn("causeway check [-c FILE] [--dns] [--json]", self.causeway("--help").stdout)
        self.assertIn("usage: causeway check", self.causeway("check", "--help").stdout)
        self.assertRegex(self.causeway("--version").stdout, r"^causeway \d+\.\d+\.\d+\n$")

    def test_output_that_cannot_be_written_exits_2(self):
        (self.dir / "c.conf").write_text(GOOD)
        for args in (("--help",), ("--version",), ("check", "--help"), ("check", "-c", "c.conf"),
                     ("check", "--json", "-c", "c.conf"), ("locate", "--json", "-c", "c.conf", "a" * 2000),
                     ("rules", "list", "-c", "c.conf"), ("pattern", "exact", "a", "a")):
            with self.subTest(args), open("/dev/full", "wb") as full:
                done = subprocess.run([os.environ["CAUSEWAY"], *args], cwd=self.dir, stdout=full,
                                      stderr=subprocess.PIPE, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn("the output could not be written", done.stderr)

    def test_mistakes_exit_2(self):
        for args, said in (((), "usage:"), (("chek",), 'did you mean "check"?'), (("check", "x"), "too many"),
                           (("check", "--jsn"), 'did you mean "--json"?'), (("check", "-c"), "needs a value")):
            with self.subTest(args):
                done = self.causeway(*args)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(said, done.stderr)
