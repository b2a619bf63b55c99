"""Kamailio, a SIP server that this project did not write: its files, its process and its commands.

    kamailio = Kamailio(directory, "imp1-public.uc.example", "127.0.0.2", port, settings=SETTINGS, modules=("rr",), route=ROUTE,
                        certificate=cert, ca=ca)
    await kamailio.start()                    # it listens on tls:127.0.0.2:port
    await kamailio.rpc("core.uptime")         # what kamcmd prints
    await kamailio.logged("certificate")      # a line of its log
    kamailio.kill()                           # all of its processes, at once
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

_SBIN = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_MODULES = ("tls", "tm", "pv", "sl", "maxfwd", "textops", "siputils")  # that every proxy wants
_FOLDER = next(Path("/usr/lib").glob("*/kamailio/modules"), Path())
PROGRAM, CONTROL = (shutil.which(name, path=_SBIN) for name in ("kamailio", "kamcmd"))
IS_INSTALLED = bool(PROGRAM and CONTROL and (_FOLDER / "tls.so").exists())


def command(directory, *, listen, certificate, ca, settings="", modules=(), route="", tls_method="TLSv1.2+", memory_mib=64):
    """
    Write the configuration of a Kamailio that demands and shows certificates, and return what to start. `settings` stands
    before the modules (core parameters), `route` after them (their parameters, and the routes).
    """
    directory = Path(directory)
    side = f"""method = {tls_method}
verify_certificate = yes
require_certificate = yes
private_key = {certificate.key}
certificate = {certificate.cert}
ca_list = {ca}
"""
    (directory / "tls.cfg").write_text(f"[server:default]\n{side}[client:default]\n{side}")
    loaded = "\n".join(f'loadmodule "{name}.so"' for name in (*_MODULES, *modules))
    file = directory / "kamailio.cfg"
    file.write_text(f"""#!KAMAILIO
log_stderror=yes
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
listen={listen}
{settings}
mpath="{_FOLDER}"
{loaded}
modparam("tls", "config", "{directory}/tls.cfg")
{route}
""")
    return [PROGRAM, "-DD", "-E", "-f", str(file), "-Y", str(directory), "-w", str(directory),
            "-m", str(memory_mib)]


class Kamailio:
    """
    One Kamailio that calls itself `name` and listens on a TLS port of `host`; the rest is as in command(). `hosts`: (name,
    address) pairs that it shall know without asking DNS.
    """

    def __init__(self, directory, name, host, port, *, hosts=(), **configuration):
        self.dir = Path(directory)
        self.dir.mkdir(parents=True)
        self.name, self.host, self.port = name, host, port
        self.hosts, self.configuration = hosts, configuration
        self.process = None
        self._log = self.dir / "log"
        self._socket = self.dir / "control"

    @property
    def log(self):
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    async def start(self, timeout=20):
        """Start, or start again, and wait until it listens."""
        more = self.configuration
        name = f"alias={self.name}:{self.port}\nadvertised_address={self.name}\nadvertised_port={self.port}"
        argv = command(self.dir, **{
            **more, "listen": f"tls:{self.host}:{self.port}", "modules": ("ctl", *more["modules"]),
            "settings": f"tcp_source_ipv4={self.host}\n{name}\n{more['settings']}",
            "route": f'modparam("ctl", "binrpc", "unix:{self._socket}")\n{more["route"]}'})
        self._socket.unlink(missing_ok=True)
        with open(self._log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.dir,
                                            start_new_session=True)  # so that kill() finds all of its processes
        deadline = time.monotonic() + timeout
        while not await self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Kamailio {self.name} does not start:\n{self.log[-4000:]}")
            await asyncio.sleep(0.05)
        for name, address in self.hosts:
            await self.rpc("dns.add_a", name, "3600", address, "0")
        return self

    async def _listens(self):
        try:
            _, writer = await asyncio.open_connection(self.host, self.port)
            writer.close()
            return self._socket.exists() and bool(await self.rpc("core.uptime"))
        except (OSError, AssertionError):
            return False

    async def rpc(self, *words):
        """What that command prints; an error is raised."""
        process = await asyncio.create_subprocess_exec(
            CONTROL, "-s", f"unix:{self._socket}", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        out = (await process.communicate())[0].decode()
        if process.returncode or out.startswith("error"):
            raise AssertionError(f"kamcmd {' '.join(words)}: {out}")
        return out

    async def logged(self, pattern, timeout=10):
        """The first line of its log in which the regular expression is found, as soon as it is there."""
        deadline = time.monotonic() + timeout
        while True:
            for line in self.log.splitlines():
                if re.search(pattern, line):
                    return line
            if time.monotonic() > deadline:
                raise AssertionError(f"Kamailio {self.name} did not log {pattern!r} in {timeout} s:\n{self.log[-4000:]}")
            await asyncio.sleep(0.02)

    def kill(self):
        """End all of its processes without a word."""
        if not self.process:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
