#!/usr/bin/env python3
"""Who may include whom, where the vendors' headers live, and in which order includes stand."""

import re
import sys
from pathlib import Path

import tree

# A component may include itself and these. Never sip <-> xmpp, never anything -> admin or daemon.
MAY_INCLUDE = {
    "core": set(),
    "certs": {"core"},
    "net": {"core", "certs"},
    "dialplan": {"core"},
    "regular": {"core", "dialplan"},
    "analysis": {"core", "dialplan", "regular"},
    "relay": {"core", "net", "dialplan"},
    "sip": {"core", "certs", "net", "dialplan", "relay"},
    "xmpp": {"core", "certs", "net", "dialplan", "relay"},
    "admin": {"core", "certs", "net", "dialplan", "analysis"},
    "daemon": {"core", "certs", "net", "dialplan", "relay", "sip", "xmpp", "admin", "analysis"},
}
MAY_INCLUDE["tests"] = set(MAY_INCLUDE)

# Header (or folder of headers) of a vendor -> the folders, or beginnings of file names, that may use it.
# Tests may use all of them.
VENDOR_HOMES = {
    "check.h": (),
    "event2/": ("net/",),
    "expat.h": ("xmpp/",),
    "fa.h": (),
    "jansson.h": ("admin/", "daemon/"),
    "malloc.h": ("daemon/",),  # glibc's own
    "openssl/": ("certs/", "net/connection"),
    "pcre2.h": ("dialplan/",),
    "sofia-sip/": ("sip/",),
    "strophe.h": ("xmpp/",),
    "systemd/": ("daemon/",),
    "udns.h": ("net/",),
    "unicode/": ("xmpp/",),
}

SYSTEM = set("""
    assert.h ctype.h dirent.h dlfcn.h endian.h errno.h fcntl.h getopt.h glob.h grp.h inttypes.h limits.h
    locale.h math.h netdb.h poll.h pthread.h pwd.h signal.h stdarg.h stdbool.h stddef.h stdint.h
    stdio.h stdlib.h string.h strings.h syslog.h termios.h time.h unistd.h""".split())
SYSTEM_FOLDERS = ("arpa/", "linux/", "net/", "netinet/", "sanitizer/", "sys/")

GENERATED = {"core/version.h"}
ORDER = ["its own header", "ours", "a vendor's", "the system's"]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]', re.M)


def vendor_of(header):
    for vendor in VENDOR_HOMES:
        if header == vendor or (vendor.endswith("/") and header.startswith(vendor)):
            return vendor
    return None


def is_own(path, header):
    """Whether `header` is the one that the .c file `path` implements or tests."""
    stem = path.stem
    for prefix in ("test_", "fuzz_"):
        stem = stem.removeprefix(prefix)
    if path.parts[0] == "tests":
        return Path(header).stem == stem
    return Path(header) == path.with_suffix(".h")


def problem_of_ours(root, path, header):
    component, target = path.parts[0], header.split("/")[0]
    if "/" not in header:
        return f'write includes from the root: "{path.parent}/{header}"'
    if header not in GENERATED and not (root / header).is_file():
        return f'"{header}" does not exist'
    if target not in MAY_INCLUDE:
        return f"{target}/ has no row in MAY_INCLUDE of tests/lint/check_includes.py"
    if target != component and target not in MAY_INCLUDE[component]:
        allowed = ", ".join(sorted(MAY_INCLUDE[component])) or "nothing else"
        return f'{component}/ must not include "{header}": it may include {allowed}'
    return None


def problem_of_system(path, header):
    vendor = vendor_of(header)
    if vendor:
        homes = VENDOR_HOMES[vendor]
        if path.parts[0] != "tests" and not path.as_posix().startswith(homes or ("tests/",)):
            return f"<{header}> lives in {', '.join(homes) or 'tests/'} only"
        return None
    if header in SYSTEM or header.startswith(SYSTEM_FOLDERS):
        return None
    return f"<{header}> is unknown: give it a home in tests/lint/check_includes.py"


def problems_of(root, path):
    component = path.parts[0]
    if component not in MAY_INCLUDE:
        yield f"{path}: {component}/ has no row in MAY_INCLUDE of tests/lint/check_includes.py"
        return
    content = tree.text(root, path)
    last = 0
    seen_own = False
    for match in INCLUDE.finditer(content):
        quote, header = match.groups()
        place = f"{path}:{content.count(chr(10), 0, match.start()) + 1}"
        if quote == '"':
            problem = problem_of_ours(root, path, header)
            own = not seen_own and path.suffix == ".c" and is_own(path, header)
            seen_own |= own
            rank = 0 if own else 1
        else:
            problem = problem_of_system(path, header)
            rank = 2 if vendor_of(header) else 3
        if problem:
            yield f"{place}: {problem}"
        if header.startswith("sanitizer/"):
            continue  # stands under an #if
        if rank < last:
            yield f"{place}: {ORDER[rank]} headers stand before {ORDER[last]}"
        last = max(last, rank)


def main():
    root = Path(sys.argv[1])
    tree.report({str(path): list(problems_of(root, path)) for path in tree.files(root, ".c", ".h")})


if __name__ == "__main__":
    main()
