/* SPDX-License-Identifier: MIT */
/*
 * Awaiters that the library has been told of.
 *
 * One is a callback of the future like those of the library's own waits; all
 * it does at the end of the future is to go.
 *
 * Python counterpart: asyncio.future_add_to_awaited_by.
 */
#include "asyncio/graph.h"
#include "base/block.h"
#include "task/awaiter.h"

struct told {
    struct aio__future_cb cb;
    asyncio_future_t *waiter; /* a reference */
};

static void
told_free(struct told *told)
{
    asyncio_future_unref(told->waiter);
    aio__block_free(told, sizeof *told);
}

static void
on_done(struct aio__future_cb *cb, asyncio_future_t *future)
{
    (void) future;
    told_free(aio__container_of(cb, struct told, cb));
}

asyncio_future_t *
aio__told_awaiter(struct aio__future_cb *cb)
{
    return cb->notify == on_done
        ? aio__container_of(cb, struct told, cb)->waiter
        : NULL;
}

static struct told *
find(asyncio_future_t *future, const asyncio_future_t *waiter)
{
    aio__list_foreach(link, &future->callbacks) {
        struct aio__future_cb *cb =
            aio__container_of(link, struct aio__future_cb, link);

        if (aio__told_awaiter(cb) == waiter)
            return aio__container_of(cb, struct told, cb);
    }
    return NULL;
}

int
asyncio_future_add_to_awaited_by(asyncio_future_t *future,
                                 asyncio_future_t *waiter)
{
    struct told *told;

    if (future == NULL || waiter == NULL)
        return UV_EINVAL;
    if (future->state != AIO__PENDING || find(future, waiter) != NULL)
        return 0;
    told = aio__block_alloc(sizeof *told);
    if (told == NULL)
        return UV_ENOMEM;
    told->cb.notify = on_done;
    told->waiter = asyncio_future_ref(waiter);
    aio__list_push_back(&future->callbacks, &told->cb.link);
    return 0;
}

void
asyncio_future_discard_from_awaited_by(asyncio_future_t *future,
                                       asyncio_future_t *waiter)
{
    struct told *told;

    if (future == NULL || waiter == NULL || future->state != AIO__PENDING)
        return;
    told = find(future, waiter);
    if (told == NULL)
        return;
    aio__list_remove(&told->cb.link);
    told_free(told);
}
