"""The federation that script/run shows:  PYTHONPATH=tests python3 -m federation --causeway PROGRAM [--once] [--keep]

Prints the way of every message, then stays up until Ctrl-C (or SIGTERM). Exit: 0 everything was right; 1 something was not.
"""

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from federation.exchange import Exchange, check_counters
from federation.topology import ALICE, BOB, LYNC, Federation
from federation.xmpp_exchange import CAROL, XmppExchange
from support.server import HOST
from support.xmpp_client import PASSWORD

LIMIT_S = 300  # a run that takes longer than this is broken, even under a sanitizer
PICTURE = """
  alice@msexample.com                                                                bob@ciscoexample.com
  Lync edge  <->  edge Causeway                  <->  inner Causeway             <->  IM&P cluster
  (stand-in)      rules/expressway-e.rules            rules/expressway-c.rules        (stand-in)

  carol@xmppexample.com                                                              bob@ciscoexample.com
  ejabberd   <->  edge Causeway                                                  <->  Prosody
                  xmpp { }, zone im
"""


class Table:
    """Rows as they come, under the heading of their section."""

    LINE = "  {mark} {sender:<9} {what:<30} {edge:<30} {inner:<33} {trace:<16}  {back}"

    def __init__(self):
        self.section = None
        self.tty = sys.stdout.isatty()

    def _paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.tty else text

    def show(self, row):
        if row.section != self.section:
            self.section = row.section
            print(f"\n{self._paint(1, row.section)}")
            head = self.LINE.format(mark=" ", sender="from", trace="trace", **row.HEAD)
            print(self._paint(2, head))
        mark = self._paint(31, "✗") if row.faults else self._paint(32, "✓")
        print(self.LINE.format(mark=mark, sender=row.sender, what=row.what, edge=row.edge, inner=row.inner,
                               back=row.back, trace=row.trace), flush=True)
        for fault in row.faults:
            print("\n".join(f"      {line}" for line in fault.splitlines()), flush=True)


def show_counters(counters):
    """The final counters side by side."""
    names = sorted(set().union(*counters.values()))
    print(f"\n  {'counter':<40} {'edge':>10} {'inner':>10}")
    for name in names:
        values = [counters[side].get(name, 0) for side in ("edge", "inner")]
        if any(values) or name.endswith("unaccounted"):
            print(f"  {name:<40} {values[0]:>10} {values[1]:>10}")


def commands(f):
    """What somebody may want to ask the dial plans while the federation is up; the call (ms-av) has no way."""
    program = os.path.relpath(f.program)
    questions = (
        (f.inner, "IMP", ALICE), (f.edge, "inner", ALICE), (f.edge, "default", BOB), (f.inner, "edge", BOB),
        (f.inner, "edge", "'imp1-public.ciscoexample.com:5061;transport=tls'"), (f.inner, "edge --variant ms-av", BOB))
    xmpp = (("im", CAROL), ("default", BOB))
    return [f"{program} locate -c {daemon.config} --from {source} {alias}" for daemon, source, alias in questions] + [
        f"{program} locate -c {f.edge.config} --protocol xmpp --from {source} {alias}" for source, alias in xmpp]


def show_state(f):
    """What the edge Causeway says of itself. Returns what was wrong with that."""
    faults = []
    for command in ("connections", "status"):
        words = [f.program, command, "-c", f.edge.config]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        print(f"\n$ causeway {command} -c {f.edge.config}")
        print("".join(f"  {line}".rstrip() + "\n" for line in done.stdout.splitlines()), end="", flush=True)
        if done.returncode != 0:
            faults.append(f"causeway {command} of the edge ended with {done.returncode}: {done.stdout}{done.stderr}")
    return faults


def invite_to_try(f):
    """Tell what can be done while it is up."""
    print("\nEverything stays up until Ctrl-C. Ask the dial plans, in another terminal:")
    for command in commands(f):
        print(f"  {command}")
    print("the edge Causeway itself:")
    program = os.path.relpath(f.program)
    for question in ("connections", "status", f"trace {CAROL.partition('@')[2]}"):
        print(f"  {program} {question} -c {f.edge.config}")
    print("read what the Causeways wrote:")
    print(f"  tail -f {f.edge.dir}/stderr.log {f.inner.dir}/stderr.log")
    print(f"and log in with two XMPP clients (without TLS, password \"{PASSWORD}\"):")
    for user, server in ((BOB, f.xmpp.inside), (CAROL, f.xmpp.partner)):
        print(f"  {user} at {HOST}:{server.c2s.number}", flush=True)


async def exchange_all(f, show):
    """Everything is exchanged, SIP while the XMPP servers start; what was wrong."""
    f.xmpp.spawn()
    sip = await Exchange(f, show).run()
    await asyncio.to_thread(f.xmpp.wait)
    xmpp = await XmppExchange(f, show).run()
    return sip.faults + xmpp.faults + show_state(f)


async def run(program, directory, once):
    """The reasons why it was not right; none: it was."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Federation(directory, program, report=lambda text: None) as f:
        print(PICTURE)
        for standin in (f.lync, f.cluster):
            print(f"  {standin.banner}")
        print(f"  {LYNC} and the Causeways find each other through a DNS server on {f.dns.address}")
        print(f"  Prosody finds every other domain at the edge Causeway, by its own DNS server on {f.xmpp.split_dns.address}")
        print('  "dialog token": inside a dialog, by the signed token of our Record-Route; no rule is asked')
        work = asyncio.ensure_future(asyncio.wait_for(exchange_all(f, Table().show), LIMIT_S))
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            return ["it was interrupted"]
        faults = work.result()
        if not once:
            if faults:
                print("\nNot everything was right; see above.")
            invite_to_try(f)
            await stopped
        counters = await f.stop_daemons()
        show_counters(counters)
        return faults + check_counters(counters)


def main():
    parser = argparse.ArgumentParser(prog="federation", description="A federation with Microsoft on this machine.")
    parser.add_argument("--causeway", required=True, type=Path, help="the program to run")
    parser.add_argument("--once", action="store_true", help="end after the exchange, with its result")
    parser.add_argument("--keep", action="store_true", help="keep the directory of the run, with the logs")
    args = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="causeway-run.")
    try:
        faults = asyncio.run(run(args.causeway.resolve(), directory, args.once))
    except (AssertionError, OSError, RuntimeError) as failure:
        faults = [f"{type(failure).__name__}: {failure}"]
    finally:
        if args.keep:
            print(f"\nThe configurations, certificates and logs are in {directory}")
        else:
            shutil.rmtree(directory)
    if faults:
        print(f"\nNOT RIGHT, faults: {len(faults)}, the first:\n{faults[0]}", file=sys.stderr)
        if not args.keep:
            print("With --keep the configurations and logs stay.", file=sys.stderr)
        return 1
    print("\nEverything was right.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
