/* SPDX-License-Identifier: MIT */
/*
 * gather: one future for several.
 *
 * It listens to each child by a callback that runs in a pass of its own, so
 * it costs one hop more than awaiting a task. Children that were done already
 * are counted at once. The same future given twice is listened to once.
 * Cancelling it cancels the children; it ends when they have.
 *
 * Python counterpart: asyncio.gather.
 */
#include "base/alloc.h"
#include "task/awaiter.h"
#include "task/task.h"

struct gather;

struct child {
    struct aio__future_job job;
    struct gather *gather;
    asyncio_future_t *future; /* a reference; NULL for a repetition */
    size_t first; /* where the same future is given first */
};

struct gather {
    asyncio_future_t future; /* first */
    size_t count;            /* of children */
    size_t distinct;         /* of which so many are listened to */
    size_t finished;
    size_t listening;        /* children whose callback is still to come */
    asyncio_future_t *last;  /* as given; one of the children */
    bool return_exceptions;
    bool cancel_requested;
    struct child children[];
};

static size_t
gather_size(size_t count)
{
    return sizeof(struct gather) + count * sizeof(struct child);
}

static void
gather_destroy(asyncio_future_t *future)
{
    struct gather *gather = (struct gather *) future;

    for (size_t i = 0; i < gather->count; i++)
        asyncio_future_unref(gather->children[i].future);
    aio__future_fini(future);
    aio__free(gather, gather_size(gather->count));
}

static bool
gather_cancel(asyncio_future_t *future, asyncio_exception_t *message)
{
    struct gather *gather = (struct gather *) future;
    bool accepted = false;

    if (future->state != AIO__PENDING)
        return false;
    /* One that was given twice is asked twice, which its count shows. */
    for (size_t i = 0; i < gather->count; i++) {
        asyncio_future_t *child =
            gather->children[gather->children[i].first].future;

        if (child != NULL && aio__cancel(child, message))
            accepted = true;
    }
    if (accepted)
        gather->cancel_requested = true;
    return accepted;
}

static const struct aio__future_type gather_type = {
    .name = "GatheringFuture",
    .cancel = gather_cancel,
    .destroy = gather_destroy};

/* Once it is done it has no use for the children, and two that hold each
 * other would never go. */
static void
release_children(struct gather *gather)
{
    for (size_t i = 0; i < gather->count; i++) {
        asyncio_future_t *child = gather->children[i].future;

        gather->children[i].future = NULL;
        asyncio_future_unref(child);
    }
}

static void
outer_done(struct gather *gather, int status, asyncio_exception_t *exception)
{
    aio__future_finish(&gather->future, AIO__FINISHED, status, exception);
    release_children(gather);
}

/* The loop was closed before it heard of a child: it will never be done. */
static void
child_lost(struct gather *gather)
{
    if (gather->future.state != AIO__PENDING)
        return;
    aio__future_forget(&gather->future);
    release_children(gather);
}

/* Somebody has looked at the error. */
static void
seen(asyncio_future_t *future)
{
    if (future->refs != AIO__IMMORTAL)
        future->unretrieved = false;
}

/* Of a cancelled gather: the message of the last child, who may also have
 * ended otherwise, before the cancellation reached it. A new reference. */
static asyncio_exception_t *
last_message(asyncio_future_t *last)
{
    struct aio__task *task = aio__task_from(last);

    if (last->state == AIO__CANCELLED)
        return aio__future_detail(last);
    return task != NULL && task->fiber.must_cancel
        ? aio__exception_ref(task->fiber.message)
        : NULL;
}

static void
child_done(struct gather *gather, asyncio_future_t *child)
{
    asyncio_future_t *outer = &gather->future;

    gather->finished++;
    if (!gather->return_exceptions || outer->state != AIO__PENDING)
        seen(child);
    if (outer->state != AIO__PENDING)
        return;
    if (!gather->return_exceptions && child->status < 0) {
        /* Also a cancelled child is a failure, not a cancellation of ours. */
        outer_done(gather, child->status, aio__future_detail(child));
    } else if (gather->finished == gather->distinct) {
        for (size_t i = 0; i < gather->count; i++)
            if (gather->children[i].future != NULL)
                seen(gather->children[i].future);
        if (gather->cancel_requested)
            outer_done(gather, ASYNCIO_ERR_CANCELLED,
                       last_message(gather->last));
        else
            outer_done(gather, 0, NULL);
    }
}

static void
on_child(struct aio__future_job *job, asyncio_future_t *future)
{
    struct child *child = aio__container_of(job, struct child, job);
    struct gather *gather = child->gather;

    if (future != NULL)
        child_done(gather, future);
    else
        child_lost(gather);
    if (--gather->listening == 0)
        asyncio_future_unref(&gather->future);
}

asyncio_future_t *
aio__gather_awaiter(struct aio__future_cb *cb)
{
    struct aio__future_job *job = aio__future_job_of(cb, on_child);

    if (job == NULL)
        return NULL;
    return &aio__container_of(job, struct child, job)->gather->future;
}

static int
check(asyncio_future_t *const *futures, size_t count, asyncio_loop_t *loop)
{
    for (size_t i = 0; i < count; i++) {
        if (futures == NULL || futures[i] == NULL)
            return UV_EINVAL;
        if (futures[i]->loop != NULL && futures[i]->loop != loop)
            return ASYNCIO_ERR_VALUE;
    }
    return 0;
}

static asyncio_loop_t *
loop_of(asyncio_future_t *const *futures, size_t count)
{
    for (size_t i = 0; futures != NULL && i < count; i++)
        if (futures[i] != NULL && futures[i]->loop != NULL)
            return futures[i]->loop;
    return asyncio_get_event_loop();
}

/* The same future given again is not listened to again. */
static void
listen_to_all(struct gather *gather, asyncio_future_t *const *futures)
{
    for (size_t i = 0; i < gather->count; i++) {
        struct child *child = &gather->children[i];
        asyncio_future_t *future = futures[i];

        child->gather = gather;
        child->first = i;
        if (future->marked) {
            for (size_t j = i; j-- > 0;)
                if (futures[j] == future)
                    child->first = j;
            continue;
        }
        child->future = asyncio_future_ref(future);
        gather->distinct++;
        if (future->refs != AIO__IMMORTAL)
            future->marked = true;
        aio__future_job_init(&child->job, on_child);
        if (future->state == AIO__PENDING) {
            gather->listening++;
            aio__future_subscribe(future, &child->job.cb);
        }
    }
    for (size_t i = 0; i < gather->count; i++)
        if (futures[i]->marked)
            futures[i]->marked = false;
}

/* Those that are done already. All of them count as seen, also after the first
 * that fails, which ends the whole; if errors are returned, the end sees them. */
static void
take_done(struct gather *gather)
{
    for (size_t i = 0; i < gather->count; i++) {
        asyncio_future_t *child = gather->children[i].future;

        if (child != NULL && child->state != AIO__PENDING
            && !gather->return_exceptions)
            seen(child);
    }
    for (size_t i = 0; i < gather->count; i++) {
        asyncio_future_t *child = gather->children[i].future;

        if (child != NULL && child->state != AIO__PENDING)
            child_done(gather, child);
    }
}

asyncio_future_t *
asyncio_gather_future(asyncio_future_t *const *futures, size_t count,
                      const asyncio_gather_options_t *options)
{
    asyncio_loop_t *loop = loop_of(futures, count);
    struct gather *gather;
    int r;

    if (loop == NULL)
        return aio__future_failed(ASYNCIO_ERR_NO_RUNNING_LOOP);
    r = check(futures, count, loop);
    if (r < 0)
        return aio__future_failed(r);
    gather = aio__calloc(1, gather_size(count));
    if (gather == NULL)
        return aio__future_failed(UV_ENOMEM);
    aio__future_init(&gather->future, &gather_type, loop);
    gather->count = count;
    gather->last = count > 0 ? futures[count - 1] : NULL;
    gather->return_exceptions = aio__option(options, return_exceptions, false);
    listen_to_all(gather, futures);
    if (gather->listening > 0)
        gather->future.refs++; /* for the callbacks to come */
    if (count == 0)
        aio__future_finish(&gather->future, AIO__FINISHED, 0, NULL);
    take_done(gather);
    return &gather->future;
}

int
asyncio_gather(asyncio_future_t *const *futures, size_t count,
               const asyncio_gather_options_t *options)
{
    asyncio_future_t *gather = asyncio_gather_future(futures, count, options);
    int r;

    r = asyncio_await_future(gather);
    asyncio_future_unref(gather);
    return r;
}
