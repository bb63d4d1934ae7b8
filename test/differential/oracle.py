# SPDX-License-Identifier: MIT
"""oracle.py [pure]: the traces of the programs on standard input.

Each program comes as two numbers of four bytes, its size and whether only a
sum is wanted, and so many bytes of marshal; see program.pack(). The answer is
a line "SEED CRC32", or a line "== SEED", the trace, and a line ".". With
"pure", asyncio runs without its accelerator: a second opinion.
"""

import sys

if "pure" in sys.argv:
    import pure     # noqa: F401  (before anything that imports asyncio)

import gc
import marshal
import struct
import warnings
import zlib

import interpret
import program
import virtual_loop

BETWEEN = 100       # programs from one garbage collection to the next


def main():
    virtual_loop.patch()
    warnings.simplefilter("ignore")
    gc.disable()
    gc.collect()
    gc.freeze()
    source, out = sys.stdin.buffer, sys.stdout
    left = BETWEEN
    while len(head := source.read(8)) == 8:
        size, sums = struct.unpack("<II", head)
        p = program.unpack(marshal.loads(source.read(size)))
        trace = interpret.trace(p)
        if sums:
            out.write(f"{p.seed} {zlib.crc32(trace.encode()):08x}\n")
        else:
            out.write(f"== {p.seed}\n{trace}.\n")
        left -= 1
        if left == 0 or not sums:
            out.flush()
            gc.collect()
            left = BETWEEN
        elif left % 10 == 0:
            out.flush()


main()
