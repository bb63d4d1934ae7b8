/* SPDX-License-Identifier: MIT */
/*
 * asyncio.all_tasks(), for the loop's thread and for others.
 *
 * References are counted without atomic operations, so other threads cannot
 * have any. They get the tasks by name, and are counted as visitors; a task
 * that ends while there are visitors is kept, by a reference of the roster's,
 * until they have gone. Who stops being one may make the loop look for that,
 * the next task that ends does, and so does the end of the loop.
 *
 * In front of a list stands whose it is.
 *
 * Python counterpart: asyncio.all_tasks.
 */
#include "task/roster.h"

#include <sched.h>
#include <stddef.h>

#include "base/alloc.h"

void
aio__roster_wait(asyncio_loop_t *loop)
{
    while (atomic_exchange_explicit(&loop->tasks_busy, true,
                                    memory_order_acquire))
        sched_yield();
}

/* Only the roster's own count is left, or less: forget what was kept. */
static void
let_go(asyncio_loop_t *loop)
{
    struct aio__list kept, *link;

    if (aio__list_empty(&loop->kept))
        return;
    aio__list_init(&kept);
    while ((link = aio__list_pop_front(&loop->kept)) != NULL)
        aio__list_push_back(&kept, link);
    aio__list_remove(&loop->kept_closer.link);
    atomic_fetch_sub(&loop->visits, 1);
    while ((link = aio__list_pop_front(&kept)) != NULL)
        asyncio_future_unref(
            &aio__container_of(link, struct aio__task, link)->future);
}

static int
on_gone(void *arg)
{
    asyncio_loop_t *loop = arg;

    if (atomic_load(&loop->visits) == 1)
        let_go(loop);
    return 0;
}

static void
on_close(struct aio__closer *closer)
{
    let_go(aio__container_of(closer, asyncio_loop_t, kept_closer));
}

bool
aio__roster_keep(struct aio__task *task)
{
    asyncio_loop_t *loop = task->future.loop;

    if (loop->closed)
        return false;
    if (aio__list_empty(&loop->kept)) {
        if (atomic_fetch_add(&loop->visits, 1) == 0) {
            atomic_fetch_sub(&loop->visits, 1);
            return false; /* the last one has just gone */
        }
        loop->kept_closer.close = on_close;
        aio__list_push_back(&loop->closers, &loop->kept_closer.link);
    } else if (atomic_load(&loop->visits) == 1) {
        let_go(loop);
        return false;
    }
    task->future.refs = 1;
    aio__list_push_back(&loop->kept, &task->link);
    return true;
}

static size_t
count_tasks(asyncio_loop_t *loop)
{
    size_t count = 0;

    aio__list_foreach(link, &loop->tasks)
        count++;
    return count;
}

struct list {
    asyncio_loop_t *visited; /* NULL: these are references */
    size_t room;             /* for so many */
    asyncio_task_t *tasks[];
};

static size_t
list_size(size_t room)
{
    return sizeof(struct list) + room * sizeof(asyncio_task_t *);
}

static struct list *
list_new(asyncio_loop_t *visited, size_t room)
{
    struct list *list = aio__alloc(list_size(room));

    if (list == NULL)
        return NULL;
    list->visited = visited;
    list->room = room;
    return list;
}

static void
list_free(struct list *list)
{
    aio__free(list, list_size(list->room));
}

static void
leave(asyncio_loop_t *loop)
{
    /* Without memory for that, the next task that ends will notice. */
    if (atomic_fetch_sub(&loop->visits, 1) == 2)
        (void) asyncio_loop_call_soon_threadsafe(loop, on_gone, loop, NULL);
}

/* From another thread: until there is room enough. */
static struct list *
visit(asyncio_loop_t *loop, size_t *ret_count)
{
    struct list *list = NULL;
    size_t count = 0, n = 0;
    bool locked;

    atomic_fetch_add(&loop->visits, 1);
    for (;;) {
        locked = aio__roster_lock(loop);
        count = count_tasks(loop);
        if (list != NULL && count <= list->room)
            break;
        aio__roster_unlock(loop, locked);
        if (list != NULL)
            list_free(list);
        list = list_new(loop, count + count / 4 + 8);
        if (list == NULL) {
            leave(loop);
            return NULL;
        }
    }
    aio__list_foreach(link, &loop->tasks)
        list->tasks[n++] =
            &aio__container_of(link, struct aio__task, link)->future;
    aio__roster_unlock(loop, locked);
    *ret_count = count;
    return list;
}

static struct list *
list_own(asyncio_loop_t *loop, size_t *ret_count)
{
    struct list *list = list_new(NULL, count_tasks(loop));
    size_t n = 0;

    if (list == NULL)
        return NULL;
    aio__list_foreach(link, &loop->tasks)
        list->tasks[n++] = asyncio_future_ref(
            &aio__container_of(link, struct aio__task, link)->future);
    *ret_count = n;
    return list;
}

int
asyncio_all_tasks(asyncio_loop_t *loop, asyncio_task_t ***ret_tasks,
                  size_t *ret_count)
{
    struct list *list;

    if (loop == NULL)
        loop = asyncio_get_running_loop();
    if (loop == NULL)
        return ASYNCIO_ERR_NO_RUNNING_LOOP;
    list = pthread_equal(loop->thread, pthread_self())
        ? list_own(loop, ret_count)
        : visit(loop, ret_count);
    if (list == NULL)
        return UV_ENOMEM;
    *ret_tasks = list->tasks;
    return 0;
}

void
asyncio_all_tasks_free(asyncio_task_t **tasks, size_t count)
{
    asyncio_loop_t *visited;
    struct list *list;

    if (tasks == NULL)
        return;
    list = (struct list *) (void *) ((char *) tasks
                                     - offsetof(struct list, tasks));
    visited = list->visited;
    if (visited == NULL)
        for (size_t i = 0; i < count; i++)
            asyncio_future_unref(tasks[i]);
    list_free(list);
    if (visited != NULL)
        leave(visited);
}
