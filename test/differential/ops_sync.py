# SPDX-License-Identifier: MIT
"""Operations: locks, events, conditions, semaphores, barriers, queues."""

from program import op


# --- lock, condition and semaphore: what can be acquired ------------------

@op("acquire", "lock", 5, "lockable")
async def _(m, fr, o):
    return await m.objects[o].acquire()


@op("release", "lock", 6, "lockable")
def _(m, fr, o):
    m.objects[o].release()


@op("locked", "lock", 1, "lockable")
def _(m, fr, o):
    return m.objects[o].locked()


@op("with", "lock", 6, "lockable", block=True)
async def _(m, fr, o):
    async with m.objects[o.args[0]]:
        m.say(fr, o, "entered")
        return await m.block(fr, o.body)


# --- event --------------------------------------------------------------

@op("ewait", "event", 6, "event")
async def _(m, fr, o):
    return await m.objects[o].wait()


@op("eset", "event", 4, "event")
def _(m, fr, o):
    m.objects[o].set()


@op("eclear", "event", 3, "event")
def _(m, fr, o):
    m.objects[o].clear()


@op("eisset", "event", 1, "event")
def _(m, fr, o):
    return m.objects[o].is_set()


# --- condition ----------------------------------------------------------

@op("cwait", "cond", 3, "condition")
async def _(m, fr, o):
    return await m.objects[o].wait()


@op("cwaitfor", "cond", 3, "condition var val")
async def _(m, fr, o, v, val):
    return await m.objects[o].wait_for(lambda: m.vars[v] >= val)


@op("notify", "cond", 3, "condition count")
def _(m, fr, o, n):
    m.objects[o].notify(n)


@op("notifyall", "cond", 2, "condition")
def _(m, fr, o):
    m.objects[o].notify_all()


# --- barrier ------------------------------------------------------------

@op("bwait", "barrier", 8, "barrier")
async def _(m, fr, o):
    return await m.objects[o].wait()


@op("breset", "barrier", 2, "barrier")
async def _(m, fr, o):
    await m.objects[o].reset()


@op("babort", "barrier", 1, "barrier")
async def _(m, fr, o):
    await m.objects[o].abort()


@op("binfo", "barrier", 1, "barrier")
def _(m, fr, o):
    b = m.objects[o]
    return f"{b.n_waiting} {b.parties} {b.broken:d}"


# --- queues -------------------------------------------------------------

@op("put", "queue", 6, "queue val")
async def _(m, fr, o, val):
    await m.objects[o].put(val)


@op("get", "queue", 6, "queue")
async def _(m, fr, o):
    return await m.objects[o].get()


@op("putnow", "queue", 3, "queue val")
def _(m, fr, o, val):
    m.objects[o].put_nowait(val)


@op("getnow", "queue", 3, "queue")
def _(m, fr, o):
    return m.objects[o].get_nowait()


@op("taskdone", "queue", 3, "queue")
def _(m, fr, o):
    m.objects[o].task_done()


@op("join", "queue", 2, "queue")
async def _(m, fr, o):
    await m.objects[o].join()


@op("shutdown", "queue", 1, "queue bool")
def _(m, fr, o, immediate):
    m.objects[o].shutdown(bool(immediate))


@op("qinfo", "queue", 1, "queue")
def _(m, fr, o):
    q = m.objects[o]
    return f"{q.qsize()} {q.empty():d} {q.full():d}"
