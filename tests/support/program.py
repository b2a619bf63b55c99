"""The program at its command line, on files that a case writes."""

import json
import os
import re
import resource
import subprocess
import tempfile
import unittest
from pathlib import Path

CPU_SECONDS = 60
MEMORY_BYTES = 2 << 30
REQUEST_KEYS = ("alias", "from", "protocol", "variant", "authenticated")


def _limit():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    # AddressSanitizer reserves far more addresses than it uses.
    if b"__asan_init" not in Path(os.environ["CAUSEWAY"]).read_bytes():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def request(alias, source="default", protocol="sip", variant="ms-imp", authenticated=False):
    """A request as witnesses and recorded requests describe one."""
    return dict(zip(REQUEST_KEYS, (alias, source, protocol, variant, authenticated)))


class Program(unittest.TestCase):
    """A case with a directory of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    def causeway(self, *args):
        """Exit status, standard output and error; CPU time and memory of the program are bounded."""
        done = subprocess.run(
            [os.environ["CAUSEWAY"], *args], cwd=self.path, capture_output=True, timeout=100, preexec_fn=_limit
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self, *args, statuses=(0, 1)):
        """Exit status and the object printed; nothing may be said beside it."""
        code, out, err = self.causeway(*args)
        self.assertEqual(err, "", args)
        self.assertIn(code, statuses, args)
        return code, json.loads(out)

    def locate(self, conf, req):
        """What locate says of a request, the alias of which it must take as it stands.

        The scheme goes before it, because `bob:secret@x` would seem to have one. Bytes that are no UTF-8 are written
        as \\xHH wherever the program prints an alias.
        """
        alias = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), req["alias"].encode())
        scheme = b"sip:" if req["protocol"] == "sip" else b""
        _, got = self.json(
            "locate", "-c", conf, "--json", "--from", req["from"], "--protocol", req["protocol"],
            "--variant", req["variant"], *(["--authenticated"] if req["authenticated"] else []), "--", scheme + alias
        )
        self.assertEqual([got[k] for k in REQUEST_KEYS], [req[k] for k in REQUEST_KEYS])
        return got

    def verdicts(self, conf, req):
        return {c["rule"]: c["verdict"] for c in self.locate(conf, req)["considered"]}
