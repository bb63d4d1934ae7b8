/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_TASKS_H
#define ASYNCIO_TASKS_H

/**
 * @file tasks.h
 * Tasks, and waiting for several of them.
 */

#include "futures.h"

ASYNCIO_BEGIN_DECLS

typedef struct asyncio_create_task_options {
    size_t size;
    const char *name;           /* copied; NULL: Task-N */
    asyncio_context_t *context; /* to run in; NULL: a copy of the current */
    asyncio_drop_t drop;        /* of the frame, when the task dies */
    size_t stack_size;          /* bytes; 0: the loop's */
    int eager_start;            /* 1: run the first step now; 0: schedule it */
} asyncio_create_task_options_t;

/**
 * Make a task of the running loop. The frame is copied into the task, where
 * it lives as long as the task; the loop keeps a running task alive.
 *
 * @python   asyncio.create_task(coro, name=None, context=None, eager_start=None)
 * @param    coro     the coroutine
 * @param    options  keywords, or NULL
 * @return   a new reference; failed already with ASYNCIO_ERR_NO_RUNNING_LOOP,
 *           UV_ENOMEM, or UV_EINVAL (then `.drop` was called on coro's frame)
 * @suspends never; with eager_start the new task runs until it first suspends
 */
ASYNCIO_EXPORT asyncio_task_t *
asyncio_create_task(asyncio_coro_t coro,
                    const asyncio_create_task_options_t *options);

/**
 * asyncio_create_task() with the coroutine object in its parts, which fit into
 * registers; also for languages that pass no structs.
 *
 * @python   asyncio.create_task(coro, name=None, context=None, eager_start=None)
 * @param    fn       the coroutine function
 * @param    frame    its frame, or NULL
 * @param    size     of the frame, in bytes
 * @param    site     where it was written, or NULL
 * @param    options  keywords, or NULL
 * @return   as asyncio_create_task()
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_task_t *
asyncio_create_task_from(asyncio_coro_fn_t fn, void *frame, size_t size,
                         const asyncio_site_t *site,
                         const asyncio_create_task_options_t *options);

/* What the macro calls. A compiler that sees that no keyword is given makes
 * no struct at all. */
static inline asyncio_task_t *
asyncio__create_task(asyncio_coro_t coro,
                     const asyncio_create_task_options_t *options)
{
    if (options->name == NULL && options->context == NULL
        && options->drop == NULL && options->stack_size == 0
        && options->eager_start == 0)
        options = NULL;
    return asyncio_create_task_from(coro.fn, coro.frame, coro.size, coro.site,
                                    options);
}

/**
 * Make a task of a given loop of this thread, through its task factory.
 *
 * @python   loop.create_task(coro, ...)
 * @param    loop     a loop, running or not
 * @param    coro     the coroutine
 * @param    options  keywords, or NULL
 * @return   as asyncio_create_task(); ASYNCIO_ERR_LOOP_CLOSED
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_task_t *
asyncio_loop_create_task(asyncio_loop_t *loop, asyncio_coro_t coro,
                         const asyncio_create_task_options_t *options);

/**
 * Make a task without asking the loop's task factory.
 *
 * @python   asyncio.Task(coro, loop=loop, ...)
 * @param    loop     a loop, running or not
 * @param    coro     the coroutine
 * @param    options  keywords, or NULL
 * @return   as asyncio_loop_create_task()
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_task_t *
asyncio_task_new(asyncio_loop_t *loop, asyncio_coro_t coro,
                 const asyncio_create_task_options_t *options);

/** Makes the tasks of a loop; usually ends in asyncio_task_new(). */
typedef asyncio_task_t *(*asyncio_task_factory_t)(
    asyncio_loop_t *loop, asyncio_coro_t coro,
    const asyncio_create_task_options_t *options);

/**
 * @python   loop.set_task_factory(factory)
 * @param    loop     a loop
 * @param    factory  NULL for the default
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_loop_set_task_factory(asyncio_loop_t *loop,
                                                  asyncio_task_factory_t factory);

/**
 * @python   loop.get_task_factory()
 * @param    loop  a loop
 * @return   NULL for the default
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_task_factory_t
asyncio_loop_get_task_factory(const asyncio_loop_t *loop);

/**
 * A task factory whose tasks run their first step inside create_task.
 *
 * @python   asyncio.eager_task_factory
 * @param    loop     a loop
 * @param    coro     the coroutine
 * @param    options  keywords, or NULL
 * @return   as asyncio_task_new()
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_task_t *
asyncio_eager_task_factory(asyncio_loop_t *loop, asyncio_coro_t coro,
                           const asyncio_create_task_options_t *options);

/**
 * A future as it is; a coroutine as a task of the running loop. Also as
 * asyncio_ensure_future(x) for both.
 *
 * @python   asyncio.ensure_future(obj)
 * @param    coro  the coroutine
 * @return   a new reference
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_t *asyncio_ensure_future_coro(asyncio_coro_t coro);

/** The task itself; all of futures.h also holds for it, under task names. */
#define asyncio_task_done                 asyncio_future_done
#define asyncio_task_cancelled            asyncio_future_cancelled
#define asyncio_task_result               asyncio_future_result
#define asyncio_task_exception            asyncio_future_exception
#define asyncio_task_add_done_callback    asyncio_future_add_done_callback
#define asyncio_task_remove_done_callback asyncio_future_remove_done_callback
#define asyncio_task_get_loop             asyncio_future_get_loop
#define asyncio_task_cancel               asyncio_future_cancel
#define asyncio_task_set_result           asyncio_future_set_result
#define asyncio_task_set_exception        asyncio_future_set_exception
#define asyncio_task_repr                 asyncio_future_repr
#define asyncio_task_ref                  asyncio_future_ref
#define asyncio_task_unref                asyncio_future_unref

/**
 * The frame of a task: its arguments and results.
 *
 * @python   (the coroutine's locals)
 * @param    task  a task
 * @return   borrowed, valid as long as the task; NULL when it has none
 * @suspends never
 */
ASYNCIO_EXPORT void *asyncio_task_frame(const asyncio_task_t *task);

/**
 * @python   Task.get_name()
 * @param    task  a task
 * @return   borrowed, valid until the name is set or the task dies
 * @suspends never
 */
ASYNCIO_EXPORT const char *asyncio_task_get_name(asyncio_task_t *task);

/**
 * @python   Task.set_name(value)
 * @param    task  a task
 * @param    name  copied
 * @return   0, UV_ENOMEM, or UV_EINVAL for NULL
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_task_set_name(asyncio_task_t *task,
                                         const char *name);

/**
 * @python   Task.get_coro()
 * @param    task  a task
 * @return   function and frame; both NULL after an eager end
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_coro_t asyncio_task_get_coro(const asyncio_task_t *task);

/**
 * Where a task's coroutine object was written; always known, not in debug mode
 * only.
 *
 * @python   Task._source_traceback
 * @param    task  a task
 * @return   static; NULL for one made without the macros
 * @suspends never
 */
ASYNCIO_EXPORT const asyncio_site_t *
asyncio_source_traceback(const asyncio_task_t *task);

/**
 * The frames of an unfinished task. Of C's, only the outermost is known by
 * name: the coroutine that the task was made of.
 *
 * @python   Task.get_stack(limit=None)
 * @param    task       a task
 * @param    ret_sites  gets the frames, which are static
 * @param    limit      of frames
 * @return   how many there are: 0 or 1
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_task_get_stack(const asyncio_task_t *task,
                                             const asyncio_site_t **ret_sites,
                                             size_t limit);

/**
 * The same as text.
 *
 * @python   Task.print_stack(limit=None, file=None)
 * @param    task    a task
 * @param    buffer  gets the text, always terminated
 * @param    size    of the buffer, in bytes
 * @return   the length it has, or would have; UV_EINVAL for what is no task
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_task_print_stack(const asyncio_task_t *task,
                                            char *buffer, size_t size);

/**
 * @python   Task.get_context()
 * @param    task  a task
 * @return   borrowed, valid as long as the task
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_context_t *asyncio_task_get_context(asyncio_task_t *task);

/**
 * @python   Task.cancelling()
 * @param    task  a task
 * @return   cancel requests minus uncancels
 * @suspends never
 */
ASYNCIO_EXPORT unsigned asyncio_task_cancelling(const asyncio_task_t *task);

/**
 * Take back one cancel request. The last one also withdraws a cancellation
 * that was not delivered yet.
 *
 * @python   Task.uncancel()
 * @param    task  a task
 * @return   the requests that remain
 * @suspends never
 */
ASYNCIO_EXPORT unsigned asyncio_task_uncancel(asyncio_task_t *task);

/**
 * The task that runs in this thread.
 *
 * @python   asyncio.current_task()
 * @return   borrowed; NULL outside tasks
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_task_t *asyncio_current_task(void);

/**
 * The unfinished tasks of a loop, in the order of their creation.
 *
 * Any thread may ask, also while the loop works or is stuck. What another
 * thread than the loop's gets are no references, but names: good for
 * comparing, and for asyncio_loop_call_soon_threadsafe() to callbacks that use
 * them. No task of the list is freed before the list is given back, which has
 * to be before the loop is closed.
 *
 * @python   asyncio.all_tasks(loop)
 * @param    loop       NULL: the running one
 * @param    ret_tasks  gets an array of new references; give it back with
 *                      asyncio_all_tasks_free()
 * @param    ret_count  gets their number
 * @return   0, UV_ENOMEM, ASYNCIO_ERR_NO_RUNNING_LOOP
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_all_tasks(asyncio_loop_t *loop,
                                     asyncio_task_t ***ret_tasks,
                                     size_t *ret_count);

/**
 * Give back what asyncio_all_tasks() gave.
 *
 * @python   del tasks
 * @param    tasks  the array, may be NULL
 * @param    count  number of tasks
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_all_tasks_free(asyncio_task_t **tasks,
                                           size_t count);

/**
 * For code that works on behalf of a task without running in it, in a
 * callback: make it the current task, which asyncio_current_task() returns.
 * Awaiting still needs a task that runs. To be left before the callback
 * returns.
 *
 * @python   asyncio._enter_task(loop, task)
 * @param    loop  a loop
 * @param    task  a task, borrowed until it is left
 * @return   0; ASYNCIO_ERR_RUNTIME when there is a current task; UV_EINVAL
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_enter_task(asyncio_loop_t *loop,
                                      asyncio_task_t *task);

/**
 * @python   asyncio._leave_task(loop, task)
 * @param    loop  a loop
 * @param    task  the one that was entered
 * @return   0; ASYNCIO_ERR_RUNTIME when that is not the current task;
 *           UV_EINVAL
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_leave_task(asyncio_loop_t *loop,
                                      asyncio_task_t *task);

/**
 * Show a task in asyncio_all_tasks() again, as all are that have not ended.
 *
 * @python   asyncio._register_task(task)
 * @param    task  a task; one that has ended stays away
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_register_task(asyncio_task_t *task);

/**
 * Hide a task from asyncio_all_tasks(), and so from the end of
 * asyncio_run(), which then does not cancel it. It has to end by itself: a
 * loop with a suspended task cannot be closed.
 *
 * @python   asyncio._unregister_task(task)
 * @param    task  a task; one that is not there is fine
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_unregister_task(asyncio_task_t *task);

/**
 * Suspend the running task.
 *
 * @python   asyncio.sleep(delay)
 * @param    seconds  delay in seconds; <= 0 yields exactly once
 * @return   0; ASYNCIO_ERR_CANCELLED; UV_EINVAL for NaN;
 *           ASYNCIO_ERR_NO_RUNNING_LOOP outside a task
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_sleep(double seconds);

typedef struct asyncio_gather_options {
    size_t size;
    bool return_exceptions; /* wait for all, whatever they end in */
} asyncio_gather_options_t;

/**
 * Wait for several futures together; their results are theirs to give.
 * Cancelling the caller cancels all of them.
 *
 * @python   await asyncio.gather(*futures, return_exceptions=False)
 * @param    futures  of the running loop; borrowed, but kept alive meanwhile
 * @param    count    number of futures; 0 is fine
 * @param    options  keywords, or NULL
 * @return   0; without return_exceptions the first error (the other futures
 *           go on); ASYNCIO_ERR_CANCELLED; UV_ENOMEM
 * @suspends unless all are done
 */
ASYNCIO_AWAITS int asyncio_gather(asyncio_future_t *const *futures,
                                  size_t count,
                                  const asyncio_gather_options_t *options);

/**
 * The same as a future.
 *
 * @python   asyncio.gather(*futures, return_exceptions=False)
 * @param    futures  of one loop; references are taken
 * @param    count    number of futures; 0 is fine
 * @param    options  keywords, or NULL
 * @return   a new reference; cancelling it cancels the futures
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_t *
asyncio_gather_future(asyncio_future_t *const *futures, size_t count,
                      const asyncio_gather_options_t *options);

/** When asyncio_wait() returns. */
typedef enum asyncio_return_when {
    ASYNCIO_ALL_COMPLETED,
    ASYNCIO_FIRST_COMPLETED,
    ASYNCIO_FIRST_EXCEPTION
} asyncio_return_when_t;

typedef struct asyncio_wait_options {
    size_t size;
    double timeout; /* seconds; 0: none; < 0: at once */
    asyncio_return_when_t return_when;
} asyncio_wait_options_t;

/**
 * Wait for a condition on several futures; asyncio_future_done() then tells
 * which are done. Cancels nothing.
 *
 * @python   await asyncio.wait(futures, timeout=None, return_when=ALL_COMPLETED)
 * @param    futures  of the running loop; borrowed
 * @param    count    number of futures, not 0
 * @param    options  keywords, or NULL
 * @return   how many are done; ASYNCIO_ERR_VALUE for none or an unknown
 *           return_when; ASYNCIO_ERR_CANCELLED; UV_ENOMEM; UV_EINVAL
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_wait(asyncio_future_t *const *futures, size_t count,
                                const asyncio_wait_options_t *options);

/**
 * Wait for a future, which goes on when the caller is cancelled. Also as
 * asyncio_shield(x) for futures and coroutines.
 *
 * @python   await asyncio.shield(future)
 * @param    future  of the running loop; borrowed
 * @return   as asyncio_await_future()
 * @suspends unless it is done
 */
ASYNCIO_AWAITS int asyncio_shield_await_future(asyncio_future_t *future);

/**
 * The same for a coroutine, which runs as a task; its frame is copied back
 * when it ends before the caller is cancelled.
 *
 * @python   await asyncio.shield(coro)
 * @param    coro  the coroutine
 * @return   what it returns; ASYNCIO_ERR_CANCELLED; UV_ENOMEM
 * @suspends always
 */
ASYNCIO_AWAITS int asyncio_shield_await_coro(asyncio_coro_t coro);

/**
 * A future that ends as another one does, and that can be cancelled alone.
 *
 * @python   asyncio.shield(future)
 * @param    future  of one loop; kept alive until it is done
 * @return   a new reference; `future` itself when that is done
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_t *
asyncio_shield_future(asyncio_future_t *future);

/**
 * Wait for a future for a limited time; then cancel it and wait for its end.
 * Also as asyncio_wait_for(x, seconds) for futures and coroutines.
 *
 * @python   await asyncio.wait_for(future, timeout)
 * @param    future   of the running loop; borrowed
 * @param    seconds  ASYNCIO_NO_TIMEOUT for none; <= 0 does not wait
 * @return   its result; ASYNCIO_ERR_TIMEOUT; ASYNCIO_ERR_CANCELLED; UV_EINVAL
 *           for NaN
 * @suspends unless it is done
 */
ASYNCIO_AWAITS int asyncio_wait_for_future(asyncio_future_t *future,
                                           double seconds);

/**
 * The same for a coroutine, which runs as a part of the calling task; its
 * frame is used in place.
 *
 * @python   await asyncio.wait_for(coro, timeout)
 * @param    coro     the coroutine; never started when `seconds <= 0`
 * @param    seconds  ASYNCIO_NO_TIMEOUT for none
 * @return   what it returns; ASYNCIO_ERR_TIMEOUT; ASYNCIO_ERR_CANCELLED
 * @suspends when the coroutine does
 */
ASYNCIO_AWAITS int asyncio_wait_for_coro(asyncio_coro_t coro, double seconds);

/** Futures in the order in which they are done. */
typedef struct asyncio_as_completed asyncio_as_completed_t;

typedef struct asyncio_as_completed_options {
    size_t size;
    double timeout; /* seconds, for all; 0: none; < 0: at once */
} asyncio_as_completed_options_t;

/**
 * Iterate over futures as they are done; each one once.
 *
 *     asyncio_as_completed_t *it = asyncio_as_completed(futures, count);
 *     while ((r = asyncio_as_completed_next(it, &future)) > 0)
 *         use(future);
 *     it = asyncio_as_completed_unref(it);
 *
 * @python   asyncio.as_completed(futures, timeout=None)
 * @param    futures  of the running loop; references are taken
 * @param    count    number of futures; 0 is fine
 * @param    options  keywords, or NULL
 * @return   an iterator, never NULL: when it cannot be made, its first step
 *           fails with UV_ENOMEM, UV_EINVAL, ASYNCIO_ERR_VALUE for futures of
 *           another loop, or ASYNCIO_ERR_NO_RUNNING_LOOP
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_as_completed_t *
asyncio_as_completed(asyncio_future_t *const *futures, size_t count,
                     const asyncio_as_completed_options_t *options);

/**
 * Give it up, also early: the futures go on.
 *
 * @python   del iterator
 * @param    iterator  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_as_completed_t *
asyncio_as_completed_unref(asyncio_as_completed_t *iterator);

/**
 * Wait for the next future that is done.
 *
 * @python   await anext(iterator)
 * @param    iterator    an iterator
 * @param    ret_future  gets the future, borrowed from the iterator; may be
 *                       NULL
 * @return   1; 0 when all were given; ASYNCIO_ERR_TIMEOUT for each one that is
 *           late; ASYNCIO_ERR_CANCELLED; ASYNCIO_ERR_NO_RUNNING_LOOP when it
 *           would wait outside a task
 * @suspends unless one is done
 */
ASYNCIO_AWAITS int asyncio_as_completed_next(asyncio_as_completed_t *iterator,
                                             asyncio_future_t **ret_future);

/** What asyncio_as_completed_next_waiter() gives is a coroutine on this. */
typedef struct asyncio_as_completed_waiter {
    asyncio_as_completed_t *iterator; /* in; has to live until the end */
    asyncio_future_t *future;         /* out: borrowed; NULL before that */
} asyncio_as_completed_waiter_t;

/**
 * Get a coroutine that waits for the next future, and ends as that does.
 * Several may be handed out first and awaited later, in any order: each takes
 * the next future that is done by then.
 *
 * @python   next(iterator)
 * @param    iterator    an iterator
 * @param    ret_waiter  gets the coroutine, once; its frame is an
 *                       asyncio_as_completed_waiter_t in the iterator
 * @return   1; 0 when all were given; what the iterator failed with
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_as_completed_next_waiter(asyncio_as_completed_t *iterator,
                                 asyncio_coro_t *ret_waiter);

ASYNCIO_END_DECLS

#endif
