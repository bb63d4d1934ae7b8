/* SPDX-License-Identifier: MIT */
/*
 * Bodies inside a task, in a loop with a virtual clock.
 */
#include "behaviour.h"

#include <asyncio/testing.h>

struct call {
    const struct behaviour *behaviour;
    int i;
};

static int
body_in_task(void *frame)
{
    struct call *self = frame;

    self->behaviour->body.returns_nothing(self->i);
    return 0;
}

static void
call_in_task(const struct behaviour *b, int _i)
{
    struct call call = {b, _i};

    assert_r(asyncio_testing_run(
                 asyncio_coro_new(body_in_task, &call, sizeof call)),
             0);
}

void
behaviour_run_in_task(const struct behaviour *b, int _i)
{
    behaviour_run(b, _i, call_in_task);
}
