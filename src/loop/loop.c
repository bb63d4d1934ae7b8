/* SPDX-License-Identifier: MIT */
/*
 * The loop's life: made, found, closed.
 *
 * Closing never unmaps a stack that a task is suspended on: with such tasks
 * it is refused. What is queued is dropped; libuv's handles are closed and
 * libuv runs until their callbacks have been called.
 *
 * Python counterpart: asyncio.events and the life of BaseEventLoop.
 */
#include "loop/loop.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/counters.h"
#include "loop/exception.h"
#include "loop/fiber.h"
#include "loop/report.h"

aio__thread_local asyncio_loop_t *aio__running;
unsigned aio__forks;

static aio__thread_local asyncio_loop_t *thread_loop;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
on_fork(void)
{
    aio__forks++;
    aio__running = NULL;
    thread_loop = NULL;
}

static void
first_loop(void)
{
    aio__switch_select(getenv("ASYNCIO_SWITCH"));
    pthread_atfork(NULL, NULL, on_fork);
}

static void
on_wakeup(uv_async_t *wakeup)
{
    (void) wakeup; /* that the poll returned is all it is for */
}

/* Counts down as the loop's own handles close. */
static void
on_close(uv_handle_t *handle)
{
    asyncio_loop_t *loop = handle->data;

    loop->handles_open--;
    aio__count(AIO__COUNT_HANDLES, -1);
}

static void
opened(asyncio_loop_t *loop, uv_handle_t *handle)
{
    handle->data = loop;
    loop->handles_open++;
    aio__count(AIO__COUNT_HANDLES, 1);
}

static int
init_uv(asyncio_loop_t *loop, uv_loop_t *host)
{
    int r;

    loop->uv = host != NULL ? host : &loop->own_uv;
    if (host == NULL) {
        r = uv_loop_init(loop->uv);
        if (r < 0)
            return r;
    }
    r = uv_async_init(loop->uv, &loop->wakeup, on_wakeup);
    if (r < 0) {
        if (host == NULL)
            uv_loop_close(loop->uv);
        return r;
    }
    opened(loop, (uv_handle_t *) &loop->wakeup);
    uv_unref((uv_handle_t *) &loop->wakeup);
    uv_timer_init(loop->uv, &loop->timer);
    opened(loop, (uv_handle_t *) &loop->timer);
    uv_idle_init(loop->uv, &loop->idle);
    opened(loop, (uv_handle_t *) &loop->idle);
    return 0;
}

static void
init_queues(asyncio_loop_t *loop)
{
    aio__queue_init(&loop->now);
    aio__queue_init(&loop->ready);
    aio__queue_init(&loop->inbox);
    aio__list_init(&loop->tasks);
    aio__list_init(&loop->kept);
    aio__list_init(&loop->closers);
    aio__list_init(&loop->context_runs);
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->handle_done, NULL);
}

static bool
debug_wanted(void)
{
    const char *value = getenv("ASYNCIO_DEBUG");

    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

int
asyncio_loop_new(const asyncio_loop_new_options_t *options,
                 asyncio_loop_t **ret_loop)
{
    asyncio_loop_t *loop;
    size_t idle_max = aio__option(options, stack_idle_max, 0);
    int r;

    pthread_once(&once, first_loop);
    loop = aio__calloc(1, sizeof *loop);
    if (loop == NULL)
        return UV_ENOMEM;
    r = aio__coro_pool_init(&loop->pool, aio__option(options, stack_size, 0),
                            idle_max != 0 ? (uint32_t) idle_max : 1024,
                            aio__fiber_main, loop);
    if (r < 0)
        goto fail;
    r = init_uv(loop, aio__option(options, uv, NULL));
    if (r < 0)
        goto fail;
    init_queues(loop);
    atomic_init(&loop->refs, 1);
    loop->thread = pthread_self();
    loop->forks = aio__forks;
    loop->virtual_clock =
        aio__option(options, clock, ASYNCIO_CLOCK_MONOTONIC)
        == ASYNCIO_CLOCK_VIRTUAL;
    loop->debug = aio__option(options, debug, false) || debug_wanted();
    loop->slow_callback_duration = 0.1;
    *ret_loop = loop;
    return 0;

fail:
    aio__free(loop, sizeof *loop);
    return r;
}

asyncio_loop_t *
asyncio_new_event_loop(void)
{
    asyncio_loop_t *loop;
    int r = asyncio_loop_new(NULL, &loop);

    if (r < 0) {
        asyncio_raise_at(r, NULL, 0, "cannot make an event loop");
        return NULL;
    }
    return loop;
}

asyncio_loop_t *
asyncio_loop_ref(asyncio_loop_t *loop)
{
    if (loop != NULL)
        atomic_fetch_add(&loop->refs, 1);
    return loop;
}

asyncio_loop_t *
asyncio_loop_unref(asyncio_loop_t *loop)
{
    if (loop == NULL
        || atomic_fetch_sub(&loop->refs, 1) != 1)
        return NULL;
    if (!loop->closed) {
        atomic_store(&loop->refs, 1);
        if (asyncio_loop_close(loop) < 0)
            return NULL; /* suspended tasks: their stacks must stay */
    }
    pthread_mutex_destroy(&loop->lock);
    pthread_cond_destroy(&loop->handle_done);
    aio__free(loop, sizeof *loop);
    return NULL;
}

static uint32_t
live_stacks(const asyncio_loop_t *loop)
{
    uint32_t live = loop->pool.live;

    for (struct aio__coro_pool *p = loop->pools; p != NULL; p = p->next)
        live += p->live;
    return live;
}

static void
close_uv(asyncio_loop_t *loop)
{
    uv_close((uv_handle_t *) &loop->wakeup, on_close);
    uv_close((uv_handle_t *) &loop->timer, on_close);
    uv_close((uv_handle_t *) &loop->idle, on_close);
    while (loop->handles_open > 0 || loop->ops > 0)
        uv_run(loop->uv, UV_RUN_ONCE);
    if (loop->uv != &loop->own_uv)
        return;
    /* What is left was opened by the program on our libuv loop: its close
     * callbacks are its own business, but they must have run. */
    uv_run(loop->uv, UV_RUN_NOWAIT);
    if (uv_loop_close(loop->uv) < 0)
        aio__log(ASYNCIO_LOG_WARNING,
                 "loop closed while libuv handles are open");
}

int
asyncio_loop_close(asyncio_loop_t *loop)
{
    struct aio__coro_pool *pool;

    if (loop == NULL)
        return UV_EINVAL;
    if (loop->closed)
        return 0;
    if (loop->forks != aio__forks)
        return ASYNCIO_ERR_FORKED;
    if (loop->running)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Cannot close a running event loop");
    if (live_stacks(loop) > 0)
        return asyncio_raise_at(UV_EBUSY, NULL, 0,
                                "%u tasks are suspended: cancel them and run "
                                "the loop first",
                                live_stacks(loop));
    loop->closed = true;
    pthread_mutex_lock(&loop->lock);
    loop->inbox_closed = true;
    pthread_mutex_unlock(&loop->lock);
    while (!aio__list_empty(&loop->closers)) {
        struct aio__list *link = aio__list_pop_front(&loop->closers);
        struct aio__closer *closer =
            aio__container_of(link, struct aio__closer, link);

        closer->close(closer);
    }
    close_uv(loop);
    aio__handles_drop(loop);
    aio__timerheap_fini(&loop->timers);
    aio__coro_pool_fini(&loop->pool);
    while ((pool = loop->pools) != NULL) {
        loop->pools = pool->next;
        aio__coro_pool_fini(pool);
        aio__free(pool, sizeof *pool);
    }
    aio__blocks_give_back();
    if (thread_loop == loop)
        thread_loop = NULL;
    return 0;
}

bool
asyncio_loop_is_closed(const asyncio_loop_t *loop)
{
    return loop->closed;
}

bool
asyncio_loop_is_running(const asyncio_loop_t *loop)
{
    return loop->running;
}

int
aio__loop_unusable(asyncio_loop_t *loop)
{
    if (aio__unlikely(loop == NULL))
        return UV_EINVAL;
    if (aio__unlikely(loop->closed))
        return asyncio_raise_at(ASYNCIO_ERR_LOOP_CLOSED, NULL, 0,
                                "Event loop is closed");
    if (aio__unlikely(loop->forks != aio__forks))
        return ASYNCIO_ERR_FORKED;
    if (aio__unlikely(loop->debug
                      && !pthread_equal(loop->thread, pthread_self())))
        return asyncio_raise_at(ASYNCIO_ERR_WRONG_THREAD, NULL, 0,
                                "Non-thread-safe operation invoked on an "
                                "event loop other than the current one");
    return 0;
}

asyncio_loop_t *
asyncio_get_running_loop(void)
{
    if (aio__running == NULL)
        asyncio_raise_at(ASYNCIO_ERR_NO_RUNNING_LOOP, NULL, 0,
                         "no running event loop");
    return aio__running;
}

asyncio_loop_t *
asyncio_peek_running_loop(void)
{
    return aio__running;
}

void
asyncio_set_running_loop(asyncio_loop_t *loop)
{
    aio__running = loop;
}

asyncio_loop_t *
asyncio_get_event_loop(void)
{
    return aio__running != NULL ? aio__running : thread_loop;
}

void
asyncio_set_event_loop(asyncio_loop_t *loop)
{
    thread_loop = loop;
}

uv_loop_t *
asyncio_loop_uv(asyncio_loop_t *loop)
{
    return loop->uv;
}

void
asyncio_loop_set_debug(asyncio_loop_t *loop, bool enabled)
{
    loop->debug = enabled;
}

bool
asyncio_loop_get_debug(const asyncio_loop_t *loop)
{
    return loop->debug;
}

void
asyncio_loop_set_slow_callback_duration(asyncio_loop_t *loop, double seconds)
{
    loop->slow_callback_duration = seconds;
}
