/* SPDX-License-Identifier: MIT */
#ifndef AIO_BASE_TIMERHEAP_H
#define AIO_BASE_TIMERHEAP_H

/*
 * A heap of timers: an array of 4-ary nodes ordered by (when, sequence), so
 * that equal times keep their order. Keys are in the array, a node's children
 * are one cache line, and where a timer stands is in a table of its own: so
 * moving them around touches no timer.
 *
 * Whoever may arm a timer reserves a slot for it first, which can fail; arming
 * and disarming then cannot.
 *
 * A timer that was armed since the last merge is fresh: it is in the array,
 * behind the heap, but not yet in the order. So what a pass of the loop arms
 * cannot fire in that same pass, however late it is.
 */

#include <stdbool.h>
#include <stdint.h>

#include "asyncio/private.h"
#include "base/macros.h"

struct aio__timer_slot {
    double when;       /* seconds of the loop's clock */
    uint32_t sequence; /* the order in which timers were armed */
    uint32_t id;       /* of the timer */
};

struct aio__timerheap {
    struct aio__timer_slot *slots;
    struct aio__timer **timers; /* by id; ids begin with 1 */
    uint32_t *places;  /* by id: index of the slot plus one, 0: not armed; the
                        * next in the list, for an id that nobody has */
    void *memory;      /* of these three */
    uint32_t sorted;   /* slots that are a heap; the fresh ones follow */
    uint32_t count;    /* all slots in use */
    uint32_t capacity; /* ids that there is room for */
    uint32_t made;     /* ids that were ever handed out */
    uint32_t unused;   /* the first of those that came back; 0 for none */
    uint32_t sequence; /* of the next one to be armed */
};

/* From now on the timer can be armed. -ENOMEM without memory. */
int aio__timerheap_grow(struct aio__timerheap *heap);
static inline int
aio__timerheap_reserve(struct aio__timerheap *heap, struct aio__timer *timer,
                       void (*fire)(struct aio__timer *timer))
{
    uint32_t id = heap->unused;

    if (id != 0) {
        heap->unused = heap->places[id];
    } else {
        if (aio__unlikely(heap->made == heap->capacity)) {
            int r = aio__timerheap_grow(heap);
            if (r < 0)
                return r;
        }
        id = ++heap->made;
    }
    heap->places[id] = 0;
    heap->timers[id] = timer;
    timer->fire = fire;
    timer->id = id;
    return 0;
}

/* A timer that is not armed gives its slot back, if it has one. */
static inline void
aio__timerheap_release(struct aio__timerheap *heap, struct aio__timer *timer)
{
    if (timer->id == 0 || heap->memory == NULL)
        return;
    heap->places[timer->id] = heap->unused;
    heap->unused = timer->id;
    timer->id = 0;
}

/* No timer can be armed any more. They may outlive it, and be released after. */
void aio__timerheap_fini(struct aio__timerheap *heap);

static inline bool
aio__timer_armed(const struct aio__timerheap *heap,
                 const struct aio__timer *timer)
{
    return timer->id != 0 && heap->memory != NULL
        && heap->places[timer->id] != 0;
}

/* It has a slot, and is not armed. */
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

static inline struct aio__timer *
aio__timerheap_timer(const struct aio__timerheap *heap,
                     const struct aio__timer_slot *slot)
{
    return heap->timers[slot->id];
}

#endif
