"""The files that lint looks at, and how it reports: TAP on stdout, one case a file, problems on stderr."""

import subprocess
import sys
from pathlib import Path


def files(root, *suffixes):
    """Paths relative to `root` of all files git would commit (outside git: all but build folders)."""
    root = Path(root)
    git = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False)
    if git.returncode == 0:
        found = [Path(name) for name in git.stdout.split("\0") if name]
    else:
        found = [path.relative_to(root) for path in root.rglob("*")
                 if not path.relative_to(root).parts[0].startswith(("build", "."))]
    return sorted(path for path in set(found)
                  if (root / path).is_file() and (not suffixes or path.suffix in suffixes))


def text(root, path):
    """The file's text; a byte that is no UTF-8 does not stop a check."""
    return (Path(root) / path).read_text(encoding="utf-8", errors="replace")


def report(cases):
    """Print {case: [problem, ...]} and exit."""
    failed = 0
    for number, (name, problems) in enumerate(cases.items(), 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        failed += bool(problems)
        for problem in problems:
            print(problem, file=sys.stderr)
    print(f"1..{len(cases)}")
    sys.exit(1 if failed else 0)
