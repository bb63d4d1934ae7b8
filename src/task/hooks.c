/* SPDX-License-Identifier: MIT */
/*
 * Hooks for those who build on tasks: a current task for a callback that
 * works on behalf of one, and tasks that asyncio_all_tasks() does not show.
 *
 * The task that runs is always the current one; an entered one counts only
 * while none runs.
 *
 * Python counterpart: asyncio._enter_task and its like.
 */
#include "task/roster.h"

static asyncio_task_t *
current(const asyncio_loop_t *loop)
{
    return loop->current != NULL ? &aio__task_of(loop->current)->future
                                 : loop->entered;
}

int
asyncio_enter_task(asyncio_loop_t *loop, asyncio_task_t *task)
{
    if (loop == NULL || aio__task_from(task) == NULL)
        return UV_EINVAL;
    if (current(loop) != NULL)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Cannot enter into task %s while another task "
                                "%s is being executed.",
                                asyncio_task_get_name(task),
                                asyncio_task_get_name(current(loop)));
    loop->entered = task;
    return 0;
}

int
asyncio_leave_task(asyncio_loop_t *loop, asyncio_task_t *task)
{
    if (loop == NULL || aio__task_from(task) == NULL)
        return UV_EINVAL;
    if (loop->current != NULL || loop->entered != task)
        return asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                "Leaving task %s does not match the current "
                                "task.",
                                asyncio_task_get_name(task));
    loop->entered = NULL;
    return 0;
}

void
asyncio_register_task(asyncio_task_t *future)
{
    struct aio__task *task = aio__task_from(future);

    if (task != NULL && future->state == AIO__PENDING
        && aio__list_empty(&task->link))
        aio__roster_add(future->loop, task);
}

void
asyncio_unregister_task(asyncio_task_t *future)
{
    struct aio__task *task = aio__task_from(future);

    if (task != NULL && future->state == AIO__PENDING)
        aio__roster_remove(task);
}
