/* SPDX-License-Identifier: MIT */
/*
 * Sleeping: exactly one pass for nothing, the right time otherwise.
 */
#include "scenes.h"

#include "loop/loop.h"

#include <math.h>

struct halves {
    double delay;
    int result;
};

static int
halves(void *arg)
{
    struct halves *self = arg;
    int r = asyncio_sleep(self->delay / 2);

    if (r == 0)
        r = asyncio_sleep(self->delay / 2);
    return r < 0 ? r : self->result;
}

/* parity: test_tasks.py BaseTaskTests test_sleep */
BEHAVIOUR(two_halves_make_a_whole)
{
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(halves, .delay = 0.1, .result = 6));

    assert_r(asyncio_await(task), 6);
    ck_assert_int_eq(now_ms(), 100);
    asyncio_task_unref(task);
}

/* parity: test_tasks.py BaseTaskTests test_sleep_cancel */
BEHAVIOUR(cancelling_a_sleeper_takes_its_timer_away)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_task_t *task =
        asyncio_create_task(asyncio_coro(nap, .seconds = 10));

    passes(1);
    ck_assert_uint_eq(loop->timers.count, 1);
    asyncio_task_cancel(task);
    ck_assert_uint_eq(loop->timers.count, 0);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    ck_assert_int_eq(now_ms(), 0);
    asyncio_task_unref(task);
}

/* parity: test_tasks.py SleepTests test_sleep_zero */
BEHAVIOUR(a_sleep_of_zero_yields_exactly_once, .times = 3)
{
    static const double zeros[] = {0, -1, -INFINITY};
    asyncio_loop_t *loop = asyncio_get_running_loop();

    assert_r(asyncio_loop_call_soon(loop, trace_arg, LETTER("a")), 0);
    assert_r(asyncio_sleep(zeros[_i]), 0);
    assert_trace("a");
    ck_assert_int_eq(now_ms(), 0);
}

/* parity: test_tasks.py BaseTaskTests test_sleep_when_delay_is_nan */
BEHAVIOUR(a_sleep_of_nan_is_refused)
{
    assert_r(asyncio_sleep(NAN), UV_EINVAL);
    ck_assert_str_eq(newest_message(), "Invalid delay: NaN (not a number)");
}

PLAIN(only_a_task_can_sleep)
{
    assert_r(asyncio_sleep(1), ASYNCIO_ERR_NO_RUNNING_LOOP);
    ck_assert_str_eq(newest_message(), "no running event loop");
}

static int
sleeps(void *arg)
{
    (void) arg;
    return asyncio_sleep(1);
}

BEHAVIOUR(a_callback_cannot_sleep)
{
    catch_reports();
    asyncio_loop_call_soon(asyncio_get_running_loop(), sleeps, NULL);
    passes(1);
    ck_assert_int_eq(reports.code, ASYNCIO_ERR_NO_RUNNING_LOOP);
    ck_assert_str_eq(reports.detail, "only a task can wait");
}

PLAIN(a_sleep_without_end_is_a_deadlock_of_virtual_time)
{
    assert_r(asyncio_testing_run(asyncio_coro(forever)),
             ASYNCIO_ERR_DEADLOCK);
}

BEHAVIOUR(an_infinite_sleep_can_be_cancelled)
{
    asyncio_task_t *task = asyncio_create_task(asyncio_coro(forever));

    assert_r(asyncio_sleep(1e9), 0);
    ck_assert(!asyncio_task_done(task));
    asyncio_task_cancel(task);
    assert_r(asyncio_await(task), ASYNCIO_ERR_CANCELLED);
    asyncio_task_unref(task);
}

BEHAVIOUR(equal_sleeps_end_in_the_order_of_their_beginning)
{
    asyncio_task_t *tasks[10];

    for (int i = 0; i < 10; i++)
        tasks[i] = asyncio_create_task(
            asyncio_coro(nap, .seconds = 1, .letter = (char) ('a' + i)));
    assert_r(asyncio_sleep(2), 0);
    assert_trace("abcdefghij");
    asyncio_future_unref_array(tasks, 10);
}
