/* SPDX-License-Identifier: MIT */
/*
 * The read buffers of a loop.
 *
 * All reading goes into a large buffer, taken before the system call and given
 * back after what came has been dealt with. They are taken last in, first out,
 * so that nearly always it is the same one, which is in the cache. A second
 * one is needed only where a read happens inside of what another one caused.
 *
 * A stream reader may keep the buffer, while the program looks at the bytes in
 * it: then nothing is copied. How many may be kept is bounded, because each
 * may have been touched all over; whoever gets none copies.
 */
#include "base/alloc.h"
#include "io/io.h"

char *
aio__readbuf_make(struct aio__io *io)
{
    char *buffer = aio__alloc(AIO__READ_SIZE);

    if (buffer != NULL)
        io->buffers++;
    return buffer;
}

int
aio__readbuf_init(struct aio__io *io)
{
    io->buffers = io->spare = 0;
    io->spares[0] = aio__readbuf_make(io);
    if (io->spares[0] == NULL)
        return UV_ENOMEM;
    io->spare = 1;
    return 0;
}

void
aio__readbuf_fini(struct aio__io *io)
{
    while (io->spare > 0)
        aio__free(io->spares[--io->spare], AIO__READ_SIZE);
}

void
aio__readbuf_surplus(struct aio__io *io, char *buffer)
{
    aio__free(buffer, AIO__READ_SIZE);
    if (io != NULL)
        io->buffers--;
}

/* Below the one that is there, which is in the cache. */
bool
aio__readbuf_another(struct aio__io *io)
{
    char *buffer;

    if (io->buffers >= AIO__READ_BUFFERS)
        return false;
    buffer = aio__readbuf_make(io);
    if (buffer == NULL)
        return false;
    if (io->spare > 0)
        io->spares[1] = io->spares[0];
    io->spares[0] = buffer;
    io->spare++;
    return io->spare > 1;
}
