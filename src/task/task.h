/* SPDX-License-Identifier: MIT */
#ifndef AIO_TASK_TASK_H
#define AIO_TASK_TASK_H

/* The insides of tasks: a future that is finished by a fiber. */

#include "asyncio/tasks.h"
#include "task/future.h"

struct aio__task {
    asyncio_future_t future;    /* first: a task is a future */
    struct aio__fiber fiber;
    struct aio__timer timer;    /* for sleeping; its slot is reserved */
    struct aio__list link;      /* in the loop's tasks, until it ends */
    asyncio_context_t own;      /* its release frees the task */
    asyncio_coro_fn_t fn;
    const asyncio_site_t *site; /* where it was made; may be NULL */
    struct aio__scope *scopes;  /* open on its stack, the innermost first */
    char *name;                 /* owned; NULL: Task-<number> */
    uint32_t number;            /* of the name */
    uint32_t cancels;           /* requested and not taken back */
    _Alignas(16) char frame[];
};

extern const struct aio__future_type aio__task_type;

aio__inline struct aio__task *
aio__task_of(struct aio__fiber *fiber)
{
    return aio__container_of(fiber, struct aio__task, fiber);
}

/* The running task of a loop; NULL for none. */
aio__inline struct aio__task *
aio__task_current(asyncio_loop_t *loop)
{
    return loop->current != NULL ? aio__task_of(loop->current) : NULL;
}

/* NULL for a plain future, and for NULL. */
aio__inline struct aio__task *
aio__task_from(asyncio_future_t *future)
{
    return future != NULL && future->type == &aio__task_type
        ? (struct aio__task *) future
        : NULL;
}

/* The unfinished task that somebody awaits; NULL when it is anything else. */
asyncio_task_t *aio__awaited_task(struct aio__waiter *waiter);

/* "<Task Task-3 running fetch() at fetch.c:7>", for debug mode. */
void aio__task_describe(struct aio__fiber *fiber, char *buffer, size_t size);

/* Task.cancel() */
bool aio__task_cancel(asyncio_future_t *future, asyncio_exception_t *message);

/* Scopes on a task's stack. Leaving them out of order is beyond repair. */
void aio__scope_open(struct aio__scope *scope, struct aio__task *task,
                     const char *kind);
void aio__scope_close(struct aio__scope *scope);

#endif
