/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_RUNNERS_H
#define ASYNCIO_RUNNERS_H

/**
 * @file runners.h
 * Running a program: a loop, its main task, Ctrl-C, and the end of it all.
 */

#include "tasks.h"

ASYNCIO_BEGIN_DECLS

typedef struct asyncio_runner asyncio_runner_t;

/** Makes the loop of a runner. */
typedef int (*asyncio_loop_factory_t)(asyncio_loop_t **ret_loop);

typedef struct asyncio_run_options {
    size_t size;
    int debug;                           /* 1: on, -1: off, 0: as asked for */
    asyncio_loop_factory_t loop_factory; /* NULL: asyncio_loop_new() */
    asyncio_drop_t drop;                 /* of the main coroutine's frame */
} asyncio_run_options_t;

/**
 * Run a coroutine in a loop of its own; then cancel what is left, wait for
 * it, and close the loop. The frame is copied back when it ends normally.
 *
 * @python   asyncio.run(coro, debug=None, loop_factory=None)
 * @param    coro     the main coroutine
 * @param    options  keywords, or NULL
 * @return   what the coroutine returns; ASYNCIO_ERR_RUNTIME inside a running
 *           loop; ASYNCIO_ERR_INTERRUPTED after Ctrl-C; UV_ENOMEM, UV_EMFILE
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_run(asyncio_coro_t coro,
                               const asyncio_run_options_t *options);

/**
 * asyncio_run() for main(): an error is printed with its detail, and the
 * result is the exit status. After Ctrl-C the program ends by SIGINT.
 *
 * @python   asyncio.run(main()) at the end of a script
 * @param    coro     the main coroutine
 * @param    options  keywords, or NULL
 * @return   what the coroutine returns when that is 0 to 255; 1 for an error
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_main(asyncio_coro_t coro,
                                const asyncio_run_options_t *options);

/**
 * Make a runner: one loop and one context for several runs.
 *
 * @python   asyncio.Runner(debug=None, loop_factory=None)
 * @param    options  keywords, or NULL
 * @return   the runner, or NULL without memory; give it back with
 *           asyncio_runner_unref()
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_runner_t *
asyncio_runner_new(const asyncio_run_options_t *options);

/**
 * Make the loop now and not at the first run.
 *
 * @python   Runner.__enter__()
 * @param    runner  a runner
 * @return   0; ASYNCIO_ERR_RUNTIME when closed; UV_ENOMEM, UV_EMFILE
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_runner_init(asyncio_runner_t *runner);

typedef struct asyncio_runner_run_options {
    size_t size;
    asyncio_context_t *context; /* to run in; NULL: the runner's own */
    asyncio_drop_t drop;        /* of the frame */
} asyncio_runner_run_options_t;

/**
 * Run one coroutine as the main task.
 *
 * @python   Runner.run(coro, context=None)
 * @param    runner   a runner
 * @param    coro     the coroutine
 * @param    options  keywords, or NULL
 * @return   as asyncio_run(); ASYNCIO_ERR_RUNTIME when closed
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_runner_run(asyncio_runner_t *runner, asyncio_coro_t coro,
                   const asyncio_runner_run_options_t *options);

/**
 * Cancel all tasks, also those that begin meanwhile, wait for them, close the
 * loop. Threads that do not cease to submit are refused. Closed already is
 * fine.
 *
 * @python   Runner.close()
 * @param    runner  a runner
 * @return   0, or what asyncio_loop_close() says
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_runner_close(asyncio_runner_t *runner);

/**
 * @python   Runner.get_loop()
 * @param    runner  a runner
 * @return   borrowed, made when there is none; NULL when closed
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_loop_t *asyncio_runner_get_loop(asyncio_runner_t *runner);

/**
 * Close the runner if need be, and give it back.
 *
 * @python   del runner
 * @param    runner  may be NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_runner_t *asyncio_runner_unref(asyncio_runner_t *runner);

ASYNCIO_END_DECLS

#endif
