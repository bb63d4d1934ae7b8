/* SPDX-License-Identifier: MIT */
/*
 * shield: a future that ends as another one does, and that can be cancelled
 * without it.
 *
 * The outer future listens to the inner one by a callback. When the outer one
 * is cancelled first, that callback is replaced, in a pass of its own, by one
 * that reports an error which nobody can see any more. Callbacks run in the
 * context of whoever called shield, and the report is all that shows it.
 *
 * Python counterpart: asyncio.shield, as of 3.14.
 */
#include <string.h>

#include "base/alloc.h"
#include "task/awaiter.h"
#include "task/task.h"

struct shield {
    asyncio_future_t outer; /* first */
    asyncio_future_t *inner; /* a reference, until the outer one is done */
    struct aio__future_job on_inner;
    struct aio__future_job on_outer;
    asyncio_context_t context; /* its release frees the whole */
    bool listening; /* to the inner one, which is worth a reference to us */
};

static void
release(asyncio_context_t *context)
{
    aio__context_fini(context);
    aio__free(aio__container_of(context, struct shield, context),
              sizeof(struct shield));
}

static void
shield_destroy(asyncio_future_t *future)
{
    struct shield *shield = (struct shield *) future;

    asyncio_future_unref(shield->inner);
    aio__future_fini(future);
    aio__context_drop(&shield->context);
}

static const struct aio__future_type shield_type = {
    .name = "Future",
    .cancel = aio__future_cancel,
    .destroy = shield_destroy};

static void
inner_done(struct aio__future_job *job, asyncio_future_t *inner)
{
    struct shield *shield = aio__container_of(job, struct shield, on_inner);
    asyncio_future_t *outer = &shield->outer;

    shield->listening = false;
    if (inner == NULL) {
        /* The loop was closed before: it will never be done. */
        aio__future_forget(outer);
        asyncio_future_unref(shield->inner);
        shield->inner = NULL;
    } else if (outer->state == AIO__PENDING) {
        if (inner->state == AIO__CANCELLED) {
            aio__future_cancel(outer, NULL);
        } else {
            inner->unretrieved = false;
            outer->value = inner->value;
            aio__future_finish(outer, AIO__FINISHED, inner->status,
                               aio__future_detail(inner));
        }
    }
    asyncio_future_unref(outer);
}

/* Instead, once the outer one was cancelled. */
static void
report_inner(struct aio__future_job *job, asyncio_future_t *inner)
{
    struct shield *shield = aio__container_of(job, struct shield, on_inner);
    asyncio_context_t *outer;

    shield->listening = false;
    if (inner != NULL && inner->state == AIO__FINISHED && inner->status < 0) {
        outer = aio__context_enter(&shield->context);
        aio__future_report(inner, "exception in shielded future", NULL);
        aio__context_enter(outer);
    }
    asyncio_future_unref(&shield->outer);
}

asyncio_future_t *
aio__shield_awaiter(struct aio__future_cb *cb)
{
    struct aio__future_job *job = aio__future_job_of(cb, inner_done);

    if (job == NULL)
        return NULL;
    return &aio__container_of(job, struct shield, on_inner)->outer;
}

/* However many shields were cancelled, one report is enough: the last one's. */
static void
withdraw_report(asyncio_future_t *inner, const struct shield *shield)
{
    aio__list_foreach(link, &inner->callbacks) {
        struct aio__future_cb *cb =
            aio__container_of(link, struct aio__future_cb, link);
        struct aio__future_job *job =
            aio__container_of(cb, struct aio__future_job, cb);

        if (cb->notify == shield->on_inner.cb.notify
            && job->run == report_inner) {
            struct shield *former =
                aio__container_of(job, struct shield, on_inner);

            aio__list_remove(&cb->link);
            former->listening = false;
            asyncio_future_unref(&former->outer);
            return;
        }
    }
}

static void
outer_done(struct aio__future_job *job, asyncio_future_t *outer)
{
    struct shield *shield = aio__container_of(job, struct shield, on_outer);
    asyncio_future_t *inner = shield->inner;

    if (outer == NULL || inner == NULL)
        return;
    if (inner->state == AIO__PENDING && shield->listening) {
        aio__list_remove(&shield->on_inner.cb.link);
        withdraw_report(inner, shield);
        aio__future_job_init(&shield->on_inner, report_inner);
        aio__future_subscribe(inner, &shield->on_inner.cb);
        /* The inner one keeps us now; we must not keep it in turn. */
        shield->inner = NULL;
        asyncio_future_unref(inner);
    }
}

asyncio_future_t *
asyncio_shield_future(asyncio_future_t *inner)
{
    struct shield *shield;

    if (inner == NULL)
        return aio__future_failed(UV_EINVAL);
    if (inner->state != AIO__PENDING)
        return asyncio_future_ref(inner);
    shield = aio__alloc(sizeof *shield);
    if (shield == NULL)
        return aio__future_failed(UV_ENOMEM);
    aio__future_init(&shield->outer, &shield_type, inner->loop);
    aio__context_init(&shield->context, aio__context_current()->map, release);
    shield->inner = asyncio_future_ref(inner);
    shield->listening = true;
    shield->outer.refs++; /* the inner one's */
    aio__future_job_init(&shield->on_inner, inner_done);
    aio__future_job_init(&shield->on_outer, outer_done);
    aio__future_subscribe(inner, &shield->on_inner.cb);
    aio__future_subscribe(&shield->outer, &shield->on_outer.cb);
    return &shield->outer;
}

int
asyncio_shield_await_future(asyncio_future_t *future)
{
    asyncio_future_t *outer = asyncio_shield_future(future);
    int r;

    r = asyncio_await_future(outer);
    asyncio_future_unref(outer);
    return r;
}

int
asyncio_shield_await_coro(asyncio_coro_t coro)
{
    asyncio_task_t *task = asyncio_ensure_future_coro(coro);
    int r;

    r = asyncio_shield_await_future(task);
    if (r >= 0 && coro.frame != NULL && asyncio_task_frame(task) != NULL)
        memcpy(coro.frame, asyncio_task_frame(task), coro.size);
    asyncio_future_unref(task);
    return r;
}
