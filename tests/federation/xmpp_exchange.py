"""What the XMPP side exchanges: chat, presence and rooms between two real servers, each stanza followed through the edge.

A step is one stanza: who sends it, and who must get what comes of it. Its row says to which zone the edge Causeway carried it,
how that connection is secured and its other side verified, what fate the log gives the stanza, and what arrived.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass

from federation.exchange import Row, StopSection
from federation.xmpp_servers import NOT_ALLOWED, OUR_ROOMS, OURS, THEIR_ROOMS, THEIRS
from support.xmpp_client import STANZAS, Client, bare, body, condition, ns

BOB, CAROL = f"bob@{OURS}", f"carol@{THEIRS}"
FATE_S = 15  # until a fate is in the log: the far server has to confirm first
ARRIVAL_S = 30


@dataclass
class StanzaRow(Row):
    """One stanza: `edge` is where it went, `inner` its fate, `back` what arrived."""

    HEAD = {"what": "stanza", "edge": "carried at the edge to", "inner": "its fate there", "back": "what arrived"}


def _text(stanza):
    """What a stanza says, in one line."""
    if stanza.get("type") == "error":
        return f"{condition(stanza)}: {stanza.findtext('.//' + ns('text', STANZAS))}"
    if stanza.tag == ns("message"):
        return body(stanza)
    state, status = stanza.findtext(ns("show")), stanza.findtext(ns("status"))
    return stanza.get("type") or " ".join([state or "available", *([f"({status})"] if status else [])])


class XmppExchange:
    """Runs the steps over a Federation whose XMPP servers are up; rows are handed to `show` at the end of their section."""

    def __init__(self, federation, show=lambda row: None):
        self.f = federation
        self.show = show
        self.rows = []
        self.section = ""
        self.bob = Client(BOB, federation.xmpp.inside.c2s.number)
        self.carol = Client(CAROL, federation.xmpp.partner.c2s.number)
        self._fates = []    # (row, kind, from, to, fate) of the section: a fate is known later than the arrival
        self._used = set()  # traces of log lines that are a row's

    @property
    def faults(self):
        return [fault for row in self.rows for fault in row.faults]

    # -- the log --
    def _fate_line(self, kind, sender, receiver):
        """The first fate of such a stanza that is no other row's."""
        for line in self.f.edge.log("xmpp.stanza", event="fate", kind=kind, **{"from": sender}):
            if bare(line.to) == bare(receiver) and line.trace not in self._used:
                return line
        return None

    def _connection(self, domain):
        """Of the last one that the edge opened to that domain: TLS, and how the other side was verified."""
        lines = self.f.edge.log("xmpp.stream", event="established", direction="out", partner=domain)
        return f", {lines[-1].tls}, {lines[-1].verified}" if lines else ""

    async def _follow(self, row, kind, sender, receiver, fate):
        deadline = time.monotonic() + FATE_S
        while (line := self._fate_line(kind, sender, receiver)) is None:
            if time.monotonic() > deadline:
                row.faults.append(f"{row.what}: no fate in the edge Causeway's log of a {kind} from {sender} to {receiver}")
                return
            await asyncio.sleep(0.02)
        self._used.add(line.trace)
        row.trace, row.inner = line.trace, line.fate
        if line.fate == "delivered":
            row.edge = line.zone + self._connection(bare(receiver).partition("@")[2])
        if line.fate != fate:
            row.faults.append(f"{row.what}: its fate is {line.fate}, expected {fate}:\n{line.text}")

    # -- one stanza --
    async def _step(self, sender, what, arrival, ends=None, fate="delivered", says=None):
        """
        `arrival` gives the stanza that came, which must say what `says` says. `ends`: the addresses that it had at the edge,
        where the receiver sees others.
        """
        row = StanzaRow(self.section, sender, what)
        self.rows.append(row)
        try:
            got = await arrival
        except Exception as failure:  # whatever it is, it is this row's
            row.faults.append(f"{what}: {type(failure).__name__}: {failure}")
            row.back = "nothing"
            self.show(row)
            raise StopSection from failure
        row.back = _text(got)
        if says not in (None, row.back):
            row.faults.append(f"{what}: {row.back!r} arrived, expected {says!r}")
        ends = ends or (got.get("from"), got.get("to"))
        self._fates.append((row, got.tag.rpartition("}")[2], *ends, fate))

    async def _end_section(self):
        fates, self._fates = self._fates, []
        for row, *wanted in fates:
            await self._follow(row, *wanted)
            self.show(row)

    # -- the sections --
    async def chat(self):
        for one, two, text in ((self.bob, self.carol, "Hello, are you there?"),
                               (self.carol, self.bob, "Yes! Schön, dass du fragst ☺")):
            await one.chat(two.bare, text)
            await self._step(one.user, "message", two.expect("message", ARRIVAL_S, type="chat", from_=one.jid, body=text))

    async def presence(self):
        """Our user watches the partner's: the question, its acceptance, the state as it is, and as it changes."""
        bob, carol = self.bob, self.carol
        await bob.presence("subscribe", CAROL)
        await self._step("bob", "presence, may I watch?", carol.expect("presence", ARRIVAL_S, from_=BOB), says="subscribe")
        await carol.presence("subscribed", BOB)
        await self._step("carol", "presence, you may", bob.expect("presence", type="subscribed", from_=CAROL))
        await self._step("carol", "presence, as it is", bob.expect("presence", from_=carol.jid), says="available")
        await carol.presence(show="away", status="at lunch")
        await self._step("carol", "presence, a change", bob.expect("presence", from_=carol.jid), says="away (at lunch)")

    async def room(self, host, guest, node):
        """`host` opens a room on the chat node of his organisation, and `guest` enters it from the other one."""
        room = f"lobby@{node}"
        inward = (guest.jid, room)

        async def enter():
            entered = await guest.join(room, guest.user, ARRIVAL_S)
            await host.expect("presence", from_=f"{room}/{guest.user}")
            return entered

        await host.join(room, host.user)
        await host.unlock(room)
        await self._step(guest.user, "presence, enters the room", enter(), inward, says="available")
        for speaker, text in ((guest, "May I come in?"), (host, "Come in")):
            wanted = {"type": "groupchat", "from_": f"{room}/{speaker.user}", "body": text}
            await speaker.groupchat(room, text)
            heard = host.expect("message", **wanted)
            if speaker is guest:
                await self._step(guest.user, "message to the room", heard, inward)
            else:
                await heard
            await self._step("the room", f"message of {speaker.user}", guest.expect("message", **wanted))

    async def refusal(self):
        """What must not pass: to a domain that Causeway does not federate with."""
        to = f"carol@{NOT_ALLOWED}"
        ident = await self.bob.chat(to, "Hello?")
        await self._step("bob", "message, not on the allow list", self.bob.expect("message", ARRIVAL_S, id=ident),
                         ends=(self.bob.jid, to), fate="rejected", says="not-allowed: it is not on the allow list")

    async def run(self):
        """All sections; a section ends at its first stanza that did not arrive. Returns self."""
        bob, carol = self.bob, self.carol
        sections = (
            ("XMPP: a chat", self.chat),
            ("XMPP: our user watches the partner's", self.presence),
            (f"XMPP: the partner's user in a room of {OUR_ROOMS}", lambda: self.room(bob, carol, OUR_ROOMS)),
            (f"XMPP: our user in a room of {THEIR_ROOMS}", lambda: self.room(carol, bob, THEIR_ROOMS)),
            ("XMPP: what must not pass", self.refusal),
        )
        async with bob, carol:
            for self.section, section in sections:
                with contextlib.suppress(StopSection):
                    await section()
                await self._end_section()
        return self
