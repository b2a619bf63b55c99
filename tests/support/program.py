"""The program at its command line, on files that a case writes."""

import json
import os
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
        """What locate says of a request; it must take it as it stands, but for a `sip:` before it."""
        _, got = self.json(
            "locate", "-c", conf, "--json", "--from", req["from"], "--protocol", req["protocol"],
            "--variant", req["variant"], *(["--authenticated"] if req["authenticated"] else []), "--", req["alias"]
        )
        wanted = {**req, "alias": req["alias"].removeprefix("sip:")}
        self.assertEqual([got[k] for k in REQUEST_KEYS], [wanted[k] for k in REQUEST_KEYS])
        return got

    def verdicts(self, conf, req):
        return {c["rule"]: c["verdict"] for c in self.locate(conf, req)["considered"]}
