"""SIPp as caller and as callee of many sessions and messages at once, through two Causeways.

    SIPp -- TCP -- inner Causeway -- TLS -- edge Causeway -- TCP -- SIPp

Debian's SIPp speaks no TLS; the Causeways speak it with each other. The callee waits before it answers, so that more than
a thousand requests are under way at a time.
"""

import asyncio
import csv
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import pki
from support.daemon import Daemon
from support.lab import closed_port, shared_dir

SCENARIOS = Path(__file__).parent / "sipp"
# Addresses of this run's own: what else listens or connects on loopback takes none of its ports.
CALLER, INNER, EDGE, CALLEE = (f"127.{os.getpid() >> 8 & 127 | 128}.{os.getpid() & 255}.{i}" for i in range(1, 5))
CALLS, AT_ONCE, PER_SECOND, ANSWER_AFTER_MS = 2000, 1000, 1000, 5000


class Sipp:
    """One SIPp with its files in `directory`; what it counted is read from its last line of statistics."""

    def __init__(self, directory, scenario, address, *arguments):
        self.dir = Path(directory)
        self.name = scenario
        host, port = address.split(":")
        argv = ["sipp", *arguments, "-sf", SCENARIOS / f"{scenario}.xml", "-t", "t1", "-bind_local", "-i", host, "-p", port,
                "-ci", host, "-cp", closed_port(host).split(":")[1], "-nostdin", "-m", CALLS, "-timeout", 120, "-timeout_error",
                "-watchdog_interval", 0,  # it would complain of a busy machine
                "-trace_stat", "-stf", self.file("csv"), "-trace_err", "-error_file", self.file("errors")]
        with open(self.file("out"), "wb") as out:
            self.process = subprocess.Popen(list(map(str, argv)), stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            cwd=self.dir)

    def file(self, kind):
        return self.dir / f"{self.name}.{kind}"

    def counted(self):
        with open(self.file("csv"), encoding="utf-8") as lines:
            return list(csv.DictReader(lines, delimiter=";"))[-1]

    def complaints(self):
        """What it says of its own accord: nothing when all went well."""
        errors = self.file("errors")
        return errors.read_text("utf-8", "replace")[-3000:] if errors.exists() else ""

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@unittest.skipUnless(shutil.which("sipp"), "SIPp is not installed")
class LoadTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)
        self.dir = Path(tempfile.mkdtemp(prefix="load-", dir=shared_dir()))
        self.ca = pki.CA(shared_dir())
        self.caller, self.callee = closed_port(CALLER), closed_port(CALLEE)
        inner, edge = closed_port(INNER), closed_port(EDGE)
        self.inner = await self.daemon("inner", inner, f"""
zone load {{ type neighbor; transport tcp; peer {self.caller}; trusted yes }}
zone edge {{ type neighbor; peer {edge}; verify edge.example; trusted yes }}
rule 'out' {{ source load; pattern suffix '@callee.example'; on-match stop; target edge }}
""")
        self.edge = await self.daemon("edge", edge, f"""
zone inner {{ type neighbor; peer {inner}; verify inner.example; trusted yes }}
zone callee {{ type neighbor; transport tcp; peer {self.callee}; trusted yes }}
rule 'in' {{ source inner; pattern suffix '@callee.example'; on-match stop; target callee }}
""")

    async def daemon(self, name, address, zones_and_rules):
        own = self.ca.issue(f"load-{name}", dns=[f"{name}.example"])
        host = address.split(":")[0]
        daemon = Daemon(self.dir / name, f"""
hostname {name}.example
listen sip tls {address}
listen sip tcp {host}:0
dns {{ server {closed_port(host)} }}
tls {{ certificate {own.cert}; key {own.key}; trust {self.ca.cert} }}
{zones_and_rules}""")
        self.addCleanup(daemon.kill)
        return await daemon.start()

    def sipp(self, scenario, address, *arguments):
        made = Sipp(self.dir, scenario, address, *arguments)
        self.addCleanup(made.kill)
        return made

    async def load(self, scenario):
        """All calls of that scenario: the most requests that each Causeway had under way when it was asked."""
        callee = self.sipp(f"{scenario}_callee", self.callee, "-d", ANSWER_AFTER_MS)
        await self.listens(self.callee)
        host, port = self.inner.listeners[1]
        caller = self.sipp(f"{scenario}_caller", self.caller, f"{host}:{port}", "-r", PER_SECOND, "-l", CALLS)
        most = {self.inner: 0, self.edge: 0}
        while caller.process.poll() is None:
            for daemon in most:
                most[daemon] = max(most[daemon], (await daemon.counters())["requests.open"])
        self.assert_all_well(caller)
        await asyncio.to_thread(callee.process.wait, 30)
        self.assert_all_well(callee)
        return most.values()

    def assert_all_well(self, sipp):
        """It ended, and all of its calls did as the scenario wants, each message coming once."""
        self.assertEqual((sipp.process.returncode, sipp.complaints()), (0, ""), sipp.name)
        counted = sipp.counted()
        self.assertEqual(int(counted["SuccessfulCall(C)"]), CALLS, sipp.name)
        for name in ("FailedCall(C)", "Retransmissions(C)", "OutOfCallMsgs(C)", "DeadCallMsgs(C)"):
            self.assertEqual(int(counted[name]), 0, f"{sipp.name}: {name}")

    async def listens(self, address):
        """Until somebody listens there: by what the system says, for a connection would be a call's."""
        host, port = address.split(":")
        wanted = "%02X%02X%02X%02X:%04X" % (*map(int, reversed(host.split("."))), int(port))
        async with asyncio.timeout(20):
            while not any(line.split()[1] == wanted and line.split()[3] == "0A"
                          for line in Path("/proc/net/tcp").read_text().splitlines()):
                await asyncio.sleep(0.02)

    async def judge(self, most, **fates):
        """So many requests were under way at a time, and at its end each Causeway has accounted for all."""
        for open_requests in most:
            self.assertGreaterEqual(open_requests, AT_ONCE)
        for daemon in (self.inner, self.edge):
            counters = await daemon.stop()
            self.assertEqual({n.removeprefix("fate."): v for n, v in counters.items() if n.startswith("fate.") and v}, fates)
            self.assertEqual((counters["requests.received"], counters["unaccounted"]), (sum(fates.values()), 0))

    async def test_sessions(self):
        await self.judge(await self.load("session"), delivered=2 * CALLS, sent=CALLS)

    async def test_messages(self):
        await self.judge(await self.load("message"), delivered=CALLS)
