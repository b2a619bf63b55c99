"""The federation that script/run shows, with the program under test, and that it notices when something is wrong."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from federation.exchange import Exchange, check_counters
from federation.topology import RULES, Federation
from federation.xmpp_exchange import XmppExchange
from federation.xmpp_servers import NOT_ALLOWED, THEIR_ROOMS, THEIRS, XmppServers

# Sessions 14, presence 12, single messages 2, failures 4, refusals 2.
MESSAGES = 34
# Chat 2, presence 4, rooms 8, refusals 1.
STANZAS = 15


class FederationTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = Path(directory.name)

    async def exchange(self, rules=RULES):
        async with Federation(self.dir, os.environ["CAUSEWAY"], report=lambda text: None, rules=rules) as federation:
            exchange = await Exchange(federation).run()
            self.counters = await federation.stop_daemons()
        return exchange

    async def test_all_messages_pass_through_both_causeways(self):
        exchange = await self.exchange()
        self.assertEqual("\n".join(exchange.faults + check_counters(self.counters)), "")
        self.assertEqual(len(exchange.rows), MESSAGES)

    async def test_a_missing_rule_is_noticed(self):
        """Without the rule for the Federation Routing FQDN a NOTIFY whose route set was lost does not arrive."""
        rules = self.dir / "rules"
        shutil.copytree(RULES, rules)
        inside = rules / "expressway-c.rules"
        inside.write_text(inside.read_text().replace("imp1-public", "imp2-public"))
        exchange = await self.exchange(rules)
        failed = [row.what for row in exchange.rows if row.faults]
        self.assertEqual(failed, ["NOTIFY, route set lost"])
        self.assertIn("404 No search rule matches", exchange.faults[0])

    async def test_a_domain_too_many_on_the_list_is_noticed(self):
        """All stanzas pass, and one that should not: it comes back from DNS, and not from the list."""
        servers = XmppServers(allowed=(THEIRS, THEIR_ROOMS, NOT_ALLOWED))
        async with Federation(self.dir, os.environ["CAUSEWAY"], report=lambda text: None, xmpp=servers) as federation:
            servers.spawn()
            servers.wait()
            exchange = await XmppExchange(federation).run()
            counters = await federation.stop_daemons()
        failed = [row for row in exchange.rows if row.faults]
        self.assertEqual([row.what for row in failed], ["message, not on the allow list"], exchange.faults)
        self.assertIn("remote-server-not-found", failed[0].back)
        self.assertIn("its fate is failed, expected rejected", "\n".join(failed[0].faults))
        self.assertEqual(len(exchange.rows), STANZAS)
        self.assertEqual(check_counters(counters), [])

    def start_command(self, *arguments):
        tests = Path(__file__).resolve().parents[1]
        environment = {**os.environ, "PYTHONPATH": str(tests), "PYTHONUNBUFFERED": "1", "TMPDIR": str(self.dir)}
        return subprocess.Popen([sys.executable, "-m", "federation", *arguments], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def assert_nothing_is_left(self):
        """No file, and no process that works in the directory of the run."""
        self.assertEqual(list(self.dir.iterdir()), [])
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_text("utf-8", "replace")
            except OSError:  # it ended meanwhile
                continue
            self.assertNotIn(str(self.dir), words)

    def test_the_command_tells_by_its_status(self):
        good = self.start_command("--once", "--causeway", os.environ["CAUSEWAY"])
        said, errors = good.communicate(timeout=300)
        self.assertEqual((good.returncode, errors), (0, ""), said)
        self.assertEqual(said.count("✓"), MESSAGES + STANZAS)
        for text in ("Microsoft to IMP → IMP", "federation, TLSv1.3, external", "XMPP PARTNER", "xmpp-federation  active"):
            self.assertIn(text, said)
        self.assertRegex(said, r"xmpp\.unaccounted +0 +0\n")
        bad = self.start_command("--once", "--causeway", "/bin/false")
        self.assertIn("NOT RIGHT", bad.communicate(timeout=300)[1])
        self.assertEqual(bad.returncode, 1)
        self.assert_nothing_is_left()

    def test_an_interrupted_command_leaves_nothing_behind(self):
        """While the servers start, and when everything is up."""
        for text, status in (("An IM session", 1), ("log in with two XMPP clients", 0)):
            with self.subTest(text):
                command = self.start_command("--causeway", os.environ["CAUSEWAY"])
                self.addCleanup(command.kill)
                said = ""
                while text not in said:
                    line = command.stdout.readline()
                    self.assertTrue(line, said)
                    said += line
                command.send_signal(signal.SIGINT)
                rest, errors = command.communicate(timeout=60)
                self.assertEqual(command.returncode, status, said + rest + errors)
                self.assert_nothing_is_left()
