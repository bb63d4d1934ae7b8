# SPDX-License-Identifier: MIT
"""Operations: tasks, futures, waiting for several, timeouts, groups."""

import asyncio

from interpret import DEPTH, ERRORS, TOP, Ent, name_of, value
from ops_flow import seconds
from program import NONE, op

EAGER = ({}, {"eager_start": True}, {"eager_start": False})
MODES = (asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION,
         asyncio.ALL_COMPLETED)


def message(n):
    return f"m{n}" if n else None


# --- tasks --------------------------------------------------------------

def spawn(m, create, s, b, eager, x):
    """Make a task of body b by a create_task function, into slot s."""
    if m.full():
        return "full"
    coro, num = m.coroutine(b)
    kwargs = dict(EAGER[eager])
    if m.context(x) is not None and not m.eager(eager):
        # Not for eager ones: CPython's accelerator forgets to restore the
        # current task when the context has been entered already.
        kwargs["context"] = m.context(x)
    task = create(coro, name=f"T{num}", **kwargs)
    m.slots[s] = Ent(task, num, num)
    return f"T{num}"


@op("task", "task", 12, "slot body eager ctx")
def _(m, fr, s, b, eager, x):
    return spawn(m, m.loop.create_task, s, b, eager, x)


def clean(fut):
    """CPython's accelerator leaves this flag behind a task that awaits
    itself, and then nobody else can await it."""
    fut._asyncio_future_blocking = False
    return fut


@op("await", "task", 10, "slot")
async def _(m, fr, s):
    ent = m.slots[s]
    if ent is None:
        return "none"
    if not m.may_await(fr, ent):
        return "skip"
    return await clean(ent.fut)


@op("cancel", "cancel", 10, "slot msg")
def _(m, fr, s, msg):
    return "none" if m.slots[s] is None else m.slots[s].fut.cancel(
        message(msg))


@op("cancelme", "cancel", 2, "msg")
async def _(m, fr, msg):
    return asyncio.current_task().cancel(message(msg))


@op("uncancelme", "cancel", 3)
async def _(m, fr):
    return asyncio.current_task().uncancel()


@op("cancelling", "cancel", 1)
async def _(m, fr):
    return asyncio.current_task().cancelling()


@op("uncancel", "cancel", 1, "slot")
def _(m, fr, s):
    ent = m.slots[s]
    if (ent is None or not isinstance(ent.fut, asyncio.Task)
            or ent.fut.done()):
        return "none"
    return ent.fut.uncancel()


@op("info", "task", 2, "slot")
def _(m, fr, s):
    ent = m.slots[s]
    if ent is None:
        return "none"
    r = f"{ent.num} {ent.fut.done():d} {ent.fut.cancelled():d}"
    if isinstance(ent.fut, asyncio.Task) and not ent.fut.done():
        r += f" {ent.fut.cancelling()}"
    return r


@op("result", "task", 2, "slot")
def _(m, fr, s):
    if m.slots[s] is None:
        return "none"
    try:
        return m.slots[s].fut.result()
    except asyncio.CancelledError as e:
        return name_of(e)


@op("exception", "task", 2, "slot")
def _(m, fr, s):
    if m.slots[s] is None:
        return "none"
    try:
        e = m.slots[s].fut.exception()
    except asyncio.CancelledError as e:
        return name_of(e)
    return name_of(e) if e else "0"


@op("rename", "task", 1, "slot val")
def _(m, fr, s, val):
    ent = m.slots[s]
    if ent is None or not isinstance(ent.fut, asyncio.Task):
        return "none"
    ent.fut.set_name(f"n{val}")
    return ent.fut.get_name()


@op("current", "task", 1)
def _(m, fr):
    task = asyncio.current_task()
    return "none" if task is None else m.number_of(task)


@op("alltasks", "task", 1)
def _(m, fr):
    numbers = map(m.number_of, asyncio.tasks.all_tasks())
    return [n for n in numbers if n != TOP]     # not the runner's own


# --- futures ------------------------------------------------------------

@op("future", "future", 6, "slot")
def _(m, fr, s):
    if m.closing:
        return "late"   # nobody would finish it
    return m.keep(s, m.loop.create_future(), made=False)


@op("setresult", "future", 6, "slot val")
def _(m, fr, s, val):
    if m.slots[s] is None or m.slots[s].made:
        return "none"
    m.slots[s].fut.set_result(val)


@op("setexc", "future", 4, "slot err")
def _(m, fr, s, err):
    if m.slots[s] is None or m.slots[s].made:
        return "none"
    m.slots[s].fut.set_exception(ERRORS[err]())


@op("addcb", "future", 5, "slot callback ctx")
def _(m, fr, s, c, x):
    if m.slots[s] is None:
        return "none"
    # The accelerator takes an explicit None for the context of whoever
    # finishes the future; without the keyword it copies the caller's.
    context = {} if m.context(x) is None else {"context": m.context(x)}
    m.slots[s].fut.add_done_callback(m.callback(c), **context)


@op("rmcb", "future", 2, "slot callback")
def _(m, fr, s, c):
    if m.slots[s] is None:
        return "none"
    return m.slots[s].fut.remove_done_callback(m.callback(c))


# --- gather, wait, as_completed, shield, wait_for -------------------------

def all_allowed(m, fr, ents):
    return all(e.rank > fr.num for e in ents)


def gathering(m, ents, rx):
    fut = asyncio.gather(*[e.fut for e in ents], return_exceptions=bool(rx))
    return fut, min([e.rank for e in ents], default=TOP)


@op("gather", "wait", 6, "bool slots")
async def _(m, fr, rx, *slots):
    ents = m.pick(slots)
    if not all_allowed(m, fr, ents):
        return "skip"
    fut, _ = gathering(m, ents, rx)
    try:
        return await fut
    finally:
        fut._log_traceback = False


@op("gatherf", "wait", 3, "slot bool slots")
def _(m, fr, s, rx, *slots):
    ents = m.pick(slots)
    depth = 1 + max([e.depth for e in ents], default=0)
    if depth > DEPTH:
        return "deep"   # a cancellation goes all the ways down, one by one
    return m.keep(s, *gathering(m, ents, rx), depth=depth)


@op("gatherc", "wait", 2, "bool body body2")
async def _(m, fr, rx, *bodies):
    if m.full():
        return "full"
    fut = asyncio.gather(*[m.coroutine(b)[0] for b in bodies],
                         return_exceptions=bool(rx))
    try:
        return await fut
    finally:
        fut._log_traceback = False


@op("wait", "wait", 6, "waitmode limit slots")
async def _(m, fr, mode, limit, *slots):
    ents = m.pick(slots)
    done, pending = await asyncio.wait(
        [e.fut for e in ents], timeout=from_now(limit),
        return_when=MODES[mode])
    return f"{numbers(m, done)} {numbers(m, pending)}"


def from_now(limit):
    """C says both "at once" and "a second ago" by a negative timeout."""
    return None if limit == NONE else max(limit, 0) / 8


def numbers(m, futures):
    return f"[{','.join(str(m.numbers[f]) for f in futures)}]"


@op("ascompleted", "wait", 4, "limit count slots")
async def _(m, fr, limit, count, *slots):
    # The asynchronous iterator: the futures themselves, count of them.
    ents = m.pick(slots)
    n = 0
    async for f in asyncio.as_completed(
            [e.fut for e in ents], timeout=from_now(limit)):
        m.write(fr.who, "ascompleted", m.numbers[f])
        n += 1
        if n == count:
            break
    return n


@op("waiters", "wait", 3, "limit count slots")
async def _(m, fr, limit, count, *slots):
    # The plain iterator: awaitables of results.
    ents = m.pick(slots)
    n = 0
    for waiter in asyncio.as_completed(
            [e.fut for e in ents], timeout=from_now(limit)):
        try:
            r = value(await waiter)
        except Exception as e:
            r = name_of(e)
        m.write(fr.who, "waiters", r)
        n += 1
        if n == count:
            break
    return n


@op("shield", "wait", 5, "slot")
async def _(m, fr, s):
    ent = m.slots[s]
    if ent is None:
        return "none"
    if not m.may_await(fr, ent):
        return "skip"
    fut = asyncio.shield(ent.fut)
    try:
        return await fut
    finally:
        if fut is not ent.fut:
            fut._log_traceback = False


@op("shieldf", "wait", 3, "slot slot")
def _(m, fr, s, inner):
    ent = m.slots[inner]
    if ent is None:
        return "none"
    fut = asyncio.shield(ent.fut)
    # A finished inner is handed out itself.
    if fut is ent.fut:
        m.slots[s] = ent
        return ent.num
    return m.keep(s, fut)


@op("shieldc", "wait", 2, "body")
async def _(m, fr, b):
    if m.full():
        return "full"
    fut = asyncio.shield(m.coroutine(b)[0])
    task = fut in m.numbers
    try:
        return await fut
    finally:
        if not task:
            fut._log_traceback = False


@op("waitfor", "timeout", 6, "limit slot")
async def _(m, fr, limit, s):
    ent = m.slots[s]
    if ent is None:
        return "none"
    if not ent.rank > fr.num:
        return "skip"
    return await asyncio.wait_for(clean(ent.fut), seconds(limit))


@op("waitforc", "timeout", 4, "limit body")
async def _(m, fr, limit, b):
    # With time left the coroutine runs in this task; without, in a task of
    # its own, which is cancelled before its first step unless it is eager.
    if m.full():
        return "full"
    if limit != NONE and limit <= 0:
        return await asyncio.wait_for(m.coroutine(b)[0], limit / 8)
    return await asyncio.wait_for(m.body(b, m.number()), seconds(limit))


# --- timeouts -----------------------------------------------------------

async def in_timeout(m, fr, o, timeout):
    m.timeouts[o.args[0]] = timeout
    try:
        async with timeout:
            return await m.block(fr, o.body)
    finally:
        m.say(fr, o, f"expired {timeout.expired():d}")


@op("timeout", "timeout", 6, "timeout limit", block=True)
async def _(m, fr, o):
    return await in_timeout(m, fr, o, asyncio.timeout(seconds(o.args[1])))


@op("timeoutat", "timeout", 2, "timeout when", block=True)
async def _(m, fr, o):
    return await in_timeout(m, fr, o, asyncio.timeout_at(seconds(o.args[1])))


@op("prepare", "timeout", 1, "timeout limit")
def _(m, fr, t, limit):
    m.timeouts[t] = asyncio.timeout(seconds(limit))


@op("reschedule", "timeout", 4, "timeout limit")
def _(m, fr, t, limit):
    if m.timeouts[t] is None:
        return "none"
    when = seconds(limit)
    m.timeouts[t].reschedule(None if when is None else m.clock + when)


@op("expired", "timeout", 1, "timeout")
def _(m, fr, t):
    return "none" if m.timeouts[t] is None else m.timeouts[t].expired()


@op("deadline", "timeout", 1, "timeout")
def _(m, fr, t):
    if m.timeouts[t] is None:
        return "none"
    when = m.timeouts[t].when()
    return "never" if when is None else int(when * 8)


# --- task groups --------------------------------------------------------

@op("group", "group", 5, "group", block=True)
async def _(m, fr, o):
    group = m.groups[o.args[0]] = asyncio.TaskGroup()
    async with group:
        r = await m.block(fr, o.body)
        m.say(fr, o, "body done")
        return r


@op("gprepare", "group", 1, "group")
def _(m, fr, g):
    m.groups[g] = asyncio.TaskGroup()


@op("gtask", "group", 8, "group slot body now ctx")
def _(m, fr, g, s, b, eager, x):
    if m.groups[g] is None:
        return "none"
    return spawn(m, m.groups[g].create_task, s, b, eager, x)
