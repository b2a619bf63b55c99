"""ejabberd, an XMPP server that this project did not write.

    ejabberd = Ejabberd(directory, hosts=["b.test"], certificates=[certificate], trust=ca.cert, dns=dns.address,
                        users=("bob",))
    ejabberd.start()
    ejabberd.c2s.number, ejabberd.s2s.number    # the ports that it listens on

Every user exists in every host and has PASSWORD. Each host has rooms in muc.HOST. It asks `dns` for SRV records only: the
addresses of their targets come from the system's resolver, so the targets must be names that every machine knows (localhost).

It runs as an Erlang node without a name: no epmd is needed, and none is left behind.
"""

import shutil
from pathlib import Path

from support.server import HOST, Port, Server
from support.xmpp_client import PASSWORD

_ERL = shutil.which("erl")
_LIBRARIES = next((path.parent for path in Path("/usr/lib").glob("*/ejabberd-*")), None)
IS_INSTALLED = bool(_ERL and _LIBRARIES)
_READY = "the users are there"
MODULES = ("mod_disco", "mod_ping", "mod_roster", "mod_s2s_dialback", "mod_stream_mgmt", "mod_version")


class Ejabberd(Server):
    """
    One ejabberd. `s2s`: the Port for other servers, where it must be known before (for DNS). `certificates`: of all hosts.
    `starttls`: false, optional or required. `components`: {name: secret}.
    """

    def __init__(self, directory, *, hosts, certificates=(), components=None, trust, dns, s2s=None, users=(),
                 starttls="required", name="ejabberd"):
        super().__init__(directory, name)
        self.hosts, self.certificates, self.components = hosts, certificates, components or {}
        self.trust, self.dns, self.users, self.starttls = trust, dns, users, starttls
        self.s2s, self.c2s, self.component = s2s or Port(), Port(), Port()
        self._starts = 0
        (self.dir / "ejabberd.yml").write_text(self.configuration())
        host, _, port = dns.rpartition(":")
        (self.dir / "inetrc").write_text(
            '{hosts_file, ""}.\n{resolv_conf, ""}.\n'
            f'{{nameserver, {{{host.replace(".", ",")}}}, {port}}}.\n{{lookup, [dns]}}.\n')

    def configuration(self):
        files = [str(file) for certificate in self.certificates for file in (certificate.cert, certificate.key)]
        listeners = [f"  - {{port: {self.c2s.number}, ip: {HOST}, module: ejabberd_c2s}}",
                     f"  - {{port: {self.s2s.number}, ip: {HOST}, module: ejabberd_s2s_in}}"]
        if self.components:
            listeners += [f"  - port: {self.component.number}", f"    ip: {HOST}", "    module: ejabberd_service",
                          "    access: all", "    global_routes: false", "    hosts:"]
            listeners += [f"      {name}: {{password: {secret}}}" for name, secret in self.components.items()]
        return "\n".join([
            "loglevel: info", "log_rotate_count: 0", f"hosts: [{', '.join(self.hosts)}]",
            f"certfiles: [{', '.join(files)}]", f"ca_file: {self.trust}", f"s2s_cafile: {self.trust}",
            f"s2s_use_starttls: {self.starttls}", "s2s_dns_timeout: 5", "outgoing_s2s_families: [ipv4]",
            "auth_method: internal", "auth_password_format: plain", "listen:", *listeners,
            "shaper_rules: {s2s_shaper: none}", "modules:",
            *(f"  {module}: {{}}" for module in MODULES), '  mod_muc: {host: "muc.@HOST@"}', ""])

    def environment(self):
        return {"EJABBERD_CONFIG_PATH": str(self.dir / "ejabberd.yml"), "EJABBERD_LOG_PATH": str(self.dir / "ejabberd.log"),
                "SPOOL_DIR": str(self.dir), "HOME": str(self.dir), "ERL_INETRC": str(self.dir / "inetrc"),
                "ERL_LIBS": str(_LIBRARIES), "ERL_MAX_ETS_TABLES": "1400", "ERL_CRASH_DUMP_BYTES": "0"}

    def command(self):
        users = ", ".join(f'{{<<"{user}">>, <<"{host}">>}}' for user in self.users for host in self.hosts)
        prepare = (f'[ejabberd_auth:try_register(U, H, <<"{PASSWORD}">>) || {{U, H}} <- [{users}]], '
                   f'io:format("~s~n", ["{_READY}"]).')
        return [_ERL, "-noinput", "+K", "true", "+S", "2", "-mnesia", "dir", f'"{self.dir}/database"', "-ejabberd",
                "log_rate_limit", "1000", "-s", "ejabberd", "-eval", prepare]

    def spawn(self):
        self._starts += 1
        return super().spawn()

    @property
    def log(self):
        file = self.dir / "ejabberd.log"
        return super().log + (file.read_text("utf-8", "replace") if file.exists() else "")

    def is_ready(self):
        return self._log.read_text("utf-8", "replace").count(_READY) >= self._starts
