#!/usr/bin/env python3
"""A header is a contract: it says what it owns, every prototype has a comment, an int says what it returns.

Prototypes that follow each other without an empty line may share the comment above the first.
"""

import re
import sys
from pathlib import Path

import tree

TOKEN = re.compile(r"""
      (?P<comment> /\*.*?\*/ | //[^\n]* )
    | (?P<directive> ^[ \t]*\#(?:\\\n|[^\n])* )
    | (?P<string> "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' )
    | (?P<other> . )
    """, re.X | re.S | re.M)
FUNCTION = re.compile(r"^(?P<type>[\w\s*]*?[\s*])(?P<name>\w+)\s*\(")


def declarations(content):
    """(line, text, comment that ends on the line before or None) of each declaration at file level."""
    depth = 0
    text, start = "", 0
    comment, comment_end = None, -1  # the last one, and the line before which it must end
    for match in TOKEN.finditer(content):
        line = content.count("\n", 0, match.start()) + 1
        if match["comment"]:
            if not text.strip() and depth == 0:
                comment = match["comment"]
                comment_end = line + comment.count("\n")
            continue
        if match["directive"]:
            continue
        piece = match.group()
        if not text.strip():
            if piece.isspace():
                continue
            start = line
        text += piece
        depth += (piece == "{") - (piece == "}")
        if depth == 0 and (piece == ";" or (piece == "}" and is_body(text))):
            is_near = comment_end in (start - 1, start)
            yield start, text.strip(), comment if is_near else None
            if is_near and piece == ";":
                comment_end = line
            text = ""


def is_body(text):
    """Whether the braces that just closed are a function's (a struct or an array goes on to its ;)."""
    head = text.split("{")[0].rstrip()
    return head.endswith(")")


def problems_of(root, path):
    content = tree.text(root, path)
    if not content.startswith("/*"):
        yield f"{path}:1: the header does not begin with a comment that says what it owns"
    guard = "_".join(["CW", *path.with_suffix("").parts]).upper().replace("-", "_") + "_H"
    if path.parts[0] == "tests":
        guard = guard.removeprefix("CW_")
    if f"#ifndef {guard}\n#define {guard}\n" not in content:
        yield f"{path}: no include guard {guard}"
    for line, text, comment in declarations(content):
        head = re.split(r"[{;]", text)[0]
        function = FUNCTION.match(head)
        if not function or text.startswith(("typedef", "_Static_assert", "extern \"C\"")):
            continue
        name = function["name"]
        if comment is None:
            yield f"{path}:{line}: {name} has no comment right above it"
            continue
        words = set(function["type"].replace("*", " * ").split()) - {"static", "inline", "extern"}
        if words == {"int"} and "Returns" not in comment:
            yield f'{path}:{line}: {name} returns int, and its comment has no "Returns"'


def main():
    root = Path(sys.argv[1])
    tree.report({str(path): list(problems_of(root, path)) for path in tree.files(root, ".h")})


if __name__ == "__main__":
    main()
