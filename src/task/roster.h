/* SPDX-License-Identifier: MIT */
#ifndef AIO_TASK_ROSTER_H
#define AIO_TASK_ROSTER_H

/*
 * The roster: the list of a loop's unfinished tasks.
 *
 * Only the loop's thread changes it, but any thread may read it. So there is
 * a lock, held for a few instructions, and not even taken while the process
 * has one thread, as the C library knows.
 */

#include <sys/single_threaded.h>

#include "task/task.h"

void aio__roster_wait(asyncio_loop_t *loop);

/* Whether it had to be locked; for the unlock. */
aio__inline bool
aio__roster_lock(asyncio_loop_t *loop)
{
    if (__libc_single_threaded)
        return false;
    if (aio__unlikely(atomic_exchange_explicit(&loop->tasks_busy, true,
                                               memory_order_acquire)))
        aio__roster_wait(loop);
    return true;
}

aio__inline void
aio__roster_unlock(asyncio_loop_t *loop, bool locked)
{
    if (locked)
        atomic_store_explicit(&loop->tasks_busy, false, memory_order_release);
}

aio__inline void
aio__roster_add(asyncio_loop_t *loop, struct aio__task *task)
{
    bool locked = aio__roster_lock(loop);

    aio__list_push_back(&loop->tasks, &task->link);
    aio__roster_unlock(loop, locked);
}

aio__inline void
aio__roster_remove(struct aio__task *task)
{
    bool locked = aio__roster_lock(task->future.loop);

    aio__list_remove(&task->link);
    aio__roster_unlock(task->future.loop, locked);
}

/* Other threads have, or had, lists of tasks. A task that is in one of them
 * has been removed from the roster since: that is why this is seen in time. */
aio__inline bool
aio__roster_visited(asyncio_loop_t *loop)
{
    return atomic_load_explicit(&loop->visits, memory_order_acquire) != 0;
}

/* The last reference to a task went: true when it has to wait. */
bool aio__roster_keep(struct aio__task *task);

#endif
