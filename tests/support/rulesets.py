"""Random search rules, and a model of what they do that shares nothing with the program.

The patterns are such that Python's `re` and PCRE2 agree about them.
"""

import itertools
import re

ZONES = r"""
zone inner    { type neighbor; peer 127.0.0.1:5061; trusted yes }
zone edge     { type neighbor; peer 127.0.0.2:5061 }
zone internet { type dns }
"""


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Pattern:
    """A random pattern, and the length of the longest text that it matches (None: any)."""

    def __init__(self, rng, finite):
        while True:
            self.text, self.longest = self.alternatives(rng, 2, finite)
            if self.text and not (finite and not 0 < self.longest <= 4):
                return

    def alternatives(self, rng, depth, finite):
        parts = [self.sequence(rng, depth, finite) for _ in range(rng.choice((1, 1, 2)))]
        longest = None if any(n is None for _, n in parts) else max(n for _, n in parts)
        return "|".join(text for text, _ in parts), longest

    def sequence(self, rng, depth, finite):
        parts = [self.repeated(rng, depth, finite) for _ in range(rng.randint(1, 3))]
        longest = None if any(n is None for _, n in parts) else sum(n for _, n in parts)
        return "".join(text for text, _ in parts), longest

    def repeated(self, rng, depth, finite):
        text, longest = self.atom(rng, depth, finite)
        repeat, most = rng.choice([("", 1)] * 5 + [("?", 1), ("{2}", 2), ("{1,2}", 2), ("??", 1)]
                                  + ([] if finite else [("*", None), ("+", None), ("*?", None), ("{2,}", None)]))
        return text + repeat, None if longest is None or most is None else longest * most

    def atom(self, rng, depth, finite):
        if depth and rng.random() < 0.3:
            text, longest = self.alternatives(rng, depth - 1, finite)
            return rng.choice(("(", "(?:")) + text + ")", longest
        single = ["a", "b", "A", "@", "@", r"\.", "[ab]", "[a-b.]", "[@.]", r"\x61"]
        return rng.choice(single + ([] if finite else [".", "[^a]", "[^@]", r"\w", r"\W", r"[^\w.]"])), 1


class Rule:
    """A random rule, its line of the file, and what it is asked."""

    SOURCES = {"any": ("default", "inner", "edge"), "all-zones": ("inner", "edge"), "default": ("default",),
               "inner": ("inner",), "edge": ("edge",), "inner edge": ("inner", "edge"), "default inner": ("default", "inner"),
               "internet": ()}
    VARIANTS = {"any": ("standard", "ms-imp", "ms-av", "ms-sip"), "microsoft": ("ms-imp", "ms-av", "ms-sip"),
                "ms-imp": ("ms-imp",), "ms-av": ("ms-av",), "standard": ("standard",)}

    def __init__(self, rng, name, finite):
        self.name = name
        self.priority = rng.choice((10, 20, 30))
        self.enabled = rng.random() < 0.9
        self.source = rng.choice(["any"] * 8 + list(self.SOURCES))
        self.variant = rng.choice(["any"] * 5 + list(self.VARIANTS))
        self.authenticated = rng.random() < 0.1
        self.stop = rng.random() < 0.7
        self.target = rng.choice(("edge", "internet"))
        kind = rng.choice(["regex"] * 8 + ["any-alias"] + ["exact"] + ([] if finite else ["prefix", "suffix"]))
        if kind == "regex":
            text = Pattern(rng, finite).text
            self.regex, self.what = text, f"pattern regex {quoted(text)}"
        elif kind == "any-alias":
            self.regex, self.what = ".+", "mode any-alias"
        else:
            text = "".join(rng.choice("ab@.") for _ in range(rng.randint(1, 3)))
            before, after = ".*" if kind == "suffix" else "", ".*" if kind == "prefix" else ""
            self.regex, self.what = before + re.escape(text) + after, f"pattern {kind} {quoted(text)}"

    def line(self):
        return " ".join([
            f"rule {self.name} {{ priority {self.priority}; state {'enabled' if self.enabled else 'disabled'};",
            f"source {self.source}; variant {self.variant}; authenticated {'yes' if self.authenticated else 'no'};",
            f"{self.what}; on-match {'stop' if self.stop else 'continue'}; target {self.target} }}\n",
        ])

    def takes(self, source, variant):
        return (self.enabled and source in self.SOURCES[self.source] and variant in self.VARIANTS[self.variant]
                and (source == "inner" or not self.authenticated))


class Model:
    """What rules do with each of the aliases, a set of which is a number with one bit for each."""

    ALIASES = ["".join(u) for n in (1, 2, 3, 4) for u in itertools.product("ab@.", repeat=n)]
    CRITERIA = list(itertools.product(("default", "inner", "edge"), Rule.VARIANTS["any"]))

    def __init__(self, rules):
        self.rules = sorted(rules, key=lambda r: r.priority)
        self.matches = {}
        for rule in rules:
            compiled = re.compile(rule.regex, re.I | re.A)
            self.matches[rule.name] = sum(1 << i for i, a in enumerate(self.ALIASES) if compiled.fullmatch(a))

    def reached(self, criteria):
        """(rule, the aliases that reach and match it) in order."""
        blocked = stopping = 0
        priority = None
        for rule in self.rules:
            if rule.priority != priority:
                blocked, priority = blocked | stopping, rule.priority
            if rule.takes(*criteria):
                hit = self.matches[rule.name] & ~blocked
                yield rule, hit
                stopping |= hit if rule.stop else 0

    def ways(self, criteria):
        """For each alias the zones that are tried, in order."""
        reached = [(rule.target, hit) for rule, hit in self.reached(criteria)]
        return [list(dict.fromkeys(zone for zone, hit in reached if hit >> i & 1)) for i in range(len(self.ALIASES))]

    def useful(self):
        """For each rule, an alias that reaches it, and one for which it adds a target."""
        first, adds = {}, {}
        for criteria in self.CRITERIA:
            given = {"edge": 0, "internet": 0}
            for rule, hit in self.reached(criteria):
                for into, bits in ((first, hit), (adds, hit & ~given[rule.target])):
                    if bits and rule.name not in into:
                        into[rule.name] = (*criteria, self.ALIASES[bits.bit_length() - 1])
                given[rule.target] |= hit
        return first, adds
