"""The servers of the XMPP side: the organisation's own, behind the edge Causeway, and a partner's.

    bob@ciscoexample.com                                              carol@xmppexample.com
    Prosody, zone `im`            <->  edge Causeway             <->  ejabberd
    rooms: chatroom1.ciscoexample.com                                 rooms: muc.xmppexample.com

They are no stand-ins: both are real servers. Each is on a free port of 127.0.0.1, to which SRV records lead. For Prosody,
every domain but its own is at the edge Causeway: its DNS is another than the world's (split DNS).
"""

from support.dnsserver import DnsServer
from support.ejabberd import Ejabberd
from support.prosody import Prosody
from support.server import HOST, Port

OURS, THEIRS = "ciscoexample.com", "xmppexample.com"
OUR_ROOMS, THEIR_ROOMS = f"chatroom1.{OURS}", f"muc.{THEIRS}"
NOT_ALLOWED = "elsewhere.example"  # a domain that Causeway has not on its list
HERE = "localhost"  # ejabberd asks the system for addresses: a name that every machine knows


def _srv(ports):
    return [(f"_xmpp-server._tcp.{domain}", HERE, port.number) for domain, port in ports.items()]


class XmppServers:
    """
    Their ports and records are known at once; make() writes their files, spawn() starts them, wait() waits for them.
    `allowed`: whom the edge Causeway federates with.
    """

    def __init__(self, allowed=(THEIRS, THEIR_ROOMS)):
        self.allowed = allowed
        self.edge, self._inside, self._partner = Port(), Port(), Port()
        self.inside = self.partner = self.split_dns = None

    @property
    def records(self):
        """What the world's DNS says: (SRV records, hosts)."""
        return (_srv({OURS: self.edge, OUR_ROOMS: self.edge, THEIRS: self._partner, THEIR_ROOMS: self._partner}),
                [(HERE, HOST)])

    @property
    def settings(self):
        """What makes the edge Causeway federate by XMPP."""
        return f"""
listen xmpp {HOST}:{self.edge.number}
control-socket control

xmpp {{
	domain    {OURS}
	chat-node {OUR_ROOMS}
	inside    im
	{"; ".join(f"allow {domain}" for domain in self.allowed)}
	dialback-secret-file dialback.secret
}}

zone im {{
	type   xmpp
	peer   {HERE}:{self._inside.number}
	verify {OURS}
}}
"""

    def make(self, directory, ca, dns):
        """The files of both servers, and the DNS of the inside."""
        self.split_dns = DnsServer(
            directory / "dns-inside", srv=_srv(dict.fromkeys((THEIRS, THEIR_ROOMS, NOT_ALLOWED), self.edge)),
            hosts=[(HERE, HOST)], host=dns.host)
        own = ca.issue("prosody", dns=[OURS, OUR_ROOMS])
        self.inside = Prosody(
            directory / "prosody", hosts={OURS: own}, rooms={OUR_ROOMS: own}, trust=ca.cert, dns=self.split_dns.address,
            s2s=self._inside, users=("bob",))
        self.partner = Ejabberd(
            directory / "ejabberd", hosts=[THEIRS], certificates=[ca.issue("ejabberd", dns=[THEIRS, THEIR_ROOMS])],
            trust=ca.cert, dns=dns.address, s2s=self._partner, users=("carol",))

    def spawn(self):
        """Start them; they take seconds, so do something else meanwhile."""
        for server in (self.partner, self.inside):
            server.spawn()

    def wait(self):
        for server in (self.inside, self.partner):
            server.wait()

    def close(self):
        for server in (self.inside, self.partner):
            if server:
                server.kill()
        if self.split_dns:
            self.split_dns.stop()
        for port in (self.edge, self._inside, self._partner):
            port.close()
