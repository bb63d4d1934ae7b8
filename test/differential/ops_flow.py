# SPDX-License-Identifier: MIT
"""Operations: time, control flow, callbacks of the loop, context variables."""

import asyncio
import contextvars

from interpret import ERRORS, STOP, VARS, name_of
from program import NONE, op


def seconds(eighths):
    """A duration of the program; NONE is None."""
    return None if eighths == NONE else eighths / 8


# --- time and control flow ----------------------------------------------

@op("sleep", "time", 12, "delay")
async def _(m, fr, delay):
    await asyncio.sleep(delay / 8)


@op("nap", "time", 2, "delay val")
async def _(m, fr, delay, val):
    return await asyncio.sleep(delay / 8, val)


@op("yield", "time", 4)
async def _(m, fr):
    await asyncio.sleep(0)


@op("busy", "time", 1, "delay")
def _(m, fr, delay):
    m.clock += max(delay, 0) / 8


@op("mark", "flow", 1, "val")
def _(m, fr, val):
    return val


@op("raise", "flow", 2, "err")
async def _(m, fr, err):
    raise ERRORS[err]


@op("fail", "flow", 0, "err")
def _(m, fr, err):
    pass        # callback() raises it after the line is written


@op("ret", "flow", 1, "val")
def _(m, fr, val):
    fr.ret = val
    return val


@op("call", "flow", 2, "body")
async def _(m, fr, b):
    # A coroutine awaited directly: the same task, a frame of its own.
    return await m.body(b, fr.num)


@op("loop", "flow", 2, "count", block=True)
async def _(m, fr, o):
    for _ in range(o.args[0]):
        if await m.block(fr, o.body) is STOP:
            return STOP


@op("try", "flow", 6, "trymode", block=True)
async def _(m, fr, o):
    # 1 catches errors, 2 cancellations, +4 raises again, 8 is a finally.
    mode = o.args[0]
    if mode & 8:
        try:
            r = await m.block(fr, o.body)
        except BaseException as e:
            m.say(fr, o, f"finally {name_of(e)}")
            await m.block(fr, o.handler)
            raise
        m.say(fr, o, "finally ok")
        return STOP if await m.block(fr, o.handler) is STOP else r
    try:
        return await m.block(fr, o.body)
    except (Exception, asyncio.CancelledError) as e:
        if not mode & (2 if isinstance(e, asyncio.CancelledError) else 1):
            raise
        m.say(fr, o, f"except {name_of(e)}")
        r = await m.block(fr, o.handler)
        if mode & 4 and r is not STOP:
            raise
        return r


# --- callbacks of the loop ----------------------------------------------

@op("soon", "loop", 4, "handle callback ctx")
def _(m, fr, h, c, x):
    m.handles[h] = m.loop.call_soon(m.callback(c), context=m.context(x))


@op("later", "loop", 4, "handle callback delay ctx")
def _(m, fr, h, c, delay, x):
    m.handles[h] = m.loop.call_later(
        delay / 8, m.callback(c), context=m.context(x))


@op("at", "loop", 2, "handle callback when ctx")
def _(m, fr, h, c, when, x):
    m.handles[h] = m.loop.call_at(
        when / 8, m.callback(c), context=m.context(x))


@op("soonts", "loop", 1, "handle callback ctx")
def _(m, fr, h, c, x):
    m.handles[h] = m.loop.call_soon_threadsafe(
        m.callback(c), context=m.context(x))


@op("hcancel", "loop", 3, "handle")
def _(m, fr, h):
    if m.handles[h] is None:
        return "none"
    m.handles[h].cancel()
    return m.handles[h].cancelled()


@op("hcancelled", "loop", 1, "handle")
def _(m, fr, h):
    return "none" if m.handles[h] is None else m.handles[h].cancelled()


@op("hwhen", "loop", 1, "handle")
def _(m, fr, h):
    handle = m.handles[h]
    return int(handle.when() * 8) if hasattr(handle, "when") else "none"


@op("stop", "loop", 0, "")
def _(m, fr):
    if m.closing:
        return "late"   # Runner.close() does not expect it
    m.stopped = True
    m.loop.stop()


# --- context variables --------------------------------------------------

@op("cvget", "context", 4, "cvar")
def _(m, fr, v):
    return VARS[v].get()


@op("cvset", "context", 4, "cvar val token")
def _(m, fr, v, val, k):
    m.tokens[k] = VARS[v].set(val), v


@op("cvreset", "context", 3, "token")
def _(m, fr, k):
    if m.tokens[k] is None:
        return "none"
    token, v = m.tokens[k]
    VARS[v].reset(token)


@op("ctxcopy", "context", 2, "ctxreg")
def _(m, fr, x):
    m.contexts[x] = contextvars.copy_context()


@op("ctxrun", "context", 2, "ctxreg callback")
def _(m, fr, x, c):
    if m.contexts[x] is None:
        return "none"
    m.contexts[x].run(m.callback(c))


@op("ctxtask", "context", 1, "ctxreg slot")
def _(m, fr, x, s):
    ent = m.slots[s]
    if ent is None or not isinstance(ent.fut, asyncio.Task):
        return "none"
    m.contexts[x] = ent.fut.get_context()


# --- variables, for the predicates of conditions -------------------------

@op("add", "cond", 2, "var val")
def _(m, fr, v, val):
    m.vars[v] += val
    return m.vars[v]
