/* SPDX-License-Identifier: MIT */
#ifndef AIO_TASK_AWAITER_H
#define AIO_TASK_AWAITER_H

/*
 * Who waits for a future. Nothing is recorded for that: whoever waits has left
 * a callback, and each way of waiting knows its own ones.
 *
 * Each of these functions takes any callback of a future. It returns the task
 * that waits by it, or the future that stands between (of a gather, a shield),
 * whose own callbacks tell more; NULL for a callback of somebody else, and
 * when nobody waits any more.
 */

#include "task/task.h"

asyncio_future_t *aio__await_awaiter(struct aio__future_cb *cb);
asyncio_future_t *aio__gather_awaiter(struct aio__future_cb *cb);
asyncio_future_t *aio__shield_awaiter(struct aio__future_cb *cb);
asyncio_future_t *aio__wait_awaiter(struct aio__future_cb *cb);
asyncio_future_t *aio__task_group_awaiter(struct aio__future_cb *cb);
/* By asyncio_future_add_to_awaited_by(). */
asyncio_future_t *aio__told_awaiter(struct aio__future_cb *cb);

/* The job that a callback is part of, when that would run this. */
struct aio__future_job *
aio__future_job_of(struct aio__future_cb *cb,
                   void (*run)(struct aio__future_job *self,
                               asyncio_future_t *future));

/* Whose wait it is; NULL for NULL. */
aio__inline asyncio_task_t *
aio__waiter_task(struct aio__waiter *waiter)
{
    return waiter != NULL ? &aio__task_of(waiter->fiber)->future : NULL;
}

#endif
