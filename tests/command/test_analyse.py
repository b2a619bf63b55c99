"""causeway rules analyse: planted rules, what is found, what each witness must show, and what is not found."""

import re
import resource
import shutil
from pathlib import Path

from support.program import Program, request

ZONES = r"""
hostname expe.example.com
zone inner    { type neighbor; peer 127.0.0.1:5061; trusted yes }
zone edge     { type neighbor; peer 127.0.0.2:5061 }
zone internet { type dns }
"""
REACH = ("unreachable", "shadowed", "duplicate", "not-decided")
STYLE = ("unescaped-dot", "stray-blank", "open", "no-notify-rule", "catastrophic")
NOTES = ("overlap", "not-decided")
MEMORY_KIB = 1 << 20


class Analysis(Program):
    """A case that has rules analysed, one rule a line."""

    def analyse(self, rules):
        """The findings, each of them checked as far as that needs no knowledge of the rules."""
        self.write("causeway.conf", ZONES + "include rules/*.rules\n")
        self.write("rules/a.rules", rules)
        code, got = self.json("rules", "analyse", "-c", "causeway.conf", "--json")
        self.assertEqual(list(got), ["file", "rules", "warnings", "notes", "findings"])
        self.assertEqual(got["file"], "causeway.conf")
        levels = [f["level"] for f in got["findings"]]
        self.assertEqual((levels.count("warning"), levels.count("note")), (got["warnings"], got["notes"]))
        self.assertEqual(code, 1 if got["warnings"] else 0)
        for finding in got["findings"]:
            with self.subTest(finding=finding):
                self.check(finding)
        return got["findings"]

    def line(self, place):
        return (self.path / place["file"]).read_text().splitlines()[place["line"] - 1]

    def alone(self, place):
        """The configuration in which the rule there is the only one."""
        transforms = [t for t in (self.path / place["file"]).read_text().splitlines() if t.startswith("transform")]
        return self.write("alone.conf", ZONES + "\n".join([*transforms, self.line(place)]) + "\n")

    def check(self, finding):
        self.assertEqual(list(finding), ["kind", "level", "rule", "file", "line", "by", "witness", "message"])
        self.assertIn(finding["kind"], REACH + STYLE + NOTES)
        if finding["kind"] != "open":  # a warning or a note: many administrators mean it
            self.assertEqual(finding["level"], "note" if finding["kind"] in NOTES else "warning")
        self.assertTrue(finding["message"])
        for place in (finding, *finding["by"]):
            self.assertRegex(self.line(place), rf"^rule {re.escape(place['rule'])} ")
        show = getattr(self, "show_" + finding["kind"].replace("-", "_"))
        if finding["witness"] is None:
            self.assertIn(finding["kind"], ("unreachable", "not-decided", "stray-blank", "open"))
        else:
            self.assertEqual(list(finding["witness"]), ["alias", "from", "protocol", "variant", "authenticated"])
            show(finding, finding["witness"])

    def own(self, place, witness):
        """What the rule there says of the witness when nothing stands before it."""
        return self.verdicts(self.alone(place), witness)[place["rule"]]

    def show_shadowed(self, finding, witness):
        verdicts = self.verdicts("causeway.conf", witness)
        self.assertEqual(self.own(finding, witness), "match")
        self.assertEqual(verdicts[finding["rule"]], "not-reached")
        self.assertIn("match", [verdicts[by["rule"]] for by in finding["by"]])

    def show_duplicate(self, finding, witness):
        verdicts = self.verdicts("causeway.conf", witness)
        self.assertEqual(self.own(finding, witness), "match")
        self.assertIn("match", [verdicts[by["rule"]] for by in finding["by"]])
        targets = [t["rule"] for t in self.locate("causeway.conf", witness)["targets"]]
        self.assertNotIn(finding["rule"], targets)

    def show_overlap(self, finding, witness):
        """Of several rules that it shares aliases with, the witness is for the first."""
        for place in (finding, finding["by"][0]):
            self.assertEqual(self.own(place, witness), "match")

    def show_unreachable(self, finding, witness):
        self.assertNotEqual(self.verdicts("causeway.conf", witness)[finding["rule"]], "match")

    def show_not_decided(self, finding, witness):
        self.fail("a witness of nothing")

    def show_unescaped_dot(self, finding, witness):
        self.assertEqual(self.own(finding, witness), "match")
        dotted = re.sub(r"(?<!\\)\.(?=\w)", r"\.", self.line(finding))
        self.assertNotEqual(dotted, self.line(finding))
        literal = self.write("literal.conf", ZONES + dotted + "\n")
        self.assertEqual(self.verdicts(literal, witness)[finding["rule"]], "no-match")

    def show_stray_blank(self, finding, witness):
        self.assertEqual(self.own(finding, witness), "match")

    show_open = show_stray_blank

    def show_no_notify_rule(self, finding, witness):
        zone = re.search(r"target (\w+)", self.line(finding))[1]
        self.assertNotIn("@", witness["alias"])
        self.assertNotIn(zone, [t["zone"] for t in self.locate("causeway.conf", witness)["targets"]])

    def show_catastrophic(self, finding, witness):
        self.assertEqual(self.own(finding, witness), "limit")

    def run_sets(self, sets, kinds=REACH):
        """Each set: name, rules, {rule: "kind[|kind...] [rule before it ...]"}, {rule: request that reaches it}.

        `none` among the kinds: there need be no finding. A rule that is not named must have no finding of `kinds`.
        """
        for name, rules, expected, reached in sets:
            with self.subTest(name):
                rules = "\n".join(line.strip() for line in rules.strip().splitlines()) + "\n"
                findings = [f for f in self.analyse(rules) if f["kind"] in kinds]
                for rule, req in reached.items():
                    self.assertEqual(self.verdicts("causeway.conf", req)[rule], "match", req)
                for rule in re.findall(r"^rule (\w+)", rules, re.M):
                    wanted, *by = expected.get(rule, "none").split()
                    found = [f for f in findings if f["rule"] == rule]
                    self.assertIn(found[0]["kind"] if found else "none", wanted.split("|"), (rule, found))
                    self.assertLessEqual(len(found), 1, found)
                    if by and found and found[0]["kind"] != "not-decided":
                        self.assertEqual(sorted(b["rule"] for b in found[0]["by"]), by, found)


class Shadowed(Analysis):
    def test_by_patterns(self):
        self.run_sets([
            ("one rule", r"""
                rule a { priority 10; pattern suffix '@a.example'; on-match stop; target edge }
                rule b { priority 20; pattern regex 'bob@a\.example'; target internet }
             """, {"b": "shadowed a"}, {}),
            ("the rule that takes it stands below in the file", r"""
                rule b { priority 20; pattern prefix bob; target internet }
                rule a { priority 10; pattern regex 'b.*'; on-match stop; target edge }
             """, {"b": "shadowed a"}, {}),
            ("two rules", r"""
                rule a { priority 10; pattern regex '.*@a\.example'; on-match stop; target edge }
                rule b { priority 10; pattern regex '.*@b\.example'; on-match stop; target edge }
                rule c { priority 20; pattern regex '.*@(a|b)\.example'; target internet }
             """, {"c": "shadowed a b"}, {}),
            ("three rules of three types and priorities", r"""
                rule a { priority 10; pattern exact alice@x.example; on-match stop; target edge }
                rule b { priority 20; pattern prefix 'bob@'; on-match stop; target edge }
                rule c { priority 30; pattern suffix 'ol@x.example'; on-match stop; target edge }
                rule d { priority 40; pattern regex '(alice|bob|carol)@x\.example'; target internet }
             """, {"d": "shadowed a b c"}, {}),
            ("a first letter in two halves", r"""
                rule a { priority 10; pattern regex '[a-m].*@x\.example'; on-match stop; target edge }
                rule b { priority 10; pattern regex '[^a-m].*@x\.example'; on-match stop; target edge }
                rule c { priority 20; pattern regex '.+@x\.example'; target internet }
             """, {"c": "shadowed a b"}, {}),
            ("only the rule that stops takes it", r"""
                rule a { priority 10; pattern suffix '@x'; target edge }
                rule b { priority 10; pattern regex '.*@x'; on-match stop; target internet }
                rule c { priority 20; pattern exact bob@x; target inner }
             """, {"c": "shadowed b"}, {"a": request("bob@x"), "b": request("bob@x")}),
            ("behind a rule that is shadowed itself", r"""
                rule a { priority 10; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; pattern suffix 'b@x'; on-match stop; target edge }
                rule c { priority 30; pattern exact bob@x; target internet }
             """, {"b": "shadowed a", "c": "shadowed a"}, {}),
            ("case folding", r"""
                rule a { priority 10; pattern regex '.*@X\.EXAMPLE'; on-match stop; target edge }
                rule b { priority 20; pattern suffix 'bob@x.example'; target internet }
             """, {"b": "shadowed a"}, {}),
            ("escapes", r"""
                rule a { priority 10; pattern regex '[\w\x2d]+\x40\Qx.example\E'; on-match stop; target edge }
                rule b { priority 20; pattern regex '\d{3}-\d+@x\.example'; target internet }
             """, {"b": "shadowed a"}, {}),
            ("counted repeats", r"""
                rule a { priority 10; pattern regex '\d{2,5}@x'; on-match stop; target edge }
                rule b { priority 20; pattern regex '(\d\d){1,2}\d?@x'; target internet }
             """, {"b": "shadowed a"}, {}),
            ("the text of a replacement does not count", r"""
                rule a { priority 10; pattern regex '(.*)@x'; behavior replace '\1@y'; on-match stop; target edge }
                rule b { priority 20; pattern suffix '@x'; behavior strip; target internet }
             """, {"b": "shadowed|duplicate a"}, {}),
        ])

    def test_by_criteria(self):
        self.run_sets([
            ("three variants are Microsoft", r"""
                rule a { priority 10; variant ms-imp; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 10; variant ms-av; pattern suffix '@x'; on-match stop; target edge }
                rule c { priority 10; variant ms-sip; pattern suffix '@x'; on-match stop; target edge }
                rule d { priority 20; variant microsoft; pattern suffix 'bob@x'; target internet }
             """, {"d": "shadowed a b c"}, {}),
            ("Microsoft and standard are all", r"""
                rule a { priority 10; variant microsoft; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 10; variant standard; pattern suffix '@x'; on-match stop; target edge }
                rule c { priority 20; pattern suffix 'bob@x'; target internet }
             """, {"c": "shadowed a b"}, {}),
            ("the default zone and all zones", r"""
                rule a { priority 10; source default; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 10; source all-zones; pattern suffix '@x'; on-match stop; target edge }
                rule c { priority 20; pattern suffix 'bob@x'; target internet }
             """, {"c": "shadowed a b"}, {}),
            ("nothing comes from a dns zone", r"""
                rule a { priority 10; source inner edge; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; source all-zones; pattern suffix 'bob@x'; target internet }
             """, {"b": "shadowed a"}, {}),
            ("what comes from a trusted zone is authenticated", r"""
                rule a { priority 10; authenticated yes; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; source inner; pattern suffix 'bob@x'; target internet }
             """, {"b": "shadowed a"}, {}),
            ("authenticated requests come from the trusted zone", r"""
                rule a { priority 10; source inner; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; authenticated yes; pattern suffix 'bob@x'; target internet }
             """, {"b": "shadowed a"}, {}),
            ("both protocols", r"""
                rule a { priority 10; protocol sip; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 10; protocol xmpp; pattern suffix '@x'; on-match stop; target edge }
                rule c { priority 20; protocol any; pattern suffix 'bob@x'; target internet }
             """, {"c": "shadowed a b"}, {}),
            ("any protocol", r"""
                rule a { priority 10; protocol any; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; protocol xmpp; pattern suffix 'bob@x'; target internet }
             """, {"b": "shadowed a"}, {}),
            ("any alias that is no address", r"""
                rule a { priority 10; mode any-alias; on-match stop; target edge }
                rule b { priority 20; pattern regex '\d+@192\.0\.2\.1'; target internet }
             """, {"b": "shadowed a"}, {}),
            ("any address", r"""
                rule a { priority 10; mode any-ip; on-match stop; target edge }
                rule b { priority 20; pattern regex '192\.0\.2\.\d(:506[01])?'; target internet }
             """, {"b": "shadowed a"}, {}),
            ("an address or none", r"""
                rule a { priority 10; mode any-ip; on-match stop; target edge }
                rule b { priority 10; mode any-alias; on-match stop; target edge }
                rule c { priority 20; pattern regex '.*'; target internet }
             """, {"c": "shadowed a b"}, {}),
            ("addresses after everything", r"""
                rule a { priority 10; pattern regex '.*'; on-match stop; target edge }
                rule b { priority 20; mode any-ip; target internet }
                rule c { priority 20; mode any-alias; target internet }
             """, {"b": "shadowed a", "c": "shadowed a"}, {}),
        ])

    def test_not_by_patterns(self):
        self.run_sets([
            ("the rule before goes on", r"""
                rule a { priority 10; pattern suffix '@x'; on-match continue; target edge }
                rule b { priority 20; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x")}),
            ("the same priority after stop", r"""
                rule a { priority 10; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 10; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x")}),
            ("disabled", r"""
                rule a { priority 10; state disabled; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x")}),
            ("a greater priority number", r"""
                rule a { priority 30; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x")}),
            ("in part", r"""
                rule a { priority 10; pattern regex 'b.*@x'; on-match stop; target edge }
                rule b { priority 20; pattern regex '.*b@x'; target internet }
             """, {}, {"b": request("ab@x")}),
            ("two that leave a letter out", r"""
                rule a { priority 10; pattern regex '[a-m].*@x'; on-match stop; target edge }
                rule b { priority 10; pattern regex '[o-z].*@x'; on-match stop; target edge }
                rule c { priority 20; pattern regex '[a-z].*@x'; target internet }
             """, {}, {"c": request("n@x")}),
            ("a dot that stands for any character", r"""
                rule a { priority 10; pattern regex '.*@a\.example'; on-match stop; target edge }
                rule b { priority 20; pattern regex '.*@a.example'; target internet }
             """, {}, {"b": request("bob@a-example")}),
            ("the whole alias", r"""
                rule a { priority 10; pattern regex '.*@a\.example'; on-match stop; target edge }
                rule b { priority 20; pattern regex '.*@a\.example.*'; target internet }
             """, {}, {"b": request("bob@a.example:5061")}),
            ("one more than the repeats", r"""
                rule a { priority 10; pattern regex '\d{2,5}@x'; on-match stop; target edge }
                rule b { priority 20; pattern regex '\d{2,6}@x'; target internet }
             """, {}, {"b": request("123456@x")}),
            ("the quoted dot", r"""
                rule a { priority 10; pattern regex '\Qa.b\E@x'; on-match stop; target edge }
                rule b { priority 20; pattern exact axb@x; target internet }
             """, {}, {"b": request("axb@x")}),
            ("a literal that only looks like a repeat", r"""
                rule a { priority 10; pattern regex 'a{x}@x'; on-match stop; target edge }
                rule b { priority 20; pattern exact ax@x; target internet }
             """, {}, {"b": request("ax@x")}),
            ("brackets in an exact pattern", r"""
                rule a { priority 10; pattern exact '[ab]+@x'; on-match stop; target edge }
                rule b { priority 20; pattern exact ab@x; target internet }
             """, {}, {"b": request("ab@x")}),
        ])

    def test_not_by_criteria(self):
        self.run_sets([
            ("another zone", r"""
                rule a { priority 10; source edge; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; source default; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x")}),
            ("all zones without the default one", r"""
                rule a { priority 10; source all-zones; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x")}),
            ("one zone of two", r"""
                rule a { priority 10; source edge; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; source inner edge; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x", "inner", authenticated=True)}),
            ("another variant", r"""
                rule a { priority 10; variant ms-imp; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; variant ms-av; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x", variant="ms-av")}),
            ("Microsoft without one variant", r"""
                rule a { priority 10; variant ms-imp; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 10; variant ms-av; pattern suffix '@x'; on-match stop; target edge }
                rule c { priority 20; variant microsoft; pattern suffix 'bob@x'; target internet }
             """, {}, {"c": request("bob@x", variant="ms-sip")}),
            ("Microsoft without standard", r"""
                rule a { priority 10; variant microsoft; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x", variant="standard")}),
            ("another protocol", r"""
                rule a { priority 10; protocol sip; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; protocol xmpp; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x", protocol="xmpp", variant="standard")}),
            ("one protocol of two", r"""
                rule a { priority 10; protocol sip; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; protocol any; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x", protocol="xmpp", variant="standard")}),
            ("authenticated requests only", r"""
                rule a { priority 10; authenticated yes; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; pattern suffix 'bob@x'; target internet }
             """, {}, {"b": request("bob@x")}),
            ("two that together leave a zone for a variant", r"""
                rule a { priority 10; source default; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 10; variant ms-imp; pattern suffix '@x'; on-match stop; target edge }
                rule c { priority 20; pattern suffix 'bob@x'; target internet }
             """, {}, {"c": request("bob@x", "edge", variant="ms-av")}),
            ("half the addresses in one zone, half in the other", r"""
                rule a { priority 10; source default; pattern regex '[a-m]@x'; on-match stop; target edge }
                rule b { priority 10; source edge inner; pattern regex '[n-z]@x'; on-match stop; target edge }
                rule c { priority 20; pattern regex '[a-z]@x'; target internet }
             """, {}, {"c": request("n@x")}),
            ("addresses are no aliases", r"""
                rule a { priority 10; mode any-alias; on-match stop; target edge }
                rule b { priority 20; pattern regex '192\.0\.2\.7'; target internet }
                rule c { priority 20; mode any-ip; target internet }
             """, {}, {"b": request("192.0.2.7"), "c": request("[2001:db8::1]")}),
            ("numbers that are no addresses", r"""
                rule a { priority 10; mode any-ip; on-match stop; target edge }
                rule b { priority 20; pattern regex '192\.0\.2\.\d+'; target internet }
             """, {}, {"b": request("192.0.2.999")}),
            ("addresses in brackets", r"""
                rule a { priority 10; pattern regex '[\d.]+([:;].*)?'; on-match stop; target edge }
                rule b { priority 20; mode any-ip; target internet }
             """, {}, {"b": request("[::1]")}),
            ("addresses with what may follow the parameters", r"""
                rule a { priority 10; pattern regex '[\d.]+(:\d+)?(;.*)?'; on-match stop; target edge }
                rule b { priority 10; pattern regex '\[.*'; on-match stop; target edge }
                rule c { priority 20; mode any-ip; target internet }
             """, {}, {"c": request("192.0.2.1?x")}),
        ])

    def test_witnesses_that_are_hard_to_write(self):
        """A password reads like a scheme, bytes are no UTF-8, and quotes, blanks and controls are bytes too."""
        for pattern, kinds in (
            ("regex 'bob:[a-z]+@x'", "shadowed"), ("regex 'sip:[a-z]+@x'", "shadowed"), ("exact é@x", "shadowed"),
            (r"regex '\xe9@x'", "shadowed|not-decided"), (r"regex '\xc3[\x80-\x8f]@x'", "shadowed"),
            ("exact %40@x", "shadowed"), ("regex '-+@x'", "shadowed"), (r"regex '[\t ]{2}@x'", "shadowed"),
            ("exact '\"''@x'", "shadowed"), (r"regex '[\\\\{}#;]{3}@x'", "shadowed"),
            (r"regex '[\x01-\x08]@x'", "shadowed"), ("regex '[^a-z0-9]@x'", "shadowed"), (r"regex '[^\x20-\x7e]@x'", "shadowed"),
        ):
            with self.subTest(pattern=pattern):
                self.run_sets([("behind its domain", f"""
                    rule a {{ priority 10; pattern suffix '@x'; on-match stop; target edge }}
                    rule b {{ priority 20; pattern {pattern}; target internet }}
                 """, {"b": kinds}, {})])

    def test_a_thousand_rules(self):
        rule = "rule {} {{ priority {}; source inner; pattern {}; on-match stop; target {} }}\n"
        rules = [rule.format(f"d{n}", n + 10, f"regex '.*@(.*[.])?net-{n}[.]example'", "edge") for n in range(1000)]
        rules.insert(500, rule.format("low", 2000, "exact bob@net-700.example", "internet"))
        rules.insert(800, rule.format("two", 2000, "regex '.*@net-(12|999)[.]example'", "internet"))
        rules.insert(900, rule.format("not", 2000, "regex '.*@net-(12|1000)[.]example'", "internet"))
        self.run_sets([("of domains", "".join(rules), {"low": "shadowed d700", "two": "shadowed d12 d999"},
                        {"not": request("al@net-1000.example", "inner", authenticated=True)})])

    def test_by_hundreds_of_rules(self):
        rule = "rule u{0} {{ priority 10; pattern exact u{0:03}@x; on-match stop; target edge }}\n"
        rules = [rule.format(n) for n in range(1000)]
        last = r"rule last { priority 20; pattern regex 'u\d{3}@x'; target internet }"
        for name, chosen, expected, reached in (
            ("all", rules, {"last": "shadowed|not-decided"}, {}),
            ("all but one", rules[:618] + rules[619:], {"last": "none|not-decided"}, {"last": request("u618@x")}),
        ):
            self.run_sets([(name, "".join(chosen) + last, expected, reached)])


class Unreachable(Analysis):
    def test_patterns(self):
        """What matches no alias at all: an alias is not empty, has at most 2048 bytes, and no NUL, CR or LF."""
        for pattern in (
            r"regex '[^\x00-\xff]'", r"regex '[^\d\D]+@x'", "regex a^b", "regex 'a$b@x'", r"regex '.+\Abob@x'",
            r"regex 'bob\z@x'", r"regex 'a\nb@x'", r"regex '\x00.*'", r"regex '.*[\r\n]'", r"regex 'a{0}'",
            "regex '(a{0}|b{0})*'", r"regex '^$'", f"exact '{'a' * 2049}'", f"suffix '{'a' * 2049}'",
        ):
            with self.subTest(pattern=pattern[:40]):
                self.run_sets([(pattern[:40], f"""
                    rule a {{ pattern {pattern}; target edge }}
                    rule b {{ pattern exact bob@x; target edge }}
                 """, {"a": "unreachable"}, {"b": request("bob@x")})])

    def test_patterns_that_may_be_undecided(self):
        self.run_sets([
            (pattern, f"rule a {{ pattern regex '{pattern}'; target edge }}", {"a": "unreachable|not-decided"}, {})
            for pattern in ("(?!)", "(?=b)a@x", "a(*FAIL)b", "a*+ab@x", "[ab]{2100}@x")
        ])

    def test_long_aliases_are_reached(self):
        self.run_sets([
            (kind, f"rule a {{ pattern {kind} '{'a' * 2048}'; target edge }}", {}, {"a": request("a" * 2048)})
            for kind in ("exact", "prefix", "suffix")
        ])

    def test_criteria(self):
        self.run_sets([
            ("authenticated from outside", r"""
                rule a { source default edge; authenticated yes; pattern suffix '@x'; target edge }
                rule b { source inner edge; authenticated yes; pattern suffix '@x'; target internet }
             """, {"a": "unreachable"}, {"b": request("bob@x", "inner", authenticated=True)}),
            ("from a dns zone", r"""
                rule a { source internet; pattern suffix '@x'; target edge }
                rule b { source internet default; pattern suffix '@y'; target edge }
             """, {"a": "unreachable"}, {"b": request("bob@y")}),
            ("what is unreachable shadows nothing", r"""
                rule a { priority 10; source internet; pattern suffix '@x'; on-match stop; target edge }
                rule b { priority 20; pattern suffix '@x'; target edge }
             """, {"a": "unreachable"}, {"b": request("bob@x")}),
        ])

    def test_disabled_rules_have_no_findings(self):
        self.run_sets([("disabled", r"""
            rule a { priority 10; pattern suffix '@x'; on-match stop; target edge }
            rule b { priority 20; state disabled; pattern exact bob@x; target edge }
            rule c { priority 20; state disabled; pattern regex '[^\d\D]'; target edge }
         """, {}, {})])

    def test_transforms(self):
        self.run_sets([
            ("every such alias is rewritten", r"""
                transform t { pattern suffix '@example.net'; behavior replace '@example.com' }
                rule a { pattern regex '.*@example\.net'; target edge }
                rule b { pattern regex '.*@example\.com'; target internet }
             """, {"a": "unreachable|not-decided"}, {"b": request("bob@example.net")}),
            ("a disabled one rewrites nothing", r"""
                transform t { state disabled; pattern suffix '@example.net'; behavior replace '@example.com' }
                rule a { pattern regex '.*@example\.net'; target edge }
             """, {}, {"a": request("bob@example.net")}),
            ("only one is applied", r"""
                transform t { priority 1; pattern exact a@x; behavior replace b@x }
                transform u { priority 2; pattern exact b@x; behavior replace c@x }
                rule a { pattern exact b@x; target edge }
                rule b { pattern exact c@x; target edge }
             """, {"a": "none|not-decided", "b": "none|not-decided"}, {"a": request("a@x"), "b": request("b@x")}),
            ("with a group", r"""
                transform t { pattern regex '(\d+)@x\.example'; behavior replace 'desk-\1@x.example' }
                rule a { priority 10; pattern regex '[a-ce-z].*@x\.example'; on-match stop; target edge }
                rule b { priority 20; pattern regex '.*@x\.example'; target internet }
                rule c { priority 20; pattern regex 'desk-.*'; target edge }
             """, {"b": "none|not-decided", "c": "none|not-decided"},
             {"a": request("bob@x.example"), "b": request("42@x.example"), "c": request("42@x.example")}),
            ("shadowed because of it", r"""
                transform t { pattern suffix '@new.example'; behavior replace '@old.example' }
                rule a { priority 10; pattern regex '.*@old\.example'; on-match stop; target edge }
                rule b { priority 20; pattern regex '.*@(old|new)\.example'; target internet }
             """, {"b": "shadowed|not-decided a"}, {"a": request("bob@new.example")}),
            ("shadowed all the same", r"""
                transform t { pattern suffix '@new.example'; behavior replace '@old.example' }
                rule a { priority 10; pattern regex '.*@old\.example'; on-match stop; target edge }
                rule b { priority 20; pattern regex 'bob@old\.example'; target internet }
             """, {"b": "shadowed|not-decided a"}, {}),
            ("saved by it", r"""
                transform t { pattern exact alias; behavior replace bob@old.example }
                rule a { priority 10; pattern regex '.*@old\.example'; on-match stop; target edge }
                rule b { priority 20; pattern exact alias; target internet }
                rule c { priority 20; pattern regex '.*alias'; target internet }
             """, {"b": "unreachable|not-decided", "c": "none|not-decided"}, {"c": request("my-alias")}),
        ])


class Duplicate(Analysis):
    def test_of_the_same_priority(self):
        for first, second in (
            ("regex 'alice@x'", "regex '[Aa]lice@x'"),
            ("exact alice@x", "regex 'alice@x'"),
            ("suffix '@x.example'", r"regex '.*@x\.example'"),
            ("prefix 'sip.'", r"regex 'sip\..*'"),
            (r"regex '(a|b)+@x'", r"regex '[ab]([ab])*@x'"),
            (r"regex '\d{2}@x'", r"regex '[0-9][0-9]@x'"),
            (r"regex 'a\x40x'", "exact A@X"),
            ("regex 'a{1,3}@x'", "regex 'aa?a?@x'"),
            ("regex 'a+?@x'", "regex 'a+@x'"),
            ("regex '(?:bob)@x'", "regex 'bob@x'"),
            ("regex 'bob@x'", "regex '^bob@x$'"),
        ):
            with self.subTest(first=first, second=second):
                self.run_sets([("equal", f"""
                    rule a {{ priority 10; pattern {first}; target edge }}
                    rule b {{ priority 10; pattern {second}; target edge }}
                 """, {"b": "duplicate a"}, {})])

    def test_of_another_priority(self):
        self.run_sets([("equal", r"""
            rule a { priority 10; pattern exact alice@x; on-match stop; target edge }
            rule b { priority 20; pattern regex '[Aa]lice@x'; on-match stop; target edge }
         """, {"b": "duplicate|shadowed a"}, {})])

    def test_rules_that_add_something(self):
        self.run_sets([
            ("another zone to try", r"""
                rule a { priority 10; pattern suffix '@x'; target edge }
                rule b { priority 10; pattern suffix '@x'; target internet }
             """, {}, {"b": request("bob@x")}),
            ("another alias to try", r"""
                rule a { priority 10; pattern regex '(.*)@x'; target edge }
                rule b { priority 10; pattern regex '(.*)@x'; behavior replace '\1@y'; target edge }
             """, {}, {"b": request("bob@x")}),
            ("the other is disabled", r"""
                rule a { priority 10; state disabled; pattern suffix '@x'; target edge }
                rule b { priority 10; pattern suffix '@x'; target edge }
             """, {}, {"b": request("bob@x")}),
            ("another variant", r"""
                rule a { priority 10; variant ms-av; pattern suffix '@x'; target edge }
                rule b { priority 10; variant ms-imp; pattern suffix '@x'; target edge }
             """, {}, {"b": request("bob@x")}),
            ("another source", r"""
                rule a { priority 10; source edge; pattern suffix '@x'; target edge }
                rule b { priority 10; source default; pattern suffix '@x'; target edge }
             """, {}, {"b": request("bob@x")}),
        ])


class Overlap(Analysis):
    def overlaps(self, rules):
        return [(f["rule"], [b["rule"] for b in f["by"]]) for f in self.analyse(rules) if f["kind"] == "overlap"]

    def test_of_the_same_priority(self):
        found = self.overlaps(
            "rule a { priority 10; pattern regex 'alice@.*'; target edge }\n"
            "rule b { priority 10; pattern regex '.*@x[.]example'; target internet }\n"
        )
        self.assertIn(found, ([("b", ["a"])], [("a", ["b"])]))

    def test_none(self):
        for name, one, other in (
            ("patterns", "pattern regex 'a.*@x'", "pattern regex 'b.*@x'"),
            ("sources", "source edge; pattern suffix '@x'", "source default; pattern suffix 'bob@x'"),
            ("variants", "variant ms-av; pattern suffix '@x'", "variant standard; pattern suffix 'bob@x'"),
            ("protocols", "protocol xmpp; pattern suffix '@x'", "pattern suffix 'bob@x'"),
            ("modes", "mode any-ip", "mode any-alias"),
        ):
            with self.subTest(name):
                self.assertEqual(self.overlaps(
                    f"rule a {{ priority 10; {one}; target edge }}\nrule b {{ priority 10; {other}; target internet }}\n"
                ), [])


class NotDecided(Analysis):
    def test_never_a_wrong_answer(self):
        """The first rule only seems to take everything that the second matches."""
        for pattern, alias in (
            ("(?!b).*@x", "bob@x"), ("(?=a).*@x", "bob@x"), (".*(?<!b)@x", "bob@x"), (".*(?<=a)@x", "bob@x"),
            (r"(a|b)\1@x", "ab@x"), (r"(?<n>a|b)\k<n>@x", "ab@x"), ("(?>a|ab)@x", "ab@x"), ("a*+ab@x", "aab@x"),
            ("(?>a*)ab@x", "aab@x"), ("a?+a@x", "a@x"), ("(?:a|ab)++c@x", "abc@x"), (r"\bob@x|b\bob@x", "bob@x"),
            (r".*\Bb@x", "b@x"), ("(?-i)a@x", "A@x"), ("(?-i:A)b@x", "ab@x"), ("(?x) a b @x", "a b @x"),
            ("a(*FAIL)|b@x", "a"), ("(?(?=a)ab|b)@x", "a@x"), ("(a(?1)?b)@x", "aab@x"), (r"a\Kb@x", "a@x"),
            (r"(a)?(?(1)b|c)@x", "ac@x"), (r"(?s:.)*\Z@x", "a@x"), ("(*COMMIT)ab@x", "a@x"),
        ):
            with self.subTest(pattern=pattern):
                self.run_sets([(alias, f"""
                    rule a {{ priority 10; pattern regex '{pattern}'; on-match stop; target edge }}
                    rule b {{ priority 20; pattern exact '{alias}'; target internet }}
                 """, {"a": "none|not-decided|unreachable", "b": "none|not-decided"}, {"b": request(alias)})])

    def test_said_with_the_reason(self):
        """Whether the second rule is shadowed hangs on a pattern that is not regular."""
        for pattern in ("(?=a).*@x", "(?!b).*@x", r"(a|b)\1@x", r".*\b@x"):
            with self.subTest(pattern=pattern):
                self.run_sets([("shadowed, but by a rule that is not regular", f"""
                    rule a {{ priority 10; pattern regex '{pattern}'; on-match stop; target edge }}
                    rule b {{ priority 20; pattern regex '{pattern}'; target internet }}
                 """, {"a": "none|not-decided", "b": "not-decided|duplicate|shadowed"}, {})])

    def test_shadowed_whatever_it_means(self):
        self.run_sets([("everything of the domain goes before", r"""
            rule a { priority 10; pattern suffix '@x'; on-match stop; target edge }
            rule b { priority 20; pattern regex '(?=a).*@x'; target internet }
         """, {"b": "shadowed|not-decided"}, {})])

    def test_an_irregular_rule_hides_nothing_that_others_show(self):
        self.run_sets([("beside the point", r"""
            rule a { priority 10; pattern regex '(?=a).*@y'; on-match stop; target edge }
            rule b { priority 10; pattern suffix '@x'; on-match stop; target edge }
            rule c { priority 20; pattern exact bob@x; target internet }
         """, {"a": "none|not-decided", "c": "shadowed b"}, {})])


class BlowUp(Analysis):
    def test_ends_within_its_limits(self):
        """2^30 states: decided otherwise or not at all, but decided within bounds, and never wrongly."""
        tail = "c" * 30 + "@x"
        for first, second, kinds, alias in (
            (".*a.{30}@x", ".*b.{30}@x", "none|not-decided", "b" + tail),
            (".*a.{30}@x", ".*[ab].{30}@x", "none|not-decided", "b" + tail),
            (".*a.{30}@x", ".*a.{29}b@x", "shadowed|not-decided", None),
            (".*a.{30}@x", "a{40}@x", "shadowed|not-decided", None),
            ("(.*a.{20}){3}@x", "(.*b.{20}){3}@x", "none|not-decided", ("b" + "c" * 20) * 3 + "@x"),
            ("([ab]{1,40}){1,40}@x", "([bc]{1,40}){1,40}@x", "none|not-decided", "c@x"),
            ("(.*a){20}.{20}@x", ".*a.{25}@x", "none|not-decided", "b" * 50 + "a" + "c" * 25 + "@x"),
            ("|".join(f".*{c}.{{{n}}}@x" for c, n in zip("abcdefgh", range(20, 28))), ".*z.{28}@x", "none|not-decided",
             "z" + "y" * 28 + "@x"),
        ):
            with self.subTest(first=first[:40], second=second):
                self.run_sets([("", f"""
                    rule a {{ priority 10; pattern regex '{first}'; on-match stop; target edge }}
                    rule b {{ priority 20; pattern regex '{second}'; target internet }}
                 """, {"a": "none|not-decided", "b": kinds}, {"b": request(alias)} if alias else {})])
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, MEMORY_KIB)

    def test_other_rules_are_decided_beside_it(self):
        self.run_sets([("beside it", r"""
            rule a { priority 10; pattern regex '.*a.{30}@y'; on-match stop; target edge }
            rule b { priority 10; pattern suffix '@x'; on-match stop; target edge }
            rule c { priority 20; pattern exact bob@x; target internet }
            rule d { priority 20; pattern regex '.*b.{30}@y'; target internet }
         """, {"a": "none|not-decided", "c": "shadowed b", "d": "none|not-decided"}, {"d": request("b" * 31 + "@y")})])


class Style(Analysis):
    def test_found(self):
        self.run_sets([
            ("a dot before the top-level domain", r"""
                rule a { source inner; pattern regex '.*@foo.example'; target edge }
             """, {"a": "unescaped-dot"}, {}),
            ("the second of two dots", r"""
                rule a { source inner; pattern regex 'bob@foo\.bar.example'; target edge }
             """, {"a": "unescaped-dot"}, {}),
            ("a host", r"""
                rule a { source inner; pattern regex '.*imp1-public.uc\.local.*'; target edge }
             """, {"a": "unescaped-dot"}, {}),
            ("blanks that came with copying", r"""
                rule a { source inner; pattern regex '. *@msexample\ .com'; target edge }
             """, {"a": "stray-blank"}, {}),
            ("a blank at the end", r"""
                rule a { source inner; pattern suffix '@msexample.com '; target edge }
             """, {"a": "stray-blank"}, {}),
            ("from anywhere to the inside", r"""
                rule a { source any; pattern suffix '@example.com'; target inner }
             """, {"a": "open"}, {}),
            ("no source at all", r"""
                rule a { pattern regex '.*@example\.com'; target inner }
             """, {"a": "open"}, {}),
            ("addresses of users only", r"""
                rule a { variant ms-imp; source inner; pattern regex '.*@msexample\.com'; target internet }
             """, {"a": "no-notify-rule"}, {}),
            ("hosts only from elsewhere", r"""
                rule a { variant ms-imp; source inner; pattern regex '.*@msexample\.com'; target internet }
                rule b { variant ms-imp; source edge; mode any-alias; target internet }
             """, {"a": "no-notify-rule"}, {}),
            ("nested repeats", r"""
                rule a { source inner; pattern regex '(a+)+@x'; target edge }
             """, {"a": "catastrophic"}, {}),
            ("the same text in two ways", r"""
                rule a { source inner; pattern regex '(\w|\d)*@x'; target edge }
             """, {"a": "catastrophic"}, {}),
        ], STYLE)

    def test_not_found(self):
        self.run_sets([
            ("dots that are meant", r"""
                rule a { source inner; pattern regex '.*@foo\.example'; target edge }
                rule b { source inner; pattern regex '.+@(.*\.)?bar\.example[:;].*'; target edge }
                rule c { source inner; pattern regex '...@foo[.]example'; target edge }
                rule d { source inner; pattern regex '\Qbob@foo.example\E'; target edge }
                rule e { source inner; pattern suffix '@foo.example'; target edge }
                rule f { source inner; pattern exact 'bob@foo.example'; target edge }
             """, {}, {}),
            ("one zone to the inside", r"""
                rule a { source edge; pattern suffix '@example.com'; target inner }
                rule b { source default; pattern suffix '@example.com'; target inner }
             """, {}, {}),
            ("hosts as well", r"""
                rule a { priority 10; variant ms-imp; source inner; pattern regex '.*@msexample\.com'; target internet }
                rule b { priority 20; variant ms-imp; source inner; mode any-alias; target internet }
             """, {}, {}),
            ("not for Microsoft", r"""
                rule a { variant standard; source inner; pattern regex '.*@example\.org'; target internet }
             """, {}, {}),
            ("repeats that end", r"""
                rule a { source inner; pattern regex '[a-z]+(\.[a-z]+)*@x'; target edge }
                rule b { source inner; pattern regex '(a|b)+@x'; target edge }
                rule c { source inner; pattern regex '(\d{2,4}-)*\d@x'; target edge }
             """, {}, {}),
        ], STYLE)

    def test_the_rules_to_start_from(self):
        shutil.copytree(Path(__file__).resolve().parents[2] / "rules", self.path / "rules")
        for conf in ("expressway-c.conf", "expressway-e.conf"):
            with self.subTest(conf):
                code, got = self.json("rules", "analyse", "-c", "rules/" + conf, "--json")
                self.assertEqual((code, got["warnings"]), (0, 0), got["findings"])
                rules = (self.path / "rules" / conf).with_suffix(".rules").read_text()
                self.assertEqual(got["rules"], rules.count("\nrule "))


class Printed(Analysis):
    RULES = (
        "rule a { priority 10; source inner; pattern regex '.*@a[.]example'; on-match stop; target edge }\n"
        "rule b { priority 10; source inner; pattern regex '.*@b[.]example'; on-match stop; target edge }\n"
        "rule c { priority 20; source inner; pattern regex '.*@(a|b)[.]example'; target edge }\n"
    )

    def test_text(self):
        self.analyse(self.RULES)
        code, out, err = self.causeway("rules", "analyse", "-c", "causeway.conf")
        self.assertEqual((code, err), (1, ""))
        head, witness, *_ = out.splitlines()
        self.assertTrue(head.startswith("rules/a.rules:3: warning: shadowed: rule 'c' "), out)
        self.assertRegex(out, r"rule 'a'(: | \()rules/a\.rules:1")
        self.assertRegex(out, r"rule 'b'(: | \()rules/a\.rules:2")
        alias, source = re.search(r"^\s+witness: (\S+) from inner, sip, ([\w-]+)", out, re.M).groups()
        self.assertRegex(alias, r"(?i)^.*@[ab]\.example$")
        self.assertRegex(out.splitlines()[-1], r"^3 rules: 1 warnings?, 0 notes$")
        self.assertIn(source, ("standard", "ms-imp", "ms-av", "ms-sip"))
        self.assertNotIn("\x1b", out)

    def test_nothing_found(self):
        self.analyse(self.RULES.splitlines()[0] + "\n")
        code, out, err = self.causeway("rules", "analyse", "-c", "causeway.conf")
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"^1 rules?: 0 warnings, 0 notes\n$")

    def test_check_says_it_too(self):
        self.analyse(self.RULES)
        code, out, err = self.causeway("check", "-c", "causeway.conf")
        self.assertEqual(code, 1)
        self.assertRegex(out + err, r"rules/a\.rules:3:.*warning: .*shadowed")
        self.assertRegex(out + err, r"witness.*@[ab]\.example")
        code, got = self.json("check", "-c", "causeway.conf", "--json")
        self.assertEqual(code, 1)
        self.assertEqual(
            [(m["file"], m["severity"]) for m in got["messages"] if m["line"] == 3 and "shadowed" in m["message"]],
            [("rules/a.rules", "warning")],
        )

    def test_what_is_wrong(self):
        self.write("wrong.conf", "rule a { pattern regex 'a('; target nowhere }\n")
        self.write("right.conf", ZONES)
        for args, says in (
            (["-c", "wrong.conf"], "wrong.conf:1:"),
            (["-c", "missing.conf"], "missing.conf"),
            (["-c", "right.conf", "more"], "too many arguments"),
            (["-c", "right.conf", "--jsno"], "--jsno"),
        ):
            with self.subTest(args=args):
                code, out, err = self.causeway("rules", "analyse", *args)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(says, err)
