"""An XMPP client: logs in over plain TCP, sends what it is told, and keeps what comes until somebody expects it.

    async with Client("alice@a.test", port) as alice:
        id = await alice.chat("bob@b.test", "hello")
        got = await bob.expect("message", body="hello")
        answer = await alice.ask("bob@b.test/desk", "<ping xmlns='urn:xmpp:ping'/>")

Stanzas are xml.etree elements; their names carry namespaces, so `ns("body")` is "{jabber:client}body".
"""

import asyncio
import base64
import itertools
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

PASSWORD = "secret"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
_MUC = "http://jabber.org/protocol/muc"


def ns(name, space="jabber:client"):
    """The name of an element of that namespace as xml.etree writes it."""
    return f"{{{space}}}{name}"


def bare(jid):
    return jid.partition("/")[0]


def condition(stanza):
    """The condition of a stanza of type error, "" where it holds none."""
    error = stanza.find(ns("error"))
    return next((child.tag.split("}")[1] for child in (error if error is not None else ())
                 if child.tag.startswith(f"{{{STANZAS}}}") and not child.tag.endswith("}text")), "")


def body(stanza):
    return stanza.findtext(ns("body"))


def _text(stanza):
    return ET.tostring(stanza, "unicode")


class Client:
    """One user's session."""

    _ids = itertools.count(1)

    def __init__(self, jid, port, host="127.0.0.1"):
        self.bare = jid
        self.user, _, self.domain = jid.partition("@")
        self.address = (host, port)
        self.jid = ""  # full, once logged in
        self.name = jid
        self.received = []  # stanzas that nobody expected so far
        self.history = []  # all stanzas, as text
        self._arrived = asyncio.Event()
        self._reader = self._writer = self._parser = self._task = None

    # -- session --
    async def login(self, resource="desk", available=True):
        self._reader, self._writer = await asyncio.open_connection(*self.address)
        await self._open()
        secret = base64.b64encode(f"\0{self.user}\0{PASSWORD}".encode()).decode()
        await self.send(f"<auth xmlns='{_SASL}' mechanism='PLAIN'>{secret}</auth>")
        await self._negotiated("success")
        await self._open()
        await self.send(f"<iq type='set' id='bind'><bind xmlns='{_BIND}'><resource>{resource}</resource></bind></iq>")
        self.jid = (await self._negotiated("iq")).findtext(f".//{ns('jid', _BIND)}")
        self._task = asyncio.create_task(self._collect())
        await self.send("<iq type='set' id='session'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>")
        await self.expect("iq", id="session")
        await self.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
        await self.expect("iq", id="roster")
        if available:
            await self.send("<presence/>")
            await self.expect("presence", from_=self.jid)
        return self

    async def _open(self):
        self._parser = ET.XMLPullParser(("start", "end"))
        self._depth, self._pending = 0, []
        await self.send(f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='{self.domain}' version='1.0' "
                        "xmlns:stream='http://etherx.jabber.org/streams'>")
        await self._negotiated("features")

    async def _element(self):
        """The next child of the stream, None at its end."""
        while not self._pending:
            data = await self._reader.read(65536)
            if not data:
                return None
            self._parser.feed(data)
            for event, element in self._parser.read_events():
                self._depth += 1 if event == "start" else -1
                if event == "end" and self._depth == 1:
                    self._pending.append(element)
        return self._pending.pop(0)

    async def _negotiated(self, name):
        """The next child of the stream, which must have that name."""
        async with asyncio.timeout(20):
            element = await self._element()
        if element is None or element.tag.split("}")[1] != name:
            raise AssertionError(f"{self.bare} cannot log in: {'' if element is None else _text(element)}")
        return element

    async def _collect(self):
        while (stanza := await self._element()) is not None:
            self.history.append(_text(stanza))
            await self._take(stanza)
            self._arrived.set()

    async def _take(self, stanza):
        """Answer a ping or a question about the version as a client does; keep the rest."""
        if stanza.tag == ns("iq") and stanza.get("type") == "get" and len(stanza):
            if stanza[0].tag == ns("ping", "urn:xmpp:ping"):
                await self.answer(stanza)
                return
            if stanza[0].tag == ns("query", "jabber:iq:version"):
                await self.answer(stanza, "<query xmlns='jabber:iq:version'><name>test</name><version>7</version></query>")
                return
        self.received.append(stanza)

    async def close(self):
        if self._task:
            self._task.cancel()
        if self._writer:
            self._writer.write(b"</stream:stream>")
            self._writer.close()

    async def __aenter__(self):
        return await self.login()

    async def __aexit__(self, *exc):
        await self.close()

    # -- sending --
    def new_id(self):
        return f"{self.user}-{next(self._ids)}"

    async def send(self, xml):
        self._writer.write(xml.encode())
        await self._writer.drain()

    async def chat(self, to, text, extra="", attributes=""):
        """Send a chat message with further elements and attributes; its id."""
        ident = self.new_id()
        await self.send(f"<message type='chat' id='{ident}' to={quoteattr(to)} {attributes}>"
                        f"<body>{escape(text)}</body>{extra}</message>")
        return ident

    async def presence(self, kind="", to="", show="", status=""):
        inner = (f"<show>{show}</show>" if show else "") + (f"<status>{escape(status)}</status>" if status else "")
        await self.send("<presence" + (f" type='{kind}'" if kind else "") + (f" to={quoteattr(to)}" if to else "")
                        + f">{inner}</presence>")

    async def ask(self, to, payload, kind="get", timeout=20):
        """Send an iq; its answer, be it a result or an error."""
        ident = self.new_id()
        await self.send(f"<iq type='{kind}' id='{ident}' to={quoteattr(to)}>{payload}</iq>")
        return await self.expect("iq", id=ident, timeout=timeout)

    async def answer(self, iq, payload=""):
        await self.send(f"<iq type='result' id={quoteattr(iq.get('id'))} to={quoteattr(iq.get('from'))}>{payload}</iq>")

    async def join(self, room, nick, timeout=20):
        """Enter a room; the presence that says that we are in (or the error that says why not)."""
        await self.send(f"<presence to={quoteattr(f'{room}/{nick}')}><x xmlns='{_MUC}'/></presence>")
        return await self.expect("presence", from_=f"{room}/{nick}", timeout=timeout)

    async def unlock(self, room):
        """Accept the room that we just made as it is."""
        return await self.ask(room, f"<query xmlns='{_MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query>", "set")

    async def groupchat(self, room, text):
        await self.send(f"<message type='groupchat' to={quoteattr(room)} id='{self.new_id()}'>"
                        f"<body>{escape(text)}</body></message>")

    # -- what comes --
    async def expect(self, kind, timeout=20, **wanted):
        """
        The first stanza of that kind with those attributes (`from_`: full, or bare where it has no resource; `body`: of a
        message), taken out of what came; waits for it.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            for i, stanza in enumerate(self.received):
                if self._fits(stanza, kind, wanted):
                    return self.received.pop(i)
            self._arrived.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._arrived.wait()
            except TimeoutError:
                raise AssertionError(f"{self.bare}: no {kind} with {wanted} in {timeout} s; there are "
                                     f"{[_text(s) for s in self.received]}") from None

    @staticmethod
    def _fits(stanza, kind, wanted):
        if stanza.tag != ns(kind):
            return False
        for name, value in wanted.items():
            if name == "from_":
                have = stanza.get("from", "")
                have = have if "/" in value else bare(have)
            elif name == "body":
                have = body(stanza)
            else:
                have = stanza.get(name, "")
            if have != value:
                return False
        return True

    async def nothing(self, kind, seconds=0.3, **wanted):
        """No such stanza came, and none comes in that time."""
        await asyncio.sleep(seconds)
        for stanza in self.received:
            assert not self._fits(stanza, kind, wanted), f"{self.bare} received {_text(stanza)}"
