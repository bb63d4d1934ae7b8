/* SPDX-License-Identifier: MIT */
/* Streams and flow control: exactly how much, exactly when. */
#include "behaviour.h"

#include <asyncio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* Reader and writer on one end of a pair; the other end is a plain socket. */
struct stream {
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    int peer;
};

static struct stream
stream(size_t limit)
{
    struct stream s;
    int ends[2];

    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_r(asyncio_open_connection(NULL, ASYNCIO_NO_PORT, &s.reader,
                                     &s.writer, .sock = &ends[0],
                                     .limit = limit),
             0);
    s.peer = ends[1];
    return s;
}

static void
drop(struct stream s)
{
    asyncio_stream_writer_close(s.writer);
    (void) !asyncio_stream_writer_wait_closed(s.writer);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
    if (s.peer >= 0)
        close(s.peer);
}

static void
feed(asyncio_stream_reader_t *reader, size_t size)
{
    static const char zeros[1000];

    ck_assert_uint_le(size, sizeof zeros);
    assert_r(asyncio_stream_reader_feed_data(reader, zeros, size), 0);
}

BEHAVIOUR(a_reader_pauses_above_twice_its_limit_and_resumes_at_it)
{
    struct stream s = stream(100);
    const asyncio_transport_t *transport =
        asyncio_stream_writer_transport(s.writer);
    char bytes[100];

    feed(s.reader, 200);
    ck_assert(asyncio_transport_is_reading(transport));
    feed(s.reader, 1);
    ck_assert(!asyncio_transport_is_reading(transport));
    ck_assert_int_eq(asyncio_stream_reader_readexactly(s.reader, bytes, 100),
                     100);
    ck_assert(!asyncio_transport_is_reading(transport));
    ck_assert_int_eq(asyncio_stream_reader_readexactly(s.reader, bytes, 1), 1);
    ck_assert(asyncio_transport_is_reading(transport));
    drop(s);
}

BEHAVIOUR(exactly_what_is_there_needs_no_more)
{
    asyncio_stream_reader_t *reader;
    char bytes[8];

    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    feed(reader, 8);
    ck_assert_int_eq(asyncio_stream_reader_readexactly(reader, bytes, 8), 8);
    asyncio_stream_reader_unref(reader);
}

struct feed_in_pieces {
    asyncio_stream_reader_t *reader;
};

static int
feed_in_pieces(void *frame)
{
    struct feed_in_pieces *self = frame;

    for (int i = 0; i < 3; i++) {
        feed(self->reader, 5);
        assert_r(asyncio_sleep(1), 0);
    }
    asyncio_stream_reader_feed_eof(self->reader);
    return 0;
}

BEHAVIOUR(reading_to_the_end_does_not_end_with_the_first_piece)
{
    asyncio_stream_reader_t *reader;
    asyncio_bytes_t all;

    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(feed_in_pieces, .reader = reader));
    assert_r(asyncio_stream_reader_read_view(reader, ASYNCIO_READ_ALL, &all),
             0);
    ck_assert_uint_eq(all.size, 15);
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    asyncio_stream_reader_unref(reader);
}

BEHAVIOUR(drain_raises_what_the_reader_met)
{
    struct stream s = stream(0);

    asyncio_stream_reader_set_exception(s.reader, UV_EIO);
    assert_r(asyncio_stream_writer_drain(s.writer), UV_EIO);
    drop(s);
}

/* Twice what the socket takes, so that the last bytes are queued. */
static size_t
overfill(struct stream s)
{
    static const char zeros[1 << 16];
    const asyncio_transport_t *transport =
        asyncio_stream_writer_transport(s.writer);
    size_t written = 0;

    while (asyncio_transport_get_write_buffer_size(transport)
           < sizeof zeros) {
        assert_r(asyncio_stream_writer_write(s.writer, zeros, sizeof zeros),
                 0);
        written += sizeof zeros;
    }
    return written;
}

BEHAVIOUR(a_byte_written_last_arrives_last_although_the_peer_made_room)
{
    struct stream s = stream(0);
    size_t left = overfill(s) + 1;
    char bytes[4096];
    ssize_t n;

    /* The socket has room again; the loop has not heard of it. */
    for (int i = 0; i < 25; i++) {
        n = recv(s.peer, bytes, sizeof bytes, 0);
        ck_assert_int_gt(n, 0);
        left -= (size_t) n;
    }
    assert_r(asyncio_stream_writer_write(s.writer, "!", 1), 0);
    while (left > 0) {
        n = recv(s.peer, bytes, sizeof bytes, 0);
        if (n <= 0) {
            assert_r(asyncio_sleep(0), 0);
            continue;
        }
        left -= (size_t) n;
        ck_assert(left == 0 || memchr(bytes, '!', (size_t) n) == NULL);
    }
    ck_assert_int_eq(bytes[n - 1], '!');
    drop(s);
}
