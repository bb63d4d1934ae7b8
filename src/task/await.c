/* SPDX-License-Identifier: MIT */
/*
 * Awaiting a future: the running task becomes one of its callbacks, told
 * when it is done. Cancelling the task cancels the future, which then tells
 * it. The task holds a reference meanwhile.
 *
 * Python counterpart: Future.__await__ and Task.__wakeup.
 */
#include "asyncio/tasks.h"
#include "task/awaiter.h"
#include "task/task.h"

/* A task that waits, on its own stack. */
struct future_waiter {
    struct aio__waiter waiter;
    struct aio__future_cb cb;
    asyncio_future_t *future;
};

static void
on_done(struct aio__future_cb *cb, asyncio_future_t *future)
{
    struct future_waiter *waiting =
        aio__container_of(cb, struct future_waiter, cb);

    waiting->waiter.exception = aio__future_detail(future);
    aio__wake(&waiting->waiter, future->status);
}

static bool
cancel_awaited(struct aio__waiter *waiter, asyncio_exception_t *message)
{
    struct future_waiter *waiting =
        aio__container_of(waiter, struct future_waiter, waiter);

    return aio__cancel(waiting->future, message);
}

asyncio_task_t *
aio__awaited_task(struct aio__waiter *waiter)
{
    struct future_waiter *waiting;

    if (waiter == NULL || waiter->cancel != cancel_awaited)
        return NULL;
    waiting = aio__container_of(waiter, struct future_waiter, waiter);
    if (waiting->future->state != AIO__PENDING
        || aio__task_from(waiting->future) == NULL)
        return NULL;
    return waiting->future;
}

asyncio_future_t *
aio__await_awaiter(struct aio__future_cb *cb)
{
    if (cb->notify != on_done)
        return NULL;
    return aio__waiter_task(
        &aio__container_of(cb, struct future_waiter, cb)->waiter);
}

static int
await_pending(asyncio_loop_t *loop, asyncio_future_t *future)
{
    struct future_waiter waiting;
    int r;

    aio__waiter_init(&waiting.waiter, loop, cancel_awaited);
    waiting.cb.notify = on_done;
    waiting.future = aio__future_ref(future);
    aio__list_push_back(&future->callbacks, &waiting.cb.link);
    r = aio__wait(&waiting.waiter);
    if (future->unretrieved)
        future->unretrieved = false;
    aio__future_unref(future);
    return r;
}

/* CPython throws these into the task at its next step, so one pass goes by,
 * and a cancellation that comes in it is what arrives. */
static int
refuse(int code, const char *message)
{
    int r = asyncio_sleep(0);

    if (r < 0)
        return r;
    return asyncio_raise_at(code, NULL, 0, "%s", message);
}

int
asyncio_await_future(asyncio_future_t *future)
{
    asyncio_loop_t *loop;
    int r;

    if (future == NULL)
        return UV_EINVAL;
    if (future->state != AIO__PENDING)
        return asyncio_future_result(future);
    r = aio__fiber_running(&loop);
    if (r < 0)
        return r;
    if (future->loop != loop)
        return refuse(ASYNCIO_ERR_WRONG_LOOP,
                      "the future is attached to a different loop");
    if (aio__task_from(future) == aio__task_of(loop->current))
        return refuse(ASYNCIO_ERR_RUNTIME, "Task cannot await on itself");
    return await_pending(loop, future);
}

int
asyncio_await_task(asyncio_task_t *task)
{
    return asyncio_await_future(task);
}

int
asyncio_await_coro(asyncio_coro_t coro)
{
    if (coro.fn == NULL)
        return UV_EINVAL;
    return coro.fn(coro.frame);
}
