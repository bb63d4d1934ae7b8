/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_POLL_H
#define AIO_IO_POLL_H

/* Waiting for descriptors of the program, datagram sockets, and sockets that
 * connect. */

#include "asyncio/sockets.h"
#include "base/list.h"
#include "loop/loop.h"

enum aio__direction {
    AIO__READ,
    AIO__WRITE,
    AIO__CONNECT, /* to write, on a number that is new: who watches the same one
                   * has closed it too early, and hears nothing meanwhile */
    AIO__DIRECTIONS
};

/* Who waits for one direction of a descriptor. Level triggered: `ready` is
 * called in every poll while the descriptor is. */
struct aio__watch {
    void (*ready)(struct aio__watch *watch);
    /* Somebody else takes its place, or the loop closes; it may go. NULL: it
     * insists, and the other one is refused. */
    void (*replaced)(struct aio__watch *watch);
};

/* Start to watch. UV_EBADF, UV_EPERM (a file, which never blocks),
 * UV_EBUSY, UV_ENOMEM, UV_EMFILE. */
int aio__poll_add(asyncio_loop_t *loop, int fd, enum aio__direction direction,
                  struct aio__watch *watch);

/* The watch of that direction; NULL for none. */
struct aio__watch *aio__poll_get(const asyncio_loop_t *loop, int fd,
                                 enum aio__direction direction);

/* Stop to watch; there may be none. */
void aio__poll_remove(asyncio_loop_t *loop, int fd,
                      enum aio__direction direction);

/* Suspend the running task until `fd` is ready, or it is cancelled: the
 * watch is gone when this returns. Errors of aio__poll_add(). */
int aio__poll_wait(asyncio_loop_t *loop, int fd, enum aio__direction direction);

#endif
