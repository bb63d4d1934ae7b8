/* SPDX-License-Identifier: MIT */
#ifndef AIO_IO_IO_H
#define AIO_IO_IO_H

/*
 * What the I/O of one loop shares: buffers to read into, and which transport
 * owns which descriptor.
 */

#include "asyncio/transports.h"
#include "loop/loop.h"

enum {
    AIO__READ_SIZE = 256 * 1024, /* of a read buffer, in bytes */
    AIO__READ_BUFFERS = 8        /* so many at most while some are kept */
};

struct aio__io {
    struct aio__closer closer;
    asyncio_loop_t *loop;
    asyncio_transport_t **owners; /* by descriptor */
    size_t owners_size;           /* descriptors it has room for */
    char *spares[AIO__READ_BUFFERS]; /* read buffers; the last is the next */
    uint32_t spare;               /* how many */
    uint32_t buffers;             /* and how many there are in all */
};

/* Of this loop, made when it is first asked for. */
int aio__io_get(asyncio_loop_t *loop, struct aio__io **ret_io);

/* Note who owns a descriptor; NULL: nobody any more, which cannot fail. */
int aio__io_own(asyncio_loop_t *loop, int fd, asyncio_transport_t *owner);

/* The transport that owns a descriptor, or NULL. */
asyncio_transport_t *aio__io_owner(const asyncio_loop_t *loop, int fd);

/* The read buffers: see readbuf.c. The first is there from the start, so taking
 * one fails, with NULL, only inside of what another read caused. */
int aio__readbuf_init(struct aio__io *io);
void aio__readbuf_fini(struct aio__io *io);
char *aio__readbuf_make(struct aio__io *io);
aio__inline char *
aio__readbuf_take(struct aio__io *io)
{
    return aio__likely(io->spare > 0) ? io->spares[--io->spare]
                                      : aio__readbuf_make(io);
}

/* `io` NULL: the loop has closed, and this one had been kept. */
void aio__readbuf_surplus(struct aio__io *io, char *buffer);
aio__inline void
aio__readbuf_give(struct aio__io *io, char *buffer)
{
    if (aio__likely(io != NULL && io->spare < AIO__READ_BUFFERS))
        io->spares[io->spare++] = buffer;
    else
        aio__readbuf_surplus(io, buffer);
}

/* Look at the next buffer, and only then decide whether to keep it, for long:
 * NULL when there would be none for the others. */
bool aio__readbuf_another(struct aio__io *io);
aio__inline char *
aio__readbuf_look(struct aio__io *io)
{
    return aio__likely(io->spare > 1) || aio__readbuf_another(io)
        ? io->spares[io->spare - 1]
        : NULL;
}
aio__inline void
aio__readbuf_keep(struct aio__io *io)
{
    io->spare--;
}

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
