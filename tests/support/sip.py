"""SIP for tests: a message that keeps its bytes, an endpoint that speaks it over TLS or TCP, a dialog.

    edge = sip.Endpoint("sip.ms.example", certificate=cert, ca=ca)
    await edge.listen("127.0.0.3")                  # edge.port is the real one
    link = await edge.connect("127.0.0.1", port, server_name="expe.uc.example")
    request = edge.request("MESSAGE", "sip:bob@uc.example", from_="<sip:alice@ms.example>;tag=1", body=b"hello")
    await link.send(request)
    answer = await edge.final(request)              # the final response to it
    got = await other.expect("MESSAGE")             # a Received: a Message with .link
    await other.respond(got, 200)

Nothing here is lenient on purpose: what is sent are the bytes given, what arrives is kept as it came.
"""

import asyncio
import itertools
import os
import re
import ssl

COMPACT = {"i": "call-id", "m": "contact", "l": "content-length", "c": "content-type", "f": "from", "s": "subject",
           "k": "supported", "t": "to", "v": "via", "o": "event", "e": "content-encoding", "u": "allow-events",
           "r": "refer-to", "b": "referred-by", "x": "session-expires"}
REASONS = {100: "Trying", 180: "Ringing", 200: "OK", 202: "Accepted", 400: "Bad Request", 403: "Forbidden",
           404: "Not Found", 415: "Unsupported Media Type", 480: "Temporarily Unavailable",
           481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated",
           500: "Server Internal Error", 503: "Service Unavailable", 504: "Server Time-out", 603: "Decline"}

_ids = itertools.count(1)


def unique(prefix=""):
    """A name used once: for tags, branches and Call-IDs."""
    return f"{prefix}{os.getpid():x}x{next(_ids):x}"


def text(raw):
    return raw.decode("utf-8", "surrogateescape")


def raw(value):
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def split_values(value):
    """The comma-separated values of a header, commas in quotes and angle brackets left alone."""
    out, current, quoted, angle, escaped = [], "", False, False, False
    for char in value:
        if escaped:
            escaped = False
        elif quoted:
            escaped = char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char == "<":
            angle = True
        elif char == ">":
            angle = False
        elif char == "," and not angle:
            out.append(current.strip())
            current = ""
            continue
        current += char
    out.append(current.strip())
    return [part for part in out if part]


def uri_of(value):
    """The URI of a name-addr or addr-spec."""
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def params_of(value):
    """The header parameters after the address (or after a Via's sent-by), names in lower case; without '=': None."""
    rest = value[value.rindex(">") + 1:] if ">" in value else value[value.index(";"):] if ";" in value else ""
    out = {}
    for part in rest.split(";")[1:]:
        name, sep, val = part.partition("=")
        out[name.strip().lower()] = val.strip() if sep else None
    return out


def uri_params(uri):
    """The parameters of a URI, names in lower case."""
    out = {}
    for part in uri.split("?")[0].split(";")[1:]:
        name, sep, val = part.partition("=")
        out[name.lower()] = val if sep else None
    return out


def uri_host_port(uri):
    """(host, port or None) of a SIP URI."""
    rest = re.sub(r"^sips?:", "", uri).split(";")[0].split("?")[0].rpartition("@")[2]
    host, _, port = rest.partition(":") if not rest.startswith("[") else rest.partition("]")[::1]
    return host, int(port.lstrip(":")) if port.lstrip(":") else None


class Message:
    """Start line, header lines and body as bytes; header lines keep their order, spelling and folding."""

    def __init__(self, start, lines=(), body=b""):
        self.start = raw(start)
        self.lines = [raw(line) for line in lines]
        self.body = raw(body)

    @classmethod
    def parse(cls, data):
        """A message from its exact bytes (head, blank line, body)."""
        head, sep, body = raw(data).partition(b"\r\n\r\n")
        if not sep:
            raise ValueError("no end of the header")
        start, *rest = head.split(b"\r\n")
        lines = []
        for line in rest:
            if line[:1] in b" \t" and line and lines:
                lines[-1] += b"\r\n" + line
            else:
                lines.append(line)
        return cls(start, lines, body)

    def __bytes__(self):
        return b"\r\n".join([self.start, *self.lines]) + b"\r\n\r\n" + self.body

    def __repr__(self):
        return f"<{text(self.start)}>"

    def copy(self):
        return Message(self.start, self.lines, self.body)

    # -- start line --
    @property
    def is_request(self):
        return not self.start.startswith(b"SIP/2.0 ")

    @property
    def method(self):
        """The method, of a response that of its CSeq."""
        return text(self.start).split(" ")[0] if self.is_request else self.cseq[1]

    @property
    def uri(self):
        return text(self.start).split(" ")[1]

    @property
    def status(self):
        return 0 if self.is_request else int(self.start.split(b" ")[1])

    @property
    def reason(self):
        return text(self.start.split(b" ", 2)[2])

    # -- header lines --
    @staticmethod
    def name_of(line):
        name = text(line).partition(":")[0].strip().lower()
        return COMPACT.get(name, name)

    def raw_lines(self, name):
        """The lines of that header as they came."""
        return [line for line in self.lines if self.name_of(line) == name.lower()]

    def all(self, name):
        """The value of each line of that header."""
        return [text(line).partition(":")[2].strip() for line in self.raw_lines(name)]

    def values(self, name):
        """All comma-separated values of that header, in order."""
        return [value for line in self.all(name) for value in split_values(line)]

    def get(self, name, default=None):
        found = self.all(name)
        return found[0] if found else default

    def has(self, name):
        return bool(self.raw_lines(name))

    def set(self, name, value):
        """Replace the first line of that header (others go), or add one before Content-Length."""
        places = [i for i, line in enumerate(self.lines) if self.name_of(line) == name.lower()]
        if not places:
            return self.add(name, value)
        self.lines[places[0]] = raw(f"{name}: {value}")
        for i in reversed(places[1:]):
            del self.lines[i]
        return self

    def add(self, name, value):
        self.lines.append(raw(f"{name}: {value}"))
        return self

    def prepend(self, name, value):
        self.lines.insert(0, raw(f"{name}: {value}"))
        return self

    def remove(self, name):
        self.lines = [line for line in self.lines if self.name_of(line) != name.lower()]
        return self

    # -- often asked --
    @property
    def call_id(self):
        return self.get("call-id")

    @property
    def cseq(self):
        number, method = self.get("cseq", "0 -").split()
        return int(number), method

    @property
    def branch(self):
        return params_of(self.values("via")[0]).get("branch")

    @property
    def from_tag(self):
        return params_of(self.get("from")).get("tag")

    @property
    def to_tag(self):
        return params_of(self.get("to")).get("tag")

    @property
    def max_forwards(self):
        value = self.get("max-forwards")
        return None if value is None else int(value)


class Received(Message):
    """A message that arrived, with the link it came over."""

    def __init__(self, message, link):
        super().__init__(message.start, message.lines, message.body)
        self.link = link


class StreamParser:
    """Cuts a byte stream into messages by Content-Length; feed() returns those that are whole."""

    def __init__(self):
        self.buffer = b""

    def feed(self, data):
        self.buffer += data
        out = []
        while True:
            if self.buffer.startswith(b"\r\n"):
                self.buffer = self.buffer[2:]
                continue
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return out
            message = Message.parse(self.buffer[:end + 4])
            length = int(message.get("content-length", "0"))
            if len(self.buffer) < end + 4 + length:
                return out
            message.body = self.buffer[end + 4:end + 4 + length]
            self.buffer = self.buffer[end + 4 + length:]
            out.append(message)


def client_context(ca, certificate=None, minimum=ssl.TLSVersion.TLSv1_2):
    """A TLS client that presents `certificate` and trusts `ca`; names are checked by the test that cares."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = minimum
    context.load_verify_locations(ca.cert)
    if certificate:
        context.load_cert_chain(certificate.cert, certificate.key)
    return context


def server_context(ca, certificate):
    """A TLS server that asks for a client certificate of `ca`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca.cert)
    context.load_cert_chain(certificate.cert, certificate.key)
    return context


class Link:
    """One connection of an endpoint."""

    def __init__(self, endpoint, reader, writer, accepted):
        self.endpoint = endpoint
        self.reader, self.writer = reader, writer
        self.accepted = accepted
        self.closed = asyncio.Event()  # the far side closed it, or it broke
        self.bytes_in = 0
        self.task = asyncio.ensure_future(self._read())

    @property
    def peer(self):
        """(address, port) of the far side."""
        return self.writer.get_extra_info("peername")[:2]

    @property
    def peer_names(self):
        """dNSNames of the certificate the far side presented."""
        cert = self.writer.get_extra_info("peercert") or {}
        return [value for kind, value in cert.get("subjectAltName", ()) if kind == "DNS"]

    async def send(self, data):
        """Send a Message or bytes as they are."""
        self.writer.write(bytes(data))
        await self.writer.drain()

    async def _read(self):
        parser = StreamParser()
        try:
            while data := await self.reader.read(65536):
                self.bytes_in += len(data)
                for message in parser.feed(data):
                    await self.endpoint.take(Received(message, self))
        except (OSError, ssl.SSLError):
            pass
        finally:
            self.closed.set()

    async def wait_closed(self, timeout=10):
        """Until the far side closed the connection."""
        await asyncio.wait_for(self.closed.wait(), timeout)

    def abort(self):
        """Drop it at once, without a TLS goodbye."""
        self.writer.transport.abort()

    async def close(self):
        self.task.cancel()
        self.writer.transport.abort()
        await asyncio.gather(self.task, return_exceptions=True)


class Unexpected(AssertionError):
    """Something else than expected arrived, or nothing did."""


class Endpoint:
    """A SIP host: a name, a certificate, listeners and connections, and one queue of what arrives."""

    def __init__(self, name, ca=None, certificate=None, transport="tls"):
        self.name, self.ca, self.certificate, self.transport = name, ca, certificate, transport
        self.host, self.port = None, None
        self.queue = []           # what nobody asked for yet, oldest first
        self.history = []         # all that ever arrived
        self.links = []
        self.server_names = []    # SNI values that clients sent us
        self.on_request = None    # async function(Received): takes requests instead of the queue
        self._server = None
        self._news = asyncio.Condition()

    # -- connections --
    async def listen(self, host="127.0.0.1", port=0):
        context = None
        if self.transport == "tls":
            context = server_context(self.ca, self.certificate)
            context.sni_callback = lambda sock, name, ctx: self.server_names.append(name)
        self._server = await asyncio.start_server(self._accept, host, port, ssl=context, backlog=512)
        self.host, self.port = self._server.sockets[0].getsockname()[:2]
        return self

    def _accept(self, reader, writer):
        self.links.append(Link(self, reader, writer, accepted=True))

    @property
    def accepted(self):
        """The connections others made to us that are still open."""
        return [link for link in self.links if link.accepted and not link.closed.is_set()]

    async def connect(self, host, port, server_name=None, certificate=None, source=None, context=None):
        """Connect to host:port; raises when the handshake fails. `source`: our own address."""
        if self.transport == "tls" and context is None:
            context = client_context(self.ca, certificate or self.certificate)
        reader, writer = await asyncio.open_connection(
            host, port, ssl=context, server_hostname=(server_name or host) if context else None,
            local_addr=(source, 0) if source else None)
        link = Link(self, reader, writer, accepted=False)
        self.links.append(link)
        return link

    async def stop_listening(self):
        """Close the listener; connections stay."""
        if self._server:
            self._server.close()
            self._server = None

    async def close(self):
        await self.stop_listening()
        await asyncio.gather(*(link.close() for link in self.links))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        await self.close()

    # -- what arrives --
    async def take(self, received):
        self.history.append(received)
        if received.is_request and self.on_request:
            await self.on_request(received)
            return
        async with self._news:
            self.queue.append(received)
            self._news.notify_all()

    async def wait_for(self, accepts, what, timeout=10):
        """The oldest queued message that `accepts` likes; others stay queued."""
        def find():
            return next((m for m in self.queue if accepts(m)), None)

        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: find() is not None), timeout)
            except asyncio.TimeoutError:
                raise Unexpected(f"{self.name}: {what} did not come in {timeout} s; queued: {self.queue}") from None
            found = find()
            self.queue.remove(found)
            return found

    async def expect(self, what, timeout=10):
        """The oldest request of that method (str) or response of that status (int)."""
        if isinstance(what, int):
            return await self.wait_for(lambda m: m.status == what, what, timeout)
        return await self.wait_for(lambda m: m.is_request and m.method == what, what, timeout)

    async def final(self, request, timeout=10):
        """The final response to `request`, found by branch and CSeq method; provisional ones are taken off."""
        branch, method = request.branch, request.method

        def ours(m):
            return not m.is_request and m.branch == branch and m.cseq[1] == method

        found = await self.wait_for(lambda m: ours(m) and m.status >= 200, f"answer to {request}", timeout)
        self.queue = [m for m in self.queue if not (ours(m) and m.status < 200)]
        return found

    async def nothing(self, seconds=0.3, but=lambda m: m.status == 100):
        """Nothing is queued or arrives for that long, except what `but` likes (100 Trying)."""
        await asyncio.sleep(seconds)
        left = [m for m in self.queue if not but(m)]
        if left:
            raise Unexpected(f"{self.name}: unexpected {left}:\n{text(bytes(left[0]))}")

    # -- what we send --
    def via(self, branch=None):
        return f"SIP/2.0/{self.transport.upper()} {self.name};branch={branch or unique('z9hG4bK')}"

    def contact(self, user="x"):
        port = f":{self.port}" if self.port else ""
        return f"<sip:{user}@{self.name}{port};transport={self.transport}>"

    def request(self, method, uri, from_, to=None, *, call_id=None, cseq=1, branch=None, max_forwards=70,
                contact=None, headers=(), content_type="text/plain", body=b""):
        """A request of ours. `from_` gets a tag when it has none; `to` defaults to the URI; headers: (name, value)s."""
        if "tag=" not in from_:
            from_ += f";tag={unique('f')}"
        lines = [f"Via: {self.via(branch)}"]
        if max_forwards is not None:
            lines.append(f"Max-Forwards: {max_forwards}")
        lines += [f"From: {from_}", f"To: {to or f'<{uri}>'}", f"Call-ID: {call_id or unique('call-')}",
                  f"CSeq: {cseq} {method}"]
        if contact:
            lines.append(f"Contact: {contact}")
        lines += [f"{name}: {value}" for name, value in headers]
        body = raw(body)
        if body:
            lines.append(f"Content-Type: {content_type}")
        lines.append(f"Content-Length: {len(body)}")
        return Message(f"{method} {uri} SIP/2.0", lines, body)

    def response(self, request, status, reason=None, *, to_tag=None, contact=None, record_route=None, headers=(),
                 content_type="text/plain", body=b""):
        """A response to `request`: its Vias, Record-Routes (after our own, if given) and dialog headers as they came."""
        lines = list(request.raw_lines("via"))
        if 100 < status < 300:
            lines += [f"Record-Route: {record_route}"] if record_route else []
            lines += request.raw_lines("record-route")
        to = request.raw_lines("to")[0]
        if status > 100 and not request.to_tag:
            to += raw(f";tag={to_tag or unique('t')}")
        lines += [request.raw_lines("from")[0], to, request.raw_lines("call-id")[0], request.raw_lines("cseq")[0]]
        if contact:
            lines.append(f"Contact: {contact}")
        lines += [f"{name}: {value}" for name, value in headers]
        body = raw(body)
        if body:
            lines.append(f"Content-Type: {content_type}")
        lines.append(f"Content-Length: {len(body)}")
        return Message(f"SIP/2.0 {status} {reason or REASONS.get(status, 'Some Reason')}", lines, body)

    async def respond(self, received, status, reason=None, **more):
        """Answer a received request over the link it came by; the response is returned."""
        answer = self.response(received, status, reason, **more)
        await received.link.send(answer)
        return answer

    def cancel(self, invite):
        """The CANCEL of our INVITE (RFC 3261, 9.1)."""
        lines = [invite.raw_lines("via")[0], b"Max-Forwards: 70"]
        lines += invite.raw_lines("route") + invite.raw_lines("from") + invite.raw_lines("to")
        lines += invite.raw_lines("call-id") + [f"CSeq: {invite.cseq[0]} CANCEL", "Content-Length: 0"]
        return Message(f"CANCEL {invite.uri} SIP/2.0", lines)

    def ack_failure(self, invite, response):
        """The ACK for a non-2xx response to our INVITE (RFC 3261, 17.1.1.3)."""
        lines = [invite.raw_lines("via")[0], b"Max-Forwards: 70"]
        lines += invite.raw_lines("route") + invite.raw_lines("from") + response.raw_lines("to")
        lines += invite.raw_lines("call-id") + [f"CSeq: {invite.cseq[0]} ACK", "Content-Length: 0"]
        return Message(f"ACK {invite.uri} SIP/2.0", lines)


class Dialog:
    """One side's view of a dialog: what its next request looks like on the wire (RFC 3261, 12).

    Routes at the top that name the endpoint itself are taken off, as its own proxy would have done.
    """

    def __init__(self, endpoint, local, remote, call_id, cseq, target, routes):
        self.endpoint = endpoint
        self.local, self.remote = local, remote  # From and To of our requests, with tags
        self.call_id, self.cseq = call_id, cseq
        self.target = target
        self.routes = list(routes)               # values, byte for byte as in Record-Route
        while self.routes and uri_host_port(uri_of(self.routes[0]))[0] == endpoint.name:
            del self.routes[0]

    @classmethod
    def caller(cls, endpoint, request, response):
        """Of the side that sent `request` and got the 2xx `response`."""
        return cls(endpoint, request.get("from"), response.get("to"), request.call_id, request.cseq[0],
                   uri_of(response.get("contact", request.uri)), response.values("record-route")[::-1])

    @classmethod
    def callee(cls, endpoint, request, response):
        """Of the side that got `request` and answered `response`."""
        return cls(endpoint, response.get("to"), request.get("from"), request.call_id, 0,
                   uri_of(request.get("contact")), request.values("record-route"))

    def request(self, method, *, cseq=None, headers=(), **more):
        """The next request in the dialog, Routes first; ACK takes the CSeq of its INVITE through `cseq`."""
        if cseq is None:
            self.cseq += 1
        routes = [("Route", value) for value in self.routes]
        return self.endpoint.request(method, self.target, self.local, self.remote, call_id=self.call_id,
                                     cseq=cseq or self.cseq, headers=[*routes, *headers], **more)
