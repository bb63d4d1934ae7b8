/* SPDX-License-Identifier: MIT */
/*
 * Making, keeping and destroying coroutines.
 *
 * The struct sits at the top of its own stack, so that a sleeping task
 * touches one page and nothing else is allocated. The tops are coloured:
 * shifted by a multiple of a cache line within half a page, because stacks
 * at a stride of a power of two would all compete for the same cache sets.
 */
#include "coro/coro.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/counters.h"
#include "base/panic.h"

enum {
    COLOURS = 29,    /* a prime, 29 * 64 < 2048 */
    FIRST_RING = 16,
    TRIM_MOST = 128  /* a call: about 0.2 ms, so that nobody waits for long */
};

#define TRIM_INTERVAL 1.0 /* seconds */

int
aio__coro_pool_init(struct aio__coro_pool *pool, size_t stack_size,
                    uint32_t idle_max, void (*entry)(void *coro), void *user)
{
    memset(pool, 0, sizeof *pool);
    pool->idle_max = idle_max;
    pool->entry = entry;
    pool->user = user;
    return aio__stacks_init(&pool->stacks, stack_size);
}

static struct aio__coro *
place(struct aio__coro_pool *pool, char *low, size_t size)
{
    size_t colour = (size_t) (pool->colour++ % COLOURS) * AIO__LINE;
    uintptr_t top = (uintptr_t) low + size - colour - sizeof(struct aio__coro);
    struct aio__coro *coro = (struct aio__coro *) (top & ~(uintptr_t) 63);
    size_t below = (size_t) ((char *) coro - low);

    memset(coro, 0, sizeof *coro);
    coro->pool = pool;
    coro->low = low;
    aio__notes_made(&coro->notes, low, below);
    aio__switch_make(&coro->context, low, below, pool->entry, coro);
    return coro;
}

/* Room in the ring for one coroutine more, so that parking cannot fail. */
static int
grow_ring(struct aio__coro_pool *pool)
{
    uint32_t size = pool->ring_size != 0 ? pool->ring_size * 2 : FIRST_RING;
    struct aio__coro **ring;

    if (pool->stacks.used < pool->ring_size)
        return 0;
    ring = aio__alloc(size * sizeof *ring);
    if (ring == NULL)
        return -ENOMEM;
    for (uint32_t i = pool->head; i != pool->tail; i++)
        ring[i & (size - 1)] = pool->ring[i & (pool->ring_size - 1)];
    aio__free(pool->ring, pool->ring_size * sizeof *ring);
    pool->ring = ring;
    pool->ring_size = size;
    return 0;
}

int
aio__coro_make(struct aio__coro_pool *pool, struct aio__coro **ret_coro)
{
    char *low;
    size_t size;
    int r;

    r = grow_ring(pool);
    if (r < 0)
        return r;
    r = aio__stacks_take(&pool->stacks, &low, &size);
    if (r < 0)
        return r;
    aio__count(AIO__COUNT_STACKS, 1);
    if (++pool->live > pool->live_max)
        pool->live_max = pool->live;
    *ret_coro = place(pool, low, size);
    return 0;
}

static void
discard(struct aio__coro_pool *pool, struct aio__coro *coro)
{
    char *low = coro->low;

    aio__notes_destroyed(&coro->notes);
    aio__stacks_give(&pool->stacks, low);
    aio__count(AIO__COUNT_STACKS, -1);
}

void
aio__coro_pool_trim(struct aio__coro_pool *pool, double now)
{
    if (now - pool->trimmed >= TRIM_INTERVAL) {
        uint32_t unused = pool->stacks.used - pool->live_max;

        pool->surplus =
            unused > pool->idle_max ? unused - pool->idle_max : 0;
        pool->live_max = pool->live;
        pool->trimmed = now;
    }
    for (int i = 0; i < TRIM_MOST && pool->surplus > 0; i++) {
        pool->surplus--;
        if (pool->tail - pool->head <= pool->idle_max)
            return;
        discard(pool, pool->ring[pool->head++ & (pool->ring_size - 1)]);
    }
}

void
aio__coro_pool_fini(struct aio__coro_pool *pool)
{
    aio__assert(pool->live == 0);
    aio__count(AIO__COUNT_STACKS, -(int64_t) (pool->tail - pool->head));
    while (AIO__NOTES && pool->head != pool->tail)
        aio__notes_destroyed(
            &pool->ring[pool->head++ & (pool->ring_size - 1)]->notes);
    pool->head = pool->tail;
    aio__free(pool->ring, pool->ring_size * sizeof *pool->ring);
    pool->ring = NULL;
    pool->ring_size = 0;
    aio__stacks_fini(&pool->stacks);
}

void
aio__notes_thread(struct aio__notes *notes)
{
    memset(notes, 0, sizeof *notes);
#if AIO__ASAN
    /* Asked once per thread: the C library reads all of /proc/self/maps. */
    static aio__thread_local void *low;
    static aio__thread_local size_t size;
    pthread_attr_t attributes;

    if (low == NULL && pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, &size);
        pthread_attr_destroy(&attributes);
    }
    notes->bottom = low;
    notes->size = size;
#endif
#if AIO__TSAN
    notes->fiber = __tsan_get_current_fiber();
#endif
}
