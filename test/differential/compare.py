# SPDX-License-Identifier: MIT
"""Compare the library with CPython over a range of random programs.

    compare.py --program PATH --prefix DIR [--first SEED] [--count N]
               [--jobs N] [--show N] [--shrink N] [--log FILE] [--every N]

PATH is the library's program (test/differential/differential of a build
directory), DIR where the oracle is, or is to be installed. Without --first
the range starts at a number made of the time, and is printed. Differing seeds
are printed as they are found, progress every N programs. What is compared is
remembered in the log, if there is one: the same command goes on where it was
stopped. In the end the first few differing programs are shown at their first
differing line, and the first of them as small as they get.
"""

import argparse
import difflib
import multiprocessing
import os
import signal
import sys
import time

import generate
import harness
import shrink

CHUNK = 500         # programs that are handed to a job at a time


def compare_seeds(command, oracle, first, count):
    """The seeds of a range whose traces differ."""
    programs = [generate.make(seed) for seed in range(first, first + count)]
    ours = harness.library_sums(command, programs)
    theirs = oracle.sums(programs)
    return [p.seed for p, a, b in zip(programs, ours, theirs)
            if a != b or a is None]


def job(command, prefix, chunks, results):
    """One process: chunk after chunk, with an oracle of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    oracle = harness.Oracle(prefix)
    for first, count in iter(chunks.get, None):
        results.put((first, count,
                     compare_seeds(command, oracle, first, count)))
    oracle.close()


class Log:
    """The chunks that are done, a line for each: FIRST COUNT SEED..."""

    def __init__(self, path):
        self.done = {}
        self.file = None
        if path:
            if os.path.exists(path):
                with open(path) as f:
                    for line in f:
                        first, count, *seeds = map(int, line.split())
                        self.done[first, count] = seeds
            self.file = open(path, "a")

    def add(self, first, count, seeds):
        if self.file:
            print(first, count, *seeds, file=self.file, flush=True)


class Progress:
    """Counts, and says how it goes."""

    def __init__(self, first, count, every):
        self.first, self.count, self.every = first, count, every
        self.start = time.monotonic()
        self.total = self.fresh = self.said = 0
        self.differ = []

    def add(self, count, seeds, fresh=True):
        self.total += count
        self.fresh += count if fresh else 0
        self.differ += seeds
        if seeds and fresh:
            print("differing:", *seeds, flush=True)
        if self.every and self.total - self.said >= self.every:
            self.said = self.total
            print(f"{self.total} of {self.count} programs, "
                  f"{self.rate():.0f} per second, {len(self.differ)} differ",
                  flush=True)

    def rate(self):
        return self.fresh / max(time.monotonic() - self.start, 0.001)

    def end(self):
        took = time.monotonic() - self.start
        print(f"seeds {self.first} to {self.first + self.count - 1}: "
              f"{self.total} programs compared in {took:.0f} s "
              f"({self.rate():.0f} per second), {len(self.differ)} differ",
              flush=True)


def run(args, first):
    """Compare the range; the differing seeds."""
    log = Log(args.log)
    progress = Progress(first, args.count, args.every)
    chunks, results = multiprocessing.Queue(), multiprocessing.Queue()
    waiting = 0
    for at in range(first, first + args.count, CHUNK):
        n = min(CHUNK, first + args.count - at)
        if (at, n) in log.done:
            progress.add(n, log.done[at, n], fresh=False)
        else:
            chunks.put((at, n))
            waiting += 1
    jobs = [multiprocessing.Process(
                target=job, daemon=True,
                args=(args.program, args.prefix, chunks, results))
            for _ in range(min(args.jobs, waiting))]
    for j in jobs:
        chunks.put(None)
        j.start()
    while waiting:
        at, n, seeds = results.get()
        log.add(at, n, seeds)
        progress.add(n, seeds)
        waiting -= 1
    for j in jobs:
        j.join()
    progress.end()
    return sorted(progress.differ)


def show(command, oracle, seed, context=12):
    """Print where the traces of a seed part."""
    program = generate.make(seed)
    ours = harness.library_trace(command, program).splitlines()
    theirs = oracle.trace(program).splitlines()
    print(f"--- seed {seed}: CPython (-) and the library (+)")
    diff = list(difflib.unified_diff(theirs, ours, lineterm="", n=context))
    for line in diff[2:2 + 3 * context]:
        print("   ", line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--first", type=int)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--show", type=int, default=3)
    parser.add_argument("--shrink", type=int, default=0)
    parser.add_argument("--log")
    parser.add_argument("--every", type=int, default=0)
    args = parser.parse_args()
    first = args.first
    if first is None:
        first = int(time.time()) * 1000
    print(f"seeds {first} to {first + args.count - 1}", flush=True)
    harness.check(args.program)
    harness.pyodide(args.prefix)
    differ = run(args, first)
    if not differ:
        return 0
    print("differing seeds:", *differ[:50],
          "..." if len(differ) > 50 else "")
    oracle = harness.Oracle(args.prefix)
    for i, seed in enumerate(differ[:max(args.show, args.shrink)]):
        if i < args.shrink:
            shrink.report(args.program, oracle, generate.make(seed))
        else:
            show(args.program, oracle, seed)
    oracle.close()
    return 1


if __name__ == "__main__":
    sys.exit(main())
