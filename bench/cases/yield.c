/* SPDX-License-Identifier: MIT */
/*
 * asyncio.sleep(0): through the scheduler to the next task. With 2 tasks it is
 * the scheduler that costs; with thousands, the memory their stacks lie in.
 */
#include "case.h"

static int64_t left; /* yields to do, by all tasks together */

struct yielding {
    struct bench *bench;
};

static int
yielding(void *arg)
{
    struct yielding *self = arg;

    must(asyncio_sleep(0));
    while (left > 0) {
        if (--left == 0)
            bench_stop(self->bench);
        must(asyncio_sleep(0));
    }
    return 0;
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);
    asyncio_task_t **tasks = task_array((uint64_t) bench->arg);

    left = (int64_t) bench->n;
    for (long i = 0; i < bench->arg; i++)
        tasks[i] = asyncio_create_task(asyncio_coro(yielding, .bench = bench));
    must(asyncio_sleep(0));
    bench_start(bench);
    for (long i = 0; i < bench->arg; i++)
        join(tasks[i]);
    free(tasks);
    return 0;
}

static void
yield(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "yield/2", .run = yield, .arg = 2},
        {.name = "yield/100", .run = yield, .arg = 100},
        {.name = "yield/1000", .run = yield, .arg = 1000},
        {.name = "yield/10000", .run = yield, .arg = 10000, .n = 100000},
        {.name = "yield/1000000",
         .run = yield,
         .arg = 1000000,
         .n = 4000000,
         .macro = true},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
