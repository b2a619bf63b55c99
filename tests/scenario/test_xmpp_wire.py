"""Attacks on the parser and on the change to TLS: what is not plain, small, well-formed XMPP ends its stream alone."""

import asyncio
import random

from support import xmpp
from support.xmpp_lab import A, ALICE, B, BOB, EVIL, XmppCase

BODY = f"<message from='{BOB}' to='{ALICE}' id='x'><body>{EVIL}</body>"
BAD_XML = {
    "a document type": (b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]>", "restricted-xml"),
    "many entities": (b"<!DOCTYPE l [<!ENTITY a 'a'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
                      b"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]>", "restricted-xml"),
    "a processing instruction": (b"<?xml-stylesheet href='x'?>", "restricted-xml"),
    "a comment": (b"<!-- comment -->", "restricted-xml"),
    "a second declaration": (b"<?xml version='1.0'?>", "restricted-xml"),
    "an undeclared prefix": (b"<q:message from='b.test' to='a.test'/>", "bad-namespace-prefix"),
    "an undeclared prefix of an attribute": (b"<message q:x='' from='b.test' to='a.test'/>", "bad-namespace-prefix"),
    "an undeclared entity": (b"<message from='b.test' to='a.test'>&evil;</message>", "restricted-xml"),
    "bytes that are no UTF-8": (b"<message from='b.test' to='a.test'>\xc3\x28</message>", None),
    "an overlong slash": (b"<message from='b.test\xc0\xaf' to='a.test'/>", None),
    "a surrogate": (b"<message from='b.test' to='a.test'>\xed\xa0\x80</message>", None),
    "NUL": (b"<message from='b.test' to='a.test'>\0</message>", None),
    "NUL as a reference": (b"<message from='b.test' to='a.test'>&#0;</message>", None),
    "a control character": (b"<message from='b.test' to='a.test'>\x08</message>", None),
    "the wrong end tag": (b"<message from='b.test' to='a.test'></presence>", None),
    "an attribute twice": (b"<message from='b.test' from='c.test' to='a.test'/>", None),
    "one attribute by two prefixes": (b"<message xmlns:p='u' xmlns:q='u' p:x='' q:x='' from='b.test' to='a.test'/>", None),
    "an unquoted attribute": (b"<message from=b.test to=a.test/>", None),
    "text between stanzas": (b"text", None),
    "a byte order mark within": (b"\xff\xfe<\0m\0", None),
    "an undeclared xmlns prefix": (b"<message xmlns:p='' from='b.test' to='a.test'/>", None),
    "a bound xmlns prefix": (b"<message xmlns:xmlns='u' from='b.test' to='a.test'/>", None),
}


class WireCase(XmppCase):
    async def proved(self, lab):
        link = await lab.b.dial()
        await link.negotiate(B, A)
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        return link

    async def three_streams(self, lab):
        """In clear, behind TLS, and with its pair proved."""
        clear = await lab.b.dial()
        await clear.open(B, A)
        secure = await lab.b.dial()
        await secure.negotiate(B, A)
        return clear, secure, await self.proved(lab)


class XmlTest(WireCase):
    async def test_bad_xml_ends_the_stream_in_every_state(self):
        lab = await self.lab()
        well = ("not-well-formed", "bad-format", "invalid-xml", "restricted-xml", "bad-namespace-prefix", "invalid-namespace",
                "unsupported-stanza-type", "policy-violation", "not-authorized", "unsupported-encoding")
        for name, (data, condition) in BAD_XML.items():
            for link in await self.three_streams(lab):
                with self.subTest(name, state="clear" if not link.is_secure else "secure"):
                    await link.send(data, BODY, "</message>")
                    got = await link.ended()
                    self.assertIn(got, [condition] if condition else well)
        await lab.c_is_well()

    async def test_bad_xml_inside_a_stanza_forwards_nothing_of_it(self):
        lab = await self.lab()
        for data in (b"<!-- x -->", b"<?x y?>", b"<q:x/>", b"\xff", b"\0", b"&x;", b"</body>", b"<a", b"<!DOCTYPE x>"):
            with self.subTest(data):
                link = await self.proved(lab)
                await link.send(BODY, data, "</message>")
                self.assertIsNotNone(await link.ended() if data != b"<a" else "cut")
        await lab.c_is_well()

    async def test_other_encodings_and_stream_namespaces_are_refused(self):
        lab = await self.lab()
        good = xmpp.header(B, A)
        headers = {
            good.replace("version='1.0'?", "version='1.0' encoding='ISO-8859-1'?"): ("unsupported-encoding",),
            good.replace("version='1.0'?", "version='1.0' encoding='UTF-7'?"): ("unsupported-encoding",),
            good.encode("utf-16"): ("unsupported-encoding", "not-well-formed", "bad-format", "invalid-xml"),
            good.replace(xmpp.STREAM, "http://etherx.jabber.org/other"): ("invalid-namespace",),
            good.replace(f"'{xmpp.SERVER}'", "'jabber:client'"): ("invalid-namespace",),
            good.replace("stream:stream", "stream:features"): ("invalid-namespace", "bad-format", "not-well-formed",
                                                               "invalid-xml", "unsupported-stanza-type"),
            good.replace("<stream:stream", "<!DOCTYPE stream><stream:stream"): ("restricted-xml",),
            good.replace("<stream:stream", "<!-- --><stream:stream"): ("restricted-xml",),
            "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n": ("not-well-formed", "bad-format", "invalid-xml", None),
            "\x16\x03\x01\x02\0\x01\0": ("not-well-formed", "bad-format", "invalid-xml", None),
        }
        for data, conditions in headers.items():
            with self.subTest(data):
                link = await lab.b.dial()
                await link.send(data)
                await self.assert_stream_error(link, *conditions)
        await lab.c_is_well()

    async def test_cdata_and_character_references_pass(self):
        lab = await self.lab()
        link = await self.proved(lab)
        stanza = f"<message from='{BOB}' to='{ALICE}' id='x1'><body><![CDATA[<&>]]>&#x1F600;&amp;</body></message>"
        await link.send(stanza)
        self.assertEqual((await lab.inside.received("x1")).raw.decode(), stanza)

    async def test_a_namespace_that_holds_a_separator_is_another_namespace(self):
        """CVE-2022-25236: no name of an element can be made from parts of a URI."""
        lab = await self.lab()
        for separator in ("\u00ff", " ", "|", "&#10;", "#", "}", "^", "&#9;", ":", "!", "&#xfffd;", "\u0085"):
            for stanza in (f"<result xmlns='{xmpp.DIALBACK}{separator}' from='{B}' to='{A}'>{'0' * 64}</result>",
                           f"<x xmlns='{xmpp.DIALBACK}{separator}result' from='{B}' to='{A}'>{'0' * 64}</x>",
                           f"<x xmlns='{xmpp.SERVER}{separator}message' from='{BOB}' to='{ALICE}'><body>{EVIL}</body></x>",
                           f"<message xmlns='{xmpp.SERVER}{separator}' from='{BOB}' to='{ALICE}'><body>{EVIL}</body></message>"):
                link = await lab.b.dial()
                await link.negotiate(B, A)
                await link.send(stanza, xmpp.message(BOB, ALICE, EVIL))
                with self.subTest(stanza):
                    self.assertIsNotNone(await link.ended())
        self.assertEqual(lab.b.verifies_seen, [])
        await lab.c_is_well()


class SizeTest(WireCase):
    async def test_before_authentication_16_kib_are_the_most(self):
        lab = await self.lab()
        floods = {
            "white space": " " * 40_000,
            "a header that does not end": xmpp.header(B, A)[:-1] + " x='" + "y" * 40_000,
            "a name that does not end": "<" + "x" * 40_000,
            "one claim": f"<db:result from='{B}' to='{A}'>{'0' * 40_000}",
            "many verifications": xmpp.verify(B, A, "1", "0" * 200) * 200,
            "unknown elements": "<x xmlns='u'/>" * 4000,
        }
        before = lab.memory_kb()
        for name, data in floods.items():
            for opened in (False, True):
                with self.subTest(name, opened=opened):
                    link = await lab.b.dial()
                    if opened:
                        await link.negotiate(B, A)
                    await link.send(data)
                    self.assertIsNotNone(await link.ended())
        self.assertLess(lab.memory_kb() - before, lab.memory_limit_kb())
        await lab.c_is_well()

    async def test_too_much_of_anything_in_a_stanza_ends_the_stream(self):
        lab = await self.lab()
        start = f"<message from='{BOB}' to='{ALICE}' id='x'><body>{EVIL}</body>"
        stanzas = {
            "bytes": start + f"<x>{'y' * 1000}</x>" * 300 + "</message>",
            "text": start + "y" * 300_000 + "</message>",
            "depth": start + "<x>" * 70 + "</x>" * 70 + "</message>",
            "depth without end": start + "<x>" * 2000,
            "attributes": start + "<x " + " ".join(f"a{i}=''" for i in range(70)) + "/></message>",
            "attributes of the stanza": "<message " + " ".join(f"a{i}=''" for i in range(70)) +
                                        f" from='{BOB}' to='{ALICE}'><body>{EVIL}</body></message>",
            "an attribute's value": start + f"<x a='{'y' * 70_000}'/></message>",
            "a name": start + f"<{'y' * 70_000}/></message>",
            "a namespace": start + f"<x xmlns='{'y' * 70_000}'/></message>",
            "white space in a tag": start + f"<x {' ' * 70_000}/></message>",
            "a token of a megabyte": start + f"<x a='{'y' * 1_000_000}'/></message>",
            "a stanza of 20 megabytes": start + f"<x>{'y' * 10_000}</x>" * 2000 + "</message>",
        }
        before = lab.memory_kb()
        for name, stanza in stanzas.items():
            with self.subTest(name):
                link = await self.proved(lab)
                await link.send(stanza)
                await self.assert_stream_error(link, "policy-violation")
        self.assertLess(lab.memory_kb() - before, lab.memory_limit_kb())
        await lab.c_is_well()

    async def test_what_is_within_the_limits_passes(self):
        lab = await self.lab()
        start = f"<message from='{BOB}' to='{ALICE}' id='@id@'>"
        stanzas = {
            "bytes": start + f"<x>{'y' * 1000}</x>" * 250 + "</message>",
            "text": start + f"<body>{'y' * 250_000}</body></message>",
            "depth": start + "<x>" * 60 + "</x>" * 60 + "</message>",
            "attributes": start + "<x " + " ".join(f"a{i}=''" for i in range(60)) + "/></message>",
            "an attribute's value": start + f"<x a='{'y' * 60_000}'/></message>",
        }
        link = await self.proved(lab)
        for name, stanza in stanzas.items():
            with self.subTest(name):
                id_ = xmpp.unique("m")
                await link.send(stanza.replace("@id@", id_))
                self.assertEqual((await lab.inside.received(id_)).raw.decode(), stanza.replace("@id@", id_))

    async def test_large_tokens_in_small_pieces_hold_up_nobody(self):
        """CVE-2023-52425: what a token costs does not grow with the number of its pieces."""
        lab = await self.lab()
        start = f"<message from='{BOB}' to='{ALICE}' id='@id@'>"
        good = start + "".join(f"<x a='{'y' * 60_000}'/>" for _ in range(4)) + "</message>"
        links = [await self.proved(lab) for _ in range(4)]
        ids = [xmpp.unique("m") for _ in links]
        dripping = [asyncio.ensure_future(link.drip(good.replace("@id@", id_), 64)) for link, id_ in zip(links, ids)]
        await lab.c_is_well()
        await asyncio.gather(*dripping)
        for id_ in ids:
            await lab.inside.received(id_)
        link = await self.proved(lab)
        await link.drip(start + f"<x a='{EVIL}{'y' * 200_000}", 64)
        await self.assert_stream_error(link, "policy-violation")
        await lab.c_is_well()

    async def test_a_stanza_in_two_pieces_is_not_held_back(self):
        """Nothing follows it; libexpat, left alone, waits for as much again as it has."""
        lab = await self.lab()
        link = await self.proved(lab)
        for size in (5, 12, 30, 900, 1000, 1100, 3000):
            for part in (0.05, 0.3, 0.6, 0.9, 0.99):
                id_ = xmpp.unique("m")
                stanza = xmpp.message(f"{'x' * min(size, 1000)}@{B}", ALICE, "y" * size, id_)
                cut = int(len(stanza) * part)
                await link.send(stanza[:cut])
                await asyncio.sleep(0.005)
                await link.send(stanza[cut:])
                await lab.inside.received(id_)

    async def test_stanzas_may_come_byte_by_byte_and_many_at_once(self):
        lab = await self.lab()
        link = await self.proved(lab)
        one = xmpp.message(BOB, ALICE, "\u00e4\U0001F600 &lt;", id_="one")
        await link.drip(one, 1)
        self.assertEqual((await lab.inside.received("one")).raw.decode(), one)
        await link.send(*[xmpp.message(BOB, ALICE, id_=f"many-{i}") for i in range(500)])
        for i in range(500):
            await lab.inside.received(f"many-{i}")
        got = [item.get("id") for item in lab.inside.history if str(item.get("id")).startswith("many-")]
        self.assertEqual(got, [f"many-{i}" for i in range(500)])


class StartTlsTest(WireCase):
    """CVE-2011-0411: nothing that came in clear is read as if it had come behind TLS."""

    async def test_bytes_behind_starttls_close_the_connection(self):
        lab = await self.lab()
        for injected in (xmpp.message(BOB, ALICE, EVIL), xmpp.header(B, A) + xmpp.result(B, A, "0" * 64), " ", "<", "\0",
                         xmpp.END, "\x16\x03"):
            with self.subTest(injected):
                link = await lab.b.dial()
                await link.open(B, A)
                await link.send(xmpp.STARTTLS, injected)
                await link.ended()
                self.assertFalse(link.is_secure)
        self.assertEqual(lab.b.verifies_seen, [])
        await lab.c_is_well()

    async def test_bytes_behind_proceed_close_the_connection(self):
        lab = await self.lab()
        for injected in (" ", "<x/>", xmpp.header(B, A, "id"), f"<db:verify from='{B}' to='{A}' id='1' type='valid'/>"):
            with self.subTest(injected):
                def script(link, item, handle=lab.b.handle, more=injected):
                    if item.tag != f"{{{xmpp.TLS}}}starttls":
                        return handle(link, item)
                    link.put(f"<proceed xmlns='{xmpp.TLS}'/>", more)
                    return True

                good, lab.b.handle = lab.b.handle, script
                self.assert_bounced(await lab.refused(), "remote-server-timeout")
                lab.b.handle = good
        self.assertFalse([link for link in lab.b.accepted if link.is_secure])
        self.assertEqual(lab.b.claims_seen, [])
        await lab.c_is_well()

    async def test_what_was_learnt_before_tls_is_void(self):
        lab = await self.lab(security="optional")
        link = await lab.b.dial()
        await link.open(B, A)
        before = link.header.get("id")
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        await link.send(xmpp.STARTTLS)
        await link.until(lambda: link.items or link.is_closed, "an answer to starttls")
        if not link.is_closed and link.items[0].tag.endswith("proceed"):
            await link.tls()
            await link.open(B, A)
            self.assertNotEqual(link.header.get("id"), before)
            await link.send(xmpp.message(BOB, ALICE, EVIL))
        await link.ended()
        await lab.c_is_well()

    async def test_the_stream_id_behind_tls_is_a_new_one(self):
        lab = await self.lab()
        link = await lab.b.dial()
        await link.open(B, A)
        before = link.header.get("id")
        old = xmpp.key(lab.b.secret, A, B, before)
        await link.starttls()
        await link.open(B, A)
        self.assertNotEqual(link.header.get("id"), before)
        self.assertNotEqual((await link.claim(B, A, old)).get("type"), "valid")

    async def test_starttls_twice_ends_the_stream(self):
        lab = await self.lab()
        link = await lab.b.dial()
        await link.negotiate(B, A)
        await link.send(xmpp.STARTTLS, xmpp.message(BOB, ALICE, EVIL))
        await link.ended()
        self.assertFalse([item for item in link.history if item.tag.endswith("proceed")][1:])
        await lab.c_is_well()

    async def test_clear_text_into_tls_ends_the_connection(self):
        lab = await self.lab()
        link = await self.proved(lab)
        link.bypass(xmpp.message(BOB, ALICE, EVIL))
        await link.ended()
        await lab.c_is_well()

    async def test_a_handshake_that_is_no_handshake_ends_the_connection(self):
        lab = await self.lab()
        for data in (xmpp.header(B, A), "\0" * 100, "\x16\x03\x01\xff\xff" + "\x01" * 70000, "\x15\x03\x03\0\2\2\x28"):
            with self.subTest(data[:20]):
                link = await lab.b.dial()
                await link.open(B, A)
                await link.send(xmpp.STARTTLS)
                await link.expect(f"{{{xmpp.TLS}}}proceed")
                await link.send(data.encode("latin-1"))
                await link.ended()
                link = await lab.b.dial(*lab.direct_port)
                await link.send(data.encode("latin-1"))
                await link.ended()
        await lab.c_is_well()


class CompressionTest(WireCase):
    async def test_compression_is_neither_offered_nor_accepted_nor_used(self):
        lab = self.make()
        lab.b.more_features = ("<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>")
        await lab.start()
        clear, secure, proved = await self.three_streams(lab)
        for link in (clear, secure, proved):
            features = [item for item in link.history if item.tag == xmpp.FEATURES]
            self.assertNotIn(b"compress", b"".join(item.raw for item in features))
            await link.send("<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>")
            await link.ended()
            self.assertFalse([item for item in link.history if item.tag.endswith("}compressed")])
        await lab.to_partner(lab.b)
        self.assertFalse([item for item in lab.b.history if item.tag.endswith("}compress")])
        await lab.c_is_well()


class MutationTest(WireCase):
    """Random damage to a good conversation, from a fixed seed: no forged sender comes out, the process lives."""

    ROUNDS = 250
    BYTES = b"\0\r\n\t <>&'\"/=:?![]-x\x7f\x80\xc3\xff"

    def damage(self, source, data):
        data = bytearray(data)
        for _ in range(source.choice((1, 1, 1, 2, 5))):
            place = source.randrange(len(data))
            kind = source.randrange(4)
            if kind == 0:
                data[place] = source.choice(self.BYTES)
            elif kind == 1:
                data.insert(place, source.choice(self.BYTES))
            elif kind == 2:
                del data[place:place + source.randrange(1, 20)]
            else:
                data[place:place] = data[place:place + source.randrange(1, 60)]
        return bytes(data)

    async def test_damaged_streams_are_refused_or_harmless(self):
        lab = await self.lab()
        source = random.Random(4711)
        good = (xmpp.message(BOB, ALICE, "&#228;<![CDATA[x]]>", more=" xml:lang='de'"),
                f"<iq from='{BOB}/r' to='{ALICE}' type='get' id='1'><q xmlns='u' xmlns:p='v'><p:x p:y='1'/></q></iq>",
                xmpp.result(B, A, "0" * 64), xmpp.verify(B, A, "id", "0" * 64),
                f"<presence from='{BOB}' to='{ALICE}' type='subscribe'/>",
                f"<enable xmlns='{xmpp.SM}' resume='true'/><r xmlns='{xmpp.SM}'/><a xmlns='{xmpp.SM}' h='1'/>",
                f"<auth xmlns='{xmpp.SASL}' mechanism='EXTERNAL'>Yi50ZXN0</auth>" + xmpp.header(B, A))
        link = await self.proved(lab)
        for _ in range(self.ROUNDS):
            if link.is_closed or link.has_ended_well:
                link = await self.proved(lab)
            if source.randrange(4) == 0:
                await link.send(good[0])
            elif source.randrange(3):
                await link.send(self.damage(source, source.choice(good).encode()))
            else:
                other = await lab.b.dial()
                await other.open(B, A)
                await other.send(self.damage(source, (xmpp.header(B, A) + source.choice(good)).encode()))
                other.abort()
            await asyncio.sleep(0)
        await lab.c_is_well()
        self.assertGreater(len(lab.inside.stanzas), 10, "hardly anything came through: the damage is too large")
        for stanza in lab.inside.stanzas:
            self.assertRegex(stanza.get("from"), "(?i)^([^@/]*@)?b.test(/|$)")
            self.assertRegex(stanza.get("to"), "(?i)^([^@/]*@)?a.test(/|$)")
