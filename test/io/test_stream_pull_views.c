/* SPDX-License-Identifier: MIT */
/* Tasks that read by themselves: what several of them see of one stream stays
 * as long as their views. */
#include <asyncio.h>
#include <string.h>
#include <unistd.h>

#include "behaviour.h"
#include "between.h"

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
