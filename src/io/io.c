/* SPDX-License-Identifier: MIT */
/*
 * What the I/O of one loop shares.
 *
 * It is made with the first transport and goes when the loop closes; then it
 * goes first, and what is closed after it does not find it any more.
 *
 * Python counterpart: the small change of BaseSelectorEventLoop.
 */
#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/counters.h"

static void
close_io(struct aio__closer *closer)
{
    struct aio__io *io = aio__container_of(closer, struct aio__io, closer);

    io->loop->io = NULL;
    aio__readbuf_fini(io);
    aio__free(io->owners, io->owners_size * sizeof(void *));
    aio__free(io, sizeof *io);
}

int
aio__io_get(asyncio_loop_t *loop, struct aio__io **ret_io)
{
    struct aio__io *io = loop->io;

    if (aio__unlikely(io == NULL)) {
        io = aio__alloc(sizeof *io);
        if (io == NULL)
            return UV_ENOMEM;
        if (aio__readbuf_init(io) < 0) {
            aio__free(io, sizeof *io);
            return UV_ENOMEM;
        }
        io->closer.close = close_io;
        io->loop = loop;
        io->owners = NULL;
        io->owners_size = 0;
        aio__list_push_back(&loop->closers, &io->closer.link);
        loop->io = io;
    }
    *ret_io = io;
    return 0;
}

static int
make_room(struct aio__io *io, size_t fd)
{
    size_t size = io->owners_size > 0 ? io->owners_size : 64;
    asyncio_transport_t **owners;

    while (size <= fd)
        size *= 2;
    if (size == io->owners_size)
        return 0;
    owners = aio__realloc(io->owners, io->owners_size * sizeof *owners,
                          size * sizeof *owners);
    if (owners == NULL)
        return UV_ENOMEM;
    memset(owners + io->owners_size, 0,
           (size - io->owners_size) * sizeof *owners);
    io->owners = owners;
    io->owners_size = size;
    return 0;
}

int
aio__io_own(asyncio_loop_t *loop, int fd, asyncio_transport_t *owner)
{
    struct aio__io *io;
    int r;

    if (owner == NULL) {
        if (loop->io != NULL && (size_t) fd < loop->io->owners_size)
            loop->io->owners[fd] = NULL;
        return 0;
    }
    r = aio__io_get(loop, &io);
    if (r < 0)
        return r;
    r = make_room(io, (size_t) fd);
    if (r < 0)
        return r;
    io->owners[fd] = owner;
    return 0;
}

asyncio_transport_t *
aio__io_owner(const asyncio_loop_t *loop, int fd)
{
    if (loop->io == NULL || fd < 0 || (size_t) fd >= loop->io->owners_size)
        return NULL;
    return loop->io->owners[fd];
}

void
aio__uv_opened(asyncio_loop_t *loop)
{
    loop->handles_open++;
    aio__count(AIO__COUNT_HANDLES, 1);
}

void
aio__uv_closed(asyncio_loop_t *loop)
{
    loop->handles_open--;
    aio__count(AIO__COUNT_HANDLES, -1);
}

void
aio__event_init(struct aio__event *event, void (*run)(struct aio__job *job))
{
    event->job.run = run;
    event->queued = false;
}

void
aio__event_post(asyncio_loop_t *loop, struct aio__event *event)
{
    if (event->queued)
        return;
    event->queued = true;
    aio__ready(loop, &event->job);
}

void
aio__event_withdraw(asyncio_loop_t *loop, struct aio__event *event)
{
    if (!event->queued)
        return;
    event->queued = false;
    if (!aio__queue_remove(&loop->ready, &event->job))
        aio__queue_remove(&loop->now, &event->job);
}

int
aio__fd_opened(int fd)
{
    aio__count(AIO__COUNT_FDS, 1);
    return fd;
}

void
aio__fd_close(int fd)
{
    aio__count(AIO__COUNT_FDS, -1);
    close(fd);
}

int
aio__fd_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0)
        return -errno;
    if ((flags & O_NONBLOCK) == 0
        && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return 0;
}
