"""A private CA and its certificates, made at run time with the `openssl` command.

    ca = pki.CA(directory)
    edge = ca.issue("edge", dns=["sip.ms.example"])       # edge.cert, edge.key: pathlib.Path
    crl = ca.crl([revoked])                               # a PEM CRL that names the certificates given

Keys are P-256: fast to make and accepted everywhere. A certificate is made once per label and kept.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


@dataclass(frozen=True)
class Certificate:
    """A certificate file (leaf first) with its key."""

    cert: Path
    key: Path


def _openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {args[0]} failed:\n{done.stderr}")
    return done.stdout


def self_signed(directory, label, dns):
    """A certificate for those names that is its own CA."""
    made = Certificate(Path(directory) / f"{label}.pem", Path(directory) / f"{label}.key")
    if not made.cert.exists():
        names = ",".join(f"DNS:{name}" for name in dns)
        _openssl("req", "-x509", "-days", 60, *EC_KEY, "-nodes", "-subj", f"/CN={dns[0]}", "-keyout", made.key, "-out",
                 made.cert, "-addext", f"subjectAltName={names}")
    return made


class CA:
    """One certificate authority with its files in `directory`/`name`; with `parent`, an intermediate one below that."""

    def __init__(self, directory, name="ca", parent=None):
        self.dir = Path(directory) / name
        self.dir.mkdir(parents=True, exist_ok=True)
        self.cert = self.dir / "ca.pem"
        self.key = self.dir / "ca.key"
        self.parent = parent
        self._crls = 0
        self._config = self.dir / "ca.cnf"
        if self.cert.exists():
            return
        (self.dir / "index.txt").write_text("")
        (self.dir / "serial").write_text("1000\n")
        self._config.write_text(
            "[ca]\ndefault_ca=d\n[d]\n"
            f"dir={self.dir}\ndatabase={self.dir}/index.txt\nserial={self.dir}/serial\n"
            f"new_certs_dir={self.dir}\ncertificate={self.cert}\nprivate_key={self.key}\n"
            "default_md=sha256\ndefault_days=60\ndefault_crl_days=30\npolicy=p\nunique_subject=no\n"
            "copy_extensions=copy\n[p]\ncommonName=optional\n")
        options = [*EC_KEY, "-nodes", "-subj", f"/CN=Private test CA {name}", "-keyout", self.key,
                   "-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        if parent:
            request = self.dir / "ca.csr"
            _openssl("req", "-new", *options, "-out", request)
            parent.sign(request, self.cert)
        else:
            _openssl("req", "-x509", "-days", 60, *options, "-out", self.cert)

    def sign(self, request, out, *options):
        """Make the certificate that the request asks for."""
        _openssl("ca", "-batch", "-notext", "-config", self._config, "-in", request, "-out", out, *options)
        request.unlink()

    def issue(self, label, dns=(), uris=(), others=(), cn="", expired=False, eku="serverAuth,clientAuth", key=(),
              digest="sha256", extension=None):
        """
        A certificate with those SAN dNSNames, URIs and other names ("OID;TYPE:value"); none of these: no SAN at all. `eku`
        None: no stated use. `key`: options of `openssl req` for another kind of key. `extension`: one more, in openssl's
        words. An intermediate CA's own certificate follows in the same file.
        """
        made = Certificate(self.dir / f"{label}.pem", self.dir / f"{label}.key")
        if made.cert.exists():
            return made
        request = self.dir / f"{label}.csr"
        extensions = ["-addext", "basicConstraints=CA:false"]
        names = [f"DNS:{n}" for n in dns] + [f"URI:{u}" for u in uris] + [f"otherName:{o}" for o in others]
        if extension:
            extensions += ["-addext", extension]
        if names:
            # A certificate without a subject must have a critical SAN (RFC 5280, 4.2.1.6).
            critical = "" if cn else "critical,"
            extensions += ["-addext", f"subjectAltName={critical}{','.join(names)}"]
        if eku:
            extensions += ["-addext", f"extendedKeyUsage={eku}"]
        _openssl("req", "-new", *(key or EC_KEY), "-nodes", "-subj", f"/CN={cn}" if cn else "/", "-keyout", made.key,
                 "-out", request, *extensions)
        when = ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"] if expired else []
        self.sign(request, made.cert, "-md", digest, *when)
        if self.parent:
            made.cert.write_text(made.cert.read_text() + self.cert.read_text())
        return made

    def crl(self, revoked=(), expired=False):
        """A CRL file of this CA that lists `revoked`; `expired`: its next update is past."""
        for certificate in revoked:
            serial = _openssl("x509", "-noout", "-serial", "-in", certificate.cert).strip().split("=")[1]
            if f"R\t" not in self._entry(serial):
                _openssl("ca", "-config", self._config, "-revoke", certificate.cert)
        self._crls += 1
        path = self.dir / f"crl{self._crls}.pem"
        (self.dir / "index.txt.attr").touch()
        when = ["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200201000000Z"] if expired else []
        _openssl("ca", "-gencrl", "-config", self._config, "-out", path, *when)
        return path

    def _entry(self, serial):
        for line in (self.dir / "index.txt").read_text().splitlines():
            if line.split("\t")[3].lower() == serial.lower():
                return line
        return ""
