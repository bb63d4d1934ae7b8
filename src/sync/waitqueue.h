/* SPDX-License-Identifier: MIT */
#ifndef AIO_SYNC_WAITQUEUE_H
#define AIO_SYNC_WAITQUEUE_H

/*
 * One FIFO of waiting tasks, beneath every lock and queue.
 *
 * A waiter lives on its task's stack and stands in the queue until that task
 * runs again, not only until it is woken: who looks at the queue meanwhile
 * sees whether it was woken with a result (then it will go on, and keeps its
 * place before newcomers) or by a cancellation (then it counts no more). A
 * cancellation that comes after the wake-up does not change that; the task
 * finds out when it runs, and gives back what it was handed.
 *
 * Nothing here allocates. The queue belongs to the loop of the first task
 * that really waits in it.
 *
 * Python counterpart: the deques of futures in asyncio.locks and
 * asyncio.queues, and asyncio.mixins.
 */

#include "loop/fiber.h"

aio__inline void
aio__waitqueue_init(struct aio__waitqueue *queue)
{
    aio__list_init(&queue->waiters);
    queue->loop = NULL;
}

aio__inline bool
aio__waitqueue_empty(const struct aio__waitqueue *queue)
{
    return aio__list_empty(&queue->waiters);
}

/* 0 when nobody waits. UV_EBUSY otherwise; in debug mode the end. */
int aio__waitqueue_fini(struct aio__waitqueue *queue, const char *kind);

/* For repr: those who stand here, woken or not. */
size_t aio__waitqueue_count(const struct aio__waitqueue *queue);

/* The format and its arguments, then ", waiters:n" when there are any, and the
 * brackets that the format has opened. */
size_t aio__waitqueue_repr(const struct aio__waitqueue *queue, char *buffer,
                           size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The running task is to wait here: 0, or why it cannot. */
int aio__waitqueue_bind(struct aio__waitqueue *queue, const char *kind);

/* Suspend the running task until it is woken from this queue: 0, or
 * ASYNCIO_ERR_CANCELLED. Another error: it did not wait. `kind` is for the
 * message. */
aio__inline int
aio__waitqueue_wait(struct aio__waitqueue *queue, struct aio__waiter *waiter,
                    const char *kind)
{
    asyncio_loop_t *loop = aio__running;
    int r;

    if (aio__unlikely(loop == NULL || loop != queue->loop
                      || loop->current == NULL)) {
        r = aio__waitqueue_bind(queue, kind);
        if (r < 0)
            return r;
        loop = queue->loop;
    }
    aio__waiter_init(waiter, loop, NULL);
    aio__list_push_back(&queue->waiters, &waiter->link);
    r = aio__wait(waiter);
    aio__list_remove(&waiter->link);
    return r;
}

aio__inline struct aio__waiter *
aio__waiter_at(struct aio__list *link)
{
    return aio__container_of(link, struct aio__waiter, link);
}

/* It will not go on: a cancellation ended its wait. */
aio__inline bool
aio__waiter_cancelled(const struct aio__waiter *waiter)
{
    return waiter->woken && waiter->status == ASYNCIO_ERR_CANCELLED;
}

/* Somebody stands here who will go on, now or when woken. */
aio__inline bool
aio__waitqueue_live(const struct aio__waitqueue *queue)
{
    aio__list_foreach(link, &queue->waiters)
        if (!aio__waiter_cancelled(aio__waiter_at(link)))
            return true;
    return false;
}

/* Wake the first, unless it has been woken. */
aio__inline void
aio__waitqueue_wake_first(struct aio__waitqueue *queue)
{
    if (!aio__waitqueue_empty(queue))
        aio__wake(aio__waiter_at(queue->waiters.next), 0);
}

/* Wake the first `n` that have not been woken; how many there were. */
aio__inline size_t
aio__waitqueue_wake(struct aio__waitqueue *queue, size_t n)
{
    size_t woken = 0;

    aio__list_foreach(link, &queue->waiters) {
        if (woken == n)
            break;
        woken += aio__wake(aio__waiter_at(link), 0);
    }
    return woken;
}

/* Wake all that have not been woken. */
aio__inline void
aio__waitqueue_wake_all(struct aio__waitqueue *queue)
{
    asyncio_loop_t *loop = queue->loop;

    aio__list_foreach(link, &queue->waiters)
        aio__wake_on(loop, aio__waiter_at(link), 0);
}

/* Wake the first that has not been woken, and take it and all before it out:
 * for queues whose waiters do not keep their place. */
aio__inline void
aio__waitqueue_pop(struct aio__waitqueue *queue)
{
    struct aio__list *link;

    while ((link = aio__list_pop_front(&queue->waiters)) != NULL)
        if (aio__wake(aio__waiter_at(link), 0))
            break;
}

#endif
