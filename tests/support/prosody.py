"""Prosody, an XMPP server that this project did not write.

    prosody = Prosody(directory, hosts={"a.test": certificate}, rooms={"muc.a.test": certificate}, trust=ca.cert,
                      dns=dns.address, users=("alice",))
    prosody.start()
    prosody.c2s.number, prosody.s2s.number      # the ports that it listens on

Every user exists in every host and has PASSWORD.
"""

import shutil

from support.server import HOST, Port, Server
from support.xmpp_client import PASSWORD

PROGRAM = shutil.which("prosody")
IS_INSTALLED = bool(PROGRAM)
MODULES = ("dialback", "disco", "ping", "presence", "roster", "saslauth", "smacks", "version")


def _list(words):
    return "{ " + "; ".join(f'"{word}"' for word in words) + " }"


def _file_name(text):
    """How Prosody names a file after a host or a user."""
    return "".join(c if c.isascii() and c.isalnum() else f"%{ord(c):02x}" for c in text)


class Prosody(Server):
    """
    One Prosody. `s2s`: the Port for other servers, where it must be known before (for DNS). `tls` False: it neither offers
    nor uses TLS between servers; `must_encrypt`: it refuses streams without; `must_verify`: it accepts only certificates of a
    trusted CA that name the other domain. `components`: {name: secret}.
    """

    def __init__(self, directory, *, hosts, rooms=None, components=None, trust, dns, s2s=None, users=(), tls=True,
                 must_encrypt=True, must_verify=False, name="prosody"):
        super().__init__(directory, name)
        self.hosts, self.rooms, self.components = hosts, rooms or {}, components or {}
        self.trust, self.dns, self.users = trust, dns, users
        self.tls, self.must_encrypt, self.must_verify = tls, must_encrypt, must_verify
        self.modules = (*MODULES, *(("tls",) if tls else ()))
        self.s2s, self.c2s, self.component = s2s or Port(), Port(), Port()
        (self.dir / "prosody.cfg.lua").write_text(self.configuration())
        for host in hosts:
            accounts = self.dir / "data" / _file_name(host) / "accounts"
            accounts.mkdir(parents=True)
            for user in users:
                (accounts / f"{_file_name(user)}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')

    def configuration(self):
        parts = [f'VirtualHost "{host}"\n{self._ssl(certificate)}' for host, certificate in self.hosts.items()]
        parts += [f'Component "{room}" "muc"\n{self._ssl(certificate)}' for room, certificate in self.rooms.items()]
        parts += [f'Component "{name}"\n  component_secret = "{secret}"\n' for name, secret in self.components.items()]
        dns_host, _, dns_port = self.dns.rpartition(":")
        # libunbound answers NXDOMAIN for .test by itself and asks no server on loopback, unless told otherwise.
        return f"""
pidfile = "{self.dir}/prosody.pid"
data_path = "{self.dir}/data"
run_as_root = true
use_ipv6 = false
interfaces = {{ "{HOST}" }}
c2s_ports = {{ {self.c2s.number} }}
s2s_ports = {{ {self.s2s.number} }}
component_ports = {{ {self.component.number} }}
component_interfaces = {{ "{HOST}" }}
modules_enabled = {_list(self.modules)}
modules_disabled = {{ "posix"; "s2s_direct_tls"; "c2s_direct_tls" }}
unbound = {{
  resolvconf = false; hoststxt = false; forward = "{dns_host}@{dns_port}";
  options = {{ ["local-zone:"] = "test. transparent"; ["do-not-query-localhost:"] = "no" }}
}}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
s2s_require_encryption = {str(self.must_encrypt).lower()}
s2s_secure_auth = {str(self.must_verify).lower()}
authentication = "internal_plain"
storage = "internal"
log = {{ debug = "{self.dir}/prosody.log" }}
ssl = {{ cafile = "{self.trust}"; verifyext = {{ "lsec_continue"; "lsec_ignore_purpose" }} }}
certificates = "{self.dir}"
{chr(10).join(parts)}"""

    def _ssl(self, certificate):
        return (f'  ssl = {{ certificate = "{certificate.cert}"; key = "{certificate.key}"; cafile = "{self.trust}";\n'
                '          verifyext = { "lsec_continue"; "lsec_ignore_purpose" } }\n')

    @property
    def log(self):
        file = self.dir / "prosody.log"
        return super().log + (file.read_text("utf-8", "replace") if file.exists() else "")

    def command(self):
        return [PROGRAM, "-F", "--config", str(self.dir / "prosody.cfg.lua")]

    def is_ready(self):
        ports = [self.c2s, self.s2s] + ([self.component] if self.components else [])
        return all(port.listens() for port in ports)
