/* SPDX-License-Identifier: MIT */
/*
 * The cancel sweep: every scenario is cancelled after its kth pass for all k,
 * so at every suspension point it has; once, twice, again in the next pass,
 * and in the pass in which a timeout around it expires. It ends cancelled, or
 * had ended before; nothing hangs, nothing is leaked.
 */
#include "scenarios.h"

#include <string.h>

#include "base/counters.h"
#include "loop/exception.h"

enum { SCENES = 64, PASSES_MAX = 400, MODES = 5 };

enum mode {
    ONCE,
    TWICE,
    AGAIN,        /* once more in the next pass */
    WITH_TIMEOUT, /* and a deadline around it passes */
    TIMEOUT_ONLY
};

static asyncio_timeout_t around;

struct wrapped {
    int scene;
    bool timeout;
};

static int
wrapped(void *arg)
{
    struct wrapped *self = arg;

    if (!self->timeout)
        return sweep_scenes[self->scene].run();
    asyncio_timeout_enter(asyncio_timeout(&around, ASYNCIO_NO_TIMEOUT));
    return asyncio_timeout_exit(&around, sweep_scenes[self->scene].run());
}

static void
strike(asyncio_task_t *task, enum mode mode)
{
    if (mode >= WITH_TIMEOUT)
        asyncio_timeout_reschedule(&around, -1);
    if (mode != TIMEOUT_ONLY)
        asyncio_task_cancel(task, .message = "swept");
    if (mode == TWICE)
        asyncio_task_cancel(task);
}

/* Cancel what the scenario left behind, and wait for it. */
static void
sweep_up(asyncio_loop_t *loop)
{
    asyncio_task_t **tasks;
    size_t count;

    for (int i = 0; i < 20; i++) {
        assert_r(asyncio_all_tasks(loop, &tasks, &count), 0);
        for (size_t k = 0; k < count; k++)
            asyncio_task_cancel(tasks[k]);
        for (size_t k = 0; k < count; k++) {
            (void) asyncio_loop_run_until_complete(loop, tasks[k]);
            (void) asyncio_task_exception(tasks[k]);
        }
        asyncio_all_tasks_free(tasks, count);
        if (count == 0)
            return;
    }
    ck_abort_msg("tasks are left");
}

static void
check(int scene, enum mode mode, int k, bool in_time, int r)
{
    const struct sweep_scene *s = &sweep_scenes[scene];
    bool fits = r >= 0 || r == ASYNCIO_ERR_CANCELLED
        || (mode >= WITH_TIMEOUT && r == ASYNCIO_ERR_TIMEOUT);

    ck_assert_msg(fits, "%s, mode %d, pass %d: %s: %s", s->name, mode, k,
                  asyncio_err_name(r), newest_message());
    if (in_time && !s->swallows && mode != TIMEOUT_ONLY)
        ck_assert_msg(r < 0, "%s, mode %d, pass %d: nothing came out",
                      s->name, mode, k);
    if (in_time && mode == WITH_TIMEOUT && !s->swallows)
        ck_assert_msg(r == ASYNCIO_ERR_CANCELLED, "%s, pass %d: %s", s->name,
                      k, asyncio_err_name(r));
}

/* Whether the scenario was still there after its kth pass. */
static bool
run_to(int scene, enum mode mode, int k)
{
    asyncio_loop_t *loop = virtual_loop();
    asyncio_task_t *task = asyncio_loop_create_task(
        loop, asyncio_coro(wrapped, .scene = scene,
                           .timeout = mode >= WITH_TIMEOUT));
    bool in_time;
    int r;

    around = (asyncio_timeout_t){.state = 0};
    for (int i = 0; i < k && !asyncio_task_done(task); i++)
        assert_r(asyncio_loop_run_once(loop, true), 0);
    in_time = !asyncio_task_done(task);
    if (in_time)
        strike(task, mode);
    if (in_time && mode == AGAIN) {
        assert_r(asyncio_loop_run_once(loop, false), 0);
        asyncio_task_cancel(task);
    }
    r = asyncio_loop_run_until_complete(loop, task);
    check(scene, mode, k, in_time, r);
    asyncio_task_unref(task);
    sweep_up(loop);
    end_loop(loop);
    aio__raise_exception(0, NULL);
    return in_time;
}

static void
sweep(int scene, enum mode mode)
{
    int64_t before[AIO__COUNTERS];

    run_to(scene, mode, PASSES_MAX); /* what is made once is there now */
    for (int i = 0; i < AIO__COUNTERS; i++)
        before[i] = aio__counters_sum((enum aio__counter) i);
    for (int k = 0; run_to(scene, mode, k); k++) {
        ck_assert_int_lt(k, PASSES_MAX);
        for (int i = 0; i < AIO__COUNTERS; i++)
            ck_assert_msg(
                aio__counters_sum((enum aio__counter) i) == before[i],
                "%s, mode %d, pass %d: counter %d", sweep_scenes[scene].name,
                mode, k, i);
    }
}

PLAIN(every_scenario_can_be_cancelled_wherever_it_waits, .times = SCENES,
      .timeout = 60)
{
    ck_assert_int_eq(sweep_scenes_count, SCENES);
    for (int mode = 0; mode < MODES; mode++)
        sweep(_i, (enum mode) mode);
}
