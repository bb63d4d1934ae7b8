/* SPDX-License-Identifier: MIT */
/*
 * wait: until a condition holds for several futures.
 *
 * The block that listens is on the heap and counted, because callbacks that
 * are scheduled already when the wait ends still run, and find nobody there.
 * Nothing is ever cancelled.
 *
 * Python counterpart: asyncio.wait.
 */
#include <math.h>

#include "base/alloc.h"
#include "task/awaiter.h"
#include "task/task.h"

struct wait;

struct child {
    struct aio__future_job job;
    struct wait *wait;
    bool listening; /* its callback is still to come */
};

struct wait {
    asyncio_loop_t *loop;
    struct aio__waiter *waiter; /* NULL: the wait is over */
    struct aio__timer timer;
    asyncio_return_when_t return_when;
    size_t counter; /* futures that are not done */
    size_t refs;    /* the waiting task, and each child that listens */
    size_t count;
    struct child children[];
};

static size_t
wait_size(size_t count)
{
    return sizeof(struct wait) + count * sizeof(struct child);
}

static void
wait_unref(struct wait *wait)
{
    if (--wait->refs > 0)
        return;
    aio__timerheap_release(&wait->loop->timers, &wait->timer);
    aio__loop_release(wait->loop);
    aio__free(wait, wait_size(wait->count));
}

static void
over(struct wait *wait)
{
    aio__timerheap_remove(&wait->loop->timers, &wait->timer);
    if (wait->waiter != NULL)
        aio__wake(wait->waiter, 0);
}

static void
on_timer(struct aio__timer *timer)
{
    over(aio__container_of(timer, struct wait, timer));
}

static void
on_child(struct aio__future_job *job, asyncio_future_t *future)
{
    struct child *child = aio__container_of(job, struct child, job);
    struct wait *wait = child->wait;

    child->listening = false;
    if (future != NULL) {
        bool failed = future->state == AIO__FINISHED && future->status < 0;

        if (--wait->counter == 0
            || wait->return_when == ASYNCIO_FIRST_COMPLETED) {
            over(wait);
        } else if (wait->return_when == ASYNCIO_FIRST_EXCEPTION && failed) {
            /* Looked at, unlike the last one; also when the wait is over. */
            if (future->refs != AIO__IMMORTAL)
                future->unretrieved = false;
            over(wait);
        }
    }
    wait_unref(wait);
}

asyncio_future_t *
aio__wait_awaiter(struct aio__future_cb *cb)
{
    struct aio__future_job *job = aio__future_job_of(cb, on_child);

    if (job == NULL)
        return NULL;
    return aio__waiter_task(
        aio__container_of(job, struct child, job)->wait->waiter);
}

static int
check(asyncio_loop_t *loop, asyncio_future_t *const *futures, size_t count,
      asyncio_return_when_t return_when, double timeout)
{
    if (count == 0)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "Set of Tasks/Futures is empty.");
    if ((unsigned) return_when > ASYNCIO_FIRST_EXCEPTION)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "Invalid return_when value: %d",
                                (int) return_when);
    if (isnan(timeout))
        return UV_EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (futures == NULL || futures[i] == NULL)
            return UV_EINVAL;
        if (futures[i]->loop != NULL && futures[i]->loop != loop)
            return ASYNCIO_ERR_WRONG_LOOP;
    }
    return 0;
}

static struct wait *
wait_new(asyncio_loop_t *loop, size_t count)
{
    struct wait *wait = aio__calloc(1, wait_size(count));

    if (wait == NULL)
        return NULL;
    if (aio__timerheap_reserve(&loop->timers, &wait->timer, on_timer) < 0) {
        aio__free(wait, wait_size(count));
        return NULL;
    }
    wait->loop = loop;
    aio__loop_hold(loop);
    wait->refs = 1;
    wait->count = count;
    return wait;
}

static void
listen_to_all(struct wait *wait, asyncio_future_t *const *futures)
{
    for (size_t i = 0; i < wait->count; i++) {
        struct child *child = &wait->children[i];

        child->wait = wait;
        if (futures[i]->marked)
            continue;
        if (futures[i]->refs != AIO__IMMORTAL)
            futures[i]->marked = true;
        wait->counter++;
        wait->refs++;
        child->listening = true;
        aio__future_job_init(&child->job, on_child);
        asyncio_future_ref(futures[i]);
        aio__future_subscribe(futures[i], &child->job.cb);
    }
    for (size_t i = 0; i < wait->count; i++)
        if (futures[i]->marked)
            futures[i]->marked = false;
}

/* Take back the callbacks that are not scheduled yet; count what is done. */
static int
unlisten(struct wait *wait, asyncio_future_t *const *futures)
{
    int done = 0;

    wait->waiter = NULL;
    aio__timerheap_remove(&wait->loop->timers, &wait->timer);
    for (size_t i = 0; i < wait->count; i++) {
        struct child *child = &wait->children[i];

        if (futures[i]->state != AIO__PENDING)
            done++;
        else if (child->listening) {
            aio__list_remove(&child->job.cb.link);
            wait_unref(wait);
        }
    }
    return done;
}

int
asyncio_wait(asyncio_future_t *const *futures, size_t count,
             const asyncio_wait_options_t *options)
{
    double timeout = aio__option(options, timeout, 0);
    asyncio_return_when_t return_when =
        aio__option(options, return_when, ASYNCIO_ALL_COMPLETED);
    struct aio__waiter waiter;
    asyncio_loop_t *loop;
    struct wait *wait;
    int r, done;

    r = aio__fiber_running(&loop);
    if (r < 0)
        return r;
    r = check(loop, futures, count, return_when, timeout);
    if (r < 0)
        return r;
    wait = wait_new(loop, count);
    if (wait == NULL)
        return UV_ENOMEM;
    wait->return_when = return_when;
    aio__waiter_init(&waiter, loop, NULL);
    wait->waiter = &waiter;
    if (timeout < 0 || timeout > 0)
        aio__timerheap_insert(&loop->timers, &wait->timer,
                              aio__loop_now(loop)
                                  + (timeout > 0 ? timeout : 0));
    listen_to_all(wait, futures);
    r = aio__wait(&waiter);
    done = unlisten(wait, futures);
    /* References were taken so that nobody could drop one meanwhile. */
    for (size_t i = 0; i < count; i++)
        if (wait->children[i].job.run != NULL)
            asyncio_future_unref(futures[i]);
    wait_unref(wait);
    return r < 0 ? r : done;
}
