"""XMPP between servers for tests: one connection kept byte for byte, and a server that can be told to misbehave.

    partner = xmpp.Server(["b.test"], ca, certificate)      # answers what a good server answers, see its attributes
    await partner.listen("127.0.0.3")                       # partner.port is the real one
    link = await partner.dial(host, port)                   # a bare connection: link.send(bytes), link.expect(...)
    await link.negotiate("b.test", "a.test")                # header, STARTTLS, header again
    answer = await link.claim("b.test", "a.test")           # dialback: the db:result that came back
    got = await partner.received("id-1")                    # a Stanza that came on one of its own streams

TLS runs through memory, so that a test decides which bytes go in clear, in which pieces, and when.
"""

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import os
import re
import socket
import ssl
import xml.etree.ElementTree as ET
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

STREAM = "http://etherx.jabber.org/streams"
SERVER = "jabber:server"
DIALBACK = "jabber:server:dialback"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
SM = "urn:xmpp:sm:3"
PING = "urn:xmpp:ping"
BIDI = "urn:xmpp:bidi"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
STANZA_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
FEATURES = f"{{{STREAM}}}features"
ERROR = f"{{{STREAM}}}error"
RESULT, VERIFY = f"{{{DIALBACK}}}result", f"{{{DIALBACK}}}verify"
STANZAS = tuple(f"{{{SERVER}}}{name}" for name in ("message", "presence", "iq"))

STARTTLS = f"<starttls xmlns='{TLS}'/>"
END = "</stream:stream>"

_ids = itertools.count(1)


def unique(prefix="s"):
    """A name used once: for stanza and stream ids."""
    return f"{prefix}-{os.getpid():x}-{next(_ids):x}"


def raw(value):
    return value if isinstance(value, bytes) else value.encode()


def key(secret, receiving, originating, stream_id):
    """The dialback key of XEP-0185."""
    hashed = hashlib.sha256(raw(secret)).hexdigest().encode()
    return hmac.new(hashed, f"{receiving} {originating} {stream_id}".encode(), hashlib.sha256).hexdigest()


def header(from_=None, to=None, id_=None, more=""):
    """A stream header."""
    attributes = "".join(f" {name}={quoteattr(value)}"
                         for name, value in (("from", from_), ("to", to), ("id", id_)) if value is not None)
    return (f"<?xml version='1.0'?><stream:stream xmlns='{SERVER}' xmlns:stream='{STREAM}' xmlns:db='{DIALBACK}'"
            f"{attributes} version='1.0'{more}>")


def message(from_, to, body="hello", id_=None, more=""):
    return (f"<message from={quoteattr(from_)} to={quoteattr(to)} id={quoteattr(id_ or unique('m'))} type='chat'{more}>"
            f"<body>{body}</body></message>")


def result(from_, to, dialback_key):
    return f"<db:result from={quoteattr(from_)} to={quoteattr(to)}>{dialback_key}</db:result>"


def verify(from_, to, stream_id, dialback_key):
    return f"<db:verify from={quoteattr(from_)} to={quoteattr(to)} id={quoteattr(stream_id)}>{dialback_key}</db:verify>"


def client_context(certificate=None):
    """For dialling: the other side's certificate is taken as it is, and can be read from the link."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate.cert, certificate.key)
    return context


def server_context(certificate, ca):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    context.load_verify_locations(ca.cert)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


class Header:
    """The start tag of a stream that came in."""

    tag = "header"

    def __init__(self, data, attributes):
        self.raw, self.attributes = data, attributes

    def get(self, name, default=None):
        return self.attributes.get(name, default)

    def __repr__(self):
        return repr(self.raw)


class End:
    """The end tag of a stream that came in."""

    tag, raw, condition = "end", END.encode(), None

    @staticmethod
    def get(_name, default=None):
        return default

    def __repr__(self):
        return repr(self.raw)


class Stanza:
    """An element below the stream, with its bytes as they came."""

    def __init__(self, data, element, link):
        self.raw, self.element, self.link = data, element, link
        self.tag, self.get, self.find = element.tag, element.get, element.find

    @property
    def text(self):
        return self.element.text or ""

    @property
    def condition(self):
        """The defined condition of an error: of a stream, of a stanza, of SASL."""
        for child in self.element.iter():
            if child is not self.element and re.match(rf"\{{({STREAM_ERRORS}|{STANZA_ERRORS}|{SASL})\}}", child.tag):
                return child.tag.partition("}")[2]
        return None

    @property
    def error_text(self):
        found = [child.text for child in self.element.iter() if child.tag.endswith("}text")]
        return found[0] if found else None

    def __repr__(self):
        return repr(self.raw)


class Parser:
    """Cuts a stream into Header, Stanza and End."""

    def __init__(self, link):
        self._link, self._depth, self._start, self._data, self._offset = link, 0, 0, b"", 0
        self._opening, self._found = None, []
        self._expat = expat.ParserCreate()
        self._expat.StartElementHandler = self._begin
        self._expat.EndElementHandler = self._end
        if hasattr(self._expat, "SetReparseDeferralEnabled"):  # newer ones wait for more, which need not come
            self._expat.SetReparseDeferralEnabled(False)

    def feed(self, data):
        self._data += data
        self._found = []
        self._expat.Parse(data, False)
        if self._depth == 1:  # nothing before this place is needed again
            place = self._expat.CurrentByteIndex
            self._data, self._offset = self._data[place - self._offset:], place
        return self._found

    def _slice(self, first, last):
        return self._data[first - self._offset:last - self._offset]

    def _begin(self, name, attributes):
        place = self._expat.CurrentByteIndex
        if self._depth == 0:
            data = self._data[place - self._offset:]
            tag = re.match(rb"<(?:[^>'\"]|'[^']*'|\"[^\"]*\")*>", data).group()
            self._opening = (tag, name)
            self._found.append(Header(tag, attributes))
        elif self._depth == 1:
            self._start = place
        self._depth += 1

    def _end(self, name):
        self._depth -= 1
        place = self._expat.CurrentByteIndex
        if self._depth == 0:
            self._found.append(End())
        elif self._depth == 1:
            rest = self._data[place - self._offset:]
            closing = re.match(rb"</" + re.escape(name.encode()) + rb"\s*>", rest)
            data = self._slice(self._start, place + (closing.end() if closing else 0))
            opening, outer = self._opening
            whole = ET.fromstring(opening + data + b"</" + outer.encode() + b">")
            self._found.append(Stanza(data, whole[0], self._link))


class Link(asyncio.Protocol):
    """One connection, dialled or accepted; what comes in is kept in `items` until a test takes it."""

    def __init__(self, server, is_accepted, is_direct=False):
        self.server, self.is_accepted, self.is_direct = server, is_accepted, is_direct
        self.items, self.history, self.stanzas = [], [], []
        self.transport = None
        self.is_closed, self.is_reset = False, False
        self.fault = None  # of TLS or XML, as an exception
        self.header = None  # the last one that came
        self.local, self.remote = None, None  # names, as the last headers said
        self.stream_id = None  # that the accepting side gave
        self.handled, self.acknowledged = 0, None  # XEP-0198: stanzas taken, the last h that came
        self.has_management, self.is_bidirectional = False, False
        self._parser = Parser(self)
        self._tls, self._incoming, self._outgoing = None, None, None
        self._handshake = None
        self._has_said_end = False
        self._changed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    # -- asyncio.Protocol --
    def connection_made(self, transport):
        self.transport = transport
        if self.is_accepted:
            self.server.accepted.append(self)
            if self.is_direct:
                self.begin_tls(self.server.tls_context, True)
            self.server.on_accept(self)

    def data_received(self, data):
        if self._tls:
            self._incoming.write(data)
            self._pump()
        else:
            self._feed(data)

    def eof_received(self):
        if self._incoming:
            self._incoming.write_eof()

    def connection_lost(self, exc):
        if exc:
            self._read_the_rest()
        self.is_closed, self.is_reset = True, isinstance(exc, (ConnectionResetError, BrokenPipeError))
        if self._handshake and not self._handshake.done():
            self._handshake.set_result(None)
        self._writable.set()
        self._changed.set()

    def _read_the_rest(self):
        """A write that fails ends the transport, though what the other side said before may still wait."""
        with contextlib.suppress(OSError):
            while data := os.read(self.transport.get_extra_info("socket").fileno(), 65536):
                self.data_received(data)

    def pause_writing(self):
        self._writable.clear()

    def resume_writing(self):
        self._writable.set()

    # -- TLS --
    def begin_tls(self, context, is_server, name=None):
        """From now on everything is TLS."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=is_server, server_hostname=name)
        self._handshake = asyncio.get_running_loop().create_future()
        self.restart()
        self._pump()

    async def tls(self, context=None, name=None, timeout=20):
        """Dialled: the handshake; an AssertionError when it fails."""
        self.begin_tls(context or self.server.dial_context, False, name)
        await asyncio.wait_for(self._handshake, timeout)
        if self.fault or self.is_closed:
            raise AssertionError(f"TLS failed: {self.fault or 'closed'}")

    @property
    def is_secure(self):
        return self._tls is not None and self._handshake.done() and not self.fault

    @property
    def tls_version(self):
        return self._tls.version()

    def peer_certificate(self):
        return self._tls.getpeercert(True)

    def _pump(self):
        try:
            if not self._handshake.done():
                self._tls.do_handshake()
                self._handshake.set_result(None)
            while data := self._tls.read(65536):
                self._feed(data)
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLError, OSError) as err:
            self.fault = self.fault or err
            self._flush()
            self.transport.close()
        self._flush()

    def _flush(self):
        if self._outgoing.pending and not self.transport.is_closing():
            self.transport.write(self._outgoing.read())

    # -- XML --
    def restart(self):
        """A new stream on the same connection."""
        self._parser = Parser(self)

    def _feed(self, data):
        try:
            for item in self._parser.feed(data):
                self._take(item)
        except (expat.ExpatError, ET.ParseError) as err:
            self.fault = self.fault or AssertionError(f"not XML: {err}: {data[-300:]}")
        self._changed.set()

    def _take(self, item):
        if isinstance(item, Header):
            self.header, self.stream_id = item, item.get("id")
        self.history.append(item)
        if not self.server.handle(self, item):
            self.items.append(item)

    # -- sending --
    async def send(self, *data):
        """All of it in one write."""
        self.put(*data)
        await self._writable.wait()

    def put(self, *data):
        data = b"".join(map(raw, data))
        if self.is_closed or self.transport.is_closing():
            return
        self._has_said_end = self._has_said_end or data.endswith(END.encode())
        if self._tls:
            with contextlib.suppress(ssl.SSLError):  # the other side has ended TLS: no more can be said
                self._tls.write(data)
            self._flush()
        else:
            self.transport.write(data)

    async def drip(self, data, size=1):
        """In pieces of `size` bytes, each on its way before the next."""
        data = raw(data)
        for place in range(0, len(data), size):
            if self.is_closed:
                return
            await self.send(data[place:place + size])
            await asyncio.sleep(0)

    def bypass(self, data):
        """Bytes past TLS."""
        self.transport.write(raw(data))

    def pause(self):
        """Read no more, so that the other side's writes come to a halt."""
        self.transport.pause_reading()

    def resume(self):
        self.transport.resume_reading()

    def abort(self):
        """A reset."""
        if self.is_closed:
            return
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.transport.abort()

    def close(self):
        if self.transport:
            self.transport.close()

    def answer_end(self):
        """The other side has ended the stream: so do we, and the connection."""
        if not self._has_said_end:
            self.put(END)
        self.close()

    @property
    def source(self):
        return self.transport.get_extra_info("sockname")[:2]

    # -- waiting --
    async def until(self, condition, what, timeout=20):
        """Wait until the condition holds; its value."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not (found := condition()):
            self._changed.clear()
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or self.is_closed:
                why = f"closed ({self.fault})" if self.is_closed else f"not in {timeout} s"
                raise AssertionError(f"{what}: {why}; came: {self.history[-6:]}")
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except asyncio.TimeoutError:
                pass
        return found

    async def expect(self, *tags, timeout=20):
        """The first item kept with one of those tags; it is taken out."""
        def first():
            return next((item for item in self.items if item.tag in tags), None)

        item = await self.until(first, f"no {tags}", timeout)
        self.items.remove(item)
        return item

    async def ended(self, timeout=20):
        """Wait until the connection is closed; the stream error's condition, or None."""
        self.resume_if_paused()
        deadline = asyncio.get_running_loop().time() + timeout
        while not self.is_closed:
            self._changed.clear()
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise AssertionError(f"still open after {timeout} s; came: {self.history[-6:]}")
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except asyncio.TimeoutError:
                pass
        return self.error and self.error.condition

    def resume_if_paused(self):
        if not self.is_closed and not self.transport.is_reading() and not self.transport.is_closing():
            self.resume()

    @property
    def error(self):
        """The stream error that came, or None."""
        return next((item for item in self.history if item.tag == ERROR), None)

    @property
    def has_ended_well(self):
        """Whether </stream:stream> came."""
        return any(item.tag == "end" for item in self.history)

    # -- what a good server does as the one that dialled --
    async def open(self, from_, to, more="", timeout=20):
        """Send a header and wait for header and features; the features."""
        self.items = [item for item in self.items if item.tag not in ("header", FEATURES)]
        self.local, self.remote = from_, to
        await self.send(header(from_, to, more=more))
        await self.expect("header", timeout=timeout)
        return await self.expect(FEATURES, timeout=timeout)

    async def starttls(self, context=None, name=None):
        await self.send(STARTTLS)
        await self.expect(f"{{{TLS}}}proceed")
        await self.tls(context, name or self.remote)

    async def negotiate(self, from_, to, context=None, more=""):
        """Up to the features behind TLS, which are returned."""
        features = await self.open(from_, to, more)
        if not self._tls:
            await self.starttls(context)
            features = await self.open(from_, to, more)
        return features

    async def claim(self, from_, to, dialback_key=None, timeout=20):
        """Dialback of the pair; the db:result that answers."""
        if dialback_key is None:
            dialback_key = key(self.server.secret, to, from_, self.header.get("id"))
        await self.send(result(from_, to, dialback_key))

        def answer():
            return next((i for i in self.items if i.tag == RESULT and (i.get("from"), i.get("to")) == (to, from_)), None)

        item = await self.until(answer, f"no answer to the claim {from_} -> {to}", timeout)
        self.items.remove(item)
        return item

    async def external(self, identity="="):
        """SASL EXTERNAL; the answer. `identity`: base64."""
        await self.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{identity}</auth>")
        return await self.expect(f"{{{SASL}}}success", f"{{{SASL}}}failure")

    async def manage(self):
        """Ask for stream management and wait until it is on."""
        await self.send(f"<enable xmlns='{SM}'/>")
        await self.expect(f"{{{SM}}}enabled")


class Server:
    """
    A server with one or more domains. Attributes say what it does; None as an answer means: nothing is answered.

    claims      to db:result: "valid", "invalid", the name of a stanza error's condition, or a function of (link, item)
                that returns bytes or None
    verifies    to db:verify: "honest" (by the key), else as above
    external    offers SASL EXTERNAL and accepts it when True; "refused": offers it, and refuses
    management  offers XEP-0198; `acknowledges`: answers <r/>
    pongs       answers XEP-0199 pings, on the stream back to the one who asked
    """

    def __init__(self, names, ca, certificate, *, tls="required", direct=False, external=False, management=True,
                 bidi=False):
        self.names, self.name = list(names), names[0]
        self.ca, self.certificate = ca, certificate
        self.tls, self.direct = tls, direct  # tls: required, offered, none
        self.external, self.management, self.bidi = external, management, bidi
        self.claims, self.verifies = "valid", "honest"
        self.acknowledges, self.pongs, self.greets = True, True, True
        self.more_features = ""
        self.secret = unique("secret")
        self.host, self.port = None, 0
        self.gateway = None  # (host, port) of the Causeway that its own streams go to
        self.accepted, self.dialled = [], []
        self.stanzas = []  # that came, on any stream, and were not taken out
        self.claims_seen, self.verifies_seen = [], []
        self._streams, self._tasks, self._listener = {}, set(), None
        self._arrived = asyncio.Event()
        self.tls_context = server_context(certificate, ca) if certificate else None
        self.dial_context = client_context(certificate)

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    # -- connections --
    async def listen(self, host="127.0.0.1", port=0):
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Link(self, True, self.direct), host, port, backlog=256)
        self.host, self.port = self._listener.sockets[0].getsockname()[:2]
        return self

    async def stop_listening(self):
        """Refuse from now on; streams that are open stay."""
        if self._listener:
            self._listener.close()
            self._listener = None

    async def dial(self, host=None, port=None, source=None, direct=False, context=None, name=None):
        """A connection to host and port (default: the gateway), from our own address; nothing is sent but TLS when direct."""
        if host is None:
            host, port = self.gateway
        loop = asyncio.get_running_loop()
        local = source or self.host
        _, link = await loop.create_connection(lambda: Link(self, False), host, port,
                                               local_addr=(local, 0) if local else None)
        self.dialled.append(link)
        if direct:
            await link.tls(context, name)
        return link

    async def stream(self, from_, to):
        """Our own stream for that pair, by TLS and dialback; kept and used again while it is open."""
        link = self._streams.get((from_, to))
        if link is None or link.is_closed:
            link = await self.dial()
            await link.negotiate(from_, to)
            answer = await link.claim(from_, to)
            assert answer.get("type") == "valid", f"the claim {from_} -> {to} was not accepted: {answer}"
            self._streams[(from_, to)] = link
        return link

    async def send(self, stanza):
        """A stanza on our own stream for its pair."""
        element = ET.fromstring(f"<x xmlns='{SERVER}'>{stanza if isinstance(stanza, str) else stanza.decode()}</x>")[0]
        pair = [re.sub(r"^[^@/]*@", "", element.get(name)).partition("/")[0] for name in ("from", "to")]
        await (await self.stream(*pair)).send(stanza)

    async def close(self):
        for task in self._tasks:
            task.cancel()
        await self.stop_listening()
        for link in (*self.accepted, *self.dialled):
            if not link.is_closed:
                link.transport.abort()

    # -- what came --
    async def received(self, id_, timeout=20):
        """The stanza of that id, on whatever stream it came; it is taken out."""
        return await self.wait_for(lambda s: s.get("id") == id_, f"stanza {id_}", timeout)

    async def wait_for(self, fits, what, timeout=20):
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            for stanza in self.stanzas:
                if fits(stanza):
                    self.stanzas.remove(stanza)
                    return stanza
            self._arrived.clear()
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise AssertionError(f"{self.name}: no {what} in {timeout} s; has {self.stanzas[-5:]}")
            try:
                await asyncio.wait_for(self._arrived.wait(), left)
            except asyncio.TimeoutError:
                pass

    async def until(self, condition, what, timeout=20):
        """Wait for a condition on what came (it is looked at whenever something comes, and every tenth of a second)."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not (found := condition()):
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{self.name}: {what} not in {timeout} s")
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), 0.1)
            except asyncio.TimeoutError:
                pass
        return found

    @property
    def history(self):
        """All that anybody ever sent us."""
        return [item for link in (*self.accepted, *self.dialled) for item in link.history]

    def bytes_seen(self):
        return b"".join(item.raw for item in self.history)

    # -- the script --
    def on_accept(self, link):
        """A test may replace it: called when a connection has come in."""

    def handle(self, link, item):
        """Act on what came; whether it was consumed. Items that are not are kept for the test."""
        self._arrived.set()
        if item.tag in STANZAS:
            return self._on_stanza(link, item)
        if item.tag == f"{{{SM}}}r":
            if self.acknowledges:
                link.put(f"<a xmlns='{SM}' h='{link.handled}'/>")
            return True
        if item.tag == f"{{{SM}}}a":
            link.acknowledged = int(item.get("h"))
            return False
        if item.tag == VERIFY and item.get("type") is None:
            self.verifies_seen.append(item)
            self._answer(link, item, "verify", self.verifies)
            return True
        if item.tag == "end":
            link.answer_end()
            return False
        return link.is_accepted and self._on_negotiation(link, item)

    def _on_negotiation(self, link, item):
        if item.tag == "header":
            link.local, link.remote = item.get("to"), item.get("from")
            if self.greets:
                link.stream_id = unique("stream")
                link.put(header(link.local, link.remote, link.stream_id), self.features(link))
        elif item.tag == f"{{{TLS}}}starttls":
            link.put(f"<proceed xmlns='{TLS}'/>")
            link.begin_tls(self.tls_context, True)
        elif item.tag == f"{{{SASL}}}auth":
            if self.external is True:
                link.restart()
                link.put(f"<success xmlns='{SASL}'/>")
            else:
                link.put(f"<failure xmlns='{SASL}'><not-authorized/></failure>")
        elif item.tag == RESULT:
            self.claims_seen.append(item)
            self._answer(link, item, "result", self.claims)
        elif item.tag == f"{{{SM}}}enable":
            link.has_management, link.handled = True, 0
            link.put(f"<enabled xmlns='{SM}'/>")
        elif item.tag == f"{{{BIDI}}}bidi":
            link.is_bidirectional = True
        else:
            return False
        return True

    def features(self, link):
        inner = ""
        if self.tls != "none" and not link.is_secure:
            inner += f"<starttls xmlns='{TLS}'>{'<required/>' if self.tls == 'required' else ''}</starttls>"
        if link.is_secure or self.tls != "required":
            if self.external and link.is_secure:
                inner += f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>"
            inner += "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
            if self.management:
                inner += f"<sm xmlns='{SM}'/>"
            if self.bidi:
                inner += "<bidi xmlns='urn:xmpp:features:bidi'/>"
            inner += self.more_features
        return f"<stream:features>{inner}</stream:features>"

    def _answer(self, link, item, kind, policy):
        from_, to, id_ = item.get("from"), item.get("to"), item.get("id")
        if policy == "honest":
            expected = key(self.secret, from_, to, id_)
            policy = "valid" if item.text == expected else "invalid"
        if callable(policy):
            policy = policy(link, item)
            if policy:
                link.put(policy)
            return
        if policy is None:
            return
        extra = f" id={quoteattr(id_)}" if kind == "verify" else ""
        start = f"<db:{kind} from={quoteattr(to)} to={quoteattr(from_)}{extra}"
        if policy in ("valid", "invalid"):
            link.put(f"{start} type='{policy}'/>")
        else:
            link.put(f"{start} type='error'><error type='cancel'><{policy} xmlns='{STANZA_ERRORS}'/></error></db:{kind}>")

    def _on_stanza(self, link, item):
        link.handled += 1
        if item.find(f"{{{PING}}}ping") is not None and item.get("type") == "get" and item.get("id", "").startswith("cw-"):
            if self.pongs:
                self._later(self._pong(link, item))
            return True
        link.stanzas.append(item)
        self.stanzas.append(item)
        return True

    async def _pong(self, link, ping):
        pong = (f"<iq type='result' from={quoteattr(ping.get('to'))} to={quoteattr(ping.get('from'))} "
                f"id={quoteattr(ping.get('id'))}/>")
        if link.is_bidirectional or not link.is_accepted:
            await link.send(pong)
        else:
            await self.send(pong)

    def _later(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
