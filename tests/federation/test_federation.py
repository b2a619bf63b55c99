"""The federation that script/run shows, with the program under test, and that it notices when something is wrong."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from federation.exchange import Exchange, check_counters
from federation.topology import RULES, Federation

# Sessions 14, presence 12, single messages 2, failures 4, refusals 2.
MESSAGES = 34


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

    def test_the_command_tells_by_its_status(self):
        command = [sys.executable, "-m", "federation", "--once", "--causeway"]
        tests = Path(__file__).resolve().parents[1]
        environment = {**os.environ, "PYTHONPATH": str(tests), "TMPDIR": str(self.dir)}
        good = subprocess.run([*command, os.environ["CAUSEWAY"]], env=environment, capture_output=True, text=True,
                              check=False, timeout=300)
        self.assertEqual((good.returncode, good.stderr), (0, ""))
        self.assertIn("Microsoft to IMP → IMP", good.stdout)
        bad = subprocess.run([*command, "/bin/false"], env=environment, capture_output=True, text=True, check=False,
                             timeout=300)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("NOT RIGHT", bad.stderr)
        self.assertEqual(list(self.dir.iterdir()), [])
