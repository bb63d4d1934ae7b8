/* SPDX-License-Identifier: MIT */
/*
 * add_reader, add_writer, and a task that waits for a descriptor.
 *
 * A callback may remove or replace itself while it runs; its memory goes when
 * it has returned. It runs in the poll, in the context of whoever added it.
 *
 * Python counterpart: loop.add_reader and its kin.
 */
#include <errno.h>

#include "base/alloc.h"
#include "io/io.h"
#include "io/poll.h"
#include "loop/context.h"
#include "loop/fiber.h"
#include "loop/report.h"

/* A callback of the program. */
struct user_watch {
    struct aio__watch watch;
    asyncio_loop_t *loop;
    asyncio_callback_t callback;
    void *arg;
    asyncio_drop_t drop;
    asyncio_context_t context; /* its release frees the whole */
    bool runs;
    bool gone; /* while it ran */
};

static void
user_release(asyncio_context_t *context)
{
    struct user_watch *user =
        aio__container_of(context, struct user_watch, context);

    aio__context_fini(context);
    aio__free(user, sizeof *user);
}

static void
user_free(struct user_watch *user)
{
    if (user->drop != NULL)
        user->drop(user->arg);
    aio__context_drop(&user->context);
}

static void
user_gone(struct aio__watch *watch)
{
    struct user_watch *user =
        aio__container_of(watch, struct user_watch, watch);

    user->gone = true;
    if (!user->runs)
        user_free(user);
}

static void
user_ready(struct aio__watch *watch)
{
    struct user_watch *user =
        aio__container_of(watch, struct user_watch, watch);
    asyncio_loop_t *loop = user->loop;
    int r;

    user->runs = true;
    loop->context = &user->context;
    r = user->callback(user->arg);
    if (r < 0)
        aio__callback_failed(loop, r, NULL);
    loop->context = NULL;
    user->runs = false;
    if (user->gone)
        user_free(user);
}

static int
check_no_transport(asyncio_loop_t *loop, int fd)
{
    if (aio__io_owner(loop, fd) == NULL)
        return 0;
    return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                            "File descriptor %d is used by transport", fd);
}

static int
add(asyncio_loop_t *loop, int fd, enum aio__direction direction,
    asyncio_callback_t callback, void *arg,
    const asyncio_loop_add_reader_options_t *options)
{
    struct user_watch *user;
    int r;

    r = aio__loop_usable(loop);
    if (r == 0)
        r = check_no_transport(loop, fd);
    if (r < 0)
        return r;
    if (callback == NULL)
        return UV_EINVAL;
    user = aio__alloc(sizeof *user);
    if (user == NULL)
        return UV_ENOMEM;
    *user = (struct user_watch){.watch = {user_ready, user_gone},
                                .loop = loop,
                                .callback = callback,
                                .arg = arg};
    aio__context_init(&user->context, aio__context_current()->map,
                      user_release);
    r = aio__poll_add(loop, fd, direction, &user->watch);
    if (r < 0) {
        user_free(user);
        return r;
    }
    user->drop = aio__option(options, drop, NULL);
    return 0;
}

/* 1 when there was a callback. A task that waits is none. */
static int
remove_user(asyncio_loop_t *loop, int fd, enum aio__direction direction)
{
    struct aio__watch *watch;
    int r;

    if (loop == NULL)
        return UV_EINVAL;
    if (loop->closed)
        return 0;
    r = aio__loop_usable(loop);
    if (r == 0)
        r = check_no_transport(loop, fd);
    if (r < 0)
        return r;
    watch = aio__poll_get(loop, fd, direction);
    if (watch == NULL || watch->ready != user_ready)
        return 0;
    aio__poll_remove(loop, fd, direction);
    user_gone(watch);
    return 1;
}

int
asyncio_loop_add_reader(asyncio_loop_t *loop, int fd,
                        asyncio_callback_t callback, void *arg,
                        const asyncio_loop_add_reader_options_t *options)
{
    return add(loop, fd, AIO__READ, callback, arg, options);
}

int
asyncio_loop_remove_reader(asyncio_loop_t *loop, int fd)
{
    return remove_user(loop, fd, AIO__READ);
}

int
asyncio_loop_add_writer(asyncio_loop_t *loop, int fd,
                        asyncio_callback_t callback, void *arg,
                        const asyncio_loop_add_reader_options_t *options)
{
    return add(loop, fd, AIO__WRITE, callback, arg, options);
}

int
asyncio_loop_remove_writer(asyncio_loop_t *loop, int fd)
{
    return remove_user(loop, fd, AIO__WRITE);
}

/* A task that waits for either direction; on its stack. */
struct fd_waiter {
    struct aio__watch watch[2];
    struct aio__waiter waiter;
    int fd;
};

static void
stop(struct fd_waiter *waiting)
{
    for (int i = 0; i < 2; i++)
        if (aio__poll_get(waiting->waiter.loop, waiting->fd,
                          (enum aio__direction) i)
            == &waiting->watch[i])
            aio__poll_remove(waiting->waiter.loop, waiting->fd,
                             (enum aio__direction) i);
}

static void
on_ready(struct fd_waiter *waiting, int event)
{
    /* The other direction may come in the same poll. */
    if (!aio__wake(&waiting->waiter, event))
        waiting->waiter.status |= event;
}

static void
on_readable(struct aio__watch *watch)
{
    on_ready(aio__container_of(watch, struct fd_waiter, watch[AIO__READ]),
             ASYNCIO_READABLE);
}

static void
on_writable(struct aio__watch *watch)
{
    on_ready(aio__container_of(watch, struct fd_waiter, watch[AIO__WRITE]),
             ASYNCIO_WRITABLE);
}

static bool
cancel_wait(struct aio__waiter *waiter, asyncio_exception_t *message)
{
    struct fd_waiter *waiting =
        aio__container_of(waiter, struct fd_waiter, waiter);

    if (!aio__waiter_cancel(waiter, message))
        return false;
    stop(waiting);
    return true;
}

int
asyncio_wait_fd(int fd, int events)
{
    struct fd_waiter waiting = {
        .watch = {[AIO__READ].ready = on_readable,
                  [AIO__WRITE].ready = on_writable},
        .fd = fd};
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (r == 0)
        r = check_no_transport(loop, fd);
    if (r < 0)
        return r;
    if (events <= 0 || events > (ASYNCIO_READABLE | ASYNCIO_WRITABLE))
        return UV_EINVAL;
    aio__waiter_init(&waiting.waiter, loop, cancel_wait);
    for (int i = 0; i < 2 && r == 0; i++)
        if ((events & (1 << i)) != 0)
            r = aio__poll_add(loop, fd, (enum aio__direction) i,
                              &waiting.watch[i]);
    if (r == 0)
        r = aio__wait(&waiting.waiter);
    stop(&waiting);
    return r;
}
