/* SPDX-License-Identifier: MIT */
/*
 * Asking libuv: the part of a pass in which I/O callbacks run, and time goes
 * by when nothing else is to do.
 *
 * The next deadline of all our timers is one timer of libuv. Under the virtual
 * clock nobody waits for it: when nothing is ready and no request is under way
 * the time jumps.
 *
 * Python counterpart: the selector of BaseEventLoop._run_once.
 */
#include "loop/poll.h"

#include <math.h>
#include <poll.h>
#include <time.h>

#include "base/block.h"
#include "base/probe.h"
#include "loop/exception.h"

#define POLL_MS_MAX (24 * 3600 * 1000)

/* libuv 1.44 may fire the timer before it polls, and would then block. */
static void
on_idle(uv_idle_t *idle)
{
    (void) idle;
}

static void
on_timer(uv_timer_t *timer)
{
    asyncio_loop_t *loop = timer->data;

    uv_idle_start(&loop->idle, on_idle);
}

static void
poll_until(asyncio_loop_t *loop, double when)
{
    double ms = ceil((when - aio__loop_now(loop)) * 1000);

    if (!(ms > 0)) {
        uv_run(loop->uv, UV_RUN_NOWAIT);
        return;
    }
    if (ms > POLL_MS_MAX)
        ms = POLL_MS_MAX;
    uv_update_time(loop->uv);
    uv_timer_start(&loop->timer, on_timer, (uint64_t) ms, 0);
    uv_run(loop->uv, UV_RUN_ONCE);
    uv_timer_stop(&loop->timer);
    uv_idle_stop(&loop->idle);
}

static void
poll_for_ever(asyncio_loop_t *loop)
{
    /* Without anything else libuv would return at once; other threads can
     * still wake us. */
    uv_ref((uv_handle_t *) &loop->wakeup);
    uv_run(loop->uv, UV_RUN_ONCE);
    uv_unref((uv_handle_t *) &loop->wakeup);
}

/* Let libuv look around; whether there is more to do than waiting. What one
 * end of a connection does inside its callback the other end sees in the next
 * poll only: the descriptor of the backend tells that there is such a thing. */
static bool
look_around(asyncio_loop_t *loop)
{
    struct pollfd backend = {.fd = -1, .events = POLLIN};

    if (uv_loop_alive(loop->uv)) {
        uv_run(loop->uv, UV_RUN_NOWAIT);
        backend.fd = uv_backend_fd(loop->uv);
    }
    return !aio__queue_empty(&loop->ready) || loop->stopping
        || atomic_load(&loop->inbox_full)
        || ppoll(&backend, 1, &(struct timespec){0, 0}, NULL) > 0;
}

/* Nothing is ready: time jumps, unless the outside world may still answer. */
static void
poll_virtual(asyncio_loop_t *loop)
{
    const struct aio__timer_slot *first;

    /* Twice, because what a callback begins to watch is watched from then. */
    if (look_around(loop) || look_around(loop))
        return;
    if (loop->ops > 0) {
        poll_for_ever(loop);
        return;
    }
    if (loop->timers.sorted < loop->timers.count)
        return; /* what was polled armed one: it may be the first */
    first = aio__timerheap_first(&loop->timers);
    if (first != NULL && first->when < HUGE_VAL) {
        if (first->when > loop->virtual_now)
            loop->virtual_now = first->when;
    } else if (uv_loop_alive(loop->uv)) {
        poll_for_ever(loop);
    } else {
        loop->interrupted = ASYNCIO_ERR_DEADLOCK;
    }
}

/* Stacks and memory that nobody needed for a while. */
static void
trim(asyncio_loop_t *loop)
{
    aio__blocks_trim(loop->polled);
    aio__coro_pool_trim(&loop->pool, loop->polled);
    for (struct aio__coro_pool *p = loop->pools; p != NULL; p = p->next)
        aio__coro_pool_trim(p, loop->polled);
}

void
aio__poll(asyncio_loop_t *loop, bool wait)
{
    aio__probe(poll_begin, loop, wait);
    if (!wait) {
        if (uv_loop_alive(loop->uv))
            uv_run(loop->uv, UV_RUN_NOWAIT);
    } else {
        trim(loop);
        if (loop->virtual_clock)
            poll_virtual(loop);
        else if (aio__timerheap_first(&loop->timers) != NULL)
            poll_until(loop, aio__timerheap_first(&loop->timers)->when);
        else
            poll_for_ever(loop);
    }
    if (loop->virtual_clock) {
        loop->short_passes = true; /* they take no time at all */
    } else {
        double now = aio__loop_now(loop);

        /* Passes that were short will be short. */
        loop->short_passes = loop->passes >= AIO__PASSES_MAX
            && now - loop->polled < AIO__POLL_INTERVAL;
        loop->polled = now;
    }
    loop->passes = 0;
    loop->credit = 0;
    loop->told = 0;
    aio__probe(poll_end, loop, wait);
}
