/* SPDX-License-Identifier: MIT */
/* fetch/http.c on a reader that is fed by hand: good responses in pieces, and
 * responses that end after any of their bytes. */
#include "behaviour.h"

#include <asyncio.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "fetch/http.h"

struct body {
    char data[256];
    size_t size;
};

static int
take(void *arg, const void *data, size_t size)
{
    struct body *body = arg;

    if (size > sizeof body->data - body->size)
        return UV_ENOBUFS;
    memcpy(body->data + body->size, data, size);
    body->size += size;
    return 0;
}

struct feed {
    asyncio_stream_reader_t *reader;
    const char *bytes;
    size_t size;  /* how many of them */
    size_t piece; /* so many at a time */
};

static int
feed(void *arg)
{
    const struct feed *self = arg;

    for (size_t i = 0; i < self->size; i += self->piece) {
        size_t n = self->size - i < self->piece ? self->size - i : self->piece;
        int r = asyncio_stream_reader_feed_data(self->reader,
                                                self->bytes + i, n);
        if (r == 0)
            r = asyncio_sleep(0);
        if (r < 0)
            return r;
    }
    asyncio_stream_reader_feed_eof(self->reader);
    return 0;
}

/* Read the response that the first `size` bytes are, fed in pieces. */
static int
receive(const char *bytes, size_t size, size_t piece, struct body *body)
{
    asyncio_stream_reader_t *reader;
    struct response response;

    body->size = 0;
    assert_ok(asyncio_stream_reader_new(0, &reader));
    asyncio_task_t *feeder = asyncio_create_task(asyncio_coro(
        feed, .reader = reader, .bytes = bytes, .size = size, .piece = piece));
    response_init(&response);
    int r = http_read_head(reader, &response);
    if (r == 0)
        r = http_read_body(reader, &response, take, body);
    response_fini(&response);
    assert_ok(asyncio_await(feeder));
    asyncio_task_unref(feeder);
    asyncio_stream_reader_unref(reader);
    return r;
}

static const char with_length[] = "HTTP/1.1 200 OK\r\n"
                                  "Server: test\r\n"
                                  "Content-Length: 11\r\n"
                                  "\r\n"
                                  "hello world";
static const char with_chunks[] = "HTTP/1.1 100 Continue\r\n"
                                  "\r\n"
                                  "HTTP/1.1 200 OK\r\n"
                                  "Transfer-Encoding: chunked\r\n"
                                  "\r\n"
                                  "6;extension\r\n"
                                  "hello \r\n"
                                  "5\r\n"
                                  "world\r\n"
                                  "0\r\n"
                                  "Trailer: x\r\n"
                                  "\r\n";
static const char to_the_close[] = "HTTP/1.0 200 OK\n"
                                   "Server: test\n"
                                   "\n"
                                   "hello world";

static void
assert_in_any_pieces(const char *response)
{
    size_t size = strlen(response);

    for (size_t piece = 1; piece <= size; piece++) {
        struct body body;

        assert_r(receive(response, size, piece, &body), 0);
        ck_assert_uint_eq(body.size, 11);
        ck_assert_mem_eq(body.data, "hello world", 11);
    }
}

BEHAVIOUR(a_response_may_come_in_any_pieces)
{
    assert_in_any_pieces(with_length);
    assert_in_any_pieces(with_chunks);
    assert_in_any_pieces(to_the_close);
}

static void
assert_incomplete_after_any_byte(const char *response, size_t bytes)
{
    struct body body;

    for (size_t cut = 0; cut < bytes; cut++)
        assert_r(receive(response, cut, 7, &body), ASYNCIO_ERR_INCOMPLETE_READ);
    assert_r(receive(response, strlen(response), 7, &body), 0);
}

BEHAVIOUR(a_response_that_is_cut_is_incomplete)
{
    assert_incomplete_after_any_byte(with_length, strlen(with_length));
    assert_incomplete_after_any_byte(with_chunks, strlen(with_chunks));
    assert_incomplete_after_any_byte(to_the_close, strlen(to_the_close) - 11);
}

BEHAVIOUR(a_chunk_that_is_longer_than_its_size_is_refused)
{
    struct body body;
    const char *response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                           "\r\n5\r\nhelloworld\r\n0\r\n\r\n";

    assert_r(receive(response, strlen(response), 9, &body), UV_EPROTO);
}

BEHAVIOUR(a_chunk_size_that_overflows_is_refused)
{
    struct body body;
    const char *response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                           "\r\nfffffffffffffffffff\r\n";

    assert_r(receive(response, strlen(response), 9, &body), UV_EPROTO);
}

BEHAVIOUR(interim_responses_without_end_are_refused)
{
    static char response[100 * 26];
    struct body body;

    for (int i = 0; i < 100; i++)
        memcpy(response + 26 * i, "HTTP/1.1 103 Hints....\r\n\r\n", 26);
    assert_r(receive(response, sizeof response, 100, &body), UV_EPROTO);
}

BEHAVIOUR(a_line_without_end_is_refused)
{
    static char response[200 * 1024];
    struct body body;

    memset(response, 'a', sizeof response);
    memcpy(response, "HTTP/1.1 200 OK\r\nA: ", 20);
    assert_r(receive(response, sizeof response, 4096, &body), UV_EPROTO);
}

BEHAVIOUR(trailers_without_end_are_refused)
{
    static char response[64 + 8 * 100000];
    struct body body;
    size_t size = (size_t) sprintf(
        response, "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n");

    for (int i = 0; i < 100000; i++)
        size += (size_t) sprintf(response + size, "a: bcd\r\n");
    assert_r(receive(response, size, 100000, &body), UV_EPROTO);
}
