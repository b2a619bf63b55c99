"""A small DNS client: A and SRV records over UDP, asked of one server, as the stand-ins need it.

    dns = DnsClient("127.0.0.1", 5353)
    dns.srv("_sipfederationtls._tcp.ms.example")    # [Srv(priority, weight, port, target)]
    dns.addresses("sip.ms.example")                 # ["127.0.0.3"]

Names without a record give an empty list.
"""

import os
import socket
import struct
from dataclasses import dataclass

A, SRV = 1, 33


@dataclass(frozen=True)
class Srv:
    """One SRV record; `target` in lower case, without the dot at the end."""

    priority: int
    weight: int
    port: int
    target: str


def _name(data, at):
    """(name, offset behind it) at `at`, compression followed."""
    labels, behind = [], None
    while data[at]:
        if data[at] & 0xC0:
            behind = behind or at + 2
            at = struct.unpack_from("!H", data, at)[0] & 0x3FFF
            continue
        labels.append(data[at + 1:at + 1 + data[at]].decode("ascii"))
        at += 1 + data[at]
    return ".".join(labels).lower(), behind or at + 1


class DnsClient:
    def __init__(self, host, port):
        self.server = (host, port)

    def _ask(self, name, kind):
        """The offset of each answer's data of that type, with the whole reply."""
        ident = os.urandom(2)
        question = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.rstrip(".").split("."))
        query = ident + struct.pack("!5H", 0x100, 1, 0, 0, 0) + question + struct.pack("!BHH", 0, kind, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect(self.server)
            sock.send(query)
            reply = sock.recv(4096)
        if reply[:2] != ident:
            raise RuntimeError("the DNS server answered another question")
        answers = struct.unpack_from("!H", reply, 6)[0]
        at = _name(reply, 12)[1] + 4
        found = []
        for _ in range(answers):
            at = _name(reply, at)[1]
            got, _, _, length = struct.unpack_from("!HHIH", reply, at)
            at += 10
            if got == kind:
                found.append(at)
            at += length
        return reply, found

    def srv(self, name):
        reply, found = self._ask(name, SRV)
        return [Srv(*struct.unpack_from("!3H", reply, at), _name(reply, at + 6)[0]) for at in found]

    def addresses(self, name):
        reply, found = self._ask(name, A)
        return [socket.inet_ntoa(reply[at:at + 4]) for at in found]
