"""Who may talk to us, how, and where partners are found: security, certificates, lists, routes, DNS, and their change."""

import contextlib
import subprocess

from support import pki, xmpp
from support.lab import Silent, closed_port, shared_dir
from support.xmpp_lab import A, ALICE, B, BOB, C, EVIL, ROOMS, XmppCase

SRV, SRV_TLS = "_xmpp-server._tcp.", "_xmpps-server._tcp."
NOT_TRUSTED = r"not trusted|self.signed|unable to get"


def self_signed(name):
    """A certificate that no authority has signed."""
    made = pki.Certificate(shared_dir() / f"self-{name}.pem", shared_dir() / f"self-{name}.key")
    if not made.cert.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "60", "-subj", "/", "-addext", f"subjectAltName=critical,DNS:{name}", "-keyout", made.key, "-out",
                        made.cert], check=True, capture_output=True)
    return made


class PolicyCase(XmppCase):
    async def passes(self, lab, secure=True):
        """Both directions."""
        out = await lab.to_partner(lab.b)
        self.assertEqual(out.link.is_secure, secure)
        await lab.to_inside(lab.b)

    async def refused_outwards(self, lab, words):
        """A stanza to b bounces; the list of connections says why."""
        self.assert_bounced(await lab.refused(), "remote-server-timeout", BOB, ALICE)
        self.assertEqual(lab.b.claims_seen, [])
        row = await lab.connection(partner=B, direction="out", state="failed")
        self.assertRegex(row["last_error"].lower(), words.lower())
        await lab.daemon.logged("xmpp.stream", event="failed", partner=B, direction="out")

    async def refused_inwards(self, lab, *, tls=True):
        """b cannot get a stanza in."""
        link = await lab.b.dial()
        with contextlib.suppress(AssertionError):  # it may be closed at any place; ended() sees that it is
            features = await link.open(B, A)
            if tls and features.find(f"{{{xmpp.TLS}}}starttls") is not None:
                await link.starttls()
                await link.open(B, A)
            await link.send(xmpp.result(B, A, xmpp.key(lab.b.secret, A, B, link.header.get("id"))),
                            xmpp.message(BOB, ALICE, EVIL))
        await link.ended()
        self.assertFalse([item for item in link.history if item.tag == xmpp.RESULT and item.get("type") == "valid"])
        return link


class SecurityTest(PolicyCase):
    async def test_required_without_tls_at_the_partner_is_refused_both_ways(self):
        lab = await self.lab(b={"tls": "none"})
        await self.refused_outwards(lab, "TLS")
        link = await self.refused_inwards(lab, tls=False)
        self.assertEqual(link.error.condition, "policy-violation")
        self.assertEqual(link.error.error_text, "TLS is required")
        await lab.c_is_well()

    async def test_required_never_falls_back_after_a_failed_handshake(self):
        for security in ("required", "optional"):
            with self.subTest(security):
                lab = self.make(security=security)
                handle = lab.b.handle

                def script(link, item, handle=handle):
                    if item.tag != f"{{{xmpp.TLS}}}starttls":
                        return handle(link, item)
                    link.put(f"<proceed xmlns='{xmpp.TLS}'/>")
                    link.close()
                    return True

                lab.b.handle = script
                lab.b.tls = "offered"
                await lab.start()
                self.assert_bounced(await lab.refused(), "remote-server-timeout")
                self.assertEqual((lab.b.claims_seen, lab.b.stanzas), ([], []))

    async def test_starttls_that_the_partner_refuses_is_a_failure(self):
        for security in ("required", "optional"):
            with self.subTest(security):
                lab = self.make(security=security)
                handle = lab.b.handle

                def script(link, item, handle=handle):
                    if item.tag != f"{{{xmpp.TLS}}}starttls":
                        return handle(link, item)
                    link.put(f"<failure xmlns='{xmpp.TLS}'/>", xmpp.END)
                    link.close()
                    return True

                lab.b.handle = script
                lab.b.tls = "offered"
                await lab.start()
                self.assert_bounced(await lab.refused(), "remote-server-timeout")
                self.assertEqual((lab.b.claims_seen, lab.b.stanzas), ([], []))

    async def test_optional_without_tls_at_the_partner_goes_in_clear(self):
        lab = await self.lab(partners=f"partner {B} {{ security optional }}", b={"tls": "none"})
        await lab.to_partner(lab.b)
        link = await lab.b.dial()
        features = await link.open(B, A)
        self.assertIsNotNone(features.find(f"{{{xmpp.TLS}}}starttls"))
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        await link.send(xmpp.message(BOB, ALICE, id_="m"))
        await lab.inside.received("m")
        await self.refused_for_c(lab)

    async def refused_for_c(self, lab):
        """The override is b's alone."""
        link = await lab.c.dial()
        await link.open(C, A)
        await link.send(xmpp.result(C, A, "0" * 64))
        await self.assert_stream_error(link, "policy-violation")

    async def test_optional_uses_tls_where_it_is_offered(self):
        lab = await self.lab(security="optional", b={"tls": "offered"})
        await self.passes(lab)

    async def test_optional_reports_a_partner_that_no_longer_offers_tls(self):
        lab = await self.lab(security="optional", b={"tls": "offered"})
        got = await lab.to_partner(lab.b)
        lab.b.tls = "none"
        await got.link.send(xmpp.END)
        await got.link.ended()
        await lab.to_partner(lab.b)
        line = await lab.daemon.logged_text(r"warn xmpp\S* .*b\.test.*TLS|warn xmpp\S* .*TLS.*b\.test")
        self.assertIn("XMPPFederation", line)

    async def test_none_never_offers_tls(self):
        lab = await self.lab(security="none", b={"tls": "none"}, inside={"tls": "none"})
        link = await lab.b.dial()
        features = await link.open(B, A)
        self.assertIsNone(features.find(f"{{{xmpp.TLS}}}starttls"))
        self.assertEqual((await link.claim(B, A)).get("type"), "valid")
        await link.send(xmpp.message(BOB, ALICE, id_="m"))
        await lab.inside.received("m")
        link = await lab.b.dial()
        await link.open(B, A)
        await link.send(xmpp.STARTTLS)
        await link.until(lambda: link.is_closed or link.history[-1].tag.endswith(("failure", "error")), "a refusal")
        self.assertFalse([item for item in link.history if item.tag.endswith("proceed")])

    async def test_none_and_a_partner_that_requires_tls_are_refused(self):
        lab = await self.lab(partners=f"partner {B} {{ security none }}")
        await self.refused_outwards(lab, "TLS")
        link = await lab.b.dial()
        features = await link.open(B, A)
        self.assertIsNone(features.find(f"{{{xmpp.TLS}}}starttls"))
        await lab.c_is_well()


class CertificateTest(PolicyCase):
    async def test_a_certificate_of_an_authority_is_trusted(self):
        lab = await self.lab(certificates="trusted")
        await self.passes(lab)
        row = await lab.connection(partner=B, direction="out", state="established")
        self.assertEqual((row["tls"], row["verified"]), ("TLSv1.3", "dialback"))

    async def test_serverauth_alone_is_enough(self):
        lab = self.make(certificates="trusted")
        lab.b = xmpp.Server([B], lab.ca, lab.certificate(B, eku="serverAuth"), external=True)
        await lab.start()
        await self.passes(lab)

    async def test_self_signed_passes_under_named(self):
        lab = await self.lab(b_certificate=self_signed(B))
        await self.passes(lab)

    async def test_self_signed_is_refused_under_trusted(self):
        lab = await self.lab(certificates="trusted", b_certificate=self_signed(B))
        await self.refused_outwards(lab, NOT_TRUSTED)
        await self.refused_inwards(lab)
        await lab.c_is_well()

    async def test_self_signed_gets_no_external(self):
        lab = await self.lab(b_certificate=self_signed(B))
        link = await lab.b.dial()
        features = await link.negotiate(B, A)
        self.assertIsNone(features.find(f"{{{xmpp.SASL}}}mechanisms"))
        await link.send(f"<auth xmlns='{xmpp.SASL}' mechanism='EXTERNAL'>=</auth>", xmpp.message(BOB, ALICE, EVIL))
        await link.ended()
        self.assertFalse([item for item in link.history if item.tag.endswith("success")])

    async def test_another_name_is_refused_under_named_and_passes_under_any(self):
        lab = self.make()
        lab.b = xmpp.Server([B], lab.ca, lab.certificate("other.test"))
        await lab.start()
        await self.refused_outwards(lab, "name|b.test")
        await self.refused_inwards(lab)
        await lab.c_is_well()
        lab = self.make(certificates="any")
        lab.b = xmpp.Server([B], lab.ca, lab.certificate("other.test"))
        await lab.start()
        await self.passes(lab)

    async def test_names_that_do_not_count(self):
        """The CN, other services, parts of a label, more than one label, a name with NUL behind it."""
        certificates = {
            "the CN": ([], {"cn": B}),
            "the CN beside another name": (["other.test"], {"cn": B}),
            "another service": (["other.test"], {"others": (f"1.3.6.1.5.5.7.8.7;IA5STRING:_imap.{B}",)}),
            "a URI": (["other.test"], {"uris": (f"xmpp:{B}",)}),
            "a part of a label": (["b*.test", f"*{B}"], {}),
            "a wildcard over no label": ([f"*.{B}"], {}),
            "NUL": (None, {"extension": nul_names(f"{B}\0.evil.test")}),
            "NUL beside the name": (None, {"extension": nul_names(B, f"x\0.{B}")}),
        }
        for what, (names, options) in certificates.items():
            with self.subTest(what):
                lab = self.make()
                lab.b = xmpp.Server([B], lab.ca, lab.ca.issue(f"bad-{what.replace(' ', '-')}", dns=names or (), **options))
                await lab.start()
                self.assert_bounced(await lab.refused(), "remote-server-timeout")
                self.assertEqual(lab.b.claims_seen, [])
                await self.refused_inwards(lab)

    async def test_names_that_count(self):
        names = {
            "SRVName": {"others": (f"1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-server.{B}",)},
            "XmppAddr": {"others": (f"1.3.6.1.5.5.7.8.5;UTF8:{B}",)},
            "upper case": {"dns": [B.upper()]},
        }
        for what, options in names.items():
            with self.subTest(what):
                lab = self.make(certificates="trusted")
                lab.b = xmpp.Server([B], lab.ca, lab.ca.issue(f"good-{what.replace(' ', '-')}", **options))
                await lab.start()
                await self.passes(lab)

    async def test_a_whole_label_may_be_a_wildcard(self):
        lab = self.make(routes=["im.w.test @b@", "c.test @c@", "x.im.w.test @b@"])
        lab.b = xmpp.Server(["im.w.test", "x.im.w.test"], lab.ca, lab.certificate("*.w.test"))
        await lab.start()
        await lab.to_partner(lab.b)
        self.assert_bounced(await lab.refused(to="u@x.im.w.test"), "remote-server-timeout")
        await lab.c_is_well()

    async def test_a_revoked_certificate_is_refused(self):
        lab = self.make(certificates="trusted")
        bad = lab.ca.issue("xmpp-revoked", dns=[B])
        lab.b = xmpp.Server([B], lab.ca, bad)
        lab.tls = f"crl {lab.ca.crl([bad])}"
        await lab.start()
        await self.refused_outwards(lab, "revoked")
        await self.refused_inwards(lab)
        await lab.c_is_well()

    async def test_an_expired_certificate_is_refused_under_trusted(self):
        lab = self.make(certificates="trusted")
        lab.b = xmpp.Server([B], lab.ca, lab.certificate(B, expired=True))
        await lab.start()
        await self.refused_outwards(lab, "expired")
        await self.refused_inwards(lab)

    async def test_an_override_for_one_partner_is_for_that_partner_alone(self):
        lab = self.make(partners=f"partner {B} {{ certificates any }}")
        lab.b = xmpp.Server([B], lab.ca, lab.certificate("other.test"))
        await lab.start()
        await self.passes(lab)
        link = await lab.c.dial()
        with contextlib.suppress(AssertionError):
            await link.negotiate(C, A, context=xmpp.client_context(lab.b.certificate))
            await link.send(xmpp.result(C, A, xmpp.key(lab.c.secret, A, C, link.header.get("id"))),
                            xmpp.message(f"u@{C}", ALICE, EVIL))
        await link.ended()


def nul_names(*names):
    """A subjectAltName extension with dNSNames byte for byte."""
    inner = b"".join(b"\x82" + bytes([len(name)]) + name.encode() for name in names)
    der = b"\x30" + bytes([len(inner)]) + inner
    return "subjectAltName=critical,DER:" + ":".join(f"{byte:02x}" for byte in der)


class ListTest(PolicyCase):
    async def dns_partner(self, lab, name, host="127.0.0.7"):
        """A server that is found by DNS, not by route."""
        server = await lab.server(name, host=host)
        lab.srv = [*lab.srv, (f"{SRV}{name}", f"host.{name}", server.port)]
        lab.hosts = [*lab.hosts, (f"host.{name}", host)]
        return server

    async def not_allowed(self, lab, server, name=None):
        name = name or server.name
        self.assert_bounced(await lab.refused(to=f"u@{name}"), "not-allowed", f"u@{name}", ALICE)
        link = await server.dial()
        await link.negotiate(name, A)
        answer = await link.external()
        self.assertEqual(answer.tag, f"{{{xmpp.SASL}}}failure")
        link = await server.dial()
        await link.negotiate(name, A)
        answer = await link.claim(name, A)
        self.assertEqual((answer.get("type"), answer.condition), ("error", "policy-violation"))
        await link.send(xmpp.message(f"u@{name}", ALICE, EVIL))
        await link.ended()
        self.assertEqual(server.accepted, [], "we connected to a partner that is not allowed")

    async def test_an_allow_list_lets_in_its_names_and_routed_names_only(self):
        lab = self.make(allow=["d.test"])
        d, e = await self.dns_partner(lab, "d.test"), await self.dns_partner(lab, "e.test", "127.0.0.8")
        await lab.start()
        await lab.to_partner(d)
        await lab.to_inside(d)
        await self.not_allowed(lab, e)
        await lab.to_partner(lab.b)

    async def test_the_allow_list_is_the_default_and_empty(self):
        lab = self.make(routes=[])
        await lab.start()
        self.assert_bounced(await lab.refused(), "not-allowed")
        self.assertEqual(lab.b.accepted, [])

    async def test_names_of_an_allow_list_are_exact(self):
        lab = self.make(allow=["d.test"])
        await self.dns_partner(lab, "d.test")
        sub = await self.dns_partner(lab, "x.d.test", "127.0.0.8")
        await lab.start()
        await self.not_allowed(lab, sub)
        for name in ("xd.test", "test", "d.test.evil.test"):
            self.assert_bounced(await lab.refused(to=f"u@{name}"), "not-allowed")

    async def test_wildcards_where_they_are_switched_on(self):
        lab = self.make(allow=["*.w.test"], settings="wildcards yes")
        sub = await self.dns_partner(lab, "im.w.test")
        await lab.start()
        await lab.to_partner(sub)
        await lab.to_inside(sub)
        for name in ("w.test", "xw.test", "im.w.test.evil.test"):
            self.assert_bounced(await lab.refused(to=f"u@{name}"), "not-allowed")

    async def test_names_are_compared_prepared(self):
        lab = self.make(allow=["b\u00fccher.test", "fa\u00df.test"])
        idn = await self.dns_partner(lab, "xn--bcher-kva.test")
        await lab.start()
        link = await idn.stream(idn.name, A)
        await link.send(xmpp.message("u@B\u00dcCHER.test", ALICE, id_="m"))
        await lab.inside.received("m")
        got = await lab.to_partner(idn)
        self.assertTrue(got.get("to").startswith("user@"))
        self.assert_bounced(await lab.refused(to="u@fass.test"), "not-allowed")

    async def test_a_deny_list_keeps_out_its_names_only(self):
        lab = self.make(privacy="deny-list", deny=["e.test"])
        d, e = await self.dns_partner(lab, "d.test"), await self.dns_partner(lab, "e.test", "127.0.0.8")
        await lab.start()
        await lab.to_partner(d)
        await lab.to_inside(d)
        await self.not_allowed(lab, e)

    async def test_wildcards_of_a_deny_list(self):
        lab = self.make(privacy="deny-list", deny=["*.w.test"], settings="wildcards yes")
        w, sub = await self.dns_partner(lab, "w.test"), await self.dns_partner(lab, "im.w.test", "127.0.0.8")
        await lab.start()
        await lab.to_partner(w)
        await self.not_allowed(lab, sub)

    async def test_privacy_off_lets_in_everybody(self):
        lab = self.make(privacy="off")
        d = await self.dns_partner(lab, "d.test")
        await lab.start()
        await lab.to_partner(d)
        await lab.to_inside(d)

    async def test_local_names_that_are_not_listed_do_not_federate(self):
        lab = await self.lab()
        link = await lab.inside.dial()
        await link.negotiate(f"other.{A}", B)
        await link.send(xmpp.result(f"other.{A}", B, xmpp.key(lab.inside.secret, B, f"other.{A}", link.header.get("id"))))
        answer = await link.expect(xmpp.RESULT)
        self.assertNotEqual(answer.get("type"), "valid")
        await link.send(xmpp.message(f"x@other.{A}", BOB, EVIL))
        await link.ended()

    async def test_a_name_on_both_lists_or_a_wildcard_that_is_off_is_an_error(self):
        for more in ("allow d.test\n deny d.test", "allow *.d.test", "allow D.test\n deny d.test"):
            with self.subTest(more):
                lab = self.make()
                await lab.start()
                lab.settings = more
                lab.daemon.config.write_text(lab.configuration())
                code, out = await lab.command("check")
                self.assertEqual(code, 2, out)


class PlaceTest(PolicyCase):
    async def test_a_route_that_fails_does_not_fall_back_to_dns(self):
        lab = self.make(routes=[f"b.test {closed_port('127.0.0.9')}", "c.test @c@"],
                        srv=[(f"{SRV}b.test", "host.b.test", "@b-port@")], hosts=[("host.b.test", "127.0.0.3")])
        await lab.start()
        self.assert_bounced(await lab.refused(), "remote-server-timeout")
        self.assertEqual(lab.b.accepted, [])
        self.assertFalse([name for _, name in lab.dns.queries() if name.endswith("b.test")])
        await lab.c_is_well()

    async def test_routes_are_tried_in_order_of_priority(self):
        lab = self.make(routes=["b.test @third@ 30", f"b.test {closed_port('127.0.0.9')} 10", "b.test @b@ 20", "c.test @c@"])
        third = await lab.server("third", host="127.0.0.7", certificate=lab.certificate(B))
        await lab.start()
        await lab.to_partner(lab.b)
        self.assertEqual(third.accepted, [])

    async def test_a_server_that_fails_in_negotiation_is_followed_by_the_next(self):
        lab = self.make(routes=["b.test @first@ 10", "b.test @b@ 20", "c.test @c@"])
        first = await lab.server("first", host="127.0.0.7", certificate=lab.certificate(B), tls="none")
        await lab.start()
        await lab.to_partner(lab.b)
        self.assertTrue(first.accepted)

    async def test_srv_records_with_priorities(self):
        lab = self.make(allow=["d.test"])
        one = await lab.server("d.test", host="127.0.0.7")
        two = await lab.server("d.test", host="127.0.0.8")
        lab.srv = [(f"{SRV}d.test", "one.d.test", one.port, 20), (f"{SRV}d.test", "two.d.test", two.port, 10)]
        lab.hosts = [("one.d.test", one.host), ("two.d.test", two.host)]
        await lab.start()
        await lab.to_partner(two)
        self.assertEqual(one.accepted, [])
        await two.stop_listening()
        for link in two.accepted:
            await link.send(xmpp.END)
            await link.ended()
        await lab.inside.send(xmpp.message(ALICE, "u@d.test", id_="m"))
        await one.received("m")

    async def test_direct_tls_records_are_merged_by_priority(self):
        lab = self.make(allow=["d.test"])
        one = await lab.server("d.test", host="127.0.0.7")
        two = await lab.server("d.test", host="127.0.0.8", direct=True)
        lab.srv = [(f"{SRV}d.test", "one.d.test", one.port, 20), (f"{SRV_TLS}d.test", "two.d.test", two.port, 10)]
        lab.hosts = [("one.d.test", one.host), ("two.d.test", two.host)]
        await lab.start()
        got = await lab.to_partner(two)
        self.assertTrue(got.link.is_secure)
        self.assertEqual(len([item for item in got.link.history if item.tag == "header"]), 1)
        self.assertEqual(one.accepted, [])

    async def test_without_srv_the_address_on_5269(self):
        lab = self.make(allow=["d.test"], hosts=[("d.test", "127.0.0.113")])
        d = await lab.server("d.test")
        await d.listen("127.0.0.113", 5269)
        await lab.start()
        await lab.to_partner(d)
        await lab.to_inside(d)

    async def test_a_target_of_dot_means_no_service(self):
        lab = self.make(allow=["d.test"], extra_dns=[f"--srv-host={SRV}d.test"], hosts=[("d.test", "127.0.0.114")])
        d = await lab.server("d.test")
        await d.listen("127.0.0.114", 5269)
        await lab.start()
        self.assert_bounced(await lab.refused(to="u@d.test"), "remote-server-not-found", "u@d.test", ALICE)
        self.assertEqual(d.accepted, [])

    async def test_a_name_that_does_not_exist_is_not_found(self):
        lab = await self.lab(allow=["d.test"])
        self.assert_bounced(await lab.refused(to="u@d.test"), "remote-server-not-found", "u@d.test", ALICE)
        link = await lab.b.dial()
        await link.negotiate(B, A)
        answer = await link.claim("d.test", A, "0" * 64)
        self.assertEqual(answer.get("type"), "error")
        await lab.c_is_well()

    async def test_dns_that_does_not_answer_is_a_timeout_and_holds_up_nobody(self):
        with Silent("127.0.0.115") as silent:
            lab = await self.lab(allow=["d.test"], extra_dns=["--server=/d.test/" + silent.address.replace(":", "#")])
            await lab.inside.send(xmpp.message(ALICE, "u@d.test", id_="m"))
            await lab.c_is_well()
            self.assert_bounced(await lab.inside.received("m", 50), "remote-server-timeout", "u@d.test", ALICE)


class ReloadTest(PolicyCase):
    async def test_a_partner_taken_off_the_list_loses_its_streams_and_others_keep_theirs(self):
        lab = await self.lab(allow=[B])
        out_b, out_c = (await lab.to_partner(lab.b)).link, (await lab.to_partner(lab.c)).link
        await lab.to_inside(lab.b)
        await lab.to_inside(lab.c)
        into_b, into_c = lab.b.dialled[0], lab.c.dialled[0]
        inside = await lab.inside.stream(A, B)
        lab.allow, lab.route_b = (), False
        self.assertEqual((await lab.daemon.reload(lab.configuration())).event, "reloaded")
        for link in (out_b, into_b):
            await link.ended()
        self.assertFalse(inside.is_closed)
        self.assert_bounced(await lab.refused(), "not-allowed")
        again = await lab.b.dial()
        await again.negotiate(B, A)
        self.assertEqual((await again.claim(B, A)).condition, "policy-violation")
        await lab.c_is_well()
        self.assertFalse(out_c.is_closed or into_c.is_closed)
        lab.route_b = True
        await lab.daemon.reload(lab.configuration())
        await lab.to_partner(lab.b)
        await lab.to_inside(lab.b)

    async def test_a_reload_that_changes_nothing_disturbs_nothing(self):
        lab = await self.lab()
        await lab.c_is_well()
        links = [link for server in lab.endpoints for link in (*server.accepted, *server.dialled) if not link.is_closed]
        await lab.daemon.reload()
        await lab.c_is_well()
        self.assertFalse([link for link in links if link.is_closed])

    async def test_a_local_name_taken_away_is_no_longer_served(self):
        lab = await self.lab()
        await lab.to_inside(lab.b, to=f"room@{ROOMS}")
        lab.nodes = ()
        await lab.daemon.reload(lab.configuration())
        link = await lab.b.dial()
        await link.send(xmpp.header(B, ROOMS))
        await self.assert_stream_error(link, "host-unknown")
        await lab.c_is_well()

    async def test_security_that_becomes_stricter_holds_for_new_streams(self):
        lab = await self.lab(security="optional", b={"tls": "none"})
        await lab.to_partner(lab.b)
        lab.security = "required"
        await lab.daemon.reload(lab.configuration())
        link = await lab.b.dial()
        await link.open(B, A)
        await link.send(xmpp.result(B, A, "0" * 64))
        await self.assert_stream_error(link, "policy-violation")
