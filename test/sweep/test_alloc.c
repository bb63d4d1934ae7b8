/* SPDX-License-Identifier: MIT */
/*
 * The allocation sweep: every scenario with every allocation of its run
 * failing, ours and libuv's, alone and with all after it. It ends with
 * UV_ENOMEM or without an error, leaks nothing, and afterwards a canary runs.
 */
#include "scenarios.h"

enum { SCENES = 64 };

PLAIN(the_list_of_scenarios_is_complete)
{
    ck_assert_int_eq(sweep_scenes_count, SCENES);
    ck_assert_int_ge(sweep_scenes_count, 60);
}

/* What it met is one error or another; the counters are what matters. */
SCENARIO(every_scenario_survives_every_failing_allocation, .times = SCENES,
         .timeout = 60)
{
    return sweep_scenes[_i].run();
}

static int
sing(void *arg)
{
    asyncio_task_group_t group;

    (void) arg;
    asyncio_task_group_enter(asyncio_task_group_init(&group));
    for (int i = 0; i < 5; i++)
        asyncio_task_group_create_task(
            &group, asyncio_coro(nap, .seconds = i, .letter = 's'));
    return asyncio_task_group_exit(&group, 0);
}

static int
run_scene(void *arg)
{
    return sweep_scenes[*(int *) arg].run();
}

PLAIN(after_a_failure_a_canary_sings, .times = SCENES, .timeout = 60)
{
    for (uint64_t nth = 1; nth < 40; nth += 3) {
        int r;

        asyncio_testing_fail_alloc(nth, true);
        r = asyncio_testing_run(asyncio_coro_new(run_scene, &_i, sizeof _i));
        asyncio_testing_fail_alloc(0, false);
        ck_assert_msg(r >= 0 || r == UV_ENOMEM, "%s: %s",
                      sweep_scenes[_i].name, asyncio_err_name(r));
        assert_r(asyncio_testing_run(asyncio_coro(sing)), 0);
    }
}
