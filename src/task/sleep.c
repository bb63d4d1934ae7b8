/* SPDX-License-Identifier: MIT */
/*
 * Sleeping.
 *
 * sleep(0) yields exactly once, and the way from here to the switch is one
 * function. A real sleep uses the task's own timer, whose slot was reserved
 * when the task was made: nothing is allocated. The timer makes the task
 * ready, it runs in the next pass: one hop, as with CPython's future.
 *
 * Python counterpart: asyncio.sleep.
 */
#include <math.h>

#include "task/task.h"

static bool
cancel_sleep(struct aio__waiter *waiter, asyncio_exception_t *message)
{
    struct aio__task *task = aio__task_of(waiter->fiber);

    aio__timerheap_remove(&waiter->loop->timers, &task->timer);
    return aio__waiter_cancel(waiter, message);
}

static __attribute__((noinline)) int
sleep_for(asyncio_loop_t *loop, double seconds)
{
    struct aio__task *task = aio__task_of(loop->current);
    struct aio__waiter waiter;

    if (isnan(seconds))
        return asyncio_raise_at(UV_EINVAL, NULL, 0,
                                "Invalid delay: NaN (not a number)");
    aio__waiter_init(&waiter, loop, cancel_sleep);
    aio__timerheap_insert(&loop->timers, &task->timer,
                          aio__loop_now(loop) + seconds);
    return aio__wait(&waiter);
}

int
asyncio_sleep(double seconds)
{
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (aio__unlikely(r < 0))
        return r;
    if (seconds <= 0)
        return aio__yield(loop);
    return sleep_for(loop, seconds);
}
