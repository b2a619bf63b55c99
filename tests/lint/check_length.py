#!/usr/bin/env python3
"""Files of at most 800 lines, functions of at most 80 (from 60 on it says so: think again)."""

import sys
from pathlib import Path

import tree

FILE_MAX = 800
FUNCTION_WARN = 60
FUNCTION_MAX = 80


def functions(lines):
    """(line, name, length) of each C function. clang-format puts its braces, and no others, in column 0."""
    start, name = None, ""
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
            head = number - 2
            while head >= 0 and "(" not in lines[head]:
                head -= 1
            while head > 0 and lines[head][:1].isspace():
                head -= 1
            name = lines[head].split("(")[0].split()[-1].lstrip("*")
        elif line == "}" and start is not None:
            yield start, name, number - start - 1
            start = None


def problems_of(root, path):
    lines = tree.text(root, path).splitlines()
    if len(lines) > FILE_MAX:
        yield f"{path}: {len(lines)} lines; split it: at most {FILE_MAX}"
    if path.suffix not in (".c", ".h"):
        return
    for line, name, length in functions(lines):
        if length > FUNCTION_MAX:
            yield f"{path}:{line}: {name} has {length} lines; at most {FUNCTION_MAX}"
        elif length > FUNCTION_WARN:
            print(f"# {path}:{line}: {name} has {length} lines; can it be less than {FUNCTION_WARN}?")


def main():
    root = Path(sys.argv[1])
    paths = tree.files(root, ".c", ".h", ".py", ".sh")
    paths += [path for path in tree.files(root, "") if path.parts[0] == "script"]
    tree.report({str(path): list(problems_of(root, path)) for path in paths})


if __name__ == "__main__":
    main()
