/* SPDX-License-Identifier: MIT */
/*
 * Callbacks of futures: scheduled when the future is done, never called
 * inline, in the order in which they were added.
 *
 * A callback that is scheduled holds a reference to its future. Removing one
 * does not stop what is scheduled already.
 *
 * Python counterpart: Future.add_done_callback.
 */
#include "base/alloc.h"
#include "loop/report.h"
#include "task/awaiter.h"

/* A callback of the program. */
struct user_cb {
    struct aio__future_job job;
    asyncio_done_callback_t callback;
    void *arg;
    asyncio_drop_t drop;
    asyncio_context_t *context; /* a reference; may be `own` */
    asyncio_context_t own;      /* its release frees the whole */
};

void
aio__future_subscribe(asyncio_future_t *future, struct aio__future_cb *cb)
{
    if (future->state == AIO__PENDING)
        aio__list_push_back(&future->callbacks, &cb->link);
    else
        cb->notify(cb, future);
}

static void
on_future_job(struct aio__job *entry)
{
    struct aio__future_job *job =
        aio__container_of(entry, struct aio__future_job, job);
    asyncio_future_t *future = job->future;

    bool closed = future->loop != NULL && future->loop->closed;

    job->future = NULL;
    job->run(job, closed ? NULL : future);
    asyncio_future_unref(future);
}

static void
schedule(struct aio__future_cb *cb, asyncio_future_t *future)
{
    struct aio__future_job *job =
        aio__container_of(cb, struct aio__future_job, cb);
    asyncio_loop_t *loop;

    if (future == NULL) { /* it dies */
        job->run(job, NULL);
        return;
    }
    loop = future->loop != NULL ? future->loop : aio__running;
    job->future = asyncio_future_ref(future);
    aio__ready(loop, &job->job);
}

void
aio__future_job_init(struct aio__future_job *job,
                     void (*run)(struct aio__future_job *self,
                                 asyncio_future_t *future))
{
    aio__list_init(&job->cb.link);
    job->cb.notify = schedule;
    job->job.run = on_future_job;
    job->future = NULL;
    job->run = run;
}

struct aio__future_job *
aio__future_job_of(struct aio__future_cb *cb,
                   void (*run)(struct aio__future_job *self,
                               asyncio_future_t *future))
{
    struct aio__future_job *job =
        aio__container_of(cb, struct aio__future_job, cb);

    return cb->notify == schedule && job->run == run ? job : NULL;
}

void
aio__future_job_withdraw(struct aio__future_job *job, asyncio_loop_t *loop)
{
    aio__list_remove(&job->cb.link);
    if (job->future == NULL)
        return;
    if (!aio__queue_remove(&loop->now, &job->job))
        aio__queue_remove(&loop->ready, &job->job);
    job->future = asyncio_future_unref(job->future);
}

static void
user_release(asyncio_context_t *own)
{
    struct user_cb *user = aio__container_of(own, struct user_cb, own);

    aio__context_fini(own);
    aio__free(user, sizeof *user);
}

static void
user_free(struct user_cb *user)
{
    if (user->drop != NULL)
        user->drop(user->arg);
    if (user->context != &user->own)
        asyncio_context_unref(user->context);
    aio__context_drop(&user->own);
}

static void
user_run(struct aio__future_job *job, asyncio_future_t *future)
{
    struct user_cb *user = aio__container_of(job, struct user_cb, job);
    asyncio_loop_t *loop = aio__running;
    int r;

    if (future != NULL) {
        loop->context = user->context;
        r = user->callback(future, user->arg);
        if (r < 0)
            aio__callback_failed(loop, r, NULL);
        loop->context = NULL;
    }
    user_free(user);
}

int
asyncio_future_add_done_callback(
    asyncio_future_t *future, asyncio_done_callback_t callback, void *arg,
    const asyncio_future_add_done_callback_options_t *options)
{
    asyncio_context_t *context = aio__option(options, context, NULL);
    struct user_cb *user;

    if (future == NULL || callback == NULL)
        return UV_EINVAL;
    if (future->loop == NULL && aio__running == NULL)
        return ASYNCIO_ERR_NO_RUNNING_LOOP;
    user = aio__alloc(sizeof *user);
    if (user == NULL)
        return UV_ENOMEM;
    aio__future_job_init(&user->job, user_run);
    user->callback = callback;
    user->arg = arg;
    user->drop = aio__option(options, drop, NULL);
    aio__context_init(&user->own,
                      context != NULL ? NULL : aio__context_current()->map,
                      user_release);
    user->context =
        context != NULL ? asyncio_context_ref(context) : &user->own;
    aio__future_subscribe(future, &user->job.cb);
    return 0;
}

size_t
asyncio_future_remove_done_callback(asyncio_future_t *future,
                                    asyncio_done_callback_t callback,
                                    void *arg)
{
    struct aio__list matches;
    struct aio__list *match;
    size_t removed = 0;

    /* One that is done has none left; one that never lived has no list. */
    if (future == NULL || future->state != AIO__PENDING)
        return 0;
    aio__list_init(&matches);
    aio__list_foreach(link, &future->callbacks) {
        struct aio__future_cb *cb =
            aio__container_of(link, struct aio__future_cb, link);
        struct user_cb *user = aio__container_of(cb, struct user_cb, job.cb);

        if (cb->notify != schedule || user->job.run != user_run
            || user->callback != callback || user->arg != arg)
            continue;
        aio__list_remove(link);
        aio__list_push_back(&matches, link);
    }
    /* Dropping an argument may change the list. */
    while ((match = aio__list_pop_front(&matches)) != NULL) {
        user_free(aio__container_of(match, struct user_cb, job.cb.link));
        removed++;
    }
    return removed;
}
