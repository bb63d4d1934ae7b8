/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_GRAPH_H
#define ASYNCIO_GRAPH_H

/**
 * @file graph.h
 * Looking into a program: who waits for whom.
 *
 * A task that awaits another one, or a group, a gather, a wait, a shield or a
 * race that it is part of, is its awaiter. Nobody keeps records of that: it
 * is found out from what is suspended when somebody asks, so waiting costs
 * nothing. Of C's stacks one function is known by name: the coroutine that a
 * task was made of.
 *
 * All of this is for the thread of the loop: in another one it is
 * ASYNCIO_ERR_WRONG_THREAD.
 */

#include <stdio.h>

#include "tasks.h"

ASYNCIO_BEGIN_DECLS

/** One function on a call stack: where its coroutine object was written. */
typedef asyncio_site_t asyncio_frame_call_graph_entry_t;

/** A future, and whoever waits for it. */
typedef struct asyncio_future_call_graph asyncio_future_call_graph_t;

struct asyncio_future_call_graph {
    asyncio_future_t *future; /* of the graph's; alive as long as that */
    const asyncio_frame_call_graph_entry_t *call_stack; /* innermost first */
    size_t call_stack_count;
    asyncio_future_call_graph_t **awaited_by; /* in the order of their waits */
    size_t awaited_by_count;
};

typedef struct asyncio_call_graph_options {
    size_t size;
    bool no_call_stack; /* limit=0: only who waits for whom */
} asyncio_call_graph_options_t;

/**
 * Capture who waits for a future, and for these in turn. One that waits for
 * itself in the end is not followed again; after 10,000 entries the rest is
 * left out.
 *
 * @python   asyncio.capture_call_graph(future=None, limit=None)
 * @param    future     NULL: the running task
 * @param    ret_graph  gets the graph; give it back with
 *                      asyncio_future_call_graph_unref(); NULL when no task
 *                      runs
 * @param    options    keywords, or NULL
 * @return   0; ASYNCIO_ERR_NO_RUNNING_LOOP without a future;
 *           ASYNCIO_ERR_WRONG_THREAD; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_capture_call_graph(asyncio_future_t *future,
                           asyncio_future_call_graph_t **ret_graph,
                           const asyncio_call_graph_options_t *options);

/**
 * Give a captured graph back, with all that it awaits.
 *
 * @python   del graph
 * @param    graph  the one that was captured, or NULL
 * @return   NULL
 * @suspends never
 */
ASYNCIO_EXPORT asyncio_future_call_graph_t *
asyncio_future_call_graph_unref(asyncio_future_call_graph_t *graph);

/**
 * The same as text, without a newline at the end.
 *
 * @python   asyncio.format_call_graph(future=None, limit=None)
 * @param    future   NULL: the running task
 * @param    buffer   gets the text, always terminated; may be NULL when `size`
 *                    is 0
 * @param    size     of the buffer, in bytes
 * @param    options  keywords, or NULL
 * @return   the length it has, or would have (0 when no task runs); as
 *           asyncio_capture_call_graph()
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_format_call_graph(asyncio_future_t *future, char *buffer, size_t size,
                          const asyncio_call_graph_options_t *options);

/**
 * Print it.
 *
 * @python   asyncio.print_call_graph(future=None, file=None, limit=None)
 * @param    future   NULL: the running task
 * @param    file     NULL: standard output
 * @param    options  keywords, or NULL
 * @return   0; UV_EIO; as asyncio_capture_call_graph()
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_print_call_graph(asyncio_future_t *future, FILE *file,
                         const asyncio_call_graph_options_t *options);

/**
 * Tell who waits for a future in a way that the library cannot see. It is
 * forgotten when the future is done.
 *
 * @python   asyncio.future_add_to_awaited_by(future, waiter)
 * @param    future  what is waited for; nothing happens when it is done
 * @param    waiter  who waits; a reference is taken
 * @return   0, also when it is known already; UV_EINVAL; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_future_add_to_awaited_by(asyncio_future_t *future,
                                                    asyncio_future_t *waiter);

/**
 * Take that back.
 *
 * @python   asyncio.future_discard_from_awaited_by(future, waiter)
 * @param    future  what was waited for
 * @param    waiter  who waited; unknown ones are fine
 * @suspends never
 */
ASYNCIO_EXPORT void
asyncio_future_discard_from_awaited_by(asyncio_future_t *future,
                                       asyncio_future_t *waiter);

/**
 * The unfinished tasks of a loop as a tree: below each task its coroutine, and
 * below that what it waits for. To be called from a signal handler of the
 * loop, say, when a program hangs.
 *
 * @python   asyncio.tools.build_async_tree(), python -m asyncio pstree
 * @param    loop    NULL: the running one
 * @param    buffer  gets the text, always terminated
 * @param    size    of the buffer, in bytes
 * @return   the length it has, or would have; ASYNCIO_ERR_RUNTIME when tasks
 *           wait for each other in a circle: then the text says which;
 *           ASYNCIO_ERR_NO_RUNNING_LOOP; ASYNCIO_ERR_WRONG_THREAD; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_build_async_tree(asyncio_loop_t *loop, char *buffer,
                                            size_t size);

/**
 * The unfinished tasks of a loop as a table, with a row for each of those who
 * wait for them.
 *
 * @python   asyncio.tools.build_task_table(), python -m asyncio ps
 * @param    loop    NULL: the running one
 * @param    buffer  gets the text, always terminated
 * @param    size    of the buffer, in bytes
 * @return   the length it has, or would have; ASYNCIO_ERR_NO_RUNNING_LOOP;
 *           ASYNCIO_ERR_WRONG_THREAD; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_build_task_table(asyncio_loop_t *loop, char *buffer,
                                            size_t size);

ASYNCIO_END_DECLS

#endif
