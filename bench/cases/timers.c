/* SPDX-License-Identifier: MIT */
/*
 * 100,000 and 1,000,000 tasks that each sleep a random time of up to a second:
 * the CPU time of it all, tasks included, for the wall time is given.
 */
#include "case.h"

struct sleeping {
    double seconds;
};

static int
sleeping(void *arg)
{
    struct sleeping *self = arg;
    return asyncio_sleep(self->seconds);
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);
    asyncio_task_t **tasks = task_array((uint64_t) bench->arg);
    uint32_t seed = 42;

    bench_start(bench);
    for (long i = 0; i < bench->arg; i++) {
        double seconds = bench_random(&seed) % 1001 / 1000.0;
        tasks[i] =
            asyncio_create_task(asyncio_coro(sleeping, .seconds = seconds));
    }
    for (long i = 0; i < bench->arg; i++)
        join(tasks[i]);
    bench_stop(bench);
    free(tasks);
    return 0;
}

static void
timers(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "timers/100000",
         .run = timers,
         .arg = 100000,
         .n = 1,
         .unit = "s",
         .macro = true,
         .by_cpu = true},
        {.name = "timers/1000000",
         .run = timers,
         .arg = 1000000,
         .n = 1,
         .unit = "s",
         .macro = true,
         .by_cpu = true},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
