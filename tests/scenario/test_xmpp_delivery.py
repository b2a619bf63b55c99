"""What becomes of each stanza: forwarded whole, confirmed, bounced once or booked as unknown; and the rules for it."""

from support import xmpp
from support.xmpp_lab import A, ALICE, B, BOB, C, CAROL, EVIL, ROOMS, XmppCase

SM_R = f"{{{xmpp.SM}}}r"


class RelayTest(XmppCase):
    """Stanzas stay as they are."""

    async def stream(self, lab, more="", namespaces=""):
        link = await lab.b.dial()
        await link.negotiate(B, A, more=more)
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        return link

    async def test_every_byte_is_kept(self):
        lab = await self.lab()
        link = await self.stream(lab)
        stanzas = [
            "<message to='{to}' from='{from_}' id='{id_}'><body xml:lang='de'>  \u00e4 &lt;&#38;&#x1F600;\r\n</body></message>",
            "<message  xml:lang = \"fr\"\n to=\"{to}\"  from='{from_}' id='{id_}' type='chat'  ><body/><x xmlns='a:b' y=\"'\"/></message >",
            "<iq to='{to}' from='{from_}' id='{id_}' type='set'><q xmlns='a' xmlns:z='b'><z:y z:a='1'/><y xmlns=''/></q></iq>",
            "<presence to='{to}' from='{from_}' id='{id_}'><status><![CDATA[ ]] > <x> ]]></status></presence>",
            "<presence to='{to}' from='{from_}' id='{id_}'/>",
        ]
        for stanza in stanzas:
            with self.subTest(stanza):
                id_ = xmpp.unique("m")
                sent = stanza.format(to=ALICE, from_=f"{BOB}/\u00fc", id_=id_)
                await link.send(sent)
                got = await lab.inside.received(id_)
                self.assertEqual(self.content(got.raw), self.content(sent.encode()))
                self.assertEqual((got.get("to"), got.get("from")), (ALICE, f"{BOB}/\u00fc"))

    @staticmethod
    def content(data):
        """What stands between start tag and end tag."""
        return data[data.index(b">") + 1:data.rindex(b"<")] if not data.endswith(b"/>") else b""

    async def test_prefixes_of_the_stream_are_taken_along(self):
        lab = await self.lab()
        link = await self.stream(lab, more=" xmlns:q='urn:q' xmlns:unused='urn:unused'")
        await link.send(f"<message from='{BOB}' to='{ALICE}' id='m1'><q:x q:y='1'>t<z xmlns='urn:z' q:a='2'/></q:x></message>")
        got = await lab.inside.received("m1")
        element = got.find("{urn:q}x")
        self.assertEqual((element.get("{urn:q}y"), element.text), ("1", "t"))
        self.assertEqual(element.find("{urn:z}z").get("{urn:q}a"), "2")

    async def test_the_language_of_the_stream_is_added_where_it_is_missing(self):
        lab = await self.lab()
        link = await self.stream(lab, more=" xml:lang='de-CH'")
        lang = "{http://www.w3.org/XML/1998/namespace}lang"
        for more, expected in (("", "de-CH"), (" xml:lang='fr'", "fr"), (" xml:lang=''", "")):
            id_ = xmpp.unique("m")
            await link.send(xmpp.message(BOB, ALICE, id_=id_, more=more))
            self.assertEqual((await lab.inside.received(id_)).get(lang), expected)

    async def test_order_is_kept_over_a_stream(self):
        lab = await self.lab()
        link = await lab.inside.stream(A, B)
        await link.send(*[xmpp.message(ALICE, BOB, id_=f"o-{i}") for i in range(300)])
        for i in range(300):
            await lab.b.received(f"o-{i}")
        got = [item.get("id") for item in lab.b.history if str(item.get("id")).startswith("o-")]
        self.assertEqual(got, [f"o-{i}" for i in range(300)])

    async def test_each_fate_is_logged_once(self):
        lab = await self.lab()
        got = await lab.to_partner(lab.b)
        line = await lab.fate("delivered", kind="message")
        self.assertEqual((line.Module, line.fields["from"], line.to), ("XMPPFederation", ALICE, got.get("to")))
        self.assertNotIn("hello", lab.daemon.stderr)
        self.assertEqual(len(lab.daemon.log("xmpp.stanza", event="fate")), 1)


class BounceTest(XmppCase):
    async def test_what_cannot_be_delivered_bounces_once(self):
        lab = await self.lab()
        await lab.b.stop_listening()
        body = f"<message from='{ALICE}/r' to='{BOB}/x' id='m1' type='chat'><body>hello</body></message>"
        await lab.inside.send(body)
        got = await lab.inside.received("m1", 30)
        self.assert_bounced(got, "remote-server-timeout", f"{BOB}/x", f"{ALICE}/r")
        self.assertTrue(got.error_text)
        await lab.inside.send(f"<iq from='{ALICE}/r' to='{BOB}' id='i1' type='get'><q xmlns='u'/></iq>")
        got = await lab.inside.received("i1", 30)
        self.assert_bounced(got, "remote-server-timeout", BOB, f"{ALICE}/r")
        self.assertEqual(got.tag, f"{{{xmpp.SERVER}}}iq")
        await lab.c_is_well()
        counted = [item for item in lab.inside.history if item.get("id") in ("m1", "i1")]
        self.assertEqual(len(counted), 2)

    async def test_errors_answers_and_presence_never_bounce(self):
        lab = await self.lab()
        await lab.b.stop_listening()
        for stanza in (f"<message from='{ALICE}' to='{BOB}' id='n1' type='error'><error type='cancel'/></message>",
                       f"<iq from='{ALICE}' to='{BOB}' id='n2' type='result'/>",
                       f"<iq from='{ALICE}' to='{BOB}' id='n3' type='error'><error type='cancel'/></iq>",
                       f"<presence from='{ALICE}' to='{BOB}' id='n4'/>",
                       f"<presence from='{ALICE}' to='{BOB}' id='n5' type='subscribe'/>"):
            await lab.inside.send(stanza)
        self.assert_bounced(await lab.refused(), "remote-server-timeout")
        await lab.c_is_well()
        self.assertFalse([item for item in lab.inside.history if str(item.get("id")).startswith("n")])

    async def test_partners_get_bounces_when_the_inside_cannot_be_reached(self):
        lab = await self.lab()
        await lab.inside.stop_listening()
        await lab.b.send(xmpp.message(BOB, ALICE, id_="m1"))
        got = await lab.b.received("m1", 30)
        self.assert_bounced(got, "remote-server-timeout", ALICE, BOB)

    async def test_partners_that_are_not_allowed_bounce_as_such(self):
        lab = await self.lab()
        for name in ("d.test", f"x.{B}"):
            self.assert_bounced(await lab.refused(to=f"u@{name}"), "not-allowed", f"u@{name}", ALICE)

    async def test_a_dead_inside_does_not_stop_what_goes_out(self):
        lab = await self.lab()
        link = await lab.inside.stream(A, B)
        await lab.inside.stop_listening()
        await lab.b.send(xmpp.message(BOB, ALICE, id_="m1"))
        await lab.b.received("m1", 30)
        await link.send(xmpp.message(ALICE, BOB, id_="m2"))
        await lab.b.received("m2")


class ConfirmationTest(XmppCase):
    """A stanza counts as delivered when the other side has said so."""

    async def managed(self, lab):
        """Causeway's stream to b, which has stream management, with nothing unconfirmed."""
        def confirmed():
            return len(lab.daemon.log("xmpp.stanza", event="fate", fate="delivered", to=f"user@{B}"))

        before = confirmed()
        got = await lab.to_partner(lab.b)
        self.assertTrue(got.link.has_management)
        await lab.b.until(lambda: confirmed() > before, "its confirmation")
        return got.link

    async def test_an_acknowledgement_confirms(self):
        lab = await self.lab()
        lab.b.acknowledges = False
        await lab.inside.send(xmpp.message(ALICE, BOB, id_="m1"))
        got = await lab.b.received("m1")
        await got.link.until(lambda: [i for i in got.link.history if i.tag == SM_R], "a request for acknowledgement")
        await lab.c_is_well()
        self.assertEqual(lab.daemon.log("xmpp.stanza", event="fate", to=BOB), [])
        self.assertEqual((await lab.connection(partner=B, direction="out"))["unconfirmed"], 1)
        await got.link.send(f"<a xmlns='{xmpp.SM}' h='1'/>")
        await lab.fate("delivered", to=BOB)

    async def test_a_stream_that_dies_before_the_acknowledgement_bounces_once(self):
        lab = await self.lab()
        for cut in ("abort", "close", "end"):
            with self.subTest(cut):
                lab.b.acknowledges = True
                link = await self.managed(lab)
                lab.b.acknowledges = False
                id_ = xmpp.unique("m")
                await lab.inside.send(xmpp.message(ALICE, BOB, id_=id_))
                await lab.b.received(id_)
                if cut == "end":
                    await link.send(xmpp.END)
                getattr(link, "abort" if cut == "abort" else "close")()
                self.assert_bounced(await lab.inside.received(id_, 30), "remote-server-timeout", BOB, ALICE)
        lab.b.acknowledges = True
        await lab.to_partner(lab.b)
        lines = lab.daemon.log("xmpp.stanza", event="fate", fate="unknown")
        self.assertEqual(len(lines), 3)
        again = [item.get("id") for item in lab.b.history if item.tag == xmpp.STANZAS[0]]
        self.assertEqual(len(again), len(set(again)), "a stanza was sent twice")

    async def test_an_acknowledgement_covers_what_it_counts_and_no_more(self):
        lab = await self.lab()
        link = await self.managed(lab)
        lab.b.acknowledges = False
        before = link.handled
        source = await lab.inside.stream(A, B)
        await source.send(*[xmpp.message(ALICE, BOB, id_=f"k{i}") for i in range(1, 4)])
        for i in range(1, 4):
            await lab.b.received(f"k{i}")
        await link.send(f"<a xmlns='{xmpp.SM}' h='{before + 2}'/>")
        link.close()
        self.assert_bounced(await lab.inside.received("k3", 30), "remote-server-timeout")
        await lab.c_is_well()
        self.assertFalse([i for i in lab.inside.history if i.get("id") in ("k1", "k2")])

    async def test_an_acknowledgement_of_what_was_not_sent_ends_the_stream(self):
        lab = await self.lab()
        for h in ("1000", "-1", "x", "4294967296", ""):
            with self.subTest(h):
                link = await self.managed(lab)
                await link.send(f"<a xmlns='{xmpp.SM}' h='{h}'/>")
                await link.ended()
        await lab.c_is_well()

    async def test_answers_about_management_that_nobody_asked_for_confirm_nothing(self):
        lab = await self.lab(b={"management": False})
        lab.b.pongs = False
        await lab.inside.send(xmpp.message(ALICE, BOB, id_="m1"))
        got = await lab.b.received("m1")
        await got.link.send(f"<enabled xmlns='{xmpp.SM}'/>", f"<a xmlns='{xmpp.SM}' h='1'/>")
        await lab.c_is_well()
        self.assertEqual(lab.daemon.log("xmpp.stanza", event="fate", fate="delivered", to=BOB), [])
        got.link.close()
        self.assert_bounced(await lab.inside.received("m1", 30), "remote-server-timeout")

    async def test_our_own_side_acknowledges(self):
        lab = await self.lab()
        link = await lab.b.stream(B, A)
        await link.manage()
        await link.send(*[xmpp.message(BOB, ALICE, id_=f"m{i}") for i in range(3)], f"<r xmlns='{xmpp.SM}'/>")
        await link.expect(f"{{{xmpp.SM}}}a")
        for i in range(3):
            await lab.inside.received(f"m{i}")
        await link.send(f"<r xmlns='{xmpp.SM}'/>")
        await link.expect(f"{{{xmpp.SM}}}a")
        self.assertEqual(link.acknowledged, 3)

    async def test_a_ping_confirms_where_there_is_no_management(self):
        lab = await self.lab(b={"management": False})
        lab.b.pongs = False
        asked = []
        handle = lab.b._on_stanza
        lab.b._on_stanza = lambda link, item: asked.append(item) or handle(link, item)
        await lab.inside.send(xmpp.message(ALICE, BOB, id_="m1"))
        await lab.b.received("m1")
        await lab.b.until(lambda: [i for i in asked if i.find(f"{{{xmpp.PING}}}ping") is not None], "a ping")
        ping = next(i for i in asked if i.find(f"{{{xmpp.PING}}}ping") is not None)
        self.assertEqual((ping.get("from"), ping.get("to"), ping.get("type")), (A, B, "get"))
        self.assertTrue(ping.get("id").startswith("cw-"))
        await lab.c_is_well()
        self.assertEqual(lab.daemon.log("xmpp.stanza", event="fate", to=BOB), [])
        await lab.b.send(f"<iq type='error' from='{B}' to='{A}' id='{ping.get('id')}'><error type='cancel'>"
                         f"<service-unavailable xmlns='{xmpp.STANZA_ERRORS}'/></error></iq>")
        await lab.fate("delivered", to=BOB)
        await lab.c_is_well()
        self.assertFalse([i for i in lab.inside.history if str(i.get("id")).startswith("cw-")], "our ping's answer went on")

    async def test_a_ping_is_answered_for_us_by_nobody_else(self):
        """An answer with a right id from another partner confirms nothing."""
        lab = await self.lab(b={"management": False})
        lab.b.pongs = False
        pings = []
        handle = lab.b._on_stanza
        lab.b._on_stanza = lambda link, item: pings.append(item) or handle(link, item)
        await lab.inside.send(xmpp.message(ALICE, BOB, id_="m1"))
        await lab.b.until(lambda: [i for i in pings if i.tag.endswith("iq")], "a ping")
        id_ = next(i for i in pings if i.tag.endswith("iq")).get("id")
        await lab.c.send(f"<iq type='result' from='{C}' to='{A}' id='{id_}'/>")
        await lab.c_is_well()
        self.assertEqual(lab.daemon.log("xmpp.stanza", event="fate", to=BOB, fate="delivered"), [])
        (await lab.b.received("m1")).link.close()
        self.assert_bounced(await lab.inside.received("m1", 30), "remote-server-timeout")

    async def test_a_shutdown_accounts_for_what_is_on_its_way(self):
        lab = await self.lab()
        lab.b.acknowledges = False
        await lab.inside.send(xmpp.message(ALICE, BOB, id_="m1"))
        await lab.b.received("m1")
        lab.c.claims = None
        await lab.inside.send(xmpp.message(ALICE, CAROL, id_="m2"))
        await lab.c.until(lambda: lab.c.claims_seen, "the claim")
        counters = await lab.daemon.stop()
        lab.check_counters(counters)
        self.assertEqual((counters["xmpp.requests.received"], counters["xmpp.requests.open"]), (2, 0))
        self.assertEqual(counters.get("xmpp.fate.delivered", 0), 0)


class RuleTest(XmppCase):
    """Search rules of protocol xmpp."""

    async def test_a_rule_chooses_the_zone(self):
        rule = f"rule 'b by the hub' {{ protocol xmpp; source im; pattern regex '.*@b\\.test'; on-match stop; target hub }}"
        lab = self.make(rules=rule, more="zone hub { type xmpp; peer @hub@ }")
        hub = await lab.server("hub", host="127.0.0.7", certificate=lab.certificate("hub", B))
        await lab.start()
        await lab.inside.send(xmpp.message(ALICE, BOB, id_="m1"))
        got = await hub.received("m1")
        self.assertEqual(got.get("to"), BOB)
        self.assertEqual(lab.b.accepted, [])
        await lab.c_is_well()

    async def test_a_rule_may_rewrite_the_address(self):
        rules = """rule 'old' { protocol xmpp; source im; pattern regex '(.*)@old\\.test'; behavior replace '\\1@b.test'
            on-match stop; target partners }
        rule 'in' { protocol xmpp; source default; pattern exact 'sales@a.test'; behavior replace 'alice@a.test'
            on-match stop; target im }"""
        lab = await self.lab(rules=rules, more="zone partners { type xmpp }", allow=["old.test"])
        await lab.inside.send(xmpp.message(ALICE, "bob@old.test/r", id_="m1"))
        self.assertEqual((await lab.b.received("m1")).get("to"), f"{BOB}/r")
        got = await lab.to_inside(lab.b, to=f"sales@{A}")
        self.assertEqual(got.get("to"), ALICE)
        await lab.c_is_well()

    async def test_a_rule_that_leads_to_sip_bounces(self):
        rules = "rule 'sip' { protocol any; source im; pattern regex '.*@ms\\.test'; on-match stop; target SIP }"
        lab = await self.lab(rules=rules, more="zone SIP { type neighbor; peer 127.0.0.1:9; transport tcp }",
                             allow=["ms.test"])
        self.assert_bounced(await lab.refused(to="x@ms.test"), "service-unavailable", "x@ms.test", ALICE)

    async def test_a_sip_rule_does_not_touch_stanzas(self):
        rules = "rule 'sip' { source im; pattern regex '.*'; on-match stop; target SIP }"
        lab = await self.lab(rules=rules, more="zone SIP { type neighbor; peer 127.0.0.1:9; transport tcp }")
        await lab.c_is_well()

    async def test_a_rule_cannot_let_in_who_is_not_allowed(self):
        rules = "rule 'all' { protocol xmpp; source im; pattern regex '.*'; on-match stop; target partners }"
        lab = await self.lab(rules=rules, more="zone partners { type xmpp }")
        self.assert_bounced(await lab.refused(to="x@d.test"), "not-allowed")

    async def test_locate_says_where_a_stanza_goes(self):
        rules = "rule 'b' { protocol xmpp; source im; pattern regex '.*@b\\.test'; on-match stop; target hub }"
        lab = await self.lab(rules=rules, more="zone hub { type xmpp; peer 127.0.0.7:5269 }")
        code, out = await lab.command("locate", "--protocol", "xmpp", "--from", "im", BOB)
        self.assertEqual(code, 0, out)
        self.assertIn("hub", out)
        code, out = await lab.command("locate", "--protocol", "xmpp", "--from", "im", CAROL)
        self.assertEqual(code, 0, out)
        self.assertRegex(out, "(?i)federation|partner")
        code, out = await lab.command("locate", "--protocol", "xmpp", ALICE)
        self.assertEqual(code, 0, out)
        self.assertRegex(out, r"\bim\b")
