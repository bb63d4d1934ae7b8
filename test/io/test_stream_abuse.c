/* SPDX-License-Identifier: MIT */
/* Peers that mean no good, and programs that do not take care: lines without
 * an end, who never reads, who closes while others wait. */
#include "behaviour.h"
#include "pair.h"

#include <asyncio.h>
#include <asyncio/testing.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { HIGH = 64 * 1024, ROOM = 512 * 1024 };

static int64_t
bytes_held(void)
{
    return asyncio_testing_counters().bytes;
}

/* Push until it does not go on for some passes; how many bytes. */
static size_t
push(int peer)
{
    static char piece[65536];
    size_t size = 0;

    memset(piece, 'x', sizeof piece);
    for (int idle = 0; idle < 5;) {
        ssize_t n = write(peer, piece, sizeof piece);

        if (n > 0) {
            size += (size_t) n;
            idle = 0;
            ck_assert_uint_lt(size, 64u << 20); /* it never stopped */
        } else {
            ck_assert_int_eq(errno, EAGAIN);
            idle++;
            assert_r(asyncio_sleep(0.001), 0);
        }
    }
    return size;
}

BEHAVIOUR(who_sends_what_nobody_reads_is_held_up)
{
    struct pair s = pair_open(1000);
    int64_t before = bytes_held();

    push(s.peer);
    ck_assert_int_lt(bytes_held() - before, ROOM);
    ck_assert(!asyncio_transport_is_reading(
        asyncio_stream_writer_transport(s.writer)));
    pair_close(&s);
}

BEHAVIOUR(a_line_without_an_end_is_an_error_and_takes_no_memory)
{
    struct pair s = pair_open(1000);
    asyncio_bytes_t line;
    int64_t before = bytes_held();

    for (int i = 0; i < 5; i++) {
        push(s.peer);
        assert_r(asyncio_stream_reader_readline_view(s.reader, &line),
                 ASYNCIO_ERR_VALUE);
        ck_assert_int_lt(bytes_held() - before, ROOM);
    }
    pair_close(&s);
}

BEHAVIOUR(a_chunk_without_an_end_stays_until_it_is_skipped)
{
    struct pair s = pair_open(1000);
    asyncio_bytes_t view;
    size_t size, skipped = 0;

    size = push(s.peer);
    for (;;) {
        int r = asyncio_stream_reader_readuntil_view(s.reader, "!", &view);

        if (r == 0)
            break;
        assert_r(r, ASYNCIO_ERR_LIMIT_OVERRUN);
        size_t n = asyncio_error_consumed(asyncio_current_exception());
        assert_r(asyncio_stream_reader_readexactly_view(s.reader, n, &view),
                 0);
        skipped += n;
        if (skipped + 1000 > size)
            ck_assert_int_eq(write(s.peer, "!", 1), 1);
    }
    ck_assert_uint_eq(skipped + view.size, size + 1);
    pair_close(&s);
}

struct writing {
    asyncio_stream_writer_t *writer;
    size_t *sent;
};

static int
writing(void *frame)
{
    struct writing *self = frame;
    static const char piece[10000];
    int r;

    do {
        r = asyncio_stream_writer_write(self->writer, piece, sizeof piece);
        *self->sent += sizeof piece;
        if (r >= 0)
            r = asyncio_stream_writer_drain(self->writer);
    } while (r >= 0);
    return r;
}

BEHAVIOUR(who_never_reads_costs_no_more_than_the_high_water_mark)
{
    struct pair s = pair_open(0);
    int64_t before = bytes_held();
    size_t sent = 0, former = 1;
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(writing, .writer = s.writer, .sent = &sent));

    while (sent != former) {
        former = sent;
        assert_r(asyncio_sleep(0.01), 0);
    }
    ck_assert_uint_le(asyncio_transport_get_write_buffer_size(
                          asyncio_stream_writer_transport(s.writer)),
                      HIGH + 10000);
    ck_assert_int_lt(bytes_held() - before, ROOM);
    close(s.peer);
    s.peer = -1;
    int r = asyncio_await(task);
    ck_assert(r == UV_EPIPE || r == UV_ECONNRESET);
    asyncio_future_unref(task);
    (void) !asyncio_stream_writer_wait_closed(s.writer);
    pair_drop(&s);
}

struct reading {
    asyncio_stream_reader_t *reader;
};

static int
reading(void *frame)
{
    struct reading *self = frame;
    char bytes[100];

    return (int) asyncio_stream_reader_readexactly(self->reader, bytes, 100);
}

BEHAVIOUR(closing_while_a_task_reads_is_the_end_for_it)
{
    struct pair s = pair_open(0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(reading, .reader = s.reader));

    assert_r(asyncio_sleep(0), 0);
    asyncio_stream_writer_close(s.writer);
    asyncio_stream_writer_close(s.writer);
    assert_r(asyncio_await(task), ASYNCIO_ERR_INCOMPLETE_READ);
    asyncio_future_unref(task);
    pair_close(&s);
}

BEHAVIOUR(dropping_everything_while_a_task_reads_is_the_end_for_it)
{
    struct pair s = pair_open(0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(reading, .reader = s.reader));

    assert_r(asyncio_sleep(0), 0);
    asyncio_stream_writer_close(s.writer);
    pair_drop(&s);
    int r = asyncio_await(task);
    ck_assert(r == ASYNCIO_ERR_INCOMPLETE_READ || r == ASYNCIO_ERR_CLOSED);
    asyncio_future_unref(task);
}

BEHAVIOUR(what_was_written_before_closing_arrives_at_a_slow_peer)
{
    enum { SIZE = 3 * 1000 * 1000 };
    static char data[SIZE], piece[100000];
    struct pair s = pair_open(0);
    size_t got = 0;

    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char) (i * 13 >> 4);
    assert_r(asyncio_stream_writer_write(s.writer, data, SIZE), 0);
    asyncio_stream_writer_close(s.writer);
    for (;;) {
        int n = asyncio_loop_sock_recv(asyncio_get_running_loop(), s.peer,
                                       piece, sizeof piece);
        ck_assert_int_ge(n, 0);
        if (n == 0)
            break;
        ck_assert_mem_eq(piece, data + got, (size_t) n);
        got += (size_t) n;
        assert_r(asyncio_sleep(0.001), 0);
    }
    ck_assert_uint_eq(got, SIZE);
    pair_close(&s);
}

BEHAVIOUR(half_closed_the_other_half_goes_on)
{
    struct pair s = pair_open(0);
    char text[8];

    ck_assert(asyncio_stream_writer_can_write_eof(s.writer));
    assert_r(asyncio_stream_writer_write(s.writer, "ask", 3), 0);
    assert_r(asyncio_stream_writer_write_eof(s.writer), 0);
    assert_r(asyncio_stream_writer_write(s.writer, "x", 1),
             ASYNCIO_ERR_RUNTIME);
    ck_assert_int_eq(read(s.peer, text, 8), 3);
    ck_assert_int_eq(read(s.peer, text, 8), 0);
    ck_assert_int_eq(write(s.peer, "answer", 6), 6);
    ck_assert_int_eq(asyncio_stream_reader_readexactly(s.reader, text, 6), 6);
    pair_close(&s);
}

/* The peer is done before we are. */
BEHAVIOUR(after_the_peers_end_of_file_we_may_still_write)
{
    struct pair s = pair_open(0);
    char text[8];

    shutdown(s.peer, SHUT_WR);
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, text, 8), 0);
    ck_assert(!asyncio_stream_writer_is_closing(s.writer));
    assert_r(asyncio_stream_writer_write(s.writer, "late", 4), 0);
    assert_r(asyncio_stream_writer_drain(s.writer), 0);
    ck_assert_int_eq(read(s.peer, text, 8), 4);
    pair_close(&s);
}

struct closing {
    asyncio_stream_writer_t *writer;
};

static int
closing(void *frame)
{
    struct closing *self = frame;

    return asyncio_stream_writer_wait_closed(self->writer);
}

BEHAVIOUR(several_wait_for_the_end_and_one_may_give_up)
{
    struct pair s = pair_open(0);
    asyncio_task_t *tasks[3];

    for (int i = 0; i < 3; i++)
        tasks[i] =
            asyncio_create_task(asyncio_coro(closing, .writer = s.writer));
    assert_r(asyncio_sleep(0), 0);
    asyncio_future_cancel(tasks[1]);
    asyncio_stream_writer_close(s.writer);
    assert_r(asyncio_await(tasks[1]), ASYNCIO_ERR_CANCELLED);
    assert_r(asyncio_await(tasks[0]), 0);
    assert_r(asyncio_await(tasks[2]), 0);
    for (int i = 0; i < 3; i++)
        asyncio_future_unref(tasks[i]);
    pair_close(&s);
}
