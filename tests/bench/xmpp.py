"""CPU time per relayed XMPP message of Causeway, next to what Prosody and ejabberd need for a message in and one out.

    python3 tests/bench/xmpp.py --build BUILD [--rounds 5] [--causeway PROGRAM]...

See README.md for what the figures mean. It judges nothing: it ends with 0 whenever it ran to its end.
"""

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import proxies  # noqa: E402
from support import ejabberd, pki, prosody  # noqa: E402
from support.daemon import Daemon  # noqa: E402
from support.dnsserver import DnsServer  # noqa: E402
from support.server import HOST, Port  # noqa: E402

LOCAL, COMPONENT, PARTNER = "uc.test", "app.uc.test", "load.test"
SECRET = "secret"
INSIDE_HOST = "127.0.0.2"  # of the inside server: Causeway knows it by that
SHAPES = {  # messages in flight, messages
    "closed loop": (1, 4000),
    "32 in flight": (32, 20000),
    "256 in flight": (256, 40000),
}
LOAD_TIMEOUT_S = 120


class Prosody(prosody.Prosody):
    def configuration(self):
        self.modules = [module for module in self.modules if module != "smacks"]
        quiet = super().configuration().replace("log = { debug =", "log = { info =")
        return quiet + self._ssl(self.hosts[LOCAL])  # of the component, which comes last


class Ejabberd(ejabberd.Ejabberd):
    def environment(self):
        # Its schedulers spin for a while before they sleep; what is measured is work.
        return {**super().environment(), "ERL_FLAGS": "+sbwt none +sbwtdcpu none +sbwtdio none"}


class Subject:
    """A server, and the ways of a message through it: {name: (sender, receiver, from, to)} for xmpp_load."""

    def __init__(self, name, server, ways):
        self.name, self.server, self.ways = name, server, ways
        self.cpu = {way: {shape: [] for shape in SHAPES} for way in ways}

    def total(self, shape):
        """Of each round: a message in and out."""
        return [sum(figures) for figures in zip(*(self.cpu[way][shape] for way in self.ways))]


class Bench:
    """The servers, the load, and their figures."""

    def __init__(self, load, directory, programs):
        self.load, self.dir = load, Path(directory)
        self.certificates()
        self.partner = Port()  # where the load takes streams for PARTNER
        srv = [(f"_xmpp-server._tcp.{PARTNER}", "localhost", self.partner.number)]
        self.dns = DnsServer(self.dir / "dns", srv=srv, hosts=[("localhost", HOST)])
        self.subjects = []
        for i, program in enumerate(programs):
            self.add_causeway(f"causeway {i + 1}" if len(programs) > 1 else "causeway", str(Path(program).resolve()))
        for name, kind, module in (("ejabberd", Ejabberd, ejabberd), ("prosody", Prosody, prosody)):
            if module.IS_INSTALLED:
                self.add_other(name, kind)
            else:
                print(f"{name} is not installed: left out")

    def certificates(self):
        self.ca = pki.CA(self.dir)
        self.certificate = self.ca.issue("server", dns=[LOCAL, COMPONENT])
        made = self.ca.issue("load", dns=[PARTNER, LOCAL])
        shutil.copy(made.cert, self.dir / "load.pem")
        shutil.copy(made.key, self.dir / "load.key")
        shutil.copy(self.ca.cert, self.dir / "ca.pem")

    def add_causeway(self, name, program):
        port, inside = Port(), Port()
        daemon = Daemon(self.dir / name.replace(" ", "-"), f"""
hostname {LOCAL}
listen xmpp {HOST}:{port.number}
dns {{ server {self.dns.address} }}
tls {{ certificate {self.certificate.cert}; key {self.certificate.key}; trust {self.ca.cert} }}
xmpp {{ domain {LOCAL}; inside im; allow {PARTNER}; security required; sasl-external yes }}
zone im {{ type xmpp; peer {INSIDE_HOST}:{inside.number} }}
""", program=program)
        ways = {"relayed": (f"server:{HOST}:{port.number}", f"server:{INSIDE_HOST}:{inside.number}", PARTNER, LOCAL)}
        self.subjects.append(Subject(name, daemon, ways))

    def add_other(self, name, kind):
        hosts = {"hosts": {LOCAL: self.certificate}} if kind is Prosody else {"hosts": [LOCAL],
                                                                              "certificates": [self.certificate]}
        server = kind(self.dir / name, components={COMPONENT: SECRET}, trust=self.ca.cert, dns=self.dns.address, **hosts)
        s2s, component = (f"{kind_}:{HOST}:{port.number}"
                          for kind_, port in (("server", server.s2s), ("component", server.component)))
        self.subjects.append(Subject(name, server, {
            "in": (s2s, component, PARTNER, COMPONENT),
            "out": (component, f"server:{HOST}:{self.partner.number}", COMPONENT, PARTNER)}))

    def run(self, rounds):
        try:
            for s in self.subjects:
                started = s.server.start()
                if asyncio.iscoroutine(started):
                    asyncio.run(started)
            for i in range(rounds + 1):  # the first one warms up, and does not count
                for shape, sizes in SHAPES.items():
                    for s in self.subjects:
                        for way in s.ways:
                            cpu_us = self.measure(s, way, sizes)
                            if i > 0:
                                s.cpu[way][shape].append(cpu_us)
        finally:
            for s in self.subjects:
                s.server.kill()
            self.dns.stop()

    def measure(self, subject, way, sizes):
        """Microseconds of CPU for one message that way."""
        command = [self.load, str(self.dir), *subject.ways[way], *map(str, sizes), SECRET]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            is_ready = run.stdout.readline() == "ready\n"
            before = proxies.cpu_us(subject.server.process.pid)
            said, complaint = run.communicate("go\n" if is_ready else "", LOAD_TIMEOUT_S)
            after = proxies.cpu_us(subject.server.process.pid)
        result = re.match(r"arrived=(\d+) bytes=(\d+)", said)
        if run.returncode or not result:
            raise RuntimeError(f"{subject.name}, {way}: {said}{complaint}")
        return (after - before) / int(result[1])

    def report(self):
        print(f"{'us':20}" + "".join(f"{shape:>26}" for shape in SHAPES))
        for s in self.subjects:
            for way, cpu in s.cpu.items():
                self.report_row(f"{s.name} {way}", cpu)
            if len(s.ways) > 1:
                self.report_row(f"{s.name} in + out", {shape: s.total(shape) for shape in SHAPES})
        for other in self.subjects:
            for s in self.subjects:
                if s.name.startswith("causeway") and other is not s and other.name != "causeway 2":
                    self.report_ratio(s, other)

    @staticmethod
    def report_row(name, cpu):
        cells = (f"{statistics.median(figures):.1f} ({min(figures):.1f}-{max(figures):.1f})" for figures in cpu.values())
        print(f"{name:20}" + "".join(f"{cell:>26}" for cell in cells))

    @staticmethod
    def report_ratio(one, other):
        """Medians of the ratios within each round: what slows the machine for a while slows both."""
        ratios = [f"{shape} {statistics.median(a / b for a, b in zip(one.total(shape), other.total(shape))):.3f}"
                  for shape in SHAPES]
        print(f"{one.name} / {other.name}: {', '.join(ratios)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="the build folder: xmpp_load and causeway (default: build)")
    parser.add_argument("--causeway", action="append", help="a program instead of the build's; repeat it to compare two")
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, 101), metavar="1-100")
    options = parser.parse_args()
    load = str(Path(options.build, "tests/bench/xmpp_load").resolve())
    with tempfile.TemporaryDirectory(prefix="causeway-bench.") as directory:
        os.chmod(directory, 0o755)
        bench = Bench(load, directory, options.causeway or [f"{options.build}/daemon/causeway"])
        bench.run(options.rounds)
        bench.report()


if __name__ == "__main__":
    main()
