/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_TIMEOUTS_H
#define ASYNCIO_TIMEOUTS_H

/**
 * @file timeouts.h
 * A deadline over a part of a task.
 *
 *     asyncio_timeout_t t;
 *     asyncio_timeout_enter(asyncio_timeout(&t, 5.0));
 *     int r = fetch(&page);
 *     r = asyncio_timeout_exit(&t, r);
 *
 * Every enter needs its exit before the function returns: leaving a deadline
 * on a dead stack aborts with the task's name.
 */

#include "private.h"
#include "tasks.h"

ASYNCIO_BEGIN_DECLS

/** A timeout; lives in your memory, its members are private. */
typedef struct asyncio_timeout {
    struct aio__scope scope; /* private */
    struct aio__timer timer; /* private: the deadline */
    struct aio__job job;     /* private: a deadline that had passed already */
    double when;             /* private */
    asyncio_loop_t *loop;    /* private */
    unsigned cancelling;     /* private: of the task, at entry */
    int status;              /* private: what enter failed with */
    uint8_t state;           /* private */
    bool queued;             /* private: the job is in the ready queue */
} asyncio_timeout_t;

/**
 * Prepare a timeout, from now.
 *
 * @python   asyncio.timeout(delay)
 * @param    timeout  your memory
 * @param    delay    seconds; ASYNCIO_NO_TIMEOUT for none
 * @return   `timeout`
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_timeout_t *asyncio_timeout(asyncio_timeout_t *timeout,
                                                  double delay);

/**
 * Prepare a timeout, at a time of the running loop's clock.
 *
 * @python   asyncio.timeout_at(when)
 * @param    timeout  your memory
 * @param    when     seconds; ASYNCIO_NO_TIMEOUT for none
 * @return   `timeout`
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_timeout_t *asyncio_timeout_at(asyncio_timeout_t *timeout,
                                                     double when);

/**
 * The same under the constructor's name.
 *
 * @python   asyncio.Timeout(when)
 * @param    timeout  your memory
 * @param    when     seconds; ASYNCIO_NO_TIMEOUT for none
 * @return   `timeout`
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_timeout_t *
asyncio_timeout_init(asyncio_timeout_t *timeout, double when);

/**
 * Arm it for the running task. What fails here (no task, entered before, no
 * memory) is returned by asyncio_timeout_exit().
 *
 * @python   async with timeout:
 * @param    timeout  prepared
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_timeout_enter(asyncio_timeout_t *timeout);

/**
 * Disarm it, and turn its own cancellation into ASYNCIO_ERR_TIMEOUT.
 *
 * @python   (the end of async with)
 * @param    timeout  entered
 * @param    r        result of the block
 * @return   ASYNCIO_ERR_TIMEOUT when `r` is the cancellation it asked for;
 *           an error of asyncio_timeout_enter(); else `r`
 * @suspends never
 */
ASYNCIO_EXPORT ASYNCIO_NODISCARD int
asyncio_timeout_exit(asyncio_timeout_t *timeout, int r);

/**
 * @python   Timeout.when()
 * @param    timeout  a timeout
 * @return   seconds on the loop's clock; ASYNCIO_NO_TIMEOUT for none
 * @suspends never
 */
ASYNCIO_EXPORT double asyncio_timeout_when(const asyncio_timeout_t *timeout);

/**
 * Move the deadline.
 *
 * @python   Timeout.reschedule(when)
 * @param    timeout  entered and not expired
 * @param    when     seconds; ASYNCIO_NO_TIMEOUT for none
 * @return   0; ASYNCIO_ERR_RUNTIME in another state; UV_EINVAL for NaN
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_timeout_reschedule(asyncio_timeout_t *timeout,
                                              double when);

/**
 * @python   Timeout.expired()
 * @param    timeout  a timeout
 * @return   true once the deadline fired
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_timeout_expired(const asyncio_timeout_t *timeout);

/**
 * @python   repr(timeout)
 * @param    timeout  a timeout
 * @param    buffer   gets the text, always terminated
 * @param    size     of the buffer, in bytes
 * @return   the length it has, or would have
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_timeout_repr(const asyncio_timeout_t *timeout,
                                           char *buffer, size_t size);

ASYNCIO_END_DECLS

#endif
