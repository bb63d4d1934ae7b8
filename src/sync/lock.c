/* SPDX-License-Identifier: MIT */
/*
 * Lock: a fair mutex for tasks.
 *
 * Releasing unlocks and wakes the first in the queue; that one takes the lock
 * when it runs. Nobody gets in before it, because a lock whose queue holds
 * somebody alive is not free for newcomers. A waiter that was woken and then
 * cancelled passes the wake-up on.
 *
 * Python counterpart: asyncio.Lock.
 */
#include "asyncio/locks.h"
#include "sync/waitqueue.h"

void
asyncio_lock_init(asyncio_lock_t *lock)
{
    aio__waitqueue_init(&lock->queue);
    lock->locked = false;
}

int
asyncio_lock_fini(asyncio_lock_t *lock)
{
    return aio__waitqueue_fini(&lock->queue, "Lock");
}

int
asyncio_lock_acquire(asyncio_lock_t *lock)
{
    struct aio__waiter waiter;
    int r;

    if (aio__likely(!lock->locked && !aio__waitqueue_live(&lock->queue))) {
        lock->locked = true;
        return 0;
    }
    r = aio__waitqueue_wait(&lock->queue, &waiter, "Lock");
    if (aio__unlikely(r < 0)) {
        if (r == ASYNCIO_ERR_CANCELLED && !lock->locked)
            aio__waitqueue_wake_first(&lock->queue);
        return r;
    }
    lock->locked = true;
    return 0;
}

int
asyncio_lock_release(asyncio_lock_t *lock)
{
    if (aio__unlikely(!lock->locked))
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Lock is not acquired.");
    lock->locked = false;
    aio__waitqueue_wake_first(&lock->queue);
    return 0;
}

bool
asyncio_lock_locked(const asyncio_lock_t *lock)
{
    return lock->locked;
}

size_t
asyncio_lock_repr(const asyncio_lock_t *lock, char *buffer, size_t size)
{
    return aio__waitqueue_repr(&lock->queue, buffer, size, "<Lock [%s",
                               lock->locked ? "locked" : "unlocked");
}
