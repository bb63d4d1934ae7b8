/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_SOCK_H
#define AIO_IO_SOCK_H

/* What the calls on sockets have in common. */

#include "io/poll.h"

/* May the running task use this loop and this socket? */
int aio__sock_check(asyncio_loop_t *loop, int sock);

/* After a system call failed: 0 to try again, having waited if need be. */
int aio__sock_retry(asyncio_loop_t *loop, int sock,
                    enum aio__direction direction);

#endif
