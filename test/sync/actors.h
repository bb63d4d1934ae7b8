/* SPDX-License-Identifier: MIT */
/*
 * Small coroutines that the tests of locks and queues share. Each traces its
 * letter once it has what it waited for.
 */
#ifndef TEST_SYNC_ACTORS_H
#define TEST_SYNC_ACTORS_H

#include "scenes.h"

/* Start a task, which runs in the next pass. */
#define START(...) asyncio_create_task(asyncio_coro(__VA_ARGS__))

/* Wait for a task, drop it, and return its result. */
static inline int
finish(asyncio_task_t *task)
{
    int r = asyncio_await(task);

    asyncio_task_unref(task);
    return r;
}

/* Cancel a task and wait for its end. */
static inline int
end_by_cancel(asyncio_task_t *task)
{
    asyncio_task_cancel(task);
    return finish(task);
}

/* await lock.acquire() */
struct take_lock {
    asyncio_lock_t *lock;
    char letter;
};

static inline int
take_lock(void *arg)
{
    struct take_lock *self = arg;
    int r = asyncio_lock_acquire(self->lock);

    if (r >= 0)
        trace(self->letter);
    return r;
}

/* await event.wait() */
struct await_event {
    asyncio_event_t *event;
    char letter;
};

static inline int
await_event(void *arg)
{
    struct await_event *self = arg;
    int r = asyncio_event_wait(self->event);

    if (r >= 0)
        trace(self->letter);
    return r;
}

/* async with condition: await condition.wait() */
struct await_notification {
    asyncio_condition_t *condition;
    char letter;
    bool *locked; /* whether the lock was taken when the wait ended; or NULL */
};

static inline int
await_notification(void *arg)
{
    struct await_notification *self = arg;
    int r;

    r = asyncio_condition_acquire(self->condition);
    if (r < 0)
        return r;
    r = asyncio_condition_wait(self->condition);
    if (self->locked != NULL)
        *self->locked = asyncio_condition_locked(self->condition);
    if (r >= 0)
        trace(self->letter);
    assert_r(asyncio_condition_release(self->condition), 0);
    return r;
}

/* await semaphore.acquire(), `times` times; released each time if `give` */
struct take_permit {
    asyncio_semaphore_t *semaphore;
    char letter;
    int times; /* 0: once */
    bool give;
};

static inline int
take_permit(void *arg)
{
    struct take_permit *self = arg;

    for (int i = 0; i == 0 || i < self->times; i++) {
        int r = asyncio_semaphore_acquire(self->semaphore);

        if (r < 0)
            return r;
        trace(self->letter);
        if (self->give)
            assert_r(asyncio_semaphore_release(self->semaphore), 0);
    }
    return 0;
}

/* item = await queue.get(); the item is traced */
struct get_item {
    asyncio_queue_t *queue;
    int times; /* 0: once */
};

static inline int
get_item(void *arg)
{
    struct get_item *self = arg;

    for (int i = 0; i == 0 || i < self->times; i++) {
        void *item;
        int r = asyncio_queue_get(self->queue, &item);

        if (r < 0)
            return r;
        trace((char) (intptr_t) item);
    }
    return 0;
}

/* await queue.put(item) */
struct put_item {
    asyncio_queue_t *queue;
    char item;
};

static inline int
put_item(void *arg)
{
    struct put_item *self = arg;

    return asyncio_queue_put(self->queue, (void *) (intptr_t) self->item);
}

#define ITEM(letter) ((void *) (intptr_t) (letter))

#endif
