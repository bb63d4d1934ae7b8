/* SPDX-License-Identifier: MIT */
/*
 * Condition: tasks that wait to be notified, on a lock.
 *
 * Whatever ends the wait, the lock is taken again before it returns; the last
 * of the cancellations that came meanwhile is the one that comes out. A
 * waiter that was notified but ends by an error passes the notification on,
 * so none is lost; that is why a wait may end without a reason.
 *
 * Python counterpart: asyncio.Condition, as of 3.13.
 */
#include "asyncio/locks.h"
#include "sync/waitqueue.h"

void
asyncio_condition_init(asyncio_condition_t *condition, asyncio_lock_t *lock)
{
    aio__waitqueue_init(&condition->queue);
    asyncio_lock_init(&condition->own);
    condition->lock = lock != NULL ? lock : &condition->own;
}

int
asyncio_condition_fini(asyncio_condition_t *condition)
{
    int r;

    r = aio__waitqueue_fini(&condition->queue, "Condition");
    if (r < 0)
        return r;
    return asyncio_lock_fini(&condition->own);
}

int
asyncio_condition_acquire(asyncio_condition_t *condition)
{
    return asyncio_lock_acquire(condition->lock);
}

int
asyncio_condition_release(asyncio_condition_t *condition)
{
    return asyncio_lock_release(condition->lock);
}

bool
asyncio_condition_locked(const asyncio_condition_t *condition)
{
    return asyncio_lock_locked(condition->lock);
}

/* Take the lock again, however often that is cancelled. */
static int
relock(asyncio_condition_t *condition, int r)
{
    int locked;

    while ((locked = asyncio_lock_acquire(condition->lock))
           == ASYNCIO_ERR_CANCELLED)
        r = locked;
    return locked < 0 ? locked : r;
}

int
asyncio_condition_wait(asyncio_condition_t *condition)
{
    struct aio__waiter waiter;
    int r;

    if (!asyncio_condition_locked(condition))
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "cannot wait on un-acquired lock");
    r = aio__waitqueue_bind(&condition->queue, "Condition");
    if (r < 0)
        return r;
    asyncio_lock_release(condition->lock);
    r = aio__waitqueue_wait(&condition->queue, &waiter, "Condition");
    r = relock(condition, r);
    if (r < 0)
        aio__waitqueue_wake(&condition->queue, 1);
    return r;
}

int
asyncio_condition_wait_for(asyncio_condition_t *condition,
                           asyncio_predicate_t predicate, void *arg)
{
    int r, holds;

    if (predicate == NULL)
        return UV_EINVAL;
    while ((holds = predicate(arg)) == 0) {
        r = asyncio_condition_wait(condition);
        if (r < 0)
            return r;
    }
    return holds;
}

int
asyncio_condition_notify(asyncio_condition_t *condition, size_t n)
{
    if (!asyncio_condition_locked(condition))
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "cannot notify on un-acquired lock");
    aio__waitqueue_wake(&condition->queue, n);
    return 0;
}

int
asyncio_condition_notify_all(asyncio_condition_t *condition)
{
    return asyncio_condition_notify(condition, SIZE_MAX);
}

size_t
asyncio_condition_repr(const asyncio_condition_t *condition, char *buffer,
                       size_t size)
{
    return aio__waitqueue_repr(
        &condition->queue, buffer, size, "<Condition [%s",
        asyncio_condition_locked(condition) ? "locked" : "unlocked");
}
