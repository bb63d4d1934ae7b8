/* SPDX-License-Identifier: MIT */
/*
 * run_until_complete: the loop runs until a future is done.
 *
 * Python counterpart: BaseEventLoop.run_until_complete.
 */
#include "task/task.h"

struct completion {
    struct aio__future_job job;
    asyncio_loop_t *loop;
};

static void
on_done(struct aio__future_job *job, asyncio_future_t *future)
{
    struct completion *completion =
        aio__container_of(job, struct completion, job);

    (void) future;
    asyncio_loop_stop(completion->loop);
}

int
asyncio_loop_run_until_complete(asyncio_loop_t *loop, asyncio_future_t *future)
{
    struct completion completion = {.loop = loop};
    int r;

    if (loop == NULL || future == NULL)
        return UV_EINVAL;
    if (future->loop == NULL)
        return future->status; /* an immortal failure */
    if (future->loop != loop)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "the future belongs to a different loop");
    aio__future_job_init(&completion.job, on_done);
    asyncio_future_ref(future);
    aio__future_subscribe(future, &completion.job.cb);
    r = asyncio_loop_run_forever(loop);
    aio__future_job_withdraw(&completion.job, loop);
    if (r >= 0 && future->state == AIO__PENDING)
        r = asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                             "Event loop stopped before Future completed.");
    else if (r >= 0)
        r = asyncio_future_result(future);
    else if (future->state != AIO__PENDING)
        future->unretrieved = false;
    asyncio_future_unref(future);
    return r;
}
