/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_TESTING_H
#define ASYNCIO_TESTING_H

/**
 * @file testing.h
 * For tests, yours and ours: virtual time, failing allocations, counters.
 */

#include "runners.h"

ASYNCIO_BEGIN_DECLS

/** What the library holds at the moment, in the whole process. */
typedef struct asyncio_testing_counters {
    int64_t tasks;   /* and futures */
    int64_t ops;     /* libuv requests under way */
    int64_t handles; /* libuv handles that are open */
    int64_t fds;     /* descriptors the library opened itself */
    int64_t stacks;  /* stacks in use, or kept for reuse */
    int64_t bytes;   /* allocated through the library's allocator */
} asyncio_testing_counters_t;

/**
 * Read the counters.
 *
 * @python   (none)
 * @return   their values
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_testing_counters_t asyncio_testing_counters(void);

/**
 * Make allocations fail, for the whole process.
 *
 * @python   _testcapi.set_nomemory(start, stop)
 * @param    nth     the how-manieth from now fails, from 1; 0: none
 * @param    sticky  whether all after it fail as well
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_testing_fail_alloc(uint64_t nth, bool sticky);

/**
 * Allocations tried since asyncio_testing_fail_alloc() was last called.
 *
 * @python   (none)
 * @return   their number
 * @suspends never
 */
ASYNCIO_EXPORT uint64_t asyncio_testing_alloc_count(void);

/**
 * Let libuv allocate through the library, so that its allocations are counted
 * and fail, too. Before the first use of libuv in the process.
 *
 * @python   (none)
 * @return   0, or UV_EINVAL
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_testing_hook_libuv(void);

/**
 * A loop factory whose loops have a virtual clock, for asyncio_run().
 *
 * @python   (none)
 * @param    ret_loop  gets the loop
 * @return   as asyncio_loop_new()
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_testing_loop_factory(asyncio_loop_t **ret_loop);

/**
 * asyncio_run() under a virtual clock.
 *
 * @python   asyncio.run(coro, loop_factory=...)
 * @param    coro  the main coroutine
 * @return   as asyncio_run(); ASYNCIO_ERR_DEADLOCK when nothing can go on
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_testing_run(asyncio_coro_t coro);

/**
 * Let virtual time pass while the caller runs, as a slow callback would.
 *
 * @python   time.sleep(seconds)
 * @param    loop     a loop with a virtual clock
 * @param    seconds  not negative
 * @return   0; UV_EINVAL for another clock, a negative number or NaN
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_testing_advance(asyncio_loop_t *loop,
                                           double seconds);

/** Use an allocator of your own; all three must be given. */
typedef struct asyncio_allocator {
    void *(*malloc)(size_t size);
    void *(*realloc)(void *memory, size_t size);
    void (*free)(void *memory);
} asyncio_allocator_t;

/**
 * Replace the allocator of the library. Before anything else is called.
 *
 * @python   (none)
 * @param    allocator  copied; NULL for malloc and its kin
 * @return   0; UV_EBUSY while the library holds memory
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_set_allocator(const asyncio_allocator_t *allocator);

ASYNCIO_END_DECLS

#endif
