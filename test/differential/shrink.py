# SPDX-License-Identifier: MIT
"""Shrink a differing program to the smallest one that still differs.

    shrink.py --program PATH --prefix DIR (SEED | FILE)

Lines are taken out, blocks replaced by what is in them, and arguments made
smaller, as long as the traces of the library and of CPython still differ.
Prints the program and where the traces part.
"""

import argparse
import copy
import difflib
import sys

import generate
import harness
import interpret    # noqa: F401  (fills the table of operations)
import program as P


def blocks_of(prog):
    """All lists of operations, outermost first."""
    out = []

    def walk(ops):
        out.append(ops)
        for o in ops:
            if o.kind == P.BLOCK:
                walk(o.body)
                walk(o.handler)
    for ops in [*prog.bodies.values(), *prog.callbacks.values()]:
        walk(ops)
    return out


def without(ops, i, n):
    del ops[i:i + n]


def unwrap(ops, i, _):
    ops[i:i + 1] = ops[i].body


def candidates(prog):
    """Smaller programs, the boldest cuts first."""
    sizes = [len(b) for b in blocks_of(prog)]
    n = max(sizes, default=0)
    while n > 0:
        for at, size in enumerate(sizes):
            for i in range(0, size - n + 1, n):
                yield at, without, i, n
        n //= 2
    for at, ops in enumerate(blocks_of(prog)):
        for i, o in enumerate(ops):
            if o.kind == P.BLOCK:
                yield at, unwrap, i, 1
            for a, value in enumerate(o.args):
                if value > 0:
                    yield at, smaller(a), i, 1


def smaller(a):
    def change(ops, i, _):
        args = list(ops[i].args)
        args[a] = args[a] // 2
        ops[i].args = tuple(args)
    return change


class Shrinker:
    def __init__(self, command, oracle):
        self.command, self.oracle = command, oracle
        self.tried = 0

    def traces(self, prog):
        P.finish(prog)
        return harness.library_trace(self.command, prog), \
            self.oracle.trace(prog)

    def differs(self, prog):
        self.tried += 1
        ours, theirs = self.traces(prog)
        return ours != theirs

    def attempt(self, prog, change):
        """A changed copy if it still differs, else None."""
        new = copy.deepcopy(prog)
        change(new)
        return new if self.differs(new) else None

    def once(self, prog):
        """The first smaller program that differs, or None."""
        for run in range(len(prog.runs) - 1, 0, -1):
            new = self.attempt(prog, lambda p: p.runs.pop(run))
            if new:
                return new
        if prog.flags:
            new = self.attempt(prog, lambda p: setattr(p, "flags", 0))
            if new:
                return new
        for at, change, i, n in list(candidates(prog)):
            def apply(p):
                ops = blocks_of(p)
                if at < len(ops) and i < len(ops[at]):
                    change(ops[at], i, n)
            new = self.attempt(prog, apply)
            if new:
                return new
        return None

    def shrink(self, prog):
        """Cut until nothing more can be cut; each pass goes on where the
        last cut was made."""
        progress = True
        while progress:
            progress = False
            plan = list(candidates(prog))
            k = 0
            while k < len(plan):
                at, change, i, n = plan[k]

                def apply(p):
                    ops = blocks_of(p)
                    if at < len(ops) and i < len(ops[at]):
                        change(ops[at], i, n)
                size = prog.text()
                new = self.attempt(prog, apply)
                if new is not None and new.text() != size:
                    prog, progress = new, True
                    plan = list(candidates(prog))
                else:
                    k += 1
            new = self.once(prog) if not progress else None
            if new is not None and new.text() != prog.text():
                prog, progress = new, True
        return tidy(self, prog)


def tidy(shrinker, prog):
    """Leave out bodies, callbacks and objects that nobody needs."""
    for name in ("bodies", "callbacks"):
        for key in list(getattr(prog, name)):
            new = shrinker.attempt(
                prog, lambda p: getattr(p, name).pop(key))
            prog = new or prog
    while prog.objects:
        new = shrinker.attempt(prog, lambda p: p.objects.pop()) \
            if not uses_objects(prog, len(prog.objects) - 1) else None
        if new is None:
            break
        prog = new
    return prog


def uses_objects(prog, number):
    words = ("lockable", "event", "condition", "barrier", "queue")
    for ops in blocks_of(prog):
        for o in ops:
            if any(w in words and a >= number
                   for w, a in zip(o.d.fields, o.args)):
                return True
    return False


def report(command, oracle, prog):
    """Shrink a differing program and print it, and where the traces part."""
    shrinker = Shrinker(command, oracle)
    seed = prog.seed
    if not shrinker.differs(prog):
        print(f"the traces of seed {seed} do not differ")
        return 1
    prog = shrinker.shrink(prog)
    ours, theirs = shrinker.traces(prog)
    print(f"--- seed {seed}, after {shrinker.tried} programs; "
          "CPython (-) and the library (+)")
    print(prog.text(), end="")
    for line in list(difflib.unified_diff(
            theirs.splitlines(), ours.splitlines(), lineterm="", n=50))[2:]:
        print("   ", line)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("what")
    args = parser.parse_args()
    if args.what.isdigit():
        prog = generate.make(int(args.what))
    else:
        with open(args.what) as f:
            prog = next(P.parse(f))
    oracle = harness.Oracle(args.prefix)
    status = report(args.program, oracle, prog)
    oracle.close()
    return status


if __name__ == "__main__":
    sys.exit(main())
