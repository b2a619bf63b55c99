"""What both stand-ins share: they take requests, check them strictly, answer, and record every violation loudly.

A stand-in is no server of the vendor it stands for. It sends what such a server is documented to send, and it refuses
what such a server is documented to refuse, so that what passes here was not merely agreed among our own programs.
"""

import asyncio
import hashlib
import re
import sys
import traceback
from dataclasses import dataclass

from federation import compare
from support import sip

BUSY, SILENT = "busy", "silent"  # users of both stand-ins: one answers 486, one rings and never answers
_IP = re.compile(r"\[|\d+\.\d+\.\d+\.\d+$")


@dataclass(frozen=True)
class Violation:
    """Something that a strict peer would have refused."""

    who: str
    what: str
    expected: object
    came: object

    def __str__(self):
        return f"VIOLATION seen by {self.who}: {self.what}\n    expected: {self.expected!r}\n    came:     {self.came!r}"


@dataclass(frozen=True)
class Chain:
    """What a stand-in must find of the proxies between it and the other side.

    vias: the host in each added Via, topmost first. record_routes: likewise of Record-Route. neighbor: the name that
    the certificate of the nearest proxy carries. max_forwards: the value that must arrive (None: any counted down).
    """

    vias: tuple
    record_routes: tuple
    neighbor: str
    max_forwards: int | None = None

    @property
    def names(self):
        return {name.lower() for name in (*self.vias, *self.record_routes)}


class Answered(Exception):
    """A check failed in a way that the real server answers with an error."""

    def __init__(self, status, reason, headers=()):
        super().__init__(f"{status} {reason}")
        self.status, self.reason, self.headers = status, reason, headers


class Standin:
    """The base of both. `kind` says in words what it stands for."""

    kind = "stand-in"

    def __init__(self, name, ca, certificate, chain, report=None):
        self.name, self.chain = name, chain
        self.violations = []
        self.dialogs = {}   # (Call-ID, our tag) -> Dialog
        self.arrived = []   # requests that passed, oldest first
        self._ringing = {}  # Call-ID -> INVITE
        self.answers = []   # (request, our final response)
        self._report = report or (lambda text: print(text, file=sys.stderr, flush=True))
        self._news = asyncio.Condition()
        self.endpoint = sip.Endpoint(name, ca, certificate)
        self.endpoint.on_request = self._take

    @property
    def banner(self):
        return f"{self.name}: a STAND-IN for {self.kind}; it is none, and only behaves like one, strictly"

    async def listen(self, host, port):
        await self.endpoint.listen(host, port)
        return self

    async def close(self):
        await self.endpoint.close()

    # -- violations --
    def check(self, ok, what, expected, came):
        """Record a violation unless `ok`; returns `ok`."""
        if not ok:
            violation = Violation(self.name, what, expected, came)
            self.violations.append(violation)
            self._report(str(violation))
        return ok

    def require(self, ok, what, expected, came, status=400, reason=None, headers=()):
        """The same, and the request is answered with that error."""
        if not self.check(ok, what, expected, came):
            raise Answered(status, reason or "Bad Request", headers)

    # -- what arrives --
    async def _take(self, request):
        try:
            self._check_request(request)
            await self.serve(request)
        except Answered as answered:
            if request.method not in ("ACK", "BENOTIFY"):
                await self.answer(request, answered.status, answered.reason, answered.headers)
        except Exception:  # a fault of the stand-in itself must not pass for silence
            self.check(False, "the stand-in failed on a request", "no exception",
                       traceback.format_exc() + sip.text(bytes(request)))
        else:
            if request.method != "OPTIONS":
                self.arrived.append(request)
        async with self._news:
            self._news.notify_all()

    async def serve(self, request):
        raise NotImplementedError

    async def answer(self, request, status, reason=None, headers=()):
        raise NotImplementedError

    async def arrival(self, method, call_id, timeout=10):
        """The request of that method and Call-ID that passed our checks; taken off."""
        def find():
            return next((m for m in self.arrived if m.method == method and m.call_id == call_id), None)

        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: find() is not None), timeout)
            except asyncio.TimeoutError:
                raise sip.Unexpected(f"{self.name}: {method} {call_id} did not arrive in {timeout} s") from None
            found = find()
            self.arrived.remove(found)
            return found

    def _check_request(self, request):
        if request.method == "OPTIONS":
            return
        link, chain = request.link, self.chain
        self.check(chain.neighbor in link.peer_names, "the certificate of the connection names somebody else",
                   chain.neighbor, link.peer_names)
        # A CANCEL and the ACK of a failure are not forwarded: the last proxy makes its own.
        hop_by_hop = request.method == "CANCEL" or (request.method == "ACK" and self.unwilling(request))
        self._check_vias(request, chain.vias[:1] if hop_by_hop else chain.vias)
        if hop_by_hop:
            self.check(len(request.values("via")) == 1, f"Vias of a {request.method} made by the last proxy", "one",
                       request.raw_lines("via"))
        lengths = request.all("content-length")
        self.check(len(lengths) == 1 and int(lengths[0]) == len(request.body), "Content-Length",
                   len(request.body), request.raw_lines("content-length"))
        hops, wanted = request.max_forwards, chain.max_forwards
        if hop_by_hop or wanted is None:
            most = 70 if hop_by_hop else 69
            self.check(hops is not None and 0 < hops <= most, "Max-Forwards", f"1 to {most}",
                       request.raw_lines("max-forwards"))
        else:
            self.check(hops == wanted, "Max-Forwards", wanted, request.raw_lines("max-forwards"))
        self.check(request.cseq[1] == request.method, "CSeq names another method", request.method,
                   request.raw_lines("cseq"))
        self._check_record_routes(request)

    def _check_vias(self, request, names):
        vias = request.values("via")
        if not self.check(len(vias) >= len(names), "too few Vias", names, request.raw_lines("via")):
            return
        for i, name in enumerate(names):
            protocol, _, rest = vias[i].partition(" ")
            host = rest.split(";")[0].strip().split(":")[0]
            self.check(protocol == "SIP/2.0/TLS" and host.lower() == name, f"Via {i + 1} from the top",
                       f"SIP/2.0/TLS {name}", vias[i])
            params = sip.params_of(vias[i])
            branch = params.get("branch") or ""
            self.check(branch.startswith("z9hG4bK") and len(branch) > 12, f"branch of Via {i + 1} from the top",
                       "z9hG4bK and something unique", vias[i])
            # The sent-by is a name, so whoever received it from there must have noted the address (RFC 3261, 18.2.1).
            self.check(i == 0 or params.get("received"), f"Via {i + 1} from the top has no received",
                       "received=ADDRESS", vias[i])

    def _check_record_routes(self, request):
        routes = request.values("record-route")
        if request.method not in ("INVITE", "SUBSCRIBE", "NOTIFY"):
            self.check(not routes, f"a Record-Route on {request.method}", "none", routes)
            return
        hosts = [sip.uri_host_port(sip.uri_of(value))[0].lower() for value in routes]
        ours = list(self.chain.record_routes)
        self.require(not any(_IP.match(host) for host in hosts), "a Record-Route with an IP address", "host names",
                     routes, 400, "Record-Route is not a name")
        self.require(hosts[:len(ours)] == ours, "Record-Route", ours, routes, 400, "Record-Route is missing")
        for value in routes[:len(ours)]:
            params = sip.uri_params(sip.uri_of(value))
            self.check("lr" in params and params.get("transport") == "tls", "parameters of a Record-Route",
                       ";transport=tls;lr", value)

    # -- dialogs --
    def dialog_of(self, request):
        """The dialog that a request belongs to; tags alone decide, epid does not."""
        dialog = self.dialogs.get((request.call_id, request.to_tag))
        self.require(dialog is not None, f"{request.method} in no dialog of ours", "Call-ID and tags of a dialog",
                     sip.text(bytes(request)), 481, "Call/Transaction Does Not Exist")
        return dialog

    async def transact(self, link, request, timeout=15):
        """Send a request and wait for its final response; its Vias must be those that we sent."""
        await link.send(request)
        response = await self.endpoint.final(request, timeout)
        vias = [compare.RECEIVED.sub(b"", line) for line in response.raw_lines("via")]
        self.check(vias == request.raw_lines("via"), f"Vias of the answer to {request.method}",
                   request.raw_lines("via"), response.raw_lines("via"))
        self.check(response.call_id == request.call_id and response.from_tag == request.from_tag
                   and response.cseq == request.cseq, f"dialog headers of the answer to {request.method}",
                   request.lines, response.lines)
        return response

    async def fail(self, local, remote):
        """An INVITE that will be refused: (INVITE, final response). It is acknowledged."""
        link, request = await self.offer(local, remote)
        response = await self.transact(link, request)
        await link.send(self.endpoint.ack_failure(request, response))
        return request, response

    async def give_up(self, local, remote):
        """An INVITE that rings and is cancelled: (INVITE, final response). It is acknowledged."""
        link, request = await self.offer(local, remote)
        await link.send(request)
        await self.endpoint.expect(180)
        cancel = self.endpoint.cancel(request)
        await link.send(cancel)
        answer = await self.endpoint.final(cancel)
        self.check(answer.status == 200, "answer to CANCEL", 200, answer.start)
        response = await self.endpoint.final(request)
        await link.send(self.endpoint.ack_failure(request, response))
        return request, response

    async def offer(self, local, remote):
        """(link, INVITE) that opens an IM session, not sent yet."""
        raise NotImplementedError

    @staticmethod
    def unwilling(request):
        """BUSY or SILENT when the request is for that user, else an empty string."""
        user = sip.uri_of(request.get("to")).removeprefix("sip:").partition("@")[0]
        return user if user in (BUSY, SILENT) else ""

    def tag(self, request):
        """Our tag for whatever `request` begins: the same in each response."""
        return hashlib.sha256(f"{self.name} {request.call_id}".encode()).hexdigest()[:10]

    async def serve_unwilling(self, request, headers=()):
        """Answer requests for the users that do not answer; whether it was one."""
        user = self.unwilling(request)
        if not user:
            return False
        if request.method == "INVITE" and user == BUSY:
            await self.answer(request, 486, headers=headers)
        elif request.method == "INVITE":
            self._ringing[request.call_id] = request
            await self.answer(request, 180)
        elif request.method == "CANCEL":
            await self.answer(request, 200)
            invite = self._ringing.pop(request.call_id, None)
            self.require(invite is not None and invite.branch == request.branch, "a CANCEL without its INVITE",
                         "the branch of the INVITE", request.raw_lines("via"), 481, "Call/Transaction Does Not Exist")
            await self.answer(invite, 487)
        return True

    def check_provisional(self, request, far=()):
        """What came before the final answer to our INVITE: one 100, of the next hop, and those of the far side, in order."""
        came = [m.status for m in self.endpoint.history
                if not m.is_request and m.branch == request.branch and m.cseq[1] == "INVITE" and m.status < 200]
        self.check(came == [100, *far], "provisional responses to INVITE", [100, *far], came)

    def check_answered_route(self, response, own=()):
        """The Record-Routes of a 2xx to our request: the far side's, the proxies', and `own` byte for byte."""
        values = response.values("record-route")
        between = list(self.chain.record_routes)[::-1]
        if own:
            self.check(values[-len(own):] == list(own), "our Record-Route in the answer", list(own), values)
            values = values[:-len(own)]
        hosts = [sip.uri_host_port(sip.uri_of(value))[0].lower() for value in values]
        self.check(hosts[len(hosts) - len(between):] == between, "Record-Routes of the answer", between, values)

    # -- after the exchange --
    def compare_request(self, sent, got):
        """Record every change on the way to us that no proxy may make."""
        found = compare.request(sent, got, self.chain.names, len(self.chain.vias))
        if found:
            self.check(False, f"{got.method}: {found[0]}", found[1], found[2])

    def compare_response(self, sent, got):
        found = compare.response(sent, got, len(self.chain.vias))
        if found:
            self.check(False, f"answer to {got.method}: {found[0]}", found[1], found[2])

    def audit(self):
        """What must not have come at all: answers to BENOTIFY and ACK, answers nobody waits for."""
        for message in self.endpoint.history:
            if not message.is_request and message.cseq[1] in ("BENOTIFY", "ACK"):
                self.check(False, f"an answer to {message.cseq[1]}, which is never answered", "nothing",
                           sip.text(bytes(message)))
        for message in self.endpoint.queue:
            if not message.is_request and message.status >= 200 and message.cseq[1] not in ("BENOTIFY", "ACK"):
                self.check(False, "a final response that nobody waits for", "nothing", sip.text(bytes(message)))
        return self.violations
