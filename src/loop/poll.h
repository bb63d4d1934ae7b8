/* SPDX-License-Identifier: MIT */
#ifndef AIO_LOOP_POLL_H
#define AIO_LOOP_POLL_H

/* When libuv is asked, and how. */

#include "loop/loop.h"

/* While something is ready it is asked at least that often. */
#define AIO__PASSES_MAX 64
#define AIO__POLL_INTERVAL 50e-6 /* seconds */

/*
 * libuv finds up to 1,024 events at once. When so many tasks have been woken
 * for them they run, before libuv calls back for the rest, as if it had found
 * no more: with a thousand connections what a callback has touched would have
 * left the caches until the last of their tasks runs.
 */
#define AIO__TURN 64

/* Let libuv run its callbacks; wait for one, or for the next timer, if told
 * so. */
void aio__poll(asyncio_loop_t *loop, bool wait);

/* At the end of a callback of libuv that has counted in `told` whom it woke. */
void aio__turn_now(asyncio_loop_t *loop);
aio__inline void
aio__turn(asyncio_loop_t *loop)
{
    if (aio__unlikely(loop->told >= AIO__TURN))
        aio__turn_now(loop);
}

#endif
