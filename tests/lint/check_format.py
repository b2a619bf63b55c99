#!/usr/bin/env python3
"""clang-format 14 has nothing to change. Mend with: clang-format-14 -i FILE."""

import re
import subprocess
import sys
from pathlib import Path

import tree


def main():
    formatter, root = sys.argv[1], Path(sys.argv[2])
    paths = tree.files(root, ".c", ".h")
    result = subprocess.run(
        [formatter, "--dry-run", "--Werror", *map(str, paths)],
        cwd=root, capture_output=True, text=True, check=False)
    problems = {str(path): [] for path in paths}
    for line in result.stderr.splitlines():
        match = re.match(r"(.*?):\d+:\d+: ", line)
        if match and match[1] in problems:
            problems[match[1]].append(line)
    if result.returncode and not any(problems.values()):
        sys.exit(f"{formatter}: {result.stderr}")
    tree.report(problems)


if __name__ == "__main__":
    main()
