/* SPDX-License-Identifier: MIT */
/* Readers, protocols and writers as objects: the loop they belong to, their
 * limits, their descriptions, and what is said of those left open. */
#include "behaviour.h"
#include "pair.h"

#include <asyncio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

/* What the library logged. */
static char logged[512];

static void
note_log(asyncio_log_level_t level, const char *text, void *arg)
{
    (void) level;
    (void) arg;
    snprintf(logged + strlen(logged), sizeof logged - strlen(logged), "%s\n",
             text);
}

static int
never_called(asyncio_stream_reader_t *reader, asyncio_stream_writer_t *writer,
             void *arg)
{
    (void) reader;
    (void) writer;
    (void) arg;
    return 0;
}

/* parity: test_streams.py StreamTests test_invalid_limit */
BEHAVIOUR(a_limit_below_zero_is_refused_wherever_it_is_given)
{
    asyncio_stream_reader_t *reader;
    asyncio_stream_writer_t *writer;
    asyncio_server_t *server;
    size_t limit = (size_t) -1;

    assert_r(asyncio_stream_reader_new(limit, &reader), ASYNCIO_ERR_VALUE);
    ck_assert_str_eq(asyncio_exception_message(asyncio_current_exception()),
                     "Limit cannot be <= 0");
    assert_r(asyncio_open_connection("127.0.0.1", 1, &reader, &writer,
                                     .limit = limit),
             ASYNCIO_ERR_VALUE);
    assert_r(asyncio_start_server(never_called, "127.0.0.1", 0, &server,
                                  .limit = limit),
             ASYNCIO_ERR_VALUE);
}

static int
run_in(asyncio_loop_t *loop, asyncio_coro_t coro)
{
    asyncio_task_t *task = asyncio_loop_create_task(loop, coro);
    int r = asyncio_loop_run_until_complete(loop, task);

    asyncio_future_unref(task);
    return r;
}

struct reading {
    asyncio_stream_reader_t *reader;
};

static int
reading(void *frame)
{
    struct reading *self = frame;
    char buffer[16];

    return (int) asyncio_stream_reader_read(self->reader, buffer,
                                            sizeof buffer);
}

/* parity: test_streams.py StreamTests test_streamreader_constructor_use_running_loop */
BEHAVIOUR(a_reader_belongs_to_the_running_loop)
{
    asyncio_stream_reader_t *reader;
    asyncio_task_t *task;

    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    task = asyncio_create_task(asyncio_coro(reading, .reader = reader));
    assert_r(asyncio_sleep(0), 0);
    assert_r(asyncio_stream_reader_feed_data(reader, "abc", 3), 0);
    assert_r(asyncio_await(task), 3);
    asyncio_future_unref(task);
    asyncio_stream_reader_unref(reader);
}

/* parity: test_streams.py StreamTests test_streamreader_constructor_use_global_loop */
PLAIN(outside_of_tasks_a_reader_belongs_to_the_current_loop)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_loop_t *other = asyncio_new_event_loop();
    asyncio_stream_reader_t *reader;

    asyncio_set_event_loop(loop);
    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    assert_r(run_in(
                 other, asyncio_coro(reading, .reader = reader)),
             ASYNCIO_ERR_WRONG_LOOP);
    assert_r(asyncio_stream_reader_feed_data(reader, "abc", 3), 0);
    assert_r(run_in(
                 loop, asyncio_coro(reading, .reader = reader)),
             3);
    asyncio_stream_reader_unref(reader);
    asyncio_set_event_loop(NULL);
    assert_r(asyncio_loop_close(loop), 0);
    assert_r(asyncio_loop_close(other), 0);
    asyncio_loop_unref(loop);
    asyncio_loop_unref(other);
}

/* parity: test_streams.py StreamTests test_streamreaderprotocol_constructor_without_loop */
PLAIN(without_any_loop_there_is_no_reader_protocol)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_stream_reader_t *reader;
    asyncio_protocol_t *protocol = NULL;

    asyncio_set_event_loop(loop);
    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    asyncio_set_event_loop(NULL);
    assert_r(asyncio_stream_reader_protocol_new(reader, &protocol),
             ASYNCIO_ERR_NO_RUNNING_LOOP);
    ck_assert_ptr_null(protocol);
    asyncio_stream_reader_unref(reader);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}

/* parity: test_streams.py StreamTests test_streamreaderprotocol_constructor_use_running_loop */
BEHAVIOUR(a_reader_protocol_belongs_to_the_running_loop)
{
    struct pair s = pair_open(0);

    ck_assert_int_eq(write(s.peer, "abc", 3), 3);
    assert_r(asyncio_await_coro(asyncio_coro(reading, .reader = s.reader)),
             3);
    pair_close(&s);
}

static int
drains(void *frame)
{
    struct pair *self = frame;

    return asyncio_stream_writer_wait_closed(self->writer);
}

/* Makes a stream in one loop, or waits in another. */
struct connects {
    struct pair *s;
    asyncio_protocol_t *protocol;
};

static int
connects(void *frame)
{
    struct connects *self = frame;

    return pair_connect(self->s, self->protocol);
}

static int
hangs_up(void *frame)
{
    pair_close(frame);
    return 0;
}

/* parity: test_streams.py StreamTests test_streamreaderprotocol_constructor_use_global_loop */
PLAIN(outside_of_tasks_a_reader_protocol_belongs_to_the_current_loop)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();
    asyncio_loop_t *other = asyncio_new_event_loop();
    asyncio_protocol_t *protocol;
    struct pair s;

    asyncio_set_event_loop(loop);
    assert_r(asyncio_stream_reader_new(0, &s.reader), 0);
    assert_r(asyncio_stream_reader_protocol_new(s.reader, &protocol), 0);
    assert_r(run_in(
                 loop, asyncio_coro(connects, .s = &s, .protocol = protocol)),
             0);
    assert_r(run_in(
                 other, asyncio_coro_new(drains, &s, sizeof s)),
             ASYNCIO_ERR_WRONG_LOOP);
    assert_r(run_in(
                 loop, asyncio_coro_new(hangs_up, &s, sizeof s)),
             0);
    asyncio_set_event_loop(NULL);
    assert_r(asyncio_loop_close(loop), 0);
    assert_r(asyncio_loop_close(other), 0);
    asyncio_loop_unref(loop);
    asyncio_loop_unref(other);
}

static void
assert_repr(asyncio_stream_reader_t *reader, const char *expected)
{
    char text[200], small[8];
    size_t length = asyncio_stream_reader_repr(reader, text, sizeof text);

    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(length, strlen(expected));
    /* What does not fit is counted. */
    ck_assert_uint_eq(asyncio_stream_reader_repr(reader, small, sizeof small),
                      length);
    ck_assert_uint_eq(strlen(small), sizeof small - 1);
}

BEHAVIOUR(a_reader_describes_itself)
{
    asyncio_stream_reader_t *reader;
    asyncio_task_t *task;

    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    /* parity: test_streams.py StreamTests test___repr__ */
    assert_repr(reader, "<StreamReader>");
    task = asyncio_create_task(asyncio_coro(reading, .reader = reader));
    assert_r(asyncio_sleep(0), 0);
    /* parity: test_streams.py StreamTests test___repr__waiter */
    assert_repr(reader, "<StreamReader waiter>");
    assert_r(asyncio_stream_reader_feed_data(reader, "data", 4), 0);
    /* parity: test_streams.py StreamTests test___repr__data */
    assert_repr(reader, "<StreamReader 4 bytes>");
    assert_r(asyncio_await(task), 4);
    asyncio_stream_reader_feed_eof(reader);
    /* parity: test_streams.py StreamTests test___repr__eof */
    assert_repr(reader, "<StreamReader eof>");
    asyncio_stream_reader_set_exception(
        reader, asyncio_raise(ASYNCIO_ERR_RUNTIME, "broken"));
    /* parity: test_streams.py StreamTests test___repr__exception */
    assert_repr(reader,
                "<StreamReader eof exception=ASYNCIO_ERR_RUNTIME(broken)>");
    asyncio_future_unref(task);
    asyncio_stream_reader_unref(reader);
}

/* parity: test_streams.py StreamTests test___repr__nondefault_limit */
/* parity: test_streams.py StreamTests test___repr__transport */
BEHAVIOUR(a_reader_describes_its_limit_and_its_transport)
{
    struct pair s = pair_open(123);

    assert_repr(s.reader,
                "<StreamReader limit=123 transport=SocketTransport>");
    pair_close(&s);
}

/* parity: test_streams.py StreamTests test_unclosed_resource_warnings */
BEHAVIOUR(dropping_an_open_writer_warns_and_closes)
{
    struct pair s = pair_open(0);
    char expected[100], byte;

    snprintf(expected, sizeof expected,
             "unclosed <StreamWriter transport=<SocketTransport fd=%d>>\n",
             *(const int *) asyncio_stream_writer_get_extra_info(s.writer,
                                                                 "socket"));
    asyncio_set_log_callback(note_log, NULL);
    asyncio_stream_writer_unref(s.writer);
    ck_assert_str_eq(logged, expected);
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, &byte, 1), 0);
    ck_assert_int_eq(read(s.peer, &byte, 1), 0);
    asyncio_stream_reader_unref(s.reader);
    close(s.peer);
    asyncio_set_log_callback(NULL, NULL);
}

static int
connects_and_leaves(void *frame)
{
    **(struct pair **) frame = pair_open(0);
    return 0;
}

/* parity: test_streams.py StreamTests test_loop_is_closed_resource_warnings */
PLAIN(dropping_a_writer_that_its_loop_left_open_warns)
{
    struct pair s, *where = &s;

    asyncio_set_log_callback(note_log, NULL);
    assert_r(asyncio_run(
                 asyncio_coro_new(connects_and_leaves, &where, sizeof where)),
             0);
    ck_assert_ptr_nonnull(strstr(logged, "unclosed transport"));
    logged[0] = '\0';
    asyncio_stream_writer_unref(s.writer);
    ck_assert_str_eq(logged, "loop is closed\n");
    asyncio_stream_reader_unref(s.reader);
    close(s.peer);
    asyncio_set_log_callback(NULL, NULL);
}

static int
leaves_it_open(asyncio_stream_reader_t *reader,
               asyncio_stream_writer_t *writer, void *arg)
{
    (void) reader;
    (void) writer;
    return *(int *) arg;
}

/* What a handler that ends with `result` says, without closing its writer. */
static void
serve_one(int result)
{
    asyncio_server_t *server;
    struct pair s;
    char byte;

    logged[0] = '\0';
    assert_r(asyncio_start_server(leaves_it_open, "127.0.0.1", 0, &server,
                                  .arg = &result),
             0);
    assert_r(asyncio_open_connection("127.0.0.1", asyncio_server_port(server),
                                     &s.reader, &s.writer),
             0);
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, &byte, 1), 0);
    s.peer = -1;
    pair_close(&s);
    asyncio_server_close(server);
    assert_r(asyncio_server_wait_closed(server), 0);
    asyncio_server_unref(server);
}

/* parity: test_streams.py StreamTests test_unclosed_server_resource_warnings */
BEHAVIOUR(a_handler_that_leaves_its_writer_open_is_warned_about)
{
    asyncio_set_log_callback(note_log, NULL);
    serve_one(0);
    ck_assert_ptr_nonnull(strstr(logged, "unclosed <StreamWriter"));
    /* One that was cancelled is none of its business. */
    serve_one(ASYNCIO_ERR_CANCELLED);
    ck_assert_str_eq(logged, "");
    asyncio_set_log_callback(NULL, NULL);
}

struct draining {
    asyncio_stream_writer_t *writer;
};

static int
draining(void *frame)
{
    struct draining *self = frame;

    asyncio_stream_writer_close(self->writer);
    return asyncio_stream_writer_drain(self->writer);
}

BEHAVIOUR(a_writer_may_be_dropped_while_it_drains)
{
    struct pair s = pair_open(0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(draining, .writer = s.writer));

    assert_r(asyncio_sleep(0), 0);
    asyncio_stream_writer_unref(s.writer);
    asyncio_stream_reader_unref(s.reader);
    assert_r(asyncio_await(task), UV_ECONNRESET);
    asyncio_task_unref(task);
    close(s.peer);
}
