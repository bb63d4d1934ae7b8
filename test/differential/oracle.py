# SPDX-License-Identifier: MIT
"""oracle.py FIRST COUNT [sums] [pure]: the traces of a range of seeds, each
after a line "== SEED"; with "sums" a line "SEED CRC32" for each instead.

oracle.py -: the same for the programs on standard input, a line "." after
each trace. With "pure", asyncio runs without its accelerator: a second
opinion.
"""

import sys

if "pure" in sys.argv:
    import pure     # noqa: F401  (before anything that imports asyncio)

import gc
import warnings
import zlib

import generate
import interpret
import program
import virtual_loop


def answer():
    """Programs on standard input, one after the other."""
    for p in program.parse(sys.stdin):
        sys.stdout.write(f"== {p.seed}\n{interpret.trace(p)}.\n")
        sys.stdout.flush()
        gc.collect()


def main(argv):
    virtual_loop.patch()
    warnings.simplefilter("ignore")
    if argv[1] == "-":
        return answer()
    first, count = int(argv[1]), int(argv[2])
    sums = "sums" in argv
    gc.disable()
    for seed in range(first, first + count):
        trace = interpret.trace(generate.make(seed))
        if sums:
            sys.stdout.write(f"{seed} {zlib.crc32(trace.encode()):08x}\n")
        else:
            sys.stdout.write(f"== {seed}\n{trace}")
        if seed % 100 == 99:
            gc.collect()
            sys.stdout.flush()


main(sys.argv)
