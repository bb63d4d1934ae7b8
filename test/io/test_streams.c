/* SPDX-License-Identifier: MIT */
/* Streams over real sockets: open_connection, start_server, reading, writing,
 * closing. */
#include "behaviour.h"

#include <asyncio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

/* Echoes until the end of file. */
static int
echo(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    char buffer[4096];

    (void) arg;
    for (;;) {
        ptrdiff_t n =
            asyncio_stream_reader_read(reader, buffer, sizeof buffer);
        if (n <= 0) {
            asyncio_stream_writer_close(writer);
            return (int) n;
        }
        int r = asyncio_stream_writer_write(writer, buffer, (size_t) n);
        if (r >= 0)
            r = asyncio_stream_writer_drain(writer);
        if (r < 0)
            return r;
    }
}

static asyncio_server_t *
serve(asyncio_client_connected_cb_t callback, void *arg)
{
    asyncio_server_t *server;

    assert_r(asyncio_start_server(callback, "127.0.0.1", 0, &server,
                                  .arg = arg),
             0);
    return server;
}

static void
end(asyncio_server_t *server)
{
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

struct stream {
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
};

static struct stream
connect_to(asyncio_server_t *server)
{
    struct stream s;

    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &s.reader, &s.writer),
             0);
    return s;
}

static void
hang_up(struct stream s)
{
    asyncio_stream_writer_close(s.writer);
    assert_r(asyncio_stream_writer_wait_closed(s.writer), 0);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
}

/* parity: test_streams.py StreamTests test_open_connection */
/* parity: test_streams.py StreamTests test_start_server */
BEHAVIOUR(a_line_comes_back_from_an_echo_server)
{
    asyncio_server_t *server = serve(echo, NULL);
    struct stream s = connect_to(server);
    char line[64];

    assert_r(asyncio_stream_writer_write(s.writer, "hello\n", 6), 0);
    assert_r(asyncio_stream_writer_drain(s.writer), 0);
    ck_assert_int_eq(
        asyncio_stream_reader_readline(s.reader, line, sizeof line), 6);
    ck_assert_str_eq(line, "hello\n");
    hang_up(s);
    end(server);
}

/* parity: test_streams.py StreamTests test_open_unix_connection */
/* parity: test_streams.py StreamTests test_start_unix_server */
BEHAVIOUR(a_line_comes_back_over_a_unix_socket)
{
    char path[64], line[64];
    asyncio_server_t *server;
    struct stream s;

    snprintf(path, sizeof path, "/tmp/asyncio-test-%d", (int) getpid());
    assert_r(asyncio_start_unix_server(echo, path, &server), 0);
    assert_r(asyncio_open_unix_connection(path, &s.reader, &s.writer), 0);
    assert_r(asyncio_stream_writer_write(s.writer, "hello\n", 6), 0);
    ck_assert_int_eq(
        asyncio_stream_reader_readline(s.reader, line, sizeof line), 6);
    hang_up(s);
    end(server);
    /* Its file is removed. */
    ck_assert_int_eq(access(path, F_OK), -1);
}

/* Sends what it is told to, then closes. */
struct speech {
    const char *data;
    size_t size;
};

static int
speak(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
      void *arg)
{
    struct speech *self = arg;

    (void) reader;
    int r = asyncio_stream_writer_write(writer, self->data, self->size);
    asyncio_stream_writer_close(writer);
    return r;
}

/* parity: test_streams.py StreamTests test_eof_feed_when_closing_writer */
/* parity: test_streams.py StreamTests test_wait_closed_on_close */
BEHAVIOUR(after_closing_the_reader_is_at_its_end)
{
    asyncio_server_t *server = serve(echo, NULL);
    struct stream s = connect_to(server);
    asyncio_bytes_t all;

    ck_assert(!asyncio_stream_writer_is_closing(s.writer));
    asyncio_stream_writer_close(s.writer);
    ck_assert(asyncio_stream_writer_is_closing(s.writer));
    assert_r(asyncio_stream_writer_wait_closed(s.writer), 0);
    assert_r(asyncio_stream_reader_read_view(s.reader, ASYNCIO_READ_ALL, &all),
             0);
    ck_assert_uint_eq(all.size, 0);
    ck_assert(asyncio_stream_reader_at_eof(s.reader));
    hang_up(s);
    end(server);
}

/* parity: test_streams.py StreamTests test_wait_closed_on_close_with_unread_data */
BEHAVIOUR(closing_does_not_wait_for_data_that_nobody_read)
{
    struct speech speech = {"unread\nunread\n", 14};
    asyncio_server_t *server = serve(speak, &speech);
    struct stream s = connect_to(server);
    char line[64];

    ck_assert_int_eq(
        asyncio_stream_reader_readline(s.reader, line, sizeof line), 7);
    hang_up(s);
    end(server);
}

/* parity: test_streams.py StreamTests test_async_writer_api_exception_after_close */
BEHAVIOUR(writing_and_draining_after_closing_is_an_error)
{
    asyncio_server_t *server = serve(echo, NULL);
    struct stream s = connect_to(server);

    asyncio_stream_writer_close(s.writer);
    assert_r(asyncio_stream_writer_write(s.writer, "data", 4), 0);
    assert_r(asyncio_stream_writer_drain(s.writer), UV_ECONNRESET);
    hang_up(s);
    end(server);
}

static int
close_at_once(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
              void *arg)
{
    (void) reader;
    (void) arg;
    asyncio_stream_writer_close(writer);
    return 0;
}

/* parity: test_streams.py StreamTests test_drain_raises */
BEHAVIOUR(drain_tells_of_a_peer_that_went_away)
{
    asyncio_server_t *server = serve(close_at_once, NULL);
    struct stream s = connect_to(server);
    int r = 0;

    for (int i = 0; i < 1000 && r >= 0; i++) {
        assert_r(asyncio_stream_writer_write(s.writer, "foo\n", 4), 0);
        r = asyncio_stream_writer_drain(s.writer);
        if (r >= 0)
            r = asyncio_sleep(0);
    }
    ck_assert_msg(r == UV_ECONNRESET || r == UV_EPIPE, "%s",
                  asyncio_err_name(r));
    asyncio_stream_writer_close(s.writer);
    (void) !asyncio_stream_writer_wait_closed(s.writer);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
    end(server);
}

/* More than any socket takes at once, through the echo and back. */
struct sending {
    asyncio_stream_writer_t *writer;
    size_t size;
};

static char
byte_at(size_t i)
{
    return (char) (i * 31 ^ i >> 9);
}

static int
sending(void *frame)
{
    struct sending *self = frame;
    char piece[10007];

    for (size_t sent = 0; sent < self->size;) {
        size_t n = self->size - sent < sizeof piece ? self->size - sent
                                                    : sizeof piece;
        for (size_t i = 0; i < n; i++)
            piece[i] = byte_at(sent + i);
        int r = asyncio_stream_writer_write(self->writer, piece, n);
        if (r >= 0)
            r = asyncio_stream_writer_drain(self->writer);
        if (r < 0)
            return r;
        sent += n;
    }
    return asyncio_stream_writer_write_eof(self->writer);
}

BEHAVIOUR(megabytes_come_back_whole_and_in_order)
{
    enum { SIZE = 4 * 1000 * 1000 };
    asyncio_server_t *server = serve(echo, NULL);
    struct stream s = connect_to(server);
    asyncio_task_t *task = asyncio_create_task(
        asyncio_coro(sending, .writer = s.writer, .size = SIZE));
    size_t got = 0;

    for (;;) {
        asyncio_bytes_t view;
        assert_r(asyncio_stream_reader_read_view(s.reader, 100000, &view), 0);
        if (view.size == 0)
            break;
        for (size_t i = 0; i < view.size; i++)
            if (((const char *) view.data)[i] != byte_at(got + i))
                ck_abort_msg("byte %zu is wrong", got + i);
        got += view.size;
    }
    ck_assert_uint_eq(got, SIZE);
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    hang_up(s);
    end(server);
}

static char reported[256];

static int
note_report(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
            void *arg)
{
    (void) loop;
    (void) arg;
    snprintf(reported, sizeof reported, "%s", context->message);
    return 0;
}

static int
end_with(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
     void *arg)
{
    (void) reader;
    (void) writer;
    return *(int *) arg;
}

/* parity: test_streams.py StreamTests test_unhandled_exception */
BEHAVIOUR(an_error_of_a_handler_is_reported_and_closes)
{
    int code = UV_EIO;
    asyncio_server_t *server = serve(end_with, &code);
    asyncio_loop_set_exception_handler(asyncio_get_running_loop(), note_report,
                                       NULL);
    struct stream s = connect_to(server);
    char byte;

    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, &byte, 1), 0);
    ck_assert_str_eq(reported, "Unhandled exception in client_connected_cb");
    hang_up(s);
    end(server);
}

/* parity: test_streams.py StreamTests test_unhandled_cancel */
BEHAVIOUR(a_cancelled_handler_only_closes)
{
    int code = ASYNCIO_ERR_CANCELLED;
    asyncio_server_t *server = serve(end_with, &code);
    asyncio_loop_set_exception_handler(asyncio_get_running_loop(), note_report,
                                       NULL);
    struct stream s = connect_to(server);
    char byte;

    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, &byte, 1), 0);
    ck_assert_str_eq(reported, "");
    hang_up(s);
    end(server);
}

BEHAVIOUR(nobody_listens)
{
    asyncio_server_t *server = serve(echo, NULL);
    int port = asyncio_server_port(server);
    struct stream s;

    end(server);
    assert_r(asyncio_open_connection("127.0.0.1", port, &s.reader, &s.writer),
             UV_ECONNREFUSED);
}

BEHAVIOUR(names_and_ports_that_are_none)
{
    char name[300] = "";
    struct stream s;

    memset(name, 'a', sizeof name - 1);
    assert_r(asyncio_open_connection("", 80, &s.reader, &s.writer), UV_EINVAL);
    assert_r(asyncio_open_connection(name, 80, &s.reader, &s.writer),
             UV_EINVAL);
    assert_r(asyncio_open_connection("::1", 65536, &s.reader, &s.writer),
             UV_EINVAL);
    assert_r(asyncio_open_connection(NULL, ASYNCIO_NO_PORT, &s.reader,
                                     &s.writer),
             ASYNCIO_ERR_VALUE);
}

/* The whole way, each allocation failing once. */
SCENARIO(without_memory_a_connection_is_refused_and_nothing_leaks)
{
    asyncio_server_t *server;
    struct stream s;
    char byte;

    int r = asyncio_start_server(speak, "127.0.0.1", 0, &server,
                                 .arg = &(struct speech){"x", 1});
    if (r < 0)
        return r;
    asyncio_loop_set_exception_handler(asyncio_get_running_loop(), note_report,
                                       NULL);
    r = asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                &s.reader, &s.writer);
    if (r >= 0) {
        r = (int) asyncio_stream_reader_read(s.reader, &byte, 1);
        asyncio_stream_writer_close(s.writer);
        (void) !asyncio_stream_writer_wait_closed(s.writer);
        asyncio_stream_writer_unref(s.writer);
        asyncio_stream_reader_unref(s.reader);
    }
    asyncio_server_close(server);
    int closed = asyncio_server_wait_closed(server);
    asyncio_server_unref(server);
    return r < 0 ? r : closed;
}
