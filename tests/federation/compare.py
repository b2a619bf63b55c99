"""What a chain of proxies may change in a message, and nothing else: the bytes sent against the bytes that came.

A proxy adds its Via, marks the Via below it with received and rport, counts Max-Forwards down, adds its
Record-Route, takes its own Routes off, and takes headers of trust off at a border. All other lines, the start line
and the body stay as they were, byte for byte.
"""

import re

from support import sip

# Taken off what comes from a zone that is not trusted.
TRUST_HEADERS = ("p-asserted-identity", "p-preferred-identity", "remote-party-id", "ms-edge-proxy-message-trust",
                 "ms-asserted-verification-level")
# What a receiver adds to the Via of its sender (RFC 3261, 18.2.1; RFC 3581).
RECEIVED = re.compile(rb";(received=[0-9a-fA-F.:\[\]]+|rport=\d+)")


def _host(value):
    return sip.uri_host_port(sip.uri_of(value))[0].lower()


def _foreign_routes(line, names):
    """A Route or Record-Route line without the values of those hosts; None when nothing is left."""
    name, _, value = sip.text(line).partition(":")
    values = sip.split_values(value)
    foreign = [value for value in values if _host(value) not in names]
    if len(foreign) == len(values):
        return line
    return sip.raw(f"{name}: {', '.join(foreign)}") if foreign else None


def _request_lines(message, names, added_vias):
    """The lines that must be equal on both sides."""
    out, via = [], 0
    for line in message.lines:
        name = message.name_of(line)
        if name == "via":
            via += 1
            if via <= added_vias:
                continue
            if via == added_vias + 1:
                line = RECEIVED.sub(b"", line)
        elif name == "max-forwards" or name in TRUST_HEADERS:
            continue
        elif name in ("route", "record-route"):
            line = _foreign_routes(line, names)
        if line is not None:
            out.append(line)
    return out


def _first_difference(sent, got):
    for i in range(max(len(sent), len(got))):
        a, b = (lines[i] if i < len(lines) else b"(nothing)" for lines in (sent, got))
        if a != b:
            return a, b
    return None


def request(sent, got, names, hops):
    """(what, expected bytes, bytes that came) of the first change that is not allowed, or None.

    `names`: the host names of the proxies between; `hops`: how many of them.
    """
    if sent.start != got.start:
        return "the request line changed", sent.start, got.start
    difference = _first_difference(_request_lines(sent, names, 0), _request_lines(got, names, hops))
    if difference:
        return "a header line changed", *difference
    if sent.body != got.body:
        return "the body changed", sent.body, got.body
    return None


def response(sent, got, hops):
    """The same for a response: only the topmost Vias, one for each proxy, go."""
    if sent.start != got.start:
        return "the status line changed", sent.start, got.start
    lines, via = [], 0
    for line in sent.lines:
        if sent.name_of(line) == "via":
            via += 1
            if via <= hops:
                continue
        lines.append(line)
    difference = _first_difference(lines, got.lines)
    if difference:
        return "a header line of a response changed", *difference
    if sent.body != got.body:
        return "the body of a response changed", sent.body, got.body
    return None
