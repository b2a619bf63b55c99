"""causeway rules diff: what is printed, and the exit status."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

CONFIGURATION = r"""
zone inner    { type neighbor; peer 127.0.0.1:5061; trusted yes }
zone 'far away' { type dns }
rule 'to our users' { priority 10; source default; pattern suffix '@example.com'; on-match stop; target inner }
rule 'to the world' { source inner; mode any-alias; target 'far away' }
transform 'old domain' { pattern suffix '@example.net'; behavior replace '@example.com' }
"""


class RulesDiff(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = Path(self.directory.name)
        (self.path / "old.conf").write_text(CONFIGURATION)

    def causeway(self, *args):
        done = subprocess.run(
            [os.environ["CAUSEWAY"], "rules", "diff", *args], cwd=self.path, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout, done.stderr

    def diff(self, new, requests, *options):
        (self.path / "new.conf").write_text(new)
        (self.path / "requests").write_text(requests)
        return self.causeway("-c", "old.conf", "new.conf", "--against", "requests", *options)

    def test_nothing_changes(self):
        for new in (CONFIGURATION, CONFIGURATION.replace("'to our users'", "ours")):
            code, out, err = self.diff(new, '{"alias":"bob@example.com"}\n')
            self.assertEqual((code, err), (0, ""))
            self.assertEqual(
                out, "0 of 1 recorded requests change their way; unreadable lines: 0\nnothing changes\n"
            )

    def test_recorded_requests(self):
        new = CONFIGURATION.replace("suffix '@example.com'", r"regex '[a-z]+@example\.com'")
        lines = ['{"alias":"bob@example.com"}', '{"alias":"sip:bob2@example.net"}', "", "bob", '{"alias":"bob3@example.com"}']
        code, out, err = self.diff(new, "\n".join(lines), "--json")
        self.assertEqual(code, 1)
        self.assertIn("requests:4:3: warning: no JSON", err)
        report = json.loads(out)
        self.assertEqual((report["old"], report["new"]), ("old.conf", "new.conf"))
        self.assertEqual(report["recorded"], {"requests": 3, "changed": 2, "unreadable": 1})
        (change,) = report["changes"]
        first = change["examples"][0]
        self.assertEqual(change["examples"][1]["alias"], "bob3@example.com")
        del change["examples"]
        self.assertEqual(
            change,
            {"rule": "to our users", "file": "old.conf", "line": 4, "side": "old", "change": "changed", "count": 2},
        )
        self.assertEqual(
            first,
            {
                "alias": "bob2@example.net",
                "from": "default",
                "protocol": "sip",
                "variant": "ms-imp",
                "authenticated": False,
                "old": {
                    "decision": "routed",
                    "targets": [{"rule": "to our users", "zone": "inner", "alias": "bob2@example.com"}],
                },
                "new": {"decision": "no-rule", "targets": []},
            },
        )

    def test_without_recorded_requests(self):
        (self.path / "new.conf").write_text(CONFIGURATION.replace("suffix '@example.com'", "suffix 'b@example.com'"))
        code, out, err = self.causeway("-c", "old.conf", "new.conf", "--json")
        self.assertEqual((code, err), (1, ""))
        report = json.loads(out)
        self.assertEqual(sorted(report), ["changes", "new", "old", "undecided"])
        self.assertEqual(report["undecided"], [])
        (change,) = report["changes"]
        self.assertEqual((change["rule"], change["side"], change["change"]), ("to our users", "old", "changed"))
        self.assertNotIn("count", change)
        for example in change["examples"]:
            self.assertRegex(example["alias"], r"@example\.(com|net)$")
            self.assertNotEqual(example["old"], example["new"])

    def test_nothing_changes_but_how_it_is_written(self):
        (self.path / "new.conf").write_text(CONFIGURATION.replace("suffix '@example.com'", r"regex '.*@example\.com'"))
        self.assertEqual(self.causeway("-c", "old.conf", "new.conf"), (0, "nothing changes\n", ""))

    def test_not_decided(self):
        new = CONFIGURATION + "rule x { source inner; pattern regex 'q+(?!.)x'; on-match stop; target inner }\n"
        (self.path / "new.conf").write_text(new)
        code, out, _ = self.causeway("-c", "old.conf", "new.conf")
        self.assertEqual(code, 1)
        self.assertIn("not decided: 'x' new.conf:7: the pattern of rule 'x' has a look-around", out)
        self.assertTrue(out.endswith("\n0 rules change the way of requests; not decided: 1\n"), out)

    def test_standard_input(self):
        (self.path / "new.conf").write_text(CONFIGURATION.replace("'to our users' {", "a { state disabled;"))
        done = subprocess.run(
            [os.environ["CAUSEWAY"], "rules", "diff", "-c", "old.conf", "new.conf", "--against=-"],
            cwd=self.path,
            input='{"alias":"bob@example.com"}',
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"old +removed +to our users +bob@example\.com from default, sip, ms-imp +1\n")

    def test_what_is_wrong(self):
        (self.path / "bad.conf").write_text("zone x\n")
        for args, says in (
            ([], "an argument is missing"),
            (["-c", "old.conf", "old.conf", "old.conf"], "too many arguments"),
            (["-c", "missing", "old.conf", "--against", "r"], "missing"),
            (["-c", "old.conf", "missing", "--against", "r"], "missing"),
            (["-c", "old.conf", "bad.conf", "--against", "r"], "bad.conf:1:"),
            (["-c", "old.conf", "old.conf", "--against", "missing"], "missing: No such file"),
        ):
            with self.subTest(args=args):
                code, out, err = self.causeway(*args)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(says, err)
