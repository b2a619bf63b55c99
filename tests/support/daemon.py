"""The daemon under test: starts `causeway run`, reads its log and counters, and judges its end.

    daemon = Daemon(directory, configuration)       # `listen sip tls 127.0.0.1:0`: the real port is read from the log
    await daemon.start()
    host, port = daemon.listeners[0]
    line = await daemon.logged("sip.request", event="done")
    counters = await daemon.counters()
    await daemon.stop()                             # SIGTERM; raises Crashed when a sanitizer complained or it died
"""

import asyncio
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer|Assertion .* failed")
_FIELD = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|\S*)')
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Crashed(AssertionError):
    """The daemon ended otherwise than it should, or reported a fault of memory."""


@dataclass
class LogLine:
    """One structured log line."""

    time: str
    level: str
    area: str
    fields: dict = field(default_factory=dict)
    text: str = ""

    def __getattr__(self, name):
        try:
            return self.__dict__["fields"][name]
        except KeyError:
            raise AttributeError(name) from None


def _unescape(value):
    if not value.startswith('"'):
        return value
    value = re.sub(r"\\x([0-9a-fA-F]{2})", lambda m: chr(int(m.group(1), 16)), value[1:-1])
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), value)


def parse_log(line):
    """A LogLine of `TIME LEVEL AREA key=value...`, or None for other text."""
    parts = line.split(" ", 3)
    if len(parts) < 3 or parts[1] not in ("error", "warn", "info", "debug"):
        return None
    fields = {name: _unescape(value) for name, value in _FIELD.findall(parts[3])} if len(parts) > 3 else {}
    return LogLine(parts[0], parts[1], parts[2], fields, line)


class Daemon:
    """One `causeway run` with its files in `directory`."""

    def __init__(self, directory, configuration, name="causeway.conf", program=None):
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.config = self.dir / name
        self.config.write_text(configuration)
        self.program = os.path.abspath(program or os.environ["CAUSEWAY"])
        self.listeners = []  # (address, port), in the order of the configuration
        self.process = None
        self._out, self._err = self.dir / "stdout.log", self.dir / "stderr.log"

    def command(self):
        return [self.program, "run", "-c", str(self.config)]

    async def start(self, timeout=30):
        """Start and wait until it listens."""
        await self.spawn()
        await self._until(lambda: self.log("daemon", event="ready"), timeout, "event=ready")
        for line in self.log(event="listening"):
            host, _, port = line.fields["address"].rpartition(":")
            self.listeners.append((host.strip("[]"), int(port)))
        return self

    async def spawn(self, before=None):
        """Start without waiting: for configurations that must be refused (then see ended()). `before` runs in the new process."""
        with open(self._out, "wb") as out, open(self._err, "wb") as err:
            self.process = subprocess.Popen(self.command(), stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                                            cwd=self.dir, preexec_fn=before)
        return self

    @property
    def port(self):
        return self.listeners[0][1]

    @property
    def stderr(self):
        return self._err.read_text("utf-8", "replace")

    @property
    def stdout(self):
        return self._out.read_text("utf-8", "replace")

    # -- log --
    def log(self, area=None, **fields):
        """The log lines so far of that area (or below it) whose fields have those values (True: are there)."""
        out = []
        for text in self.stderr.splitlines():
            line = parse_log(text)
            if not line or (area and line.area != area and not line.area.startswith(area + ".")):
                continue
            if all(name in line.fields if want is True else line.fields.get(name) == str(want)
                   for name, want in fields.items()):
                out.append(line)
        return out

    async def logged(self, area=None, timeout=10, **fields):
        """The first log line like that, as soon as it is there."""
        await self._until(lambda: self.log(area, **fields), timeout, f"log line {area} {fields}")
        return self.log(area, **fields)[0]

    async def logged_text(self, pattern, timeout=10):
        """The first line of stderr in which the regular expression is found (caseless)."""
        def find():
            return [line for line in self.stderr.splitlines() if re.search(pattern, line, re.I)]

        await self._until(find, timeout, f"log line like {pattern!r}")
        return find()[0]

    async def _until(self, condition, timeout, what):
        deadline = time.monotonic() + timeout
        while not condition():
            if self.process.poll() is not None and not condition():
                raise Crashed(f"the daemon ended with {self.process.returncode} before {what}:\n{self.stderr}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come in {timeout} s; the log:\n{self.stderr[-6000:]}")
            await asyncio.sleep(0.01)

    # -- control --
    async def counters(self, timeout=10):
        """Ask for the counters with SIGUSR1: {name: value}."""
        before = len(self.stdout)
        self.process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + timeout
        size = before
        while time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            now = len(self.stdout)
            if now > before and now == size:
                return parse_counters(self.stdout[before:])
            size = now
        raise AssertionError(f"no counters after SIGUSR1 in {timeout} s")

    async def reload(self, configuration=None, timeout=20):
        """Write the new configuration, send SIGHUP, and wait for the log line that says how it ended."""
        if configuration is not None:
            self.config.write_text(configuration)
        before = len(self.reloads())
        self.process.send_signal(signal.SIGHUP)
        await self._until(lambda: len(self.reloads()) > before, timeout, "the end of a reload")
        return self.reloads()[-1]

    def reloads(self):
        return [line for line in self.log("daemon") if line.fields.get("event", "").startswith("reload")]

    async def stop(self, timeout=20):
        """SIGTERM; the final counters. Raises Crashed unless it exits 0 and clean."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = await self.ended(timeout)
        self.check()
        if code != 0:
            raise Crashed(f"exit code {code}:\n{self.stderr[-6000:]}")
        return parse_counters(self.stdout)

    async def ended(self, timeout=20):
        """Wait for its end: the exit code."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self.kill()
                raise Crashed(f"the daemon did not end in {timeout} s:\n{self.stderr[-6000:]}")
            await asyncio.sleep(0.01)
        return self.process.returncode

    def check(self):
        """Raises Crashed when a sanitizer or an assertion spoke."""
        found = SANITIZER.search(self.stderr)
        if found:
            start = max(0, found.start() - 500)
            raise Crashed(f"memory fault reported:\n{self.stderr[start:start + 8000]}")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def parse_counters(text):
    """{name: value} of "name value" lines; a later line of the same name wins."""
    return {name: int(value) for name, value in re.findall(r"^([\w.:-]+) (\d+)$", text, re.M)}
