"""A stand-in for a Cisco IM&P cluster.

It sends what such a cluster sends, as far as its guides tell: SIP without any Microsoft header, an IM session as INVITE
with `m=message`, presence as PIDF only, and as its Contact the Federation Routing FQDN, without a user: a NOTIFY that
comes back is addressed to that host and no rule for user@domain fits it.
It is strict about what arrives: Vias, Max-Forwards, Record-Routes, no Route of ours left over, headers of trust gone,
the Request-URI.
"""

from federation import compare
from federation.standin import Standin
from support import sip

TYPING = b'<?xml version="1.0"?>\r\n<KeyboardActivity>\r\n<status status="type" />\r\n</KeyboardActivity>\r\n'


def sdp(media, address="203.0.113.20", types="text/plain"):
    return (f"v=0\r\no=- 0 0 IN IP4 {address}\r\ns=session\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            f"m=message 5060 sip {media}\r\na=accept-types:{types}\r\n").encode()


def pidf(user, state="open"):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:{user}">'
            f'<tuple id="cisco-upc"><status><basic>{state}</basic></status></tuple></presence>\r\n').encode()


class ImpCluster(Standin):
    kind = "a Cisco IM&P cluster"

    def __init__(self, name, ca, certificate, chain, report=None):
        super().__init__(name, ca, certificate, chain, report)
        self.contact = f"sip:{name}:5061;transport=tls"
        self.link = None

    async def connect(self, host, port):
        """The static route of the cluster: everything goes to this next hop."""
        self.link = await self.endpoint.connect(host, port, server_name=self.chain.neighbor)
        self.check(self.chain.neighbor in self.link.peer_names, "the certificate of the next hop names somebody else",
                   self.chain.neighbor, self.link.peer_names)
        return self

    # -- what we send --
    def _build(self, method, uri, from_, to, call_id, cseq, *, routes=(), contact=True, headers=(), body=b"",
               content_type="text/plain"):
        lines = [f"Via: SIP/2.0/TLS {self.name}:5061;branch={sip.unique('z9hG4bKcup')}", "Max-Forwards: 70"]
        if routes:  # in one line, as a cluster may write them
            lines.append(f"Route: {', '.join(routes)}")
        lines += [f"From: {from_}", f"To: {to}", f"Call-ID: {call_id}", f"CSeq: {cseq} {method}"]
        if contact:
            lines.append(f"Contact: <{self.contact}>")
        lines += [f"{name}: {value}" for name, value in headers]
        if body:
            lines.append(f"Content-Type: {content_type}")
        lines.append(f"Content-Length: {len(body)}")
        return sip.Message(f"{method} {uri} SIP/2.0", lines, body)

    def _first(self, method, local, remote, **more):
        return self._build(method, f"sip:{remote}", f"<sip:{local}>;tag={sip.unique('ds')}", f"<sip:{remote}>",
                           f"{sip.unique('cup-')}@{self.name}", 1, **more)

    async def _begin(self, request):
        response = await self.transact(self.link, request)
        if not 200 <= response.status < 300:
            return request, response, None
        self.check_answered_route(response)
        dialog = sip.Dialog.caller(self.endpoint, request, response)
        self.dialogs[request.call_id, request.from_tag] = dialog
        return request, response, dialog

    async def invite(self, local, remote, text):
        """Open an IM session: (INVITE, final response, dialog or None). `text` follows as MESSAGE: the offer carries none."""
        return await self._begin((await self.offer(local, remote))[1])

    async def offer(self, local, remote):
        return self.link, self._first("INVITE", local, remote, body=sdp("null"), content_type="application/sdp")

    async def ack(self, dialog, invite):
        request = self.within_request(dialog, "ACK", cseq=invite.cseq[0])
        await self.link.send(request)
        return request

    async def subscribe(self, local, remote):
        """Ask for presence: (SUBSCRIBE, final response, dialog or None)."""
        return await self._begin(self._first(
            "SUBSCRIBE", local, remote,
            headers=[("Event", "presence"), ("Accept", "application/pidf+xml"), ("Expires", "7447")]))

    async def message(self, local, remote, text):
        """A MESSAGE out of any dialog: (request, final response)."""
        request = self._first("MESSAGE", local, remote, contact=False, body=text.encode())
        return request, await self.transact(self.link, request)

    def within_request(self, dialog, method, *, cseq=None, routes=None, **more):
        if cseq is None:
            dialog.cseq += 1
            cseq = dialog.cseq
        return self._build(method, dialog.target, dialog.local, dialog.remote, dialog.call_id, cseq,
                           routes=dialog.routes if routes is None else routes,
                           contact=method in ("SUBSCRIBE", "NOTIFY"), **more)

    async def within(self, dialog, method, **more):
        """A request in the dialog: (request, final response)."""
        request = self.within_request(dialog, method, **more)
        return request, await self.transact(self.link, request)

    async def typing(self, dialog):
        return await self.within(dialog, "INFO", body=TYPING, content_type="application/xml")

    def _presence(self, dialog, state, basic):
        user = sip.uri_of(dialog.local).removeprefix("sip:")
        return {"headers": [("Event", "presence"), ("Subscription-State", state)], "body": pidf(user, basic),
                "content_type": "application/pidf+xml"}

    async def notify(self, dialog, state="active;expires=7200", basic="open", with_token=True):
        """A NOTIFY. Without token: only the Routes of the far side are left, as after a restart."""
        routes = [value for value in dialog.routes
                  if sip.uri_host_port(sip.uri_of(value))[0].lower() not in self.chain.names]
        return await self.within(dialog, "NOTIFY", routes=None if with_token else routes,
                                 **self._presence(dialog, state, basic))

    async def benotify(self, dialog):
        """No cluster of Cisco's sends it; the far side said that it supports it, and its path must bear it."""
        request = self.within_request(dialog, "BENOTIFY", **self._presence(dialog, "active;expires=7100", "closed"))
        await self.link.send(request)
        return request

    # -- what we answer --
    async def answer(self, request, status, reason=None, headers=(), **more):
        response = self.endpoint.response(request, status, reason, headers=headers, to_tag=self.tag(request), **more)
        await request.link.send(response)
        self.answers.append((request, response))
        return response

    def _check_target(self, request, in_dialog):
        self.check(not request.has("route"), "a Route left over", "none", request.raw_lines("route"))
        left = [line for line in request.lines if request.name_of(line) in compare.TRUST_HEADERS]
        self.check(not left, "a header of trust came over the border", "none", left)
        if in_dialog:
            self.check(request.uri == self.contact, "Request-URI of a request in a dialog", self.contact, request.uri)

    async def serve(self, request):
        method, in_dialog = request.method, bool(request.to_tag)
        if method == "OPTIONS":
            await self.answer(request, 200)
            return
        self._check_target(request, in_dialog and not self.unwilling(request))
        if await self.serve_unwilling(request):
            return
        if method == "INVITE" and not in_dialog:
            await request.link.send(self.endpoint.response(request, 100))
            user = sip.uri_of(request.get("to"))
            await self._accept(request, body=sdp(user), content_type="application/sdp")
        elif method == "SUBSCRIBE" and not in_dialog:
            await self._accept(request, headers=[("Expires", "7447")])
        elif method == "MESSAGE" and not in_dialog:
            await self.answer(request, 200)
        elif method in ("ACK", "BENOTIFY"):
            self.dialog_of(request)
        elif method in ("MESSAGE", "INFO", "BYE", "NOTIFY", "SUBSCRIBE"):
            self.dialog_of(request)
            headers = [("Expires", request.get("expires", "0"))] if method == "SUBSCRIBE" else []
            await self.answer(request, 200, headers=headers)
        else:
            self.require(False, "a method that nobody asked for", "INVITE … SUBSCRIBE", request.start, 405,
                         "Method Not Allowed", [("Allow", "INVITE, ACK, BYE, MESSAGE, INFO, SUBSCRIBE, NOTIFY")])

    async def _accept(self, request, headers=(), **more):
        response = await self.answer(request, 200, headers=[("Contact", f"<{self.contact}>"), *headers], **more)
        dialog = sip.Dialog.callee(self.endpoint, request, response)
        self.dialogs[request.call_id, response.to_tag] = dialog
