/* SPDX-License-Identifier: MIT */
/*
 * The array of a queue: growing it, and keeping it as a heap.
 *
 * The heap takes out the smallest item, lets the smaller child rise into each
 * hole down to a leaf, and then lifts the item that was last from there: the
 * fewest comparisons when, as usual, it belongs near the bottom. Which of two
 * equal items comes first follows from these steps, as it does from the same
 * ones in Python, so traces agree.
 *
 * Python counterpart: collections.deque, list and heapq.
 */
#include "sync/items.h"

#include <string.h>
#include <uv.h>

#include "base/alloc.h"

enum { CAPACITY_MIN = 8 };

int
aio__items_reserve(asyncio_queue_t *queue, size_t count)
{
    size_t capacity = queue->capacity > 0 ? queue->capacity : CAPACITY_MIN;
    size_t first;
    void **items;

    while (capacity < count)
        capacity *= 2;
    if (capacity <= queue->capacity)
        return 0;
    items = aio__alloc(capacity * sizeof *items);
    if (items == NULL)
        return UV_ENOMEM;
    /* A ring may be in two parts. */
    first = queue->capacity - queue->head;
    if (first > queue->count)
        first = queue->count;
    if (queue->count > 0) {
        memcpy(items, queue->items + queue->head, first * sizeof *items);
        memcpy(items + first, queue->items,
               (queue->count - first) * sizeof *items);
    }
    aio__items_fini(queue);
    queue->items = items;
    queue->capacity = capacity;
    queue->head = 0;
    return 0;
}

void
aio__items_fini(asyncio_queue_t *queue)
{
    if (queue->items != NULL)
        aio__free(queue->items, queue->capacity * sizeof *queue->items);
    queue->items = NULL;
    queue->capacity = 0;
}

static bool
smaller(const asyncio_queue_t *queue, size_t a, size_t b)
{
    return queue->compare(queue->items[a], queue->items[b]) < 0;
}

/* Put an item where it belongs between a hole and the root. */
static void
lift(asyncio_queue_t *queue, size_t hole, void *item)
{
    while (hole > 0) {
        size_t parent = (hole - 1) / 2;

        if (queue->compare(item, queue->items[parent]) >= 0)
            break;
        queue->items[hole] = queue->items[parent];
        hole = parent;
    }
    queue->items[hole] = item;
}

void
aio__items_push(asyncio_queue_t *queue, void *item)
{
    lift(queue, queue->count++, item);
}

void *
aio__items_pop(asyncio_queue_t *queue)
{
    void *top = queue->items[0];
    size_t count = --queue->count;
    size_t hole = 0;
    size_t child;

    if (count == 0)
        return top;
    while ((child = 2 * hole + 1) < count) {
        if (child + 1 < count && !smaller(queue, child, child + 1))
            child++;
        queue->items[hole] = queue->items[child];
        hole = child;
    }
    lift(queue, hole, queue->items[count]);
    return top;
}
