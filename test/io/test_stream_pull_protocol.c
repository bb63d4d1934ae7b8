/* SPDX-License-Identifier: MIT */
/* Tasks that read by themselves: not where a protocol of the program, or another
 * loop, is between the transport and the reader. */
#include <asyncio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "between.h"

static asyncio_transport_t *
transport_of(const struct between *self)
{
    return asyncio_stream_writer_transport(self->s.writer);
}

/* A protocol of the program in front of the reader's, or in its place. */
static asyncio_protocol_t *inner;
static int (*data_received)(asyncio_protocol_t *protocol, const void *data,
                            size_t size);
static size_t counted;

static int
count_made(asyncio_protocol_t *protocol, asyncio_transport_t *transport)
{
    (void) protocol;
    return inner->connection_made(inner, transport);
}

static int
count_data(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    (void) protocol;
    counted += size;
    return data_received(inner, data, size);
}

static int
count_lost(asyncio_protocol_t *protocol, const asyncio_exception_t *exception)
{
    (void) protocol;
    return inner->connection_lost(inner, exception);
}

static void
count_drop(asyncio_protocol_t *protocol)
{
    (void) protocol;
    inner->drop(inner);
}

static int
give(void *arg, asyncio_protocol_t **ret_protocol)
{
    *ret_protocol = arg;
    return 0;
}

struct says {
    int fd;
};

static int
says(void *frame)
{
    for (int i = 0; i < 3; i++)
        assert_r(asyncio_sleep(0.001), 0);
    recorder_say(((struct says *) frame)->fd, "hello");
    return 0;
}

BEHAVIOUR(a_protocol_that_passes_data_on_sees_it, .times = 2)
{
    asyncio_protocol_t wrapper = {.connection_made = count_made,
                                  .connection_lost = count_lost,
                                  .data_received = count_data,
                                  .drop = count_drop};
    asyncio_stream_reader_t *reader;
    asyncio_transport_t *transport;
    asyncio_task_t *task;
    int ends[2];
    char got[16];

    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    assert_r(asyncio_stream_reader_protocol_new(reader, &inner), 0);
    data_received = inner->data_received;
    if (_i == 1)
        inner->data_received = count_data;
    assert_r(asyncio_loop_create_unix_connection(
                 asyncio_get_running_loop(), give, NULL, &transport, NULL,
                 .arg = _i == 1 ? inner : &wrapper, .sock = &ends[0]),
             0);
    task = asyncio_create_task(asyncio_coro(says, .fd = ends[1]));
    ck_assert_int_eq(asyncio_stream_reader_read(reader, got, sizeof got), 5);
    ck_assert_uint_eq(counted, 5);
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    asyncio_transport_abort(transport);
    ck_assert_int_eq(asyncio_stream_reader_read(reader, got, sizeof got), 0);
    asyncio_stream_reader_unref(reader);
    recorder_passes();
    close(ends[1]);
}

static asyncio_task_t *ended_in;

static int
note_eof(asyncio_protocol_t *protocol)
{
    (void) protocol;
    counted++;
    ended_in = asyncio_current_task();
    return 0;
}

BEHAVIOUR(a_callback_of_the_program_runs_in_no_task)
{
    asyncio_protocol_t *protocol;
    struct pair s;
    char got[8];
    asyncio_task_t *task;

    assert_r(asyncio_stream_reader_new(0, &s.reader), 0);
    assert_r(asyncio_stream_reader_protocol_new(s.reader, &protocol), 0);
    protocol->eof_received = note_eof;
    assert_r(pair_connect(&s, protocol), 0);
    task = asyncio_create_task(asyncio_coro(says, .fd = s.peer));
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, got, sizeof got), 5);
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    shutdown(s.peer, SHUT_WR);
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, got, sizeof got), 0);
    ck_assert_uint_eq(counted, 1);
    ck_assert_ptr_null(ended_in);
    pair_close(&s);
}

/* A reader's protocol is replaced by one of another reader, while the former
 * reader's task has gone on to something else. */
struct goes_on {
    struct between *self;
};

static int
goes_on(void *frame)
{
    ck_assert_int_eq(between_read(((struct goes_on *) frame)->self), 0);
    return asyncio_sleep(1000);
}

BEHAVIOUR(the_former_readers_task_hears_nothing_any_more)
{
    asyncio_stream_reader_t *reader;
    asyncio_protocol_t *protocol, *former;
    struct between self;
    char got[8];

    between_set_up(&self, NULL, 0);
    self.task = asyncio_create_task(asyncio_coro(goes_on, .self = &self));
    assert_r(asyncio_sleep(0.001), 0);
    former = asyncio_transport_get_protocol(transport_of(&self));
    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    assert_r(asyncio_stream_reader_protocol_new(reader, &protocol), 0);
    asyncio_transport_set_protocol(transport_of(&self), protocol);
    assert_r(protocol->connection_made(protocol, transport_of(&self)), 0);
    asyncio_stream_reader_feed_eof(self.s.reader);
    recorder_passes();
    pair_say(&self.s, "hello");
    recorder_passes();
    ck_assert(!asyncio_future_done(self.task));
    ck_assert_int_eq(asyncio_stream_reader_read(reader, got, sizeof got), 5);
    ck_assert(asyncio_future_cancel(self.task));
    assert_r(between_result(&self), ASYNCIO_ERR_CANCELLED);
    former->drop(former);
    asyncio_transport_abort(transport_of(&self));
    recorder_passes();
    asyncio_stream_reader_unref(reader);
    pair_drop(&self.s);
    recorder_close(&self.recorder, self.peer);
}

/* A reader of one loop that a transport of another one feeds. */
struct connects {
    asyncio_protocol_t *protocol;
    int *fd;
};

static int
connects(void *frame)
{
    struct connects *self = frame;
    asyncio_transport_t *transport;

    return asyncio_loop_create_unix_connection(
        asyncio_get_running_loop(), give, NULL, &transport, NULL,
        .arg = self->protocol, .sock = self->fd);
}

struct reads_there {
    asyncio_stream_reader_t *reader;
    asyncio_loop_t **ret_loop;
};

static int
reads_there(void *frame)
{
    struct reads_there *self = frame;
    char got[8];
    int r = (int) asyncio_stream_reader_read(self->reader, got, sizeof got);

    *self->ret_loop = asyncio_get_running_loop();
    return r;
}

static int
rests(void *frame)
{
    (void) frame;
    return asyncio_sleep(0.01);
}

static int
run_in(asyncio_loop_t *loop, asyncio_task_t *task)
{
    int r = asyncio_loop_run_until_complete(loop, task);

    asyncio_future_unref(task);
    return r;
}

PLAIN(a_reader_of_another_loop_is_fed_and_its_task_runs_there)
{
    asyncio_loop_t *ours = asyncio_new_event_loop();
    asyncio_loop_t *other = asyncio_new_event_loop();
    asyncio_loop_t *ran_in = NULL;
    asyncio_stream_reader_t *reader;
    asyncio_protocol_t *protocol;
    asyncio_task_t *task;
    int ends[2];

    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    asyncio_set_event_loop(ours);
    assert_r(asyncio_stream_reader_new(0, &reader), 0);
    assert_r(asyncio_stream_reader_protocol_new(reader, &protocol), 0);
    assert_r(run_in(other, asyncio_loop_create_task(
                               other,
                               asyncio_coro(connects, .protocol = protocol,
                                            .fd = &ends[0]),
                               NULL)),
             0);
    task = asyncio_loop_create_task(
        ours, asyncio_coro(reads_there, .reader = reader, .ret_loop = &ran_in),
        NULL);
    assert_r(run_in(ours, asyncio_loop_create_task(ours, asyncio_coro(rests),
                                                   NULL)),
             0);
    recorder_say(ends[1], "hello");
    assert_r(run_in(other, asyncio_loop_create_task(
                               other, asyncio_coro(rests), NULL)),
             0);
    ck_assert_int_eq(run_in(ours, task), 5);
    ck_assert_ptr_eq(ran_in, ours);
    asyncio_set_event_loop(NULL);
    asyncio_stream_reader_unref(reader);
    assert_r(asyncio_loop_close(other), 0);
    assert_r(asyncio_loop_close(ours), 0);
    asyncio_loop_unref(other);
    asyncio_loop_unref(ours);
    close(ends[1]);
}
