/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_THREADS_H
#define ASYNCIO_THREADS_H

/**
 * @file threads.h
 * Threads and the loop: work that blocks, futures that threads wait for, and
 * the doors from one to the other.
 *
 * Work for a thread is a coroutine object as everywhere, but it runs without
 * a loop: it may block, and may not await. Its frame is copied into the job
 * and dies with it, so a cancelled caller leaves nothing behind that the
 * thread still writes to.
 */

#include "tasks.h"

ASYNCIO_BEGIN_DECLS

/** A result that threads wait for; every function of it is thread-safe. */
typedef struct asyncio_thread_future asyncio_thread_future_t;

/** A pool of threads; every function of it is thread-safe. */
typedef struct asyncio_thread_pool asyncio_thread_pool_t;

/**
 * Make a thread future to be finished by hand.
 *
 * @python   concurrent.futures.Future()
 * @return   a new reference; failed already with UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_thread_future_t *asyncio_thread_future_new(void);

/**
 * @python   (a reference)
 * @param    future  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_thread_future_t *
asyncio_thread_future_ref(asyncio_thread_future_t *future);

/**
 * Drop a reference.
 *
 * @python   del
 * @param    future  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_thread_future_t *
asyncio_thread_future_unref(asyncio_thread_future_t *future);

/**
 * Block the calling thread until the future is done. Never in the thread of
 * the loop that has to finish it.
 *
 * @python   concurrent.futures.Future.result(timeout)
 * @param    future   a thread future
 * @param    seconds  ASYNCIO_NO_TIMEOUT for none; <= 0 does not wait
 * @return   its result, or its error; ASYNCIO_ERR_CANCELLED;
 *           ASYNCIO_ERR_TIMEOUT (also when that was its error); UV_EINVAL for
 *           NULL or NaN
 * @suspends never: it blocks
 */
ASYNCIO_EXPORT int
asyncio_thread_future_result(asyncio_thread_future_t *future, double seconds);

/**
 * The same, for the detail of an error.
 *
 * @python   concurrent.futures.Future.exception(timeout)
 * @param    future   a thread future
 * @param    seconds  ASYNCIO_NO_TIMEOUT for none; <= 0 does not wait
 * @return   borrowed, valid as long as the future; NULL when it succeeded; of
 *           code ASYNCIO_ERR_CANCELLED or ASYNCIO_ERR_TIMEOUT
 * @suspends never: it blocks
 */
ASYNCIO_EXPORT const asyncio_exception_t *
asyncio_thread_future_exception(asyncio_thread_future_t *future,
                                double seconds);

/**
 * The value a thread future was finished with; of a job or a coroutine its
 * frame.
 *
 * @python   concurrent.futures.Future.result()
 * @param    future  a thread future
 * @return   borrowed, valid as long as the future; NULL unless it succeeded
 * @suspends never
 */
ASYNCIO_EXPORT void *
asyncio_thread_future_value(asyncio_thread_future_t *future);

/**
 * Cancel what has not started. A coroutine of
 * asyncio_run_coroutine_threadsafe() is also cancelled while it runs.
 *
 * @python   concurrent.futures.Future.cancel()
 * @param    future  a thread future
 * @return   false when it runs in a thread, or is done
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_thread_future_cancel(asyncio_thread_future_t *future);

/**
 * @python   concurrent.futures.Future.cancelled()
 * @param    future  a thread future
 * @return   true once it was cancelled
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_thread_future_cancelled(asyncio_thread_future_t *future);

/**
 * @python   concurrent.futures.Future.running()
 * @param    future  a thread future
 * @return   true while a thread works on it
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_thread_future_running(asyncio_thread_future_t *future);

/**
 * @python   concurrent.futures.Future.done()
 * @param    future  a thread future
 * @return   true once it has a result, an error, or was cancelled
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_thread_future_done(asyncio_thread_future_t *future);

/** Called in the thread that finishes the future; an error is logged. */
typedef int (*asyncio_thread_done_callback_t)(asyncio_thread_future_t *future,
                                              void *arg);

/**
 * Call back when the future is done: in the thread that finishes or cancels
 * it, or right here when it is done already.
 *
 * @python   concurrent.futures.Future.add_done_callback(fn)
 * @param    future    a thread future
 * @param    callback  the callback
 * @param    arg       its argument
 * @return   0; UV_ENOMEM; UV_EINVAL for NULL
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_thread_future_add_done_callback(asyncio_thread_future_t *future,
                                        asyncio_thread_done_callback_t callback,
                                        void *arg);

/**
 * Say that work on the future begins, unless it was cancelled.
 *
 * @python   concurrent.futures.Future.set_running_or_notify_cancel()
 * @param    future  a thread future
 * @return   true when the work is to be done
 * @suspends never
 */
ASYNCIO_EXPORT bool
asyncio_thread_future_set_running(asyncio_thread_future_t *future);

/**
 * Finish a thread future with a value.
 *
 * @python   concurrent.futures.Future.set_result(result)
 * @param    future   a thread future
 * @param    value    any pointer
 * @param    options  keywords, or NULL
 * @return   0; ASYNCIO_ERR_INVALID_STATE when done; UV_EINVAL for NULL or a
 *           negative status (`.drop` is not called when it fails)
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_thread_future_set_result(
    asyncio_thread_future_t *future, void *value,
    const asyncio_future_set_result_options_t *options);

/**
 * Finish a thread future with an error, whose detail is that of this thread's
 * newest asyncio_raise() when the code is the same.
 *
 * @python   concurrent.futures.Future.set_exception(exception)
 * @param    future  a thread future
 * @param    code    an error code < 0
 * @return   0; ASYNCIO_ERR_INVALID_STATE when done; ASYNCIO_ERR_TYPE for
 *           `code >= 0`; UV_EINVAL for NULL
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_thread_future_set_exception(asyncio_thread_future_t *future, int code);

typedef struct asyncio_thread_pool_new_options {
    size_t size;
    unsigned max_workers; /* threads; 0: min(32, processors + 4) */
} asyncio_thread_pool_new_options_t;

/**
 * Make a pool of threads, which start as they are needed.
 *
 * @python   concurrent.futures.ThreadPoolExecutor(max_workers=None)
 * @param    options  keywords, or NULL
 * @return   a new reference; NULL without memory
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_thread_pool_t *
asyncio_thread_pool_new(const asyncio_thread_pool_new_options_t *options);

/**
 * @python   (a reference)
 * @param    pool  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_thread_pool_t *
asyncio_thread_pool_ref(asyncio_thread_pool_t *pool);

/**
 * Drop a reference; the last one shuts the pool down without waiting: what
 * was submitted still runs.
 *
 * @python   del
 * @param    pool  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_thread_pool_t *
asyncio_thread_pool_unref(asyncio_thread_pool_t *pool);

typedef struct asyncio_thread_pool_submit_options {
    size_t size;
    asyncio_drop_t drop; /* of the frame, when the job dies */
    asyncio_context_t *context; /* to run in; NULL: the worker thread's own */
} asyncio_thread_pool_submit_options_t;

/**
 * Run a function in a thread, first come, first served.
 *
 * @python   Executor.submit(fn, *args)
 * @param    pool     a pool
 * @param    coro     function and frame, which is copied
 * @param    options  keywords, or NULL
 * @return   a new reference; failed already with UV_ENOMEM, UV_EAGAIN (no
 *           thread could be started), UV_EINVAL, ASYNCIO_ERR_RUNTIME after
 *           the shutdown, ASYNCIO_ERR_FORKED (then `.drop` was called)
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_thread_future_t *
asyncio_thread_pool_submit(asyncio_thread_pool_t *pool, asyncio_coro_t coro,
                           const asyncio_thread_pool_submit_options_t *options);

typedef struct asyncio_thread_pool_shutdown_options {
    size_t size;
    bool no_wait;        /* return while jobs are queued or run */
    bool cancel_futures; /* cancel what has not started */
} asyncio_thread_pool_shutdown_options_t;

/**
 * Refuse new jobs, let the others run, and wait for the threads to end.
 *
 * @python   Executor.shutdown(wait=True, cancel_futures=False)
 * @param    pool     a pool; shut down already is fine
 * @param    options  keywords, or NULL
 * @suspends never: it blocks, unless `.no_wait`
 */
ASYNCIO_EXPORT void asyncio_thread_pool_shutdown(
    asyncio_thread_pool_t *pool,
    const asyncio_thread_pool_shutdown_options_t *options);

typedef struct asyncio_loop_run_in_executor_options {
    size_t size;
    asyncio_drop_t drop; /* of the frame, when the job dies */
} asyncio_loop_run_in_executor_options_t;

/**
 * Run a blocking function in a pool. Cancelling the future cancels the job
 * if it has not started; otherwise it goes on, and its result is dropped.
 *
 * @python   loop.run_in_executor(executor, func, *args)
 * @param    loop     a loop of this thread
 * @param    pool     NULL: the loop's default pool
 * @param    coro     function and frame, which is copied;
 *                    asyncio_future_value() gives the frame back
 * @param    options  keywords, or NULL
 * @return   a new reference; failed already as asyncio_thread_pool_submit(),
 *           or with ASYNCIO_ERR_LOOP_CLOSED; ASYNCIO_ERR_RUNTIME after
 *           asyncio_loop_shutdown_default_executor()
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_t *asyncio_loop_run_in_executor(
    asyncio_loop_t *loop, asyncio_thread_pool_t *pool, asyncio_coro_t coro,
    const asyncio_loop_run_in_executor_options_t *options);

/**
 * Replace the default pool. The former one is given back, not shut down for
 * others who hold it.
 *
 * @python   loop.set_default_executor(executor)
 * @param    loop  a loop of this thread
 * @param    pool  a reference is taken
 * @return   0; ASYNCIO_ERR_TYPE for NULL; ASYNCIO_ERR_LOOP_CLOSED; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_loop_set_default_executor(asyncio_loop_t *loop,
                                  asyncio_thread_pool_t *pool);

/**
 * Refuse new jobs of the default pool and wait for its threads to end. When
 * they are late, a warning is logged and they are left to themselves.
 *
 * @python   await loop.shutdown_default_executor(timeout)
 * @param    loop     the running loop
 * @param    seconds  ASYNCIO_NO_TIMEOUT for none
 * @return   0; ASYNCIO_ERR_CANCELLED; UV_EINVAL for NaN
 * @suspends unless there is no thread
 */
ASYNCIO_AWAITS int
asyncio_loop_shutdown_default_executor(asyncio_loop_t *loop, double seconds);

/** Seconds that the end of a run waits for the default pool. */
#define ASYNCIO_THREAD_JOIN_TIMEOUT 300

typedef struct asyncio_to_thread_options {
    size_t size;
    bool wait_on_cancel; /* the job borrows memory of the caller: when he is
                          * cancelled, wait for its end */
    asyncio_drop_t drop; /* of the frame, when the job dies; then it is not
                          * copied back */
} asyncio_to_thread_options_t;

/**
 * Run a blocking function in the default pool, in a copy of the context. Its
 * frame is copied, and copied back when it ends normally.
 *
 * A caller that is cancelled goes at once: a job that has not started never
 * runs, one that has goes on with its own frame.
 *
 * @python   await asyncio.to_thread(func, *args)
 * @param    coro     function and frame
 * @param    options  keywords, or NULL
 * @return   what it returns; ASYNCIO_ERR_CANCELLED; errors of
 *           asyncio_loop_run_in_executor()
 * @suspends always, unless it is refused
 */
ASYNCIO_AWAITS int
asyncio_to_thread(asyncio_coro_t coro,
                  const asyncio_to_thread_options_t *options);

typedef struct asyncio_run_coroutine_threadsafe_options {
    size_t size;
    asyncio_drop_t drop; /* of the frame, when the thread future dies */
} asyncio_run_coroutine_threadsafe_options_t;

/**
 * Run a coroutine as a task of a loop in another thread. Its frame is copied
 * into the thread future. Cancelling that cancels the task.
 *
 * @python   asyncio.run_coroutine_threadsafe(coro, loop)
 * @param    coro     the coroutine
 * @param    loop     a loop of any thread, which you hold a reference to
 * @param    options  keywords, or NULL
 * @return   a new reference; failed already with ASYNCIO_ERR_LOOP_CLOSED,
 *           UV_ENOMEM or UV_EINVAL (then `.drop` was called). When the loop
 *           closes before the task ends it fails with ASYNCIO_ERR_LOOP_CLOSED
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_thread_future_t *asyncio_run_coroutine_threadsafe(
    asyncio_coro_t coro, asyncio_loop_t *loop,
    const asyncio_run_coroutine_threadsafe_options_t *options);

typedef struct asyncio_wrap_future_options {
    size_t size;
    asyncio_loop_t *loop; /* NULL: asyncio_get_event_loop() */
} asyncio_wrap_future_options_t;

/**
 * A future of a loop that ends as a thread future does. Cancelling it cancels
 * the thread future if that has not started.
 *
 * @python   asyncio.wrap_future(future, loop=None)
 * @param    future   a reference is taken
 * @param    options  keywords, or NULL
 * @return   a new reference; failed already with ASYNCIO_ERR_NO_RUNNING_LOOP,
 *           ASYNCIO_ERR_LOOP_CLOSED, UV_ENOMEM or UV_EINVAL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_t *
asyncio_wrap_future(asyncio_thread_future_t *future,
                    const asyncio_wrap_future_options_t *options);

/**
 * The same for a future that is one of a loop already. Also as
 * asyncio_wrap_future(x) for both.
 *
 * @python   asyncio.wrap_future(future)
 * @param    future   a future
 * @param    options  not looked at, may be NULL
 * @return   a new reference to `future`
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_t *
asyncio_wrap_loop_future(asyncio_future_t *future,
                         const asyncio_wrap_future_options_t *options);

ASYNCIO_END_DECLS

#endif
