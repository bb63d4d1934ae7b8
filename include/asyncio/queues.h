/* SPDX-License-Identifier: MIT */
#ifndef ASYNCIO_QUEUES_H
#define ASYNCIO_QUEUES_H

/**
 * @file queues.h
 * Queues between tasks of one loop: first in first out, last in first out, or
 * by priority.
 *
 * Items are pointers. The queue owns one from a successful put to the get; a
 * put that fails leaves it to the caller. Waiting allocates nothing; a put
 * does when the queue has to grow. All kinds share one type and all functions.
 */

#include "locks.h"

ASYNCIO_BEGIN_DECLS

/** Compares two items: negative when `a` comes first. */
typedef int (*asyncio_compare_t)(const void *a, const void *b);

/** A queue; lives in your memory, its members are private. */
typedef struct asyncio_queue {
    struct aio__waitqueue getters; /* private */
    struct aio__waitqueue putters; /* private */
    void **items;                  /* private: a ring, a stack or a heap */
    size_t capacity;               /* private: of items, 0 or a power of 2 */
    size_t head;                   /* private: where the ring begins */
    size_t count;                  /* private: of items */
    size_t limit;                  /* private: of count */
    size_t unfinished;             /* private: items not task_done() */
    asyncio_event_t finished;      /* private: set while that is 0 */
    asyncio_compare_t compare;     /* private: of a heap */
    asyncio_drop_t drop;           /* private: of items; may be NULL */
    int maxsize;                   /* private: as it was given */
    uint32_t inside;               /* private: tasks in put() and get() */
    uint8_t kind;                  /* private */
    bool is_shutdown;              /* private */
} asyncio_queue_t;

/** These are queues. */
typedef asyncio_queue_t asyncio_priority_queue_t;
typedef asyncio_queue_t asyncio_lifo_queue_t;

typedef struct asyncio_queue_options {
    size_t size;
    asyncio_drop_t drop; /* of items that nobody takes */
} asyncio_queue_options_t;

/**
 * Prepare a queue: first in, first out.
 *
 * @python   asyncio.Queue(maxsize=0)
 * @param    queue    your memory
 * @param    maxsize  items it holds at most; <= 0: any number
 * @param    options  keywords, or NULL
 * @return   0
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_queue_init(asyncio_queue_t *queue, int maxsize,
                                      const asyncio_queue_options_t *options);

/**
 * Prepare a queue that gives the smallest item first.
 *
 * @python   asyncio.PriorityQueue(maxsize=0)
 * @param    queue    your memory
 * @param    maxsize  items it holds at most; <= 0: any number
 * @param    compare  tells which item is smaller
 * @param    options  keywords, or NULL
 * @return   0; UV_EINVAL for NULL
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_priority_queue_init(asyncio_priority_queue_t *queue, int maxsize,
                            asyncio_compare_t compare,
                            const asyncio_queue_options_t *options);

/**
 * Prepare a queue that gives the newest item first.
 *
 * @python   asyncio.LifoQueue(maxsize=0)
 * @param    queue    your memory
 * @param    maxsize  items it holds at most; <= 0: any number
 * @param    options  keywords, or NULL
 * @return   0
 * @suspends never
 */
ASYNCIO_EXPORT int
asyncio_lifo_queue_init(asyncio_lifo_queue_t *queue, int maxsize,
                        const asyncio_queue_options_t *options);

/**
 * Give up a queue of any kind; what is in it is dropped.
 *
 * @python   del queue
 * @param    queue  a queue
 * @return   0; UV_EBUSY while tasks wait for it, or were woken and have not run
 *           since
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_queue_fini(asyncio_queue_t *queue);

/**
 * @python   queue.maxsize
 * @param    queue  a queue
 * @return   items it holds at most; <= 0: any number
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_queue_maxsize(const asyncio_queue_t *queue);

/**
 * @python   queue.qsize()
 * @param    queue  a queue
 * @return   items in it
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_queue_qsize(const asyncio_queue_t *queue);

/**
 * @python   queue.empty()
 * @param    queue  a queue
 * @return   true without items
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_queue_empty(const asyncio_queue_t *queue);

/**
 * @python   queue.full()
 * @param    queue  a queue
 * @return   true at its limit
 * @suspends never
 */
ASYNCIO_EXPORT bool asyncio_queue_full(const asyncio_queue_t *queue);

/**
 * Add an item, waiting for room.
 *
 * @python   await queue.put(item)
 * @param    queue  a queue
 * @param    item   any pointer; the queue's when this succeeds
 * @return   0; ASYNCIO_ERR_QUEUE_SHUT_DOWN; UV_ENOMEM; ASYNCIO_ERR_CANCELLED;
 *           ASYNCIO_ERR_RUNTIME in another loop; ASYNCIO_ERR_NO_RUNNING_LOOP
 *           when it would wait outside a task
 * @suspends unless there is room
 */
ASYNCIO_AWAITS int asyncio_queue_put(asyncio_queue_t *queue, void *item);

/**
 * Add an item now.
 *
 * @python   queue.put_nowait(item)
 * @param    queue  a queue
 * @param    item   any pointer; the queue's when this succeeds
 * @return   0; ASYNCIO_ERR_QUEUE_FULL; ASYNCIO_ERR_QUEUE_SHUT_DOWN; UV_ENOMEM
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_queue_put_nowait(asyncio_queue_t *queue,
                                            void *item);

/**
 * Take an item, waiting for one.
 *
 * @python   await queue.get()
 * @param    queue     a queue
 * @param    ret_item  gets the item, the caller's from now on
 * @return   0; ASYNCIO_ERR_QUEUE_SHUT_DOWN when it is shut down and empty;
 *           ASYNCIO_ERR_CANCELLED, then nothing was taken;
 *           ASYNCIO_ERR_RUNTIME in another loop; ASYNCIO_ERR_NO_RUNNING_LOOP
 *           when it would wait outside a task
 * @suspends unless there is an item
 */
ASYNCIO_AWAITS int asyncio_queue_get(asyncio_queue_t *queue, void **ret_item);

/**
 * Take an item now.
 *
 * @python   queue.get_nowait()
 * @param    queue     a queue
 * @param    ret_item  gets the item, the caller's from now on
 * @return   0; ASYNCIO_ERR_QUEUE_EMPTY; ASYNCIO_ERR_QUEUE_SHUT_DOWN
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_queue_get_nowait(asyncio_queue_t *queue,
                                            void **ret_item);

/**
 * Say that the work on one item is done.
 *
 * @python   queue.task_done()
 * @param    queue  a queue
 * @return   0; ASYNCIO_ERR_VALUE when called more often than items were put
 * @suspends never
 */
ASYNCIO_EXPORT int asyncio_queue_task_done(asyncio_queue_t *queue);

/**
 * Wait until the work on all items is done.
 *
 * @python   await queue.join()
 * @param    queue  a queue
 * @return   0; ASYNCIO_ERR_CANCELLED; ASYNCIO_ERR_RUNTIME in another loop;
 *           ASYNCIO_ERR_NO_RUNNING_LOOP when it would wait outside a task
 * @suspends unless it is
 */
ASYNCIO_AWAITS int asyncio_queue_join(asyncio_queue_t *queue);

typedef struct asyncio_queue_shutdown_options {
    size_t size;
    bool immediate; /* drop what is in it */
} asyncio_queue_shutdown_options_t;

/**
 * End a queue: nothing more is put, what is in it can still be taken. All
 * that wait find out.
 *
 * @python   queue.shutdown(immediate=False)
 * @param    queue    a queue
 * @param    options  keywords, or NULL
 * @suspends never
 */
ASYNCIO_EXPORT void
asyncio_queue_shutdown(asyncio_queue_t *queue,
                       const asyncio_queue_shutdown_options_t *options);

/**
 * @python   str(queue)
 * @param    queue   a queue
 * @param    buffer  gets the text, always terminated
 * @param    size    of the buffer, in bytes
 * @return   the length it has, or would have
 * @suspends never
 */
ASYNCIO_EXPORT size_t asyncio_queue_repr(const asyncio_queue_t *queue,
                                         char *buffer, size_t size);

ASYNCIO_END_DECLS

#endif
