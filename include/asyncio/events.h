/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_EVENTS_H
#define ASYNCIO_EVENTS_H

/**
 * @file events.h
 * The event loop: callbacks, timers, clock, exception handler.
 *
 * A loop belongs to the thread that made it. Only
 * asyncio_loop_call_soon_threadsafe() and what is built on it may be called
 * from another one.
 */

#include "contextvars.h"
#include "coroutines.h"
#include "exceptions.h"
#include "export.h"

struct uv_loop_s;

ASYNCIO_BEGIN_DECLS

/** A callback: 0 (or anything >= 0), or an error for the exception handler. */
typedef int (*asyncio_callback_t)(void *arg);

/** Which clock a loop lives by. */
typedef enum asyncio_clock {
    ASYNCIO_CLOCK_MONOTONIC,
    /** Time stands still while anything can run and then jumps to the next
     *  timer. Starts at 0. */
    ASYNCIO_CLOCK_VIRTUAL
} asyncio_clock_t;

typedef struct asyncio_loop_new_options {
    size_t size;
    struct uv_loop_s *uv;  /* a loop that the host runs; NULL: one of our own */
    asyncio_clock_t clock;
    bool debug;            /* also switched on by ASYNCIO_DEBUG=1 */
    size_t stack_size;     /* of tasks, in bytes; 0: 256 KiB */
    size_t stack_idle_max; /* stacks kept for reuse; 0: 1024 */
} asyncio_loop_new_options_t;

/**
 * Make an event loop.
 *
 * @python   asyncio.SelectorEventLoop()
 * @param    options   keywords, or NULL
 * @param    ret_loop  gets the loop; give it back with asyncio_loop_close()
 *                     and asyncio_loop_unref()
 * @return   0, UV_ENOMEM, UV_EMFILE, or UV_EINVAL for a stack size that
 *           cannot be had
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_loop_new(const asyncio_loop_new_options_t *options,
                                    asyncio_loop_t **ret_loop);

/**
 * Make an event loop with the defaults.
 *
 * @python   asyncio.new_event_loop()
 * @return   the loop, or NULL (asyncio_current_exception() says why)
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_loop_t *asyncio_new_event_loop(void);

/**
 * Take a reference to a loop.
 *
 * @python   (a reference)
 * @param    loop  may be NULL
 * @return   the same pointer
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_loop_t *asyncio_loop_ref(asyncio_loop_t *loop);

/**
 * Drop a reference; the last one of an open loop closes it.
 *
 * @python   del
 * @param    loop  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_loop_t *asyncio_loop_unref(asyncio_loop_t *loop);

/**
 * Close a loop that does not run: its queues are dropped, its handles closed.
 *
 * @python   loop.close()
 * @param    loop  closed already is fine
 * @return   0; ASYNCIO_ERR_RUNTIME while it runs; UV_EBUSY while a task is
 *           suspended (the exception handler gets the names), then the loop
 *           stays open
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_loop_close(asyncio_loop_t *loop);

/**
 * @python   loop.is_closed()
 * @param    loop  a loop
 * @return   true once closed
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_loop_is_closed(const asyncio_loop_t *loop);

/**
 * @python   loop.is_running()
 * @param    loop  a loop
 * @return   true inside run_forever and run_until_complete
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_loop_is_running(const asyncio_loop_t *loop);

/**
 * Run until asyncio_loop_stop().
 *
 * @python   loop.run_forever()
 * @param    loop  a loop
 * @return   0; ASYNCIO_ERR_RUNTIME when this loop, or another one in this
 *           thread, runs already; ASYNCIO_ERR_LOOP_CLOSED;
 *           ASYNCIO_ERR_WRONG_THREAD; ASYNCIO_ERR_INTERRUPTED or
 *           ASYNCIO_ERR_SYSTEM_EXIT when a callback or a task ended in one;
 *           ASYNCIO_ERR_DEADLOCK under a virtual clock that can never move
 * @suspends never: it is what everything else runs in
 */
ASYNCIO_EXPORT int asyncio_loop_run_forever(asyncio_loop_t *loop);

/**
 * Run until a future is done.
 *
 * @python   loop.run_until_complete(future)
 * @param    loop    a loop
 * @param    future  of that loop; borrowed
 * @return   what asyncio_future_result() gives, or an error of
 *           asyncio_loop_run_forever(); ASYNCIO_ERR_RUNTIME "Event loop
 *           stopped before Future completed."
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_loop_run_until_complete(asyncio_loop_t *loop,
                                                   asyncio_future_t *future);

/**
 * One pass of the loop: what is ready now, I/O, and the timers that are due.
 *
 * @python   loop._run_once()
 * @param    loop  a loop that does not run
 * @param    wait  whether to wait for I/O or a timer when nothing is ready
 * @return   as asyncio_loop_run_forever()
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_loop_run_once(asyncio_loop_t *loop, bool wait);

/**
 * Make the running pass the last one. Before a run: that run makes one pass.
 *
 * @python   loop.stop()
 * @param    loop  a loop
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_loop_stop(asyncio_loop_t *loop);

/**
 * The loop that runs in this thread.
 *
 * @python   asyncio.get_running_loop()
 * @return   borrowed; NULL when none runs (and
 *           ASYNCIO_ERR_NO_RUNNING_LOOP is the current exception)
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_loop_t *asyncio_get_running_loop(void);

/**
 * The same without recording an error.
 *
 * @python   asyncio._get_running_loop()
 * @return   borrowed; NULL when none runs
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_loop_t *asyncio_peek_running_loop(void);

/**
 * For those who drive a loop by themselves: make it this thread's running one.
 *
 * @python   asyncio._set_running_loop(loop)
 * @param    loop  a loop, or NULL
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_set_running_loop(asyncio_loop_t *loop);

/**
 * The running loop, else the one set for this thread.
 *
 * @python   asyncio.get_event_loop()
 * @return   borrowed; NULL for neither
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_loop_t *asyncio_get_event_loop(void);

/**
 * Set this thread's loop.
 *
 * @python   asyncio.set_event_loop(loop)
 * @param    loop  borrowed, or NULL
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_set_event_loop(asyncio_loop_t *loop);

/**
 * The libuv loop underneath, for handles of your own.
 *
 * @python   (none)
 * @param    loop  a loop
 * @return   borrowed
 * @suspends never
 */
ASYNCIO_EXPORT struct uv_loop_s *asyncio_loop_uv(asyncio_loop_t *loop);

/**
 * Time of the loop's clock.
 *
 * @python   loop.time()
 * @param    loop  a loop
 * @return   seconds; only differences mean something
 * @suspends never
 */
ASYNCIO_EXPORT double asyncio_loop_time(asyncio_loop_t *loop);

typedef struct asyncio_loop_call_options {
    size_t size;
    asyncio_context_t *context;   /* to run in; NULL: a copy of the current */
    asyncio_handle_t **ret_handle; /* gets a reference to the handle */
    asyncio_drop_t drop;          /* of arg: after the call, or instead */
} asyncio_loop_call_options_t;

/**
 * Call back in the next pass, in the order of the calls.
 *
 * @python   loop.call_soon(callback, *args, context=None)
 * @param    loop      a loop of this thread
 * @param    callback  called once, never inside this call
 * @param    arg       its argument
 * @param    options   keywords, or NULL
 * @return   0; UV_EINVAL for NULL; ASYNCIO_ERR_LOOP_CLOSED; UV_ENOMEM; in
 *           debug mode ASYNCIO_ERR_WRONG_THREAD
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_loop_call_soon(asyncio_loop_t *loop, asyncio_callback_t callback,
                       void *arg, const asyncio_loop_call_options_t *options);

/**
 * Call back after a delay.
 *
 * @python   loop.call_later(delay, callback, *args, context=None)
 * @param    loop      a loop of this thread
 * @param    delay     seconds; negative ones come before shorter negative ones
 * @param    callback  called once
 * @param    arg       its argument
 * @param    options   keywords, or NULL
 * @return   as asyncio_loop_call_soon(); UV_EINVAL also for NaN
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_loop_call_later(asyncio_loop_t *loop, double delay,
                        asyncio_callback_t callback, void *arg,
                        const asyncio_loop_call_options_t *options);

/**
 * Call back at a time of the loop's clock. Equal times keep their order.
 *
 * @python   loop.call_at(when, callback, *args, context=None)
 * @param    loop      a loop of this thread
 * @param    when      seconds on asyncio_loop_time()'s clock
 * @param    callback  called once
 * @param    arg       its argument
 * @param    options   keywords, or NULL
 * @return   as asyncio_loop_call_later()
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_loop_call_at(asyncio_loop_t *loop, double when,
                     asyncio_callback_t callback, void *arg,
                     const asyncio_loop_call_options_t *options);

/**
 * Call back in the loop's thread; may be called from any thread.
 *
 * @python   loop.call_soon_threadsafe(callback, *args, context=None)
 * @param    loop      a loop of any thread, which you hold a reference to
 * @param    callback  called once, in the loop's thread
 * @param    arg       its argument
 * @param    options   keywords, or NULL; asyncio_handle_cancel() on its
 *                     handle may be called from any thread, too
 * @return   0; UV_EINVAL; ASYNCIO_ERR_LOOP_CLOSED; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_loop_call_soon_threadsafe(
    asyncio_loop_t *loop, asyncio_callback_t callback, void *arg,
    const asyncio_loop_call_options_t *options);

/**
 * Do not run the callback. No effect once it ran. For a handle of
 * call_soon_threadsafe: while the callback runs in another thread, waits for
 * its end.
 *
 * @python   Handle.cancel()
 * @param    handle  a handle
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_handle_cancel(asyncio_handle_t *handle);

/**
 * @python   Handle.cancelled()
 * @param    handle  a handle
 * @return   true after asyncio_handle_cancel()
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_handle_cancelled(const asyncio_handle_t *handle);

/**
 * @python   Handle.get_context()
 * @param    handle  a handle
 * @return   borrowed
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_context_t *
asyncio_handle_get_context(asyncio_handle_t *handle);

/**
 * @python   TimerHandle.when()
 * @param    handle  of call_later or call_at
 * @return   seconds on the loop's clock; 0 for a handle without a time
 * @suspends never
 */
ASYNCIO_EXPORT double
asyncio_timer_handle_when(const asyncio_timer_handle_t *handle);

/**
 * Drop a reference; the callback still runs.
 *
 * @python   del
 * @param    handle  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_handle_t *asyncio_handle_unref(asyncio_handle_t *handle);

/** What an exception handler is told; what does not apply is NULL. */
typedef struct asyncio_exception_context {
    size_t size;
    const char *message;
    int code; /* of the exception; 0 for none */
    const asyncio_exception_t *exception;
    asyncio_future_t *future;
    asyncio_task_t *task;
    asyncio_handle_t *handle;
    void *protocol;
    void *transport;
    int socket; /* -1 for none */
    const asyncio_site_t *source_traceback;
    const asyncio_site_t *handle_traceback;
} asyncio_exception_context_t;

/** An exception handler; an error it returns is reported by the default one. */
typedef int (*asyncio_exception_handler_t)(
    asyncio_loop_t *loop, const asyncio_exception_context_t *context,
    void *arg);

/**
 * Replace the exception handler.
 *
 * @python   loop.set_exception_handler(handler)
 * @param    loop     a loop
 * @param    handler  NULL for the default
 * @param    arg      given to the handler
 * @suspends never
 */
ASYNCIO_EXPORT void
asyncio_loop_set_exception_handler(asyncio_loop_t *loop,
                                   asyncio_exception_handler_t handler,
                                   void *arg);

/**
 * @python   loop.get_exception_handler()
 * @param    loop     a loop
 * @param    ret_arg  gets its argument; may be NULL
 * @return   NULL for the default
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_exception_handler_t
asyncio_loop_get_exception_handler(const asyncio_loop_t *loop, void **ret_arg);

/**
 * Log a report: the message, then one line for each thing it is about.
 *
 * @python   loop.default_exception_handler(context)
 * @param    loop     a loop
 * @param    context  the report
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_loop_default_exception_handler(
    asyncio_loop_t *loop, const asyncio_exception_context_t *context);

/**
 * Report an error that nobody waits for. Never fails.
 *
 * @python   loop.call_exception_handler(context)
 * @param    loop     a loop
 * @param    context  the report
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_loop_call_exception_handler(
    asyncio_loop_t *loop, const asyncio_exception_context_t *context);

/**
 * Switch debug mode: slow callbacks are reported, calls from wrong threads
 * refused.
 *
 * @python   loop.set_debug(enabled)
 * @param    loop     a loop
 * @param    enabled  on or off
 * @suspends never
 */
ASYNCIO_EXPORT void asyncio_loop_set_debug(asyncio_loop_t *loop, bool enabled);

/**
 * @python   loop.get_debug()
 * @param    loop  a loop
 * @return   whether debug mode is on
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_loop_get_debug(const asyncio_loop_t *loop);

/**
 * From which duration on debug mode reports a callback or a step.
 *
 * @python   loop.slow_callback_duration = seconds
 * @param    loop     a loop
 * @param    seconds  0.1 unless set
 * @suspends never
 */
ASYNCIO_EXPORT void
asyncio_loop_set_slow_callback_duration(asyncio_loop_t *loop, double seconds);

ASYNCIO_END_DECLS


#endif
