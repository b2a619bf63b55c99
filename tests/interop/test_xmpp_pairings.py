"""What comes of each pairing of a partner's security with ours, with Prosody and with ejabberd as the partner, both ways.

    alice@a.test -- Prosody -- Causeway -- the partner -- bob@b.test

The server inside stays; Causeway and the partner are new in each case (ejabberd remembers which domains it failed to reach).
"""

import re

from support import pki
from support.lab import shared_dir
from support.xmpp_client import condition
from support.xmpp_world import WorldCase, until

US, PARTNER = "a.test", "b.test"
NO_TLS_THERE = r"we require TLS, the partner does not offer it"
NO_TLS_HERE = r"the partner requires TLS, we do not use it"
NOT_TRUSTED, REVOKED = r"certificate is not trusted", r"certificate is revoked"
NOT_NAMED = rf"certificate does not name {PARTNER}"


class Pairings:
    """The table; a subclass says which server the partner is."""

    @classmethod
    def build(cls, world):
        world.at(US, name="gateway")
        world.at(PARTNER, name="partner")
        world.start_dns()
        cls.inside = world.prosody("inside", [US], users=("alice",), dns=world.behind("gateway", [PARTNER])).wait()
        cls.named = world.ca.issue("pairing-named", dns=[PARTNER])
        cls.other_name = world.ca.issue("pairing-other", dns=["other.test"])
        cls.revoked = world.ca.issue("pairing-revoked", dns=[PARTNER])
        cls.self_signed = pki.self_signed(shared_dir(), "pairing-self", [PARTNER])

    def partner(self, security, certificate):
        """The partner's server: its TLS is required, optional or none."""
        raise NotImplementedError

    async def pair(self, theirs, ours, settings="", tls=""):
        """The partner, of (security, certificate), and Causeway, of (security, certificates), with a user each."""
        partner = self.partner(*theirs)
        self.addCleanup(partner.kill)
        self.gateway = self.world.gateway("gateway", self.inside, [US], allow=[PARTNER], tls=tls, settings=f"""
    security {ours[0]}
    certificates {ours[1]}
    partner {US} {{ security required; certificates named }}
    {settings}""")
        self.addCleanup(self.gateway.daemon.kill)
        self.servers = (self.gateway, self.inside, partner)
        await self.gateway.daemon.start()
        partner.wait()
        return await self.client(f"alice@{US}", self.inside), await self.client(f"bob@{PARTNER}", partner)

    async def end(self):
        """Causeway ends well and has accounted for every stanza."""
        counters = await self.gateway.daemon.stop()
        self.assertEqual((counters["xmpp.unaccounted"], counters["xmpp.requests.open"]), (0, 0))

    async def delivers(self, theirs, ours, verified, *, tls_version="TLSv1.3", **more):
        """Chat passes both ways, over connections of that TLS version and verified like that."""
        alice, bob = await self.pair(theirs, ours, **more)
        async with self.gateway.traced(PARTNER) as told:
            for one, two, direction in ((alice, bob, "out"), (bob, alice, "in")):
                await self.says(one, two, direction)
                found = self.gateway.connections(partner=PARTNER, direction=direction, state="established")
                self.assertIn((tls_version, verified), [(c["tls"], c["verified"]) for c in found], (direction, found))
        self.assertTrue(told)
        await self.end()

    async def refuses(self, theirs, ours, words, words_in=None, **more):
        """Chat passes neither way, and why is said by the log, by the trace and in the list of connections."""
        alice, bob = await self.pair(theirs, ours, **more)
        async with self.gateway.traced(PARTNER) as told:
            error = await self.bounces(alice, bob.bare, "remote-server-timeout")
            self.says_why(words, "out", [line.get("why", "") for line in self.streams("out")])
            self.says_why(words, "list", [c["last_error"] for c in self.gateway.connections(partner=PARTNER, direction="out")])
            ident = await bob.chat(alice.bare, "hello")
            error = await bob.expect("message", id=ident, type="error")
            self.assertTrue(condition(error))
            until(lambda: self.streams("in"), what="a line about the partner's stream")
            self.says_why(words_in or words, "in", [line.get("why", "") for line in self.streams("in")])
            await bob.nothing("message", 0.2)
            await alice.nothing("message", 0)
        self.says_why(words, "trace", told)
        await self.end()

    def streams(self, direction):
        """The fields of the log's lines about failed streams of that direction with the partner."""
        return [line.fields for line in self.gateway.daemon.log("xmpp.stream", event="failed", direction=direction)]

    def says_why(self, words, where, lines):
        self.assertTrue(any(re.search(words, line) for line in lines), f"{where}: {words!r} not in {lines}")

    # -- the table --
    async def test_certificate_of_the_ca_and_external(self):
        await self.delivers(("required", self.named), ("required", "trusted"), "external", settings="sasl-external yes")

    async def test_certificate_of_the_ca_and_dialback(self):
        await self.delivers(("required", self.named), ("required", "trusted"), "dialback", settings="sasl-external no")

    async def test_self_signed_certificate_where_the_name_is_enough(self):
        await self.delivers(("required", self.self_signed), ("required", "named"), "dialback")

    async def test_self_signed_certificate_where_trust_is_required(self):
        await self.refuses(("required", self.self_signed), ("required", "trusted"), NOT_TRUSTED)

    async def test_certificate_of_another_name(self):
        await self.refuses(("required", self.other_name), ("required", "named"), NOT_NAMED)

    async def test_certificate_of_another_name_where_any_will_do(self):
        await self.delivers(("required", self.other_name), ("required", "any"), "dialback")

    async def test_no_tls_where_it_is_optional(self):
        await self.delivers(("none", self.named), ("optional", "named"), "dialback", tls_version="")

    async def test_no_tls_where_it_is_required(self):
        await self.refuses(("none", self.named), ("required", "named"), NO_TLS_THERE, r"requires? TLS|STARTTLS is disabled")

    async def test_tls_required_by_the_partner_and_not_offered_by_us(self):
        await self.refuses(("required", self.named), ("none", "named"), NO_TLS_HERE,
                           r"begins TLS where it was not offered|STARTTLS required")

    async def test_revoked_certificate(self):
        crl = self.world.ca.crl([self.revoked])
        await self.refuses(("required", self.revoked), ("required", "trusted"), REVOKED, tls=f"crl {crl}")


class ProsodyPairingsTest(Pairings, WorldCase):
    def partner(self, security, certificate):
        return self.world.prosody("partner", [PARTNER], certificate=certificate, users=("bob",), tls=security != "none",
                                  must_encrypt=security == "required")


class EjabberdPairingsTest(Pairings, WorldCase):
    def partner(self, security, certificate):
        return self.world.ejabberd("partner", [PARTNER], certificate=certificate, users=("bob",),
                                   starttls={"none": "false"}.get(security, security))
