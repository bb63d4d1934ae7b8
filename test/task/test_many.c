/* SPDX-License-Identifier: MIT */
/*
 * Tens of thousands of tasks at once: with guards from the kernel, with those
 * of mprotect(), without enough address space. Each runs, or ends with the
 * error that names the limit.
 */
#include "scenes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/macros.h"
#include "coro/stack.h"

enum { TASKS = 40 * 1000 };

struct outcome {
    int ran;
    int refused;
    char why[128];
};

static int
run_many(void *arg)
{
    struct outcome *self = arg;
    static asyncio_task_t *tasks[TASKS];

    for (int i = 0; i < TASKS; i++)
        tasks[i] = asyncio_create_task(asyncio_coro(nap, .seconds = 1));
    for (int i = 0; i < TASKS; i++) {
        int r = asyncio_await(tasks[i]);

        if (r == 0) {
            self->ran++;
            continue;
        }
        ck_assert_int_eq(r, UV_ENOMEM);
        self->refused++;
        snprintf(self->why, sizeof self->why, "%s", newest_message());
    }
    asyncio_future_unref_array(tasks, TASKS);
    /* Whatever could not be had, the loop goes on. */
    return asyncio_sleep(1);
}

static struct outcome
many(void)
{
    struct outcome outcome = {0, 0, ""};

    assert_r(asyncio_testing_run(asyncio_coro_new(run_many, &outcome,
                                                  sizeof outcome)),
             0);
    ck_assert_int_eq(outcome.ran + outcome.refused, TASKS);
    return outcome;
}

static bool
too_slow(void)
{
    return AIO__ASAN || AIO__TSAN || getenv("CK_TIMEOUT_MULTIPLIER") != NULL;
}

PLAIN(forty_thousand_tasks_run_at_the_usual_limits, .timeout = 60)
{
    if (too_slow())
        return;
    struct outcome outcome = many();

    if (aio__stack_guard() == AIO__GUARD_MADVISE)
        ck_assert_int_eq(outcome.ran, TASKS);
    else
        ck_assert_ptr_nonnull(strstr(outcome.why, "vm.max_map_count"));
}

PLAIN(with_mprotect_those_beyond_the_limit_are_told_its_name, .timeout = 60)
{
    if (too_slow())
        return;
    setenv("ASYNCIO_GUARD", "mprotect", 1);
    struct outcome outcome = many();

    ck_assert_int_gt(outcome.ran, 1000);
    if (outcome.refused > 0)
        ck_assert_ptr_nonnull(strstr(outcome.why, "vm.max_map_count"));
    /* There is still room for what is not ours. */
    FILE *file = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(file);
    fclose(file);
}

PLAIN(without_guards_all_run, .timeout = 60)
{
    if (too_slow())
        return;
    setenv("ASYNCIO_GUARD", "none", 1);
    ck_assert_int_eq(many().ran, TASKS);
}

PLAIN(without_address_space_those_left_over_are_told_why, .timeout = 60)
{
    struct rlimit limit = {(rlim_t) 4 << 30, (rlim_t) 4 << 30};

    if (too_slow())
        return;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    struct outcome outcome = many();

    ck_assert_int_gt(outcome.ran, 5000);
    ck_assert_int_gt(outcome.refused, 1000);
    ck_assert_ptr_nonnull(strstr(outcome.why, "RLIMIT_AS"));
}
