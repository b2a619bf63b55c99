#!/usr/bin/env python3
"""Every external name of a component library begins with cw_: the rest belongs to libraries and to C."""

import subprocess
import sys
from pathlib import Path

import tree


def problems_of(library):
    listing = subprocess.run(
        ["nm", "--extern-only", "--defined-only", "--format=posix", library],
        capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        words = line.split()
        # names that begin with two underscores are the compiler's (sanitizers, coverage)
        if len(words) >= 2 and not words[0].startswith(("cw_", "__")):
            yield f"{library.name}: {words[0]} is external and does not begin with cw_"


def main():
    libraries = sorted(Path(sys.argv[1]).rglob("libcw-*.a"))
    if not libraries:
        sys.exit(f"no component library in {sys.argv[1]}")
    tree.report({library.name: list(problems_of(library)) for library in libraries})


if __name__ == "__main__":
    main()
