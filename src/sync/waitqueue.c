/* SPDX-License-Identifier: MIT */
/*
 * The rare part of waiting: the first time, the wrong loop, and giving up the
 * memory that somebody still waits on.
 *
 * Python counterpart: asyncio.mixins._LoopBoundMixin.
 */
#include "sync/waitqueue.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/panic.h"
#include "task/task.h"

int
aio__waitqueue_bind(struct aio__waitqueue *queue, const char *kind)
{
    asyncio_loop_t *loop;
    int r;

    r = aio__fiber_running(&loop);
    if (r < 0)
        return r;
    if (queue->loop == NULL)
        queue->loop = loop;
    if (queue->loop != loop)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "%s is bound to a different event loop", kind);
    return 0;
}

int
aio__waitqueue_fini(struct aio__waitqueue *queue, const char *kind)
{
    struct aio__task *task;

    if (aio__waitqueue_empty(queue))
        return 0;
    if (!queue->loop->debug)
        return UV_EBUSY;
    task = aio__task_of(aio__waiter_at(queue->waiters.next)->fiber);
    aio__panic("a %s is given up while %s waits for it", kind,
               asyncio_task_get_name(&task->future));
}

size_t
aio__waitqueue_count(const struct aio__waitqueue *queue)
{
    size_t count = 0;

    aio__list_foreach(link, &queue->waiters)
        count++;
    return count;
}

size_t
aio__waitqueue_repr(const struct aio__waitqueue *queue, char *buffer,
                    size_t size, const char *format, ...)
{
    size_t count = aio__waitqueue_count(queue);
    size_t n;
    va_list args;

    va_start(args, format);
    n = (size_t) vsnprintf(buffer, size, format, args);
    va_end(args);
    /* What does not fit is counted, as snprintf does. */
    buffer = n < size ? buffer + n : NULL;
    size = n < size ? size - n : 0;
    if (count > 0)
        n += (size_t) snprintf(buffer, size, ", waiters:%zu]>", count);
    else
        n += (size_t) snprintf(buffer, size, "]>");
    return n;
}
