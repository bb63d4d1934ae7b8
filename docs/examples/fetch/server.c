/* SPDX-License-Identifier: MIT */
/*
 * The server of the demonstration, in the same event loop as its clients: a
 * task for each connection, which answers one request after the other.
 *
 * Sizes and delays are made from the number of the page, and the ways in
 * which a body can end are mixed. Some pages have moved; some are busy when
 * they are asked for first.
 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 16 * 1024,
    NUMBER_MAX = 10000
};

struct request {
    unsigned page;
    bool get;
    bool moved; /* asked for where it is now */
};

/* The same for a number each time, but without a pattern to see. */
static unsigned
scramble(unsigned n)
{
    n = (n ^ (n >> 16)) * 0x45d9f3bU;
    n = (n ^ (n >> 16)) * 0x45d9f3bU;
    return n ^ (n >> 16);
}

/* 1 for a request, 0 when there is no more. */
static int
read_request(asyncio_stream_reader_t *reader, struct request *ret_request)
{
    char path[32] = "";
    asyncio_bytes_t line;
    int r;

    for (int lines = 0;
         (r = asyncio_stream_reader_next_line(reader, &line)) > 0; lines++) {
        const char *text = line.data;

        if (lines > 0 && (*text == '\r' || *text == '\n'))
            break;
        if (lines == 0) {
            ret_request->get = line.size > 4 && memcmp(text, "GET ", 4) == 0;
            for (size_t i = 4; i < line.size && i < 4 + sizeof path - 1
                               && text[i] != ' ';
                 i++)
                path[i - 4] = text[i];
        }
    }
    const char *number = strrchr(path, '/');
    ret_request->moved = strncmp(path, "/moved/", 7) == 0;
    ret_request->page = number == NULL ? NUMBER_MAX
                                       : (unsigned) atoi(number + 1);
    return r;
}

static int
write_text(asyncio_stream_writer_t *writer, const char *text)
{
    return asyncio_stream_writer_write(writer, text, strlen(text));
}

/* A body, in pieces; the client decides how fast. */
static int
write_body(asyncio_stream_writer_t *writer, unsigned size, bool chunked)
{
    static char piece[PIECE];
    char line[32];
    int r = 0;

    if (piece[0] == '\0')
        memset(piece, '.', sizeof piece);
    while (r == 0 && size > 0) {
        unsigned n = size < PIECE ? size : PIECE;

        snprintf(line, sizeof line, "%x\r\n", n);
        if (chunked)
            r = write_text(writer, line);
        if (r == 0)
            r = asyncio_stream_writer_write(writer, piece, n);
        if (r == 0 && chunked)
            r = write_text(writer, "\r\n");
        if (r == 0)
            r = asyncio_stream_writer_drain(writer);
        size -= n;
    }
    return r == 0 && chunked ? write_text(writer, "0\r\n\r\n") : r;
}

/* Answer a request. 1 when the connection stays open, 0 when not. */
static int
answer(asyncio_stream_writer_t *writer, const struct request *request)
{
    static bool was_asked[NUMBER_MAX];
    unsigned page = request->page, random = scramble(page);
    unsigned size = 200 + random % 64 * (random % 64) * 50;
    bool chunked = page % 4 == 1, to_close = page % 25 == 2;
    char head[256];
    int r;

    if (!request->get || page >= NUMBER_MAX)
        return write_text(writer, "HTTP/1.1 404 Not Found\r\n"
                                  "Connection: close\r\n\r\n");
    if (page % 20 == 7 && !request->moved) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 302 Found\r\nLocation: /moved/%u\r\n"
                 "Content-Length: 0\r\n\r\n", page);
        r = write_text(writer, head);
        return r < 0 ? r : 1;
    }
    if (page % 50 == 13 && !was_asked[page]) {
        was_asked[page] = true;
        r = write_text(writer, "HTTP/1.1 503 Service Unavailable\r\n"
                               "Content-Length: 0\r\n\r\n");
        return r < 0 ? r : 1;
    }
    r = asyncio_sleep(0.01 + random / 4096 % 180 / 1000.0);
    if (r < 0)
        return r;
    snprintf(head, sizeof head,
             to_close  ? "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
             : chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       : "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n",
             size);
    r = write_text(writer, head);
    if (r == 0)
        r = write_body(writer, size, chunked && !to_close);
    if (r == 0)
        r = asyncio_stream_writer_drain(writer);
    return r < 0 ? r : !to_close;
}

static int
serve(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
      void *arg)
{
    struct request request;
    int r;

    (void) arg;
    while ((r = read_request(reader, &request)) > 0
           && (r = answer(writer, &request)) > 0)
        ;
    asyncio_stream_writer_close(writer);
    /* A client that goes away is nothing to report. */
    return asyncio_failed(r) ? 0 : r;
}

int
demo_server_start(asyncio_server_t **ret_server)
{
    return asyncio_start_server(serve, "127.0.0.1", 0, ret_server);
}

int
demo_server_stop(asyncio_server_t *server)
{
    asyncio_server_close(server);
    asyncio_server_close_clients(server);
    int r = asyncio_server_wait_closed(server);
    asyncio_server_unref(server);
    return r;
}
