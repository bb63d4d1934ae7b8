/* SPDX-License-Identifier: MIT */
/*
 * Scopes: what is open on a task's stack.
 *
 * A timeout or group that is left open when its function returns would be
 * used later on a dead stack. So every task keeps a list, and whoever breaks
 * the nesting is told which scope it was.
 */
#include "base/panic.h"
#include "task/task.h"

void
aio__scope_open(struct aio__scope *scope, struct aio__task *task,
                const char *kind)
{
    scope->outer = task->scopes;
    scope->task = &task->future;
    scope->kind = kind;
    task->scopes = scope;
}

void
aio__scope_close(struct aio__scope *scope)
{
    struct aio__task *task = (struct aio__task *) scope->task;

    if (task->scopes != scope)
        aio__panic("%s leaves a %s while a %s inside it is open",
                   asyncio_task_get_name(&task->future), scope->kind,
                   task->scopes->kind);
    task->scopes = scope->outer;
    scope->task = NULL;
}
