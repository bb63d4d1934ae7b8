/* SPDX-License-Identifier: MIT */
/* Reading without a copy: how long a view lasts, and that every reader has
 * one; writing many buffers at once. */
#include "behaviour.h"
#include "pair.h"

#include <asyncio.h>
#include <asyncio/testing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static asyncio_stream_reader_t *
reader_with(size_t limit, const char *data)
{
    asyncio_stream_reader_t *reader;

    assert_r(asyncio_stream_reader_new(limit, &reader), 0);
    assert_r(asyncio_stream_reader_feed_data(reader, data, strlen(data)), 0);
    return reader;
}

static void
assert_view(asyncio_bytes_t view, const char *text)
{
    ck_assert_uint_eq(view.size, strlen(text));
    ck_assert_mem_eq(view.data, text, view.size);
}

BEHAVIOUR(every_reader_has_a_form_without_a_copy)
{
    asyncio_stream_reader_t *reader =
        reader_with(0, "exactly|line\nuntil;some");
    asyncio_bytes_t view;
    char byte;

    assert_r(asyncio_stream_reader_readexactly_view(reader, 8, &view), 0);
    assert_view(view, "exactly|");
    assert_r(asyncio_stream_reader_readline_view(reader, &view), 0);
    assert_view(view, "line\n");
    assert_r(asyncio_stream_reader_readuntil_view(reader, ";", &view), 0);
    assert_view(view, "until;");
    assert_r(asyncio_stream_reader_read_view(reader, 2, &view), 0);
    assert_view(view, "so");
    /* What was shown is consumed: both forms go on behind it. */
    ck_assert_int_eq(asyncio_stream_reader_read(reader, &byte, 1), 1);
    ck_assert_int_eq(byte, 'm');
    assert_r(asyncio_stream_reader_read_view(reader, 100, &view), 0);
    assert_view(view, "e");
    asyncio_stream_reader_feed_eof(reader);
    assert_r(asyncio_stream_reader_read_view(reader, 100, &view), 0);
    ck_assert_uint_eq(view.size, 0);
    asyncio_stream_reader_unref(reader);
}

BEHAVIOUR(views_show_the_bytes_where_they_are)
{
    asyncio_stream_reader_t *reader = reader_with(0, "abcdef");
    asyncio_bytes_t one, two;

    assert_r(asyncio_stream_reader_read_view(reader, 2, &one), 0);
    assert_r(asyncio_stream_reader_read_view(reader, 2, &two), 0);
    ck_assert_ptr_eq((const char *) one.data + 2, two.data);
    asyncio_stream_reader_unref(reader);
}

BEHAVIOUR(a_view_of_nothing_is_empty_and_valid)
{
    asyncio_stream_reader_t *reader;
    asyncio_bytes_t view = {NULL, 1};

    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    assert_r(asyncio_stream_reader_read_view(reader, 0, &view), 0);
    ck_assert_uint_eq(view.size, 0);
    ck_assert_ptr_nonnull(view.data);
    asyncio_stream_reader_feed_eof(reader);
    assert_r(asyncio_stream_reader_read_view(reader, ASYNCIO_READ_ALL, &view),
             0);
    ck_assert_uint_eq(view.size, 0);
    asyncio_stream_reader_unref(reader);
}

BEHAVIOUR(a_view_of_exactly_so_many_ignores_the_limit)
{
    asyncio_stream_reader_t *reader;
    asyncio_bytes_t view;
    char bytes[1000];

    for (int i = 0; i < 1000; i++)
        bytes[i] = (char) i;
    assert_r(asyncio_stream_reader_new(16, &reader), 0);
    assert_r(asyncio_stream_reader_feed_data(reader, bytes, 1000), 0);
    assert_r(asyncio_stream_reader_readexactly_view(reader, 999, &view), 0);
    ck_assert_mem_eq(view.data, bytes, 999);
    ck_assert(!asyncio_stream_reader_at_eof(reader));
    asyncio_stream_reader_unref(reader);
}

struct next_line {
    asyncio_stream_reader_t *reader;
};

static int
next_line(void *frame)
{
    struct next_line *self = frame;
    asyncio_bytes_t view;

    return asyncio_stream_reader_readline_view(self->reader, &view);
}

BEHAVIOUR(a_cancelled_view_has_consumed_nothing)
{
    asyncio_stream_reader_t *reader = reader_with(0, "half");
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(next_line, .reader = reader));
    asyncio_bytes_t view;

    assert_r(asyncio_sleep(0), 0);
    asyncio_future_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_future_unref(task);
    assert_r(asyncio_stream_reader_read_view(reader, 100, &view), 0);
    assert_view(view, "half");
    asyncio_stream_reader_unref(reader);
}

BEHAVIOUR(a_view_outlives_awaits_and_what_comes_meanwhile)
{
    struct pair s = pair_open(0);
    asyncio_bytes_t view;
    char noise[5000];

    memset(noise, '!', sizeof noise);
    ck_assert_int_eq(write(s.peer, "first\nrest", 10), 10);
    assert_r(asyncio_stream_reader_readline_view(s.reader, &view), 0);
    for (int i = 0; i < 40; i++) {
        (void) !write(s.peer, noise, sizeof noise);
        assert_r(asyncio_sleep(0.001), 0);
    }
    assert_view(view, "first\n");
    /* The next read ends it, and finds everything. */
    assert_r(asyncio_stream_reader_readexactly_view(s.reader, 5004, &view), 0);
    ck_assert_mem_eq(view.data, "rest!!!!", 8);
    pair_close(&s);
}

BEHAVIOUR(a_view_outlives_the_connection)
{
    struct pair s = pair_open(0);
    asyncio_bytes_t view;

    ck_assert_int_eq(write(s.peer, "last", 4), 4);
    assert_r(asyncio_stream_reader_read_view(s.reader, 100, &view), 0);
    asyncio_stream_writer_close(s.writer);
    assert_r(asyncio_stream_writer_wait_closed(s.writer), 0);
    assert_view(view, "last");
    pair_close(&s);
}

/* Views keep the transport flowing like other reads. */
BEHAVIOUR(views_resume_a_transport_that_had_too_much)
{
    enum { SIZE = 300 * 1000 };
    struct pair s = pair_open(1000);
    size_t sent = 0, got = 0;

    while (got < SIZE) {
        char bytes[4096];
        size_t n = SIZE - sent < sizeof bytes ? SIZE - sent : sizeof bytes;
        asyncio_bytes_t view;

        for (size_t i = 0; i < n; i++)
            bytes[i] = (char) ((sent + i) * 7 >> 3);
        ssize_t w = n > 0 ? write(s.peer, bytes, n) : 0;
        sent += w > 0 ? (size_t) w : 0;
        assert_r(asyncio_stream_reader_read_view(s.reader, 333, &view), 0);
        for (size_t i = 0; i < view.size; i++)
            if (((const char *) view.data)[i]
                != (char) ((got + i) * 7 >> 3))
                ck_abort_msg("byte %zu is wrong", got + i);
        got += view.size;
    }
    ck_assert_uint_eq(got, SIZE);
    pair_close(&s);
}

enum { LINES = 1000 };

static void
make_lines(asyncio_bytes_t lines[LINES], char *text)
{
    for (int i = 0; i < LINES; i++) {
        char *line = text + (size_t) i * 8;

        for (int j = 0; j < 7; j++)
            line[j] = (char) ('0' + (i >> (j * 2)) % 4);
        line[7] = '\n';
        /* Some are empty. */
        lines[i] = (asyncio_bytes_t){line, i % 10 == 3 ? 0 : 8};
    }
}

static void
assert_lines(struct pair s, const asyncio_bytes_t lines[LINES])
{
    for (int i = 0; i < LINES; i++) {
        size_t have = 0;
        char line[8];

        while (have < lines[i].size) {
            int n = asyncio_loop_sock_recv(asyncio_get_running_loop(), s.peer,
                                           line + have, lines[i].size - have);
            ck_assert_int_gt(n, 0);
            have += (size_t) n;
        }
        ck_assert_mem_eq(line, lines[i].data, lines[i].size);
    }
}

/* Far more than fit one system call. */
BEHAVIOUR(a_thousand_buffers_leave_at_once_and_in_order)
{
    struct pair s = pair_open(0);
    asyncio_bytes_t lines[LINES];
    char *text = malloc(LINES * 8);

    make_lines(lines, text);
    assert_r(asyncio_stream_writer_writelines(s.writer, lines, LINES), 0);
    ck_assert_uint_eq(asyncio_transport_get_write_buffer_size(
                          asyncio_stream_writer_transport(s.writer)),
                      0);
    assert_lines(s, lines);
    free(text);
    pair_close(&s);
}

BEHAVIOUR(buffers_that_do_not_fit_follow_in_order)
{
    struct pair s = pair_open(0);
    asyncio_transport_t *transport = asyncio_stream_writer_transport(s.writer);
    asyncio_bytes_t lines[LINES];
    char *text = malloc(LINES * 8);
    int size = 4096;

    setsockopt(*(const int *) asyncio_stream_writer_get_extra_info(s.writer,
                                                                   "socket"),
               SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    make_lines(lines, text);
    for (int i = 0; i < 5; i++)
        assert_r(asyncio_stream_writer_writelines(s.writer, lines, LINES), 0);
    ck_assert_uint_gt(asyncio_transport_get_write_buffer_size(transport), 0);
    for (int i = 0; i < 5; i++)
        assert_lines(s, lines);
    free(text);
    pair_close(&s);
}

/* All of it, or nothing; and the stream is as good as before. */
BEHAVIOUR(without_memory_buffers_are_refused_as_a_whole)
{
    struct pair s = pair_open(0);
    asyncio_transport_t *transport = asyncio_stream_writer_transport(s.writer);
    asyncio_bytes_t lines[LINES];
    char *text = malloc(LINES * 8), *zeros = calloc(1, 1 << 20);

    make_lines(lines, text);
    assert_r(asyncio_stream_writer_write(s.writer, zeros, 1 << 20), 0);
    size_t before = asyncio_transport_get_write_buffer_size(transport);
    asyncio_testing_fail_alloc(1, true);
    assert_r(asyncio_stream_writer_writelines(s.writer, lines, LINES),
             UV_ENOMEM);
    asyncio_testing_fail_alloc(0, false);
    ck_assert_uint_eq(asyncio_transport_get_write_buffer_size(transport),
                      before);
    ck_assert(!asyncio_stream_writer_is_closing(s.writer));
    asyncio_transport_abort(transport);
    free(text);
    free(zeros);
    pair_close(&s);
}
