/* SPDX-License-Identifier: MIT */
/* Tasks that read by themselves: whoever asks or changes something in between
 * comes after what was announced. */
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
