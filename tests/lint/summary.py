#!/usr/bin/env python3
"""Sum up runs of `meson test`: show what failed, then count the cases of all runs in one last line.

A test that speaks TAP has many cases; one that does not is one case.
"""

import json
import re
import sys
from pathlib import Path

OUTPUT_LINES_MAX = 120
CASE = re.compile(r"^(not )?ok\b[^#\n]*(# (?:skip|todo)\b)?", re.I | re.M)


def count(test):
    """(passed, failed, skipped) of one test."""
    if test["result"] == "SKIP":
        return 0, 0, 1
    passed = failed = skipped = 0
    for not_ok, directive in CASE.findall(test.get("stdout", "")):
        if directive:
            skipped += 1
        elif not_ok:
            failed += 1
        else:
            passed += 1
    if test["result"] not in ("OK", "EXPECTEDFAIL"):
        failed = max(failed, 1)  # a crash or a timeout fails although no case said so
    elif passed + failed + skipped == 0:
        passed = 1
    return passed, failed, skipped


def show(test):
    print(f"\n-- failed: {test['name']} ({test['result']}, status {test.get('returncode', '?')})")
    for stream in ("stdout", "stderr"):
        lines = [line for line in test.get(stream, "").splitlines() if not line.startswith("ok ")]
        if len(lines) > OUTPUT_LINES_MAX:
            print(f"   ... {len(lines) - OUTPUT_LINES_MAX} lines of {stream} left out")
        for line in lines[-OUTPUT_LINES_MAX:]:
            print(f"   {line}")


def main():
    passed = failed = skipped = 0
    for log in map(Path, sys.argv[1:]):
        totals = [0, 0, 0]
        for line in log.read_text(encoding="utf-8").splitlines():
            test = json.loads(line)
            counts = count(test)
            totals = [a + b for a, b in zip(totals, counts)]
            if counts[1]:
                show(test)
        print(f"{log.stem}: {totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
        passed, failed, skipped = passed + totals[0], failed + totals[1], skipped + totals[2]
    print()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
