"""What an administrator is told must be true: the rule files' expectations, and every command of the guide and of script/run."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from federation.__main__ import commands
from federation.topology import RULES, Federation
from support import pki

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "microsoft-federation.md"
NO_TARGET = 1  # exit status of `locate` when no rule matches, as it must be for a call


def shell_commands(text):
    """The indented lines of a document that are commands, continued lines joined."""
    return re.findall(r"^    ((?:causeway|openssl) .*)$", text.replace("\\\n", " "), re.M)


class GuideTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)
        self.program = os.environ["CAUSEWAY"]

    def run_here(self, command):
        """Run it where the files of rules/ are, with certificates."""
        words = shlex.split(command)
        words[0] = self.program if words[0].endswith("causeway") else words[0]
        done = subprocess.run(words, cwd=self.dir / "rules", capture_output=True, text=True, check=False, timeout=60)
        wanted = NO_TARGET if "ms-av" in words else 0
        self.assertEqual(done.returncode, wanted, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def prepare(self):
        shutil.copytree(RULES, self.dir / "rules")
        ca = pki.CA(self.dir)
        ca.issue("expc", dns=["expc.ciscoexample.com"])
        ca.issue("expe", dns=["sip.ciscoexample.com", "expe.ciscoexample.com"])
        (self.dir / "rules" / "certs").symlink_to(ca.dir)
        # The guide looks at a certificate that came back from a CA.
        shutil.copy(ca.dir / "expe.pem", self.dir / "rules")

    def test_the_rules_do_what_their_tests_say(self):
        self.prepare()
        for side in ("c", "e"):
            said = self.run_here(f"causeway rules test -c expressway-{side}.conf --coverage expressway-{side}.test")
            self.assertRegex(said, r"(?m)^([0-9]+) of \1 enabled rules matched$")
            self.assertRegex(said, r"(?m)^\d+ passed, 0 failed$")

    def test_every_command_of_the_guide_works(self):
        self.prepare()
        found = shell_commands(GUIDE.read_text())
        self.assertGreater(len(found), 8)
        for command in found:
            with self.subTest(command):
                self.run_here(command)

    async def test_every_command_of_script_run_works(self):
        self.prepare()
        async with Federation(self.dir / "run", self.program, report=lambda text: None) as federation:
            for command in commands(federation):
                with self.subTest(command):
                    self.assertIn("VERDICT", self.run_here(command))
