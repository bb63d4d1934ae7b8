# SPDX-License-Identifier: MIT
"""Golden traces: what CPython 3.14 said, kept as sums.

    golden.py check PROGRAM         compare the library with golden.txt
    golden.py write PREFIX [SEED...]
                                    ask the oracle again, about more seeds, too

A line of golden.txt has a seed and the CRC-32 of its trace: the first few
thousand seeds, and every one that has ever shown a difference. The first line
has the sum of all programs, so that a changed generator is told from a changed
trace. A few programs are there in full, with their traces, as golden/SEED.txt.
"""

import os
import sys
import zlib

import generate
import harness

HERE = os.path.dirname(os.path.abspath(__file__))
SUMS = os.path.join(HERE, "golden.txt")
FULL = os.path.join(HERE, "golden")
IN_FULL = (3, 7, 12, 29, 41)
ALWAYS = 3000           # seeds from 0 on


def read_sums():
    """The sum of the programs, and those of the traces by seed."""
    with open(SUMS) as f:
        lines = [line.split() for line in f if not line.startswith("#")]
    return lines[0][1], {int(seed): total for seed, total in lines[1:]}


def sum_of_programs(programs):
    total = 0
    for p in programs:
        total = zlib.crc32(p.text().encode(), total)
    return f"{total:08x}"


def check(command):
    text_sum, sums = read_sums()
    programs = [generate.make(seed) for seed in sums]
    if sum_of_programs(programs) != text_sum:
        print("the generator makes other programs than when the golden traces "
              "were written: golden.py write")
        return 1
    ours = harness.library_sums(command, programs)
    differ = [p for p, total in zip(programs, ours) if total != sums[p.seed]]
    if not differ:
        print(f"{len(sums)} traces as CPython's")
        return 0
    print(f"{len(differ)} of {len(sums)} traces differ, seeds:",
          *(p.seed for p in differ[:30]))
    for p in [p for p in differ if p.seed in IN_FULL] + differ[:1]:
        print(f"--- the library's trace of seed {p.seed}")
        print(harness.library_trace(command, p), end="")
    return 1


def write(prefix, more):
    seeds = sorted({*range(ALWAYS), *read_sums()[1], *more})
    programs = [generate.make(seed) for seed in seeds]
    oracle = harness.Oracle(prefix)
    with open(SUMS, "w") as f:
        f.write("# SPDX-License-Identifier: MIT\n"
                "# seeds and the sums of their traces; see golden.py\n"
                f"programs {sum_of_programs(programs)}\n")
        for seed, total in zip(seeds, oracle.sums(programs)):
            f.write(f"{seed} {total}\n")
    os.makedirs(FULL, exist_ok=True)
    for seed in IN_FULL:
        p = generate.make(seed)
        with open(os.path.join(FULL, f"{seed}.txt"), "w") as f:
            f.write(p.text() + oracle.trace(p))
    oracle.close()
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "check":
        sys.exit(check(sys.argv[2]))
    sys.exit(write(sys.argv[2], map(int, sys.argv[3:])))
