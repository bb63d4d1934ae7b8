/* SPDX-License-Identifier: MIT */
/*
 * wait_for: a timeout around one await, in the same task.
 *
 * A deadline that has passed is special: what is not done is cancelled, and
 * its end awaited, without starting the clock.
 *
 * Python counterpart: asyncio.wait_for, as rewritten in 3.12.
 */
#include <math.h>

#include "asyncio/timeouts.h"
#include "task/task.h"

/* The task that waits for the end of what it cancelled; on its stack. */
struct ending {
    struct aio__future_job job;
    struct aio__waiter waiter;
};

static void
on_end(struct aio__future_job *job, asyncio_future_t *future)
{
    struct ending *ending = aio__container_of(job, struct ending, job);

    (void) future;
    aio__wake(&ending->waiter, 0);
}

static int
cancel_and_wait(asyncio_loop_t *loop, asyncio_future_t *future)
{
    struct ending ending;
    int r;

    aio__waiter_init(&ending.waiter, loop, NULL);
    aio__future_job_init(&ending.job, on_end);
    aio__future_subscribe(future, &ending.job.cb);
    aio__cancel(future, NULL);
    r = aio__wait(&ending.waiter);
    aio__future_job_withdraw(&ending.job, loop);
    return r;
}

static int
without_waiting(asyncio_loop_t *loop, asyncio_future_t *future)
{
    int r;

    if (future->state != AIO__PENDING)
        return asyncio_future_result(future);
    asyncio_future_ref(future);
    r = cancel_and_wait(loop, future);
    if (r >= 0) {
        r = asyncio_future_result(future);
        if (r == ASYNCIO_ERR_CANCELLED)
            r = aio__raise_from(ASYNCIO_ERR_TIMEOUT);
    }
    asyncio_future_unref(future);
    return r;
}

int
asyncio_wait_for_future(asyncio_future_t *future, double seconds)
{
    asyncio_timeout_t timeout;
    asyncio_loop_t *loop;
    int r;

    if (future == NULL || isnan(seconds))
        return UV_EINVAL;
    r = aio__fiber_running(&loop);
    if (r < 0)
        return r;
    if (future->loop != NULL && future->loop != loop)
        return ASYNCIO_ERR_WRONG_LOOP;
    if (seconds <= 0)
        return without_waiting(loop, future);
    asyncio_timeout_enter(asyncio_timeout(&timeout, seconds));
    r = asyncio_await_future(future);
    return asyncio_timeout_exit(&timeout, r);
}

int
asyncio_wait_for_coro(asyncio_coro_t coro, double seconds)
{
    asyncio_timeout_t timeout;
    asyncio_loop_t *loop;
    int r;

    if (coro.fn == NULL || isnan(seconds))
        return UV_EINVAL;
    r = aio__fiber_running(&loop);
    if (r < 0)
        return r;
    if (seconds <= 0) {
        asyncio_task_t *task = asyncio_ensure_future_coro(coro);

        r = without_waiting(loop, task);
        asyncio_future_unref(task);
        return r;
    }
    asyncio_timeout_enter(asyncio_timeout(&timeout, seconds));
    r = asyncio_await_coro(coro);
    return asyncio_timeout_exit(&timeout, r);
}
