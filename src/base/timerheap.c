/* SPDX-License-Identifier: MIT */
/*
 * The heap of timers: sift up, sift down, and nothing else.
 *
 * CPython's loop has a binary heap of handles, leaves cancelled ones in it
 * and mixes equal times. Here a cancelled timer leaves at once, and equal
 * times stay in order.
 */
#include "base/timerheap.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/macros.h"

enum {
    WIDTH = 4,
    FIRST_CAPACITY = 16
};

aio__inline bool
before(const struct aio__timer_slot *a, const struct aio__timer_slot *b)
{
    return a->when < b->when
        || (!(b->when < a->when) && a->sequence < b->sequence);
}

aio__inline void
place(struct aio__timerheap *heap, uint32_t i, struct aio__timer_slot slot)
{
    heap->slots[i] = slot;
    slot.timer->index = i + 1;
}

static void
sift_up(struct aio__timerheap *heap, uint32_t i, struct aio__timer_slot slot)
{
    while (i > 0) {
        uint32_t parent = (i - 1) / WIDTH;

        if (!before(&slot, &heap->slots[parent]))
            break;
        place(heap, i, heap->slots[parent]);
        i = parent;
    }
    place(heap, i, slot);
}

static void
sift_down(struct aio__timerheap *heap, uint32_t i, struct aio__timer_slot slot)
{
    for (;;) {
        uint32_t first = i * WIDTH + 1;
        uint32_t least = first;

        if (first >= heap->sorted)
            break;
        for (uint32_t k = first + 1; k < first + WIDTH && k < heap->sorted; k++)
            if (before(&heap->slots[k], &heap->slots[least]))
                least = k;
        if (!before(&heap->slots[least], &slot))
            break;
        place(heap, i, heap->slots[least]);
        i = least;
    }
    place(heap, i, slot);
}

int
aio__timerheap_grow(struct aio__timerheap *heap)
{
    uint32_t capacity =
        heap->capacity != 0 ? heap->capacity * 2 : FIRST_CAPACITY;
    struct aio__timer_slot *slots;

    if (capacity < heap->capacity)
        return -ENOMEM;
    slots = aio__realloc(heap->slots, heap->capacity * sizeof *slots,
                         capacity * sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    heap->slots = slots;
    heap->capacity = capacity;
    return 0;
}

void
aio__timerheap_fini(struct aio__timerheap *heap)
{
    aio__free(heap->slots, heap->capacity * sizeof *heap->slots);
    heap->slots = NULL;
    heap->capacity = 0;
    heap->sorted = 0;
    heap->count = 0;
}

void
aio__timerheap_insert(struct aio__timerheap *heap, struct aio__timer *timer,
                      double when)
{
    struct aio__timer_slot slot = {
        .when = when, .sequence = heap->sequence++, .timer = timer};

    place(heap, heap->count++, slot);
}

void
aio__timerheap_merge_fresh(struct aio__timerheap *heap)
{
    while (heap->sorted < heap->count) {
        uint32_t i = heap->sorted++;

        sift_up(heap, i, heap->slots[i]);
    }
}

/* Slot i of the heap leaves: the last of the heap takes its place. */
static void
unsort(struct aio__timerheap *heap, uint32_t i)
{
    struct aio__timer_slot last = heap->slots[--heap->sorted];

    if (i == heap->sorted)
        return;
    if (i > 0 && before(&last, &heap->slots[(i - 1) / WIDTH]))
        sift_up(heap, i, last);
    else
        sift_down(heap, i, last);
}

void
aio__timerheap_remove(struct aio__timerheap *heap, struct aio__timer *timer)
{
    uint32_t i = timer->index;

    if (i == 0)
        return;
    timer->index = 0;
    i--;
    if (i < heap->sorted) {
        unsort(heap, i);
        i = heap->sorted; /* the hole is now before the fresh ones */
    }
    heap->count--;
    if (i != heap->count)
        place(heap, i, heap->slots[heap->count]);
}
