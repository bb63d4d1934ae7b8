/* SPDX-License-Identifier: MIT */
/*
 * Barrier: a number of tasks meet, again and again.
 *
 * It fills, and drains once the last has come; who comes while it drains or
 * is being reset waits for the next round. All of it happens under the lock
 * of one condition, which is notified of every change of state. A task that
 * is cancelled while it fills just leaves.
 *
 * Python counterpart: asyncio.Barrier.
 */
#include <stdio.h>

#include "asyncio/locks.h"
#include "sync/waitqueue.h"

enum state {
    FILLING,
    DRAINING,
    RESETTING,
    BROKEN
};

int
asyncio_barrier_init(asyncio_barrier_t *barrier, int parties)
{
    asyncio_condition_init(&barrier->condition, NULL);
    barrier->parties = parties;
    barrier->count = 0;
    barrier->state = parties < 1 ? BROKEN : FILLING;
    if (parties < 1)
        return asyncio_raise_at(ASYNCIO_ERR_VALUE, NULL, 0,
                                "parties must be >= 1");
    return 0;
}

int
asyncio_barrier_fini(asyncio_barrier_t *barrier)
{
    return asyncio_condition_fini(&barrier->condition);
}

static int
open_to_newcomers(void *arg)
{
    const asyncio_barrier_t *barrier = arg;

    return barrier->state != DRAINING && barrier->state != RESETTING;
}

static int
filled(void *arg)
{
    const asyncio_barrier_t *barrier = arg;

    return barrier->state != FILLING;
}

/* Until the former round is over. */
static int
wait_for_turn(asyncio_barrier_t *barrier)
{
    int r;

    r = asyncio_condition_wait_for(&barrier->condition, open_to_newcomers,
                                   barrier);
    if (r < 0)
        return r;
    if (barrier->state == BROKEN)
        return asyncio_raise_at(ASYNCIO_ERR_BROKEN_BARRIER, NULL, 0,
                                "Barrier aborted");
    return 0;
}

static int
wait_for_others(asyncio_barrier_t *barrier)
{
    int r;

    r = asyncio_condition_wait_for(&barrier->condition, filled, barrier);
    if (r < 0)
        return r;
    if (barrier->state == BROKEN || barrier->state == RESETTING)
        return asyncio_raise_at(ASYNCIO_ERR_BROKEN_BARRIER, NULL, 0,
                                "Abort or reset of barrier");
    return 0;
}

/* The last one out opens it for the next round. */
static void
leave(asyncio_barrier_t *barrier)
{
    if (--barrier->count > 0)
        return;
    if (barrier->state == RESETTING || barrier->state == DRAINING)
        barrier->state = FILLING;
    asyncio_condition_notify_all(&barrier->condition);
}

/* With the lock taken. */
static int
meet(asyncio_barrier_t *barrier)
{
    int r, index;

    r = wait_for_turn(barrier);
    if (r < 0)
        return r;
    index = barrier->count++;
    if (index + 1 == barrier->parties) {
        barrier->state = DRAINING;
        asyncio_condition_notify_all(&barrier->condition);
    } else {
        r = wait_for_others(barrier);
    }
    leave(barrier);
    return r < 0 ? r : index;
}

int
asyncio_barrier_wait(asyncio_barrier_t *barrier)
{
    int r;

    r = asyncio_condition_acquire(&barrier->condition);
    if (r < 0)
        return r;
    r = meet(barrier);
    asyncio_condition_release(&barrier->condition);
    return r;
}

static int
change(asyncio_barrier_t *barrier, enum state state)
{
    int r;

    r = asyncio_condition_acquire(&barrier->condition);
    if (r < 0)
        return r;
    if (state == RESETTING && barrier->count == 0)
        state = FILLING;
    barrier->state = state;
    asyncio_condition_notify_all(&barrier->condition);
    asyncio_condition_release(&barrier->condition);
    return 0;
}

int
asyncio_barrier_reset(asyncio_barrier_t *barrier)
{
    return change(barrier, RESETTING);
}

int
asyncio_barrier_abort(asyncio_barrier_t *barrier)
{
    return change(barrier, BROKEN);
}

int
asyncio_barrier_parties(const asyncio_barrier_t *barrier)
{
    return barrier->parties;
}

int
asyncio_barrier_n_waiting(const asyncio_barrier_t *barrier)
{
    return barrier->state == FILLING ? barrier->count : 0;
}

bool
asyncio_barrier_broken(const asyncio_barrier_t *barrier)
{
    return barrier->state == BROKEN;
}

size_t
asyncio_barrier_repr(const asyncio_barrier_t *barrier, char *buffer,
                     size_t size)
{
    static const char *const states[] = {"filling", "draining", "resetting",
                                         "broken"};

    if (barrier->state == BROKEN)
        return (size_t) snprintf(buffer, size, "<Barrier [broken]>");
    return (size_t) snprintf(buffer, size, "<Barrier [%s, waiters:%d/%d]>",
                             states[barrier->state],
                             asyncio_barrier_n_waiting(barrier),
                             barrier->parties);
}
