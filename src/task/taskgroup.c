/* SPDX-License-Identifier: MIT */
/*
 * Task groups: the exit waits for every child, whatever happens meanwhile.
 *
 * The first error of a child cancels the others and, once, the parent; that
 * request is taken back at the exit. Children report in a pass of their own
 * after they ended, so an eager child cannot fail inside create_task. The
 * group keeps its children until the exit, so borrowed references to them
 * stay valid that long.
 *
 * Python counterpart: asyncio.TaskGroup of 3.14, with 3.15's cancel().
 */
#include <stdio.h>
#include <string.h>

#include "asyncio/taskgroups.h"
#include "base/alloc.h"
#include "task/awaiter.h"
#include "task/task.h"

struct child {
    struct aio__list link; /* in children, then in ended */
    struct aio__future_job job;
    asyncio_task_group_t *group;
    asyncio_task_t *task; /* a reference */
};

asyncio_task_group_t *
asyncio_task_group_init(asyncio_task_group_t *group)
{
    memset(group, 0, sizeof *group);
    aio__list_init(&group->children);
    aio__list_init(&group->ended);
    return group;
}

static void
cancel_parent(asyncio_task_group_t *group)
{
    group->parent_cancelled = true;
    aio__task_cancel(group->scope.task, NULL);
}

static void
abort_children(asyncio_task_group_t *group)
{
    group->aborting = true;
    aio__list_foreach(link, &group->children) {
        struct child *child = aio__container_of(link, struct child, link);

        aio__cancel(child->task, NULL);
    }
}

void
asyncio_task_group_enter(asyncio_task_group_t *group)
{
    asyncio_loop_t *loop;
    int r;

    if (group->entered) {
        group->status = asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                                         "TaskGroup has already been entered");
        return;
    }
    r = aio__fiber_running(&loop);
    if (r < 0) {
        group->status = r;
        return;
    }
    group->loop = loop;
    group->entered = true;
    aio__scope_open(&group->scope, aio__task_current(loop), "task group");
    if (group->cancelled) {
        group->aborting = true;
        cancel_parent(group);
    }
}

static bool
is_fatal(int code)
{
    return code == ASYNCIO_ERR_INTERRUPTED || code == ASYNCIO_ERR_SYSTEM_EXIT;
}

/* Takes the error. */
static void
add_error(asyncio_task_group_t *group, int code, asyncio_exception_t *error)
{
    if (error == NULL)
        error = aio__exception_new(code, NULL);
    if (error == NULL)
        error = aio__exception_of(code);
    if (is_fatal(code) && group->fatal == NULL)
        group->fatal = aio__exception_ref(error);
    if (group->errors == NULL)
        group->errors = aio__exception_new(
            ASYNCIO_ERR_EXCEPTION_GROUP, "unhandled errors in a TaskGroup");
    if (group->errors == NULL) {
        aio__exception_unref(error);
        group->status = UV_ENOMEM;
    } else if (aio__exception_add(group->errors, error) < 0) {
        group->status = UV_ENOMEM;
    }
}

static void
on_child(struct aio__future_job *job, asyncio_future_t *task)
{
    struct child *child = aio__container_of(job, struct child, job);
    asyncio_task_group_t *group = child->group;

    aio__list_remove(&child->link);
    aio__list_push_back(&group->ended, &child->link);
    if (group->waiter != NULL && aio__list_empty(&group->children))
        aio__wake(group->waiter, 0);
    if (task->state == AIO__CANCELLED || task->status >= 0)
        return;
    if (task->refs != AIO__IMMORTAL)
        task->unretrieved = false;
    add_error(group, task->status, aio__future_detail(task));
    if (!group->aborting && !group->parent_cancelled) {
        abort_children(group);
        cancel_parent(group);
    }
}

asyncio_future_t *
aio__task_group_awaiter(struct aio__future_cb *cb)
{
    struct aio__future_job *job = aio__future_job_of(cb, on_child);

    if (job == NULL)
        return NULL;
    return aio__container_of(job, struct child, job)->group->scope.task;
}

static asyncio_task_t *
refuse(asyncio_task_group_t *group, int code, asyncio_coro_t coro,
       const asyncio_create_task_options_t *options, const char *why)
{
    asyncio_drop_t drop = aio__option(options, drop, NULL);

    if (drop != NULL)
        drop(coro.frame);
    if (why != NULL)
        asyncio_raise_at(code, NULL, 0, "TaskGroup %s", why);
    if (group->status == 0 && !group->aborting && !group->exiting)
        group->status = code;
    return aio__future_failed(code);
}

asyncio_task_t *
asyncio_task_group_create_task(asyncio_task_group_t *group, asyncio_coro_t coro,
                               const asyncio_create_task_options_t *options)
{
    struct child *child;
    asyncio_task_t *task;

    if (!group->entered)
        return refuse(group, ASYNCIO_ERR_RUNTIME, coro, options,
                      "has not been entered");
    if (group->finished
        || (group->exiting && aio__list_empty(&group->children)))
        return refuse(group, ASYNCIO_ERR_RUNTIME, coro, options,
                      "is finished");
    if (group->aborting)
        return refuse(group, ASYNCIO_ERR_RUNTIME, coro, options,
                      "is shutting down");
    child = aio__alloc(sizeof *child);
    if (child == NULL)
        return refuse(group, UV_ENOMEM, coro, options, NULL);
    task = asyncio_loop_create_task(group->loop, coro, options);
    if (task->refs == AIO__IMMORTAL) { /* refused, its frame was dropped */
        aio__free(child, sizeof *child);
        if (group->status == 0)
            group->status = task->status;
        return task;
    }
    child->group = group;
    child->task = task;
    aio__list_push_back(&group->children, &child->link);
    aio__future_job_init(&child->job, on_child);
    aio__future_subscribe(task, &child->job.cb);
    /* An eager child may have called asyncio_task_group_cancel(). */
    if (group->aborting && group->cancelled)
        aio__cancel(task, NULL);
    return task;
}

static void
wait_for_children(asyncio_task_group_t *group, int *cancelled,
                  asyncio_exception_t **detail)
{
    while (!aio__list_empty(&group->children)) {
        struct aio__waiter waiter;
        int r;

        aio__waiter_init(&waiter, group->loop, NULL);
        group->waiter = &waiter;
        r = aio__wait(&waiter);
        group->waiter = NULL;
        if (r < 0)
            group->interrupted = true;
        if (r < 0 && !group->aborting) {
            /* Cancelled from outside, like the children now. */
            *cancelled = r;
            aio__exception_unref(*detail);
            *detail = aio__raised(r);
            abort_children(group);
        }
    }
}

static void
let_go(asyncio_task_group_t *group)
{
    struct aio__list *link;

    while ((link = aio__list_pop_front(&group->ended)) != NULL) {
        struct child *child = aio__container_of(link, struct child, link);

        asyncio_future_unref(child->task);
        aio__free(child, sizeof *child);
    }
    aio__scope_close(&group->scope);
    group->finished = true;
}

/* The children have ended: what is the result? `detail` is borrowed. */
static int
outcome(asyncio_task_group_t *group, int r, int cancelled,
        asyncio_exception_t *detail, asyncio_exception_t *body)
{
    asyncio_task_t *parent = group->scope.task;

    if (group->fatal != NULL)
        return aio__raise_exception(group->fatal->code,
                                    aio__exception_ref(group->fatal));
    if (group->parent_cancelled) {
        if (asyncio_task_uncancel(parent) == 0)
            cancelled = 0;
        else if (group->interrupted)
            cancelled = ASYNCIO_ERR_CANCELLED; /* not only by us */
    }
    if (cancelled != 0 && group->errors == NULL)
        return aio__raise_exception(cancelled, aio__exception_ref(detail));
    if (r < 0 && r != ASYNCIO_ERR_CANCELLED)
        add_error(group, r, aio__exception_ref(body));
    if (group->errors != NULL) {
        if (asyncio_task_cancelling(parent) > 0) {
            asyncio_task_uncancel(parent);
            aio__task_cancel(parent, NULL);
        }
        return aio__raise_exception(ASYNCIO_ERR_EXCEPTION_GROUP,
                                    aio__exception_ref(group->errors));
    }
    if (group->status < 0)
        return group->status;
    return r < 0 ? 0 : r;
}

int
asyncio_task_group_exit(asyncio_task_group_t *group, int r)
{
    int cancelled = r == ASYNCIO_ERR_CANCELLED ? r : 0;
    asyncio_exception_t *body;
    asyncio_exception_t *detail;
    int result;

    if (group->scope.task == NULL) { /* it was not entered */
        if (r < 0)
            return r;
        return group->status < 0
            ? group->status
            : asyncio_raise_at(ASYNCIO_ERR_RUNTIME, NULL, 0,
                               "TaskGroup has not been entered");
    }
    body = r < 0 ? aio__raised(r) : NULL;
    detail = aio__exception_ref(body);
    group->exiting = true;
    if (is_fatal(r) && group->fatal == NULL)
        group->fatal = body != NULL ? aio__exception_ref(body)
                                    : aio__exception_of(r);
    if (r < 0 && !group->aborting)
        abort_children(group);
    wait_for_children(group, &cancelled, &detail);
    result = outcome(group, r, cancelled, detail, body);
    aio__exception_unref(detail);
    aio__exception_unref(body);
    aio__exception_unref(group->errors);
    aio__exception_unref(group->fatal);
    group->errors = NULL;
    group->fatal = NULL;
    let_go(group);
    return result;
}

void
asyncio_task_group_cancel(asyncio_task_group_t *group)
{
    if (group->finished || group->cancelled)
        return;
    group->cancelled = true;
    if (!group->entered)
        return;
    if (!group->aborting)
        abort_children(group);
    if (!group->parent_cancelled)
        cancel_parent(group);
}

size_t
asyncio_task_group_repr(const asyncio_task_group_t *group, char *buffer,
                        size_t size)
{
    size_t tasks = 0;
    int n;

    aio__list_foreach(link, (struct aio__list *) (uintptr_t) &group->children)
        tasks++;
    n = snprintf(buffer, size, "<TaskGroup tasks=%zu errors=%zu%s>", tasks,
                 asyncio_error_group_count(group->errors),
                 group->aborting       ? " cancelling"
                     : group->entered ? " entered"
                                      : "");
    return n > 0 ? (size_t) n : 0;
}
