# SPDX-License-Identifier: MIT
"""A CPython event loop without I/O on a clock that jumps.

Three things are made definite here that CPython leaves open, and nothing else
is touched; docs/differential.md has the list:

- timers of the same time run in the order in which they were made;
- sets of tasks (TaskGroup's children, the arguments of wait() and
  as_completed(), all_tasks()) are walked in the order of insertion or, for
  all_tasks(), of creation;
- the clock is a number that only select() moves, straight to the next timer.
"""

import asyncio
import asyncio.base_events
import asyncio.events
import asyncio.runners
import asyncio.taskgroups
import asyncio.tasks
import heapq
import inspect
import textwrap


class OrderedSet(dict):
    """The part of set that asyncio uses, walked in order of insertion."""

    __slots__ = ()

    def __init__(self, items=()):
        dict.__init__(self, dict.fromkeys(items))

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)

    def remove(self, item):
        del self[item]


def patch():
    """Put OrderedSet where CPython walks a set of tasks."""
    asyncio.tasks.set = OrderedSet
    asyncio.taskgroups.set = OrderedSet
    asyncio.runners.tasks = asyncio.tasks

    # as_completed() makes its set by a comprehension: rewrite that one line.
    cls = asyncio.tasks._AsCompletedIterator
    lines, first = inspect.getsourcelines(cls.__init__)
    source = textwrap.dedent("".join(lines))
    old = "todo = {ensure_future(aw, loop=loop) for aw in set(aws)}"
    assert source.count(old) == 1, "as_completed() has changed"
    source = source.replace(
        old, "todo = set([ensure_future(aw, loop=loop) for aw in set(aws)])")
    space = {}
    code = compile("\n" * (first - 1) + source, asyncio.tasks.__file__, "exec")
    exec(code, asyncio.tasks.__dict__, space)
    cls.__init__ = space["__init__"]

    unordered = asyncio.tasks.all_tasks

    def all_tasks(loop=None):
        if loop is None:
            loop = asyncio.get_running_loop()
        return sorted(unordered(loop),
                      key=lambda task: loop.created[task.get_coro()])

    asyncio.tasks.all_tasks = all_tasks


class TimerHandle(asyncio.events.TimerHandle):
    __slots__ = ("_sequence",)

    def __lt__(self, other):
        return ((self._when, self._sequence) <
                (other._when, other._sequence))


class Selector:
    """Polls nothing; waiting is moving the clock."""

    def __init__(self, machine):
        self.machine = machine

    def select(self, timeout):
        if timeout is None:
            raise AssertionError("nothing to wait for")
        if timeout > 0:
            self.machine.clock += timeout
        return ()

    def close(self):
        pass


class VirtualLoop(asyncio.base_events.BaseEventLoop):
    """BaseEventLoop with the clock and the task registry of a Machine."""

    def __init__(self, machine):
        super().__init__()
        self.machine = machine
        self._selector = Selector(machine)
        self._clock_resolution = 1e-9
        self._sequence = 0
        self.created = {}      # coroutine -> how many tasks were made before

    def time(self):
        return self.machine.clock

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    def call_at(self, when, callback, *args, context=None):
        self._check_closed()
        timer = TimerHandle(when, callback, args, self, context)
        self._sequence += 1
        timer._sequence = self._sequence
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def create_task(self, coro, **kwargs):
        self.created[coro] = len(self.created)
        number = self.machine.coroutines.get(coro)
        task = super().create_task(coro, **kwargs)
        if number is not None:
            self.machine.numbers[task] = number
        return task
