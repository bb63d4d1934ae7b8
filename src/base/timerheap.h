/* SPDX-License-Identifier: MIT */
#ifndef AIO_BASE_TIMERHEAP_H
#define AIO_BASE_TIMERHEAP_H

/*
 * A heap of timers: an array of 4-ary nodes ordered by (when, sequence), so
 * that equal times keep their order and one cache line holds the children.
 * The keys are in the array, so comparing touches no timer.
 *
 * Whoever may arm a timer reserves a slot first, which can fail; arming and
 * disarming then cannot.
 *
 * A timer that was armed since the last merge is fresh: it is in the array,
 * behind the heap, but not yet in the order. So what a pass of the loop arms
 * cannot fire in that same pass, however late it is.
 */

#include <stdbool.h>
#include <stdint.h>

#include "asyncio/private.h"

struct aio__timer_slot {
    double when;       /* seconds of the loop's clock */
    uint64_t sequence; /* the order in which timers were armed */
    struct aio__timer *timer;
};

struct aio__timerheap {
    struct aio__timer_slot *slots;
    uint32_t sorted;   /* slots that are a heap; the fresh ones follow */
    uint32_t count;    /* all slots in use */
    uint32_t capacity;
    uint32_t reserved; /* timers that may be armed, armed or not */
    uint64_t sequence; /* of the next one to be armed */
};

/* -ENOMEM without memory. */
int aio__timerheap_grow(struct aio__timerheap *heap);
static inline int
aio__timerheap_reserve(struct aio__timerheap *heap)
{
    if (heap->reserved == heap->capacity) {
        int r = aio__timerheap_grow(heap);
        if (r < 0)
            return r;
    }
    heap->reserved++;
    return 0;
}

static inline void
aio__timerheap_release(struct aio__timerheap *heap)
{
    heap->reserved--;
}

void aio__timerheap_fini(struct aio__timerheap *heap);

void aio__timerheap_insert(struct aio__timerheap *heap,
                           struct aio__timer *timer, double when);
void aio__timerheap_merge_fresh(struct aio__timerheap *heap);
/* A timer that is not armed is fine. */
void aio__timerheap_remove(struct aio__timerheap *heap,
                           struct aio__timer *timer);

/* Make fresh timers take part in the order. */
static inline void
aio__timerheap_merge(struct aio__timerheap *heap)
{
    if (heap->sorted != heap->count)
        aio__timerheap_merge_fresh(heap);
}

/* The earliest of the merged timers; NULL for none. */
static inline const struct aio__timer_slot *
aio__timerheap_first(const struct aio__timerheap *heap)
{
    return heap->sorted > 0 ? heap->slots : NULL;
}

static inline bool
aio__timer_armed(const struct aio__timer *timer)
{
    return timer->index != 0;
}

#endif
