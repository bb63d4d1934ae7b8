/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_SIGNALS_H
#define ASYNCIO_SIGNALS_H

/**
 * @file signals.h
 * Signals as callbacks of a loop, and callbacks around its polling.
 */

#include "events.h"

ASYNCIO_BEGIN_DECLS

typedef struct asyncio_loop_add_signal_handler_options {
    size_t size;
    asyncio_drop_t drop; /* of arg, when removed or replaced */
} asyncio_loop_add_signal_handler_options_t;

/**
 * Call back, as an ordinary callback, each time a signal arrives. Replaces
 * the former handler of this loop, also for what arrived before and was not
 * handled yet; several loops may handle a signal. A forked child ignores it
 * until it does something else about it.
 *
 * @python   loop.add_signal_handler(signum, callback, *args)
 * @param    loop      a loop of this thread (in Python only the main one)
 * @param    signum    SIGTERM, ...
 * @param    callback  runs in the context of this call
 * @param    arg       its argument
 * @param    options   keywords, or NULL
 * @return   0; ASYNCIO_ERR_VALUE for a number that is no signal;
 *           ASYNCIO_ERR_RUNTIME for one that cannot be caught;
 *           ASYNCIO_ERR_LOOP_CLOSED; UV_ENOMEM; UV_EINVAL for NULL
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_loop_add_signal_handler(
    asyncio_loop_t *loop, int signum, asyncio_callback_t callback, void *arg,
    const asyncio_loop_add_signal_handler_options_t *options);

/**
 * Remove it; when no loop handles the signal any more it does again what it
 * did before.
 *
 * @python   loop.remove_signal_handler(signum)
 * @param    loop    a loop of this thread, maybe closed
 * @param    signum  a signal
 * @return   1 when there was a handler, 0 when not; ASYNCIO_ERR_VALUE for a
 *           number that is no signal
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_loop_remove_signal_handler(asyncio_loop_t *loop,
                                                      int signum);

/** When a hook runs: each time libuv is asked for I/O. */
typedef enum asyncio_hook_kind {
    ASYNCIO_HOOK_IDLE,    /* before, and it then does not wait */
    ASYNCIO_HOOK_PREPARE, /* right before it may wait */
    ASYNCIO_HOOK_CHECK    /* right after it may have waited */
} asyncio_hook_kind_t;

typedef struct asyncio_hook asyncio_hook_t;

/**
 * Call back around each poll of the loop.
 *
 * @python   (none)
 * @param    loop      a loop of this thread
 * @param    kind      when
 * @param    callback  called outside any task
 * @param    arg       its argument
 * @param    ret_hook  gets the hook, for asyncio_loop_remove_hook(); the
 *                     loop's close removes it otherwise
 * @return   0; ASYNCIO_ERR_LOOP_CLOSED; UV_ENOMEM; UV_EINVAL
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_loop_add_hook(asyncio_loop_t *loop,
                                         asyncio_hook_kind_t kind,
                                         asyncio_callback_t callback,
                                         void *arg, asyncio_hook_t **ret_hook);

/**
 * Do not call it any more.
 *
 * @python   (none)
 * @param    hook  of an open loop; may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_hook_t *asyncio_loop_remove_hook(asyncio_hook_t *hook);

ASYNCIO_END_DECLS

#endif
