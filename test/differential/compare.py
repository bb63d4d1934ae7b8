# SPDX-License-Identifier: MIT
"""Compare the library with CPython over a range of random programs.

    compare.py --program PATH --prefix DIR [--first SEED] [--count N]
               [--jobs N] [--show N]

PATH is the library's program (test/differential/differential of a build
directory), DIR where the oracle is, or is to be installed. Without --first
the range starts at a number made of the day, and is printed. The first few
differing programs are shown at their first differing line; shrink.py makes a
small program of a seed.
"""

import argparse
import concurrent.futures
import datetime
import difflib
import itertools
import sys
import time

import generate
import harness


def compare_range(program, prefix, first, count):
    """The seeds of a range whose traces differ, and how many were compared."""
    ours = harness.library_sums(program, first, count)
    theirs = harness.oracle_sums(prefix, first, count)
    differ = []
    n = 0
    for (seed, a), (other, b) in itertools.zip_longest(
            ours, theirs, fillvalue=(None, None)):
        if seed != other:
            raise RuntimeError(f"the oracle stopped before seed {seed}")
        n += 1
        if a != b:
            differ.append(seed)
    return differ, n


def show(program, oracle, seed, context=12):
    """Print where the traces of a seed part."""
    text = generate.make(seed).text()
    ours = harness.library_trace(program, text).splitlines()
    theirs = oracle.trace(text).splitlines()
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
    args = parser.parse_args()
    first = args.first
    if first is None:
        first = datetime.date.today().toordinal() * 1_000_000
    harness.pyodide(args.prefix)
    start = time.monotonic()
    bounds = [first + args.count * i // args.jobs
              for i in range(args.jobs + 1)]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        parts = list(pool.map(
            lambda i: compare_range(args.program, args.prefix, bounds[i],
                                    bounds[i + 1] - bounds[i]),
            range(args.jobs)))
    differ = [seed for seeds, _ in parts for seed in seeds]
    total = sum(n for _, n in parts)
    took = time.monotonic() - start
    print(f"seeds {first} to {first + args.count - 1}: {total} programs "
          f"compared in {took:.0f} s, {len(differ)} differ")
    if not differ:
        return 0
    print("differing seeds:", *differ[:50],
          "..." if len(differ) > 50 else "")
    oracle = harness.Oracle(args.prefix)
    for seed in differ[:args.show]:
        show(args.program, oracle, seed)
    oracle.close()
    return 1


if __name__ == "__main__":
    sys.exit(main())
