/* SPDX-License-Identifier: MIT */
/* Both ends of an echo conversation, on streams. */
#include "peer.h"

#include <string.h>

static int
echo(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    char end[32];
    size_t total = 0;

    (void) arg;
    for (;;) {
        asyncio_bytes_t view;
        must(asyncio_stream_reader_read_view(reader, 100000, &view));
        if (view.size == 0)
            break;
        total += view.size;
        must(asyncio_stream_writer_write(writer, view.data, view.size));
        must(asyncio_stream_writer_drain(writer));
    }
    int n = snprintf(end, sizeof end, "END %zu\n", total);
    must(asyncio_stream_writer_write(writer, end, (size_t) n));
    asyncio_stream_writer_close(writer);
    must(asyncio_stream_writer_wait_closed(writer));
    return 0;
}

void
serve_streams(const char *path, asyncio_server_t *ret_servers[2])
{
    must(asyncio_start_server(echo, "127.0.0.1", 0, &ret_servers[0]));
    must(asyncio_start_unix_server(echo, path, &ret_servers[1]));
}

struct sending {
    asyncio_stream_writer_t *writer;
    const char *data;
    size_t size;
};

/* In pieces of growing size, the last of several at once. */
static int
sending(void *frame)
{
    struct sending *self = frame;
    size_t piece = 1;

    while (self->size > 0) {
        size_t n = self->size < piece ? self->size : piece;
        asyncio_bytes_t halves[] = {
            {.data = self->data, .size = n / 2},
            {.data = self->data + n / 2, .size = n - n / 2},
        };
        must(asyncio_stream_writer_writelines(self->writer, halves, 2));
        must(asyncio_stream_writer_drain(self->writer));
        self->data += n;
        self->size -= n;
        piece = piece < (1 << 19) ? piece * 2 + 1 : 1;
    }
    must(asyncio_stream_writer_write_eof(self->writer));
    return 0;
}

void
talk_streams(const struct talk *talk)
{
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;

    if (talk->place.path != NULL)
        must(asyncio_open_unix_connection(talk->place.path, &reader, &writer));
    else
        must(asyncio_open_connection("127.0.0.1", talk->place.port, &reader,
                                     &writer));
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(
        sending, .writer = writer, .data = talk->data, .size = talk->size));
    for (;;) {
        asyncio_bytes_t view;
        must(asyncio_stream_reader_read_view(reader, 100000, &view));
        if (view.size == 0)
            break;
        fwrite(view.data, 1, view.size, talk->got);
    }
    must(asyncio_await(task));
    asyncio_future_unref(task);
    asyncio_stream_writer_close(writer);
    must(asyncio_stream_writer_wait_closed(writer));
    asyncio_stream_writer_unref(writer);
    asyncio_stream_reader_unref(reader);
}
