/* SPDX-License-Identifier: MIT */
#include "behaviour.h"

#include <asyncio.h>
#include <asyncio/testing.h>
#include <uv.h>

static double
now(void)
{
    return asyncio_loop_time(asyncio_peek_running_loop());
}

BEHAVIOUR(time_jumps_to_the_next_timer)
{
    double start = now();
    uint64_t real = uv_hrtime();

    assert_r(asyncio_sleep(100000), 0);
    ck_assert_double_eq(now() - start, 100000);
    ck_assert_uint_lt(uv_hrtime() - real, UINT64_C(5000000000));
}

BEHAVIOUR(time_stands_still_while_tasks_run)
{
    double start = now();

    for (int i = 0; i < 1000; i++)
        assert_r(asyncio_sleep(0), 0);
    ck_assert_double_eq(now(), start);
}

BEHAVIOUR(time_can_be_moved_on_as_by_a_slow_callback)
{
    asyncio_loop_t *loop = asyncio_get_running_loop();
    asyncio_timeout_t t;
    double start = now();

    assert_r(asyncio_testing_advance(loop, 2.5), 0);
    ck_assert_double_eq(now() - start, 2.5);
    assert_r(asyncio_testing_advance(loop, 0), 0);
    ck_assert_double_eq(now() - start, 2.5);
    assert_r(asyncio_testing_advance(loop, -1), UV_EINVAL);
    assert_r(asyncio_testing_advance(loop, 0.0 / 0.0), UV_EINVAL);
    ck_assert_double_eq(now() - start, 2.5);

    /* A deadline that passed meanwhile is met at the next suspension. */
    asyncio_timeout_enter(asyncio_timeout(&t, 1));
    assert_r(asyncio_testing_advance(loop, 5), 0);
    assert_r(asyncio_timeout_exit(&t, asyncio_sleep(10)),
             ASYNCIO_ERR_TIMEOUT);
    ck_assert_double_eq(now() - start, 7.5);
}

PLAIN(only_virtual_time_can_be_moved)
{
    asyncio_loop_t *loop = asyncio_new_event_loop();

    assert_r(asyncio_testing_advance(loop, 1), UV_EINVAL);
    assert_r(asyncio_loop_close(loop), 0);
    asyncio_loop_unref(loop);
}

static int
wait_for_nothing(void *arg)
{
    (void) arg;
    asyncio_future_t *never = asyncio_future_new();
    int r = asyncio_await(never);
    asyncio_future_unref(never);
    return r;
}

PLAIN(a_program_that_cannot_go_on_ends_as_a_deadlock)
{
    assert_r(asyncio_testing_run(asyncio_coro(wait_for_nothing)),
             ASYNCIO_ERR_DEADLOCK);
}

BEHAVIOUR(a_future_is_counted_until_it_is_dropped)
{
    int64_t before = asyncio_testing_counters().tasks;
    asyncio_future_t *future = asyncio_future_new();

    ck_assert_int_eq(asyncio_testing_counters().tasks, before + 1);
    asyncio_future_unref(future);
    ck_assert_int_eq(asyncio_testing_counters().tasks, before);
}

BEHAVIOUR(an_allocation_that_fails_is_enomem)
{
    asyncio_testing_fail_alloc(1, false);
    asyncio_future_t *future = asyncio_future_new();
    assert_r(asyncio_await(future), UV_ENOMEM);
    asyncio_future_unref(future);
}

static int
child(void *arg)
{
    (void) arg;
    int r = asyncio_sleep(1);
    return r < 0 ? r : 5;
}

SCENARIO(gathering_survives_without_memory)
{
    asyncio_task_t *tasks[] = {
        asyncio_create_task(asyncio_coro(child)),
        asyncio_create_task(asyncio_coro(child), .name = "second"),
    };

    int r = asyncio_gather(tasks, 2);
    asyncio_future_unref_array(tasks, 2);
    return r;
}
