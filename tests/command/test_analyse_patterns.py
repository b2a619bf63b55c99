"""causeway rules analyse against many addresses: each pair of a table of patterns, and random rules.

What a pattern matches is what the program itself says for each of some hundred aliases; what random rules do is
computed by a model that is compared with the program first. A rule that one of the aliases reaches must not be called
shadowed or unreachable, and every witness must show what it is for.
"""

import itertools
import random
import re

from support.program import Program, request
from support.rulesets import ZONES, Model, Rule, quoted

UNREACHED = ("unreachable", "shadowed", "duplicate")
SEED = 20240229


def line(req, target):
    """A line of a test file."""
    words = ["from", req["from"], "variant", req["variant"], "protocol", req["protocol"]]
    words += ["authenticated"] if req["authenticated"] else []
    return " ".join([*words, quoted(req["alias"]), "->", target])


class Tested(Program):
    def failures(self, conf, lines):
        """The numbers of those lines, from 0, that are not as they say."""
        self.write("lines.test", "\n".join(lines) + "\n")
        code, out, err = self.causeway("rules", "test", "-c", conf, "lines.test")
        self.assertEqual(err, "")
        failed = {int(n) - 1 for n in re.findall(r"^FAILED lines\.test:(\d+),", out, re.M)}
        self.assertTrue(out.endswith(f"{len(lines) - len(failed)} passed, {len(failed)} failed\n"), out[-200:])
        self.assertEqual(code, 1 if failed else 0)
        return failed

    def findings(self, conf):
        code, got = self.json("rules", "analyse", "-c", conf, "--json")
        self.assertEqual(code, 1 if got["warnings"] else 0)
        return got["findings"]


# Inside the regular subset for certain: each pair of these must be decided.
REGULAR = (
    "a*@x", "a+@x", "a?@x", "a{3}@x", "a{2,}@x", "a{2,3}@x", "a{1}@x", "a{0}b@x", "(?:a{1,2}){2}@x", "(a{2}){1,2}@x",
    "(ab)*@x", "(a|b)*@x", "(a(b(1)?)?)?@x", "(?:a|ab)(?:b|)@x", "a@x|b@x", "|a@x", "a+?b@x", "a*?@x", "a??b@x",
    "[ab]+@x", "[^a]*@x", "[^ab]+@x", "[a-b1]*@x", "[A-B]+@X", "[]a]+@x", "[^]a]+@x", r"[a\-1]+@x", "[a.]+@x", "[.]@x",
    "[b-]+@x", r"[\d.]+@x", r"[^\w]+@x", "[[:alpha:]]+@x", "[[:^alpha:]]+@x", "[[:digit:]a]+@x", "[[:punct:]]+@x",
    r"[\x61-\x62]@x", r"[\]\^a]+@x", r"\d+@x", r"\D*@x", r"\w+@x", r"\W+@x", r"\s+@x", r"\S+@x", r"\t*@x",
    ".*@x", ".+@x", ".*", "..@x", ".{2}@x", ".{1,3}@x", r"\.@x", r"\Qa.b\E@x", r"\Q[a\E]@x", "a.b@x", r"a\.b@x",
    r"\x61\x40x", r"\x{61}+@X", r"\141+@x", "A+@X", "^a@x$", r"\Aab@x\z", "^.*$", "a@x$|b",
)
# Outside it, or at its border: a claim about these must still be true.
OTHERS = (
    "(?=a).*@x", "(?!a).*@x", ".*(?<=b)@x", ".*(?<!b)@x", "(?=.*b)a.*@x", r"(a|b)\1@x", r"(?<n>a)\k<n>@x",
    "(?>a|ab)b@x", "(?>a*)b@x", "a*+b@x", "a*+ab@x", "a++@x", "a{1,2}+a@x", "(?:a|ab)++b@x", "(a)?(?(1)b|1)@x", "(?(?=a)ab|b)@x",
    "(a(?1)?b)@x", r"\ba.*@x", r".*\Bb@x", "[[:<:]]a@x", "(?-i)a@x", "(?-i:A)b@x", "(?i)a(?-i)b@x", "(?x) a b @x",
    "(?xx)[a b]@x", "(?s).*@x", "(?m)^a@x$", "(?U)a+@x", "(?|(a)|(b))@x", "(?#c)a@x", "(?C1)a@x", "a(*F)@x",
    "ab(*ACCEPT)11@x", "(*COMMIT)a@x", "a(*PRUNE)b@x|ab@x", r"a\K@x", r"\Ga@x", r"a@x\Z", r"\p{L}+@x", r"\X@x", r"\R@x",
    r"\h+@x", r"\N+@x", r"\V+@x", r"\cA@x", r"\e@x", r"\o{141}@x", r"\18@x", "a{,3}@x", "a{x}@x", "(?!)", "[a-b-1]@x",
    "(*LIMIT_MATCH=100000)a*@x", r"\8?a@x|(b)", "(?^:a)b@x", "(?n)(a)b@x",
)
USERS = (
    [""] + ["".join(u) for n in (1, 2, 3, 4) for u in itertools.product("ab1.", repeat=n)]
    + ["A", "aB", "Ab", "aaaaa", "aaaaaa", "-", "a-", "b-b", "-1", "_", "a_", "]", "]a", "^", "[a]", "!", "a!", "é",
       " ", "a b", " a b ", "    ", "\t", "\t ", "{,3}", "a{,3}", "a{x}", "ax", "\x01", "\x018", "\x0b", "\x0c", "\x1b",
       "a1b1", "aabb", "aaabbb", "2", "c"]
)
ALIASES = [u + "@x" for u in USERS] + ["a", "b", "ab", "a@y", "ab@xx", "1.1.1.1", "a@x;p", "[a]", "aa@x@x"]


class Pairs(Tested):
    """Each pattern behind each other one, which stops."""

    def usable(self, pattern):
        return self.causeway("pattern", "regex", pattern, "a@x")[0] != 2

    def matched(self, patterns):
        """For each pattern, the numbers of the aliases that it matches."""
        rows = []
        for pattern in patterns:
            self.write("one.conf", f"{ZONES}rule p {{ pattern regex {quoted(pattern)}; target edge }}\n")
            failed = self.failures("one.conf", [line(request(a), "edge") for a in ALIASES])
            rows.append(frozenset(range(len(ALIASES))) - failed)
        return rows

    def test_each_pair(self):
        # What this PCRE2 does not know cannot stand in a rule file.
        others = [p for p in OTHERS if self.usable(p)]
        self.assertGreater(len(others), 40)
        patterns = [*REGULAR, *others]
        rows = self.matched(patterns)
        witnesses = [[] for _ in patterns]
        for first, pattern in enumerate(patterns):
            self.write("pair.conf", ZONES + "".join([
                f"rule first {{ priority 1; pattern regex {quoted(pattern)}; on-match stop; target edge }}\n",
                *(f"rule p{i} {{ priority 10; pattern regex {quoted(p)}; behavior replace {i}@y; target edge }}\n"
                  for i, p in enumerate(patterns) if i != first),
            ]))
            found = {f["rule"]: f for f in self.findings("pair.conf") if f["kind"] in (*UNREACHED, "not-decided")}
            shown = []
            for i, p in enumerate(patterns):
                if i != first:
                    with self.subTest(first=pattern, then=p):
                        kind = found.get(f"p{i}", {}).get("kind", "reached")
                        self.claim(kind, first, i, rows)
                        if kind in ("shadowed", "duplicate"):
                            self.assertEqual([b["rule"] for b in found[f"p{i}"]["by"]], ["first"])
                            shown.append(found[f"p{i}"]["witness"])
                            witnesses[i].append(shown[-1])
            # Nothing of priority 10 adds its target to that of the first rule.
            failed = self.failures("pair.conf", [line(w, "edge:" + quoted(w["alias"])) for w in shown])
            self.assertEqual([shown[n] for n in failed], [], pattern)
        for pattern, shown in zip(patterns, witnesses):
            self.write("one.conf", f"{ZONES}rule p {{ pattern regex {quoted(pattern)}; target edge }}\n")
            failed = self.failures("one.conf", [line(w, "edge") for w in shown])
            self.assertEqual([shown[n] for n in failed], [], pattern)

    def claim(self, kind, first, then, rows):
        """What is said of the second of two patterns must be so for the aliases, and must be said of a regular one."""
        regular = max(first, then) < len(REGULAR)
        if rows[then] - rows[first]:
            example = ALIASES[min(rows[then] - rows[first])]
            self.assertIn(kind, ("reached",) if regular else ("reached", "not-decided"), example)
        elif not rows[then]:
            self.assertIn(kind, ("unreachable",) if regular else ("reached", "not-decided", "unreachable"))
        elif regular:
            self.assertIn(kind, ("shadowed", "duplicate"))


class Random(Tested):
    def sets(self, count, finite):
        rng = random.Random(SEED + finite)
        print(f"# random rules from seed {SEED + finite}", flush=True)
        for _ in range(count):
            rules = [Rule(rng, f"r{i}", finite) for i in range(rng.randint(2, 9))]
            self.write("causeway.conf", ZONES + "".join(rule.line() for rule in rules))
            yield rng, Model(rules), "".join(rule.line() for rule in rules)

    def test_the_model_is_right(self):
        for finite in (False, True):
            for rng, model, text in self.sets(12, finite):
                lines = []
                for source, variant in model.CRITERIA:
                    for alias, zones in rng.sample(list(zip(model.ALIASES, model.ways((source, variant)))), 12):
                        lines.append(line(request(alias, source, variant=variant), ", ".join(zones) or "none"))
                with self.subTest(rules=text):
                    self.assertEqual([lines[n] for n in self.failures("causeway.conf", lines)], [])

    def check(self, model):
        """Nothing said of a rule that an alias shows to be wrong, and every witness shows it."""
        first, adds = model.useful()
        found = {}
        for finding in self.findings("causeway.conf"):
            kind, name = finding["kind"], finding["rule"]
            if kind in ("unreachable", "shadowed"):
                self.assertNotIn(name, first, (kind, first.get(name)))
            if kind == "duplicate":
                self.assertNotIn(name, adds, (kind, adds.get(name)))
            if kind in UNREACHED:
                self.assertNotIn(name, found)
                found[name] = kind
            if finding["witness"]:
                self.show(kind, name, [b["rule"] for b in finding["by"]], finding["witness"], model)
            else:
                self.assertNotIn(kind, ("shadowed", "duplicate", "overlap"))
        return first, found

    def show(self, kind, name, by, witness, model):
        rules = {rule.name: rule for rule in model.rules}
        if kind == "catastrophic":
            self.write("alone.conf", ZONES + rules[name].line())
            self.assertEqual(self.verdicts("alone.conf", witness)[name], "limit")
            return
        located = self.locate("causeway.conf", witness)
        if kind == "no-notify-rule":
            self.assertNotIn("@", witness["alias"])
            self.assertNotIn(rules[name].target, [t["zone"] for t in located["targets"]])
            return
        verdicts = {c["rule"]: c["verdict"] for c in located["considered"]}
        own = {r: rules[r].takes(witness["from"], witness["variant"])
               and bool(re.fullmatch(rules[r].regex, witness["alias"], re.I | re.A)) for r in (name, *by)}
        self.assertTrue(own[name], (kind, name, witness))
        if kind == "shadowed":
            self.assertEqual(verdicts[name], "not-reached")
        if kind in ("shadowed", "duplicate"):
            self.assertIn("match", [verdicts[r] for r in by])
        if kind == "duplicate":
            self.assertNotIn(name, [t["rule"] for t in located["targets"]])
        if kind == "overlap":
            self.assertTrue(own[by[0]], (name, by, witness))

    def test_never_wrong(self):
        for _, model, text in self.sets(50, False):
            with self.subTest(rules=text):
                self.check(model)

    def test_complete_where_the_aliases_are_all(self):
        """Patterns of at most four of the letters: what no alias reaches must be said to be so."""
        unreached = 0
        for _, model, text in self.sets(50, True):
            with self.subTest(rules=text):
                first, found = self.check(model)
                missing = {r.name for r in model.rules if r.enabled} - first.keys()
                self.assertEqual(missing - found.keys(), set())
                unreached += len(missing)
        self.assertGreater(unreached, 25)
