/* SPDX-License-Identifier: MIT */
/* A task that waits in a reader is woken when there is something to read, and
 * reads it when it runs. What others do in between: nobody may see a difference
 * to bytes that were in the reader from the start. */
#include <asyncio.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "behaviour.h"
#include "between.h"
#include "faults.h"

static void
closes(struct between *self)
{
    asyncio_stream_writer_close(self->s.writer);
}

static void
aborts(struct between *self)
{
    asyncio_transport_abort(asyncio_stream_writer_transport(self->s.writer));
}

BEHAVIOUR(what_came_before_the_end_of_a_connection_is_read, .times = 2)
{
    struct between self;

    between_set_up(&self, _i == 0 ? closes : aborts, 0);
    ck_assert_int_eq(between_run(&self), 5);
    ck_assert_str_eq(self.got, "hello");
    ck_assert_int_eq(between_read(&self), 0);
    between_tear_down(&self);
}

static void
pauses(struct between *self)
{
    assert_r(asyncio_transport_pause_reading(
                 asyncio_stream_writer_transport(self->s.writer)),
             0);
}

BEHAVIOUR(what_came_before_a_pause_is_read)
{
    struct between self;

    between_set_up(&self, pauses, 0);
    ck_assert_int_eq(between_run(&self), 5);
    ck_assert_str_eq(self.got, "hello");
    between_tear_down(&self);
}

static void
cancels(struct between *self)
{
    ck_assert(asyncio_future_cancel(self->task));
}

BEHAVIOUR(a_read_that_was_cancelled_meanwhile_leaves_the_bytes_to_the_next)
{
    struct between self;

    between_set_up(&self, cancels, 0);
    ck_assert_int_eq(between_run(&self), ASYNCIO_ERR_CANCELLED);
    /* They are in the reader: no pass is needed to get them. */
    asyncio_transport_abort(asyncio_stream_writer_transport(self.s.writer));
    ck_assert_int_eq(between_read(&self), 5);
    ck_assert_str_eq(self.got, "hello");
    between_tear_down(&self);
}

static void
feeds(struct between *self)
{
    assert_r(asyncio_stream_reader_feed_data(self->s.reader, ", you", 5), 0);
}

BEHAVIOUR(what_is_fed_comes_behind_what_was_there)
{
    struct between self;

    between_set_up(&self, feeds, 0);
    ck_assert_int_eq(between_run(&self), 10);
    ck_assert_str_eq(self.got, "hello, you");
    between_tear_down(&self);
}

static void
feeds_end(struct between *self)
{
    asyncio_stream_reader_feed_eof(self->s.reader);
}

BEHAVIOUR(an_end_that_is_fed_comes_behind_what_was_there)
{
    struct between self;

    between_set_up(&self, feeds_end, 0);
    ck_assert_int_eq(between_run(&self), 5);
    ck_assert_str_eq(self.got, "hello");
    ck_assert(asyncio_stream_reader_at_eof(self.s.reader));
    between_tear_down(&self);
}

/* Somebody with the same socket is faster. */
static void
steals(struct between *self)
{
    const int *fd =
        asyncio_stream_writer_get_extra_info(self->s.writer, "socket");
    char stolen[8];

    ck_assert_int_eq(recv(*fd, stolen, sizeof stolen, 0), 5);
}

struct says_later {
    struct between *self;
};

static int
says_later(void *frame)
{
    struct between *self = ((struct says_later *) frame)->self;

    for (int i = 0; i < 5; i++)
        assert_r(asyncio_sleep(0.001), 0);
    ck_assert(!asyncio_future_done(self->task));
    pair_say(&self->s, "again");
    return 0;
}

BEHAVIOUR(a_read_goes_on_waiting_when_there_was_nothing_after_all)
{
    struct between self;
    asyncio_task_t *later;

    between_set_up(&self, steals, 0);
    later = asyncio_create_task(asyncio_coro(says_later, .self = &self));
    ck_assert_int_eq(between_run(&self), 5);
    ck_assert_str_eq(self.got, "again");
    assert_r(asyncio_await(later), 0);
    asyncio_future_unref(later);
    between_tear_down(&self);
}

BEHAVIOUR(an_interrupted_system_call_is_nothing_after_all)
{
    struct between self;
    const int *fd;

    between_set_up(&self, NULL, 0);
    fd = asyncio_stream_writer_get_extra_info(self.s.writer, "socket");
    fault(RECV, *fd, .error = EINTR);
    ck_assert_int_eq(between_run(&self), 5);
    ck_assert_str_eq(self.got, "hello");
    ck_assert_int_eq(faults[RECV].seen, 2);
    between_tear_down(&self);
}

BEHAVIOUR(an_error_of_the_read_ends_the_connection_and_the_wait)
{
    struct between self;
    const int *fd;

    between_set_up(&self, NULL, 0);
    fd = asyncio_stream_writer_get_extra_info(self.s.writer, "socket");
    fault(RECV, *fd, .error = ETIMEDOUT);
    ck_assert_int_eq(between_run(&self), UV_ETIMEDOUT);
    asyncio_stream_writer_close(self.s.writer);
    ck_assert_int_eq(asyncio_stream_writer_wait_closed(self.s.writer),
                     UV_ETIMEDOUT);
    pair_drop(&self.s);
    recorder_close(&self.recorder, self.peer);
}

/* The former protocol's reader gets what came before. */
static struct recorder replacement;

static void
replaces(struct between *self)
{
    asyncio_transport_t *transport =
        asyncio_stream_writer_transport(self->s.writer);
    asyncio_protocol_t *former = asyncio_transport_get_protocol(transport);

    recorder_init(&replacement);
    asyncio_transport_set_protocol(transport, &replacement.protocol);
    former->drop(former);
}

BEHAVIOUR(another_protocol_gets_what_comes_after_it_was_set)
{
    struct between self;

    between_set_up(&self, replaces, 0);
    ck_assert_int_eq(between_run(&self), 5);
    ck_assert_str_eq(self.got, "hello");
    between_wait(&self);
    pair_say(&self.s, "new");
    assert_r(asyncio_sleep(0.001), 0);
    ck_assert_str_eq(replacement.data, "new");
    ck_assert(asyncio_future_cancel(self.task));
    assert_r(between_result(&self), ASYNCIO_ERR_CANCELLED);
    asyncio_transport_abort(asyncio_stream_writer_transport(self.s.writer));
    assert_r(asyncio_await(replacement.lost), 0);
    asyncio_future_unref(replacement.lost);
    pair_drop(&self.s);
    recorder_close(&self.recorder, self.peer);
}

/* A task that was ready before reads first. */
struct overtakes {
    struct between *self;
    char got[16];
};

static int
overtakes(void *frame)
{
    struct overtakes *self = frame;

    return (int) asyncio_stream_reader_read(self->self->s.reader, self->got,
                                            sizeof self->got);
}

static asyncio_task_t *overtaker;

static void
starts_overtaker(struct between *self)
{
    overtaker = asyncio_create_task(asyncio_coro(overtakes, .self = self));
}

BEHAVIOUR(who_reads_first_gets_the_bytes_and_the_other_nothing)
{
    struct between self;

    between_set_up(&self, starts_overtaker, 0);
    between_wait(&self);
    recorder_say(self.peer, "now"); /* first, so that it is ready before */
    pair_say(&self.s, "hello");
    ck_assert_int_eq(between_result(&self), 0);
    ck_assert_int_eq(asyncio_await(overtaker), 5);
    asyncio_future_unref(overtaker);
    between_tear_down(&self);
}

/* What a protocol was given stays as it is while it causes other reads. */
static struct between *nesting;

static int
looks_twice(asyncio_protocol_t *protocol, const void *data, size_t size)
{
    (void) protocol;
    asyncio_stream_writer_close(nesting->s.writer);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(data, "now", 3);
    return 0;
}

BEHAVIOUR(reads_inside_of_a_read_have_buffers_of_their_own)
{
    struct between self;

    between_set_up(&self, NULL, 0);
    nesting = &self;
    self.recorder.protocol.data_received = looks_twice;
    ck_assert_int_eq(between_run(&self), 5);
    ck_assert_str_eq(self.got, "hello");
    between_tear_down(&self);
}

BEHAVIOUR(many_views_at_once_show_what_each_reader_got)
{
    enum { MANY = 40 };
    struct pair all[MANY];
    asyncio_bytes_t views[MANY];
    char text[16];

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            all[i] = pair_open(0);
            snprintf(text, sizeof text, "%d/%d", round, i);
            pair_say(&all[i], text);
            assert_r(asyncio_stream_reader_read_view(all[i].reader, 100,
                                                     &views[i]),
                     0);
        }
        for (int i = 0; i < MANY; i++) {
            snprintf(text, sizeof text, "%d/%d", round, i);
            ck_assert_uint_eq(views[i].size, strlen(text));
            ck_assert_mem_eq(views[i].data, text, views[i].size);
            pair_close(&all[i]);
        }
    }
}

BEHAVIOUR(what_is_left_over_is_there_when_more_comes)
{
    struct pair s = pair_open(0);
    asyncio_bytes_t view;
    char start[4];

    pair_say(&s, "one two ");
    ck_assert_int_eq(asyncio_stream_reader_read(s.reader, start, 4), 4);
    for (int i = 0; i < 10; i++) {
        pair_say(&s, "three ");
        assert_r(asyncio_sleep(0.001), 0);
    }
    assert_r(asyncio_stream_reader_readexactly_view(s.reader, 64, &view), 0);
    ck_assert_mem_eq(view.data, "two three three", 15);
    pair_close(&s);
}

struct adds {
    struct pair *s;
    int times;
};

static int
adds(void *frame)
{
    struct adds *self = frame;

    for (int i = 0; i < self->times; i++) {
        assert_r(asyncio_sleep(0.001), 0);
        pair_say(self->s, "0123456789");
    }
    return 0;
}

BEHAVIOUR(a_wait_for_more_keeps_what_is_there)
{
    struct pair s = pair_open(0);
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(adds, .s = &s, .times = 300));
    asyncio_bytes_t view;

    assert_r(asyncio_stream_reader_readexactly_view(s.reader, 3000, &view), 0);
    for (size_t i = 0; i < 3000; i += 10)
        ck_assert_mem_eq((const char *) view.data + i, "0123456789", 10);
    assert_r(asyncio_await(task), 0);
    asyncio_future_unref(task);
    pair_close(&s);
}

/* A reader that is kept longer than its loop. */
struct escapes {
    asyncio_stream_reader_t **ret_reader;
    asyncio_bytes_t *ret_view;
};

static int
escapes(void *frame)
{
    struct escapes *self = frame;
    struct pair s = pair_open(0);

    pair_say(&s, "kept");
    assert_r(asyncio_stream_reader_read_view(s.reader, 100, self->ret_view),
             0);
    *self->ret_reader = asyncio_stream_reader_ref(s.reader);
    pair_close(&s);
    return 0;
}

PLAIN(a_view_outlives_the_loop)
{
    asyncio_stream_reader_t *reader;
    asyncio_bytes_t view;

    assert_r(asyncio_run(asyncio_coro(escapes, .ret_reader = &reader,
                                      .ret_view = &view)),
             0);
    ck_assert_mem_eq(view.data, "kept", 4);
    asyncio_stream_reader_unref(reader);
}

SCENARIO(without_memory_bytes_are_read_later_or_the_connection_fails)
{
    struct pair s;
    char got[16];
    asyncio_bytes_t view;
    int r;

    r = pair_try(&s, 0);
    if (r >= 0) {
        pair_say(&s, "hello");
        r = asyncio_stream_reader_read_view(s.reader, 2, &view);
    }
    if (r >= 0) {
        ck_assert_mem_eq(view.data, "he", 2);
        pair_say(&s, "you");
        r = (int) asyncio_stream_reader_readexactly(s.reader, got, 6);
    }
    if (r >= 0)
        ck_assert_mem_eq(got, "lloyou", 6);
    if (s.writer != NULL) {
        asyncio_stream_writer_close(s.writer);
        (void) !asyncio_stream_writer_wait_closed(s.writer);
    } else {
        assert_r(asyncio_sleep(0), 0);
    }
    pair_drop(&s);
    return r < 0 ? r : 0;
}
