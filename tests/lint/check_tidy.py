#!/usr/bin/env python3
"""clang-tidy, with .clang-tidy, over the files of the project that this build compiles."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree


def sources(root, build):
    """The .c files of the project, without the tests, relative to `root`."""
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    paths = {(build / command["file"]).resolve().relative_to(root) for command in commands}
    return sorted(path for path in paths if path.suffix == ".c" and path.parts[0] != "tests")


def problems_of(tidy, root, build, path):
    result = subprocess.run(
        [tidy, "--quiet", "-p", build, root / path],
        cwd=root, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return []
    # the notes tell the way that the analyzer went, in hundreds of lines: ask clang-tidy itself for them
    errors = re.findall(r"^\S*?((?:\w+/)*\w+\.[ch]:\d+:\d+: error: .*)$", result.stdout, re.M)
    return errors or [result.stdout + result.stderr]


def main():
    tidy, root, build = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
    paths = sources(root, build)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda path: problems_of(tidy, root, build, path), paths)
        tree.report({str(path): problems for path, problems in zip(paths, found)})


if __name__ == "__main__":
    main()
