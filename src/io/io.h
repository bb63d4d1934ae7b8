/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_IO_H
#define AIO_IO_IO_H

/*
 * What the I/O of one loop shares: a read buffer, because all reading happens
 * inside callbacks that are called one after the other; and which transport
 * owns which descriptor.
 */

#include "asyncio/transports.h"
#include "loop/loop.h"

enum { AIO__READ_SIZE = 256 * 1024 }; /* of the shared buffer, in bytes */

struct aio__io {
    struct aio__closer closer;
    asyncio_loop_t *loop;
    asyncio_transport_t **owners; /* by descriptor */
    size_t owners_size;           /* descriptors it has room for */
    char buffer[AIO__READ_SIZE];
};

/* Of this loop, made when it is first asked for. */
int aio__io_get(asyncio_loop_t *loop, struct aio__io **ret_io);

/* Note who owns a descriptor; NULL: nobody any more, which cannot fail. */
int aio__io_own(asyncio_loop_t *loop, int fd, asyncio_transport_t *owner);

/* The transport that owns a descriptor, or NULL. */
asyncio_transport_t *aio__io_owner(const asyncio_loop_t *loop, int fd);

/* A uv handle was opened, or its close callback was called: the loop waits
 * for all of them when it closes. */
void aio__uv_opened(asyncio_loop_t *loop);
void aio__uv_closed(asyncio_loop_t *loop);

/* Run it in the next pass; and take that back. */
struct aio__event {
    struct aio__job job;
    bool queued;
};
void aio__event_init(struct aio__event *event,
                     void (*run)(struct aio__job *job));
void aio__event_post(asyncio_loop_t *loop, struct aio__event *event);
void aio__event_withdraw(asyncio_loop_t *loop, struct aio__event *event);

/* Descriptors that the library opened. */
int aio__fd_opened(int fd);
void aio__fd_close(int fd);
int aio__fd_nonblock(int fd);

#endif
