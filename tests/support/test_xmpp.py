"""The scripted XMPP servers against each other."""

import tempfile
import unittest

from support import pki, xmpp


class XmppTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.ca = pki.CA(directory.name)
        self.one = await self.server("one.test", "127.0.0.2")
        self.two = await self.server("two.test", "127.0.0.3")
        self.one.gateway, self.two.gateway = (self.two.host, self.two.port), (self.one.host, self.one.port)

    async def server(self, name, host, **options):
        server = xmpp.Server([name], self.ca, self.ca.issue(name, dns=[name]), **options)
        self.addAsyncCleanup(server.close)
        return await server.listen(host)

    async def test_a_message_passes_by_starttls_and_dialback_and_keeps_its_bytes(self):
        stanza = xmpp.message("a@one.test", "b@two.test", "<x xmlns='y:z'  q = \"1\"/>&#38;", "m1")
        await self.one.send(stanza)
        got = await self.two.received("m1")
        self.assertEqual(got.raw.decode(), stanza)
        self.assertEqual((got.link.is_secure, got.link.tls_version), (True, "TLSv1.3"))
        self.assertEqual(self.two.claims_seen[0].text,
                         xmpp.key(self.one.secret, "two.test", "one.test", self.one.dialled[0].header.get("id")))

    async def test_one_write_may_hold_many_stanzas_and_many_writes_one(self):
        link = await self.one.stream("one.test", "two.test")
        await link.send(*[xmpp.message("one.test", "two.test", id_=f"m{i}") for i in range(3)], "<iq id='i'/>", xmpp.END)
        for id_ in ("m0", "m1", "m2", "i"):
            await self.two.received(id_)
        await link.ended()
        self.assertTrue(link.has_ended_well)
        link = await self.one.stream("one.test", "two.test")
        await link.drip(xmpp.message("one.test", "two.test", "x" * 100, id_="m4"))
        self.assertIn(b"x" * 100, (await self.two.received("m4")).raw)

    async def test_a_key_is_verified_by_who_knows_the_secret(self):
        link = await self.two.dial()
        await link.negotiate("two.test", "one.test")
        good = xmpp.key(self.one.secret, "two.test", "one.test", "id")
        for key, id_, verdict in ((good, "id", "valid"), (good, "other", "invalid"), ("00", "id", "invalid")):
            await link.send(xmpp.verify("two.test", "one.test", id_, key))
            self.assertEqual((await link.expect(xmpp.VERIFY)).get("type"), verdict)
        self.one.verifies = "item-not-found"
        await link.send(xmpp.verify("two.test", "one.test", "id", good))
        answer = await link.expect(xmpp.VERIFY)
        self.assertEqual((answer.get("type"), answer.condition), ("error", "item-not-found"))

    async def test_direct_tls_and_sasl_external(self):
        three = await self.server("three.test", "127.0.0.4", direct=True, external=True)
        link = await self.one.dial(three.host, three.port, direct=True)
        features = await link.open("one.test", "three.test")
        self.assertIsNotNone(features.find(f"{{{xmpp.SASL}}}mechanisms"))
        self.assertTrue((await link.external()).tag.endswith("success"))
        link.restart()
        await link.open("one.test", "three.test")
        await link.manage()
        await link.send(xmpp.message("one.test", "three.test"), f"<r xmlns='{xmpp.SM}'/>")
        await link.expect(f"{{{xmpp.SM}}}a")
        self.assertEqual(link.acknowledged, 1)

    async def test_a_ping_is_answered_on_the_way_back(self):
        link = await self.one.stream("one.test", "two.test")
        await link.send(f"<iq type='get' id='cw-1' from='one.test' to='two.test'><ping xmlns='{xmpp.PING}'/></iq>")
        self.assertEqual((await self.one.received("cw-1")).get("type"), "result")

    async def test_a_reader_that_stops_holds_up_the_writer_only(self):
        link = await self.one.stream("one.test", "two.test")
        other = self.two.accepted[0]
        other.pause()
        stanza = xmpp.message("one.test", "two.test", "x" * 60_000)
        for _ in range(400):
            link.put(stanza)
        self.assertGreater(link.transport.get_write_buffer_size(), 1 << 20)
        other.resume()
        await self.two.until(lambda: len(self.two.stanzas) == 400, "all stanzas")

    async def test_an_aborted_link_is_closed_at_the_other_end(self):
        link = await self.one.stream("one.test", "two.test")
        link.abort()
        self.assertIsNone(await self.two.accepted[0].ended())
        self.assertTrue(self.two.accepted[0].is_reset)


if __name__ == "__main__":
    unittest.main()
