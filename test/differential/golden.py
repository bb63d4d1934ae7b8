# SPDX-License-Identifier: MIT
"""Golden traces: what CPython 3.14 said, kept as sums.

    golden.py check PROGRAM     compare the library with golden.txt
    golden.py write PREFIX N    ask the oracle again, for the seeds below N

Line N of golden.txt has the CRC-32 of the program of seed N and of its trace,
so that a changed generator is told from a changed trace. A few programs are
there in full, with their traces, as golden/SEED.txt.
"""

import os
import sys

import generate
import harness

HERE = os.path.dirname(os.path.abspath(__file__))
SUMS = os.path.join(HERE, "golden.txt")
FULL = os.path.join(HERE, "golden")
IN_FULL = (3, 7, 12, 29, 41)


def read_sums():
    with open(SUMS) as f:
        return [line.split() for line in f if not line.startswith("#")]


def check(program):
    sums = read_sums()
    differ, changed = [], []
    for (seed, total), (text_sum, trace_sum) in zip(
            harness.library_sums(program, 0, len(sums)), sums):
        if total == trace_sum:
            continue
        if harness.crc(generate.make(seed).text()) != text_sum:
            changed.append(seed)
        else:
            differ.append(seed)
    if changed:
        print(f"the generator makes other programs for {len(changed)} seeds "
              "than when the golden traces were written")
    if differ:
        print(f"{len(differ)} of {len(sums)} traces differ, seeds:",
              *differ[:30])
    for seed in [s for s in IN_FULL if s in differ] + differ[:1]:
        text = generate.make(seed).text()
        print(f"--- the library's trace of seed {seed}")
        print(harness.library_trace(program, text), end="")
    if not changed and not differ:
        print(f"{len(sums)} traces as CPython's")
    return 1 if changed or differ else 0


def write(prefix, count):
    traces = dict(harness.oracle_sums(prefix, 0, count))
    with open(SUMS, "w") as f:
        f.write("# SPDX-License-Identifier: MIT\n"
                "# sums of program and trace of seed 0, 1, 2, ...; "
                "see golden.py\n")
        for seed in range(count):
            text_sum = harness.crc(generate.make(seed).text())
            f.write(f"{text_sum} {traces[seed]}\n")
    os.makedirs(FULL, exist_ok=True)
    oracle = harness.Oracle(prefix)
    for seed in IN_FULL:
        text = generate.make(seed).text()
        with open(os.path.join(FULL, f"{seed}.txt"), "w") as f:
            f.write(text + oracle.trace(text))
    oracle.close()
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "check":
        sys.exit(check(sys.argv[2]))
    sys.exit(write(sys.argv[2], int(sys.argv[3])))
