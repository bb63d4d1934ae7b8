/* SPDX-License-Identifier: MIT */
#include "pair.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "behaviour.h"

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

int
pair_connect(struct pair *self, asyncio_protocol_t *protocol)
{
    asyncio_transport_t *transport;
    int ends[2], r;

    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    self->peer = ends[1];
    r = asyncio_loop_create_unix_connection(
        asyncio_get_running_loop(), give, NULL, &transport, NULL,
        .arg = protocol, .sock = &ends[0]);
    if (r < 0) {
        close(ends[0]);
        return r;
    }
    r = asyncio_stream_writer_new(transport, protocol, self->reader,
                                  &self->writer);
    if (r < 0)
        asyncio_transport_abort(transport);
    return r;
}

int
pair_try(struct pair *self, size_t limit)
{
    asyncio_protocol_t *protocol;
    int r;

    *self = (struct pair){.peer = -1};
    r = asyncio_stream_reader_new(limit, &self->reader);
    if (r >= 0)
        r = asyncio_stream_reader_protocol_new(self->reader, &protocol);
    return r < 0 ? r : pair_connect(self, protocol);
}

struct pair
pair_open(size_t limit)
{
    struct pair self;

    assert_r(pair_try(&self, limit), 0);
    return self;
}

void
pair_say(const struct pair *self, const char *text)
{
    ck_assert_int_eq(write(self->peer, text, strlen(text)),
                     (ssize_t) strlen(text));
}

void
pair_drop(struct pair *self)
{
    asyncio_stream_writer_unref(self->writer);
    asyncio_stream_reader_unref(self->reader);
    if (self->peer >= 0)
        close(self->peer);
}

void
pair_close(struct pair *self)
{
    asyncio_stream_writer_close(self->writer);
    assert_r(asyncio_stream_writer_wait_closed(self->writer), 0);
    pair_drop(self);
}
