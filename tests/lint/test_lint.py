#!/usr/bin/env python3
"""Each check finds what it is there for, and leaves what is right alone."""

import importlib
import tempfile
from pathlib import Path

import tree

GUARD = "/* What it owns. */\n#ifndef CW_CORE_X_H\n#define CW_CORE_X_H\n%s\n#endif\n"

# (case, check, {file: content}, what it must say; None: nothing)
CASES = [
    ("an include against the direction", "includes",
     {"core/x.c": '#include "net/loop.h"\n', "net/loop.h": ""}, "core/ must not include"),
    ("an include in the direction", "includes",
     {"net/x.c": '#include "core/str.h"\n', "core/str.h": ""}, None),
    ("a vendor's header away from home", "includes",
     {"sip/x.c": "#include <openssl/ssl.h>\n"}, "lives in certs/, net/connection only"),
    ("a vendor's header at home", "includes", {"net/connection_tls.c": "#include <openssl/ssl.h>\n"}, None),
    ("a header that nobody knows", "includes", {"core/x.c": "#include <glib.h>\n"}, "is unknown"),
    ("an include that is not from the root", "includes", {"core/x.c": '#include "str.h"\n'}, "from the root"),
    ("a header that is not there", "includes", {"core/x.c": '#include "core/y.h"\n'}, "does not exist"),
    ("ours behind the system's", "includes",
     {"core/x.c": '#include <errno.h>\n#include "core/y.h"\n', "core/y.h": ""}, "stand before"),
    ("a folder without a row", "includes", {"extra/x.c": ""}, "no row in MAY_INCLUDE"),
    ("a prototype without a comment", "docs", {"core/x.h": GUARD % "void cw_x_go(void);"}, "no comment"),
    ("a comment that stands apart", "docs",
     {"core/x.h": GUARD % "/* Go. */\n\nvoid cw_x_go(void);"}, "no comment"),
    ("an int without Returns", "docs",
     {"core/x.h": GUARD % "/* Go. */\nint cw_x_go(void);"}, 'no "Returns"'),
    ("an inline int without Returns", "docs",
     {"core/x.h": GUARD % "/* Go. */\nstatic inline int cw_x_go(void)\n{\n\treturn 0;\n}"}, 'no "Returns"'),
    ("a prototype behind an inline function", "docs",
     {"core/x.h": GUARD % "/* Go. */\nstatic inline void a(void)\n{\n\tb();\n}\nvoid c(void);"},
     "c has no comment"),
    ("prototypes that share a comment", "docs",
     {"core/x.h": GUARD % "/* Both. */\nvoid a(void);\nvoid b(int c,\n\tint d);"}, None),
    ("a prototype apart from its neighbour", "docs",
     {"core/x.h": GUARD % "/* One. */\nvoid a(void);\n\nvoid b(void);"}, "b has no comment"),
    ("a prototype over two lines", "docs",
     {"core/x.h": GUARD % "char *cw_x_go(int a,\n\tint b);"}, "cw_x_go has no comment"),
    ("a good header", "docs",
     {"core/x.h": GUARD % "struct x {\n\tint (*go)(void); /* a handler */\n};\n\n/* Go.\n *\n"
      " * Returns: 0. */\nint cw_x_go(void) __attribute__((format(printf, 1, 2)));"}, None),
    ("a header without a guard", "docs", {"core/x.h": "/* x */\n"}, "no include guard"),
    ("a long function", "length",
     {"core/x.c": "static int\nlong_one(int a,\n\tint b)\n{\n" + "\ta++;\n" * 81 + "}\n"}, "81 lines"),
    ("a function at the limit", "length", {"core/x.c": "int f(void)\n{\n" + "\ta++;\n" * 80 + "}\n"}, None),
    ("a long file", "length", {"core/x.c": "/* x */\n" * 801}, "801 lines"),
    ("a private key", "content",
     {"x.pem": "-----BEGIN " + "PRIVATE KEY-----\n" + "QUFB" * 16 + "\n"}, "a private key"),
    ("a path of one machine", "content", {"x.md": "see /" + "home/someone/x"}, "a path of one machine"),
    ("words about keys and paths", "content",
     {"x.md": "-----BEGIN " + "PRIVATE KEY-----\n...\nsrc/work/x and /etc/causeway/\n"}, None),
    ("a program", "content", {"x": "\x7fELF"}, "a program"),
]


def run(check, contents):
    """What the check says about a tree of these files."""
    module = importlib.import_module(f"check_{check}")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for path, content in contents.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content, encoding="utf-8")
        return [problem for path in contents for problem in module.problems_of(root, Path(path))]


def problems_of(check, contents, expected):
    found = run(check, contents)
    if expected is None:
        return [f"{check}: expected nothing, got {found}"] if found else []
    if not any(expected in problem for problem in found):
        return [f"{check}: expected {expected!r}, got {found}"]
    return []


def main():
    tree.report({case: problems_of(*rest) for case, *rest in CASES})


if __name__ == "__main__":
    main()
