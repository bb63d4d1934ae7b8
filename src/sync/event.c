/* SPDX-License-Identifier: MIT */
/*
 * Event: a flag that tasks can wait for.
 *
 * Setting it wakes all that wait, in their order. They do not look at the
 * flag again, so clearing it at once loses no wake-up.
 *
 * Python counterpart: asyncio.Event.
 */
#include "asyncio/locks.h"
#include "sync/waitqueue.h"

void
asyncio_event_init(asyncio_event_t *event)
{
    aio__waitqueue_init(&event->queue);
    event->value = false;
}

int
asyncio_event_fini(asyncio_event_t *event)
{
    return aio__waitqueue_fini(&event->queue, "Event");
}

int
asyncio_event_wait(asyncio_event_t *event)
{
    struct aio__waiter waiter;

    if (event->value)
        return 0;
    return aio__waitqueue_wait(&event->queue, &waiter, "Event");
}

void
asyncio_event_set(asyncio_event_t *event)
{
    if (event->value)
        return;
    event->value = true;
    aio__waitqueue_wake_all(&event->queue);
}

void
asyncio_event_clear(asyncio_event_t *event)
{
    event->value = false;
}

bool
asyncio_event_is_set(const asyncio_event_t *event)
{
    return event->value;
}

size_t
asyncio_event_repr(const asyncio_event_t *event, char *buffer, size_t size)
{
    return aio__waitqueue_repr(&event->queue, buffer, size, "<Event [%s",
                               event->value ? "set" : "unset");
}
