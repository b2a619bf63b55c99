"""What the federation exchanges: IM and presence in both directions, each message followed through both Causeways.

A step is one message: who sends it, and what must carry it. Its row says which rule (or which dialog) carried it in
each Causeway, as their logs tell, and what came back.
"""

import asyncio
import time
from dataclasses import dataclass, field

from federation.standin import BUSY, SILENT
from federation.topology import ALICE, BOB, EDGE_OUTSIDE
from support import sip

# How a log line says that no rule was asked, for a valid token of the dialog carried it, and that none was found.
TOKEN, NO_RULE = "(token)", "-"

# direction -> what carries the first request of a dialog, a request inside it, and one whose route set is lost
INBOUND = {"first": ("Microsoft to inner", "Microsoft to IMP"), "dialog": (TOKEN, TOKEN),
           "lost": ("IMP Public to inner", "IMP Public to IMP")}
OUTBOUND = {"first": ("inner to Microsoft", "IMP to Microsoft"), "dialog": (TOKEN, TOKEN),
            "lost": ("inner to Microsoft", "IMP to Microsoft contacts")}


@dataclass
class Row:
    """One message and its way."""

    HEAD = {"what": "message", "edge": "carried at the edge by", "inner": "carried inside by", "back": "came back"}

    section: str
    sender: str
    what: str
    edge: str = ""
    inner: str = ""
    back: str = ""
    trace: str = ""
    faults: list = field(default_factory=list)


class Exchange:
    """Runs the steps over a Federation; rows are handed to `show` as they come."""

    def __init__(self, federation, show=lambda row: None):
        self.f = federation
        self.show = show
        self.rows = []
        self.section = ""

    @property
    def faults(self):
        return [fault for row in self.rows for fault in row.faults]

    # -- the logs --
    def _seen(self, method):
        return {daemon: len(daemon.log("sip.request", method=method)) for daemon in self.f.daemons}

    async def _line(self, daemon, method, before, call_id, timeout=8):
        """The log line of the request that came after `before` others of that method; a call_id None fits every one."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for line in daemon.log("sip.request", method=method)[before:]:
                if call_id in (None, line.fields.get("call")):
                    return line
            await asyncio.sleep(0.02)
        return None

    async def _follow(self, row, method, seen, wanted, call_id):
        """Fill in what each Causeway did; `wanted`: rule at the edge, rule inside (None: it must not get there)."""
        traces = []
        for daemon, rule in zip((self.f.edge, self.f.inner), wanted):
            name = daemon.dir.name
            if rule is None:
                continue
            line = await self._line(daemon, method, seen[daemon], call_id)
            if line is None:
                row.faults.append(f"{row.what}: no log line sip.request method={method} of the {name} Causeway")
                continue
            traces.append(line.trace)
            carried = line.rule
            by = "dialog token" if carried == TOKEN else carried
            setattr(row, name, "refused" if carried == NO_RULE else f"{by} → {line.to}")
            if carried != rule:
                row.faults.append(f"{row.what}: carried by {carried!r} in the {name} Causeway, expected {rule!r}:\n"
                                  f"{line.text}")
        row.trace = traces[0] if traces else ""
        if len(set(traces)) > 1:
            row.faults.append(f"{row.what}: one trace id expected in both logs, they have {traces}")

    # -- one message --
    async def _step(self, row, method, wanted, action):
        """Run `action`, which returns what came back, and record everything that went wrong."""
        seen = self._seen(method)
        standins = (self.f.lync, self.f.cluster)
        violations = [len(s.violations) for s in standins]
        result = None
        try:
            result = await action()
        except Exception as failure:  # whatever it is, it is this row's
            row.faults.append(f"{row.what}: {type(failure).__name__}: {failure}")
            row.back = row.back or "nothing"
        # What was sent stands first in each action's result.
        sent = result[0] if isinstance(result, tuple) else result
        await self._follow(row, method, seen, wanted, sent.call_id if sent else None)
        for standin, before in zip(standins, violations):
            row.faults += [str(v) for v in standin.violations[before:]]
        row.section = self.section
        self.rows.append(row)
        self.show(row)
        if result is None:
            raise StopSection
        return result

    async def _answered(self, sender, receiver, request, answer, row):
        """The request arrived unchanged, and its answer came back unchanged."""
        row.back = f"{answer.status} {answer.reason}"
        if answer.status >= 300:
            raise sip.Unexpected(f"answered {row.back}")
        receiver.compare_request(request, await receiver.arrival(request.method, request.call_id))
        given = [response for asked, response in receiver.answers
                 if (asked.call_id, asked.cseq) == (request.call_id, request.cseq)]
        sender.check(len(given) == 1, f"{request.method} was delivered more than once", 1, len(given))
        sender.compare_response(given[-1], answer)

    async def _first(self, sender, what, method, start):
        """The first request of a dialog, or one outside: what `start()` gives, (request, answer[, dialog])."""
        row = Row(self.section, self._name(sender), what)
        receiver = self._other(sender)

        async def action():
            sent = await start()
            await self._answered(sender, receiver, sent[0], sent[1], row)
            return sent

        return await self._step(row, method, self._way(sender)["first"], action)

    async def _inside(self, sender, what, method, start, way="dialog"):
        row = Row(self.section, self._name(sender), what)
        receiver = self._other(sender)

        async def action():
            request, answer = await start()
            await self._answered(sender, receiver, request, answer, row)
            return request, answer

        return await self._step(row, method, self._way(sender)[way], action)

    async def _unanswered(self, sender, what, method, start):
        """ACK and BENOTIFY."""
        row = Row(self.section, self._name(sender), what)
        receiver = self._other(sender)

        async def action():
            request = await start()
            receiver.compare_request(request, await receiver.arrival(method, request.call_id))
            row.back = "nothing: none is due"
            return request

        return await self._step(row, method, self._way(sender)["dialog"], action)

    def _other(self, side):
        return self.f.cluster if side is self.f.lync else self.f.lync

    def _name(self, side):
        return "alice" if side is self.f.lync else "bob"

    def _way(self, sender):
        return INBOUND if sender is self.f.lync else OUTBOUND

    def _people(self, side):
        return (ALICE, BOB) if side is self.f.lync else (BOB, ALICE)

    # -- the sections --
    async def session(self, caller):
        """An IM session: opened by `caller`, closed by the other."""
        callee, (local, remote) = self._other(caller), self._people(caller)
        first_in_offer = caller is self.f.lync
        what = "INVITE with its first message" if first_in_offer else "INVITE"
        invite, answer, dialog = await self._first(
            caller, what, "INVITE", lambda: caller.invite(local, remote, "Hello, are you there?"))
        # A 100 is never forwarded (RFC 3261, 16.7); Microsoft's 101 is.
        caller.check_provisional(invite, [] if first_in_offer else [101])
        theirs = callee.dialogs[invite.call_id, answer.to_tag]
        await self._unanswered(caller, "ACK", "ACK", lambda: caller.ack(dialog, invite))
        if "ms-text-format" not in answer.values("supported"):
            # The far side did not say that it took the message out of the offer, so it is sent in the session.
            await self._inside(caller, "MESSAGE", "MESSAGE",
                               lambda: caller.within(dialog, "MESSAGE", body=b"Hello, are you there?"))
        await self._inside(callee, "INFO, typing", "INFO", lambda: callee.typing(theirs))
        await self._inside(callee, "MESSAGE", "MESSAGE",
                           lambda: callee.within(theirs, "MESSAGE", body="Yes! Schön, dass du fragst ☺\r\n".encode()))
        await self._inside(caller, "INFO, typing", "INFO", lambda: caller.typing(dialog))
        await self._inside(callee, "BYE", "BYE", lambda: callee.within(theirs, "BYE"))

    async def presence(self, watcher):
        """A presence subscription: state in the dialog, after the loss of the route set, by best effort, and the end."""
        source, (local, remote) = self._other(watcher), self._people(watcher)
        request, answer, dialog = await self._first(
            watcher, "SUBSCRIBE", "SUBSCRIBE", lambda: watcher.subscribe(local, remote))
        theirs = source.dialogs[request.call_id, answer.to_tag]
        await self._inside(source, "NOTIFY, available", "NOTIFY", lambda: source.notify(theirs))
        await self._inside(source, "NOTIFY, route set lost", "NOTIFY",
                           lambda: source.notify(theirs, basic="closed", with_token=False), way="lost")
        await self._unanswered(source, "BENOTIFY, away", "BENOTIFY", lambda: source.benotify(theirs))
        end = {"headers": [("Event", "presence"), ("Expires", "0")]}
        await self._inside(watcher, "SUBSCRIBE, the end", "SUBSCRIBE", lambda: watcher.within(dialog, "SUBSCRIBE", **end))
        await self._inside(source, "NOTIFY, terminated", "NOTIFY",
                           lambda: source.notify(theirs, state="terminated;reason=timeout"))

    async def single_messages(self):
        for side in (self.f.lync, self.f.cluster):
            local, remote = self._people(side)
            await self._first(side, "MESSAGE outside a dialog", "MESSAGE",
                              lambda side=side, local=local, remote=remote: side.message(local, remote, "One line only"))

    async def _failed(self, sender, what, wanted, start):
        """An INVITE that ends with that status, whose answer and ACK are those of a failure (RFC 3261, 17.1.1.3)."""
        row = Row(self.section, self._name(sender), what)
        receiver = self._other(sender)

        async def action():
            request, answer = await start()
            row.back = f"{answer.status} {answer.reason}"
            if answer.status != wanted:
                raise sip.Unexpected(f"answered {row.back}, expected {wanted}")
            receiver.compare_request(request, await receiver.arrival("INVITE", request.call_id))
            given = [response for asked, response in receiver.answers
                     if (asked.call_id, asked.cseq) == (request.call_id, request.cseq)]
            sender.compare_response(given[-1], answer)
            await receiver.arrival("ACK", request.call_id)
            return answer

        await self._step(row, "INVITE", self._way(sender)["first"], action)

    async def failures(self):
        """Sessions that do not come about: refused by the far side, and given up while it rings."""
        for side in (self.f.lync, self.f.cluster):
            local, remote = self._people(side)
            domain = remote.partition("@")[2]
            await self._failed(side, "INVITE, do not disturb", 486,
                               lambda side=side, local=local, domain=domain: side.fail(local, f"{BUSY}@{domain}"))
            await self._failed(side, "INVITE, then CANCEL", 487,
                               lambda side=side, local=local, domain=domain: side.give_up(local, f"{SILENT}@{domain}"))

    async def refusals(self):
        """What must not pass: an address without a rule, and a sender whose certificate does not fit."""
        row = Row(self.section, "bob", "MESSAGE, address without rule")

        async def unknown():
            _, answer = await self.f.cluster.message(BOB, "carol@elsewhere.example", "Hello?")
            row.back = f"{answer.status} {answer.reason}"
            if (answer.status, answer.reason) != (404, "No search rule matches"):
                row.faults.append(f"{row.what}: {row.back}, expected 404 No search rule matches")
            return answer

        await self._step(row, "MESSAGE", (None, NO_RULE), unknown)
        forged = Row(self.section, "somebody", "MESSAGE in the name of alice")

        async def stranger():
            link = await self.f.stranger.connect(*self.f.edge.listeners[0], server_name=EDGE_OUTSIDE)
            request = self.f.stranger.request("MESSAGE", f"sip:{BOB}", f"<sip:{ALICE}>", body="Send me your password")
            await link.send(request)
            answer = await self.f.stranger.final(request)
            forged.back = f"{answer.status} {answer.reason}"
            if answer.status != 403:
                forged.faults.append(f"{forged.what}: {forged.back}, expected 403")
            if any(m.from_tag == request.from_tag for m in self.f.cluster.endpoint.history):
                forged.faults.append(f"{forged.what}: it was delivered")
            return answer

        await self._step(forged, "MESSAGE", (NO_RULE, None), stranger)

    async def run(self):
        """All sections; a section ends at its first message that failed. Returns self."""
        sections = (
            ("An IM session, begun by Microsoft", lambda: self.session(self.f.lync)),
            ("An IM session, begun by our side", lambda: self.session(self.f.cluster)),
            ("Presence: Microsoft watches our user", lambda: self.presence(self.f.lync)),
            ("Presence: our user watches Microsoft", lambda: self.presence(self.f.cluster)),
            ("Single messages", self.single_messages),
            ("Sessions that do not come about", self.failures),
            ("What must not pass", self.refusals),
        )
        for self.section, section in sections:
            try:
                await section()
            except StopSection:
                pass
        self._after()
        return self

    def _after(self):
        """What is no single message's: answers that should never have come, records that were not looked up."""
        row = Row("At the end", "", "the stand-ins' records")
        known = set(self.faults)
        for standin in (self.f.lync, self.f.cluster):
            row.faults += [str(v) for v in standin.audit() if str(v) not in known]
        if ("SRV", "_sipfederationtls._tcp.msexample.com") not in self.f.dns.queries():
            row.faults.append("the edge Causeway never asked for the partner's SRV record")
        if row.faults:
            self.rows.append(row)
            self.show(row)


class StopSection(Exception):
    """A message failed; those that build on it are not sent."""


def check_counters(counters):
    """What is wrong with the final counters of {"inner": …, "edge": …}."""
    return [f"the {name} Causeway: {counter} {values.get(counter, 'is missing')}, expected 0"
            for name, values in counters.items() for counter in ("unaccounted", "xmpp.unaccounted")
            if values.get(counter) != 0]
