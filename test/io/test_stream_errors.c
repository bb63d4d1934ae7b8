/* SPDX-License-Identifier: MIT */
/* Streams whose connection breaks: what reads, drains and waits for the end
 * raise; and the errors of handlers. */
#include "behaviour.h"

#include <asyncio.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

struct stream {
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
};

static void
drop(struct stream s)
{
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
}

static void
hang_up(struct stream s)
{
    asyncio_stream_writer_close(s.writer);
    assert_r(asyncio_stream_writer_wait_closed(s.writer), 0);
    drop(s);
}

/* A stream and the plain socket at its other end, over TCP. */
static struct stream
connect_tcp(int *ret_peer)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct stream s;

    ck_assert_int_eq(bind(listener, (struct sockaddr *) &addr, size), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *) &addr, &size);
    assert_r(asyncio_open_connection("127.0.0.1", ntohs(addr.sin_port),
                                     &s.reader, &s.writer),
             0);
    *ret_peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    ck_assert_int_ge(*ret_peer, 0);
    close(listener);
    return s;
}

/* The same over a Unix socket without a name. */
static struct stream
connect_unix(int *ret_peer)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct stream s;
    int n = snprintf(addr.sun_path + 1, sizeof addr.sun_path - 1,
                     "asyncio-test-%d", (int) getpid());

    ck_assert_int_eq(
        bind(listener, (struct sockaddr *) &addr,
             (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + n)),
        0);
    ck_assert_int_eq(listen(listener, 1), 0);
    assert_r(asyncio_open_unix_connection(addr.sun_path, &s.reader, &s.writer,
                                          .path_size = 1 + (size_t) n),
             0);
    *ret_peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    ck_assert_int_ge(*ret_peer, 0);
    close(listener);
    return s;
}

/* Not politely. */
static void
reset(int peer)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(peer);
}

/* Everything from now on is that error. */
static void
assert_broken(struct stream s, int code)
{
    char byte;

    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, &byte, 1), code);
    ck_assert_int_eq(asyncio_exception_code(
                         asyncio_stream_reader_exception(s.reader)),
                     code);
    assert_r(asyncio_stream_writer_drain(s.writer), code);
    assert_r(asyncio_stream_writer_wait_closed(s.writer), code);
    ck_assert(asyncio_stream_writer_is_closing(s.writer));
    asyncio_stream_writer_close(s.writer);
    drop(s);
}

/* parity: test_streams.py StreamTests test_open_connection_error */
BEHAVIOUR(a_reset_connection_makes_reads_raise_that)
{
    int peer;
    struct stream s = connect_tcp(&peer);

    reset(peer);
    assert_broken(s, UV_ECONNRESET);
}

/* parity: test_streams.py StreamTests test_open_unix_connection_error */
BEHAVIOUR(a_reset_unix_connection_makes_reads_raise_that)
{
    int peer;
    struct stream s = connect_unix(&peer);

    /* Closing with something unread resets a Unix socket. */
    assert_r(asyncio_stream_writer_write(s.writer, "unread", 6), 0);
    close(peer);
    assert_broken(s, UV_ECONNRESET);
}

BEHAVIOUR(an_error_outranks_bytes_that_were_not_read)
{
    int peer;
    struct stream s = connect_tcp(&peer);
    char bytes[6];

    ck_assert_int_eq(write(peer, "before", 6), 6);
    ck_assert_int_eq(asyncio_stream_reader_readexactly(s.reader, bytes, 1), 1);
    reset(peer);
    (void) !asyncio_stream_writer_wait_closed(s.writer);
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, bytes, 5),
                     UV_ECONNRESET);
    drop(s);
}

struct draining {
    asyncio_stream_writer_t *writer;
    int *count;
};

static int
draining(void *frame)
{
    struct draining *self = frame;
    int r = asyncio_stream_writer_drain(self->writer);

    if (r >= 0)
        ++*self->count;
    return r;
}

/* More than any socket takes. */
static void
fill(struct stream s)
{
    static const char zeros[1 << 16];

    for (int i = 0; i < 64 * 16; i++)
        assert_r(asyncio_stream_writer_write(s.writer, zeros, sizeof zeros),
                 0);
}

enum { TASKS = 10 };

static void
start_drains(asyncio_task_t *tasks[TASKS], struct stream s, int *count)
{
    for (int i = 0; i < TASKS; i++)
        tasks[i] = asyncio_create_task(
            asyncio_coro(draining, .writer = s.writer, .count = count));
    for (int i = 0; i < 5; i++)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_int_eq(*count, 0);
}

/* parity: test_streams.py StreamTests test_multiple_drain */
BEHAVIOUR(all_who_drain_are_released_together)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_task_t *tasks[TASKS];
    static char sink[1 << 16];
    struct stream s;
    int peer, count = 0;

    s = connect_unix(&peer);
    fill(s);
    start_drains(tasks, s, &count);
    while (count == 0)
        assert_r(asyncio_loop_sock_recv(loop, peer, sink, sizeof sink) > 0, 1);
    assert_r(asyncio_gather(tasks, TASKS), 0);
    ck_assert_int_eq(count, TASKS);
    for (int i = 0; i < TASKS; i++)
        asyncio_future_unref(tasks[i]);
    asyncio_transport_abort(asyncio_stream_writer_transport(s.writer));
    hang_up(s);
    close(peer);
}

BEHAVIOUR(all_who_drain_hear_of_the_end)
{
    asyncio_task_t *tasks[TASKS];
    int peer, count = 0;
    struct stream s = connect_tcp(&peer);

    fill(s);
    start_drains(tasks, s, &count);
    reset(peer);
    for (int i = 0; i < TASKS; i++) {
        assert_r(asyncio_await(tasks[i]), UV_ECONNRESET);
        asyncio_future_unref(tasks[i]);
    }
    drop(s);
}

BEHAVIOUR(a_cancelled_drain_leaves_the_others_and_the_bytes)
{
    asyncio_task_t *tasks[TASKS];
    int peer, count = 0;
    struct stream s = connect_tcp(&peer);
    asyncio_transport_t *transport = asyncio_stream_writer_transport(s.writer);

    fill(s);
    start_drains(tasks, s, &count);
    size_t waits = asyncio_transport_get_write_buffer_size(transport);
    asyncio_future_cancel(tasks[3]);
    assert_r(asyncio_await(tasks[3]), ASYNCIO_ERR_CANCELLED);
    ck_assert_uint_eq(asyncio_transport_get_write_buffer_size(transport),
                      waits);
    /* By abort there is no error. */
    asyncio_transport_abort(transport);
    for (int i = 0; i < TASKS; i++) {
        if (i != 3)
            assert_r(asyncio_await(tasks[i]), 0);
        asyncio_future_unref(tasks[i]);
    }
    hang_up(s);
    close(peer);
}

/* What the exception handler was told. */
static struct {
    char message[100];
    int code;
    int count;
    bool transport;
    bool task;
} report;

static int
note_report(asyncio_loop_t *loop, const asyncio_exception_context_t *context,
            void *arg)
{
    (void) loop;
    (void) arg;
    snprintf(report.message, sizeof report.message, "%s", context->message);
    report.code = context->code;
    report.transport = context->transport != NULL;
    report.task = context->task != NULL;
    report.count++;
    return 0;
}

static int
fails(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
      void *arg)
{
    (void) reader;
    (void) writer;
    return *(int *) arg;
}

static int
waits_and_fails(asyncio_stream_reader_t *reader,
                asyncio_stream_writer_t *writer, void *arg)
{
    char line[16];
    ptrdiff_t n =
        asyncio_stream_reader_readline(reader, line, sizeof line);

    ck_assert_int_ge(n, 0);
    return fails(reader, writer, arg);
}

/* A client of a handler that ends with `code`. */
static void
serve_one(asyncio_client_connected_cb_t handler, int code, bool callback)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_server_t *server;
    struct stream s;
    char byte;

    memset(&report, 0, sizeof report);
    asyncio_loop_set_exception_handler(loop, note_report, NULL);
    assert_r(asyncio_start_server(handler, "127.0.0.1", 0, &server,
                                  .arg = &code, .callback = callback),
             0);
    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &s.reader, &s.writer),
             0);
    assert_r(asyncio_stream_writer_write(s.writer, "\n", 1), 0);
    ptrdiff_t n = asyncio_stream_reader_read(s.reader, &byte, 1);
    ck_assert(n == 0 || n == UV_ECONNRESET);
    asyncio_stream_writer_close(s.writer);
    (void) !asyncio_stream_writer_wait_closed(s.writer);
    drop(s);
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

static void
assert_reported(int code)
{
    ck_assert_int_eq(report.count, 1);
    ck_assert_str_eq(report.message,
                     "Unhandled exception in client_connected_cb");
    ck_assert_int_eq(report.code, code);
    ck_assert(report.transport);
    ck_assert(report.task);
}

BEHAVIOUR(a_handlers_error_is_reported_with_its_transport_and_task)
{
    serve_one(waits_and_fails, UV_EIO, false);
    assert_reported(UV_EIO);
    serve_one(waits_and_fails, ASYNCIO_ERR_CANCELLED, false);
    ck_assert_int_eq(report.count, 0);
}

BEHAVIOUR(an_eager_handlers_error_is_reported_like_any_other)
{
    asyncio_loop_set_task_factory(asyncio_get_running_loop(),
                                  asyncio_eager_task_factory);
    serve_one(fails, UV_EIO, false);
    assert_reported(UV_EIO);
    serve_one(waits_and_fails, UV_EIO, false);
    assert_reported(UV_EIO);
    serve_one(fails, ASYNCIO_ERR_CANCELLED, false);
    ck_assert_int_eq(report.count, 0);
}

BEHAVIOUR(the_error_of_a_plain_callback_ends_its_connection)
{
    serve_one(fails, UV_EIO, true);
    ck_assert_int_eq(report.count, 1);
    ck_assert_int_eq(report.code, UV_EIO);
}

/* The handler's task is cancelled by its own server's program. */
static asyncio_task_t *handler_task;

static int
waits(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
      void *arg)
{
    char byte;

    (void) writer;
    (void) arg;
    handler_task = asyncio_current_task();
    return (int) asyncio_stream_reader_read(reader, &byte, 1);
}

BEHAVIOUR(cancelling_the_task_of_a_handler_closes_its_connection_quietly)
{
    asyncio_server_t *server;
    struct stream s;
    char byte;

    asyncio_loop_set_exception_handler(asyncio_get_running_loop(), note_report,
                                       NULL);
    assert_r(asyncio_start_server(waits, "127.0.0.1", 0, &server), 0);
    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &s.reader, &s.writer),
             0);
    while (handler_task == NULL)
        assert_r(asyncio_sleep(0.001), 0);
    asyncio_task_cancel(handler_task);
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, &byte, 1), 0);
    ck_assert_int_eq(report.count, 0);
    hang_up(s);
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}
