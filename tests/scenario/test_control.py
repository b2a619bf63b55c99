"""The control socket: what the commands that ask the running daemon say, and whoever misuses the socket."""

import asyncio
import contextlib
import json
import os
import re
import socket
import stat
import tempfile
import unittest
from pathlib import Path

from support import pki, sip
from support.daemon import Daemon
from support.lab import CAUSEWAY, CLUSTER, EDGE, ProxyCase, closed_port, shared_dir

PAGE = (Path(__file__).resolve().parents[2] / "daemon" / "causeway.8.scd").read_text()
PLAIN = "hostname a.example\nlisten sip tcp 127.0.0.1:0\n"
SOCKET = "control-socket control.sock\n"
MIB = 1 << 20


def example(command):
    """What the page shows a command to print."""
    return re.search(rf"^```\n\$ causeway {command} -c causeway\.conf\n(.*?)^```$", PAGE, re.S | re.M).group(1)


async def ask(*args, path, **kwargs):
    """Exit status, output and errors of a command that asks the daemon of the configuration at `path`."""
    process = await asyncio.create_subprocess_exec(
        os.path.abspath(os.environ["CAUSEWAY"]), args[0], "-c", str(path), *args[1:],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, **kwargs)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


class ControlCase(unittest.IsolatedAsyncioTestCase):
    """A daemon with a control socket and little else."""

    def daemon(self, text=PLAIN + SOCKET):
        daemon = Daemon(shared_dir() / sip.unique("control-"), text)
        self.addCleanup(daemon.kill)
        return daemon

    async def started(self, text=PLAIN + SOCKET):
        daemon = await self.daemon(text).start()
        self.addAsyncCleanup(daemon.stop)
        return daemon

    async def answer(self, daemon, command, status=0):
        """The object that a command prints with --json."""
        code, out, err = await ask(command, "--json", path=daemon.config)
        self.assertEqual((code, err), (status, ""))
        return json.loads(out)

    async def says(self, daemon, *args, status=2):
        """What a command complains of."""
        code, out, err = await ask(*args, path=daemon.config)
        self.assertEqual((code, out), (status, ""), err)
        self.assertTrue(err.startswith(f"causeway {args[0]}: "), err)
        return err

    async def dial(self, daemon, request=b"", name="control.sock"):
        """A connection to the socket of one's own."""
        path = os.path.relpath(daemon.dir / name)  # a socket's path is short
        reader, writer = await asyncio.open_unix_connection(path, limit=16 * MIB)
        self.addCleanup(writer.close)
        writer.write(request)
        return reader, writer


class StatusTest(ControlCase):
    async def test_the_example_of_the_manual_page_is_what_it_prints(self):
        ca = pki.CA(shared_dir())
        own = ca.issue("own-manual", dns=["expe.example.com"])
        daemon = await self.started(
            re.search(r"^```\n(hostname .*?)^```$", PAGE, re.S | re.M).group(1) + SOCKET +
            f"tls {{ certificate {own.cert}; key {own.key}; trust {ca.cert} }}\nlisten sip tls 127.0.0.1:0\n")
        self.assertEqual(await ask("status", path=daemon.config), (0, example("status"), ""))

    async def test_a_zone_without_a_peer_that_answers_is_inactive(self):
        nobody = closed_port("127.0.0.1")
        daemon = await self.started(
            f"{PLAIN}{SOCKET}zone n {{ type neighbor; transport tcp; peer {nobody}; monitor yes }}\n")
        await daemon.logged("sip.monitor", event="peer-inactive")
        answer = await self.answer(daemon, "status", 1)
        self.assertEqual(answer, {
            "services": [{"service": "sip", "state": "active", "reason": ""},
                         {"service": "xmpp-federation", "state": "off", "reason": 'no "xmpp" block is configured'}],
            "zones": [{"zone": "n", "type": "neighbor", "state": "inactive", "peers": 1, "peers_up": 0, "peers_down": 1,
                       "reason": "no answer from 127.0.0.1"}]})

    async def test_a_service_that_nobody_asked_for_is_off(self):
        daemon = await self.started("hostname a.example\n" + SOCKET)
        answer = await self.answer(daemon, "status")
        self.assertEqual(answer["services"][0],
                         {"service": "sip", "state": "off", "reason": 'no "listen sip" is configured'})


class ZonesTest(ProxyCase):
    async def test_a_zone_with_a_peer_that_answers_is_active(self):
        lab = await self.lab(imp="monitor yes\nconnect-timeout 1", imp_peers=["@cluster@", closed_port("127.0.0.4")],
                             more="control-socket control.sock")
        lab.cluster.on_request = lambda request: lab.cluster.respond(request, 200)
        await lab.daemon.logged("sip.monitor", event="peer-inactive", peer="127.0.0.4")
        code, out, err = await ask("status", "--json", path=lab.daemon.config)
        self.assertEqual((code, err), (0, ""))
        zones = json.loads(out)["zones"]
        self.assertEqual(zones[0], {"zone": "IMP", "type": "neighbor", "state": "active", "peers": 2, "peers_up": 1,
                                    "peers_down": 1, "reason": "no answer from 127.0.0.4"})
        self.assertEqual([(zone["zone"], zone["state"]) for zone in zones[1:]], [("internet", "not monitored")])


class ConnectionsTest(ProxyCase):
    async def test_connections_in_and_out_are_listed(self):
        lab = await self.lab(more="control-socket control.sock")
        path = lab.daemon.config
        self.assertEqual(await ask("connections", path=path), (0, "no connections\n", ""))
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        code, out, _ = await ask("connections", "--json", path=path)
        self.assertEqual(code, 0)
        came, went = json.loads(out)["connections"]
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(message), 200)

        self.assertGreaterEqual(len(came.pop("cipher")), 10)
        self.assertLess(max(came.pop("age_s"), came.pop("idle_s")), 30)
        self.assertRegex(came.pop("address"), rf"^{re.escape(lab.edge.host)}:\d+$")
        self.assertEqual(came, {
            "protocol": "sip", "zone": "default", "partner": EDGE, "direction": "in", "state": "established",
            "tls": "TLSv1.3", "verified": "certificate", "requests_in": 1, "requests_out": 0, "requests_open": 1, "queue": 0})
        self.assertEqual((went["zone"], went["partner"], went["address"], went["direction"]),
                         ("IMP", CLUSTER, f"{lab.cluster.host}:{lab.cluster.port}", "out"))
        self.assertEqual((went["requests_in"], went["requests_out"], went["requests_open"]), (0, 1, 1))

        code, out, _ = await ask("connections", path=path)
        self.assertEqual(code, 0)
        self.assertEqual(out.split("\n")[0].split(), example("connections").split("\n")[0].split())
        self.assertEqual([line.split()[0] for line in out.splitlines()[1:]], ["default", "IMP"])
        self.assertTrue(all(line.split()[-1] == "0" for line in out.splitlines()[1:]), out)

    async def test_a_connection_that_says_nothing_is_listed_as_such(self):
        lab = await self.lab(more="control-socket control.sock")
        reader, writer = await asyncio.open_connection(*lab.daemon.listeners[0])
        while True:
            _, out, _ = await ask("connections", "--json", path=lab.daemon.config)
            rows = json.loads(out)["connections"]
            if rows:
                break
        self.assertEqual((rows[0]["state"], rows[0]["zone"], rows[0]["tls"]), ("connecting", "", ""))
        self.assertEqual((rows[0]["partner"], rows[0]["verified"]), ("", ""))
        writer.close()


class TraceTest(ControlCase):
    async def test_it_ends_when_the_time_is_over(self):
        daemon = await self.started()
        self.assertEqual(await ask("trace", "b.test", "--for", "1", path=daemon.config), (0, "", ""))
        self.assertEqual([line.partner for line in daemon.log("control", event="trace")], ["b.test"])

    async def test_the_partner_is_named_as_the_daemon_names_it(self):
        daemon = await self.started(PLAIN + SOCKET + "log control debug\nlog xmpp.trace debug\n")
        for partner in ("B\u00fccher.Test.", "127.0.0.1:5269"):
            self.assertEqual(await ask("trace", partner, "--for", "1", path=daemon.config), (0, "", ""))
        self.assertEqual([line.partner for line in daemon.log("control", event="trace")],
                         ["xn--bcher-kva.test", "127.0.0.1:5269"])

    async def test_it_says_when_the_daemon_ends(self):
        daemon = await self.daemon().start()
        tracing = asyncio.ensure_future(ask("trace", "b.test", path=daemon.config))
        await daemon.logged("control", event="trace")
        await daemon.stop()
        code, out, err = await tracing
        self.assertEqual((code, out), (2, ""))
        self.assertIn("has closed the connection", err)

    async def test_what_it_cannot_do_is_said(self):
        daemon = self.daemon()
        self.assertIn("from 1 to 86400", await self.says(daemon, "trace", "--for", "0", "b.test"))
        self.assertIn("from 1 to 86400", await self.says(daemon, "trace", "--for", "1m", "b.test"))
        self.assertIn("the domain of a partner", await self.says(daemon, "trace", "b test"))
        self.assertIn("the domain of a partner", await self.says(daemon, "trace", "b" * 300))


class ErrorTest(ControlCase):
    """What is wrong, and what to do about it."""

    async def test_a_configuration_without_a_socket(self):
        said = await self.says(self.daemon(PLAIN), "status")
        self.assertIn("causeway.conf names no control-socket", said)
        self.assertIn("\tcontrol-socket /run/causeway/control.sock\n", said)

    async def test_a_daemon_that_does_not_run(self):
        daemon = self.daemon()
        self.assertRegex(await self.says(daemon, "connections"), r"there is no socket \S*control\.sock")
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as left:
            left.bind(os.path.relpath(daemon.dir / "control.sock"))
        self.assertRegex(await self.says(daemon, "connections"), r"nobody listens on \S*control\.sock")

    async def test_an_error_elsewhere_in_the_configuration_does_not_matter(self):
        daemon = await self.started()
        daemon.config.write_text(PLAIN + SOCKET + "nonsense here\n")
        self.assertEqual((await self.answer(daemon, "status"))["services"][0]["state"], "active")
        daemon.config.write_text(PLAIN + "nonsense here\n")
        code, _, err = await ask("status", path=daemon.config)
        self.assertEqual(code, 2)
        self.assertIn("causeway.conf:3:1", err)

    @unittest.skipIf(os.getuid() != 0, "needs another user")
    async def test_a_user_without_the_right(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        os.chmod(directory.name, 0o755)
        daemon = Daemon(directory.name, PLAIN + SOCKET)
        await daemon.start()
        self.addAsyncCleanup(daemon.stop)
        try:
            code, _, err = await ask("status", path=daemon.config, user=65534)
        except PermissionError:
            self.skipTest("another user cannot start the program where it is")
        self.assertEqual(code, 2)
        self.assertIn("permission denied: it is for the user of the daemon (uid 0)", err)


class SocketTest(ControlCase):
    async def refused(self, daemon):
        """Start it, in vain: what it says."""
        await daemon.spawn()
        self.assertEqual(await daemon.ended(), 1)
        daemon.check()
        self.assertNotIn("event=ready", daemon.stderr)
        return daemon.stderr

    async def test_it_is_for_the_owner_and_goes_with_the_daemon(self):
        daemon = await self.daemon().start()
        path = daemon.dir / "control.sock"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        await daemon.stop()
        self.assertFalse(path.exists())

    async def test_one_that_was_left_is_replaced_and_one_in_use_is_not(self):
        daemon = await self.daemon().start()
        daemon.kill()
        self.assertTrue((daemon.dir / "control.sock").exists())
        second = await Daemon(daemon.dir, PLAIN + SOCKET).start()
        self.addAsyncCleanup(second.stop)
        third = self.daemon(f"{PLAIN}control-socket {daemon.dir}/control.sock\n")
        self.assertIn("another program listens there", await self.refused(third))
        self.assertEqual((await self.answer(second, "status"))["services"][0]["state"], "active")

    async def test_what_is_no_socket_stays(self):
        daemon = self.daemon()
        (daemon.dir / "control.sock").write_text("precious")
        self.assertIn("no socket stands there", await self.refused(daemon))
        self.assertEqual((daemon.dir / "control.sock").read_text(), "precious")

    async def test_a_reload_keeps_it_moves_it_or_changes_nothing(self):
        daemon = await self.started()
        reader, _ = await self.dial(daemon, b"trace b.test\n")
        self.assertEqual(json.loads(await reader.readline()), {"listening": "b.test"})
        inode = (daemon.dir / "control.sock").stat().st_ino
        await daemon.reload(PLAIN + SOCKET + "# the same\n")
        self.assertEqual((daemon.dir / "control.sock").stat().st_ino, inode)
        self.assertFalse(reader.at_eof())

        line = await daemon.reload(PLAIN + "control-socket nowhere/control.sock\n")
        self.assertEqual(line.event, "reload-refused")
        self.assertIn("its folder does not exist", daemon.stderr)
        self.assertEqual((daemon.dir / "control.sock").stat().st_ino, inode)

        await daemon.reload(PLAIN + "control-socket other.sock\n")
        self.assertEqual(await reader.read(), b"")
        self.assertFalse((daemon.dir / "control.sock").exists())
        self.assertEqual((await self.answer(daemon, "status"))["services"][0]["state"], "active")

        await daemon.reload(PLAIN)
        self.assertFalse((daemon.dir / "other.sock").exists())


class HostileTest(ControlCase):
    """Whoever may open the socket is trusted with the daemon, but nobody's mistake shall harm it."""

    def memory(self, daemon):
        """Resident bytes of the daemon."""
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.M).group(1)) * 1024

    def descriptors(self, daemon):
        """How many files and sockets the daemon has open."""
        return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))

    async def test_garbage_is_answered_and_ends_the_connection(self):
        daemon = await self.started()
        for request in (b"\n", b"\0\xff\xfe\n", b"GET / HTTP/1.1\r\n\r\n", b"view nothing\n", b"x" * 100000, b"trace \n"):
            with self.subTest(request[:20]):
                reader, _ = await self.dial(daemon, request)
                line = json.loads(await reader.readline())
                self.assertEqual(list(line), ["error"])
                self.assertEqual(await reader.read(), b"")
        self.assertEqual((await self.answer(daemon, "status"))["services"][0]["state"], "active")

    async def test_a_seventeenth_connection_is_closed(self):
        daemon = await self.started()
        for _ in range(16):
            await self.dial(daemon)
        # They are accepted in their order.
        reader, _ = await self.dial(daemon)
        self.assertEqual(await reader.read(), b"")
        self.assertIn("answers as many as it can", await self.says(daemon, "status"))
        self.assertTrue(daemon.log("net.local", event="refused", reason="connections"))

    async def test_a_request_that_is_not_whole_in_time_is_not_waited_for(self):
        daemon = await self.started()
        silent, _ = await self.dial(daemon)
        slow, writer = await self.dial(daemon)

        async def drip():
            with contextlib.suppress(OSError):
                while True:
                    writer.write(b"v")
                    await writer.drain()
                    await asyncio.sleep(0.2)

        dripping = asyncio.ensure_future(drip())
        self.assertEqual(await asyncio.wait_for(silent.read(), 30), b"")
        with contextlib.suppress(ConnectionError):
            self.assertEqual(await asyncio.wait_for(slow.read(), 30), b"")
        dripping.cancel()

    async def test_answers_that_nobody_reads_cost_little_and_end(self):
        name = "a zone with a long name " + "x" * 90
        zones = "".join(f"zone '{name} {i}' {{ type neighbor; transport tcp; peer 127.0.0.1:{1 + i % 65535} }}\n"
                        for i in range(9999))
        daemon = await self.started(PLAIN + SOCKET + zones)
        before, open_before = self.memory(daemon), self.descriptors(daemon)
        unread = []
        for _ in range(15):
            waiting = socket.socket(socket.AF_UNIX)
            self.addCleanup(waiting.close)
            waiting.connect(os.path.relpath(daemon.dir / "control.sock"))
            waiting.sendall(b"view zones\n")
            unread.append(waiting)

        # Meanwhile one who reads gets everything, in order.
        reader, _ = await self.dial(daemon, b"view zones\n")
        lines = (await asyncio.wait_for(reader.read(), 60)).splitlines()
        names = [line["row"]["zone"] for line in map(json.loads, lines) if "row" in line]
        self.assertEqual(names, [f"{name} {i}" for i in range(9999)])
        self.assertEqual(json.loads(lines[-1]), {"end": True})
        if b"__asan_init" not in Path(daemon.program).read_bytes():  # which keeps what was freed
            self.assertLess(self.memory(daemon) - before, 0.8 * len(unread) * sum(map(len, lines)))

        # The others are dropped, with what their sockets hold.
        for _ in range(600):
            if self.descriptors(daemon) == open_before:
                break
            await asyncio.sleep(0.1)
        self.assertEqual(self.descriptors(daemon), open_before)
        for waiting in unread:
            rest = b"".join(iter(lambda: waiting.recv(65536), b""))
            self.assertGreater(len(rest), 0)
            self.assertNotIn(b'"end"', rest)
        self.assertEqual(len((await self.answer(daemon, "status"))["zones"]), 9999)
