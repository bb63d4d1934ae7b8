# SPDX-License-Identifier: MIT
"""Random programs, the same for a seed under every Python and every machine.

A program has a theme, two or three families of operations and a few objects
of them; single operations are drawn from the families by weight, and between
them stand idioms, the fragments that reach deep states which single
operations would find too seldom: holding a condition while notifying,
producers and consumers, a cleanup that waits, a crowd at one lock.
"""

import sys

import interpret    # noqa: F401  (fills the table of operations)
import program as P
from program import BLOCK, NONE, Op, Program

MASK = (1 << 64) - 1


class Random:
    """splitmix64: a few lines, no library, no surprises."""

    def __init__(self, seed):
        self.state = seed & MASK
        self.pool = []

    def below(self, n):
        """A number from 0 to n - 1, for n below 65536."""
        pool = self.pool
        if not pool:
            # Four draws from each number: big integers are slow.
            self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
            z = self.state
            z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
            z ^= z >> 31
            pool += (z & 0xffff, z >> 16 & 0xffff, z >> 32 & 0xffff, z >> 48)
        return pool.pop() % n

    def pick(self, items):
        return items[self.below(len(items))]

    def chance(self, n, of):
        return self.below(of) < n


DELAYS = (0, 1, 1, 1, 2, 2, 3, 4, 5, 8)
LIMITS = (0, 1, 1, 2, 2, 3, 4, 6, 8, 16, NONE, -1)
WHENS = (0, 1, 2, 3, 4, 6, 8, 12, 20)
OBJECTS = {                 # family -> (kinds, initial values)
    "lock": (("lock", "semaphore", "semaphore", "bounded"), (0, 1, 1, 2, 3)),
    "event": (("event",), (0,)),
    "cond": (("condition",), (0,)),
    "barrier": (("barrier",), (1, 2, 2, 3, 3, 4)),
    "queue": (("queue", "queue", "priority", "lifo"), (0, 1, 1, 2, 3)),
}
KINDS = {                   # argument word -> kinds of object it may name
    "lockable": ("lock", "semaphore", "bounded", "condition"),
    "event": ("event",), "condition": ("condition",),
    "barrier": ("barrier",), "queue": ("queue", "priority", "lifo"),
}
THEMES = (
    ("lock",), ("lock", "timeout"), ("event",), ("cond",), ("cond", "timeout"),
    ("barrier",), ("barrier", "cond"), ("queue",), ("queue", "timeout"),
    ("queue", "group"), ("group",), ("group", "timeout"), ("group", "lock"),
    ("wait",), ("wait", "future"), ("wait", "timeout"), ("timeout",),
    ("future", "loop"), ("loop", "context"), ("context", "group"),
    ("wait", "group"), ("lock", "event"), ("cond", "lock", "queue"),
    ("future", "wait", "timeout"), ("loop", "future", "group"),
)
ALWAYS = ("time", "flow", "task", "cancel")
BODIES, CALLBACKS = 6, 4

DRAW = {                    # argument word -> how to draw it
    "delay": lambda g: g.pick(DELAYS) if g.below(16) else -1,
    "limit": lambda g: g.pick(LIMITS),
    "when": lambda g: g.pick(WHENS),
    "slot": lambda g: g.below(g.nslots),
    "slots": lambda g: [g.below(g.nslots) for _ in range(
        g.pick((2, 2, 2, 3, 3, 4, 1, 0)))],
    "body": lambda g: g.lower_body(), "body2": lambda g: g.lower_body(),
    "callback": lambda g: g.below(CALLBACKS),
    "msg": lambda g: g.pick((0, 0, 1, 2)),
    "val": lambda g: g.below(4),
    "err": lambda g: g.below(3),
    "bool": lambda g: g.below(2),
    "count": lambda g: g.pick((1, 1, 2, 2, 3)),
    "eager": lambda g: g.pick((0, 0, 0, 0, 0, 1, 1, 2)),
    "now": lambda g: g.pick((0, 0, 0, 1)),
    "ctx": lambda g: g.below(P.CONTEXTS) if g.context and not g.below(4)
    else -1,
    "ctxreg": lambda g: g.below(P.CONTEXTS),
    "cvar": lambda g: g.below(2),
    "var": lambda g: g.below(P.VARIABLES),
    "token": lambda g: g.below(P.TOKENS),
    "handle": lambda g: g.below(P.HANDLES),
    "group": lambda g: g.below(P.GROUPS),
    "timeout": lambda g: g.below(P.TIMEOUTS),
    "waitmode": lambda g: g.below(3),
    "trymode": lambda g: g.pick((1, 2, 3, 3, 3, 5, 6, 7, 8, 8)),
}


class Generator(Random):
    def __init__(self, seed):
        super().__init__(seed * 0x2545F4914F6CDD1D + 1)
        self.families = ALWAYS + self.pick(THEMES)
        if self.chance(1, 8):
            self.families += self.pick(THEMES)
        self.context = "context" in self.families
        self.nslots = self.pick((4, 6, 8, P.SLOTS))
        self.program = Program(seed, 1 if self.chance(1, 12) else 0)
        self.by_word = {word: [] for word in KINDS}
        self.make_objects()
        self.tables = [self.table(False), self.table(True)]
        self.idioms = [i for i in IDIOMS
                       if set(i.families) <= set(self.families)]

    def make_objects(self):
        for family in self.families:
            if family in OBJECTS:
                kinds, values = OBJECTS[family]
                for _ in range(self.pick((1, 1, 1, 2))):
                    kind = self.pick(kinds)
                    value = self.pick(values)
                    if kind == "bounded" and value == 0:
                        value = 1
                    self.program.objects.append((kind, value))
        for i, (kind, _) in enumerate(self.program.objects):
            for word, kinds in KINDS.items():
                if kind in kinds:
                    self.by_word[word].append(i)

    def table(self, plain):
        """The operations of the theme, each as often as its weight."""
        words = tuple(w for w in KINDS if self.by_word[w])
        key = self.families, words, plain
        if key not in TABLES:
            TABLES[key] = [
                d for d in P.OPS.values() for _ in range(d.weight)
                if d.family in self.families
                and all(f in words for f in d.fields if f in KINDS)
                and (d.kind == P.SYNC or not plain)]
        return TABLES[key]

    def lower_body(self):
        """A body this one may start: they form no ring."""
        first = self.at + 1 if self.at < BODIES - 1 else BODIES
        return first + self.below(max(1, BODIES - first))

    def argument(self, word):
        objects = self.by_word.get(word)
        return self.pick(objects) if objects else DRAW[word](self)

    def op(self, name, *fixed):
        """An operation; what is not fixed (None) is drawn."""
        d = P.OPS[name]
        args = []
        for i, word in enumerate(d.fields):
            a = fixed[i] if i < len(fixed) else None
            if a is None:
                a = self.argument(word)
            args += a if isinstance(a, list) else [a]
        return Op(name, args)

    def block_op(self, name, body, *fixed, handler=None):
        o = self.op(name, *fixed)
        o.body, o.handler = body, handler or []
        return o

    def random_op(self, depth):
        d = self.pick(self.tables[0])
        if d.kind == BLOCK and depth > 3:
            return self.op("sleep")
        o = self.op(d.name)
        if d.kind == BLOCK:
            o.body = self.block(depth + 1, self.pick((1, 2, 2, 3, 4)))
            if d.name == "try":
                o.handler = self.block(depth + 1, self.pick((0, 1, 1, 2)))
        return o

    def block(self, depth, n):
        out = []
        for _ in range(n):
            if self.idioms and depth < 3 and self.chance(1, 4):
                out += self.pick(self.idioms)(self, depth)
            else:
                out.append(self.random_op(depth))
        return out

    def callback_ops(self):
        out = [self.op(self.pick(self.tables[1]).name)
               for _ in range(self.pick((0, 1, 1, 2, 3)))]
        if self.chance(1, 8):
            out.append(self.op("fail"))
        return out

    def make(self):
        """The whole program."""
        p = self.program
        p.runs = [0] if self.chance(9, 10) else [0, 1]
        stopper = self.chance(1, 40)
        for b in range(BODIES):
            self.at = b
            ops = []
            if b == 0:
                for _ in range(self.pick((2, 3, 4, 5))):
                    ops.append(self.op("task"))
            ops += self.block(0, self.pick((2, 3, 4, 6) if b else (4, 6, 8)))
            p.bodies[b] = ops
        self.at = 1
        for c in range(CALLBACKS):
            p.callbacks[c] = self.callback_ops()
        if stopper:
            p.callbacks[self.below(CALLBACKS)].append(Op("stop"))
            p.runs = [0, 1, 2]
        return P.finish(p)


IDIOMS = []
TABLES = {}                 # (families, objects, plain) -> operations


def idiom(*families):
    def enter(fn):
        fn.families = families
        IDIOMS.append(fn)
        return fn
    return enter


@idiom("task")
def spawn_and_cancel(g, depth):
    s = g.below(g.nslots)
    return [g.op("task", s), g.op("sleep"), g.op("cancel", s),
            g.op("await", s)]


@idiom("task")
def spawn_and_await(g, depth):
    s = g.below(g.nslots)
    return [g.op("task", s), g.op("await", s)]


@idiom("task")
def crowd(g, depth):
    b = g.lower_body()
    return [g.op("task", None, b) for _ in range(g.pick((2, 3, 4)))]


@idiom("flow")
def cleanup(g, depth):
    return [g.block_op("try", g.block(depth + 1, 2), 8,
                       handler=[g.op("sleep"), g.random_op(depth + 2)])]


@idiom("flow")
def swallow(g, depth):
    return [g.block_op("try", [g.op("sleep"), g.random_op(depth + 1)], 3,
                       handler=g.block(depth + 1, 1))]


@idiom("cancel")
def cancel_self(g, depth):
    return [g.op("cancelme"), g.random_op(depth), g.op("uncancelme")]


@idiom("cond")
def wait_condition(g, depth):
    o = g.argument("condition")
    inner = [g.op("cwait", o) if g.below(2) else g.op("cwaitfor", o)]
    if g.chance(1, 3):
        inner += g.block(depth + 1, 1)
    return [g.block_op("with", inner, o)]


@idiom("cond")
def notify_condition(g, depth):
    o = g.argument("condition")
    inner = [g.op("add"), g.op("notify", o) if g.below(2)
             else g.op("notifyall", o)]
    if g.chance(1, 3):
        inner.append(g.op("sleep"))
    return [g.block_op("with", inner, o)]


@idiom("lock")
def hold(g, depth):
    return [g.block_op("with", [g.op("sleep")])]


@idiom("lock")
def release_twice(g, depth):
    o = g.argument("lockable")
    return [g.op("release", o), g.op("release", o), g.op("acquire", o)]


@idiom("lock")
def release_and_cancel(g, depth):
    s = g.below(g.nslots)
    return [g.op("release"), g.op("cancel", s), g.op("await", s)]


@idiom("barrier")
def reset_often(g, depth):
    o = g.argument("barrier")
    return [g.op("breset", o), g.op("breset", o), g.op("bwait", o)]


@idiom("queue")
def done_too_soon(g, depth):
    q = g.argument("queue")
    return [g.op("putnow", q), g.op("taskdone", q), g.op("cancel"),
            g.op("shutdown", q)]


@idiom("barrier")
def meet(g, depth):
    o = g.argument("barrier")
    return [g.op("bwait", o), g.op("binfo", o), g.op("bwait", o)]


@idiom("queue")
def produce(g, depth):
    q = g.argument("queue")
    return [g.block_op("loop", [g.op("put", q)], g.pick((2, 3, 4)))]


@idiom("queue")
def consume(g, depth):
    q = g.argument("queue")
    return [g.block_op("loop", [g.op("get", q), g.op("taskdone", q)],
                       g.pick((1, 2, 3)))]


@idiom("group")
def group_of_tasks(g, depth):
    r = g.below(P.GROUPS)
    inner = [g.op("gtask", r) for _ in range(g.pick((1, 2, 2, 3)))]
    if g.below(2):
        inner += g.block(depth + 1, g.pick((1, 2)))
    return [g.block_op("group", inner, r)]


@idiom("group")
def group_caught(g, depth):
    return [g.block_op("try", group_of_tasks(g, depth + 1), 3,
                       handler=[g.op("cancelling"), g.random_op(depth + 2)])]


@idiom("timeout")
def nested_timeouts(g, depth):
    t = g.below(P.TIMEOUTS)
    inner = g.block_op("timeout", g.block(depth + 2, 2),
                       (t + 1) % P.TIMEOUTS)
    return [g.block_op("try", [g.block_op("timeout", [
        inner, g.random_op(depth + 2)], t)], 3)]


@idiom("timeout")
def late(g, depth):
    return [g.block_op("timeout", [
        g.op("reschedule"), g.op("sleep"), g.op("sleep")])]


@idiom("future")
def future_between(g, depth):
    s = g.below(g.nslots)
    return [g.op("future", s), g.op("addcb", s), g.op("await", s)]


@idiom("wait")
def gather_and_cancel(g, depth):
    s = g.below(g.nslots)
    return [g.op("gatherf", s), g.op("sleep"), g.op("cancel", s),
            g.op("await", s)]


def make(seed):
    return Generator(seed).make()


def main(argv):
    """generate.py FIRST COUNT: write the programs of a range of seeds."""
    first, count = int(argv[1]), int(argv[2])
    for seed in range(first, first + count):
        sys.stdout.write(make(seed).text())


if __name__ == "__main__":
    main(sys.argv)
