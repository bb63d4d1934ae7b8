/* SPDX-License-Identifier: MIT */
/*
 * The executor of a loop: its default pool, and everything that is between
 * the loop and other threads at the moment.
 *
 * When the loop closes, each such bridge is cut: what a thread finishes later
 * finds nobody, and the closed loop is never touched. The default pool is shut
 * down without waiting, unless a run has done that properly before.
 *
 * Python counterpart: run_in_executor and its kin in asyncio.base_events.
 */
#include "io/executor.h"

#include <math.h>
#include <string.h>
#include <uv.h>

#include "asyncio/timeouts.h"
#include "base/alloc.h"
#include "loop/fiber.h"
#include "loop/report.h"
#include "task/future.h"

static void
on_loop_close(struct aio__closer *closer)
{
    struct aio__executor *executor =
        aio__container_of(closer, struct aio__executor, closer);
    static const asyncio_thread_pool_shutdown_options_t no_wait = {
        .size = sizeof no_wait, .no_wait = true};
    struct aio__list *link;

    while ((link = aio__list_pop_front(&executor->bridges)) != NULL) {
        struct aio__bridge *bridge =
            aio__container_of(link, struct aio__bridge, link);

        bridge->close(bridge);
    }
    asyncio_thread_pool_shutdown(executor->pool, &no_wait);
    asyncio_thread_pool_unref(executor->pool);
    executor->loop->executor = NULL;
    aio__free(executor, sizeof *executor);
}

struct aio__executor *
aio__executor_of(asyncio_loop_t *loop)
{
    struct aio__executor *executor = loop->executor;

    if (executor != NULL)
        return executor;
    executor = aio__calloc(1, sizeof *executor);
    if (executor == NULL)
        return NULL;
    executor->loop = loop;
    aio__list_init(&executor->bridges);
    executor->closer.close = on_loop_close;
    aio__list_push_back(&loop->closers, &executor->closer.link);
    loop->executor = executor;
    return executor;
}

int
asyncio_loop_set_default_executor(asyncio_loop_t *loop,
                                  asyncio_thread_pool_t *pool)
{
    struct aio__executor *executor;
    int r;

    if (pool == NULL)
        return asyncio_raise_at(ASYNCIO_ERR_TYPE, NULL, 0,
                                "executor must be a thread pool");
    r = aio__loop_usable(loop);
    if (r < 0)
        return r;
    executor = aio__executor_of(loop);
    if (executor == NULL)
        return UV_ENOMEM;
    asyncio_thread_pool_ref(pool);
    asyncio_thread_pool_unref(executor->pool);
    executor->pool = pool;
    return 0;
}

/* The pool for a job; made when it is needed. */
static int
find_pool(asyncio_loop_t *loop, asyncio_thread_pool_t **pool)
{
    struct aio__executor *executor;

    if (*pool != NULL)
        return 0;
    executor = aio__executor_of(loop);
    if (executor == NULL)
        return UV_ENOMEM;
    if (executor->shutdown)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Executor shutdown has been called");
    if (executor->pool == NULL)
        executor->pool = asyncio_thread_pool_new(NULL);
    *pool = executor->pool;
    return *pool != NULL ? 0 : UV_ENOMEM;
}

static asyncio_future_t *
run_in(asyncio_loop_t *loop, asyncio_thread_pool_t *pool, asyncio_coro_t coro,
       const asyncio_thread_pool_submit_options_t *options)
{
    int r;

    r = aio__loop_usable(loop);
    if (r == 0)
        r = find_pool(loop, &pool);
    if (r < 0) {
        if (options->drop != NULL)
            options->drop(coro.frame);
        return aio__future_failed(r);
    }
    return aio__wrap(loop, asyncio_thread_pool_submit(pool, coro, options));
}

asyncio_future_t *
asyncio_loop_run_in_executor(
    asyncio_loop_t *loop, asyncio_thread_pool_t *pool, asyncio_coro_t coro,
    const asyncio_loop_run_in_executor_options_t *options)
{
    asyncio_thread_pool_submit_options_t submit = {
        .size = sizeof submit, .drop = aio__option(options, drop, NULL)};

    return run_in(loop, pool, coro, &submit);
}

/* The task that waits for the last thread; on its stack. */
struct leaving {
    struct aio__job job;
    struct aio__waiter waiter;
};

static void
on_left(struct aio__job *job)
{
    struct leaving *leaving = aio__container_of(job, struct leaving, job);

    aio__wake(&leaving->waiter, 0);
}

/* In the last thread. */
static void
on_gone(void *arg)
{
    struct leaving *leaving = arg;

    (void) aio__post(leaving->waiter.loop, &leaving->job);
}

static int
wait_until_left(asyncio_loop_t *loop, asyncio_thread_pool_t *pool,
                double seconds)
{
    struct leaving leaving = {.job.run = on_left};
    asyncio_timeout_t timeout;
    int r = 0;

    aio__waiter_init(&leaving.waiter, loop, NULL);
    if (!aio__thread_pool_leave(pool, on_gone, &leaving))
        return 0;
    loop->ops++;
    asyncio_timeout_enter(asyncio_timeout(&timeout, seconds));
    r = aio__wait(&leaving.waiter);
    r = asyncio_timeout_exit(&timeout, r);
    loop->ops--;
    aio__thread_pool_abandon(pool);
    aio__post_withdraw(loop, &leaving.job);
    return r;
}

int
asyncio_loop_shutdown_default_executor(asyncio_loop_t *loop, double seconds)
{
    struct aio__executor *executor;
    asyncio_thread_pool_t *pool;
    asyncio_loop_t *running;
    int r;

    r = aio__fiber_running(&running);
    if (r < 0)
        return r;
    if (loop != running)
        return ASYNCIO_ERR_WRONG_LOOP;
    if (isnan(seconds))
        return UV_EINVAL;
    executor = aio__executor_of(loop);
    if (executor == NULL)
        return UV_ENOMEM;
    executor->shutdown = true;
    if (executor->pool == NULL)
        return 0;
    pool = asyncio_thread_pool_ref(executor->pool);
    r = wait_until_left(loop, pool, seconds);
    if (r >= 0) {
        aio__thread_pool_join(pool);
    } else if (r == ASYNCIO_ERR_TIMEOUT) {
        aio__log(ASYNCIO_LOG_WARNING,
                 "The executor did not finish joining its threads within %g "
                 "seconds.",
                 seconds);
        r = 0;
    }
    asyncio_thread_pool_unref(pool);
    return r;
}

/* With .wait_on_cancel; on the caller's stack. */
struct borrowed {
    struct aio__waiter waiter;
    struct aio__future_cb cb;
    asyncio_future_t *future;
};

static void
on_borrowed_done(struct aio__future_cb *cb, asyncio_future_t *future)
{
    struct borrowed *borrowed = aio__container_of(cb, struct borrowed, cb);

    borrowed->waiter.exception = aio__future_detail(future);
    aio__wake(&borrowed->waiter, future->status);
}

/* The job has our memory: the cancellation is delivered when it has ended. */
static bool
cancel_later(struct aio__waiter *waiter, asyncio_exception_t *message)
{
    (void) waiter;
    (void) message;
    return false;
}

static int
await_end(asyncio_loop_t *loop, asyncio_future_t *future)
{
    struct borrowed borrowed = {.cb.notify = on_borrowed_done,
                                .future = future};
    int r;

    if (future->state != AIO__PENDING)
        return asyncio_await_future(future);
    aio__waiter_init(&borrowed.waiter, loop, cancel_later);
    aio__future_subscribe(future, &borrowed.cb);
    r = aio__wait(&borrowed.waiter);
    future->unretrieved = false;
    return r;
}

/* Either policy, visible: D by default, W with .wait_on_cancel. */
int
asyncio_to_thread(asyncio_coro_t coro,
                  const asyncio_to_thread_options_t *options)
{
    asyncio_thread_pool_submit_options_t submit = {
        .size = sizeof submit, .drop = aio__option(options, drop, NULL)};
    asyncio_future_t *future;
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (r == 0) {
        submit.context = asyncio_copy_context();
        r = submit.context != NULL ? 0 : UV_ENOMEM;
    }
    if (r < 0) {
        if (submit.drop != NULL)
            submit.drop(coro.frame);
        return r;
    }
    future = run_in(loop, NULL, coro, &submit);
    asyncio_context_unref(submit.context);
    r = aio__option(options, wait_on_cancel, false)
        ? await_end(loop, future)
        : asyncio_await_future(future);
    if (r >= 0 && submit.drop == NULL && coro.frame != NULL)
        memcpy(coro.frame, asyncio_future_value(future), coro.size);
    asyncio_future_unref(future);
    return r;
}
