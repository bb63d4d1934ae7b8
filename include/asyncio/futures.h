/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_FUTURES_H
#define ASYNCIO_FUTURES_H

/**
 * @file futures.h
 * Futures: results that are not there yet.
 *
 * A constructor never returns NULL. Where it fails it returns an immortal
 * future that has already failed with that code, so the error appears where
 * the future is awaited.
 */

#include "events.h"

ASYNCIO_BEGIN_DECLS

/**
 * Make a future.
 *
 * @python   loop.create_future()
 * @param    loop  a loop
 * @return   a new reference; failed already with UV_ENOMEM, or UV_EINVAL for
 *           NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_t *
asyncio_loop_create_future(asyncio_loop_t *loop);

/**
 * Make a future of the running loop.
 *
 * @python   asyncio.Future()
 * @return   a new reference; failed already with ASYNCIO_ERR_NO_RUNNING_LOOP
 *           or UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_t *asyncio_future_new(void);

/**
 * Take a reference.
 *
 * @python   (a reference)
 * @param    future  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_t *asyncio_future_ref(asyncio_future_t *future);

/**
 * Drop a reference. The last one of a failed future whose error nobody
 * retrieved tells the loop's exception handler.
 *
 * @python   del
 * @param    future  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_t *asyncio_future_unref(asyncio_future_t *future);

/**
 * Drop a reference to each of an array, and set them to NULL.
 *
 * @python   del futures
 * @param    futures  may hold NULL
 * @param    count    number of futures
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_future_unref_array(asyncio_future_t **futures,
                                               size_t count);

/**
 * Suspend until a future is done. Cancelling the task that waits here cancels
 * the future. Also as asyncio_await(future).
 *
 * @python   await future
 * @param    future  of the running loop, not the running task; borrowed
 * @return   its result: what the task returned, 0 for a plain future, or its
 *           error; ASYNCIO_ERR_CANCELLED also when the caller was cancelled;
 *           ASYNCIO_ERR_RUNTIME for itself; ASYNCIO_ERR_WRONG_LOOP;
 *           ASYNCIO_ERR_NO_RUNNING_LOOP outside a task; UV_EINVAL for NULL
 * @suspends unless it is done
 */
ASYNCIO_AWAITS int asyncio_await_future(asyncio_future_t *future);

/**
 * The same for a task.
 *
 * @python   await task
 * @param    task  of the running loop, not the running one; borrowed
 * @return   as asyncio_await_future()
 * @suspends unless it is done
 */
ASYNCIO_AWAITS int asyncio_await_task(asyncio_task_t *task);

/**
 * Run a coroutine object right here, as a part of the running task. Also as
 * asyncio_await(coro).
 *
 * @python   await coro
 * @param    coro  its frame is used in place
 * @return   what it returns
 * @suspends when the coroutine does
 */
ASYNCIO_AWAITS int asyncio_await_coro(asyncio_coro_t coro);

/**
 * @python   Future.done()
 * @param    future  a future
 * @return   true once it has a result, an error, or was cancelled
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_future_done(const asyncio_future_t *future);

/**
 * @python   Future.cancelled()
 * @param    future  a future
 * @return   true once it ended by cancellation
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_future_cancelled(const asyncio_future_t *future);

/**
 * The result of a done future. Marks its error as retrieved.
 *
 * @python   Future.result()
 * @param    future  a future
 * @return   `>= 0`, or its error; ASYNCIO_ERR_INVALID_STATE while pending
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_future_result(asyncio_future_t *future);

/**
 * The value a plain future was finished with; a task's frame.
 *
 * @python   Future.result()
 * @param    future  a future
 * @return   borrowed, valid as long as the future; NULL unless it succeeded
 * @suspends never
 */
ASYNCIO_EXPORT void *asyncio_future_value(const asyncio_future_t *future);

/**
 * The error of a done future. Marks it as retrieved.
 *
 * @python   Future.exception()
 * @param    future  a future
 * @return   borrowed, valid as long as the future; NULL when it succeeded; of
 *           code ASYNCIO_ERR_CANCELLED when it was cancelled, and
 *           ASYNCIO_ERR_INVALID_STATE while it is pending
 * @suspends never
 */
ASYNCIO_EXPORT const asyncio_exception_t *
asyncio_future_exception(asyncio_future_t *future);

typedef struct asyncio_future_set_result_options {
    size_t size;
    int status;          /* what awaiting it returns; >= 0 */
    asyncio_drop_t drop; /* of the value, when the future dies */
} asyncio_future_set_result_options_t;

/**
 * Finish a future with a value.
 *
 * @python   Future.set_result(result)
 * @param    future   a plain future
 * @param    value    any pointer
 * @param    options  keywords, or NULL
 * @return   0; ASYNCIO_ERR_INVALID_STATE when done; ASYNCIO_ERR_RUNTIME for a
 *           task; UV_EINVAL for a negative status (`.drop` is not called
 *           when it fails)
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_future_set_result(asyncio_future_t *future, void *value,
                          const asyncio_future_set_result_options_t *options);

/**
 * Finish a future with an error, whose detail is that of the newest
 * asyncio_raise() when the code is the same:
 * `asyncio_future_set_exception(f, asyncio_raise(UV_EIO, "disk %d", n))`.
 *
 * @python   Future.set_exception(exception)
 * @param    future  a plain future
 * @param    code    an error code < 0
 * @return   0; ASYNCIO_ERR_INVALID_STATE when done; ASYNCIO_ERR_TYPE for
 *           `code >= 0`; ASYNCIO_ERR_RUNTIME for a task
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_future_set_exception(asyncio_future_t *future,
                                                int code);

typedef struct asyncio_cancel_options {
    size_t size;
    const char *message; /* copied; without memory the message is lost */
} asyncio_cancel_options_t;

/**
 * Cancel a future at once, or ask a task to end: it gets
 * ASYNCIO_ERR_CANCELLED at the suspension point it is in, or at the next one.
 *
 * @python   Future.cancel(msg=None), Task.cancel(msg=None)
 * @param    future   a future
 * @param    options  keywords, or NULL
 * @return   false when it is done already
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_future_cancel(asyncio_future_t *future,
                                          const asyncio_cancel_options_t *options);

/** Called when a future is done; an error goes to the exception handler. */
typedef int (*asyncio_done_callback_t)(asyncio_future_t *future, void *arg);

typedef struct asyncio_future_add_done_callback_options {
    size_t size;
    asyncio_context_t *context; /* to run in; NULL: a copy of the current */
    asyncio_drop_t drop;        /* of arg: after the call, or instead */
} asyncio_future_add_done_callback_options_t;

/**
 * Schedule a callback for when a future is done: never called inside this
 * call, in the order of the calls, together with the tasks that wait.
 *
 * @python   Future.add_done_callback(callback, context=None)
 * @param    future    a future
 * @param    callback  the callback
 * @param    arg       its argument
 * @param    options   keywords, or NULL
 * @return   0; UV_ENOMEM; UV_EINVAL for NULL
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_future_add_done_callback(
    asyncio_future_t *future, asyncio_done_callback_t callback, void *arg,
    const asyncio_future_add_done_callback_options_t *options);

/**
 * Take back callbacks that are not scheduled yet.
 *
 * @python   Future.remove_done_callback(callback)
 * @param    future    a future
 * @param    callback  the callback
 * @param    arg       its argument: entries are equal when both are
 * @return   how many were removed
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_future_remove_done_callback(
    asyncio_future_t *future, asyncio_done_callback_t callback, void *arg);

/**
 * @python   Future.get_loop()
 * @param    future  a future
 * @return   borrowed; NULL for an immortal failed future
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_loop_t *
asyncio_future_get_loop(const asyncio_future_t *future);

/**
 * Describe a future in a line.
 *
 * @python   repr(future)
 * @param    future  a future
 * @param    buffer  gets the text, always terminated
 * @param    size    of the buffer, in bytes
 * @return   the length it has, or would have, without the terminator
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_future_repr(const asyncio_future_t *future,
                                          char *buffer, size_t size);

/**
 * Whether a pointer to a future or task is one of this library that is alive.
 *
 * @python   asyncio.isfuture(obj)
 * @param    future  may be NULL
 * @return   false for NULL
 * @suspends never
 */
static inline bool
asyncio_isfuture(const asyncio_future_t *future)
{
    return future != NULL;
}

ASYNCIO_END_DECLS

#endif
