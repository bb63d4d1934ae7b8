/* SPDX-License-Identifier: MIT */
/*
 * Semaphores: a number of permits, handed out in order.
 *
 * A release gives its permit to the first in the queue at once: the number
 * goes down again, and a newcomer cannot take it. Who was given one and then
 * cancelled puts it back. Nobody overtakes: permits that are free while
 * somebody stands in the queue are for those, and whoever leaves the queue
 * wakes as many as there are permits.
 *
 * Python counterpart: asyncio.Semaphore and BoundedSemaphore, as of 3.13.
 */
#include <limits.h>

#include "asyncio/locks.h"
#include "sync/waitqueue.h"

static int
init(asyncio_semaphore_t *semaphore, long value, long bound)
{
    aio__waitqueue_init(&semaphore->queue);
    semaphore->value = value > 0 ? value : 0;
    semaphore->bound = bound;
    if (value < 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "Semaphore initial value must be >= 0");
    return 0;
}

int
asyncio_semaphore_init(asyncio_semaphore_t *semaphore, long value)
{
    return init(semaphore, value, LONG_MAX);
}

int
asyncio_bounded_semaphore_init(asyncio_bounded_semaphore_t *semaphore,
                               long value)
{
    return init(semaphore, value, value > 0 ? value : 0);
}

int
asyncio_semaphore_fini(asyncio_semaphore_t *semaphore)
{
    return aio__waitqueue_fini(&semaphore->queue, "Semaphore");
}

bool
asyncio_semaphore_locked(const asyncio_semaphore_t *semaphore)
{
    return semaphore->value == 0 || aio__waitqueue_live(&semaphore->queue);
}

/* Hand a free permit to the first that has none; false for nobody. */
static bool
hand_over(asyncio_semaphore_t *semaphore)
{
    if (aio__waitqueue_wake(&semaphore->queue, 1) == 0)
        return false;
    semaphore->value--;
    return true;
}

int
asyncio_semaphore_acquire(asyncio_semaphore_t *semaphore)
{
    struct aio__waiter waiter;
    int r;

    if (aio__likely(!asyncio_semaphore_locked(semaphore))) {
        semaphore->value--;
        return 0;
    }
    r = aio__waitqueue_wait(&semaphore->queue, &waiter, "Semaphore");
    if (aio__unlikely(r < 0)) {
        if (r != ASYNCIO_ERR_CANCELLED)
            return r;
        if (!aio__waiter_cancelled(&waiter)) /* it was given one before */
            semaphore->value++;
    }
    while (semaphore->value > 0 && hand_over(semaphore))
        ;
    return r;
}

int
asyncio_semaphore_release(asyncio_semaphore_t *semaphore)
{
    if (aio__unlikely(semaphore->value >= semaphore->bound))
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "BoundedSemaphore released too many times");
    semaphore->value++;
    hand_over(semaphore);
    return 0;
}

int
asyncio_bounded_semaphore_release(asyncio_bounded_semaphore_t *semaphore)
{
    return asyncio_semaphore_release(semaphore);
}

size_t
asyncio_semaphore_repr(const asyncio_semaphore_t *semaphore, char *buffer,
                       size_t size)
{
    const char *name =
        semaphore->bound == LONG_MAX ? "Semaphore" : "BoundedSemaphore";

    if (asyncio_semaphore_locked(semaphore))
        return aio__waitqueue_repr(&semaphore->queue, buffer, size,
                                   "<%s [locked", name);
    return aio__waitqueue_repr(&semaphore->queue, buffer, size,
                               "<%s [unlocked, value:%ld", name,
                               semaphore->value);
}
