/* SPDX-License-Identifier: MIT */
/* Start 10 or 10,000 tasks that do nothing, and wait for all of them. */
#include "case.h"

static int
empty(void *arg)
{
    (void) arg;
    return 0;
}

static int
body(void *arg)
{
    struct bench *bench = bench_of(arg);
    size_t count = (size_t) bench->arg;
    asyncio_task_t **tasks = task_array(count);

    bench_start(bench);
    for (uint64_t done = 0; done < bench->n; done += count) {
        for (size_t i = 0; i < count; i++)
            tasks[i] = asyncio_create_task(asyncio_coro(empty));
        must(asyncio_gather(tasks, count));
        asyncio_future_unref_array(tasks, count);
    }
    bench_stop(bench);
    free(tasks);
    return 0;
}

static void
gather(struct bench *bench)
{
    run_body(body, bench);
}

int
main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {.name = "gather/10", .run = gather, .arg = 10, .n = 10000},
        {.name = "gather/10000", .run = gather, .arg = 10000, .n = 10000},
        {0},
    };
    return bench_main(argc, argv, "libasyncio", cases);
}
