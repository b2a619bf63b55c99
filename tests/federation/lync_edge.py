"""A stand-in for the edge server of a Microsoft organisation (Lync, Skype for Business).

It does what Microsoft's specifications and public traces show of such an edge, and refuses what one refuses:
- It finds a partner by one SRV record of _sipfederationtls._tcp, the one of lowest priority and highest weight, and
  ignores the others; a target outside the partner's domain is refused, as is a certificate that does not name it.
- It signs its Record-Route; when that comes back as Route with one byte changed, the request is answered 481.
- A Record-Route with an IP address is refused, and without any Record-Route it sends nothing inside a dialog.
- Its users are GRUUs without host and port: requests in a dialog go by Route alone.
- Its messages are as awkward as the real ones: Vias apart from each other and without branch, lower-case names, padded
  Content-Length, several Supported, epid beside tag, raw UTF-8, and BENOTIFY, which nobody may answer.
(A real edge probably refuses a MESSAGE outside a dialog; this one takes it, so that the path can be tried.)
"""

import base64
import hashlib
import hmac
import os

from federation.imp_cluster import TYPING
from federation.standin import Standin
from support import sip

USER_AGENT = "UCCAPI/16.0.4405.1000 OC/16.0.4405.1000 (Skype for Business)"
ACCEPT_TYPES = ("text/plain multipart/alternative image/gif text/rtf text/html application/x-ms-ink "
                "application/ms-imdn+xml text/x-msmsgsinvite ")


class Refused(Exception):
    """The edge will not talk to that partner; the text begins with the number of Microsoft's diagnosis."""


def _b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def choose(records):
    """The one SRV record that an edge uses."""
    return min(records, key=lambda r: (r.priority, -r.weight))


def in_namespace(target, domain):
    """Whether the target of the SRV record lies in the domain that published it."""
    target, domain = target.lower().rstrip("."), domain.lower().rstrip(".")
    return target == domain or target.endswith("." + domain)


def spread(head, vias, others, length):
    """Header lines as Microsoft's servers write them: Vias split by others, Content-Length padded and before the last Via."""
    *first, last = vias
    return [*head, *first[:1], *others[:1], *first[1:], *others[1:2], f"Content-Length: {length:>5}", last, *others[2:]]


class LyncEdge(Standin):
    kind = "the edge of a Lync or Skype for Business organisation"

    def __init__(self, name, domain, ca, certificate, chain, dns, report=None):
        super().__init__(name, ca, certificate, chain, report)
        self.domain, self.dns = domain, dns
        self._secret = os.urandom(32)
        self._links = {}          # host name -> Link that we opened
        self._epid = os.urandom(5).hex()
        self._instance = _b64(os.urandom(16)) + "AA"
        self._own_route = {}      # Call-ID -> our Record-Route value of that dialog

    # -- whom it talks to --
    def discover(self, domain):
        """(host, port) of the partner's edge, by the one SRV record that counts."""
        records = self.dns.srv(f"_sipfederationtls._tcp.{domain}")
        if not records:
            raise Refused(f"1008;reason=\"Unable to resolve DNS SRV record\";domain=\"{domain}\"")
        record = choose(records)
        if not in_namespace(record.target, domain):
            raise Refused(f"1009;reason=\"SRV target is not in the domain\";domain=\"{domain}\";target=\"{record.target}\"")
        return record.target, record.port

    async def connect(self, host, port):
        """A connection to that host, one each; its certificate must name it."""
        link = self._links.get(host)
        if link and not link.closed.is_set():
            return link
        addresses = self.dns.addresses(host)
        if not addresses:
            raise Refused(f"1014;reason=\"Unable to resolve DNS A record\";host=\"{host}\"")
        link = await self.endpoint.connect(addresses[0], port, server_name=host, source=self.endpoint.host)
        if not self.check(host in link.peer_names, "the certificate does not name the target of the SRV record", host,
                          link.peer_names):
            await link.close()
            raise Refused(f"1010;reason=\"Certificate trust with another server could not be established\";host=\"{host}\"")
        self._links[host] = link
        return link

    def _check_caller(self, request):
        """Who speaks for a domain must have the certificate of the target that this domain published."""
        domain = sip.uri_of(request.get("from")).rpartition("@")[2]
        try:
            host, _ = self.discover(domain)
        except Refused as refused:
            self.require(False, "the sender's domain", "one that can be found", str(refused), 504, "Server Time-out",
                         [("ms-diagnostics", str(refused))])
        self.require(host in request.link.peer_names, "the certificate does not fit the sender's domain", host,
                     request.link.peer_names, 403, "Forbidden",
                     [("ms-diagnostics", "1002;reason=\"From URI not authorized\"")])
        self.check(not request.link.accepted or self.name in self.endpoint.server_names,
                   "the server name that was asked for (SNI)", self.name, self.endpoint.server_names)

    # -- the signed Record-Route --
    def _sign(self, uri):
        return _b64(hmac.new(self._secret, uri.encode(), hashlib.sha256).digest()) + "AA"

    def _issue(self, call_id):
        uri = (f"sip:{self.name}:5061;transport=tls;opaque=state:T:F:Ci.R{os.urandom(3).hex()}00;lr;"
               f"ms-key-info={_b64(os.urandom(24))}")
        value = (f"<{uri};ms-route-sig={self._sign(uri)}>;ms-rrsig={_b64(os.urandom(12))}AAA;"
                 f"tag={os.urandom(16).hex().upper()}")
        self._own_route[call_id] = value
        return value

    def _check_own_route(self, request):
        """What came back as Route must be what we signed."""
        def require(ok, what, expected, came):
            self.require(ok, what, expected, came, 481, "Route set is no longer valid",
                         [("ms-diagnostics", "1004;reason=\"Route set is no longer valid\"")])

        routes = request.values("route")
        issued = self._own_route.get(request.call_id)
        require(len(routes) == 1, "Route of a request in a dialog", [issued], routes)
        uri, _, signature = sip.uri_of(routes[0]).partition(";ms-route-sig=")
        require(hmac.compare_digest(signature, self._sign(uri)), "ms-route-sig does not hold: the Route was changed",
                issued, routes[0])
        require(routes[0] == issued, "the Route is not that of this dialog, byte for byte", issued, routes[0])

    # -- what we send --
    def gruu(self, user):
        return f"sip:{user};opaque=user:epid:{self._instance};gruu"

    def _vias(self, link):
        host, port = link.writer.get_extra_info("sockname")[:2]
        inner, client = os.urandom(3).hex(), 30000 + os.urandom(1)[0]
        return [f"Via: SIP/2.0/TLS {host}:{port};branch={sip.unique('z9hG4bKA5FE.')};branched=FALSE;"
                f'ms-internal-info="{_b64(os.urandom(18))}AA"',
                f"Via: SIP/2.0/tls 192.0.2.7:49673;branch=z9hG4bK{inner.upper()};branched=FALSE;"
                "ms-received-port=49673;ms-received-cid=1C224C00",
                f"Via: SIP/2.0/TLS 192.0.2.57:{client};ms-received-port={client};ms-received-cid=3E8A00"]

    def _build(self, link, method, uri, from_, to, call_id, cseq, *, routes=(), record_route=None, contact=None,
               headers=(), body=b"", content_type="text/plain; charset=UTF-8"):
        others = ["Max-Forwards: 67", f"From: {from_}", f"To: {to}", f"Call-ID: {call_id}", f"CSeq: {cseq} {method}"]
        others += [f"Route: {value}" for value in routes]
        if contact:
            others.append(f"Contact: <{contact}>")
        others += [f"User-Agent: {USER_AGENT}", "Supported: ms-dialog-route-set-update", "Supported: timer"]
        others += [f"{name}: {value}" for name, value in headers]
        if body:
            others.append(f"Content-Type: {content_type}")
        head = [f"Record-Route: {record_route}"] if record_route else []
        return sip.Message(f"{method} {uri} SIP/2.0", spread(head, self._vias(link), others, len(body)), body)

    async def _first(self, method, local, remote, creates=True, **more):
        host, port = self.discover(remote.rpartition("@")[2])
        link = await self.connect(host, port)
        call_id = os.urandom(16).hex()
        tag = f"tag={os.urandom(5).hex()};epid={self._epid}"
        request = self._build(
            link, method, f"sip:{remote}", f'"Алиса Example"<sip:{local}>;{tag}', f"<sip:{remote}>", call_id, 1,
            record_route=self._issue(call_id) if creates else None, contact=self.gruu(local) if creates else None, **more)
        return link, request

    async def _begin(self, link, request):
        response = await self.transact(link, request)
        if not 200 <= response.status < 300:
            return request, response, None
        own = self._own_route[request.call_id]
        self.check_answered_route(response, own=[own])
        dialog = sip.Dialog.caller(self.endpoint, request, response)
        dialog.routes = [value for value in dialog.routes if value != own]
        self.dialogs[request.call_id, request.from_tag] = dialog
        return request, response, dialog

    async def invite(self, local, remote, text):
        """Open an IM session, the first message in ms-text-format: (INVITE, final response, dialog or None)."""
        link, request = await self._first(
            "INVITE", local, remote,
            headers=[("ms-text-format", f"text/plain; charset=UTF-8; ms-body={base64.b64encode(text.encode()).decode()}"),
                     ("Supported", "ms-embedded-first-message"), ("Supported", "ms-delayed-accept"),
                     ("Ms-Conversation-ID", base64.b64encode(os.urandom(22)).decode()), ("Supported", "histinfo"),
                     ("Subject", "Пропущенная беседа"), ("Supported", "ms-safe-transfer"),
                     ("Roster-Manager", f"sip:{local}"),
                     ("EndPoints", f"<sip:{local}>, <sip:{remote}>"), ("Supported", "com.microsoft.rtc-multiparty"),
                     ("ms-keep-alive", "UAC;hop-hop=yes"),
                     ("ms-edge-proxy-message-trust", f"ms-source-type=AutoFederation;ms-ep-fqdn={self.name}"),
                     ("Allow", "INVITE, BYE, ACK, CANCEL, INFO, MESSAGE, UPDATE, REFER, NOTIFY, BENOTIFY"),
                     ("Supported", "ms-conf-invite"), ("history-info", f"<sip:{remote}>;index=1")],
            body=self._sdp("null"), content_type="application/sdp")
        return await self._begin(link, request)

    async def offer(self, local, remote):
        return await self._first("INVITE", local, remote, body=self._sdp("null"), content_type="application/sdp")

    def _sdp(self, media):
        return ("v=0\r\no=- 0 0 IN IP4 192.0.2.57\r\ns=session\r\nc=IN IP4 192.0.2.57\r\nt=0 0\r\n"
                f"m=message 5060 sip {media}\r\na=accept-types:{ACCEPT_TYPES}\r\n").encode()

    async def ack(self, dialog, invite):
        link, request = await self.within_request(dialog, "ACK", cseq=invite.cseq[0])
        await link.send(request)
        return request

    async def subscribe(self, local, remote):
        """Ask for presence: (SUBSCRIBE, final response, dialog or None)."""
        link, request = await self._first(
            "SUBSCRIBE", local, remote,
            headers=[("ms-user-data", "ms-federation=true"), ("Event", "presence"),
                     ("Accept", "application/msrtc-event-categories+xml, application/xpidf+xml, text/xml+msrtc.pidf, "
                                "application/pidf+xml, application/rlmi+xml, multipart/related"),
                     ("Supported", "com.microsoft.autoextend"), ("Supported", "ms-benotify"),
                     ("Proxy-Require", "ms-benotify"), ("Supported", "ms-piggyback-first-notify"), ("Expires", "28800")])
        return await self._begin(link, request)

    async def message(self, local, remote, text):
        """A MESSAGE out of any dialog: (request, final response)."""
        link, request = await self._first("MESSAGE", local, remote, creates=False, body=text.encode())
        return request, await self.transact(link, request)

    async def within_request(self, dialog, method, *, cseq=None, routed=True, **more):
        """(link, request) for a request in the dialog. Not routed: to the one SRV target of the domain, without Routes."""
        if routed:
            self.check(dialog.routes, f"nothing is sent in a dialog without a Record-Route ({method})", "a route set", [])
            if not dialog.routes:
                raise Refused(f"1004;reason=\"Route set is no longer valid\";call-id=\"{dialog.call_id}\"")
            host, port = sip.uri_host_port(sip.uri_of(dialog.routes[0]))
        else:
            host, port = self.discover(sip.uri_of(dialog.remote).rpartition("@")[2])
        if cseq is None:
            dialog.cseq += 1
            cseq = dialog.cseq
        link = await self.connect(host, port or 5061)
        local = sip.uri_of(dialog.local).removeprefix("sip:")
        refresh = method == "SUBSCRIBE"
        return link, self._build(
            link, method, dialog.target, dialog.local, dialog.remote, dialog.call_id, cseq,
            routes=dialog.routes if routed else (), contact=self.gruu(local) if refresh else None,
            record_route=self._own_route[dialog.call_id] if refresh else None, **more)

    async def within(self, dialog, method, **more):
        """A request in the dialog: (request, final response)."""
        link, request = await self.within_request(dialog, method, **more)
        return request, await self.transact(link, request)

    async def typing(self, dialog):
        return await self.within(dialog, "INFO", body=TYPING, content_type="application/xml")

    def _presence(self, dialog, state, basic):
        user = sip.uri_of(dialog.local).removeprefix("sip:")
        body = ('<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf" '
                'xmlns:ep="urn:ietf:params:xml:ns:pidf:status:rpid-status" '
                f'xmlns:ci="urn:ietf:params:xml:ns:pidf:cipid" entity="sip:{user}">\r\n'
                f'<tuple id="0"><status><basic>{basic}</basic></status></tuple>\r\n'
                '<ci:display-name>Алиса Example</ci:display-name>\r\n</presence>\r\n')
        return {"headers": [("Event", "presence"), ("subscription-state", state)], "body": body.encode(),
                "content_type": "application/pidf+xml"}

    async def notify(self, dialog, state="active;expires=7200", basic="open", with_token=True):
        """A NOTIFY. Without token: the route set was lost, and it goes to the one SRV target of the subscriber's domain."""
        return await self.within(dialog, "NOTIFY", routed=with_token, **self._presence(dialog, state, basic))

    async def benotify(self, dialog):
        """Best effort: nobody may answer."""
        link, request = await self.within_request(
            dialog, "BENOTIFY", **self._presence(dialog, "active;expires=7100", "closed"))
        await link.send(request)
        return request

    # -- what we answer --
    async def answer(self, request, status, reason=None, headers=(), *, contact=None, body=b"",
                     content_type="application/sdp", record_route=None):
        vias = [sip.text(line) for line in request.raw_lines("via")]
        to = request.get("to")
        if status > 101 and not request.to_tag:
            to += f";epid={self._epid};tag={self.tag(request)}"
        others = [f"From: {request.get('from')}", f"To: {to}", f"Call-ID: {request.call_id}",
                  f"CSeq: {request.get('cseq')}"]
        if record_route:
            others += [f"Record-Route: {record_route}"] + [sip.text(line) for line in request.raw_lines("record-route")]
        if contact:
            others.append(f"Contact: <{contact}>")
        others += [f"{name}: {value}" for name, value in headers]
        if body:
            others.append(f"Content-Type: {content_type}")
        reason = reason or sip.REASONS[status]
        response = sip.Message(f"SIP/2.0 {status} {reason}", spread([], vias, others, len(body)), body)
        await request.link.send(response)
        if status >= 200:
            self.answers.append((request, response))
        return response

    async def _accept(self, request, headers=(), body=b""):
        user = sip.uri_of(request.get("to")).removeprefix("sip:")
        own = self._issue(request.call_id)
        response = await self.answer(request, 200, headers=[("User-Agent", USER_AGENT), ("Supported", "histinfo"), *headers],
                                     contact=self.gruu(user), body=body, record_route=own)
        dialog = sip.Dialog.callee(self.endpoint, request, response)
        self.dialogs[request.call_id, response.to_tag] = dialog

    async def serve(self, request):
        method = request.method
        if method == "OPTIONS":
            await self.answer(request, 200)
            return
        self._check_caller(request)
        marks = [line for line in request.lines if request.name_of(line).startswith("ms-")]
        self.check(not marks, "a Microsoft header from a cluster that sends none", "none", marks)
        diagnosis = ("ms-diagnostics-public", '1;reason="User does not want to be disturbed"')
        if await self.serve_unwilling(request, [diagnosis]):
            return
        if request.to_tag:
            await self._serve_in_dialog(request)
            return
        self.check(not request.has("route"), "a Route on the first request of a dialog", "none",
                   request.raw_lines("route"))
        if method == "INVITE":
            await self.answer(request, 100, "Trying")
            await self.answer(request, 101, "Progress Report", headers=[
                ("ms-diagnostics", '13004;reason="Request was proxied to one or more registered endpoints"')])
            user = sip.uri_of(request.get("to"))
            await self._accept(request, [("Supported", "ms-safe-transfer")], self._sdp(user))
        elif method == "SUBSCRIBE":
            await self._accept(request, [("Expires", request.get("expires")), ("Event", "presence")])
        elif method == "MESSAGE":
            await self.answer(request, 200)
        else:
            self.require(False, "a method that nobody asked for", "INVITE … SUBSCRIBE", request.start, 405,
                         "Method Not Allowed")

    async def _serve_in_dialog(self, request):
        self._check_own_route(request)
        dialog = self.dialog_of(request)
        user = sip.uri_of(dialog.local).removeprefix("sip:")
        self.check(request.uri == self.gruu(user), "Request-URI of a request in a dialog", self.gruu(user), request.uri)
        if request.method in ("ACK", "BENOTIFY"):
            return
        own = self._own_route[request.call_id] if request.method == "SUBSCRIBE" else None
        await self.answer(request, 200, record_route=own,
                          headers=[("Expires", request.get("expires", "0"))] if own else [])
