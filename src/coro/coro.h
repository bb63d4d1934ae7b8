/* SPDX-License-Identifier: MIT */
#ifndef AIO_CORO_CORO_H
#define AIO_CORO_CORO_H

/*
 * Coroutines: a stack and where it is suspended. They are kept when what ran
 * on them has ended, and taken again last in, first out, so that the stack
 * that is taken is the warm one. A coroutine's entry function never returns:
 * it parks and later goes on with whatever its taker left for it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "coro/notes.h"
#include "coro/stack.h"
#include "coro/switch.h"

/* Lives at the top of its own stack; the loop has one for the thread's. */
struct aio__coro {
    struct aio__context context;
    struct aio__coro_pool *pool;
    void *user;                /* what it is to run; set by its taker */
    char *low;                 /* of the usable stack */
    struct aio__notes notes;
};

/* Coroutines with stacks of one size. */
struct aio__coro_pool {
    struct aio__stacks stacks;
    /* Idle coroutines: taken and parked at the tail, discarded at the head,
     * where the coldest are. A ring that has room for every stack. */
    struct aio__coro **ring;
    uint32_t ring_size;       /* a power of two */
    uint32_t head, tail;      /* free running */
    uint32_t idle_max;        /* kept, however long they are idle */
    uint32_t live;            /* taken and not parked */
    uint32_t live_max;        /* since `trimmed` */
    uint32_t surplus;         /* to be discarded, a few at a time */
    double trimmed;           /* when the surplus was last counted */
    uint32_t colour;          /* of the next stack */
    void (*entry)(void *coro);
    void *user;
    struct aio__coro_pool *next; /* of another size, of the same loop */
};

int aio__coro_pool_init(struct aio__coro_pool *pool, size_t stack_size,
                        uint32_t idle_max, void (*entry)(void *coro),
                        void *user);
/* All coroutines are idle by now. */
void aio__coro_pool_fini(struct aio__coro_pool *pool);

/* -ENOMEM or -EAGAIN as aio__stacks_make(). */
int aio__coro_make(struct aio__coro_pool *pool, struct aio__coro **ret_coro);

/* Give back the memory of some idle coroutines that nobody needed in the last
 * second, above the limit. Not to be called on one of them. `now` in seconds. */
void aio__coro_pool_trim(struct aio__coro_pool *pool, double now);

/* Take one that is there; NULL when none is. */
aio__inline struct aio__coro *
aio__coro_idle(struct aio__coro_pool *pool)
{
    if (aio__unlikely(pool->head == pool->tail))
        return NULL;
    if (++pool->live > pool->live_max)
        pool->live_max = pool->live;
    return pool->ring[--pool->tail & (pool->ring_size - 1)];
}

/* One that will be taken soon: so many are before it. NULL: there is none. */
aio__inline const struct aio__coro *
aio__coro_idle_soon(const struct aio__coro_pool *pool, uint32_t before)
{
    if (pool->tail - pool->head <= before)
        return NULL;
    return pool->ring[(pool->tail - 1 - before) & (pool->ring_size - 1)];
}

aio__inline int
aio__coro_take(struct aio__coro_pool *pool, struct aio__coro **ret_coro)
{
    *ret_coro = aio__coro_idle(pool);
    return aio__likely(*ret_coro != NULL) ? 0 : aio__coro_make(pool, ret_coro);
}

/* The caller runs on it and is about to leave it. */
aio__inline void
aio__coro_park(struct aio__coro *coro)
{
    struct aio__coro_pool *pool = coro->pool;

    pool->live--;
    pool->ring[pool->tail++ & (pool->ring_size - 1)] = coro;
}

aio__inline void
aio__coro_switch(struct aio__coro *from, struct aio__coro *to, bool for_good)
{
    aio__notes_leave(&from->notes, &to->notes, for_good);
    aio__switch(&from->context, &to->context);
    aio__notes_arrive(&from->notes);
}

#endif
