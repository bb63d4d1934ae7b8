/* SPDX-License-Identifier: MIT */
/*
 * Bodies inside a task, in a loop with a virtual clock; and scenarios, whose
 * allocations fail one after the other.
 *
 * A scenario first runs undisturbed and must succeed. Then, for n = 1, 2, ...,
 * it runs with its nth allocation failing alone, and with all from the nth on.
 * Which allocations it makes may depend on those that failed, so the end is
 * reached when a run did not come as far as its nth one.
 */
#include "behaviour.h"

#include <asyncio/testing.h>
#include <inttypes.h>
#include <uv.h>

enum { ALLOCATIONS_MAX = 100 * 1000 };

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

static int
scenario_in_task(void *frame)
{
    struct call *self = frame;

    return self->behaviour->body.returns_error(self->i);
}

/* Whether the run came as far as the allocation that was to fail. */
static bool
run_scenario(const struct behaviour *b, int _i, uint64_t nth, bool sticky)
{
    struct call call = {b, _i};
    struct behaviour_state *before = behaviour_state_take();

    asyncio_testing_fail_alloc(nth, sticky);
    int r = asyncio_testing_run(
        asyncio_coro_new(scenario_in_task, &call, sizeof call));
    uint64_t count = asyncio_testing_alloc_count();
    asyncio_testing_fail_alloc(0, false);

    bool reached = nth > 0 && count >= nth;
    ck_assert_msg(r >= 0
                      || (reached && (r == UV_ENOMEM || r == b->options.nomem)),
                  "with allocation %" PRIu64 " failing (%s): %s (%d)", nth,
                  sticky ? "and all after it" : "alone", asyncio_err_name(r),
                  r);
    behaviour_state_compare(before, b);
    return reached;
}

static void
call_scenario(const struct behaviour *b, int _i)
{
    run_scenario(b, _i, 0, false);
    for (int sticky = 0; sticky < 2; sticky++) {
        uint64_t nth = 1;
        while (run_scenario(b, _i, nth, sticky))
            ck_assert_uint_lt(nth++, ALLOCATIONS_MAX);
    }
}

void
behaviour_run_scenario(const struct behaviour *b, int _i)
{
    /* Too late when bodies share a process: then only ours fail. */
    (void) asyncio_testing_hook_libuv();
    behaviour_run(b, _i, call_scenario);
}
