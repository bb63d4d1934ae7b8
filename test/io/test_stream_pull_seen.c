/* SPDX-License-Identifier: MIT */
/* Tasks that read by themselves, seen from outside: views of several readers
 * of one stream, protocols that look at what comes, whoever asks in between, and
 * several loops. */
#include <asyncio.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "between.h"
#include "faults.h"
#include "io/io.h"

static asyncio_transport_t *
transport_of(const struct between *self)
{
    return asyncio_stream_writer_transport(self->s.writer);
}

struct reads_ten {
    struct between *self;
};

static int
reads_ten(void *frame)
{
    struct between *self = ((struct reads_ten *) frame)->self;

    return (int) asyncio_stream_reader_readexactly(self->s.reader, self->got,
                                                   10);
}

/* One waits for ten bytes, another one looks at three. */
static asyncio_bytes_t
look_while_another_waits(struct between *self)
{
    asyncio_bytes_t view;

    pair_say(&self->s, "abc");
    self->task = asyncio_create_task(asyncio_coro(reads_ten, .self = self));
    recorder_passes();
    assert_r(asyncio_stream_reader_read_view(self->s.reader, 64, &view), 0);
    ck_assert_uint_eq(view.size, 3);
    return view;
}

BEHAVIOUR(a_view_outlives_what_another_task_waits_for)
{
    struct between self;
    asyncio_bytes_t view;

    between_set_up(&self, NULL, 0);
    view = look_while_another_waits(&self);
    pair_say(&self.s, "0123456789");
    ck_assert_int_eq(between_result(&self), 10);
    ck_assert_mem_eq(view.data, "abc", 3);
    ck_assert_mem_eq(self.got, "0123456789", 10);
    between_tear_down(&self);
}

struct reads_many {
    struct between *self;
    asyncio_bytes_t *ret_view;
};

static int
reads_many(void *frame)
{
    struct reads_many *self = frame;

    return asyncio_stream_reader_readexactly_view(self->self->s.reader, 2000,
                                                  self->ret_view);
}

BEHAVIOUR(views_of_several_tasks_stay_while_more_comes)
{
    static char piece[1000];
    struct between self;
    asyncio_bytes_t first, second;

    memset(piece, 'x', sizeof piece);
    between_set_up(&self, NULL, 0);
    pair_say(&self.s, "abc");
    self.task = asyncio_create_task(
        asyncio_coro(reads_many, .self = &self, .ret_view = &second));
    recorder_passes();
    assert_r(asyncio_stream_reader_read_view(self.s.reader, 64, &first), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(write(self.s.peer, piece, sizeof piece), 1000);
        recorder_passes();
    }
    assert_r(between_result(&self), 0);
    ck_assert_mem_eq(first.data, "abc", 3);
    ck_assert_mem_eq(second.data, piece, 1000);
    ck_assert_mem_eq((const char *) second.data + 1000, piece, 1000);
    between_tear_down(&self);
}

static asyncio_bytes_t shown;

static void
feeds_view(struct between *self)
{
    assert_r(asyncio_stream_reader_feed_data(self->s.reader, shown.data,
                                             shown.size),
             0);
}

BEHAVIOUR(a_view_can_be_fed_back)
{
    struct between self;

    between_set_up(&self, NULL, 0);
    shown = look_while_another_waits(&self);
    self.act = feeds_view;
    pair_say(&self.s, "0123456");
    recorder_say(self.peer, "now");
    ck_assert_int_eq(between_result(&self), 10);
    ck_assert_mem_eq(self.got, "0123456abc", 10);
    between_tear_down(&self);
}

/* A task that was ready before reads first, and looks for long. */
struct looks_long {
    struct between *self;
};

static int
looks_long(void *frame)
{
    struct between *self = ((struct looks_long *) frame)->self;
    asyncio_bytes_t view;
    int r = asyncio_stream_reader_read_view(self->s.reader, 64, &view);

    for (int i = 0; r >= 0 && i < 5; i++) {
        recorder_say(self->peer, "XXXXXXXX"); /* into the next read buffer */
        r = asyncio_sleep(0.001);
    }
    ck_assert_uint_eq(view.size, 5);
    ck_assert_mem_eq(view.data, "hello", 5);
    return r;
}

static asyncio_task_t *looker;

static void
starts_looker(struct between *self)
{
    looker = asyncio_create_task(asyncio_coro(looks_long, .self = self));
}

struct views {
    struct between *self;
};

static int
views(void *frame)
{
    asyncio_bytes_t view;

    assert_r(asyncio_stream_reader_read_view(
                 ((struct views *) frame)->self->s.reader, 64, &view),
             0);
    return (int) view.size;
}

BEHAVIOUR(an_empty_read_ends_no_view_of_others)
{
    struct between self;

    between_set_up(&self, starts_looker, 0);
    self.task = asyncio_create_task(asyncio_coro(views, .self = &self));
    assert_r(asyncio_sleep(0.001), 0);
    recorder_say(self.peer, "now"); /* first: the looker is ready before */
    pair_say(&self.s, "hello");
    ck_assert_int_eq(between_result(&self), 0);
    assert_r(asyncio_await(looker), 0);
    asyncio_future_unref(looker);
    between_tear_down(&self);
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

/* Whoever asks, asks after what was announced. */
static void
asks_eof(struct between *self)
{
    self->seen = asyncio_stream_reader_at_eof(self->s.reader);
}

BEHAVIOUR(an_end_that_was_announced_is_seen)
{
    struct between self;

    between_set_up(&self, asks_eof, 0);
    between_wait(&self);
    shutdown(self.s.peer, SHUT_WR);
    recorder_say(self.peer, "now");
    ck_assert_int_eq(between_result(&self), 0);
    ck_assert(self.seen);
    between_tear_down(&self);
}

static void
asks_repr(struct between *self)
{
    char text[160];

    asyncio_stream_reader_repr(self->s.reader, text, sizeof text);
    self->seen = strstr(text, "5 bytes") != NULL;
}

BEHAVIOUR(a_description_counts_what_was_announced)
{
    struct between self;

    between_set_up(&self, asks_repr, 0);
    ck_assert_int_eq(between_run(&self), 5);
    ck_assert(self.seen);
    between_tear_down(&self);
}

/* "hello" is more than twice this limit: the reader pauses the transport. */
enum { LIMIT = 2 };

static void
asks_reading(struct between *self)
{
    self->seen = !asyncio_transport_is_reading(transport_of(self));
}

BEHAVIOUR(a_reader_that_is_full_has_paused_its_transport)
{
    struct between self;

    between_set_up(&self, asks_reading, LIMIT);
    ck_assert_int_eq(between_run(&self), 5);
    ck_assert(self.seen);
    between_tear_down(&self);
}

static void
asks_closing(struct between *self)
{
    self->seen = asyncio_transport_is_closing(transport_of(self));
}

BEHAVIOUR(an_error_of_the_system_is_seen)
{
    struct between self;
    const int *fd;

    between_set_up(&self, asks_closing, 0);
    fd = asyncio_stream_writer_get_extra_info(self.s.writer, "socket");
    fault(RECV, *fd, .error = ETIMEDOUT);
    ck_assert_int_eq(between_run(&self), UV_ETIMEDOUT);
    ck_assert(self.seen);
    pair_drop(&self.s);
    recorder_close(&self.recorder, self.peer);
}

struct drains {
    struct between *self;
};

static int
drains(void *frame)
{
    struct between *self = ((struct drains *) frame)->self;

    return asyncio_stream_writer_drain(self->s.writer);
}

static asyncio_task_t *drainer;

static void
starts_drainer(struct between *self)
{
    drainer = asyncio_create_task(asyncio_coro(drains, .self = self));
}

BEHAVIOUR(drain_sees_an_error_of_the_system)
{
    struct between self;
    const int *fd;

    between_set_up(&self, starts_drainer, 0);
    fd = asyncio_stream_writer_get_extra_info(self.s.writer, "socket");
    between_wait(&self);
    fault(RECV, *fd, .error = ETIMEDOUT);
    recorder_say(self.peer, "now"); /* first: the drainer is ready before */
    pair_say(&self.s, "hello");
    ck_assert_int_eq(between_result(&self), UV_ETIMEDOUT);
    assert_r(asyncio_await(drainer), UV_ECONNRESET);
    asyncio_future_unref(drainer);
    pair_drop(&self.s);
    recorder_close(&self.recorder, self.peer);
}

/* Sending a file pauses reading for a while; what the reader paused stays so. */
struct sends {
    struct between *self;
};

static int
sends(void *frame)
{
    struct between *self = ((struct sends *) frame)->self;
    FILE *file = tmpfile();
    int64_t n;

    ck_assert_int_eq(fputs("file", file) >= 0, 1);
    fflush(file);
    n = asyncio_loop_sendfile(asyncio_get_running_loop(), transport_of(self),
                              fileno(file));
    self->seen = !asyncio_transport_is_reading(transport_of(self));
    fclose(file);
    return (int) n;
}

static asyncio_task_t *sender;

static void
starts_sender(struct between *self)
{
    sender = asyncio_create_task(asyncio_coro(sends, .self = self));
}

struct reads_one {
    struct between *self;
};

static int
reads_one(void *frame)
{
    struct between *self = ((struct reads_one *) frame)->self;

    return (int) asyncio_stream_reader_read(self->s.reader, self->got, 1);
}

static void
resumes(struct between *self)
{
    assert_r(asyncio_transport_resume_reading(transport_of(self)), 0);
}

BEHAVIOUR(who_resumes_a_full_reader_has_the_last_word)
{
    struct between self;

    between_set_up(&self, resumes, LIMIT);
    self.task = asyncio_create_task(asyncio_coro(reads_one, .self = &self));
    assert_r(asyncio_sleep(0.001), 0);
    pair_say(&self.s, "0123456789");
    recorder_say(self.peer, "now");
    ck_assert_int_eq(between_result(&self), 1);
    ck_assert(asyncio_transport_is_reading(transport_of(&self)));
    between_tear_down(&self);
}

BEHAVIOUR(a_file_that_is_sent_meanwhile_resumes_no_full_reader)
{
    struct between self;

    between_set_up(&self, starts_sender, LIMIT);
    self.task = asyncio_create_task(asyncio_coro(reads_one, .self = &self));
    assert_r(asyncio_sleep(0.001), 0);
    recorder_say(self.peer, "now"); /* first: the sender is ready before */
    pair_say(&self.s, "0123456789");
    ck_assert_int_eq(between_result(&self), 1);
    ck_assert_int_eq(asyncio_await(sender), 4);
    asyncio_future_unref(sender);
    ck_assert(self.seen);
    between_tear_down(&self);
}

/* Others take the bytes, and then the reader fails. */
static void
steals_and_fails(struct between *self)
{
    const int *fd =
        asyncio_stream_writer_get_extra_info(self->s.writer, "socket");
    char stolen[8];

    ck_assert_int_eq(recv(*fd, stolen, sizeof stolen, 0), 5);
    asyncio_stream_reader_set_exception(self->s.reader, UV_EIO);
}

BEHAVIOUR(who_was_told_of_nothing_gets_the_exception)
{
    struct between self;

    between_set_up(&self, steals_and_fails, 0);
    ck_assert_int_eq(between_run(&self), UV_EIO);
    between_tear_down(&self);
}

BEHAVIOUR(drain_waits_for_a_protocol_that_the_program_paused)
{
    struct between self;
    asyncio_protocol_t *protocol;

    between_set_up(&self, NULL, 0);
    protocol = asyncio_transport_get_protocol(transport_of(&self));
    assert_r(protocol->pause_writing(protocol), 0);
    self.task = asyncio_create_task(asyncio_coro(drains, .self = &self));
    assert_r(asyncio_sleep(0.001), 0);
    ck_assert(!asyncio_future_done(self.task));
    assert_r(protocol->resume_writing(protocol), 0);
    assert_r(between_result(&self), 0);
    between_tear_down(&self);
}

BEHAVIOUR(an_incomplete_read_keeps_no_buffer)
{
    const struct aio__io *io = asyncio_get_running_loop()->io;
    struct pair s = pair_open(0);
    char got[8];

    pair_say(&s, "abc");
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, got, 1), 1);
    shutdown(s.peer, SHUT_WR);
    recorder_passes();
    ck_assert_int_eq(asyncio_stream_reader_readexactly(s.reader, got, 8),
                     ASYNCIO_ERR_INCOMPLETE_READ);
    io = asyncio_get_running_loop()->io;
    ck_assert_uint_eq(io->spare, io->buffers);
    pair_close(&s);
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
