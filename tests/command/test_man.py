"""causeway(8): every command of the program and each of its options stands in it, and its examples are what the program prints."""

import os
import re
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "daemon" / "causeway.8.scd").read_text()
BLOCKS = re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def run(args, **kwargs):
    return subprocess.run([os.environ["CAUSEWAY"], *args], capture_output=True, text=True, timeout=60, **kwargs)


def commands():
    """(name, usage) of each command that --help lists."""
    text = run(["--help"]).stdout
    for entry in re.split(r"^  causeway ", text, flags=re.MULTILINE)[1:]:
        usage = entry.split("\n\n")[0]
        name = re.match(r"[a-z]+( [a-z]+)?(?= |$)", usage.splitlines()[0])
        if name:  # and not the line on --help
            yield name.group(), usage


def section(name):
    """The part of the page under the heading of a command, or None."""
    found = re.search(rf"^## causeway {name}(?= |$).*?(?=^## |^# [A-Z])", PAGE, re.DOTALL | re.MULTILINE)
    return found.group() if found else None


def widened(configuration):
    """The new.conf of the page: rule 'to the world' without its variant."""
    head, name, tail = configuration.partition("rule 'to the world'")
    return head + name + tail.replace("\tvariant  ms-imp\n", "", 1)


class Man(unittest.TestCase):
    def test_every_command_has_a_section_with_its_options(self):
        names = []
        for name, usage in commands():
            names.append(name)
            with self.subTest(command=name):
                text = section(name)
                self.assertIsNotNone(text, f"causeway.8.scd has no heading '## causeway {name}'")
                for option in re.findall(r"--?[a-z]+", usage):
                    self.assertIn(option, text)
                self.assertIn("exit status", text)
        self.assertIn("locate", names)
        self.assertIn("rules test", names)

    def test_every_event_and_counter_stands_in_the_page(self):
        sources = {path: path.read_text() for path in ROOT.glob("[a-z]*/*.c") if path.parent.name != "tests"}
        events, counters = set(), set()
        for text in sources.values():
            for area, event in re.findall(r'cw_(?:error|warn|info)\(\s*"([a-z.]+)",\s*cw_kz\("event",([^)]*)\)', text):
                events |= {(area, name) for name in re.findall(r'"([a-z-]+)"', event)}
            counters |= set(re.findall(r'cw_stats_counter\([^,()]+,\s*"([a-z.-]+)"\)', text))
        self.assertGreater(min(len(events), len(counters)), 20)
        for area, event in sorted(events):
            with self.subTest(area=area, event=event):
                entry = re.search(rf"^[^\n]*\*{area}\*[^\n]*\n(\t[^\n]*\n)+", PAGE, re.MULTILINE)
                self.assertIsNotNone(entry, f"no entry *{area}*")
                self.assertIn(event, entry.group())
        for name in sorted(counters):
            with self.subTest(counter=name):
                self.assertIn(f"*{name}*", PAGE)

    def test_every_section_is_of_a_command(self):
        headings = re.findall(r"^## causeway ([a-z]+(?: [a-z]+)?)(?= [^a-z]| [A-Z]|$)", PAGE, re.MULTILINE)
        self.assertEqual(sorted(headings), sorted(name for name, _ in commands()))

    def test_examples_are_what_the_program_prints(self):
        configuration = next(b for b in BLOCKS if b.startswith("hostname"))
        tests = next(b for b in BLOCKS if b.startswith("# strangers"))
        requests = next(b for b in BLOCKS if b.startswith('{"alias"'))
        bob = next(b for b in BLOCKS if b.startswith("rule 'bob'"))
        table = next(b for b in BLOCKS if b.startswith("Name,"))
        # what asks the running daemon is looked at in tests/scenario/test_control.py
        examples = [b for b in BLOCKS if re.match(r"\$ causeway (?!status|connections|trace)", b)]
        self.assertGreaterEqual(len(examples), 4)
        with tempfile.TemporaryDirectory() as directory:
            Path(directory, "causeway.conf").write_text(configuration)
            Path(directory, "new.conf").write_text(widened(configuration))
            Path(directory, "more.conf").write_text(configuration + bob)
            Path(directory, "rules.test").write_text(tests)
            Path(directory, "requests.json").write_text(requests)
            Path(directory, "rules.csv").write_text(table)
            for example in examples:
                line, expected = example.split("\n", 1)
                with self.subTest(line):
                    done = run(shlex.split(line)[2:], cwd=directory)
                    self.assertEqual(done.stdout, expected)
                    self.assertEqual(done.stderr, "")
