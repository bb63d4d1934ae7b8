/* SPDX-License-Identifier: MIT */
/*
 * run_coroutine_threadsafe: a task of another thread's loop, seen through a
 * thread future.
 *
 * The frame lives in the thread future, so both threads may read it once the
 * task has ended; the task's own frame is only a reference to it. Cancelling
 * the thread future posts a job that cancels the task. When the loop closes
 * first, the thread future fails: nobody waits for ever.
 *
 * Python counterpart: asyncio.run_coroutine_threadsafe.
 */
#include <uv.h>

#include "base/alloc.h"
#include "io/executor.h"
#include "task/task.h"

struct remote {
    struct aio__bridge bridge;      /* while the task lives */
    struct aio__thread_cb cb;       /* the thread future was cancelled */
    struct aio__job cancel;         /* posted by that */
    struct aio__future_job ended;   /* of the task */
    asyncio_thread_future_t *future; /* a reference */
    asyncio_task_t *task;           /* a reference, once started */
    asyncio_loop_t *loop;
    const asyncio_site_t *site;
};

/* The task's frame. */
struct run_remote {
    asyncio_thread_future_t *future;
};

static int
run_remote(void *arg)
{
    struct run_remote *self = arg;

    return self->future->fn(self->future->frame);
}

static void
drop_remote_frame(void *arg)
{
    struct run_remote *self = arg;

    asyncio_thread_future_unref(self->future);
}

static void
free_remote(struct remote *remote)
{
    asyncio_future_unref(remote->task);
    asyncio_thread_future_unref(remote->future);
    aio__free(remote, sizeof *remote);
}

/* In whatever thread cancels; the future's lock is held. */
static void
on_thread_cancel(struct aio__thread_cb *cb, asyncio_thread_future_t *future)
{
    struct remote *remote = aio__container_of(cb, struct remote, cb);

    (void) future;
    (void) aio__post(remote->loop, &remote->cancel);
}

static void
cancel_task(struct aio__job *job)
{
    struct remote *remote = aio__container_of(job, struct remote, cancel);

    aio__cancel(remote->task, NULL);
}

/* No more news from the other side. */
static void
disconnect(struct remote *remote)
{
    aio__list_remove(&remote->bridge.link);
    if (!aio__thread_future_unsubscribe(remote->future, &remote->cb))
        aio__post_withdraw(remote->loop, &remote->cancel);
}

static void
on_task_end(struct aio__future_job *job, asyncio_future_t *task)
{
    struct remote *remote = aio__container_of(job, struct remote, ended);

    disconnect(remote);
    if (task->state == AIO__CANCELLED) {
        aio__thread_future_end_cancelled(remote->future);
    } else {
        task->unretrieved = false;
        aio__thread_future_finish(remote->future, task->status,
                                  aio__future_detail(task));
    }
    free_remote(remote);
}

static void
on_loop_close(struct aio__bridge *bridge)
{
    struct remote *remote = aio__container_of(bridge, struct remote, bridge);

    disconnect(remote);
    aio__future_job_withdraw(&remote->ended, remote->loop);
    aio__thread_future_finish(remote->future, ASYNCIO_ERR_LOOP_CLOSED, NULL);
    free_remote(remote);
}

static int
begin(struct remote *remote, struct aio__executor *executor)
{
    static const asyncio_create_task_options_t options = {
        .size = sizeof options, .drop = drop_remote_frame};
    struct run_remote frame = {.future =
                                   asyncio_thread_future_ref(remote->future)};
    asyncio_coro_t coro = {.fn = run_remote,
                           .frame = &frame,
                           .size = sizeof frame,
                           .site = remote->site};
    asyncio_task_t *task =
        asyncio_loop_create_task(remote->loop, coro, &options);

    if (task->refs == AIO__IMMORTAL) { /* or its factory failed */
        int r = task->status;

        aio__thread_future_finish(remote->future, r, aio__raised(r));
        return r;
    }
    remote->task = task;
    aio__list_push_back(&executor->bridges, &remote->bridge.link);
    aio__future_subscribe(task, &remote->ended.cb);
    aio__thread_future_subscribe(remote->future, &remote->cb);
    return 0;
}

/* In the loop's thread. */
static int
start(void *arg)
{
    struct remote *remote = arg;
    struct aio__executor *executor = aio__executor_of(remote->loop);

    if (executor == NULL) {
        aio__thread_future_finish(remote->future, UV_ENOMEM, NULL);
        return UV_ENOMEM;
    }
    if (asyncio_thread_future_done(remote->future))
        return 0; /* cancelled before it came here */
    return begin(remote, executor);
}

/* After the start, or instead of it. */
static void
after_start(void *arg)
{
    struct remote *remote = arg;

    if (remote->task != NULL)
        return;
    aio__thread_future_finish(remote->future, ASYNCIO_ERR_LOOP_CLOSED, NULL);
    free_remote(remote);
}

static struct remote *
make(asyncio_coro_t coro, asyncio_loop_t *loop, asyncio_drop_t drop)
{
    struct remote *remote = aio__calloc(1, sizeof *remote);

    if (remote == NULL)
        return NULL;
    remote->future = aio__thread_future_make(coro, drop);
    if (remote->future == NULL) {
        aio__free(remote, sizeof *remote);
        return NULL;
    }
    aio__list_init(&remote->bridge.link);
    remote->bridge.close = on_loop_close;
    remote->cb = (struct aio__thread_cb){.notify = on_thread_cancel,
                                         .locked = true};
    remote->cancel.run = cancel_task;
    aio__future_job_init(&remote->ended, on_task_end);
    remote->loop = loop;
    remote->site = coro.site;
    return remote;
}

asyncio_thread_future_t *
asyncio_run_coroutine_threadsafe(
    asyncio_coro_t coro, asyncio_loop_t *loop,
    const asyncio_run_coroutine_threadsafe_options_t *options)
{
    asyncio_loop_call_options_t call = {.size = sizeof call,
                                        .drop = after_start};
    asyncio_drop_t drop = aio__option(options, drop, NULL);
    asyncio_thread_future_t *future;
    struct remote *remote;
    int r = UV_EINVAL;

    if (loop == NULL || coro.fn == NULL || coro.size > UINT32_MAX / 2)
        goto refuse;
    r = UV_ENOMEM;
    remote = make(coro, loop, drop);
    if (remote == NULL)
        goto refuse;
    future = asyncio_thread_future_ref(remote->future);
    r = asyncio_loop_call_soon_threadsafe(loop, start, remote, &call);
    if (r < 0) {
        free_remote(remote);
        asyncio_thread_future_unref(future);
        return aio__thread_future_failed(r);
    }
    return future;

refuse:
    if (drop != NULL)
        drop(coro.frame);
    return aio__thread_future_failed(r);
}
