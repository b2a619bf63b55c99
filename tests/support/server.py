"""A server that this project did not write, as a process of a test: its files, its free ports, its log, its end."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

HOST = "127.0.0.1"
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    """In a new process: it ends with us, also where we are killed and cannot end it."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Port:
    """
    A TCP port of loopback that nobody else is given for as long as this object lives. A server that binds with SO_REUSEADDR
    can listen on it, also again after a restart.
    """

    def __init__(self):
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind((HOST, 0))
        self.number = self._holder.getsockname()[1]

    def listens(self):
        """Whether somebody accepts connections on it."""
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.number)) == 0

    def close(self):
        self._holder.close()


class Server:
    """
    One server with its files in `directory`. A kind of server says by command(), environment() and is_ready() how it is
    started; its configuration is written before start().
    """

    def __init__(self, directory, name):
        self.dir = Path(directory)
        self.dir.mkdir(parents=True)
        self.name = name
        self.process = None
        self._log = self.dir / "server.log"

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def is_ready(self):
        raise NotImplementedError

    @property
    def log(self):
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def spawn(self):
        """Start without waiting."""
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.dir,
                env={**os.environ, **self.environment()}, start_new_session=True,  # so that kill() finds all of its processes
                preexec_fn=_die_with_parent)
        return self

    def wait(self, timeout=60):
        """Until it is ready."""
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} does not start:\n{self.log[-4000:]}")
            time.sleep(0.05)
        return self

    def start(self):
        return self.spawn().wait()

    def logged(self, pattern, timeout=10):
        """The first line of its log in which the regular expression is found, as soon as it is there."""
        deadline = time.monotonic() + timeout
        while True:
            for line in self.log.splitlines():
                if re.search(pattern, line):
                    return line
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} did not log {pattern!r} in {timeout} s:\n{self.log[-4000:]}")
            time.sleep(0.02)

    def stop(self, timeout=20):
        """Ask it to end, so that it closes its streams as it would at any shutdown."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def kill(self):
        """End all of its processes without a word."""
        if not self.process:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
