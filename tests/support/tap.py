"""Runs one file of unittest cases and prints TAP, so that Meson counts each case.

    python3 tests/support/tap.py tests/scenario/test_x.py [PART-OF-A-NAME ...]

The file imports the helpers as `from support import ...`. Exit: 0 all well, 1 a case failed.
"""

import importlib.util
import logging
import sys
import traceback
import unittest
from pathlib import Path


def _note(text):
    for line in str(text).splitlines():
        print(f"# {line}", flush=True)


def _failure(err):
    """What went wrong, in our own frames."""
    kind, value, trace = err
    frames = [f for f in traceback.extract_tb(trace) if "/unittest/" not in f.filename and "/asyncio/" not in f.filename]
    _note("".join(traceback.format_list(frames) + traceback.format_exception_only(kind, value)))


def _surroundings(test):
    """What each endpoint received, and the end of each daemon's and each server's log."""
    for lab in getattr(test, "labs", ()):
        for endpoint in lab.endpoints:
            _note(f"{endpoint.name} received {endpoint.history[-5:]}")
        if lab.daemon and lab.daemon.process:
            _note("daemon: " + "\ndaemon: ".join(lab.daemon.stderr.splitlines()[-12:]))
    for server in getattr(test, "servers", ()):
        _note(f"{server.name} logged: " + f"\n{server.name} logged: ".join(server.log.splitlines()[-12:]))


class TapResult(unittest.TestResult):
    """Prints one line per case as it ends; what went wrong follows as comment lines."""

    def __init__(self):
        super().__init__()
        self.number = 0
        self._problems = []  # (test or part of it, what was raised) of the case that runs
        self._skipped = ""

    def startTest(self, test):
        super().startTest(test)
        self._problems, self._skipped = [], ""

    def stopTest(self, test):
        super().stopTest(test)
        self.number += 1
        name = test.id().split(".", 1)[-1].replace("#", "")
        print(f"{'not ok' if self._problems else 'ok'} {self.number} - {name}{self._skipped}", flush=True)
        for part, err in self._problems:
            if part is not test:
                _note(part.id())
            _failure(err)
        if self._problems:
            _surroundings(test)

    def addError(self, test, err):
        super().addError(test, err)
        if isinstance(test, unittest.TestCase):
            self._problems.append((test, err))
        else:  # what a class or module does before and after its cases
            _note(test.id())
            _failure(err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._problems.append((test, err))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self._problems.append((subtest, err))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._skipped = f" # SKIP {reason}"


def _cases(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _cases(item)
        else:
            yield item


def run(path, words=()):
    """Run the cases of the file whose names hold one of `words` (all without words)."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    # Refused handshakes are what many cases are about; asyncio would print a traceback for each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loaded = unittest.defaultTestLoader.loadTestsFromModule(module)
    cases = [c for c in _cases(loaded) if not words or any(w in c.id() for w in words)]
    print(f"1..{len(cases)}", flush=True)
    result = TapResult()
    unittest.TestSuite(cases).run(result)
    return 0 if result.wasSuccessful() and result.number == len(cases) else 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
