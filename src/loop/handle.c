/* SPDX-License-Identifier: MIT */
/*
 * call_soon, call_later, call_at, call_soon_threadsafe, and their handles.
 *
 * A handle has one reference for being scheduled and one for each caller that
 * asked for it. It is dropped from the queue by running it, or by skipping it
 * when it was cancelled. A cancelled timer leaves the heap at once.
 *
 * A threadsafe handle moves from SCHEDULED to RUNNING or CANCELLED by one
 * atomic exchange, so that cancelling from another thread either prevents the
 * run or waits for its end, as CPython 3.14 does.
 */
#include "loop/handle.h"

#include <math.h>

#include "base/block.h"
#include "loop/exception.h"
#include "loop/fiber.h"
#include "loop/report.h"

enum handle_state {
    SCHEDULED,
    RUNNING,
    DONE,
    CANCELLED
};

static void
on_release(asyncio_context_t *own)
{
    asyncio_handle_t *handle =
        aio__container_of(own, asyncio_handle_t, own);

    aio__context_fini(own);
    aio__block_free(handle, sizeof *handle);
}

asyncio_handle_t *
asyncio_handle_unref(asyncio_handle_t *handle)
{
    if (handle == NULL || atomic_fetch_sub(&handle->refs, 1) != 1)
        return NULL;
    if (handle->context != &handle->own)
        asyncio_context_unref(handle->context);
    aio__context_drop(&handle->own);
    return NULL;
}

/* The callback will not run (again): its argument goes. */
static void
drop_arg(asyncio_handle_t *handle)
{
    if (handle->drop != NULL)
        handle->drop(handle->arg);
    handle->drop = NULL;
    handle->callback = NULL;
}

static void
retire(asyncio_handle_t *handle)
{
    if (handle->loop != NULL)
        aio__timerheap_release(&handle->loop->timers, &handle->timer);
    if (!handle->threadsafe) /* whose canceller may be looking at it */
        handle->loop = NULL;
    asyncio_handle_unref(handle);
}

static void
finish_threadsafe(asyncio_loop_t *loop, asyncio_handle_t *handle)
{
    pthread_mutex_lock(&loop->lock);
    atomic_store(&handle->state, DONE);
    pthread_cond_broadcast(&loop->handle_done);
    pthread_mutex_unlock(&loop->lock);
}

static void
run_handle(asyncio_handle_t *handle)
{
    asyncio_loop_t *loop = handle->loop;
    int expected = SCHEDULED;
    int r;

    if (handle->threadsafe)
        handle->runner = pthread_self();
    if (!atomic_compare_exchange_strong(&handle->state, &expected, RUNNING)) {
        drop_arg(handle);
        retire(handle);
        return;
    }
    loop->context = handle->context;
    r = handle->callback(handle->arg);
    if (r < 0)
        aio__callback_failed(loop, r, handle);
    loop->context = NULL;
    if (handle->threadsafe)
        finish_threadsafe(loop, handle);
    else
        atomic_store_explicit(&handle->state, DONE, memory_order_relaxed);
    drop_arg(handle);
    retire(handle);
}

static void
on_job(struct aio__job *job)
{
    run_handle(aio__container_of(job, asyncio_handle_t, job));
}

static void
on_timer(struct aio__timer *timer)
{
    run_handle(aio__container_of(timer, asyncio_handle_t, timer));
}

static int
handle_new(asyncio_loop_t *loop, asyncio_callback_t callback, void *arg,
           const asyncio_loop_call_options_t *options,
           asyncio_handle_t **ret_handle)
{
    asyncio_context_t *context = aio__option(options, context, NULL);
    asyncio_handle_t *handle;

    if (loop == NULL || callback == NULL)
        return UV_EINVAL;
    handle = aio__block_alloc(sizeof *handle);
    if (handle == NULL)
        return UV_ENOMEM;
    handle->job.run = on_job;
    handle->timer = (struct aio__timer){.id = 0};
    handle->loop = loop;
    handle->callback = callback;
    handle->arg = arg;
    handle->drop = aio__option(options, drop, NULL);
    aio__context_init(&handle->own,
                      context != NULL ? NULL : aio__context_current()->map,
                      on_release);
    handle->context =
        context != NULL ? asyncio_context_ref(context) : &handle->own;
    handle->when = 0;
    atomic_init(&handle->refs, 1);
    atomic_init(&handle->state, SCHEDULED);
    atomic_init(&handle->cancelled, false);
    handle->threadsafe = false;
    *ret_handle = handle;
    return 0;
}

/* The caller's reference, if he wants one. */
static void
hand_out(asyncio_handle_t *handle, const asyncio_loop_call_options_t *options)
{
    asyncio_handle_t **ret = aio__option(options, ret_handle, NULL);

    if (ret == NULL)
        return;
    atomic_fetch_add(&handle->refs, 1);
    *ret = handle;
}

int
asyncio_loop_call_soon(asyncio_loop_t *loop, asyncio_callback_t callback,
                       void *arg, const asyncio_loop_call_options_t *options)
{
    asyncio_handle_t *handle;
    int r;

    r = aio__loop_usable(loop);
    if (r < 0)
        return r;
    r = handle_new(loop, callback, arg, options, &handle);
    if (r < 0)
        return r;
    hand_out(handle, options);
    aio__inbox_drain(loop); /* what other threads sent came before */
    aio__ready(loop, &handle->job);
    return 0;
}

int
asyncio_loop_call_at(asyncio_loop_t *loop, double when,
                     asyncio_callback_t callback, void *arg,
                     const asyncio_loop_call_options_t *options)
{
    asyncio_handle_t *handle;
    int r;

    if (isnan(when))
        return UV_EINVAL;
    r = aio__loop_usable(loop);
    if (r < 0)
        return r;
    r = handle_new(loop, callback, arg, options, &handle);
    if (r < 0)
        return r;
    r = aio__timerheap_reserve(&loop->timers, &handle->timer, on_timer);
    if (r < 0) {
        handle->drop = NULL;
        asyncio_handle_unref(handle);
        return UV_ENOMEM;
    }
    handle->when = when;
    hand_out(handle, options);
    aio__timerheap_insert(&loop->timers, &handle->timer, when);
    return 0;
}

int
asyncio_loop_call_later(asyncio_loop_t *loop, double delay,
                        asyncio_callback_t callback, void *arg,
                        const asyncio_loop_call_options_t *options)
{
    if (loop == NULL)
        return UV_EINVAL;
    return asyncio_loop_call_at(loop, aio__loop_now(loop) + delay, callback,
                                arg, options);
}

int
asyncio_loop_call_soon_threadsafe(asyncio_loop_t *loop,
                                  asyncio_callback_t callback, void *arg,
                                  const asyncio_loop_call_options_t *options)
{
    asyncio_handle_t **ret = aio__option(options, ret_handle, NULL);
    asyncio_handle_t *former;
    asyncio_handle_t *handle;
    int r;

    if (loop != NULL && aio__unlikely(atomic_load(&loop->refuses))
        && !pthread_equal(loop->thread, pthread_self()))
        return ASYNCIO_ERR_LOOP_CLOSED;
    r = handle_new(loop, callback, arg, options, &handle);
    if (r < 0)
        return r;
    handle->threadsafe = true;
    former = ret != NULL ? *ret : NULL;
    hand_out(handle, options); /* before it can run */
    r = aio__post(loop, &handle->job);
    if (r < 0) {
        handle->drop = NULL;
        if (ret != NULL) {
            *ret = former;
            asyncio_handle_unref(handle);
        }
        asyncio_handle_unref(handle);
    }
    return r;
}

int
aio__post(asyncio_loop_t *loop, struct aio__job *job)
{
    int r = 0;

    pthread_mutex_lock(&loop->lock);
    if (loop->inbox_closed) {
        r = ASYNCIO_ERR_LOOP_CLOSED;
    } else if (pthread_equal(loop->thread, pthread_self())) {
        /* In its place among the calls of call_soon(), and behind those of
         * other threads that came before it. */
        aio__queue_append(&loop->ready, &loop->inbox);
        aio__queue_push(&loop->ready, job);
    } else {
        aio__queue_push(&loop->inbox, job);
        atomic_store(&loop->inbox_full, true);
        /* Inside the lock: the handle is closed after inbox_closed is set. */
        uv_async_send(&loop->wakeup);
    }
    pthread_mutex_unlock(&loop->lock);
    return r;
}

void
aio__post_withdraw(asyncio_loop_t *loop, struct aio__job *job)
{
    bool found;

    pthread_mutex_lock(&loop->lock);
    found = aio__queue_remove(&loop->inbox, job);
    pthread_mutex_unlock(&loop->lock);
    if (!found && !aio__queue_remove(&loop->ready, job))
        aio__queue_remove(&loop->now, job);
}

void
aio__inbox_drain(asyncio_loop_t *loop)
{
    if (aio__likely(
            !atomic_load_explicit(&loop->inbox_full, memory_order_acquire)))
        return;
    pthread_mutex_lock(&loop->lock);
    atomic_store(&loop->inbox_full, false);
    aio__queue_append(&loop->ready, &loop->inbox);
    pthread_mutex_unlock(&loop->lock);
    if (atomic_exchange(&loop->signalled, false) && loop->on_signal != NULL)
        loop->on_signal(loop, loop->on_signal_arg);
}

static void
cancel_threadsafe(asyncio_handle_t *handle)
{
    asyncio_loop_t *loop = handle->loop;

    if (atomic_load(&handle->state) != RUNNING || loop == NULL
        || pthread_equal(handle->runner, pthread_self()))
        return;
    pthread_mutex_lock(&loop->lock);
    while (atomic_load(&handle->state) == RUNNING)
        pthread_cond_wait(&loop->handle_done, &loop->lock);
    pthread_mutex_unlock(&loop->lock);
}

void
asyncio_handle_cancel(asyncio_handle_t *handle)
{
    asyncio_loop_t *loop = handle->loop;
    int expected = SCHEDULED;

    atomic_store(&handle->cancelled, true);
    if (!atomic_compare_exchange_strong(&handle->state, &expected, CANCELLED)) {
        if (handle->threadsafe)
            cancel_threadsafe(handle);
        return;
    }
    if (handle->threadsafe)
        return; /* the loop's thread drops it when its turn comes */
    drop_arg(handle);
    if (loop != NULL && aio__timer_armed(&loop->timers, &handle->timer)) {
        aio__timerheap_remove(&loop->timers, &handle->timer);
        retire(handle);
    }
}

bool
asyncio_handle_cancelled(const asyncio_handle_t *handle)
{
    return atomic_load(&handle->cancelled);
}

asyncio_context_t *
asyncio_handle_get_context(asyncio_handle_t *handle)
{
    return handle->context;
}

double
asyncio_timer_handle_when(const asyncio_timer_handle_t *handle)
{
    return handle->when;
}

/* What is dropped may schedule something more. */
static void
drop_queues(asyncio_loop_t *loop)
{
    for (;;) {
        struct aio__job *job;

        aio__queue_append(&loop->now, &loop->ready);
        if (aio__queue_empty(&loop->now))
            return;
        job = aio__queue_pop(&loop->now);
        if (job->run == NULL) {
            loop->fiber_ops->lost(
                aio__container_of(job, struct aio__fiber, job));
        } else if (job->run != on_job) {
            job->run(job); /* it sees that the loop is closed */
        } else {
            asyncio_handle_t *handle =
                aio__container_of(job, asyncio_handle_t, job);

            drop_arg(handle);
            retire(handle);
        }
    }
}

void
aio__handles_drop(asyncio_loop_t *loop)
{
    aio__queue_append(&loop->ready, &loop->inbox);
    drop_queues(loop);
    while (loop->timers.count > 0) {
        struct aio__timer *timer =
            aio__timerheap_timer(&loop->timers,
                                 &loop->timers.slots[loop->timers.count - 1]);

        aio__timerheap_remove(&loop->timers, timer);
        if (timer->fire != on_timer)
            continue;
        asyncio_handle_t *handle =
            aio__container_of(timer, asyncio_handle_t, timer);
        drop_arg(handle);
        retire(handle);
    }
    drop_queues(loop);
}
