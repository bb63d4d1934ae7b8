/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_STAGGERED_H
#define ASYNCIO_STAGGERED_H

/**
 * @file staggered.h
 * A race of coroutines that start one after the other ("happy eyeballs").
 */

#include "coroutines.h"

ASYNCIO_BEGIN_DECLS

typedef struct asyncio_staggered_race_options {
    size_t size;
    int *ret_errors;     /* gets a code for each that started; 0: the winner */
    size_t *ret_started; /* gets how many started */
} asyncio_staggered_race_options_t;

/**
 * Run coroutines until one succeeds. The next one starts when the former
 * fails, or after a delay; when one succeeds the others are cancelled, and
 * their ends awaited.
 *
 * @python   await asyncio.staggered.staggered_race(coro_fns, delay)
 * @param    coros    what to try, in this order; frames are used in place
 * @param    count    number of coroutines; 0 is fine
 * @param    delay    seconds between starts; ASYNCIO_NO_TIMEOUT: only after
 *                    failures
 * @param    options  keywords, or NULL
 * @return   the index of the winner; ASYNCIO_ERR_EXCEPTION_GROUP with the
 *           errors of all when none succeeded; ASYNCIO_ERR_CANCELLED;
 *           UV_EINVAL for NaN; UV_ENOMEM; ASYNCIO_ERR_NO_RUNNING_LOOP outside
 *           a task
 * @suspends always
 */
ASYNCIO_AWAITS int
asyncio_staggered_race(const asyncio_coro_t *coros, size_t count, double delay,
                       const asyncio_staggered_race_options_t *options);

ASYNCIO_END_DECLS

#endif
