# SPDX-License-Identifier: MIT
"""Tasks, locks, queues and timers of asyncio."""

import asyncio

import bench as harness
from bench import Case


async def yielding(bench):
    left = bench.n

    async def task():
        nonlocal left
        await asyncio.sleep(0)
        while left > 0:
            left -= 1
            if left == 0:
                bench.stop()
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(task()) for _ in range(bench.arg)]
    await asyncio.sleep(0)
    bench.start()
    for task in tasks:
        await task


async def future(bench):
    loop = asyncio.get_running_loop()
    slot = None

    async def waiting():
        nonlocal slot
        for _ in range(bench.n):
            slot = loop.create_future()
            await slot

    bench.start()
    task = asyncio.create_task(waiting())
    for _ in range(bench.n):
        while slot is None:
            await asyncio.sleep(0)
        slot.set_result(None)
        slot = None
        await asyncio.sleep(0)
    await task
    bench.stop()


async def nothing():
    pass


async def create(bench):
    bench.start()
    for _ in range(bench.n):
        await asyncio.create_task(nothing())
    bench.stop()


async def all_alive(n):
    tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(n)]
    for task in tasks:
        await task


async def alive(bench):
    if bench.arg:
        await all_alive(bench.n)
    bench.start()
    await all_alive(bench.n)
    bench.stop()


async def cancel(bench):
    for _ in range(0, bench.n, 1000):
        tasks = [asyncio.create_task(asyncio.sleep(3600))
                 for _ in range(1000)]
        await asyncio.sleep(0)
        bench.start()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        bench.stop()


async def lock(bench):
    mutex = asyncio.Lock()

    async def side():
        for _ in range(bench.n // 2):
            async with mutex:
                await asyncio.sleep(0)

    bench.start()
    await asyncio.gather(side(), side())
    bench.stop()


async def event(bench):
    ping, pong = asyncio.Event(), asyncio.Event()

    async def side(mine, other):
        for _ in range(bench.n // 2):
            await mine.wait()
            mine.clear()
            other.set()

    bench.start()
    ping.set()
    await asyncio.gather(side(ping, pong), side(pong, ping))
    bench.stop()


async def queue(bench):
    there, back = asyncio.Queue(1), asyncio.Queue(1)

    async def partner():
        for _ in range(bench.n):
            await back.put(await there.get())

    task = asyncio.create_task(partner())
    bench.start()
    for i in range(bench.n):
        await there.put(i)
        await back.get()
    bench.stop()
    await task


async def to_thread(bench):
    bench.start()
    for _ in range(bench.n):
        await asyncio.to_thread(int)
    bench.stop()


async def gather(bench):
    bench.start()
    for _ in range(0, bench.n, bench.arg):
        await asyncio.gather(*(nothing() for _ in range(bench.arg)))
    bench.stop()


async def skynet_node(first, size):
    if size == 1:
        return first
    part = size // 10
    return sum(await asyncio.gather(
        *(skynet_node(first + i * part, part) for i in range(10))))


async def skynet(bench):
    bench.start()
    assert await skynet_node(0, 1_000_000) == 499_999_500_000
    bench.stop()


async def timers(bench):
    delays = harness.random_ms(bench.arg)
    bench.start()
    await asyncio.wait([asyncio.create_task(asyncio.sleep(ms / 1000))
                        for ms in delays])
    bench.stop()


async def memory(bench):
    before = harness.memory()
    tasks = [asyncio.create_task(asyncio.sleep(3600))
             for _ in range(bench.arg)]
    await asyncio.sleep(0)
    bench.memory_since(before)
    for task in tasks:
        task.cancel()


CASES = [
    Case('yield/2', yielding, 2),
    Case('yield/100', yielding, 100),
    Case('yield/1000', yielding, 1000),
    Case('yield/10000', yielding, 10_000, n=50_000),
    Case('future', future),
    Case('create', create),
    Case('alive/cold', alive, 0, n=100_000, macro=True),
    Case('alive/warm', alive, 1, n=100_000, macro=True),
    Case('cancel', cancel, n=5000),
    Case('lock', lock),
    Case('event', event),
    Case('queue', queue),
    Case('to_thread', to_thread),
    Case('gather/10', gather, 10, n=2000),
    Case('gather/10000', gather, 10_000, n=10_000),
    Case('skynet', skynet, n=1, unit='ms', macro=True),
    Case('timers/100000', timers, 100_000, n=1, unit='s', macro=True, by='cpu'),
    Case('timers/1000000', timers, 1_000_000, n=1, unit='s', macro=True,
         by='cpu'),
    Case('memory/10000', memory, 10_000, n=1, macro=True),
    Case('memory/100000', memory, 100_000, n=1, macro=True),
    Case('memory/1000000', memory, 1_000_000, n=1, macro=True),
]
