/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_TASKGROUPS_H
#define ASYNCIO_TASKGROUPS_H

/**
 * @file taskgroups.h
 * A scope that owns tasks: it ends when they have ended.
 *
 *     asyncio_task_group_t group;
 *     asyncio_task_group_enter(asyncio_task_group_init(&group));
 *     asyncio_task_group_create_task(&group, asyncio_coro(work, .n = 1));
 *     int r = asyncio_task_group_exit(&group, 0);
 */

#include "private.h"
#include "tasks.h"

ASYNCIO_BEGIN_DECLS

/** A task group; lives in your memory, its members are private. */
typedef struct asyncio_task_group {
    struct aio__scope scope;     /* private */
    struct aio__list children;   /* private: that have not ended */
    struct aio__list ended;      /* private: kept for the borrowed references */
    struct aio__waiter *waiter;  /* private: exit, while it waits */
    asyncio_loop_t *loop;        /* private */
    asyncio_exception_t *errors; /* private: the group, once one failed */
    asyncio_exception_t *fatal;  /* private: interrupt or exit */
    int status;                  /* private: a refused create or enter */
    bool entered;                /* private */
    bool exiting;                /* private */
    bool finished;               /* private */
    bool aborting;               /* private */
    bool cancelled;              /* private: by asyncio_task_group_cancel() */
    bool parent_cancelled;       /* private: one cancel of ours is pending */
    bool interrupted;            /* private: cancelled while it waited */
} asyncio_task_group_t;

/**
 * Prepare a group.
 *
 * @python   asyncio.TaskGroup()
 * @param    group  your memory
 * @return   `group`
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_task_group_t *
asyncio_task_group_init(asyncio_task_group_t *group);

/**
 * Enter it with the running task. What fails here (no task, entered before)
 * is returned by asyncio_task_group_exit().
 *
 * @python   async with group:
 * @param    group  prepared
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_task_group_enter(asyncio_task_group_t *group);

/**
 * Start a child. A child that cannot be made is recorded, and returned by
 * asyncio_task_group_exit().
 *
 * @python   TaskGroup.create_task(coro, ...)
 * @param    group    entered
 * @param    coro     the coroutine
 * @param    options  keywords, or NULL
 * @return   a borrowed reference, valid until the group's exit; failed already
 *           with ASYNCIO_ERR_RUNTIME when the group is not entered, has
 *           finished or is shutting down; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_task_t *
asyncio_task_group_create_task(asyncio_task_group_t *group, asyncio_coro_t coro,
                               const asyncio_create_task_options_t *options);

/**
 * Wait for the children. When one fails, the others are cancelled and so is
 * the block.
 *
 * @python   (the end of async with)
 * @param    group  entered
 * @param    r      result of the block; an error cancels the children
 * @return   `r` when nothing failed (0 when the group was cancelled by
 *           asyncio_task_group_cancel()); ASYNCIO_ERR_EXCEPTION_GROUP with the
 *           errors in order; ASYNCIO_ERR_CANCELLED; ASYNCIO_ERR_INTERRUPTED
 *           and ASYNCIO_ERR_SYSTEM_EXIT bare; what create_task was refused with
 * @suspends unless no child runs
 */
ASYNCIO_AWAITS int asyncio_task_group_exit(asyncio_task_group_t *group, int r);

/**
 * End the group early: children and block are cancelled, exit returns 0.
 * Before entry it takes effect at entry; after exit it does nothing.
 *
 * @python   TaskGroup.cancel() (3.15)
 * @param    group  prepared
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_task_group_cancel(asyncio_task_group_t *group);

/**
 * @python   repr(group)
 * @param    group   a group
 * @param    buffer  gets the text, always terminated
 * @param    size    of the buffer, in bytes
 * @return   the length it has, or would have
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_task_group_repr(const asyncio_task_group_t *group,
                                              char *buffer, size_t size);

ASYNCIO_END_DECLS

#endif
