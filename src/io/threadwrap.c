/* SPDX-License-Identifier: MIT */
/*
 * wrap_future: a future of the loop that ends as a thread future does.
 *
 * The news comes by a job in the loop's inbox, as any call from another
 * thread. Until then the wrapper is a bridge of the loop and holds a reference
 * to itself; cancelling it, or closing the loop, cuts the bridge. While it
 * stands the loop counts an operation: virtual time waits for threads.
 *
 * Python counterpart: asyncio.futures.wrap_future and _chain_future.
 */
#include <uv.h>

#include "base/alloc.h"
#include "io/executor.h"
#include "task/future.h"

struct wrapper {
    asyncio_future_t future; /* first */
    struct aio__bridge bridge;
    struct aio__thread_cb cb;
    struct aio__job job; /* posted when `source` is done */
    asyncio_thread_future_t *source; /* a reference */
};

static void
wrapper_destroy(asyncio_future_t *future)
{
    struct wrapper *wrapper = (struct wrapper *) future;
    asyncio_thread_future_t *source = wrapper->source;

    aio__future_fini(future);
    aio__free(wrapper, sizeof *wrapper);
    asyncio_thread_future_unref(source);
}

/* The bridge is down; the reference for it goes. */
static void
cut(struct wrapper *wrapper)
{
    aio__list_remove(&wrapper->bridge.link);
    wrapper->future.loop->ops--;
    asyncio_future_unref(&wrapper->future);
}

static bool
wrapper_cancel(asyncio_future_t *future, asyncio_exception_t *message)
{
    struct wrapper *wrapper = (struct wrapper *) future;

    asyncio_future_ref(future);
    if (!aio__future_cancel(future, message)) {
        asyncio_future_unref(future);
        return false;
    }
    if (aio__thread_future_unsubscribe(wrapper->source, &wrapper->cb))
        cut(wrapper);
    asyncio_thread_future_cancel(wrapper->source);
    asyncio_future_unref(future);
    return true;
}

static const struct aio__future_type wrapper_type = {
    .name = "Future", .cancel = wrapper_cancel, .destroy = wrapper_destroy};

/* In whatever thread, with the lock of `source` held. */
static void
on_source_done(struct aio__thread_cb *cb, asyncio_thread_future_t *source)
{
    struct wrapper *wrapper = aio__container_of(cb, struct wrapper, cb);

    (void) source;
    (void) aio__post(wrapper->future.loop, &wrapper->job);
}

static void
on_news(struct aio__job *job)
{
    struct wrapper *wrapper = aio__container_of(job, struct wrapper, job);
    asyncio_future_t *future = &wrapper->future;
    asyncio_exception_t *exception;
    int status;

    if (future->state == AIO__PENDING) {
        bool cancelled =
            aio__thread_future_outcome(wrapper->source, &status, &exception)
                == AIO__THREAD_CANCELLED
            || status == ASYNCIO_ERR_CANCELLED;

        future->value = wrapper->source->value;
        aio__future_finish(future,
                           cancelled ? AIO__CANCELLED : AIO__FINISHED, status,
                           exception);
    }
    cut(wrapper);
}

static void
on_loop_close(struct aio__bridge *bridge)
{
    struct wrapper *wrapper =
        aio__container_of(bridge, struct wrapper, bridge);

    if (!aio__thread_future_unsubscribe(wrapper->source, &wrapper->cb))
        aio__post_withdraw(wrapper->future.loop, &wrapper->job);
    cut(wrapper);
}

asyncio_future_t *
aio__wrap(asyncio_loop_t *loop, asyncio_thread_future_t *source)
{
    struct aio__executor *executor = aio__executor_of(loop);
    struct wrapper *wrapper;

    if (atomic_load(&source->refs) == 0
        && aio__future_failed(source->status)->status == source->status)
        return aio__future_failed(source->status); /* refused at once */
    wrapper = executor != NULL ? aio__alloc(sizeof *wrapper) : NULL;
    if (wrapper == NULL) {
        asyncio_thread_future_cancel(source);
        asyncio_thread_future_unref(source);
        return aio__future_failed(UV_ENOMEM);
    }
    aio__future_init(&wrapper->future, &wrapper_type, loop);
    wrapper->future.refs = 2; /* the caller's, and the bridge's */
    wrapper->source = source;
    wrapper->job.run = on_news;
    wrapper->bridge.close = on_loop_close;
    wrapper->cb = (struct aio__thread_cb){.notify = on_source_done,
                                          .locked = true};
    aio__list_push_back(&executor->bridges, &wrapper->bridge.link);
    loop->ops++;
    aio__thread_future_subscribe(source, &wrapper->cb);
    return &wrapper->future;
}

asyncio_future_t *
asyncio_wrap_future(asyncio_thread_future_t *future,
                    const asyncio_wrap_future_options_t *options)
{
    asyncio_loop_t *loop = aio__option(options, loop, NULL);
    int r;

    if (future == NULL)
        return aio__future_failed(UV_EINVAL);
    if (loop == NULL)
        loop = asyncio_get_event_loop();
    if (loop == NULL) {
        asyncio_raise_at(ASYNCIO_ERR_NO_RUNNING_LOOP, NULL, 0,
                         "There is no current event loop");
        return aio__future_failed(ASYNCIO_ERR_NO_RUNNING_LOOP);
    }
    r = aio__loop_usable(loop);
    if (r < 0)
        return aio__future_failed(r);
    return aio__wrap(loop, asyncio_thread_future_ref(future));
}

asyncio_future_t *
asyncio_wrap_loop_future(asyncio_future_t *future,
                         const asyncio_wrap_future_options_t *options)
{
    (void) options;
    return future != NULL ? asyncio_future_ref(future)
                          : aio__future_failed(UV_EINVAL);
}
