/* SPDX-License-Identifier: MIT */
#include "between.h"

#include <string.h>

#include "behaviour.h"

static void
on_call(struct recorder *recorder, char call)
{
    struct between *self = (struct between *) recorder;
    void (*act)(struct between *self) = self->act;

    if (call != 'd' || act == NULL)
        return;
    self->act = NULL;
    act(self);
}

void
between_set_up(struct between *self, void (*act)(struct between *self),
               size_t limit)
{
    *self = (struct between){.recorder.called = on_call, .act = act};
    self->peer = recorder_socket(&self->recorder);
    self->s = pair_open(limit);
    recorder_passes();
}

void
between_tear_down(struct between *self)
{
    pair_close(&self->s);
    recorder_close(&self->recorder, self->peer);
}

ptrdiff_t
between_read(struct between *self)
{
    memset(self->got, 0, sizeof self->got);
    return asyncio_stream_reader_read(self->s.reader, self->got,
                                      sizeof self->got - 1);
}

struct reads {
    struct between *self;
};

static int
reads(void *frame)
{
    return (int) between_read(((struct reads *) frame)->self);
}

void
between_wait(struct between *self)
{
    self->task = asyncio_create_task(asyncio_coro(reads, .self = self));
    assert_r(asyncio_sleep(0.001), 0);
}

int
between_result(struct between *self)
{
    int r = asyncio_await(self->task);

    self->task = asyncio_future_unref(self->task);
    return r;
}

int
between_run(struct between *self)
{
    between_wait(self);
    pair_say(&self->s, "hello");
    recorder_say(self->peer, "now");
    return between_result(self);
}
