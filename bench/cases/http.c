/* SPDX-License-Identifier: MIT */
/*
 * An HTTP client on streams: a thousand tasks share the requests, each on a
 * connection that is kept alive, or on a new one for every request.
 */
#include "case.h"
#include "http.h"

struct client {
    int port;
    uint64_t requests;
    bool keepalive;
};

/* The Content-Length of a head, whose lines all end in CR LF. */
static size_t
body_size(asyncio_bytes_t head)
{
    const char *line = head.data, *end = line + head.size;

    while (line < end && strncmp(line, HTTP_LENGTH, sizeof HTTP_LENGTH - 1))
        line = (const char *) memchr(line, '\n', (size_t) (end - line)) + 1;
    if (line >= end)
        bench_skip("http: no Content-Length");
    return strtoul(line + sizeof HTTP_LENGTH - 1, NULL, 10);
}

/* The head, up to its empty line, then the body. */
static void
get(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
    const char *request)
{
    asyncio_bytes_t head, body;

    must(asyncio_stream_writer_write(writer, request, strlen(request)));
    must(asyncio_stream_reader_readuntil_view(reader, "\r\n\r\n", &head));
    must(asyncio_stream_reader_readexactly_view(reader, body_size(head),
                                                &body));
}

static int
client(void *arg)
{
    struct client *self = arg;
    const char *request = self->keepalive ? HTTP_GET : HTTP_GET_CLOSE;
    asyncio_stream_reader_t *reader = NULL;
    asyncio_stream_writer_t *writer = NULL;

    for (uint64_t i = 0; i < self->requests; i++) {
        if (writer == NULL)
            must(asyncio_open_connection("127.0.0.1", self->port, &reader,
                                         &writer));
        get(reader, writer, request);
        if (self->keepalive && i + 1 < self->requests)
            continue;
        asyncio_stream_writer_close(writer);
        asyncio_stream_reader_unref(reader);
        asyncio_stream_writer_unref(writer);
        writer = NULL;
    }
    return 0;
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);
    asyncio_task_t *clients[HTTP_AT_ONCE];
    int port = bench_http_port();

    bench_start(bench);
    for (int i = 0; i < HTTP_AT_ONCE; i++)
        clients[i] = asyncio_create_task(
            asyncio_coro(client, .port = port, .keepalive = bench->arg,
                         .requests = bench->n / HTTP_AT_ONCE));
    must(asyncio_gather(clients, HTTP_AT_ONCE));
    bench_stop(bench);
    asyncio_future_unref_array(clients, HTTP_AT_ONCE);
    return 0;
}

static void
http(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "http/keepalive",
         .run = http,
         .arg = 1,
         .n = HTTP_KEEPALIVE,
         .unit = "us",
         .macro = true,
         .by_cpu = true},
        {.name = "http/new",
         .run = http,
         .n = HTTP_NEW,
         .unit = "us",
         .macro = true,
         .by_cpu = true},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
