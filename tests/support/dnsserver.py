"""A DNS server for one test: dnsmasq on a free loopback port, with exactly the records given.

    with DnsServer(directory, srv=[("_sipfederationtls._tcp.ms.example", "sip.ms.example", port)],
                   hosts=[("sip.ms.example", "127.0.0.3")]) as dns:
        ... f"dns {{ server {dns.address} }}"

Names without a record do not exist (NXDOMAIN).
"""

import signal
import socket
import struct
import subprocess
import time
from pathlib import Path


def _free_port(address):
    """A port that is free for UDP and TCP at this moment."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind((address, 0))
            try:
                tcp.bind((address, udp.getsockname()[1]))
            except OSError:
                continue
            return udp.getsockname()[1]
    raise RuntimeError("no free port for a DNS server")


def _answers(address, port):
    query = struct.pack("!6H", 4711, 0x100, 1, 0, 0, 0) + b"\x05probe\x07invalid\x00" + struct.pack("!2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.2)
        try:
            sock.connect((address, port))  # then a closed port is an error at once, and no timeout
            sock.send(query)
            return sock.recv(512)[:2] == query[:2]
        except OSError:
            return False


class DnsServer:
    """Starts at once; stop() ends it. Records: srv (name, target, port[, priority[, weight]]), hosts (name, address)."""

    def __init__(self, directory, srv=(), hosts=(), cnames=(), extra=(), host="127.0.0.1"):
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.records = [f"--srv-host={','.join(str(part) for part in row)}" for row in srv]
        self.records += [f"--host-record={name},{address}" for name, address in hosts]
        self.records += [f"--cname={alias},{target}" for alias, target in cnames]
        self.records += list(extra)
        self.host = host
        self.port = 0
        self._process = None
        self._start()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def _start(self):
        for _ in range(5):
            self.port = _free_port(self.host)
            if self._try_start():
                return
        log = (self.dir / "dnsmasq.log").read_text()
        raise RuntimeError(f"dnsmasq does not start:\n{log}")

    def _try_start(self):
        with open(self.dir / "dnsmasq.log", "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv",
                 "--no-poll", "--bind-interfaces", f"--listen-address={self.host}", f"--port={self.port}",
                 "--local=/#/", "--local-ttl=60", "--log-facility=-", "--log-queries",
                 f"--pid-file={self.dir}/dnsmasq.pid", "--user=", *self.records],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            if _answers(self.host, self.port):
                return True
            time.sleep(0.01)
        self.stop()
        return False

    def queries(self):
        """The (type, name) pairs asked so far, from dnsmasq's log."""
        asked = []
        for line in (self.dir / "dnsmasq.log").read_text().splitlines():
            words = line.split()
            for i, word in enumerate(words):
                if word.startswith("query[") and i + 1 < len(words):
                    asked.append((word[6:-1], words[i + 1]))
        return asked

    def pause(self):
        """Answer nothing until resume()."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
