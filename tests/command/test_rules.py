"""causeway rules list and rules test: what is printed, and the exit status."""

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
rule 'off' { state disabled; mode any-ip; target inner }
transform 'old domain' { pattern suffix '@example.net'; behavior replace '@example.com' }
"""


class Rules(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = Path(self.directory.name)
        (self.path / "c.conf").write_text(CONFIGURATION)

    def causeway(self, *args):
        done = subprocess.run(
            [os.environ["CAUSEWAY"], "rules", *args], cwd=self.path, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout, done.stderr

    def run_tests(self, text, *options):
        (self.path / "t").write_text(text)
        return self.causeway("test", "-c", "c.conf", *options, "t")

    def test_list(self):
        code, out, err = self.causeway("list", "-c", "c.conf")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"10 +to our users +from default, suffix '@example\.com'; stop +inner\n +c\.conf:4\n")
        self.assertRegex(out, r"100 +off +disabled; any IP address +inner\n")
        self.assertRegex(out, r"100 +old domain +suffix '@example\.net'; replace '@example\.com'\n")
        self.assertLess(out.index("to our users"), out.index("to the world"))

    def test_all_pass(self):
        code, out, err = self.run_tests(
            "# comment\n\nfrom default bob@example.net -> inner:bob@example.com\nfrom inner al@x -> 'far away'\n"
        )
        self.assertEqual((code, out, err), (0, "2 passed, 0 failed\n", ""))

    def test_a_failure_is_printed_with_its_trace(self):
        code, out, err = self.run_tests("from default bob@example.com -> inner\nfrom default al@x -> 'far away'\n")
        self.assertEqual((code, err), (1, ""))
        self.assertTrue(out.startswith("FAILED t:2, got none\nfrom default al@x -> 'far away'\n"), out)
        self.assertIn("source zone is default, rule wants inner", out)
        self.assertTrue(out.endswith("\n1 passed, 1 failed\n"), out)

    def test_lines_that_cannot_be_read(self):
        code, out, err = self.run_tests("from inner al@x -> 'far away'\nfrom iner al@x -> none\nfrom inner al@x\n")
        self.assertEqual((code, out), (2, "1 passed, 0 failed\n"))
        self.assertIn('t:2:6: error: unknown zone "iner"; did you mean "inner"?', err)
        self.assertIn("t:3:", err)

    def test_coverage(self):
        code, out, _ = self.run_tests("from default bob@example.com -> inner\n", "--coverage")
        self.assertEqual(code, 0)
        self.assertEqual(
            out,
            "never matched: transform 'old domain' c.conf:7\n"
            "never matched: rule 'to the world' c.conf:5\n"
            "1 of 2 enabled rules matched\n"
            "1 passed, 0 failed\n",
        )

    def test_several_files(self):
        (self.path / "u").write_text("from inner al@x -> none\n")
        (self.path / "t").write_text("from default bob@example.com -> inner\n")
        code, out, _ = self.causeway("test", "-c", "c.conf", "t", "u")
        self.assertEqual(code, 1)
        self.assertTrue(out.startswith("FAILED u:1"), out)
        self.assertTrue(out.endswith("\n1 passed, 1 failed\n"), out)

    def test_what_is_wrong(self):
        for args, says in (
            ([], "expected analyse or diff or import or list or test"),
            (["tset"], "expected analyse or diff or import or list or test"),
            (["test", "-c", "c.conf"], "an argument is missing"),
            (["test", "-c", "c.conf", "missing"], "missing: No such file"),
            (["list", "-c", "c.conf", "x"], "too many arguments"),
            (["list", "-c", "missing"], "missing"),
        ):
            with self.subTest(args=args):
                code, _, err = self.causeway(*args)
                self.assertEqual(code, 2)
                self.assertIn(says, err)
