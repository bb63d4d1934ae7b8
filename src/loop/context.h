/* SPDX-License-Identifier: MIT */
#ifndef AIO_LOOP_CONTEXT_H
#define AIO_LOOP_CONTEXT_H

/*
 * Contexts: a reference counted name for an immutable map. Copying one copies
 * a pointer; setting a variable makes a new map. A context is usually embedded
 * in what runs in it (a task, a handle), which holds one reference.
 */

#include <stdatomic.h>

#include "asyncio/contextvars.h"
#include "base/macros.h"

struct aio__map;

struct asyncio_context {
    struct aio__map *map; /* NULL: empty */
    void (*release)(asyncio_context_t *context); /* the last reference went */
    _Atomic(uint32_t) refs;
    _Atomic(bool) entered; /* below the current one, or by context_run */
};

struct aio__map *aio__map_ref(struct aio__map *map);
void aio__map_unref(struct aio__map *map);

/* A context that embeds: one reference, a copy of `map`. */
aio__inline void
aio__context_init(asyncio_context_t *context, struct aio__map *map,
                  void (*release)(asyncio_context_t *context))
{
    context->map = map != NULL ? aio__map_ref(map) : NULL;
    context->release = release;
    atomic_init(&context->refs, 1);
    atomic_init(&context->entered, false);
}

/* Of the running fiber or callback, else of the thread. */
asyncio_context_t *aio__context_current(void);

/* The one a task was made to run in, whatever it has entered since. */
struct aio__fiber;
asyncio_context_t *aio__context_of_fiber(asyncio_loop_t *loop,
                                         const struct aio__fiber *fiber);

/* The current context stays entered while another one is on top of it. What
 * it was before is to be put back. */
aio__inline bool
aio__context_hold(asyncio_context_t *context)
{
    return atomic_exchange(&context->entered, true);
}

/* Make this the current one; returns what to enter again afterwards. */
asyncio_context_t *aio__context_enter(asyncio_context_t *context);

/* Give the map back; the memory is the owner's. For `release`. */
aio__inline void
aio__context_fini(asyncio_context_t *context)
{
    if (context->map != NULL)
        aio__map_unref(context->map);
    context->map = NULL;
}

/* Give a reference back; the caller knows what the last one has to do. */
aio__inline void
aio__context_drop_to(asyncio_context_t *context,
                     void (*release)(asyncio_context_t *context))
{
    if (atomic_load_explicit(&context->refs, memory_order_acquire) == 1
        || atomic_fetch_sub(&context->refs, 1) == 1)
        release(context);
}

aio__inline void
aio__context_drop(asyncio_context_t *context)
{
    aio__context_drop_to(context, context->release);
}

#endif
