/* SPDX-License-Identifier: MIT */
/*
 * The heap of timers: sift up, sift down, and its memory.
 *
 * CPython's loop has a binary heap of handles, leaves cancelled ones in it
 * and mixes equal times. Here a cancelled timer leaves at once, and equal
 * times stay in order.
 */
#include "base/timerheap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
    WIDTH = 4, /* four slots are a cache line */
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
    heap->places[slot.id] = i + 1;
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

static size_t
slots_size(uint32_t capacity)
{
    return capacity * sizeof(struct aio__timer_slot);
}

/* The tables have room for id 0, which no timer has. */
static size_t
tables_size(uint32_t capacity)
{
    return ((size_t) capacity + 1)
        * (sizeof(struct aio__timer *) + sizeof(uint32_t));
}

static size_t
memory_size(uint32_t capacity)
{
    return 2 * AIO__LINE + slots_size(capacity) + tables_size(capacity);
}

/* Where the three arrays are. The second slot begins a cache line, so that
 * each node's children do, and the first is the end of the line before. */
static void
lay_out(struct aio__timerheap *heap, void *memory, uint32_t capacity)
{
    uintptr_t line =
        ((uintptr_t) memory + AIO__LINE - 1) & ~(uintptr_t) (AIO__LINE - 1);
    char *slots = (char *) line + AIO__LINE - sizeof(struct aio__timer_slot);
    char *timers = slots + slots_size(capacity);

    heap->memory = memory;
    heap->capacity = capacity;
    heap->slots = (void *) slots;
    heap->timers = (void *) timers;
    heap->places = (void *) (timers + ((size_t) capacity + 1) * sizeof(void *));
}

int
aio__timerheap_grow(struct aio__timerheap *heap)
{
    struct aio__timerheap old = *heap;
    uint32_t capacity =
        heap->capacity != 0 ? heap->capacity * 2 : FIRST_CAPACITY;
    void *memory;

    if (capacity < heap->capacity)
        return -ENOMEM;
    memory = aio__alloc(memory_size(capacity));
    if (memory == NULL)
        return -ENOMEM;
    lay_out(heap, memory, capacity);
    if (old.memory != NULL) {
        memcpy(heap->slots, old.slots, slots_size(old.count));
        memcpy(heap->timers, old.timers,
               ((size_t) old.made + 1) * sizeof *old.timers);
        memcpy(heap->places, old.places,
               ((size_t) old.made + 1) * sizeof *old.places);
        aio__free(old.memory, memory_size(old.capacity));
    }
    return 0;
}

void
aio__timerheap_fini(struct aio__timerheap *heap)
{
    if (heap->memory != NULL)
        aio__free(heap->memory, memory_size(heap->capacity));
    /* Without room for ever: what is released later belongs to no other. */
    *heap = (struct aio__timerheap){.capacity = UINT32_MAX,
                                    .made = UINT32_MAX};
}

static int
by_order(const void *a, const void *b)
{
    const struct aio__timer_slot *left = a, *right = b;

    return before(left, right) ? -1 : before(right, left);
}

static int
by_sequence(const void *a, const void *b)
{
    const struct aio__timer_slot *left = a, *right = b;

    return left->sequence < right->sequence ? -1
                                            : left->sequence > right->sequence;
}

/* After four thousand million timers: number those that are left anew. What is
 * in order is a heap, and the fresh ones are the newest. */
static void
renumber(struct aio__timerheap *heap)
{
    qsort(heap->slots, heap->sorted, sizeof *heap->slots, by_order);
    qsort(heap->slots + heap->sorted, heap->count - heap->sorted,
          sizeof *heap->slots, by_sequence);
    for (uint32_t i = 0; i < heap->count; i++) {
        heap->slots[i].sequence = i;
        place(heap, i, heap->slots[i]);
    }
    heap->sequence = heap->count;
}

void
aio__timerheap_insert(struct aio__timerheap *heap, struct aio__timer *timer,
                      double when)
{
    if (aio__unlikely(heap->sequence == UINT32_MAX))
        renumber(heap);
    place(heap, heap->count++,
          (struct aio__timer_slot){.when = when,
                                   .sequence = heap->sequence++,
                                   .id = timer->id});
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
    uint32_t i;

    if (!aio__timer_armed(heap, timer))
        return;
    i = heap->places[timer->id] - 1;
    heap->places[timer->id] = 0;
    if (i < heap->sorted) {
        unsort(heap, i);
        i = heap->sorted; /* the hole is now before the fresh ones */
    }
    heap->count--;
    if (i != heap->count)
        place(heap, i, heap->slots[heap->count]);
}
