"""The proxies that sip.py compares: how each is configured to relay from one TLS connection to the next, and started."""

import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from support import kamailio, pki

DOMAIN = "uc.test"


def tree(pid):
    """The process and all of its descendants."""
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        found.append(p)
        for task in Path(f"/proc/{p}/task").glob("*/children"):
            todo += [int(child) for child in task.read_text().split()]
    return found


def cpu_us(pid):
    """Microseconds that the process and its descendants have run."""
    total_ns = 0
    for p in tree(pid):
        for task in Path(f"/proc/{p}/task").glob("*/schedstat"):
            total_ns += int(task.read_text().split()[0])
    return total_ns / 1000


class Proxy:
    """One proxy between the load's sender and receiver (`target`, host:port); subclasses write its configuration.

    `dir` is its own; the folder above holds ca.pem, proxy.pem, proxy.key and proxy.both, which is the latter two.
    """

    def __init__(self, name, directory, host, port, target):
        self.name, self.dir, self.host, self.port, self.target = name, Path(directory), host, port, target
        self.certs = self.dir.parent
        self.log = self.dir / "log"
        self.process = None

    def command(self):
        """Write the configuration and return what to start."""
        raise NotImplementedError

    def start(self, timeout=20):
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.dir)
        deadline = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((self.host, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{self.name} does not listen:\n{self.tail()}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def tail(self):
        return self.log.read_text("utf-8", "replace")[-2000:]

    def cpu_us(self):
        return cpu_us(self.process.pid)

    def memory_kib(self):
        """Memory of its processes, shared pages once: proportional shares."""
        return sum(int(re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{p}/smaps_rollup").read_text(), re.M)[1])
                   for p in tree(self.process.pid))


class Causeway(Proxy):
    """As shipped: it logs to a file at its usual level."""

    def __init__(self, program, *rest):
        super().__init__(*rest)
        self.program = program

    def command(self):
        file = self.dir / "causeway.conf"
        file.write_text(f"""
hostname proxy.test
listen sip tls {self.host}:{self.port}
dns {{ server {self.host}:9 }}
tls {{ certificate ../proxy.pem; key ../proxy.key; trust ../ca.pem }}
zone load {{ type neighbor; peer {self.target}; verify load.test; trusted yes }}
rule 'short numbers' {{ priority 10; pattern regex '[0-9]{{2,4}}@uc\\.test'; on-match stop; target load }}
rule 'rooms' {{ priority 20; pattern prefix 'room-'; on-match stop; target load }}
rule 'users' {{ priority 30; variant ms-imp; pattern regex '.*@uc\\.test'; on-match stop; target load }}
""")
        return [self.program, "run", "-c", str(file)]


class Kamailio(Proxy):
    """A stateful proxy (tm) with one worker; queues and memory large enough that no message is lost."""

    def command(self):
        return kamailio.command(
            self.dir, listen=f"tls:{self.host}:{self.port}", memory_mib=1024, ca=self.certs / "ca.pem",
            certificate=pki.Certificate(self.certs / "proxy.pem", self.certs / "proxy.key"),
            settings=f"""
debug=0
tcp_max_connections=4096
tls_max_connections=4096
tcp_connection_lifetime=3600
tcp_conn_wq_max=4194304
tcp_wq_max=67108864
tcp_source_ipv4={self.host}
""", route=f"""
modparam("tls", "con_ct_wq_max", 4194304)
modparam("tls", "ct_wq_max", 67108864)
request_route {{
    if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    t_check_trans();
    if ($rd != "{DOMAIN}") {{ sl_send_reply("404", "Not Found"); exit; }}
    $du = "sip:{self.target};transport=tls";
    if (!t_relay()) sl_reply_error();
}}
""")


class HAProxy(Proxy):
    """A relay of bytes from TLS to TLS, on one thread: what any proxy must spend."""

    def command(self):
        file = self.dir / "haproxy.cfg"
        tls = f"crt {self.certs}/proxy.both ca-file {self.certs}/ca.pem verify required"
        file.write_text(f"""
global
    nbthread 1
    maxconn 8000
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend in
    bind {self.host}:{self.port} ssl {tls}
    default_backend out
backend out
    server load {self.target} ssl {tls}
""")
        return ["haproxy", "-db", "-f", str(file)]


def is_installed(program):
    return shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") is not None
