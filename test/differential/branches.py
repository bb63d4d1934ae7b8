# SPDX-License-Identifier: MIT
"""branches.py FIRST COUNT [missing]: which branches of CPython's own asyncio
do the programs of a range of seeds take?

Every conditional jump of the pure-Python modules has two ways out; CPython
3.14 lists them (co_branches) and reports the first time one is taken
(sys.monitoring). Functions and branches that no C program can reach are left
out of the count, each with its reason, below. With "missing", prints the
source line of every branch that was not taken.
"""

import pure    # noqa: F401  (first)

import asyncio
import gc
import linecache
import sys
import types
import warnings

import generate
import interpret
import virtual_loop

MODULES = ("tasks", "locks", "queues", "timeouts", "taskgroups")

# Functions without a counterpart, by qualified name, and why.
LEFT_OUT_FUNCTIONS = {
    "__repr__": "text of an object",
    "__str__": "text of an object",
    "_format": "text of an object",
    "__annotate__": "annotations",
    "__del__": "garbage collection of pending tasks: the loop keeps them",
    "get_stack": "Python frames", "print_stack": "Python frames",
    "run_coroutine_threadsafe": "threads; test/loop has its tests",
    "_enter_task": "hook", "_leave_task": "hook", "_swap_current_task": "hook",
    "run_coroutine_threadsafe.<locals>.callback": "threads",
    "ensure_future.<locals>._wrap_awaitable": "dynamic types",
}

# Branches without a counterpart: (module, text of the line) and why.
LEFT_OUT_LINES = {
    ("tasks", "if loop is None:"): "loop= given or not: one way in C",
    ("tasks", "if self._source_traceback:"): "debug mode",
    ("tasks", "if not coroutines.iscoroutine(coro):"): "dynamic types",
    ("tasks", "if name is None:"): "names are given, numbers differ",
    ("tasks", "except (KeyboardInterrupt, SystemExit) as exc:"): "no signals",
    ("tasks", "if futures._get_loop(result) is not self._loop:"): "one loop",
    ("tasks", "if blocking is not None:"): "dynamic types",
    ("tasks", "elif blocking:"): "yield of a future",
    ("tasks", "elif result is None:"): "yield of something",
    ("tasks", "elif inspect.isgenerator(result):"): "yield of something",
    ("tasks", "if self.done():"): "__step of a finished task: a bug",
    ("tasks", "if futures.isfuture(fs) or coroutines.iscoroutine(fs):"):
        "dynamic types",
    ("tasks", "if return_when not in (FIRST_COMPLETED, FIRST_EXCEPTION, "
     "ALL_COMPLETED):"): "an enum in C",
    ("tasks", "if any(coroutines.iscoroutine(f) for f in fs):"):
        "dynamic types",
    ("tasks", "if math.isnan(delay):"): "NaN has a unit test",
    ("tasks", "if futures.isfuture(coro_or_future):"): "dynamic types",
    ("tasks", "if loop is not None and loop is not futures._get_loop("
     "coro_or_future):"): "one loop",
    ("tasks", "if not coroutines.iscoroutine(coro_or_future):"):
        "dynamic types",
    ("tasks", "if inspect.isawaitable(coro_or_future):"): "dynamic types",
    ("tasks", "except RuntimeError:"): "create_task on a closed loop",
    ("tasks", "if should_close:"): "create_task on a closed loop",
    ("tasks", "if inspect.isawaitable(fs):"): "dynamic types",
    ("tasks", "if fut._source_traceback:"): "debug mode",
    ("taskgroups", "if self._entered:"): "second entry: a unit test",
    ("taskgroups", "if self._loop is None:"): "second entry: a unit test",
    ("taskgroups", "if self._parent_task is None:"): "no task: a unit test",
    ("taskgroups", "self._is_base_error(exc) and"): "no signals",
    ("taskgroups", "self._base_error is None):"): "no signals",
    ("taskgroups", "if self._base_error is not None:"): "no signals",
    ("taskgroups",
     "if self._is_base_error(exc) and self._base_error is None:"):
        "no signals",
    ("taskgroups", "if self._parent_task.done():"):
        "exit waits for its children",
    ("timeouts", "if self._state is not _State.CREATED:"):
        "second entry: a unit test",
    ("timeouts", "if task is None:"): "no task: a unit test",
    ("locks", "if lock is None:"): "a condition's lock is its own",
    ("locks", "if value < 0:"): "a constructor's error: a unit test",
    ("locks", "if parties < 1:"): "a constructor's error: a unit test",
    ("locks", "except StopIteration:"): "a list known not to be empty",
}

# Lines of which one way out cannot be taken: (how the line begins, the way).
LEFT_OUT_SIDES = {
    ("except ", "right"): "no other error can arrive there",
    ("async with self._cond:", "right"): "a condition's exit never swallows",
    ("async with timeouts.timeout(", "right"): "its exit never swallows",
    ("if outer is None or outer.done():", "right"): "outer is set by then",
    ("all(w.cancelled()", "right"): "whether all() is the builtin",
    ("if self._is_shutdown and self.empty():", "right"): "tested just before",
    ("elif exc_val is not None:", "right"): "a type always has its value",
    ("elif self._state is _State.ENTERED:", "right"): "there is no third state",
    ("if self._on_completed_fut is None:", "right"): "cleared in each round",
    ("if not self._aborting and not self._parent_cancel_requested:", "right"):
        "both are set together",
}
# Barrier.reset and abort hold the condition over lines that cannot raise.
LEFT_OUT_IN = {("Barrier.reset", "async with self._cond:"),
               ("Barrier.abort", "async with self._cond:")}


def left_out(name, code, text, side):
    """Whether a way out of a branch is not counted."""
    return ((name, text) in LEFT_OUT_LINES or text.startswith("assert ")
            or (code.co_qualname, text) in LEFT_OUT_IN
            or any(text.startswith(start) and side == s
                   for start, s in LEFT_OUT_SIDES))


def functions(module):
    """All code objects of a module, nested ones, too."""
    seen = []

    def walk(code):
        for const in code.co_consts:
            if isinstance(const, types.CodeType):
                seen.append(const)
                walk(const)
    source = "".join(linecache.getlines(module.__file__, module.__dict__))
    walk(compile(source, module.__file__, "exec"))
    # The function that virtual_loop rewrote is counted as it runs.
    patched = asyncio.tasks._AsCompletedIterator.__init__.__code__
    return [patched if c.co_qualname == "_AsCompletedIterator.__init__"
            else c for c in seen]


def line_of(code, offset):
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line
    return None


class Watch:
    """Collects the branches that are taken."""

    def __init__(self):
        self.taken = set()
        m = sys.monitoring
        self.tool = m.COVERAGE_ID
        m.use_tool_id(self.tool, "branches")
        for event in (m.events.BRANCH_LEFT, m.events.BRANCH_RIGHT):
            m.register_callback(self.tool, event, self.on_branch)
        self.files = {getattr(asyncio, n).__file__ for n in MODULES}
        m.set_events(self.tool, m.events.BRANCH_LEFT | m.events.BRANCH_RIGHT)

    def on_branch(self, code, source, target):
        if code.co_filename in self.files:
            self.taken.add((code.co_filename, code.co_firstlineno,
                            code.co_name, source, target))
        return sys.monitoring.DISABLE

    def stop(self):
        sys.monitoring.set_events(self.tool, 0)


def report(taken, show):
    total = hit = 0
    for name in MODULES:
        module = getattr(asyncio, name)
        n = got = 0
        missing = []
        for code in functions(module):
            if code.co_name in LEFT_OUT_FUNCTIONS:
                continue
            if code.co_qualname in LEFT_OUT_FUNCTIONS:
                continue
            for source, left, right in code.co_branches():
                line = line_of(code, source)
                text = linecache.getline(module.__file__, line,
                                         module.__dict__).strip()
                for target in (left, right):
                    side = "left" if target == left else "right"
                    if left_out(name, code, text, side):
                        continue
                    n += 1
                    where = (code.co_filename, code.co_firstlineno,
                             code.co_name, source, target)
                    if where in taken:
                        got += 1
                    else:
                        missing.append((line, side, code.co_qualname, text))
        print(f"{name:12} {got:4} of {n:4} branches  {100 * got / n:.1f} %")
        if show:
            for line, side, qualname, text in missing:
                print(f"    {line:5} {side:5} {qualname}: {text}")
        total += n
        hit += got
    print(f"{'all':12} {hit:4} of {total:4} branches  "
          f"{100 * hit / total:.1f} %")
    return hit / total


def main(argv):
    virtual_loop.patch()
    warnings.simplefilter("ignore")
    first, count = int(argv[1]), int(argv[2])
    watch = Watch()
    gc.disable()
    for seed in range(first, first + count):
        interpret.trace(generate.make(seed))
        if seed % 100 == 99:
            gc.collect()
    watch.stop()
    if report(watch.taken, "missing" in argv) < 0.95:
        sys.exit("fewer than 95 % of the branches")


if __name__ == "__main__":
    main(sys.argv)
