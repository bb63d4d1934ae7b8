# SPDX-License-Identifier: MIT
"""Programs: the text both interpreters read, and the table of operations.

A program is a small asyncio program written as lines of integers, so that C
reads it with a loop around strtol:

    program SEED FLAGS      FLAGS: 1 = the loop has the eager task factory
    object KIND VALUE       lock 0, queue 2 (maxsize), semaphore 1, ...
    run B                   the runner runs body B as a main task; may repeat
    body B                  a coroutine function
      OP ARG...             one operation
      OP ARG...             an operation with a block inside
        OP ARG...
      handler               second half of a "try"
        OP ARG...
      end
    callback C              a plain function: only operations marked sync
      OP ARG...
    endprogram

Everything an operation names is a register that may be empty: futures and
tasks live in slots, handles, groups, timeouts, tokens and contexts in
registers of their own, lock-like objects are named by their number. An
operation on an empty register only says so in the trace. So every list of
lines is a valid program, which is what lets the shrinker cut anywhere.

An operation is one entry in a table here (`@op`, in ops_*.py: how its
arguments are drawn and what it does under asyncio) and one entry in a table
of interpret_*.c. Three kinds of functions exist: plain ones may also stand in
callbacks and never raise into the program (the error's name is the traced
result); async ones raise into the body like any await; block ones own lines.
"""

import inspect

SLOTS, HANDLES, GROUPS, TIMEOUTS, TOKENS, CONTEXTS, VARIABLES = (
    10, 4, 3, 4, 4, 3, 3)
NONE = -99          # the delay that stands for None
OPS = {}            # name -> Def


class Def:
    """An operation: its name, how to draw its arguments, what it does."""

    __slots__ = ("name", "family", "weight", "spec", "kind", "run", "fields")

    def __init__(self, name, family, weight, spec, kind, run):
        self.name, self.family, self.weight = name, family, weight
        self.spec, self.kind, self.run = spec, kind, run
        self.fields = spec.split()


SYNC, ASYNC, BLOCK = range(3)


def op(name, family, weight, spec="", block=False):
    """Enter the function below in the table.

    spec names the arguments, one word each, as generate.DRAW knows them.
    """
    def enter(run):
        kind = (BLOCK if block else
                ASYNC if inspect.iscoroutinefunction(run) else SYNC)
        OPS[name] = Def(name, family, weight, spec, kind, run)
        return run
    return enter


class Op:
    """One line of a program, with the lines inside it if it has a block."""

    __slots__ = ("d", "run", "kind", "args", "body", "handler", "tag")

    def __init__(self, name, args=(), body=None, handler=None):
        self.d = OPS[name]
        self.run = self.d.run
        self.kind = self.d.kind
        self.args = tuple(args)
        self.body = body if body is not None else []
        self.handler = handler if handler is not None else []
        self.tag = name


class Program:
    def __init__(self, seed=0, flags=0):
        self.seed, self.flags = seed, flags
        self.objects = []     # (kind, value)
        self.runs = []        # body numbers
        self.bodies = {}      # number -> [Op]
        self.callbacks = {}   # number -> [Op]

    def text(self):
        out = [f"program {self.seed} {self.flags}"]
        out += [f"object {k} {v}" for k, v in self.objects]
        out += [f"run {b}" for b in self.runs]
        for b, ops in self.bodies.items():
            out.append(f"body {b}")
            write_block(ops, out, " ")
        for c, ops in self.callbacks.items():
            out.append(f"callback {c}")
            write_block(ops, out, " ")
        out.append("endprogram")
        return "\n".join(out) + "\n"


def write_block(ops, out, indent):
    for o in ops:
        out.append(" ".join([indent + o.d.name, *map(str, o.args)]))
        if o.kind == BLOCK:
            write_block(o.body, out, indent + " ")
            if o.handler:
                out.append(indent + "handler")
                write_block(o.handler, out, indent + " ")
            out.append(indent + "end")


def pack(program):
    """A program as plain data for marshal, for interpreters that are slow
    at reading text; unpack() makes the same program of it."""
    return (program.seed, program.flags, program.objects, program.runs,
            {b: pack_block(ops) for b, ops in program.bodies.items()},
            {c: pack_block(ops) for c, ops in program.callbacks.items()})


def pack_block(ops):
    return [(o.d.name, o.args, o.tag, pack_block(o.body),
             pack_block(o.handler)) if o.kind == BLOCK
            else (o.d.name, o.args, o.tag) for o in ops]


def unpack(data):
    p = Program(data[0], data[1])
    p.objects, p.runs = data[2], data[3]
    p.bodies, p.callbacks = Packed(data[4]), Packed(data[5])
    return p


def unpack_block(data):
    out = []
    for name, args, tag, *blocks in data:
        o = Op(name, args, *map(unpack_block, blocks))
        o.tag = tag
        out.append(o)
    return out


class Packed(dict):
    """Blocks that are unpacked when they are first wanted."""

    __slots__ = ("data",)

    def __init__(self, data):
        self.data = data

    def get(self, key, default=None):
        ops = dict.get(self, key)
        if ops is None:
            data = self.data.get(key)
            if data is None:
                return default
            ops = self[key] = unpack_block(data)
        return ops


def number(block, where, n=0):
    """Give every operation the tag its trace lines carry: place and name."""
    for o in block:
        o.tag = f"{where}.{n} {o.d.name}"
        n = number(o.handler, where, number(o.body, where, n + 1))
    return n


def finish(program):
    for b, ops in program.bodies.items():
        number(ops, str(b))
    for c, ops in program.callbacks.items():
        number(ops, f"c{c}")
    return program


def parse(lines):
    """Yield the programs of an iterable of lines."""
    p = None
    stack = []
    for line in lines:
        words = line.split()
        if not words:
            continue
        word, args = words[0], words[1:]
        if word == "program":
            p = Program(int(args[0]), int(args[1]))
        elif word == "object":
            p.objects.append((args[0], int(args[1])))
        elif word == "run":
            p.runs.append(int(args[0]))
        elif word == "body":
            stack = [p.bodies.setdefault(int(args[0]), [])]
        elif word == "callback":
            stack = [p.callbacks.setdefault(int(args[0]), [])]
        elif word == "handler":
            stack[-1] = stack[-2][-1].handler
        elif word == "end":
            stack.pop()
        elif word == "endprogram":
            yield finish(p)
        else:
            o = Op(word, map(int, args))
            stack[-1].append(o)
            if o.kind == BLOCK:
                stack.append(o.body)
