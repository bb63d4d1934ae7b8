/* SPDX-License-Identifier: MIT */
/*
 * One HTTP/1.1 exchange on a connection.
 *
 * The code reads from top to bottom although every read may suspend: that is
 * what stackful coroutines are for. Nothing here has a timeout: the caller
 * opens one around the whole exchange. A reader limits the length of a line,
 * so a header without end is an error and not a memory leak.
 */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    PIECE_MAX = 64 * 1024,
    INTERIM_MAX = 16 /* responses like "100 Continue" */
};

int
http_get(asyncio_stream_writer_t *writer, const struct url *url)
{
    char authority[sizeof url->host + 10];
    const char *rest = "\r\nUser-Agent: libasyncio-fetch"
                       "\r\nAccept: */*"
                       "\r\nAccept-Encoding: identity\r\n\r\n";

    url_authority(url, authority, sizeof authority);
    const asyncio_bytes_t request[] = {
        {"GET ", 4},
        {url->target, strlen(url->target)},
        {" HTTP/1.1\r\nHost: ", 17},
        {authority, strlen(authority)},
        {rest, strlen(rest)},
    };
    return asyncio_stream_writer_writelines(writer, request, 5);
}

/* A line, which ends in a newline; what comes before the end of file does
 * not. */
static int
read_line(asyncio_stream_reader_t *reader, asyncio_bytes_t *ret_line)
{
    int r = asyncio_stream_reader_readline_view(reader, ret_line);

    if (r == ASYNCIO_ERR_VALUE)
        return asyncio_raise(UV_EPROTO, "a line without end");
    if (r < 0)
        return r;
    const char *text = ret_line->data;
    if (ret_line->size == 0 || text[ret_line->size - 1] != '\n')
        return asyncio_raise(ASYNCIO_ERR_INCOMPLETE_READ,
                             "closed in the middle of a response");
    return 0;
}

int
http_read_head(asyncio_stream_reader_t *reader, struct response *response)
{
    for (int i = 0; i < INTERIM_MAX; i++) {
        response_fini(response);
        response_init(response);
        for (;;) {
            asyncio_bytes_t line;
            int r = read_line(reader, &line);
            if (r == 0 && line_is_empty(line.data, line.size))
                break;
            if (r == 0)
                r = response_line(response, line.data, line.size);
            if (r < 0)
                return r;
        }
        int r = response_end(response);
        if (r < 0)
            return r;
        if (response->status == 101)
            return asyncio_raise(UV_EPROTO, "an upgrade nobody asked for");
        if (response->status >= 200)
            return 0;
    }
    return asyncio_raise(UV_EPROTO, "interim responses without end");
}

/* So many bytes. */
static int
read_length(asyncio_stream_reader_t *reader, uint64_t length, body_sink_t sink,
            void *arg)
{
    while (length > 0) {
        size_t n = length < PIECE_MAX ? (size_t) length : PIECE_MAX;
        asyncio_bytes_t piece;
        int r = asyncio_stream_reader_read_view(reader, n, &piece);
        if (r == 0 && piece.size == 0)
            r = asyncio_raise(ASYNCIO_ERR_INCOMPLETE_READ,
                              "closed in the middle of a body");
        if (r == 0)
            r = sink(arg, piece.data, piece.size);
        if (r < 0)
            return r;
        length -= piece.size;
    }
    return 0;
}

static int
read_to_close(asyncio_stream_reader_t *reader, body_sink_t sink, void *arg)
{
    for (;;) {
        asyncio_bytes_t piece;
        int r = asyncio_stream_reader_read_view(reader, PIECE_MAX, &piece);
        if (r < 0 || piece.size == 0)
            return r;
        r = sink(arg, piece.data, piece.size);
        if (r < 0)
            return r;
    }
}

/* What may follow the last chunk: headers that mean nothing to us. */
static int
skip_trailers(asyncio_stream_reader_t *reader)
{
    size_t size = 0;

    for (int lines = 0; size <= HEAD_SIZE_MAX && lines <= HEAD_LINES_MAX;
         lines++) {
        asyncio_bytes_t line;
        int r = read_line(reader, &line);
        if (r < 0 || line_is_empty(line.data, line.size))
            return r;
        size += line.size;
    }
    return asyncio_raise(UV_EPROTO, "trailers without end");
}

static int
read_chunks(asyncio_stream_reader_t *reader, body_sink_t sink, void *arg)
{
    for (;;) {
        uint64_t size = 0;
        asyncio_bytes_t line;
        int r = read_line(reader, &line);
        if (r == 0)
            r = chunk_size_parse(line.data, line.size, &size);
        if (r < 0)
            return r;
        if (size == 0)
            return skip_trailers(reader);

        r = read_length(reader, size, sink, arg);
        if (r == 0)
            r = read_line(reader, &line);
        if (r == 0 && !line_is_empty(line.data, line.size))
            r = asyncio_raise(UV_EPROTO, "a chunk is longer than its size");
        if (r < 0)
            return r;
    }
}

int
http_read_body(asyncio_stream_reader_t *reader,
               const struct response *response, body_sink_t sink, void *arg)
{
    switch (response->framing) {
    case BODY_LENGTH:
        return read_length(reader, response->length, sink, arg);
    case BODY_CHUNKED:
        return read_chunks(reader, sink, arg);
    case BODY_TO_CLOSE:
        return read_to_close(reader, sink, arg);
    }
    return 0;
}
