/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_FDWAIT_H
#define AIO_IO_FDWAIT_H

/* Wait for a descriptor, once. */

#include "loop/fiber.h"

/* In a task: suspend until one of the events (UV_READABLE, UV_WRITABLE) is
 * there; those that are. An error condition counts as both. The descriptor
 * stays the caller's: after a cancellation libuv has forgotten it. */
int aio__fd_wait(asyncio_loop_t *loop, int fd, int events);

/* The same for who waits for several things at once: a poll that wakes this
 * waiter with `value`. stop() frees it, woken or not, at once as far as the
 * descriptor and the waiter are concerned. */
struct aio__fd_watch;
int aio__fd_watch_start(asyncio_loop_t *loop, int fd, int events,
                        void (*ready)(void *arg, int events), void *arg,
                        struct aio__fd_watch **ret_watch);
void aio__fd_watch_stop(struct aio__fd_watch *watch);

#endif
