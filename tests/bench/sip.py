"""CPU time per MESSAGE transaction of Causeway, Kamailio and an HAProxy TLS relay, and memory per idle connection.

    python3 tests/bench/sip.py --build BUILD [--rounds 5] [--causeway PROGRAM]...

See README.md for what the figures mean. It judges nothing: it ends with 0 whenever it ran to its end.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import proxies  # noqa: E402
from support import pki  # noqa: E402

# An address of this run's own: what else listens or connects on loopback takes none of its ports.
HOST = f"127.{os.getpid() >> 16 & 127 | 128}.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
SHAPES = {  # connections, transactions in flight on each, transactions
    "closed loop": (1, 1, 4000),
    "64 in flight": (4, 16, 20000),
    "256 in flight": (4, 64, 20000),
}
IDLE_CONNECTIONS = 500
LOAD_TIMEOUT_S = 120


def free_port():
    with socket.socket() as s:
        s.bind((HOST, 0))
        return s.getsockname()[1]


class Bench:
    """The proxies, the load, and the figures: cpu[name][shape] (a list, one item a round) and idle_kib[name]."""

    def __init__(self, load, directory, programs):
        self.load, self.dir = load, Path(directory)
        self.certificates()
        self.proxies = []
        for i, program in enumerate(programs):
            self.add(f"causeway {i + 1}" if len(programs) > 1 else "causeway",
                     lambda *rest, p=program: proxies.Causeway(str(Path(p).resolve()), *rest))
        for name, kind in (("haproxy", proxies.HAProxy), ("kamailio", proxies.Kamailio)):
            if proxies.is_installed(name):
                self.add(name, kind)
            else:
                print(f"{name} is not installed: left out")
        self.cpu = {p.name: {shape: [] for shape in SHAPES} for p in self.proxies}
        self.idle_kib = {}

    def certificates(self):
        ca = pki.CA(self.dir)
        for name in ("proxy", "load"):
            made = ca.issue(name, dns=[f"{name}.test"])
            shutil.copy(made.cert, self.dir / f"{name}.pem")
            shutil.copy(made.key, self.dir / f"{name}.key")
        both = (self.dir / "proxy.pem").read_text() + (self.dir / "proxy.key").read_text()
        (self.dir / "proxy.both").write_text(both)
        shutil.copy(ca.cert, self.dir / "ca.pem")

    def add(self, name, kind):
        directory = self.dir / name.replace(" ", "-")
        directory.mkdir()
        self.proxies.append(kind(name, directory, HOST, free_port(), f"{HOST}:{free_port()}"))

    def run(self, rounds):
        try:
            for p in self.proxies:
                p.start()
            for p in self.proxies:
                self.idle_kib[p.name] = self.measure_idle(p)
            for p in self.proxies:  # warms up, and does not count
                self.measure(p, SHAPES["256 in flight"])
            for _ in range(rounds):
                for shape, sizes in SHAPES.items():
                    for p in self.proxies:
                        self.cpu[p.name][shape].append(self.measure(p, sizes))
        finally:
            for p in self.proxies:
                p.stop()

    def arguments(self, proxy, connections, window, count):
        return [self.load, str(self.dir), f"{HOST}:{proxy.port}", proxy.target, proxies.DOMAIN,
                str(connections), str(window), str(count)]

    def measure(self, proxy, sizes):
        """Microseconds of CPU for one transaction."""
        before = proxy.cpu_us()
        done = subprocess.run(self.arguments(proxy, *sizes), capture_output=True, text=True, timeout=LOAD_TIMEOUT_S,
                              check=False)
        after = proxy.cpu_us()
        result = re.match(r"answered=(\d+) failed=(\d+)", done.stdout)
        if done.returncode or not result or result[2] != "0":
            raise RuntimeError(f"{proxy.name}: {done.stdout}{done.stderr}{proxy.tail()}")
        return (after - before) / int(result[1])

    def measure_idle(self, proxy):
        """KiB of memory for one idle connection."""
        before = proxy.memory_kib()
        with subprocess.Popen(self.arguments(proxy, IDLE_CONNECTIONS, 1, 0), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as held:
            if held.stdout.readline() != "idle\n":
                raise RuntimeError(f"{proxy.name} does not take {IDLE_CONNECTIONS} connections: {proxy.tail()}")
            after = proxy.memory_kib()
            held.stdin.close()
        return (after - before) / IDLE_CONNECTIONS

    def report(self):
        print(f"{'':12}" + "".join(f"{shape + ', us':>26}" for shape in SHAPES) + f"{'idle, KiB':>14}")
        for name, cpu in self.cpu.items():
            row = f"{name:12}"
            for figures in cpu.values():
                row += f"{statistics.median(figures):10.1f} ({min(figures):.1f}-{max(figures):.1f})".rjust(26)
            print(f"{row}{self.idle_kib[name]:14.1f}")
        for other in self.cpu:
            for name in self.cpu:
                if name.startswith("causeway") and other != name and other != "causeway 2":
                    self.report_ratio(name, other)

    def report_ratio(self, name, other):
        """Medians of the ratios within each round: what slows the machine for a while slows both."""
        ratios = [f"{shape} {statistics.median(a / b for a, b in zip(figures, self.cpu[other][shape])):.3f}"
                  for shape, figures in self.cpu[name].items()]
        print(f"{name} / {other}: {', '.join(ratios)}, idle {self.idle_kib[name] / self.idle_kib[other]:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="the build folder: sip_load and causeway (default: build)")
    parser.add_argument("--causeway", action="append", help="a program instead of the build's; repeat it to compare two")
    parser.add_argument("--rounds", type=int, default=5, choices=range(1, 101), metavar="1-100")
    options = parser.parse_args()
    load = str(Path(options.build, "tests/bench/sip_load").resolve())
    with tempfile.TemporaryDirectory(prefix="causeway-bench.") as directory:
        os.chmod(directory, 0o755)
        bench = Bench(load, directory, options.causeway or [f"{options.build}/daemon/causeway"])
        bench.run(options.rounds)
        bench.report()


if __name__ == "__main__":
    main()
