"""docs/xmpp-federation.md: its configuration is good as it stands there, and its commands work."""

import os
import re
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import pki

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "xmpp-federation.md").read_text()
ASK_THE_DAEMON = ("status", "connections", "trace")


def commands():
    """The indented lines that are commands, continued lines joined."""
    return re.findall(r"^    ((?:causeway|openssl) .*)$", GUIDE.replace("\\\n", " "), re.M)


def configurations():
    """The blocks of causeway.conf: a whole file, and another zone for it."""
    return [block for block in re.findall(r"^```\n(.*?)^```$", GUIDE, re.S | re.M) if "type" in block]


class Guide(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)
        ca = pki.CA(self.dir)
        ca.issue("edge", dns=["example.com", "chatroom1.example.com"])
        (self.dir / "certs").symlink_to(ca.dir)

    def run_here(self, command):
        words = shlex.split(command)
        words[0] = os.environ["CAUSEWAY"] if words[0] == "causeway" else words[0]
        done = subprocess.run(words, cwd=self.dir, capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        if words[1] == "check":
            self.assertEqual(done.stderr, "", command)

    def test_every_command_works(self):
        (self.dir / "causeway.conf").write_text(configurations()[0])
        found = [command for command in commands() if command.split()[1] not in ASK_THE_DAEMON]
        self.assertGreater(len(found), 4)
        for command in found:
            with self.subTest(command):
                self.run_here(command)

    def test_a_zone_of_components(self):
        whole, zone = configurations()
        (self.dir / "component.secret").write_text("s3cret\n")
        (self.dir / "component.secret").chmod(0o600)
        (self.dir / "causeway.conf").write_text(whole.split("zone im {")[0] + zone)
        self.run_here("causeway check -c causeway.conf")


if __name__ == "__main__":
    unittest.main()
