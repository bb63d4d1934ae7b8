/* SPDX-License-Identifier: MIT */
/*
 * Cancel a sleeping task, which has it unwind and end, and wait for that. A
 * thousand at a time; making them is not timed.
 */
#include "case.h"

enum { TASKS = 1000 };

static int
sleeping(void *arg)
{
    (void) arg;
    return asyncio_sleep(3600);
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);
    asyncio_task_t *tasks[TASKS];

    for (uint64_t done = 0; done < bench->n; done += TASKS) {
        for (int i = 0; i < TASKS; i++)
            tasks[i] = asyncio_create_task(asyncio_coro(sleeping));
        must(asyncio_sleep(0));
        bench_start(bench);
        for (int i = 0; i < TASKS; i++)
            asyncio_task_cancel(tasks[i]);
        must(asyncio_wait(tasks, TASKS));
        bench_stop(bench);
        asyncio_future_unref_array(tasks, TASKS);
    }
    return 0;
}

static void
cancel(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "cancel", .run = cancel, .n = 10000, .n_quick = 1000},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
