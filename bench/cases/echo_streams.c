/* SPDX-License-Identifier: MIT */
/*
 * An echo server on streams: a task a connection, which reads what there is
 * without copying it, writes it and drains.
 */
#include "case.h"

static int
echo(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    asyncio_bytes_t got;
    int r;

    (void) arg;
    while ((r = asyncio_stream_reader_read_view(reader, 65536, &got)) >= 0
           && got.size > 0) {
        r = asyncio_stream_writer_write(writer, got.data, got.size);
        if (r >= 0)
            r = asyncio_stream_writer_drain(writer);
        if (r < 0)
            break;
    }
    asyncio_stream_writer_close(writer);
    return 0;
}

static int
body(void *arg)
{
    asyncio_server_t *server;

    (void) arg;
    must(asyncio_start_server(echo, "127.0.0.1", 0, &server, .backlog = 1024));
    bench_serving(asyncio_server_port(server));
    return asyncio_server_serve_forever(server);
}

static void
serve(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "serve/echo-streams", .run = serve},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
