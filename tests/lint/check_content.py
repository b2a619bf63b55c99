#!/usr/bin/env python3
"""No private keys, no programs, no paths of one person's machine: the repository is for everybody."""

import re
import sys
from pathlib import Path

import tree

# Written so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|Users|farm)/[\w.]+")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(?:[\w-]+: [^\n]*\s+)*[A-Za-z0-9+/=]{40}")
CONFLICT = re.compile(r"^(?:<{7} |>{7} )", re.M)


def problems_of(root, path):
    if (root / path).read_bytes()[:4] == b"\x7fELF":
        yield f"{path}: a program; build it instead"
        return
    content = tree.text(root, path)
    for pattern, what in (
            (MACHINE_PATH, "a path of one machine"),
            (PRIVATE_KEY, "a private key; tests make theirs at run time"),
            (CONFLICT, "a conflict that was not solved")):
        match = pattern.search(content)
        if match:
            line = content.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: {what}"


def main():
    root = Path(sys.argv[1])
    tree.report({str(path): list(problems_of(root, path)) for path in tree.files(root)})


if __name__ == "__main__":
    main()
