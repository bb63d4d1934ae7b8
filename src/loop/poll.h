/* SPDX-License-Identifier: MIT */
#ifndef AIO_LOOP_POLL_H
#define AIO_LOOP_POLL_H

/* When libuv is asked, and how. */

#include "loop/loop.h"

/* While something is ready it is asked at least that often. */
#define AIO__PASSES_MAX 64
#define AIO__POLL_INTERVAL 50e-6 /* seconds */

/* Let libuv run its callbacks; wait for one, or for the next timer, if told
 * so. */
void aio__poll(asyncio_loop_t *loop, bool wait);

#endif
