/* SPDX-License-Identifier: MIT */
/*
 * Queues: items pass from tasks that put to tasks that get.
 *
 * A wake-up is only a hint: an item or a place was there, and a nowait call
 * may take it before the woken task runs, which then waits again, at the end
 * of the queue. So a waiter is taken out of the queue when it is woken, and
 * one that is cancelled after that wakes the next if there still is something
 * to take. Putting and getting themselves never wait.
 *
 * `finished` is set while every item that was put has been worked on.
 *
 * Python counterpart: asyncio.queues.
 */
#include "asyncio/queues.h"

#include <stdio.h>

#include "base/panic.h"
#include "sync/items.h"
#include "sync/waitqueue.h"

static const char *const names[] = {
    [AIO__ITEMS_RING] = "Queue",
    [AIO__ITEMS_STACK] = "LifoQueue",
    [AIO__ITEMS_HEAP] = "PriorityQueue"};

static int
init(asyncio_queue_t *queue, enum aio__items_kind kind, int maxsize,
     asyncio_compare_t compare, const asyncio_queue_options_t *options)
{
    *queue = (asyncio_queue_t){
        .limit = maxsize > 0 ? (size_t) maxsize : SIZE_MAX,
        .compare = compare,
        .drop = aio__option(options, drop, NULL),
        .maxsize = maxsize,
        .kind = (uint8_t) kind};
    aio__waitqueue_init(&queue->getters);
    aio__waitqueue_init(&queue->putters);
    asyncio_event_init(&queue->finished);
    asyncio_event_set(&queue->finished);
    return 0;
}

int
asyncio_queue_init(asyncio_queue_t *queue, int maxsize,
                   const asyncio_queue_options_t *options)
{
    return init(queue, AIO__ITEMS_RING, maxsize, NULL, options);
}

int
asyncio_priority_queue_init(asyncio_priority_queue_t *queue, int maxsize,
                            asyncio_compare_t compare,
                            const asyncio_queue_options_t *options)
{
    if (compare == NULL)
        return UV_EINVAL;
    return init(queue, AIO__ITEMS_HEAP, maxsize, compare, options);
}

int
asyncio_lifo_queue_init(asyncio_lifo_queue_t *queue, int maxsize,
                        const asyncio_queue_options_t *options)
{
    return init(queue, AIO__ITEMS_STACK, maxsize, NULL, options);
}

static void
drop_items(asyncio_queue_t *queue)
{
    while (queue->count > 0) {
        void *item = aio__items_take(queue);

        if (queue->unfinished > 0)
            queue->unfinished--;
        if (queue->drop != NULL)
            queue->drop(item);
    }
}

/* Those that were woken have left the queues of waiters, but will look at this
 * one again. */
static int
fini_inside(const asyncio_queue_t *queue)
{
    asyncio_loop_t *loop = queue->getters.loop != NULL ? queue->getters.loop
                                                       : queue->putters.loop;

    if (queue->inside == 0)
        return 0;
    if (loop->debug)
        aio__panic("a %s is given up before %u tasks have left it",
                   names[queue->kind], queue->inside);
    return UV_EBUSY;
}

int
asyncio_queue_fini(asyncio_queue_t *queue)
{
    const char *name = names[queue->kind];
    int r;

    r = aio__waitqueue_fini(&queue->getters, name);
    if (r == 0)
        r = aio__waitqueue_fini(&queue->putters, name);
    if (r == 0)
        r = aio__waitqueue_fini(&queue->finished.queue, name);
    if (r == 0)
        r = fini_inside(queue);
    if (r < 0)
        return r;
    drop_items(queue);
    aio__items_fini(queue);
    return 0;
}

int
asyncio_queue_maxsize(const asyncio_queue_t *queue)
{
    return queue->maxsize;
}

size_t
asyncio_queue_qsize(const asyncio_queue_t *queue)
{
    return queue->count;
}

bool
asyncio_queue_empty(const asyncio_queue_t *queue)
{
    return queue->count == 0;
}

bool
asyncio_queue_full(const asyncio_queue_t *queue)
{
    return queue->count >= queue->limit;
}

int
asyncio_queue_put_nowait(asyncio_queue_t *queue, void *item)
{
    int r;

    if (aio__unlikely(queue->is_shutdown))
        return ASYNCIO_ERR_QUEUE_SHUT_DOWN;
    if (aio__unlikely(queue->count >= queue->limit))
        return ASYNCIO_ERR_QUEUE_FULL;
    if (aio__unlikely(queue->count == queue->capacity)) {
        r = aio__items_reserve(queue, queue->count + 1);
        if (r < 0)
            return r;
    }
    aio__items_put(queue, item);
    queue->unfinished++;
    queue->finished.value = false;
    aio__waitqueue_pop(&queue->getters);
    return 0;
}

int
asyncio_queue_put(asyncio_queue_t *queue, void *item)
{
    struct aio__waiter waiter;
    int r;

    while (aio__unlikely(queue->count >= queue->limit)) {
        if (queue->is_shutdown)
            break;
        queue->inside++;
        r = aio__waitqueue_wait(&queue->putters, &waiter, names[queue->kind]);
        queue->inside--;
        if (aio__likely(r == 0))
            continue;
        /* It was given a place that it does not take. */
        if (r == ASYNCIO_ERR_CANCELLED && !asyncio_queue_full(queue)
            && !aio__waiter_cancelled(&waiter))
            aio__waitqueue_pop(&queue->putters);
        return r;
    }
    return asyncio_queue_put_nowait(queue, item);
}

int
asyncio_queue_get_nowait(asyncio_queue_t *queue, void **ret_item)
{
    if (aio__unlikely(queue->count == 0)) {
        return queue->is_shutdown ? ASYNCIO_ERR_QUEUE_SHUT_DOWN
                                  : ASYNCIO_ERR_QUEUE_EMPTY;
    }
    *ret_item = aio__items_take(queue);
    aio__waitqueue_pop(&queue->putters);
    return 0;
}

int
asyncio_queue_get(asyncio_queue_t *queue, void **ret_item)
{
    struct aio__waiter waiter;
    int r;

    while (queue->count == 0) {
        if (aio__unlikely(queue->is_shutdown))
            break;
        queue->inside++;
        r = aio__waitqueue_wait(&queue->getters, &waiter, names[queue->kind]);
        queue->inside--;
        if (aio__likely(r == 0))
            continue;
        /* It was given an item that it does not take. */
        if (r == ASYNCIO_ERR_CANCELLED && queue->count > 0
            && !aio__waiter_cancelled(&waiter))
            aio__waitqueue_pop(&queue->getters);
        return r;
    }
    return asyncio_queue_get_nowait(queue, ret_item);
}

int
asyncio_queue_task_done(asyncio_queue_t *queue)
{
    if (aio__unlikely(queue->unfinished == 0))
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "task_done() called too many times");
    if (--queue->unfinished == 0)
        asyncio_event_set(&queue->finished);
    return 0;
}

int
asyncio_queue_join(asyncio_queue_t *queue)
{
    if (queue->unfinished == 0)
        return 0;
    return asyncio_event_wait(&queue->finished);
}

void
asyncio_queue_shutdown(asyncio_queue_t *queue,
                       const asyncio_queue_shutdown_options_t *options)
{
    queue->is_shutdown = true;
    if (aio__option(options, immediate, false)) {
        drop_items(queue);
        if (queue->unfinished == 0)
            asyncio_event_set(&queue->finished);
    }
    while (!aio__waitqueue_empty(&queue->getters))
        aio__waitqueue_pop(&queue->getters);
    while (!aio__waitqueue_empty(&queue->putters))
        aio__waitqueue_pop(&queue->putters);
}

size_t
asyncio_queue_repr(const asyncio_queue_t *queue, char *buffer, size_t size)
{
    const struct {
        const char *name;
        size_t number;
    } parts[] = {
        {" _queue", queue->count},
        {" _getters", aio__waitqueue_count(&queue->getters)},
        {" _putters", aio__waitqueue_count(&queue->putters)},
        {" tasks", queue->unfinished},
    };
    size_t n = (size_t) snprintf(buffer, size, "<%s maxsize=%d",
                                 names[queue->kind], queue->maxsize);

    /* What does not fit is counted, as snprintf does. */
    for (size_t i = 0; i < aio__array_size(parts); i++)
        if (parts[i].number > 0)
            n += (size_t) snprintf(n < size ? buffer + n : NULL,
                                   n < size ? size - n : 0, "%s[%zu]",
                                   parts[i].name, parts[i].number);
    n += (size_t) snprintf(n < size ? buffer + n : NULL,
                           n < size ? size - n : 0, "%s",
                           queue->is_shutdown ? " shutdown>" : ">");
    return n;
}
