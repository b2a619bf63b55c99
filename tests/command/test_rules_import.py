"""causeway rules import: its two outputs and its exit status, and that what it writes loads and routes."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

CONFIGURATION = """
hostname expe.example.com
zone IMP          { type neighbor; peer 127.0.0.1:5062; trusted yes }
zone "Bob's zone" { type dns }
include imported.rules
"""
TABLE = r"""Name;Py;Protocol;SIP variant;Source;RMBA;Mode;Pattern type;Pattern;Behaviour;Replace;On match;Target
"""
CARRIED = r"""'quoted' {;10;SIP;Any;Default zone;No;Alias pattern match;Regex;"(\d{2,4})@x\.example(;.*)?";Replace;"\1@'y'\2";Stop;Bob's zone
inside;20;SIP;MS IM&P;Any;Yes;Any alias;;;;;Continue;IMP
"""
REFUSED = "local;5;SIP;Any;Local Zone;No;Any alias;;;;;Stop;IMP\n"


class RulesImport(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = Path(self.directory.name)

    def causeway(self, *args, stdin=b""):
        done = subprocess.run(
            [os.environ["CAUSEWAY"], *args], cwd=self.path, input=stdin, capture_output=True, timeout=60, check=False
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def carry(self, text):
        (self.path / "e.csv").write_text(text)
        (self.path / "causeway.conf").write_text(CONFIGURATION)
        code, out, err = self.causeway("rules", "import", "e.csv")
        (self.path / "imported.rules").write_text(out)
        return code, out, err

    def targets(self, alias, *options):
        _, out, err = self.causeway("locate", "-c", "causeway.conf", "--json", *options, alias)
        self.assertEqual(err, "")
        return [(t["rule"], t["zone"], t["alias"]) for t in json.loads(out)["targets"]]

    def test_all_carried(self):
        code, out, err = self.carry(TABLE + CARRIED)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("\n#     zone 'Bob''s zone'\n#     zone IMP\n\n", out)
        self.assertEqual(
            self.targets("123@x.example;user=ip"), [("'quoted' {", "Bob's zone", "123@'y';user=ip")]
        )
        self.assertEqual(self.targets("12345@x.example"), [])
        self.assertEqual(self.targets("al@x", "--from", "IMP"), [("inside", "IMP", "al@x")])
        self.assertEqual(self.targets("al@x"), [])

    def test_something_is_not_carried(self):
        code, out, err = self.carry(TABLE + REFUSED + CARRIED)
        self.assertEqual(code, 1)
        self.assertRegex(err, r"\Ae\.csv:2: rule 'local' is not carried over: Source \"Local Zone\": [^\n]+\n\Z")
        self.assertIn("\n# not carried over: rule 'local'\n", out)
        self.assertIn("\n#     Source: Local Zone\n", out)
        self.assertEqual(self.targets("al@x", "--from", "IMP"), [("inside", "IMP", "al@x")])

    def test_standard_input(self):
        text = (
            "*c xConfiguration Zones Policy SearchRules Rule 1 Name: \"a\"\r\n"
            "*c xConfiguration Zones Policy SearchRules Rule 1 Target Name: \"IMP\"\r\n"
        )
        code, out, err = self.causeway("rules", "import", "-", stdin=text.encode())
        self.assertEqual((code, err), (0, ""))
        self.assertIn("\nrule 'a' {\n", out)

    def test_what_cannot_be_read(self):
        (self.path / "prose").write_text("Dear Bob\n")
        (self.path / "heading").write_text(TABLE)
        with open(self.path / "large", "wb") as file:
            file.truncate((16 << 20) + 1)
        for args, says in (
            ([], "an argument is missing"),
            (["prose", "prose"], "too many arguments"),
            (["missing"], "missing: No such file"),
            (["prose"], "prose: it holds neither a table"),
            (["heading"], "heading: the table holds no rule"),
            (["large"], "large: File too large"),
        ):
            with self.subTest(args=args):
                code, out, err = self.causeway("rules", "import", *args)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(says, err)

    def test_output_that_cannot_be_written(self):
        (self.path / "e.csv").write_text(TABLE + CARRIED)
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [os.environ["CAUSEWAY"], "rules", "import", "e.csv"],
                cwd=self.path, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False,
            )
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"could not be written", done.stderr)
