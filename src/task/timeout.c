/* SPDX-License-Identifier: MIT */
/*
 * timeout: a deadline over a part of a task.
 *
 * On expiry the task is cancelled once. At the exit that request is taken
 * back, and a cancellation becomes a timeout only if no other request came
 * since the entry. A deadline that has passed already expires in the next
 * pass, so a body that never suspends is not disturbed.
 *
 * Without memory for its timer slot a timeout expires at once, and its exit
 * says UV_ENOMEM: better than a deadline that never comes.
 *
 * Python counterpart: asyncio.timeouts.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "asyncio/timeouts.h"
#include "task/task.h"

enum state {
    CREATED,
    ENTERED,
    EXPIRING,
    EXPIRED,
    EXITED
};

static const char *const names[] = {"created", "active", "expiring", "expired",
                                    "finished"};

static void
expire(asyncio_timeout_t *timeout)
{
    aio__task_cancel(timeout->scope.task, NULL);
    timeout->state = EXPIRING;
}

static void
on_timer(struct aio__timer *timer)
{
    expire(aio__container_of(timer, asyncio_timeout_t, timer));
}

static void
on_job(struct aio__job *job)
{
    asyncio_timeout_t *timeout =
        aio__container_of(job, asyncio_timeout_t, job);

    timeout->queued = false;
    expire(timeout);
}

asyncio_timeout_t *
asyncio_timeout_init(asyncio_timeout_t *timeout, double when)
{
    memset(timeout, 0, sizeof *timeout);
    timeout->when = when;
    timeout->job.run = on_job;
    timeout->state = CREATED;
    return timeout;
}

asyncio_timeout_t *
asyncio_timeout_at(asyncio_timeout_t *timeout, double when)
{
    return asyncio_timeout_init(timeout, when);
}

asyncio_timeout_t *
asyncio_timeout(asyncio_timeout_t *timeout, double delay)
{
    asyncio_loop_t *loop = aio__running;

    if (loop != NULL)
        delay += aio__loop_now(loop);
    return asyncio_timeout_init(timeout, delay);
}

/* Take back what reschedule or enter arranged. */
static void
disarm(asyncio_timeout_t *timeout)
{
    asyncio_loop_t *loop = timeout->loop;

    aio__timerheap_remove(&loop->timers, &timeout->timer);
    if (timeout->queued && !aio__queue_remove(&loop->now, &timeout->job))
        aio__queue_remove(&loop->ready, &timeout->job);
    timeout->queued = false;
}

static void
expire_soon(asyncio_timeout_t *timeout)
{
    timeout->queued = true;
    aio__ready(timeout->loop, &timeout->job);
}

static void
arm(asyncio_timeout_t *timeout, double when)
{
    disarm(timeout);
    timeout->when = when;
    if (when == ASYNCIO_NO_TIMEOUT)
        return;
    if (when <= aio__loop_now(timeout->loop))
        expire_soon(timeout);
    else
        aio__timerheap_insert(&timeout->loop->timers, &timeout->timer, when);
}

void
asyncio_timeout_enter(asyncio_timeout_t *timeout)
{
    asyncio_loop_t *loop;

    if (timeout->state != CREATED) {
        timeout->status =
            asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                             "Timeout has already been entered");
        return;
    }
    timeout->status = aio__fiber_running(&loop);
    if (timeout->status < 0)
        return;
    if (isnan(timeout->when)) {
        timeout->status = UV_EINVAL;
        return;
    }
    struct aio__task *task = aio__task_current(loop);

    timeout->loop = loop;
    timeout->cancelling = task->cancels;
    timeout->state = ENTERED;
    aio__scope_open(&timeout->scope, task, "timeout");
    if (aio__timerheap_reserve(&loop->timers, &timeout->timer, on_timer) < 0) {
        timeout->status = UV_ENOMEM;
        expire_soon(timeout);
        return;
    }
    arm(timeout, timeout->when);
}

int
asyncio_timeout_exit(asyncio_timeout_t *timeout, int r)
{
    asyncio_task_t *task = timeout->scope.task;

    if (task == NULL) { /* it was not entered */
        if (r < 0)
            return r;
        return timeout->status < 0
            ? timeout->status
            : asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                               "Timeout has not been entered");
    }
    disarm(timeout);
    aio__scope_close(&timeout->scope);
    aio__timerheap_release(&timeout->loop->timers, &timeout->timer);
    if (timeout->state == EXPIRING) {
        timeout->state = EXPIRED;
        if (asyncio_task_uncancel(task) <= timeout->cancelling
            && r == ASYNCIO_ERR_CANCELLED)
            return aio__raise_from(timeout->status < 0 ? timeout->status
                                                       : ASYNCIO_ERR_TIMEOUT);
    } else {
        timeout->state = EXITED;
    }
    return r >= 0 && timeout->status < 0 ? timeout->status : r;
}

double
asyncio_timeout_when(const asyncio_timeout_t *timeout)
{
    return timeout->when;
}

int
asyncio_timeout_reschedule(asyncio_timeout_t *timeout, double when)
{
    if (isnan(when))
        return UV_EINVAL;
    if (timeout->state == CREATED)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Timeout has not been entered");
    if (timeout->state != ENTERED)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Cannot change state of %s Timeout",
                                names[timeout->state]);
    if (timeout->timer.id != 0)
        arm(timeout, when);
    return 0;
}

bool
asyncio_timeout_expired(const asyncio_timeout_t *timeout)
{
    return timeout->state == EXPIRING || timeout->state == EXPIRED;
}

size_t
asyncio_timeout_repr(const asyncio_timeout_t *timeout, char *buffer,
                     size_t size)
{
    int n;

    if (timeout->state == ENTERED && timeout->when != ASYNCIO_NO_TIMEOUT)
        n = snprintf(buffer, size, "<Timeout [%s] when=%.3f>",
                     names[timeout->state], timeout->when);
    else
        n = snprintf(buffer, size, "<Timeout [%s]%s>", names[timeout->state],
                     timeout->state == ENTERED ? " when=None" : "");
    return n > 0 ? (size_t) n : 0;
}
