"""Kamailio, a SIP server that this project did not write: its configuration."""

import os
import shutil
from pathlib import Path

_SBIN = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
_MODULES = ("tls", "tm", "pv", "sl", "maxfwd", "textops", "siputils")  # that every proxy wants
_FOLDER = next(Path("/usr/lib").glob("*/kamailio/modules"), Path())
PROGRAM = shutil.which("kamailio", path=_SBIN)


def command(directory, *, listen, certificate, ca, settings="", modules=(), route="", tls_method="TLSv1.2+", memory_mib=64):
    """
    Write the configuration of a Kamailio that demands and shows certificates, and return what to start. `settings` stands
    before the modules (core parameters), `route` after them (their parameters, and the routes).
    """
    directory = Path(directory)
    side = f"""method = {tls_method}
verify_certificate = yes
require_certificate = yes
private_key = {certificate.key}
certificate = {certificate.cert}
ca_list = {ca}
"""
    (directory / "tls.cfg").write_text(f"[server:default]\n{side}[client:default]\n{side}")
    loaded = "\n".join(f'loadmodule "{name}.so"' for name in (*_MODULES, *modules))
    file = directory / "kamailio.cfg"
    file.write_text(f"""#!KAMAILIO
log_stderror=yes
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
listen={listen}
{settings}
mpath="{_FOLDER}"
{loaded}
modparam("tls", "config", "{directory}/tls.cfg")
{route}
""")
    return [PROGRAM, "-DD", "-E", "-f", str(file), "-Y", str(directory), "-w", str(directory),
            "-m", str(memory_mib)]
