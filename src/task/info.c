/* SPDX-License-Identifier: MIT */
/*
 * What can be asked of a task: its name, frame, coroutine and context. Names
 * are made when somebody asks for them: most tasks are never asked.
 *
 * Python counterpart: Task.get_name and its like.
 */
#include <stdio.h>
#include <uv.h>

#include "base/alloc.h"
#include "task/task.h"

/* NULL, and an immortal failed future, are no tasks. */
static const struct aio__task *
as_task(const asyncio_task_t *task)
{
    return task != NULL && task->type == &aio__task_type
        ? (const struct aio__task *) task
        : NULL;
}

void *
asyncio_task_frame(const asyncio_task_t *task)
{
    return as_task(task) != NULL ? task->value : NULL;
}

const char *
asyncio_task_get_name(asyncio_task_t *future)
{
    struct aio__task *task = aio__task_from(future);
    char name[32];

    if (task == NULL)
        return "";
    if (task->name == NULL) {
        snprintf(name, sizeof name, "Task-%u", task->number);
        task->name = aio__strdup(name);
    }
    return task->name != NULL ? task->name : "Task";
}

int
asyncio_task_set_name(asyncio_task_t *future, const char *name)
{
    struct aio__task *task = aio__task_from(future);
    char *copy;

    if (task == NULL || name == NULL)
        return UV_EINVAL;
    copy = aio__strdup(name);
    if (copy == NULL)
        return UV_ENOMEM;
    aio__strfree(task->name);
    task->name = copy;
    return 0;
}

asyncio_coro_t
asyncio_task_get_coro(const asyncio_task_t *future)
{
    const struct aio__task *task = as_task(future);

    if (task == NULL || task->fiber.ended_eagerly)
        return (asyncio_coro_t){.fn = NULL};
    return (asyncio_coro_t){.fn = task->fn,
                            .frame = task->future.value,
                            .size = task->future.frame_size,
                            .site = task->site};
}

asyncio_context_t *
asyncio_task_get_context(asyncio_task_t *future)
{
    struct aio__task *task = aio__task_from(future);

    return task != NULL
        ? aio__context_of_fiber(future->loop, &task->fiber)
        : NULL;
}

void
aio__task_describe(struct aio__fiber *fiber, char *buffer, size_t size)
{
    struct aio__task *task = aio__task_of(fiber);
    const asyncio_site_t *site = task->site;

    if (site != NULL)
        snprintf(buffer, size, "<Task %s running %s() at %s:%d>",
                 asyncio_task_get_name(&task->future), site->name, site->file,
                 site->line);
    else
        snprintf(buffer, size, "<Task %s>",
                 asyncio_task_get_name(&task->future));
}

const asyncio_site_t *
asyncio_source_traceback(const asyncio_task_t *task)
{
    return as_task(task) != NULL ? as_task(task)->site : NULL;
}

size_t
asyncio_task_get_stack(const asyncio_task_t *future,
                       const asyncio_site_t **ret_sites, size_t limit)
{
    const struct aio__task *task = as_task(future);

    if (task == NULL || task->site == NULL || limit == 0
        || task->future.state != AIO__PENDING)
        return 0;
    ret_sites[0] = task->site;
    return 1;
}

int
asyncio_task_print_stack(const asyncio_task_t *task, char *buffer, size_t size)
{
    const asyncio_site_t *site;
    char name[160];

    if (as_task(task) == NULL || buffer == NULL || size == 0)
        return UV_EINVAL;
    asyncio_future_repr(task, name, sizeof name);
    if (asyncio_task_get_stack(task, &site, 1) == 0)
        return snprintf(buffer, size, "No stack for %s\n", name);
    return snprintf(buffer, size, "Stack for %s:\n  File \"%s\", line %d, in %s\n",
                    name, site->file, site->line, site->name);
}
