/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_LOCKS_H
#define ASYNCIO_LOCKS_H

/**
 * @file locks.h
 * Locks, events, conditions, semaphores and barriers, for tasks of one loop.
 *
 * All of them live in your memory, wait in the order of the calls, and
 * allocate nothing. Each belongs to the loop in which a task first really
 * waits for it; a task of another loop then gets ASYNCIO_ERR_RUNTIME. None is
 * for threads. `_fini` refuses with UV_EBUSY while tasks wait (and in debug
 * mode aborts with their names): memory they wait on must stay.
 *
 *     int r = asyncio_lock_acquire(&lock);
 *     if (r < 0)
 *         return r;
 *     r = work();
 *     asyncio_lock_release(&lock);
 */

#include "events.h"
#include "private.h"

ASYNCIO_BEGIN_DECLS

/** A fair mutex for tasks; not owned, not re-entrant. Members are private. */
typedef struct asyncio_lock {
    struct aio__waitqueue queue; /* private */
    bool locked;                 /* private */
} asyncio_lock_t;

/**
 * Prepare a lock, unlocked.
 *
 * @python   asyncio.Lock()
 * @param    lock  your memory
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_lock_init(asyncio_lock_t *lock);

/**
 * Give it up.
 *
 * @python   del lock
 * @param    lock  a lock
 * @return   0; UV_EBUSY while tasks wait for it
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_lock_fini(asyncio_lock_t *lock);

/**
 * Take the lock, after those that wait already.
 *
 * @python   await lock.acquire()
 * @param    lock  a lock
 * @return   0; ASYNCIO_ERR_CANCELLED, then it is not taken;
 *           ASYNCIO_ERR_RUNTIME in another loop; ASYNCIO_ERR_NO_RUNNING_LOOP
 *           when it would wait outside a task
 * @suspends unless it is free
 */
ASYNCIO_AWAITS int asyncio_lock_acquire(asyncio_lock_t *lock);

/**
 * Free the lock, and wake the first task that waits.
 *
 * @python   lock.release()
 * @param    lock  a lock
 * @return   0; ASYNCIO_ERR_RUNTIME when it is not locked
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_lock_release(asyncio_lock_t *lock);

/**
 * @python   lock.locked()
 * @param    lock  a lock
 * @return   true while it is taken
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_lock_locked(const asyncio_lock_t *lock);

/**
 * @python   repr(lock)
 * @param    lock    a lock
 * @param    buffer  gets the text, always terminated
 * @param    size    of the buffer, in bytes
 * @return   the length it has, or would have
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_lock_repr(const asyncio_lock_t *lock,
                                        char *buffer, size_t size);

/** A flag that tasks can wait for. Members are private. */
typedef struct asyncio_event {
    struct aio__waitqueue queue; /* private */
    bool value;                  /* private */
} asyncio_event_t;

/**
 * Prepare an event, not set.
 *
 * @python   asyncio.Event()
 * @param    event  your memory
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_event_init(asyncio_event_t *event);

/**
 * Give it up.
 *
 * @python   del event
 * @param    event  an event
 * @return   0; UV_EBUSY while tasks wait for it
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_event_fini(asyncio_event_t *event);

/**
 * Wait until it is set.
 *
 * @python   await event.wait()
 * @param    event  an event
 * @return   0; ASYNCIO_ERR_CANCELLED; ASYNCIO_ERR_RUNTIME in another loop;
 *           ASYNCIO_ERR_NO_RUNNING_LOOP when it would wait outside a task
 * @suspends unless it is set
 */
ASYNCIO_AWAITS int asyncio_event_wait(asyncio_event_t *event);

/**
 * Set it, and wake all that wait.
 *
 * @python   event.set()
 * @param    event  an event
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_event_set(asyncio_event_t *event);

/**
 * Reset it; who was woken already goes on.
 *
 * @python   event.clear()
 * @param    event  an event
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_event_clear(asyncio_event_t *event);

/**
 * @python   event.is_set()
 * @param    event  an event
 * @return   true while it is set
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_event_is_set(const asyncio_event_t *event);

/**
 * @python   repr(event)
 * @param    event   an event
 * @param    buffer  gets the text, always terminated
 * @param    size    of the buffer, in bytes
 * @return   the length it has, or would have
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_event_repr(const asyncio_event_t *event,
                                         char *buffer, size_t size);

/** A condition variable on a lock. Members are private. */
typedef struct asyncio_condition {
    struct aio__waitqueue queue; /* private */
    asyncio_lock_t *lock;        /* private: yours, or `own` */
    asyncio_lock_t own;          /* private */
} asyncio_condition_t;

/**
 * Prepare a condition.
 *
 * @python   asyncio.Condition(lock=None)
 * @param    condition  your memory
 * @param    lock       borrowed until asyncio_condition_fini(); NULL for one
 *                      of its own
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_condition_init(asyncio_condition_t *condition,
                                           asyncio_lock_t *lock);

/**
 * Give it up; a lock that was given stays.
 *
 * @python   del condition
 * @param    condition  a condition
 * @return   0; UV_EBUSY while tasks wait for it
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_condition_fini(asyncio_condition_t *condition);

/**
 * Take its lock.
 *
 * @python   await condition.acquire()
 * @param    condition  a condition
 * @return   as asyncio_lock_acquire()
 * @suspends unless it is free
 */
ASYNCIO_AWAITS int asyncio_condition_acquire(asyncio_condition_t *condition);

/**
 * Free its lock.
 *
 * @python   condition.release()
 * @param    condition  a condition
 * @return   0; ASYNCIO_ERR_RUNTIME when it is not locked
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_condition_release(asyncio_condition_t *condition);

/**
 * @python   condition.locked()
 * @param    condition  a condition
 * @return   true while its lock is taken
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_condition_locked(const asyncio_condition_t *condition);

/**
 * Free the lock, wait to be notified, take the lock again. It may return
 * without a reason: check yours again, or use asyncio_condition_wait_for().
 *
 * @python   await condition.wait()
 * @param    condition  a condition, locked
 * @return   0, or ASYNCIO_ERR_CANCELLED (the last one that came), both with
 *           the lock taken; ASYNCIO_ERR_RUNTIME when it is not locked, or in
 *           another loop; ASYNCIO_ERR_NO_RUNNING_LOOP outside a task
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_condition_wait(asyncio_condition_t *condition);

/** Positive when it holds, 0 when it does not, or an error code. */
typedef int (*asyncio_predicate_t)(void *arg);

/**
 * Wait until a predicate holds; it is called with the lock taken.
 *
 * @python   await condition.wait_for(predicate)
 * @param    condition  a condition, locked
 * @param    predicate  the predicate
 * @param    arg        its argument
 * @return   what the predicate returned, not 0; what
 *           asyncio_condition_wait() failed with
 * @suspends unless the predicate holds
 */
ASYNCIO_AWAITS int asyncio_condition_wait_for(asyncio_condition_t *condition,
                                              asyncio_predicate_t predicate,
                                              void *arg);

/**
 * Wake some that wait; they go on once they get the lock.
 *
 * @python   condition.notify(n=1)
 * @param    condition  a condition, locked
 * @param    n          how many at most
 * @return   0; ASYNCIO_ERR_RUNTIME when it is not locked
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_condition_notify(asyncio_condition_t *condition,
                                            size_t n);

/**
 * Wake all that wait.
 *
 * @python   condition.notify_all()
 * @param    condition  a condition, locked
 * @return   0; ASYNCIO_ERR_RUNTIME when it is not locked
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_condition_notify_all(asyncio_condition_t *condition);

/**
 * @python   repr(condition)
 * @param    condition  a condition
 * @param    buffer     gets the text, always terminated
 * @param    size       of the buffer, in bytes
 * @return   the length it has, or would have
 * @suspends never
 */
ASYNCIO_EXPORT size_t
asyncio_condition_repr(const asyncio_condition_t *condition, char *buffer,
                       size_t size);

/** A number of permits. Members are private. */
typedef struct asyncio_semaphore {
    struct aio__waitqueue queue; /* private */
    long value;                  /* private: permits that are free */
    long bound;                  /* private: of a bounded one; else LONG_MAX */
} asyncio_semaphore_t;

/**
 * Prepare a semaphore.
 *
 * @python   asyncio.Semaphore(value=1)
 * @param    semaphore  your memory
 * @param    value      permits that are free at first
 * @return   0; ASYNCIO_ERR_VALUE for less than 0 (it then has none)
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_semaphore_init(asyncio_semaphore_t *semaphore,
                                          long value);

/**
 * Give it up.
 *
 * @python   del semaphore
 * @param    semaphore  a semaphore
 * @return   0; UV_EBUSY while tasks wait for it
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_semaphore_fini(asyncio_semaphore_t *semaphore);

/**
 * Take a permit, after those that wait already.
 *
 * @python   await semaphore.acquire()
 * @param    semaphore  a semaphore
 * @return   as asyncio_lock_acquire()
 * @suspends unless a permit is free and nobody waits
 */
ASYNCIO_AWAITS int asyncio_semaphore_acquire(asyncio_semaphore_t *semaphore);

/**
 * Give back a permit, and wake the first task that waits.
 *
 * @python   semaphore.release()
 * @param    semaphore  a semaphore
 * @return   0; ASYNCIO_ERR_VALUE when a bounded one has all permits
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_semaphore_release(asyncio_semaphore_t *semaphore);

/**
 * @python   semaphore.locked()
 * @param    semaphore  a semaphore
 * @return   true when asyncio_semaphore_acquire() would wait
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_semaphore_locked(const asyncio_semaphore_t *semaphore);

/**
 * @python   repr(semaphore)
 * @param    semaphore  a semaphore
 * @param    buffer     gets the text, always terminated
 * @param    size       of the buffer, in bytes
 * @return   the length it has, or would have
 * @suspends never
 */
ASYNCIO_EXPORT size_t
asyncio_semaphore_repr(const asyncio_semaphore_t *semaphore, char *buffer,
                       size_t size);

/** A semaphore, for which all functions of semaphores work. */
typedef asyncio_semaphore_t asyncio_bounded_semaphore_t;

/**
 * Prepare a semaphore that never has more permits than at first.
 *
 * @python   asyncio.BoundedSemaphore(value=1)
 * @param    semaphore  your memory
 * @param    value      permits that are free at first
 * @return   0; ASYNCIO_ERR_VALUE for less than 0 (it then has none)
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_bounded_semaphore_init(asyncio_bounded_semaphore_t *semaphore,
                               long value);

/**
 * @python   bounded_semaphore.release()
 * @param    semaphore  a bounded semaphore
 * @return   as asyncio_semaphore_release()
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_bounded_semaphore_release(asyncio_bounded_semaphore_t *semaphore);

/** A place where a number of tasks meet. Members are private. */
typedef struct asyncio_barrier {
    asyncio_condition_t condition; /* private: notified of every change */
    int parties;                   /* private */
    int count;                     /* private: tasks inside */
    int state;                     /* private */
} asyncio_barrier_t;

/**
 * Prepare a barrier.
 *
 * @python   asyncio.Barrier(parties)
 * @param    barrier  your memory
 * @param    parties  how many tasks meet
 * @return   0; ASYNCIO_ERR_VALUE for less than 1 (it is then broken)
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_barrier_init(asyncio_barrier_t *barrier,
                                        int parties);

/**
 * Give it up.
 *
 * @python   del barrier
 * @param    barrier  a barrier
 * @return   0; UV_EBUSY while tasks wait there
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_barrier_fini(asyncio_barrier_t *barrier);

/**
 * Wait for the others.
 *
 * @python   await barrier.wait()
 * @param    barrier  a barrier
 * @return   a number from 0 to parties - 1, another one for each;
 *           ASYNCIO_ERR_BROKEN_BARRIER when it was reset or aborted;
 *           ASYNCIO_ERR_CANCELLED; ASYNCIO_ERR_RUNTIME in another loop
 * @suspends unless it is the last to come
 */
ASYNCIO_AWAITS int asyncio_barrier_wait(asyncio_barrier_t *barrier);

/**
 * Empty it: the tasks in it get ASYNCIO_ERR_BROKEN_BARRIER, new ones meet.
 *
 * @python   await barrier.reset()
 * @param    barrier  a barrier
 * @return   0; ASYNCIO_ERR_CANCELLED, then nothing was done
 * @suspends when it waits for the barrier's lock
 */
ASYNCIO_AWAITS int asyncio_barrier_reset(asyncio_barrier_t *barrier);

/**
 * Break it: everybody gets ASYNCIO_ERR_BROKEN_BARRIER, until it is reset.
 *
 * @python   await barrier.abort()
 * @param    barrier  a barrier
 * @return   0; ASYNCIO_ERR_CANCELLED, then nothing was done
 * @suspends when it waits for the barrier's lock
 */
ASYNCIO_AWAITS int asyncio_barrier_abort(asyncio_barrier_t *barrier);

/**
 * @python   barrier.parties
 * @param    barrier  a barrier
 * @return   how many tasks meet
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_barrier_parties(const asyncio_barrier_t *barrier);

/**
 * @python   barrier.n_waiting
 * @param    barrier  a barrier
 * @return   how many tasks are there and wait for the others
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_barrier_n_waiting(const asyncio_barrier_t *barrier);

/**
 * @python   barrier.broken
 * @param    barrier  a barrier
 * @return   true after asyncio_barrier_abort()
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_barrier_broken(const asyncio_barrier_t *barrier);

/**
 * @python   repr(barrier)
 * @param    barrier  a barrier
 * @param    buffer   gets the text, always terminated
 * @param    size     of the buffer, in bytes
 * @return   the length it has, or would have
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_barrier_repr(const asyncio_barrier_t *barrier,
                                           char *buffer, size_t size);

ASYNCIO_END_DECLS

#endif
