/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_EXECUTOR_H
#define AIO_IO_EXECUTOR_H

/* What a loop has to do with threads: made when it first needs it. */

#include "io/threadfuture.h"
#include "loop/loop.h"

/* Something between the loop and another thread that must end with the loop. */
struct aio__bridge {
    struct aio__list link;
    void (*close)(struct aio__bridge *bridge); /* it is out of the list */
};

struct aio__executor {
    struct aio__closer closer;
    asyncio_loop_t *loop;
    struct aio__list bridges;
    asyncio_thread_pool_t *pool; /* the default one; NULL before its use */
    bool shutdown;               /* the default pool was: no new one */
};

/* NULL without memory. The loop is open, and this is its thread. */
struct aio__executor *aio__executor_of(asyncio_loop_t *loop);

/* Takes a job's future over into a future of the loop, which is never NULL:
 * then `source` failed in making it. Drops the reference to `source`. */
asyncio_future_t *aio__wrap(asyncio_loop_t *loop,
                            asyncio_thread_future_t *source);

#endif
