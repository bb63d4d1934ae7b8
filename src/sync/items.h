/* SPDX-License-Identifier: MIT */
#ifndef AIO_SYNC_ITEMS_H
#define AIO_SYNC_ITEMS_H

/*
 * What a queue holds: a ring, a stack, or a heap, in one array that doubles.
 * It never shrinks, so a task that waited for room in a full queue finds
 * memory for its item.
 */

#include "asyncio/queues.h"
#include "base/macros.h"

enum aio__items_kind {
    AIO__ITEMS_RING,
    AIO__ITEMS_STACK,
    AIO__ITEMS_HEAP
};

/* Room for so many items: 0 or UV_ENOMEM. */
int aio__items_reserve(asyncio_queue_t *queue, size_t count);

void aio__items_fini(asyncio_queue_t *queue);

/* Of a heap. */
void aio__items_push(asyncio_queue_t *queue, void *item);
void *aio__items_pop(asyncio_queue_t *queue);

/* There is room. */
aio__inline void
aio__items_put(asyncio_queue_t *queue, void *item)
{
    if (aio__unlikely(queue->kind == AIO__ITEMS_HEAP)) {
        aio__items_push(queue, item);
        return;
    }
    queue->items[(queue->head + queue->count) & (queue->capacity - 1)] = item;
    queue->count++;
}

/* There is one. */
aio__inline void *
aio__items_take(asyncio_queue_t *queue)
{
    void *item;

    if (aio__unlikely(queue->kind == AIO__ITEMS_HEAP))
        return aio__items_pop(queue);
    queue->count--;
    if (queue->kind == AIO__ITEMS_STACK)
        return queue->items[queue->count];
    item = queue->items[queue->head];
    queue->head = (queue->head + 1) & (queue->capacity - 1);
    return item;
}

#endif
