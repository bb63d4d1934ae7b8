# SPDX-License-Identifier: MIT
"""oracle.py FIRST COUNT | - [pure]: the traces of a range of seeds, or of the
programs on standard input, each after a line "== SEED".

With "pure", asyncio runs without its accelerator: a second opinion.
"""

import sys

if "pure" in sys.argv:
    import pure     # noqa: F401  (before anything that imports asyncio)

import gc
import warnings

import generate
import interpret
import program
import virtual_loop


def main(argv):
    virtual_loop.patch()
    warnings.simplefilter("ignore")
    if argv[1] == "-":
        programs = program.parse(sys.stdin)
    else:
        first = int(argv[1])
        programs = map(generate.make, range(first, first + int(argv[2])))
    gc.disable()
    for n, p in enumerate(programs):
        sys.stdout.write(f"== {p.seed}\n{interpret.trace(p)}")
        if n % 100 == 99:
            gc.collect()


main(sys.argv)
