/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_THREADFUTURE_H
#define AIO_IO_THREADFUTURE_H

/* The insides of thread futures, and of the pools that finish them. */

#include <pthread.h>
#include <stdatomic.h>

#include "asyncio/threads.h"
#include "base/list.h"
#include "base/macros.h"
#include "loop/exception.h"

enum aio__thread_state {
    AIO__THREAD_PENDING,
    AIO__THREAD_RUNNING,
    AIO__THREAD_CANCELLED,
    AIO__THREAD_FINISHED
};

struct asyncio_thread_future {
    _Atomic(uint32_t) refs; /* 0: immortal */
    pthread_mutex_t lock;   /* guards all up to `drop` */
    pthread_cond_t done;
    struct aio__list callbacks; /* of aio__thread_cb, until it is done */
    enum aio__thread_state state;
    int status;
    asyncio_exception_t *exception; /* owned */
    void *value;
    asyncio_drop_t drop; /* of the value, or of the frame */

    /* A job, or a coroutine of another thread's loop; constant. */
    asyncio_coro_fn_t fn;
    asyncio_context_t *context; /* to run in; NULL: the thread's own */
    struct aio__list link;      /* in the queue of its pool */
    size_t frame_size;
    void *frame; /* right behind this struct; NULL without */
};

/* Who wants to know. `notify` is called once, in whatever thread finishes the
 * future; a `locked` one with its lock held: it must not come back to it. */
struct aio__thread_cb {
    struct aio__list link;
    void (*notify)(struct aio__thread_cb *cb, asyncio_thread_future_t *future);
    bool locked;
};

/* One that has failed already; never NULL, never freed. */
asyncio_thread_future_t *aio__thread_future_failed(int code);

/* With the frame of `coro` copied; NULL without memory. */
asyncio_thread_future_t *aio__thread_future_make(asyncio_coro_t coro,
                                                 asyncio_drop_t drop);

/* Takes the exception; false (and it is dropped) when done already. */
bool aio__thread_future_finish(asyncio_thread_future_t *future, int status,
                               asyncio_exception_t *exception);

/* Cancelled, also when it runs; false when done already. */
bool aio__thread_future_end_cancelled(asyncio_thread_future_t *future);

/* Be told; at once when it is done. */
void aio__thread_future_subscribe(asyncio_thread_future_t *future,
                                  struct aio__thread_cb *cb);

/* False when it has been told. Afterwards nobody touches `cb` any more. */
bool aio__thread_future_unsubscribe(asyncio_thread_future_t *future,
                                    struct aio__thread_cb *cb);

/* How it ended; for one that is done. A new reference to the detail. */
enum aio__thread_state
aio__thread_future_outcome(asyncio_thread_future_t *future, int *ret_status,
                           asyncio_exception_t **ret_exception);

/* Shut down without blocking: when the last thread has left, `gone` is called
 * by it, with the pool's lock held. False: none is left. */
bool aio__thread_pool_leave(asyncio_thread_pool_t *pool,
                            void (*gone)(void *arg), void *arg);
/* Nobody waits any more; the threads end by themselves. */
void aio__thread_pool_abandon(asyncio_thread_pool_t *pool);
/* All have left: wait for the very end of each. */
void aio__thread_pool_join(asyncio_thread_pool_t *pool);

#endif
