"""causeway rules diff: planted edits, each example asked for again on both sides; recorded requests; random edits."""

import copy
import json
import random
import re

from support.program import REQUEST_KEYS, Program, request
from support.rulesets import ZONES, Model, Rule

SEED = 20240311
RULES = r"""
rule a { priority 10; pattern regex '.*@a\.example'; on-match stop; target edge }
rule b { priority 20; pattern regex 'b.*@(a|b)\.example'; on-match stop; target internet }
rule c { priority 30; source default; pattern suffix '@c.example'; target inner }
"""


def outcome(located):
    """As an example has it."""
    return {"decision": located["decision"],
            "targets": [{k: t[k] for k in ("rule", "zone", "alias")} for t in located["targets"]]}


def way(result):
    """What counts of an outcome: not the names of the rules."""
    return result["decision"], [(t["zone"], t["alias"]) for t in result["targets"]]


def zones(result):
    return [t["zone"] for t in result["targets"]]


class Diff(Program):
    def sides(self, old, new):
        self.write("old.conf", old if "zone " in old else ZONES + old)
        self.write("new.conf", new if "zone " in new else ZONES + new)

    def diff(self, *args):
        """What is said of the two sides, each example checked by what locate says of both."""
        code, out, err = self.causeway("rules", "diff", "-c", "old.conf", "new.conf", "--json", *args)
        self.assertIn(code, (0, 1), err)
        got = json.loads(out)
        recorded = ["recorded"] if "--against" in args else []
        warnings = re.findall(r"^recorded\.json:\d+:\d+: warning: ", err, re.M)
        self.assertEqual(len(warnings), got["recorded"]["unreadable"] if recorded else 0)
        self.assertEqual(bool(err), bool(warnings))
        self.assertEqual(list(got), ["old", "new", "changes", "undecided", *recorded])
        self.assertEqual((got["old"], got["new"]), ("old.conf", "new.conf"))
        counted = any(c.get("count") for c in got["changes"])
        self.assertEqual(code, 1 if self.examples(got) or got["undecided"] or counted else 0)
        for change in got["changes"]:
            keys = ["rule", "file", "line", "side", "change", "examples"] + (["count"] if recorded else [])
            self.assertEqual(list(change), keys)
            self.assertIn(change["change"], ("added", "removed", "changed", "moved", "same"))
            self.assertIn(change["side"], ("old", "new"))
            self.assertEqual(change["file"], change["side"] + ".conf")
            self.assertRegex(self.line(change), rf"^rule {re.escape(change['rule'])} ")
            for example in change["examples"]:
                with self.subTest(rule=change["rule"], example=example):
                    self.check(example)
        for place in got["undecided"]:
            self.assertEqual(list(place), ["rule", "file", "line", "reason"])
            self.assertRegex(self.line(place), rf"^rule {re.escape(place['rule'])} ")
            self.assertTrue(place["reason"])
        return got

    def line(self, place):
        return (self.path / place["file"]).read_text().splitlines()[place["line"] - 1]

    def check(self, example):
        self.assertEqual(list(example), [*REQUEST_KEYS, "old", "new"])
        for side in ("old", "new"):
            self.assertEqual(outcome(self.locate(side + ".conf", example)), example[side], side)
        self.assertNotEqual(way(example["old"]), way(example["new"]))

    def examples(self, got):
        return [example for change in got["changes"] for example in change["examples"]]

    def edit(self, *replacements):
        """RULES and the same with the replacements."""
        new = RULES
        for before, after in replacements:
            self.assertIn(before, new)
            new = new.replace(before, after)
        self.sides(RULES, new)

    def assert_nothing_changes(self):
        got = self.diff()
        self.assertEqual((self.examples(got), got["undecided"]), ([], []))


class Edits(Diff):
    def test_what_changes_nothing(self):
        for name, *edits in (
            ("nothing",),
            ("a rule renamed", ("rule b ", "rule bees ")),
            ("a pattern written otherwise", (r"'.*@a\.example'", "'.*@[Aa][.]EXAMPLE'")),
            ("a type written otherwise", (r"suffix '@c.example'", r"regex '.*@c\.example'")),
            ("priorities that keep their order", ("priority 10", "priority 11"), ("priority 30", "priority 999")),
            ("a priority moved past what it does not meet", ("priority 30", "priority 5")),
            ("stop where nothing follows", (r"target inner", "on-match stop; target inner")),
            ("what was hidden before", ("'b.*@(a|b)", "'b.*@(a|a|b)")),
            ("a part that never came here", ("'b.*@(a|b)", "'b.*@(b)")),
            ("a disabled rule more",
             ("rule a ", "rule off { state disabled; priority 1; mode any-alias; target inner }\nrule a ")),
            ("a rule more that is hidden",
             ("rule b ", "rule more { priority 15; pattern exact al@a.example; target inner }\nrule b ")),
            ("a rule more for nobody",
             ("rule a ", "rule none { priority 1; pattern regex 'a^b'; target inner }\nrule a ")),
            ("another order in the file", (RULES.strip(), "\n".join(reversed(RULES.strip().splitlines())))),
            ("a transform for nobody", ("rule a ", "transform t { pattern regex 'a^b'; behavior replace x }\nrule a ")),
        ):
            with self.subTest(name):
                self.edit(*edits)
                self.assert_nothing_changes()

    def test_a_replacement_that_repeats_the_alias(self):
        """It changes nothing, but that need not be seen."""
        self.edit(("target internet", r"behavior replace '\0'; target internet"))
        self.assertEqual(self.examples(self.diff()), [])

    def test_what_changes(self):
        """Which rule is named and how, the addresses that may stand as examples, and their ways.

        Instead of a rule that only moved, the one whose addresses it took may be named.
        """
        for name, edits, named, alias, old, new in (
            ("wider", [(r"@a\.example'", r"@(a|d)\.example'")], ("a", "new", "changed"), r".*@d\.example", [], ["edge"]),
            ("narrower", [(r"'.*@a\.", r"'[^c].*@a\.")], ("a", "old", "changed"), r"(c.*)?@a\.example", ["edge"], []),
            ("narrower, and another rule takes over", [(r"'.*@a\.", r"'[^b].*@a\.")], ("a", None, "changed"),
             r"(b.*)?@a\.example", ["edge"], None),
            ("removed", [(RULES.strip().splitlines()[2], "")], ("c", "old", "removed"), r".*@c\.example", ["inner"], []),
            ("disabled", [("priority 30;", "priority 30; state disabled;")], ("c", None, None), r".*@c\.example", ["inner"], []),
            ("added below", [("rule c ", "rule d { priority 40; pattern exact al@d.example; target edge }\nrule c ")],
             ("d", "new", "added"), r"al@d\.example", [], ["edge"]),
            ("added above", [("rule a ", "rule d { priority 5; pattern prefix al@; on-match stop; target inner }\nrule a ")],
             ("d", "new", "added"), r"al@.*", None, ["inner"]),
            ("moved above", [("priority 20", "priority 5")], ("b", "new", "moved"), r"b.*@a\.example", ["edge"], ["internet"]),
            ("to another zone", [("target inner", "target edge")], ("c", None, "changed"), r".*@c\.example", ["inner"], ["edge"]),
            ("goes on", [("stop; target edge", "continue; target edge")], ("a", None, "changed"), r"b.*@a\.example", ["edge"],
             ["edge", "internet"]),
            ("from anywhere", [("source default", "source any")], ("c", "new", "changed"), r".*@c\.example", [], ["inner"]),
            ("from elsewhere", [("source default", "source edge")], ("c", None, "changed"), r".*@c\.example", None, None),
            ("another variant", [("source default", "source default; variant ms-av")], ("c", None, "changed"), r".*@c\.example",
             ["inner"], []),
            ("authenticated", [("priority 10", "priority 10; authenticated yes")], ("a", None, "changed"), r".*@a\.example",
             ["edge"], None),
            ("stanzas as well", [("priority 10", "priority 10; protocol any")], ("a", "new", "changed"), r".*@a\.example", [],
             ["edge"]),
            ("another alias", [("target inner", "behavior replace '@x'; target inner")], ("c", None, "changed"), r".*@c\.example",
             ["inner"], ["inner"]),
        ):
            with self.subTest(name):
                self.edit(*edits)
                got = self.diff()
                self.assertEqual(got["undecided"], [])
                self.assertTrue(self.examples(got))
                rule, side, change = named
                entries = [c for c in got["changes"] if c["examples"]]
                self.assertTrue([c for c in entries if (rule, side or c["side"], change or c["change"])
                                 == (c["rule"], c["side"], c["change"])] or change == "moved", entries)
                self.assertEqual([c for c in entries if c["rule"] != rule and c["change"] != "same"], [])
                for example in self.examples(got):
                    self.assertRegex(example["alias"], f"(?i)^(?:{alias})$")
                    for expected, side in ((old, "old"), (new, "new")):
                        if expected is not None:
                            self.assertEqual(zones(example[side]), expected, example)

    def test_order_within_a_priority(self):
        one = "rule a { priority 10; pattern suffix '@x'; target edge }\n"
        two = "rule b { priority 10; pattern prefix 'bob'; target internet }\n"
        self.sides(one + two, two + one)
        for example in self.examples(self.diff()):
            self.assertRegex(example["alias"], "(?i)^bob.*@x$")
            self.assertEqual((zones(example["old"]), zones(example["new"])), (["edge", "internet"], ["internet", "edge"]))
        self.assertTrue(self.examples(self.diff()))

    def test_a_zone_renamed(self):
        """Zones are compared by their names, and requests come from zones that both sides know."""
        self.sides(ZONES + RULES, (ZONES + RULES).replace("internet", "world"))
        got = self.diff()
        self.assertEqual([c["rule"] for c in got["changes"] if c["examples"]], ["b"] * len(got["changes"]))
        for example in self.examples(got):
            self.assertEqual((zones(example["old"]), zones(example["new"])), (["internet"], ["world"]))

    def test_a_transform(self):
        """What it rewrites goes another way, or cannot be told."""
        self.sides(RULES, "transform t { pattern suffix '@d.example'; behavior replace '@c.example' }\n" + RULES)
        got = self.diff()
        self.assertTrue(self.examples(got) or got["undecided"])
        for example in self.examples(got):
            self.assertRegex(example["alias"], r"(?i)^.*@d\.example$")
            self.assertEqual((zones(example["old"]), zones(example["new"])), ([], ["inner"]))

    def test_several_edits(self):
        self.edit(("target inner", "target edge"), (r"@(a|b)\.", r"@(a|b|e)\."))
        found = {re.sub(".*@", "", e["alias"]).lower() for e in self.examples(self.diff())}
        self.assertEqual(found, {"c.example", "e.example"})

    def test_rules_of_both_sides_in_other_files(self):
        self.write("rules/one.rules", RULES)
        self.sides(ZONES + "include rules/one.rules\n", ZONES + "include rules/*.rules\n")
        code, got = self.json("rules", "diff", "-c", "old.conf", "new.conf", "--json")
        self.assertEqual((code, got["changes"], got["undecided"]), (0, [], []))
        self.write("rules/two.rules", "# one more\nrule d { priority 40; pattern exact al@d.example; target edge }\n")
        code, got = self.json("rules", "diff", "-c", "old.conf", "new.conf", "--json")
        self.assertEqual(code, 1)
        self.assertEqual([(c["rule"], c["file"], c["line"], c["side"], c["change"]) for c in got["changes"]],
                         [("d", "rules/two.rules", 2, "new", "added")])


class Undecided(Diff):
    HARD = (r"(?=a)[ab].*@x", r"(a|b)\1@x", ".*a.{30}@x", "(?>a|ab)c@x", r"\ba.*@x")

    def test_the_same_on_both_sides(self):
        for pattern in self.HARD:
            with self.subTest(pattern=pattern):
                rules = (f"rule a {{ priority 10; pattern regex '{pattern}'; on-match stop; target edge }}\n"
                         "rule b { priority 20; pattern suffix '@x'; target internet }\n")
                self.sides(rules, rules)
                self.assert_nothing_changes()

    def test_another_zone(self):
        """A change that plainly is one, whether examples are found or not."""
        for pattern in self.HARD:
            with self.subTest(pattern=pattern):
                rule = f"rule a {{ priority 10; pattern regex '{pattern}'; on-match stop; target edge }}\n"
                self.sides(rule, rule.replace("target edge", "target inner"))
                got = self.diff()
                self.assertTrue(self.examples(got) or got["undecided"])

    def test_another_pattern(self):
        for old, new in ((r"(?=a).*@x", r"(?=b).*@x"), (r"(a|b)\1@x", r"(a|b)\1?@x"), (".*a.{30}@x", ".*b.{30}@x"),
                         ("(?>a|ab)c@x", "(?:a|ab)c@x")):
            with self.subTest(old=old, new=new):
                rule = "rule a {{ priority 10; pattern regex '{}'; on-match stop; target edge }}\n"
                self.sides(rule.format(old), rule.format(new))
                got = self.diff()
                self.assertTrue(self.examples(got) or got["undecided"])

    def test_other_rules_are_decided(self):
        hard = "rule a { priority 10; pattern regex '(?=a).*@x'; on-match stop; target edge }\n"
        self.sides(hard + "rule b { priority 20; pattern suffix '@y'; target edge }\n",
                   hard + "rule b { priority 20; pattern suffix '@y'; target inner }\n")
        examples = self.examples(self.diff())
        self.assertTrue(examples)
        self.assertTrue(all(e["alias"].lower().endswith("@y") for e in examples))


class Against(Diff):
    def against(self, *lines):
        self.write("recorded.json", "".join(line + "\n" for line in lines))
        return self.diff("--against", "recorded.json")

    def test_counts(self):
        self.edit(("target inner", "target edge"), (r"@(a|b)\.", r"@(a|b|e)\."))
        requests = [
            *[request(f"{u}@c.example") for u in ("al", "bob", "eve", "bob")],  # rule c: another zone
            request("al@c.example", "edge"), request("al@a.example"), request("x@nowhere.example"),
            request("bob@e.example"), request("bob@e.example", "inner", variant="standard", authenticated=True),
            request("bob@e.example", protocol="xmpp", variant="standard"), request("bob@b.example"),
        ]
        got = self.against(
            *[json.dumps(r) for r in requests[:6]], "{", '{"from":"default"}', *[json.dumps(r) for r in requests[6:]],
            '["al@c.example"]', json.dumps({**request("al@c.example"), "alias": 7}), "no JSON", "null",
        )
        self.assertEqual((got["recorded"]["changed"], got["recorded"]["unreadable"]), (6, 6))
        self.assertIn(got["recorded"]["requests"], (len(requests), len(requests) + 6))
        counts = {}
        for change in got["changes"]:
            counts[change["rule"]] = max(counts.get(change["rule"], 0), change["count"])
        self.assertEqual({rule: n for rule, n in counts.items() if n}, {"b": 2, "c": 4})

    def test_none_of_them_changes(self):
        self.edit(("target inner", "target edge"))
        got = self.against(json.dumps(request("al@a.example")), json.dumps(request("al@c.example", "edge")))
        self.assertEqual(got["recorded"], {"requests": 2, "changed": 0, "unreadable": 0})
        self.assertEqual([c["count"] for c in got["changes"]], [0] * len(got["changes"]))
        self.assertTrue(self.examples(got))

    def test_what_symbols_cannot_tell(self):
        """Recorded requests are asked for one by one, whatever the pattern."""
        rule = "rule a {{ priority 10; pattern regex '{}'; on-match stop; target edge }}\n"
        self.sides(rule.format("(?=a).*@x"), rule.format("(?=b).*@x"))
        got = self.against(*[json.dumps(request(u + "@x")) for u in ("al", "bob", "eve")])
        self.assertEqual(got["recorded"], {"requests": 3, "changed": 2, "unreadable": 0})

    def test_odd_files(self):
        self.edit(("target inner", "target edge"))
        self.assertEqual(self.against()["recorded"], {"requests": 0, "changed": 0, "unreadable": 0})
        self.write("recorded.json", json.dumps(request("al@c.example")).encode() + b"\r\n\xff\xfe\x00\n" + b"[" * 100000)
        got = self.diff("--against", "recorded.json")
        self.assertEqual((got["recorded"]["changed"], got["recorded"]["unreadable"]), (1, 2))

    def test_without_it_nothing_is_counted(self):
        self.edit(("target inner", "target edge"))
        self.assertTrue(all("count" not in change for change in self.diff()["changes"]))


class Printed(Diff):
    def test_text(self):
        self.edit((r"@a\.example'", r"@(a|d)\.example'"))
        code, out, err = self.causeway("rules", "diff", "-c", "old.conf", "new.conf")
        self.assertEqual((code, err), (1, ""))
        self.assertRegex(out, r"(?i)@d\.example")
        self.assertRegex(out, r"new\.conf:\d+")
        self.assertIn("edge", out)
        self.assertNotIn("\x1b", out)

    def test_nothing_changes(self):
        self.edit()
        code, _, err = self.causeway("rules", "diff", "-c", "old.conf", "new.conf")
        self.assertEqual((code, err), (0, ""))

    def test_what_is_wrong(self):
        self.edit()
        self.write("wrong.conf", "rule a { pattern regex 'a('; target nowhere }\n")
        for args, says in (
            (["-c", "old.conf"], "argument"),
            (["-c", "old.conf", "missing.conf"], "missing.conf"),
            (["-c", "missing.conf", "new.conf"], "missing.conf"),
            (["-c", "old.conf", "wrong.conf"], "wrong.conf:1:"),
            (["-c", "wrong.conf", "new.conf"], "wrong.conf:1:"),
            (["-c", "old.conf", "new.conf", "--against", "missing.json"], "missing.json"),
            (["-c", "old.conf", "new.conf", "more"], "too many arguments"),
        ):
            with self.subTest(args=args):
                code, out, err = self.causeway("rules", "diff", *args)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(says, err)


class Random(Diff):
    @staticmethod
    def edited(rng, rules, finite):
        """The rules with one to three random edits; some of them change nothing."""
        rules = copy.deepcopy(rules)
        for _ in range(rng.randint(1, 3)):
            other = Rule(rng, f"n{rng.randrange(10**6)}", finite)
            edit = rng.choice(("add", "remove", "swap", "pattern", "priority", "stop", "target", "source", "variant",
                               "enabled", "name"))
            place = rng.randrange(len(rules))
            if edit == "add":
                rules.insert(place, other)
            elif edit == "remove" and len(rules) > 1:
                del rules[place]
            elif edit == "swap":
                rules.append(rules.pop(place))
            elif edit == "pattern":
                rules[place].regex, rules[place].what = other.regex, other.what
            elif edit != "remove":
                setattr(rules[place], edit, getattr(other, edit))
        return rules

    def pairs(self, count, finite):
        rng = random.Random(SEED + finite)
        print(f"# random edits from seed {SEED + finite}", flush=True)
        for _ in range(count):
            old = [Rule(rng, f"r{i}", finite) for i in range(rng.randint(2, 7))]
            new = self.edited(rng, old, finite)
            texts = ["".join(rule.line() for rule in rules) for rules in (old, new)]
            self.sides(*texts)
            yield rng, Model(old), Model(new), texts

    @staticmethod
    def changed(old, new):
        """(source, variant, alias) of what goes another way."""
        return [(*criteria, alias) for criteria in old.CRITERIA
                for alias, one, other in zip(old.ALIASES, old.ways(criteria), new.ways(criteria)) if one != other]

    def test_no_change_is_missed(self):
        for rng, old, new, texts in self.pairs(40, False):
            with self.subTest(texts=texts):
                changed = self.changed(old, new)
                got = self.diff()
                self.assertTrue(not changed or self.examples(got) or got["undecided"], changed[:1])

    def test_no_change_is_invented(self):
        """Patterns of at most four of the letters: all that changes is known, and counted."""
        still = 0
        for rng, old, new, texts in self.pairs(40, True):
            with self.subTest(texts=texts):
                changed = self.changed(old, new)
                sample = [(*c, rng.choice(old.ALIASES)) for c in old.CRITERIA] + rng.sample(changed, min(len(changed), 20))
                self.write("recorded.json", "".join(
                    json.dumps(request(alias, source, variant=variant, authenticated=source == "inner")) + "\n"
                    for source, variant, alias in sample
                ))
                got = self.diff("--against", "recorded.json")
                self.assertEqual(got["undecided"], [])
                if not any("any-alias" in text for text in texts):
                    self.assertEqual(bool(self.examples(got)), bool(changed))
                    still += not changed
                self.assertEqual(got["recorded"]["changed"], sum(s in changed for s in sample))
        self.assertGreater(still, 3)
