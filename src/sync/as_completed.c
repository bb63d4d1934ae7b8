/* SPDX-License-Identifier: MIT */
/*
 * as_completed: futures in the order in which they are done.
 *
 * A callback on each future, which runs in a pass of its own, puts it into a
 * queue; steps of the iterator take from there. When time is up, whatever is
 * missing is put as NULL, one for each. Room for all is reserved, so nothing
 * can fail once the iterator exists; one that could not be made is a static
 * one that says why at the first step.
 *
 * It lives as long as its owner, a step that waits, or a callback that is
 * scheduled needs it.
 *
 * Python counterpart: asyncio.as_completed.
 */
#include <math.h>

#include "asyncio/queues.h"
#include "asyncio/tasks.h"
#include "base/alloc.h"
#include "sync/items.h"
#include "task/future.h"

struct child {
    struct aio__future_job job;
    asyncio_as_completed_t *iterator;
    asyncio_future_t *future; /* a reference; NULL for a repetition */
    bool waited_for;          /* neither done nor given up */
    bool listening;           /* its callback is still to come */
    asyncio_as_completed_waiter_t waiter; /* the nth that was handed out */
};

struct asyncio_as_completed {
    asyncio_queue_t done; /* of futures; NULL: too late */
    struct aio__timer timer;
    asyncio_loop_t *loop; /* NULL for the static ones */
    int status;           /* what the static ones fail with */
    size_t waited_for;    /* children */
    size_t left;          /* to be handed out */
    size_t waiters;       /* that were handed out as coroutines */
    size_t users;         /* its owner, and steps that wait */
    size_t listening;     /* children */
    size_t count;
    struct child children[];
};

static asyncio_as_completed_t no_memory = {.status = UV_ENOMEM};
static asyncio_as_completed_t invalid = {.status = UV_EINVAL};
static asyncio_as_completed_t other_loop = {.status = ASYNCIO_ERR_VALUE};
static asyncio_as_completed_t no_loop = {.status = ASYNCIO_ERR_NO_RUNNING_LOOP};

static size_t
size_of(size_t count)
{
    return sizeof(asyncio_as_completed_t) + count * sizeof(struct child);
}

static void
destroy(asyncio_as_completed_t *it)
{
    for (size_t i = 0; i < it->count; i++)
        asyncio_future_unref(it->children[i].future);
    aio__timerheap_release(&it->loop->timers, &it->timer);
    asyncio_queue_fini(&it->done);
    aio__loop_release(it->loop);
    aio__free(it, size_of(it->count));
}

/* Take back a callback that is not scheduled yet. */
static void
unlisten(struct child *child)
{
    if (!child->listening || child->future->state != AIO__PENDING)
        return;
    aio__list_remove(&child->job.cb.link);
    child->listening = false;
    child->iterator->listening--;
}

static void
user_leaves(asyncio_as_completed_t *it)
{
    if (--it->users > 0)
        return;
    aio__timerheap_remove(&it->loop->timers, &it->timer);
    it->waited_for = 0;
    for (size_t i = 0; i < it->count; i++)
        unlisten(&it->children[i]);
    if (it->listening == 0)
        destroy(it);
}

static void
on_done(struct aio__future_job *job, asyncio_future_t *future)
{
    struct child *child = aio__container_of(job, struct child, job);
    asyncio_as_completed_t *it = child->iterator;

    child->listening = false;
    it->listening--;
    if (it->users == 0) {
        if (it->listening == 0)
            destroy(it);
        return;
    }
    if (!child->waited_for)
        return; /* time was up before */
    child->waited_for = false;
    asyncio_queue_put_nowait(&it->done, future);
    if (--it->waited_for == 0)
        aio__timerheap_remove(&it->loop->timers, &it->timer);
}

static void
on_timer(struct aio__timer *timer)
{
    asyncio_as_completed_t *it =
        aio__container_of(timer, asyncio_as_completed_t, timer);

    for (size_t i = 0; i < it->count; i++) {
        struct child *child = &it->children[i];

        if (!child->waited_for)
            continue;
        child->waited_for = false;
        unlisten(child);
        asyncio_queue_put_nowait(&it->done, NULL);
    }
    it->waited_for = 0;
}

/* The same future given again is not listened to again. */
static void
listen_to_all(asyncio_as_completed_t *it, asyncio_future_t *const *futures)
{
    for (size_t i = 0; i < it->count; i++) {
        struct child *child = &it->children[i];

        child->iterator = it;
        if (futures[i]->marked)
            continue;
        if (futures[i]->refs != AIO__IMMORTAL)
            futures[i]->marked = true;
        child->future = asyncio_future_ref(futures[i]);
        child->waited_for = child->listening = true;
        it->waited_for++;
        it->listening++;
        aio__future_job_init(&child->job, on_done);
        aio__future_subscribe(futures[i], &child->job.cb);
    }
    for (size_t i = 0; i < it->count; i++)
        if (futures[i]->marked)
            futures[i]->marked = false;
    it->left = it->waited_for;
}

/* NULL, or what is wrong. */
static asyncio_as_completed_t *
check(asyncio_loop_t *loop, asyncio_future_t *const *futures, size_t count,
      double timeout)
{
    if (loop == NULL)
        return &no_loop;
    if (isnan(timeout) || (futures == NULL && count > 0))
        return &invalid;
    for (size_t i = 0; i < count; i++) {
        if (futures[i] == NULL)
            return &invalid;
        if (futures[i]->loop != NULL && futures[i]->loop != loop)
            return &other_loop;
    }
    return NULL;
}

static asyncio_as_completed_t *
make(asyncio_loop_t *loop, size_t count, bool timed)
{
    asyncio_as_completed_t *it = aio__calloc(1, size_of(count));

    if (it == NULL)
        return NULL;
    asyncio_queue_init(&it->done, 0, NULL);
    if (aio__items_reserve(&it->done, count) < 0)
        goto no_memory;
    if (timed /* not on a closed loop */
        && aio__timerheap_reserve(&loop->timers, &it->timer, on_timer) < 0)
        goto no_memory;
    it->loop = loop;
    aio__loop_hold(loop);
    it->users = 1;
    it->count = count;
    return it;

no_memory:
    asyncio_queue_fini(&it->done);
    aio__free(it, size_of(count));
    return NULL;
}

asyncio_as_completed_t *
asyncio_as_completed(asyncio_future_t *const *futures, size_t count,
                     const asyncio_as_completed_options_t *options)
{
    double timeout = aio__option(options, timeout, 0);
    bool timed = count > 0 && timeout != 0 && timeout != ASYNCIO_NO_TIMEOUT;
    asyncio_loop_t *loop = asyncio_get_event_loop();
    asyncio_as_completed_t *it = check(loop, futures, count, timeout);

    if (it != NULL)
        return it;
    it = make(loop, count, timed);
    if (it == NULL)
        return &no_memory;
    listen_to_all(it, futures);
    if (timed)
        aio__timerheap_insert(&loop->timers, &it->timer,
                              aio__loop_now(loop)
                                  + (timeout > 0 ? timeout : 0));
    return it;
}

asyncio_as_completed_t *
asyncio_as_completed_unref(asyncio_as_completed_t *it)
{
    if (it != NULL && it->loop != NULL)
        user_leaves(it);
    return NULL;
}

/* Another step may be begun: 1; 0 at the end, or an error. */
static int
step(asyncio_as_completed_t *it)
{
    if (it->status == ASYNCIO_ERR_VALUE)
        return asyncio_raise_at(it->status, NULL, 0,
                                "a future belongs to a different loop");
    if (it->status < 0)
        return it->status;
    if (it->left == 0)
        return 0;
    it->left--;
    return 1;
}

static int
wait_for_one(asyncio_as_completed_t *it, asyncio_future_t **ret_future)
{
    void *future;
    int r;

    it->users++;
    r = asyncio_queue_get(&it->done, &future);
    user_leaves(it);
    if (r < 0)
        return r;
    if (future == NULL)
        return ASYNCIO_ERR_TIMEOUT;
    *ret_future = future;
    return 1;
}

int
asyncio_as_completed_next(asyncio_as_completed_t *it,
                          asyncio_future_t **ret_future)
{
    asyncio_future_t *future;
    int r;

    r = step(it);
    if (r <= 0)
        return r;
    return wait_for_one(it, ret_future != NULL ? ret_future : &future);
}

static int
await_waiter(void *frame)
{
    asyncio_as_completed_waiter_t *self = frame;
    int r;

    r = wait_for_one(self->iterator, &self->future);
    return r < 0 ? r : asyncio_future_result(self->future);
}

int
asyncio_as_completed_next_waiter(asyncio_as_completed_t *it,
                                 asyncio_coro_t *ret_waiter)
{
    static const asyncio_site_t site = {.name = "as_completed waiter"};
    asyncio_as_completed_waiter_t *waiter;
    int r;

    r = step(it);
    if (r <= 0)
        return r;
    waiter = &it->children[it->waiters++].waiter;
    waiter->iterator = it;
    *ret_waiter = (asyncio_coro_t){.fn = await_waiter,
                                   .frame = waiter,
                                   .size = sizeof *waiter,
                                   .site = &site};
    return 1;
}
