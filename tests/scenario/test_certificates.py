"""Certificates in both directions: who is let in, who is called, and a log line that says why not."""

import re
import ssl

from support import pki, sip
from support.lab import CAUSEWAY, CLUSTER, ProxyCase, shared_dir


class InboundTest(ProxyCase):
    """A peer without a valid certificate does not get past the handshake."""

    async def refused(self, lab, certificate, words):
        host, port = lab.daemon.listeners[0]
        context = sip.client_context(lab.ca, certificate)
        client = sip.Endpoint("x.example", lab.ca, certificate)
        lab.others.append(client)
        try:
            link = await client.connect(host, port, server_name=CAUSEWAY, context=context, source="127.0.0.7")
            await link.send(client.request("OPTIONS", f"sip:{CAUSEWAY}", "<sip:a@x.example>"))
            await link.wait_closed()
        except (OSError, ssl.SSLError):
            pass
        self.assertFalse(client.history, "it was answered")
        await lab.daemon.logged_text(rf"127\.0\.0\.7.*({words})|({words}).*127\.0\.0\.7")

    async def test_an_expired_one_is_refused(self):
        lab = await self.lab()
        await self.refused(lab, lab.ca.issue("old", dns=["x.example"], expired=True), "expired")

    async def test_one_of_another_ca_is_refused(self):
        lab = await self.lab()
        other = pki.CA(shared_dir(), "other")
        await self.refused(lab, other.issue("foreign", dns=["x.example"]), "issuer|self.signed|unknown ca|untrusted|not trusted")

    async def test_none_is_refused(self):
        lab = await self.lab()
        await self.refused(lab, None, "no.certificate")

    async def test_a_revoked_one_is_refused_and_others_are_not(self):
        ca = pki.CA(shared_dir(), "ca")
        bad = ca.issue("revoked", dns=["x.example"])
        lab = await self.lab(tls=f"crl {ca.crl([bad])}")
        await self.refused(lab, bad, "revoked")
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")), 200)

    async def test_an_expired_crl_is_soft_unless_told_otherwise(self):
        ca = pki.CA(shared_dir(), "ca")
        bad = ca.issue("revoked", dns=["x.example"])
        old = ca.crl([bad], expired=True)
        lab = await self.lab(tls=f"crl {old}")
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")), 200)
        await lab.daemon.logged_text("crl")
        strict = await self.lab(tls=f"crl {old}\n    crl-missing fail")
        await self.refused(strict, strict.ca.issue("host7", dns=["x.example"]), "crl")

    async def test_a_certificate_for_servers_only_is_accepted(self):
        lab = await self.lab()
        for eku in ("serverAuth", "clientAuth", None):
            host = await lab.endpoint("sip.e.example", dns=["sip.e.example", "e.example"], host="127.0.0.7", eku=eku)
            options = host.request("OPTIONS", f"sip:{CAUSEWAY}", "<sip:x@e.example>")
            self.assert_status(await lab.ask(host, options), 200)

    async def test_a_certificate_for_another_use_is_refused(self):
        lab = await self.lab()
        await self.refused(lab, lab.ca.issue("code", dns=["x.example"], eku="codeSigning"), "purpose")

    async def test_tls_below_the_minimum_is_refused(self):
        lab = await self.lab(tls="minimum tls1.3")
        host, port = lab.daemon.listeners[0]
        context = sip.client_context(lab.ca, lab.edge.certificate)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.assertRaises((OSError, ssl.SSLError)):
            await lab.edge.connect(host, port, context=context)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")), 200)


class ChainTest(ProxyCase):
    """Certificates below an intermediate CA, of which only the root is trusted."""

    async def test_chains_are_sent_and_accepted(self):
        root = pki.CA(shared_dir())
        middle = pki.CA(shared_dir(), "middle", parent=root)
        lab = await self.lab(own_certificate=middle.issue("own-chain", dns=[CAUSEWAY]),
                             edge_certificate=middle.issue("edge-chain", dns=["sip.ms.example"]),
                             cluster_certificate=middle.issue("cluster-chain", dns=[CLUSTER]))
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)

    async def test_the_crl_of_the_root_revokes_the_intermediate(self):
        root = pki.CA(shared_dir(), "root2")
        middle = pki.CA(shared_dir(), "middle2", parent=root)
        both = shared_dir() / "both-crls.pem"
        both.write_text(root.crl([pki.Certificate(middle.cert, middle.key)]).read_text() + middle.crl().read_text())
        lab = await self.lab()
        config = lab.daemon.config.read_text()
        bundle = shared_dir() / "both-cas.pem"
        bundle.write_text(lab.ca.cert.read_text() + root.cert.read_text())
        host = sip.Endpoint("sip.below.example", lab.ca, middle.issue("below", dns=["sip.below.example", "below.example"]))
        lab.others.append(host)
        options = host.request("OPTIONS", f"sip:{CAUSEWAY}", "<sip:x@below.example>")
        config = config.replace(f"trust {lab.ca.cert}", f"trust {bundle}")
        await lab.daemon.reload(config)
        self.assert_status(await lab.ask(host, options), 200)
        await lab.daemon.reload(config.replace(f"trust {bundle}", f"trust {bundle}\n    crl {both}"))
        link = None
        try:
            link = await lab.link(host, fresh=True)
            await link.wait_closed()
        except (OSError, ssl.SSLError):
            pass
        await lab.daemon.logged_text("revoked")


class WeakTest(ProxyCase):
    """RSA keys below 2,048 bits and SHA-1 signatures are refused."""

    async def refused(self, certificate):
        lab = await self.lab()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.load_verify_locations(lab.ca.cert)
        context.load_cert_chain(certificate.cert, certificate.key)
        try:
            link = await lab.edge.connect(*lab.daemon.listeners[0], context=context)
            await link.wait_closed()
        except (OSError, ssl.SSLError):
            pass
        await lab.daemon.logged_text("weak|too small|digest|md too|signature")
        self.assertFalse(lab.edge.history)

    async def test_a_short_rsa_key_is_refused(self):
        await self.refused(pki.CA(shared_dir()).issue("rsa1024", dns=["sip.ms.example"], key=("-newkey", "rsa:1024")))

    async def test_a_sha1_signature_is_refused(self):
        await self.refused(pki.CA(shared_dir()).issue("sha1", dns=["sip.ms.example"], digest="sha1"))

    async def test_an_rsa_key_of_2048_bits_is_accepted(self):
        good = pki.CA(shared_dir()).issue("rsa2048", dns=["sip.ms.example"], key=("-newkey", "rsa:2048"))
        lab = await self.lab(edge_certificate=good)
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")), 200)


class OutboundTest(ProxyCase):
    """A server whose certificate does not fit gets no message."""

    async def refused(self, certificate, words, **changes):
        lab = await self.lab(cluster_certificate=certificate, imp="connect-timeout 2", **changes)
        final = await lab.ask(lab.edge, lab.from_edge(body="x"))
        self.assert_status(final, 504)
        await lab.cluster.nothing(0.1)
        await lab.daemon.logged_text(words)
        return lab

    async def test_a_wrong_name_is_refused(self):
        ca = pki.CA(shared_dir(), "ca")
        await self.refused(ca.issue("wrong", dns=["imp2.uc.example"]), r"imp2\.uc\.example|name")

    async def test_a_wrong_cn_behind_a_right_san_counts_not(self):
        ca = pki.CA(shared_dir(), "ca")
        await self.refused(ca.issue("cn-trick", dns=["imp2.uc.example"], cn=CLUSTER), r"imp2\.uc\.example|name")

    async def test_a_wildcard_is_refused_unless_the_zone_allows_it(self):
        ca = pki.CA(shared_dir(), "ca")
        wild = ca.issue("wild", dns=["*.uc.example"])
        await self.refused(wild, r"name|\*")
        lab = await self.lab(cluster_certificate=wild, imp="wildcards yes")
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)

    async def test_an_expired_one_is_refused(self):
        ca = pki.CA(shared_dir(), "ca")
        await self.refused(ca.issue("old-imp", dns=[CLUSTER], expired=True), "expired")

    async def test_a_revoked_one_is_refused(self):
        ca = pki.CA(shared_dir(), "ca")
        bad = ca.issue("revoked-imp", dns=[CLUSTER])
        await self.refused(bad, "revoked", tls=f"crl {ca.crl([bad])}")

    async def test_one_of_another_ca_is_refused(self):
        other = pki.CA(shared_dir(), "other")
        await self.refused(other.issue("foreign-imp", dns=[CLUSTER]), "issuer|self.signed|untrusted|not trusted")

    async def test_a_common_name_counts_without_a_san(self):
        ca = pki.CA(shared_dir(), "ca")
        lab = await self.lab(cluster_certificate=ca.issue("cn-only", cn=CLUSTER))
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)

    async def test_the_next_peer_is_tried_when_the_first_has_a_wrong_name(self):
        ca = pki.CA(shared_dir(), "ca")
        lab = await self.lab(imp_peers=["@second@", "@cluster@"])
        await lab.second.stop_listening()
        lab.second.certificate = ca.issue("wrong", dns=["imp2.uc.example"])
        await lab.second.listen(lab.second.host, lab.second.port)
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        await lab.cluster.respond(await lab.cluster.expect("MESSAGE"), 200)
        self.assert_status(await lab.edge.final(message), 200)
        await lab.second.nothing(0.1)

    async def test_our_own_certificate_is_presented(self):
        lab = await self.lab()
        message = lab.from_edge(body="x")
        await lab.send(lab.edge, message)
        got = await lab.cluster.expect("MESSAGE")
        self.assertEqual(got.link.peer_names, [CAUSEWAY])
        await lab.cluster.respond(got, 200)


class ZoneTest(ProxyCase):
    """The zone a request comes from is found by the names of the verified certificate."""

    RULES = r"""
rule 'from imp' { priority 1; source IMP; pattern regex '.*@probe\.example'; behavior replace 'imp@uc.example'; on-match stop; target SECOND }
rule 'from two' { priority 1; source TWO; pattern regex '.*@probe\.example'; behavior replace 'two@uc.example'; on-match stop; target SECOND }
rule 'stranger' { priority 2; source default; pattern regex '.*@probe\.example'; behavior replace 'default@uc.example'; on-match stop; target SECOND }
"""
    MORE = f"""
zone TWO {{ type neighbor; peer 127.0.0.7:5061; verify two.uc.example; verify two.alias.example }}
zone SECOND {{ type neighbor; peer @second@; verify {CLUSTER}; name expe.uc.example }}
"""

    async def zone_of(self, lab, endpoint, sender="<sip:x@uc.example>"):
        message = endpoint.request("MESSAGE", "sip:who@probe.example", sender, body="x")
        await lab.send(endpoint, message)
        got = await lab.second.expect("MESSAGE")
        await lab.second.respond(got, 200)
        self.assert_status(await endpoint.final(message), 200)
        return got.uri.split(":")[1].split("@")[0]

    async def test_verified_names_decide_and_not_the_address(self):
        lab = await self.lab(rules=self.RULES, more=self.MORE, sender_check=False)
        two = await lab.endpoint("two.uc.example", host="127.0.0.7")
        alias = await lab.endpoint("two.alias.example", dns=["else.example", "TWO.alias.example"], host="127.0.0.8")
        stranger = await lab.endpoint("three.uc.example", host="127.0.0.7")
        self.assertEqual(await self.zone_of(lab, lab.cluster), "imp")
        self.assertEqual(await self.zone_of(lab, two), "two")
        self.assertEqual(await self.zone_of(lab, alias), "two")
        self.assertEqual(await self.zone_of(lab, stranger), "default")

    async def test_a_wildcard_certificate_is_a_stranger(self):
        lab = await self.lab(rules=self.RULES, more=self.MORE, sender_check=False)
        wild = await lab.endpoint("two.uc.example", dns=["*.uc.example"], host="127.0.0.7")
        self.assertEqual(await self.zone_of(lab, wild), "default")

    async def test_a_tcp_peer_is_found_by_its_address(self):
        rules = r"rule 'tcp' { source PLAIN; pattern regex '.*@uc\.example'; target IMP }"
        more = "zone PLAIN { type neighbor; transport tcp; peer 127.0.0.7:5060 }"
        lab = await self.lab(rules=rules, more=more, listen=("tls 127.0.0.1:0", "tcp 127.0.0.1:0"))
        for source, status in (("127.0.0.7", 200), ("127.0.0.8", (403, 404))):
            plain = sip.Endpoint("plain.uc.example", transport="tcp")
            lab.others.append(plain)
            link = await plain.connect(*lab.daemon.listeners[1], source=source)
            message = plain.request("MESSAGE", "sip:bob@uc.example", "<sip:x@uc.example>", body="x")
            await link.send(message)
            if status == 200:
                got = await lab.cluster.expect("MESSAGE")
                self.assertIn("TLS", got.values("via")[0])
                await lab.cluster.respond(got, 200)
            self.assert_status(await plain.final(message), status)
        await lab.cluster.nothing(0.1)

    async def test_a_tcp_zone_is_called_by_tcp(self):
        rules = r"rule 'tcp' { source IMP; pattern regex '.*@plain\.example'; target PLAIN }"
        lab = await self.lab(rules=rules, more="zone PLAIN { type neighbor; transport tcp; peer 127.0.0.7:7777 }")
        plain = sip.Endpoint("plain.uc.example", transport="tcp")
        lab.others.append(plain)
        await plain.listen("127.0.0.7")
        await lab.daemon.reload(lab.daemon.config.read_text().replace("7777", str(plain.port)))
        message = lab.from_cluster(uri="sip:x@plain.example", body="x")
        await lab.send(lab.cluster, message)
        got = await plain.expect("MESSAGE")
        self.assertIn("SIP/2.0/TCP", got.values("via")[0])
        await plain.respond(got, 200)
        self.assert_status(await lab.cluster.final(message), 200)


class AccessTest(ProxyCase):
    """`access default`: who may talk to the default zone."""

    async def outcome(self, lab, name, allowed, sender=None):
        host = await lab.endpoint(name, host="127.0.0.7")
        options = host.request("OPTIONS", f"sip:{CAUSEWAY}", sender or f"<sip:x@{name}>")
        if allowed:
            self.assert_status(await lab.ask(host, options), 200)
            return
        try:
            link = await lab.link(host)
            await link.send(options)
            await link.wait_closed()
        except (OSError, ssl.SSLError):
            pass
        self.assertFalse(host.history)
        await lab.daemon.logged_text(re.escape(name))

    async def test_the_first_line_that_fits_decides(self):
        lab = await self.lab(more=r"""access default {
            deny  exact bad.partner.example
            allow regex '.*\.partner\.example'
            allow prefix edge.
            deny  any
        }""")
        await self.outcome(lab, "good.partner.example", True)
        await self.outcome(lab, "bad.partner.example", False)
        await self.outcome(lab, "EDGE.other.example", True)
        await self.outcome(lab, "sip.other.example", False)
        self.assert_status(await lab.ask(lab.cluster, lab.from_cluster("OPTIONS", f"sip:{CAUSEWAY}")), 200)

    async def test_with_a_block_what_matches_nothing_is_denied(self):
        lab = await self.lab(more="access default { allow suffix .partner.example }")
        await self.outcome(lab, "a.partner.example", True)
        await self.outcome(lab, "a.partner.example.evil.example", False)


    async def test_a_common_name_counts_only_without_a_san(self):
        lab = await self.lab(more="access default { allow exact cn.partner.example; allow prefix sip.ok }")
        for label, changes, allowed in (("cn", {"cn": "cn.partner.example"}, True),
                                        ("cn-san", {"cn": "cn.partner.example", "dns": ["x.other.example"]}, False),
                                        ("uri", {"uris": ["sip:sip.ok.example"]}, True)):
            host = sip.Endpoint("h.example", lab.ca, lab.ca.issue(f"access-{label}", **changes))
            lab.others.append(host)
            options = host.request("OPTIONS", f"sip:{CAUSEWAY}", "<sip:x@cn.partner.example>")
            try:
                await lab.send(host, options)
                await (host.final(options) if allowed else (await lab.link(host)).wait_closed())
            except (OSError, ssl.SSLError):
                pass
            self.assertEqual(bool(host.history), allowed, label)


class SniTest(ProxyCase):
    async def test_a_zones_name_chooses_the_certificate_we_show_it(self):
        ca = pki.CA(shared_dir(), "ca")
        inner = ca.issue("own-inner", dns=["expc.uc.example"])
        lab = await self.lab(imp="name expc.uc.example",
                             more=f"tls {{ certificate {inner.cert}; key {inner.key}; trust {ca.cert} }}")
        for send, source, target, names in ((lab.from_edge, lab.edge, lab.cluster, ["expc.uc.example"]),
                                            (lab.from_cluster, lab.cluster, lab.edge, [CAUSEWAY])):
            message = send(body="x")
            await lab.send(source, message)
            got = await target.expect("MESSAGE")
            self.assertEqual(got.link.peer_names, names)
            await target.respond(got, 200)
            await source.final(message)

    async def test_the_certificate_is_chosen_by_server_name(self):
        ca = pki.CA(shared_dir(), "ca")
        two = ca.issue("own-two", dns=["two.uc.example"])
        lab = await self.lab(more=f"tls {{ certificate {two.cert}; key {two.key}; trust {ca.cert} }}")
        host, port = lab.daemon.listeners[0]
        for asked, names in (("two.uc.example", ["two.uc.example"]), (CAUSEWAY, [CAUSEWAY]), ("none.example", [CAUSEWAY]),
                             ("TWO.uc.example", ["two.uc.example"])):
            link = await lab.edge.connect(host, port, server_name=asked)
            self.assertEqual(link.peer_names, names, asked)


class SwapTest(ProxyCase):
    async def test_a_reload_swaps_certificates_without_closing_a_connection(self):
        lab = await self.lab()
        old = await lab.link(lab.edge)
        before = old.writer.get_extra_info("ssl_object").getpeercert(True)
        new = lab.ca.issue("own-new", dns=[CAUSEWAY, "extra.uc.example"])
        config = lab.daemon.config.read_text().replace(str(lab.own.cert), str(new.cert)).replace(str(lab.own.key), str(new.key))
        await lab.daemon.reload(config)
        fresh = await lab.link(lab.edge, fresh=True)
        self.assertNotEqual(fresh.writer.get_extra_info("ssl_object").getpeercert(True), before)
        self.assertEqual(fresh.peer_names, [CAUSEWAY, "extra.uc.example"])
        options = lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")
        await old.send(options)
        self.assert_status(await lab.edge.final(options), 200)
        self.assertFalse(old.closed.is_set())

    async def test_a_reload_with_a_broken_certificate_keeps_the_old_one(self):
        lab = await self.lab()
        broken = lab.dir / "broken.pem"
        broken.write_text("nonsense")
        config = lab.daemon.config.read_text()
        line = await lab.daemon.reload(config.replace(str(lab.own.cert), str(broken)))
        self.assertIn(line.level, ("error", "warn"))
        link = await lab.link(lab.edge, fresh=True)
        self.assertEqual(link.peer_names, [CAUSEWAY])
        self.assert_status(await lab.ask(lab.edge, lab.from_edge("OPTIONS", f"sip:{CAUSEWAY}")), 200)

    async def test_a_crl_that_arrives_by_reload_counts_for_new_connections(self):
        lab = await self.lab()
        bad = lab.ca.issue("soon-revoked", dns=["sip.bad.example", "bad.example"])
        host = sip.Endpoint("sip.bad.example", lab.ca, bad)
        lab.others.append(host)
        options = host.request("OPTIONS", f"sip:{CAUSEWAY}", "<sip:x@bad.example>")
        self.assert_status(await lab.ask(host, options), 200)
        config = lab.daemon.config.read_text().replace(f"trust {lab.ca.cert}", f"trust {lab.ca.cert}\n    crl {lab.ca.crl([bad])}")
        await lab.daemon.reload(config)
        try:
            link = await lab.link(host, fresh=True)
            await link.wait_closed()
        except (OSError, ssl.SSLError):
            pass
        await lab.daemon.logged_text("revoked")
