/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a descriptor, once.
 *
 * The uv handle lives on the heap and is freed in its close callback. A watch
 * is over with its first event or when it is stopped; libuv has forgotten the
 * descriptor then, so that it may be closed or handed on at once.
 *
 * Python counterpart: add_reader or add_writer with a future.
 */
#include "io/fdwait.h"

#include "base/block.h"
#include "io/io.h"

struct aio__fd_watch {
    uv_poll_t poll;
    asyncio_loop_t *loop;
    void (*ready)(void *arg, int events); /* NULL once it is over */
    void *arg;
};

static void
on_closed(uv_handle_t *handle)
{
    struct aio__fd_watch *watch =
        aio__container_of((uv_poll_t *) handle, struct aio__fd_watch, poll);

    aio__uv_closed(watch->loop);
    aio__loop_release(watch->loop);
    aio__block_free(watch, sizeof *watch);
}

static void
on_event(uv_poll_t *poll, int status, int events)
{
    struct aio__fd_watch *watch =
        aio__container_of(poll, struct aio__fd_watch, poll);

    uv_poll_stop(poll);
    watch->ready(watch->arg,
                 status < 0 ? UV_READABLE | UV_WRITABLE : events);
}

int
aio__fd_watch_start(asyncio_loop_t *loop, int fd, int events,
                    void (*ready)(void *arg, int events), void *arg,
                    struct aio__fd_watch **ret_watch)
{
    struct aio__fd_watch *watch = aio__block_alloc(sizeof *watch);
    int r;

    if (watch == NULL)
        return UV_ENOMEM;
    r = uv_poll_init(loop->uv, &watch->poll, fd);
    if (r < 0) {
        aio__block_free(watch, sizeof *watch);
        return r;
    }
    watch->loop = loop;
    watch->ready = ready;
    watch->arg = arg;
    aio__loop_hold(loop);
    aio__uv_opened(loop);
    uv_poll_start(&watch->poll, events, on_event);
    *ret_watch = watch;
    return 0;
}

void
aio__fd_watch_stop(struct aio__fd_watch *watch)
{
    if (watch != NULL)
        uv_close((uv_handle_t *) &watch->poll, on_closed);
}

struct fd_waiter {
    struct aio__waiter waiter;
    int events;
};

static void
on_ready(void *arg, int events)
{
    struct fd_waiter *waiting = arg;

    waiting->events = events;
    aio__wake(&waiting->waiter, 0);
}

int
aio__fd_wait(asyncio_loop_t *loop, int fd, int events)
{
    struct aio__fd_watch *watch;
    struct fd_waiter waiting;
    int r;

    aio__waiter_init(&waiting.waiter, loop, NULL);
    waiting.events = 0;
    r = aio__fd_watch_start(loop, fd, events, on_ready, &waiting, &watch);
    if (r < 0)
        return r;
    r = aio__wait(&waiting.waiter);
    aio__fd_watch_stop(watch);
    return r < 0 ? r : waiting.events;
}
