#!/usr/bin/env python3
"""Replay the seeds of a libFuzzer target, one TAP case each, then search for a few seconds as one more case.

    run.py TARGET CORPUS DICTIONARY SECONDS

What the search finds is printed (libFuzzer shows a crash as base64); it belongs into CORPUS with the correction.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

SIZE_MAX = 16384  # bytes of an input that the search makes


def run(*command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)


def show(result):
    sys.stderr.write(result.stderr.decode("utf-8", errors="replace")[-8000:])


def replay(target, seeds):
    """Whether each seed passes. All in one process; only after a failure one by one."""
    result = run(target, *seeds)
    if result.returncode == 0:
        return [True] * len(seeds)
    passed = []
    for seed in seeds:
        result = run(target, seed)
        passed.append(result.returncode == 0)
        if not passed[-1]:
            show(result)
    return passed


def search(target, corpus, dictionary, seconds):
    """Whether nothing was found. New inputs go to a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as found:
        options = [f"-max_total_time={seconds}", f"-max_len={SIZE_MAX}", f"-artifact_prefix={found}/"]
        if dictionary.is_file():
            options.append(f"-dict={dictionary}")
        result = run(target, *options, found, corpus)
        if result.returncode:
            show(result)
        return result.returncode == 0


def main():
    target, corpus, dictionary, seconds = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    seeds = sorted(path for path in corpus.iterdir() if path.is_file())
    cases = [(f"seed {seed.name}", passed) for seed, passed in zip(seeds, replay(target, seeds))]
    cases.append((f"a search of {seconds} s", search(target, corpus, dictionary, seconds)))
    for number, (name, passed) in enumerate(cases, 1):
        print(f"{'ok' if passed else 'not ok'} {number} - {name}")
    print(f"1..{len(cases)}")
    sys.exit(0 if all(passed for _, passed in cases) else 1)


if __name__ == "__main__":
    main()
