"""What an administrator is shown: the state of the federation, its connections, one partner's negotiation."""

import asyncio
import json
import subprocess

from support import xmpp
from support.daemon import Daemon
from support.xmpp_lab import A, ALICE, B, BOB, C, XmppCase

KEYS = {"protocol", "partner", "local", "address", "direction", "state", "tls", "cipher", "verified", "age_s", "idle_s",
        "stanzas_in", "stanzas_out", "bytes_in", "bytes_out", "queue", "unconfirmed", "last_error"}


class StatusTest(XmppCase):
    async def status(self, lab, state, timeout=20):
        """The exit status and the federation's row, as soon as it has that state."""
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            code, out = await lab.command("status", "--json")
            row = next(s for s in json.loads(out)["services"] if s["service"] == "xmpp-federation")
            if row["state"] == state:
                return code, row
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"not {state}: {row}")
            await asyncio.sleep(0.1)

    async def test_active_when_the_inside_can_be_reached(self):
        lab = await self.lab()
        await lab.c_is_well()
        code, row = await self.status(lab, "active")
        self.assertEqual(code, 0)
        code, out = await lab.command("status")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"(?i)xmpp.*\bactive\b")

    async def test_inactive_with_the_reason_when_it_cannot(self):
        lab = self.make()
        await lab.start()
        await lab.inside.stop_listening()
        await lab.b.send(xmpp.message(BOB, ALICE))
        code, row = await self.status(lab, "inactive")
        self.assertEqual(code, 1)
        self.assertRegex(row["reason"], f"{lab.inside.host}|\\bim\\b|inside")
        code, out = await lab.command("status")
        self.assertEqual(code, 1)
        self.assertRegex(out, r"(?i)inactive")
        self.assertIn(row["reason"], out)
        await lab.inside.listen(lab.inside.host, lab.inside.port)
        await lab.to_inside(lab.c)
        code, _ = await self.status(lab, "active")
        self.assertEqual(code, 0)

    async def test_off_without_an_xmpp_block(self):
        lab = self.make()
        await lab.start()
        block = lab.configuration()
        start, end = block.index("xmpp {"), block.index("zone im")
        text = block[:start] + "listen sip tcp 127.0.0.1:0\n" + block[end:]
        text = "\n".join(line for line in text.splitlines() if not line.startswith(("listen xmpp", "zone im")))
        other = Daemon(lab.dir / "other", text.replace(f"{lab.dir}/control", f"{lab.dir}/control2"))
        try:
            await other.start()
            done = await asyncio.to_thread(subprocess.run, [other.program, "status", "--json", "-c", str(other.config)],
                                           capture_output=True, text=True, timeout=20)
            row = next(s for s in json.loads(done.stdout)["services"] if s["service"] == "xmpp-federation")
            self.assertEqual(row["state"], "off")
            await other.stop()
        finally:
            other.kill()

    async def test_without_a_daemon_it_is_an_error(self):
        lab = await self.lab()
        lab.check_counters(await lab.daemon.stop())
        for command in ("status", "connections"):
            code, out = await lab.command(command)
            self.assertEqual(code, 2, out)
            self.assertTrue(out)


class ConnectionsTest(XmppCase):
    async def test_both_directions_with_all_that_is_known(self):
        lab = await self.lab()
        await lab.to_partner(lab.b)
        await lab.to_inside(lab.b)
        for direction, address in (("out", lab.b.address), ("in", "%s:%d" % lab.b.dialled[-1].source)):
            row = await lab.connection(partner=B, direction=direction, state="established")
            self.assertLessEqual(KEYS, set(row))
            self.assertEqual((row["protocol"], row["local"], row["address"], row["tls"], row["verified"]),
                             ("xmpp", A, address, "TLSv1.3", "dialback"))
            self.assertTrue(row["cipher"].startswith("TLS_"))
            self.assertEqual((row["stanzas_out"], row["stanzas_in"]) if direction == "out"
                             else (row["stanzas_in"], row["stanzas_out"]), (1, 0))
            self.assertGreater(row["bytes_in"], 500)
            self.assertGreater(row["bytes_out"], 500)
            self.assertLess(row["age_s"], 60)
            self.assertEqual(row["queue"], 0)
        self.assertTrue(await lab.connections(local=B) or await lab.connections(partner=A))
        code, out = await lab.command("connections")
        self.assertEqual(code, 0)
        for word in (B, A, lab.b.address, "TLSv1.3", "dialback"):
            self.assertIn(word, out)

    async def test_how_each_was_verified(self):
        lab = await self.lab(b={"external": True})
        await lab.to_partner(lab.b)
        await lab.connection(partner=B, direction="out", verified="external")
        link = await lab.b.dial()
        await link.negotiate(B, A)
        await link.external()
        link.restart()
        await link.open(B, A)
        await lab.connection(partner=B, direction="in", verified="external")
        await lab.connection(partner=A, direction="in", verified="address")

    async def test_a_partner_that_cannot_be_reached_is_listed_with_the_reason(self):
        lab = await self.lab()
        await lab.b.stop_listening()
        await lab.refused()
        row = await lab.connection(partner=B, direction="out", state="failed")
        self.assertRegex(row["last_error"].lower(), "refused|connect")
        code, out = await lab.command("connections")
        self.assertEqual(code, 0)
        for word in row["last_error"].split():
            self.assertIn(word, out)

    async def test_a_stream_in_negotiation_is_listed(self):
        lab = await self.lab()
        lab.b.claims = None
        await lab.inside.send(xmpp.message(ALICE, BOB, id_="m"))
        await lab.b.until(lambda: lab.b.claims_seen, "the claim")
        row = await lab.connection(partner=B, direction="out", state="dialback")
        self.assertGreater(row["queue"], 0)

    async def test_names_that_peers_choose_do_no_harm_in_lists(self):
        lab = await self.lab()
        link = await lab.b.dial()
        await link.send(xmpp.header('"},{"a":"\u202e\\ \x85%s.test', A))
        other = await lab.b.dial()
        await other.open("<\u202e>&.test", A)
        await lab.connections()
        code, out = await lab.command("connections")
        self.assertEqual(code, 0)
        self.assertNotRegex(out, "[\u202e\x85]")


class TraceTest(XmppCase):
    async def trace(self, lab, partner, act):
        """What `causeway trace` prints while `act` runs."""
        process = await asyncio.create_subprocess_exec(
            lab.daemon.program, "trace", partner, "-c", str(lab.daemon.config), "--for", "6",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        await lab.daemon.logged("control", event="trace", partner=partner)
        await act()
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        self.assertEqual(process.returncode, 0, out)
        return out.decode()

    async def test_a_negotiation_is_told_in_sentences(self):
        lab = await self.lab()

        async def act():
            await lab.to_partner(lab.b)
            await lab.to_inside(lab.c)

        out = await self.trace(lab, B, act)
        lines = [line for line in out.splitlines() if line]
        self.assertGreaterEqual(len(lines), 3, out)
        for line in lines:
            self.assertIn(f"{B}: ", line)
        self.assertRegex(out, "TLS")
        self.assertRegex(out, "(?i)dialback")
        self.assertNotIn(C, out)

    async def test_why_it_failed_can_be_read_off(self):
        lab = await self.lab(b={"tls": "none"})
        out = await self.trace(lab, B, lab.refused)
        self.assertIn("b.test: we require TLS, the partner does not offer it", out)
