"""The process itself: configuration errors, reload in the middle of traffic, counters, its end."""

import asyncio
import os
import re
import resource
import signal
import unittest

from support import sip
from support.daemon import Daemon
from support.lab import CLUSTER, GRUU, IM_OFFER, RULES, ProxyCase, closed_port, shared_dir


class ConfigurationErrorTest(unittest.IsolatedAsyncioTestCase):
    """Every error with file, line, column and caret; exit 2 without listening."""

    async def refused(self, text, *wanted):
        directory = shared_dir() / sip.unique("conf-")
        daemon = Daemon(directory, text)
        await daemon.spawn()
        code = await daemon.ended()
        daemon.check()
        output = daemon.stderr + daemon.stdout
        self.assertEqual(code, 2, output)
        self.assertNotIn("event=listening", output)
        for place in wanted:
            self.assertRegex(output, place)
        return output

    async def test_every_error_is_reported_with_its_place(self):
        output = await self.refused("hostname expe.uc.example\nlisten sip tls 127.0.0.1:0\nzone A {\n    type neighbour\n    pear x\n}\nfoo 1\n",
                                    r"causeway\.conf:4:10", r"causeway\.conf:5:5", r"causeway\.conf:7:1")
        self.assertGreaterEqual(len(re.findall(r"^\s*(?:\d+\s*\|)?\s*\^", output, re.M)), 3, output)
        self.assertIn("peer", output)      # the nearest known name
        self.assertIn("neighbor", output)

    async def test_broken_syntax_has_its_place(self):
        await self.refused("hostname a.example\nzone A {\n  type neighbor\n", r"causeway\.conf:\d+:\d+", r"\^")
        await self.refused('hostname "a\\.b"\n', r"causeway\.conf:1:1\d", r"\^")

    async def test_a_bad_pattern_in_an_included_file_has_its_place(self):
        directory = shared_dir() / sip.unique("rules-")
        directory.mkdir()
        (directory / "a.rules").write_text("rule 'x' {\n    pattern regex 'a)|(?:b'\n    target A\n}\n")
        await self.refused(f"hostname a.example\nzone A {{ type neighbor; peer 127.0.0.1:1 }}\ninclude {directory}/*.rules\n",
                           r"a\.rules:2:\d+", r"\^")

    async def test_wrong_values_are_refused(self):
        zone = "zone A { type neighbor; peer 127.0.0.1:5061 }\n"
        head = "hostname expe.uc.example\n"
        for text in ("hostname 'not a host'\n", head + head, head + zone + zone, head + "zone default { type dns }\n",
                     head + "rule 'x' { pattern exact a; target NONE }\n", head + "zone A { type neighbor }\n",
                     head + "zone A { type neighbor; peer 127.0.0.1:99999 }\n", head + "listen sip udp 127.0.0.1:0\n",
                     head + zone + "rule 'x' { priority 0; pattern exact a; target A }\n",
                     head + zone + "rule 'x' { pattern regex 'a'; behavior strip; target A }\n",
                     head + "listen sip tls 127.0.0.1:0\nzone A { type neighbor; peer 127.0.0.1:5061; hop-count 0 }\n"):
            with self.subTest(text):
                await self.refused(text, r"causeway\.conf:\d+:\d+", r"\^")

    async def test_a_tls_listener_without_certificate_is_refused(self):
        await self.refused("hostname expe.uc.example\nlisten sip tls 127.0.0.1:0\n", "tls")
        await self.refused("hostname expe.uc.example\nlisten sip tls 127.0.0.1:0\n"
                           "tls { certificate none.pem; key none.key; trust none.ca }\n", r"none\.pem")

    async def test_a_missing_file_is_named(self):
        daemon = Daemon(shared_dir() / sip.unique("conf-"), "")
        daemon.config.unlink()
        await daemon.spawn()
        self.assertEqual(await daemon.ended(), 2)
        self.assertIn("causeway.conf", daemon.stderr + daemon.stdout)

    async def test_all_files_that_cannot_be_used_are_reported(self):
        await self.refused("hostname expe.uc.example\nlisten sip tls 127.0.0.1:0\ntoken { key-file absent/token.keys }\n"
                           "tls { certificate none.pem; key none.key; trust none.ca }\n", r"none\.ca", r"absent/token\.keys")

    async def test_all_addresses_that_cannot_be_listened_on_are_reported(self):
        daemon = Daemon(shared_dir() / sip.unique("conf-"), "hostname a.example\nlisten sip tcp 127.0.0.1:0\n"
                        "listen sip tcp 192.0.2.1:0\nlisten sip tcp 198.51.100.1:0\n")
        await daemon.spawn()
        self.assertEqual(await daemon.ended(), 1)
        self.assertIn("causeway.conf:3:8: error: cannot listen", daemon.stderr)
        self.assertIn("causeway.conf:4:8: error: cannot listen", daemon.stderr)
        self.assertNotIn("event=listening", daemon.stderr)

    async def test_a_port_in_use_is_reported(self):
        async with sip.Endpoint("x.example", transport="tcp") as taken:
            await taken.listen("127.0.0.1")
            daemon = Daemon(shared_dir() / sip.unique("conf-"), f"hostname a.example\nlisten sip tcp 127.0.0.1:{taken.port}\n")
            await daemon.spawn()
            self.assertNotEqual(await daemon.ended(), 0)
            daemon.check()
            self.assertIn(str(taken.port), daemon.stderr + daemon.stdout)


class ReloadTest(ProxyCase):
    async def test_a_reload_in_the_middle_of_traffic_loses_nothing(self):
        lab = await self.lab()

        async def answer(request):
            await asyncio.sleep(0.002)
            await lab.cluster.respond(request, 200)

        lab.cluster.on_request = answer
        link = await lab.link(lab.edge)
        messages = [lab.from_edge(body=str(i)) for i in range(300)]

        async def send():
            for message in messages:
                await link.send(message)
                await asyncio.sleep(0.002)

        sending = asyncio.ensure_future(send())
        config = lab.daemon.config.read_text()
        for i in range(4):
            await asyncio.sleep(0.1)
            await lab.daemon.reload(config + f"rule 'extra {i}' {{ priority 5; pattern exact nobody; target IMP }}\n")
        await sending
        for message in messages:
            self.assert_status(await lab.edge.final(message, 20), 200)
        self.assertEqual(len([m for m in lab.cluster.history if m.method == "MESSAGE"]), 300)
        self.assertFalse(link.closed.is_set())

    async def test_a_storm_of_reloads_harms_nothing(self):
        lab = await self.lab()
        link = await lab.link(lab.edge)
        for _ in range(20):
            lab.daemon.process.send_signal(signal.SIGHUP)
            await asyncio.sleep(0.01)
        await lab.daemon.reload()
        message = lab.from_edge(body="x")
        await link.send(message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)
        self.assertFalse(link.closed.is_set())

    async def test_new_rules_count_for_the_next_message(self):
        lab = await self.lab()
        config = lab.daemon.config.read_text()
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(uri="sip:x@new.example", body="x")), 404)
        await lab.daemon.reload(config + r"rule 'new' { pattern regex '.*@new\.example'; target IMP }")
        message = lab.from_edge(uri="sip:x@new.example", body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)
        await lab.daemon.reload(config)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(uri="sip:x@new.example", body="x")), 404)

    async def test_a_wrong_configuration_is_reported_and_the_old_one_stays(self):
        lab = await self.lab()
        line = await lab.daemon.reload(lab.daemon.config.read_text() + "nonsense here\n")
        self.assertEqual(line.level, "error")
        self.assertRegex(lab.daemon.stderr, r"causeway\.conf:\d+:1")
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)

    async def test_transactions_and_dialogs_survive_a_reload(self):
        lab = await self.lab()
        edge, cluster = await lab.subscribe_from_edge()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        await lab.daemon.reload(lab.daemon.config.read_text() + "# changed\n")
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(message), 200)
        notify = cluster.request("NOTIFY", headers=[("Event", "presence"), ("Subscription-State", "active")])
        await lab.send(lab.cluster, notify)
        await lab.edge.respond(await lab.edge.expect("NOTIFY"), 200)
        self.assert_status(await lab.cluster.final(notify), 200)
        self.assertTrue(edge.routes)

    async def test_a_change_that_waits_for_a_restart_is_said_at_each_reload(self):
        text = "hostname a.example\nlisten sip tcp 127.0.0.1:0\ndns { server 127.0.0.1:5300 }\n"
        daemon = Daemon(shared_dir() / sip.unique("conf-"), text)
        await daemon.start()
        for _ in range(2):
            await daemon.reload(text.replace("5300", "5301"))
        self.assertEqual(len(daemon.log("daemon", event="needs-restart", setting="dns")), 2)
        await daemon.reload(text)
        self.assertEqual(len(daemon.log("daemon", event="needs-restart")), 2)
        await daemon.stop()

    async def test_a_zone_that_goes_away_with_a_message_under_way_loses_nothing(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        config = re.sub(r"zone IMP \{.*?\n\}", "", lab.daemon.config.read_text(), flags=re.S)
        config = re.sub(r"^rule .*$", "", config, flags=re.M)
        await lab.daemon.reload(config)
        await lab.cluster.respond(got, 200)
        self.assert_status(await lab.edge.final(message), 200)
        await got.link.wait_closed()  # nothing is left that needs it
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(body="x")), 404)


class CountersTest(ProxyCase):
    async def test_every_request_ends_in_one_fate(self):
        lab = await self.lab(imp="response-timeout 1")
        before = await lab.daemon.counters()
        for status in (200, 200, 486):
            message = lab.from_edge(body="x")
            await lab.send(lab.edge, message)
            await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), status)
            await lab.edge.final(message)
        await lab.send(lab.edge, lab.from_edge("BENOTIFY", headers=[("Event", "presence")], body="x"))
        await lab.cluster.expect("BENOTIFY")
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(uri="sip:x@nowhere.example", body="x")), 404)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(body="never answered")), 504)
        after = await lab.daemon.counters()

        def gained(word):
            return sum(v - before.get(n, 0) for n, v in after.items() if n.endswith(word))

        self.assertEqual(gained("delivered"), 2, after)
        self.assertEqual(gained("sent"), 1, after)
        self.assertEqual(gained("rejected"), 2, after)
        self.assertEqual(gained("expired") + gained("failed"), 1, after)
        self.assertEqual({v for n, v in after.items() if n.endswith("unaccounted")}, {0})

    async def test_counters_are_printed_at_the_end_with_requests_under_way(self):
        lab = await self.lab()
        await lab.send(lab.edge, lab.from_edge(body="x"))
        await lab.cluster.expect("MESSAGE")
        invite = lab.from_edge("INVITE", contact=GRUU, content_type="application/sdp", body=IM_OFFER)
        await lab.send(lab.edge, invite)
        await lab.cluster.expect("INVITE")
        counters = await lab.daemon.stop()
        self.assertEqual({v for n, v in counters.items() if n.endswith("unaccounted")}, {0})

    async def test_sigint_ends_it_as_sigterm_does(self):
        lab = await self.lab()
        lab.daemon.process.send_signal(signal.SIGINT)
        self.assertEqual(await lab.daemon.ended(), 0)


class DescriptorTest(unittest.IsolatedAsyncioTestCase):
    """The daemon takes as many file descriptors as it may have, and says when that is too few."""

    async def limit_of(self, soft, hard):
        daemon = Daemon(shared_dir() / sip.unique("conf-"), "hostname a.example\nlisten sip tcp 127.0.0.1:0\n")
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        if before[1] != resource.RLIM_INFINITY and hard > before[1]:
            self.skipTest(f"this process may have {before[1]} descriptors only")
        await daemon.spawn(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)))
        await daemon.logged("daemon", event="ready")
        limit = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
        await daemon.stop()
        return limit[0], daemon.log("daemon", event="few-descriptors")

    async def test_the_soft_limit_is_raised_to_the_hard_one(self):
        self.assertEqual(await self.limit_of(512, 14000), (14000, []))

    async def test_a_hard_limit_that_is_too_low_is_warned_of(self):
        limit, warnings = await self.limit_of(512, 600)
        self.assertEqual(limit, 600)
        self.assertEqual([(line.level, line.fields["limit"], line.fields["wanted"]) for line in warnings],
                         [("warn", "600", "12000")])


class EarlySignalTest(unittest.IsolatedAsyncioTestCase):
    """A signal that arrives while the configuration is still being read."""

    async def reader_of(self, daemon):
        """The FIFO that is its configuration, to be written, as soon as the daemon reads it."""
        while True:
            try:
                return open(os.open(daemon.config, os.O_WRONLY | os.O_NONBLOCK), "w", encoding="utf-8")
            except OSError:
                self.assertIsNone(daemon.process.poll(), "the daemon ended")
                await asyncio.sleep(0.01)

    async def test_a_reload_waits_for_the_start(self):
        text = "hostname a.example\nlisten sip tcp 127.0.0.1:0\n"
        daemon = Daemon(shared_dir() / sip.unique("conf-"), "")
        daemon.config.unlink()
        os.mkfifo(daemon.config)
        await daemon.spawn()
        self.addCleanup(daemon.kill)
        with await self.reader_of(daemon) as out:
            daemon.process.send_signal(signal.SIGHUP)
            out.write(text)
        await daemon.logged("daemon", event="ready")
        with await self.reader_of(daemon) as out:
            out.write(text)
        await daemon.logged("daemon", event="reloaded")
        await daemon.stop()


class ClosedOutputTest(unittest.IsolatedAsyncioTestCase):
    """What the daemon prints never goes into a socket that was given the number of a closed stdout or stderr."""

    async def test_closed_standard_descriptors_are_held(self):
        address = closed_port("127.0.0.1")
        daemon = Daemon(shared_dir() / sip.unique("conf-"), f"hostname a.example\nlisten sip tcp {address}\n")
        await daemon.spawn(lambda: os.closerange(0, 3))
        self.addCleanup(daemon.kill)
        writer = None
        while not writer and daemon.process.poll() is None:
            try:
                _, writer = await asyncio.open_connection(*address.split(":"))
            except OSError:
                await asyncio.sleep(0.02)
        self.assertIsNotNone(writer, "the daemon ended")
        folder = f"/proc/{daemon.process.pid}/fd"
        self.assertEqual([os.readlink(f"{folder}/{number}") for number in range(3)], ["/dev/null"] * 3)
        writer.close()
        await daemon.stop()


class LogTest(ProxyCase):
    async def test_the_level_is_set_by_the_configuration_and_changed_by_a_reload(self):
        lab = await self.lab(more="log warn\nlog daemon info")
        config = lab.daemon.config.read_text()
        self.assertFalse(lab.daemon.log("sip"), lab.daemon.stderr)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge(uri="sip:x@nowhere.example", body="x")), 404)
        self.assertFalse(lab.daemon.log("sip.request"), lab.daemon.stderr)
        await lab.daemon.reload(config.replace("log warn", "log sip debug"))
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)
        levels = {line.level for line in lab.daemon.log("sip")}
        self.assertLessEqual({"info", "debug"}, levels, lab.daemon.stderr)

    async def test_bodies_are_never_logged(self):
        lab = await self.lab()
        secret = "the-secret-of-the-body"
        message = lab.from_edge(body=secret, headers=[("Authorization", f"Digest {secret}"), ("Subject", "a\tb")])
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200, body=secret)
        await lab.edge.final(message)
        await lab.daemon.stop()
        self.assertNotIn(secret, lab.daemon.stderr)

    async def test_bytes_of_a_peer_cannot_forge_a_log_line(self):
        lab = await self.lab()
        message = lab.from_edge(uri="sip:a%0Aevent=ready@nowhere.example", to="<sip:x@uc.example>", call_id='a"b=c', body="x")
        await lab.ask(lab.edge, message)
        await lab.daemon.stop()
        self.assertEqual(len(lab.daemon.log("daemon", event="ready")), 1)
        self.assertTrue(all(re.match(r"\d{4}-\d\d-\d\dT", line) for line in lab.daemon.stderr.splitlines() if line.strip()),
                        lab.daemon.stderr)

    async def test_each_request_leaves_one_line_with_its_trace_id(self):
        lab = await self.lab(rules=RULES, more=f"partner x.example {{ certificate {CLUSTER} }}")
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        await lab.edge.final(message)
        await lab.daemon.stop()
        lines = [line for line in lab.daemon.log("sip") if line.level == "info" and line.fields.get("method") == "MESSAGE"]
        self.assertEqual(len(lines), 1, lab.daemon.stderr)
        self.assertTrue(lines[0].fields.get("trace"))
