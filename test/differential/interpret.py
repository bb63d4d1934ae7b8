# SPDX-License-Identifier: MIT
"""Runs a program under CPython's asyncio and writes its trace.

A trace line is  TIME WHO PLACE OP RESULT : loop time in eighths of a second,
the number of the task (- in callbacks), body or callback and number of the
line within it, and what came out: a value, an error's name (with the message
of a cancellation), or ok. Lines are written when an operation ends, and when
bodies, callbacks and blocks begin and end, so their order is the schedule.

Programs always end. Trace lines are counted: beyond LINES every operation
becomes a return. A watchdog timer far behind all others goes off when
everything is blocked: it says "deadlock", cancels the main task, then all
tasks, then opens locks. Both are ordinary asyncio, so C does the same.

Registers of futures hold Ent: the future, its number in order of creation,
and a rank. A task awaits only futures of a higher rank than its own (or
itself), because CPython recurses for ever when it cancels a ring of tasks.
Gathers of gathers go DEPTH deep: a cancellation goes down by every way there
is, and there may be two from each to the next.
"""

import asyncio
import collections.abc
import contextvars

import program as P
import virtual_loop
from program import ASYNC, SYNC

LINES = 400         # trace lines after which operations become returns
RESULT = 400        # characters of a result that are shown
DEPTH = 6           # of gathers in gathers, after which one is refused
TASKS = 40          # tasks after which creating one is refused
FAR = 500.0         # seconds between alarms of the watchdog
TOP = 1 << 30       # rank of what never forwards a cancellation
STOP = object()     # "leave this body" on its way out of nested blocks


class ErrA(Exception):
    pass


class ErrB(Exception):
    pass


class ErrC(Exception):
    pass


ERRORS = (ErrA, ErrB, ErrC)
VARS = tuple(contextvars.ContextVar(f"v{i}", default=0) for i in range(2))


def name_of(e):
    """An error as the trace writes it."""
    if isinstance(e, asyncio.CancelledError):
        message = e.args[0] if e.args else None
        return f"CancelledError!{message}" if message else "CancelledError"
    if isinstance(e, BaseExceptionGroup):
        return f"Group[{','.join(map(name_of, e.exceptions))}]"
    return type(e).__name__


def value(v):
    """A result as the trace writes it."""
    if v is None:
        return "ok"
    if v is True:
        return "1"
    if v is False:
        return "0"
    if isinstance(v, list):
        return f"[{','.join(map(item, v))}]"
    return str(v)


def item(v):
    """A member of gather's list: cancellations without their message."""
    if isinstance(v, asyncio.CancelledError):
        return "CancelledError"
    if isinstance(v, BaseException):
        return name_of(v)
    return value(v)


class Ent:
    """What a slot holds; made: by gather() or shield(), not to be set; depth:
    of gathers in gathers."""

    __slots__ = ("fut", "num", "rank", "made", "depth")

    def __init__(self, fut, num, rank, made=False, depth=0):
        self.fut, self.num, self.rank, self.made = fut, num, rank, made
        self.depth = depth


class Frame:
    """One run of a body or callback: whose it is and what it returns."""

    __slots__ = ("who", "num", "ret")

    def __init__(self, num, who):
        self.num, self.who, self.ret = num, who, 0


class TaskCoroutine(collections.abc.Coroutine):
    """What tasks are made of: a body, and a cancellation that keeps its
    message. CPython gives the message of a cancelled task to whoever asks
    first; a task that is cancelled in its last moment, as is done here, gives
    it to everybody."""

    __slots__ = ("inner",)

    def __init__(self, inner):
        self.inner = inner

    def send(self, value):
        try:
            return self.inner.send(value)
        except BaseException as e:
            self.end(e)

    def throw(self, error, *rest):
        try:
            return self.inner.throw(error)
        except BaseException as e:
            self.end(e)

    def end(self, error):
        if isinstance(error, asyncio.CancelledError) and error.args:
            asyncio.current_task().cancel(error.args[0])
            raise StopIteration
        task = asyncio.current_task()
        if task is not None and not task._must_cancel:
            task._cancel_message = None     # of one that was swallowed
        raise error

    def close(self):
        self.inner.close()

    def __await__(self):
        raise AssertionError


class Machine:
    """All the state of one program."""

    def __init__(self, prog):
        self.prog = prog
        self.clock = 0.0
        self.out = []
        self.lines = 0
        self.dead = False
        self.closing = self.stopped = False
        self.alarms = 0
        self.main = None
        self.coroutines = {}   # coroutine -> number
        self.numbers = {}      # future -> number
        self.last = 0          # number given last
        self.bare = []         # futures that are neither tasks nor made of others
        self.slots = [None] * P.SLOTS
        self.handles = [None] * P.HANDLES
        self.groups = [None] * P.GROUPS
        self.timeouts = [None] * P.TIMEOUTS
        self.tokens = [None] * P.TOKENS
        self.contexts = [None] * P.CONTEXTS
        self.vars = [0] * P.VARIABLES
        self.callbacks = {}
        self.objects = [OBJECTS[k](v) for k, v in prog.objects]

    # --- the trace ------------------------------------------------------

    def write(self, who, what, result):
        if not self.dead:
            self.lines += 1
            self.out.append(
                f"{int(self.clock * 8)} {who} {what} {str(result)[:RESULT]}")

    def say(self, fr, o, result):
        self.write(fr.who, o.tag, result)

    # --- numbers --------------------------------------------------------

    def number(self):
        self.last += 1
        return self.last

    def by_number(self):
        return sorted(self.numbers, key=self.numbers.get)

    def number_of(self, task):
        """The number of a task, which may be inside its eager first step."""
        return self.coroutines.get(task.get_coro(), TOP)

    def keep(self, slot, fut, rank=TOP, made=True, depth=0):
        """Put a future into a slot under a new number."""
        num = self.numbers.get(fut)
        if num is None:
            num = self.numbers[fut] = self.number()
        self.slots[slot] = Ent(fut, num, rank, made, depth)
        if not made:
            self.bare.append(fut)
        return num

    def pick(self, slots):
        """The occupied ones of some slots."""
        return [self.slots[s] for s in slots if self.slots[s] is not None]

    def may_await(self, fr, ent):
        return ent.rank > fr.num or ent.num == fr.num

    # --- bodies and callbacks -------------------------------------------

    def coroutine(self, b):
        """A new coroutine of body b, numbered."""
        num = self.number()
        coro = TaskCoroutine(self.body(b, num))
        self.coroutines[coro] = num
        return coro, num

    async def body(self, b, num):
        fr = Frame(num, f"T{num}")
        self.write(fr.who, b, "start")
        try:
            await self.block(fr, self.prog.bodies.get(b, ()))
        except BaseException as e:
            self.write(fr.who, b, f"end {name_of(e)}")
            raise
        self.write(fr.who, b, f"end {fr.ret}")
        return fr.ret

    async def block(self, fr, ops):
        who = fr.who
        for o in ops:
            if self.lines > LINES or self.dead:
                return STOP
            kind = o.kind
            if kind == SYNC:
                try:
                    r = o.run(self, fr, *o.args)
                except Exception as e:
                    r = name_of(e)
            elif kind == ASYNC:
                try:
                    r = await o.run(self, fr, *o.args)
                except BaseException as e:
                    self.write(who, o.tag, name_of(e))
                    raise
            else:
                try:
                    r = await o.run(self, fr, o)
                except BaseException as e:
                    self.write(fr.who, o.tag, "end " + name_of(e))
                    raise
                self.write(fr.who, o.tag, "end")
                if r is STOP:
                    return STOP
                continue
            if not self.dead:
                self.lines += 1
                self.out.append(f"{int(self.clock * 8)} {who} {o.tag} "
                                f"{'ok' if r is None else value(r)[:RESULT]}")
            if o.run is RETURN:
                return STOP

    def plain(self, fr, o):
        """A plain operation: its error is its result."""
        try:
            return o.run(self, fr, *o.args)
        except Exception as e:
            return name_of(e)

    def callback(self, c):
        """The function of callback c: always the same object for one c."""
        fn = self.callbacks.get(c)
        if fn is None:
            ops = self.prog.callbacks.get(c, ())
            fr = Frame(0, "-")

            def fn(*args):
                if self.lines > LINES or self.dead:
                    return
                self.write("-", f"c{c}", "start")
                for o in ops:
                    r = self.plain(fr, o)
                    self.write("-", o.tag, value(r))
                    if o.d.name == "fail":
                        raise ERRORS[o.args[0]]
            self.callbacks[c] = fn
        return fn

    def full(self):
        """Whether no more tasks may be made. Runner.close() cancels only
        those that are there when it begins."""
        return self.last >= TASKS or self.closing

    def eager(self, how):
        """Whether a task runs its first step at once."""
        return how == 1 or how == 0 and self.prog.flags & 1

    def context(self, x):
        return self.contexts[x] if x >= 0 else None

    # --- the run --------------------------------------------------------

    def watchdog(self):
        self.alarms += 1
        self.write("-", "watchdog", self.alarms)
        if self.alarms > 40:
            raise SystemExit(f"program {self.prog.seed} does not end")
        if self.alarms == 1:
            if self.main is not None:
                self.main.cancel()
        else:
            for task in self.by_number():
                if isinstance(task, asyncio.Task):
                    task.cancel()
        if self.alarms > 3:
            for o in self.objects:
                if isinstance(o, (asyncio.Lock, asyncio.Condition)):
                    if o.locked():
                        o.release()
        self.loop.call_later(FAR, self.watchdog)

    def report(self, loop, context):
        """The exception handler."""
        message = context.get("message")
        for kind, words in REPORTS.items():
            if words in message:
                break
        if kind == "unretrieved":
            return    # said at the end, in a definite order
        e = context.get("exception")
        self.write("!", kind,
                   f"{name_of(e) if e else ''} v{VARS[0].get()}")

    async def first(self, b, num):
        self.main = asyncio.current_task()
        return await self.body(b, num)

    def run(self):
        """Run the program; return its trace."""
        runner = asyncio.Runner(loop_factory=self.make_loop)
        try:
            for b in self.prog.runs:
                num = self.number()
                coro = TaskCoroutine(self.first(b, num))
                self.coroutines[coro] = num
                try:
                    r = value(runner.run(coro))
                except BaseException as e:
                    r = name_of(e)
                    if isinstance(e, (SystemExit, AssertionError)):
                        raise
                self.write("-", f"run {b}", r)
                if self.stopped:
                    # CPython may have left its own stop() of a main task
                    # that ended in the same pass: let it go off here.
                    self.stopped = False
                    self.loop.stop()
                    self.loop.run_forever()
            # A future that nobody finishes would keep others from their end.
            for fut in self.bare:
                fut.cancel()
        finally:
            self.closing = True
            runner.close()
            self.write("-", "close", "ok")
            self.loop.set_exception_handler(lambda loop, context: None)
        for fut in self.by_number():
            if fut._log_traceback:
                self.write("!", "unretrieved", f"{self.numbers[fut]} "
                           f"{name_of(fut.exception())}")
        self.dead = True
        return self.out

    def make_loop(self):
        self.loop = loop = virtual_loop.VirtualLoop(self)
        loop.set_exception_handler(self.report)
        if self.prog.flags & 1:
            loop.set_task_factory(asyncio.eager_task_factory)
        loop.call_later(FAR, self.watchdog)
        return loop


REPORTS = {
    "callback": "Exception in callback",
    "unretrieved": "exception was never retrieved",
    "shield": "exception in shielded future",
    "shutdown": "unhandled exception during asyncio.run() shutdown",
    "orphan": "has errored out but its parent task",
    "other": "",
}

OBJECTS = {
    "lock": lambda v: asyncio.Lock(),
    "event": lambda v: asyncio.Event(),
    "condition": lambda v: asyncio.Condition(),
    "semaphore": asyncio.Semaphore,
    "bounded": asyncio.BoundedSemaphore,
    "barrier": asyncio.Barrier,
    "queue": asyncio.Queue,
    "priority": asyncio.PriorityQueue,
    "lifo": asyncio.LifoQueue,
}

import ops_flow     # noqa: E402  (fill the table)
import ops_sync     # noqa: E402
import ops_tasks    # noqa: E402


RETURN = P.OPS["ret"].run


def trace(prog):
    """The trace of a program as text."""
    return "\n".join(Machine(prog).run()) + "\n"
